package journey_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
	"parcours/pipeline/scenario"
)

var update = flag.Bool("update", false, "rewrite the expected output of the scripts")

// TestScripts runs testdata/*: `history until=2026-03-20T00:00` folds the lines below it and prints the journeys; `measures`
// folds them and prints what is measured of each.
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
			h := journey.Fold(events, nil, clock, book)
			if d.Cmd == "measures" {
				return measures(h, book)
			}
			return print(script, h)
		})
	})
}

func print(script *scenario.Script, h journey.History) string {
	var b strings.Builder
	for i, j := range h.Journeys {
		fmt.Fprintf(&b, "journey %d: %s, %s%s", i+1, or(j.ReasonFamily, "unknown"), j.Outcome, by(j.Basis))
		if j.EndedAt != 0 {
			fmt.Fprintf(&b, " at %s", script.Text(j.EndedAt))
		}
		fmt.Fprintf(&b, ", cut=%s", j.Cut)
		if len(j.Cases) > 0 {
			fmt.Fprintf(&b, ", cases=%s", strings.Join(j.Cases, "+"))
		}
		if j.Escalated {
			b.WriteString(", escalated")
		}
		b.WriteString("\n  " + ids(j.Steps) + "\n")
	}
	if len(h.Visits) > 0 {
		b.WriteString("visits: " + ids(h.Visits) + "\n")
	}
	if h.Next != journey.Never {
		fmt.Fprintf(&b, "next due: %s\n", script.Text(h.Next-1))
	}
	return b.String()
}

// measures prints the measures of journeys that are not nothing.
func measures(h journey.History, book *rules.Book) string {
	var b strings.Builder
	for i, j := range h.Journeys {
		fmt.Fprintf(&b, "journey %d: steps %s\n", i+1, ids(j.Steps))
		w := j.Waiting(book)
		repeats, redos := j.Again()
		mean, signals := j.Sentiment()
		say := func(is bool, format string, values ...any) {
			if is {
				fmt.Fprintf(&b, "  "+format+"\n", values...)
			}
		}
		say(w != journey.Waiting{}, "waited on customer %s, partner %s, company %s", w.OnCustomer, w.OnPartner, w.OnCompany)
		say(j.QueueWait() > 0, "waited in queues %gs", j.QueueWait())
		say(j.Working(book) > 0, "worked %gs, cost %.2f", j.Working(book), j.Cost(book))
		say(j.EffortPoints(book) > 0, "effort %g (%d points)", j.Effort(book), j.EffortPoints(book))
		say(signals > 0, "sentiment %.4g of %d", mean, signals)
		say(repeats+redos > 0, "repeats %d, redos %d", repeats, redos)
		say(j.Handoffs() > 0, "handoffs %d", j.Handoffs())
		say(j.Value() != 0, "value %g", j.Value())
		say(len(j.Runs()) < len(j.Steps), "%s %v", j.VariantCollapsed(), j.Runs())
	}
	return b.String()
}

func ids(steps []*event.Event) string {
	var list []string
	for _, e := range steps {
		list = append(list, e.ID)
	}
	return strings.Join(list, " ")
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func by(b journey.Basis) string {
	if b == "" {
		return ""
	}
	return " by " + string(b)
}
