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
		var ids []string
		for _, e := range j.Steps {
			ids = append(ids, e.ID)
		}
		fold = append(fold, strings.Join(ids, " "))
	}
	judge, err := decade()
	if err != nil {
		t.Fatal(err)
	}
	for _, ids := range judge.Journeys(events, clock) {
		reference = append(reference, strings.Join(ids, " "))
	}
	slices.Sort(fold)
	slices.Sort(reference)
	return fold, reference
}
