package clickhouse_test

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
	"parcours/pipeline/simulate"
)

// The contacts of a company counted again from journey_steps_v and events_v alone, by what docs/resolution.md says: nothing of
// the fold is used but which events stand in one journey.

// placed is an event of a journey as the views show it.
type placed struct {
	journey, typ, contact, customer, channel, unit, direction, reason, resolved string
	at                                                                          int64 // Unix milliseconds
}

func (p placed) of(prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(p.typ, prefix) })
}

// call is a contact counted again.
type call struct {
	steps            []placed
	start, end       int64
	reason           string
	inbound, handled bool
	first, surveyed  bool
	same, whatever   bool
	answer           string
}

const weekMS = 7 * 24 * 3600 * 1000

func placedEvents(t *testing.T, s *clickhouse.Store) (list []placed) {
	t.Helper()
	for _, l := range lines(t, s, `SELECT s.journey_id, s.type, s.contact_id, s.customer_id, s.channel, s.unit, e.direction, e.reason,
			ifNull(toString(e.resolved), ''), toUnixTimestamp64Milli(s.time)
		FROM cx.journey_steps_v AS s INNER JOIN cx.events_v AS e ON e.source = s.source AND e.id = s.event_id AND e.time = s.time
		ORDER BY s.journey_id, s.step`) {
		f := strings.Split(l, "\t")
		at, err := strconv.ParseInt(f[9], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, placed{f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8], at})
	}
	return list
}

