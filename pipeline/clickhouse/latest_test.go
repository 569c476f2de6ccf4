package clickhouse

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/schemas"
)

// TestTaking: copies are taken in the order in which views read each other, and are computed from those just taken, be it through a view of
// which no copy is kept; names in other databases, and what is no view, stay.
func TestTaking(t *testing.T) {
	taking := taking{prefix: "cx.", fresh: map[string]string{}, texts: map[string]string{
		"top_v":     "SELECT * FROM cx.between_v AS b INNER JOIN cx.base_v USING (x) WHERE x IN (SELECT x FROM cx.plain_v)",
		"between_v": "SELECT x FROM cx.base_v",
		"base_v":    "SELECT x FROM cx.events",
		"plain_v":   "SELECT x FROM cx.events UNION ALL SELECT x FROM other.base_v",
	}}
	if got := taking.order([]string{"top", "base"}); !slices.Equal(got, []string{"base", "top"}) {
		t.Errorf("taken in the order %v", got)
	}
	if got := taking.text("top_v"); got != taking.texts["top_v"] {
		t.Errorf("with nothing taken, top_v is computed by\n%s", got)
	}
	taking.fresh["base_v"] = "(copy)"
	const want = "SELECT * FROM (SELECT x FROM (copy)) AS b INNER JOIN (copy) USING (x) WHERE x IN (SELECT x FROM cx.plain_v)"
	if got := taking.text("top_v"); got != want {
		t.Errorf("top_v is computed by\n%s\nnot\n%s", got, want)
	}
}

// TestSnapshotsComeAfterWhatTheyRead: of the views there are, none is copied before one that it reads.
func TestSnapshotsComeAfterWhatTheyRead(t *testing.T) {
	s := migrated(t)
	texts, err := s.viewTexts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	taking := taking{texts: texts, prefix: "cx."}
	ordered := taking.order(schemas.Snapshots)
	if len(ordered) != len(schemas.Snapshots) {
		t.Fatalf("%d of %d copies are taken", len(ordered), len(schemas.Snapshots))
	}
	if at := func(name string) int { return slices.Index(ordered, name) }; at("ranking") > at("comex_headline") || at("contracts") > at("at_risk") || at("at_risk") > at("value_at_risk") {
		t.Errorf("taken in the order %v", ordered)
	}
	for _, name := range schemas.OverSnapshots {
		if slices.Contains(schemas.Snapshots, name) {
			t.Errorf("%s is copied, and read over copies", name)
		}
	}
}

// TestWhoObjectsLeavesLists: who objects after the copy was taken is in no list that is read from it, and comes back by a consent.
func TestWhoObjectsLeavesLists(t *testing.T) {
	s := migrated(t)
	said := func(typ, customer string, day int) pipeline.EventRow {
		e := &event.Event{ID: fmt.Sprint(typ, day, customer), Source: "crm", Type: typ, At: at(3, day, 12)}
		e.Data.Customer, e.Data.To = customer, "scoring"
		return pipeline.EventRow{Position: uint64(100 + day), Event: e}
	}
	insert(t, s, &pipeline.Rows{
		Generation: 1,
		Scores:     []pipeline.ChurnScoreRow{scored("objects", 5, 0.5, 1), scored("stays", 5, 0.25, 2)},
		ScoredDays: []pipeline.ScoredDayRow{{AsOf: at(3, 5, 0), Model: "m1", Scored: 2, Told: 2, Position: 9}},
		Events:     []pipeline.EventRow{said(event.ContractStarted, "objects", 1), said(event.ContractStarted, "stays", 1)},
	})
	if err := s.snapshots(t.Context()); err != nil {
		t.Fatal(err)
	}
	listed := func(want string) {
		t.Helper()
		for _, name := range schemas.Lists {
			expect(t, s, "SELECT groupArray(customer_id) FROM (SELECT customer_id FROM "+name+"_latest_v ORDER BY customer_id)", want)
		}
	}
	listed("['objects','stays']")
	insert(t, s, &pipeline.Rows{Generation: 1, Events: []pipeline.EventRow{said(event.CustomerObjected, "objects", 6)}})
	listed("['stays']")
	insert(t, s, &pipeline.Rows{Generation: 1, Events: []pipeline.EventRow{said(event.CustomerConsented, "objects", 7)}})
	listed("['objects','stays']")
}

// TestOverSnapshots: a view over copies has the rows of now, with what it takes from copies as of the last one.
func TestOverSnapshots(t *testing.T) {
	s := migrated(t)
	started := func(customer, product string, day int) pipeline.EventRow {
		e := &event.Event{ID: customer + product, Source: "crm", Type: event.ContractStarted, At: at(3, day, 12)}
		e.Data.Customer, e.Data.Product, e.Data.Captive = customer, product, true
		return pipeline.EventRow{Position: uint64(100 + day), Event: e}
	}
	of := func(id, customer string) pipeline.JourneyRow {
		j := journey(id, at(3, 2, 0), 1)
		j.CustomerID = customer
		return j
	}
	rows := func(view string) string {
		return read(t, s, "SELECT groupArray((journey_id, segment)) FROM (SELECT * FROM "+view+" ORDER BY journey_id)")
	}
	insert(t, s, &pipeline.Rows{Generation: 1, Journeys: []pipeline.JourneyRow{of("j1", "a"), of("j2", "b")}, Events: []pipeline.EventRow{started("a", "power", 1)}})
	const both = "[('j1','captive'),('j2','standard')]"
	if now, latest := rows("journeys_listed_v"), rows("journeys_listed_latest_v"); now != both || latest != both {
		t.Fatalf("before any copy: %s, over copies %s", now, latest)
	}
	if err := s.snapshots(t.Context()); err != nil {
		t.Fatal(err)
	}
	insert(t, s, &pipeline.Rows{Generation: 1, Journeys: []pipeline.JourneyRow{of("j3", "b")}, Events: []pipeline.EventRow{started("b", "power", 3)}})
	if got, want := rows("journeys_listed_v"), "[('j1','captive'),('j2','captive'),('j3','captive')]"; got != want {
		t.Errorf("now: %s, not %s", got, want)
	}
	if got, want := rows("journeys_listed_latest_v"), "[('j1','captive'),('j2','standard'),('j3','standard')]"; got != want {
		t.Errorf("over copies: %s, not %s", got, want)
	}
}

