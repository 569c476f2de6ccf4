package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"parcours/pipeline"
	"parcours/pipeline/alert"
	"parcours/pipeline/embedded"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// everyRow has one row of every kind, every field set.
func everyRow() *pipeline.Rows {
	e := contactEnded("e1", at(3, 1, 9))
	e.Sequence, e.Subject = "000001", "case-9"
	return &pipeline.Rows{
		Generation: 1,
		Events:     []pipeline.EventRow{{Position: 10, Partition: 3, StoredAt: at(3, 1, 10), Event: e}},
		Journeys: []pipeline.JourneyRow{{
			JourneyID: "j1", KeyTime: at(3, 1, 9), Position: 10, Partition: 3, CustomerID: "c1", CaseID: "case-9",
			Cases: []string{"case-9", "case-10"}, Contacts: 2, ReasonFamily: "billing", Reason: "billing.dispute",
			StartedAt: at(3, 1, 8), EndedAt: at(3, 4, 9), LastEventAt: at(3, 3, 9), Outcome: "resolved",
			ResolutionBasis: "customer", Escalated: true, Steps: 4, Variant: "a,a,b", VariantCollapsed: "a,b",
			Handoffs: 2, SiloHandoffs: 1, Channels: []string{"phone", "email"}, Silos: []string{"it"}, FirstUnit: "north",
			LastUnit: "south", Cost: 12.5, Breakpoints: 1, CutReason: "case", RulesVersion: "r1",
			VariantRuns: []uint32{2, 1}, Repeats: 3, Redos: 5, Value: 99.5, WorkingS: 600, WaitingCustomerS: 7200.5, WaitingPartnerS: 60,
			WaitingCompanyS: 86400, QueueWaitS: 30, Effort: 45.118836, Sentiment: -0.25, SentimentSignals: 2,
			Opportunities: []pipeline.OpportunityRow{{
				Kind: "repeat_contact", At: at(3, 1, 9), MaturesAt: at(3, 8, 9), Reason: "billing.dispute", Silo: "it", Unit: "north",
				Channel: "phone", Broken: true, Rules: "r0",
			}, {Kind: "silo_handoff", At: at(3, 1, 8), MaturesAt: at(3, 29, 8), Silo: "it", Clock: "reply"}},
			ContactsEnded: []pipeline.ContactEndedRow{{
				At: at(3, 1, 9), MaturesAt: at(3, 8, 9), Reason: "billing.dispute", Silo: "it", Unit: "north", Channel: "phone", First: true,
				BackSame: true, BackAny: true, Surveyed: true, Answer: pipeline.Answer{Given: true, Resolved: true}, Rules: "r1",
			}, {At: at(3, 2, 9), MaturesAt: at(3, 9, 9), Silo: "it"}},
		}},
		Steps: []pipeline.StepRow{{
			At: at(3, 1, 9), Source: "crm", EventID: "e1", Position: 10, Partition: 3, JourneyID: "j1", Placement: "journey",
			Step: 2, Activity: "called", Type: event.ContactEnded, Channel: "phone", Silo: "it", Unit: "north",
			ContactID: "k1", CaseID: "case-9", CustomerID: "c1", Reason: "billing.dispute", Cost: 3.5,
			FromActivity: "opened", FromChannel: "email", FromSilo: "sales", DelayS: 90.5,
		}, {
			At: at(3, 2, 9), Source: "web", EventID: "p1", Position: 10, Partition: 3, Placement: "visit",
			Activity: event.PageViewed, Type: event.PageViewed, Channel: "web",
		}, {
			At: at(1, 2, 9), Source: "crm", EventID: "e0", Position: 10, Partition: 3, Placement: "late", Activity: "called",
			Type: event.ContactEnded, Channel: "phone", Silo: "it", Unit: "north", ContactID: "k0", CaseID: "case-8",
			CustomerID: "c1", Reason: "billing.dispute",
		}},
		Breakpoints: []pipeline.BreakpointRow{{
			BreakpointID: "b1", Kind: "repeat_contact", Position: 10, Partition: 3, JourneyID: "j1", CustomerID: "c1",
			CaseID: "case-9", ReasonFamily: "billing", Reason: "billing.dispute", OccurredAt: at(3, 2, 9),
			DetectedAt: at(3, 2, 10), OpportunityAt: at(3, 1, 9), OriginStep: 2, OriginEvent: "crm e1", Silo: "it",
			Unit: "north", Channel: "phone", Severity: 3, Cost: 4.25, Evidence: []string{"e1", "e2"}, RulesVersion: "r1",
			Witness: true, Charged: []string{"crm e2", "web e3"},
			Known: pipeline.KnownRow{Of: "c1", At: at(3, 2, 11), Family: "delivery", Severity: 4},
		}, {
			BreakpointID: "b0", Kind: "long_wait", Position: 10, Partition: 3, JourneyID: "j1", CustomerID: "c1", ReasonFamily: "billing",
			OccurredAt: at(1, 2, 9), DetectedAt: at(1, 2, 10), Severity: 2, Deleted: true, RetractedAt: at(3, 1, 9),
			Known: pipeline.KnownRow{Of: "c1", At: at(1, 2, 10), Family: "billing", Severity: 2},
		}},
		Alerts: []pipeline.AlertRow{{
			AlertID: "a1", Kind: "long_wait", ReasonFamily: "billing", Silo: "it", Unit: "north", Channel: "phone",
			RaisedOn: alert.DateOf(at(3, 1, 0)), Since: alert.DateOf(at(2, 26, 0)), Observed: 40, Expected: 20.5, Factor: 1.95, Low: 1.5, High: 2.5,
			WhereReasonFamily: "billing", WhereSilo: "it", WhereUnit: "north", WhereChannel: "phone", Explains: []string{"long_wait", "long_wait unit=north"},
			ClearedOn: alert.DateOf(at(3, 9, 0)), ClearedWhy: "usual_again", Position: 10,
		}},
		ClosedDays: []pipeline.ClosedDayRow{{Day: alert.DateOf(at(3, 1, 0)), Series: 9, Watched: 4, Raised: 1, Cleared: 2, Position: 10}},
		ChurnSignals: []pipeline.ChurnSignalRow{{
			SignalID: "s1", CustomerID: "c1", Kind: "silence", RaisedAt: at(3, 1, 0), ClearedAt: at(3, 9, 8), ClearedWhy: "returned",
			Evidence: []string{"shop e1"}, Value: 61, Limit: 58.5, RulesVersion: "r1", Segment: "standard", Position: 10, Partition: 3,
		}, {
			SignalID: "s2", CustomerID: "c2", Kind: "cancel_requested", RaisedAt: at(3, 2, 0), Evidence: []string{"crm e2"}, Value: math.NaN(), Limit: math.NaN(),
			RulesVersion: "r1", Position: 10, Partition: 3,
		}},
		Scores:     []pipeline.ChurnScoreRow{{AsOf: at(3, 1, 0), CustomerID: "c1", Model: "prior", Prior: true, Segment: "standard", Position: 10, Partition: 3}},
		ScoredDays: []pipeline.ScoredDayRow{{AsOf: at(3, 1, 0), Model: "prior", Scored: 1, Told: 1, Position: 10}},
		Models:     []pipeline.ModelRow{{EffectiveFrom: at(3, 1, 0), Version: "m1", Document: "{}", Position: 10}},
		Aliases:    []pipeline.AliasRow{{OldID: "j0", NewID: "j1", KeyTime: at(3, 1, 9), Position: 10, Partition: 3}},
		Ledger: []pipeline.LedgerRow{{
			Partition: 3, Range: 2, Position: 131_080, First: 1, Copies: 2, Late: 3, SetAside: 4, Forwarded: 5, System: 6,
			Broadcast: 7, Digest: math.MaxUint64,
		}},
		Digests:   []pipeline.DigestRow{{Partition: 3, Table: "journeys", Position: 10, Rows: 1, Digest: 1 << 63}},
		Frontier:  []pipeline.FrontierRow{{Partition: 3, Position: 10, Clock: at(3, 2, 9), Settled: at(2, 27, 9)}},
		RuleBooks: []pipeline.RuleBookRow{{EffectiveFrom: rules.Beginning, Document: "all: of it\n", Book: rules.Default()}},
	}
}

