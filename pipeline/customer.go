package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"parcours/pipeline/breakpoint"
	"parcours/pipeline/churn"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

// customers are those of a partition: of whom their own events have said something that a churn signal or a model looks at.
// Each lies packed in a slot, as a home does, and none ever leaves: somebody who was there once is known for good.
type customers struct {
	index   map[homeKey]int32 // customer -> slot
	slots   []slot
	glances []glance // one of each slot
	due     dueQueue
	rules   *churn.Parameters // of the book in force; nil until they are asked for
}

func newCustomers() customers { return customers{index: map[homeKey]int32{}} }

// customer is one of them, unpacked: what is known, and what was last said of it.
type customer struct {
	id       string
	slot     int // -1 for one that has none yet
	standing churn.Standing
	signals  []signalMemo
	last     churn.Last // what was told last of the score
	closed   bool       // quarantined with the home, or because the fold failed: nothing is known any more, nor will be
}

// signalMemo is what was last said of a signal: enough to see a change, to take it back, and to keep the digest of the
// table. Its id follows from the customer, the kind and the time. One that ended and is settled is forgotten.
type signalMemo struct {
	said
	kind      string
	segment   string // when it was raised
	raisedAt  event.Instant
	clearedAt event.Instant
	why       string         // "" while it stands
	known     *signalAsKnown // nil for a signal of the fold
}

// signalAsKnown is what was said when it was raised: nobody will compute it again.
type signalAsKnown struct {
	evidence []string
	value    float64
	limit    float64
	rules    string
}

// SignalsAsKnown are the kinds of signals that a model raises and clears: decided once, told to the log, and read from there.
func SignalsAsKnown() []string { return []string{churn.DecayOfUse, churn.Risk, churn.Voice} }

// Standings gives every customer of the partition of whom something is known, in an order that follows from the log alone. A
// standing is the partition's: what is to be kept of it beyond the call must be copied. It stops at the first error.
func (p *Partition) Standings(each func(customer string, s *churn.Standing) error) error {
	for i := range p.customers.slots {
		c, err := p.customerAt(i)
		if err != nil {
			return err
		}
		if c.closed || c.standing.Empty() {
			continue
		}
		if err := each(c.id, &c.standing); err != nil {
			return err
		}
	}
	return nil
}

// Customers is how many of them are known.
func (p *Partition) Customers() int { return len(p.customers.slots) }

// signalRules are what the books in force say of signals.
func (p *Partition) signalRules() *churn.Parameters {
	if p.customers.rules == nil {
		p.customers.rules = churn.ParametersOf(p.Book)
	}
	return p.customers.rules
}

// unsettled is how long what is known of a customer stays as it came, fact by fact: as long as an event may still come before
// it (the lateness), and on top of that as long as what is said of a breakpoint may still change.
func (p *Partition) unsettled() time.Duration { return p.Book.Lateness + p.Book.Near() }

// customerOf unpacks a customer; one who is not known yet has no slot.
func (p *Partition) customerOf(id string) (*customer, error) {
	i, known := p.customers.index[keyOf(id)]
	if !known {
		return &customer{id: id, slot: -1}, nil
	}
	return p.customerAt(int(i))
}

func (p *Partition) customerAt(i int) (*customer, error) {
	c, err := unpackCustomer(p.customers.slots[i].packed, p.dict)
	if err != nil {
		return nil, fmt.Errorf("partition %d: %w", p.Number, err)
	}
	c.slot = i
	return c, nil
}

// keep packs a customer back, with the clock at which a signal changes by itself. It cannot fail.
func (p *Partition) keep(c *customer, packed string, due event.Instant) {
	if c.slot < 0 {
		c.slot = len(p.customers.slots)
		p.customers.slots = append(p.customers.slots, slot{due: journey.Never})
		p.customers.glances = append(p.customers.glances, glance{turn: turnOf(packed)})
		p.customers.index[keyOf(c.id)] = int32(c.slot)
	}
	p.customers.slots[c.slot].packed = packed
	p.customers.glances[c.slot] = c.glanceAt(p.customers.glances[c.slot].turn)
	p.customers.due.set(p.customers.slots, c.slot, due)
}

// known is what the fold of one unit has found out about its customer.
type known struct {
	facts []churn.Fact
	gone  []string        // ids of breakpoints that hold no more
	stay  []BreakpointRow // breakpoints of which no more is to be learnt, as they fell due
}

