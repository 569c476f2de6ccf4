package pipeline_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/churn"
	"parcours/pipeline/event"
)

// leaving is a random life of a few customers who use a service, have contracts, complain, object, and meet breakpoints, in
// order of time.
func leaving(r *rand.Rand) []*event.Event {
	start := event.InstantOf(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
	types := []string{
		event.ContractStarted, event.ContractRenewalDue, event.ContractValueChanged, event.ContractCancelRequested, event.PortabilityRequested,
		event.ContractRetained, event.ContractCancelled, event.CustomerObjected, event.CustomerConsented, event.ComplaintFiled,
		event.SurveyAnswered, event.InformationRepeated, event.ContactStarted, event.ContactEnded, event.ContactAbandoned, event.ContactTransferred,
		event.MessageReceived, event.MessageReplied, event.PromiseMade, event.CaseOpened, event.CaseResolved, event.CaseReopened,
		event.ContactRefused, event.ServiceUsed,
	}
	day := event.Instant(24 * time.Hour / time.Millisecond)
	days := int64(30 + r.IntN(300))
	var list []*event.Event
	add := func(typ string, at event.Instant) *event.Event {
		e := randomEvent(r, len(list), typ, at)
		e.Data.Customer, e.Data.Case = e.Home, "" // what a case is about may change for months
		if e.Data.Contact != "" {
			e.Data.Contact += e.At.String()[:10]
		}
		list = append(list, e)
		return e
	}
	for range 10 + r.IntN(60) {
		typ := types[r.IntN(len(types))]
		e := add(typ, start+event.Instant(r.Int64N(days*int64(day))))
		if typ == event.ContractStarted || typ == event.ContractValueChanged {
			worth := float64(r.IntN(5) * 100)
			e.Data.AnnualMargin, e.Data.Value = &worth, &worth
		}
		if typ == event.ContractStarted {
			e.Data.Captive = r.IntN(6) == 0
		}
		if strings.HasPrefix(typ, "customer.") {
			e.Data.To = []string{"analytics", "scoring"}[r.IntN(2)]
		}
	}
	for at := start + event.Instant(r.Int64N(int64(20*day))); r.IntN(25) > 0; at += event.Instant(1+r.IntN(6)) * day {
		e := add(event.ServiceUsed, at+event.Instant(r.Int64N(int64(day))))
		e.Home, e.Data.Customer = "h1", "h1"
	}
	slices.SortFunc(list, func(a, b *event.Event) int {
		if a.Before(b) {
			return -1
		}
		return 1
	})
	return list
}

// standings says what a model would see of every customer at the end.
func (w *world) standings(t *testing.T) string {
	t.Helper()
	var lines []string
	parameters := churn.ParametersOf(w.book)
	err := w.partition.Standings(func(customer string, s *churn.Standing) error {
		state := s.State(w.partition.Clock(), parameters)
		lines = append(lines, fmt.Sprint(customer, state.Contract(), state.Uses(), state.Breakpoints(), state.Objected(), state.Features(churn.AllFeatures())))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// onTheEdge says whether a message changes or takes back a breakpoint about as long after it was detected as what is known of it
// may still change: then the order of arrival decides whether it does.
func (w *world) onTheEdge(c *pipeline.Changes, at event.Instant) bool {
	for _, r := range c.Rows.Breakpoints {
		before, there := w.breakpoints[r.BreakpointID]
		changed := r.Deleted || r.DetectedAt != before.DetectedAt || r.ReasonFamily != before.ReasonFamily || r.Severity != before.Severity || r.CustomerID != before.CustomerID
		if off := at.Sub(before.DetectedAt) - w.book.Near(); there && changed && off.Abs() <= w.book.Lateness {
			return true
		}
	}
	return false
}

// TestChurnHistories: any order of arrival within the lateness bound, any copies, any ticks, any crashes leave the same churn
// signals, and of every customer the same standing.
func TestChurnHistories(t *testing.T) {
	const histories = 150
	kinds, whys, edges := map[string]int{}, map[string]int{}, 0
	for seed := uint64(1); seed <= histories; seed++ {
		r := rand.New(rand.NewPCG(seed, 31))
		events := leaving(r)
		end := tick(events[len(events)-1].At.Add(time.Duration(3*24+r.IntN(60*24)) * time.Hour))
		want := newWorld()
		want.straight(events, end)
		got := disturbed(t, r, events, end)
		want.accounted(t, seed)
		got.accounted(t, seed)
		if want.edge || got.edge {
			edges++
			continue
		}
		if a, b := want.netSignals(), got.netSignals(); a != b {
			t.Fatalf("seed %d: a disturbed order has other signals.\nscript:\n%s\n%s", seed, script(events), diff(a, b))
		}
		if a, b := want.standings(t), got.standings(t); a != b {
			t.Fatalf("seed %d: a disturbed order knows something else.\nscript:\n%s\n%s", seed, script(events), diff(a, b))
		}
		for _, s := range got.signals {
			kinds[s.Kind]++
			whys[s.ClearedWhy]++
		}
	}
	if len(kinds) != 6 || len(whys) != 8 || edges > histories/20 {
		t.Errorf("a weak test: %v, cleared %v; %d histories on the edge", kinds, whys, edges)
	}
}

// asking is a customer who asks to leave: one event.
func asking(home, id string, at event.Instant) *event.Event {
	e := &event.Event{ID: id, Source: "/a", Type: event.ContractCancelRequested, At: at, Home: home}
	e.Data.Customer = home
	return e
}

func of(typ string, e *event.Event, after time.Duration) *event.Event {
	other := *e
	other.ID, other.Type, other.At = e.ID+typ, typ, e.At.Add(after)
	return &other
}

// TestPoisonousCustomer: a customer on whom the fold fails when a signal is due loses his signals and is reported, once; the
// others go on. One on whom it fails when an event comes has it set aside, and nothing else changes.
func TestPoisonousCustomer(t *testing.T) {
	start := event.InstantOf(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
	want, got := newWorld(), newWorld()
	want.apply(asking("good", "1", start))
	got.apply(asking("good", "1", start))
	got.apply(asking("bad", "2", start))
	if len(got.signals) != 2 || len(want.signals) != 1 {
		t.Fatalf("%d signals with the bad customer, %d without", len(got.signals), len(want.signals))
	}
	failing := true
	pipeline.FailLookAt(func(customer string) {
		if failing && customer == "bad" {
			panic("a defect")
		}
	})
	t.Cleanup(func() { pipeline.FailLookAt(nil) })
	got.apply(of(event.ContractRetained, asking("bad", "2", start), time.Hour))
	if counts := got.partition.Counts(); counts.SetAside != 1 || counts.First != 2 || len(got.signals) != 2 {
		t.Fatalf("an event on which the fold of the customer fails: %+v, %d signals", counts, len(got.signals))
	}
	var reported []pipeline.SetAside
	due := tick(start.Add(400 * 24 * time.Hour)) // a request lapses
	want.apply(due)
	got.position++
	c := got.fold(&pipeline.Message{Position: got.position, StoredAt: due.At, Type: due.Type}, due)
	got.see(c)
	reported = append(reported, c.SetAside...)
	failing = false // whatever comes, nothing is said of him any more
	for _, w := range []*world{want, got} {
		w.apply(of(event.ContractRetained, asking("good", "1", start), 401*24*time.Hour))
	}
	got.apply(asking("bad", "3", start.Add(401*24*time.Hour)))
	if len(reported) != 1 || reported[0].Reason != event.ReasonPoisonous || reported[0].Field != "customer" {
		t.Errorf("reported: %+v", reported)
	}
	if len(want.signals) != 1 || got.netSignals() != want.netSignals() {
		t.Errorf("what people see:\n%s", diff(want.netSignals(), got.netSignals()))
	}
	got.accounted(t, 0)
	if got.standings(t) != want.standings(t) {
		t.Errorf("what is known:\n%s", diff(want.standings(t), got.standings(t)))
	}
}

// TestQuarantinedCustomer: with a home that has too many events goes what was known and said of its customer.
func TestQuarantinedCustomer(t *testing.T) {
	w := newWorld()
	start := event.InstantOf(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
	w.apply(asking("h", "1", start))
	for i := 0; len(w.signals) > 0; i++ {
		e := asking("h", fmt.Sprint("page", i), start.Add(time.Duration(i)*time.Minute))
		e.Type = event.PageViewed
		if w.apply(e); i > w.book.MostEvents {
			t.Fatal("the home is not quarantined")
		}
	}
	w.apply(asking("h", "2", start.Add(100*time.Hour)))
	if len(w.signals) != 0 || w.standings(t) != "" || w.partition.Counts().Quarantined != 1 {
		t.Errorf("%d signals, standings %q", len(w.signals), w.standings(t))
	}
	w.accounted(t, 0)
}

// TestLateObjection: an objection that comes too late for journeys holds from the moment it is known; no other late event does.
func TestLateObjection(t *testing.T) {
	start := event.InstantOf(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
	w := newWorld()
	w.apply(asking("h", "1", start))
	w.apply(tick(start.Add(30 * 24 * time.Hour)))
	w.apply(of(event.ContractRetained, asking("h", "2", start), time.Hour))
	for _, s := range w.signals {
		if s.ClearedWhy != "" {
			t.Errorf("a late event entered: %+v", s)
		}
	}
	w.apply(of(event.CustomerObjected, asking("h", "3", start), time.Hour))
	if len(w.signals) != 1 {
		t.Fatalf("%d signals", len(w.signals))
	}
	for _, s := range w.signals {
		if s.ClearedWhy != churn.Objected || s.ClearedAt != start.Add(30*24*time.Hour) {
			t.Errorf("after a late objection: %+v", s)
		}
	}
	w.apply(asking("h", "4", start.Add(31*24*time.Hour)))
	if len(w.signals) != 1 {
		t.Errorf("signals of an objector: %+v", w.signals)
	}
	w.accounted(t, 0)
}

// TestDifferenceOfSignals: what a generation that takes over says otherwise of churn signals is told, and is valid by its schema.
func TestDifferenceOfSignals(t *testing.T) {
	w := newWorld()
	w.apply(asking("h", "1", event.InstantOf(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))))
	var open pipeline.ChurnSignalRow
	for _, r := range w.signals {
		open = r
	}
	over := open
	over.ClearedAt, over.ClearedWhy = open.RaisedAt.Add(time.Hour), churn.Retained
	c := newContract(t)
	for _, d := range []struct {
		before, now *pipeline.ChurnSignalRow
		want        string
	}{
		{nil, &open, "churn.signalled"}, {nil, &over, "churn.signalled churn.cleared"}, {&open, &over, "churn.cleared"}, {&over, &open, "churn.signalled"},
		{&open, nil, "churn.cleared"},
	} {
		var changes pipeline.Changes
		w.partition.TellDifference(&pipeline.Difference{OldSignal: d.before, NewSignal: d.now}, 2, 9, 0, &changes)
		var got []string
		for _, m := range changes.Told {
			got = append(got, m.Type)
		}
		if strings.Join(got, " ") != d.want {
			t.Errorf("told %v, expected %s", got, d.want)
		}
		c.check(d.want, changes.Told)
		if last := changes.Told[len(changes.Told)-1]; d.now == nil && !strings.Contains(string(last.Body), `"why":"retracted"`) {
			t.Errorf("a signal that is gone is told as %s", last.Body)
		}
	}
}
