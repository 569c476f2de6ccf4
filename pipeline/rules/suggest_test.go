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