// outreachOf are the messages that the company sent, also those in no journey.
func outreachOf(t *testing.T, s *clickhouse.Store) map[string][]placed {
	t.Helper()
	sent := map[string][]placed{}
	for _, l := range lines(t, s, `SELECT customer_id, reason, toUnixTimestamp64Milli(time) FROM cx.events_v WHERE type = 'outreach.sent'`) {
		f := strings.Split(l, "\t")
		at, err := strconv.ParseInt(f[2], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sent[f[0]] = append(sent[f[0]], placed{reason: f[1], at: at})
	}
	return sent
}

// callsOf groups what happened into contacts, each of one journey.
func callsOf(events []placed) (list []*call) {
	byID := map[string]*call{}
	for _, e := range events {
		key := e.journey + " " + e.contact
		switch {
		case e.contact == "" && !e.of("contact.", "message."):
			continue
		case e.contact == "":
			list = append(list, &call{steps: []placed{e}})
		case byID[key] == nil:
			byID[key] = &call{steps: []placed{e}}
			list = append(list, byID[key])
		default:
			byID[key].steps = append(byID[key].steps, e)
		}
	}
	for _, c := range list {
		c.read()
	}
	return list
}

// read is what the events of a contact say, in order.
func (c *call) read() {
	direction, asked, answered, failed, somebody := "", false, false, false, false
	for i, e := range c.steps {
		direction = cmp.Or(direction, e.direction)
		if e.reason != "" {
			c.reason = e.reason
		}
		if i == 0 || !e.of("survey.", "praise.", "incivility.", "outreach.", "promise.") {
			c.end = e.at
		}
		somebody = somebody || e.of("contact.", "message.", "bot.answered")
		if e.typ == "message.received" {
			asked, answered = true, false
		} else if e.typ == "message.replied" || e.of("contact.") {
			answered = true
		}
		switch {
		case e.of("contact.answered", "contact.transferred", "message.replied", "bot.answered"):
			c.handled, failed = true, false
		case e.typ == "contact.ended":
			c.handled = c.handled || !failed
		case e.of("contact.abandoned", "contact.refused", "bot.handed_over"):
			c.handled, failed = false, true
		}
	}
	c.start = c.steps[0].at
	c.inbound = somebody && (direction == "in" || direction == "" && !c.steps[0].of("message.replied", "outreach.sent"))
	c.handled = c.handled && (!asked || answered)
	for _, e := range c.steps {
		if e.at <= c.end+weekMS {
			c.surveyed = c.surveyed || e.typ == "survey.sent"
			if e.typ == "survey.answered" && e.resolved != "" {
				c.answer = e.resolved
			}
		}
	}
}

func (c *call) family() string {
	family, _, _ := strings.Cut(c.reason, ".")
	if family == "unknown" || family == "other" {
		return ""
	}
	return family
}

// returnsTo says whether a contact comes back within the week after another, uninvited.
func (c *call) returnsTo(earlier *call, sent []placed) bool {
	if c.start <= earlier.end || c.start > earlier.end+weekMS || !earlier.handled {
		return false
	}
	return !slices.ContainsFunc(sent, func(e placed) bool {
		return e.at >= earlier.end && e.at <= c.start && (e.reason == "" || e.reason == c.reason || e.reason == c.family())
	})
}

// judged says of all inbound contacts of identified customers which are first, and after which the customer came back.
func judged(calls []*call, sent map[string][]placed) (list []*call) {
	byCustomer := map[string][]*call{}
	for _, c := range calls {
		if customer := c.steps[0].customer; c.inbound && customer != "" {
			byCustomer[customer] = append(byCustomer[customer], c)
		}
	}
	for customer, all := range byCustomer {
		for _, c := range all {
			c.first = true
			for _, other := range all {
				about := c.family() != "" && other.reason == c.reason
				c.first = c.first && !(about && c.returnsTo(other, sent[customer]))
				if other.returnsTo(c, sent[customer]) {
					c.same, c.whatever = c.same || about, true
				}
			}
			if c.handled {
				list = append(list, c)
			}
		}
	}
	return list
}

func (c *call) line() string {
	last := c.steps[0]
	for _, e := range c.steps {
		if e.at <= c.end && !e.of("survey.", "praise.", "incivility.", "outreach.", "promise.") {
			last = e
		}
	}
	same, answer := fmt.Sprint(c.same), cmp.Or(c.answer, `\N`)
	if c.family() == "" {
		same = `\N`
	}
	return strings.Join([]string{c.steps[0].journey, fmt.Sprint(c.end), fmt.Sprint(c.end + weekMS), c.reason, last.unit,
		fmt.Sprint(c.first), same, fmt.Sprint(c.whatever), fmt.Sprint(c.surveyed), answer}, "\t")
}

// wholeCompany inserts all rows of a made-up company.
func wholeCompany(t *testing.T, s *clickhouse.Store, c simulate.Config) {
	t.Helper()
	p, rows, position := pipeline.NewPartition(pipeline.Setup{Book: rules.Default()}), &pipeline.Rows{}, uint64(0)
	for e := range simulate.New(c).Events() {
		e.Data.Customer = e.Data.Identifiers.Get("customer")
		e.Home = cmp.Or(e.Data.Customer, event.MessageID(e.Source, e.ID))
		position++
		changes := pipeline.Changes{}
		if err := p.Apply(&pipeline.Message{Position: position, StoredAt: e.At}, &e, &changes); err != nil {
			t.Fatal(err)
		}
		rows.Events = append(rows.Events, changes.Rows.Events...)
		rows.Journeys = append(rows.Journeys, changes.Rows.Journeys...)
		rows.Steps = append(rows.Steps, changes.Rows.Steps...)
	}
	p.Account(rows)
	insert(t, s, rows)
}

// TestResolutionRecomputed: contacts_v, and both views made of it, say what a second count says, exactly.
func TestResolutionRecomputed(t *testing.T) {
	s := store(t)
	wholeCompany(t, s, simulate.Config{Customers: 900, Days: 75, Seed: 11})
	list := judged(callsOf(placedEvents(t, s)), outreachOf(t, s))
	var want []string
	for _, c := range list {
		want = append(want, c.line())
	}
	slices.Sort(want)
	got := lines(t, s, `SELECT journey_id, toUnixTimestamp64Milli(ended_at), toUnixTimestamp64Milli(matures_at), reason, unit, first, back_same,
		back_any, surveyed, survey_resolved FROM cx.contacts_v`)
	slices.Sort(got)
	if len(want) < 1000 {
		t.Fatalf("%d contacts: too few to say anything", len(want))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%d contacts, counted again %d: the first is\n%s\nagainst\n%s", len(got), len(want), first(got, want), first(want, got))
	}
	checkWays(t, s, list)
}

// checkWays compares days and months, all three ways.
func checkWays(t *testing.T, s *clickhouse.Store, list []*call) {
	t.Helper()
	settled, err := strconv.ParseInt(lines(t, s, "SELECT toUnixTimestamp64Milli(min(settled)) FROM cx.frontier_v WHERE clock > '1900-01-01'")[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	until := settled
	for _, c := range list {
		if c.end+weekMS >= settled {
			until = min(until, c.end)
		}
	}
	days, months, sent, answered := map[string][6]int{}, map[string][6]int{}, map[string]int{}, map[string]int{}
	for _, c := range list {
		day := time.UnixMilli(c.end).UTC().Truncate(24 * time.Hour)
		if day.Add(24*time.Hour).UnixMilli() > until || !c.first {
			continue
		}
		month := day.Format("2006-01") + "-01"
		days[day.Format(time.DateOnly)] = c.count(days[day.Format(time.DateOnly)])
		months[month] = c.count(months[month])
		if c.surveyed {
			sent[month]++
			if c.answer != "" {
				answered[month]++
			}
		}
	}
	var wantDays, wantMonths []string
	for day, n := range days {
		wantDays = append(wantDays, day+"\t"+strings.Trim(strings.ReplaceAll(fmt.Sprint(n), " ", "\t"), "[]"))
	}
	for month, n := range months {
		for i, way := range []string{"same_reason", "any_reason", "survey"} {
			rate := float64(n[2*i+1]) / float64(n[2*i])
			low, high := wilson(float64(n[2*i+1]), float64(n[2*i]))
			response := `\N`
			if way == "survey" {
				response = fmt.Sprintf("%.6f", float64(answered[month])/float64(sent[month]))
			}
			wantMonths = append(wantMonths, fmt.Sprintf("%s\t%s\t%d\t%d\t%.6f\t%.6f\t%.6f\t%s", month, way, n[2*i], n[2*i+1], rate, low, high, response))
		}
	}
	slices.Sort(wantDays)
	slices.Sort(wantMonths)
	gotDays := lines(t, s, `SELECT day, sum(same_reason_n), sum(same_reason_resolved), sum(any_reason_n), sum(any_reason_resolved), sum(survey_n),
		sum(survey_resolved) FROM cx.first_contact_resolution_daily_v GROUP BY day ORDER BY day`)
	if !slices.Equal(gotDays, wantDays) {
		t.Errorf("%d days, counted again %d: the first is\n%s\nagainst\n%s", len(gotDays), len(wantDays), first(gotDays, wantDays), first(wantDays, gotDays))
	}
	gotMonths := lines(t, s, `SELECT month, way, n, resolved, printf('%.6f', rate), printf('%.6f', low), printf('%.6f', high),
		if(response_rate IS NULL, '\\N', printf('%.6f', assumeNotNull(response_rate))) FROM cx.first_contact_resolution_v ORDER BY month, toString(way)`)
	slices.Sort(gotMonths)
	if !slices.Equal(gotMonths, wantMonths) {
		t.Errorf("months are\n%s\nwant\n%s", strings.Join(gotMonths, "\n"), strings.Join(wantMonths, "\n"))
	}
	t.Log(strings.Join(gotMonths, "\n"))
	if len(wantDays) < 50 || len(wantMonths) < 6 {
		t.Errorf("%d days and %d months and ways: too few to say anything", len(wantDays), len(wantMonths))
	}
}

// count adds a first contact to what each way has of it: n and resolved.
func (c *call) count(n [6]int) [6]int {
	add := func(way int, judges, resolved bool) {
		if judges {
			n[2*way]++
			if resolved {
				n[2*way+1]++
			}
		}
	}
	add(0, c.family() != "", !c.same)
	add(1, true, !c.whatever)
	add(2, c.answer != "", c.answer == "true")
	return n
}
