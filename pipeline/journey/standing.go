package journey

import (
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// Standing says what keeps a journey open.
type Standing struct {
	Cases        []string       // open ones, by the order in which they came up
	Complaints   int            // not answered
	Promises     []*event.Event // made, and neither kept nor performed
	Messages     []string       // contacts with a message that is not answered; "" for messages without a contact
	Orders       []*event.Event // not delivered
	Appointments []event.Instant
	// Until is the clock up to which it stays open when nothing comes: then it lapses, or an appointment has passed. Never
	// where an open case keeps it open for good.
	Until event.Instant
}

// Owes says whether anything is owed; else it is open because a repeat could still come.
func (s *Standing) Owes() bool {
	return len(s.Cases)+s.Complaints+len(s.Promises)+len(s.Messages)+len(s.Orders)+len(s.Appointments) > 0
}

// Stands reads what keeps a journey open as of a clock from its steps, in order, and its reason family; false where they say
// that it has ended.
func Stands(steps []*event.Event, clock event.Instant, family string, book *rules.Book) (Standing, bool) {
	if len(steps) == 0 {
		return Standing{}, false
	}
	read := read(steps, clock, family, book)
	s := Standing{Complaints: len(read.complaints), Promises: read.promises, Orders: read.orders, Until: Never}
	for _, c := range read.cases {
		if c.open {
			s.Cases = append(s.Cases, c.id)
		}
	}
	for _, m := range read.messages {
		s.Messages = with(s.Messages, m.Data.Contact)
	}
	for _, due := range read.appointments {
		if clock <= due {
			s.Appointments = append(s.Appointments, due)
		}
	}
	if read.next != Never {
		s.Until = read.next - 1
	}
	return s, read.outcome == Open
}
