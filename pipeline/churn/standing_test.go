package churn

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

func idOf(i int) string { return "/test e" + strconv.Itoa(i) }

func at(t *testing.T, text string) event.Instant {
	t.Helper()
	layout := time.DateTime
	if len(text) == len(time.DateOnly) {
		layout = time.DateOnly
	}
	v, err := time.Parse(layout, text)
	if err != nil {
		t.Fatal(err)
	}
	return event.InstantOf(v)
}

const (
	hour     = event.Instant(3_600_000)
	oneDay   = 24 * hour
	lateness = 3 * oneDay
)

// lifeOf makes up the facts of a customer over some years, in order, each once; some share an instant.
func lifeOf(rng *rand.Rand, n int) (facts []Fact) {
	now := event.Instant(1_600_000_000_000)
	pace := 1 + rng.IntN(20*24)
	products := []string{"", "fibre", "mobile"}
	often := rng.IntN(2) // a user, mostly
	purposes := []string{"", "marketing", "profiling"}
	for i := range n {
		now += event.Instant(rng.IntN(pace)) * hour * event.Instant(1+rng.IntN(2))
		f := Fact{At: now, ID: idOf(i), Amount: math.NaN()}
		switch d := drawn(rng, often, &f); {
		case d < 30:
			f.What = ServiceUsed
			if rng.IntN(3) > 0 {
				f.Amount = float64(rng.IntN(10000)) / 100
			}
		case d < 45:
			f.What, f.ID, f.Flag = ContactMade, fmt.Sprint("k", i/3), rng.IntN(4) == 0
		case d < 65:
			f.What, f.ID, f.Name, f.Family, f.Weight = Broken, journey.ID("b", strconv.Itoa(i)), kindNames[rng.IntN(len(kindNames))], "billing", uint8(1+rng.IntN(5))
		case d < 69:
			f.What, f.Name, f.Flag = ContractStarted, products[rng.IntN(3)], rng.IntN(5) == 0
			if rng.IntN(4) > 0 {
				f.Amount = float64(rng.IntN(1000))
			}
		case d < 73:
			f.What, f.Name, f.Amount = ContractValued, products[rng.IntN(3)], float64(500*rng.IntN(3))
		case d < 75:
			f.What, f.Name = RightObjected, purposes[rng.IntN(3)]
		case d < 79:
			f.What, f.Name = RightConsented, purposes[rng.IntN(3)]
		case d < 81:
			f.What, f.Name = ContractEnded, []string{"customer", "company"}[rng.IntN(2)]
		case d < 84:
			f.What, f.Amount = SurveyNPS+What(rng.IntN(3)), rng.Float64()
		case d < 86:
			f.What, f.Name = ComplaintRaised, []string{"court", "management"}[rng.IntN(2)]
		default:
			f.What = []What{ContractAsked, ContractPorted, ContractRenewal, ContractKept, ContactMoved, InformationAgain, ComplaintFiled, Uncivil}[rng.IntN(8)]
		}
		facts = append(facts, f)
		now = f.At
	}
	return facts
}

// drawn says what a fact is. Who uses the service often does so, mostly, and pauses now and then; what comes then is no use.
func drawn(rng *rand.Rand, often int, f *Fact) int {
	switch rng.IntN(30*often + 1) {
	case 1:
		f.At += 150 * oneDay
		return 30 + rng.IntN(70)
	case 0:
		return rng.IntN(100)
	}
	return 0
}

// disturbed gives the facts in another order, none later than lateness behind the latest before it, some of them twice.
func disturbed(rng *rand.Rand, facts []Fact) []Fact {
	type arrival struct {
		f  Fact
		at event.Instant
	}
	var list []arrival
	for _, f := range facts {
		for range 1 + rng.IntN(2)*rng.IntN(2) {
			list = append(list, arrival{f, f.At + event.Instant(rng.Int64N(int64(lateness)))})
		}
	}
	slices.SortStableFunc(list, func(a, b arrival) int { return int(a.at - b.at) })
	out := make([]Fact, len(list))
	for i := range list {
		out[i] = list[i].f
	}
	return out
}