func TestEveryRowRoundTrips(t *testing.T) {
	s := migrated(t)
	insert(t, s, everyRow())
	expect(t, s, "SELECT * EXCEPT (time, seen_at, sent_at, due, position, partition), position, partition, time, seen_at FROM events_v FORMAT TSKV", strings.Join([]string{
		"source=crm", "id=e1", "type=contact.ended", "family=contact", "customer_id=c1", "contact_id=k1", "direction=in", "case_id=",
		"channel=phone", "reason=billing.dispute", "reason_family=billing", "silo=customer_service", "unit=north",
		"activity=contact.ended", "subject=case-9", "product=", "place=", "to_silo=", "to_unit=", "why=", "resolved=true",
		`wait_s=\N`, "talk_s=125.5", `hold_s=\N`, `wrap_s=\N`, "form=", "kind=", "waiting_on=", "regime=", "target=", "holding=false",
		"promise=", "act=", "caused_by=", "products=[]", "places=[]", `nps=\N`, `csat=\N`, `csat_scale=\N`, `ces=\N`, `ces_scale=\N`,
		`annual_margin=\N`, "captive=false", `value=\N`, "initiated_by=", "cause=", "sequence=000001", "position=10", "partition=3",
		"time=2025-03-01 09:00:00.000", "seen_at=2025-03-01 10:00:00.000"}, "\t"))
	expect(t, s, "SELECT * FROM journeys_v", strings.Join([]string{
		"j1", "c1", "case-9", "['case-9','case-10']", "billing", "billing.dispute", "2025-03-01 08:00:00.000",
		"2025-03-04 09:00:00.000", "2025-03-03 09:00:00.000", "resolved", "customer", "true", "4", "a,a,b", "a,b", "2", "1", "2",
		"['phone','email']", "['it']", "north", "south", "12.5", "1", "case", "r1",
		"[2,1]", "3", "5", "99.5", "600", "7200.5", "60", "86400", "30", "45.118836", "-0.25", "2", "['repeat_contact','silo_handoff']",
		"['2025-03-01 09:00:00.000','2025-03-01 08:00:00.000']", "['2025-03-08 09:00:00.000','2025-03-29 08:00:00.000']",
		"['billing.dispute','']", "['it','it']", "['north','']", "['phone','']", "[true,false]",
		"['2025-03-01 09:00:00.000','2025-03-02 09:00:00.000']", "['2025-03-08 09:00:00.000','2025-03-09 09:00:00.000']",
		"['billing.dispute','']", "['it','it']", "['north','']", "['phone','']", "[true,false]", "[true,false]", "[true,false]", "[true,false]",
		"[true,NULL]", "['r1','']",
		"10", "2025-03-01 09:00:00.000"}, "\t"))
	expect(t, s, "SELECT * FROM contacts_v ORDER BY ended_at", strings.Join([]string{
		"j1", "c1", "2025-03-01 09:00:00.000", "2025-03-08 09:00:00.000", "billing", "billing.dispute", "it", "north", "phone", "true", "true",
		"true", "true", "true", "r1", "2025-03-01 09:00:00.000"}, "\t")+"\n"+strings.Join([]string{
		"j1", "c1", "2025-03-02 09:00:00.000", "2025-03-09 09:00:00.000", "", "", "it", "", "", "false", `\N`, "false", "false", `\N`, "",
		"2025-03-01 09:00:00.000"}, "\t"))
	expect(t, s, "SELECT * FROM opportunities_v WHERE broken", strings.Join([]string{
		"j1", "c1", "repeat_contact", "2025-03-01 09:00:00.000", "2025-03-08 09:00:00.000", "billing", "billing.dispute", "it", "north",
		"phone", "true", "r0", "2025-03-01 08:00:00.000", "2025-03-01 09:00:00.000", ""}, "\t"))
	expect(t, s, "SELECT clock FROM opportunities_v WHERE NOT broken", "reply")
	book := rules.Default()
	expect(t, s, "SELECT version, effective_from, effective_until, position, judges, costs, currency, rates_are_illustrative, journeys_mature_s, months_before, document FROM rule_books_v FORMAT TSVRaw",
		strings.Join([]string{book.Version(), "1900-01-01 00:00:00.000", `\N`, "0", book.Judges(), book.Costs(), "EUR", "true", "2419200", "[1,12]", "all: of it\n"}, "\t"))
	expect(t, s, "SELECT * FROM journey_steps_v", strings.Join([]string{
		"j1", "2", "2025-03-01 09:00:00.000", "called", "contact.ended", "phone", "it", "north", "k1", "case-9", "c1", "billing.dispute",
		"3.5", "crm", "e1", "opened", "email", "sales", "90.5", "10"}, "\t"))
	expect(t, s, "SELECT * FROM alerts_v", strings.Join([]string{
		"a1", "long_wait", "billing", "it", "north", "phone", "2025-03-01", "2025-03-02 00:00:00.000", "2025-02-26", "40", "20.5", "1.95", "1.5", "2.5",
		"billing", "it", "north", "phone", "['long_wait','long_wait unit=north']", "2025-03-09", "usual_again", "10"}, "\t"))
	expect(t, s, "SELECT * FROM closed_days_v", "2025-03-01\t9\t4\t1\t2\t10")
	expect(t, s, "SELECT * FROM churn_signals_v ORDER BY signal_id", strings.Join([]string{
		"s1", "c1", "silence", "2025-03-01 00:00:00.000", "2025-03-09 08:00:00.000", "returned", "['shop e1']", "61", "58.5", "r1", "standard", "10"}, "\t")+"\n"+
		strings.Join([]string{"s2", "c2", "cancel_requested", "2025-03-02 00:00:00.000", `\N`, "", "['crm e2']", `\N`, `\N`, "r1", "", "10"}, "\t"))
	expect(t, s, "SELECT time, activity, channel, source, event_id FROM visits_v",
		"2025-03-02 09:00:00.000\tpage.viewed\tweb\tweb\tp1")
	expect(t, s, "SELECT * FROM breakpoints_v", strings.Join([]string{
		"b1", "repeat_contact", "j1", "c1", "case-9", "billing", "billing.dispute", "2025-03-02 09:00:00.000",
		"2025-03-02 10:00:00.000", "2025-03-01 09:00:00.000", "2", "crm e1", "it", "north", "phone", "3", "4.25", "['e1','e2']", "r1",
		"true", "['crm e2','web e3']", "10"}, "\t"))
	expect(t, s, "SELECT breakpoint_id, deleted, detected_at, retracted_at, known_of, known_at, known_family, known_severity FROM breakpoints ORDER BY breakpoint_id",
		"b0\t1\t2025-01-02 10:00:00.000\t2025-03-01 09:00:00.000\tc1\t2025-01-02 10:00:00.000\tbilling\t2\n"+
			"b1\t0\t2025-03-02 10:00:00.000\t\\N\tc1\t2025-03-02 11:00:00.000\tdelivery\t4")
	expect(t, s, "SELECT * FROM aliases_v", "j0\tj1\t2025-03-01 09:00:00.000\t10")
	expect(t, s, "SELECT * FROM late_v", strings.Join([]string{
		"2025-01-02 09:00:00.000", "called", "contact.ended", "phone", "it", "north", "k0", "case-8", "c1", "billing.dispute", "crm",
		"e0", "10"}, "\t"))
	expect(t, s, "SELECT * FROM ledger_v", "3\t2\t131080\t1\t2\t3\t4\t5\t6\t7\t18446744073709551615")
	expect(t, s, "SELECT * FROM digests", "1\t3\tjourneys\t10\t1\t9223372036854775808")
	expect(t, s, "SELECT * FROM frontier_v", "3\t10\t2025-03-02 09:00:00.000\t1\t2025-02-27 09:00:00.000")
}

