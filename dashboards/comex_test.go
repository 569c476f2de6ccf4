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
	"parcours/dashboards/words"
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

// same holds a figure of the screen against one counted by hand, month by month.
func same(t *testing.T, figure string, byHand monthly) {
	t.Helper()
	for month, got := range known(t, figure) {
		want := byHand[month]
		if got.n != want.n || math.Abs(got.value-want.of/want.n) > 1e-9 {
			t.Errorf("%s of %s: %v of %v, by hand %v of %v", figure, month, got.value*got.n, got.n, want.of, want.n)
		}
	}
}

// TestSatisfactionByHand: from the raw answers, with the response rate from the surveys sent.
func TestSatisfactionByHand(t *testing.T) {
	byHand := satisfied(sent(t, filled.Full(t).Events))
	same(t, "satisfaction", byHand)
	for month, got := range known(t, "satisfaction") {
		if want := byHand[month].n / byHand[month].sent; math.Abs(got.response-want) > 1e-9 {
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

// broken is a journey that ended, with what broke in it.
type broken struct {
	ended                time.Time
	matures, cost, avoid float64
	serious              bool
}

// journeysByHand joins journeys and their breakpoints row by row.
func journeysByHand(t *testing.T) map[string]*broken {
	t.Helper()
	store := filled.Full(t).Store
	a, err := ask(t, store, "SELECT journey_id, toFloat64(ended_at), cost, (SELECT toFloat64(any(journeys_mature_s)) FROM rule_books_v) FROM journeys_v WHERE ended_at IS NOT NULL")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*broken{}
	for _, r := range a.rows {
		all[r[0].(string)] = &broken{ended: time.UnixMilli(int64(1000 * r[1].(float64))), matures: r[3].(float64), cost: r[2].(float64)}
	}
	b, err := ask(t, store, "SELECT journey_id, toFloat64(occurred_at), toFloat64(severity), cost FROM breakpoints_v")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range b.rows {
		j := all[r[0].(string)]
		if j == nil {
			continue
		}
		j.avoid += r[3].(float64)
		j.serious = j.serious || r[2].(float64) >= 3 && r[1].(float64) <= float64(j.ended.UnixMilli())/1000+j.matures
	}
	return all
}

// TestJourneysByHand: journeys that ended, less those with a breakpoint of severity 3 before their figure matured.
func TestJourneysByHand(t *testing.T) {
	m := monthly{}
	for _, j := range journeysByHand(t) {
		m.count(j.ended, !j.serious)
	}
	same(t, "journeys_without_serious_breakpoint", m)
}

// TestAvoidableCostByHand: what their breakpoints cost, out of what the journeys cost.
func TestAvoidableCostByHand(t *testing.T) {
	avoid, cost, n := map[string]float64{}, map[string]float64{}, map[string]float64{}
	for _, j := range journeysByHand(t) {
		month := j.ended.UTC().Format("2006-01")
		avoid[month], cost[month], n[month] = avoid[month]+j.avoid, cost[month]+j.cost, n[month]+1
	}
	for month, got := range known(t, "avoidable_cost") {
		if got.n != n[month] || math.Abs(got.amount-avoid[month]) > 1e-6 || math.Abs(got.value-avoid[month]/cost[month]) > 1e-9 {
			t.Errorf("%s: %v of %v in %v, by hand %v, %v, %v", month, got.amount, got.value, got.n, avoid[month], avoid[month]/cost[month], n[month])
		}
	}
}

// TestCardsShowTheFigures: what stands on the cards of the last month is what the figures are, in the writing of each language, and what
// misses its target is in the colour of what is bad, and nothing else.
func TestCardsShowTheFigures(t *testing.T) {
	month := filled.Month.Format("2006-01")
	for _, s := range screens(t) {
		if s.name != "comex" {
			continue
		}
		texts, err := words.In(s.language)
		if err != nil {
			t.Fatal(err)
		}
		v, cards := viewer{store: filled.Full(t).Store, screen: s}, map[string]string{}
		v.look(t, func(_ panel, _ Query, a answer) {
			for i, name := range a.names {
				if len(a.rows) == 1 {
					cards[name] = fmt.Sprint(a.rows[0][i])
				}
			}
		})
		for _, f := range figures {
			heading, _ := texts.Say("comex.columns." + f.key)
			checkCard(t, s, f.figure, cards[heading], month)
		}
	}
}

func checkCard(t *testing.T, s screen, figure, card, month string) {
	t.Helper()
	of, is := known(t, figure)[month]
	want := fmt.Sprintf(">%.1f%%", 100*of.value)
	switch {
	case !is:
		if strings.Contains(card, Bad) || strings.Contains(card, Good) || !strings.Contains(card, Quiet) {
			t.Errorf("%s: the card of %s judges what is not known: %s", s, figure, card)
		}
		return
	case figure == "avoidable_cost":
		want = fmt.Sprintf("%.0f", of.amount)
	}
	if got := strings.NewReplacer(",", ".", "\u00a0", "").Replace(card); !strings.Contains(got, want) {
		t.Errorf("%s: the card of %s shows %s, expected %s", s, figure, card, want)
	}
	large := card[:max(0, strings.Index(card, "</div>"))]
	if missed, met := strings.Contains(large, "✗"), strings.Contains(large, "✓"); missed != strings.Contains(large, Bad) || met != strings.Contains(large, Good) {
		t.Errorf("%s: the colour of %s is not what its sign says: %s", s, figure, large)
	}
}

// TestWordsOfTheViews: the sentences that views make use the words of the catalogue.
func TestWordsOfTheViews(t *testing.T) {
	a, err := ask(t, filled.Empty(t), "SELECT list, code, fr, en FROM words_v")
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range []words.Language{words.French, words.English} {
		texts, err := words.In(l)
		if err != nil {
			t.Fatal(err)
		}
		said := map[string]string{}
		for _, row := range a.rows {
			said[fmt.Sprint(row[0], ".", row[1])] = fmt.Sprint(row[2+i])
		}
		for _, list := range []string{"kind", "silo", "family"} {
			for code, name := range texts.Names(list) {
				if got := said[list+"."+code]; code != "" && got != name {
					t.Errorf("%s: words_v says %q for the %s %s, the catalogue %q", l, got, list, code, name)
				}
			}
		}
	}
}