// twoBooks change the figures of churn in the middle of a history.
func twoBooks(t *testing.T) *Parameters {
	t.Helper()
	next, err := rules.Parse("next", []byte("churn: {experience: {limit: 5}, explicit: {lapse_after: 20d, renewal_after: 10d}, silence: {season: {august: 0.3}}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return ParametersOf(rules.Default().With(next, 1_630_000_000_000, 7))
}

// TestAnyOrder: facts in any order within lateness, some twice, with settling at any moments allowed and a round trip through
// bytes at any time, give the same signals, features and bytes as the facts in order that nothing disturbed.
func TestAnyOrder(t *testing.T) {
	p, kinds := twoBooks(t), map[string]int{}
	for seed := range uint64(600) {
		rng := rand.New(rand.NewPCG(seed, 3))
		facts := lifeOf(rng, 20+rng.IntN(150))
		end := facts[len(facts)-1].At
		var plain, other Standing
		for _, f := range facts {
			plain.Add(f)
		}
		clock := event.Instant(0)
		for _, f := range disturbed(rng, facts) {
			other.Add(f)
			clock = max(clock, f.At)
			if rng.IntN(3) == 0 {
				other.Settle(clock-lateness-event.Instant(rng.Int64N(int64(10*oneDay))), p)
			}
			if rng.IntN(5) == 0 {
				other = again(t, &other)
			}
			if rng.IntN(5) == 0 {
				other.State(clock, p)
			}
		}
		for _, g := range allSignals(&plain, end, p) {
			kinds[g.Kind+" "+g.ClearedWhy]++
		}
		same(t, seed, &plain, &other, end+event.Instant(rng.Int64N(int64(200*oneDay))), p)
		plain.Settle(end, p)
		other.Settle(end, p)
		if a, b := plain.Append(nil), other.Append(nil); !bytes.Equal(a, b) {
			x, y := fmt.Sprintf("%+v", plain), fmt.Sprintf("%+v", other)
			i := 0
			for i < min(len(x), len(y)) && x[i] == y[i] {
				i++
			}
			t.Fatalf("seed %d: other bytes, from\n%s\n%s", seed, x[max(0, i-200):], y[max(0, i-200):])
		}
		same(t, seed, &plain, &other, end+event.Instant(rng.Int64N(int64(200*oneDay))), p)
	}
	for _, want := range []string{"cancel_requested retained", "cancel_requested lost", "cancel_requested lapsed", "portability_requested objected",
		"renewal_without_contact returned", "value_cut restored", "value_cut lapsed", "silence returned", "silence lost", "experience faded", "experience objected"} {
		if kinds[want] == 0 {
			t.Errorf("no history had %s: %v", want, kinds)
		}
	}
}

func allSignals(s *Standing, at event.Instant, p *Parameters) []Signal {
	state := s.State(at, p)
	return state.Signals()
}

// again reads a standing out of its own bytes.
func again(t *testing.T, s *Standing) Standing {
	t.Helper()
	b := s.Append(nil)
	r, err := ReadStanding(b)
	if err != nil {
		t.Fatal(err)
	}
	if c := r.Append(nil); !bytes.Equal(b, c) {
		t.Fatalf("read and written again it has other bytes\n%x\n%x\n%+v\n%+v", b, c, *s, r)
	}
	return r
}

// same compares what two standings say as of a moment; of signals that ended, as far as neither has let go of them.
func same(t *testing.T, seed uint64, a, b *Standing, at event.Instant, p *Parameters) {
	t.Helper()
	x, y := a.State(at, p), b.State(at, p)
	since := max(x.settled, y.settled)
	left := func(list []Signal) (texts []string) {
		for _, g := range list {
			if g.ClearedAt >= since {
				texts = append(texts, fmt.Sprintf("%+v", g))
			}
		}
		return texts
	}
	if l, r := left(x.Signals()), left(y.Signals()); !slices.Equal(l, r) {
		t.Fatalf("seed %d: other signals\n%v\n%v", seed, l, r)
	}
	names := AllFeatures()
	l, r := x.Features(names), y.Features(names)
	if slices.ContainsFunc(l, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }) {
		t.Fatalf("seed %d: a feature is no number: %v", seed, l)
	}
	if !slices.Equal(l, r) {
		t.Fatalf("seed %d: other features\n%v\n%v", seed, l, r)
	}
	if l, r := fmt.Sprint(x.Contract(), x.Uses(), x.Breakpoints(), x.NextDue(), x.Objected()), fmt.Sprint(y.Contract(), y.Uses(), y.Breakpoints(), y.NextDue(), y.Objected()); l != r {
		t.Fatalf("seed %d: other states\n%s\n%s", seed, l, r)
	}
}

// TestNextDueIsHonest: between two facts nothing changes until NextDue, and something does there.
func TestNextDueIsHonest(t *testing.T) {
	p, changes := twoBooks(t), 0
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 4))
		facts := lifeOf(rng, 40+rng.IntN(60))
		var s Standing
		for i, f := range facts {
			s.Add(f)
			until := f.At + 400*oneDay
			if i+1 < len(facts) {
				until = facts[i+1].At - 1
			}
			for now := f.At; now <= until; {
				due := stays(t, rng, &s, now, until, p)
				if due > until {
					break
				}
				before, after := s.State(due-1, p), s.State(due, p)
				if fmt.Sprint(before.Signals(), before.Contract()) == fmt.Sprint(after.Signals(), after.Contract()) && !before.suppressed() {
					t.Fatalf("seed %d: nothing changed when it was due, at %v: %+v", seed, due, after.core)
				}
				changes++
				now = due
			}
		}
	}
	if changes < 300 {
		t.Errorf("only %d changes by time", changes)
	}
}

