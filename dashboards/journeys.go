package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/nodegraph"
)

// journeys is how they flow: the graph, the paths, how they end, who waits for whom, and the list that leads to each of them.
func journeys(b *board) {
	b.offerFilters("journey_cells_v")
	b.choose("outcome", "SELECT DISTINCT "+option("outcome")+" AS value, "+b.word("outcome", "outcome")+" AS label FROM journey_cells_v ORDER BY label")
	b.moneySaid()
	b.add(b.journeyFlow())
	b.add(b.journeyVariants())
	b.add(b.journeyOutcomes())
	b.add(b.waitingAndWorking())
	b.add(b.journeyList())
}

const (
	graphNodes = 12 // nodes of the graph, the start apart: more do not fit on a screen, as Grafana opens the graph at full size
	graphArcs  = 2  // arcs drawn into each node: the busiest
)

// journeyFlow draws the most frequent steps of the period, and into each of them the arcs that came most. The rule is the same for nodes and
// arcs: steps by visits, ties by name.
func (b *board) journeyFlow() cog.Builder[dashboard.Panel] {
	where := "month >= toDate32(toStartOfMonth($__fromTime)) AND month <= toDate32($__toTime) AND " + within("reason_family", "family") + " AND " + within("segment", "segment")
	top := "SELECT to_node FROM journey_flows_v WHERE " + where + " GROUP BY to_node ORDER BY sum(frequency) DESC, to_node LIMIT " + digits(graphNodes)
	place := "arrayStringConcat(arrayFilter(t -> t != '', [if(any(to_channel) = '', '', " + b.word("channel", "any(to_channel)") + "), if(any(to_silo) = '', '', " + b.word("silo", "any(to_silo)") + ")]), ', ')"
	nodes := "SELECT to_node AS id, " + b.activityInWords("any(to_activity)") + " AS title, " + place + " AS subtitle, toString(sum(frequency)) AS mainstat, concat(toString(round(100 * sum(breakpoints) / sum(frequency))), " + quote(" % "+b.say("broke")) + ") AS secondarystat, " +
		"sum(dropped) / sum(frequency) AS arc__dropped, sum(broke) / sum(frequency) AS arc__broke, (sum(frequency) - sum(dropped) - sum(broke)) / sum(frequency) AS arc__on, " +
		"sum(dropped) AS detail__dropped, sum(breakpoints) AS detail__breakpoints, sum(still_open) AS detail__open " +
		"FROM journey_flows_v WHERE " + where + " GROUP BY to_node ORDER BY sum(frequency) DESC, to_node LIMIT " + digits(graphNodes) +
		" UNION ALL SELECT 'start', " + quote(b.say("start")) + ", '', toString(sum(frequency)), '', 0, 0, 1, 0, 0, 0 FROM journey_flows_v WHERE " + where + " AND from_node = '' HAVING sum(frequency) > 0"
	edges := "SELECT concat(source, ' > ', target) AS id, source, target, toString(frequency) AS mainstat, if(delay IS NULL, '', " + b.took("assumeNotNull(delay)") + ") AS secondarystat, 1 + round(4 * sqrt(frequency / max(frequency) OVER ())) AS thickness " +
		"FROM (SELECT if(from_node = '', 'start', from_node) AS source, to_node AS target, sum(journey_flows_v.frequency) AS frequency, " +
		"if(source = 'start', NULL, ifNotFinite(quantileTDigestMerge(0.5)(delays), 0)) AS delay " +
		"FROM journey_flows_v WHERE " + where + " AND to_node IN (" + top + ") AND (from_node = '' OR from_node IN (" + top + ")) AND from_node != to_node " +
		"GROUP BY source, target ORDER BY frequency DESC, source LIMIT " + digits(graphArcs) + " BY target)"
	arc := func(field, colour string) cog.Builder[nodegraph.ArcOption] {
		return nodegraph.NewArcOptionBuilder().Field(field).Color(colour)
	}
	names := map[string]string{"mainstat": b.heading("reached"), "secondarystat": b.heading("rate_here"), "arc__dropped": b.heading("dropped"), "arc__broke": b.heading("broke"),
		"arc__on": b.heading("on"), "detail__dropped": b.heading("dropped"), "detail__breakpoints": b.heading("breakpoints"), "detail__open": b.heading("open")}
	return b.graph("flow", 24, 23, nodes, edges).ZoomMode(nodegraph.ZoomModeCooperative).
		Nodes(nodegraph.NewNodeOptionsBuilder().
			Arcs([]cog.Builder[nodegraph.ArcOption]{arc("arc__dropped", Bad), arc("arc__broke", Warm), arc("arc__on", Light)})).
		WithTransformation(renamed(names))
}

