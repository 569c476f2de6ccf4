package breakpoint

import (
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

var repeatedInformation = Kind{
	ID:       "repeated_information",
	Severity: 2,
	Rule:     "The customer had to say it again.",
	OutOf:    "contacts",
	detect:   detectRepeatedInformation,
}

// detectRepeatedInformation counts how often the customer had to say it again in a journey. From the second time on it
// breaks, once a contact.
func detectRepeatedInformation(s *scope) {
	for _, j := range s.history.Journeys {
		contacts := s.contactsOf(j)
		if !j.Types.Any(informationRepeated) {
			continue
		}
		var before *event.Event
		times := 0
		broken := map[*occasion]int{} // a contact -> its breakpoint
		for _, e := range j.Steps {
			if e.Type != event.InformationRepeated {
				continue
			}
			times++
			s.sayAgain(contacts.during(j, e), broken, j, before, e, times)
			before = e
		}
	}
}

var informationRepeated = event.TypesOf(event.InformationRepeated)

// sayAgain judges the time that a customer had to say it again; c is the contact in which that was.
func (s *scope) sayAgain(c *occasion, broken map[*occasion]int, j *journey.Journey, before, e *event.Event, times int) {
	if i, already := broken[c]; already && c.contact != nil {
		b := &s.found.Breakpoints[i]
		b.avoidable = append(b.avoidable, e)
		return
	}
	if times < s.rules(c.at(e)).RepeatedTimes.Of(where(e, reasonAt(j, e))) || !s.stillCounts(c, j, e) {
		return
	}
	broken[c] = len(s.found.Breakpoints)
	shows := []*event.Event{e}
	if before != nil {
		shows = []*event.Event{before, e}
	}
	s.add(c.chance, Breakpoint{Origin: e, OccurredAt: e.At, Evidence: shows, avoidable: []*event.Event{e}}, e.Source, e.ID)
}