// suppressed says whether what falls due may be kept silent.
func (s *State) suppressed() bool {
	return s.Objected() || s.core.contract.left || s.core.contract.captive || s.core.open(RenewalDue) != nil
}

// stays fails where anything changes from now until what is said to be due; it looks at random moments and at the last.
func stays(t *testing.T, rng *rand.Rand, s *Standing, now, until event.Instant, p *Parameters) event.Instant {
	t.Helper()
	first := s.State(now, p)
	due, text := first.NextDue(), fmt.Sprint(first.Signals(), first.Contract())
	if due <= now {
		t.Fatalf("at %v it was due already, at %v", now, due)
	}
	last := min(due-1, until)
	for _, look := range []event.Instant{last, now + event.Instant(rng.Int64N(int64(last-now)+1))} {
		if state := s.State(look, p); fmt.Sprint(state.Signals(), state.Contract()) != text || state.NextDue() != due {
			t.Fatalf("it changed between %v and %v, at %v", now, due, look)
		}
	}
	return due
}

// TestNothingFromTheFuture: what a model looks at as of a moment is the same whether the facts after it are known or not.
func TestNothingFromTheFuture(t *testing.T) {
	for seed := range uint64(200) {
		if leak := leaks(t, seed, func(s *Standing, at event.Instant, p *Parameters) State { return s.State(at, p) }); leak != "" {
			t.Fatalf("seed %d: %s", seed, leak)
		}
	}
}

// TestLeakIsCaught plants leaks, and sees the test before catch each.
func TestLeakIsCaught(t *testing.T) {
	for name, read := range map[string]func(*Standing, event.Instant, *Parameters) State{
		"a day ahead": func(s *Standing, at event.Instant, p *Parameters) State {
			state := s.State(at+oneDay, p)
			state.at = at
			return state
		},
		"the last known contract": func(s *Standing, at event.Instant, p *Parameters) State {
			state, all := s.State(at, p), s.State(at+10000*oneDay, p)
			state.core.contract = all.core.contract
			return state
		},
		"sums of all facts": func(s *Standing, at event.Instant, p *Parameters) State {
			state, all := s.State(at, p), s.State(at+10000*oneDay, p)
			state.core.sums = all.core.sums
			return state
		},
	} {
		caught := 0
		for seed := range uint64(50) {
			if leaks(t, seed, read) != "" {
				caught++
			}
		}
		if caught < 35 {
			t.Errorf("%s: caught in %d of 50 histories", name, caught)
		}
	}
}

// leaks compares what is read as of many moments, with all facts known and with those until then only; "" where it is the same.
func leaks(t *testing.T, seed uint64, read func(*Standing, event.Instant, *Parameters) State) string {
	t.Helper()
	p, rng := twoBooks(t), rand.New(rand.NewPCG(seed, 5))
	facts := lifeOf(rng, 60)
	var all Standing
	for _, f := range facts {
		all.Add(f)
	}
	for range 30 {
		i := rng.IntN(len(facts))
		moment := facts[i].At + event.Instant(rng.IntN(2))
		var known Standing
		for _, f := range facts {
			if f.At <= moment {
				known.Add(f)
			}
		}
		x, y := read(&all, moment, p), known.State(moment, p)
		if a, b := x.Features(AllFeatures()), y.Features(AllFeatures()); !slices.Equal(a, b) {
			return fmt.Sprintf("as of %v:\n%v\n%v", moment, a, b)
		}
		if a, b := fmt.Sprint(x.Contract(), x.Uses(), x.Signals()), fmt.Sprint(y.Contract(), y.Uses(), y.Signals()); a != b {
			return fmt.Sprintf("as of %v: %s\n%s", moment, a, b)
		}
	}
	return ""
}

