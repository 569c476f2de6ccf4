package breakpoint

import (
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

var repeatContact = Kind{
	ID:       "repeat_contact",
	Severity: 3,
	Rule:     "The customer is back for the same full reason after a contact that ended.",
	OutOf:    "ended inbound contacts",
	detect:   detectRepeats,
}

// detectRepeats looks, after each inbound contact, for the first inbound one that came for the same full reason within the
// window and was not invited by the company. The origin is the earlier contact.
func detectRepeats(s *scope) {
	contacts := s.inbound()
	outreach := s.outreach()
	for i, earlier := range contacts {
		window := s.book.Repeat.Of(event.ReasonFamily(earlier.Reason))
		for _, later := range contacts[i+1:] {
			if later.Start.Sub(earlier.End) > window {
				break // those that follow came later still
			}
			if invited(outreach, earlier, later) {
				continue
			}
			if s.repeats(earlier, later) {
				s.addRepeat(earlier, later)
				break
			}
		}
	}
}

// visit is a contact and the journey it is part of.
type visit struct {
	*journey.Contact
	journey *journey.Journey
}

// inbound lists the contacts the customer made, with a person or a bot, in order.
func (s *scope) inbound() []visit {
	var list []visit
	for _, j := range s.history.Journeys {
		for _, c := range j.Contacts {
			if c.Inbound && c.WithSomebody() {
				list = append(list, visit{c, j})
			}
		}
	}
	sortVisits(list)
	return list
}

func (s *scope) repeats(earlier, later visit) bool {
	family := event.ReasonFamily(earlier.Reason)
	if family == "" || later.Reason != earlier.Reason || !sameCustomer(earlier, later) {
		return false
	}
	gap := later.Start.Sub(earlier.End)
	return earlier.Ended(later.Start) && gap > 0 && gap <= s.book.Repeat.Of(family)
}

// outreach lists what the company sent to the customer to make him come back.
func (s *scope) outreach() (list []*event.Event) {
	for _, j := range s.history.Journeys {
		for _, e := range j.Steps {
			if e.Type == event.OutreachSent {
				list = append(list, e)
			}
		}
	}
	return list
}

// invited says whether the company asked for the contact between the two.
func invited(outreach []*event.Event, earlier, later visit) bool {
	for _, e := range outreach {
		if e.At >= earlier.End && e.At <= later.Start && (e.Data.Reason == "" || e.Data.Reason == later.Reason) {
			return true
		}
	}
	return false
}

func (s *scope) addRepeat(earlier, later visit) {
	s.add(Breakpoint{
		Journey:       earlier.journey,
		Origin:        earlier.Last(),
		OccurredAt:    later.Start,
		DetectedAt:    max(later.Start, later.ReasonAt, earlier.ReasonAt),
		OpportunityAt: earlier.End,
		Reason:        earlier.Reason,
		Channel:       earlier.Channel,
		Evidence:      []*event.Event{earlier.Last(), later.First()},
		avoidable:     later.Steps,
	}, earlier.Key())
}
