package breakpoint

import (
	"cmp"
	"slices"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

var refusedContact = Kind{
	ID:       "refused_contact",
	Severity: 3,
	Rule:     "The customer found the company closed or busy, was deflected or cut off.",
	OutOf:    "contacts attempted",
	detect:   detectRefusedContact,
}

// detectRefusedContact looks for the first refusal of each contact that the customer made.
func detectRefusedContact(s *scope) {
	for _, j := range s.history.Journeys {
		for _, c := range j.Contacts {
			if !c.Inbound || !c.Types.Any(conversation) {
				continue
			}
			o, measured := s.opportunity(j, c.First(), Opportunity{At: c.Start, MaturesAt: c.End, Reason: c.Reason, Channel: c.Channel})
			if !measured || !c.Types.Any(contactRefused) {
				continue
			}
			if e := first(c.Steps, func(e *event.Event) bool { return e.Type == event.ContactRefused }); e != nil {
				s.addRefusal(o, j, c, e)
			}
		}
	}
}

var (
	conversation   = event.TypesIn("contact")
	contactRefused = event.TypesOf(event.ContactRefused)
)

func (s *scope) addRefusal(o chance, j *journey.Journey, c *journey.Contact, e *event.Event) {
	queue := lastUnit(c.Steps, e)
	s.add(o, Breakpoint{
		Origin:     e,
		OccurredAt: e.At,
		Silo:       cmp.Or(e.Data.Silo, queue.Data.Silo),
		Unit:       queue.Data.Unit,
		Channel:    cmp.Or(e.Data.Channel, c.Channel),
		Evidence:   []*event.Event{e},
		avoidable:  s.followedSteps(j, c),
	}, c.Key())
}

// lastUnit is the last of some steps, until one of them, that names a unit; that one itself where none does.
func lastUnit(steps []*event.Event, until *event.Event) *event.Event {
	for i := slices.Index(steps, until); i >= 0; i-- {
		if steps[i].Data.Unit != "" {
			return steps[i]
		}
	}
	return until
}

// ofContact says whether an event is of family contact. It is asked of each step of each contact, where event.SpecOf would
// be felt.
func ofContact(e *event.Event) bool {
	switch e.Type {
	case event.ContactStarted, event.ContactQueued, event.ContactAnswered, event.ContactRefused, event.ContactAbandoned,
		event.ContactTransferred, event.ContactEnded:
		return true
	}
	return false
}
