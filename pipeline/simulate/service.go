package simulate

import (
	"time"

	"parcours/pipeline/event"
)

// owed plays what the company owes before the customer asks for anything. It is over where that was done, or where the
// customer asks nobody; else it moves on to the moment when the customer does.
func (st *story) owed() (ending Ending, over bool) {
	switch st.kind.Begins {
	case BeginsOrder, BeginsLateOrder:
		return Served, st.ordered()
	case BeginsPayment:
		return Served, st.paid()
	case BeginsAppointment:
		return st.met()
	}
	return "", false
}

// ordered places the order, and says whether it came in time.
func (st *story) ordered() bool {
	p := &st.parameters.Orders
	unit := st.unit(logistics)
	late := st.kind.Begins == BeginsLateOrder || st.fails(CoreFailure, unit, p.PLate)
	st.order = st.number("order")
	value := float64(20 + st.rng.IntN(p.MaxValue+1))
	due := st.now.Add(st.span(p.Due))
	if late {
		st.need.Reason = p.Reason
	}
	d := event.Data{Identifiers: st.who, Channel: event.Web, Case: st.order, Due: due, Value: &value, Product: st.kind.Product, Place: st.place}
	st.tell(orders, event.OrderPlaced, d)
	d.Due, d.Value, d.Channel, d.Silo, d.Unit = 0, nil, "", logistics, unit
	switch {
	case !late && st.by(st.parameters.Semblances.PTestOrder):
		st.seem(CoreFailure, due, "an order made to test the shop, never meant to be delivered")
		return true
	case !late:
		st.now = due.Add(-time.Duration(1+st.rng.IntN(30)) * time.Hour)
		st.tell(orders, event.OrderDelivered, d)
		return true
	}
	st.overdue(d, due)
	return false
}

// overdue is an order that comes after its date, and moves on to the moment when the customer asks.
func (st *story) overdue(d event.Data, due event.Instant) {
	p := &st.parameters.Orders
	st.fail(CoreFailure, due, "the order did not come by its date", d, false)
	delivered := due.Add(st.span(p.Late))
	st.beside(func() {
		st.now = delivered
		st.tell(orders, event.OrderDelivered, d)
	})
	if delivered >= st.end {
		st.owing++
	}
	st.now = due.Add(st.span(p.Notice))
	st.awake()
}

// paid says whether a payment went through, at once or at the second try.
func (st *story) paid() bool {
	p := &st.parameters.Payments
	value := float64(5 + st.rng.IntN(p.MaxValue+1))
	d := event.Data{Identifiers: st.who, Channel: event.Web, Reason: st.need.Reason, Product: st.kind.Product, Silo: st.kind.Silo, Unit: st.unit(st.kind.Silo)}
	if st.fails(CoreFailure, d.Unit, p.PRefused) {
		d.By = "company"
		st.tell(payments, event.PaymentFailed, d)
		st.fail(CoreFailure, st.now, "a payment was refused by the company's own fault", d, false)
		st.pass(st.span(p.Notice))
		st.awake()
		return false
	}
	if st.by(p.POwn) {
		d.By = "customer"
		st.tell(payments, event.PaymentFailed, d)
		st.seem(CoreFailure, st.now, "the customer's own card had expired")
		st.pass(time.Duration(2+st.rng.IntN(20)) * time.Minute)
	}
	d.By, d.Value = "", &value
	st.tell(payments, event.TransactionCompleted, d)
	return true
}

// met plays an appointment. It is over where it was kept, or where nobody asks after one that was not.
func (st *story) met() (ending Ending, over bool) {
	p := &st.parameters.Appointments
	d := event.Data{Identifiers: st.who, Reason: st.need.Reason, Product: st.kind.Product, Place: st.place, Silo: st.kind.Silo, Unit: st.unit(st.kind.Silo)}
	made := d
	made.Due = st.hours.next(st.now.Add(st.span(p.Due)))
	st.tell(planning, event.AppointmentMade, made)
	st.now = made.Due
	if st.fails(CoreFailure, d.Unit, p.PMissed) {
		return st.missed(d)
	}
	if st.by(p.POwn) {
		st.pass(20 * time.Minute)
		d.By = "customer"
		st.tell(planning, event.AppointmentMissed, d)
		st.seem(CoreFailure, st.now, "the customer was not at home")
		d.By = ""
		st.now = st.hours.next(st.now.Add(st.span(p.Due)))
	}
	st.pass(time.Duration(30+st.rng.IntN(60)) * time.Minute)
	st.tell(planning, event.ServiceUsed, d)
	return Served, true
}

// missed is an appointment to which nobody came.
func (st *story) missed(d event.Data) (ending Ending, over bool) {
	p := &st.parameters.Appointments
	st.pass(time.Duration(30+st.rng.IntN(90)) * time.Minute)
	d.By = "company"
	st.tell(planning, event.AppointmentMissed, d)
	st.fail(CoreFailure, st.now, "nobody came to the appointment", d, false)
	if st.by(p.PSilent) {
		st.failed = true
		return GivenUp, true
	}
	st.pass(st.span(p.Notice))
	st.awake()
	return "", false
}