// TestMonthsOfOnePart: where a month is one part, as the server makes it when nothing is written to it any more, what was taken back is not there,
// and of one key the last version is.
func TestMonthsOfOnePart(t *testing.T) {
	s := migrated(t)
	changed := journey("changed", at(1, 5, 0), 1)
	insert(t, s, &pipeline.Rows{Generation: 1, Journeys: []pipeline.JourneyRow{changed, journey("gone", at(1, 6, 0), 2), journey("stays", at(2, 7, 0), 3)}})
	changed.Position, changed.Outcome = 4, "lost"
	gone := journey("gone", at(1, 6, 0), 5)
	gone.Deleted = true
	insert(t, s, &pipeline.Rows{Generation: 1, Journeys: []pipeline.JourneyRow{changed, gone}})
	const sql, want = "SELECT groupArray((journey_id, outcome)) FROM (SELECT * FROM journeys_v ORDER BY journey_id)", "[('changed','lost'),('stays','open')]"
	expect(t, s, sql, want)
	exec(t, s, "OPTIMIZE TABLE cx.journeys FINAL")
	expect(t, s, "SELECT count() = uniqExact(partition) FROM system.parts WHERE database = 'cx' AND table = 'journeys' AND active", "1")
	expect(t, s, sql, want)
	for _, of := range []string{"events", "journeys", "journey_steps", "breakpoints", "aliases", "churn_signals", "churn_scores"} {
		expect(t, s, "SELECT create_table_query LIKE '%min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1%' OR "+
			"create_table_query LIKE '%min_age_to_force_merge_on_partition_only = %min_age_to_force_merge_seconds = 3600%' FROM system.tables WHERE database = 'cx' AND name = '"+of+"'", "1")
	}
}

// TestIncidentsOfWeeks: incidents are held against contacts week by week: one that goes on for weeks reaches who contacts in each of them, up to
// its end to the millisecond; one that never ended, whoever contacts since; each customer once.
func TestIncidentsOfWeeks(t *testing.T) {
	s := migrated(t)
	rows := &pipeline.Rows{Generation: 1}
	add := func(typ string, when time.Time, d event.Data) string {
		n := len(rows.Events)
		e := &event.Event{ID: fmt.Sprint("e", n), Source: "s", Type: typ, At: event.InstantOf(when), Data: d}
		rows.Events = append(rows.Events, pipeline.EventRow{Position: uint64(n + 1), StoredAt: e.At, Event: e})
		return "s " + e.ID
	}
	day := func(n int) time.Time { return time.Date(2025, 3, 1, 8, 0, 0, 0, time.UTC).AddDate(0, 0, n) }
	for _, origin := range []string{
		add(event.IncidentStarted, day(0), event.Data{Case: "long", Products: []string{"fibre"}}), // e0, 1 to 31 March
		add(event.IncidentStarted, day(5), event.Data{Case: "open", Products: []string{"fibre", "tv"}}),
	} {
		rows.Breakpoints = append(rows.Breakpoints, pipeline.BreakpointRow{BreakpointID: "of " + origin, Kind: "core_failure", OriginEvent: origin, OccurredAt: at(3, 1, 8), DetectedAt: at(3, 1, 8)})
	}
	add(event.IncidentEnded, day(30), event.Data{Case: "long", Products: []string{"fibre"}})
	for _, c := range []struct {
		customer, product string
		when              time.Time
	}{
		{"before", "fibre", day(0).Add(-time.Millisecond)}, {"first", "fibre", day(0)}, {"first", "fibre", day(3)}, {"first", "fibre", day(17)},
		{"weeks later", "fibre", day(23)}, {"at the end", "fibre", day(30)}, {"after", "fibre", day(30).Add(time.Millisecond)}, {"long after", "tv", day(400)},
	} {
		add(event.ContactStarted, c.when, event.Data{Customer: c.customer, Contact: fmt.Sprint("k", len(rows.Events)), Product: c.product})
	}
	insert(t, s, rows)
	expect(t, s, "SELECT origin_event, customers, contacts FROM incident_reach_v ORDER BY origin_event", "s e0\t3\t5\ns e1\t5\t5")
	expect(t, s, "SELECT origin_event, arraySort(groupArray((customer_id, toDate(met_at)))) FROM incident_customers_v GROUP BY origin_event ORDER BY origin_event", strings.Join([]string{
		"s e0\t[('at the end','2025-03-31'),('first','2025-03-01'),('weeks later','2025-03-24')]",
		"s e1\t[('after','2025-03-31'),('at the end','2025-03-31'),('first','2025-03-18'),('long after','2026-04-05'),('weeks later','2025-03-24')]",
	}, "\n"))
}
