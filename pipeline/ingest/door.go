package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// Raw is one event as it came.
type Raw struct {
	// Body is one structured CloudEvents JSON object; with Attributes, it is the data alone.
	Body []byte
	// Attributes of CloudEvents binary mode; nil in structured mode.
	Attributes *event.Attributes
	// Broken is set by whoever cut the events apart and could not make one of this: it is refused as it says.
	Broken *Broken
	// Row is its number in the imported file; 0 for what came another way. It is kept with what is refused.
	Row uint64
}

// Broken is a piece of a request that is no event; Body is its beginning.
type Broken struct {
	Refusal event.Refusal
	Bytes   int    // of the whole piece
	SHA256  string // of the whole piece
}

// Origin says who brings events.
type Origin struct {
	Name     string // of the API key, the file or the subject; for logs
	Operator bool   // may write system types
	Replay   bool   // what is brought lies in REJECTED already: refused again, it is not kept there a second time
}

// Refused is one event that was not taken, in words fit to be shown: no value of it stands here but its id, and that only
// when no identifier of the event is a part of it.
type Refused struct {
	Index    int // in the batch, from 0
	ID       string
	Field    string
	Expected string
	Reason   string
}

// Result is what became of a batch. Accepted + Duplicates + len(Refused) is the number of events where Err is nil.
type Result struct {
	Accepted   int // stored now
	Duplicates int // stored before: in JetStream's duplicate window, or earlier in this batch
	Refused    []Refused
	// Positions holds, for each event of the batch, its position in the log; 0 for one that is not stored.
	Positions []uint64
	// Err says why not everything was stored (ErrLogAway, ErrLogBusy, ErrLogFull of package pipeline, or why the refused
	// could not be kept): some of it may be, all of it may come again.
	Err error
}

// Dependencies is what a door works with. Every field is needed.
type Dependencies struct {
	Appender      pipeline.Appender
	Rejecter      pipeline.Rejecter
	Homes         *Homes
	Pseudonymiser *Pseudonymiser
	Sealer        *Sealer
	Partitions    int // of the log
	Metrics       *Metrics
	Now           func() time.Time
}

// Door takes events into the log. It is safe for concurrent use.
type Door struct {
	Dependencies
	cfg   Config
	keep  func(source string) map[string]bool
	steps []step
}

// step is one stage of the way through the door; it works on what the stages before it left standing.
type step struct {
	name string
	do   func(context.Context, *batch) error
}

// NewDoor checks the configuration and what the door is to work with.
func NewDoor(cfg Config, d Dependencies) (*Door, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if d.Appender == nil || d.Rejecter == nil || d.Homes == nil || d.Pseudonymiser == nil || d.Sealer == nil || d.Metrics == nil ||
		d.Now == nil || d.Partitions < 1 {
		return nil, errors.New("ingest: a door needs all its dependencies")
	}
	door := &Door{Dependencies: d, cfg: cfg, keep: cfg.keep()}
	door.steps = []step{
		{"decode", door.decode},             // bytes -> event, checked field by field; unknown fields dropped and counted
		{"check", door.check},               // what only the door knows
		{"pseudonymise", door.pseudonymise}, // from here on no raw identifier is left
		{"unite", door.unite},               // the same (source, id) twice in one batch
		{"home", door.home},                 // where it will be folded
		{"encode", door.encode},             // event -> what the log keeps
		{"append", door.append},             // to the log, or not at all
		{"reject", door.reject},             // what was refused goes aside, sealed
	}
	return door, nil
}

// batch is one call of Accept under way.
type batch struct {
	origin Origin
	now    event.Instant
	items  []item
}

// item is one event under way.
type item struct {
	raw      *Raw
	event    event.Event
	refusal  *event.Refusal // nil while it stands
	first    int            // index of the same event earlier in the batch; its own index where there is none
	entry    pipeline.Entry
	outcome  pipeline.Outcome
	isStored bool
}

func (it *item) standing() bool { return it.refusal == nil }

