package simulate_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/simulate"
)

// golden is the history of the default company: 500 customers, 30 days, seed 1. A change of it is a change of every figure
// that anybody wrote down about the demonstration; then say so in the changelog.
const golden = "0541bf32a8d2548001c941e50fd57ab2ac0fc26cd4a78380e5bd432217487f2a"

func TestSameSeedSameBytes(t *testing.T) {
	a, b := written(t, simulate.Config{Seed: 1}), written(t, simulate.Config{Seed: 1})
	if !bytes.Equal(a, b) {
		t.Error("the same seed gave two histories")
	}
	if bytes.Equal(a, written(t, simulate.Config{Seed: 2})) {
		t.Error("another seed gave the same history")
	}
	sum := sha256.Sum256(a)
	if got := hex.EncodeToString(sum[:]); got != golden {
		t.Errorf("the history of seed 1 has changed: %s", got)
	}
}

func TestVolume(t *testing.T) {
	for _, c := range []struct{ customers, days, least, most, needs int }{
		{500, 30, 2800, 5500, 400},
		{2000, 60, 17000, 34000, 3000},
	} {
		s := simulate.New(simulate.Config{Customers: c.customers, Days: c.days, Seed: 1})
		began := time.Now()
		events := slices.Collect(s.Events())
		took := time.Since(began)
		needs := slices.Collect(s.Truth())
		t.Logf("%d customers, %d days: %d events, %d needs in %s", c.customers, c.days, len(events), len(needs), took)
		if len(events) < c.least || len(events) > c.most || len(needs) < c.needs {
			t.Errorf("%d events and %d needs: want %d to %d, and %d", len(events), len(needs), c.least, c.most, c.needs)
		}
	}
}

// TestEveryEventIsValid also holds that nothing is dropped at the door and that event times end with the simulation.
func TestEveryEventIsValid(t *testing.T) {
	for seed := range uint64(3) {
		s := simulate.New(simulate.Config{Customers: 800, Days: 90, Seed: seed})
		var body []byte
		for e := range s.Events() {
			body = event.AppendLog(body[:0], &e)
			_, dropped, refusal := event.Decode(body, event.Limits{Now: s.End()})
			if refusal != nil || len(dropped) > 0 {
				t.Fatalf("seed %d: %v, dropped %v: %s", seed, refusal, dropped, body)
			}
			if e.At >= s.End() || e.At.Time().Before(simulate.DefaultStart) {
				t.Fatalf("seed %d: outside of the simulated days: %s", seed, body)
			}
		}
	}
}

func TestTypesArePlausible(t *testing.T) {
	count := map[string]int{}
	for e := range simulate.New(simulate.Config{Customers: 2000, Days: 60, Seed: 1}).Events() {
		count[e.Type]++
	}
	for _, c := range []struct {
		typ         string
		least, most int
	}{
		{event.ContactStarted, 1500, 5000}, {event.ContactQueued, 1500, 5000}, {event.ContactAnswered, 1500, 5000},
		{event.ContactRefused, 50, 800}, {event.ContactAbandoned, 50, 500}, {event.ContactTransferred, 300, 2000},
		{event.ContactEnded, 1300, 4500}, {event.MessageReceived, 200, 1500}, {event.MessageReplied, 200, 1400},
		{event.PageViewed, 3000, 9000}, {event.SearchPerformed, 300, 2500}, {event.FormStarted, 500, 2000},
		{event.FormFailed, 200, 2000}, {event.FormSubmitted, 200, 1200}, {event.BotAnswered, 200, 1500},
		{event.BotHandedOver, 50, 500}, {event.CaseOpened, 200, 1200}, {event.CaseWaiting, 30, 400},
		{event.CaseResumed, 30, 400}, {event.CaseReopened, 10, 100}, {event.CaseResolved, 200, 1200},
		{event.CaseClosed, 200, 1200}, {event.StepPerformed, 300, 1500}, {event.ComplaintFiled, 30, 300},
		{event.ComplaintAcknowledged, 20, 300}, {event.ComplaintAnswered, 10, 300}, {event.ComplaintEscalated, 2, 100},
		{event.PromiseMade, 50, 600}, {event.PromiseKept, 20, 400}, {event.OrderPlaced, 400, 1200},
		{event.OrderDelivered, 350, 1200}, {event.SurveySent, 200, 1500}, {event.SurveyAnswered, 50, 600},
		{event.ContractCancelRequested, 5, 100}, {event.ContractCancelled, 5, 100}, {event.ContractStarted, 2000, 2040}, {event.InformationRepeated, 100, 1500},
		{event.PaymentFailed, 30, 300}, {event.TransactionCompleted, 100, 800}, {event.AppointmentMade, 100, 800},
		{event.AppointmentMissed, 10, 200}, {event.ServiceUsed, 80, 700}, {event.IncivilityReported, 5, 100},
		{event.PraiseReceived, 10, 200}, {event.OutreachSent, 5, 200}, {event.IncidentStarted, 1, 15}, {event.IncidentEnded, 1, 15},
	} {
		if n := count[c.typ]; n < c.least || n > c.most {
			t.Errorf("%d of %s: want %d to %d", n, c.typ, c.least, c.most)
		}
	}
}

