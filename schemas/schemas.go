// Package schemas holds every contract at a boundary as data: what a channel may tell us (channel), what we tell others
// (journey), what we store (clickhouse).
package schemas

//go:generate go run ./channel/gen channel
