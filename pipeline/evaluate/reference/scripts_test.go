package reference_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"parcours/pipeline/breakpoint"
	"parcours/pipeline/evaluate/reference"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
	"parcours/pipeline/scenario"
)

// difference is what only one side finds in the history of one home: `-` for the fold, `+` for the reference.
func difference(t *testing.T, events []*event.Event, clock event.Instant, kinds []string) (lines []string) {
	t.Helper()
	book := rules.Default()
	found := map[string]int{}
	for _, b := range breakpoint.Detect(journey.Fold(events, nil, clock, book), clock, book).Breakpoints {
		found[told(b.Kind, b.OccurredAt, b.Origin.Source+" "+b.Origin.ID)+", "+weighed(int(b.Severity), b.Cost, b.Charged)]++
	}
	for _, b := range judged(t, events, clock) {
		if key := told(b.Kind, b.At, b.Source+" "+b.ID) + ", " + weighed(b.Severity, b.Cost, b.Charged); found[key] > 0 {
			found[key]--
		} else if slices.Contains(kinds, b.Kind) {
			lines = append(lines, "+ "+key+" ("+b.Why+")")
		}
	}
	for key, n := range found {
		if kind, _, _ := strings.Cut(key, " "); slices.Contains(kinds, kind) {
			lines = append(lines, slices.Repeat([]string{"- " + key}, n)...)
		}
	}
	slices.Sort(lines)
	return lines
}

// agreed are the kinds on which the fold and the reference must agree in every history: all twenty.
var agreed = reference.Kinds()

// TestAgreesOnScripts: in the histories with which journeys and breakpoints are tested, the reference makes the journeys that the
// fold makes, ends them alike at the same cost, and finds what the fold finds.
func TestAgreesOnScripts(t *testing.T) {
	script, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"../../breakpoint/testdata", "../../journey/testdata", "testdata"} {
		datadriven.Walk(t, folder, func(t *testing.T, path string) {
			before := "" // what arrives comes to the history before it
			datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
				if d.Cmd == "arrives" {
					d.Input = before + "\n" + d.Input
				}
				before = d.Input
				if strings.HasPrefix(d.Input, "rules ") || strings.TrimSpace(d.Input) == "" {
					return d.Expected // another book than the default; nothing at all
				}
				events, clock := history(t, script, d)
				if fold, reference := journeys(t, events, clock); !maps.Equal(fold, reference) {
					t.Errorf("%s:\n%s\nthe fold: %v\nthe reference: %v", d.Pos, d.Input, fold, reference)
				}
				if lines := difference(t, events, clock, agreed); len(lines) > 0 {
					t.Errorf("%s:\n%s\n%s", d.Pos, d.Input, fmt.Sprint(strings.Join(lines, "\n")))
				}
				return d.Expected
			})
		})
	}
}
