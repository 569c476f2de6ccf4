package reference_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"parcours/pipeline/breakpoint"
	"parcours/pipeline/evaluate/reference"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

// weighed is what both sides must agree on of a breakpoint that both find: how much it hurts, and what is charged to it.
func weighed(severity int, cost float64, charged []*event.Event) string {
	return fmt.Sprintf("severity %d, cost %.6f, charged %s", severity, cost, ids(charged))
}

// ended is what both sides must agree on of a journey that both make.
func ended(outcome string, at event.Instant, cost float64) string {
	return fmt.Sprintf("%s at %s, cost %.6f", outcome, at, cost)
}

// account is a list of what is said of each thing.
type account map[string]string

// ofFold is what the fold says of the journeys of a home and of what broke in each.
func ofFold(events []*event.Event, clock event.Instant, into account) {
	book := rules.Default()
	history := journey.Fold(events, nil, clock, book)
	for _, j := range history.Journeys {
		into["journey "+ids(j.Steps)] = ended(string(j.Outcome), j.EndedAt, j.Cost(book))
	}
	for _, b := range breakpoint.Detect(history, clock, book).Breakpoints {
		if b.Journey != nil {
			key := fmt.Sprintf("%s in %s", told(b.Kind, b.OccurredAt, b.Origin.ID), b.Journey.Steps[0].ID)
			into[key] += weighed(int(b.Severity), b.Cost, b.Charged)
		}
	}
}

// ofReference is what the reference says.
func ofReference(judge *reference.Judge, events []*event.Event, clock event.Instant, into account) {
	for _, j := range judge.Journeys(events, clock) {
		into["journey "+ids(j.Steps)] = ended(j.Outcome, j.Ended, j.Cost)
		for _, b := range j.Breakpoints {
			into[fmt.Sprintf("%s in %s", told(b.Kind, b.At, b.ID), j.Steps[0].ID)] += weighed(b.Severity, b.Cost, b.Charged)
		}
	}
}

// TestAgreesOnEndsAndCosts: over made-up companies, journeys end when the fold says and cost as much, and what breaks is as
// severe and charged the same steps.
func TestAgreesOnEndsAndCosts(t *testing.T) {
	for seed := range uint64(2) {
		events := company(t, 1500, 400, seed+11)
		first, clock := events[0].At, events[len(events)-1].At
		judge, err := reference.New(rules.Default(), first, clock)
		if err != nil {
			t.Fatal(err)
		}
		fold, truth := account{}, account{}
		for _, home := range byHome(events) {
			ofFold(home, clock, fold)
			ofReference(judge, home, clock, truth)
		}
		differ := 0
		for _, key := range slices.Sorted(maps.Keys(fold)) {
			if fold[key] != truth[key] {
				if differ++; differ < 10 {
					t.Logf("%s\n  fold      %s\n  reference %s", key, fold[key], truth[key])
				}
			}
		}
		for _, key := range slices.Sorted(maps.Keys(truth)) {
			if _, ok := fold[key]; !ok {
				if differ++; differ < 20 {
					t.Logf("%s\n  reference only: %s", key, truth[key])
				}
			}
		}
		t.Logf("seed %d: %d journeys and breakpoints, %d differ", seed+11, len(fold), differ)
	}
}
