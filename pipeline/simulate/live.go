package simulate

import (
	"time"

	"parcours/pipeline/event"
)

// live tells a need from its beginning to its end.
func (st *story) live() {
	if st.kind.Ordered && st.orderInTime() {
		st.need.Ending = Served
		return
	}
	if alone, done := st.alone(); done {
		st.need.Ending = alone
		return
	}
	st.need.Ending = st.ask()
	if st.kind.Leaving && st.need.Ending == Resolved {
		st.leave()
	}
	if st.need.Ending == GivenUp && st.by(st.parameters.Complaints.PFiled) {
		st.beside(st.complain)
	}
}

// ask goes to people until one of them can help.
func (st *story) ask() Ending {
	p := &st.parameters.Return
	channel := st.channel()
	for n := 1; ; n++ {
		if st.contact(channel) {
			return Resolved
		}
		if n == p.Most || st.by(p.PGiveUp) || st.cut {
			return GivenUp
		}
		st.pass(st.span(p.After))
		st.awake()
		if !st.by(p.PSame) {
			channel = st.channel()
		}
	}
}

// channel is one that customers choose for such a need.
func (st *story) channel() event.Channel {
	all := [...]event.Channel{event.Phone, event.Email, event.Chat, event.Store}
	return all[pick(st.rng, len(all), func(i int) float64 { return st.kind.Channel.of(all[i]) })]
}

// awake moves a moment of the night into the next morning.
func (st *story) awake() {
	t := st.now.Time().In(st.hours.zone)
	from, to := st.parameters.Awake[0], st.parameters.Awake[1]
	switch {
	case t.Hour() < from:
		st.now = st.hours.clock(t, from)
	case t.Hour() >= to:
		st.now = st.hours.clock(t.AddDate(0, 0, 1), from)
	default:
		return
	}
	st.pass(time.Duration(st.rng.Int64N(3600)) * time.Second)
}

// leave cancels the contract, an hour of work after it was asked for.
func (st *story) leave() {
	d := event.Data{Identifiers: st.who, Reason: st.need.Reason, Silo: "sales", Unit: st.unit("sales")}
	st.pass(time.Minute)
	st.tell(crm, event.ContractCancelRequested, d)
	st.work(time.Hour)
	d.InitiatedBy, d.Cause = "customer", "price"
	st.tell(crm, event.ContractCancelled, d)
	st.need.Ending = Lost
}

// orderInTime places the order. It says false, and moves on to the moment when the customer asks, where it does not come.
func (st *story) orderInTime() bool {
	p := &st.parameters.Orders
	late := st.kind.Reason != orderReason || st.by(p.PLate)
	if late {
		st.need.Reason = lateReason
	}
	st.order = st.number("order")
	value := float64(20 + st.rng.IntN(p.MaxValue))
	due := st.now.Add(st.span(p.Due))
	d := event.Data{Identifiers: st.who, Channel: event.Web, Case: st.order, Due: due, Value: &value, Product: st.kind.Product}
	st.tell(orders, event.OrderPlaced, d)
	d.Due, d.Value, d.Channel, d.Silo, d.Unit = 0, nil, "", "logistics", st.unit("logistics")
	if !late {
		st.now = due.Add(-time.Duration(1+st.rng.IntN(30)) * time.Hour)
		st.tell(orders, event.OrderDelivered, d)
		return true
	}
	st.plant(CoreFailure, due, false)
	st.beside(func() {
		st.now = due.Add(st.span(p.Late))
		st.tell(orders, event.OrderDelivered, d)
	})
	st.now = due.Add(st.span(p.Notice))
	st.awake()
	return false
}

// orderReason is the need of somebody who only orders, and lateReason what it becomes.
const orderReason, lateReason = "delivery.order", "delivery.late"