// TestStateChangesNothing: reading a standing, also ahead, leaves it as it is; and so does what is done to a State.
func TestStateChangesNothing(t *testing.T) {
	p := twoBooks(t)
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 6))
		facts := lifeOf(rng, 60)
		var s Standing
		for i, f := range facts {
			s.Add(f)
			s.Settle(f.At-lateness, p)
			before := s.Append(nil)
			s.State(f.At, p)
			s.State(f.At+1000*oneDay, p)
			if i%5 == 0 && !bytes.Equal(before, s.Append(nil)) {
				t.Fatalf("seed %d: reading changed it", seed)
			}
		}
	}
}

// TestLateFactsAreLeft: a fact before what is settled is passed over, one at that moment is not; Remove takes back recent
// facts only.
func TestLateFactsAreLeft(t *testing.T) {
	p := ParametersOf(rules.Default())
	var s Standing
	if !s.Empty() {
		t.Error("the zero value is not empty")
	}
	s.Add(Fact{At: 10 * oneDay, What: ComplaintFiled, ID: "a"})
	s.Settle(20*oneDay, p)
	if at, settled := s.Settled(); at != 20*oneDay || !settled || s.Empty() {
		t.Errorf("settled %v %v, empty %v", at, settled, s.Empty())
	}
	count := func() float64 {
		state := s.State(20*oneDay, p)
		return math.Round(state.core.of(sumComplaints, 2, 10*oneDay))
	}
	s.Add(Fact{At: 20*oneDay - 1, What: ComplaintFiled, ID: "late"})
	s.Remove(ComplaintFiled, "a")
	if got := count(); got != 1 {
		t.Errorf("%v complaints, expected the settled one", got)
	}
	s.Add(Fact{At: 20 * oneDay, What: ComplaintFiled, ID: "b"})
	if got := count(); got != 2 {
		t.Errorf("%v complaints, expected two", got)
	}
	s.Remove(ComplaintFiled, "b")
	s.Remove(ComplaintFiled, "nobody")
	if got := count(); got != 1 {
		t.Errorf("%v complaints after one was taken back", got)
	}
	s.Settle(15*oneDay, p)
	if at, _ := s.Settled(); at != 20*oneDay {
		t.Errorf("settled backwards, at %v", at)
	}
}

// TestReplaced: of one (What, ID) there is one fact, the last said; of a contact, its first event.
func TestReplaced(t *testing.T) {
	p := ParametersOf(rules.Default())
	var s Standing
	s.Add(Fact{At: 5 * oneDay, What: Broken, ID: "b", Name: "long_wait", Weight: 2})
	s.Add(Fact{At: 6 * oneDay, What: Broken, ID: "b", Name: "long_wait", Weight: 3})
	s.Add(Fact{At: 9 * oneDay, What: ContactMade, ID: "k"})
	s.Add(Fact{At: 8 * oneDay, What: ContactMade, ID: "k"})
	s.Add(Fact{At: 10 * oneDay, What: ContactMade, ID: "k"})
	state := s.State(20*oneDay, p)
	if got := state.Breakpoints(); len(got) != 1 || got[0].At != 6*oneDay || got[0].Severity != 3 {
		t.Errorf("breakpoints %+v", got)
	}
	if got := state.core.contacts; len(got) != 1 || got[0].first != 8*oneDay {
		t.Errorf("contacts %+v", got)
	}
	s.Settle(15*oneDay, p)
	s.Add(Fact{At: 16 * oneDay, What: ContactMade, ID: "k"})
	s.Add(Fact{At: 17 * oneDay, What: Broken, ID: "b", Name: "long_wait", Weight: 2})
	if state = s.State(20*oneDay, p); len(state.core.contacts) != 1 || len(state.Breakpoints()) != 1 {
		t.Errorf("said again after it was settled, it counts twice: %+v", state.core)
	}
}

// TestKindsFit: the sums have room for the kinds.
func TestKindsFit(t *testing.T) {
	if n := len(rules.Kinds()); n > sumContacts {
		t.Errorf("%d kinds, and room for %d", n, sumContacts)
	}
	for _, kind := range rules.Kinds() {
		if w := kindWords[kind]; w.fr == "" || w.en == "" {
			t.Errorf("no words for %s", kind)
		}
	}
	if reflect.TypeFor[What]().Kind() != reflect.Uint8 {
		t.Error("facts are packed in a byte")
	}
}
