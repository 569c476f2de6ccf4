package pipeline

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/cespare/xxhash/v2"

	"parcours/pipeline/breakpoint"
	"parcours/pipeline/churn"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

// FoldVersion names what the fold makes of a log. Count it up when the same log would give other rows: the aggregator
// then folds a new generation, beside the one that people read.
const FoldVersion = "8"

// Setup is what a partition folds with.
type Setup struct {
	Number   int // of the partition
	Book     *rules.Book
	Restated uint64  // up to this position of the log, publications of rules count for nothing: Book stands for all of them
	Archive  Archive // nil: one in memory
	Admitted uint64  // up to this position no event is late: they come in order of time
}

// Partition is the state of one partition of the log. Apply is a pure fold: the same messages in the same order give the
// same changes, byte for byte. It holds the steps of its customers within the horizon, each customer packed in one
// string, and folds a customer anew whenever one of his events comes, or the clock passes something that was due; what
// changed is told apart from what was known by comparing rows. What is older is final and leaves, or waits in the archive
// for its case to come back.
type Partition struct {
	Setup
	clock     event.Instant
	wall      bool // an operator has switched the log to the wall clock
	position  uint64
	dict      *dictionary
	slots     []slot
	free      []int32
	homes     map[homeKey]int32 // home -> slot
	due       dueQueue
	customers customers
	late      map[uint64]event.Instant // fingerprints of late events, so that a copy of one counts as a copy
	tally     tally
	ledger    ledger
	counts    Counts
	books     []published      // in the order of the log; Setup.Book has them as its later ones
	days      closedDays       // of partition 0 alone
	models    []publishedModel // of partition 0 alone, in the order of the log
	scored    scoredDays

	booksGiven bool // to the tables, by this process

	holdAll bool             // set by tests: nothing ever leaves
	arenas  [2][]event.Event // of the message's unit, and of one that is due
	scratch []byte
	room    churn.Room // of the customer of whom a score is told
}

// slot holds a packed unit; its string is never changed, so that a snapshot can hold it too.
type slot struct {
	due    event.Instant
	packed string
}

// homeKey is a home in 128 bits: the pseudonym itself, or a hash.
type homeKey [idBytes]byte

func keyOf(home string) (k homeKey) {
	if len(home) == pseudonymText && home[0] == 'c' {
		if _, err := hex.Decode(k[:], []byte(home[1:])); err == nil {
			return k
		}
	}
	h := xxhash.NewWithSeed(0)
	_, _ = h.WriteString(home)
	putUint64(k[:8], h.Sum64())
	h.ResetWithSeed(1)
	_, _ = h.WriteString(home)
	putUint64(k[8:], h.Sum64())
	return k
}

// Counts account for every message of a partition since it began, or since it was restored.
type Counts struct {
	Messages    uint64 // seen, those of partition All included
	First       uint64 // first copies of channel events, folded
	Copies      uint64 // the same (source, id, time) again
	Late        uint64 // first copies that came too late for journeys
	SetAside    uint64 // of no use to the fold
	System      uint64
	Quarantined uint64 // homes
	Retired     uint64 // groups of journeys that became final
	Parked      uint64 // groups of journeys that wait for their case
	Reopened    uint64 // groups that came back
}

// Changes is what one message changed.
type Changes struct {
	Rows     Rows
	Told     []Told
	SetAside []SetAside
}

// SetAside is a message that the fold could not use, or what it has to report of one.
type SetAside struct {
	Position uint64
	Reason   string
	Source   string
	Field    string
	Expected string
	Cause    error // of a defect: for the log alone
}

// SetAsideReasons are those for which the fold sets a message aside, of the closed list in package event. Nobody else gives
// them.
func SetAsideReasons() []string {
	return []string{event.ReasonIDReused, event.ReasonPoisonous, event.ReasonExploded, event.ReasonUndecodable}
}