// Accept takes a batch through all steps and tells what became of each event. When it returns, the accepted ones are
// stored in the log, in the order of the batch, and the refused ones are kept in REJECTED (those of a replay are there
// already); unless Err says otherwise. To bring the same batch again is always harmless.
func (d *Door) Accept(ctx context.Context, raws []Raw, origin Origin) Result {
	b := &batch{origin: origin, now: event.InstantOf(d.Now()), items: make([]item, len(raws))}
	for i := range raws {
		b.items[i] = item{raw: &raws[i], first: i}
	}
	var failed error
	for _, s := range d.steps {
		if err := s.do(ctx, b); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.name, err))
		}
	}
	return d.result(b, failed)
}

func (d *Door) decode(_ context.Context, b *batch) error {
	limits := event.Limits{MaxBytes: d.cfg.MaxEvent, Ahead: d.cfg.Ahead, Age: d.cfg.MaxAge, Now: b.now, Operator: b.origin.Operator, Allow: d.keep}
	for i := range b.items {
		it := &b.items[i]
		d.Metrics.bytes.Add(float64(len(it.raw.Body)))
		var dropped event.Dropped
		it.event, dropped, it.refusal = it.raw.decode(limits)
		d.Metrics.drop(dropped)
	}
	return nil
}

func (r *Raw) decode(limits event.Limits) (event.Event, event.Dropped, *event.Refusal) {
	switch {
	case r.Broken != nil:
		refusal := r.Broken.Refusal
		return event.Event{}, nil, &refusal
	case r.Attributes != nil:
		return event.DecodeData(*r.Attributes, r.Body, limits)
	}
	return event.Decode(r.Body, limits)
}

// check refuses what is well formed but nobody may send.
func (d *Door) check(_ context.Context, b *batch) error {
	for i := range b.items {
		if it := &b.items[i]; it.standing() {
			it.refusal = checkOurs(&it.event)
		}
	}
	return nil
}

// checkOurs refuses what Parcours alone writes: a log is opened once, by its first message, its clock mode is changed by a
// command that says what follows from it, and a day is closed once, by the owner of the partitions.
func checkOurs(e *event.Event) *event.Refusal {
	if !event.Ours(e.Type) {
		return nil
	}
	return &event.Refusal{ID: e.ID, Source: e.Source, Reason: event.ReasonSystemType, Field: "type",
		Expected: "a type that Parcours does not keep for itself"}
}

// Try says why a door with the default rules would refuse a structured event that came at now from a sender who is no
// operator; nil where it would let it in.
func Try(body []byte, now time.Time) *event.Refusal {
	_, _, refusal := Look(body, now)
	return refusal
}

// Look is Try that also gives the event, with its raw identifiers, and names the fields that the door would drop.
func Look(body []byte, now time.Time) (event.Event, event.Dropped, *event.Refusal) {
	c := Defaults()
	e, dropped, refusal := event.Decode(body, event.Limits{MaxBytes: c.MaxEvent, Ahead: c.Ahead, Age: c.MaxAge, Now: event.InstantOf(now)})
	if refusal == nil {
		refusal = checkOurs(&e)
	}
	return e, dropped, refusal
}

func (d *Door) pseudonymise(_ context.Context, b *batch) error {
	for i := range b.items {
		if it := &b.items[i]; it.standing() {
			d.Pseudonymiser.Apply(&it.event)
		}
	}
	return nil
}

func (d *Door) unite(_ context.Context, b *batch) error {
	type name struct{ source, id string }
	seen := make(map[name]int, len(b.items))
	for i := range b.items {
		it := &b.items[i]
		if !it.standing() {
			continue
		}
		key := name{it.event.Source, it.event.ID}
		if first, ok := seen[key]; ok {
			it.first = first
			continue
		}
		seen[key] = i
	}
	return nil
}

func (d *Door) home(_ context.Context, b *batch) error {
	for i := range b.items {
		if it := &b.items[i]; it.standing() && it.first == i && !event.System(it.event.Type) {
			it.event.Home = d.Homes.Of(&it.event)
		}
	}
	return nil
}

func (d *Door) encode(_ context.Context, b *batch) error {
	for i := range b.items {
		if it := &b.items[i]; it.standing() && it.first == i {
			it.entry = d.entry(&it.event)
		}
	}
	return nil
}

