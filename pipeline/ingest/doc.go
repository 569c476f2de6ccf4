// Package ingest takes events in, once: it reads what channels send, puts pseudonyms in the place of identifiers, finds
// the home of each event and appends it to the log; what cannot be understood is sealed and kept aside with its reason.
//
// Handler speaks HTTP, Door takes events from anywhere (HTTP, files, a broker); the way of an event through the door is the
// list of steps in door.go. Raw identifiers live in this package only: nothing of it logs, stores or answers one.
package ingest
