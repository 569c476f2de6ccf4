package simulate

import (
	"time"

	"parcours/pipeline/event"
)

// live tells a need from its beginning to its end.
func (st *story) live() {
	st.need.Ending = st.ending()
	if st.cut {
		st.need.Ending = Unfinished
	}
}

// ending is how the need ends, if the days suffice.
func (st *story) ending() Ending {
	if ending, over := st.owed(); over {
		return ending
	}
	if ending, done := st.alone(); done {
		return ending
	}
	ending := st.ask()
	switch {
	case st.kind.Leaving && ending == Resolved:
		st.leave()
		return Lost
	case ending == GivenUp && st.by(st.parameters.Complaints.PFiled*st.segment.Complains):
		st.beside(st.complain)
	case ending == Resolved && st.by(st.parameters.Semblances.PThanks):
		st.beside(st.thank)
	}
	return ending
}

// ask goes to people until one of them can help.
func (st *story) ask() Ending {
	p := &st.parameters.Return
	channel := st.channel()
	for n := 1; ; n++ {
		if st.contact(channel) || st.bounce(&channel, &n) {
			return Resolved
		}
		if n >= p.Most || st.by(p.PGiveUp*st.segment.GivesUp) || st.cut {
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
	all := [...]event.Channel{event.Phone, event.Email, event.Chat, event.Messaging, event.Store}
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
	d := event.Data{Identifiers: st.who, Reason: st.need.Reason, Silo: sales, Unit: st.unit(sales)}
	st.pass(time.Minute)
	st.tell(crm, event.ContractCancelRequested, d)
	st.work(time.Hour)
	d.InitiatedBy, d.Cause = "customer", "price"
	st.tell(crm, event.ContractCancelled, d)
}

// thank calls again after all was solved, to say so: the same reason, and no failure.
func (st *story) thank() {
	st.pass(26*time.Hour + time.Duration(st.rng.IntN(40))*time.Hour)
	st.now = st.hours.next(st.now)
	if st.before == nil || st.now.Sub(st.before.ended) >= st.parameters.Return.Within.To {
		return
	}
	c := st.open(telephony, event.Phone, st.number("call"))
	st.seem(RepeatContact, c.began, "the customer calls again to say thank you")
	st.greet(c, event.Phone)
	st.answer(c, st.span(st.parameters.Phone.Wait))
	st.pass(50 * time.Second)
	st.hangUp(c, 50*time.Second, true)
	st.tell(crm, event.PraiseReceived, event.Data{Identifiers: c.data.Identifiers, Contact: c.id, Silo: c.data.Silo, Unit: c.data.Unit})
}