const variantRows = 50 // variants listed

func (b *board) journeyVariants() cog.Builder[dashboard.Panel] {
	sql := "SELECT " + b.column(b.pathInWords("path"), "variant") + ", " + b.column("n", "journeys") + ", " + b.column("100 * n / total", "share") + ", " + b.column(b.shareInWords("good", "done"), "resolved") + ", " +
		b.column("100 * bad / n", "broken") + ", " + b.column("euros / n", "cost") + ", " + b.column("hard / n", "effort") + ", " +
		b.column(b.took("took / n"), "duration") + ", " + b.column(quote(b.say("example")), "example") + ", " + journeyLink("one.3", "one.1", "one.2") +
		" FROM (SELECT variant_collapsed AS path, sum(journeys) AS n, sum(n) OVER () AS total, sum(resolved) AS good, sum(ended) AS done, sum(broken) AS bad, sum(cost) AS euros, sum(effort) AS hard, " +
		"sum(duration_s) AS took, max(example) AS one FROM variant_cells_v WHERE month >= toDate32(toStartOfMonth($__fromTime)) AND month <= toDate32($__toTime) AND " + chosenFilters() +
		" GROUP BY path) ORDER BY n DESC, path LIMIT " + digits(variantRows)
	return linked(b.table("variants", 24, 11, sql).
		OverrideByName(b.heading("variant"), []dashboard.DynamicConfigValue{property("custom.minWidth", 500), property("custom.inspect", true)}).
		OverrideByName(b.heading("journeys"), []dashboard.DynamicConfigValue{width(90)}).
		OverrideByName(b.heading("share"), append(b.percent(1), append(gauge(Plain), width(150))...)).
		OverrideByName(b.heading("resolved"), []dashboard.DynamicConfigValue{width(150)}).
		OverrideByName(b.heading("broken"), append(b.percent(0), width(100))).
		OverrideByName(b.heading("cost"), []dashboard.DynamicConfigValue{unit(Euros), decimals(2), width(160)}).
		OverrideByName(b.heading("effort"), []dashboard.DynamicConfigValue{decimals(0), width(80)}).
		OverrideByName(b.heading("duration"), []dashboard.DynamicConfigValue{width(110), property("custom.align", "right")}).
		OverrideByName(b.heading("example"), []dashboard.DynamicConfigValue{b.toJourney(), width(110)}))
}

func (b *board) journeyOutcomes() cog.Builder[dashboard.Panel] {
	of := func(outcome string) string {
		return b.column("100 * sumIf(journeys, outcome = '"+outcome+"') / sum(journeys)", outcome)
	}
	sql := "SELECT " + b.column("concat("+b.word("channel", "channel")+", ' (', toString(sum(journeys)), ')')", "first_channel") + ", " + of("resolved") + ", " + of("unresolved") + ", " + of("lost") + ", " + of("open") +
		" FROM journey_cells_v WHERE $__dateFilter(day) AND " + chosenFilters() + " GROUP BY channel ORDER BY sum(journeys) DESC LIMIT 12"
	// Beyond 100 there is room for the last label of the axis.
	p := b.bars("outcomes", 8, 11, sql).Unit(b.say("house.units.percent")).Decimals(0).Max(108).Stacking(common.StackingModeNormal).ShowValue(common.VisibilityModeNever).Legend(legendBelow())
	for _, s := range []struct{ key, colour string }{{"resolved", Plain}, {"unresolved", Bad}, {"lost", Pink}, {"open", Quiet}} {
		p = p.OverrideByName(b.heading(s.key), []dashboard.DynamicConfigValue{colourOf(s.colour)})
	}
	return p
}

