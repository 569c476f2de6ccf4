// Package breakpoint finds where journeys broke: one file a kind, each a pure function over the journeys of one customer.
// It cannot change a journey.
package breakpoint

import (
	"cmp"
	"slices"
	"strconv"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

// Breakpoint is a place in a journey where the company failed the customer, by a named rule.
type Breakpoint struct {
	ID            string
	Kind          string
	Severity      uint8 // 1 seen only by us ... 5 legal clock, mediator, authority, court
	Journey       *journey.Journey
	Origin        *event.Event  // the step where the failure began, not where it was noticed
	OccurredAt    event.Instant // when it broke for the customer; part of the id
	DetectedAt    event.Instant // event time of what completed it, or the due time
	OpportunityAt event.Instant // the date at which rates count it
	Silo          string        // owner
	Unit          string
	Channel       event.Channel
	Reason        string
	Evidence      []*event.Event // in order
	Cost          float64        // of the avoidable steps charged to it, in the book's currency

	avoidable []*event.Event
}

// Kind is one rule of the catalogue.
type Kind struct {
	ID       string
	Severity uint8
	Rule     string   // in one sentence
	OutOf    string   // the opportunities that its rate counts
	Clears   []string // event types that clear it; a source that sends none of them cannot be measured
	detect   func(*scope)
}

// Catalogue lists the kinds known so far, in the order of product.md.
func Catalogue() []Kind {
	return []Kind{repeatContact, channelFailover, siloHandoff, slaBreach}
}

// Detect finds the breakpoints of one customer's journeys as of the clock, ordered by time, and for each journey of the
// history the earliest clock at which something that has not happened by then would add one to it (journey.Never when
// nothing is due).
//
// Like the fold it is local in time: a breakpoint of a journey depends on that journey and on journeys near it
// (rules.Book.Near), and nothing is charged to it but their steps.
func Detect(h journey.History, clock event.Instant, book *rules.Book) ([]Breakpoint, []event.Instant) {
	s := scope{history: h, clock: clock, book: book, next: make([]event.Instant, len(h.Journeys))}
	for i := range s.next {
		s.next[i] = journey.Never
	}
	for _, k := range Catalogue() {
		s.kind = k
		k.detect(&s)
	}
	s.sort()
	s.charge()
	return s.found, s.next
}

// scope is what a detector sees and where it puts what it finds.
type scope struct {
	history journey.History
	clock   event.Instant
	book    *rules.Book
	kind    Kind
	found   []Breakpoint
	next    []event.Instant // of each journey
}

// add completes a finding with what follows from its kind and its origin. key names what failed, in words that a late
// event does not change.
func (s *scope) add(b Breakpoint, key ...string) {
	if !s.book.Measured(s.kind.ID, b.Origin.Source) {
		return
	}
	b.Kind = s.kind.ID
	if b.Severity == 0 {
		b.Severity = s.kind.Severity
	}
	if b.Reason == "" {
		b.Reason = b.Journey.Reason
	}
	if b.Silo == "" {
		b.Silo = s.book.OwnerOf(b.Origin.Data.Silo, event.ReasonFamily(b.Reason))
	}
	if b.Unit == "" {
		b.Unit = b.Origin.Data.Unit
	}
	if b.Channel == "" {
		b.Channel = b.Origin.Data.Channel
	}
	at := strconv.FormatInt(int64(b.OccurredAt), 10)
	b.ID = journey.ID(append([]string{"breakpoint", b.Kind, at}, key...)...)
	s.found = append(s.found, b)
}

// due notes that something may break in the i-th journey when the clock has passed an instant.
func (s *scope) due(i int, at event.Instant) { s.next[i] = min(s.next[i], at+1) }

func (s *scope) sort() {
	rank := make(map[string]int, len(s.book.Precedence))
	for i, kind := range s.book.Precedence {
		rank[kind] = i
	}
	slices.SortFunc(s.found, func(a, b Breakpoint) int {
		return cmp.Or(cmp.Compare(a.OccurredAt, b.OccurredAt), cmp.Compare(rank[a.Kind], rank[b.Kind]),
			cmp.Compare(a.OpportunityAt, b.OpportunityAt), cmp.Compare(a.ID, b.ID))
	})
}

// charge gives each avoidable step to the earliest breakpoint that explains it, once.
func (s *scope) charge() {
	charged := map[*event.Event]bool{}
	for i := range s.found {
		b := &s.found[i]
		for _, e := range b.avoidable {
			if !charged[e] {
				charged[e] = true
				b.Cost += journey.StepCost(e, s.book)
			}
		}
	}
}
