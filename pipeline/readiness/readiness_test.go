package readiness_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"parcours/pipeline/breakpoint"
	"parcours/pipeline/readiness"
	"parcours/pipeline/rules"
)

var update = flag.Bool("update", false, "write the table of requirements into docs/readiness.md")

// TestPageHasTheRequirements: docs/readiness.md shows the table as the code has it.
func TestPageHasTheRequirements(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "readiness.md")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	for _, part := range []struct{ begins, ends, table string }{
		{"<!-- kinds -->\n", "<!-- end of kinds -->", readiness.Table(readiness.Kinds())},
		{"<!-- figures -->\n", "<!-- end of figures -->", readiness.Table(readiness.Figures())},
	} {
		before, rest, found := strings.Cut(page, part.begins)
		is, after, ended := strings.Cut(rest, part.ends)
		if !found || !ended {
			t.Fatalf("%s has no %s", path, part.begins)
		}
		if is != part.table && !*update {
			t.Errorf("the table behind %s is not that of the code (go test ./pipeline/readiness -update writes it)", strings.TrimSpace(part.begins))
		}
		page = before + part.begins + part.table + part.ends + after
	}
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestClearingsAreAsked: what `rules suggest` knows to begin and to clear a kind, the requirements know as well.
func TestClearingsAreAsked(t *testing.T) {
	asked := map[string][]string{} // kind -> types that clear it
	for _, r := range readiness.Kinds() {
		for _, w := range r.Ways {
			for _, n := range w.Needs {
				if n.Force == readiness.Clears {
					asked[r.ID] = append(asked[r.ID], n.Drop...)
				}
			}
		}
	}
	for _, c := range breakpoint.Clearings() {
		for _, typ := range c.Clears {
			if !slices.Contains(asked[c.Kind], typ) {
				t.Errorf("%s is cleared by %s, of which its requirement knows nothing", c.Kind, typ)
			}
		}
	}
}

// TestDashboardsShowWhatIsJudged: every name on a dashboard is that of a kind or a figure.
func TestDashboardsShowWhatIsJudged(t *testing.T) {
	known := []string{"alerts"}
	for _, r := range append(readiness.Kinds(), readiness.Figures()...) {
		known = append(known, r.ID)
	}
	for _, d := range readiness.Dashboards() {
		for _, id := range d.Shows {
			if !slices.Contains(known, id) {
				t.Errorf("dashboard %s shows %s, which nothing judges", d.ID, id)
			}
		}
	}
}

// assess gives the verdicts on a script.
func assess(t *testing.T, text string, book *rules.Book) *readiness.Report {
	t.Helper()
	tally := readiness.NewTally()
	for _, e := range passed(t, text, nil) {
		tally.Add(e)
	}
	return readiness.Assess(tally.Profile(), book)
}

// TestSourceThatNeverResolves: its cases are not measured and it says why; another source that closes them makes up for it.
func TestSourceThatNeverResolves(t *testing.T) {
	const opened = `
2026-03-02 10:00 case.opened case=A source=/crm
2026-03-02 12:00 case.waiting case=A source=/crm on=customer
2026-03-03 10:00 step.performed case=A source=/crm activity=look`
	r := assess(t, opened, rules.Default())
	for _, kind := range []string{"sla_breach", "stalled_case"} {
		f := r.Sources["/crm"].Kinds[kind]
		if f.Verdict != readiness.Not || !strings.Contains(f.Why, "Nothing would clear it") || !strings.Contains(f.Why, "rules suggest") {
			t.Errorf("%s: %+v", kind, f)
		}
	}
	r = assess(t, opened+"\n2026-03-05 10:00 case.resolved case=A source=/backoffice", rules.Default())
	for _, kind := range []string{"sla_breach", "stalled_case"} {
		if f := r.Sources["/crm"].Kinds[kind]; f.Verdict != readiness.Supported {
			t.Errorf("%s, resolved by another source: %+v", kind, f)
		}
	}
	book := rules.Default()
	book.NotMeasured = map[string][]string{"/crm": {"stalled_case"}}
	r = assess(t, opened+"\n2026-03-05 10:00 case.resolved case=A source=/backoffice", book)
	if f := r.Sources["/crm"].Kinds["stalled_case"]; f.Verdict != readiness.Not || !strings.Contains(f.Why, "not_measured") {
		t.Errorf("not measured by the book: %+v", f)
	}
}

