package simulate

import (
	"fmt"
	"time"

	"parcours/pipeline/event"
)

// caseDays is the company's deadline for a case, in open time: five working days.
const caseDays = 5

// openDay is a day's open time.
func (st *story) openDay() time.Duration {
	return time.Duration(st.hours.shut-st.hours.open) * time.Hour
}

func (st *story) shop() string { return fmt.Sprintf("shop-%02d", 1+st.rng.IntN(st.parameters.Stores)) }

// write is a contact by e-mail: answered in time and solved, or late, or never.
func (st *story) write() (solved bool) {
	p := &st.parameters.Mail
	c := st.open(mailbox, event.Email, st.number("mail"))
	c.data.Unit = st.unit("customer_service")
	classified := st.by(0.5)
	st.say(c, event.MessageReceived, func(d *event.Data) {
		if classified {
			d.Reason = c.reason
		}
	})
	c.uncoded = c.uncoded || !classified
	due := st.hours.after(st.now, st.openDay())
	switch {
	case st.by(p.PNever):
		st.plant(SLABreach, due, c.unknown)
		st.work(st.span(p.LateReply))
		st.close(c)
		return false
	case st.by(p.PLate):
		st.plant(SLABreach, due, c.unknown)
		st.work(st.span(p.LateReply))
	default:
		st.work(st.span(p.Reply))
	}
	c.uncoded = c.reason == ""
	st.close(c)
	c.data.Agent = st.agent(c.data.Unit)
	st.say(c, event.MessageReplied, func(d *event.Data) { d.Reason = c.reason })
	return true
}

// openCase opens a case during a contact.
func (st *story) openCase(c *contact) string {
	id := st.number("case")
	st.pass(30 * time.Second)
	d := c.data
	d.Case, d.Reason = id, c.reason
	st.tell(crm, event.CaseOpened, d)
	c.data.Case, c.opened = id, st.now
	return id
}

// handle works on a case until it is resolved, in time or not.
func (st *story) handle(c *contact, id string) (solved bool) {
	p := &st.parameters.Cases
	d := event.Data{Identifiers: c.data.Identifiers, Case: id, Reason: c.reason, Product: st.kind.Product}
	d.Silo, d.Unit = st.kind.Silo, st.unit(st.kind.Silo)
	d.Agent = st.agent(d.Unit)
	st.work(st.span(p.Step))
	st.step(d, "case examined")
	if st.by(p.PLate) {
		st.delay(c, d)
	} else if st.by(p.PWait) {
		st.wait(d)
	}
	st.work(st.span(p.Step))
	st.tell(crm, event.CaseResolved, d)
	if st.by(p.PReopen) {
		st.reopen(c, d)
	}
	st.beside(func() {
		st.work(st.openDay())
		st.tell(crm, event.CaseClosed, d)
	})
	return true
}

// delay lets the deadline of a case pass; some customers ask what has become of it.
func (st *story) delay(c *contact, d event.Data) {
	p := &st.parameters.Cases
	due := st.hours.after(c.opened, caseDays*st.openDay())
	st.plant(SLABreach, due, c.unknown)
	if st.by(p.PChase) {
		st.beside(func() {
			st.now = st.hours.next(due.Add(time.Duration(10+st.rng.IntN(200)) * time.Minute))
			st.chase(c.data.Case)
		})
	}
	st.work(st.span(p.LateStep))
	st.step(d, "case taken up again")
}

// chase is a call about a case.
func (st *story) chase(id string) {
	c := st.open(telephony, event.Phone, st.number("call"))
	c.data.Case = id
	st.greet(c, event.Phone)
	if q := &st.parameters.Phone; !st.refused(c, q) && !st.waited(c, q) {
		talk := st.span(q.Talk)
		st.pass(talk)
		st.hangUp(c, talk, false)
	}
	st.close(c)
}

