// Package pipeline is the map and the joints.
//
// The life of an event, in order:
//
//  1. event: a channel tells what happened, as CloudEvents JSON. It is decoded and checked.
//  2. ingest: the door replaces identifiers by pseudonyms, finds the event's home, and stores it in the log (EVENTS).
//  3. identity: whose it is (a later issue; until then the home the door wrote).
//  4. journey: the fold puts the events of one customer in order and makes contacts and journeys of them.
//  5. breakpoint: where those journeys broke.
//  6. churn: who is leaving (a later issue).
//  7. aggregate: the loop that owns partitions. It reads the log, folds (Partition, in this package), writes rows to
//     ClickHouse and tells JOURNEYS.
//  8. dashboards: what people see (a later issue); until then `parcours sql` and the page of `parcours up`.
//
// This package holds the interfaces between those stages (pipeline.go), the rows that pass (rows.go) and the pure fold of
// one partition (partition.go). The adapters nats, clickhouse and embedded implement the interfaces; only cmd knows all.
package pipeline
