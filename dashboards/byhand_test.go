package dashboards

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // Europe/Paris, wherever this runs

	"parcours/dashboards/internal/filled"
)

// told is an event as its channel sent it.
type told struct {
	Source, ID, Type string
	Time             time.Time
	Data             struct {
		Identifiers                                    struct{ Customer string }
		Contact, Direction, Reason, Case, Kind, Regime string
		TalkS                                          *float64 `json:"talk_s"`
		NPS, CSAT, CES                                 *float64
		CSATScale                                      *float64 `json:"csat_scale"`
		CESScale                                       *float64 `json:"ces_scale"`
	}
}

// sent reads what the made-up company sent, each event once, in order of time.
func sent(t *testing.T, file string) (all []told) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seen := map[string]bool{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var e told
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if key := e.Source + " " + e.ID; !seen[key] {
			seen[key] = true
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b told) int { return a.Time.Compare(b.Time) })
	return all
}

// part of a whole, by month.
type part struct{ of, n, sent float64 }

type monthly map[string]part

func (m monthly) count(at time.Time, good bool) {
	p := m[at.UTC().Format("2006-01")]
	p.n++
	if good {
		p.of++
	}
	m[at.UTC().Format("2006-01")] = p
}

// satisfied counts answers by hand: NPS 7 or more, CSAT above 2 of 5, CES above 3 of 7, each on its own scale.
func satisfied(events []told) monthly {
	m := monthly{}
	onto := func(v, scale *float64, usual, best float64) float64 {
		if scale != nil {
			usual = *scale
		}
		return 1 + (*v-1)*(best-1)/(usual-1)
	}
	for _, e := range events {
		d := e.Data
		if d.Kind != "" && d.Kind != "transactional" {
			continue
		}
		switch e.Type {
		case "survey.sent":
			p := m[e.Time.UTC().Format("2006-01")]
			p.sent++
			m[e.Time.UTC().Format("2006-01")] = p
		case "survey.answered":
			bad := d.NPS != nil && *d.NPS <= 6 || d.CSAT != nil && onto(d.CSAT, d.CSATScale, 5, 5) <= 2 || d.CES != nil && onto(d.CES, d.CESScale, 7, 7) <= 3
			m.count(e.Time, !bad)
		}
	}
	return m
}

// holidays of France in the years of the company, Sundays apart.
var holidays = strings.Fields("2024-01-01 2024-04-01 2024-05-01 2024-05-08 2024-05-09 2024-05-20 2024-08-15 2024-11-01 2024-11-11 2024-12-25 2025-01-01 2025-04-21 2025-05-01 2025-05-08")

// workable is the end of the n-th jour ouvrable after a moment: Monday to Saturday, no holiday.
func workable(at time.Time, n int, paris *time.Location) time.Time {
	day := midnight(at, paris)
	for n > 0 {
		day = midnight(day.Add(36*time.Hour), paris)
		if day.Weekday() != time.Sunday && !slices.Contains(holidays, day.Format(time.DateOnly)) {
			n--
		}
	}
	return midnight(day.Add(36*time.Hour), paris)
}

func midnight(at time.Time, paris *time.Location) time.Time {
	y, m, d := at.In(paris).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, paris)
}

// inTime counts complaints by hand: each filing acknowledged in 10 jours ouvrables unless answered before, answered in two months, of the
// regime payment in 15 jours ouvrables.
func inTime(t *testing.T, events []told) monthly {
	t.Helper()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	m := monthly{}
	for i, filed := range events {
		if filed.Type != "complaint.filed" {
			continue
		}
		answerBy := midnight(midnight(filed.Time, paris).AddDate(0, 2, 0).Add(36*time.Hour), paris)
		if filed.Data.Regime == "payment" {
			answerBy = workable(filed.Time, 15, paris)
		}
		first, answered := time.Time{}, time.Time{}
		for _, e := range events[i+1:] {
			if e.Data.Case != filed.Data.Case || e.Type != "complaint.acknowledged" && e.Type != "complaint.answered" {
				continue
			}
			if first.IsZero() {
				first = e.Time
			}
			if answered.IsZero() && e.Type == "complaint.answered" {
				answered = e.Time
			}
		}
		m.count(filed.Time, !answered.IsZero() && answered.Before(answerBy) && first.Before(workable(filed.Time, 10, paris)))
	}
	return m
}

// conversation is one interaction with a person or a bot.
type conversation struct {
	customer, reason, direction string
	began, ended                time.Time
	spoken, handled, gone       bool
}

