package brief_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parcours/dashboards/brief"
	"parcours/dashboards/words"
)

func month(year, m int) time.Time { return time.Date(year, time.Month(m), 1, 0, 0, 0, 0, time.UTC) }

// sample is a brief with everything in it, the longest names among them.
func sample(l words.Language) *brief.Brief {
	b := &brief.Brief{
		Language: l, Month: month(2026, 9), Months: []time.Time{month(2026, 9), month(2026, 8)}, Headline: "Sept parcours sur dix se passent sans rupture grave ; le rappel pour le même motif coûte le plus, et augmente depuis juin.",
		Cost: 214_000, Currency: "EUR", Illustrative: true, Rules: "0a1b2c3d4e5f", Settled: time.Date(2026, 10, 28, 21, 0, 0, 0, time.UTC),
		Ranking: []brief.Breakpoint{
			{Kind: "repeat_contact", Family: "billing", Silo: "customer_service", Cost: 48_200, Breakpoints: 3_120, Customers: 2_540, Severity: 3, Since: "depuis le mois 6 de l'année 2026", Says: "estimated", RiskRatio: 1.82},
			{Kind: "core_failure", Family: "delivery", Silo: "logistics", Cost: 31_000, Breakpoints: 1_020, Customers: 998, Captive: 3, Severity: 4},
			{Kind: "broken_promise", Family: "technical", Silo: "risk_compliance", Cost: 22_500, Breakpoints: 640, Customers: 602, Severity: 4, Since: "depuis le mois 8 de l'année 2026"},
			{Kind: "repeated_information", Family: "installation", Silo: "it", Cost: 9_000, Breakpoints: 312, Customers: 300, Severity: 2},
			{Kind: "silo_handoff", Silo: "sales", Cost: 4_200, Breakpoints: 101, Customers: 99, Severity: 3},
		},
		Listed:  []brief.Breakpoint{{Kind: "complaint_escalation", Severity: 5, Breakpoints: 12, Captive: 2}},
		Changes: []brief.Change{{Kind: "repeat_contact", Rate: 0.24, Before: 0.18, N: 12_000}, {Kind: "queue_abandonment", Rate: 0.05, Before: 0.08, N: 9_100}},
		Alerts:  []brief.Alert{{Kind: "repeat_contact", Family: "billing", Since: time.Date(2026, 6, 9, 0, 0, 0, 0, time.UTC), Factor: 1.46}},
		Actions: []brief.Action{{At: month(2026, 7), What: "Rappel systématique après coupure"}},
		Risk:    []brief.Share{{Name: "household", Amount: 1_200_000}, {Name: "student", Amount: 310_000}},
		RiskOf:  brief.Risk{ValueAtRisk: 1_510_000, Customers: 15_212, ToCall: 240, Prior: true},
		Unseen:  []brief.Unseen{{Signal: "detractor", Total: 400, Unseen: 230}},
	}
	for i, name := range []string{"journeys_without_serious_breakpoint", "first_contact_resolution", "satisfaction", "complaints_in_time", "avoidable_cost"} {
		f := brief.Figure{
			Name: name, Month: b.Month, N: 12_345, Amount: 214_000, Target: 0.75, ResponseRate: math.NaN(), LowerIsBetter: name == "avoidable_cost",
			Before: brief.Comparison{Months: 12, Difference: -0.021, ExceedsNoise: i != 1},
		}
		for m := range 13 {
			v := 0.7 + 0.01*float64(i) + 0.02*math.Sin(float64(m))
			f.History = append(f.History, brief.Point{Month: month(2025, 9).AddDate(0, m, 0), Value: v, Low: v - 0.015, High: v + 0.015})
		}
		last := f.History[12]
		f.Value, f.Low, f.High = last.Value, last.Low, last.High
		b.Figures = append(b.Figures, f)
	}
	b.Figures[2].ResponseRate, b.Figures[3].Month = 0.21, month(2026, 8)
	return b
}

// TestPagesSayEverything: both languages, no text missing, each chart drawn, no number that is none.
func TestPagesSayEverything(t *testing.T) {
	for _, l := range words.Languages() {
		page, err := sample(l).HTML(true)
		if err != nil {
			t.Fatal(err)
		}
		if dir := os.Getenv("PARCOURS_PAGES"); dir != "" { // to look at them
			if err := os.WriteFile(filepath.Join(dir, "brief-"+string(l)+".html"), page, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		text := string(page)
		if n := strings.Count(text, "<svg"); n != 6 {
			t.Errorf("%s: %d charts, not 6", l, n)
		}
		for _, wrong := range []string{"NaN", ">+Inf", ">-Inf", "%!", "http://", "https://", "<script"} {
			if strings.Contains(strings.ReplaceAll(text, "http://www.w3.org/", ""), wrong) {
				t.Errorf("%s: the page holds %q", l, wrong)
			}
		}
	}
}