func TestEveryFieldOfAnEventReachesItsColumn(t *testing.T) {
	s := migrated(t)
	f := func(v float64) *float64 { return &v }
	no := false
	e := &event.Event{ID: "e", Source: "s", Type: "x.happened", At: at(1, 1, 0), Data: event.Data{
		Product: "product", Place: "place", Activity: "activity", ToSilo: "to_silo", ToUnit: "to_unit", Why: "why", Resolved: &no,
		WaitS: f(1), TalkS: f(2), HoldS: f(3), WrapS: f(0), Form: "form", Kind: "kind", On: "waiting_on", Regime: "regime",
		To: "target", Holding: true, SentAt: at(1, 2, 0), Promise: "promise", Due: at(1, 3, 0), Act: "act", By: "caused_by",
		Products: []string{"p"}, Places: []string{"q"}, NPS: f(4), CSAT: f(5), CSATScale: f(6), CES: f(7), CESScale: f(8),
		AnnualMargin: f(9), Captive: true, Value: f(10), InitiatedBy: "initiated_by", Cause: "cause",
	}}
	insert(t, s, &pipeline.Rows{Events: []pipeline.EventRow{{Position: 1, Partition: pipeline.All, Event: e}}})
	for _, name := range strings.Fields("product place activity to_silo to_unit why form kind waiting_on regime target promise act caused_by initiated_by cause") {
		expect(t, s, "SELECT "+name+" FROM events_v", name)
	}
	expect(t, s, "SELECT resolved, wait_s, talk_s, hold_s, wrap_s, nps, csat, csat_scale, ces, ces_scale, annual_margin, value FROM events_v",
		"false\t1\t2\t3\t0\t4\t5\t6\t7\t8\t9\t10")
	expect(t, s, "SELECT holding, captive, sent_at, due, products, places, partition, family FROM events_v",
		"true\ttrue\t2025-01-02 00:00:00.000\t2025-01-03 00:00:00.000\t['p']\t['q']\t-1\tother")
}

