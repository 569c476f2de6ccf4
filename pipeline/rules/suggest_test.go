package rules_test

import (
	"strings"
	"testing"
	"time"

	"parcours/pipeline/rules"
)

// TestSuggest: what a log shows becomes a document that parses, says why, and judges as it says.
func TestSuggest(t *testing.T) {
	gap := rules.ObservedGap{Family: "technical"}
	for day := range gap.Returns {
		gap.Returns[day] = 4 // by chance
		if day < 5 {
			gap.Returns[day] = 40
		}
	}
	observed := rules.Observed{
		Paths: []rules.ObservedPath{
			{Reason: "", Journeys: 900, Closed: 800, Loops: 6, Took: 22 * rules.Day},
			{Reason: "credit", Journeys: 60, Contacts: 8, Handoffs: 4},
			{Reason: "credit.mortgage", Journeys: 60, Contacts: 8, Handoffs: 4},
			{Reason: "zoology", Journeys: 70},
			{Reason: "billing", Journeys: 10, Contacts: 9},
		},
		Gaps:       []rules.ObservedGap{gap},
		Containers: []rules.ObservedCase{{Case: "file-1", Lived: 900 * rules.Day, Families: 4, Contacts: 50}},
		Begun: []rules.ObservedBeginning{
			{Clearing: rules.Clearing{Kind: "sla_breach", Clears: []string{"case.resolved"}}, Source: "/a", Journeys: 30},
			{Clearing: rules.Clearing{Kind: "sla_breach", Clears: []string{"message.replied"}}, Source: "/a", Journeys: 30},
			{Clearing: rules.Clearing{Kind: "stalled_case"}, Source: "/a", Journeys: 30, Cleared: 1},
			{Clearing: rules.Clearing{Kind: "core_failure"}, Source: "/a", Journeys: 3},
		},
	}
	suggestion := rules.Default().Suggest(observed)
	document, err := suggestion.Document(rules.Default())
	if err != nil {
		t.Fatal(err)
	}
	book, err := rules.Parse("suggested", document)
	if err != nil {
		t.Fatalf("%v in\n%s", err, document)
	}
	if p := book.PathOf(""); p != (rules.Path{Contacts: 1, Handoffs: 2, Loops: 6, Days: 16}) {
		t.Errorf("default path %+v", p)
	}
	if p := book.PathOf("credit.mortgage"); p.Contacts != 8 || p.Handoffs != 4 || p.Loops != 2 {
		t.Errorf("credit path %+v", p)
	}
	if p := book.PathOf("billing"); p.Contacts != 1 {
		t.Errorf("ten journeys say nothing: %+v", p)
	}
	if got := book.InactivityGap.Of("technical"); got != 5*rules.Day {
		t.Errorf("gap %s", got)
	}
	if book.FamilyToken("zoology") != "zoology" || !book.Container("file-1") {
		t.Error("a family that comes often joins the taxonomy, a customer file the containers")
	}
	if book.Measured("sla_breach", "/a") || !book.Measured("stalled_case", "/a") || !book.Measured("core_failure", "/a") {
		t.Errorf("not measured: %v", book.NotMeasured)
	}
	if n := strings.Count(string(document), "\n# - "); n != len(suggestion.Why()) || strings.Contains(string(document), "credit.mortgage") {
		t.Errorf("%d reasons of %d, or a reason that its family says already:\n%s", n, len(suggestion.Why()), document)
	}
}

// TestSuggestNothing: a log within the rules suggests nothing, and says so.
func TestSuggestNothing(t *testing.T) {
	s := rules.Default().Suggest(rules.Observed{Paths: []rules.ObservedPath{{Reason: "billing", Journeys: 500, Contacts: 1, Took: time.Hour}}})
	if len(s.Paths)+len(s.Gaps)+len(s.Containers)+len(s.NotMeasured) > 0 || len(s.Why()) != 1 {
		t.Errorf("%+v", s)
	}
	document, err := s.Document(rules.Default())
	if err != nil {
		t.Fatal(err)
	}
	if book, err := rules.Parse("nothing", document); err != nil || book.Version() != rules.Default().Version() {
		t.Errorf("%v, %s", err, document)
	}
}

// suggested gives the document of what a log suggests to a book, and the book that it makes.
func suggested(t *testing.T, b *rules.Book, o rules.Observed) (rules.Suggestion, *rules.Book, string) {
	t.Helper()
	s := b.Suggest(o)
	document, err := s.Document(b)
	if err != nil {
		t.Fatal(err)
	}
	book, err := rules.Parse("suggested", document)
	if err != nil {
		t.Fatalf("%v in\n%s", err, document)
	}
	return s, book, string(document)
}

