package mapping_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parcours/pipeline/event"
)

func TestExampleEvents(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "examples", "events.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	types, names := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(string(raw)) {
		e, dropped, refusal := event.Decode([]byte(line), event.Limits{Now: math.MaxInt64 / 2})
		if refusal != nil || len(dropped) > 0 {
			t.Errorf("%v, dropped %v: %s", refusal, dropped, line)
		}
		types[e.Type], names[e.Source+" "+e.ID] = true, true
	}
	equal(t, "types", len(types), 10)
	equal(t, "events", len(names), 10)
}

// TestReadmeExample runs the example of examples/README.md.
func TestReadmeExample(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "examples", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	file, document, shown := fence(t, string(raw), "csv"), fence(t, string(raw), "yaml"), fence(t, string(raw), "json")
	m := load(t, document)
	equal(t, "events", len(eventsOf(t, m, file)), 3)
	equal(t, "second event", string(rowsOf(t, m, file)[1].Body), strings.TrimSpace(shown))
	report, err := m.Check(strings.NewReader(file), 0)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "mapped", report.Mapped, 3)
	equal(t, "not mapped", len(report.Unmapped), 0)
	equal(t, "unknown", len(report.Unknown), 1)
}

// fence gives the first block of a language.
func fence(t *testing.T, page, language string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, "```"+language+"\n")
	block, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatalf("no block of %s", language)
	}
	return block
}