// conversations are those of identified customers, by customer.
func conversations(events []told) map[string][]*conversation {
	all := map[string]*conversation{}
	for _, e := range events {
		if e.Data.Contact == "" || strings.HasPrefix(e.Type, "survey.") {
			continue
		}
		c := all[e.Data.Contact]
		if c == nil {
			c = &conversation{began: e.Time}
			all[e.Data.Contact] = c
		}
		c.hear(e)
	}
	by := map[string][]*conversation{}
	for _, c := range all {
		if c.customer != "" && c.spoken && (c.direction == "" || c.direction == "in") {
			by[c.customer] = append(by[c.customer], c)
		}
	}
	return by
}

func (c *conversation) hear(e told) {
	c.ended = e.Time
	c.customer = cmp.Or(c.customer, e.Data.Identifiers.Customer)
	c.direction = cmp.Or(c.direction, e.Data.Direction)
	c.reason = cmp.Or(e.Data.Reason, c.reason)
	for _, family := range []string{"contact.", "message.", "bot."} {
		c.spoken = c.spoken || strings.HasPrefix(e.Type, family)
	}
	switch e.Type {
	case "contact.answered", "message.replied", "bot.answered", "contact.transferred":
		c.handled, c.gone = true, false
	case "contact.refused", "contact.abandoned":
		c.handled, c.gone = false, true
	case "message.received", "bot.handed_over":
		c.handled, c.gone = false, false
	case "contact.ended":
		c.handled = c.handled || !c.gone || e.Data.TalkS != nil
	}
}

// resolved counts first contacts by hand: nobody came back for the same full reason within seven days.
func resolved(events []told) monthly {
	const window = 7 * 24 * time.Hour
	m := monthly{}
	for _, list := range conversations(events) {
		for _, c := range list {
			family, _, _ := strings.Cut(c.reason, ".")
			if !c.handled || slices.Contains([]string{"", "unknown", "other"}, family) {
				continue
			}
			first, back := true, false
			for _, o := range list {
				if o.reason != c.reason {
					continue
				}
				first = first && !(o.handled && o.ended.Before(c.began) && !c.began.After(o.ended.Add(window)))
				back = back || c.ended.Before(o.began) && !o.began.After(c.ended.Add(window))
			}
			if first {
				m.count(c.ended, !back)
			}
		}
	}
	return m
}

// known are the figures of a kind that the screen knows, by month.
func known(t *testing.T, figure string) map[string]struct{ value, n, amount, response float64 } {
	t.Helper()
	a, err := ask(t, filled.Full(t).Store, "SELECT formatDateTime(month, '%Y-%m'), value, toFloat64(n), amount, response_rate FROM comex_figures_v WHERE state = 'known' AND figure = "+quote(figure))
	if err != nil {
		t.Fatal(err)
	}
	number := func(v any) float64 {
		if f, is := v.(float64); is {
			return f
		}
		return math.NaN()
	}
	all := map[string]struct{ value, n, amount, response float64 }{}
	for _, r := range a.rows {
		all[fmt.Sprint(r[0])] = struct{ value, n, amount, response float64 }{number(r[1]), number(r[2]), number(r[3]), number(r[4])}
	}
	if len(all) < 8 {
		t.Fatalf("%s is known in %d months only", figure, len(all))
	}
	return all
}

// near says whether two numbers are one but for rounding; NaN, as which known reads NULL, is near nothing.
func near(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }

// same holds a figure of the screen against one counted by hand, month by month.
func same(t *testing.T, figure string, byHand monthly) {
	t.Helper()
	for month, got := range known(t, figure) {
		want := byHand[month]
		if got.n != want.n || !near(got.value, want.of/want.n, 1e-9) {
			t.Errorf("%s of %s: %v of %v, by hand %v of %v", figure, month, got.value*got.n, got.n, want.of, want.n)
		}
	}
}

// TestSatisfactionByHand: from the raw answers, with the response rate from the surveys sent.
func TestSatisfactionByHand(t *testing.T) {
	byHand := satisfied(sent(t, filled.Full(t).Events))
	same(t, "satisfaction", byHand)
	for month, got := range known(t, "satisfaction") {
		if want := byHand[month].n / byHand[month].sent; !near(got.response, want, 1e-9) {
			t.Errorf("response rate of %s: %v, by hand %v", month, got.response, want)
		}
	}
}

// TestComplaintsByHand: from the raw complaints and a calendar of its own.
func TestComplaintsByHand(t *testing.T) {
	same(t, "complaints_in_time", inTime(t, sent(t, filled.Full(t).Events)))
}

// TestFirstContactResolutionByHand: from the raw contacts, without any journey.
func TestFirstContactResolutionByHand(t *testing.T) {
	same(t, "first_contact_resolution", resolved(sent(t, filled.Full(t).Events)))
}
