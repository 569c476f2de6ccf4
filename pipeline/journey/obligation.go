package journey

import (
	"slices"

	"parcours/pipeline/event"
)

// An answer belongs to what it answers, however late it comes: the reply to a message, the answer to a complaint, the
// delivery of an order, the keeping of a promise, the act that was promised join the journey in which that is still open,
// whatever the gap, as far as the book reaches.

// owing finds the latest journey in which what the block's first event settles is still open, or what any event of it was
// promised as; nil where there is none.
func (f *folder) owing(b *block) *Journey {
	if !settles(b.first().Type) && !f.mayPerform(b) {
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
		return s.owesTo(b.first()) || f.promises && slices.ContainsFunc(b.steps, s.awaits)
	})
}

// mayPerform says whether an event of the block could be an act that was promised.
func (f *folder) mayPerform(b *block) bool {
	return f.promises && slices.ContainsFunc(b.steps, func(e *event.Event) bool {
		return slices.ContainsFunc(promisedActs[:], func(act string) bool { return Performs(act, e) })
	})
}

// promisedActs are the acts by which a promise is performed without a promise.kept that names it.
var promisedActs = [...]string{"callback", "reply", "delivery", "resolution"}

// Performs says whether an event is the act that was promised: for `callback` a contact of direction callback or out that
// was started, answered or ended, for `reply` message.replied, for `delivery` order.delivered, for `resolution` a case
// resolved or closed or a contact that ended resolved. Nothing performs any other act.
func Performs(act string, e *event.Event) bool {
	switch act {
	case "callback":
		return callsBack(e)
	case "reply":
		return e.Type == event.MessageReplied
	case "delivery":
		return e.Type == event.OrderDelivered
	case "resolution":
		return e.Type == event.CaseResolved || e.Type == event.CaseClosed ||
			e.Type == event.ContactEnded && e.Data.Resolved != nil && *e.Data.Resolved
	}
	return false
}

func callsBack(e *event.Event) bool {
	if e.Data.Direction != event.Callback && e.Data.Direction != event.Out {
		return false
	}
	return e.Type == event.ContactStarted || e.Type == event.ContactAnswered || e.Type == event.ContactEnded
}

// performs says whether an event performs a promise that was made before it. The call in which a callback is promised is
// not that callback.
func performs(made, e *event.Event) bool {
	if made.Data.Act == "callback" && made.Data.Contact != "" && made.Data.Contact == e.Data.Contact {
		return false
	}
	return Performs(made.Data.Act, e)
}

// promised notes a promise; one made again under the same name is the newer one.
func (o *obligations) promised(made *event.Event) {
	o.promises = slices.DeleteFunc(o.promises, func(p *event.Event) bool { return p.Data.Promise == made.Data.Promise })
	o.promises = append(o.promises, made)
}

// performed takes out the promises that an event performs.
func (o *obligations) performed(e *event.Event) {
	o.promises = slices.DeleteFunc(o.promises, func(made *event.Event) bool { return performs(made, e) })
}

// awaits says whether an event performs one of the promises that are open.
func (o *obligations) awaits(e *event.Event) bool {
	return slices.ContainsFunc(o.promises, func(made *event.Event) bool { return performs(made, e) })
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
	return len(s.complainants) > 0 || len(s.messages) > 0 || len(s.promises) > 0 || len(s.orders) > 0 || len(s.appointments) > 0
}

// owesTo says whether the journey has open what the event settles.
func (s *state) owesTo(e *event.Event) bool {
	switch e.Type {
	case event.MessageReplied:
		return slices.ContainsFunc(s.messages, func(m *event.Event) bool { return oneCustomer(m.Data.Customer, e.Data.Customer) })
	case event.PromiseKept:
		return slices.ContainsFunc(s.promises, func(made *event.Event) bool { return made.Data.Promise == e.Data.Promise })
	case event.OrderDelivered:
		return slices.ContainsFunc(s.orders, func(placed *event.Event) bool { return OfOrder(placed, e) })
	case event.AppointmentMissed:
		return len(s.appointments) > 0
	case event.ComplaintEscalated:
		return slices.ContainsFunc(s.complainants, func(c string) bool { return oneCustomer(c, e.Data.Customer) }) // after the answer too
	case event.ComplaintAcknowledged, event.ComplaintAnswered, event.ComplaintClosed:
		return slices.ContainsFunc(s.complaints, func(c *event.Event) bool { return sameComplaint(c, e) })
	}
	return false
}
