package simulate

import (
	"time"

	"parcours/pipeline/event"
)

// contact is one assisted contact that the customer began.
type contact struct {
	id      string
	from    source
	data    event.Data // what each of its events carries
	began   event.Instant
	ended   event.Instant // 0: nobody answered
	uncoded bool          // nobody coded the reason, or it was too short to have one
	unknown bool          // nobody recognised the customer
	reason  string        // as coded at the end
	opened  event.Instant // when it opened a case
	promise string        // made during it
	due     event.Instant // of the promise
	within  time.Duration // open time that the promise gives
}

// hidden says whether a rule can see whose contact it was, and about what.
func (c *contact) hidden() bool { return c.uncoded || c.unknown }

// contact goes to people on a channel, and says whether that solved it.
func (st *story) contact(channel event.Channel) (solved bool) {
	switch channel {
	case event.Phone:
		return st.queue(telephony, channel, "call", &st.parameters.Phone)
	case event.Chat:
		return st.queue(chats, channel, "chat", &st.parameters.Chat)
	case event.Store:
		return st.queue(stores, channel, "visit", &st.parameters.Store)
	}
	return st.write()
}

// open begins a contact now: it is the return of the one before, and what follows a failed attempt alone.
func (st *story) open(from source, channel event.Channel, id string) *contact {
	p := &st.parameters.Noise
	st.need.Contacts++
	c := &contact{id: id, from: from, began: st.now, reason: st.need.Reason}
	c.data = event.Data{Contact: id, Direction: event.In, Channel: channel, Product: st.kind.Product, Silo: "customer_service"}
	c.data.Identifiers = st.who
	switch {
	case st.by(p.PNoCustomer):
		c.unknown, c.data.Identifiers = true, nil
		st.need.Noise.NoCustomer++
	case channel == event.Phone && st.by(p.PPhone):
		c.data.Identifiers = st.phone
	case channel == event.Email:
		c.data.Identifiers = st.mail
	}
	if st.by(p.PNoReason) {
		c.uncoded, c.reason = true, ""
		st.need.Noise.NoReason++
	}
	return c
}

// close plants what the contact was the second half of.
func (st *story) close(c *contact) {
	if st.attempt != 0 && c.began.Sub(st.attempt) < day {
		st.plant(ChannelFailover, c.began, c.hidden())
	}
	if b := st.before; b != nil && c.began.Sub(b.ended) < 7*day {
		st.plant(RepeatContact, c.began, c.hidden() || b.hidden())
	}
	st.attempt = 0
	if c.ended != 0 {
		st.before = c
	}
}

// say tells an event of a contact.
func (st *story) say(c *contact, typ string, change func(d *event.Data)) {
	d := c.data
	if change != nil {
		change(&d)
	}
	st.tell(c.from, typ, d)
}

// queue is a contact on which one waits for a person.
func (st *story) queue(from source, channel event.Channel, name string, q *Queue) (solved bool) {
	if !st.hours.isOpen(st.now) && (channel == event.Store || !st.by(q.PClosed)) {
		st.now = st.hours.next(st.now).Add(time.Duration(st.rng.Int64N(5400)) * time.Second)
	}
	c := st.open(from, channel, st.number(name))
	st.greet(c, channel)
	if st.refused(c, q) || st.waited(c, q) {
		st.close(c)
		return false
	}
	return st.served(c, q)
}

// greet says who takes the contact.
func (st *story) greet(c *contact, channel event.Channel) {
	c.data.Unit = st.unit("customer_service")
	if channel == event.Store {
		c.data.Silo = "branch_network"
		c.data.Unit = st.shop()
	}
	st.say(c, event.ContactStarted, nil)
}

// refused says whether the company was closed or busy; then nobody could code a reason.
func (st *story) refused(c *contact, q *Queue) bool {
	why := ""
	switch {
	case !st.hours.isOpen(st.now):
		why = "closed"
	case st.by(q.PBusy):
		why = "busy"
	default:
		return false
	}
	st.pass(4 * time.Second)
	st.say(c, event.ContactRefused, func(d *event.Data) { d.Why = why })
	st.plant(RefusedContact, st.now, c.unknown)
	c.uncoded = true
	return true
}

// waited waits in the queue, and says whether the customer left it.
func (st *story) waited(c *contact, q *Queue) (left bool) {
	st.pass(2 * time.Second)
	st.say(c, event.ContactQueued, nil)
	long := st.by(q.PLong)
	wait := st.span(q.Wait)
	if long {
		wait = st.span(q.LongWait)
	}
	if long && st.by(q.PAbandon) {
		st.pass(wait / 2)
		st.say(c, event.ContactAbandoned, nil)
		st.plant(QueueAbandonment, st.now, c.unknown)
		c.uncoded = true
		return true
	}
	st.pass(wait)
	c.data.Agent = st.agent(c.data.Unit)
	seconds := float64(wait / time.Second)
	st.say(c, event.ContactAnswered, func(d *event.Data) { d.WaitS = &seconds })
	if long {
		st.plant(LongWait, st.now, c.unknown)
	}
	return false
}

