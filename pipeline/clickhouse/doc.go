// Package clickhouse keeps what the fold found, and the log's copy of events, in ClickHouse. It is the only code that
// speaks ClickHouse.
//
//	config.go      where the server is, and whether it is one server or a cluster
//	clickhouse.go  opens it, waits for it
//	migrate.go     brings the database to the schema in schemas/clickhouse
//	insert.go      puts rows in: cut into blocks, all tables, then the frontier
//	block.go       how rows become columns
//	tables.go      which columns each table has, and from which field
//	query.go       how far rows are in
//	read.go        how answers and rows are read back
//	digest.go      the content of a row in SQL, the same number as in Go
//	generations.go which fold views read: current, switched, dropped
//	difference.go  what two folds do not show alike
//	audit.go       what the fold wrote about the tables, and the same from the tables
//	raw.go         SQL of any format, unchanged, for `parcours sql`
//	retry.go       which errors pass by themselves
//	metrics.go     what is counted
//
// Every row has a key and a version (its position in the log), so inserting it twice is harmless, and that is the whole of
// the recovery: after an error that may pass, the same rows go again. What is read goes through the views (`*_v`), which
// are right without the reader knowing versions or generations.
package clickhouse