func TestOpenJourneyHasNoEnd(t *testing.T) {
	s := migrated(t)
	insert(t, s, &pipeline.Rows{Generation: 1, Journeys: []pipeline.JourneyRow{journey("j", at(1, 1, 0), 1)}})
	expect(t, s, "SELECT ended_at IS NULL, cases, case_id FROM journeys_v", "1\t[]\t")
}

func TestTheHighestVersionHoldsAndATombstoneRetracts(t *testing.T) {
	s := migrated(t)
	key := at(1, 1, 0)
	newer := journey("j", key, 20)
	newer.Steps, newer.StartedAt = 5, at(2, 1, 0)
	for _, row := range []pipeline.JourneyRow{newer, journey("j", key, 10), newer} { // in any order of arrival, and again
		insert(t, s, &pipeline.Rows{Generation: 1, Journeys: []pipeline.JourneyRow{row}})
	}
	expect(t, s, "SELECT steps, position FROM journeys_v", "5\t20")
	expect(t, s, "SELECT count() FROM journeys_v WHERE started_at < '2025-01-15'", "0")
	insert(t, s, &pipeline.Rows{Generation: 1, Journeys: []pipeline.JourneyRow{{JourneyID: "j", KeyTime: key, Position: 30, Deleted: true}}})
	for _, where := range []string{"1", "started_at > '2025-01-15'", "customer_id = 'c1'", "journey_id = 'j'", "last_event_at > '2020-01-01'"} {
		expect(t, s, "SELECT count() FROM journeys_v WHERE "+where, "0")
	}
	insert(t, s, &pipeline.Rows{Generation: 1, Journeys: []pipeline.JourneyRow{newer}}) // an older version comes late
	expect(t, s, "SELECT count() FROM journeys_v", "0")
	exec(t, s, "OPTIMIZE TABLE cx.journeys FINAL")
	expect(t, s, "SELECT count() FROM journeys_v", "0")
}