func parsed(t *testing.T, document string) *rules.Book {
	t.Helper()
	b, err := rules.Parse("own", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSuggestSilences: an exception for the same reason alone is replaced, and others stay; a figure that is none or in opening
// time is left alone.
func TestSuggestSilences(t *testing.T) {
	o := rules.Observed{Silences: []rules.ObservedSilence{{Family: "billing", Cases: 100, Longest: 28 * rules.Day}, {Family: "zoology", Cases: 100, Longest: 28 * rules.Day}}}
	own := parsed(t, "breakpoints: {stalled_case: {except: [{reason: billing, after: 7 working days}, {reason: billing, unit: lyon, after: 3 working days}]}}\n")
	_, book, document := suggested(t, own, o)
	days := func(w rules.Where) rules.OpenTime { return book.StalledAfter.Of(w) }
	if days(rules.Where{Reason: "billing.dispute"}).Days != 20 || days(rules.Where{Reason: "billing", Unit: "lyon"}).Days != 3 ||
		days(rules.Where{Reason: "zoology"}).Days != 20 || strings.Count(document, "reason: billing, after") != 1 {
		t.Errorf("silences:\n%s", document)
	}
	for _, figure := range []string{"none", "60 opening hours"} {
		own := parsed(t, "breakpoints: {stalled_case: {after: "+figure+"}, sla_breach: {case: "+figure+"}}\n")
		o.Paths = []rules.ObservedPath{{Reason: "billing", Journeys: 100, Closed: 100, Took: 100 * rules.Day}}
		if s, _, document := suggested(t, own, o); len(s.Silences)+len(s.Paths) > 0 {
			t.Errorf("%s was stated, and still:\n%s", figure, document)
		}
	}
	own = parsed(t, "breakpoints: {stalled_case: {after: 19 working days 30 opening hours}}\n") // longer than 20 working days
	if s := own.Suggest(o); len(s.Silences) > 0 {
		t.Errorf("less than what is allowed: %+v", s.Silences)
	}
}

// TestSuggestDefault: what has no reason says what is normal for all only where it is more than half of all.
func TestSuggestDefault(t *testing.T) {
	for _, most := range []bool{false, true} {
		n := uint64(1000)
		if most {
			n++
		}
		s := rules.Default().Suggest(rules.Observed{
			Paths:    []rules.ObservedPath{{Journeys: n, Loops: 9}, {Reason: "billing", Journeys: 1000}, {Reason: "billing.dispute", Journeys: 900}},
			Silences: []rules.ObservedSilence{{Cases: n, Longest: 90 * rules.Day}, {Family: "billing", Cases: 1000}},
		})
		if (len(s.Paths) == 1) != most || (len(s.Silences) == 1) != most {
			t.Errorf("%d of %d without a reason: %+v", n, n+1000, s)
		}
	}
}

// TestSuggestNotMeasured: a kind is measured if any of its clocks that a source begins is ever cleared.
func TestSuggestNotMeasured(t *testing.T) {
	clock := func(source string, journeys, cleared uint64, clears string) rules.ObservedBeginning {
		return rules.ObservedBeginning{Clearing: rules.Clearing{Kind: "sla_breach", Clears: []string{clears}}, Source: source, Journeys: journeys, Cleared: cleared}
	}
	s := rules.Default().Suggest(rules.Observed{Begun: []rules.ObservedBeginning{
		clock("/cleared", 30, 0, "case.resolved"), clock("/few", 19, 0, "case.resolved"), clock("/never", 1, 0, "case.resolved"),
		clock("/cleared", 1, 1, "message.replied"), clock("/few", 19, 0, "message.replied"), clock("/never", 20, 0, "message.replied"),
	}})
	if len(s.NotMeasured) != 1 || s.NotMeasured[0].Source != "/never" || s.NotMeasured[0].Never[0] != "message.replied" {
		t.Errorf("%+v", s.NotMeasured)
	}
}

// TestSuggestHostile: whatever an event calls its case, source or reason, it stays a text.
func TestSuggestHostile(t *testing.T) {
	const id = "x\ncurrency: USD\r\x1b[2J\u0085\u2028\u202e\x7f\"\\ # é"
	s, book, document := suggested(t, rules.Default(), rules.Observed{
		Containers: []rules.ObservedCase{{Case: id, Lived: 900 * rules.Day, Families: 4}, {Case: " "}},
		Begun:      []rules.ObservedBeginning{{Clearing: rules.Clearing{Kind: "sla_breach", Clears: []string{"case.resolved"}}, Source: id, Journeys: 30}},
	})
	if !book.Container(id) || book.Measured("sla_breach", id) || book.Currency != rules.Default().Currency || len(book.Containers) != 1 {
		t.Errorf("containers %q, not measured %q", book.Containers, book.NotMeasured)
	}
	if strings.ContainsAny(document, "\r\x1b\u0085\u2028\u202e\x7f") || strings.Count(document, "\n# - ") != len(s.Why()) || strings.Contains(document, "\ncurrency") {
		t.Errorf("%q", document)
	}
}
