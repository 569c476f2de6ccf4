package pipeline_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

func call(id string, at event.Instant) *event.Event {
	e := &event.Event{ID: id, Source: "/a", Type: event.ContactStarted, At: at, Home: "h"}
	e.Data.Customer, e.Data.Reason, e.Data.Channel = "h", "billing.dispute", event.Phone
	return e
}

// TestLate: an event more than the bound behind the clock is kept and marked, and stays out of journeys; exactly at the
// bound it is in time. A copy of a late one is a copy; its id with another time is set aside.
func TestLate(t *testing.T) {
	bound := rules.Default().Lateness
	now := event.InstantOf(time.Date(2026, 3, 20, 8, 0, 0, 0, time.UTC))
	w := newWorld()
	w.apply(call("now", now))
	w.apply(call("in time", now.Add(-bound)))
	w.apply(call("late", now.Add(-bound)-1))
	w.apply(call("late", now.Add(-bound)-1))
	w.apply(call("late", now.Add(-bound)-2))
	counts := w.partition.Counts()
	if counts.First != 2 || counts.Late != 1 || counts.Copies != 1 || counts.SetAside != 1 {
		t.Errorf("counts are %+v", counts)
	}
	if place := w.steps["/a late"]; place.Placement != "late" || place.JourneyID != "" {
		t.Errorf("the late event is placed as %+v", place)
	}
	for _, j := range w.journeys {
		if j.Steps != 2 {
			t.Errorf("the journey has %d steps, expected those in time: 2", j.Steps)
		}
	}
	w.accounted(t, 0)
	w.save(t)
	w.crash(t)
	w.apply(call("late", now.Add(-bound)-1))
	if counts := w.partition.Counts(); counts.Late != 0 || counts.Copies != 1 {
		t.Errorf("after a restart the copy of a late event counts as %+v", counts)
	}
}

// TestCopyOfFinal: a copy of an event that left memory long ago still counts as a copy, and its id with another time is set
// aside.
func TestCopyOfFinal(t *testing.T) {
	old := event.InstantOf(time.Date(2026, 3, 20, 8, 0, 0, 0, time.UTC))
	w := newWorld()
	w.apply(call("old", old))
	w.apply(tick(old.Add(200 * 24 * time.Hour)))
	if n := w.partition.Homes(); n != 0 {
		t.Fatalf("%d homes are held, expected none", n)
	}
	w.save(t)
	w.crash(t)
	w.apply(call("old", old))
	w.apply(call("old", old+1))
	counts := w.partition.Counts()
	if counts.Copies != 1 || counts.SetAside != 1 || counts.Late != 0 {
		t.Errorf("counts are %+v", counts)
	}
	if len(w.journeys) != 1 {
		t.Errorf("%d journeys, expected the one that is final", len(w.journeys))
	}
}

// TestApartHidesNoCase: an event that is about no journey leaves a parked case where it is, whatever case it names, and the
// case is found again by the next event that is about it.
func TestApartHidesNoCase(t *testing.T) {
	start := event.InstantOf(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	day := func(n int) event.Instant { return start.Add(time.Duration(n) * rules.Day) }
	about := func(id, typ string, at event.Instant) *event.Event {
		e := call(id, at)
		e.Type, e.Data.Case = typ, "A"
		return e
	}
	for _, apart := range []string{event.CustomerConsented, event.IncidentStarted, event.ContextChanged} {
		w, whole := newWorld(), newWorld()
		pipeline.HoldAll(whole.partition)
		for i, e := range []*event.Event{
			about("opened", event.CaseOpened, start), about("closed", event.CaseClosed, start.Add(time.Hour)), tick(day(100)), tick(day(200)),
			about("apart", apart, day(300)), tick(day(301)), about("reopened", event.CaseReopened, day(302)), tick(day(303)),
		} {
			w.apply(e)
			whole.apply(e)
			if i == 3 && w.partition.Homes() != 0 {
				t.Fatalf("%d homes are held, expected the case to be parked", w.partition.Homes())
			}
		}
		if w.net() != whole.net() || w.partition.Counts().Reopened != 1 {
			t.Errorf("%s hides the case: %d reopened\n%s", apart, w.partition.Counts().Reopened, diff(whole.net(), w.net()))
		}
		w.accounted(t, 0)
	}
}

// TestVisitsLeave: a page view that outlives the journeys of its home, or never had one, leaves memory too.
func TestVisitsLeave(t *testing.T) {
	start := event.InstantOf(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	view := call("view", start.Add(10*rules.Day))
	view.Type = event.PageViewed
	for _, events := range [][]*event.Event{{call("call", start), view}, {view}} {
		w := newWorld()
		for _, e := range events {
			w.apply(e)
		}
		if n := w.partition.Homes(); n != 1 {
			t.Fatalf("%d homes are held, expected 1", n)
		}
		for day := 11; day < 400; day++ {
			w.apply(tick(start.Add(time.Duration(day) * rules.Day)))
		}
		if n := w.partition.Homes(); n != 0 {
			t.Errorf("of %d events: %d homes are held after 400 days", len(events), n)
		}
	}
}

// TestAdmitted: what an operator admits is folded in order of time, and then ends where a fold of a log in that order ends,
// however late things came.
func TestAdmitted(t *testing.T) {
	for seed := uint64(1); seed <= 200; seed++ {
		r := rand.New(rand.NewPCG(seed, 12))
		events := history(r)
		end := tick(events[len(events)-1].At.Add(12 * 24 * time.Hour))
		want := newWorld()
		want.straight(events, end)
		log := slices.Clone(events)
		r.Shuffle(len(log), func(i, j int) { log[i], log[j] = log[j], log[i] })
		for range 5 {
			log = append(log, log[r.IntN(len(events))])
		}
		slices.SortStableFunc(log, func(a, b *event.Event) int {
			switch {
			case a.Before(b):
				return -1
			case b.Before(a):
				return 1
			}
			return 0
		})
		got := newWorld()
		got.partition = pipeline.NewPartition(pipeline.Setup{Book: rules.Default(), Archive: got.archive, Admitted: uint64(len(log)) + 1})
		got.straight(log, end)
		if got.net() != want.net() {
			t.Fatalf("seed %d: what was admitted ends elsewhere.\nscript:\n%s\n%s", seed, script(events), diff(want.net(), got.net()))
		}
		if counts := got.partition.Counts(); counts.Late != 0 || counts.Copies != 5 {
			t.Fatalf("seed %d: counts are %+v", seed, counts)
		}
		got.accounted(t, seed)
	}
}
