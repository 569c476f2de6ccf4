package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// caller is one of a made-up population: a call, and for some another about the same within seven days.
type caller struct {
	ended time.Time
	back  time.Time // zero for those whose call was resolved
}

// callers begin evenly over the days, and three in ten come back, evenly over the seven days after.
func callers(n, days int, start time.Time) []caller {
	r, list := rand.New(rand.NewPCG(5, 30)), make([]caller, n)
	for i := range list {
		c := caller{ended: start.Add(time.Duration(r.Int64N(int64(days) * int64(24*time.Hour)))).Truncate(time.Millisecond)}
		if r.IntN(10) < 3 {
			c.back = c.ended.Add(time.Duration(1 + r.Int64N(int64(7*24*time.Hour)-1))).Truncate(time.Millisecond)
		}
		list[i] = c
	}
	return list
}

// log is what was known of them when it ended.
func logOf(list []caller, until time.Time) string {
	var b strings.Builder
	for i, c := range list {
		for n, at := range []time.Time{c.ended, c.back} {
			if at.IsZero() || at.After(until) {
				continue
			}
			fmt.Fprintf(&b, `{"specversion":"1.0","id":"%d-%d","source":"/calls","type":"contact.ended","time":"%s","data":{"identifiers":{"customer":"%d"},`+
				`"contact":"k%d-%d","channel":"phone","direction":"in","silo":"customer_service","unit":"lyon","reason":"billing.dispute"}}`+"\n",
				i, n, at.Format("2006-01-02T15:04:05.000Z"), 10_000+i, i, n)
		}
	}
	return b.String()
}

// cohort is a part of a whole, and its interval at 95 % (Wilson).
type cohort struct{ n, resolved int }

func (s cohort) rate() float64 { return float64(s.resolved) / float64(s.n) }

func (s cohort) interval() (low, high float64) {
	const z = 1.959963984540054
	n, p := float64(s.n), s.rate()
	centre, half := (p+z*z/(2*n))/(1+z*z/n), z/(1+z*z/n)*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return centre - half, centre + half
}

func (s *cohort) add(resolved bool) {
	if s.n++; resolved {
		s.resolved++
	}
}

// TestFirstContactResolutionAtTheRightEdge: repeats come evenly over seven days, and the log ends in their middle. What is drawn
// is what truly happened, up to its last day; the last days before the end, counted without waiting, look far better.
func TestFirstContactResolutionAtTheRightEdge(t *testing.T) {
	const truth, immature = 0.70, 1 - 0.3*3/7 // of six days counted at their end, three sevenths of the repeats have come
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	end := start.Add(40*24*time.Hour + 13*time.Hour)
	list := callers(8_000, 60, start)
	dir := dataDir(t)
	must(t, "import", "--data", dir, "--sort", tempFile(t, "calls.ndjson", logOf(list, end)))

	want := map[string]*cohort{}
	for _, c := range list {
		day := c.ended.Format(time.DateOnly)
		if want[day] == nil {
			want[day] = &cohort{}
		}
		want[day].add(c.back.IsZero())
	}
	got := dailyShares(t, dir, "same_reason")
	days := sortedDays(got)
	if last := days[len(days)-1]; len(days) < 28 || last != end.AddDate(0, 0, -11).Format(time.DateOnly) {
		t.Fatalf("%d days are drawn, the last of them %s", len(days), last)
	}
	for _, day := range days {
		if got[day] != *want[day] {
			t.Errorf("%s: %v, truly %v", day, got[day], *want[day])
		}
	}
	var edge cohort
	for _, day := range days[len(days)-6:] {
		edge.n, edge.resolved = edge.n+got[day].n, edge.resolved+got[day].resolved
	}
	naive := naiveShare(t, dir, end.AddDate(0, 0, -6))
	t.Logf("the last six days drawn: %d of %d, %.1f %%; the last six days of the log, counted without waiting: %d of %d, %.1f %%",
		edge.resolved, edge.n, 100*edge.rate(), naive.resolved, naive.n, 100*naive.rate())
	if low, high := edge.interval(); truth < low || truth > high {
		t.Errorf("the right edge says %.3f (%.3f to %.3f), truly %.2f", edge.rate(), low, high, truth)
	}
	if low, high := naive.interval(); immature < low || immature > high || low <= truth {
		t.Errorf("the immature figure says %.3f (%.3f to %.3f), expected about %.3f and far from the truth", naive.rate(), low, high, immature)
	}
	if anyReason := dailyShares(t, dir, "any_reason"); fmt.Sprint(anyReason) != fmt.Sprint(got) {
		t.Errorf("for any reason %v, for the same %v: there was only one", anyReason, got)
	}
	checkMonthsOf(t, dir, got)
	checkDocumented(t, dir, got)
}

