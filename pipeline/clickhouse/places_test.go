package clickhouse_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"parcours/pipeline"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/event"
)

// table is a query's answer, a row a line, bars between the columns.
func table(t *testing.T, s *clickhouse.Store, sql string, want ...string) {
	t.Helper()
	got := lines(t, s, sql)
	for i := range got {
		got[i] = strings.ReplaceAll(got[i], "\t", "|")
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s:\n%s\nwant\n%s", sql, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// signed starts a contract, of somebody who can leave or cannot.
func (h *history) signed(customer string, captive bool) {
	h.event(event.ContractStarted, customer, on("2025-01-02"), event.Data{Captive: captive})
}

// TestSegmentsBesideBreakpoints: what broke counts once a cell, under the segment of its customer; of whom no contract is known,
// under that of no contract; of nobody, under none.
func TestSegmentsBesideBreakpoints(t *testing.T) {
	s, h := store(t), &history{}
	h.signed("held", true)
	h.signed("free", false)
	add := func(kind, customer, day string, cost float64, severity uint8) {
		b := h.broke(kind, customer, "billing.dispute", on(day), on(day))
		b.Cost, b.Severity, b.Unit = cost, severity, "north"
	}
	add("long_wait", "held", "2025-03-01", 0, 2)
	add("long_wait", "held", "2025-03-01 10:00:00.000", 4, 3) // the same customer again, the same cell
	add("long_wait", "free", "2025-03-01", 1, 2)
	add("long_wait", "stranger", "2025-03-01", 2, 2)
	add("long_wait", "", "2025-03-01", 8, 2)
	add("sla_breach", "free", "2025-03-02", 16, 5)
	h.settled(on("2025-06-01"))
	insert(t, s, &h.rows)
	table(t, s, "SELECT * FROM cx.customer_segments_v ORDER BY ALL", "free|standard|false", "held|captive|true")
	table(t, s, "SELECT * FROM cx.no_contract_segment_v", "standard")
	table(t, s, `SELECT day, kind, reason_family, silo, unit, channel, segment, witness, severity, breakpoints, charged, cost, currency, illustrative, customers, captive_customers, unidentified, reached
		FROM cx.breakpoint_cells_v ORDER BY day, segment`,
		"2025-03-01|long_wait|billing|it|north|||false|2|1|1|8|EUR|true|[]|[]|1|0",
		"2025-03-01|long_wait|billing|it|north||captive|false|3|2|1|4|EUR|true|['held']|['held']|0|0",
		"2025-03-01|long_wait|billing|it|north||standard|false|2|2|2|3|EUR|true|['free','stranger']|[]|0|0",
		"2025-03-02|sla_breach|billing|it|north||standard|false|5|1|1|16|EUR|true|['free']|[]|0|0")
	// as dashboards add them up: three customers who are known, and one breakpoint of nobody
	table(t, s, "SELECT kind, sum(cost), sum(breakpoints), uniqExactArray(customers), uniqExactArray(captive_customers) FROM cx.breakpoint_cells_v GROUP BY kind ORDER BY kind",
		"long_wait|15|5|3|1", "sla_breach|16|1|1|0")
}

// TestTrendBesideBreakpoints: the trend of a cell is that of ranking_v in the last complete month of its kind, and shows nothing that is
// noise.
func TestTrendBesideBreakpoints(t *testing.T) {
	s, h := store(t), &history{}
	chances := func(month string, n, broken int) {
		for i := range n {
			day := on(fmt.Sprintf("%s-%02d", month, i%28+1))
			id := h.chance("long_wait", fmt.Sprint("c", i), "billing.dispute", day, i < broken)
			if i < broken {
				h.broke("long_wait", fmt.Sprint("c", i), "billing.dispute", day, day).JourneyID = id
			}
		}
	}
	chances("2025-03", 100, 10)
	chances("2025-04", 100, 40)
	chances("2025-05", 20, 20) // not complete
	h.settled(on("2025-05-20"))
	insert(t, s, &h.rows)
	table(t, s, "SELECT DISTINCT kind, trend_month, trend_of, round(trend, 6), trend_exceeds_noise, trend_withheld, trend_low > 0, associated_says FROM cx.breakpoint_cells_v",
		"long_wait|2025-04-01|reason|0.3|true||1|")
	table(t, s, "SELECT sum(breakpoints) FROM cx.breakpoint_cells_v", "70")
}

// TestPlacesOfBreakpoints: at which step it broke, and which other silo had the customer next.
func TestPlacesOfBreakpoints(t *testing.T) {
	s, h := store(t), &history{}
	h.signed("ca", true)
	start := on("2025-03-03 10:00:00.000").Time()
	walked(&h.rows, "a", "billing", "resolved", start, "call phone care u1 0", "note   u1 5", "pass phone care u1 10", "desk  it u9 20", "back phone care u1 30")
	walked(&h.rows, "b", "billing", "open", start, "mail email care u1 0")
	at := func(journey, customer string, step uint32, silo string) {
		b := h.broke("silo_handoff", customer, "billing.dispute", on("2025-03-03 10:30:00.000"), on("2025-03-04"))
		b.JourneyID, b.OriginStep, b.Silo, b.Evidence = journey, step, silo, []string{"e1"}
	}
	at("a", "ca", 1, "care")  // it came after care
	at("a", "ca", 3, "care")  // the same: the desk is next
	at("a", "ca", 4, "it")    // and then care again
	at("a", "ca", 5, "care")  // nobody after the last
	at("b", "cb", 1, "care")  // the only step is the first
	at("", "", 0, "it")       // an incident
	at("gone", "cc", 1, "it") // of a journey that is not here
	h.settled(on("2025-06-01"))
	insert(t, s, &h.rows)
	table(t, s, "SELECT journey_id, step, place, activity, silo, to_silo, segment, journey_from, journey_until, evidence FROM cx.breakpoint_places_v ORDER BY journey_id, step",
		`|0|||it|||\N|\N|['e1']`,
		"a|1|first|call|care|it|captive|2025-03-03 10:00:00.000|2025-03-03 10:30:00.000|['e1']",
		"a|3|middle|pass|care|it|captive|2025-03-03 10:00:00.000|2025-03-03 10:30:00.000|['e1']",
		"a|4|middle|desk|it|care|captive|2025-03-03 10:00:00.000|2025-03-03 10:30:00.000|['e1']",
		"a|5|last|back|care||captive|2025-03-03 10:00:00.000|2025-03-03 10:30:00.000|['e1']",
		"b|1|first|mail|care||standard|2025-03-03 10:00:00.000|2025-03-03 10:00:00.000|['e1']",
		`gone|1|first||it||standard|\N|\N|['e1']`)
	table(t, s, "SELECT step, activity, broke, illustrative, cost FROM cx.journey_path_v WHERE journey_id = 'a' ORDER BY step",
		"1|call|['silo_handoff']|true|0", "2|note|[]|true|0", "3|pass|['silo_handoff']|true|0", "4|desk|['silo_handoff']|true|0", "5|back|['silo_handoff']|true|0")
	table(t, s, "SELECT kind, origin_step, silo, illustrative, currency FROM cx.journey_breakpoints_v WHERE journey_id = 'a' ORDER BY origin_step",
		"silo_handoff|1|care|true|EUR", "silo_handoff|3|care|true|EUR", "silo_handoff|4|it|true|EUR", "silo_handoff|5|care|true|EUR")
	table(t, s, "SELECT customer_id, outcome, steps, cost, illustrative FROM cx.journey_heads_v WHERE journey_id = 'a'", "ca|resolved|5|5|true")
}

// TestRatesOfSegments: over segments they add up to rates_daily_v, and end on the same day for all of them.
func TestRatesOfSegments(t *testing.T) {
	s, h := store(t), &history{}
	h.signed("held", true)
	for i, customer := range []string{"held", "free", "", "held", "free"} {
		h.chance("long_wait", customer, "billing.dispute", on(fmt.Sprintf("2025-03-0%d", i/3+1)), i%2 == 0)
	}
	late := h.journey("held", "billing.dispute", on("2025-03-03")) // not settled: nobody's rate goes past it
	late.Opportunities = []pipeline.OpportunityRow{{Kind: "long_wait", At: on("2025-03-03"), MaturesAt: on("2025-07-01"), Reason: "billing.dispute", Silo: "it"}}
	h.chance("long_wait", "free", "billing.dispute", on("2025-03-04"), true)
	h.settled(on("2025-06-01"))
	insert(t, s, &h.rows)
	table(t, s, "SELECT day, segment, opportunities, broken, matured_until FROM cx.segment_rates_daily_v ORDER BY day, segment",
		"2025-03-01||1|1|2025-03-03 00:00:00.000", "2025-03-01|captive|1|1|2025-03-03 00:00:00.000", "2025-03-01|standard|1|0|2025-03-03 00:00:00.000",
		"2025-03-02|captive|1|0|2025-03-03 00:00:00.000", "2025-03-02|standard|1|1|2025-03-03 00:00:00.000")
	const same = "SELECT day, kind, reason_family, silo, unit, channel, sum(opportunities), sum(broken), max(matured_until) FROM cx.%s GROUP BY ALL ORDER BY ALL"
	var want []string
	for _, line := range lines(t, s, fmt.Sprintf(same, "rates_daily_v")) {
		want = append(want, strings.ReplaceAll(line, "\t", "|"))
	}
	table(t, s, fmt.Sprintf(same, "segment_rates_daily_v"), want...)
}

// ends are those of the 95 % interval of a share, by Wilson (1927).
func ends(x, n float64) (low, high float64) {
	const z = 1.959963984540054
	p := x / n
	half := z * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return (p + z*z/(2*n) - half) / (1 + z*z/n), (p + z*z/(2*n) + half) / (1 + z*z/n)
}

// TestRatesAroundAnAction: so many days before and after, the day itself in neither, of the company and of what the action names; the
// difference by Newcombe (1998), and none where there is nothing to say.
func TestRatesAroundAnAction(t *testing.T) {
	s, h := store(t), &history{}
	h.rows.Events = append(h.rows.Events, pipeline.EventRow{Position: h.number(), StoredAt: on("2025-03-20"), Event: &event.Event{ID: "a1", Source: "s", Type: event.ActionLaunched,
		At: on("2025-03-20 09:00:00.000"), Data: event.Data{Silo: "it", Activity: "second desk"}}})
	chances := func(day, silo string, n, broken int) {
		for i := range n {
			id := h.chance("long_wait", fmt.Sprint("c", i), "billing.dispute", on(day), i < broken)
			for k := range h.rows.Journeys {
				if h.rows.Journeys[k].JourneyID == id {
					h.rows.Journeys[k].Opportunities[0].Silo = silo
				}
			}
		}
	}
	chances("2025-03-05", "it", 9, 9)    // 15 days before: in neither of 14
	chances("2025-03-06", "it", 20, 10)  // 14 days before
	chances("2025-03-10", "care", 20, 2) // in the company alone
	chances("2025-03-20", "it", 9, 9)    // the day itself
	chances("2025-04-03", "it", 40, 4)   // 14 days after
	chances("2025-04-04", "it", 9, 9)    // 15 days after
	h.settled(on("2025-04-10"))
	insert(t, s, &h.rows)
	newcombe := func(x1, n1, x0, n0 float64) string {
		low1, high1 := ends(x1, n1)
		low0, high0 := ends(x0, n0)
		d := x1/n1 - x0/n0
		return fmt.Sprintf("%.6f|%.6f|%.6f", d, d-math.Hypot(x1/n1-low1, high0-x0/n0), d+math.Hypot(high1-x1/n1, x0/n0-low0))
	}
	table(t, s, `SELECT action, name, days, scope, named, kind, before_n, before_broken, after_n, after_broken, complete, exceeds_noise, withheld,
		printf('%.6f', assumeNotNull(difference)), printf('%.6f', assumeNotNull(difference_low)), printf('%.6f', assumeNotNull(difference_high)) FROM cx.action_rates_v WHERE days = 14 ORDER BY scope`,
		"s a1|second desk|14|all||long_wait|40|12|40|4|true|true||"+newcombe(4, 40, 12, 40),
		"s a1|second desk|14|silo|it|long_wait|20|10|40|4|true|true||"+newcombe(4, 40, 10, 20))
	table(t, s, "SELECT days, scope, before_n, after_n, complete, difference, withheld FROM cx.action_rates_v WHERE days != 14 ORDER BY days, scope",
		`28|all|49|49|false|\N|not complete`, `28|silo|29|49|false|\N|not complete`, `90|all|49|49|false|\N|not complete`, `90|silo|29|49|false|\N|not complete`)
}

// TestJourneysOfSegments: how journeys ended, their paths and flows, of journeys that are few enough to count.
func TestJourneysOfSegments(t *testing.T) {
	s, rows := store(t), handMade()
	h := &history{}
	h.next = 100
	h.signed("ca", true)
	rows.Events = h.rows.Events
	for i := range rows.Journeys {
		j := &rows.Journeys[i]
		j.Channels, j.Silos, j.FirstUnit, j.WorkingS, j.WaitingCompanyS = []string{"phone", "email"}, []string{"care"}, "u1", 60, 3600
		if j.JourneyID == "a" || j.JourneyID == "b" {
			j.Breakpoints = 1
		}
	}
	insert(t, s, rows)
	table(t, s, `SELECT day, reason_family, segment, channel, silo, unit, outcome, journeys, broken, cost, effort, working_s, waiting_company_s FROM cx.journey_cells_v
		WHERE reason_family = 'billing' ORDER BY day`,
		"2026-03-01|billing|captive|phone|care|u1|resolved|1|1|3|10|60|3600",
		"2026-03-05|billing|standard|phone|care|u1|unresolved|1|1|2|10|60|3600",
		"2026-03-06|billing|standard|phone|care|u1|open|1|0|2|10|60|3600",
		"2026-03-31|billing|standard|phone|care|u1|lost|1|0|2|10|60|3600")
	table(t, s, `SELECT variant_collapsed, segment, journeys, resolved, ended, broken, cost, effort, duration_s, illustrative, example.journey_id FROM cx.variant_cells_v
		WHERE reason_family = 'billing' ORDER BY variant_collapsed`,
		"call|standard|3|0|2|1|6|30|10200|true|d", // d started last
		"call > desk|captive|1|1|1|1|3|10|87000|true|a")
	table(t, s, "SELECT journey_id, segment, channel, channels, illustrative FROM cx.journeys_listed_v WHERE journey_id IN ('a', 'b') ORDER BY journey_id",
		"a|captive|phone|['phone','email']|true", "b|standard|phone|['phone','email']|true")
	table(t, s, `SELECT month, from_node, to_node, sum(frequency), sum(dropped), sum(broke), sum(breakpoints), sum(still_open), ifNotFinite(quantileTDigestMerge(0.5)(delays), -1)
		FROM cx.journey_flows_v WHERE reason_family = 'billing' GROUP BY ALL ORDER BY ALL`,
		"2026-03-01||call|phone|care|4|0|1|1|0|-1", // b broke where it began, and went on
		"2026-03-01|call|phone|care|call|phone|care|3|1|1|2|1|1200",
		"2026-03-01|call|phone|care|desk||it|1|0|0|0|0|86400",
		"2026-04-01|call|phone|care|call|phone|care|1|1|0|0|0|7200")
	const sums = "SELECT sum(frequency), sum(dropped), sum(breakpoints), sum(still_open) FROM cx."
	table(t, s, sums+"journey_flows_v", strings.ReplaceAll(lines(t, s, sums+"journey_edges_v")[0], "\t", "|"))
	table(t, s, "SELECT segment, sum(frequency) FROM cx.journey_flows_v GROUP BY segment ORDER BY segment", "captive|3", "standard|14")
}
