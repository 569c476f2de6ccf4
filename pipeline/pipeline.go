package pipeline

import (
	"context"
	"errors"
	"time"

	"parcours/pipeline/event"
)

// All is the partition of a message that every partition sees at one position.
const All = -1

// Entry is one event on its way into the log.
type Entry struct {
	MsgID     string // hash of (source, id): JetStream drops a second one inside its window
	Partition int    // or All
	Channel   string // token of a closed list
	Family    string // token of a closed list; for All, the type
	Type      string // the CloudEvents type, in a header
	Body      []byte // structured CloudEvents JSON, pseudonymised
}

// Outcome is what the log answered for one entry.
type Outcome struct {
	Position  uint64 // sequence in EVENTS
	Duplicate bool   // the log had it already, inside its duplicate window
	Err       error  // nil when stored (or a duplicate of what is stored)
}

// Reasons why the log did not take an entry; anything else is a fault of the entry itself.
var (
	ErrLogAway = errors.New("the log is away")
	ErrLogBusy = errors.New("the log is busy")
	ErrLogFull = errors.New("the log is full: it refuses what it cannot keep")
)

// Appender stores entries. Outcomes come in the order of the entries; an entry without an error is stored by JetStream,
// on disk as its sync interval says, when Append returns. Entries of one call are stored in their order.
type Appender interface {
	Append(ctx context.Context, entries []Entry) []Outcome
}

// Rejection is what could not be understood, on its way into REJECTED. It carries no value of the event in clear.
type Rejection struct {
	Reason   string // of the closed list in package ingest
	Source   string // "" when it could not be read
	Field    string
	Expected string
	Bytes    int    // size of the whole body
	SHA256   string // of the whole body
	Sealed   []byte // at most the first 64 KiB, sealed with the operator's key
	SeenAt   event.Instant
}

// Rejecter keeps rejections. Rejected ones are counted by reason.
type Rejecter interface {
	Reject(ctx context.Context, rejections []Rejection) error
}

// Message is one entry of the log as a reader sees it.
type Message struct {
	Position  uint64
	Partition int // or All
	Type      string
	StoredAt  event.Instant // JetStream's own timestamp
	Body      []byte        // valid until the next call of Next
}

// Reader reads the log in order from one position on.
type Reader interface {
	// Next gives what has come, at least one message unless wait passes first; then it gives none and no error.
	Next(ctx context.Context, wait time.Duration) ([]Message, error)
	Close()
}

// Log is the read side of EVENTS.
type Log interface {
	// Read starts an ordered reader at a position (1 is the first).
	Read(ctx context.Context, from uint64) (Reader, error)
	// Head is the position of the last message stored, 0 for none.
	Head(ctx context.Context) (uint64, error)
}

// Store keeps the rows that the fold found. Insert is repeatable: keys and versions make a second time harmless. When it
// returns nil the rows of every table, and after them the frontier, are durable and readable.
type Store interface {
	Insert(ctx context.Context, rows *Rows) error
	// Frontier is, for each partition, the position up to which a generation's rows are in.
	Frontier(ctx context.Context, generation uint32) (map[int]uint64, error)
	// CurrentGeneration is the one that views read.
	CurrentGeneration(ctx context.Context) (uint32, error)
}

// Told is one message on its way to JOURNEYS. Within a partition (Position, Ordinal) only grows.
type Told struct {
	Position uint64
	Ordinal  uint32
	ID       string   // deterministic
	Type     string   // of the message, e.g. journey.stepped
	About    string   // id of the journey or breakpoint
	Tokens   []string // of the subject after the partition: event tokens and reason family
	Body     []byte   // CloudEvents JSON
}

// ErrFenced means that another owner has written to the partition: stop.
var ErrFenced = errors.New("another owner writes this partition")

// Teller writes JOURNEYS, one stream per partition, fenced by the stream's expected last sequence.
type Teller interface {
	// Claim makes the caller the owner of a partition and gives the (position, ordinal) of the last message told in it.
	Claim(ctx context.Context, partition int) (position uint64, ordinal uint32, err error)
	// Tell stores messages of one partition in their order; after an error a prefix of them may be stored.
	Tell(ctx context.Context, partition int, messages []Told) error
}
