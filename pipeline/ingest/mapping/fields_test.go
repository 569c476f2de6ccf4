package mapping

import (
	"strings"
	"testing"

	"parcours/pipeline/event"
)

// TestFieldsAreNamedAsInTheEvent sets each field on its own and finds it under its name in the JSON.
func TestFieldsAreNamedAsInTheEvent(t *testing.T) {
	c, err := newClock(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, set := range setters {
		e := event.Event{ID: "1", Source: "/t", Type: event.StepPerformed, At: 1}
		fits := ""
		for _, value := range []string{"2026-01-05T09:00:00Z", "1", "in", "phone"} {
			if fits = set(&e.Data, value, &rule{}, c); fits == "" {
				break
			}
			e.Data = event.Data{}
		}
		if fits != "" {
			t.Errorf("%s takes none of the values tried: %s", name, fits)
		}
		if body := string(event.AppendLog(nil, &e)); !strings.Contains(body, `"data":{"`+name+`":`) {
			t.Errorf("%s is not under its name in %s", name, body)
		}
	}
}

// TestHold gives back what it was given, whatever the size.
func TestHold(t *testing.T) {
	var h hold
	for i := range 3000 {
		h.add(event.Instant(i), i, []string{strings.Repeat("é", i), "", "x"})
	}
	h.add(0, 3000, []string{strings.Repeat("y", 3*chunkSize), "", ""})
	cells := make([]string, 3)
	for i, x := range h.rows {
		h.read(x, cells)
		if want := strings.Repeat("é", i); i < 3000 && (cells[0] != want || cells[1] != "" || cells[2] != "x") {
			t.Fatalf("row %d came back otherwise", i)
		}
	}
	if len(cells[0]) != 3*chunkSize {
		t.Error("the big row came back otherwise")
	}
}
