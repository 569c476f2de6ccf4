package dashboards

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// said turns the codes in a column into texts of this dashboard: those under its key, words.LIST say. Nothing else may be in the column.
func (b *board) said(list, column string) string {
	prefix := b.name + ".words." + list + "."
	words := map[string]string{}
	for _, key := range b.texts.Keys() {
		if code, is := strings.CutPrefix(key, prefix); is {
			words[code], _ = b.texts.Say(key)
		}
	}
	if len(words) == 0 {
		b.missing = append(b.missing, fmt.Errorf("no texts %s", prefix))
	}
	var codes, texts []string
	for _, code := range slices.Sorted(maps.Keys(words)) {
		codes, texts = append(codes, quote(code)), append(texts, quote(words[code]))
	}
	return fmt.Sprintf("transform(toString(%[1]s), [%[2]s], [%[3]s], toString(%[1]s))", column, strings.Join(codes, ", "), strings.Join(texts, ", "))
}

// selected is a SELECT of columns.
func selected(columns []string, rest string) string {
	return "SELECT " + strings.Join(columns, ", ") + " " + rest
}

// text is a text of this dashboard as SQL.
func (b *board) text(key string) string { return quote(b.say(key)) }

// listed is an array of codes as one text: their words, with commas between.
func (b *board) listed(list, column string) string {
	return "arrayStringConcat(arrayMap(x -> " + b.word(list, "x") + ", " + column + "), ', ')"
}

// dated is a moment as the language writes a day.
func (b *board) dated(column string) string {
	return "formatDateTime(" + column + ", " + b.text("house.date") + ")"
}

// percent is a share as people read it: 61 %.
func percent(column string) string { return "concat(toString(round(100 * " + column + ")), ' %')" }

// between is an interval of shares: 58 to 64 %. Of none it is empty.
func (b *board) between(low, high string) string {
	return "ifNull(concat(toString(round(100 * (" + low + "))), " + quote(" "+b.say("house.until")+" ") + ", toString(round(100 * (" + high + "))), ' %'), '')"
}

// points is a change in points of per cent with its sign: +2.1 pt.
func points(column string) string {
	return "concat(if(" + column + " > 0, '+', ''), toString(round(100 * " + column + ", 1)), ' pt')"
}

// offer lets viewers choose values of a column of a view, by their words.
func (b *board) offer(variable, view, column, list string) {
	b.choose(variable, "SELECT DISTINCT "+option(column)+" AS value, "+b.word(list, column)+" AS label FROM "+view+" ORDER BY label")
}

// kept is a column of a table for links only.
func kept() []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{property("custom.hidden", true), hidden()}
}

// painted colours the cells of a column by limits: base below the first.
func painted(base string, steps ...dashboard.Threshold) []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{
		property("custom.cellOptions", map[string]any{"type": "color-text"}),
		property("color", map[string]any{"mode": "thresholds"}),
		property("thresholds", map[string]any{"mode": "absolute", "steps": append([]dashboard.Threshold{{Color: base}}, steps...)}),
	}
}

// mapped colours the cells of a column whose text is one of some.
func mapped(colours map[string]string) []dashboard.DynamicConfigValue {
	options := map[string]any{}
	for i, text := range slices.Sorted(maps.Keys(colours)) {
		options[text] = map[string]any{"color": colours[text], "index": i}
	}
	return []dashboard.DynamicConfigValue{
		property("custom.cellOptions", map[string]any{"type": "color-text"}),
		property("mappings", []map[string]any{{"type": "value", "options": options}}),
	}
}

// graded colours the numbers of a table together, the darker the more.
func graded() []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{
		property("custom.cellOptions", map[string]any{"type": "color-background", "mode": "basic"}),
		property("color", map[string]any{"mode": "continuous-blues"}),
		property("custom.align", "center"),
	}
}

// beneath shows the names of lines under a chart.
func beneath() *common.VizLegendOptionsBuilder {
	return common.NewVizLegendOptionsBuilder().ShowLegend(true).DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom)
}

// measured is a column in a unit, with so many decimals.
func measured(in string, places int) []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{unit(in), decimals(places)}
}

// took is a time in seconds in words: 2,7 j, 23,3 h, 4,4 min, 42 s. Grafana's own words for it are English.
func (b *board) took(sql string) string {
	in := func(seconds int, unit string) string {
		return "concat(" + b.decimal("("+sql+") / "+digits(seconds), 1) + ", '\u00a0', " + quote(b.say("steps.units."+unit)) + ")"
	}
	return "multiIf(" + sql + " >= 86400, " + in(86400, "day") + ", " + sql + " >= 3600, " + in(3600, "hour") + ", " + sql + " >= 60, " + in(60, "minute") + ", " + in(1, "second") + ")"
}