func (b *board) waitingAndWorking() cog.Builder[dashboard.Panel] {
	mean := func(of, key string) string { return b.column("sum("+of+") / sum(journeys) / 3600", key) } // hours
	short := func(of, key string) string { return b.column("sum("+of+") / sum(journeys) / 60", key) }  // minutes
	waited := "(sum(working_s) + sum(waiting_customer_s) + sum(waiting_partner_s) + sum(waiting_company_s))"
	sql := "SELECT " + b.column(b.word("family", "reason_family"), "family") + ", " + b.column("sum(journeys)", "journeys") + ", " + short("working_s", "working") + ", " + short("queue_wait_s", "queue") + ", " +
		mean("waiting_company_s", "company") + ", " + mean("waiting_partner_s", "partner") + ", " + mean("waiting_customer_s", "customer") + ", " +
		b.column("100 * sum(working_s) / nullIf("+waited+", 0)", "worked") +
		" FROM journey_cells_v WHERE $__dateFilter(day) AND " + chosenFilters() + " GROUP BY reason_family ORDER BY sum(waiting_company_s) / sum(journeys) DESC"
	p := b.table("waiting", 16, 11, sql)
	for _, s := range []struct{ key, colour, unit string }{{"working", Plain, "minutes"}, {"queue", Warm, "minutes"}, {"company", Bad, "hours"}, {"partner", Pink, "hours"}, {"customer", Quiet, "hours"}} {
		p = p.OverrideByName(b.heading(s.key), append(gauge(s.colour), unit(b.say("house.units."+s.unit)), decimals(1)))
	}
	return p.OverrideByName(b.heading("worked"), append(b.percent(1), width(130))).
		OverrideByName(b.heading("journeys"), []dashboard.DynamicConfigValue{width(90)})
}

const journeyRows = 300

func (b *board) journeyList() cog.Builder[dashboard.Panel] {
	sql := "SELECT " + b.column(quote(b.say("steps.read")), "read") + ", " + b.column("started_at", "started") + ", " + b.column("if(reason = '', "+quote(b.say("steps.unstated"))+", toString(reason))", "reason") + ", " +
		b.column(b.word("outcome", "outcome"), "outcome") + ", " + b.column(b.word("segment", "segment"), "segment") + ", " +
		b.column("arrayStringConcat(arrayMap(c -> "+b.word("channel", "c")+", channels), ' › ')", "channels") + ", " + b.column("arrayStringConcat(arrayMap(s -> "+b.word("silo", "s")+", silos), ' › ')", "silos") + ", " +
		b.column("steps", "steps") + ", " + b.column("contacts", "contacts") + ", " + b.column("breakpoints", "breakpoints") + ", " + b.column("effort", "effort") + ", " + b.column("cost", "cost") + ", " +
		b.column("(toUnixTimestamp64Milli(last_event_at) - toUnixTimestamp64Milli(started_at)) / 3600000", "duration") + ", " +
		journeyLink("journey_id", "started_at", "last_event_at") +
		" FROM journeys_listed_v WHERE $__timeFilter(started_at) AND " + chosenFilters() + " AND " + within("outcome", "outcome") + " ORDER BY breakpoints DESC, effort DESC, started_at DESC, journey_id LIMIT " + digits(journeyRows)
	return linked(b.table("list", 24, 13, sql).Filterable(true).
		OverrideByName(b.heading("read"), []dashboard.DynamicConfigValue{b.toJourney(), width(125)}).
		OverrideByName(b.heading("started"), append(b.moment(), width(150))).OverrideByName(b.heading("outcome"), []dashboard.DynamicConfigValue{width(120)}).
		OverrideByName(b.heading("segment"), []dashboard.DynamicConfigValue{width(145)}).OverrideByName(b.heading("steps"), []dashboard.DynamicConfigValue{width(80)}).
		OverrideByName(b.heading("contacts"), []dashboard.DynamicConfigValue{width(100)}).OverrideByName(b.heading("breakpoints"), []dashboard.DynamicConfigValue{width(100)}).
		OverrideByName(b.heading("channels"), append(folded(), width(260))).OverrideByName(b.heading("silos"), append(folded(), width(330))).
		OverrideByName(b.heading("effort"), []dashboard.DynamicConfigValue{decimals(0), width(80)}).
		OverrideByName(b.heading("duration"), append(b.hours(1), width(100))).
		OverrideByName(b.heading("cost"), []dashboard.DynamicConfigValue{unit(Euros), decimals(2), width(160)}))
}
