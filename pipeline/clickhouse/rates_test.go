package clickhouse_test

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"parcours/pipeline"
	"parcours/pipeline/breakpoint"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/embedded/prepared"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
	"parcours/pipeline/simulate"
)

func store(t *testing.T) *clickhouse.Store {
	t.Helper()
	s, err := clickhouse.Open(t.Context(), clickhouse.Config{Addr: prepared.Start(t, clickhouse.Prepare).Addr()}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func insert(t *testing.T, s *clickhouse.Store, rows *pipeline.Rows) {
	t.Helper()
	rows.Generation = 1
	if err := s.Insert(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
}

func lines(t *testing.T, s *clickhouse.Store, sql string) []string {
	t.Helper()
	var answer strings.Builder
	if err := s.Query(t.Context(), sql, "TSVRaw", &answer, true, nil); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return strings.FieldsFunc(answer.String(), func(r rune) bool { return r == '\n' })
}

// company is a made-up company's customers, in partitions, the last of which has seen nothing.
type company struct {
	partitions []*pipeline.Partition
	homes      []map[string][]*event.Event
}

const emptyPartition = 2

func simulated(t *testing.T) (company, *pipeline.Rows) {
	t.Helper()
	var c company
	for n := range emptyPartition + 1 {
		c.partitions = append(c.partitions, pipeline.NewPartition(pipeline.Setup{Number: n, Book: rules.Default()}))
		c.homes = append(c.homes, map[string][]*event.Event{})
	}
	rows, position, seen := &pipeline.Rows{}, uint64(0), map[uint64]bool{}
	for e := range simulate.New(simulate.Config{Customers: 300, Days: 90, Seed: 3}).Events() {
		e.Data.Customer = e.Data.Identifiers.Get("customer")
		e.Home = cmp.Or(e.Data.Customer, event.MessageID(e.Source, e.ID))
		n, changes := int(e.Home[len(e.Home)-1])%emptyPartition, pipeline.Changes{}
		position++
		if err := c.partitions[n].Apply(&pipeline.Message{Position: position, StoredAt: e.At}, &e, &changes); err != nil {
			t.Fatal(err)
		}
		if print := event.Fingerprint(e.Source, e.ID); !seen[print] { // the others are copies
			seen[print] = true
			c.homes[n][e.Home] = append(c.homes[n][e.Home], &e)
		}
		rows.Journeys = append(rows.Journeys, changes.Rows.Journeys...)
		rows.Breakpoints = append(rows.Breakpoints, changes.Rows.Breakpoints...)
		rows.Steps = append(rows.Steps, changes.Rows.Steps...)
	}
	for _, p := range c.partitions {
		p.Account(rows)
	}
	return c, rows
}

// cell is what rates_daily_v counts in one row.
type cell struct{ day, kind, family, silo, unit, channel string }

type counted struct{ opportunities, broken int }

// rates are the same as rates_daily_v, from the findings of one straight fold of each home.
func (c company) rates(rows *pipeline.Rows) (cells map[cell]counted, until map[string]event.Instant) {
	book, settled := rules.Default(), journey.Never
	for _, p := range rows.Frontier {
		if p.Partition != emptyPartition {
			settled = min(settled, p.Clock.Add(-book.Lateness))
		}
	}
	var all []breakpoint.Opportunity
	for n, homes := range c.homes {
		for _, events := range homes {
			slices.SortFunc(events, event.Compare)
			clock := rows.Frontier[n].Clock
			for _, list := range breakpoint.Detect(journey.Fold(events, nil, clock, book), clock, book).Opportunities {
				all = append(all, list...)
			}
		}
	}
	cells, until = map[cell]counted{}, map[string]event.Instant{}
	for _, o := range all {
		if _, known := until[o.Kind]; !known {
			until[o.Kind] = settled
		}
		if o.MaturesAt >= settled {
			until[o.Kind] = min(until[o.Kind], o.At)
		}
	}
	for _, o := range all {
		day := o.At.Time().Truncate(24 * time.Hour)
		if event.InstantOf(day.Add(24*time.Hour)) > until[o.Kind] {
			continue
		}
		at := cell{day.Format(time.DateOnly), o.Kind, event.ReasonFamily(o.Reason), o.Silo, o.Unit, string(o.Channel)}
		n := cells[at]
		n.opportunities++
		if o.Broken {
			n.broken++
		}
		cells[at] = n
	}
	return cells, until
}

// TestRatesAreThoseOfTheFindings: the views give what Go counts over the findings, day by day, and draw nothing later.
func TestRatesAreThoseOfTheFindings(t *testing.T) {
	s := store(t)
	company, rows := simulated(t)
	insert(t, s, rows)
	cells, until := company.rates(rows)
	want, months, broken := []string{}, map[string]counted{}, 0
	for at, n := range cells {
		want = append(want, strings.Join([]string{at.day, at.kind, at.family, at.silo, at.unit, at.channel, strconv.Itoa(n.opportunities),
			strconv.Itoa(n.broken), strings.Replace(until[at.kind].Time().Format("2006-01-02 15:04:05.000"), "T", " ", 1)}, "\t"))
		m := months[at.day[:7]+"-01\t"+at.kind]
		m.opportunities, m.broken, broken = m.opportunities+n.opportunities, m.broken+n.broken, broken+n.broken
		months[at.day[:7]+"-01\t"+at.kind] = m
	}
	slices.Sort(want)
	got := lines(t, s, "SELECT day, kind, reason_family, silo, unit, channel, opportunities, broken, matured_until FROM cx.rates_daily_v")
	slices.Sort(got)
	if len(want) < 500 || broken < 100 {
		t.Fatalf("%d rows and %d breakpoints: too few to say anything", len(want), broken)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%d rows of rates_daily_v, want %d: the first is\n%s\nwant\n%s", len(got), len(want), first(got, want), first(want, got))
	}
	checkMonths(t, s, months)
	for _, past := range []string{
		"SELECT * FROM cx.rates_daily_v WHERE toDateTime64(day + 1, 3, 'UTC') > matured_until",
		"SELECT * FROM cx.rates_daily_v WHERE rate != broken / opportunities OR broken > opportunities",
		"SELECT * FROM cx.rates_v WHERE rate != broken / opportunities OR complete != (toDateTime64(addMonths(month, 1), 3, 'UTC') <= matured_until)",
	} {
		if found := lines(t, s, past); len(found) > 0 {
			t.Errorf("%s:\n%s", past, found[0])
		}
	}
}

// TestDocumentedQueriesRun: what docs/sql.md shows can be asked, and says something of a company.
func TestDocumentedQueriesRun(t *testing.T) {
	text, err := os.ReadFile("../../docs/sql.md")
	if err != nil {
		t.Fatal(err)
	}
	s, asked := store(t), 0
	for _, rows := range []*pipeline.Rows{{}, simulatedRows(t)} {
		insert(t, s, rows)
		for part := range strings.SplitSeq(string(text), "```sql\n") {
			if sql, _, is := strings.Cut(part, "\n```"); is && strings.HasPrefix(sql, "SELECT") {
				asked++
				got := lines(t, s, sql)
				t.Logf("%s\n%s", sql, strings.Join(got[:min(3, len(got))], "\n"))
			}
		}
	}
	if asked < 16 {
		t.Errorf("%d queries found", asked)
	}
}

func simulatedRows(t *testing.T) *pipeline.Rows {
	_, rows := simulated(t)
	return rows
}

func checkMonths(t *testing.T, s *clickhouse.Store, months map[string]counted) {
	t.Helper()
	var want []string
	for at, n := range months {
		want = append(want, fmt.Sprintf("%s\t%d\t%d", at, n.opportunities, n.broken))
	}
	slices.Sort(want)
	if got := lines(t, s, "SELECT month, kind, opportunities, broken FROM cx.rates_v ORDER BY month, toString(kind)"); !slices.Equal(got, want) {
		t.Errorf("rates_v has %q, want %q", got, want)
	}
}

// first is the first line of a list that is not in the other.
func first(list, other []string) string {
	for _, l := range list {
		if !slices.Contains(other, l) {
			return l
		}
	}
	return ""
}

// TestRatesWaitForTheSlowest: what is drawn goes by the slowest partition that has seen anything, and by the first
// opportunity of the kind that is not settled.
func TestRatesWaitForTheSlowest(t *testing.T) {
	s := store(t)
	day := func(n int) event.Instant { return event.InstantOf(time.Date(2025, 3, n, 12, 0, 0, 0, time.UTC)) }
	frontier := func(partition, clock int) pipeline.FrontierRow {
		return pipeline.FrontierRow{Partition: partition, Position: uint64(clock), Clock: day(clock), Settled: day(clock - 3)}
	}
	o := func(kind string, at, matures int) pipeline.OpportunityRow {
		return pipeline.OpportunityRow{Kind: kind, At: day(at), MaturesAt: day(matures)}
	}
	insert(t, s, &pipeline.Rows{
		Journeys: []pipeline.JourneyRow{{JourneyID: "j", KeyTime: day(1), Position: 1, StartedAt: day(1), LastEventAt: day(1), Outcome: "open",
			Opportunities: []pipeline.OpportunityRow{o("a", 1, 2), o("a", 5, 6), o("a", 8, 9), o("b", 1, 2), o("b", 3, 12), o("b", 4, 5), o("b", 8, 9)}}},
		Frontier: []pipeline.FrontierRow{frontier(0, 20), frontier(1, 11), {Partition: 2, Position: 1, Clock: -1 << 62, Settled: -1 << 62}},
	})
	check := func(want ...string) {
		t.Helper()
		got := lines(t, s, "SELECT kind, day, matured_until FROM cx.rates_daily_v ORDER BY kind, day")
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	check("a\t2025-03-01\t2025-03-08 12:00:00.000", "a\t2025-03-05\t2025-03-08 12:00:00.000", "b\t2025-03-01\t2025-03-03 12:00:00.000")
	insert(t, s, &pipeline.Rows{Frontier: []pipeline.FrontierRow{frontier(1, 15)}}) // settled is the 12th now, the very moment that b matures
	check("a\t2025-03-01\t2025-03-12 12:00:00.000", "a\t2025-03-05\t2025-03-12 12:00:00.000", "a\t2025-03-08\t2025-03-12 12:00:00.000",
		"b\t2025-03-01\t2025-03-03 12:00:00.000")
	insert(t, s, &pipeline.Rows{Frontier: []pipeline.FrontierRow{frontier(1, 16)}})
	if got := lines(t, s, "SELECT count() FROM cx.rates_daily_v WHERE kind = 'b'"); got[0] != "4" {
		t.Errorf("%s days of b are drawn, want 4", got[0])
	}
}

// TestIncidentReach: contacts of its products and places while it lasts, each once; none is none.
func TestIncidentReach(t *testing.T) {
	s := store(t)
	rows := &pipeline.Rows{}
	add := func(typ string, hour int, d event.Data) {
		n := len(rows.Events)
		e := &event.Event{ID: fmt.Sprint("e", n), Source: "s", Type: typ, At: event.InstantOf(time.Date(2025, 3, 1, hour, 0, 0, 0, time.UTC)), Data: d}
		rows.Events = append(rows.Events, pipeline.EventRow{Position: uint64(n + 1), StoredAt: e.At, Event: e})
	}
	fibre := []string{"fibre", "tv"}
	add(event.IncidentStarted, 8, event.Data{Case: "I1", Silo: "it", Products: fibre, Places: []string{"69001"}})
	add(event.IncidentStarted, 9, event.Data{Products: []string{"mobile"}})
	add(event.IncidentStarted, 9, event.Data{Case: "I3", Products: []string{"mail"}})
	add(event.IncidentStarted, 9, event.Data{Case: "I4", Place: "69001"})
	add(event.IncidentEnded, 12, event.Data{Case: "I1", Products: []string{"fibre"}})
	add(event.IncidentEnded, 14, event.Data{Products: []string{"mobile"}})
	for _, c := range []struct {
		hour                     int
		customer, contact, place string
		product                  string
		direction                event.Direction
	}{
		{8, "c1", "k1", "69001", "fibre", ""}, {9, "c1", "k1", "", "tv", ""}, // one contact that names both products
		{10, "c1", "k2", "", "tv", event.In}, {11, "", "k3", "69001", "fibre", ""},
		{12, "c2", "", "", "fibre", ""}, {12, "c2", "", "", "fibre", ""}, // at the very end, twice without an id
		{10, "c3", "k4", "75001", "fibre", ""}, {13, "c4", "k5", "", "fibre", ""}, {7, "c4", "k6", "", "fibre", ""}, // elsewhere, after, before
		{10, "c5", "k7", "", "fibre", event.Out}, {10, "c6", "k8", "69001", "", ""}, {14, "c7", "k9", "75001", "mobile", ""},
	} {
		add(event.ContactStarted, c.hour, event.Data{Customer: c.customer, Contact: c.contact, Place: c.place, Product: c.product, Direction: c.direction})
	}
	add(event.MessageReplied, 10, event.Data{Customer: "c8", Contact: "m1", Product: "fibre"})
	add(event.ServiceUsed, 10, event.Data{Customer: "c9", Product: "fibre"})
	insert(t, s, rows)
	got := lines(t, s, "SELECT origin_event, case_id, silo, toHour(ended_at), products, places, customers, contacts FROM cx.incident_reach_v ORDER BY origin_event")
	want := []string{
		"s e0\tI1\tit\t12\t['fibre','tv']\t['69001']\t2\t5", "s e1\t\t\t14\t['mobile']\t[]\t1\t1", "s e2\tI3\t\t\\N\t['mail']\t[]\t0\t0",
		"s e3\tI4\t\t\\N\t[]\t[]\t0\t0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
