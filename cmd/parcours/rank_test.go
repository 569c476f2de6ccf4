package main

import (
	"strings"
	"testing"
)

// TestRank: what broke in the last 90 settled days, with its places; a log of three weeks has no landmark, and says so.
func TestRank(t *testing.T) {
	dir := t.TempDir()
	p := up(t, dir, "--clock", "log")
	p.follows(t, dir, toldHistory()...)
	r := lastLine[ranking](t, must(t, "rank", "--data", dir, "--json"))
	if len(r.Ranking) != 1 || !r.Illustrative || r.Currency != "EUR" || r.Since != "2025-12-17" || len(r.Associated) != 0 || r.TooFew != 0 {
		t.Fatalf("ranking: %+v", r)
	}
	row := r.Ranking[0]
	if row.Kind != "repeat_contact" || row.Reason != "billing" || row.Silo != "customer_service" || row.Breakpoints != 1 || row.Customers != 1 || row.Cost <= 0 ||
		row.Hours <= 0 || row.ByCost == nil || *row.ByCost != 1 || row.ByCustomers != 1 || row.Always || row.Rate == nil || row.Ratio != nil {
		t.Errorf("first place: %+v", row)
	}
	text := string(must(t, "rank", "--data", dir))
	for _, said := range []string{"The 90 settled days from 2025-12-17 on, by avoidable cost, illustrative", "repeat_contact", "By customers touched", "Associated loss: nobody was exposed"} {
		if !strings.Contains(text, said) {
			t.Errorf("does not say %q:\n%s", said, text)
		}
	}
}
