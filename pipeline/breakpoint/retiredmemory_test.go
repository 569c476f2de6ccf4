package breakpoint_test

import (
	"fmt"
	"slices"
	"strings"

	"parcours/pipeline/breakpoint"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

// memory holds a home as an owner does who lets old journeys go.
type memory struct {
	book  *rules.Book
	clock event.Instant
	live  []*event.Event
	past  []journey.Past

	parked map[string]*parked // by each of its cases
	final  []string           // facts of what left for good
	now    []string           // facts of what is in memory
	left   int
	back   int
}

// parked is a group that a case may bring back.
type parked struct {
	events []*event.Event
	past   []journey.Past
	cases  []string
	facts  []string
}

func (m *memory) apply(e *event.Event) {
	if p := m.parked[e.Data.Case]; p != nil {
		m.unpark(p)
	}
	m.live = append(m.live, e)
	slices.SortFunc(m.live, inOrder)
	m.clock = max(m.clock, e.At)
	m.settle()
}

// tick moves the clock: as far as the events to come allow, so that all leaves that may.
func (m *memory) tick(at event.Instant) {
	m.clock = max(m.clock, at)
	m.settle()
}

func (m *memory) unpark(p *parked) {
	for _, c := range p.cases {
		delete(m.parked, c)
	}
	for _, e := range p.events {
		if !slices.Contains(m.live, e) { // what lies beside a group may still be there
			m.live = append(m.live, e)
		}
	}
	m.past = append(m.past, p.past...)
	m.back++
}

// settle folds what is in memory and lets go what may leave.
func (m *memory) settle() {
	h := journey.Fold(m.live, m.past, m.clock, m.book)
	findings := breakpoint.Detect(h, m.clock, m.book)
	due := findings.Due
	gone := map[*event.Event]bool{}
	var past []journey.Past
	for _, g := range journey.Retire(h, due, m.clock, m.book) {
		m.retire(&h, &g, findings)
		past = append(past, journey.PastOf(g.Journeys)...)
		for _, e := range append(g.Events(), g.Loose...) {
			gone[e] = true
		}
	}
	m.live = slices.DeleteFunc(m.live, func(e *event.Event) bool { return gone[e] })
	m.past = journey.Prune(append(m.past, past...), m.live, m.book)
	m.now = m.factsOf(h, findings, func(e *event.Event) bool { return !gone[e] })
}

func (m *memory) retire(h *journey.History, g *journey.Group, found breakpoint.Findings) {
	in := map[*event.Event]bool{}
	for _, e := range append(g.Events(), g.Loose...) {
		in[e] = true
	}
	facts := m.factsOf(*h, found, func(e *event.Event) bool { return in[e] })
	if len(g.Journeys) > 0 {
		m.left++
	}
	if len(g.Cases) == 0 {
		m.final = append(m.final, facts...)
		return
	}
	p := &parked{g.Kept(), h.PastFor(g, m.past, m.book), g.Cases, facts}
	for _, c := range g.Cases {
		m.parked[c] = p
	}
}

func (m *memory) facts() string {
	list := append(slices.Clone(m.final), m.now...)
	seen := map[*parked]bool{}
	for _, p := range m.parked {
		if !seen[p] {
			seen[p] = true
			list = append(list, p.facts...)
		}
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}

func straightFacts(events []*event.Event, clock event.Instant, book *rules.Book) string {
	h := journey.Fold(events, nil, clock, book)
	m := memory{book: book}
	list := m.factsOf(h, breakpoint.Detect(h, clock, book), func(*event.Event) bool { return true })
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// factsOf writes everything that is said of the journeys, breakpoints and visits among some events.
func (m *memory) factsOf(h journey.History, findings breakpoint.Findings, among func(*event.Event) bool) (list []string) {
	found := findings.Breakpoints
	for i, j := range h.Journeys {
		if !among(j.Steps[0]) {
			continue
		}
		list = append(list, fmt.Sprintf("journey %s: %s %q %q %s %s %s at %s escalated=%t cases=%v handoffs=%d/%d steps=%v contacts=%v", j.ID,
			j.CustomerID, j.ReasonFamily, j.Reason, j.Cut, j.Outcome, j.Basis, j.EndedAt, j.Escalated, j.Cases, j.Handoffs(), j.SiloHandoffs(),
			names(j.Steps), contactsOf(j)))
		list = append(list, m.measuresOf(j), fmt.Sprintf("opportunities %s: %v", j.ID, findings.Opportunities[i]))
		for _, c := range findings.Contacts[i] {
			list = append(list, fmt.Sprintf("contact of %s: %v, %s", j.ID, saidOf(c), fmt.Sprint(c.At, c.MaturesAt, c.Reason, c.Silo, c.Unit, c.Channel)))
		}
	}
	for i := range found {
		if b, in := &found[i], placeOf(&found[i]); among(in.Steps[0]) {
			list = append(list, fmt.Sprintf("breakpoint %s: %s %d in %s, origin %s, at %s %s %s, %s %s %s %q, evidence %v, cost %.6f", b.ID, b.Kind,
				b.Severity, in.ID, b.Origin.ID, b.OccurredAt, b.DetectedAt, b.OpportunityAt, b.Silo, b.Unit, b.Channel, b.Reason,
				names(b.Evidence), b.Cost))
		}
	}
	for _, e := range h.Visits {
		if among(e) {
			list = append(list, "visit "+e.ID)
		}
	}
	return list
}

// placeOf is the journey of a breakpoint; an incident is of none, and leaves with its own event.
func placeOf(b *breakpoint.Breakpoint) *journey.Journey {
	if b.Journey == nil {
		return &journey.Journey{ID: "none", Steps: []*event.Event{b.Origin}}
	}
	return b.Journey
}

// measuresOf is what a journey took.
func (m *memory) measuresOf(j *journey.Journey) string {
	mean, signals := j.Sentiment()
	repeats, redos := j.Again()
	return fmt.Sprintf("measures %s: waited %v, queued %g, worked %g, cost %g, effort %g, sentiment %g of %d, again %d/%d, runs %v, value %g",
		j.ID, j.Waiting(m.book), j.QueueWait(), j.Working(m.book), j.Cost(m.book), j.Effort(m.book), mean, signals, repeats, redos,
		j.Runs(), j.Value())
}

func contactsOf(j *journey.Journey) (list []string) {
	for _, c := range j.Contacts {
		list = append(list, fmt.Sprintf("%s %s..%s %q %t %v", c.Key(), c.Start, c.End, c.Reason, c.Inbound, names(c.Steps)))
	}
	return list
}

func names(steps []*event.Event) (list []string) {
	for _, e := range steps {
		list = append(list, e.ID)
	}
	return list
}

func differences(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	var text strings.Builder
	for _, line := range a {
		if !slices.Contains(b, line) {
			text.WriteString("want " + line + "\n")
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			text.WriteString("got  " + line + "\n")
		}
	}
	return text.String()
}
