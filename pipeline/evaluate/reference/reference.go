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
	Customer string // of the origin, "" where nobody is named
	At       event.Instant
	Source   string // of the origin event
	ID       string
	Unit     string
	Why      string // in words, for a person who compares
}

// Kinds lists the catalogue, in the order of product.md.
func Kinds() []string {
	names := make([]string, len(catalogue))
	for i, k := range catalogue {
		names[i] = k.id
	}
	return names
}

// kind is a rule: of a whole home, what of it broke.
type kind struct {
	id   string
	find func(h *history)
}

var catalogue = []kind{
	{"repeat_contact", (*history).repeats},
	{"channel_failover", (*history).failovers},
	{"channel_ping_pong", (*history).pingPongs},
	{"silo_handoff", (*history).handoffs},
	{"long_wait", (*history).longWaits},
	{"refused_contact", (*history).refusals},
	{"queue_abandonment", (*history).abandons},
	{"form_abandonment", (*history).formsLeft},
	{"sla_breach", (*history).breaches},
	{"broken_promise", (*history).promisesBroken},
	{"stalled_case", (*history).stalls},
	{"reopened_case", (*history).reopenings},
	{"process_loop", (*history).loops},
	{"repeated_information", (*history).repetitions},
	{"core_failure", (*history).coreFailures},
	{"complaint_escalation", (*history).escalations},
	{"detractor", (*history).detractors},
	{"unanswered_detractor", (*history).silences},
	{"tension", (*history).tensions},
	{"unresolved_end", (*history).unresolved},
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
func (j *Judge) Breakpoints(events []*event.Event, clock event.Instant) []Breakpoint {
	h := newHistory(j, events, clock)
	for _, k := range catalogue {
		h.kind = k.id
		k.find(h)
	}
	slices.SortStableFunc(h.found, compare)
	return h.found
}

func compare(a, b Breakpoint) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.At, b.At), cmp.Compare(a.Source, b.Source), cmp.Compare(a.ID, b.ID))
}

// add notes a breakpoint: when, its origin, and the event with which its opportunity began, whose source is asked whether
// the kind is measured there.
func (h *history) add(at event.Instant, origin, opportunity *event.Event, why string) {
	if slices.Contains(h.rules(opportunity.At).NotMeasured[opportunity.Source], h.kind) {
		return
	}
	h.found = append(h.found, Breakpoint{
		Kind: h.kind, Customer: origin.Data.Customer, At: at, Source: origin.Source, ID: origin.ID, Unit: origin.Data.Unit, Why: why,
	})
}

// passed says whether what was due has not happened in time: an answer at the very moment is still in time.
func (h *history) passed(due event.Instant) bool { return h.clock > due }
