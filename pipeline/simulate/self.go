package simulate

import (
	"time"

	"parcours/pipeline/event"
)

// browse is a visit to the web site about nothing.
func (st *story) browse() {
	d := event.Data{Identifiers: st.who, Channel: event.Web}
	for range 1 + st.rng.IntN(4) {
		st.tell(web, event.PageViewed, d)
		st.pass(time.Duration(10+st.rng.IntN(120)) * time.Second)
	}
	if st.by(st.parameters.Self.PSearch) {
		st.tell(web, event.SearchPerformed, d)
	}
}

// alone tries self-service. It is done when that helped, or when it did not and the customer asks nobody.
func (st *story) alone() (ending Ending, done bool) {
	p := &st.parameters.Self
	if st.kind.Form == "" && st.kind.PBot == 0 || !st.by(p.PAttempt) {
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
	if st.by(p.PGiveUp) {
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
		st.pass(time.Duration(20+st.rng.IntN(100)) * time.Second)
	}
	d.Form, d.Kind = st.kind.Form, "service"
	st.tell(from, event.FormStarted, d)
	if st.by(p.PFail) {
		st.failForm(from, d)
		return false
	}
	st.pass(time.Duration(60+st.rng.IntN(400)) * time.Second)
	st.tell(from, event.FormSubmitted, d)
	return true
}

// failForm shows an error or two, and the customer leaves the form.
func (st *story) failForm(from source, d event.Data) {
	st.plant(FormAbandonment, st.now.Add(day), false)
	for range 1 + st.rng.IntN(3) {
		st.pass(time.Duration(30+st.rng.IntN(300)) * time.Second)
		st.tell(from, event.FormFailed, d)
		st.attempt = st.now
	}
}

// askBot talks to the bot, which hands over what it does not understand.
func (st *story) askBot() bool {
	d := event.Data{Identifiers: st.who, Channel: event.Bot, Direction: event.In, Contact: st.number("bot"), Reason: st.need.Reason}
	for range 1 + st.rng.IntN(3) {
		st.tell(bot, event.BotAnswered, d)
		st.pass(time.Duration(15+st.rng.IntN(60)) * time.Second)
	}
	if !st.by(st.parameters.Self.PFail) {
		return true
	}
	st.tell(bot, event.BotHandedOver, d)
	st.attempt = st.now
	return false
}
