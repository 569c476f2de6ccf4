package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
)

// journey is one journey: what it was, its steps over time, and where it broke. The period matters to the timeline alone: lists that lead
// here bring that of the journey.
func journey(b *board) {
	b.builder.WithVariable(dashboard.NewTextBoxVariableBuilder("journey").Label(b.say("house.variables.journey")).
		DefaultValue(dashboard.StringOrMap{String: cog.ToPtr("")}))
	b.add(b.journeyHead())
	b.add(b.journeyTimeline())
	b.add(b.journeyBreakpoints())
	b.add(b.journeySteps())
}

const thisJourney = "journey_id = trim(BOTH ' ' FROM ${journey:singlequote})"

func (b *board) journeyHead() cog.Builder[dashboard.Panel] {
	sql := "SELECT " + b.column("if(customer_id = '', "+quote(b.say("nobody"))+", customer_id)", "customer") + ", " + b.column("if(reason = '', "+quote(b.say("steps.unstated"))+", toString(reason))", "reason") + ", " +
		b.column("concat("+b.word("outcome", "outcome")+", if(escalated, "+quote(b.say("escalated"))+", ''))", "outcome") + ", " + b.column("formatDateTime(started_at, '%Y-%m-%d %H:%i')", "started") + ", " +
		b.column("concat(toString(steps), ' / ', toString(contacts))", "steps") + ", " + b.column(b.amount("cost"), "cost") + ", " +
		b.column("concat(toString(round(effort)), ' / 100')", "effort") + " FROM journey_heads_v WHERE " + thisJourney
	return b.stat("head", 24, 4, sql).TextMode(common.BigValueTextModeValueAndName).JustifyMode(common.BigValueJustifyModeCenter).ColorMode(common.BigValueColorModeNone).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}).Fields("/.*/").Values(false)).
		Text(common.NewVizTextDisplayOptionsBuilder().TitleSize(13).ValueSize(15))
}

func (b *board) journeyTimeline() cog.Builder[dashboard.Panel] {
	sql := "SELECT toDateTime64(time, 3) AS time, " + b.column("if(channel = '', NULL, "+b.word("channel", "channel")+")", "channel") + ", " + b.column("if(silo = '', NULL, "+b.word("silo", "silo")+")", "silo") + ", " +
		b.column(b.activityInWords("activity"), "step") + " FROM journey_path_v WHERE " + thisJourney + " ORDER BY step"
	return dress(b, statetimeline.NewPanelBuilder(), "timeline", 24, 7, rows(sql)).ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdPaletteClassic)).
		Mappings([]dashboard.ValueMapping{b.painted("channel"), b.painted("silo")}).AlwaysSpanNulls().MergeValues(true).ShowValue(common.VisibilityModeAuto).RowHeight(0.8).LineWidth(1).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(false).DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom)).
		OverrideByName(b.heading("step"), []dashboard.DynamicConfigValue{colourOf(Quiet)})
}

// painted gives each word of a list one colour, in the order of the codes.
func (b *board) painted(list string) dashboard.ValueMapping {
	colours := []string{Plain, Warm, Good, Pink, Light, Bad, Quiet}
	options := map[string]dashboard.ValueMappingResult{}
	names := b.texts.Names(list)
	for i, code := range inOrder(names) {
		options[names[code]] = dashboard.ValueMappingResult{Color: cog.ToPtr(colours[i%len(colours)]), Text: cog.ToPtr(names[code])}
	}
	return dashboard.ValueMapping{ValueMap: &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText, Options: options}}
}

func (b *board) journeyBreakpoints() cog.Builder[dashboard.Panel] {
	sql := "SELECT " + b.column("occurred_at", "when") + ", " + b.column(b.word("kind", "kind"), "kind") + ", " + b.column(b.ruleInWords("kind"), "rule") + ", " +
		b.column("if(origin_step = 0, '', toString(origin_step))", "origin") + ", " + b.column(b.word("silo", "silo"), "silo") + ", " + b.column("unit", "unit") + ", " + b.column("severity", "severity") + ", " +
		b.column("if(cost = 0, '', "+b.amount("cost")+")", "cost") + ", " +
		b.column("detected_at", "known") + ", " + b.column("arrayStringConcat(evidence, ', ')", "evidence") + " FROM journey_breakpoints_v WHERE " + thisJourney + " ORDER BY occurred_at, kind"
	p := b.table("broken", 24, 8, sql).OverrideByName(b.heading("rule"), []dashboard.DynamicConfigValue{property("custom.minWidth", 420)})
	for _, key := range []string{"when", "known"} {
		p = p.OverrideByName(b.heading(key), []dashboard.DynamicConfigValue{width(165)})
	}
	for _, key := range []string{"origin", "severity"} {
		p = p.OverrideByName(b.heading(key), []dashboard.DynamicConfigValue{width(90)})
	}
	return p
}

func (b *board) journeySteps() cog.Builder[dashboard.Panel] {
	sql := "SELECT " + b.column("step", "origin") + ", " + b.column("time", "when") + ", " + b.column("delay_s", "delay") + ", " + b.column(b.activityInWords("activity"), "step") + ", " +
		b.column("if(channel = '', '', "+b.word("channel", "channel")+")", "channel") + ", " + b.column("if(silo = '', '', "+b.word("silo", "silo")+")", "silo") + ", " + b.column("unit", "unit") + ", " +
		b.column("arrayStringConcat(arrayMap(k -> "+b.word("kind", "k")+", broke), ', ')", "broke") + ", " + b.column("case_id", "case") + ", " + b.column("if(cost = 0, '', "+b.amount("cost")+")", "step_cost") + ", " +
		b.column("event_id", "event") + " FROM journey_path_v WHERE " + thisJourney + " ORDER BY step"
	return b.table("steps", 24, 14, sql).
		OverrideByName(b.heading("origin"), []dashboard.DynamicConfigValue{width(70)}).
		OverrideByName(b.heading("when"), []dashboard.DynamicConfigValue{width(165)}).
		OverrideByName(b.heading("delay"), []dashboard.DynamicConfigValue{unit(Duration), decimals(1), width(130), property("noValue", "")}).
		OverrideByName(b.heading("broke"), []dashboard.DynamicConfigValue{property("custom.cellOptions", map[string]any{"type": "color-text"}), colourOf(Bad), property("custom.minWidth", 200)})
}
