package simulate

import (
	"time"

	"parcours/pipeline/event"
)

// contact is one contact that the customer began.
type contact struct {
	id      string
	from    source
	data    event.Data // what each of its events carries
	began   event.Instant
	ended   event.Instant // 0: not yet; a message that is never answered has no end
	uncoded bool          // nobody coded the reason, or it was too short to have one
	unknown bool          // nobody recognised the customer
	useless bool          // it was known before that nobody could help there
	menu    bool          // its reason is said at the start
	names   bool          // at its end the order that it is about is named
	vain    bool          // nobody answered
	reason  string        // as coded at the end
	opened  event.Instant // when it opened a case
	promise string        // made during it
	due     event.Instant // of the promise
	within  time.Duration // open time that the promise gives
}

// pNames is how probable it is that somebody notes which order a contact is about.
const pNames = 0.7

// hidden says whether a rule can see whose contact it was, and about what.
func (c *contact) hidden() bool { return c.uncoded || c.unknown }

// contact goes to people on a channel, and says whether that solved it.
func (st *story) contact(channel event.Channel) (solved bool) { return st.goTo(channel, false) }

// goTo is a contact on a channel; a useless one solves nothing and promises nothing.
func (st *story) goTo(channel event.Channel, useless bool) (solved bool) {
	p := st.parameters
	switch channel {
	case event.Phone:
		return st.queue(telephony, channel, "call", &p.Phone, useless)
	case event.Chat:
		return st.queue(chats, channel, "chat", &p.Chat, useless)
	case event.Store:
		return st.queue(stores, channel, "visit", &p.Store, useless)
	case event.Messaging:
		return st.write(texts, channel, "thread", &p.Messaging, time.Duration(p.Standards.MessagingHours)*time.Hour)
	}
	return st.write(mailbox, event.Email, "mail", &p.Mail, time.Duration(p.Standards.MailHours)*time.Hour)
}

// open begins a contact now: it is the return of the one before, and what follows a failed attempt alone.
func (st *story) open(from source, channel event.Channel, id string) *contact {
	p := &st.parameters.Noise
	st.need.Contacts++
	st.failed = false
	if b := st.last; b != nil && b.vain && b.hidden() {
		st.seem(UnresolvedEnd, b.ended, "nobody knew what or whom it was about, and the customer came back")
	}
	c := &contact{id: id, from: from, began: st.now, reason: st.need.Reason, names: st.by(pNames)}
	c.data = event.Data{Contact: id, Direction: event.In, Channel: channel, Product: st.kind.Product, Silo: customerService}
	c.data.Identifiers = st.who
	if st.kind.Begins == BeginsIncident {
		c.data.Product, c.data.Place = st.product, st.place
	}
	switch {
	case st.by(p.PNoCustomer):
		c.unknown, c.data.Identifiers = true, nil
		st.need.Noise.NoCustomer++
	case (channel == event.Phone || channel == event.Messaging) && st.by(p.PPhone):
		c.data.Identifiers = st.phone
	case channel == event.Email:
		c.data.Identifiers = st.mail
	}
	switch {
	case st.by(p.PNoReason):
		c.uncoded, c.reason = true, ""
		st.need.Noise.NoReason++
	case st.by(p.PVague):
		c.uncoded, c.reason = true, [...]string{"unknown", "other"}[st.rng.IntN(2)]
		st.need.Noise.NoReason++
	}
	st.last = c
	return c
}

// close notes what the contact was the second half of. The customer's own thanks are no try.
func (st *story) close(c *contact) {
	st.failedOver(c)
	st.repeated(c)
	st.errand(c)
	if c.ended != 0 {
		st.before = c
		if !c.hidden() {
			st.shown = c
		}
	}
}

// failedOver: the customer had tried alone before. Where nobody coded this contact, a later one may show it.
func (st *story) failedOver(c *contact) {
	for i := range st.attempts {
		a := &st.attempts[i]
		if c.began.Sub(a.at) >= st.parameters.Return.Attempt.To {
			continue
		}
		if a.told < 0 {
			a.told = len(st.need.Failures)
			st.fail(ChannelFailover, c.began, "could not do it alone and had to ask a person", event.Data{Channel: c.data.Channel}, c.hidden())
		} else if a.told < len(st.need.Failures) && st.need.Failures[a.told].Hidden && !c.hidden() && c.began < st.end {
			f := &st.need.Failures[a.told]
			f.Hidden, f.At = false, c.began
		}
	}
}

// repeated: the customer has been there before, and was not asked back.
func (st *story) repeated(c *contact) {
	within := st.parameters.Return.Within.To
	since := func(b *contact) bool {
		return b != nil && b.ended <= c.began && c.began.Sub(b.ended) < within && !between(st.invited, b.ended, c.began)
	}
	if !since(st.before) {
		return
	}
	shown := since(st.shown) && !c.hidden()
	st.fail(RepeatContact, c.began, "not solved the time before", st.before.data, !shown)
	if shown {
		st.shown = nil
	}
}

