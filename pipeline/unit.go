package pipeline

import (
	"encoding/hex"
	"slices"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

// unit is what is folded together: the events of one home within the horizon, and what was last said of them. Between two
// messages it lies packed in its slot.
type unit struct {
	home   string
	slot   int            // in the partition
	due    event.Instant  // of the slot when it was unpacked
	events []*event.Event // in order
	prints []uint64       // fingerprints of (source, id), in the order of events
	steps  []stepMemo     // what was said of each event's place, in the order of events

	journeys    []journeyMemo
	breakpoints []breakpointMemo
	retired     []aliasMemo
	past        []journey.Past // journeys that left memory and still explain where later ones begin

	quarantined bool // it has more events than any customer: nothing is folded any more, and nothing is held
}

// What was last said of a journey, a step, a breakpoint and an alias: enough to see a change, to retract, and to keep the
// digests of the tables.
type (
	said struct {
		content  uint64 // of the row, see Content; 0 and position 0 when nothing was said
		position uint64 // its version
	}
	journeyMemo struct {
		said
		id      string
		keyTime event.Instant
		family  string
		steps   []*event.Event
		state   journeyState
	}
	// journeyState is what a journey's row says beyond what follows from its steps.
	journeyState struct {
		outcome       journey.Outcome
		basis         journey.Basis
		endedAt       event.Instant
		cut           journey.Cut
		breakpoints   uint32
		opportunities uint64 // the hash of them and of the contacts ended
	}
	stepMemo struct {
		said
		written written
	}
	// written is an event as it was packed last, and would be again after an event of the same time.
	written struct {
		packed string // "" where it never was
		base   event.Instant
	}
	breakpointMemo struct {
		said
		id         string
		kind       string
		family     string
		journeyID  string
		occurredAt event.Instant
		detectedAt event.Instant
		severity   uint8
		known      KnownRow // what is known of it, of the customer whose home this is
		gone       bool     // it was taken back, too late for what is known: should it come again, it is not known anew
	}
	// aliasMemo is a journey that gave way, should it come back.
	aliasMemo struct {
		said
		id      string
		keyTime event.Instant
		back    bool // it is there again: the alias leads to itself
	}
)

func (s said) nothing() bool { return s.position == 0 }

// find is the place of an event of the unit, by order.
func (u *unit) find(e *event.Event) int {
	i, _ := slices.BinarySearchFunc(u.events, e, event.Compare)
	return i
}

// insert puts an event at its own place.
func (u *unit) insert(e *event.Event, print uint64) {
	at := len(u.events)
	for at > 0 && e.Before(u.events[at-1]) {
		at--
	}
	u.events = slices.Insert(u.events, at, e)
	u.prints = slices.Insert(u.prints, at, print)
	u.steps = slices.Insert(u.steps, at, stepMemo{})
}

// names says whether an event of the unit holds a case. One that is about no journey does not, whatever case it names.
func (u *unit) names(caseID string) bool {
	for _, e := range u.events {
		if e.Data.Case == caseID && event.SpecOf(e.Type).Role != event.Apart {
			return true
		}
	}
	return false
}

func (u *unit) empty() bool { return len(u.events) == 0 && !u.quarantined }

// The flags at the beginning of a packed unit.
const (
	unitQuarantined = 1 << iota
	unitPseudonym   // the home is a customer's pseudonym, in 16 bytes
)

const pseudonymText = 1 + 2*idBytes // "c" and 128 bits in hexadecimal

// packHome begins a packed unit.
func (p *packer) home(home string, flags byte) {
	var raw [idBytes]byte
	if len(home) == pseudonymText && home[0] == 'c' {
		if _, err := hex.Decode(raw[:], []byte(home[1:])); err == nil && hex.EncodeToString(raw[:]) == home[1:] {
			p.byte(flags | unitPseudonym)
			p.b = append(p.b, raw[:]...)
			return
		}
	}
	p.byte(flags)
	p.text(home)
}

func (u *unpacker) home() (home string, quarantined bool) {
	flags := u.byte()
	if flags&unitPseudonym != 0 {
		home = pseudonymOf(u.take(idBytes))
	} else {
		home = u.text()
	}
	return home, flags&unitQuarantined != 0
}

// pseudonymOf is "c" and an identifier in hexadecimal.
func pseudonymOf(id string) string {
	var raw [idBytes]byte
	var text [pseudonymText]byte
	copy(raw[:], id)
	text[0] = 'c'
	hex.Encode(text[1:], raw[:])
	return string(text[:])
}

// homeHash is home where it is enough to tell customers apart by chance (FNV-1a).
func (u *unpacker) homeHash() (hash uint32, quarantined bool) {
	flags := u.byte()
	var id string
	if flags&unitPseudonym != 0 {
		id = u.take(idBytes)
	} else {
		id = u.text()
	}
	hash = 2166136261
	for i := range len(id) {
		hash = (hash ^ uint32(id[i])) * 16777619
	}
	return hash, flags&unitQuarantined != 0
}

// pack writes a unit in its compact form.
func (u *unit) pack(p *packer) {
	if u.quarantined {
		p.home(u.home, unitQuarantined)
		return
	}
	p.home(u.home, 0)
	base := event.Instant(0)
	p.uint(uint64(len(u.events)))
	for i, e := range u.events {
		if w := &u.steps[i].written; w.packed != "" && w.base == base {
			p.b = append(p.b, w.packed...)
		} else {
			p.event(e, base)
		}
		p.said(u.steps[i].said)
		base = e.At
	}
	p.uint(uint64(len(u.journeys)))
	for i := range u.journeys {
		u.packJourney(p, &u.journeys[i], base)
	}
	p.uint(uint64(len(u.breakpoints)))
	for i := range u.breakpoints {
		u.packBreakpoint(p, &u.breakpoints[i], base)
	}
	u.packRest(p, base)
}

func (p *packer) said(s said) {
	p.uint(s.position)
	if s.position != 0 {
		p.fixed(s.content)
	}
}

func (u *unpacker) said() (s said) {
	if s.position = u.uint(); s.position != 0 {
		s.content = u.fixed()
	}
	return s
}

func (u *unit) packJourney(p *packer, j *journeyMemo, base event.Instant) {
	p.id(j.id)
	p.at(j.keyTime, base)
	p.word(j.family)
	p.word(string(j.state.outcome))
	p.word(string(j.state.basis))
	p.word(string(j.state.cut))
	p.at(j.state.endedAt, base)
	p.uint(uint64(j.state.breakpoints))
	p.fixed(j.state.opportunities)
	p.said(j.said)
	p.uint(uint64(len(j.steps)))
	before := -1
	for _, e := range j.steps {
		i := u.find(e)
		p.uint(uint64(i - before))
		before = i
	}
}

func (u *unit) packBreakpoint(p *packer, b *breakpointMemo, base event.Instant) {
	p.id(b.id)
	p.word(b.kind)
	p.word(b.family)
	p.id(b.journeyID)
	p.at(b.occurredAt, base)
	p.at(b.detectedAt, base)
	p.byte(b.severity)
	flags := byte(0)
	switch b.known {
	case KnownRow{}:
	case b.asSaid(u.home):
		flags = memoKnown
	default:
		flags = memoKnown | memoOtherwise
	}
	if b.gone {
		flags |= memoGone
	}
	p.byte(flags)
	if flags&memoOtherwise != 0 {
		p.at(b.known.At, base)
		p.word(b.known.Family)
		p.byte(b.known.Severity)
	}
	p.said(b.said)
}

// The flags of a packed breakpoint.
const (
	memoKnown     = 1 << iota // of the customer whose home the unit is
	memoOtherwise             // than it was said last
	memoGone
)

// asSaid is what is known of a breakpoint of a customer as it was said last.
func (b *breakpointMemo) asSaid(home string) KnownRow {
	return KnownRow{Of: home, At: b.detectedAt, Family: b.family, Severity: b.severity}
}

func (u *unit) unpackBreakpoint(r *unpacker, b *breakpointMemo, base event.Instant) {
	b.id, b.kind, b.family, b.journeyID, b.occurredAt, b.detectedAt = r.id(), r.word(), r.word(), r.id(), r.at(base), r.at(base)
	b.severity = r.byte()
	flags := r.byte()
	if b.gone = flags&memoGone != 0; flags&memoKnown != 0 {
		b.known = b.asSaid(u.home)
	}
	if flags&memoOtherwise != 0 {
		b.known.At, b.known.Family, b.known.Severity = r.at(base), r.word(), r.byte()
	}
	b.said = r.said()
}

func (u *unit) packRest(p *packer, base event.Instant) {
	p.uint(uint64(len(u.retired)))
	for _, a := range u.retired {
		p.id(a.id)
		p.at(a.keyTime, base)
		p.said(a.said)
		p.bit(a.back)
	}
	p.uint(uint64(len(u.past)))
	for _, was := range u.past {
		if was.CustomerID == u.home {
			p.byte(1)
		} else {
			p.byte(0)
			p.text(was.CustomerID)
		}
		p.word(was.Family)
		p.text(was.Case)
		p.at(was.Last, base)
	}
}

// unpackUnit reads a packed unit. Its events live in arena as far as there is room, and their texts in packed.
func unpackUnit(packed string, dict *dictionary, arena []event.Event) (*unit, error) {
	r := &unpacker{s: packed, dict: dict}
	u := &unit{}
	if u.home, u.quarantined = r.home(); u.quarantined {
		return u, r.err
	}
	base := u.unpackEvents(r, arena)
	u.journeys = make([]journeyMemo, r.count())
	for i := range u.journeys {
		u.unpackJourney(r, &u.journeys[i], base)
	}
	u.breakpoints = make([]breakpointMemo, r.count())
	for i := range u.breakpoints {
		u.unpackBreakpoint(r, &u.breakpoints[i], base)
	}
	u.unpackRest(r, base)
	return u, r.err
}

func (u *unit) unpackEvents(r *unpacker, arena []event.Event) (base event.Instant) {
	n := r.count()
	if n > len(arena) {
		arena = make([]event.Event, n)
	}
	clear(arena[:n])
	u.events, u.prints, u.steps = make([]*event.Event, n, n+1), make([]uint64, n, n+1), make([]stepMemo, n, n+1)
	for i := range n {
		e := &arena[i]
		rest := r.s
		r.event(e, u.home, base)
		u.steps[i].written = written{rest[:len(rest)-len(r.s)], base}
		u.events[i], u.prints[i], u.steps[i].said = e, event.Fingerprint(e.Source, e.ID), r.said()
		base = e.At
	}
	return base
}

func (u *unit) unpackJourney(r *unpacker, j *journeyMemo, base event.Instant) {
	j.id, j.keyTime, j.family = r.id(), r.at(base), r.word()
	j.state.outcome, j.state.basis, j.state.cut = journey.Outcome(r.word()), journey.Basis(r.word()), journey.Cut(r.word())
	j.state.endedAt, j.state.breakpoints, j.state.opportunities = r.at(base), uint32(r.uint()), r.fixed()
	j.said = r.said()
	j.steps = make([]*event.Event, r.count())
	at := uint64(0)
	for i := range j.steps {
		if at += r.uint(); at == 0 || at > uint64(len(u.events)) {
			r.fail()
			return
		}
		j.steps[i] = u.events[at-1]
	}
}

func (u *unit) unpackRest(r *unpacker, base event.Instant) {
	for range r.count() {
		a := aliasMemo{id: r.id(), keyTime: r.at(base), said: r.said()}
		a.back = r.bit()
		u.retired = append(u.retired, a)
	}
	for range r.count() {
		was := journey.Past{CustomerID: u.home}
		if r.byte() == 0 {
			was.CustomerID = r.text()
		}
		was.Family, was.Case, was.Last = r.word(), r.text(), r.at(base)
		u.past = append(u.past, was)
	}
}