// entry addresses an event: to the partition of its home; a system event to all of them.
func (d *Door) entry(e *event.Event) pipeline.Entry {
	entry := pipeline.Entry{MsgID: event.MessageID(e.Source, e.ID), Type: e.Type, Body: event.AppendLog(nil, e)}
	if event.System(e.Type) {
		entry.Partition, entry.Family = pipeline.All, e.Type
		return entry
	}
	entry.Partition = PartitionOf(e.Home, d.Partitions)
	entry.Channel = string(e.Data.Channel)
	entry.Family = event.SpecOf(e.Type).Family
	return entry
}

// append stores what stands. An entry's own fault refuses the event; the log's fault is the batch's.
func (d *Door) append(ctx context.Context, b *batch) error {
	var entries []pipeline.Entry
	var owners []int
	for i := range b.items {
		if it := &b.items[i]; it.standing() && it.first == i {
			entries, owners = append(entries, it.entry), append(owners, i)
		}
	}
	if len(entries) == 0 {
		return nil
	}
	var failed error
	for n, outcome := range d.Appender.Append(ctx, entries) {
		it := &b.items[owners[n]]
		it.outcome, it.isStored = outcome, outcome.Err == nil
		switch {
		case outcome.Err == nil:
		case logFault(outcome.Err):
			failed = outcome.Err
		default:
			it.refusal = &event.Refusal{ID: it.event.ID, Source: it.event.Source, Reason: event.ReasonTooBig,
				Expected: "an event that the log can hold in one message"}
		}
	}
	return failed
}

func logFault(err error) bool {
	return errors.Is(err, pipeline.ErrLogAway) || errors.Is(err, pipeline.ErrLogBusy) || errors.Is(err, pipeline.ErrLogFull)
}

// reject keeps what was refused. It runs whatever became of the others. What is replayed is kept already.
func (d *Door) reject(ctx context.Context, b *batch) error {
	if b.origin.Replay {
		return nil
	}
	var rejections []pipeline.Rejection
	for i := range b.items {
		it := &b.items[i]
		if it.standing() {
			continue
		}
		r, err := d.rejection(it, b.now)
		if err != nil {
			return err
		}
		rejections = append(rejections, r)
	}
	if len(rejections) == 0 {
		return nil
	}
	return d.Rejecter.Reject(ctx, rejections)
}

func (d *Door) rejection(it *item, now event.Instant) (pipeline.Rejection, error) {
	whole := it.raw.whole()
	r := pipeline.Rejection{Reason: it.refusal.Reason, Field: it.refusal.Field, Expected: it.refusal.Expected, SeenAt: now,
		Source: shown(it.refusal.Source, it.raw), Bytes: len(whole), SHA256: digest(whole), Row: it.raw.Row}
	if it.raw.Broken != nil {
		r.Bytes, r.SHA256 = it.raw.Broken.Bytes, it.raw.Broken.SHA256
	}
	var err error
	r.Sealed, err = d.Sealer.Seal(whole)
	return r, err
}

// result counts. A copy within the batch shares the fate of its first.
func (d *Door) result(b *batch, failed error) Result {
	res := Result{Positions: make([]uint64, len(b.items)), Err: failed}
	for i := range b.items {
		it := &b.items[i]
		first := &b.items[it.first]
		switch {
		case !first.standing():
			res.Refused = append(res.Refused, refusedOf(i, first))
			d.Metrics.refused.WithLabelValues(first.refusal.Reason).Inc()
		case !first.isStored:
		case it != first || it.outcome.Duplicate:
			res.Duplicates++
			res.Positions[i] = first.outcome.Position
		default:
			res.Accepted++
			res.Positions[i] = it.outcome.Position
		}
	}
	d.count(&res)
	return res
}

func refusedOf(index int, it *item) Refused {
	r := it.refusal
	return Refused{Index: index, ID: shown(r.ID, it.raw), Field: r.Field, Expected: r.Expected, Reason: r.Reason}
}

func (d *Door) count(res *Result) {
	d.Metrics.accepted.Add(float64(res.Accepted))
	d.Metrics.duplicates.Add(float64(res.Duplicates))
	if res.Err != nil {
		d.Metrics.failed.WithLabelValues(cause(res.Err)).Inc()
	}
}

func cause(err error) string {
	switch {
	case errors.Is(err, pipeline.ErrLogAway):
		return "away"
	case errors.Is(err, pipeline.ErrLogBusy):
		return "busy"
	case errors.Is(err, pipeline.ErrLogFull):
		return "full"
	}
	return "other"
}
