package main

import (
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// TestNarrowed: a table that is wider than the line wraps its widest cells and loses no word; one that fits stays as it is.
func TestNarrowed(t *testing.T) {
	header := table.Row{"step", "when", "after", "activity", "silo", "contact", "case", "EUR", "breaks"}
	rows := []table.Row{{1, "2026-02-18 16:44:57", "+2 min 46 s", "contact.answered", "customer_service/customer_service-2", "call-00000145", "", "2.90", "B1*"}}
	render := func(line int) string {
		var out strings.Builder
		w := newTable(&out, "Steps", header...)
		w.AppendRows(rows)
		w.SetColumnConfigs(narrowed(header, rows, line))
		w.Render()
		return out.String()
	}
	for _, line := range []int{80, 100, 120} {
		got := render(line)
		for _, l := range strings.Split(got, "\n") {
			if n := text.StringWidthWithoutEscSequences(l); n > line {
				t.Errorf("a line of %d in %d", n, line)
			}
		}
		if strings.Count(got, "\n") <= strings.Count(render(1000), "\n") {
			t.Errorf("nothing was wrapped in %d:\n%s", line, got)
		}
	}
	if got := render(1000); !strings.Contains(got, "customer_service/customer_service-2") {
		t.Errorf("a wide table was wrapped:\n%s", got)
	}
}
