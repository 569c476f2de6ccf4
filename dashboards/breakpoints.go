package dashboards

import (
	"cmp"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// breakpoints is for a CX director: it breaks at this step, for this reason, between these two departments, since that Tuesday.
func breakpoints(b *board) {
	b.offerFilters("breakpoint_cells_v")
	b.choose("kind", "SELECT "+option("kind")+" AS value, "+b.word("kind", "kind")+" AS label FROM breakpoint_kinds_v ORDER BY label")
	b.pick("followed", "SELECT "+option("kind")+" AS value, "+b.word("kind", "kind")+" AS label FROM breakpoint_cells_v GROUP BY kind ORDER BY sum(cost) DESC, sum(breakpoints) DESC")
	b.pick("action", "SELECT "+option("action")+" AS value, concat("+b.dated("any(launched_at)")+", ' ', any(name)) AS label FROM action_rates_v GROUP BY action ORDER BY any(launched_at) DESC, action")
	b.actionWindows()
	b.moneySaid()
	b.breakpointMarks()
	b.add(b.breakpointRanking())
	b.add(b.reasonBySilo())
	b.add(b.betweenSilos())
	b.add(b.whereInJourney())
	b.add(b.sinceWhen())
	b.add(b.aroundAction())
	b.add(b.breakpointEvidence())
}

// actionWindows offers the lengths of the two periods around an action.
func (b *board) actionWindows() {
	var options []dashboard.VariableOption
	for _, days := range []string{"14", "28", "90"} {
		options = append(options, dashboard.VariableOption{Selected: cog.ToPtr(days == "28"), Text: dashboard.StringOrArrayOfString{String: cog.ToPtr(days)},
			Value: dashboard.StringOrArrayOfString{String: cog.ToPtr(days)}})
	}
	b.builder.WithVariable(dashboard.NewCustomVariableBuilder("days").AllowCustomValue(false).Label(b.say("house.variables.days")).
		Values(dashboard.StringOrMap{String: cog.ToPtr("14,28,90")}).Current(options[1]).Options(options))
}

// breakpointMarks are the lines on the chart over time: other rules, alerts of the kind followed, actions.
func (b *board) breakpointMarks() {
	b.markWhen("marks.rules", Quiet, "SELECT toDateTime(effective_from) AS time, "+quote(b.say("marks.rules"))+" AS title, "+quote(b.say("marks.judged"))+
		" AS text FROM rule_changes_v WHERE judges_changed AND $__timeFilter(effective_from) ORDER BY time")
	b.markWhen("marks.alerts", Bad, "SELECT toDateTime(since) AS time, "+quote(b.say("marks.alert"))+" AS title, concat("+b.word("kind", "kind")+", ' × ', "+b.decimal("factor", 1)+", ', ', "+
		quote(b.say("marks.raised"))+", ' ', toString(raised_on)) AS text FROM alerts_v WHERE kind = "+chosen("followed")+" AND $__dateFilter(since) ORDER BY time")
	b.markWhen("marks.actions", Good, "SELECT DISTINCT toDateTime(launched_at) AS time, "+quote(b.say("marks.action"))+" AS title, name AS text FROM action_rates_v WHERE $__timeFilter(launched_at) ORDER BY time")
}

const listedRows = 20 // rows of a ranking; what touches captive customers or reaches severity 5 comes whatever its place

func (b *board) breakpointRanking() cog.Builder[dashboard.Panel] {
	moved := "concat(if(moved > 0, '▲ +', '▼ −'), " + b.decimal("abs(moved) * 100", 1) + ", ' pt')"
	sql := "SELECT " + b.column(b.word("kind", "k"), "kind") + ", " + b.column(b.word("family", "f"), "family") + ", " + b.column(b.word("silo", "s"), "silo") + ", " +
		b.column("euros", "cost") + ", " + b.column("broke", "breakpoints") + ", " +
		b.column("people", "customers") + ", " + b.column("multiIf(captive > 0 AND worst >= 5, "+quote(b.say("both"))+", captive > 0, "+quote(b.say("captive"))+
		", worst >= 5, "+quote(b.say("legal"))+", '')", "always") + ", " +
		b.column("if(beyond, "+moved+", multiIf(why != '', "+b.inWords("steps.withheld.", "why")+", trended, "+quote(b.say("steady"))+", ''))", "trend") + ", " +
		b.column("multiIf(says = 'estimated', concat("+b.decimal("assumeNotNull(ratio)", 1)+", ' (', "+b.decimal("assumeNotNull(low)", 1)+", ' "+b.say("steps.to")+" ', "+b.decimal("assumeNotNull(high)", 1)+", ')'), says != '', "+
			quote(b.say("few"))+", '')", "associated") + ", " + option("k") + " AS code, " + option("f") + " AS family_code FROM (" +
		"SELECT kind AS k, reason_family AS f, silo AS s, sum(cost) AS euros, sum(breakpoints) AS broke, uniqExactArray(customers) + sum(reached) AS people, " +
		"uniqExactArray(captive_customers) AS captive, max(severity) AS worst, any(trend) AS moved, any(trend_exceeds_noise) AS beyond, any(trend_withheld) AS why, any(trend) IS NOT NULL AS trended, " +
		"any(associated_says) AS says, any(risk_ratio) AS ratio, any(risk_ratio_low) AS low, any(risk_ratio_high) AS high, row_number() OVER (ORDER BY sum(cost) DESC, sum(breakpoints) DESC, k, f, s) AS place " +
		"FROM breakpoint_cells_v WHERE $__dateFilter(day) AND " + within("kind", "kind") + " AND " + chosenFilters() + " GROUP BY k, f, s) WHERE place <= " + digits(listedRows) + " OR captive > 0 OR worst >= 5 ORDER BY place"
	cost := append(gauge(Bad), unit(Euros), decimals(0), width(220))
	return b.table("ranking", 24, 12, sql).
		OverrideByName(b.heading("kind"), []dashboard.DynamicConfigValue{width(230), leads(b.say("follow"), b.to("breakpoints", b.along("segment", "silo", "unit", "channel"), carried("followed", "code"), carried("kind", "code"), carried("family", "family_code")))}).
		OverrideByName(b.heading("family"), []dashboard.DynamicConfigValue{width(130), leads(b.say("journeys"), b.to("journeys", b.along("segment", "silo", "unit", "channel"), carried("family", "family_code")))}).
		OverrideByName(b.heading("cost"), cost).OverrideByName(b.heading("breakpoints"), []dashboard.DynamicConfigValue{width(100)}).
		OverrideByName(b.heading("customers"), []dashboard.DynamicConfigValue{width(100)}).OverrideByName(b.heading("associated"), []dashboard.DynamicConfigValue{width(310)}).
		OverrideByName("code", unseen()).OverrideByName("family_code", unseen())
}

// reasonBySilo leads from each cell to its journeys. Rows and columns hold codes, which links need, and are shown in words.
func (b *board) reasonBySilo() cog.Builder[dashboard.Panel] {
	sql := "SELECT " + option("reason_family") + " AS family, " + option("silo") + " AS silo_code, " + b.column("sum(breakpoints)", "breakpoints") +
		" FROM breakpoint_cells_v WHERE $__dateFilter(day) AND " + within("kind", "kind") + " AND " + chosenFilters() + " GROUP BY reason_family, silo ORDER BY sum(breakpoints) DESC"
	p := b.table("heat", 12, 12, sql).WithTransformation(matrix("family", "silo_code", b.heading("breakpoints"))).
		OverrideByFieldType("number", append(shaded(), property("custom.minWidth", 70), property("custom.wrapHeaderText", true), leads(b.say("journeys"), b.to("journeys", b.along("segment", "unit", "channel"), `var-family=${__data.fields[0].icon}`, "var-silo=${__field.name}")))).
		OverrideByName(`family\silo_code`, []dashboard.DynamicConfigValue{property("displayName", b.heading("family")), b.coded("family"), width(150)})
	for _, silo := range inOrder(b.texts.Names("silo")) {
		p.OverrideByName(cmp.Or(silo, unstated), []dashboard.DynamicConfigValue{property("displayName", b.texts.Name("silo", silo))})
	}
	return p
}

// coded shows the codes of a column in words, and keeps each where a link finds it: the icon of a mapping, which cells of text do not
// draw. What a company named itself has no word, and leads to all.
func (b *board) coded(list string) dashboard.DynamicConfigValue {
	options := map[string]any{}
	names := b.texts.Names(list)
	for i, code := range inOrder(names) {
		value := cmp.Or(code, unstated)
		options[value] = map[string]any{"text": names[code], "icon": value, "index": i}
	}
	rest := map[string]any{"pattern": "/.+/", "result": map[string]any{"icon": "$__all", "index": len(names)}}
	return property("mappings", []map[string]any{{"type": "value", "options": options}, {"type": "regex", "options": rest}})
}

func (b *board) betweenSilos() cog.Builder[dashboard.Panel] {
	sql := "SELECT " + b.column(b.word("silo", "silo"), "from") + ", " + b.column(b.word("silo", "to_silo"), "to") + ", " +
		b.column("count()", "breakpoints") + " FROM breakpoint_places_v WHERE to_silo != '' AND $__dateFilter(toDate32(opportunity_at)) AND " + within("kind", "kind") + " AND " + chosenFilters() +
		" GROUP BY silo, to_silo ORDER BY count() DESC"
	return b.table("between", 12, 12, sql).WithTransformation(matrix(b.heading("from"), b.heading("to"), b.heading("breakpoints"))).OverrideByFieldType("number", append(shaded(), property("custom.minWidth", 70), property("custom.wrapHeaderText", true))).
		OverrideByName(b.heading("from")+`\`+b.heading("to"), []dashboard.DynamicConfigValue{property("displayName", b.heading("from")), width(170)})
}

func (b *board) whereInJourney() cog.Builder[dashboard.Panel] {
	sql := "SELECT " + b.column(b.activityInWords("activity"), "step") + ", " + b.column("countIf(place = 'first')", "first") + ", " +
		b.column("countIf(place = 'middle')", "middle") + ", " + b.column("countIf(place = 'last')", "last") +
		" FROM breakpoint_places_v WHERE place != '' AND $__dateFilter(toDate32(opportunity_at)) AND " + within("kind", "kind") + " AND " + chosenFilters() + " GROUP BY activity ORDER BY count() DESC LIMIT 12"
	p := b.bars("where", 10, 11, sql).Stacking(common.StackingModeNormal).ShowValue(common.VisibilityModeNever).Legend(legendBelow())
	for _, s := range []struct{ key, colour string }{{"first", Light}, {"middle", Plain}, {"last", Warm}} {
		p = p.OverrideByName(b.heading(s.key), []dashboard.DynamicConfigValue{colourOf(s.colour)})
	}
	return p
}

func (b *board) sinceWhen() cog.Builder[dashboard.Panel] {
	low, high := wilson("sum(broken)", "sum(opportunities)")
	sql := "SELECT toDateTime(day) AS time, " + b.column("100 * sum(broken) / nullIf(sum(opportunities), 0)", "rate") + ", " + b.column("100 * ("+low+")", "low") + ", " + b.column("100 * ("+high+")", "high") + ", " +
		b.column("sum(opportunities)", "n") + " FROM segment_rates_daily_v WHERE $__dateFilter(day) AND kind = " + chosen("followed") + " AND " + chosenFilters() + " GROUP BY day ORDER BY day"
	quiet := func(more ...dashboard.DynamicConfigValue) []dashboard.DynamicConfigValue {
		return append([]dashboard.DynamicConfigValue{colourOf(Light), property("custom.lineWidth", 0), property("custom.showPoints", "never")}, more...)
	}
	return b.days(b.lines("since", 14, 11, sql)).Unit(b.say("house.units.percent")).Min(0).
		OverrideByName(b.heading("rate"), []dashboard.DynamicConfigValue{colourOf(Plain)}).
		OverrideByName(b.heading("low"), quiet()).
		OverrideByName(b.heading("high"), quiet(property("custom.fillBelowTo", b.heading("low")), property("custom.fillOpacity", 25))).
		OverrideByName(b.heading("n"), quiet(unit("none"), property("custom.axisPlacement", "hidden"), property("custom.hideFrom", map[string]bool{"viz": true, "legend": true, "tooltip": false})))
}

func (b *board) aroundAction() cog.Builder[dashboard.Panel] {
	points := func(of string) string {
		return "concat(multiIf(round(100 * " + of + ", 1) < 0, '−', round(100 * " + of + ", 1) > 0, '+', ''), " + b.decimal("100 * abs(assumeNotNull("+of+"))", 1) + ")"
	}
	rate := func(x, n string) string { return "if(" + n + " = 0, '', " + b.shareInWords(x, n) + ")" }
	sql := "SELECT " + b.column("multiIf(scope = 'all', "+quote(b.say("company"))+", scope = 'reason_family', "+b.word("family", "named")+", scope = 'silo', "+b.word("silo", "named")+", scope = 'channel', "+b.word("channel", "named")+", toString(named))", "scope") + ", " +
		b.column(b.word("kind", "kind"), "kind") + ", " + b.column(rate("before_broken", "before_n"), "before") + ", " + b.column("before_n", "before_n") + ", " +
		b.column(rate("after_broken", "after_n"), "after") + ", " + b.column("after_n", "after_n") + ", " +
		b.column("if(withheld = '', concat("+points("difference")+", ' pt ("+"', "+points("difference_low")+", ' "+b.say("steps.to")+" ', "+points("difference_high")+", ')'), '')", "difference") + ", " +
		b.column("multiIf(withheld != '', "+b.inWords("steps.withheld.", "withheld")+", NOT exceeds_noise, "+quote(b.say("steady"))+", difference < 0, "+quote(b.say("fell"))+", "+quote(b.say("rose"))+")", "verdict") +
		" FROM action_rates_v WHERE action = " + chosen("action") + " AND days = toUInt16OrZero(" + chosen("days") + ") AND " + within("kind", "kind") + " ORDER BY scope = 'all', scope, exceeds_noise DESC, before_n DESC, kind"
	return b.table("around", 24, 9, sql).OverrideByName(b.heading("verdict"), []dashboard.DynamicConfigValue{width(400)}).
		OverrideByName(b.heading("before_n"), []dashboard.DynamicConfigValue{width(110)}).OverrideByName(b.heading("after_n"), []dashboard.DynamicConfigValue{width(110)})
}

const evidenceRows = 300

func (b *board) breakpointEvidence() cog.Builder[dashboard.Panel] {
	sql := "SELECT " + b.column("if(journey_id = '', '', "+quote(b.say("steps.read"))+")", "read") + ", " + b.column("occurred_at", "when") + ", " + b.column(b.word("kind", "kind"), "kind") + ", " + b.column("if(reason = '', "+quote(b.say("steps.unstated"))+", toString(reason))", "reason") + ", " +
		b.column(b.activityInWords("activity"), "step") + ", " + b.column(b.word("silo", "silo"), "from") + ", " + b.column("if(to_silo = '', '', "+b.word("silo", "to_silo")+")", "to") + ", " +
		b.column("unit", "unit") + ", " + b.column(b.word("channel", "channel"), "channel") + ", " + b.column(b.word("segment", "segment"), "segment") + ", " + b.column("severity", "severity") + ", " +
		b.column("if(cost = 0, NULL, cost)", "cost") + ", " + b.column("arrayStringConcat(evidence, ', ')", "evidence") + ", " +
		journeyLink("journey_id", "ifNull(journey_from, occurred_at)", "ifNull(journey_until, occurred_at)") +
		" FROM breakpoint_places_v WHERE $__dateFilter(toDate32(opportunity_at)) AND " + within("kind", "kind") + " AND " + chosenFilters() +
		" ORDER BY occurred_at DESC, breakpoint_id LIMIT " + digits(evidenceRows)
	return linked(b.table("evidence", 24, 12, sql).Filterable(true).
		OverrideByName(b.heading("read"), []dashboard.DynamicConfigValue{b.toJourney(), width(130)}).
		OverrideByName(b.heading("unit"), []dashboard.DynamicConfigValue{width(130)}).OverrideByName(b.heading("channel"), []dashboard.DynamicConfigValue{width(105)}).
		OverrideByName(b.heading("segment"), []dashboard.DynamicConfigValue{width(145)}).
		OverrideByName(b.heading("when"), append(b.moment(), width(150))).
		OverrideByName(b.heading("kind"), []dashboard.DynamicConfigValue{width(210)}).
		OverrideByName(b.heading("step"), []dashboard.DynamicConfigValue{width(170)}).
		OverrideByName(b.heading("severity"), []dashboard.DynamicConfigValue{width(95)}).
		OverrideByName(b.heading("cost"), []dashboard.DynamicConfigValue{unit(Euros), decimals(2), width(140)}))
}
