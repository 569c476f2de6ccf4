package breakpoint

import (
	"cmp"
	"slices"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

var repeatContact = Kind{
	ID:       "repeat_contact",
	Severity: 3,
	Rule:     "The customer is back for the same full reason after a contact that ended.",
	OutOf:    "ended inbound contacts",
	detect:   detectRepeats,
}

// detectRepeats looks, after each inbound contact, for the first inbound one that came for the same full reason within the
// window, was not invited by the company, and is more than the normal path has. The origin is the earlier contact.
func detectRepeats(s *scope) {
	contacts := s.visits
	outreach := s.outreach()
	for i, earlier := range contacts {
		window := s.repeatWindow(earlier)
		o, measured := s.opportunity(earlier.journey, earlier.Last(), Opportunity{
			At: earlier.End, MaturesAt: earlier.End.Add(window), Reason: earlier.Reason, Channel: earlier.Channel,
		})
		if !measured || event.ReasonFamily(earlier.Reason) == "" {
			continue
		}
		for _, later := range contacts[i+1:] {
			if later.Start.Sub(earlier.End) > window {
				break // those that follow came later still
			}
			if repeats(earlier, later) && !invited(outreach, earlier, later) && s.beyondPath(earlier, later) {
				s.addRepeat(o, earlier, later)
				break
			}
		}
	}
}

// repeatWindow is how long after a contact ended the customer may come back for it to be a repeat.
func (s *scope) repeatWindow(earlier visit) time.Duration {
	at := rules.Where{Reason: cmp.Or(earlier.Reason, earlier.journey.Reason), Channel: earlier.Channel, Unit: earlier.Last().Data.Unit}
	return s.rules(earlier.End).Repeat.Of(at)
}

// repeats says whether a contact comes back to what another, ended by then, was about: a reason of some family.
func repeats(earlier, later visit) bool {
	return later.Reason == earlier.Reason && returns(earlier, later)
}

// returns says whether a contact comes, for whatever reason, after another of the customer had ended.
func returns(earlier, later visit) bool {
	return sameCustomer(earlier, later) && later.Start > earlier.End && earlier.Ended(later.Start)
}

// beyondPath says whether a contact is more than its reason normally takes: those of its journey so far count, and, where
// the gap has cut it off from the one it comes back to, those of that journey.
func (s *scope) beyondPath(earlier, later visit) bool {
	n := slices.Index(later.journey.Inbound, later.Contact) + 1
	if earlier.journey != later.journey {
		n += len(earlier.journey.Inbound)
	}
	return n > s.rules(later.Start).PathOf(later.Reason).Contacts
}

// outreach lists what the company sent to the customer to make him come back.
func (s *scope) outreach() (list []*event.Event) {
	for _, j := range s.history.Journeys {
		if !j.Types.Any(outreachSent) {
			continue
		}
		for _, e := range j.Steps {
			if e.Type == event.OutreachSent {
				list = append(list, e)
			}
		}
	}
	for _, e := range s.history.Loose() {
		if e.Type == event.OutreachSent {
			list = append(list, e)
		}
	}
	return list
}

var outreachSent = event.TypesOf(event.OutreachSent)

// invited says whether the company asked for the contact between the two.
func invited(outreach []*event.Event, earlier, later visit) bool {
	for _, e := range outreach {
		if e.At >= earlier.End && e.At <= later.Start && oneCustomer(e, later.First()) && about(e.Data.Reason, later.Reason) {
			return true
		}
	}
	return false
}

// about says whether what the company wrote about can be what a contact is about: its reason, its family, or nothing said.
func about(written, reason string) bool {
	return written == "" || written == reason || written == event.ReasonFamily(reason)
}

func (s *scope) addRepeat(o chance, earlier, later visit) {
	s.add(o, Breakpoint{
		Origin:     earlier.Last(),
		OccurredAt: later.Start,
		DetectedAt: max(later.Start, later.ReasonAt, earlier.ReasonAt),
		Channel:    earlier.Channel,
		Evidence:   []*event.Event{earlier.Last(), later.First()},
		avoidable:  later.Steps,
	}, earlier.Key())
}
