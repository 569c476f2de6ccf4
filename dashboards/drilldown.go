package dashboards

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// offerFilters offers segment, reason family, silo, unit and channel, out of the columns of those names of a view.
func (b *board) offerFilters(view string) {
	for _, f := range []struct{ name, column, list string }{
		{"segment", "segment", "segment"}, {"family", "reason_family", "family"}, {"silo", "silo", "silo"}, {"unit", "unit", ""}, {"channel", "channel", "channel"},
	} {
		b.choose(f.name, b.offered(view, f.column, f.list))
	}
}

// offered is the query of a variable: the values of a column first, then their words.
func (b *board) offered(view, column, list string) string {
	text := "if(" + column + " = '', " + quote(b.say("steps.unstated")) + ", toString(" + column + "))"
	if list != "" {
		text = b.word(list, column)
	}
	return fmt.Sprintf("SELECT DISTINCT %s AS value, %s AS label FROM %s ORDER BY label", option(column), text, view)
}

// chosenFilters are the conditions of filters.
func chosenFilters() string {
	return strings.Join([]string{within("segment", "segment"), within("reason_family", "family"), within("silo", "silo"), within("unit", "unit"), within("channel", "channel")}, " AND ")
}

// activityInWords turns activities into words where they are types of events; what a company named itself stays as it is.
func (b *board) activityInWords(column string) string { return b.inWords("steps.activity.", column) }

// ruleInWords turns kinds into the sentence of their rule.
func (b *board) ruleInWords(column string) string { return b.inWords("steps.rule.", column) }

// inWords turns codes into the texts whose keys begin with a prefix.
func (b *board) inWords(prefix, column string) string {
	texts := map[string]string{}
	for _, key := range b.texts.Keys() {
		if code, is := strings.CutPrefix(key, prefix); is {
			texts[code], _ = b.texts.Say(key)
		}
	}
	if len(texts) == 0 {
		b.missing = append(b.missing, fmt.Errorf("no texts %s", prefix))
	}
	var from, to []string
	for _, code := range inOrder(texts) {
		from, to = append(from, quote(code)), append(to, quote(texts[code]))
	}
	return fmt.Sprintf("transform(toString(%[1]s), [%[2]s], [%[3]s], toString(%[1]s))", column, strings.Join(from, ", "), strings.Join(to, ", "))
}

// pathInWords turns a variant into words.
func (b *board) pathInWords(column string) string {
	return "arrayStringConcat(arrayMap(a -> " + b.activityInWords("a") + ", splitByString(' > ', " + column + ")), ' › ')"
}

// decimal is a number in words, to so many places, with the sign that the language writes between.
func (b *board) decimal(sql string, places int) string {
	return fmt.Sprintf("replaceOne(toString(round(%s, %d)), '.', %s)", sql, places, quote(b.say("steps.point")))
}

// unseen keeps a column of a table for links only.
func unseen() []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{property("custom.hidden", true), property("custom.hideFrom.viz", true)}
}

// The columns of a table by which a row leads to its journey, in the period of that journey: a minute before its first step to an hour
// after its last.
func journeyLink(id, from, until string) string {
	ms := func(at, by string) string {
		return "toString(toUnixTimestamp64Milli(assumeNotNull(" + at + ")) " + by + ")"
	}
	return id + " AS journey, " + ms(from, "- 60000") + " AS begins, " + ms(until, "+ 3600000") + " AS ends"
}

// toJourney is where such a row leads.
func (b *board) toJourney() dashboard.DynamicConfigValue {
	return leads(b.say("steps.read"), "/d/"+UID(b.texts.Language(), "journey")+
		`?var-journey=${__data.fields["journey"]}&from=${__data.fields["begins"]}&to=${__data.fields["ends"]}`)
}

// linked hides the columns of journeyLink, of a table.
func linked[P interface {
	OverrideByName(string, []dashboard.DynamicConfigValue) P
}](p P) P {
	for _, name := range []string{"journey", "begins", "ends"} {
		p = p.OverrideByName(name, unseen())
	}
	return p
}

// matrix turns rows of three columns into a table: one row a value of the first, one column a value of the second.
func matrix(row, column, value string) dashboard.DataTransformerConfig {
	return dashboard.DataTransformerConfig{Id: "groupingToMatrix", Options: map[string]any{"rowField": row, "columnField": column, "valueField": value, "emptyValue": "empty"}}
}

// shaded colours the numbers of a table, the darker the more.
func shaded() []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{
		property("custom.cellOptions", map[string]any{"type": "color-background", "mode": "basic"}),
		property("color", map[string]any{"mode": "continuous-blues"}),
		property("custom.align", "center"),
	}
}

// legendBelow shows the names of series under a chart.
func legendBelow() *common.VizLegendOptionsBuilder {
	return common.NewVizLegendOptionsBuilder().ShowLegend(true).DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom)
}

// markWhen draws a line on every chart of the dashboard where something happened: sql gives time, title and text.
func (b *board) markWhen(key, colour, sql string) {
	b.builder.Annotation(dashboard.NewAnnotationQueryBuilder().Name(b.say(key)).Datasource(source()).Enable(true).IconColor(colour).Target(rows(sql)))
}

func digits(n int) string { return strconv.Itoa(n) }

func inOrder(texts map[string]string) []string { return slices.Sorted(maps.Keys(texts)) }
