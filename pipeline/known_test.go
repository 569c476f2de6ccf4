package pipeline_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/churn"
	"parcours/pipeline/event"
)

// facts are those that the rows give of every customer: of events, and of breakpoints as known has them.
func (w *world) facts(known func(pipeline.BreakpointRow) pipeline.KnownRow) map[string][]churn.Fact {
	facts := map[string][]churn.Fact{}
	for _, e := range w.events {
		if e.Data.Customer == e.Home {
			facts[e.Home] = churn.FactsOf(facts[e.Home], e)
		}
	}
	for _, r := range w.newest {
		if k := known(r); k.Of != "" {
			facts[k.Of] = append(facts[k.Of], churn.Fact{At: k.At, What: churn.Broken, ID: r.BreakpointID, Name: r.Kind, Family: k.Family, Amount: math.NaN(), Weight: k.Severity})
		}
	}
	return facts
}

func asKnown(r pipeline.BreakpointRow) pipeline.KnownRow { return r.Known }

// asItStands is what was learnt from before: what stands today, as it reads today.
func asItStands(r pipeline.BreakpointRow) pipeline.KnownRow {
	if r.Deleted {
		return pipeline.KnownRow{}
	}
	return pipeline.KnownRow{Of: r.CustomerID, At: r.DetectedAt, Family: r.ReasonFamily, Severity: r.Severity}
}

// unlike counts the customers of whom facts give other features than the fold has.
func (w *world) unlike(t *testing.T, facts map[string][]churn.Fact) (unlike, customers int) {
	t.Helper()
	features, parameters := churn.AllFeatures(), churn.ParametersOf(w.book)
	err := w.partition.Standings(func(customer string, s *churn.Standing) error {
		var other churn.Standing
		for _, f := range facts[customer] {
			other.Add(f)
		}
		want, got := s.State(w.partition.Clock(), parameters), other.State(w.partition.Clock(), parameters)
		customers++
		if !slices.Equal(want.Features(features), got.Features(features)) {
			unlike++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return unlike, customers
}

// TestKnownIsWhatStandingsHave: whatever happens to breakpoints long after they were detected, in any order of arrival and with any
// crashes, the rows say of each what the customer's standing was told of it. What stands at the end is something else.
func TestKnownIsWhatStandingsHave(t *testing.T) {
	const histories = 400
	leaks, customers, back := 0, 0, 0
	for seed := uint64(1); seed <= histories; seed++ {
		r := rand.New(rand.NewPCG(seed, 41))
		events := history(r)
		end := tick(events[len(events)-1].At.Add(12 * 24 * time.Hour))
		w := disturbed(t, r, events, end)
		if unlike, _ := w.unlike(t, w.facts(asKnown)); unlike > 0 {
			t.Fatalf("seed %d: of %d customers the rows do not give what the fold has.\nscript:\n%s", seed, unlike, script(events))
		}
		unlike, n := w.unlike(t, w.facts(asItStands))
		leaks, customers = leaks+unlike, customers+n
		for _, v := range w.newest {
			if v.Deleted && v.Known.Of != "" {
				back++
			}
		}
	}
	t.Logf("%d customers, of %d what stands today says something else; %d breakpoints were taken back and are known", customers, leaks, back)
	if leaks < 50 || back < 50 {
		t.Errorf("a weak test: of %d customers %d differ by what stands today, %d breakpoints were taken back too late", customers, leaks, back)
	}
}

// lifeOfACase: nobody answers a customer's contact, which ends so, and 120 days later its case comes back.
func lifeOfACase() []*event.Event {
	start := event.InstantOf(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
	var list []*event.Event
	add := func(id, typ string, after time.Duration, d event.Data) {
		d.Customer, d.Silo = "h", "customer_service"
		list = append(list, &event.Event{ID: id, Source: "/a", Type: typ, At: start.Add(after), Home: "h", Data: d})
	}
	const day = 24 * time.Hour
	add("1", event.ContractStarted, 0, event.Data{Product: "fibre"})
	add("2", event.ContactStarted, day, event.Data{Contact: "k", Case: "A", Direction: event.In, Reason: "billing.dispute", Channel: event.Phone})
	add("3", event.ContactAbandoned, day+time.Minute, event.Data{Contact: "k", Case: "A", Direction: event.In, Reason: "billing.dispute", Channel: event.Phone})
	add("4", event.CaseReopened, 120*day, event.Data{Case: "A", Reason: "delivery.late"})
	add("5", event.CaseResolved, 121*day, event.Data{Case: "A"})
	return list
}

// TestTakenBackMonthsLater: the row that takes a breakpoint back months later says what it was, when it went, and that it is known; one
// that nobody had said before, since nothing came in between, has such a row all the same.
func TestTakenBackMonthsLater(t *testing.T) {
	events := lifeOfACase()
	for name, ticks := range map[string][]*event.Event{"said": {tick(events[2].At.Add(60 * 24 * time.Hour))}, "never said": nil} {
		w := newWorld()
		w.straight(append(slices.Clone(events[:3]), ticks...), events[3])
		var gone []pipeline.BreakpointRow
		for _, r := range w.newest {
			if r.Kind == "unresolved_end" {
				gone = append(gone, r)
			}
		}
		if len(gone) != 1 || !gone[0].Deleted {
			t.Fatalf("%s: ends unresolved: %+v", name, gone)
		}
		r := gone[0]
		if r.RetractedAt != events[3].At || r.Known != (pipeline.KnownRow{Of: "h", At: r.DetectedAt, Family: "billing", Severity: 3}) || r.CustomerID != "h" ||
			r.ReasonFamily != "billing" || r.JourneyID == "" || r.DetectedAt < events[2].At || r.DetectedAt > events[2].At.Add(60*24*time.Hour) {
			t.Errorf("%s: it is taken back as %+v", name, r)
		}
		w.straight(events[4:], tick(events[4].At.Add(90*24*time.Hour)))
		if unlike, n := w.unlike(t, w.facts(asKnown)); unlike > 0 || n != 1 {
			t.Errorf("%s: the rows do not give what the fold has", name)
		}
		if unlike, _ := w.unlike(t, w.facts(asItStands)); unlike != 1 {
			t.Errorf("%s: nobody would see it missing", name)
		}
		w.accounted(t, 0)
	}
}

// TestTakenBackSoon: what is taken back within the near time is known of nobody.
func TestTakenBackSoon(t *testing.T) {
	w, events := newWorld(), lifeOfACase()
	w.straight(events[:3], tick(events[2].At.Add(60*24*time.Hour)))
	end := w.breakpoints
	for id, r := range end {
		if r.Kind != "unresolved_end" {
			continue
		}
		soon := *events[3]
		soon.At = r.DetectedAt.Add(24 * time.Hour)
		early := newWorld()
		early.straight(events[:3], tick(r.DetectedAt.Add(time.Hour)))
		early.apply(&soon)
		if gone := early.newest[id]; !gone.Deleted || gone.Known.Of != "" || gone.RetractedAt != soon.At {
			t.Errorf("it is taken back as %+v", gone)
		}
		if unlike, _ := early.unlike(t, early.facts(asKnown)); unlike > 0 {
			t.Error("the rows do not give what the fold has")
		}
		return
	}
	t.Fatal("nothing ended unresolved")
}
