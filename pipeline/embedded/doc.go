// Package embedded runs the two servers of the pipeline, NATS with JetStream and ClickHouse, without a server to
// install: the real parts, inside this process and one child of it.
//
// A data directory belongs to one process. Whoever embeds takes [LockDirectory] before it opens anything and
// publishes its [Addresses] there, so that every other process talks to those instead of opening the same files.
//
// NATS is nats-server as a library ([StartNATS]). ClickHouse is libchdb, the official embedded build, loaded without
// cgo by a child process of the same binary ([StartClickHouse], [RunChild]): a query that exhausts memory or crashes
// the engine ends the child, never the log. The parent opens the listening socket and hands it to each child in turn,
// so that the address stays the same and clients that come between two children wait instead of being refused.
//
// In the child an HTTP front speaks ClickHouse's own HTTP interface, so that clickhouse-go, Grafana and curl need not
// know the difference. What a request takes:
//
//	front.go      routes it, and answers with a result or an exception
//	request.go    reads who asks, what for, under which settings
//	statement.go  separates an INSERT from its rows and finds the formats a statement names
//	engine.go     gives it a connection of its own, bounded in number, and can kill what it runs
//	sessions.go   or the connection its session owns
//	execute.go    runs it: streamed, or whole where the format allows no streaming
//	native.go     rewrites Native blocks for the protocol version the client names
//	response.go   holds back the first megabyte, so that an early failure still gets a status of its own
//
// Settings, the database, query parameters and temporary tables stick to a libchdb connection. A connection costs a
// third of a millisecond, so a request outside a session gets a new one and nothing can stick to anything.
package embedded
