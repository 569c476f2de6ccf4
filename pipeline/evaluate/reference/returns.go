package reference

import (
	"slices"

	"parcours/pipeline/event"
)

// repeats finds repeat_contact: for each ended inbound contact the first later one for the same full reason.
func (h *history) repeats() {
	for i, earlier := range h.contacts {
		if earlier.family() == "" || !earlier.inbound() || !earlier.withSomebody() {
			continue
		}
		for _, later := range h.contacts[i+1:] {
			if h.repeat(earlier, later) {
				h.add(later.start(), earlier.end(), earlier.end(), "back for "+later.reason()+" with "+later.first().ID, later.events...)
				break
			}
		}
	}
}

func (h *history) repeat(earlier, later *contact) bool {
	if !later.inbound() || !later.withSomebody() || later.reason() != earlier.reason() ||
		!one(earlier.customer(), later.customer()) || !earlier.hadEnded(later.start()) {
		return false
	}
	end := earlier.end().At
	return later.start().Sub(end) <= value(h.rules(end).Repeat, place(earlier.reason(), earlier.end())) &&
		!h.invited(later, end) && h.rank(earlier, later) > h.path(later.reason(), end).Contacts
}

// invited says whether the company wrote to the customer about it between a moment and a contact.
func (h *history) invited(c *contact, since event.Instant) bool {
	return slices.ContainsFunc(h.events, func(e *event.Event) bool {
		return e.Type == event.OutreachSent && since < e.At && e.At < c.start() && one(e.Data.Customer, c.customer()) &&
			(e.Data.Reason == "" || e.Data.Reason == c.reason() || e.Data.Reason == c.family())
	})
}

// rank is the place of a contact among the inbound contacts of its journey, from 1; behind those of the journey of the
// contact it comes back to, where that is another.
func (h *history) rank(earlier, c *contact) int {
	if c.journey() == nil {
		return 1
	}
	n := 1 + slices.Index(c.journey().inbound(), c)
	if j := earlier.journey(); j != nil && j != c.journey() {
		n += len(j.inbound())
	}
	return n
}

// attempt is self-service: a form from start to submission, or what one contact id holds of searches, transactions and bot
// answers.
type attempt struct{ events []*event.Event }

func (h *history) attempts() (list []*attempt) {
	forms, sessions := map[string]*attempt{}, map[string]*attempt{}
	for _, e := range h.events {
		switch e.Type {
		case event.FormStarted, event.FormFailed, event.FormSubmitted:
			key := e.Data.Customer + "\x00" + e.Data.Form
			a := forms[key]
			if a == nil || e.Type == event.FormStarted {
				a = &attempt{}
				list = append(list, a)
			}
			forms[key] = a
			if e.Type == event.FormSubmitted {
				delete(forms, key)
			}
			a.events = append(a.events, e)
		case event.SearchPerformed, event.TransactionCompleted, event.BotAnswered:
			a := sessions[e.Data.Contact]
			if a == nil || e.Data.Contact == "" {
				a = &attempt{}
				list = append(list, a)
			}
			sessions[e.Data.Contact] = a
			a.events = append(a.events, e)
		}
	}
	return list
}

func (a *attempt) reason() string {
	for i := len(a.events) - 1; i >= 0; i-- {
		if r := a.events[i].Data.Reason; r != "" {
			return r
		}
	}
	return ""
}

// failovers finds channel_failover: an attempt, then an assisted contact about the same within 24 h after its last step.
func (h *history) failovers() {
	for _, a := range h.attempts() {
		reason := h.attemptReason(a)
		family := event.ReasonFamily(reason)
		window := value(h.rules(a.events[0].At).Failover, place(reason, a.events[0]))
		if family == "" {
			continue
		}
		for _, c := range h.contacts {
			step := firstAssisted(c)
			if step == nil || !c.inbound() || c.family() != family || !one(c.customer(), a.events[0].Data.Customer) {
				continue
			}
			if tried := lastStepBefore(a, step); tried != nil && step.At.Sub(tried.At) <= window {
				h.add(step.At, tried, a.events[0], "then "+step.ID, c.events...)
				break
			}
		}
	}
}

// attemptReason is the attempt's own, else that of the contact that it is part of.
func (h *history) attemptReason(a *attempt) string {
	if r := a.reason(); r != "" {
		return r
	}
	return h.of[a.events[0]].reason()
}

func firstAssisted(c *contact) *event.Event {
	i := slices.IndexFunc(c.events, assisted)
	if i < 0 {
		return nil
	}
	return c.events[i]
}

func lastStepBefore(a *attempt, step *event.Event) (last *event.Event) {
	for _, e := range a.events {
		if event.Compare(e, step) < 0 {
			last = e
		}
	}
	return last
}
