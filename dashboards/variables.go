package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"parcours/schemas"
)

// What comes from a viewer, or from whoever made the link that a viewer follows, gets into a query in one form only: encoded for an address,
// so that it holds no quote and no backslash, in a literal that the server decodes. (The formats of Grafana for SQL leave the backslash as
// it is.) What is offered is encoded once more: so the values of a choice can be told from the comma between them, and the value that is
// empty has a name, because the data source takes an empty choice for all.

// unstated is the value that is offered for what is empty. Nothing that is encoded reads so.
const unstated = "∅"

// option is the value that is offered for what stands in a column; links carry it too.
func option(column string) string {
	return "if(toString(" + column + ") = '', '" + unstated + "', encodeURLComponent(toString(" + column + ")))"
}

// typed is a text that a viewer wrote, as SQL.
func typed(variable string) string { return "decodeURLComponent('${" + variable + ":percentencode}')" }

// values are the values chosen, as SQL: an array of what stands in the column. Grafana writes {a,b} where several may be chosen.
func values(variable string) string {
	return "arrayMap(v -> if(v = '" + unstated + "', '', decodeURLComponent(v)), extractAll(" + typed(variable) + ", '[^{},]+'))"
}

// chosen is the one value chosen, as SQL; empty where there is none.
func chosen(variable string) string { return values(variable) + "[1]" }

// within keeps the rows whose column is among the values chosen; all keeps everything, and asks the server nothing.
func within(column, variable string) string {
	return "$__conditionalAll(has(" + values(variable) + ", toString(" + column + ")), $" + variable + ")"
}

// carried is the part of a link that chooses, where it leads, the option that stands in a column of the table.
func carried(variable, column string) string {
	return "var-" + variable + "=${__data.fields[\"" + column + "\"]}"
}

// written is the same of a link in HTML, as SQL: it chooses what stands in a column.
func written(variable, column string) string {
	return "concat('&amp;var-" + variable + "=', encodeURLComponent(" + option(column) + "))"
}

// choose offers a choice of several values, all at first: sql gives a column of options (see option), or options and then the text of each. In
// panels it is one of within, so that all costs nothing. The label is the text variables.NAME of the house.
func (b *board) choose(name, sql string) {
	b.builder.WithVariable(b.variable(name, sql).Multi(true).IncludeAll(true).
		Current(dashboard.VariableOption{Selected: cog.ToPtr(true), Text: several(b.say("house.all")), Value: several("$__all")}))
}

// pick offers a choice of one value: the first that sql gives, at first.
func (b *board) pick(name, sql string) { b.builder.WithVariable(b.variable(name, sql)) }

func (b *board) variable(name, sql string) *dashboard.QueryVariableBuilder {
	query := map[string]any{"refId": name, "editorType": "sql", "queryType": "table", "rawSql": schemas.Latest(sql), "pluginVersion": pluginVersion}
	return dashboard.NewQueryVariableBuilder(name).Label(b.say("house.variables." + name)).Datasource(source()).
		Query(dashboard.StringOrMap{Map: query}).Refresh(dashboard.VariableRefreshOnDashboardLoad).Sort(dashboard.VariableSortDisabled).AllowCustomValue(false)
}

func several(one string) dashboard.StringOrArrayOfString {
	return dashboard.StringOrArrayOfString{ArrayOfString: []string{one}}
}

// follows is a variable that nobody chooses or sees: it is in no address, and no address sets it.
func (b *board) follows(name, sql string) {
	query := map[string]any{"refId": name, "editorType": "sql", "queryType": "table", "rawSql": schemas.Latest(sql), "pluginVersion": pluginVersion}
	b.builder.WithVariable(unaddressed{dashboard.NewQueryVariableBuilder(name).Datasource(source()).Query(dashboard.StringOrMap{Map: query}).
		Refresh(dashboard.VariableRefreshOnDashboardLoad).Sort(dashboard.VariableSortDisabled).Hide(dashboard.VariableHideHideVariable)})
}

// unaddressed keeps a variable out of addresses, for which its builder has no word.
type unaddressed struct {
	*dashboard.QueryVariableBuilder
}

func (u unaddressed) Build() (dashboard.VariableModel, error) {
	v, err := u.QueryVariableBuilder.Build()
	v.SkipUrlSync = cog.ToPtr(true)
	return v, err
}

// moneySaid offers the variable ${amounts} for titles: whether finance has filled the hourly rates. It is said once a panel, not once a row.
func (b *board) moneySaid() {
	b.follows("amounts", "SELECT if(count() = 0 OR argMax(rates_are_illustrative, position), "+quote(b.say("house.illustrative"))+", "+quote(b.say("house.rated"))+") FROM rule_books_v WHERE effective_from <= now64()")
}
