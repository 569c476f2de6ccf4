package breakpoint_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"parcours/pipeline/breakpoint"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

// TestHistoriesDue: of random histories, as of random clocks, nothing changes by itself before the clock that is said to be due.
func TestHistoriesDue(t *testing.T) {
	const histories = 2000
	book := rules.Default()
	waited := 0
	for seed := uint64(1); seed <= histories; seed++ {
		r := rand.New(rand.NewPCG(seed, 12))
		events := years(r)
		events = events[:1+r.IntN(len(events))]
		clock := events[len(events)-1].At.Add(silence(r) / 4)
		until := clock.Add(5 * 365 * rules.Day)
		if next := nextOf(events, clock, book); next != journey.Never {
			until, waited = next-1, waited+1
		}
		if want, got := straightFacts(events, clock, book), straightFacts(events, until, book); got != want {
			t.Fatalf("seed %d: from %s to %s, before anything was due:\n%s", seed, clock, until, differences(want, got))
		}
	}
	if waited < histories/3 {
		t.Errorf("something was due in %d histories: too few to say anything", waited)
	}
}

func nextOf(events []*event.Event, clock event.Instant, book *rules.Book) event.Instant {
	h := journey.Fold(events, nil, clock, book)
	return slices.Min(append(breakpoint.Detect(h, clock, book).Due, h.Next))
}

// TestHistoriesCounted: each breakpoint has an opportunity that says so, and no opportunity is broken without one, but an
// unresolved end after which the journey went on.
func TestHistoriesCounted(t *testing.T) {
	const histories = 300
	book := rules.Default()
	for seed := uint64(1); seed <= histories; seed++ {
		events := years(rand.New(rand.NewPCG(seed, 13)))
		clock := events[len(events)-1].At
		h := journey.Fold(events, nil, clock, book)
		found := breakpoint.Detect(h, clock, book)
		for i, j := range h.Journeys {
			for _, k := range breakpoint.Catalogue() {
				broken, at := brokenOf(found.Opportunities[i], k.ID), foundAt(found.Breakpoints, j, k.ID)
				if k.ID == "unresolved_end" {
					broken = slices.DeleteFunc(broken, func(at event.Instant) bool { return at < j.Last() })
				}
				if !slices.Equal(broken, at) {
					t.Fatalf("seed %d: %s in journey %s: opportunities broken at %v, breakpoints of those at %v", seed, k.ID, j.ID, broken, at)
				}
			}
		}
	}
}

func brokenOf(list []breakpoint.Opportunity, kind string) (at []event.Instant) {
	for _, o := range list {
		if o.Kind == kind && o.Broken {
			at = append(at, o.At)
		}
	}
	slices.Sort(at)
	return at
}

func foundAt(list []breakpoint.Breakpoint, j *journey.Journey, kind string) (at []event.Instant) {
	for _, b := range list {
		if b.Kind == kind && b.Journey == j && b.Counted {
			at = append(at, b.OpportunityAt)
		}
	}
	slices.Sort(at)
	return at
}