func TestOfCopiesTheFirstHolds(t *testing.T) {
	s := migrated(t)
	first, second := contactEnded("e", at(1, 1, 0)), contactEnded("e", at(1, 1, 0))
	second.Data.Unit = "south"
	insert(t, s, &pipeline.Rows{Events: []pipeline.EventRow{{Position: 5, Event: first}}})
	insert(t, s, &pipeline.Rows{Events: []pipeline.EventRow{{Position: 900, Event: second}}})
	expect(t, s, "SELECT unit, position FROM events_v", "north\t5")
	exec(t, s, "OPTIMIZE TABLE cx.events FINAL")
	insert(t, s, &pipeline.Rows{Events: []pipeline.EventRow{{Position: 900, Event: second}}})
	expect(t, s, "SELECT unit, position FROM events_v", "north\t5")
}

func TestInsertingAgainIsHarmless(t *testing.T) {
	s := migrated(t)
	const digest = "SELECT (SELECT groupBitXor(cityHash64(*)) FROM events_v), (SELECT groupBitXor(cityHash64(toString(tuple(*)))) FROM journeys_v), " +
		"(SELECT count() FROM journey_steps_v), (SELECT groupBitXor(cityHash64(*)) FROM breakpoints_v), (SELECT count() FROM aliases_v), (SELECT groupBitXor(cityHash64(*)) FROM ledger_v), " +
		"(SELECT groupBitXor(cityHash64(*)) FROM digests FINAL), (SELECT count() FROM frontier_v)"
	insert(t, s, everyRow())
	once := read(t, s, digest)
	insert(t, s, everyRow())
	expect(t, s, digest, once)
	// Not swallowed by an insert token either: what was lost comes back by the same insert.
	exec(t, s, "TRUNCATE TABLE cx.journeys")
	insert(t, s, everyRow())
	expect(t, s, digest, once)
}

