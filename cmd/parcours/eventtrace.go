package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"parcours/cmd/internal/service"
	"parcours/pipeline"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
)

// tracing looks for one id in the tables, in REJECTED and in the log.
type tracing struct {
	*explainer
	command *EventTraceCommand
	bar     *progress
	id      string
	source  string // "" for all

	places []found             // in the log, in order of position, each once
	rows   []pipeline.EventRow // of cx.events
	aside  map[uint64]clickhouse.RejectedRow
	looked []string
	whole  bool // the whole log was read
	ranges map[int]bool
}

// found is a message of the log that is the event, or a copy.
type found struct {
	pipeline.Message
	event *event.Event // nil for what cannot be decoded
}

// trace gathers all that is known.
func (t *tracing) trace(ctx context.Context) (*trace, error) {
	t.id, t.source, t.aside, t.ranges = t.command.ID, t.command.Source, map[uint64]clickhouse.RejectedRow{}, map[int]bool{}
	steps := []func(context.Context) error{t.inTables, t.inRejected, t.notFolded, t.scan, t.atRows}
	if t.command.Position > 0 {
		steps = slices.Insert(steps, 0, t.atPosition)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	shown := &trace{ID: t.id, Source: t.source, Events: []tracedEvent{}, Looked: t.looked}
	for _, one := range t.apart() {
		e, err := t.tell(ctx, one)
		if err != nil {
			return nil, err
		}
		shown.Events = append(shown.Events, *e)
	}
	if len(shown.Events) > 0 {
		return shown, nil
	}
	var err error
	shown.Refused, err = t.refusals(ctx)
	return shown, err
}

// atPosition finds out which event is meant.
func (t *tracing) atPosition(ctx context.Context) error {
	m, known, err := t.bus.At(ctx, t.command.Position)
	if err != nil {
		return err
	}
	if !known {
		return coded{fmt.Errorf("the log holds nothing at position %d: it ends at %d, or the message was erased", t.command.Position, t.head), service.Wrong}
	}
	f := foundOf(&m)
	t.add(f)
	if f.event == nil {
		t.looked = append(t.looked, "What stands there is no event, and has no id to look for.")
		return nil
	}
	t.id, t.source = f.event.ID, f.event.Source
	return nil
}

func (t *tracing) inTables(ctx context.Context) (err error) {
	if t.id == "" {
		return nil
	}
	t.rows, err = t.store.EventsNamed(ctx, t.source, t.id)
	return err
}

// asideMost is how many positions that were set aside are looked at.
const asideMost = 5000

// inRejected looks at what the fold set aside: REJECTED says where it stands, and the log what it is.
func (t *tracing) inRejected(ctx context.Context) error {
	rows, err := t.store.SetAside(ctx, t.source, "", asideMost)
	if err != nil {
		return err
	}
	if t.source != "" { // one that could not be read has no source
		unnamed, err := t.store.SetAside(ctx, "", event.ReasonUndecodable, asideMost)
		if err != nil {
			return err
		}
		rows = append(rows, unnamed...)
	}
	for _, r := range rows {
		if r.Field == "home" && r.Reason == event.ReasonPoisonous {
			continue // it names the event that moved the clock, not one at fault
		}
		if t.holds(r.EventPosition) {
			t.aside[r.EventPosition] = r
			continue
		}
		m, known, err := t.bus.At(ctx, r.EventPosition)
		if err != nil {
			return err
		}
		if f := foundOf(&m); known && t.is(f) {
			t.add(f)
			t.aside[r.EventPosition] = r
		}
	}
	if len(rows) >= asideMost {
		t.looked = append(t.looked, fmt.Sprintf("Of what was set aside, the latest %d were looked at (--source narrows it).", asideMost))
	}
	return nil
}

// tailMost is how many messages that are not folded yet are read without being asked to.
const tailMost = 200_000

// notFolded reads the log behind what is in the tables.
func (t *tracing) notFolded(ctx context.Context) error {
	from := t.folded() + 1
	if from > t.head {
		return nil
	}
	if n := t.head - from + 1; n > tailMost && !t.command.Scan {
		t.looked = append(t.looked, fmt.Sprintf("%d messages are not in the tables yet and were not read: --scan reads them.", n))
		return nil
	}
	return t.read(ctx, nats.Part{Partition: nats.AnyPartition}, from, t.head)
}

// scan reads what was asked for: where copies can be, or the whole log.
func (t *tracing) scan(ctx context.Context) error {
	folded := t.folded()
	switch {
	case !t.command.Scan || t.id == "" || folded == 0:
		return nil
	case t.command.Everywhere || len(t.rows) == 0:
		t.whole = true
		t.looked = append(t.looked, fmt.Sprintf("The whole log was read, up to position %d.", t.head))
		return t.read(ctx, nats.Part{Partition: nats.AnyPartition}, 1, folded)
	}
	for _, partition := range t.partitions() {
		ranges, err := t.store.RangesWithCopies(ctx, partition)
		if err != nil {
			return err
		}
		for _, r := range ranges {
			err := t.read(ctx, nats.Part{Partition: partition}, r*pipeline.LedgerRange+1, min((r+1)*pipeline.LedgerRange, t.head))
			if err != nil {
				return err
			}
		}
		t.ranges[partition] = true
		t.looked = append(t.looked, fmt.Sprintf("Of partition %d, %s of 65,536 positions with copies were read.", partition, plural(len(ranges), "range")))
	}
	return nil
}

// partitions are those of the rows found.
func (t *tracing) partitions() (list []int) {
	for i := range t.rows {
		list = append(list, t.rows[i].Partition)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// atRows looks at the places in the log that rows of cx.events name.
func (t *tracing) atRows(ctx context.Context) error {
	for i := range t.rows {
		if t.holds(t.rows[i].Position) {
			continue
		}
		m, known, err := t.bus.At(ctx, t.rows[i].Position)
		if err != nil {
			return err
		}
		if f := foundOf(&m); known && t.is(f) {
			t.add(f)
		}
	}
	return nil
}

// logWait is how long an answer of the log may take before it is asked again where it ends.
const logWait = 2 * time.Second

// read passes over a part of the log and keeps what is the event.
func (t *tracing) read(ctx context.Context, part nats.Part, from, to uint64) error {
	quoted := []byte(t.id)
	simple := !bytes.ContainsAny(quoted, "\"\\<>&") && isASCII(t.id) // else it may be written otherwise
	return eachOf(ctx, t.bus, part, from, to, func(m *pipeline.Message) {
		t.bar.at(int(m.Position-from+1), int(to-from+1))
		if simple && !bytes.Contains(m.Body, quoted) || t.holds(m.Position) {
			return
		}
		if f := foundOf(m); t.is(f) {
			f.Body = bytes.Clone(m.Body)
			t.add(f)
		}
	})
}

func isASCII(s string) bool {
	return !slices.ContainsFunc([]byte(s), func(c byte) bool { return c < ' ' || c > '~' })
}

// eachOf hands on the messages of a part of the log from one position to another, both among them.
func eachOf(ctx context.Context, bus *nats.Bus, part nats.Part, from, to uint64, each func(*pipeline.Message)) error {
	end, err := bus.HeadOf(ctx, part)
	if err != nil || end < from {
		return err
	}
	reader, err := bus.ReadPart(ctx, part, from)
	if err != nil {
		return err
	}
	defer reader.Close()
	for at := from - 1; at < min(to, end); {
		messages, err := reader.Next(ctx, logWait)
		if err != nil {
			return err
		}
		for i := range messages {
			if at = messages[i].Position; at <= to {
				each(&messages[i])
			}
		}
		if len(messages) > 0 {
			continue
		}
		now, err := bus.HeadOf(ctx, part) // the message that was the last one may have been erased
		if err != nil {
			return err
		}
		end = min(end, now)
	}
	return nil
}

func foundOf(m *pipeline.Message) found {
	f := found{Message: *m}
	if e, err := event.DecodeLog(m.Body); err == nil && m.Position > 0 {
		f.event = &e
	}
	return f
}

// is says whether a message is the event that is looked for.
func (t *tracing) is(f found) bool {
	return f.event != nil && f.event.ID == t.id && t.id != "" && (t.source == "" || f.event.Source == t.source)
}

func (t *tracing) holds(position uint64) bool {
	_, known := slices.BinarySearchFunc(t.places, position, func(f found, p uint64) int { return cmp.Compare(f.Position, p) })
	return known
}

func (t *tracing) add(f found) {
	i, known := slices.BinarySearchFunc(t.places, f.Position, func(f found, p uint64) int { return cmp.Compare(f.Position, p) })
	if !known {
		t.places = slices.Insert(t.places, i, f)
	}
}

// one is what was found under one source and one time.
type one struct {
	places []found
	row    *pipeline.EventRow // nil where cx.events has none
}

// event is what stands at the first place, else what the row says.
func (o *one) event() *event.Event {
	if len(o.places) > 0 && o.places[0].event != nil {
		return o.places[0].event
	}
	if o.row != nil {
		return o.row.Event
	}
	return &event.Event{Type: o.places[0].Type}
}

// apart takes what was found apart by source and time: an event with another time is another, and not a copy.
func (t *tracing) apart() []*one {
	type key struct {
		source string
		at     event.Instant
	}
	var list []*one
	known := map[key]*one{}
	of := func(e *event.Event, position uint64) *one {
		k := key{at: event.Instant(position)} // what cannot be decoded stands for itself
		if e != nil {
			k = key{e.Source, e.At}
		}
		if known[k] == nil {
			known[k] = &one{}
			list = append(list, known[k])
		}
		return known[k]
	}
	for i := range t.rows {
		of(t.rows[i].Event, 0).row = &t.rows[i]
	}
	for _, f := range t.places {
		o := of(f.event, f.Position)
		o.places = append(o.places, f)
	}
	return list
}

// refusedLatest is how many refusals are listed.
const refusedLatest = 5

// refusals lists what the door refused, of one source or of all.
func (t *tracing) refusals(ctx context.Context) (*refusals, error) {
	list := rejectionList{Counts: map[string]uint64{}, Rejected: []listed{}}
	err := eachRejection(ctx, t.bus, func(r rejection) error {
		if r.Position == 0 && !meaningOf(r.Reason).SetAside && (t.source == "" || r.Source == t.source || r.Source == "") {
			list.add(listedOf(&r), refusedLatest)
		}
		return nil
	})
	slices.Reverse(list.Rejected)
	return &refusals{Counts: list.Counts, Latest: list.Rejected}, err
}
