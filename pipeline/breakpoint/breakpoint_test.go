package breakpoint_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"parcours/pipeline/breakpoint"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
	"parcours/pipeline/scenario"
)

var update = flag.Bool("update", false, "rewrite the expected output of the scripts")

// TestScripts runs testdata/*: `history until=2026-03-20T00:00` folds the lines below it and prints what broke.
func TestScripts(t *testing.T) {
	if *update {
		if err := flag.Set("rewrite", "true"); err != nil {
			t.Fatal(err)
		}
	}
	script, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	book := rules.Default()
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var until string
			if d.HasArg("until") {
				d.ScanArgs(t, "until", &until)
			}
			events, clock, err := script.History(d.Input, until)
			if err != nil {
				t.Fatalf("%s: %v", d.Pos, err)
			}
			found := breakpoint.Detect(journey.Fold(events, nil, clock, book), clock, book)
			return show(script, found.Breakpoints, slices.Min(append(found.Due, journey.Never)))
		})
	})
}

func show(script *scenario.Script, found []breakpoint.Breakpoint, next event.Instant) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s at %s, known %s, origin %s (%s), owner %s, severity %d, cost %.2f, evidence", f.Kind,
			script.Text(f.OccurredAt), script.Text(f.DetectedAt), f.Origin.ID, script.Text(f.OpportunityAt), f.Silo, f.Severity, f.Cost)
		for _, e := range f.Evidence {
			b.WriteString(" " + e.ID)
		}
		b.WriteString("\n")
	}
	if len(found) == 0 {
		b.WriteString("nothing broke\n")
	}
	if next != journey.Never {
		fmt.Fprintf(&b, "next due: %s\n", script.Text(next-1))
	}
	return b.String()
}

// TestCatalogue: every kind says what it is.
func TestCatalogue(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range breakpoint.Catalogue() {
		if k.ID == "" || k.Rule == "" || k.OutOf == "" || k.Severity < 1 || k.Severity > 5 || seen[k.ID] {
			t.Errorf("kind %q: expected an id of its own, a rule, its opportunities and a severity of 1 to 5", k.ID)
		}
		seen[k.ID] = true
		if !slices.Contains(rules.Default().Precedence, k.ID) {
			t.Errorf("kind %q has no place in the precedence of the default rules", k.ID)
		}
	}
}