func TestSystemEventsAreNotShown(t *testing.T) {
	s := migrated(t)
	tick := &event.Event{ID: "t", Source: "parcours", Type: event.ClockTicked, At: at(1, 1, 0)}
	insert(t, s, &pipeline.Rows{Events: []pipeline.EventRow{{Position: 1, Event: tick}}})
	expect(t, s, "SELECT count() FROM events_v", "0")
}

func TestManyMonthsInOneInsert(t *testing.T) {
	s := migrated(t)
	rows := &pipeline.Rows{Generation: 1}
	for i := range 130 * 3 { // interleaved: each month comes three times
		when := event.InstantOf(time.Date(2010, time.Month(1+i%130), 2, 0, 0, 0, 0, time.UTC))
		id := fmt.Sprint(i)
		rows.Events = append(rows.Events, pipeline.EventRow{Position: uint64(i), Event: contactEnded(id, when)})
		rows.Journeys = append(rows.Journeys, journey(id, when, uint64(i)))
	}
	insert(t, s, rows)
	expect(t, s, "SELECT count(), uniq(toYYYYMM(time)) FROM events_v", "390\t130")
	expect(t, s, "SELECT count(), uniq(toYYYYMM(key_time)) FROM journeys_v", "390\t130")
}

func TestAnyInstantIsKept(t *testing.T) {
	s := migrated(t)
	for i, year := range []int{1, 1600, 1970, 2261, 9999} {
		when := event.InstantOf(time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC))
		insert(t, s, &pipeline.Rows{Events: []pipeline.EventRow{{Position: uint64(i), Event: contactEnded(fmt.Sprint(i), when)}}})
	}
	expect(t, s, "SELECT groupArray(toYear(time)) FROM (SELECT time FROM events_v ORDER BY id)", "[1900,1900,1970,2261,2261]")
}

func TestCutKeepsEveryRow(t *testing.T) {
	type row struct{ at event.Instant }
	check := func(rows, months, blocks int) {
		t.Helper()
		all := make([]row, rows)
		for i := range all {
			all[i].at = event.InstantOf(time.Date(2000, time.Month(1+i%months), 1, 0, 0, 0, 0, time.UTC))
		}
		parts, kept := cut(all, func(r *row) event.Instant { return r.at }), 0
		for _, part := range parts {
			kept += len(part)
			touched := map[int]bool{}
			for _, r := range part {
				touched[month(r.at)] = true
			}
			if len(part) == 0 || len(part) > blockRows || len(touched) > blockMonths {
				t.Errorf("%d rows, %d months: a part of %d rows, %d months", rows, months, len(part), len(touched))
			}
		}
		if kept != rows || len(parts) != blocks {
			t.Errorf("%d rows, %d months: %d rows in %d parts, want %d parts", rows, months, kept, len(parts), blocks)
		}
	}
	check(0, 1, 0)
	check(1, 1, 1)
	check(50_001, 50, 2)
	check(510, 51, 2)
	check(60_000, 60, 2)
	check(400_000, 130, 8)
}

func TestOneInsertSwitchesTheGeneration(t *testing.T) {
	s := migrated(t)
	insert(t, s, everyRow())
	next := everyRow()
	next.Generation = 2
	next.Journeys[0].Steps, next.Frontier[0].Position = 99, 500
	next.Breakpoints = nil
	insert(t, s, next)
	const now = "SELECT (SELECT steps FROM journeys_v), (SELECT count() FROM breakpoints_v), (SELECT position FROM frontier_v), (SELECT count() FROM events_v)"
	expect(t, s, now, "4\t1\t10\t1")
	exec(t, s, "INSERT INTO cx.generation (generation, switched_at, fold_version) SELECT 2, toDateTime64('2025-05-01 00:00:00', 3, 'UTC'), 'v2'")
	expect(t, s, now, "99\t0\t500\t1")
	if g, err := s.Current(t.Context()); g != (pipeline.Generation{Number: 2, Fold: "v2"}) || err != nil {
		t.Errorf("current generation %+v, %v", g, err)
	}
	exec(t, s, "INSERT INTO cx.generation (generation, switched_at) SELECT 1, toDateTime64('2025-06-01 00:00:00', 3, 'UTC')") // and back
	expect(t, s, now, "4\t1\t10\t1")
}

