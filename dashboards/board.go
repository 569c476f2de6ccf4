package dashboards

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/barchart"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/nodegraph"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"

	"parcours/dashboards/words"
	"parcours/schemas"
)

// board is a dashboard being made in one language. Panels take their texts by key: KEY.title, KEY.what (what it counts and what it
// does not: the description) and, where "no data" would mislead, KEY.none (what an empty panel says).
type board struct {
	name    string
	texts   *words.Catalogue
	builder *dashboard.DashboardBuilder
	money   string // Grafana's unit of amounts, in this language
	missing []error
}

// newBoard begins one: house defaults, title, menu. Time is UTC, as days and months are in the views.
func newBoard(name string, texts *words.Catalogue) *board {
	b := &board{name: name, texts: texts}
	b.money = b.say("house.units.money")
	l := texts.Language()
	b.builder = dashboard.NewDashboardBuilder(b.say("title")).Uid(UID(l, name)).Description(b.say("what")).
		Tags([]string{"parcours", "parcours-" + string(l)}).Timezone("utc").Time("now-90d", "now").Refresh("").
		Tooltip(dashboard.DashboardCursorSyncCrosshair).Readonly().Link(menu(l, b.say("house.menu")))
	return b
}

// say is the text of a key: of this dashboard (title), else of any file (house.menu).
func (b *board) say(key string) string {
	for _, full := range []string{b.name + "." + key, key} {
		if text, is := b.texts.Say(full); is {
			return text
		}
	}
	b.missing = append(b.missing, fmt.Errorf("no text for %s.%s", b.name, key))
	return ""
}

// none is what an empty panel says: its own words, or those of the house.
func (b *board) none(key string) string {
	if text, is := b.texts.Say(b.name + "." + key + ".none"); is {
		return text
	}
	return b.say("house.none")
}

// column is a column under its name in the language: sql AS `name`. The key is columns.KEY of the dashboard's texts, else of the house's.
func (b *board) column(sql, key string) string { return sql + " AS `" + b.heading(key) + "`" }

// heading is the name of a column in the language, for overrides.
func (b *board) heading(key string) string {
	if text, is := b.texts.Say(b.name + ".columns." + key); is {
		return text
	}
	return b.say("house.columns." + key)
}

// word turns the codes in a column into words of the language: word("kind", "kind"). What has no word is shown as it is written.
func (b *board) word(list, column string) string {
	names := b.texts.Names(list)
	if len(names) == 0 {
		b.missing = append(b.missing, fmt.Errorf("no names.%s", list))
	}
	var codes, texts []string
	for _, code := range slices.Sorted(maps.Keys(names)) {
		codes, texts = append(codes, quote(code)), append(texts, quote(names[code]))
	}
	return fmt.Sprintf("transform(toString(%[1]s), [%[2]s], [%[3]s], replaceAll(toString(%[1]s), '_', ' '))", column, strings.Join(codes, ", "), strings.Join(texts, ", "))
}

// quote is a text in SQL. Braces and dollars would be taken for variables by Grafana: texts have none.
func quote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

// add puts a panel next on the screen, from left to right, 24 columns a row.
func (b *board) add(p cog.Builder[dashboard.Panel]) { b.builder.WithPanel(p) }

// to is the address of another dashboard, with the period kept; variables are name=value pairs, or what along and carried give.
func (b *board) to(name string, variables ...string) string {
	return "/d/" + UID(b.texts.Language(), name) + "?" + strings.Join(append([]string{"${__url_time_range}"}, variables...), "&")
}

// along are choices that a link takes along, as they stand.
func (b *board) along(variables ...string) string {
	pairs := make([]string, len(variables))
	for i, name := range variables {
		pairs[i] = "${" + name + ":queryparam}"
	}
	return strings.Join(pairs, "&")
}

// house is what every kind of panel can be told.
type house[P any] interface {
	Title(string) P
	Description(string) P
	Datasource(common.DataSourceRef) P
	WithTarget(cog.Builder[variants.Dataquery]) P
	NoValue(string) P
	Span(uint32) P
	Height(uint32) P
}

// dress gives a panel its texts, its size and its query.
func dress[P house[P]](b *board, p P, key string, span, height uint32, q Query) P {
	return p.Title(b.say(key + ".title")).Description(b.what(key, q)).Datasource(source()).WithTarget(q).
		NoValue(b.none(key)).Span(span).Height(height)
}

// what is the description of a panel. One that reads a copy says so.
func (b *board) what(key string, q Query) string {
	text := b.say(key + ".what")
	if schemas.OfCopy(q.RawSQL) {
		text += " " + b.say("house.copied")
	}
	return text
}

// stat is one figure; sql gives one row.
func (b *board) stat(key string, span, height uint32, sql string) *stat.PanelBuilder {
	return dress(b, stat.NewPanelBuilder(), key, span, height, rows(sql)).ColorScheme(fixed(Plain)).
		GraphMode(common.BigValueGraphModeNone).ColorMode(common.BigValueColorModeValue).TextMode(common.BigValueTextModeValue)
}

// table is rows under headings; see column. What an empty panel says is not said again in each empty cell.
func (b *board) table(key string, span, height uint32, sql string) *table.PanelBuilder {
	return dress(b, table.NewPanelBuilder(), key, span, height, rows(sql)).ColorScheme(fixed(Plain)).
		OverrideByRegexp("/.*/", []dashboard.DynamicConfigValue{property("noValue", "")})
}

// lines is a chart over time; sql gives a column time, perhaps one with the name of the line, and a number.
func (b *board) lines(key string, span, height uint32, sql string) *timeseries.PanelBuilder {
	return dress(b, timeseries.NewPanelBuilder(), key, span, height, series(sql)).
		LineWidth(2).FillOpacity(0).ShowPoints(common.VisibilityModeAuto).SpanNulls(common.BoolOrFloat64{Bool: cog.ToPtr(false)}).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(false).DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom)).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
}

// bars is a bar for each row: the first column names it.
func (b *board) bars(key string, span, height uint32, sql string) *barchart.PanelBuilder {
	return dress(b, barchart.NewPanelBuilder(), key, span, height, rows(sql)).ColorScheme(fixed(Plain)).
		Orientation(common.VizOrientationHorizontal).FillOpacity(90).LineWidth(0).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(false).DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom))
}

// graph is a directly-follows graph: two queries, nodes and edges, in the columns that Grafana's node graph reads (id, title,
// mainstat; id, source, target).
func (b *board) graph(key string, span, height uint32, nodes, edges string) *nodegraph.PanelBuilder {
	second := rows(edges)
	second.RefID = "edges"
	first := rows(nodes)
	first.RefID = "nodes"
	return dress(b, nodegraph.NewPanelBuilder(), key, span, height, first).WithTarget(second)
}
