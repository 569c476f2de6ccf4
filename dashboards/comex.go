package dashboards

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/text"

	"parcours/schemas"
)

// comex is the screen of the executive committee: one month on one screen, to be read in thirty seconds. Its words are made by the views.
func comex(b *board) {
	b.months()
	b.builder.Timepicker(dashboard.NewTimePickerBuilder().Hidden(true))

	b.add(b.sentence("headline", 24, 3))
	for i, f := range figures {
		b.add(b.tile(f.key, widths[i], 4, f.figure, f.leads))
	}
	b.add(b.beside("beside", 24, 6))
	b.add(b.worst("worst", 24, 6))
	b.add(b.list("alerts", 8, 5, "SELECT "+b.language()+" FROM comex_alerts_v WHERE place < 4 ORDER BY place", "breakpoints"))
	b.add(b.list("listed", 8, 5, "SELECT "+b.language()+" FROM comex_listed_v WHERE "+ofMonth+" ORDER BY what DESC", "breakpoints"))
	b.add(b.actions("actions", 8, 5))
}

// figures in the order of the screen, and the dashboards that tell more of them.
var figures = []struct{ key, figure, leads string }{
	{"journeys", "journeys_without_serious_breakpoint", "journeys"},
	{"resolution", "first_contact_resolution", "channels"},
	{"satisfaction", "satisfaction", "breakpoints"},
	{"complaints", "complaints_in_time", "complaints"},
	{"cost", "avoidable_cost", "breakpoints"},
}

// widths of their tiles: 24 columns for five.
var widths = []uint32{5, 5, 5, 5, 4}

// ofMonth keeps the rows of the month chosen; of none where no month has matured.
const ofMonth = "month = toDate32OrZero(${month:singlequote})"

// language is the column of a view that is written in the language of the board.
func (b *board) language() string { return string(b.texts.Language()) }

// months offers the months that can be told, the last first. The others follow from it: where it begins and ends, in milliseconds,
// for links, and what is said of it.
func (b *board) months() {
	b.pick("month", "SELECT toString(month), "+b.language()+" FROM comex_months_v ORDER BY month DESC")
	b.follows("begins", "SELECT toUnixTimestamp(toDateTime(toDate32OrZero(${month:singlequote}))) * 1000 FROM comex_months_v LIMIT 1")
	b.follows("ends", "SELECT toUnixTimestamp(toDateTime(addMonths(toDate32OrZero(${month:singlequote}), 1))) * 1000 - 1 FROM comex_months_v LIMIT 1")
	b.follows("headline", fmt.Sprintf("SELECT if(count() = 0, %s, any(%s)) FROM comex_headline_v WHERE %s", quote(b.none("headline")), b.language(), ofMonth))
}

// follows is a variable that nobody chooses or sees.
func (b *board) follows(name, sql string) {
	query := map[string]any{"refId": name, "editorType": "sql", "queryType": "table", "rawSql": schemas.Latest(sql), "pluginVersion": pluginVersion}
	b.builder.WithVariable(dashboard.NewQueryVariableBuilder(name).Datasource(source()).Query(dashboard.StringOrMap{Map: query}).
		Refresh(dashboard.VariableRefreshOnDashboardLoad).Sort(dashboard.VariableSortDisabled).Hide(dashboard.VariableHideHideVariable))
}

// toMonth is the address of another dashboard, with the month as its period.
func (b *board) toMonth(name string, variables ...string) string {
	return "/d/" + UID(b.texts.Language(), name) + "?" + strings.Join(append([]string{"from=${begins}&to=${ends}"}, variables...), "&")
}

// more is the text of a link to another dashboard.
func (b *board) more(name string) dashboard.DynamicConfigValue {
	return leads(b.say("more"), b.toMonth(name))
}

// sentence is the headline: the one panel without a query of its own, since only a panel of text breaks lines and writes large.
func (b *board) sentence(key string, span, height uint32) *text.PanelBuilder {
	return text.NewPanelBuilder().Title(b.say(key + ".title")).Description(b.say(key + ".what")).Span(span).Height(height).
		Mode(text.TextModeMarkdown).Content("### ${" + key + "}")
}

// tile is a figure in large: green where its target is met, orange where it is not, blue where there is none.
func (b *board) tile(key string, span, height uint32, figure, leadsTo string) *stat.PanelBuilder {
	shown := b.column("concat(shown_"+b.language()+", multiIf(meets_target IS NULL, '', assumeNotNull(meets_target), ' ✓', ' ✗'))", "figure")
	return b.stat(key, span, height, "SELECT "+shown+" FROM comex_figures_v WHERE "+ofMonth+" AND figure = "+quote(figure)).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Values(false).Calcs([]string{"lastNotNull"}).Fields("/.*/")).
		Mappings([]dashboard.ValueMapping{colours("✓$", Good, 0), colours("✗$", Bad, 1)}).
		OverrideByName(b.heading("figure"), []dashboard.DynamicConfigValue{b.more(leadsTo)})
}

