package dashboards

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/table"
)

// comex is the screen of the executive committee: one month on one screen, to be read in thirty seconds. Its words are made by the views.
func comex(b *board) {
	b.months()
	b.builder.Timepicker(dashboard.NewTimePickerBuilder().Hidden(true))

	b.add(b.sentence("headline", 24, 4))
	b.add(b.fiveFigures("figures", 24, 8))
	b.add(b.worst("worst", 24, 7))
	b.add(b.alertLines("alerts", 7, 6))
	b.add(b.listedLines("listed", 6, 6))
	b.add(b.actionLines("actions", 11, 6))
}

// figures in the order of the screen, the dashboards that tell more of them, and the kind of breakpoint to look at there.
var figures = []struct{ key, figure, leads, chosen string }{
	{"journeys", "journeys_without_serious_breakpoint", "journeys", ""},
	{"resolution", "first_contact_resolution", "breakpoints", "repeat_contact"},
	{"satisfaction", "satisfaction", "breakpoints", "detractor"},
	{"complaints", "complaints_in_time", "complaints", ""},
	{"cost", "avoidable_cost", "breakpoints", ""},
}

// How large the letters are, in pixels.
const (
	largest = 46 // a figure
	large   = 26 // the sentence
	legible = 16 // all else that a committee reads
	small   = 14 // how something was measured
)

// ofMonth keeps the rows of the month chosen; of none where no month has matured.
var ofMonth = "month = toDate32OrZero(" + chosen("month") + ")"

// language is the column of a view that is written in the language of the board.
func (b *board) language() string { return string(b.texts.Language()) }

// months offers the months that can be told, the last first. The others follow from it: where it begins and ends, in milliseconds,
// for links.
func (b *board) months() {
	b.pick("month", "SELECT "+option("month")+", "+b.language()+" FROM comex_months_v ORDER BY month DESC")
	b.follows("begins", "SELECT toUnixTimestamp(toDateTime(toDate32OrZero("+chosen("month")+"))) * 1000 FROM comex_months_v LIMIT 1")
	b.follows("ends", "SELECT toUnixTimestamp(toDateTime(addMonths(toDate32OrZero("+chosen("month")+"), 1))) * 1000 - 1 FROM comex_months_v LIMIT 1")
	b.moneySaid()
}

// toMonth is the address of another dashboard, with the month as its period.
func (b *board) toMonth(name string, variables ...string) string {
	return "/d/" + UID(b.texts.Language(), name) + "?" + strings.Join(append([]string{"from=${begins:percentencode}&to=${ends:percentencode}"}, variables...), "&")
}

// toRow is where a row of kind, reason family and silo leads: what breaks so, and since when. Empty is what was not stated (written), or
// all of them (writtenOrAll).
func (b *board) toRow(of func(variable, column string) string) string {
	return "concat(" + quote(`<a href="`+strings.ReplaceAll(b.toMonth("breakpoints"), "&", "&amp;")) + ", " +
		written("followed", "kind") + ", " + written("kind", "kind") + ", " + of("family", "reason_family") + ", " + of("silo", "silo") + `, '">', `
}

func writtenOrAll(variable, column string) string {
	return "if(" + column + " = '', '', " + written(variable, column) + ")"
}

// figureLink is where a figure leads.
func (b *board) figureLink(name, kind string) string {
	if kind == "" {
		return b.toMonth(name)
	}
	return b.toMonth(name, "var-followed="+kind, "var-kind="+kind)
}

// sentence is the headline.
func (b *board) sentence(key string, span, height uint32) *table.PanelBuilder {
	return b.lettered(key, span, height, "SELECT "+b.column(line(large, plain(b.language())), key)+" FROM comex_headline_v WHERE "+ofMonth)
}

// lettered is a panel of lines of HTML without headings, one a row.
func (b *board) lettered(key string, span, height uint32, sql string) *table.PanelBuilder {
	return b.table(key, span, height, sql).ShowHeader(false).OverrideByName(b.heading(key), prose())
}

// fiveFigures puts them side by side, and under each what it is held against: target, a year ago, how many. Orange is what misses its
// target or got worse, green what meets it or got better; grey what cannot be said yet.
func (b *board) fiveFigures(key string, span, height uint32) *table.PanelBuilder {
	columns := make([]string, len(figures))
	explained := []string{b.say(key + ".what")}
	for i, f := range figures {
		columns[i] = b.column(fmt.Sprintf("anyIf(%s, figure = %s)", b.card(f.key, b.figureLink(f.leads, f.chosen)), quote(f.figure)), f.key)
		explained = append(explained, "**"+b.heading(f.key)+"**: "+b.say(f.key+".what"))
	}
	p := b.table(key, span, height, "SELECT "+strings.Join(columns, ", ")+" FROM comex_figures_v WHERE "+ofMonth+" HAVING count() > 0").
		Description(strings.Join(explained, "\n\n"))
	for _, f := range figures {
		p.OverrideByName(b.heading(f.key), prose())
	}
	return p
}

