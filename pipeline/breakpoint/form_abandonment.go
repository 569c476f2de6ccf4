package breakpoint

import (
	"cmp"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

var formAbandonment = Kind{
	ID:       "form_abandonment",
	Severity: 2,
	Rule:     "A service form was neither submitted nor resumed, with an error or a contact after it.",
	OutOf:    "service forms started",
	Clears:   []string{event.FormSubmitted},
	detect:   detectFormAbandonment,
}

// serviceForm is the kind of a form that serves; forms that sell are a funnel, and of others nobody knows.
const serviceForm = "service"

// detectFormAbandonment looks at what came within the window after the start of each service form, in whichever journey.
func detectFormAbandonment(s *scope) {
	for _, j := range s.history.Journeys {
		if !j.Types.Any(formStarted) {
			continue
		}
		for _, e := range j.Steps {
			if e.Type == event.FormStarted && e.Data.Kind == serviceForm {
				s.watchForm(j, e)
			}
		}
	}
}

var formStarted = event.TypesOf(event.FormStarted)

func (s *scope) watchForm(j *journey.Journey, start *event.Event) {
	f := form{start: start, reason: start.Data.Reason}
	if c := j.ContactOf(start); c != nil {
		f.reason = c.Reason
	}
	f.until = start.At.Add(s.rules(start.At).FormWithin.Of(where(start, cmp.Or(f.reason, j.Reason))))
	o, measured := s.opportunity(j, start, Opportunity{At: start.At, MaturesAt: f.until, Reason: f.reason})
	if !measured || f.takenUp(s.history.Journeys) {
		return
	}
	failed, contact := f.failed(s.history.Journeys), f.contact(s.reached)
	switch {
	case failed == nil && contact == nil:
	case s.clock > f.until:
		s.addAbandonedForm(o, f, failed, contact)
	default:
		s.due(j, f.until)
	}
}

// form is one start of a form, and the window in which the customer may go on with it.
type form struct {
	start  *event.Event
	until  event.Instant
	reason string
}

// within says whether an event came after the start and in the window, and is not another customer's.
func (f *form) within(e *event.Event) bool {
	return e.At <= f.until && f.start.Before(e) && oneCustomer(f.start, e)
}

// firstOf is the first event in the window that says a thing of this form.
func (f *form) firstOf(journeys []*journey.Journey, said func(typ string) bool) (found *event.Event) {
	for _, j := range journeys {
		if j.Start() > f.until || j.Last() < f.start.At {
			continue
		}
		e := first(j.Steps, func(e *event.Event) bool { return said(e.Type) && e.Data.Form == f.start.Data.Form && f.within(e) })
		if e != nil && (found == nil || e.Before(found)) {
			found = e
		}
	}
	return found
}

// takenUp says whether the customer went on with the form: submitted it, or began it again.
func (f *form) takenUp(journeys []*journey.Journey) bool {
	return f.firstOf(journeys, func(typ string) bool { return typ == event.FormSubmitted || typ == event.FormStarted }) != nil
}

func (f *form) failed(journeys []*journey.Journey) *event.Event {
	return f.firstOf(journeys, func(typ string) bool { return typ == event.FormFailed })
}

// contact is the first in the window that reached a person and may be about the same.
func (f *form) contact(contacts []assistedContact) (found *assistedContact) {
	family := event.ReasonFamily(f.reason)
	for i := range contacts {
		c := &contacts[i]
		other := c.family
		if f.within(c.reached) && (family == other || family == "" || other == "") && (found == nil || c.reached.Before(found.reached)) {
			found = c
		}
	}
	return found
}

func (s *scope) addAbandonedForm(o chance, f form, failed *event.Event, contact *assistedContact) {
	b := Breakpoint{Origin: f.start, OccurredAt: f.until}
	second := failed
	if contact != nil {
		b.avoidable = contact.Steps
		if failed == nil || contact.reached.Before(failed) {
			second = contact.reached
		}
	}
	b.Evidence = []*event.Event{f.start, second}
	s.add(o, b, f.start.Source, f.start.ID)
}
