package reference_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
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

// free are the kinds that are charged nothing: witnesses, and the wait that made nobody come back.
var free = []string{"long_wait", "complaint_escalation", "detractor", "unanswered_detractor", "tension", "unresolved_end"}

// notWorkedOn: the made-up company tells no work on a case that it reopened, so that nothing is charged there. The scripts of the
// kind have such work (TestAgreesOnScripts).
const notWorkedOn = "reopened_case"

// TestAgreesOnEndsAndCosts: over made-up companies, journeys end when the fold says and cost as much, and what breaks is as
// severe and is charged the same steps; without one exception, and for each kind that is charged at all.
func TestAgreesOnEndsAndCosts(t *testing.T) {
	charged := map[string]int{}
	for seed := range uint64(2) {
		events := company(t, 400, 250, seed+11)
		fold, truth := account{}, account{}
		judge, err := reference.New(rules.Default(), events[0].At, events[len(events)-1].At)
		if err != nil {
			t.Fatal(err)
		}
		for _, home := range byHome(events) {
			ofFold(home, events[len(events)-1].At, fold)
			ofReference(judge, home, events[len(events)-1].At, truth)
		}
		for _, key := range slices.Sorted(maps.Keys(merged(fold, truth))) {
			if fold[key] != truth[key] {
				t.Errorf("seed %d: %s\n     the fold: %s\nthe reference: %s", seed+11, key, fold[key], truth[key])
			}
			if kind, _, _ := strings.Cut(key, " "); kind != "journey" && !strings.HasSuffix(fold[key], "charged ") {
				charged[kind]++
			}
		}
		t.Logf("seed %d: %d journeys and breakpoints", seed+11, len(truth))
	}
	for _, kind := range reference.Kinds() {
		if kind != notWorkedOn && (charged[kind] == 0) != slices.Contains(free, kind) {
			t.Errorf("%d breakpoints of %s are charged a step", charged[kind], kind)
		}
	}
}

// merged is what either account has.
func merged(a, b account) account {
	both := maps.Clone(a)
	maps.Copy(both, b)
	return both
}
