package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"

	"parcours/schemas"
)

// The data source: the official ClickHouse plug-in. Its default database is that of the tables, so that queries name none.
const (
	sourceType    = "grafana-clickhouse-datasource"
	SourceUID     = "parcours-clickhouse" // of the provisioned data source
	pluginVersion = "4.10.0"              // whose query format this is
)

// Query is one of the ClickHouse data source, which grafana-foundation-sdk has no type for. Fields are those of version 4 of
// the plug-in, written by its SQL editor.
type Query struct {
	RefID         string               `json:"refId"`
	Datasource    common.DataSourceRef `json:"datasource"`
	EditorType    string               `json:"editorType"`
	QueryType     string               `json:"queryType"` // table or timeseries
	Format        int                  `json:"format"`    // 1 table, 0 time series
	RawSQL        string               `json:"rawSql"`
	PluginVersion string               `json:"pluginVersion"`
}

// ImplementsDataqueryVariant marks a query.
func (Query) ImplementsDataqueryVariant() {}

// DataqueryType names the plug-in.
func (Query) DataqueryType() string { return sourceType }

// Equals compares all fields.
func (q Query) Equals(other variants.Dataquery) bool {
	o, is := other.(Query)
	return is && o.RefID == q.RefID && o.QueryType == q.QueryType && o.RawSQL == q.RawSQL
}

// Validate accepts every query: the tests run them.
func (Query) Validate() error { return nil }

// Build makes a query a builder of itself.
func (q Query) Build() (variants.Dataquery, error) { return q, nil }

func source() common.DataSourceRef {
	kind, uid := sourceType, SourceUID
	return common.DataSourceRef{Type: &kind, Uid: &uid}
}

// rows asks for a table. Views of which a copy is kept are read from it.
func rows(sql string) Query {
	return Query{RefID: "A", Datasource: source(), EditorType: "sql", QueryType: "table", Format: 1, RawSQL: schemas.Latest(sql), PluginVersion: pluginVersion}
}

// series asks for a time series: a column time in order, labels, numbers.
func series(sql string) Query {
	q := rows(sql)
	q.QueryType, q.Format = "timeseries", 0
	return q
}
