package reference

import (
	"slices"
	"time"

	"parcours/pipeline/event"
)

// debt is something that a journey owes or waits for, from an event until another settles it.
type debt struct {
	what    string // message, case, complaint, promise, order, appointment
	from    *event.Event
	settled bool
	until   event.Instant // an appointment passes; 0 for what does not
}

func (d *debt) openAt(at event.Instant) bool { return !d.settled && (d.until == 0 || d.until >= at) }

// debts are those that a list of events leaves, in the order in which they were made, settled ones among them.
func (h *history) debts(events []*event.Event) (list []*debt) {
	for _, e := range events {
		h.settleAll(list, e)
		if d := h.debtOf(e); d != nil {
			list = append(list, d)
		}
	}
	return list
}

func (h *history) debtOf(e *event.Event) *debt {
	switch e.Type {
	case event.MessageReceived:
		return &debt{what: "message", from: e}
	case event.ComplaintFiled, event.ComplaintEscalated:
		return &debt{what: "complaint", from: e}
	case event.PromiseMade:
		return &debt{what: "promise", from: e}
	case event.OrderPlaced:
		return &debt{what: "order", from: e}
	case event.AppointmentMade:
		return &debt{what: "appointment", from: e, until: max(e.Data.Due, e.At)}
	case event.CaseResolved, event.CaseClosed:
		return nil
	}
	if e.Data.Case != "" && worksOn(e) && !h.judge.container(e.Data.Case) {
		return &debt{what: "case", from: e}
	}
	return nil
}

// worksOn says whether an event takes its case up, or goes on with it.
func worksOn(e *event.Event) bool {
	switch family(e) {
	case "case", "work", event.FamilyOther:
		return true
	}
	return false
}

// settleAll settles what an event settles of the debts before it. A delivery is of one order, the oldest; a missed
// appointment is one.
func (h *history) settleAll(list []*debt, e *event.Event) {
	if e.Type == event.AppointmentMissed {
		if d := missedOf(list, e); d != nil {
			d.settled = true
		}
		return
	}
	delivered := false
	for _, d := range list {
		if d.settled || !h.settles(d, e) || delivered && d.what == "order" {
			continue
		}
		d.settled = true
		delivered = delivered || d.what == "order"
	}
}

// missedOf is the appointment that was missed: of the same case or of no case, the last one due by then, else the one due
// next; nil for none.
func missedOf(list []*debt, missed *event.Event) (found *debt) {
	for _, d := range list {
		if d.what != "appointment" || d.settled || !sameCase(d.from.Data.Case, missed.Data.Case) || !one(d.from.Data.Customer, missed.Data.Customer) {
			continue
		}
		switch {
		case found == nil:
			found = d
		case found.until > missed.At:
			if d.until < found.until {
				found = d
			}
		case d.until <= missed.At && d.until >= found.until:
			found = d
		}
	}
	return found
}

// settles says whether a later event of the journey settles a debt.
func (h *history) settles(d *debt, e *event.Event) bool {
	f, g := &d.from.Data, &e.Data
	if d.what == "case" {
		return f.Case == g.Case && (e.Type == event.CaseResolved || e.Type == event.CaseClosed)
	}
	if !one(f.Customer, g.Customer) {
		return false
	}
	switch d.what {
	case "message":
		return answersMessage(d.from, e)
	case "complaint":
		return sameCase(f.Case, g.Case) && (e.Type == event.ComplaintAnswered || e.Type == event.ComplaintClosed)
	case "promise":
		return e.Type == event.PromiseKept && f.Promise == g.Promise || h.performs(d.from, e)
	case "order":
		return e.Type == event.OrderDelivered && sameThing(f, g)
	}
	return false
}

// sameCase: of the same case, or one of them of none.
func sameCase(a, b string) bool { return a == "" || b == "" || a == b }

// sameThing: matched by case where both name one, else by product.
func sameThing(a, b *event.Data) bool {
	if a.Case != "" && b.Case != "" {
		return a.Case == b.Case
	}
	return a.Product == b.Product
}

// answersMessage: a reply in the thread, or any where one of both names no thread; or somebody who answers on an assisted
// channel or none.
func answersMessage(message, e *event.Event) bool {
	if e.Type == event.MessageReplied {
		return e.Data.Contact == "" || message.Data.Contact == "" || e.Data.Contact == message.Data.Contact
	}
	return answersMessages(e)
}

// performs says whether an event does what a promise was about. The contact in which a callback is promised is not that
// callback.
func (h *history) performs(made, e *event.Event) bool {
	switch made.Data.Act {
	case "callback":
		switch e.Type {
		case event.ContactStarted, event.ContactAnswered, event.ContactEnded:
			return h.of[e] != h.of[made] && h.of[e].outgoing()
		}
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

// owed is the journey in which just that is open which a contact begins with the answer to (docs/decisions/0004), or which
// it performs as it was promised; the one with the latest step of several, nil for none.
func (h *history) owed(c *block) *journey {
	return h.latest(c, func(j *journey, gap time.Duration) bool {
		about := j.family(c.start())
		if gap > h.judge.book.Reach() || about != "" && c.family() != "" && about != c.family() {
			return false
		}
		debts := h.debts(j.until(c.start()))
		return slices.ContainsFunc(debts, func(d *debt) bool {
			return answers(d, c.first()) || d.what == "promise" && !d.settled && h.performedBy(d.from, c)
		})
	})
}

// performedBy says whether a contact holds what was promised.
func (h *history) performedBy(made *event.Event, c *block) bool {
	return c.has(func(e *event.Event) bool { return one(made.Data.Customer, e.Data.Customer) && h.performs(made, e) })
}

// answers says whether an event is the answer to a debt.
func answers(d *debt, e *event.Event) bool {
	f, g := &d.from.Data, &e.Data
	if !one(f.Customer, g.Customer) {
		return false
	}
	open := !d.settled
	switch e.Type {
	case event.MessageReplied:
		return open && d.what == "message"
	case event.PromiseKept:
		return open && d.what == "promise" && f.Promise == g.Promise
	case event.OrderDelivered:
		return open && d.what == "order" && sameThing(f, g)
	case event.AppointmentMissed:
		return open && d.what == "appointment"
	case event.ComplaintAcknowledged, event.ComplaintAnswered, event.ComplaintClosed:
		return open && d.what == "complaint" && sameCase(f.Case, g.Case)
	case event.ComplaintEscalated:
		return d.what == "complaint"
	}
	return false
}
