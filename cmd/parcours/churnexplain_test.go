package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"parcours/cmd/internal/service"
	"parcours/pipeline/churn"
)

// asksFor asks for the page of the customer that standard input names.
func asksFor(t *testing.T, want int, input, dir string) string {
	t.Helper()
	cmd := command(t, "churn", "explain", "--data", dir, "-")
	var out, errOut bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errOut
	if _ = cmd.Run(); cmd.ProcessState.ExitCode() != want {
		t.Fatalf("exit %d: %s", cmd.ProcessState.ExitCode(), errOut.String())
	}
	return out.String()
}

// TestExplainAsked: without a name on standard input nothing is opened.
func TestExplainAsked(t *testing.T) {
	for _, input := range []string{"", "\n", " \ncustomer=1"} {
		asksFor(t, service.Misused, input, t.TempDir())
	}
}

// TestFrenchPage: every heading and label is in the language that was asked for, and numbers are written as it does.
func TestFrenchPage(t *testing.T) {
	figure := func(v float64) *float64 { return &v }
	page := shownCustomer{
		Customer: "c0", Segment: "s", InForce: true, Started: "2024-01-02T00:00:00Z", TenureDays: figure(500), Product: "home", Margin: figure(240.5), Captive: true, Currency: "EUR", Uses: 3,
		Score: &shownScore{AsOf: "2026-01-01", Prior: true, Model: "prior", ValueAtRisk: figure(12.5), Excess: figure(2.5), VoiceRisk: figure(40), Expected: figure(7.5),
			Within: []shownWithin{{30, figure(0.012), figure(0.01), figure(0.02), figure(0.015), true}}, Reasons: []shownReason{{Words: "raison"}}},
		History: []shownPast{{AsOf: "2026-01-01", Model: "m", P365: figure(0.1)}, {AsOf: "2025-12-01", Ended: "no_contract"}},
	}
	show := func(change func(c *shownCustomer), l language) string {
		c, score := page, *page.Score
		c.Score, c.language, c.Signals = &score, l, []shownSignal{{Kind: churn.Risk, RaisedAt: "2026-01-01", Words: signalWords(churn.Risk, l)}}
		change(&c)
		c.timeline([]churn.Fact{{At: 5, What: churn.ContractStarted, Amount: 240.5, Weight: 2}, {At: 6, What: churn.SurveyNPS, Amount: 0.5}})
		var out strings.Builder
		c.print(&out, &explainer{zone: time.UTC}, 1)
		return out.String()
	}
	pages := map[string]func(c *shownCustomer){
		"whole":      func(*shownCustomer) {},
		"told":       func(c *shownCustomer) { c.Score.Told = true },
		"judged":     func(c *shownCustomer) { c.Quality = []shownJudged{{Horizon: 30, Losses: 4, AUC: figure(0.75)}} },
		"objected":   func(c *shownCustomer) { c.Objected = true },
		"lost":       func(c *shownCustomer) { c.InForce, c.Ended, c.Lost, c.Score = false, "2026-01-01", true, nil },
		"ended":      func(c *shownCustomer) { c.InForce, c.Ended, c.Score = false, "2026-01-01", nil },
		"no tenure":  func(c *shownCustomer) { c.TenureDays = nil },
		"a stranger": func(c *shownCustomer) { c.InForce, c.Score = false, nil },
	}
	for name, change := range pages {
		inFrench, inEnglish := show(change, french), show(change, english)
		for word := range strings.FieldsFuncSeq(inFrench, func(r rune) bool { return !unicode.IsLetter(r) }) {
			if slices.Contains([]string{
				"Customer", "contract", "margin", "product", "days", "years", "year", "in", "the", "As", "of", "told", "not", "by", "score:", "reason", "risk", "at", "how", "good", "nobody",
				"knows", "What", "counted", "newest", "and", "more", "Scores", "value", "voice", "model", "uses", "expected", "severity", "losses", "all", "yes", "since", "lost", "ended", "person", "none"}, word) &&
				(word != "Scores" || strings.Contains(inFrench, "Scores that")) {
				t.Errorf("%s: %q in\n%s", name, word, inFrench)
			}
		}
		if strings.Contains(inEnglish, "é") || strings.Contains(inEnglish, "12,50") {
			t.Errorf("%s:\n%s", name, inEnglish)
		}
	}
	if text := show(pages["whole"], french); !strings.Contains(text, "1,20 % (1,00 à 2,00 %)") || !strings.Contains(text, "12,50 EUR") {
		t.Errorf("numbers:\n%s", text)
	}
}
