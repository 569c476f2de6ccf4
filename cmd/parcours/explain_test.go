package main

import (
	"strings"
	"syscall"
	"testing"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// TestExplainedByTheBookInForce: journeys, events and lines are told by the book that judges them, not by the default.
func TestExplainedByTheBookInForce(t *testing.T) {
	dir := dataDir(t)
	p := up(t, dir, "--clock", "log")
	book := tempFile(t, "mine.yaml", `currency: USD
silos: {rates_are_illustrative: false}
calendar: {timezone: America/New_York}
reasons: {zoology: {silo: logistics}}
journeys: {inactivity_gap: {by_reason: {billing: 6d}}, page_view_near: 11m}
`)
	must(t, "rules", "publish", book, "--data", dir)
	history := append(toldHistory(), call("zoo", "Z-1", "2026-03-20T11:00:00Z", "2026-03-20T11:10:00Z", "zoology.lions")...)
	history = append(history, eventLine("looks", "page.viewed", "2026-03-20T12:00:00Z", `"identifiers":{"customer":"V-1"},"channel":"web"`))
	p.follows(t, dir, history...)
	check := func() {
		t.Helper()
		list := lastLine[journeyList](t, must(t, "journey", "list", "--data", dir, "--json", "--reason", "billing")).Journeys
		for _, c := range []struct {
			args, want []string
		}{
			{[]string{"journey", "list"}, []string{"USD", "America/New_York"}},
			{[]string{"journey", "show", list[0].JourneyID}, []string{"USD", "America/New_York", "and 6 d are allowed", "2026-03-20 05:00:00"}},
			{[]string{"event", "trace", "looks"}, []string{"America/New_York", "within 11 min"}},
			{[]string{"tail", "--no-follow", "--journeys", "--reason", "zoology"}, []string{"zoology", "2026-03-20 07:00:00"}},
		} {
			told := strings.ToUpper(must(t, append(c.args, "--data", dir)...))
			for _, want := range c.want {
				if !strings.Contains(told, strings.ToUpper(want)) {
					t.Errorf("%v does not say %q:\n%s", c.args, want, told)
				}
			}
			if strings.Contains(told, "ILLUSTRATIVE") || strings.Contains(told, "EUR ") {
				t.Errorf("%v speaks by the default:\n%s", c.args, told)
			}
		}
	}
	check()
	p.stop(t, syscall.SIGTERM)
	check()
}

// TestMoneyIllustrative: an amount is illustrative while the rates of either end were.
func TestMoneyIllustrative(t *testing.T) {
	later, err := rules.Parse("later", []byte("silos: {rates_are_illustrative: false}\n"))
	if err != nil {
		t.Fatal(err)
	}
	x := &explainer{book: rules.Default().With(later, 1000, 1), now: later}
	for want, ends := range map[string][2]event.Instant{"1.50 EUR (illustrative)": {500, 2000}, "1.50 EUR": {1000, 2000}} {
		if got := x.money(1.5, ends[0], ends[1]); got != want {
			t.Errorf("%v: %s, expected %s", ends, got, want)
		}
	}
}
