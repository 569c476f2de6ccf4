package simulate

import (
	"time"

	"parcours/pipeline/event"
)

// speak is what a customer says of a contact: unasked, and asked.
func (st *story) speak(c *contact, solved, pending bool) {
	p := &st.parameters.Voice
	switch {
	case solved && st.by(p.PPraise):
		st.beside(func() {
			st.pass(time.Minute)
			st.tell(crm, event.PraiseReceived, st.about(c))
		})
	case !solved && !pending && st.fails(Tension, c.data.Unit, p.PIncivility):
		st.beside(func() {
			st.pass(time.Minute)
			st.tell(crm, event.IncivilityReported, st.about(c))
			st.fail(Tension, st.now, "the customer became rude", event.Data{Channel: c.data.Channel}, c.unknown)
			if !c.unknown {
				st.badWord(word{channel: c.data.Channel, rude: true})
			}
		})
	}
	if !c.unknown && st.by(p.PSent) {
		st.beside(func() { st.survey(c, solved, pending) })
	}
}

// about is what an event says that speaks of a contact.
func (st *story) about(c *contact) event.Data {
	return event.Data{Identifiers: c.data.Identifiers, Contact: c.id, Channel: c.data.Channel, Silo: c.data.Silo, Unit: c.data.Unit}
}

// survey asks, and is sometimes answered. Whether it was solved is not asked while that is still open.
func (st *story) survey(c *contact, solved, pending bool) {
	p := &st.parameters.Voice
	d := event.Data{Identifiers: st.who, Kind: "transactional", Contact: c.id}
	st.pass(10 * time.Minute)
	st.tell(surveys, event.SurveySent, d)
	if !st.by(p.PAnswer) {
		return
	}
	st.pass(st.span(p.After))
	if !pending {
		said := solved
		d.Resolved = &said
		if st.now > st.asked && st.now < st.end {
			st.asked, st.unsolved = st.now, !solved
		}
	}
	st.score(d, c, solved)
}

// score gives figures which follow what happened, mostly.
func (st *story) score(d event.Data, c *contact, solved bool) {
	nps, csat, ces := st.rng.IntN(9), 1+st.rng.IntN(4), 1+st.rng.IntN(5)
	if solved {
		nps, csat, ces = 7+st.rng.IntN(4), 3+st.rng.IntN(3), 4+st.rng.IntN(4)
	}
	inverted := solved && st.by(st.parameters.Semblances.PInverted)
	if inverted {
		nps, csat, ces = 10-nps, 6-csat, 8-ces
	}
	d.NPS, d.CSAT, d.CES = number(nps), number(csat), number(ces)
	d.CSATScale, d.CESScale = number(5), number(7)
	st.tell(surveys, event.SurveyAnswered, d)
	switch {
	case inverted:
		st.seem(Detractor, st.now, "took the scale the wrong way round")
		st.seem(UnansweredDetractor, st.now.Add(st.silence()), "there was nothing to answer")
	case nps <= 6 || csat <= 2 || ces <= 3:
		st.fail(Detractor, st.now, "says so in a survey", c.data, false)
		st.badWord(word{channel: c.data.Channel, detract: true})
		st.recover(c)
	}
}

func (st *story) silence() time.Duration {
	return time.Duration(st.parameters.Voice.SilenceH) * time.Hour
}

// badWord notes that the customer said something bad.
func (st *story) badWord(w word) {
	if w.at = st.now; st.now < st.end {
		st.bad = append(st.bad, w)
	}
}

// recover turns to a detractor, by letter or by telephone, or does not.
func (st *story) recover(c *contact) {
	p := &st.parameters.Voice
	if st.fails(UnansweredDetractor, c.data.Unit, 1-p.PRecover) {
		return
	}
	st.work(st.span(p.Recover))
	d := event.Data{Identifiers: st.who, Channel: event.Email, Reason: st.need.Reason, Silo: customerService, Unit: st.unit(customerService)}
	if st.by(0.5) {
		st.tell(crm, event.OutreachSent, d)
		st.invited = append(st.invited, st.now)
	} else {
		d.Contact, d.Direction, d.Channel = st.number("call"), event.Out, event.Phone
		d.Silo, d.Unit = "", "" // whoever has time: the customer is not moved anywhere
		st.tell(telephony, event.ContactStarted, d)
		st.pass(12 * time.Second)
		st.tell(telephony, event.ContactAnswered, d)
		st.pass(3 * time.Minute)
		talk := 180.0
		d.TalkS = &talk
		st.tell(telephony, event.ContactEnded, d)
	}
	if st.now < st.end {
		st.reached = append(st.reached, st.now)
	}
}
