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
	Severity      uint8            // 1 seen only by us ... 5 legal clock, mediator, authority, court
	Journey       *journey.Journey // nil for an incident: it is about no journey, and joined to many by product and place
	Origin        *event.Event     // the step where the failure began, not where it was noticed
	OccurredAt    event.Instant    // when it broke for the customer; part of the id
	DetectedAt    event.Instant    // event time of what completed it, or the due time
	OpportunityAt event.Instant    // the date at which rates count it
	Silo          string           // owner
	Unit          string
	Channel       event.Channel
	Reason        string
	Evidence      []*event.Event // in order
	Cost          float64        // of the avoidable steps charged to it, in the book's currency
	Charged       []*event.Event // those steps that cost something, in order; each is charged to one breakpoint of the history

	Counted bool // its opportunity broke by it, before it matured: rates count it

	avoidable []*event.Event
	noUnit    bool // no unit is to be named: the only one known is that of the recorder
}

// Opportunity is one chance that a kind had of breaking in a journey: what its rate is out of, whether it broke or not.
type Opportunity struct {
	Kind      string
	At        event.Instant // the date at which rates count it
	MaturesAt event.Instant // the clock from which it is settled whether it broke, late events apart
	Reason    string
	Silo      string
	Unit      string
	Channel   event.Channel
	Broken    bool
	Clock     string // of sla_breach: which of its clocks it is; see deadline
	Rules     string // version of the rules it was judged by, those in force At; "" when it is not said

	stated string // its reason, also where it was stated only after it matured
}

// Findings are what was found in a history.
type Findings struct {
	Breakpoints   []Breakpoint    // ordered by time
	Opportunities [][]Opportunity // of each journey of the history, kind by kind in the order of the catalogue
	// Due gives for each journey the earliest clock at which something that has not happened by then would add a breakpoint
	// to it; journey.Never when nothing is due.
	Due []event.Instant
	// Contacts are those of each journey that ended having been handled: what first-contact resolution counts.
	Contacts [][]ContactEnded
}

// Kind is one rule of the catalogue.
type Kind struct {
	ID        string
	Severity  uint8
	Rule      string   // in one sentence
	OutOf     string   // the opportunities that its rate counts
	Clears    []string // event types that clear it; a source that sends none of them cannot be measured
	Witness   bool     // carries no cost
	Uncharged bool     // no witness, and carries no cost either: it explains no step
	detect    func(*scope)
}

// Catalogue lists the kinds, in the order of product.md.
func Catalogue() []Kind { return slices.Clone(catalogue) }

var catalogue = []Kind{
	repeatContact, channelFailover, channelPingPong, siloHandoff, longWait, refusedContact, queueAbandonment, formAbandonment,
	slaBreach, brokenPromise, stalledCase, reopenedCase, processLoop, repeatedInformation, coreFailure, complaintEscalation,
	detractor, unansweredDetractor, tension, unresolvedEnd,
}

// Detect finds the breakpoints of one customer's journeys as of the clock.
//
// Like the fold it is local in time: a breakpoint of a journey depends on that journey and on what lies near it
// (rules.Book.Near), and nothing is charged to it but their steps.
func Detect(h journey.History, clock event.Instant, book *rules.Book) Findings {
	s := newScope(h, clock, book)
	for i := range catalogue {
		s.kind = &catalogue[i]
		s.kind.detect(s)
	}
	s.sort()
	s.charge()
	s.contactsEnded()
	return s.found
}

// scope is what a detector sees and where it puts what it finds.
type scope struct {
	history journey.History
	clock   event.Instant
	book    *rules.Book
	kind    *Kind
	number  int // of the journey asked for last
	found   Findings

	visits  []visit           // the contacts the customer made, in order
	reached []assistedContact // those that reached a person
	byCase  caseSteps
}

func newScope(h journey.History, clock event.Instant, book *rules.Book) *scope {
	n := len(h.Journeys)
	s := &scope{history: h, clock: clock, book: book,
		found: Findings{Opportunities: make([][]Opportunity, n), Due: make([]event.Instant, n),
			Contacts: make([][]ContactEnded, n)}}
	for i := range h.Journeys {
		s.found.Due[i] = journey.Never
	}
	s.visits = s.inbound()
	s.reached = s.assisted()
	return s
}

// numberOf is the number of a journey in the history: detectors go from one to the next.
func (s *scope) numberOf(j *journey.Journey) int {
	for s.history.Journeys[s.number] != j {
		s.number = (s.number + 1) % len(s.history.Journeys)
	}
	return s.number
}

// rules are those in force at a moment: that of the opportunity.
func (s *scope) rules(at event.Instant) *rules.Book { return s.book.At(at) }

// where is the place of an event, for the exceptions of a rule; a reason that is given counts more than its own.
func where(e *event.Event, reason string) rules.Where {
	if reason == "" {
		reason = e.Data.Reason
	}
	return rules.Where{Reason: reason, Channel: e.Data.Channel, Unit: e.Data.Unit}
}

// chance is an opportunity under way.
type chance struct{ journey, index int }

