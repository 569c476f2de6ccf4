package reference

import (
	"strings"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// breaches finds sla_breach: clocks of the company that ran out.
func (h *history) breaches() {
	for _, j := range h.journeys {
		events := j.events()
		h.messageClocks(events)
		h.caseClocks(j, events)
		h.complaintClocks(events)
	}
}

// late notes a clock that ran out before it was stopped (nil: never).
func (h *history) late(from *event.Event, due event.Instant, stop *event.Event, why string) {
	if stop != nil && stop.At > due || stop == nil && h.passed(due) {
		h.add(due, from, from, why, h.chasers(from, due, stop)...)
	}
}

// began is the moment from which a clock runs: when the customer sent it, where that is known and earlier.
func began(e *event.Event) event.Instant {
	if e.Data.SentAt != 0 && e.Data.SentAt < e.At {
		return e.Data.SentAt
	}
	return e.At
}

// messageClocks: the first unanswered message of a thread; a message without a contact id is a thread by itself.
func (h *history) messageClocks(events []*event.Event) {
	for i, e := range events {
		limit := value(h.rules(e.At).SLA.Message, place(h.of[e].reason(), e))
		if e.Type == event.MessageReceived && limit != (rules.OpenTime{}) && !waitsAlready(e, events[:i]) {
			h.late(e, h.judge.days.after(began(e), h.judge.days.length(limit)), answerTo(e, events[i+1:]), "a message")
		}
	}
}

// waitsAlready says whether the clock of an earlier message of the thread still runs.
func waitsAlready(message *event.Event, earlier []*event.Event) bool {
	for i, e := range earlier {
		if e.Type == event.MessageReceived && message.Data.Contact != "" && e.Data.Contact == message.Data.Contact &&
			e.Data.Channel == message.Data.Channel && answerTo(e, earlier[i+1:]) == nil {
			return true
		}
	}
	return false
}

func answerTo(message *event.Event, later []*event.Event) *event.Event {
	for _, e := range later {
		if answersMessage(message, e) && one(message.Data.Customer, e.Data.Customer) {
			return e
		}
	}
	return nil
}

// caseClock runs from the opening or reopening of a case, and stands still while it waits on the customer: while that is its
// last step.
type caseClock struct {
	from, stop *event.Event
	due        event.Instant // 0 while it stands still
}

// clocksOf are the clocks of one case.
func (h *history) clocksOf(j *journey, steps []*event.Event) (list []*caseClock) {
	var c *caseClock
	left, since := int64(0), event.Instant(0)
	for _, e := range steps {
		if e.Type == event.CaseOpened && c == nil || e.Type == event.CaseReopened {
			c = &caseClock{from: e}
			list = append(list, c)
			left, since = h.judge.days.length(h.caseSpan(h.reasonOf(j, e), e)), e.At
			c.due = h.judge.days.after(since, left)
			continue
		}
		if c == nil || c.stop != nil || c.due != 0 && e.At > c.due && e.Type != event.CaseResolved && e.Type != event.CaseClosed {
			continue
		}
		switch {
		case e.Type == event.CaseResolved, e.Type == event.CaseClosed:
			c.stop = e
		case e.Type == event.CaseWaiting && e.Data.On == "customer" && c.due != 0:
			left -= h.judge.days.worked(e.At) - h.judge.days.worked(since)
			c.due = 0
		case c.due == 0 && (e.Type != event.CaseWaiting || e.Data.On != "customer"):
			since = e.At
			c.due = h.judge.days.after(since, left)
		}
	}
	return list
}

// clockStep says whether a step of a case moves its clock: what is done on it, and the customer who is there again.
func clockStep(e *event.Event) bool { return caseStep(e) || strings.HasPrefix(e.Type, "contact.") }

// broke says whether a clock ran out, before the next one of its case began.
func (h *history) broke(c *caseClock, next *caseClock) bool {
	switch {
	case c.due == 0:
		return false
	case c.stop != nil:
		return c.stop.At > c.due
	case next != nil:
		return next.from.At > c.due
	}
	return h.passed(c.due)
}

func (h *history) caseClocks(j *journey, events []*event.Event) {
	for _, id := range casesIn(events, h.judge.container) {
		clocks := h.clocksOf(j, ofCase(events, id, clockStep))
		for i, c := range clocks {
			if h.broke(c, next(clocks, i)) {
				h.add(c.due, c.from, c.from, "case "+id, h.chasers(c.from, c.due, c.stop)...)
			}
		}
	}
}

func next(clocks []*caseClock, i int) *caseClock {
	if i+1 < len(clocks) {
		return clocks[i+1]
	}
	return nil
}

func casesIn(events []*event.Event, container func(string) bool) (list []string) {
	seen := map[string]bool{}
	for _, e := range events {
		if id := e.Data.Case; id != "" && !seen[id] && !container(id) {
			seen[id] = true
			list = append(list, id)
		}
	}
	return list
}

func ofCase(events []*event.Event, id string, is func(*event.Event) bool) (list []*event.Event) {
	for _, e := range events {
		if e.Data.Case == id && is(e) {
			list = append(list, e)
		}
	}
	return list
}

// complaintClocks: to be acknowledged, unless answered before, and to be answered.
func (h *history) complaintClocks(events []*event.Event) {
	for i, filed := range events {
		if filed.Type != event.ComplaintFiled || h.underWay(filed, events[:i]) {
			continue
		}
		var ack, holding, answer *event.Event
		for _, e := range events[i+1:] {
			if !aboutComplaint(filed, e) || answer != nil {
				continue
			}
			switch e.Type {
			case event.ComplaintAcknowledged:
				ack = first(ack, e)
				if e.Data.Holding {
					holding = first(holding, e)
				}
			case event.ComplaintAnswered:
				answer = e
			}
		}
		from, days := began(filed), h.judge.days
		limits := h.rules(from).SLA
		h.late(filed, days.joursOuvrables(from, limits.ComplaintAck), first(ack, answer), "a complaint not acknowledged")
		due := days.months(from, limits.ComplaintMonths)
		if filed.Data.Regime == "payment" {
			due = days.joursOuvrables(from, limits.PaymentAnswer)
			if holding != nil && holding.At <= due {
				due = days.joursOuvrables(from, limits.PaymentAfterReply)
			}
		}
		h.late(filed, due, answer, "a complaint not answered")
	}
}

func first(a, b *event.Event) *event.Event {
	if a != nil {
		return a
	}
	return b
}

func aboutComplaint(filed, e *event.Event) bool {
	return sameCase(filed.Data.Case, e.Data.Case) && one(filed.Data.Customer, e.Data.Customer)
}

// underWay says whether the same complaint was filed before and not answered: its clock runs from its first expression.
func (h *history) underWay(filed *event.Event, earlier []*event.Event) (open bool) {
	for _, e := range earlier {
		if !aboutComplaint(filed, e) {
			continue
		}
		switch e.Type {
		case event.ComplaintFiled:
			open = open || e.Data.Case == filed.Data.Case
		case event.ComplaintAnswered:
			open = false
		}
	}
	return open
}

// promisesBroken finds broken_promise.
func (h *history) promisesBroken() {
	for _, j := range h.journeys {
		events := j.events()
		for i, made := range events {
			if made.Type != event.PromiseMade || made.Data.Due == 0 || made.Data.Due < made.At {
				continue
			}
			var kept *event.Event
			for _, e := range events[i+1:] {
				if kept == nil && one(made.Data.Customer, e.Data.Customer) &&
					(e.Type == event.PromiseKept && e.Data.Promise == made.Data.Promise || h.performs(made, e)) {
					kept = e
				}
			}
			h.late(made, made.Data.Due, kept, "promise "+made.Data.Promise)
		}
	}
}

// caseStep says whether an event is a step of its case: of family case, work or activity, or a reply.
func caseStep(e *event.Event) bool {
	switch family(e) {
	case "case", "work", event.FamilyOther:
		return true
	}
	return e.Type == event.MessageReplied
}

// stalls finds stalled_case: an open case that saw no step for days.
func (h *history) stalls() {
	for _, j := range h.journeys {
		events := j.events()
		for _, id := range casesIn(events, h.judge.container) {
			steps := ofCase(events, id, caseStep)
			h.stalled(j, steps, h.clocksOf(j, ofCase(events, id, clockStep)), id)
		}
	}
}

func (h *history) stalled(j *journey, steps []*event.Event, clocks []*caseClock, id string) {
	over := false
	for i, e := range steps {
		switch {
		case e.Type == event.CaseResolved, e.Type == event.CaseClosed:
			over = true
		case e.Type != event.MessageReplied:
			over = false
		}
		outside := e.Type == event.CaseWaiting && (e.Data.On == "customer" || e.Data.On == "partner")
		if over || outside {
			continue
		}
		limit := h.judge.days.after(e.At, h.judge.days.length(value(h.rules(e.At).StalledAfter, place(h.reasonOf(j, e), e))))
		var then *event.Event
		if i+1 < len(steps) {
			then = steps[i+1]
		}
		if !h.breachedBy(clocks, limit) {
			h.lateOf(e, limit, then, steps[0], "case "+id)
		}
	}
}

func (h *history) lateOf(from *event.Event, due event.Instant, stop, opportunity *event.Event, why string) {
	if stop != nil && stop.At > due || stop == nil && h.passed(due) {
		h.add(due, from, opportunity, why, h.chasers(from, due, stop)...)
	}
}

// breachedBy says whether the clock of the case that ran last until a moment had run out by then.
func (h *history) breachedBy(clocks []*caseClock, at event.Instant) (breached bool) {
	for i, c := range clocks {
		if c.from.At <= at {
			breached = c.due != 0 && c.due <= at && h.broke(c, next(clocks, i))
		}
	}
	return breached
}

// reopenings finds reopened_case.
func (h *history) reopenings() {
	for _, j := range h.journeys {
		events := j.events()
		for _, id := range casesIn(events, h.judge.container) {
			h.reopened(ofCase(events, id, func(*event.Event) bool { return true }))
		}
	}
}

func (h *history) reopened(steps []*event.Event) {
	var resolution *event.Event // while it stands
	reopened := false
	for i, e := range steps {
		switch {
		case e.Type == event.CaseResolved, e.Type == event.CaseClosed && resolution == nil:
			resolution = e
		case e.Type == event.CaseReopened:
			if resolution != nil || !reopened { // a resolution comes back once, also one that nobody knows
				origin := first(resolution, e)
				h.add(e.At, origin, origin, "reopened by "+e.ID, toTheEnd(steps[i+1:])...)
			}
			resolution, reopened = nil, true
		}
	}
}
