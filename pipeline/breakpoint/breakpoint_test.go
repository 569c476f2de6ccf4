package breakpoint_test

import (
	"cmp"
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

// leastScripts is how many histories the scripts hold at least, so that none gets lost.
const leastScripts = 489

// TestScripts runs testdata/<kind>: see bench for the commands.
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
	scripts := 0
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		b := &bench{script: script, kind: strings.Split(path, "/")[1]}
		datadriven.RunTest(t, path, b.run)
		scripts += b.scripts
	})
	t.Logf("%d scripts", scripts)
	if !filtered() && scripts < leastScripts {
		t.Errorf("%d scripts, expected %d or more", scripts, leastScripts)
	}
}

// filtered says whether a part of the tests was asked for.
func filtered() bool { return strings.Contains(flag.Lookup("test.run").Value.String(), "/") }

// bench runs the commands of one file of scripts, which is named for the kind that it shows:
//
//	history            folds the lines below it and prints what broke
//	arrives            more lines to the same history, late or not, or none: prints what changes by them
//
// Both take until=2026-03-20T00:00 (the clock, else that of the last event), all (every kind instead of that of the file)
// and opportunities (what the rate of the kind is out of). With contacts they print, instead of what broke, the contacts that
// ended, and whether the customer came back. A history takes not_measured=/test:long_wait (source and kind),
// and, above its events, lines with rules that are other than the default:
//
//	rules long_wait.limit=10m channel=phone unit=lyon
type bench struct {
	script  *scenario.Script
	kind    string
	scripts int

	book   *rules.Book
	events string
	clock  event.Instant
	found  []breakpoint.Breakpoint
}

func (b *bench) run(t *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "history":
		b.scripts++
		events, err := b.begin(d)
		if err != nil {
			t.Fatalf("%s: %v", d.Pos, err)
		}
		return b.fold(t, d, events)
	case "arrives":
		return b.fold(t, d, b.events+"\n"+d.Input)
	}
	t.Fatalf("%s: %q: expected history or arrives", d.Pos, d.Cmd)
	return ""
}

// begin takes the rules of a history, and gives its events.
func (b *bench) begin(d *datadriven.TestData) (string, error) {
	*b = bench{script: b.script, kind: b.kind, scripts: b.scripts, book: rules.Default()}
	for _, arg := range d.CmdArgs {
		if arg.Key == "not_measured" {
			for _, v := range arg.Vals {
				source, kind, _ := strings.Cut(v, ":")
				notMeasured(b.book, source, kind)
			}
		}
	}
	var events []string
	for _, line := range strings.Split(d.Input, "\n") {
		setting, ok := strings.CutPrefix(line, "rules ")
		if !ok {
			events = append(events, line)
			continue
		}
		if err := change(b.book, setting); err != nil {
			return "", err
		}
	}
	return strings.Join(events, "\n"), nil
}

// fold takes a history as it is now, and prints it, or what has changed since it was folded last.
func (b *bench) fold(t *testing.T, d *datadriven.TestData, text string) string {
	var until string
	if d.HasArg("until") {
		d.ScanArgs(t, "until", &until)
	}
	events, clock, err := b.script.History(text, until)
	if err != nil {
		t.Fatalf("%s: %v", d.Pos, err)
	}
	before := b.found
	b.events, b.clock = text, max(b.clock, clock)
	f := breakpoint.Detect(journey.Fold(events, nil, b.clock, b.book), b.clock, b.book)
	if d.HasArg("contacts") {
		return b.contacts(f.Contacts)
	}
	b.found = f.Breakpoints
	for i := range b.found {
		if costless(b.found[i].Kind) && b.found[i].Cost != 0 {
			t.Errorf("%s: a %s costs %.2f", d.Pos, b.found[i].Kind, b.found[i].Cost)
		}
	}
	if !d.HasArg("all") {
		b.found = slices.DeleteFunc(b.found, func(f breakpoint.Breakpoint) bool { return f.Kind != b.kind })
	}
	out := b.show()
	if d.Cmd == "arrives" {
		out = b.differences(before)
	}
	if d.HasArg("opportunities") {
		out += b.outOf(f.Opportunities)
	}
	if next := slices.Min(append(f.Due, journey.Never)); next != journey.Never {
		out += fmt.Sprintf("next due: %s\n", b.script.Text(next-1))
	}
	return out
}

// contacts lists those that ended, a line each.
func (b *bench) contacts(journeys [][]breakpoint.ContactEnded) string {
	var list []breakpoint.ContactEnded
	for _, ended := range journeys {
		list = append(list, ended...)
	}
	slices.SortStableFunc(list, func(x, y breakpoint.ContactEnded) int { return cmp.Compare(x.At, y.At) })
	var out strings.Builder
	for _, c := range list {
		fmt.Fprintf(&out, "ended %s, open until %s, %s of %s: %s\n", b.script.Text(c.At), b.script.Text(c.MaturesAt),
			cmp.Or(c.Reason, "no reason"), c.Silo+strings.TrimSuffix("/"+c.Unit, "/"), strings.Join(saidOf(c), ", "))
	}
	return cmp.Or(out.String(), "no contact ended\n")
}

// saidOf is what first-contact resolution makes of a contact, in words.
func saidOf(c breakpoint.ContactEnded) []string {
	words := []string{"a repeat"}
	if c.First {
		words[0] = "first"
	}
	switch {
	case c.BackSame:
		words = append(words, "back for it")
	case c.BackAny:
		words = append(words, "back for something else")
	default:
		words = append(words, "not back")
	}
	if c.Surveyed {
		words = append(words, "surveyed")
	}
	if c.Resolved != nil {
		words = append(words, map[bool]string{true: "says resolved", false: "says not resolved"}[*c.Resolved])
	}
	return words
}

