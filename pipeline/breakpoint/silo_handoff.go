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
		o, measured := s.ofJourney(j)
		if !measured || !moves(j) {
			continue
		}
		path := siloPath{limit: s.rules(j.Start()).PathOf(j.Reason).Handoffs, begins: begins(j)}
		for _, e := range j.Steps {
			if held(e) && path.follow(e) {
				s.addHandoff(o, j, e, path.sender)
				break
			}
		}
	}
}

// ofJourney is the opportunity of a kind that is out of journeys.
func (s *scope) ofJourney(j *journey.Journey) (chance, bool) {
	at := j.Start()
	return s.opportunity(j, j.Steps[0], Opportunity{At: at, MaturesAt: at.Add(s.rules(at).Matures.Journey), Reason: j.Reason})
}

// ofJourneySince is that of a kind which not every journey can break: at its start, or, where that was settled before it could,
// when it could.
func (s *scope) ofJourneySince(j *journey.Journey, could event.Instant) (chance, bool) {
	at := j.Start()
	if matures := s.rules(at).Matures.Journey; at.Add(matures) < could {
		return s.opportunity(j, j.Steps[0], Opportunity{At: could, MaturesAt: could.Add(s.rules(could).Matures.Journey), Reason: j.Reason})
	}
	return s.ofJourney(j)
}

// moves says whether more than one silo is named at all.
func moves(j *journey.Journey) bool {
	silo := ""
	for _, e := range j.Steps {
		if e.Type == event.ContactTransferred || silo != "" && e.Data.Silo != "" && e.Data.Silo != silo {
			return true
		}
		if e.Data.Silo != "" {
			silo = e.Data.Silo
		}
	}
	return false
}

// begins are the first events of the contacts that the customer began.
func begins(j *journey.Journey) map[*event.Event]bool {
	set := make(map[*event.Event]bool, len(j.Contacts))
	for _, c := range j.Contacts {
		if c.Inbound {
			set[c.First()] = true
		}
	}
	return set
}

// held says whether an event tells which silo holds the customer or the customer's case.
func held(e *event.Event) bool {
	switch event.SpecOf(e.Type).Family {
	case "contact", "message", "case":
		return true
	}
	return false
}

// siloPath is the sequence of silos so far. A contact that the customer begins is no move, wherever it begins: the path
// starts anew there, and only the moves made so far still count.
type siloPath struct {
	limit  int
	begins map[*event.Event]bool
	moves  int
	silos  []string
	holder *event.Event // the last step in the silo that holds the customer now
	sender *event.Event // the step from which the customer was sent on last
}

// follow takes a step and says whether it is, or orders, a move too many.
func (p *siloPath) follow(e *event.Event) bool {
	if p.begins[e] {
		p.silos, p.holder = nil, nil
	}
	if e.Data.Silo != "" && p.move(e, e.Data.Silo, false) {
		return true
	}
	return e.Type == event.ContactTransferred && e.Data.ToSilo != "" && p.move(e, e.Data.ToSilo, true)
}

// move goes to a silo; ordered says that the event itself sends the customer there.
func (p *siloPath) move(e *event.Event, to string, ordered bool) bool {
	n := len(p.silos)
	if n > 0 && p.silos[n-1] == to {
		p.holder = e
		return false
	}
	back := slices.Contains(p.silos, to) && event.SpecOf(e.Type).Family != "case" // work that comes back with its answer
	p.silos = append(p.silos, to)
	p.sender = p.holder
	if p.sender == nil || ordered {
		p.sender = e
	}
	p.holder = e
	if n > 0 {
		p.moves++
	}
	return back || p.moves > p.limit
}

func (s *scope) addHandoff(o chance, j *journey.Journey, e, sender *event.Event) {
	s.add(o, Breakpoint{
		Origin:     sender,
		OccurredAt: e.At,
		Evidence:   evidence(sender, e),
		avoidable:  after(j, e),
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
