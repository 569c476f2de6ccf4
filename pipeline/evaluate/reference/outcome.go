package reference

import "parcours/pipeline/event"

// unresolved finds unresolved_end: journeys that ended with something open, on a contact that nobody answered or on
// self-service that failed.
func (h *history) unresolved() {
	for _, j := range h.journeys {
		events := j.events()
		if end, why := h.endOf(j, events, h.clock); end == inVain {
			h.add(events[len(events)-1].At, lastOfUnit(events), events[len(events)-1], why)
		}
	}
}

// end is how a journey stands.
type end int

const (
	goesOn end = iota
	wellEnded
	lost
	inVain
)

// endOf reads how a journey stood after some of its events, at a clock, and why.
func (h *history) endOf(j *journey, events []*event.Event, clock event.Instant) (end, string) {
	if lostByCustomer(events) {
		return lost, "the customer cancelled"
	}
	last := events[len(events)-1].At
	if what := h.owing(events, clock); what != "" {
		if h.forgotten(events, clock) {
			return inVain, "forgotten with an open " + what
		}
		return goesOn, ""
	}
	word, failed := lastWord(events)
	if word == yes {
		return wellEnded, "somebody said so"
	}
	about := rulesFor(j.family(last))
	if silence := max(gapOf(h.judge.book, about.Reason), value(h.judge.book.Repeat, about)); clock.Sub(last) <= silence {
		return goesOn, ""
	}
	if word == no {
		return inVain, "the customer said that it was not resolved"
	}
	if failed != "" {
		return inVain, failed
	}
	return wellEnded, "silence"
}

// owing names something that is open at a clock; "" for nothing.
func (h *history) owing(events []*event.Event, clock event.Instant) (what string) {
	for _, d := range h.debts(events) {
		if d.openAt(clock) {
			what = d.what
		}
	}
	return what
}

// forgotten says whether a journey that owes something has been silent for so long that no answer can join it. An open case
// keeps it open for good, an appointment until it has passed.
func (h *history) forgotten(events []*event.Event, clock event.Instant) bool {
	for _, d := range h.debts(events) {
		if d.openAt(clock) && (d.what == "case" || d.what == "appointment") {
			return false
		}
	}
	return clock.Sub(events[len(events)-1].At) > h.judge.book.Reach()
}

func lostByCustomer(events []*event.Event) (gone bool) {
	for _, e := range events {
		switch e.Type {
		case event.ContractCancelled:
			gone = gone || e.Data.InitiatedBy == "" || e.Data.InitiatedBy == "customer"
		case event.ContractRetained:
			gone = false
		}
	}
	return gone
}

// word is whether somebody said that it was resolved.
type word int

const (
	silence word = iota
	yes
	no
)

// lastWord is what was said last of the end of a journey, and what failed last. The customer's word goes before that of the
// company; both hold until he is back.
func lastWord(events []*event.Event) (word, string) {
	var customer, company word
	var contact, attempt string // why the last one came to nothing
	sales := map[string]bool{}
	for _, e := range events {
		if e.Type == event.FormStarted && e.Data.Kind == "sales" {
			sales[e.Data.Form] = true
		}
		if e.Type == event.FormFailed && sales[e.Data.Form] {
			continue // a funnel: nothing that was owed
		}
		switch e.Type {
		case event.ContactStarted, event.ContactQueued, event.MessageReceived, event.ContactAnswered, event.ContactAbandoned,
			event.ContactRefused:
			customer, company = silence, silence
		case event.CaseReopened:
			customer, company = silence, silence
		case event.ComplaintFiled, event.ComplaintEscalated:
			company = silence
		case event.CaseResolved, event.CaseClosed:
			company = yes
		case event.ContactEnded:
			company = silence
			if e.Data.Resolved != nil && *e.Data.Resolved {
				company = yes
			}
		case event.SurveyAnswered:
			customer = wordOf(e, customer)
		default:
			if e.Data.Case != "" && worksOn(e) {
				company = silence
			}
		}
		contact, attempt = cameToNothing(e, contact, attempt)
	}
	if attempt != "" {
		contact = attempt
	}
	if customer != silence {
		return customer, contact
	}
	return company, contact
}

func wordOf(e *event.Event, before word) word {
	switch {
	case e.Data.Resolved == nil:
		return before
	case *e.Data.Resolved:
		return yes
	}
	return no
}

// cameToNothing says after an event why the last contact and the last attempt by oneself came to nothing; "" where they did not.
func cameToNothing(e *event.Event, contact, attempt string) (string, string) {
	switch e.Type {
	case event.ContactStarted, event.ContactQueued:
		return "nobody answered", ""
	case event.ContactAbandoned:
		return "abandoned", ""
	case event.ContactRefused:
		return "refused", ""
	case event.AppointmentMissed:
		if e.Data.By != "customer" {
			return "the company missed the appointment", attempt
		}
		return "", attempt
	case event.FormFailed:
		return contact, "a form failed"
	case event.FormSubmitted, event.TransactionCompleted, event.BotAnswered:
		return contact, ""
	}
	if meeting(e) {
		return "", ""
	}
	return contact, attempt
}

// lastOfUnit is the last step that names a unit, of those that record nothing about what others did; else the last.
func lastOfUnit(events []*event.Event) *event.Event {
	for i := len(events) - 1; i >= 0; i-- {
		if events[i].Data.Unit != "" && !records(events[i]) {
			return events[i]
		}
	}
	return events[len(events)-1]
}