func TestTheFrontierComesLast(t *testing.T) {
	s := migrated(t)
	rows, conn := manyRows(20_000), s.conn
	for _, table := range []string{"journeys", "events"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		s.conn = watched{conn, table, func(send func() error) error {
			cancel(errors.New("killed here"))
			return send()
		}}
		err := s.Insert(ctx, rows)
		if err == nil || !strings.Contains(err.Error(), "killed here") {
			t.Errorf("got %v", err)
		}
		if positions, err := s.Frontier(t.Context(), 1); err != nil || len(positions) != 0 {
			t.Errorf("the frontier moved without its rows: %v, %v", positions, err)
		}
	}
	s.conn = conn
	insert(t, s, rows)
	if positions, err := s.Frontier(t.Context(), 1); err != nil || positions[0].Position != 20_000 {
		t.Errorf("frontier %v, %v", positions, err)
	}
	expect(t, s, "SELECT count(), uniqExact(id) FROM events_v", "20000\t20000")
	expect(t, s, "SELECT count(), uniqExact(journey_id) FROM journeys_v", "20000\t20000")
}

// watched is the real connection, but batches of one table are sent by way of act.
type watched struct {
	driver.Conn
	table string
	act   func(send func() error) error
}

func (w watched) PrepareBatch(ctx context.Context, sql string, opts ...driver.PrepareBatchOption) (driver.Batch, error) {
	batch, err := w.Conn.PrepareBatch(ctx, sql, opts...)
	if err == nil && strings.Contains(sql, "."+w.table+" ") {
		return watchedBatch{batch, w.act}, nil
	}
	return batch, err
}

type watchedBatch struct {
	driver.Batch
	act func(send func() error) error
}

func (b watchedBatch) Send() error { return b.act(b.Batch.Send) }

// killer is a server that dies three times: before a block is sent, while it is, and when it is in but not yet answered.
type killer struct {
	t      *testing.T
	server *embedded.ClickHouse
	mu     sync.Mutex
	sends  int
}

func (k *killer) send(send func() error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sends++
	switch k.sends {
	case 1:
		k.kill()
	case 2:
		go k.kill()
	case 3:
		if err := send(); err != nil {
			k.sends-- // still coming back
			return err
		}
		k.kill()
		return io.ErrUnexpectedEOF
	}
	return send()
}

func (k *killer) kill() {
	pid := k.server.PID()
	if pid <= 0 {
		return // between two children; and 0 would be every process of this group
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		k.t.Errorf("kill: %v", err)
	}
}

func TestInsertOutlivesTheServer(t *testing.T) {
	server := serve(t)
	metrics := prometheus.NewRegistry()
	s := open(t, Config{Addr: server.Addr(), Metrics: metrics})
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	k := &killer{t: t, server: server}
	s.conn = watched{s.conn, "journeys", k.send}
	insert(t, s, manyRows(60_000)) // two blocks a table
	if k.sends < 5 {
		t.Errorf("journeys were sent %d times: the server was not killed in all three places", k.sends)
	}
	expect(t, s, "SELECT count(), uniqExact(id) FROM events_v", "60000\t60000")
	expect(t, s, "SELECT count(), uniqExact(journey_id) FROM journeys_v", "60000\t60000")
	if counted := value(t, metrics, "parcours_clickhouse_retries_total", ""); counted < 3 {
		t.Errorf("the server died three times, and %v attempts were made again", counted)
	}
	if counted := value(t, metrics, "parcours_clickhouse_rows_total", "journeys"); counted != 60_000 {
		t.Errorf("%v journeys counted, want each once", counted)
	}
}

// manyRows has n events and n journeys.
func manyRows(n int) *pipeline.Rows {
	rows := &pipeline.Rows{Generation: 1, Frontier: []pipeline.FrontierRow{{Position: uint64(n)}}}
	for i := range n {
		id, when := fmt.Sprintf("%032x", i), at(1+i%12, 1, 0)
		rows.Events = append(rows.Events, pipeline.EventRow{Position: uint64(i), StoredAt: when, Event: contactEnded(id, when)})
		rows.Journeys = append(rows.Journeys, journey(id, when, uint64(i)))
	}
	return rows
}

// value is that of a counter, of one table if it counts by table. Every metric has a help text.
func value(t *testing.T, metrics *prometheus.Registry, name, table string) (found float64) {
	t.Helper()
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetHelp() == "" {
			t.Errorf("%s has no help text", family.GetName())
		}
		for _, m := range family.GetMetric() {
			labels := m.GetLabel()
			if family.GetName() == name && (len(labels) == 0 || labels[0].GetValue() == table) {
				found = m.GetCounter().GetValue()
			}
		}
	}
	return found
}

