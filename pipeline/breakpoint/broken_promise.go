package breakpoint

import (
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

var brokenPromise = Kind{
	ID:       "broken_promise",
	Severity: 4,
	Rule:     "A promise was neither kept nor performed when due.",
	OutOf:    "promises due",
	Clears:   []string{event.PromiseKept, event.MessageReplied, event.OrderDelivered, event.CaseResolved, event.ContactAnswered},
	detect:   detectBrokenPromise,
}

// detectBrokenPromise looks, after each promise, for the first step of its journey that kept it or did what it promised. A
// promise that was due before it was made, as it may be recorded, promises nothing.
func detectBrokenPromise(s *scope) {
	for _, j := range s.history.Journeys {
		if !j.Types.Any(promiseMade) {
			continue
		}
		for i, e := range j.Steps {
			if e.Type == event.PromiseMade && e.Data.Due >= e.At {
				s.watchPromise(j, i, e)
			}
		}
	}
}

var promiseMade = event.TypesOf(event.PromiseMade)

func (s *scope) watchPromise(j *journey.Journey, i int, made *event.Event) {
	due := made.Data.Due
	o, measured := s.opportunity(j, made, Opportunity{At: due, MaturesAt: due, Reason: reasonAt(j, made)})
	if !measured {
		return
	}
	kept := first(j.Steps[i+1:], func(e *event.Event) bool { return keeps(j, e, made) })
	switch {
	case kept != nil && kept.At <= due:
	case s.clock > due:
		s.addBrokenPromise(o, j, made, kept)
	default:
		s.due(j, due)
	}
}

// keeps says whether a step keeps a promise, or does what was promised.
func keeps(j *journey.Journey, e, made *event.Event) bool {
	if e.Type == event.PromiseKept {
		return e.Data.Promise == made.Data.Promise
	}
	switch made.Data.Act {
	case "callback":
		return callsBack(j, e, made)
	case "reply":
		return e.Type == event.MessageReplied && oneCustomer(e, made)
	case "delivery":
		return e.Type == event.OrderDelivered && oneCustomer(e, made)
	case "resolution":
		return resolves(e)
	}
	return false
}

// callsBack says whether a step is of a contact that the company made with the customer, other than the one in which it
// promised to.
func callsBack(j *journey.Journey, e, made *event.Event) bool {
	switch e.Type {
	case event.ContactStarted, event.ContactAnswered, event.ContactEnded:
	default:
		return false
	}
	if !oneCustomer(e, made) {
		return false
	}
	c := j.ContactOf(e)
	d := directionOf(c)
	return (d == event.Callback || d == event.Out) && c != j.ContactOf(made)
}

// directionOf is the first direction stated in a contact; "" for none.
func directionOf(c *journey.Contact) event.Direction {
	for _, e := range c.Steps {
		if e.Data.Direction != "" {
			return e.Data.Direction
		}
	}
	return ""
}

// resolves says whether a step says that it is solved: a case resolved or closed, or an agent's word at the end of a contact.
func resolves(e *event.Event) bool {
	switch e.Type {
	case event.CaseResolved, event.CaseClosed:
		return true
	case event.ContactEnded:
		return e.Data.Resolved != nil && *e.Data.Resolved
	}
	return false
}

func (s *scope) addBrokenPromise(o chance, j *journey.Journey, made, kept *event.Event) {
	b := Breakpoint{Origin: made, OccurredAt: made.Data.Due, Evidence: []*event.Event{made}}
	came := event.Instant(0)
	if kept != nil {
		b.Evidence, came = append(b.Evidence, kept), kept.At
	}
	b.avoidable = chasers(j, made.Data.Due, came)
	s.add(o, b, made.Source, made.ID)
}
