package reference_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

// journeys gives the journeys of one home on both sides, each as the ids of its steps, and how it ended.
func journeys(t *testing.T, events []*event.Event, clock event.Instant) (fold, reference account) {
	t.Helper()
	book := rules.Default()
	fold, reference = account{}, account{}
	for _, j := range journey.Fold(events, nil, clock, book).Journeys {
		fold[ids(j.Steps)] = ended(string(j.Outcome), j.EndedAt, j.Cost(book))
	}
	judge, err := decade()
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range judge.Journeys(events, clock) {
		reference[ids(j.Steps)] = ended(j.Outcome, j.Ended, j.Cost)
	}
	return fold, reference
}

// alike says whether two accounts are of the same things.
func alike(a, b account) bool {
	return slices.Equal(slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b)))
}

// ids names steps, in their order.
func ids(steps []*event.Event) string {
	names := make([]string, len(steps))
	for i, e := range steps {
		names[i] = e.ID
	}
	return strings.Join(names, " ")
}
