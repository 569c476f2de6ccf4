package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/barchart"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// look is how a column of a table is shown: its key, how many pixels it takes (0 for what is left), and more.
type look struct {
	key    string
	pixels int
	more   []dashboard.DynamicConfigValue
}

// listing is a table with its columns as they are to look.
func (b *board) listing(key string, span, height uint32, sql string, looks ...look) *table.PanelBuilder {
	p := b.table(key, span, height, sql)
	for _, l := range looks {
		with := l.more
		if l.pixels > 0 {
			with = append([]dashboard.DynamicConfigValue{width(l.pixels)}, with...)
		}
		if len(with) > 0 { // Grafana breaks on an override without properties
			p = p.OverrideByName(b.heading(l.key), with)
		}
	}
	return p
}

// figure is one number in the colour of texts: a colour is for what is out of bounds.
func (b *board) figure(key string, span, height uint32, sql string) *stat.PanelBuilder {
	return b.stat(key, span, height, sql).ColorMode(common.BigValueColorModeNone)
}

// saying is one text, in the colour of texts.
func (b *board) saying(key string, span, height uint32, size float64, sql string) *stat.PanelBuilder {
	return b.figure(key, span, height, sql).Text(common.NewVizTextDisplayOptionsBuilder().ValueSize(size)).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}).Fields("/.*/").Values(false))
}

// slim leaves room between the bars, with figures beside them that can be read.
func slim(p *barchart.PanelBuilder) *barchart.PanelBuilder {
	return p.BarWidth(0.7).XTickLabelMaxLength(40).Text(common.NewVizTextDisplayOptionsBuilder().ValueSize(13))
}

// costs is a column of amounts, with the sign where the language puts it.
func (b *board) costs(places int) []dashboard.DynamicConfigValue {
	return measured(b.say("house.units.money"), places)
}

// counted is a number as the language of the browser writes it: 12 345,6.
func counted(places int) []dashboard.DynamicConfigValue { return measured("locale", places) }

// hundredth is a share in per cent, for columns of percent.
func hundredth(share string) string { return "100 * (" + share + ")" }

// moment is a time to the minute, as the language writes it, in the time zone of the viewer.
func (b *board) moment() []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{unit("time:" + b.say("house.units.moment"))}
}

// second is a time to the second: steps follow each other fast.
func (b *board) second() []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{unit("time:" + b.say("house.units.moment") + ":ss")}
}

// dayOf is a time to the day.
func (b *board) dayOf() []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{unit("time:" + b.say("house.units.day"))}
}

// lasting is a number of seconds in words, in the largest unit of which there are two; empty for none.
func (b *board) lasting(seconds string) string {
	in := func(of int, unit string) string {
		return fmt.Sprintf("concat(toString(toInt64(round((%s) / %d))), ' %s')", seconds, of, unit)
	}
	return fmt.Sprintf("multiIf((%[1]s) IS NULL, '', (%[1]s) < 120, %[2]s, (%[1]s) < 7200, %[3]s, (%[1]s) < 172800, %[4]s, %[5]s)",
		seconds, in(1, "s"), in(60, "min"), in(3600, "h"), in(86400, b.say("house.units.days")))
}

// right puts a text where numbers stand.
func right() []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{property("custom.align", "right")}
}

// folded shows a long text on several lines.
func folded() []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{property("custom.cellOptions", map[string]any{"type": "auto", "wrapText": true})}
}

// marked colours the cells whose text is one of some, and leaves the others alone.
func marked(colours map[string]string) []dashboard.DynamicConfigValue {
	return append([]dashboard.DynamicConfigValue{colourOf("text")}, mapped(colours)...)
}

// coded is a column for links only: the code of what another column says in words.
func coded(p *table.PanelBuilder) *table.PanelBuilder { return p.OverrideByName("code", kept()) }

// kindFollowed leads from a kind to its breakpoints.
func (b *board) kindFollowed() dashboard.DynamicConfigValue {
	return leads(b.say("house.follow"), b.to("breakpoints", carried("followed", "code"), carried("kind", "code")))
}

// familyFollowed leads from a reason to its breakpoints.
func (b *board) familyFollowed() dashboard.DynamicConfigValue {
	return leads(b.say("house.follow"), b.to("breakpoints", carried("family", "code")))
}

// days writes the days under a chart as the language does; Grafana would put the month first.
func (b *board) days(p *timeseries.PanelBuilder) *timeseries.PanelBuilder {
	return p.OverrideByName("time", []dashboard.DynamicConfigValue{unit("time:" + b.say("house.units.axis"))})
}

// series of a chart are called by their label alone, each in its colour: names are the words of the values, of the number called of.
func (b *board) called(p *timeseries.PanelBuilder, of string, colours map[string]string) *timeseries.PanelBuilder {
	for _, name := range inOrder(colours) {
		p = p.OverrideByName(b.heading(of)+" "+name, []dashboard.DynamicConfigValue{property("displayName", name), colourOf(colours[name])})
	}
	return p
}