func TestAPermanentErrorComesBackAtOnce(t *testing.T) {
	s := migrated(t)
	exec(t, s, "DROP TABLE cx.journeys")
	err := s.Insert(t.Context(), manyRows(512))
	if err == nil || !strings.HasPrefix(err.Error(), "insert 512 journeys: ") || code(err) != 60 {
		t.Errorf("got %v", err)
	}
	if positions, err := s.Frontier(t.Context(), 1); err != nil || len(positions) != 0 {
		t.Errorf("the frontier moved: %v, %v", positions, err)
	}
}

func TestRowsOfNoGenerationAreRefused(t *testing.T) {
	s := migrated(t)
	if err := s.Insert(t.Context(), &pipeline.Rows{Journeys: manyRows(1).Journeys}); err == nil {
		t.Error("rows that no view shows were accepted")
	}
}

func TestStoresShareARegistry(t *testing.T) {
	addr, registry := serve(t).Addr(), prometheus.NewRegistry()
	for range 2 {
		open(t, Config{Addr: addr, Metrics: registry})
	}
	registry = prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "parcours_clickhouse_retries_total", Help: "something else"}))
	if _, err := Open(t.Context(), Config{Addr: addr, Metrics: registry}, zerolog.Nop()); err == nil {
		t.Error("a taken name was not seen")
	}
}

func TestWaitFrontier(t *testing.T) {
	s := migrated(t)
	reached := make(chan error, 1)
	go func() { reached <- s.WaitFrontier(t.Context(), 10) }()
	partition := func(p int, position uint64) *pipeline.Rows {
		return &pipeline.Rows{Generation: 1, Frontier: []pipeline.FrontierRow{{Partition: p, Position: position}}}
	}
	both := partition(0, 9)
	both.Frontier = append(both.Frontier, partition(1, 12).Frontier...)
	insert(t, s, both)
	if ok, err := s.reached(t.Context(), 10); ok || err != nil {
		t.Errorf("reached %v, %v: partition 0 is behind", ok, err)
	}
	insert(t, s, partition(0, 10))
	if err := <-reached; err != nil {
		t.Error(err)
	}
	insert(t, s, partition(0, 3)) // a restored owner inserts again from an older position
	if positions, err := s.Frontier(t.Context(), 1); err != nil || positions[0].Position != 10 || positions[1].Position != 12 {
		t.Errorf("frontier %v, %v", positions, err)
	}
}

func TestRejected(t *testing.T) {
	s := migrated(t)
	if last, err := s.LastRejected(t.Context()); last != 0 || err != nil {
		t.Errorf("last rejected %d, %v", last, err)
	}
	rows := []RejectedRow{{Position: 4, SeenAt: at(1, 1, 0), Reason: "bad_time", Source: "crm", Field: "time", Expected: "RFC 3339", Bytes: 120, SHA256: "ab", EventPosition: 77, Row: 12}}
	for range 2 {
		if err := s.InsertRejected(t.Context(), rows); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, s, "SELECT * FROM rejected_v", "2025-01-01 00:00:00.000\t4\tbad_time\tcrm\ttime\tRFC 3339\t120\tab\t77\t12")
	if last, err := s.LastRejected(t.Context()); last != 4 || err != nil {
		t.Errorf("last rejected %d, %v", last, err)
	}
}

func TestWhatPasses(t *testing.T) {
	check := func(err error, want bool) {
		t.Helper()
		if got := passes(err); got != want {
			t.Errorf("%v passes: %v, want %v", err, got, want)
		}
	}
	check(&clickhouse.Exception{Code: 241}, true)
	check(&clickhouse.Exception{Code: 60}, false)
	check(fmt.Errorf("wrapped: %w", &clickhouse.HTTPError{StatusCode: 503, Err: errors.New("away")}), true)
	check(&clickhouse.HTTPError{StatusCode: 401, Err: errors.New("who are you")}, false)
	check(&clickhouse.HTTPError{StatusCode: 500, Err: &clickhouse.Exception{Code: 62}}, false)
	check(fmt.Errorf("send: %w", syscall.ECONNRESET), true)
	check(errors.New("column x: cannot convert"), false)
}