func (k *known) nothing() bool { return len(k.facts)+len(k.gone) == 0 }

func (k *known) clear() { k.facts, k.gone, k.stay = k.facts[:0], k.gone[:0], k.stay[:0] }

// learn takes in what an event says of the customer whose home it stands in. Of what fell due there long before it, and that
// no other message has let fall due, it is known as it was then: the event comes too late to change it.
func (p *Partition) learn(w *writer, u *unit, e *event.Event) {
	if e.Data.Customer == u.home {
		w.known.facts = churn.FactsOf(w.known.facts, e)
		for i := range w.known.facts {
			w.known.facts[i].Family = "" // asked of breakpoints alone
		}
	}
	if !u.quarantined && !w.young(u.due) {
		p.overdue(w, u, e)
	}
}

func (p *Partition) overdue(w *writer, u *unit, e *event.Event) {
	events := slices.DeleteFunc(slices.Clone(u.events), func(other *event.Event) bool { return other == e })
	found := breakpoint.Detect(journey.Fold(events, u.past, e.At-1, p.Book), e.At-1, p.Book)
	for i := range found.Breakpoints {
		row := w.breakpointRow(&found.Breakpoints[i])
		if w.young(row.DetectedAt) || row.CustomerID != u.home || breakpointMemoOf(u.breakpoints, row.BreakpointID, i) != nil {
			continue
		}
		row.Known = knownOf(&row)
		w.known.facts, w.known.stay = append(w.known.facts, row.Known.fact(&row)), append(w.known.stay, row)
	}
}

// looked is a customer who was looked at, ready to be kept.
type looked struct {
	customer *customer
	packed   string
	due      event.Instant
}

// look takes in what is new of a customer, says what has changed of the signals, and packs the rest. Nothing of the partition
// changes but what the writer can take back.
func (p *Partition) look(w *writer, c *customer, k *known) looked {
	for i := range k.facts {
		c.standing.Add(k.facts[i])
	}
	for _, id := range k.gone {
		c.standing.Remove(churn.Broken, id)
	}
	rules := p.signalRules()
	state := c.standing.State(p.clock, rules)
	w.signals(c, state.Signals())
	if state.Objected() {
		w.objected(c)
	}
	if failingLook != nil {
		failingLook(c.id)
	}
	settled := p.clock.Add(-p.unsettled())
	c.standing.Settle(settled, rules)
	c.forget(settled)
	return looked{c, p.packCustomer(c), state.NextDue()}
}

// forget lets go of what was said of signals that nothing can change any more.
func (c *customer) forget(settled event.Instant) {
	c.signals = slices.DeleteFunc(c.signals, func(m signalMemo) bool { return m.why != "" && m.clearedAt < settled })
}

// lookAt is look for the customer of a unit, who is its home; nil where nothing is new.
func (p *Partition) lookAt(w *writer, home string) (*looked, error) {
	if w.known.nothing() {
		return nil, nil
	}
	c, err := p.customerOf(home)
	if err != nil || c.closed {
		return nil, err
	}
	done := p.look(w, c, &w.known)
	return &done, nil
}

// customersDue looks at the customers for whom the clock has passed something, in order.
func (p *Partition) customersDue(w *writer) error {
	slots := p.customers.due.pass(p.clock, p.customers.slots)
	if len(slots) == 0 {
		return nil
	}
	list := make([]*customer, 0, len(slots))
	for _, i := range slots {
		c, err := p.customerAt(int(i))
		if err != nil {
			return err
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *customer) int { return cmp.Compare(a.id, b.id) })
	for i, c := range list {
		if i > 0 && list[i-1].slot == c.slot {
			continue
		}
		if err := p.lookSafely(w, c, &known{}); err != nil {
			return err
		}
	}
	return nil
}

// lateObjection heeds an objection that came too late for journeys: it holds from now on. It is the one event for which it
// counts when it came, since nobody is to be watched who is known to object.
func (p *Partition) lateObjection(m *Message, e *event.Event, u *unit, c *Changes) error {
	if e.Type != event.CustomerObjected || e.Data.Customer != e.Home || u.quarantined {
		return nil
	}
	who, err := p.customerOf(e.Home)
	if err != nil || who.closed {
		return err
	}
	facts := churn.FactsOf(nil, e)
	for i := range facts {
		facts[i].At = p.clock
	}
	return p.lookSafely(&writer{partition: p, position: m.Position, changes: c}, who, &known{facts: facts})
}