// what was expected of a message that is set aside: field, and words.
var expectedOf = map[string][2]string{
	event.ReasonIDReused:    {"id", "an id that this source has not used before with another time: the first event of it stands"},
	event.ReasonPoisonous:   {"", "an event that the fold can take: it failed on this one, which is a defect of Parcours"},
	event.ReasonUndecodable: {"", "an event as the door writes it"},
}

// NewPartition begins an empty partition.
func NewPartition(s Setup) *Partition {
	if s.Archive == nil {
		s.Archive = NewMemoryArchive()
	}
	return &Partition{Setup: s, clock: noTime, dict: newDictionary(nil), homes: map[homeKey]int32{}, customers: newCustomers(),
		late: map[uint64]event.Instant{}, ledger: newLedger(s.Number)}
}

// noTime is the clock of a partition that has seen nothing.
const noTime = event.Instant(-1 << 63)

// Clock is the largest event time or accepted tick so far.
func (p *Partition) Clock() event.Instant { return p.clock }

// Position is that of the last message applied, or seen by Pass.
func (p *Partition) Position() uint64 { return p.position }

// Wall says whether an operator has switched the log from log time to the wall clock.
func (p *Partition) Wall() bool { return p.wall }

// Homes is how many homes are held in memory.
func (p *Partition) Homes() int { return len(p.homes) }

// Counts gives the accounts.
func (p *Partition) Counts() Counts { return p.counts }

// NextDue is the earliest clock at which something changes by itself; journey.Never when nothing is due.
func (p *Partition) NextDue() event.Instant {
	return min(p.due.earliest(p.slots), p.customers.due.earliest(p.customers.slots))
}

// Pass notes that the log has come to a position without a message for this partition.
func (p *Partition) Pass(position uint64) { p.position = max(p.position, position) }

// tickTolerance is how far a tick may lie beyond the moment the log stored it.
const tickTolerance = 60_000

// Apply folds one message, adding what it changes to c. Messages come in the order of the log; in the part of it that an
// operator admitted, in order of time, and m.Position then is their place in that order. An event that cannot be decoded
// is e == nil. An error is the archive's: the partition must not be used any more.
func (p *Partition) Apply(m *Message, e *event.Event, c *Changes) error {
	p.counts.Messages++
	p.position = max(p.position, m.Position)
	switch {
	case e == nil:
		p.setAside(m, event.ReasonUndecodable, "", c)
		return nil
	case event.System(e.Type):
		return p.system(m, e, c)
	}
	return p.channel(m, e, c)
}

// setAside keeps a message out of the fold.
func (p *Partition) setAside(m *Message, reason, source string, c *Changes) {
	p.counts.SetAside++
	p.ledger.of(m.LogPosition()).SetAside++
	expected := expectedOf[reason]
	c.SetAside = append(c.SetAside, SetAside{Position: m.LogPosition(), Reason: reason, Source: source, Field: expected[0], Expected: expected[1]})
}

// system applies an event that Parcours or an operator wrote.
func (p *Partition) system(m *Message, e *event.Event, c *Changes) error {
	p.counts.System++
	if m.Partition == All {
		p.ledger.of(m.LogPosition()).Broadcast++
	} else {
		p.ledger.of(m.LogPosition()).System++
	}
	switch {
	case e.Type == event.ClockModeChanged:
		return p.toWall(m, e, c)
	case e.Type == event.RulesPublished:
		return p.publish(m, e, c)
	case e.Type == event.DayClosed:
		p.closeDay(m, e, c)
		return nil
	case e.Type == event.ChurnScored:
		return p.score(m, e, c)
	case e.Type == event.DayScored:
		p.scoreDay(m, e, c)
		return nil
	case e.Type == event.ModelPublished:
		p.publishModel(m, e, c)
		return nil
	case e.Type != event.ClockTicked || e.At <= p.clock || e.At > m.StoredAt+tickTolerance:
		return nil
	}
	p.clock = e.At
	return p.refold(m.Position, nil, c)
}

