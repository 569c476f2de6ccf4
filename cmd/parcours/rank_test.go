package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestRank: what broke in the last 90 settled days, with its places; a log of three weeks has no landmark, and says so.
func TestRank(t *testing.T) {
	dir := dataDir(t)
	p := up(t, dir, "--clock", "log")
	p.follows(t, dir, toldHistory()...)
	r := lastLine[ranking](t, must(t, "rank", "--data", dir, "--json"))
	if len(r.Ranking) != 1 || !r.Illustrative || r.Currency != "EUR" || r.Since != "2025-12-17" || r.Until != "2026-03-16" || r.AlertsOpen != 0 || len(r.Associated) != 0 || r.TooFew != 0 {
		t.Fatalf("ranking: %+v", r)
	}
	row := r.Ranking[0]
	if row.Kind != "repeat_contact" || row.Reason != "billing" || row.Silo != "customer_service" || row.Breakpoints != 1 || row.Customers != 1 || row.Cost <= 0 ||
		row.Hours <= 0 || row.ByCost == nil || *row.ByCost != 1 || row.ByCustomers != 1 || row.Always || row.Rate == nil || row.Ratio != nil {
		t.Errorf("first place: %+v", row)
	}
	text := string(must(t, "rank", "--data", dir))
	for _, said := range []string{"The 90 settled days from 2025-12-17 to 2026-03-16, by avoidable cost, illustrative", "repeat_contact", "By customers touched", "Associated loss: nobody was exposed",
		"No change alert stands.", "50.0 % of 2", "none before", "none before: of the 90 days before 2025-12-17 no rate of the kind is known"} {
		if !strings.Contains(text, said) {
			t.Errorf("does not say %q:\n%s", said, text)
		}
	}
	for _, most := range []string{"0", "-1"} {
		if out, errOut, code := parcours(t, "rank", "--data", dir, "--most="+most); code != 2 || out != "" || !strings.Contains(errOut, "--most "+most+": expected 1 or more") {
			t.Errorf("--most %s: exit %d, %s%s", most, code, out, errOut)
		}
	}
}

// TestRankMarks: what the table cannot say of a rate or a change stands below it.
func TestRankMarks(t *testing.T) {
	rate, change := 0.25, -0.01
	r := ranking{Since: "2026-01-01", Ranking: []rankedRow{
		{Kind: "a", KindRate: &rate, KindOf: 40, Complete: true, KindChange: &change, KindExceeds: true},
		{Kind: "b"},
		{Kind: "c", KindRate: &rate, KindOf: 8, KindWithheld: notComplete},
		{Kind: "d", KindRate: &rate, KindOf: 8, Complete: true, KindChange: &change},
		{Kind: "e", KindRate: &rate, KindOf: 8, Complete: true, KindWithheld: "rules changed"},
	}}
	for i, want := range []string{"25.0 % of 40|-1.0", "-|-", "25.0 % of 8 *|not yet", "25.0 % of 8|(-1.0)", "25.0 % of 8|rules changed"} {
		if row := &r.Ranking[i]; row.rate()+"|"+row.trend() != want {
			t.Errorf("%s: %s|%s, expected %s", row.Kind, row.rate(), row.trend(), want)
		}
	}
	var said strings.Builder
	r.printMarks(&said)
	if got := said.String(); strings.Count(got, "\n") != 4 || !strings.Contains(got, "*: of the first days") || !strings.Contains(got, "not yet: ") || !strings.Contains(got, "(change): ") {
		t.Error(got)
	}
}

// TestAlertsVerb: those that stand and those that do not, the latest first; and how much is watched.
func TestAlertsVerb(t *testing.T) {
	dir := dataDir(t)
	up(t, dir, "--clock", "log").follows(t, dir, toldHistory()...)
	if text := must(t, "alerts", "--data", dir); !strings.HasPrefix(text, "There was no alert.\n") {
		t.Error(text)
	}
	generation := "(SELECT argMax(generation, (switched_at, generation)) FROM cx.generation)"
	must(t, "sql", "--data", dir, "INSERT INTO cx.alerts (generation, raised_on, alert_id, kind, silo, since, observed, expected, factor, low, high, where_silo, where_unit, cleared_on, cleared_why) SELECT "+generation+
		", * FROM VALUES('d Date32, id String, k String, s String, b Date32, o UInt64, e Float64, f Float64, l Float64, h Float64, ws String, wu String, c Nullable(Date32), y String', "+
		"('2026-03-02', 'a1', 'long_wait', '', '2026-02-27', 90, 45, 2, 1.5, 2.5, 'logistics', 'lyon', NULL, ''), "+
		"('2026-02-01', 'a2', 'sla_breach', 'it', '2026-01-20', 30, 10, 3, 2, 4, 'it', '', '2026-02-20', 'usual_again'))")
	must(t, "sql", "--data", dir, "INSERT INTO cx.closed_days (generation, day, series, watched) SELECT "+generation+", toDate32('2026-04-01'), 40, 7")
	text := must(t, "alerts", "--data", dir)
	first, second := strings.Index(text, "2026-03-02"), strings.Index(text, "2026-02-01")
	if first < 0 || second < first {
		t.Errorf("order:\n%s", text)
	}
	for _, said := range []string{"logistics lyon", "2.00", "1.50 to 2.50", "stands", "cleared 2026-02-20: usual again", "On 2026-04-01, the last day closed, 7 of 40 rates were watched."} {
		if !strings.Contains(text, said) {
			t.Errorf("does not say %q:\n%s", said, text)
		}
	}
	list := lastLine[alertList](t, must(t, "alerts", "--data", dir, "--open", "--json"))
	if len(list.Alerts) != 1 || list.ClosedUntil != "2026-04-01" || list.Watched != 7 || list.Series != 40 {
		t.Fatalf("%+v", list)
	}
	if a := list.Alerts[0]; fmt.Sprint(a.ID, a.Kind, a.Silo, a.RaisedOn, a.Since, a.Observed, a.InUnit, a.ClearedOn) != "a1long_wait2026-03-022026-02-2790lyon" {
		t.Errorf("%+v", a)
	}
	if text := must(t, "rank", "--data", dir); !strings.Contains(text, "Change alerts that stand: 1.") || !strings.Contains(text, "parcours alerts --data "+dir+" --open") {
		t.Error(text)
	}
}
