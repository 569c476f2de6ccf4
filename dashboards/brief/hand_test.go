package brief_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"parcours/dashboards/brief"
	"parcours/dashboards/words"
	"parcours/pipeline"
	"parcours/pipeline/alert"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/embedded"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// company writes rows by hand.
type company struct {
	store *clickhouse.Store
	rows  pipeline.Rows
	next  uint64
}

func newCompany(t *testing.T) *company {
	t.Helper()
	server, err := embedded.StartClickHouse(t.Context(), embedded.ClickHouseConfig{Dir: t.TempDir()}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	s, err := clickhouse.Open(t.Context(), clickhouse.Config{Addr: server.Addr()}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &company{store: s}
}

func (c *company) number() uint64 { c.next++; return c.next }

// write puts the rows away.
func (c *company) write(t *testing.T) {
	t.Helper()
	c.rows.Generation = 1
	if err := c.store.Insert(t.Context(), &c.rows); err != nil {
		t.Fatal(err)
	}
	c.rows = pipeline.Rows{}
}

// ended adds a journey that ended.
func (c *company) ended(at time.Time, cost float64) {
	n := c.number()
	c.rows.Journeys = append(c.rows.Journeys, pipeline.JourneyRow{
		JourneyID: fmt.Sprint("j", n), KeyTime: event.InstantOf(at), Position: n, CustomerID: fmt.Sprint("c", n), Reason: "billing.dispute", ReasonFamily: "billing",
		StartedAt: event.InstantOf(at), LastEventAt: event.InstantOf(at), Outcome: "resolved", EndedAt: event.InstantOf(at), Cost: cost, WorkingS: 720,
	})
}

// broke adds a breakpoint of a journey.
func (c *company) broke(j *pipeline.JourneyRow, kind, customer string, severity uint8, cost float64) {
	n := c.number()
	c.rows.Breakpoints = append(c.rows.Breakpoints, pipeline.BreakpointRow{
		BreakpointID: fmt.Sprint("b", n), Kind: kind, Position: n, JourneyID: j.JourneyID, CustomerID: customer, Reason: j.Reason, ReasonFamily: j.ReasonFamily,
		OccurredAt: j.EndedAt, DetectedAt: j.EndedAt, OpportunityAt: j.EndedAt, Silo: "it", Severity: severity, Cost: cost,
	})
}

// june is the brief of June 2025, and its page.
func (c *company) june(t *testing.T) (*brief.Brief, string) {
	t.Helper()
	b, err := brief.Read(t.Context(), asked(c.store), month(2025, 6), words.French)
	if err != nil {
		t.Fatal(err)
	}
	return b, pageOf(t, b)
}

// few is a company with a month without any cost, one of a single journey, and June: a captive customer in two rows, and a rule book that begins when it is over.
func few(t *testing.T) *company {
	t.Helper()
	c := newCompany(t)
	c.ended(month(2025, 3).AddDate(0, 0, 9), 0)
	c.ended(month(2025, 4).AddDate(0, 0, 9), 8)
	for range 3 {
		c.ended(month(2025, 6).AddDate(0, 0, 9), 8)
	}
	june := c.rows.Journeys[2:]
	n := c.number()
	c.rows.Events = []pipeline.EventRow{{Position: n, Event: &event.Event{ID: "e", Source: "s", Type: event.ContractStarted, At: event.InstantOf(month(2024, 1)), Data: event.Data{Customer: "captive", Captive: true}}}}
	c.broke(&june[0], "sla_breach", "captive", 5, 3)
	c.broke(&june[1], "sla_breach", "c", 3, 1)
	c.broke(&june[0], "long_wait", "captive", 2, 1)
	c.rows.Frontier = []pipeline.FrontierRow{{Partition: 0, Position: c.number(), Clock: event.InstantOf(month(2025, 9)), Settled: event.InstantOf(month(2025, 9))}}
	later, err := rules.Parse("later.yaml", []byte("currency: CHF"))
	if err != nil {
		t.Fatal(err)
	}
	c.rows.RuleBooks = []pipeline.RuleBookRow{
		{Position: c.number(), EffectiveFrom: rules.Beginning, Document: "x", Book: rules.Default()},
		{Position: c.number(), EffectiveFrom: event.InstantOf(month(2025, 7)), Document: "y", Book: later},
	}
	c.write(t)
	return c
}

// TestBriefOfFew: what cannot be told of few is left out or said, what is told is of the month, and who looked for alerts.
func TestBriefOfFew(t *testing.T) {
	c := few(t)
	b, page := c.june(t)
	if b.Rules != rules.Default().Version() {
		t.Errorf("June was judged by %s, not by %s, the book of July", b.Rules, rules.Default().Version())
	}
	if b.Listed != (brief.Listed{Severe: 1, Captive: 1}) {
		t.Errorf("one breakpoint of severity 5 and one captive customer, got %+v", b.Listed)
	}
	if b.Compared != 0 || b.Withheld != 2 || b.Alone != 2 {
		t.Errorf("nothing is compared of two kinds, which have nothing to be compared with, got %d, %d and %d", b.Compared, b.Withheld, b.Alone)
	}
	var absent []string
	for _, a := range b.Absent {
		absent = append(absent, a.Name+" "+a.State)
	}
	if want := []string{"first_contact_resolution not measured", "satisfaction not measured", "complaints_in_time not measured"}; !slices.Equal(absent, want) {
		t.Errorf("of two figures there is something, the others are %v, not %v", absent, want)
	}
	holds(t, page, "<h3>Satisfaction</h3><b>non mesuré</b>", "jamais vu dans les données reçues", "<td class=\"since\">non connu</td>")
	if march, err := brief.Read(t.Context(), asked(c.store), month(2025, 3), words.French); err != nil {
		t.Error(err)
	} else {
		holds(t, pageOf(t, march), "les données n'ont pas de mois avant mars 2025")
	}
	holds(t, page, "Les deux points de rupture qui ont un coût évitable", "Deux points de rupture font 100,0 % du coût évitable", "1 rupture de gravité 5", "1 client sans alternative touché.",
		"Aucun taux n'a pu être comparé", "La fin du mois n'a pas encore été examinée", "1er septembre 2025", "2 fois, 2 clients")
	cost := b.Figures[len(b.Figures)-1]
	if h := cost.History; cost.Name != "avoidable_cost" || len(h) != 3 || !math.IsNaN(h[0].Value) || math.IsNaN(h[1].Value) || !math.IsNaN(h[1].Low) || math.IsNaN(h[2].Low) {
		t.Errorf("a month without cost, one of a single journey, one of three: %s %+v", cost.Name, h)
	}

	day := func(m time.Month, d int) alert.Date {
		return alert.DateOf(event.InstantOf(time.Date(2025, m, d, 0, 0, 0, 0, time.UTC)))
	}
	c.rows.ClosedDays = []pipeline.ClosedDayRow{{Day: day(7, 1), Series: 9, Watched: 4, Position: c.number()}} // of June none has a row: nothing was watched
	c.write(t)
	_, page = c.june(t)
	holds(t, page, "Aucune série n'avait assez de volume")
	c.rows.ClosedDays = []pipeline.ClosedDayRow{{Day: day(6, 30), Series: 9, Watched: 5, Position: c.number()}}
	c.rows.Alerts = []pipeline.AlertRow{{AlertID: "a", Kind: "long_wait", Silo: "it", Unit: "lyon", RaisedOn: day(6, 30), Since: day(6, 1), Factor: 2.4, Position: c.number()}}
	c.write(t)
	b, page = c.june(t)
	if b.Watch != (brief.Watch{Closed: true, Series: 5}) {
		t.Errorf("five series were watched on the last day, got %+v", b.Watch)
	}
	holds(t, page, "Attente trop longue, Informatique, lyon : 2,4 fois le niveau habituel depuis le 1er juin 2025")
}
