package breakpoint

import (
	"slices"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

var siloHandoff = Kind{
	ID:       "silo_handoff",
	Severity: 3,
	Rule:     "The customer is moved across silos more often than is normal, or back to a silo already left.",
	OutOf:    "journeys",
	detect:   detectHandoffs,
}

// detectHandoffs follows the silos that hold the customer along each journey. One breakpoint a journey, at the first move
// too many. Internal work (steps, approvals) moves papers, not the customer, and does not count.
func detectHandoffs(s *scope) {
	for _, j := range s.history.Journeys {
		path := siloPath{limit: s.book.Handoffs}
		for _, e := range j.Steps {
			if held(e) && path.follow(e) {
				s.addHandoff(j, e, path.sender)
				break
			}
		}
	}
}

// held says whether an event tells which silo holds the customer or the customer's case.
func held(e *event.Event) bool {
	switch event.SpecOf(e.Type).Family {
	case "contact", "message", "case":
		return true
	}
	return false
}

// siloPath is the sequence of silos so far.
type siloPath struct {
	limit  int
	silos  []string
	holder *event.Event // the last step in the silo that holds the customer now
	sender *event.Event // the step from which the customer was sent on last
}

// follow takes a step and says whether it is, or orders, a move too many.
func (p *siloPath) follow(e *event.Event) bool {
	if e.Data.Silo != "" && p.move(e, e.Data.Silo) {
		return true
	}
	return e.Type == event.ContactTransferred && e.Data.ToSilo != "" && p.move(e, e.Data.ToSilo)
}

func (p *siloPath) move(e *event.Event, to string) bool {
	n := len(p.silos)
	if n > 0 && p.silos[n-1] == to {
		p.holder = e
		return false
	}
	back := slices.Contains(p.silos, to)
	p.silos = append(p.silos, to)
	p.sender = p.holder
	if p.sender == nil || e.Type == event.ContactTransferred {
		p.sender = e
	}
	p.holder = e
	return back || n > p.limit
}

func (s *scope) addHandoff(j *journey.Journey, e, sender *event.Event) {
	s.add(Breakpoint{
		Journey:       j,
		Origin:        sender,
		OccurredAt:    e.At,
		DetectedAt:    e.At,
		OpportunityAt: j.Start(),
		Evidence:      evidence(sender, e),
		avoidable:     after(j, e),
	}, j.ID)
}

func evidence(a, b *event.Event) []*event.Event {
	if a == b {
		return []*event.Event{a}
	}
	return []*event.Event{a, b}
}

// after are the steps of a move's own contact that come with it or after it: the handling that the move made necessary.
func after(j *journey.Journey, e *event.Event) []*event.Event {
	c := j.ContactOf(e)
	if c == nil {
		return nil
	}
	return c.Steps[slices.Index(c.Steps, e):]
}