// card is what stands of one figure, as SQL.
func (b *board) card(key, address string) string {
	l := b.language()
	target := fmt.Sprintf("multiIf(state != 'known', %s, meets_target IS NULL, 'inherit', assumeNotNull(meets_target), %s, %s)", quote(Quiet), quote(Good), quote(Bad))
	year := fmt.Sprintf("multiIf(against = 'worse', %s, against = 'better', %s, 'inherit')", quote(Bad), quote(Good))
	return "concat(" + strings.Join([]string{
		tinted(largest, target, "concat("+plain("shown_"+l)+", multiIf(meets_target IS NULL, '', assumeNotNull(meets_target), ' ✓', ' ✗'), "+beside("amount_"+l)+")"),
		tinted(legible, target, plain("target_"+l)), tinted(legible, year, plain("year_"+l)), tinted(legible, quote(Quiet), plain("basis_"+l)),
		tinted(legible, quote(Quiet), "if(note_"+l+" = '', '&nbsp;', "+plain("note_"+l)+")"), // as many lines in all, or they would not align
		line(legible, arrow(address, b.say("more."+key))),
	}, ", ") + ")"
}

// beside is a text after a figure, smaller and not judged; of none it is empty.
func beside(column string) string {
	return "if(" + column + " = '', '', concat(" + quote(`<span style="font-size:`+digits(large)+`px;color:`+Quiet+`"> `) + ", " + plain(column) + ", '</span>'))"
}

// worst are the three breakpoints that cost most.
func (b *board) worst(key string, span, height uint32) *table.PanelBuilder {
	said := func(sql, key string) string { return b.column(line(legible, sql), key) }
	sql := "SELECT " + strings.Join([]string{
		said("toString(place)", "place"), said(b.toRow(written)+plain(b.word("kind", "kind"))+", '</a>')", "kind"), said(plain(b.word("family", "reason_family")), "family"), said(plain(b.word("silo", "silo")), "silo"),
		b.column("cost", "amount"), b.column("100 * share", "share"), b.column("customers", "customers"), said("since_"+b.language(), "since"),
	}, ", ") + " FROM comex_breakpoints_v WHERE " + ofMonth + " ORDER BY place"
	p := b.table(key, span, height, sql).CellHeight(common.TableCellHeightMd).
		OverrideByName(b.heading("place"), prose(width(60))).OverrideByName(b.heading("since"), prose()).
		OverrideByName(b.heading("amount"), append(gauge(Bad), unit(Euros), decimals(0), width(330))).
		OverrideByName(b.heading("share"), append(b.percent(0), width(180))).
		OverrideByName(b.heading("customers"), []dashboard.DynamicConfigValue{width(150)})
	for _, of := range []string{"kind", "family", "silo"} {
		p.OverrideByName(b.heading(of), prose())
	}
	return p
}

// alertLines are the alerts that stand, or one line that none does.
func (b *board) alertLines(key string, span, height uint32) *table.PanelBuilder {
	more := "if(place = 0, '', concat(' ', " + b.toRow(writtenOrAll) + quote(b.say("more.kind")+"&nbsp;→") + ", '</a>')))"
	return b.lettered(key, span, height, "SELECT "+b.column(line(legible, "concat("+plain(b.language())+", "+more+")"), key)+" FROM comex_alerts_v WHERE place < 4 ORDER BY place")
}

// listedLines are what is named whatever it costs.
func (b *board) listedLines(key string, span, height uint32) *table.PanelBuilder {
	more := "concat(' ', " + b.toRow(written) + quote(b.say("more.kind")+"&nbsp;→") + ", '</a>'))"
	return b.lettered(key, span, height, "SELECT "+b.column(line(legible, "concat("+plain(b.language())+", "+more+")"), key)+" FROM comex_listed_v WHERE "+ofMonth+" ORDER BY what DESC")
}

// actionLines are the last that were launched, whatever month is looked at, each with what was measured before and after it. All are in one
// cell: cells have margins, and three of them would not fit.
func (b *board) actionLines(key string, span, height uint32) *table.PanelBuilder {
	what := "concat(" + quote(`<span style="color:`+Quiet+`">`) + ", " + b.dated("launched_at") + ", '</span>&nbsp; ', " + plain("action") + ", if(silo = '' OR scope = 'silo', '', concat(' (', " +
		plain(b.word("silo", "silo")) + ", ')')), ' — ', verdict_" + b.language() + ")"
	said := "concat(" + line(legible, what) + ", " + tinted(small, quote(Quiet), plain("measure_"+b.language())) + ")"
	return b.lettered(key, span, height, "SELECT "+b.column("arrayStringConcat(groupArray(said))", key)+" FROM (SELECT "+said+" AS said FROM comex_actions_v ORDER BY launched_at DESC LIMIT 3) HAVING count() > 0")
}
