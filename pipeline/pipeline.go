package pipeline

import (
	"cmp"
	"context"
	"errors"
	"io"
	"time"

	"parcours/pipeline/alert"
	"parcours/pipeline/attribution"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
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
	Reason   string // of the closed list in package event
	Source   string // "" when it could not be read
	Field    string
	Expected string
	Bytes    int    // size of the whole body
	SHA256   string // of the whole body
	Sealed   []byte // at most the first 64 KiB, sealed with the operator's key
	SeenAt   event.Instant
	Position uint64 // in EVENTS, of a message that was set aside by the fold; 0 for what never reached the log
	Row      uint64 // of the imported file; 0 for none
}

// Rejecter keeps rejections. Rejected ones are counted by reason.
type Rejecter interface {
	Reject(ctx context.Context, rejections []Rejection) error
	// LastSetAside is the highest Position among the last rejections kept for each of these reasons, 0 for none. It is up to
	// where somebody who sets aside in order of position, and is alone in giving these reasons, has come.
	LastSetAside(ctx context.Context, reasons []string) (uint64, error)
}

// Message is one entry of the log as a reader sees it.
type Message struct {
	Position  uint64 // its sequence in EVENTS; while late events are admitted, its place in the order of time
	Log       uint64 // its sequence in EVENTS where Position is not; else 0
	Partition int    // or All
	Type      string
	StoredAt  event.Instant // JetStream's own timestamp
	Body      []byte        // valid until the next call of Next
}

// LogPosition is the message's sequence in EVENTS.
func (m *Message) LogPosition() uint64 {
	if m.Log != 0 {
		return m.Log
	}
	return m.Position
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
	// MessageID is the id of the message at a position (Entry.MsgID; for the first message, which has none, its type);
	// "" where the log holds no message there, because it ends before or because it was erased.
	MessageID(ctx context.Context, position uint64) (string, error)
	// Broadcasts are the messages of partition All that are of one type, in order.
	Broadcasts(ctx context.Context, typ string) ([]Message, error)
	// Account says which positions the log holds now.
	Account(ctx context.Context) (LogAccount, error)
}

// LogAccount is what the log holds: every position from 1 to Last that is not Erased.
type LogAccount struct {
	Last   uint64   // position of the last message stored, 0 for none
	Erased []uint64 // in order; those before the first message that is left too
}

// Store keeps the rows that the fold found. Insert is repeatable: keys and versions make a second time harmless. When it
// returns nil the rows of every table, and after them the frontier, are durable and readable.
type Store interface {
	Insert(ctx context.Context, rows *Rows) error
	// Frontier is, for each partition, how far a generation's rows are in.
	Frontier(ctx context.Context, generation uint32) (map[int]FrontierRow, error)
	// Current is the generation that views read.
	Current(ctx context.Context) (Generation, error)
	// Switch makes every view read a generation, at one moment; where it is the current one already, in all its fields, that
	// is nothing.
	Switch(ctx context.Context, g Generation) error
	// Generations are the numbers of those that have a row left in any table, in order. The current one may have none.
	Generations(ctx context.Context) ([]uint32, error)
	// Drop removes every row of a generation, and refuses the current one. Nobody may insert into it any more. A second time
	// is harmless, as it is after an error, which may leave some of the rows.
	Drop(ctx context.Context, number uint32) error
	// Difference tells what has to be said when views go from one generation to another: the journeys, breakpoints and churn
	// signals that only one of them shows, or that say something else in the other, position and key time aside. They come in
	// the order of partition (of the new row, where there is one), journeys before breakpoints before signals, key time or time
	// of occurrence or raising, id. An
	// error of found ends it and comes back. Nobody may insert into either generation meanwhile.
	Difference(ctx context.Context, from, to uint32, found func(Difference) error) error
}

// Difference is what became of one journey, one breakpoint or one churn signal between two generations; the rows of the other
// kinds are nil.
type Difference struct {
	OldJourney, NewJourney       *JourneyRow // nil where the generation does not show it
	OldBreakpoint, NewBreakpoint *BreakpointRow
	LastActivity                 string // of the last step of NewJourney
	OldSignal, NewSignal         *ChurnSignalRow
}

