package reference

import "parcours/pipeline/event"

// unresolved finds unresolved_end: journeys that ended with something open, on a contact that nobody answered or on
// self-service that failed.
func (h *history) unresolved() {
	for _, j := range h.journeys {
		events := j.events()
		if how := h.endOf(j, events, h.clock); how.end == inVain {
			h.add(how.at, lastOfUnit(events), events[len(events)-1], how.why)
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

func (e end) String() string { return [...]string{"open", "resolved", "lost", "unresolved"}[e] }

// ending is how a journey stands, since when, and why.
type ending struct {
	end end
	at  event.Instant // 0 while it goes on
	why string
}

// endOf reads how a journey stood after some of its events, at a clock. It ended when the contract was cancelled or when
// somebody said that it was over, and else with its last step.
func (h *history) endOf(j *journey, events []*event.Event, clock event.Instant) ending {
	if gone := lostByCustomer(events); gone != nil {
		return ending{lost, gone.At, "the customer cancelled"}
	}
	last := events[len(events)-1].At
	if what := h.owing(events, clock); what != "" {
		if h.forgotten(events, clock) {
			return ending{inVain, last, "forgotten with an open " + what}
		}
		return ending{}
	}
	said, failed := lastWord(events)
	if said.word == yes {
		return ending{wellEnded, said.at, "somebody said so"}
	}
	about := rulesFor(j.family(last))
	if silence := max(gapOf(h.judge.book, about.Reason), value(h.judge.book.Repeat, about)); clock.Sub(last) <= silence {
		return ending{}
	}
	if said.word == no {
		return ending{inVain, last, "the customer said that it was not resolved"}
	}
	if failed != "" {
		return ending{inVain, last, failed}
	}
	return ending{wellEnded, last, "silence"}
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

// lostByCustomer is the last word of a customer who cancelled and was not retained; nil for none.
func lostByCustomer(events []*event.Event) (gone *event.Event) {
	for _, e := range events {
		switch {
		case e.Type == event.ContractCancelled && (e.Data.InitiatedBy == "" || e.Data.InitiatedBy == "customer"):
			gone = e
		case e.Type == event.ContractRetained:
			gone = nil
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

// saying is a word, and when it was said.
type saying struct {
	word word
	at   event.Instant
}

// lastWord is what was said last of the end of a journey, and what failed last. The customer's word goes before that of the
// company; both hold until he is back.
func lastWord(events []*event.Event) (saying, string) {
	var customer, company saying
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
			customer, company = saying{}, saying{}
		case event.CaseReopened:
			customer, company = saying{}, saying{}
		case event.ComplaintFiled, event.ComplaintEscalated:
			company = saying{}
		case event.CaseResolved, event.CaseClosed:
			company = saying{yes, e.At}
		case event.ContactEnded:
			company = saying{}
			if e.Data.Resolved != nil && *e.Data.Resolved {
				company = saying{yes, e.At}
			}
		case event.SurveyAnswered:
			customer = wordOf(e, customer)
		default:
			if e.Data.Case != "" && worksOn(e) {
				company = saying{}
			}
		}
		contact, attempt = cameToNothing(e, contact, attempt)
	}
	if attempt != "" {
		contact = attempt
	}
	if customer.word != silence {
		return customer, contact
	}
	return company, contact
}

func wordOf(e *event.Event, before saying) saying {
	switch {
	case e.Data.Resolved == nil:
		return before
	case *e.Data.Resolved:
		return saying{yes, e.At}
	}
	return saying{no, e.At}
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