// checkDocumented: the query of docs/resolution.md, which counts over the steps, says the same of the days that are drawn.
func checkDocumented(t *testing.T, dir string, days map[string]cohort) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "resolution.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```sql\n")
	query, _, found := strings.Cut(rest, "\n```")
	if !found {
		t.Fatal("docs/resolution.md has no query")
	}
	again := map[string]cohort{}
	for line := range strings.Lines(sqlCSV(t, dir, query)) {
		f := strings.Split(strings.TrimSpace(line), ",")
		again[f[0]] = shareOf(t, f[1], f[2])
	}
	for _, day := range sortedDays(days) {
		if again[day] != days[day] {
			t.Errorf("%s: the documented query says %v, the view %v", day, again[day], days[day])
		}
	}
}

func dailyShares(t *testing.T, dir, way string) map[string]cohort {
	t.Helper()
	got := map[string]cohort{}
	for line := range strings.Lines(sqlCSV(t, dir, "SELECT day, sum("+way+"_n), sum("+way+"_resolved) FROM cx.first_contact_resolution_daily_v GROUP BY day")) {
		f := strings.Split(strings.TrimSpace(line), ",")
		got[f[0]] = shareOf(t, f[1], f[2])
	}
	return got
}

// naiveShare counts contacts since a moment whose window may well be open.
func naiveShare(t *testing.T, dir string, since time.Time) cohort {
	t.Helper()
	f := strings.Split(sqlCSV(t, dir, "SELECT count(), countIf(NOT back_same) FROM cx.contacts_v WHERE first AND ended_at >= '"+since.Format(time.DateTime)+"'"), ",")
	return shareOf(t, f[0], f[1])
}

func shareOf(t *testing.T, n, resolved string) (s cohort) {
	t.Helper()
	var err error
	if s.n, err = strconv.Atoi(n); err == nil {
		s.resolved, err = strconv.Atoi(resolved)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sortedDays(m map[string]cohort) (days []string) {
	for day := range m {
		days = append(days, day)
	}
	slices.Sort(days)
	return days
}

// checkMonthsOf: months are the sums of their drawn days, with the interval to six digits.
func checkMonthsOf(t *testing.T, dir string, days map[string]cohort) {
	t.Helper()
	months := map[string]cohort{}
	for day, s := range days {
		m := months[day[:7]+"-01"]
		months[day[:7]+"-01"] = cohort{m.n + s.n, m.resolved + s.resolved}
	}
	var want []string
	for _, month := range sortedDays(months) {
		m := months[month]
		low, high := m.interval()
		want = append(want, fmt.Sprintf("%s,%d,%d,%.6f,%.6f,%.6f,%t", month, m.n, m.resolved, m.rate(), low, high, month == "2026-01-01"))
	}
	got := sqlCSV(t, dir, "SELECT month, n, resolved, printf('%.6f', rate), printf('%.6f', low), printf('%.6f', high), complete "+
		"FROM cx.first_contact_resolution_v WHERE way = 'same_reason' ORDER BY month")
	if got != strings.Join(want, "\n") {
		t.Errorf("months are\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	if got := sqlCSV(t, dir, "SELECT DISTINCT n, rate, low, high, response_rate FROM cx.first_contact_resolution_v WHERE way = 'survey'"); got != `0,\N,\N,\N,\N` {
		t.Errorf("nobody was surveyed, and the survey says %s", got)
	}
}
