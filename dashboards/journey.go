package dashboards

import (
	"cmp"
	"slices"

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
	b.moneySaid()
	b.add(b.journeyHead())
	b.add(b.journeyTimeline())
	b.add(b.journeyBreakpoints())
	b.add(b.journeySteps())
}

var thisJourney = "journey_id = trim(BOTH ' ' FROM " + typed("journey") + ")"

func (b *board) journeyHead() cog.Builder[dashboard.Panel] {
	sql := "SELECT " + b.column("if(customer_id = '', "+quote(b.say("nobody"))+", customer_id)", "customer") + ", " + b.column("if(reason = '', "+quote(b.say("steps.unstated"))+", toString(reason))", "reason") + ", " +
		b.column("concat("+b.word("outcome", "outcome")+", if(escalated, "+quote(b.say("escalated"))+", ''))", "outcome") + ", " + b.column("started_at", "started") + ", " +
		b.column("concat(toString(steps), ' / ', toString(contacts))", "steps") + ", " + b.column("cost", "cost") + ", " +
		b.column("concat(toString(round(effort)), ' / 100')", "effort") + " FROM journey_heads_v WHERE " + thisJourney
	p := b.table("head", 24, 4, sql)
	return p.OverrideByName(b.heading("customer"), []dashboard.DynamicConfigValue{width(320)}).OverrideByName(b.heading("started"), b.moment()).
		OverrideByName(b.heading("cost"), []dashboard.DynamicConfigValue{unit(Euros), decimals(2), property("custom.align", "left")})
}

func (b *board) journeyTimeline() cog.Builder[dashboard.Panel] {
	sql := "SELECT toDateTime64(time, 3) AS time, " + b.column("if(channel = '', NULL, "+b.word("channel", "channel")+")", "channel") + ", " + b.column("if(silo = '', NULL, "+b.word("silo", "silo")+")", "silo") + ", " +
		b.column(b.activityInWords("activity"), "step") + " FROM journey_path_v WHERE " + thisJourney + " ORDER BY step"
	return dress(b, statetimeline.NewPanelBuilder(), "timeline", 24, 7, rows(sql)).ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdPaletteClassic)).
		Mappings([]dashboard.ValueMapping{b.painted("channel"), b.painted("silo")}).AlwaysSpanNulls().MergeValues(true).ShowValue(common.VisibilityModeAuto).PerPage(0).RowHeight(0.8).LineWidth(1).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(false).DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom)).
		OverrideByName(b.heading("step"), []dashboard.DynamicConfigValue{colourOf(Quiet)}).OverrideByName("time", []dashboard.DynamicConfigValue{unit("time:" + b.say("house.units.hour"))})
}

// frequentFirst puts first what most journeys meet, so that no two of those share a colour; there are more words than colours.
func frequentFirst(codes []string) []string {
	often := []string{"phone", "web", "email", "chat", "app", "store", "customer_service", "operations", "it", "logistics", "finance", "branch_network"}
	slices.SortStableFunc(codes, func(a, b string) int {
		at := func(code string) int {
			if i := slices.Index(often, code); i >= 0 {
				return i
			}
			return len(often)
		}
		return cmp.Compare(at(a), at(b))
	})
	return codes
}

// painted gives each word of a list one colour.
func (b *board) painted(list string) dashboard.ValueMapping {
	colours := []string{Plain, Warm, Good, Pink, Light, Quiet} // what is bad keeps its own
	options := map[string]dashboard.ValueMappingResult{}
	names := b.texts.Names(list)
	for i, code := range frequentFirst(inOrder(names)) {
		options[names[code]] = dashboard.ValueMappingResult{Color: cog.ToPtr(colours[i%len(colours)]), Text: cog.ToPtr(names[code])}
	}
	return dashboard.ValueMapping{ValueMap: &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText, Options: options}}
}

func (b *board) journeyBreakpoints() cog.Builder[dashboard.Panel] {
	sql := "SELECT " + b.column("occurred_at", "when") + ", " + b.column(b.word("kind", "kind"), "kind") + ", " + b.column(b.ruleInWords("kind"), "rule") + ", " +
		b.column("if(origin_step = 0, NULL, origin_step)", "origin") + ", " + b.column(b.word("silo", "silo"), "silo") + ", " + b.column("unit", "unit") + ", " + b.column("severity", "severity") + ", " +
		b.column("if(cost = 0, NULL, cost)", "cost") + ", " +
		b.column("detected_at", "known") + ", " + b.column("arrayStringConcat(evidence, ', ')", "evidence") + " FROM journey_breakpoints_v WHERE " + thisJourney + " ORDER BY occurred_at, kind"
	p := b.table("broken", 24, 9, sql).OverrideByName(b.heading("rule"), []dashboard.DynamicConfigValue{width(470), property("custom.wrapText", true)}).
		OverrideByName(b.heading("kind"), []dashboard.DynamicConfigValue{width(215)}).OverrideByName(b.heading("silo"), []dashboard.DynamicConfigValue{width(150)}).
		OverrideByName(b.heading("unit"), []dashboard.DynamicConfigValue{width(150)}).OverrideByName(b.heading("evidence"), folded()).
		OverrideByName(b.heading("cost"), []dashboard.DynamicConfigValue{unit(Euros), decimals(2), width(100)})
	for _, key := range []string{"when", "known"} {
		p = p.OverrideByName(b.heading(key), append(b.second(), width(165)))
	}
	for _, key := range []string{"origin", "severity"} {
		p = p.OverrideByName(b.heading(key), []dashboard.DynamicConfigValue{width(90)})
	}
	return p
}

func (b *board) journeySteps() cog.Builder[dashboard.Panel] {
	sql := "SELECT " + b.column("step", "origin") + ", " + b.column("time", "when") + ", " + b.column("if(delay_s IS NULL, '', "+b.took("assumeNotNull(delay_s)")+")", "delay") + ", " + b.column(b.activityInWords("activity"), "step") + ", " +
		b.column("if(channel = '', '', "+b.word("channel", "channel")+")", "channel") + ", " + b.column("if(silo = '', '', "+b.word("silo", "silo")+")", "silo") + ", " + b.column("unit", "unit") + ", " +
		b.column("arrayStringConcat(arrayMap(k -> "+b.word("kind", "k")+", broke), ', ')", "broke") + ", " + b.column("case_id", "case") + ", " + b.column("if(cost = 0, NULL, cost)", "step_cost") + ", " +
		b.column("event_id", "event") + " FROM journey_path_v WHERE " + thisJourney + " ORDER BY step"
	return b.table("steps", 24, 14, sql).
		OverrideByName(b.heading("origin"), []dashboard.DynamicConfigValue{width(70)}).
		OverrideByName(b.heading("when"), append(b.second(), width(165))).
		OverrideByName(b.heading("delay"), []dashboard.DynamicConfigValue{width(100), property("custom.align", "right")}).
		OverrideByName(b.heading("step_cost"), []dashboard.DynamicConfigValue{unit(Euros), decimals(2), width(130)}).
		OverrideByName(b.heading("broke"), []dashboard.DynamicConfigValue{property("custom.cellOptions", map[string]any{"type": "color-text"}), property("custom.wrapText", true), colourOf(Bad), width(260)})
}
