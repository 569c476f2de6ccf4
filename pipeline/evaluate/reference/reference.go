// Package reference is the slow second opinion on every kind of breakpoint: each rule written again, from docs/product.md and
// docs/breakpoints.md alone, over complete ordered histories. It shares no code with the packages that find breakpoints in
// production, calendar and holidays included, so that agreement with them means something. It reads values of parameters
// from the rule book, and nothing else of it. It computes only.
package reference

import (
	"cmp"
	"slices"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// Breakpoint is one that the rules say is there.
type Breakpoint struct {
	Kind     string
	Severity int    // 1 seen only by us ... 5 legal clock, mediator, authority, court
	Customer string // of the origin, "" where nobody is named
	At       event.Instant
	Source   string // of the origin event
	ID       string
	Unit     string
	Why      string         // in words, for a person who compares
	Cost     float64        // of the steps charged to it, in the book's currency
	Charged  []*event.Event // those steps that cost something, in order: each is charged to one breakpoint of the home
}

// Journey is one that the rules make of a home, with what broke in it.
type Journey struct {
	Steps       []*event.Event // in order
	Outcome     string         // open, resolved, unresolved, lost
	Ended       event.Instant  // 0 while it is open
	Cost        float64        // cost to serve: of all its steps, in the book's currency
	Breakpoints []Breakpoint   // as Judge.Breakpoints orders them; an incident is in no journey
}

// Kinds lists the catalogue, in the order of product.md.
func Kinds() []string {
	names := make([]string, len(catalogue))
	for i, k := range catalogue {
		names[i] = k.id
	}
	return names
}

// kind is a rule: of a whole home, what of it broke, and how much that hurts.
type kind struct {
	id       string
	severity int
	find     func(h *history)
}

// A complaint that is late breaks a legal clock, whatever else a clock of its kind is.
const lateComplaint = 5

// The kinds that are named elsewhere than in the catalogue.
const (
	slaBreach     = "sla_breach"
	brokenPromise = "broken_promise"
	coreFailure   = "core_failure"
)

var catalogue = []kind{
	{"repeat_contact", 3, (*history).repeats},
	{"channel_failover", 3, (*history).failovers},
	{"channel_ping_pong", 2, (*history).pingPongs},
	{"silo_handoff", 3, (*history).handoffs},
	{"long_wait", 2, (*history).longWaits},
	{"refused_contact", 3, (*history).refusals},
	{"queue_abandonment", 3, (*history).abandons},
	{"form_abandonment", 2, (*history).formsLeft},
	{slaBreach, 3, (*history).breaches},
	{brokenPromise, 4, (*history).promisesBroken},
	{"stalled_case", 2, (*history).stalls},
	{"reopened_case", 3, (*history).reopenings},
	{"process_loop", 1, (*history).loops},
	{"repeated_information", 2, (*history).repetitions},
	{coreFailure, 4, (*history).coreFailures},
	{"complaint_escalation", 5, (*history).escalations},
	{"detractor", 2, (*history).detractors},
	{"unanswered_detractor", 2, (*history).silences},
	{"tension", 2, (*history).tensions},
	{"unresolved_end", 3, (*history).unresolved},
}

// Judge applies the rules of one book. It is safe for concurrent use.
type Judge struct {
	book *rules.Book
	days *calendar
}

// New takes the values of a book. Deadlines can be told for histories between two instants, and a year beyond.
func New(book *rules.Book, from, until event.Instant) (*Judge, error) {
	days, err := newCalendar(book, from, until)
	if err != nil {
		return nil, err
	}
	return &Judge{book, days}, nil
}

// Breakpoints finds all that broke in the complete history of one home, as of a clock, by (kind, time, origin). Each event
// has its Data.Customer; their order does not matter.
func (j *Judge) Breakpoints(events []*event.Event, clock event.Instant) (list []Breakpoint) {
	for _, f := range newHistory(j, events, clock).findAll() {
		list = append(list, f.Breakpoint)
	}
	return list
}

// Journeys makes the journeys of the complete history of one home, as of a clock, in order of their first steps, each with what
// broke in it.
func (j *Judge) Journeys(events []*event.Event, clock event.Instant) (list []Journey) {
	h := newHistory(j, events, clock)
	broken := map[*journey][]Breakpoint{}
	for _, f := range h.findAll() {
		broken[f.journey] = append(broken[f.journey], f.Breakpoint)
	}
	for _, one := range h.journeys {
		list = append(list, h.told(one, broken[one]))
	}
	slices.SortFunc(list, func(a, b Journey) int { return event.Compare(a.Steps[0], b.Steps[0]) })
	return list
}

// told is a journey as others may read it.
func (h *history) told(j *journey, broken []Breakpoint) Journey {
	told := Journey{Steps: j.events(), Breakpoints: broken}
	how := h.endOf(j, told.Steps, h.clock)
	told.Outcome, told.Ended = how.end.String(), how.at
	for _, e := range told.Steps {
		told.Cost += h.price(e)
	}
	return told
}

// finding is a breakpoint, and what it takes to charge it.
type finding struct {
	Breakpoint
	journey   *journey      // of its opportunity; nil for an incident
	dated     event.Instant // the opportunity
	avoidable []*event.Event
}

// findAll judges by all rules, and charges what broke.
func (h *history) findAll() []*finding {
	for _, k := range catalogue {
		h.kind = k
		k.find(h)
	}
	h.charge()
	slices.SortStableFunc(h.found, compare)
	return h.found
}

func compare(a, b *finding) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.At, b.At), cmp.Compare(a.Source, b.Source), cmp.Compare(a.ID, b.ID))
}

// add notes a breakpoint: when, its origin, the event with which its opportunity began, whose source is asked whether the kind
// is measured there, and the steps that would not have been without it.
func (h *history) add(at event.Instant, origin, opportunity *event.Event, why string, avoidable ...*event.Event) {
	if slices.Contains(h.rules(opportunity.At).NotMeasured[opportunity.Source], h.kind.id) {
		return
	}
	f := &finding{dated: h.dateOf(opportunity), avoidable: avoidable, Breakpoint: Breakpoint{
		Kind: h.kind.id, Severity: h.kind.severity, Customer: origin.Data.Customer, At: at, Source: origin.Source, ID: origin.ID, Unit: origin.Data.Unit, Why: why,
	}}
	if h.kind.id == slaBreach && origin.Type == event.ComplaintFiled {
		f.Severity = lateComplaint
	}
	if c := h.of[opportunity]; c != nil {
		f.journey = c.journey()
	}
	h.found = append(h.found, f)
}

// dateOf is the date of an opportunity that an event began: what is due counts when it is.
func (h *history) dateOf(opportunity *event.Event) event.Instant {
	if due := opportunity.Data.Due; due != 0 && (h.kind.id == brokenPromise || h.kind.id == coreFailure) {
		return due
	}
	return opportunity.At
}

// passed says whether what was due has not happened in time: an answer at the very moment is still in time.
func (h *history) passed(due event.Instant) bool { return h.clock > due }