// between says whether one of some moments lies in an interval.
func between(list []event.Instant, from, to event.Instant) bool {
	for _, at := range list {
		if from < at && at <= to {
			return true
		}
	}
	return false
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
func (st *story) queue(from source, channel event.Channel, name string, q *Queue, useless bool) (solved bool) {
	if !st.hours.isOpen(st.now) && (channel == event.Store || !st.by(q.PClosed)) {
		st.now = st.hours.next(st.now).Add(time.Duration(st.rng.Int64N(5400)) * time.Second)
	}
	c := st.open(from, channel, st.number(name))
	c.useless = useless
	if c.menu = st.by(q.PMenu) && !c.uncoded; c.menu {
		c.data.Reason = c.reason
	}
	st.greet(c, channel)
	if st.refused(c, q) || st.waited(c, q) {
		st.inVain(c)
		return false
	}
	return st.served(c, q)
}

// inVain ends a contact that nobody answered: without a menu nobody knows what it was about.
func (st *story) inVain(c *contact) {
	c.ended, c.vain, st.failed = st.now, true, true
	c.uncoded = c.uncoded || !c.menu
	st.close(c)
}

// greet says who takes the contact: customer_service, a shop, or the desk that the customer was put through to before.
func (st *story) greet(c *contact, channel event.Channel) {
	switch {
	case channel == event.Store:
		c.data.Silo = branches
	case st.desk != "":
		c.data.Silo = st.desk
	}
	c.data.Unit = st.unit(c.data.Silo)
	st.say(c, event.ContactStarted, nil)
}

// refused says whether the company was closed or busy; then nobody could code a reason.
func (st *story) refused(c *contact, q *Queue) bool {
	why := ""
	switch {
	case !st.hours.isOpen(st.now):
		why = "closed"
	case st.fails(RefusedContact, c.data.Unit, q.PBusy):
		why = "busy"
	case st.fails(RefusedContact, c.data.Unit, q.PCutOff):
		why = "cut_off"
	default:
		return false
	}
	st.pass(4 * time.Second)
	st.say(c, event.ContactRefused, func(d *event.Data) { d.Why = why })
	st.fail(RefusedContact, st.now, "not let in: "+why, c.data, c.unknown)
	return true
}

// waited waits in the queue, and says whether the customer left it.
func (st *story) waited(c *contact, q *Queue) (left bool) {
	st.pass(2 * time.Second)
	st.say(c, event.ContactQueued, nil)
	if c.data.Channel == event.Phone && st.by(st.parameters.Semblances.PChoseWait) {
		wait := st.span(q.LongWait)
		st.answer(c, wait)
		st.seem(LongWait, st.now, "offered a callback, the customer chose to hold the line")
		return false
	}
	if !st.fails(LongWait, c.data.Unit, q.PLong) {
		st.answer(c, st.span(q.Wait))
		return false
	}
	wait := st.span(q.LongWait)
	if st.by(min(q.PAbandon*st.shifted(QueueAbandonment, c.data.Unit), mostLikely)) {
		st.pass(wait / 2)
		st.say(c, event.ContactAbandoned, nil)
		st.fail(QueueAbandonment, st.now, "gave up waiting", c.data, c.unknown)
		return true
	}
	st.answer(c, wait)
	st.fail(LongWait, st.now, "waited too long", c.data, c.unknown)
	return false
}

// answer is somebody's, after a wait.
func (st *story) answer(c *contact, wait time.Duration) {
	st.pass(wait)
	c.data.Agent, st.unread = st.agent(c.data.Unit), false
	seconds := float64(wait / time.Second)
	st.say(c, event.ContactAnswered, func(d *event.Data) { d.WaitS = &seconds })
}

// served is the talk, the transfers, the end of a contact and what follows from it.
func (st *story) served(c *contact, q *Queue) (solved bool) {
	talk := st.span(q.Talk)
	st.pass(talk)
	if st.need.Contacts > 1 {
		st.sayAgain(c)
	}
	st.transfers(c)
	work, promise := "", false
	switch {
	case c.useless:
	case st.by(st.kind.PCase):
		work = st.openCase(c)
	default:
		solved = !st.fails(RepeatContact, c.data.Unit, q.PUnsolved)
		promise = !solved && st.by(st.parameters.Promises.PMade)
	}
	if promise {
		st.promise(c)
	}
	st.hangUp(c, talk, solved)
	st.close(c)
	st.speak(c, solved, work != "" || promise)
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
		if c.names && d.Case == "" {
			d.Case = st.order
		}
	})
}

// write is a contact by text: answered in time, late, or never; and what is answered need not be solved.
func (st *story) write(from source, channel event.Channel, name string, m *Mail, standard time.Duration) (solved bool) {
	c := st.open(from, channel, st.number(name))
	c.data.Unit = st.unit(customerService)
	classified := !c.uncoded && st.by(m.PCoded)
	st.say(c, event.MessageReceived, func(d *event.Data) {
		if classified {
			d.Reason = c.reason
		}
	})
	due := st.hours.after(st.now, standard)
	switch {
	case st.fails(SLABreach, c.data.Unit, m.PNever):
		st.fail(SLABreach, due, "a message was never answered", c.data, c.unknown)
		st.unread = true
		c.uncoded = !classified
		st.work(st.span(m.LateReply))
		st.close(c)
		return false
	case st.fails(SLABreach, c.data.Unit, m.PLate):
		st.fail(SLABreach, due, "a message was answered late", c.data, c.unknown)
		st.work(st.span(m.LateReply))
	default:
		st.work(st.span(m.Reply))
	}
	c.data.Agent = st.agent(c.data.Unit)
	st.say(c, event.MessageReplied, func(d *event.Data) { d.Reason = c.reason })
	st.touched(c)
	c.ended = st.now
	st.close(c)
	solved = !st.fails(RepeatContact, c.data.Unit, m.PUnsolved)
	st.speak(c, solved, false)
	return solved
}

// touched: the company has turned to the customer, who is known.
func (st *story) touched(c *contact) {
	if !c.unknown {
		st.reached = append(st.reached, st.now)
	}
}

func number(n int) *float64 {
	f := float64(n)
	return &f
}
