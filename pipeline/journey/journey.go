package journey

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"

	"parcours/pipeline/event"
)

// Outcome of a journey.
type Outcome string

// The outcomes. Escalated is a flag, not an end.
const (
	Open       Outcome = "open"
	Resolved   Outcome = "resolved"
	Unresolved Outcome = "unresolved"
	Lost       Outcome = "lost"
)

// Basis says who says that a journey is resolved.
type Basis string

// The bases, strongest first.
const (
	ByCustomer Basis = "customer"
	ByCase     Basis = "case"
	ByAgent    Basis = "agent"
	BySilence  Basis = "silence"
)

// Cut says why a journey begins where it does.
type Cut string

// Why a block began a journey instead of joining one.
const (
	CutFirst  Cut = "first"  // the customer had none
	CutGap    Cut = "gap"    // the last one for this reason family had been silent for longer than its gap
	CutReason Cut = "reason" // the others are about something else
	CutCase   Cut = "case"   // a case of its own, and no earlier journey for the same reason
)

// Journey is all that one customer does to reach one goal, as far as the clock.
type Journey struct {
	ID           string
	FirstEvent   *event.Event
	CaseID       string // the first
	Cases        []string
	CustomerID   string
	ReasonFamily string
	Reason       string         // the last stated one of that family
	Steps        []*event.Event // in order
	Contacts     []*Contact     // in order of their start
	Inbound      []*Contact     // those of them that the customer made, with a person or a bot
	Types        event.Types    // of its steps
	Cut          Cut

	Outcome   Outcome
	Basis     Basis
	Escalated bool
	EndedAt   event.Instant // 0 while open
	KnownAt   event.Instant // when that became known: EndedAt, or when it had been silent for long enough; 0 while open
	Due       event.Instant // the clock at which its outcome may read differently by itself; Never when nothing is due

	blocks []*block
	number int  // in the order of beginning
	past   Past // what later blocks see of it
	grown  bool // page views were added
	owing  bool // an answer could still join it, as far as the book reaches
}

// Start is the time of the first step.
func (j *Journey) Start() event.Instant { return j.Steps[0].At }

// Last is the time of the last step.
func (j *Journey) Last() event.Instant { return j.Steps[len(j.Steps)-1].At }

// StepOf is the number of an event in the journey, from 1; 0 when it is not there.
func (j *Journey) StepOf(e *event.Event) uint32 {
	i, found := slices.BinarySearchFunc(j.Steps, e, event.Compare)
	if !found {
		return 0
	}
	return uint32(i + 1)
}

// ContactOf is the contact an event is part of, nil where there is none.
func (j *Journey) ContactOf(e *event.Event) *Contact {
	if !interaction(e) {
		return nil
	}
	i, found := slices.BinarySearchFunc(j.Contacts, e, func(c *Contact, e *event.Event) int { return event.Compare(c.First(), e) })
	if found && j.Contacts[i].First() == e {
		return j.Contacts[i]
	}
	if e.Data.Contact == "" { // stands for itself
		return nil
	}
	for i--; i >= 0; i-- {
		if c := j.Contacts[i]; c.ID == e.Data.Contact && slices.Contains(c.Steps, e) {
			return c
		}
	}
	return nil
}

// inbound lists the contacts that the customer made, with a person or a bot.
func (j *Journey) inbound() (list []*Contact) {
	for _, c := range j.Contacts {
		if c.Inbound && c.WithSomebody() {
			list = append(list, c)
		}
	}
	return list
}

// name gives the id: a journey is named by its first event; where that belongs to a case, by the case, so that an earlier
// event of the same case changes nothing.
func (j *Journey) name() {
	j.FirstEvent = j.Steps[0]
	if c := j.FirstEvent.Data.Case; contains(j.Cases, c) {
		j.ID = ID("journey", "case", j.FirstEvent.Home, c)
		return
	}
	e := j.FirstEvent
	j.ID = ID("journey", "event", e.Home, e.Source, e.ID, strconv.FormatInt(int64(e.At), 10))
}

// ID is a deterministic name of 128 bits in hexadecimal, of parts that may hold anything.
func ID(parts ...string) string {
	var room [256]byte
	text := room[:0]
	for _, p := range parts {
		text = strconv.AppendInt(text, int64(len(p)), 10)
		text = append(append(text, ':'), p...)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}