// opportunity notes a chance of breaking, which began with an event; what o leaves empty is taken from the event and its
// journey. False says that the kind is not measured there.
func (s *scope) opportunity(j *journey.Journey, e *event.Event, o Opportunity) (chance, bool) {
	book := s.rules(o.At)
	if !book.Measured(s.kind.ID, e.Source) {
		return chance{}, false
	}
	o.Kind, o.Rules = s.kind.ID, book.Version()
	o.stated = cmp.Or(o.Reason, e.Data.Reason, j.Reason)
	o.Reason = knownBy(o.MaturesAt, j, e, o.stated)
	o.Silo = owner(book, cmp.Or(o.Silo, e.Data.Silo), o.Reason)
	o.Unit = cmp.Or(o.Unit, e.Data.Unit)
	o.Channel = cmp.Or(o.Channel, e.Data.Channel)
	n := s.numberOf(j)
	list := s.found.Opportunities[n]
	if list == nil {
		list = make([]Opportunity, 0, usualOpportunities)
	}
	s.found.Opportunities[n] = append(list, o)
	return chance{n, len(list)}, true
}

// knownBy is a reason, if its family was stated in the journey until an instant. Who comes back because something broke says
// what it was about: by that reason, rates would count few but those that broke, on days that are drawn.
func knownBy(at event.Instant, j *journey.Journey, e *event.Event, reason string) string {
	family := event.ReasonFamily(reason)
	if family == "" || event.ReasonFamily(e.Data.Reason) == family && e.At <= at {
		return reason
	}
	for _, step := range j.Steps {
		if step.At > at {
			break
		}
		if event.ReasonFamily(step.Data.Reason) == family {
			return reason
		}
	}
	return ""
}

// usualOpportunities is room for those of a journey of one contact.
const usualOpportunities = 8

// owner names the silo that answers for a step.
func owner(book *rules.Book, silo, reason string) string {
	if silo != "" {
		return silo
	}
	return book.OwnerOf("", event.ReasonFamily(reason))
}

// add completes a breakpoint with what follows from its kind, its origin and the opportunity that it takes. key names what
// failed, in words that a late event does not change.
func (s *scope) add(c chance, b Breakpoint, key ...string) {
	o := &s.found.Opportunities[c.journey][c.index]
	if !o.Broken && b.OccurredAt <= o.MaturesAt { // what breaks later is told, and changes no rate that was drawn
		o.Broken, b.Counted = true, true
	}
	b.OpportunityAt = o.At
	b.Journey = s.history.Journeys[c.journey]
	b.Reason = cmp.Or(b.Reason, o.stated)
	s.keep(b, key...)
}

// keep names a breakpoint and notes it.
func (s *scope) keep(b Breakpoint, key ...string) {
	b.Kind = s.kind.ID
	b.Severity = cmp.Or(b.Severity, s.kind.Severity)
	b.Silo = owner(s.rules(b.OpportunityAt), cmp.Or(b.Silo, b.Origin.Data.Silo), b.Reason)
	if !b.noUnit {
		b.Unit = cmp.Or(b.Unit, b.Origin.Data.Unit)
	}
	b.Channel = cmp.Or(b.Channel, b.Origin.Data.Channel)
	b.DetectedAt = max(b.DetectedAt, b.OccurredAt)
	at := strconv.FormatInt(int64(b.OccurredAt), 10)
	b.ID = journey.ID(append([]string{"breakpoint", b.Kind, at}, key...)...)
	s.found.Breakpoints = append(s.found.Breakpoints, b)
}

// due notes that something may break in a journey when the clock has passed an instant.
func (s *scope) due(j *journey.Journey, at event.Instant) {
	n := s.numberOf(j)
	s.found.Due[n] = min(s.found.Due[n], at+1)
}

func (s *scope) sort() {
	if len(s.found.Breakpoints) < 2 {
		return
	}
	rank := func(b *Breakpoint) int { // what is not listed comes last
		if i := slices.Index(s.book.Precedence, b.Kind); i >= 0 {
			return i
		}
		return len(s.book.Precedence)
	}
	slices.SortFunc(s.found.Breakpoints, func(a, b Breakpoint) int {
		if a.OccurredAt != b.OccurredAt {
			return cmp.Compare(a.OccurredAt, b.OccurredAt)
		}
		return cmp.Or(cmp.Compare(rank(&a), rank(&b)), cmp.Compare(a.OpportunityAt, b.OpportunityAt), cmp.Compare(a.ID, b.ID))
	})
}

// charge gives each avoidable step to the earliest breakpoint that explains it, once.
func (s *scope) charge() {
	var charged map[*event.Event]bool
	for i := range s.found.Breakpoints {
		b := &s.found.Breakpoints[i]
		for _, e := range b.avoidable {
			if charged == nil {
				charged = map[*event.Event]bool{}
			}
			if charged[e] {
				continue
			}
			charged[e] = true
			if cost := journey.StepCost(e, s.book); cost > 0 {
				b.Cost += cost
				b.Charged = append(b.Charged, e)
			}
		}
		slices.SortFunc(b.Charged, event.Compare)
	}
}
