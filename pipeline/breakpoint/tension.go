package breakpoint

import (
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

var tension = Kind{
	ID:       "tension",
	Severity: 2,
	Rule:     "Incivility, or two negative signals within a day.",
	OutOf:    "contacts",
	Witness:  true,
	detect:   detectTension,
}

// detectTension follows the negative signals of each journey: an incivility is tension by itself, two others are when they
// come close together. Each falls to the last contact begun before it, which breaks once.
func detectTension(s *scope) {
	for _, j := range s.history.Journeys {
		contacts := s.contactsOf(j)
		for _, o := range contacts {
			if o.measured {
				s.noUnit(o.chance)
			}
		}
		if !j.Types.Any(negativeSignals) {
			continue
		}
		t := tenseJourney{journey: j, contacts: contacts, broken: map[*journey.Contact]bool{}}
		for _, e := range j.Steps {
			if s.negative(j, e) {
				t.take(s, e)
			}
		}
	}
}

var negativeSignals = event.TypesOf(event.IncivilityReported, event.ComplaintFiled, event.ComplaintEscalated, event.SurveyAnswered)

// negative says whether an event is a signal that the customer is upset.
func (s *scope) negative(j *journey.Journey, e *event.Event) bool {
	switch e.Type {
	case event.IncivilityReported, event.ComplaintFiled, event.ComplaintEscalated:
		return true
	case event.SurveyAnswered:
		return surveyed(e) && s.detracts(j, e)
	}
	return false
}

// tenseJourney is a journey whose signals are read in order.
type tenseJourney struct {
	journey  *journey.Journey
	contacts occasions
	broken   map[*journey.Contact]bool
	last     *event.Event // the signal before
	paired   bool         // which is part of a pair already
}

// take judges a signal and remembers it.
func (t *tenseJourney) take(s *scope, e *event.Event) {
	shows := []*event.Event{e}
	pairs := e.Type != event.IncivilityReported && t.closeToLast(s, e)
	if pairs {
		shows = []*event.Event{t.last, e}
	}
	t.last, t.paired = e, pairs
	if pairs || e.Type == event.IncivilityReported {
		t.add(s, e, shows)
	}
}

// closeToLast says whether a signal makes a pair with the one before it.
func (t *tenseJourney) closeToLast(s *scope, e *event.Event) bool {
	if t.last == nil || t.paired {
		return false
	}
	at := t.contacts.before(e).at(e)
	return e.At.Sub(t.last.At) <= s.rules(at).TensionWithin.Of(where(e, reasonAt(t.journey, e)))
}

func (t *tenseJourney) add(s *scope, e *event.Event, shows []*event.Event) {
	o := t.contacts.before(e)
	if t.broken[o.contact] || !s.stillCounts(o, t.journey, e) {
		return
	}
	if o.contact != nil {
		t.broken[o.contact] = true
	}
	s.noUnit(o.chance)
	b := Breakpoint{OccurredAt: e.At, Evidence: shows}
	s.blame(o.chance, &b, t.journey, e, shows...)
	s.add(o.chance, b, e.Source, e.ID)
}