func (b *bench) show() string {
	if len(b.found) == 0 {
		return "nothing broke\n"
	}
	var out strings.Builder
	for i := range b.found {
		out.WriteString(b.line(&b.found[i]) + "\n")
	}
	return out.String()
}

func (b *bench) line(f *breakpoint.Breakpoint) string {
	var ids []string
	for _, e := range f.Evidence {
		ids = append(ids, e.ID)
	}
	return fmt.Sprintf("%s at %s, known %s, origin %s (%s), owner %s, severity %d, cost %.2f, evidence %s", f.Kind,
		b.script.Text(f.OccurredAt), b.script.Text(f.DetectedAt), f.Origin.ID, b.script.Text(f.OpportunityAt), owner(f), f.Severity,
		f.Cost, strings.Join(ids, " "))
}

func owner(f *breakpoint.Breakpoint) string {
	if f.Unit == "" {
		return f.Silo
	}
	return f.Silo + "/" + f.Unit
}

// differences says what was told before and no longer holds, what is told otherwise, and what is new.
func (b *bench) differences(before []breakpoint.Breakpoint) string {
	var out strings.Builder
	line := func(word string, f *breakpoint.Breakpoint) { out.WriteString(word + ": " + b.line(f) + "\n") }
	for i := range before {
		if findID(b.found, before[i].ID) == nil {
			line("retracted", &before[i])
		}
	}
	for i := range b.found {
		f := &b.found[i]
		switch was := findID(before, f.ID); {
		case was == nil:
			line("new", f)
		case b.line(was) != b.line(f):
			line("changed", f)
		}
	}
	return cmp.Or(out.String(), "nothing changes\n")
}

func findID(list []breakpoint.Breakpoint, id string) *breakpoint.Breakpoint {
	if i := slices.IndexFunc(list, func(f breakpoint.Breakpoint) bool { return f.ID == id }); i >= 0 {
		return &list[i]
	}
	return nil
}

// outOf lists the opportunities of the kind that the file is about.
func (b *bench) outOf(journeys [][]breakpoint.Opportunity) string {
	var list []string
	for _, opportunities := range journeys {
		for _, o := range opportunities {
			if o.Kind == b.kind {
				list = append(list, b.opportunity(o))
			}
		}
	}
	if len(list) == 0 {
		return "out of none\n"
	}
	return fmt.Sprintf("out of %d: %s\n", len(list), strings.Join(list, "; "))
}

func (b *bench) opportunity(o breakpoint.Opportunity) string {
	text := b.script.Text(o.At)
	if o.MaturesAt != o.At {
		text += " until " + b.script.Text(o.MaturesAt)
	}
	if o.Broken {
		text += " broke"
	}
	return text
}

// TestCatalogue: every kind says what it is.
func TestCatalogue(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range breakpoint.Catalogue() {
		if k.ID == "" || k.Rule == "" || k.OutOf == "" || k.Severity < 1 || k.Severity > 5 || seen[k.ID] {
			t.Errorf("kind %q: expected an id of its own, a rule, its opportunities and a severity of 1 to 5", k.ID)
		}
		seen[k.ID] = true
		if !slices.Contains(rules.Kinds(), k.ID) {
			t.Errorf("kind %q is not among those that a rule book may name", k.ID)
		}
	}
}

// TestReasonKnownByMaturity: an order is not counted by the reason that the customer states only when he comes back because it
// was late: by that reason, rates would count few orders but late ones. The breakpoint has it.
func TestReasonKnownByMaturity(t *testing.T) {
	script, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	find := func(reason string) (breakpoint.Opportunity, breakpoint.Breakpoint) {
		events, clock, err := script.History("2026-03-02 10:00 order.placed case=A due=2026-03-04T10:00"+reason+
			"\n2026-03-06 10:00 contact.ended contact=k1 case=A channel=phone silo=it reason=delivery.late", "")
		if err != nil {
			t.Fatal(err)
		}
		f := breakpoint.Detect(journey.Fold(events, nil, clock, rules.Default()), clock, rules.Default())
		is := func(kind string) bool { return kind == "core_failure" }
		o := slices.IndexFunc(f.Opportunities[0], func(o breakpoint.Opportunity) bool { return is(o.Kind) })
		b := slices.IndexFunc(f.Breakpoints, func(b breakpoint.Breakpoint) bool { return is(b.Kind) })
		return f.Opportunities[0][o], f.Breakpoints[b]
	}
	if o, b := find(""); o.Reason != "" || !o.Broken || b.Reason != "delivery.late" || b.Silo != "logistics" {
		t.Errorf("stated too late: counted by %q (%s), broke by %q (%s)", o.Reason, o.Silo, b.Reason, b.Silo)
	}
	if o, _ := find(" reason=delivery.order"); o.Reason != "delivery.order" || o.Silo != "logistics" {
		t.Errorf("stated in time: counted by %q (%s)", o.Reason, o.Silo)
	}
}

// costless says whether the catalogue promises that a kind carries no cost.
func costless(kind string) bool {
	return slices.ContainsFunc(breakpoint.Catalogue(), func(k breakpoint.Kind) bool { return k.ID == kind && (k.Witness || k.Uncharged) })
}
