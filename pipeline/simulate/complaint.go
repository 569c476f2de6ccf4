package simulate

import (
	"time"

	"parcours/pipeline/event"
)

// paymentRegime is that of complaints about payments, which have a shorter clock.
const paymentRegime = "payment"

// complain is the last thing a customer does who got no answer.
func (st *story) complain() {
	p := &st.parameters.Complaints
	st.pass(time.Duration(4+st.rng.IntN(40)) * time.Hour)
	d := event.Data{
		Identifiers: st.mail, Channel: event.Email, Case: st.number("complaint"), Reason: st.need.Reason,
		Silo: customerService, Unit: st.unit(customerService), Regime: st.kind.Regime,
	}
	st.tell(crm, event.ComplaintFiled, d)
	st.badWord(word{channel: d.Channel})
	filed := st.now
	d.Regime = ""
	st.acknowledge(d, filed)
	st.reply(d, filed)
	if st.now >= st.end {
		st.owing++
		return
	}
	switch {
	case st.fails(ComplaintEscalation, "", p.PEscalate):
		st.pass(time.Duration(24+st.rng.IntN(72)) * time.Hour)
		d.To = "mediator"
		st.tell(crm, event.ComplaintEscalated, d)
		st.fail(ComplaintEscalation, st.now, "went to the mediator after the answer", d, false)
		st.badWord(word{channel: d.Channel})
		st.owing++
	case st.fails(ComplaintEscalation, "", p.PBack):
		st.pass(time.Duration(24+st.rng.IntN(96)) * time.Hour)
		st.tell(crm, event.ComplaintFiled, d)
		st.fail(ComplaintEscalation, st.now, "complained again after the answer", d, false)
		st.badWord(word{channel: d.Channel})
		again := st.now
		st.now = st.hours.next(again.Add(st.span(p.Ack)))
		st.tell(crm, event.ComplaintAnswered, d)
		if st.now >= st.end {
			st.owing++
		}
	}
}

// acknowledge says that the complaint was received, in time or not.
func (st *story) acknowledge(d event.Data, filed event.Instant) {
	p := &st.parameters.Complaints
	after := st.span(p.Ack)
	if st.kind.Regime == "" && st.fails(SLABreach, d.Unit, p.PLateAck) {
		after = st.span(p.LateAck)
		st.fail(SLABreach, st.hours.workdays(filed, st.parameters.Standards.AckDays), "a complaint was acknowledged late", d, false)
	}
	st.now = st.hours.next(filed.Add(after))
	st.tell(crm, event.ComplaintAcknowledged, d)
}

// reply answers the complaint, in time or not.
func (st *story) reply(d event.Data, filed event.Instant) {
	p, standards := &st.parameters.Complaints, &st.parameters.Standards
	late := st.fails(SLABreach, d.Unit, p.PLateAnswer)
	due, at := st.hours.months(filed, standards.AnswerMonths), st.now.Add(st.span(p.Answer))
	if late {
		at = filed.Add(st.span(p.LateAnswer))
	}
	if st.kind.Regime == paymentRegime {
		due, at = st.hours.workdays(filed, standards.PaymentDays), filed.Add(st.span(p.Payment))
		if late {
			at = filed.Add(st.span(p.LatePayment))
		}
	}
	if late {
		st.fail(SLABreach, due, "a complaint was answered late", d, false)
	}
	st.now = st.hours.next(max(at, st.now))
	st.tell(crm, event.ComplaintAnswered, d)
}
