package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"parcours/pipeline/event"
	"parcours/pipeline/ingest/mapping"
	"parcours/pipeline/rules"
)

// printCheck shows what a mapping makes of a file.
func printCheck(out io.Writer, r *mapping.Report, book *rules.Book) {
	fmt.Fprintf(out, "%d rows: %d would be events, %d would be refused.\n", r.Rows, r.Mapped, r.Rows-r.Mapped)
	if r.Mapped > 0 {
		fmt.Fprintf(out, "From %s to %s: %s, %s, %s; %s out of order, %d of equal time.\n",
			r.First, r.Last, plural(uint64(r.Cases), "case"), plural(uint64(r.Customers), "customer"), activities(r.Activities),
			plural(uint64(r.OutOfOrder), "row"), r.EqualTimes)
	}
	if r.Copies+r.Reused > 0 {
		fmt.Fprintf(out, "Of these, %d have an id that came before in the file with the same time, and count once; %d with another time, and are set aside (id_reused).\n",
			r.Copies, r.Reused)
	}
	printUnknown(out, r, book)
	if len(r.Unmapped) > 0 {
		fmt.Fprintf(out, "Columns that no rule reads: %s.\n", strings.Join(r.Unmapped, ", "))
	}
	printCounts(out, "Types", r.Types)
	printCounts(out, "Channels", r.Channels)
	if len(r.Refused) > 0 {
		t := newTable(out, "Refused", "field", "expected", "rows", "first row")
		for _, f := range r.Refused {
			t.AppendRow(table.Row{f.Field, f.Expected, f.Rows, f.FirstRow})
		}
		t.Render()
	}
	if len(r.Unknown) > 0 {
		t := newTable(out, "Values that a table of the mapping does not know", "field", "value", "rows")
		for _, u := range r.Unknown {
			t.AppendRow(table.Row{u.Field, u.Value, u.Rows})
		}
		t.Render()
	}
}

// printUnknown names what is in the events and in no rule: it is kept, and no breakpoint or owner follows from it.
func printUnknown(out io.Writer, r *mapping.Report, book *rules.Book) {
	for _, part := range []struct {
		what   string
		counts []mapping.Count
		known  func(string) bool
	}{
		{"Types", r.Types, func(typ string) bool { return event.SpecOf(typ).Family != event.FamilyOther }},
		{"Silos", r.Silos, func(silo string) bool { return slices.Contains(book.Silos, silo) }},
		{"Reason families", r.Families, func(family string) bool { return slices.Contains(book.Families, family) }},
	} {
		var names []string
		for _, c := range part.counts {
			if !part.known(c.Value) {
				names = append(names, fmt.Sprintf("%s (%d)", printable(c.Value), c.Events))
			}
		}
		if more := len(names) - mapping.MaxUnknown; more > 0 {
			names = append(names[:mapping.MaxUnknown], fmt.Sprintf("and %d more", more))
		}
		if len(names) > 0 {
			fmt.Fprintf(out, "%s that no rule knows: %s.\n", part.what, strings.Join(names, ", "))
		}
	}
}

func activities(n int) string {
	if n == 1 {
		return "1 activity"
	}
	return fmt.Sprintf("%d activities", n)
}

func printCounts(out io.Writer, title string, counts []mapping.Count) {
	if len(counts) == 0 {
		return
	}
	t := newTable(out, title, "value", "events")
	for _, c := range counts {
		t.AppendRow(table.Row{c.Value, c.Events})
	}
	t.Render()
}