// toWall switches to the wall clock: time jumps to that of the switch, and nobody is told what fell due by the jump, since
// it was due long ago.
func (p *Partition) toWall(m *Message, e *event.Event, c *Changes) error {
	if e.Data.Mode != "wall" || p.wall {
		return nil
	}
	p.wall = true
	if e.At <= p.clock || e.At > m.StoredAt+tickTolerance {
		return nil
	}
	p.clock = e.At
	told := len(c.Told)
	err := p.refold(m.Position, nil, c)
	c.Told = c.Told[:told]
	return err
}

// channel applies a channel event.
func (p *Partition) channel(m *Message, e *event.Event, c *Changes) error {
	e.Home = homeOf(e)
	u, err := p.open(e.Home, ofMessage)
	if err != nil {
		return err
	}
	print := event.Fingerprint(e.Source, e.ID)
	v, err := p.judge(m, e, u, print)
	if err != nil {
		return err
	}
	count := p.ledger.of(m.LogPosition())
	switch v {
	case isCopy:
		p.counts.Copies++
		count.Copies++
		return nil
	case isReused:
		p.setAside(m, event.ReasonIDReused, e.Source, c)
		return nil
	case isLate:
		p.counts.Late++
		count.Late++
		p.keepLate(m, e, print, c)
		return p.lateObjection(m, e, u, c)
	}
	return p.first(m, e, u, print, c)
}

// first folds the first copy of an event.
func (p *Partition) first(m *Message, e *event.Event, u *unit, print uint64, c *Changes) error {
	if u.quarantined {
		if err := p.Archive.Settle(print, e.At); err != nil {
			return fmt.Errorf("settle an event of partition %d: %w", p.Number, err)
		}
		p.clock = max(p.clock, e.At)
		p.countFirst(m, e, c)
		return p.refold(m.Position, nil, c)
	}
	if event.SpecOf(e.Type).Role != event.Apart {
		if err := p.reopen(u, e); err != nil {
			return err
		}
	}
	u.insert(e, print)
	p.clock = max(p.clock, e.At)
	return p.refold(m.Position, &touch{m, e, u}, c)
}

// countFirst accounts for an event that is folded, and gives its row.
func (p *Partition) countFirst(m *Message, e *event.Event, c *Changes) {
	p.counts.First++
	p.ledger.of(m.LogPosition()).First++
	p.eventRow(m, e, c)
}

func (p *Partition) eventRow(m *Message, e *event.Event, c *Changes) {
	row := EventRow{Position: m.LogPosition(), Partition: p.Number, StoredAt: m.StoredAt, Event: e}
	count := p.ledger.of(m.LogPosition())
	count.Digest += RowDigest(row.Content(), row.Position)
	c.Rows.Events = append(c.Rows.Events, row)
}

// keepLate marks an event that came too late for journeys: it stands in cx.events, and its place says so.
func (p *Partition) keepLate(m *Message, e *event.Event, print uint64, c *Changes) {
	p.late[print] = e.At
	p.eventRow(m, e, c)
	row := placeRow(e)
	row.Placement, row.Position, row.Partition = "late", m.Position, p.Number
	p.tally.add(tableSteps, said{row.Content(), m.Position})
	c.Rows.Steps = append(c.Rows.Steps, row)
}

type verdict uint8

const (
	isFirst verdict = iota
	isCopy
	isReused
	isLate
)

// judge says what an event is: seen before (in memory, among the late ones, or, when it comes so late that it may be, among
// those that left memory), late, or new.
func (p *Partition) judge(m *Message, e *event.Event, u *unit, print uint64) (verdict, error) {
	if at, known := u.knows(print); known {
		return sameOrReused(at, e), nil
	}
	if at, known := p.late[print]; known {
		return sameOrReused(at, e), nil
	}
	late := p.clock != noTime && e.At < p.clock.Add(-p.Book.Lateness)
	if !late && !u.quarantined {
		return isFirst, nil
	}
	at, known, err := p.Archive.Settled(print)
	switch {
	case err != nil:
		return 0, fmt.Errorf("look up a fingerprint: %w", err)
	case known:
		return sameOrReused(at, e), nil
	case late && m.Position > p.Admitted:
		return isLate, nil
	}
	return isFirst, nil
}

