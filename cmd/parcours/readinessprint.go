package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"parcours/pipeline/readiness"
)

// printReadiness shows all of one source, or of all together and a line of each.
func printReadiness(out io.Writer, r *readiness.Report, source string) {
	said, name := r.All, "All sources together"
	if source != "" {
		said, name = r.Sources[source], source
	} else if len(r.Sources) == 1 {
		for name, said = range r.Sources { // the only one
		}
	}
	printFile(out, r)
	if said.Events == 0 {
		fmt.Fprintln(out, "There is no event: nothing can be said.")
		return
	}
	printData(out, name, said)
	printVerdicts(out, said)
	printHelps(out, said)
	if source == "" && len(r.Sources) > 1 {
		printSources(out, r)
	}
}

// printFile says what became of the rows, or of what is loaded.
func printFile(out io.Writer, r *readiness.Report) {
	var refused []readiness.Refusal
	switch {
	case r.File != nil:
		refused = r.File.Refused
		what := "rows"
		if r.File.Sample {
			what = "rows (a sample: the first of the file)"
		}
		fmt.Fprintf(out, "%d %s: %d would be events, %d refused, %d copies of another, %d too late in this order.\n",
			r.File.Rows, what, r.All.Events, sumRefused(refused), r.File.Duplicates, r.File.Late)
		if r.File.Broken != "" {
			fmt.Fprintf(out, "The file could not be read to its end: %s.\n", r.File.Broken)
		}
		if names := slices.Sorted(maps.Keys(r.File.Dropped)); len(names) > 0 {
			fmt.Fprintf(out, "Fields that Parcours does not know, and drops: %s.\n", someOf(names))
		}
	case r.Loaded != nil:
		refused = r.Loaded.Refused
		fmt.Fprintf(out, "%d events are loaded; %d were refused or set aside, %d came too late for journeys.\n", r.All.Events, sumRefused(refused), r.Loaded.Late)
	}
	if len(refused) == 0 {
		return
	}
	t := newTable(out, "Why rows were refused", "rows", "reason", "field", "expected")
	for _, x := range refused[:min(len(refused), mostRefusals)] {
		t.AppendRow(table.Row{x.Rows, x.Reason, x.Field, x.Expected})
	}
	wrap(t, 4)
	t.Render()
}

const mostRefusals = 10

func sumRefused(list []readiness.Refusal) (n uint64) {
	for _, r := range list {
		n += r.Rows
	}
	return n
}

// printData says what to know of the data before believing a figure.
func printData(out io.Writer, name string, s *readiness.Said) {
	h := &s.Shares
	fmt.Fprintf(out, "\n%s: %s from %s to %s (%s, %.0f a day) of %s, with %s and %s.\n",
		name, plural(s.Events, "event"), s.First[:10], s.Last[:10], plural(h.HistoryDays, "day"), h.EventsPerDay, plural(h.Customers, "customer"), plural(h.Contacts, "contact"),
		plural(h.Cases, "case"))
	fmt.Fprintf(out, "Of the events: %s without a customer, %s without contact or case, %s without any of them; channel missing %s, other %s; %s at the instant of another.\n",
		wordsOfShare(h.Unidentified), wordsOfShare(h.NoContactOrCase), wordsOfShare(h.Alone), wordsOfShare(h.ChannelMissing), wordsOfShare(h.ChannelOther), wordsOfShare(h.EqualTimes))
	if h.Contacts > 0 {
		fmt.Fprintf(out, "Of the contacts: reason missing %s, unknown or other %s; %s outbound, %s do not say; %s state their end or were answered.\n",
			wordsOfShare(h.ReasonMissing), wordsOfShare(h.ReasonUnknown), wordsOfShare(h.Outbound), wordsOfShare(h.DirectionMissing), wordsOfShare(h.Ended))
	}
	fmt.Fprintf(out, "Types: %s.\n", counted(s.Types))
	if len(s.Activities) > 0 {
		fmt.Fprintf(out, "Internal steps: %s.\n", counted(s.Activities))
	}
	fmt.Fprintln(out)
}

