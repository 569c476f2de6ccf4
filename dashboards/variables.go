package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"parcours/schemas"
)

// choose offers a choice of several values, all at first: sql gives a column of values, or values and then the text of each. In panels it is
// one of within, so that all costs nothing. The label is the text variables.NAME of the house.
func (b *board) choose(name, sql string) {
	b.builder.WithVariable(b.variable(name, sql).Multi(true).IncludeAll(true).
		Current(dashboard.VariableOption{Selected: cog.ToPtr(true), Text: several(b.say("house.all")), Value: several("$__all")}))
}

// pick offers a choice of one value: the first that sql gives, at first.
func (b *board) pick(name, sql string) { b.builder.WithVariable(b.variable(name, sql)) }

func (b *board) variable(name, sql string) *dashboard.QueryVariableBuilder {
	query := map[string]any{"refId": name, "editorType": "sql", "queryType": "table", "rawSql": schemas.Latest(sql), "pluginVersion": pluginVersion}
	return dashboard.NewQueryVariableBuilder(name).Label(b.say("house.variables." + name)).Datasource(source()).
		Query(dashboard.StringOrMap{Map: query}).Refresh(dashboard.VariableRefreshOnDashboardLoad).Sort(dashboard.VariableSortDisabled)
}

func several(one string) dashboard.StringOrArrayOfString {
	return dashboard.StringOrArrayOfString{ArrayOfString: []string{one}}
}

// within keeps the rows whose column is among the values chosen; all keeps everything, and asks the server nothing.
func within(column, variable string) string {
	return "$__conditionalAll(" + column + " IN (${" + variable + ":singlequote}), $" + variable + ")"
}
