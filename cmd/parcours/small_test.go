package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"parcours/cmd/internal/service"
	"parcours/pipeline/event"
	"parcours/pipeline/ingest/mapping"
	"parcours/pipeline/rules"
)

// TestHelp: help is a word too, also before a verb.
func TestHelp(t *testing.T) {
	for verb, want := range map[string]string{"": "Customer journeys", "import": "--mapping"} {
		var out, errOut bytes.Buffer
		if code := run(append([]string{"help"}, strings.Fields(verb)...), nil, &out, &errOut); code != service.Done || !strings.Contains(out.String(), want) {
			t.Errorf("help %s: exit %d, %s%s", verb, code, out.String(), errOut.String())
		}
	}
}

// TestReadable: of what could stand in the place of a syntax error, the first few are said; another error is left as it is.
func TestReadable(t *testing.T) {
	long := errors.New("query: Code: 62. DB::Exception: Syntax error: failed at position 8 (FORM). Expected one of: " +
		strings.TrimSuffix(strings.Repeat("word, ", 300), ", ") + ". (SYNTAX_ERROR) (version 26)")
	want := "query: Code: 62. DB::Exception: Syntax error: failed at position 8 (FORM). Expected one of: word, word, word, word, word, word, word, word" +
		" and 292 more. (SYNTAX_ERROR) (version 26)"
	if got := readable(long); got.Error() != want || !errors.Is(got, long) {
		t.Errorf("%s", got)
	}
	for _, err := range []error{errors.New("query: Unknown table"), errors.New("Expected one of: a, b. (SYNTAX_ERROR)")} {
		if got := readable(err); got.Error() != err.Error() {
			t.Errorf("%s", got)
		}
	}
	if readable(nil) != nil {
		t.Error("an error of none")
	}
}

// TestReasonOfRow: a row that a mapping refuses has the reason that the same value has as NDJSON, as far as a cell can have it.
func TestReasonOfRow(t *testing.T) {
	for field, want := range map[string]string{
		"": event.ReasonBrokenRow, "time": event.ReasonBadTime, "data.due": event.ReasonBadTime, "data.wait_s": event.ReasonBadValue,
		"id": event.ReasonBadValue, "data.channel": event.ReasonUnknownValue, "type": event.ReasonUnknownValue,
	} {
		if got := reasonOf(field); got != want {
			t.Errorf("%q: %s, expected %s", field, got, want)
		}
	}
}

// TestPseudonyms: what may be a pseudonym, or how one begins, and what is a number of the company.
func TestPseudonyms(t *testing.T) {
	for text, want := range map[string]bool{"c": true, "c41d8": true, "c" + strings.Repeat("0", 32): true, "c" + strings.Repeat("0", 33): false,
		"10000042": false, "customer-1": false, "A-1": false} {
		if isPseudonym(text) != want {
			t.Errorf("%s: %t", text, !want)
		}
	}
}

// TestCheckNames: a dry run names the types, silos and reason families that no rule knows, and the copies in the file.
func TestCheckNames(t *testing.T) {
	var out strings.Builder
	count := func(value string) []mapping.Count {
		return []mapping.Count{{Value: value, Events: 2}}
	}
	printCheck(&out, &mapping.Report{Rows: 4, Mapped: 4, Copies: 1, Types: append(count("contact.ended"), count("coffee.drunk")...),
		Silos: append(count("it"), count("back office")...), Families: append(count("billing"), count("gardening")...)}, rules.Default())
	for _, want := range []string{"Types that no rule knows: coffee.drunk (2).\n", "Silos that no rule knows: back office (2).\n",
		"Reason families that no rule knows: gardening (2).\n", "Of these, 1 have an id that came before"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}
