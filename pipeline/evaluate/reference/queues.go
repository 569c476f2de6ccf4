package reference

import (
	"time"

	"parcours/pipeline/event"
)

// begunWait is the event since which a customer waited at a step of his contact: the last contact.queued before it, or, where
// nobody had answered, the last contact.started. What lies before an answer counts no more. nil for none.
func begunWait(c *contact, step *event.Event) (begun *event.Event) {
	answered := false
	for _, e := range c.events {
		if event.Compare(e, step) >= 0 {
			break
		}
		switch e.Type {
		case event.ContactAnswered:
			begun, answered = nil, true
		case event.ContactQueued:
			begun = e
		case event.ContactStarted:
			if !answered && (begun == nil || begun.Type == event.ContactStarted) {
				begun = e
			}
		}
	}
	return begun
}

// waitAt is how long the customer had waited at a step, and since which event.
func waitAt(c *contact, e *event.Event) (wait time.Duration, begun *event.Event, known bool) {
	begun = begunWait(c, e)
	switch {
	case e.Data.WaitS != nil:
		return seconds(*e.Data.WaitS), begun, true
	case begun != nil:
		return e.At.Sub(begun.At), begun, true
	}
	return 0, nil, false
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// longWaits finds long_wait: answered after the limit of the channel, once a contact.
func (h *history) longWaits() {
	for _, c := range h.contacts {
		if c.inbound() && c.withSomebody() && !h.waitedForAnswer(c) {
			h.waitedAtEnd(c)
		}
	}
}

// waitedForAnswer looks at each answer, and says whether any of them had a wait.
func (h *history) waitedForAnswer(c *contact) (known bool) {
	told := false
	for _, e := range c.events {
		if e.Type != event.ContactAnswered {
			continue
		}
		wait, begun, ok := waitAt(c, e)
		limit := h.waitLimit(c, e)
		if ok && limit > 0 && wait > limit && !told {
			told = true
			h.add(e.At, first(begun, e), e, "waited "+wait.String())
		}
		known = known || ok
	}
	return known
}

// waitLimit is that of the channel: the one that the answer names, else the last that the contact named before.
func (h *history) waitLimit(c *contact, answer *event.Event) time.Duration {
	at := place(c.reason(), answer)
	for _, e := range c.events {
		if answer.Data.Channel == "" && e.Data.Channel != "" && event.Compare(e, answer) < 0 {
			at.Channel = e.Data.Channel
		}
	}
	return value(h.rules(answer.At).WaitLimit, at)
}

// waitedAtEnd: where no answer says how long it took, the first end of what was answered may.
func (h *history) waitedAtEnd(c *contact) {
	answered := false
	for _, e := range c.events {
		answered = answered || e.Type == event.ContactAnswered
		talked := e.Data.TalkS != nil && *e.Data.TalkS > 0
		if e.Type != event.ContactEnded || e.Data.WaitS == nil || !answered && !talked {
			continue
		}
		if limit := h.waitLimit(c, e); limit > 0 && seconds(*e.Data.WaitS) > limit {
			h.add(e.At, first(begunWait(c, e), e), e, "waited, as its end says")
		}
		return
	}
}

// refusals finds refused_contact, once a contact.
func (h *history) refusals() {
	for _, c := range h.contacts {
		for _, e := range c.events {
			if e.Type == event.ContactRefused && c.inbound() {
				h.add(e.At, e, c.first(), e.Data.Why, h.followed(c)...)
				break
			}
		}
	}
}

// abandons finds queue_abandonment: given up after more than a few seconds, once a contact.
func (h *history) abandons() {
	for _, c := range h.contacts {
		for _, e := range c.events {
			if e.Type != event.ContactAbandoned || !c.inbound() {
				continue
			}
			wait, begun, ok := waitAt(c, e)
			if ok && wait > value(h.rules(e.At).ShortAbandon, place(c.reason(), e)) {
				origin := e
				if begun != nil && begun.Type == event.ContactQueued {
					origin = begun
				}
				h.add(e.At, origin, origin, "after "+wait.String(), h.followed(c)...)
				break
			}
		}
	}
}

// formsLeft finds form_abandonment.
func (h *history) formsLeft() {
	for _, form := range h.events {
		if form.Type != event.FormStarted || form.Data.Kind != "service" || h.of[form].journey() == nil {
			continue
		}
		until := form.At.Add(value(h.rules(form.At).FormWithin, place(h.of[form].reason(), form)))
		if !h.passed(until) {
			continue
		}
		if trouble := h.trouble(form, until); trouble != nil && !h.resumed(form, until) {
			h.add(until, form, form, "trouble: "+trouble.ID, h.calledAbout(form, until)...)
		}
	}
}

// resumed says whether the form was submitted or started again in time.
func (h *history) resumed(form *event.Event, until event.Instant) bool {
	for _, e := range h.events {
		if (e.Type == event.FormSubmitted || e.Type == event.FormStarted) && event.Compare(e, form) > 0 && e.At <= until &&
			e.Data.Form == form.Data.Form && one(e.Data.Customer, form.Data.Customer) {
			return true
		}
	}
	return false
}

// trouble is the first error of the form, or contact that may be about it; nil for none.
func (h *history) trouble(form *event.Event, until event.Instant) *event.Event {
	return h.behind(form, until, func(e *event.Event) bool {
		return e.Type == event.FormFailed && e.Data.Form == form.Data.Form || h.callsAbout(form, e)
	})
}

// calledAbout are the steps of the first contact that may be about a form, whether or not an error came before it.
func (h *history) calledAbout(form *event.Event, until event.Instant) []*event.Event {
	e := h.behind(form, until, func(e *event.Event) bool { return h.callsAbout(form, e) })
	if e == nil {
		return nil
	}
	return h.of[e].events
}

// behind is the first event of a form's customer behind its start and until a moment which is such a one; nil for none.
func (h *history) behind(form *event.Event, until event.Instant, is func(*event.Event) bool) *event.Event {
	for _, e := range h.events {
		if event.Compare(e, form) > 0 && e.At <= until && one(e.Data.Customer, form.Data.Customer) && is(e) {
			return e
		}
	}
	return nil
}

// callsAbout says whether with an event the customer gets to somebody, maybe about a form.
func (h *history) callsAbout(form, e *event.Event) bool {
	c := h.of[e]
	if c == nil || !c.inbound() || firstAssisted(c) != e {
		return false
	}
	mine, its := h.of[form].family(), c.family()
	return mine == "" || its == "" || mine == its
}