func sameOrReused(at event.Instant, e *event.Event) verdict {
	if at == e.At {
		return isCopy
	}
	return isReused
}

// knows gives the time of an event of the unit by its fingerprint.
func (u *unit) knows(print uint64) (event.Instant, bool) {
	if i := slices.Index(u.prints, print); i >= 0 {
		return u.events[i].At, true
	}
	return 0, false
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

// Two units may be unpacked at once: that of the message, and one that is due.
const (
	ofMessage = iota
	thatIsDue
)

// open unpacks the unit of a home into one of the two arenas; a new one has no slot yet.
func (p *Partition) open(home string, arena int) (*unit, error) {
	i, known := p.homes[keyOf(home)]
	if !known {
		return &unit{home: home, slot: -1, due: journey.Never}, nil
	}
	u, err := unpackUnit(p.slots[i].packed, p.dict, p.arenas[arena])
	if err != nil {
		return nil, fmt.Errorf("partition %d: %w", p.Number, err)
	}
	if n := len(u.events); n > len(p.arenas[arena]) && n <= arenaMost {
		p.arenas[arena] = make([]event.Event, 2*n) // the next time
	}
	u.slot, u.due = int(i), p.slots[i].due
	return u, nil
}

// arenaMost bounds what is kept for the events of a large home, about 1 KiB each.
const arenaMost = 1 << 12

// close packs a unit back, with the clock at which it must be looked at again; an empty one leaves.
func (p *Partition) close(u *unit, due event.Instant) {
	key := keyOf(u.home)
	if u.empty() {
		if u.slot >= 0 {
			delete(p.homes, key)
			p.slots[u.slot] = slot{due: journey.Never}
			p.free = append(p.free, int32(u.slot))
		}
		return
	}
	if u.slot < 0 {
		u.slot = p.newSlot()
		p.homes[key] = int32(u.slot)
	}
	w := packer{b: p.scratch[:0], dict: p.dict}
	u.pack(&w)
	p.scratch = w.b
	p.slots[u.slot].packed = string(w.b)
	p.due.set(p.slots, u.slot, due)
}

func (p *Partition) newSlot() int {
	if n := len(p.free); n > 0 {
		i := p.free[n-1]
		p.free = p.free[:n-1]
		return int(i)
	}
	p.slots = append(p.slots, slot{due: journey.Never})
	return len(p.slots) - 1
}

// touch is the event that a message brings, in the unit it belongs to.
type touch struct {
	message *Message
	event   *event.Event
	unit    *unit
}

// refold folds anew the home of the message and those for which something is due, each once, in a fixed order: those that
// are due by their names, then the one of the message, then the customers whose signals are due.
func (p *Partition) refold(position uint64, t *touch, c *Changes) error {
	list, err := p.passed()
	if err != nil {
		return err
	}
	w := writer{partition: p, position: position, changes: c, cause: p.clock}
	itself := false
	for _, home := range list {
		if t != nil && t.unit.home == home {
			itself = true
			continue
		}
		if err := p.fallDue(&w, home); err != nil {
			return err
		}
	}
	if t != nil {
		w.cause, w.event = t.event.At, true
		if err := p.apply(&w, t, itself); err != nil {
			return err
		}
	}
	return p.customersDue(&w)
}

// fallDue folds a unit for which the clock has passed something. One that the fold fails on is quarantined.
func (p *Partition) fallDue(w *writer, home string) error {
	u, err := p.open(home, thatIsDue)
	if err != nil {
		return err
	}
	failed := p.attempt(w, u, nil)
	if !errors.Is(failed, errPoison) {
		return failed
	}
	if u, err = p.open(home, thatIsDue); err != nil {
		return err
	}
	if err := p.quarantine(w, u); err != nil {
		return err
	}
	w.changes.SetAside = append(w.changes.SetAside, SetAside{Position: w.position, Reason: event.ReasonPoisonous, Field: "home",
		Expected: "a home that can be folded when the clock passes what is due; it is quarantined", Cause: failed})
	return nil
}

// passed takes out the homes that are due, in order.
func (p *Partition) passed() ([]string, error) {
	slots := p.due.pass(p.clock, p.slots)
	if len(slots) == 0 {
		return nil, nil
	}
	homes := make([]string, 0, len(slots))
	for _, i := range slots {
		r := unpacker{s: p.slots[i].packed}
		home, _ := r.home()
		if r.err != nil {
			return nil, fmt.Errorf("partition %d: %w", p.Number, r.err)
		}
		homes = append(homes, home)
	}
	slices.SortFunc(homes, cmp.Compare[string])
	return slices.Compact(homes), nil
}

// apply folds the unit of a message. An event that the fold fails on is set aside and changes nothing; one that makes its
// home larger than any customer quarantines it. due says that the clock has passed something of that home as well, which
// happens also where the event is set aside.
func (p *Partition) apply(w *writer, t *touch, due bool) error {
	err := p.attempt(w, t.unit, t.event)
	if errors.Is(err, errPoison) {
		p.setAside(t.message, event.ReasonPoisonous, t.event.Source, w.changes)
		w.changes.SetAside[len(w.changes.SetAside)-1].Cause = err
		if due {
			w.cause, w.event = p.clock, false
			return p.fallDue(w, t.unit.home)
		}
		return nil
	}
	if err != nil {
		return err
	}
	p.countFirst(t.message, t.event, w.changes)
	if t.unit.quarantined {
		w.changes.SetAside = append(w.changes.SetAside, SetAside{
			Position: t.message.LogPosition(), Reason: event.ReasonExploded, Source: t.event.Source, Field: "home",
			Expected: fmt.Sprintf("at most %d events within %d days for one customer or case", p.Book.MostEvents, int(p.Book.Horizon()/rules.Day)),
		})
	}
	return nil
}

// errPoison means that the fold failed on a unit.
var errPoison = errors.New("the fold failed")

// attempt folds a unit and packs it, and with it what is known of its customer, or leaves everything as it was. e is the event
// that came for it; nil for none.
func (p *Partition) attempt(w *writer, u *unit, e *event.Event) (err error) {
	mark := w.mark()
	w.known.clear()
	defer func() {
		if cause := recover(); cause != nil {
			w.back(mark)
			err = fmt.Errorf("%w: %v\n%s", errPoison, cause, debug.Stack())
		}
	}()
	if e != nil {
		p.learn(w, u, e)
	}
	return p.fold(w, u)
}

// fold computes what a unit amounts to now, lets go what is old, and packs the rest.
func (p *Partition) fold(w *writer, u *unit) error {
	if u.quarantined {
		p.close(u, journey.Never)
		return nil
	}
	history, found := p.compute(u)
	if len(u.events) > p.Book.MostEvents && p.within(u) > p.Book.MostEvents {
		return p.quarantine(w, u)
	}
	w.refold(u, history, found)
	seen, err := p.lookAt(w, u.home)
	if err != nil {
		return err
	}
	if failing != nil {
		failing(u.events)
	}
	next, err := p.retire(u, history, found.Due)
	if err != nil {
		return err
	}
	p.close(u, next)
	if seen != nil {
		p.keep(seen.customer, seen.packed, seen.due)
	}
	return nil
}

func (p *Partition) compute(u *unit) (journey.History, breakpoint.Findings) {
	history := journey.Fold(u.events, u.past, p.clock, p.Book)
	return history, breakpoint.Detect(history, p.clock, p.Book)
}

// failing is set by a test, to fail as a defect would, when everything has been said that must be taken back then.
var failing func([]*event.Event)