// TestShares: the shares of a few events, counted by hand.
func TestShares(t *testing.T) {
	r := assess(t, `
2026-03-02 10:00 contact.started contact=k1 direction=in channel=phone
2026-03-02 10:10 contact.ended contact=k1 channel=phone reason=billing.dispute
2026-03-03 10:00 contact.ended contact=k2 direction=out channel=other reason=unknown customer=-
2026-03-03 10:00 message.received customer=c2 channel=email
2026-03-03 10:00 order.placed customer=c2
2026-03-04 10:00 page.viewed customer=- channel=web
2026-03-05 11:00 order.placed customer=c3 id=e5
2026-03-06 10:00 team.survey_answered customer=-`, rules.Default())
	h := r.All.Shares
	for _, c := range []struct {
		what      string
		got, want float64
	}{
		{"days", float64(h.Days), 4}, {"history", float64(h.HistoryDays), 4}, {"customers", float64(h.Customers), 2}, {"contacts", float64(h.Contacts), 3},
		{"unidentified", h.Unidentified, 0.3333}, {"alone", h.Alone, 0.1667}, {"no contact or case", h.NoContactOrCase, 0.5},
		{"channel missing", h.ChannelMissing, 0.1667}, {"channel other", h.ChannelOther, 0.1667}, {"reason missing", h.ReasonMissing, 0.3333},
		{"reason unknown", h.ReasonUnknown, 0.3333}, {"outbound", h.Outbound, 0.3333}, {"direction missing", h.DirectionMissing, 0.3333},
		{"ended", h.Ended, 0.6667}, {"equal times", h.EqualTimes, 0.1429}, {"events", float64(r.All.Events), 7},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, expected %v", c.what, c.got, c.want)
		}
	}
}

// TestAlerts: how much a series must have, and for how long, is said by the rule book. From the first of so many days to the last
// it is a day less.
func TestAlerts(t *testing.T) {
	for _, c := range []struct {
		days, aDay int
		document   string
		want       readiness.Verdict
		says       string
	}{
		{41, 9, "", readiness.Partly, "watched from 8 breakpoints, or as many opportunities, a day on. The busiest kind is long_wait, out of at most 9.2 a day: it is watched against its own rate where 87 % of them break or more, else for becoming frequent."},
		{41, 6, "", readiness.Not, "out of at most 6.2 a day: seldom enough, if ever."},
		{41, 6, "alerts: {least_a_day: 5}", readiness.Partly, "watched from 5 breakpoints"},
		{41, 12, "alerts: {least_a_day: 1}", readiness.Supported, "where 8 % of them break or more"},
		{36, 9, "", readiness.Not, "Only 35 days of history: a day is held against what was usual in the 35 before it."},
		{2, 9, "", readiness.Not, "Only 1 day of history"},
		{36, 9, "alerts: {at_least: 14d, baseline: 28d}", readiness.Partly, "9.3 a day"},
	} {
		var text strings.Builder
		for day := range c.days {
			for k := range c.aDay {
				at := time.Date(2026, 1, 5+day, 10, k, 0, 0, time.UTC).Format("2006-01-02 15:04")
				fmt.Fprintf(&text, "\n%s contact.ended contact=d%dk%d direction=in channel=phone wait_s=20 talk_s=60", at, day, k)
			}
		}
		book, err := rules.Parse("test", []byte(c.document))
		if err != nil {
			t.Fatal(err)
		}
		if f := assess(t, text.String(), book).All.Figures["alerts"]; f.Verdict != c.want || !strings.Contains(f.Why, c.says) {
			t.Errorf("%d days of %d a day, %q: %s (%s), expected %s (%s)", c.days, c.aDay, c.document, f.Verdict, f.Why, c.want, c.says)
		}
	}
}

// TestHelps: what most wait for comes first, and nothing is asked for that is there.
func TestHelps(t *testing.T) {
	r := assess(t, `
2026-03-02 10:00 contact.started contact=k1 direction=in channel=phone
2026-03-02 10:10 contact.ended contact=k1 channel=phone wait_s=20 talk_s=60
2026-03-03 10:00 contact.started contact=k2 direction=in channel=phone
2026-03-03 10:10 contact.ended contact=k2 channel=phone wait_s=10 talk_s=60`, rules.Default())
	found := map[string]readiness.Help{}
	for _, h := range r.All.Helps {
		found[h.Name] = h
	}
	if len(r.All.Helps) != 3 || found["reason"].Alone < 2 || !slices.Contains(found["reason"].Waits, "repeat_contact") {
		t.Errorf("helps %+v", r.All.Helps)
	}
	if _, asked := found["customer"]; asked {
		t.Errorf("customers are named, and asked for: %+v", found["customer"])
	}
	if f := r.All.Figures["first_contact_resolution_any"]; f.Verdict != readiness.Supported || f.Coverage == nil || *f.Coverage != 100 {
		t.Errorf("first-contact resolution for any reason: %+v", f)
	}
	if f := r.All.Figures["first_contact_resolution_reason"]; f.Verdict != readiness.Not || *f.Coverage != 0 || !strings.Contains(f.Why, "No contact states a reason") {
		t.Errorf("first-contact resolution for the same reason: %+v", f)
	}
}

// TestNothing: no event, no verdict but not.
func TestNothing(t *testing.T) {
	r := readiness.Assess(readiness.NewTally().Profile(), rules.Default())
	for id, f := range r.All.Kinds {
		if f.Verdict != readiness.Not || f.Why == "" {
			t.Errorf("%s of nothing: %+v", id, f)
		}
	}
}