// lookSafely looks at a customer by himself. One that the fold fails on is closed and reported.
func (p *Partition) lookSafely(w *writer, c *customer, k *known) error {
	failed := p.attemptLook(w, c, k)
	if !errors.Is(failed, errPoison) {
		return failed
	}
	if err := p.closeCustomer(w, c.id); err != nil {
		return err
	}
	w.changes.SetAside = append(w.changes.SetAside, SetAside{Position: w.position, Reason: event.ReasonPoisonous, Field: "customer",
		Expected: "a customer who can be looked at when the clock passes what is due; nothing more is said of him", Cause: failed})
	return nil
}

// attemptLook looks at a customer, or leaves everything as it was.
func (p *Partition) attemptLook(w *writer, c *customer, k *known) (err error) {
	mark := w.mark()
	defer func() {
		if cause := recover(); cause != nil {
			w.back(mark)
			err = fmt.Errorf("%w: %v\n%s", errPoison, cause, debug.Stack())
		}
	}()
	done := p.look(w, c, k)
	p.keep(c, done.packed, done.due)
	return nil
}

// closeCustomer takes back what was said of a customer's signals and forgets all else, as long as the generation lasts: his
// home is quarantined, or the fold failed on him. One of whom nothing was known stays unknown.
func (p *Partition) closeCustomer(w *writer, id string) error {
	i, known := p.customers.index[keyOf(id)]
	if !known {
		return nil
	}
	c, err := p.customerAt(int(i))
	if err != nil || c.closed {
		return err
	}
	for j := range c.signals {
		w.retractSignal(c, &c.signals[j])
	}
	c.closed = true
	p.keep(c, p.packCustomer(c), journey.Never)
	return nil
}

// toLook makes every customer due: other rules may judge what is ahead of the clock.
func (p *Partition) toLook() {
	p.customers.rules = nil
	for i := range p.customers.slots {
		p.customers.due.set(p.customers.slots, i, p.clock)
	}
}

// packCustomer writes a customer in his compact form.
func (p *Partition) packCustomer(c *customer) string {
	w := packer{b: p.scratch[:0], dict: p.dict}
	if c.closed {
		w.home(c.id, unitQuarantined)
	} else {
		w.home(c.id, 0)
		w.uint(uint64(len(c.signals)))
		for i := range c.signals {
			w.signal(&c.signals[i])
		}
		w.last(&c.last)
		w.b = c.standing.Append(w.b)
	}
	p.scratch = w.b
	return string(w.b)
}

// The flags of a packed signal.
const (
	signalCleared = 1 << iota
	signalKnown
)

func (p *packer) signal(m *signalMemo) {
	flags := byte(0)
	if m.why != "" {
		flags |= signalCleared
	}
	if m.known != nil {
		flags |= signalKnown
	}
	p.byte(flags)
	p.word(m.kind)
	p.word(m.segment)
	p.int(int64(m.raisedAt))
	if m.why != "" {
		p.word(m.why)
		p.at(m.clearedAt, m.raisedAt)
	}
	p.said(m.said)
	if k := m.known; k != nil {
		p.words(k.evidence)
		p.number(k.value)
		p.number(k.limit)
		p.word(k.rules)
	}
}

func (u *unpacker) signal(m *signalMemo) {
	flags := u.byte()
	m.kind, m.segment, m.raisedAt = u.word(), u.word(), event.Instant(u.int())
	if flags&signalCleared != 0 {
		m.why, m.clearedAt = u.word(), u.at(m.raisedAt)
	}
	m.said = u.said()
	if flags&signalKnown != 0 {
		m.known = &signalAsKnown{evidence: u.words(), value: u.number(), limit: u.number(), rules: u.word()}
	}
}

func unpackCustomer(packed string, dict *dictionary) (*customer, error) {
	r := &unpacker{s: packed, dict: dict}
	c := &customer{}
	if c.id, c.closed = r.home(); c.closed || r.err != nil {
		return c, r.err
	}
	if n := r.count(); n > 0 {
		c.signals = make([]signalMemo, n)
		for i := range c.signals {
			r.signal(&c.signals[i])
		}
	}
	c.last = r.last()
	if r.err != nil {
		return nil, r.err
	}
	var err error
	c.standing, err = churn.StandingIn(r.s)
	return c, err
}

// failingLook is set by a test, to fail as a defect would.
var failingLook func(customer string)
