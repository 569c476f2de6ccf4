package dashboards

import (
	"bytes"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// Colours that colour-blind people can tell apart (Okabe and Ito 2008). Bad has one, and nothing else is in it.
const (
	Plain = "#0072B2" // what is measured
	Quiet = "#8A8F98" // what it is compared with
	Bad   = "#D55E00" // out of target, above the usual, broken
	Good  = "#009E73" // only where a target is met
	Warm  = "#E69F00"
	Light = "#56B4E9"
	Pink  = "#CC79A7"
)

// Units of Grafana. Euros are of the rule book's currency: see unit.
const (
	Share    = "percentunit"
	Number   = "short"
	Duration = "s"           // seconds, shown as minutes, hours, days
	Euros    = "currencyEUR" // in the JSON, as the language writes amounts: see localised
	Points   = "none"
)

// fixed colours all of a panel alike.
func fixed(colour string) *dashboard.FieldColorBuilder {
	return dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdFixed).FixedColor(colour)
}

// limits colours by value: base below the first limit, then the colour of the last limit reached.
func limits(base string, steps ...dashboard.Threshold) *dashboard.ThresholdsConfigBuilder {
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).
		Steps(append([]dashboard.Threshold{{Color: base}}, steps...))
}

// from is a limit and the colour from there on.
func from(value float64, colour string) dashboard.Threshold {
	return dashboard.Threshold{Value: cog.ToPtr(value), Color: colour}
}

// property is one setting of a column or series, for OverrideByName.
func property(id string, value any) dashboard.DynamicConfigValue {
	return dashboard.DynamicConfigValue{Id: id, Value: value}
}

// unit of a column.
func unit(of string) dashboard.DynamicConfigValue { return property("unit", of) }

// percent is a column of shares as the language writes them, 7 % or 7%. The column is in per cent: 100 times the share.
func (b *board) percent(places int) []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{unit(b.say("house.units.percent")), decimals(places)}
}

// hours is a column of times in hours, as the language writes numbers. Durations that Grafana words are in English.
func (b *board) hours(places int) []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{unit(b.say("house.units.hours")), decimals(places)}
}

// localised writes amounts as the language does: Grafana's own unit of euros puts the sign before the number, and a point into it.
func (b *board) localised(text []byte) []byte {
	return bytes.ReplaceAll(text, []byte(`"`+Euros+`"`), []byte(`"`+b.money+`"`))
}

// decimals of a column.
func decimals(n int) dashboard.DynamicConfigValue { return property("decimals", n) }

// gauge draws the numbers of a column as bars from 0 to its largest, in one colour.
func gauge(colour string) []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{property("custom.cellOptions", map[string]any{"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}),
		property("min", 0), property("fieldMinMax", true), colourOf(colour)}
}

// renamed gives columns names for people where a panel needs them under others: the graph of nodes has no overrides.
func renamed(names map[string]string) dashboard.DataTransformerConfig {
	return dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{"renameByName": names, "indexByName": map[string]int{}, "excludeByName": map[string]bool{}}}
}

// width of a column in pixels.
func width(pixels int) dashboard.DynamicConfigValue { return property("custom.width", pixels) }

// hidden keeps a column for links and colours only.
func hidden() dashboard.DynamicConfigValue { return property("custom.hideFrom.viz", true) }

// leads makes each value of a column a link. In url stand ${__data.fields["name"]}, ${__value.raw}, ${variable:queryparam}.
func leads(title, url string) dashboard.DynamicConfigValue {
	return property("links", []map[string]any{{"title": title, "url": url}})
}

// colourOf paints a series or column.
func colourOf(colour string) dashboard.DynamicConfigValue {
	return property("color", map[string]any{"mode": "fixed", "fixedColor": colour})
}