// Auditor reads what the fold wrote about the tables, and the same from the tables themselves. What it gives is of one
// moment for each table; nobody may insert meanwhile where two of them are compared.
type Auditor interface {
	// Ledger and Digests are what the fold wrote, in order of partition and range or table.
	Ledger(ctx context.Context, generation uint32) ([]LedgerRow, error)
	Digests(ctx context.Context, generation uint32) ([]DigestRow, error)
	// Sums are the digests of the rows themselves, position 0, in order of partition and table. A partition without a row in
	// a table has none there.
	Sums(ctx context.Context, generation uint32) ([]DigestRow, error)
	// RowKeys gives the rows that Sums adds up, of one table and partition, in the order of the bytes of their keys: journey
	// id, "source id" of the event, breakpoint id, id of the journey that gave way, day and id of the alert, day, id of the churn
	// signal, day and id of the customer of a score, position of a model in the log, day of a scored day.
	RowKeys(ctx context.Context, table string, generation uint32, partition int, found func(key string, position, content uint64) error) error

	// RuleBooks says which rule books a generation has: the version of each, by the position of its publication in the log.
	RuleBooks(ctx context.Context, generation uint32) (map[uint64]string, error)

	// EventSums add up the rows of cx.events by partition and range, in that order.
	EventSums(ctx context.Context) ([]EventSum, error)
	// EventRows gives the rows of one of them, by position.
	EventRows(ctx context.Context, partition int, number uint64, found func(EventKey) error) error
	// ReusedIDs gives each (source, id) that stands in cx.events under more than one time, in order, with its times.
	ReusedIDs(ctx context.Context, found func(source, id string, times []event.Instant) error) error
	// DeleteEvents removes rows of cx.events that the log does not have, of exactly that time, source, id and position; an
	// older or younger copy stays. They are gone when it returns.
	DeleteEvents(ctx context.Context, keys []EventKey) error

	// Checksum adds up the rows that views show, table by table. Exact: with their positions, and every alias, the same for
	// two folds of one log. Net: without aliases, alerts, closed days, the churn signals as known, scores, models, position, partition and key time, the same for two logs of the same events.
	// When the log stored an event is in neither.
	Checksum(ctx context.Context, net bool) ([]TableSum, error)
}

// Analyst counts what rates are made of.
type Analyst interface {
	// Counts counts, of the generation that views read, the opportunities that arose on the days from first to last, and
	// those that broke by the day on which that was detected, each under the series of its opportunity. An opportunity is
	// detected once, by the first of its breakpoints; one that broke after it had matured is not. What has no opportunity is
	// in no rate: an incident, which is of no journey, is not counted. First is the first of these days on which there is
	// anything, or last; Rules is left empty.
	Counts(ctx context.Context, first, last alert.Date) (alert.Counts, error)
}

// EventSum adds up the rows of cx.events of one partition in one range of positions, as LedgerRow does.
type EventSum struct {
	Partition int
	Range     uint64
	Rows      uint64
	Digest    uint64
}

// EventKey is one row of cx.events.
type EventKey struct {
	Position uint64
	At       event.Instant
	Source   string
	ID       string
	Content  uint64 // of its EventRow
}

// TableSum adds up the rows of one table, each as an additive digest.
type TableSum struct {
	Table  string
	Rows   uint64
	Digest uint64
}

// Place is where a message stands among all that is told in a partition: it only grows.
type Place struct {
	Generation uint32
	Position   uint64
	Ordinal    uint32
}

// Before says whether p stands before q.
func (p Place) Before(q Place) bool {
	return cmp.Or(cmp.Compare(p.Generation, q.Generation), cmp.Compare(p.Position, q.Position), cmp.Compare(p.Ordinal, q.Ordinal)) < 0
}

// Told is one message on its way to JOURNEYS. Within a partition its Place only grows.
type Told struct {
	Place
	ID     string   // deterministic
	Type   string   // of the message, e.g. journey.stepped
	About  string   // id of the journey or breakpoint
	Tokens []string // of the subject after the partition: event tokens and reason family
	Body   []byte   // CloudEvents JSON
}

