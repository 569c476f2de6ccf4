package schemas

import "embed"

// ClickHouse holds the migrations of the database, clickhouse/0001_*.sql and on. The first one says how they are written.
//
//go:embed clickhouse/*.sql
var ClickHouse embed.FS