func wordsOfShare(v float64) string {
	switch {
	case v > 0 && v < 0.01:
		return "under 1 %"
	case v > 0.99 && v < 1:
		return "over 99 %"
	}
	return fmt.Sprintf("%.0f %%", 100*v)
}

// mostNames is how many names one line holds.
const mostNames = 12

// counted writes names with their counts, the most frequent first.
func counted(counts map[string]uint64) string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if counts[a] != counts[b] {
			return int(min(counts[b], 1<<40)) - int(min(counts[a], 1<<40))
		}
		return strings.Compare(a, b)
	})
	var said []string
	for _, name := range names[:min(len(names), mostNames)] {
		said = append(said, fmt.Sprintf("%s %d", name, counts[name]))
	}
	if more := len(names) - len(said); more > 0 {
		said = append(said, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(said, ", ")
}

// printVerdicts shows kinds, figures and dashboards, each with why.
func printVerdicts(out io.Writer, s *readiness.Said) {
	kinds := newTable(out, "Kinds of breakpoint", "kind", "", "why")
	for _, r := range readiness.Kinds() {
		kinds.AppendRow(verdictRow(r.ID, s.Kinds[r.ID]))
	}
	figures := newTable(out, "Figures", "figure", "", "why")
	for _, r := range readiness.Figures() {
		figures.AppendRow(verdictRow(r.Title, s.Figures[r.ID]))
	}
	figures.AppendRow(verdictRow("Change alerts", s.Figures["alerts"]))
	dashboards := newTable(out, "Dashboards (planned: there are none yet)", "dashboard", "", "why")
	for _, d := range readiness.Dashboards() {
		dashboards.AppendRow(verdictRow(d.Title, s.Dashboards[d.ID]))
	}
	for _, t := range []table.Writer{kinds, figures, dashboards} {
		wrap(t, 3)
		t.Render()
	}
}

func verdictRow(name string, f readiness.Finding) table.Row {
	why := f.Why
	if f.Coverage != nil && f.Verdict != readiness.Not {
		why = strings.TrimSpace(fmt.Sprintf("%.1f %% of contacts. %s", *f.Coverage, why))
	}
	return table.Row{name, string(f.Verdict), why}
}

// whyWidth is how wide a sentence may run in a table.
const whyWidth = 90

func wrap(t table.Writer, column int) {
	t.SetColumnConfigs([]table.ColumnConfig{{Number: column, WidthMax: whyWidth, WidthMaxEnforcer: text.WrapSoft}})
}

func printHelps(out io.Writer, s *readiness.Said) {
	if len(s.Helps) == 0 {
		fmt.Fprintln(out, "Nothing is missing.")
		return
	}
	fmt.Fprintln(out, "What would help most:")
	for i, h := range s.Helps {
		fmt.Fprintf(out, "%d. %s: of the kinds and figures %d wait for it, %d of them for nothing else.\n", i+1, h.Advice, len(h.Waits), h.Alone)
	}
}

// printSources shows each source in a line.
func printSources(out io.Writer, r *readiness.Report) {
	fmt.Fprintln(out)
	t := newTable(out, "Each source alone (--source tells all of one)", "source", "events", "kinds supported", "partly", "would help most")
	for _, name := range slices.Sorted(maps.Keys(r.Sources)) {
		s := r.Sources[name]
		help := ""
		if len(s.Helps) > 0 {
			help = s.Helps[0].Advice
		}
		t.AppendRow(table.Row{name, s.Events, kindsOf(s, readiness.Supported), kindsOf(s, readiness.Partly), help})
	}
	t.SetColumnConfigs([]table.ColumnConfig{
		{Number: 3, WidthMax: 40, WidthMaxEnforcer: text.WrapSoft}, {Number: 4, WidthMax: 40, WidthMaxEnforcer: text.WrapSoft},
		{Number: 5, WidthMax: 40, WidthMaxEnforcer: text.WrapSoft},
	})
	t.Render()
}

func kindsOf(s *readiness.Said, v readiness.Verdict) string {
	var list []string
	for _, r := range readiness.Kinds() {
		if s.Kinds[r.ID].Verdict == v {
			list = append(list, r.ID)
		}
	}
	return strings.Join(list, ", ")
}
