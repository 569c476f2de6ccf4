package breakpoint

import (
	"slices"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

// visit is a contact and the journey it is part of.
type visit struct {
	*journey.Contact
	journey *journey.Journey
}

// inbound lists the contacts the customer made, with a person or a bot, in order.
func (s *scope) inbound() []visit {
	n := 0
	for _, j := range s.history.Journeys {
		n += len(j.Inbound)
	}
	if n == 0 {
		return nil
	}
	list := make([]visit, 0, n)
	for _, j := range s.history.Journeys {
		for _, c := range j.Inbound {
			list = append(list, visit{c, j})
		}
	}
	sortVisits(list)
	return list
}

// chasers are the steps of the contacts the customer made in a journey after something was due and before it came (0 for
// never).
func chasers(j *journey.Journey, due, came event.Instant) (steps []*event.Event) {
	for _, c := range j.Inbound {
		if c.Start > due && (came == 0 || c.Start < came) {
			steps = append(steps, c.Steps...)
		}
	}
	return steps
}

// followed is the contact that followed another: the next one the customer made in the journey within the repeat window.
func (s *scope) followed(j *journey.Journey, c *journey.Contact) *journey.Contact {
	window := s.rules(c.Start).Repeat.Of(rules.Where{Reason: j.Reason, Channel: c.Channel})
	for _, later := range j.Inbound {
		if c.First().Before(later.First()) && later != c {
			if later.Start.Sub(c.End) <= window {
				return later
			}
			return nil
		}
	}
	return nil
}

// followedSteps are the steps of the contact that followed, none where none did.
func (s *scope) followedSteps(j *journey.Journey, c *journey.Contact) []*event.Event {
	if later := s.followed(j, c); later != nil {
		return later.Steps
	}
	return nil
}

// stepBefore is the last step of a journey before an event, of another unit than recorded it or any of the others: whoever
// records a complaint or an incivility is never its origin, and such a record is none. nil for none.
func stepBefore(j *journey.Journey, e *event.Event, others ...*event.Event) *event.Event {
	for i := len(j.Steps) - 1; i >= 0; i-- {
		if b := j.Steps[i]; b.Before(e) && !tells(b) && !recordedBy(b.Data.Unit, e) && !recordedBy(b.Data.Unit, others...) {
			return b
		}
	}
	return nil
}

// tells says whether a step only tells of what went wrong elsewhere, or of what is to come.
func tells(e *event.Event) bool {
	return e.Type == event.ComplaintFiled || e.Type == event.ComplaintEscalated || afterthought(e)
}

// recordedBy says whether a unit, if any is named, recorded one of some events; a survey is nobody's record.
func recordedBy(unit string, events ...*event.Event) bool {
	return unit != "" && slices.ContainsFunc(events, func(e *event.Event) bool {
		return e.Data.Unit == unit && e.Type != event.SurveyAnswered
	})
}

// sortVisits orders contacts by their first events.
func sortVisits(list []visit) {
	slices.SortStableFunc(list, func(a, b visit) int {
		switch {
		case a.First().Before(b.First()):
			return -1
		case b.First().Before(a.First()):
			return 1
		}
		return 0
	})
}

// sameCustomer: a case may bring the events of two customers together; one's contact is not the other's repeat.
func sameCustomer(a, b visit) bool { return oneCustomer(a.First(), b.First()) }

// oneCustomer says that two events are not of two customers.
func oneCustomer(a, b *event.Event) bool {
	x, y := a.Data.Customer, b.Data.Customer
	return x == y || x == "" || y == ""
}

// assisted lists the first assisted step of each contact the customer made, with its contact.
func (s *scope) assisted() []assistedContact {
	var list []assistedContact
	for _, v := range s.visits {
		for _, e := range v.Steps {
			if isAssisted(e) {
				list = append(list, assistedContact{v, e, event.ReasonFamily(v.Reason)})
				break
			}
		}
	}
	return list
}

// assistedContact is a contact and the step at which a person's channel was reached.
type assistedContact struct {
	visit
	reached *event.Event
	family  string // of its reason
}

func isAssisted(e *event.Event) bool {
	return e.Data.Channel.Assisted() && (ofContact(e) || e.Type == event.MessageReceived || e.Type == event.MessageReplied)
}