func (st *story) step(d event.Data, activity string) {
	d.Activity = activity
	st.tell(crm, event.StepPerformed, d)
}

// wait asks the customer for something.
func (st *story) wait(d event.Data) {
	waiting := d
	waiting.On = "customer"
	st.tell(crm, event.CaseWaiting, waiting)
	st.work(time.Duration(2+st.rng.IntN(12)) * time.Hour)
	st.tell(crm, event.CaseResumed, d)
}

// reopen brings a resolved case back.
func (st *story) reopen(c *contact, d event.Data) {
	st.work(time.Duration(4+st.rng.IntN(14)) * time.Hour)
	st.tell(crm, event.CaseReopened, d)
	st.plant(ReopenedCase, st.now, c.unknown)
	st.work(st.span(st.parameters.Cases.Step))
	st.tell(crm, event.CaseResolved, d)
}

// promise promises to call back.
func (st *story) promise(c *contact) {
	c.within = st.span(st.parameters.Promises.Due)
	c.promise, c.due = st.number("promise"), st.hours.after(st.now, c.within)
	d := c.data
	d.Promise, d.Due, d.Act = c.promise, c.due, "callback"
	st.tell(crm, event.PromiseMade, d)
}

// callBack keeps the promise in time, or does not.
func (st *story) callBack(c *contact) (solved bool) {
	if !st.by(st.parameters.Promises.PKept) {
		st.plant(BrokenPromise, c.due, c.unknown)
		st.now = max(st.now, c.due)
		return false
	}
	st.work(c.within/4 + time.Duration(st.rng.Int64N(int64(c.within/time.Second)/2+1))*time.Second)
	call := *c
	call.id, call.from = st.number("call"), telephony
	call.data.Contact, call.data.Direction, call.data.Channel = call.id, event.Callback, event.Phone
	st.say(&call, event.ContactStarted, nil)
	st.pass(8 * time.Second)
	st.say(&call, event.ContactAnswered, nil)
	kept := event.Data{Identifiers: c.data.Identifiers, Contact: call.id, Promise: c.promise, Silo: c.data.Silo, Unit: c.data.Unit}
	st.tell(crm, event.PromiseKept, kept)
	talk := st.span(st.parameters.Phone.Talk)
	st.pass(talk)
	st.hangUp(&call, talk, true)
	return true
}

// complain is the last thing a customer does who got no answer.
func (st *story) complain() {
	p := &st.parameters.Complaints
	st.pass(time.Duration(4+st.rng.IntN(40)) * time.Hour)
	d := event.Data{
		Identifiers: st.mail, Channel: event.Email, Case: st.number("complaint"), Reason: st.need.Reason,
		Silo: "customer_service", Unit: "customer_service-complaints",
	}
	st.tell(crm, event.ComplaintFiled, d)
	filed := st.now
	ack := st.span(p.Ack)
	if st.by(p.PLateAck) {
		ack = st.span(p.LateAck)
		st.plant(SLABreach, st.workdays(filed, 10), false)
	}
	st.now = st.hours.next(filed.Add(ack))
	st.tell(crm, event.ComplaintAcknowledged, d)
	st.now = st.hours.next(st.now.Add(st.span(p.Answer)))
	st.tell(crm, event.ComplaintAnswered, d)
	if !st.by(p.PEscalate) {
		return
	}
	st.pass(time.Duration(24+st.rng.IntN(72)) * time.Hour)
	d.To = "mediator"
	st.tell(crm, event.ComplaintEscalated, d)
	st.plant(ComplaintEscalation, st.now, false)
}

// workdays is the end of the n-th day from Monday to Saturday after a moment.
func (st *story) workdays(at event.Instant, n int) event.Instant {
	t := at.Time().In(st.hours.zone)
	for n > 0 {
		if t = t.AddDate(0, 0, 1); t.Weekday() != time.Sunday {
			n--
		}
	}
	return st.hours.clock(t.AddDate(0, 0, 1), 0)
}