// colours paints a text that fits a pattern.
func colours(pattern, colour string, place int32) dashboard.ValueMapping {
	m := dashboard.NewRegexMap()
	m.Options.Pattern, m.Options.Result.Color, m.Options.Result.Index = pattern, cog.ToPtr(colour), cog.ToPtr(place)
	return dashboard.ValueMapping{RegexMap: m}
}

// beside says under the tiles what each figure is held against: target, a year ago, how many, and what else there is to know.
func (b *board) beside(key string, span, height uint32) *table.PanelBuilder {
	l := b.language()
	columns := make([]string, len(figures))
	for i, f := range figures {
		columns[i] = b.column(fmt.Sprintf("anyIf(line.2, figure = %s)", quote(f.figure)), f.key)
	}
	sql := fmt.Sprintf("SELECT %s FROM comex_figures_v ARRAY JOIN [(1, target_%[2]s), (2, year_%[2]s), (3, basis_%[2]s), (4, note_%[2]s)] AS line WHERE %s GROUP BY line.1 ORDER BY line.1",
		strings.Join(columns, ", "), l, ofMonth)
	return b.table(key, span, height, sql).CellHeight(common.TableCellHeightSm).
		CellOptions(wrapped()).Mappings([]dashboard.ValueMapping{colours("✓$", Good, 0), colours("✗$|^[▲▼].*("+b.say("worse")+")$", Bad, 1), colours("^[▲▼].*("+b.say("better")+")$", Good, 2)})
}

// wrapped is a cell of coloured text.
func wrapped() common.TableCellOptions {
	colour := common.NewTableColorTextCellOptions()
	return common.TableCellOptions{TableColorTextCellOptions: colour}
}

// worst are the three breakpoints that cost most.
func (b *board) worst(key string, span, height uint32) *table.PanelBuilder {
	sql := "SELECT " + strings.Join([]string{
		b.column("place", "place"), b.column(b.word("kind", "kind"), "kind"), b.column(b.word("family", "reason_family"), "family"), b.column(b.word("silo", "silo"), "silo"),
		b.column("cost", "cost"), b.column("if(illustrative, "+quote(b.say("illustrative"))+", "+quote(b.say("rates"))+")", "money"), b.column("share", "share"),
		b.column("customers", "customers"), b.column("concat(since_"+b.language()+", if(complete, '', "+quote(" "+b.say("growing"))+"))", "since"),
		"reason_family AS family_code", "silo AS silo_code",
	}, ", ") + " FROM comex_breakpoints_v WHERE " + ofMonth + " ORDER BY place"
	link := leads(b.say("more"), b.toMonth("breakpoints", "var-family=${__data.fields.family_code}", "var-silo=${__data.fields.silo_code}"))
	p := b.table(key, span, height, sql).CellHeight(common.TableCellHeightMd).
		OverrideByName(b.heading("place"), []dashboard.DynamicConfigValue{width(50)}).
		OverrideByName(b.heading("kind"), []dashboard.DynamicConfigValue{link}).
		OverrideByName(b.heading("cost"), []dashboard.DynamicConfigValue{unit(Euros), decimals(0), property("min", 0), property("custom.cellOptions", map[string]any{"type": "gauge", "mode": "basic"}), colourOf(Bad), width(380)}).
		OverrideByName(b.heading("share"), []dashboard.DynamicConfigValue{unit(Share), decimals(0), width(110)}).
		OverrideByName(b.heading("customers"), []dashboard.DynamicConfigValue{width(90)})
	for _, code := range []string{"family_code", "silo_code"} {
		p.OverrideByName(code, []dashboard.DynamicConfigValue{hidden(), property("custom.hidden", true)})
	}
	return p
}

// list is a panel of lines of text.
func (b *board) list(key string, span, height uint32, sql, leadsTo string) *table.PanelBuilder {
	return b.table(key, span, height, strings.Replace(sql, "SELECT "+b.language(), "SELECT "+b.column(b.language(), key), 1)).
		ShowHeader(false).CellHeight(common.TableCellHeightSm).OverrideByName(b.heading(key), []dashboard.DynamicConfigValue{b.more(leadsTo), property("custom.wrapText", true)})
}

// actions are the last that were launched, up to the end of the month or after it.
func (b *board) actions(key string, span, height uint32) *table.PanelBuilder {
	sql := "SELECT " + strings.Join([]string{
		b.column("toDate(launched_at)", "launched"), b.column("action", "action"), b.column(b.word("silo", "silo"), "silo"), b.column(b.word("effect", "effect"), "effect"),
	}, ", ") + " FROM comex_actions_v ORDER BY launched_at DESC LIMIT 3"
	return b.table(key, span, height, sql).CellHeight(common.TableCellHeightSm).
		OverrideByName(b.heading("launched"), []dashboard.DynamicConfigValue{unit("time:YYYY-MM-DD"), width(100)}).
		OverrideByName(b.heading("effect"), []dashboard.DynamicConfigValue{width(150)})
}
