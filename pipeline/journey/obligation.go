package journey

import "parcours/pipeline/event"

// An answer belongs to what it answers, however late it comes: the reply to a message, the answer to a complaint, the
// delivery of an order, the keeping of a promise join the journey in which that is still open, whatever the gap, as far as
// the book reaches.

// owing finds the latest journey in which what the block's first event settles is still open; nil where there is none.
func (f *folder) owing(b *block) *Journey {
	if !settles(b.first().Type) {
		return nil
	}
	reach := f.book.Reach()
	return f.latest(b, reach, func(j *Journey) bool {
		if b.start().Sub(j.lastBefore(b.start())) > reach {
			return false
		}
		if b.family() != "" && j.ReasonFamily != "" && j.ReasonFamily != b.family() {
			return false
		}
		s := read(j.before(b.start()), b.start(), j.ReasonFamily, f.book)
		return s.owesTo(b.first())
	})
}

// settles says whether a type answers something said before.
func settles(typ string) bool {
	switch typ {
	case event.MessageReplied, event.PromiseKept, event.OrderDelivered, event.AppointmentMissed, event.ComplaintAcknowledged,
		event.ComplaintAnswered, event.ComplaintEscalated, event.ComplaintClosed:
		return true
	}
	return false
}

// owing says whether an answer could still be owed, by owesTo's reading.
func (s *state) owing() bool {
	return s.complained || s.complaints > 0 || len(s.messages) > 0 || len(s.promises) > 0 || len(s.orders) > 0 || len(s.appointments) > 0
}

// owesTo says whether the journey has open what the event settles.
func (s *state) owesTo(e *event.Event) bool {
	switch e.Type {
	case event.MessageReplied:
		return len(s.messages) > 0
	case event.PromiseKept:
		return contains(s.promises, e.Data.Promise)
	case event.OrderDelivered:
		return contains(s.orders, orderKey(e))
	case event.AppointmentMissed:
		return len(s.appointments) > 0
	case event.ComplaintEscalated:
		return s.complained // after the answer too
	}
	return s.complaints > 0
}