// TestEveryKindIsPlanted counts the failures that can be seen: each kind at least 30 times, in each company that ships; and
// everything that is meant to disturb is there.
func TestEveryKindIsPlanted(t *testing.T) {
	for _, name := range simulate.Companies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen, hidden, endings := map[string]int{}, map[string]int{}, map[simulate.Ending]int{}
			var noise simulate.Noise
			semblances := map[string]int{}
			for n := range simulate.New(simulate.Config{Customers: 4000, Days: 90, Seed: 1, Parameters: company(t, name)}).Truth() {
				endings[n.Ending]++
				noise = plus(noise, n.Noise)
				for _, f := range n.Failures {
					if f.Hidden {
						hidden[f.Kind]++
					} else {
						seen[f.Kind]++
					}
				}
				for _, x := range n.Semblances {
					semblances[x.Kind]++
				}
			}
			t.Logf("planted %v, hidden %v, semblances %v, endings %v, noise %+v", seen, hidden, semblances, endings, noise)
			for _, kind := range simulate.Kinds {
				if seen[kind] < 30 {
					t.Errorf("%s: planted %d times, and hidden %d times", kind, seen[kind], hidden[kind])
				}
			}
			for _, ending := range []simulate.Ending{
				simulate.Served, simulate.SelfServed, simulate.Resolved, simulate.GivenUp, simulate.Lost, simulate.Unfinished,
			} {
				if endings[ending] == 0 {
					t.Errorf("no need ended as %s", ending)
				}
			}
			if len(semblances) < 8 {
				t.Errorf("only these kinds have semblances: %v", semblances)
			}
			if noise.Copies == 0 || noise.Late == 0 || noise.NoReason == 0 || noise.NoCustomer == 0 || noise.NoField == 0 || noise.Unsent == 0 {
				t.Errorf("noise missing: %+v", noise)
			}
		})
	}
}

