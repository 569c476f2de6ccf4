package reference

import (
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// outside says whether a complaint went to somebody who is not the company.
func outside(e *event.Event) bool {
	return e.Type == event.ComplaintEscalated && (e.Data.To == "mediator" || e.Data.To == "authority" || e.Data.To == "court")
}

// escalations finds complaint_escalation: outside, or back after its answer. Each answer breaks once.
func (h *history) escalations() {
	for _, j := range h.journeys {
		events, broken := j.events(), map[*event.Event]bool{}
		for i, e := range events {
			if e.Type != event.ComplaintEscalated && e.Type != event.ComplaintFiled {
				continue
			}
			answer := lastAbout(event.ComplaintAnswered, e, events[:i], broken)
			if answer == nil && !outside(e) {
				continue
			}
			if answer != nil {
				broken[answer] = true
			}
			filed := lastAbout(event.ComplaintFiled, first(answer, e), events[:i], nil)
			known := first(filed, first(answer, e))
			h.add(e.At, first(stepBefore(events, known), known), first(answer, e), "complaint "+e.Data.To)
		}
	}
}

// lastAbout is the last event of a type before another, about the same complaint (of the same case or of no case), that is
// none of some; nil for none.
func lastAbout(typ string, e *event.Event, earlier []*event.Event, but map[*event.Event]bool) (last *event.Event) {
	for _, x := range earlier {
		if x.Type == typ && !but[x] && sameCase(x.Data.Case, e.Data.Case) && event.Compare(x, e) < 0 {
			last = x
		}
	}
	return last
}

// stepBefore is the last step before an event that is no mere record, of another unit than recorded it or any of the others;
// a survey is nobody's record, and a step that names no unit is of no recorder's. nil for none.
func stepBefore(events []*event.Event, of *event.Event, others ...*event.Event) (step *event.Event) {
	units := map[string]bool{}
	for _, r := range append(others, of) {
		units[r.Data.Unit] = units[r.Data.Unit] || r.Type != event.SurveyAnswered
	}
	for _, e := range events {
		if event.Compare(e, of) < 0 && !records(e) && (e.Data.Unit == "" || !units[e.Data.Unit]) {
			step = e
		}
	}
	return step
}

// records says whether a step only tells of what went wrong elsewhere, or of what is to come.
func records(e *event.Event) bool {
	return !substance(e) || e.Type == event.ComplaintFiled || e.Type == event.ComplaintEscalated
}

const (
	csatOf, cesOf           = 5.0, 7.0 // the scales of the limits
	csatDefault, cesDefault = 5.0, 7.0 // of an answer that names none
)

// scaled turns a score from 1 to a scale's end into one from 1 to another's.
func scaled(score float64, scale *float64, otherwise, to float64) float64 {
	from := otherwise
	if scale != nil {
		from = *scale
	}
	return 1 + (score-1)*(to-1)/(from-1)
}

// detracts says whether a survey's answer is a detractor's.
func (h *history) detracts(e *event.Event) bool {
	d := &e.Data
	if e.Type != event.SurveyAnswered || d.Kind != "transactional" && (d.Kind != "" || d.Contact == "") {
		return false
	}
	limits, at := h.rules(e.At).Detractor, h.ofSurvey(e)
	return d.NPS != nil && *d.NPS <= value(limits.NPS, at) ||
		d.CSAT != nil && scaled(*d.CSAT, d.CSATScale, csatDefault, csatOf) <= value(limits.CSAT, at) ||
		d.CES != nil && scaled(*d.CES, d.CESScale, cesDefault, cesOf) <= value(limits.CES, at)
}

// ofSurvey is the place that an answer is about, for the exceptions of the limits: the contact surveyed.
func (h *history) ofSurvey(e *event.Event) rules.Where {
	c := h.of[e]
	if c == nil || c.journey() == nil {
		return place("", e)
	}
	return place(c.reason(), h.surveyed(e, c.journey()))
}

// eachDetractor calls for each detractor's answer in a journey.
func (h *history) eachDetractor(f func(e *event.Event, j *journey)) {
	for _, e := range h.events {
		if c := h.of[e]; c != nil && c.journey() != nil && h.detracts(e) {
			f(e, c.journey())
		}
	}
}

// detractors finds detractor.
func (h *history) detractors() {
	h.eachDetractor(func(e *event.Event, j *journey) {
		h.add(e.At, h.surveyed(e, j), e, "a detractor")
	})
}

// surveyed is the last event of the contact surveyed, else of the journey's last contact begun before; else the answer.
func (h *history) surveyed(answer *event.Event, j *journey) *event.Event {
	of := h.of[answer]
	if answer.Data.Contact == "" {
		of = nil
		for _, c := range j.contacts {
			if c.isContact() && event.Compare(c.first(), answer) < 0 {
				of = c
			}
		}
	}
	if of == nil {
		return answer
	}
	return first(endBefore(of, answer), of.first())
}

// endBefore is the last event of substance before another.
func endBefore(c *contact, until *event.Event) (end *event.Event) {
	for _, e := range c.events {
		if substance(e) && event.Compare(e, until) < 0 {
			end = e
		}
	}
	return end
}

// silences finds unanswered_detractor: nobody wrote or called within 72 h.
func (h *history) silences() {
	h.eachDetractor(func(e *event.Event, _ *journey) {
		due := e.At.Add(value(h.rules(e.At).AnswerWithin, place(h.of[e].reason(), e)))
		if !h.passed(due) {
			return
		}
		for _, a := range h.events {
			if event.Compare(a, e) > 0 && a.At <= due && one(a.Data.Customer, e.Data.Customer) && h.reachesOut(a) {
				return
			}
		}
		h.add(due, e, e, "silence")
	})
}

// reachesOut: the company writes, replies, or begins a contact.
func (h *history) reachesOut(e *event.Event) bool {
	if e.Type == event.OutreachSent || e.Type == event.MessageReplied {
		return true
	}
	c := h.of[e]
	return c != nil && c.first() == e && c.withSomebody() && c.outgoing()
}

// tensions finds tension: incivility, or two negative signals within a day; each contact breaks once.
func (h *history) tensions() {
	for _, j := range h.journeys {
		events, broken := j.events(), map[*contact]bool{}
		var before *event.Event // a signal that has no pair
		for _, e := range events {
			if !h.negative(e) {
				continue
			}
			signals := []*event.Event{e}
			c := j.inboundBefore(e)
			if before != nil && e.Type != event.IncivilityReported && h.close(before, e, c) {
				signals = append(signals, before)
			}
			before = e
			if len(signals) == 2 {
				before = nil
			}
			if len(signals) == 2 || e.Type == event.IncivilityReported {
				h.tense(events, signals, c, broken)
			}
		}
	}
}

// negative says whether an event tells that a customer is upset.
func (h *history) negative(e *event.Event) bool {
	switch e.Type {
	case event.IncivilityReported, event.ComplaintFiled, event.ComplaintEscalated:
		return true
	}
	return h.detracts(e)
}

// close says whether two signals make a pair.
func (h *history) close(before, e *event.Event, c *contact) bool {
	at := e.At
	if c != nil {
		at = c.start()
	}
	return e.At.Sub(before.At) <= value(h.rules(at).TensionWithin, place(h.of[e].reason(), e))
}

// tense notes a tension, the first of the contact to which it falls; where none had begun, each.
func (h *history) tense(events, signals []*event.Event, c *contact, broken map[*contact]bool) {
	e, opportunity := signals[0], signals[0]
	if c != nil {
		if broken[c] {
			return
		}
		opportunity = c.first()
	}
	added := len(h.found)
	h.add(e.At, first(stepBefore(events, e, signals...), e), opportunity, "tension")
	if c != nil && len(h.found) > added {
		broken[c] = true
	}
}

// inboundBefore is the last contact that the customer began with somebody before an event, or with it; nil for none.
func (j *journey) inboundBefore(e *event.Event) (last *contact) {
	for _, c := range j.inbound() {
		if event.Compare(c.first(), e) <= 0 {
			last = c
		}
	}
	return last
}
