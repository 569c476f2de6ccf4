package breakpoint

import (
	"slices"

	"parcours/pipeline/event"
)

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
	for _, v := range s.inbound() {
		for _, e := range v.Steps {
			if isAssisted(e) {
				list = append(list, assistedContact{v, e})
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
}

func isAssisted(e *event.Event) bool {
	switch event.SpecOf(e.Type).Family {
	case "contact", "message":
		return e.Data.Channel.Assisted()
	}
	return false
}
