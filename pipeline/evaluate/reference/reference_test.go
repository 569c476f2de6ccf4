package reference_test

import (
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"parcours/pipeline/evaluate/reference"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
	"parcours/pipeline/scenario"
)

var update = flag.Bool("update", false, "rewrite the expected output of the scripts")

// history reads what stands below `history until=2026-03-20T00:00` in a script.
func history(t *testing.T, script *scenario.Script, d *datadriven.TestData) ([]*event.Event, event.Instant) {
	t.Helper()
	var until string
	if d.HasArg("until") {
		d.ScanArgs(t, "until", &until)
	}
	events, clock, err := script.History(d.Input, until)
	if err != nil {
		t.Fatalf("%s: %v", d.Pos, err)
	}
	return events, clock
}

// TestScripts runs testdata/*: each is named after a kind, and says where a history breaks by that rule.
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
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		kind := filepath.Base(path)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			events, clock := history(t, script, d)
			var b strings.Builder
			for _, f := range judged(t, events, clock) {
				if f.Kind == kind {
					fmt.Fprintf(&b, "at %s, origin %s\n", script.Text(f.At), f.ID)
				}
			}
			if b.Len() == 0 {
				return "nothing\n"
			}
			return b.String()
		})
	})
}

// decade is as long as any script: its calendar is walked once.
var decade = sync.OnceValues(func() (*reference.Judge, error) { return reference.New(rules.Default(), at(2021), at(2030)) })

func at(year int) event.Instant { return event.InstantOf(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)) }

func judged(t *testing.T, events []*event.Event, clock event.Instant) []reference.Breakpoint {
	t.Helper()
	judge, err := decade()
	if err != nil {
		t.Fatal(err)
	}
	return judge.Breakpoints(events, clock)
}

// TestTwentyKinds: every kind of the catalogue has a script in which it breaks.
func TestTwentyKinds(t *testing.T) {
	kinds := reference.Kinds()
	if len(kinds) != 20 {
		t.Errorf("%d kinds: product.md has 20", len(kinds))
	}
	for _, kind := range kinds {
		if paths, err := filepath.Glob(filepath.Join("testdata", kind)); err != nil || len(paths) == 0 {
			t.Errorf("%s has no script", kind)
		}
	}
}

// TestNotMeasured: a kind that a source cannot support is not found there.
func TestNotMeasured(t *testing.T) {
	script, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	events, clock, err := script.History("2026-03-02 10:00 contact.refused contact=k1 channel=phone why=busy", "")
	if err != nil {
		t.Fatal(err)
	}
	if found := judged(t, events, clock); len(found) != 1 {
		t.Errorf("found %v, expected a refusal", found)
	}
	book := rules.Default()
	book.NotMeasured = map[string][]string{"/test": {"refused_contact"}}
	judge, err := reference.New(book, clock, clock)
	if err != nil {
		t.Fatal(err)
	}
	if found := judge.Breakpoints(events, clock); len(found) != 0 {
		t.Errorf("found %v where it is not measured", found)
	}
}

// TestTooLong: a truth over more years than a calendar is walked for is refused.
func TestTooLong(t *testing.T) {
	if _, err := reference.New(rules.Default(), at(1950), at(2026)); err == nil {
		t.Error("76 years are accepted")
	}
}
