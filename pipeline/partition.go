package pipeline

import (
	"slices"

	"parcours/pipeline/breakpoint"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

// Partition is the state of one partition of the log. Apply is a pure fold: the same messages in the same order give the
// same changes, byte for byte. It holds all steps of its customers and folds a customer anew whenever one of his events
// comes, or the clock passes something that was due; what changed is told apart from what was known by comparing rows.
type Partition struct {
	number int
	book   *rules.Book
	clock  event.Instant
	units  map[string]*unit
	due    dueQueue
	counts Counts
}

// Counts account for every message of a partition.
type Counts struct {
	Messages uint64 // seen, those of partition All included
	First    uint64 // first copies of channel events
	Copies   uint64 // the same (source, id, time) again
	Reused   uint64 // the same (source, id) with another time: set aside
	System   uint64
	Visits   int64 // page views and searches that led nowhere, as of now
}

// Changes is what one message changed.
type Changes struct {
	Rows     Rows
	Told     []Told
	SetAside []SetAside
}

// SetAside is a message the fold could not use.
type SetAside struct {
	Position uint64
	Reason   string
	Source   string
}

// ReasonIDReused is that of an id seen before with another time. The first copy stands.
const ReasonIDReused = "id_reused"

// NewPartition begins an empty partition.
func NewPartition(number int, book *rules.Book) *Partition {
	return &Partition{number: number, book: book, clock: noTime, units: map[string]*unit{}}
}

// noTime is the clock of a partition that has seen nothing.
const noTime = event.Instant(-1 << 63)

// Clock is the largest event time or accepted tick so far.
func (p *Partition) Clock() event.Instant { return p.clock }

// Counts gives the accounts.
func (p *Partition) Counts() Counts { return p.counts }

// NextDue is the earliest clock at which something changes by itself; journey.Never when nothing is due.
func (p *Partition) NextDue() event.Instant { return p.due.earliest(p.units) }

// tickTolerance is how far a tick may lie beyond the moment the log stored it.
const tickTolerance = 60_000

// Apply folds one message, adding what it changes to c. Messages come in the order of the log.
func (p *Partition) Apply(m *Message, e *event.Event, c *Changes) {
	p.counts.Messages++
	if event.System(e.Type) {
		p.system(m, e, c)
		return
	}
	u, verdict := p.insert(e)
	switch verdict {
	case isCopy:
		p.counts.Copies++
		return
	case isReused:
		p.counts.Reused++
		c.SetAside = append(c.SetAside, SetAside{Position: m.Position, Reason: ReasonIDReused, Source: e.Source})
		return
	}
	p.counts.First++
	c.Rows.Events = append(c.Rows.Events, EventRow{Position: m.Position, Partition: p.number, StoredAt: m.StoredAt, Event: e})
	p.clock = max(p.clock, e.At)
	p.refold(m.Position, u, c)
}

// system applies an event that Parcours or an operator wrote.
func (p *Partition) system(m *Message, e *event.Event, c *Changes) {
	p.counts.System++
	if e.Type != event.ClockTicked || e.At <= p.clock || e.At > m.StoredAt+tickTolerance {
		return
	}
	p.clock = e.At
	p.refold(m.Position, nil, c)
}

// refold folds anew the customer of the message and those for whom something is due, each once, in a fixed order.
func (p *Partition) refold(position uint64, touched *unit, c *Changes) {
	units := p.due.pass(p.clock, p.units)
	if touched != nil && !slices.Contains(units, touched) {
		units = append(units, touched)
	}
	w := writer{partition: p, position: position, changes: c}
	for _, u := range units {
		w.refold(u)
	}
}

// unit is what is folded together: the events of one home, and what was last said of them.
type unit struct {
	home   string
	events []*event.Event // in order
	prints []uint64       // fingerprints of (source, id), in the order of events
	due    event.Instant

	journeys    []journeyMemo
	retired     map[string]event.Instant // key times of retracted journeys, should they come back; nil for none
	steps       map[*event.Event]stepMemo
	breakpoints []breakpointMemo
	visits      int
}

type verdict uint8

const (
	isFirst verdict = iota
	isCopy
	isReused
)

// insert puts an event at its own place among those of its home.
func (p *Partition) insert(e *event.Event) (*unit, verdict) {
	home := homeOf(e)
	u := p.units[home]
	if u == nil {
		u = &unit{home: home, due: journey.Never, steps: map[*event.Event]stepMemo{}}
		p.units[home] = u
	}
	print := event.Fingerprint(e.Source, e.ID)
	if i := slices.Index(u.prints, print); i >= 0 {
		if u.events[i].At == e.At {
			return u, isCopy
		}
		return u, isReused
	}
	at := len(u.events)
	for at > 0 && e.Before(u.events[at-1]) {
		at--
	}
	u.events = slices.Insert(u.events, at, e)
	u.prints = slices.Insert(u.prints, at, print)
	return u, isFirst
}

// homeOf: the door writes a home; an event that came another way stands with its customer, or alone.
func homeOf(e *event.Event) string {
	switch {
	case e.Home != "":
		return e.Home
	case e.Data.Customer != "":
		return e.Data.Customer
	}
	return event.MessageID(e.Source, e.ID)
}

// fold computes what a unit amounts to now.
func (p *Partition) fold(u *unit) (journey.History, []breakpoint.Breakpoint) {
	history := journey.Fold(u.events, nil, p.clock, p.book)
	found, due := breakpoint.Detect(history, p.clock, p.book)
	next := history.Next
	for _, at := range due {
		next = min(next, at)
	}
	p.due.set(u, next)
	return history, found
}
