package reference_test

import (
	"slices"
	"strings"
	"testing"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

// journeys gives the journeys of one home on both sides, each as the ids of its steps.
func journeys(t *testing.T, events []*event.Event, clock event.Instant) (fold, reference []string) {
	t.Helper()
	for _, j := range journey.Fold(events, nil, clock, rules.Default()).Journeys {
		fold = append(fold, ids(j.Steps))
	}
	judge, err := decade()
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range judge.Journeys(events, clock) {
		reference = append(reference, ids(j.Steps))
	}
	slices.Sort(fold)
	slices.Sort(reference)
	return fold, reference
}

// ids names steps, in their order.
func ids(steps []*event.Event) string {
	names := make([]string, len(steps))
	for i, e := range steps {
		names[i] = e.ID
	}
	return strings.Join(names, " ")
}
