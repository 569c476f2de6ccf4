package simulate

import (
	"time"

	"parcours/pipeline/event"
)

// browse is a visit to the web site about nothing.
func (st *story) browse() {
	p := &st.parameters.Semblances
	d := event.Data{Identifiers: st.who, Channel: event.Web}
	for range 1 + st.rng.IntN(4) {
		st.tell(web, event.PageViewed, d)
		st.pass(time.Duration(10+st.rng.IntN(120)) * time.Second)
	}
	if st.by(st.parameters.Self.PSearch) {
		st.tell(web, event.SearchPerformed, d)
	}
	switch {
	case st.by(p.PLooked):
		st.look(d, "service", "a form was looked at out of curiosity", event.FormStarted)
	case st.by(p.PSales):
		st.look(d, "sales", "an offer was calculated and not taken", event.FormStarted, event.FormFailed)
	case st.by(p.PMisdial):
		st.misdial()
	}
}

// look goes to a form and leaves it.
func (st *story) look(d event.Data, kind, cause string, types ...string) {
	d.Form, d.Kind = "offer", kind
	for _, typ := range types {
		st.pass(30 * time.Second)
		st.tell(web, typ, d)
	}
	st.seem(FormAbandonment, st.now.Add(day), cause)
}

// misdial calls the wrong number, and notices before anybody could have answered.
func (st *story) misdial() {
	st.pass(time.Minute)
	d := event.Data{Identifiers: st.phone, Contact: st.number("call"), Direction: event.In, Channel: event.Phone, Silo: customerService, Unit: st.unit(customerService)}
	st.tell(telephony, event.ContactStarted, d)
	st.tell(telephony, event.ContactQueued, d)
	st.pass(time.Duration(1+st.rng.IntN(3)) * time.Second)
	st.tell(telephony, event.ContactAbandoned, d)
	st.seem(QueueAbandonment, st.now, "a wrong number, noticed at once")
}

// alone tries self-service. It is done when that helped, or when it did not and the customer asks nobody.
func (st *story) alone() (ending Ending, done bool) {
	p := &st.parameters.Self
	if st.kind.Form == "" && st.kind.PBot == 0 || !st.by(min(1, p.PAttempt*st.segment.Digital)) {
		return "", false
	}
	helped := false
	if st.by(st.kind.PBot) || st.kind.Form == "" {
		helped = st.askBot()
	} else {
		helped = st.fillForm()
	}
	if helped {
		return SelfServed, true
	}
	if st.by(p.PGiveUp * st.segment.GivesUp) {
		return GivenUp, true
	}
	if st.by(p.PSoon) {
		st.pass(time.Duration(2+st.rng.IntN(55)) * time.Minute)
	} else {
		st.pass(time.Duration(2+st.rng.IntN(40)) * time.Hour)
		st.awake()
	}
	return "", false
}

// fillForm goes through a form, on the web or in the app.
func (st *story) fillForm() bool {
	p := &st.parameters.Self
	from, channel := web, event.Web
	if st.by(p.PApp) {
		from, channel = app, event.App
	}
	d := event.Data{Identifiers: st.who, Channel: channel, Reason: st.need.Reason, Product: st.kind.Product}
	if st.by(p.PSearch) {
		st.tell(from, event.SearchPerformed, d)
		st.tried()
		st.pass(time.Duration(20+st.rng.IntN(100)) * time.Second)
	}
	d.Form, d.Kind = st.kind.Form, "service"
	st.tell(from, event.FormStarted, d)
	if st.fails(FormAbandonment, "", p.PFail) {
		return st.failForm(from, d)
	}
	st.pass(time.Duration(60+st.rng.IntN(400)) * time.Second)
	st.tell(from, event.FormSubmitted, d)
	return true
}

// failForm shows an error or more, and the customer leaves the form; or tries again and comes through.
func (st *story) failForm(from source, d event.Data) (resumed bool) {
	started := st.now
	for range 1 + st.rng.IntN(3) {
		st.pass(time.Duration(30+st.rng.IntN(300)) * time.Second)
		st.tell(from, event.FormFailed, d)
	}
	if st.by(st.parameters.Self.PResume) {
		st.pass(time.Duration(10+st.rng.IntN(120)) * time.Minute)
		st.tell(from, event.FormStarted, d)
		st.pass(time.Duration(60+st.rng.IntN(400)) * time.Second)
		st.tell(from, event.FormSubmitted, d)
		return true
	}
	st.tried()
	st.failed = true
	st.fail(FormAbandonment, started.Add(day), "the form showed an error and was left", d, false)
	return false
}

// askBot talks to the bot, which hands over what it does not understand.
func (st *story) askBot() bool {
	d := event.Data{Identifiers: st.who, Channel: event.Bot, Direction: event.In, Contact: st.number("bot"), Reason: st.need.Reason}
	began, last := st.now, st.now
	for range 1 + st.rng.IntN(3) {
		st.tell(bot, event.BotAnswered, d)
		last = st.now
		st.pass(time.Duration(15+st.rng.IntN(60)) * time.Second)
	}
	if !st.fails(ChannelFailover, "", st.parameters.Self.PFail) {
		return true
	}
	st.attempts = append(st.attempts, attempt{at: last, told: -1})
	st.tell(bot, event.BotHandedOver, d)
	talk := &contact{id: d.Contact, data: d, began: began, ended: st.now, reason: d.Reason}
	st.before, st.shown = talk, talk // who asks a person now asks again
	return false
}

// attempt is a try to help oneself that came to nothing.
type attempt struct {
	at   event.Instant
	told int // its failure among the need's, -1 for none so far
}

// tried notes an attempt that has just come to nothing.
func (st *story) tried() { st.attempts = append(st.attempts, attempt{at: st.now, told: -1}) }
