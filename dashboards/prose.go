package dashboards

import (
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// What is read from the other end of a table is HTML in cells of the type markdown: all other cells of Grafana write in one size. Grafana
// takes out of it what is not harmless.

// prose makes the values of a column be shown as HTML, in rows as high as they need.
func prose(more ...dashboard.DynamicConfigValue) []dashboard.DynamicConfigValue {
	return append([]dashboard.DynamicConfigValue{property("custom.cellOptions", map[string]any{"type": "markdown", "dynamicHeight": true})}, more...)
}

// line is a line of HTML as SQL: the text that sql gives, in letters of so many pixels.
func line(pixels int, sql string) string { return tinted(pixels, "'inherit'", sql) }

// tinted is a line in the colour that SQL gives.
func tinted(pixels int, colour, sql string) string {
	size, height := digits(pixels), digits(pixels+pixels/3)
	return "concat(" + quote(`<div style="font-size:`+size+`px;line-height:`+height+`px;color:`) + ", " + colour + `, '">', ` + sql + ", '</div>')"
}

// plain is a text that may hold anything, as HTML.
func plain(sql string) string {
	return "replaceAll(replaceAll(" + sql + ", '&', '&amp;'), '<', '&lt;')"
}

// arrow is a link in HTML, as SQL; variables of the dashboard stand in the address as in every query.
func arrow(address, text string) string {
	return quote(`<a href="` + strings.ReplaceAll(address, "&", "&amp;") + `">` + text + `&nbsp;→</a>`)
}