// ErrFenced means that another owner has written to the partition: stop.
var ErrFenced = errors.New("another owner writes this partition")

// Teller writes JOURNEYS, one stream per partition, fenced by the stream's expected last sequence.
type Teller interface {
	// Claim makes the caller the owner of a partition and gives the place of the last message told in it, zero for none.
	Claim(ctx context.Context, partition int) (Place, error)
	// Tell stores messages of one partition in their order; after an error a prefix of them may be stored.
	Tell(ctx context.Context, partition int, messages []Told) error
}

// Checkpoints keeps states: immutable objects by name, and pointers to them that move by compare-and-set.
type Checkpoints interface {
	// Save stores an object, whole or not at all; one of that name that is there already is replaced.
	Save(ctx context.Context, name string, r io.Reader) error
	// Load opens an object; ErrNoObject where there is none. Reading to the end checks its digest.
	Load(ctx context.Context, name string) (io.ReadCloser, error)
	// Delete removes an object; one that is not there is no error.
	Delete(ctx context.Context, name string) error

	// Pointer gives the value of a key, its revision and when it was set; revision 0 and no value where there is none.
	Pointer(ctx context.Context, key string) (Pointer, error)
	// Point sets the value of a key on condition that its revision is still the given one (0: there is none), and gives the
	// new revision; ErrMoved when somebody else was there before.
	Point(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
	// Unpoint removes a key on the same condition.
	Unpoint(ctx context.Context, key string, revision uint64) error
	// Pointers lists the keys that begin with a prefix, in order.
	Pointers(ctx context.Context, prefix string) ([]Pointer, error)

	// Sweep removes the objects for which keep says no, and the parts of uploads that never ended, all of them only when
	// older than an age. It gives how many were removed.
	Sweep(ctx context.Context, keep func(name string) bool, age time.Duration) (int, error)
}

// Pointer is the value of a key.
type Pointer struct {
	Key      string
	Value    []byte
	Revision uint64
	SetAt    event.Instant // by the server's clock
}

// What Checkpoints answers.
var (
	ErrNoObject = errors.New("there is no such object")
	ErrMoved    = errors.New("somebody else has moved the pointer")
)

// Generation is one fold of the log. It owns its rows and its checkpoints.
type Generation struct {
	Number   uint32
	Fold     string // FoldVersion of the code that made it; "" for one made before versions were kept
	Rules    string // version of the rule book it began with, and behind an @ the position at which the log said so, if it did
	Admitted uint64 // position up to which late events were admitted; 0 for none
	TZData   string // version of the time zones
}

// Snapshotter takes copies of the views that are too slow to be read by a screen of many panels.
type Snapshotter interface {
	// Snapshot replaces the copies, where there is so much that views are slow; readers see all of one or all of the one before. It fails for the first view that does, after all were tried.
	Snapshot(ctx context.Context) error
}

// Losses gives the landmarks at which customers left or stayed, and keeps what is estimated from them. Landmarks and Settled
// are of the current generation.
type Losses interface {
	// RankBy makes the views of ranking and of losses go by a rule book; where they do already, that is nothing.
	RankBy(ctx context.Context, book *rules.Book) error
	// Settled is up to when no event enters journeys any more in any partition that has seen one; found is false where none has.
	Settled(ctx context.Context) (at event.Instant, found bool, err error)
	// LastEstimate is the latest of the current generation; where there is none it has only the number of the generation.
	LastEstimate(ctx context.Context) (LossEstimate, error)
	// Landmarks gives all rows whose outcome is settled, in any order. An error of found ends it and comes back.
	Landmarks(ctx context.Context, found func(attribution.Row) error) error
	// KeepEstimate stores an estimate; readers see all of it from one moment on, in place of the one before.
	KeepEstimate(ctx context.Context, e LossEstimate, found []attribution.Association) error
}

// LossEstimate is what an estimate of associated losses was made from.
type LossEstimate struct {
	Generation   uint32
	AsOf         event.Instant // day that all partitions had closed
	LastLandmark event.Instant // whose outcome was known; 0 for none
	Landmarks    int
	Rules        string // version of the rule book
	Replicates   int
}