func company(t *testing.T, name string) *simulate.Parameters {
	t.Helper()
	p, err := simulate.Company(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func plus(a, b simulate.Noise) simulate.Noise {
	return simulate.Noise{
		Copies: a.Copies + b.Copies, Late: a.Late + b.Late, NoReason: a.NoReason + b.NoReason, NoCustomer: a.NoCustomer + b.NoCustomer,
		NoField: a.NoField + b.NoField, Unsent: a.Unsent + b.Unsent,
	}
}

// TestCopiesAndDisorder: what came again is the same event, and what came late came less than 72 hours late.
func TestCopiesAndDisorder(t *testing.T) {
	for _, name := range simulate.Companies() {
		t.Run(name, func(t *testing.T) {
			copiesAndDisorder(t, simulate.Config{Customers: 1500, Seed: 1, Parameters: company(t, name)})
		})
	}
}

func copiesAndDisorder(t *testing.T, c simulate.Config) {
	first := map[string]event.Event{}
	copies, disorder, late, latest := 0, 0, 0, event.Instant(0)
	for e := range simulate.New(c).Events() {
		name := e.Source + " " + e.ID
		if before, ok := first[name]; ok {
			copies++
			if string(event.AppendLog(nil, &before)) != string(event.AppendLog(nil, &e)) {
				t.Errorf("%s came again as another event", name)
			}
		}
		first[name] = e
		if e.At < latest {
			disorder++
		}
		if latest.Sub(e.At) >= 72*time.Hour {
			t.Errorf("%s came after one of %s", e.String(), latest)
		}
		if latest.Sub(e.At) > 20*time.Hour {
			late++
		}
		latest = max(latest, e.At)
	}
	n := len(first)
	if copies < n/400 || copies > n/30 || disorder < n/100 || disorder > n/4 || late == 0 || late > n/200 {
		t.Errorf("of %d events %d came again, %d out of order and %d after a day or two", n, copies, disorder, late)
	}
}

// TestNeedsHoldTogether: the truth is about what the events tell.
func TestNeedsHoldTogether(t *testing.T) {
	s := simulate.New(simulate.Config{Customers: 1000, Days: 45, Seed: 3})
	var last event.Instant
	told := 0
	for n := range s.Truth() {
		if n.ID == "" {
			continue
		}
		told += n.Events
		switch {
		case n.At < last:
			t.Errorf("need %+v comes after one of %s", n, last)
		case n.Reason == "" || n.Ending == "" || n.Customer == "" || n.Segment == "":
			t.Errorf("need %+v says too little", n)
		case n.Events > 0 && n.EndedAt < n.At, n.EndedAt >= s.End():
			t.Errorf("need %+v ended when it could not", n)
		case n.Ending == simulate.SelfServed && n.Contacts > 0:
			t.Errorf("need %+v was solved alone, with help", n)
		}
		for _, f := range n.Failures {
			if !slices.Contains(simulate.Kinds[:], f.Kind) || f.At < n.At || f.At >= s.End() || f.Cause == "" {
				t.Errorf("need %+v: failure %+v", n, f)
			}
		}
		for _, x := range n.Semblances {
			if !slices.Contains(simulate.Kinds[:], x.Kind) || x.At < n.At || x.At >= s.End() || x.Cause == "" {
				t.Errorf("need %+v: semblance %+v", n, x)
			}
		}
		last = n.At
	}
	needs := 0
	for h := range s.Happened() {
		if h.Event.Data.Reason != "" {
			needs++
		}
	}
	if needs != told {
		t.Errorf("needs tell %d events, %d happened", told, needs)
	}
}

// TestContactsAreWhole: in order of time, each contact starts once, before anything else of it.
func TestContactsAreWhole(t *testing.T) {
	s := simulate.New(simulate.Config{Seed: 5, Days: 60})
	events := slices.Collect(s.Events())
	slices.SortStableFunc(events, func(a, b event.Event) int { return int(a.At - b.At) })
	state := map[string]string{}
	names := map[string]bool{}
	for _, e := range events {
		if name := e.Source + " " + e.ID; names[name] || e.Source == "/sim/surveys" || e.Source == "/sim/bot" || event.SpecOf(e.Type).Family == "voice" {
			continue
		} else {
			names[name] = true
		}
		id := e.Data.Contact
		before := state[id]
		begins := e.Type == event.ContactStarted || e.Type == event.MessageReceived
		over := before == event.ContactEnded || before == event.ContactRefused || before == event.ContactAbandoned
		if id != "" && (begins != (before == "") || over) {
			t.Errorf("%s after %q", e.String(), before)
		}
		if id != "" {
			state[id] = e.Type
		}
	}
	if len(state) < 200 {
		t.Errorf("only %d contacts", len(state))
	}
}

// TestSmallerIsTheSameCompany: the customers of a small company have the same needs as the first ones of a big one.
func TestSmallerIsTheSameCompany(t *testing.T) {
	needs := func(customers int) (all []string) {
		for n := range simulate.New(simulate.Config{Customers: customers, Seed: 7}).Truth() {
			if n.Customer <= "10000050" {
				all = append(all, n.Customer+" "+n.At.String()+" "+n.Reason+" "+string(n.Ending))
			}
		}
		return all
	}
	if small, big := needs(50), needs(500); !slices.Equal(small, big) {
		t.Errorf("%d needs of 50 customers, %d of the same ones among 500", len(small), len(big))
	}
}

// TestOddSizes: any size, start and seed tells a history within its days.
func TestOddSizes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 40 {
		c := simulate.Config{
			Customers: 1 + rng.IntN(40), Days: 1 + rng.IntN(400), Seed: rng.Uint64(),
			Start: time.Unix(rng.Int64N(4e9), 0).UTC(),
		}
		s := simulate.New(c)
		for e := range s.Events() {
			if e.At.Time().Before(c.Start.Truncate(time.Millisecond)) || e.At >= s.End() {
				t.Fatalf("%+v: %s", c, e.String())
			}
			if r := event.Check(&e, event.Limits{Now: math.MaxInt64 / 2}); r != nil {
				t.Fatalf("%+v: %v: %s", c, r, e.String())
			}
		}
	}
}

// TestNoise: with probabilities of 0 nothing is wrong with the events.
func TestNoise(t *testing.T) {
	p := simulate.Default()
	p.Noise, p.Systems = simulate.NoiseSettings{}, nil
	s := simulate.New(simulate.Config{Seed: 1, Parameters: p})
	for n := range s.Truth() {
		if n.Noise != (simulate.Noise{}) {
			t.Errorf("need %+v has noise", n)
		}
	}
	var last event.Instant
	names := map[string]bool{}
	for e := range s.Events() {
		if e.At < last || names[e.Source+" "+e.ID] {
			t.Fatalf("out of order, or again: %s", e.String())
		}
		last, names[e.Source+" "+e.ID] = e.At, true
	}
}

func TestBrokenLines(t *testing.T) {
	const broken = 9
	s := simulate.New(simulate.Config{Customers: 50, Seed: 1, Broken: broken})
	valid, refused := 0, map[string]int{}
	for line := range strings.Lines(string(written(t, simulate.Config{Customers: 50, Seed: 1, Broken: broken}))) {
		if _, _, r := event.Decode([]byte(line), event.Limits{Now: s.End()}); r != nil {
			refused[r.Reason]++
		} else {
			valid++
		}
	}
	all := 0
	for range s.Events() {
		all++
	}
	sum := 0
	for _, n := range refused {
		sum += n
	}
	if valid != all || sum != broken || len(refused) < 3 {
		t.Errorf("%d valid lines of %d events, refused %v", valid, all, refused)
	}
}

func TestProgress(t *testing.T) {
	calls, done, total := 0, 0, 0
	s := simulate.New(simulate.Config{Customers: 50, Seed: 1, Broken: 2})
	if err := s.WriteNDJSON(io.Discard, func(d, n int) { calls, done, total = calls+1, d, n }); err != nil {
		t.Fatal(err)
	}
	if calls == 0 || calls != done || done != total {
		t.Errorf("%d calls, the last says %d of %d", calls, done, total)
	}
}

func TestWriteErrorsComeBack(t *testing.T) {
	full := errors.New("disk full")
	if err := simulate.New(simulate.Config{Seed: 1}).WriteNDJSON(fails{full}, nil); !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
}

func TestStopping(t *testing.T) {
	s := simulate.New(simulate.Config{Seed: 1})
	n := 0
	for range s.Events() {
		if n++; n == 100 {
			break
		}
	}
	for range s.Truth() {
		if n++; n == 110 {
			break
		}
	}
	if n != 110 {
		t.Errorf("stopped at %d", n)
	}
}

type fails struct{ err error }

func (f fails) Write([]byte) (int, error) { return 0, f.err }

func written(t *testing.T, c simulate.Config) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := simulate.New(c).WriteNDJSON(&b, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func BenchmarkEvents(b *testing.B) {
	s := simulate.New(simulate.Config{Customers: 2000, Days: 60, Seed: 1})
	b.ReportAllocs()
	for b.Loop() {
		for range s.Events() {
		}
	}
}