// served is the talk, the transfers, the end of a contact and what follows from it.
func (st *story) served(c *contact, q *Queue) (solved bool) {
	talk := st.span(q.Talk)
	st.pass(talk)
	st.transfers(c)
	work := ""
	if st.by(st.kind.PCase) {
		work = st.openCase(c)
	} else {
		solved = st.by(q.PResolved)
	}
	promise := !solved && work == "" && st.by(st.parameters.Promises.PMade)
	if promise {
		st.promise(c)
	}
	st.hangUp(c, talk, solved)
	st.close(c)
	switch {
	case work != "":
		return st.handle(c, work)
	case promise:
		return st.callBack(c)
	}
	return solved
}

// hangUp ends a contact; the reason is coded now.
func (st *story) hangUp(c *contact, talk time.Duration, solved bool) {
	st.pass(time.Second)
	c.ended = st.now
	spoken, held, wrapped := float64(talk/time.Second), float64(st.rng.IntN(90)), float64(20+st.rng.IntN(160))
	st.say(c, event.ContactEnded, func(d *event.Data) {
		d.Reason, d.Resolved, d.TalkS, d.HoldS, d.WrapS = c.reason, &solved, &spoken, &held, &wrapped
		if st.by(0.7) && d.Case == "" {
			d.Case = st.order
		}
	})
	st.survey(c, solved)
}

// transfers moves the customer on, once in a need: to the silo that can solve it, or around.
func (st *story) transfers(c *contact) {
	p := &st.parameters.Moves
	if st.moved || !st.by(p.POwner) || c.data.Silo == "branch_network" {
		return
	}
	st.moved = true
	path := []string{st.kind.Silo}
	wander := st.by(p.PWander)
	if wander {
		path = st.wander(c.data.Silo)
	}
	for _, to := range path {
		st.move(c, to)
	}
	if wander {
		st.plant(SiloHandoff, st.now, c.unknown)
	}
}

// wander is a way through three or more silos, or there and back.
func (st *story) wander(from string) (path []string) {
	if st.by(0.3) {
		return []string{st.parameters.Moves.Through[0], from}
	}
	for _, silo := range st.parameters.Moves.Through {
		if silo != st.kind.Silo {
			path = append(path, silo)
		}
	}
	return append(path, st.kind.Silo)
}

// move hands the customer to another silo, where somebody answers after a while.
func (st *story) move(c *contact, to string) {
	if to == c.data.Silo {
		return
	}
	unit := st.unit(to)
	st.say(c, event.ContactTransferred, func(d *event.Data) { d.ToSilo, d.ToUnit = to, unit })
	c.data.Silo, c.data.Unit, c.data.Agent = to, unit, st.agent(unit)
	wait := time.Duration(5+st.rng.IntN(80)) * time.Second
	st.pass(wait)
	seconds := float64(wait / time.Second)
	st.say(c, event.ContactAnswered, func(d *event.Data) { d.WaitS = &seconds })
	st.pass(time.Duration(60+st.rng.IntN(300)) * time.Second)
}

// survey asks, and is sometimes answered.
func (st *story) survey(c *contact, solved bool) {
	p := &st.parameters.Surveys
	if c.unknown || !st.by(p.PSent) {
		return
	}
	st.beside(func() {
		d := event.Data{Identifiers: st.who, Kind: "transactional", Contact: c.id}
		st.pass(10 * time.Minute)
		st.tell(surveys, event.SurveySent, d)
		if !st.by(p.PAnswer) {
			return
		}
		st.pass(st.span(p.After))
		st.answer(d, solved)
	})
}

// answer gives figures which follow what happened, mostly.
func (st *story) answer(d event.Data, solved bool) {
	nps, csat, ces := st.rng.IntN(8), 1+st.rng.IntN(3), 1+st.rng.IntN(4)
	if solved {
		nps, csat, ces = 6+st.rng.IntN(5), 3+st.rng.IntN(3), 4+st.rng.IntN(4)
	}
	d.NPS, d.CSAT, d.CES = number(nps), number(csat), number(ces)
	d.CSATScale, d.CESScale, d.Resolved = number(5), number(7), &solved
	st.tell(surveys, event.SurveyAnswered, d)
	if nps <= 6 || csat <= 2 || ces <= 3 {
		st.plant(Detractor, st.now, false)
	}
}

func number(n int) *float64 {
	f := float64(n)
	return &f
}
