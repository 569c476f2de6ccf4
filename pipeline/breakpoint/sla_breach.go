package breakpoint

import (
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

var slaBreach = Kind{
	ID:       "sla_breach",
	Severity: 3,
	Rule:     "No answer when due.",
	OutOf:    "clocks started",
	Clears: []string{event.MessageReplied, event.CaseResolved, event.CaseClosed, event.ComplaintAcknowledged,
		event.ComplaintAnswered},
	detect: detectBreaches,
}

// complaintSeverity: a complaint runs against a legal clock.
const complaintSeverity = 5

// deadline is one promise of the company: begun by a step, due at an instant, met by another step or by none.
type deadline struct {
	name     string // what is due: reply, resolution, acknowledgement, answer
	start    *event.Event
	due      event.Instant
	answer   *event.Event // nil while there is none
	severity uint8
}

// detectBreaches lists the deadlines of every journey; one is broken when its answer came after the due time, or the clock
// has passed it without one. An answer exactly when due is in time.
func detectBreaches(s *scope) {
	for n, j := range s.history.Journeys {
		for i, e := range j.Steps {
			for _, d := range s.deadlines(j, i, e) {
				s.judge(n, d)
			}
		}
	}
}

func (s *scope) judge(n int, d deadline) {
	switch {
	case d.answer != nil && d.answer.At <= d.due:
	case s.clock > d.due:
		s.addBreach(s.history.Journeys[n], d)
	default:
		s.due(n, d.due)
	}
}

// deadlines that a step begins.
func (s *scope) deadlines(j *journey.Journey, i int, e *event.Event) []deadline {
	switch e.Type {
	case event.MessageReceived:
		return s.messageDeadline(j, i, e)
	case event.CaseOpened, event.CaseReopened:
		return s.caseDeadline(j, i, e)
	case event.ComplaintFiled:
		return s.complaintDeadlines(j, i, e)
	}
	return nil
}

// messageDeadline: the first unanswered message of a thread starts the clock; writing again does not start a second one.
func (s *scope) messageDeadline(j *journey.Journey, i int, e *event.Event) []deadline {
	span, ok := s.book.SLA.Message[e.Data.Channel]
	if !ok || waitsAlready(j.Steps[:i], e) {
		return nil
	}
	return []deadline{{
		name:   "reply",
		start:  e,
		due:    s.book.Calendar().Due(e.At, span),
		answer: first(j.Steps[i+1:], func(a *event.Event) bool { return replies(a, e) }),
	}}
}

func waitsAlready(before []*event.Event, e *event.Event) bool {
	for k := len(before) - 1; k >= 0; k-- {
		b := before[k]
		if replies(b, e) {
			return false
		}
		if b.Type == event.MessageReceived && b.Data.Channel == e.Data.Channel && b.Data.Contact == e.Data.Contact {
			return true
		}
	}
	return false
}

// replies: a reply in the same thread (or one that names no thread), or a conversation with a person.
func replies(a, to *event.Event) bool {
	if !oneCustomer(a, to) {
		return false
	}
	switch a.Type {
	case event.MessageReplied:
		return a.Data.Contact == to.Data.Contact || a.Data.Contact == "" || to.Data.Contact == ""
	case event.ContactAnswered:
		return isAssisted(a) || a.Data.Channel == ""
	}
	return false
}

// caseDeadline: resolution in the company's time, which stands still while the case waits on the customer.
func (s *scope) caseDeadline(j *journey.Journey, i int, e *event.Event) []deadline {
	rest := ofCase(j.Steps[i+1:], e.Data.Case)
	answer := first(rest, func(a *event.Event) bool { return a.Type == event.CaseResolved || a.Type == event.CaseClosed })
	due, running := s.dueWithPauses(e.At, rest, s.book.SLA.Case)
	if !running || answer == nil && reopened(j.Steps[i+1:], e.Data.Case, due) {
		return nil
	}
	return []deadline{{name: "resolution", start: e, due: due, answer: answer}}
}

// reopened says whether a case was reopened before its clock had run out, though nobody said it was resolved: the new clock
// takes the place of the old one.
func reopened(steps []*event.Event, id string, due event.Instant) bool {
	again := first(steps, func(e *event.Event) bool { return e.Type == event.CaseReopened && e.Data.Case == id })
	return again != nil && again.At <= due
}

// dueWithPauses walks the stretches in which the company's clock runs; false when it stands still at the end.
func (s *scope) dueWithPauses(start event.Instant, steps []*event.Event, span rules.OpenTime) (event.Instant, bool) {
	calendar := s.book.Calendar()
	left, running := calendar.Length(span), true
	for _, e := range steps {
		waits := e.Type == event.CaseWaiting && e.Data.On == "customer"
		if running {
			used := calendar.OpenBetween(start, e.At)
			if used >= left {
				break
			}
			if waits {
				left, running = left-used, false
			}
		} else if !waits && resumes(e) {
			start, running = e.At, true
		}
	}
	if !running {
		return 0, false
	}
	return calendar.Due(start, rules.OpenTime{Time: left}), true
}

// resumes: anything the company does on the case, or the customer's own word on it, ends the wait.
func resumes(e *event.Event) bool {
	switch event.SpecOf(e.Type).Family {
	case "case", "work", "message", event.FamilyOther:
		return true
	}
	return false
}

// complaintDeadlines: acknowledged and answered, each by its own legal clock, from the day the customer sent it if known.
func (s *scope) complaintDeadlines(j *journey.Journey, i int, e *event.Event) []deadline {
	rest := j.Steps[i+1:]
	answer := first(rest, func(a *event.Event) bool { return a.Type == event.ComplaintAnswered && sameCase(a, e) })
	ack := first(rest, func(a *event.Event) bool {
		return (a.Type == event.ComplaintAcknowledged || a.Type == event.ComplaintAnswered) && sameCase(a, e)
	})
	from := e.At
	if e.Data.SentAt != 0 {
		from = min(from, e.Data.SentAt)
	}
	return []deadline{
		{"acknowledgement", e, s.book.Calendar().EndOfJourOuvrable(from, s.book.SLA.ComplaintAck), ack, complaintSeverity},
		{"answer", e, s.answerDue(from, e, rest), answer, complaintSeverity},
	}
}

func (s *scope) answerDue(from event.Instant, e *event.Event, rest []*event.Event) event.Instant {
	calendar, sla := s.book.Calendar(), s.book.SLA
	if e.Data.Regime != "payment" {
		return calendar.EndOfMonths(from, sla.ComplaintMonths)
	}
	due := calendar.EndOfJourOuvrable(from, sla.PaymentAnswer)
	holding := first(rest, func(a *event.Event) bool {
		return a.Type == event.ComplaintAcknowledged && a.Data.Holding && sameCase(a, e) && a.At <= due
	})
	if holding != nil {
		return calendar.EndOfJourOuvrable(from, sla.PaymentAfterReply)
	}
	return due
}

func (s *scope) addBreach(j *journey.Journey, d deadline) {
	b := Breakpoint{
		Severity:      d.severity,
		Journey:       j,
		Origin:        d.start,
		OccurredAt:    d.due,
		DetectedAt:    d.due,
		OpportunityAt: d.start.At,
		Reason:        d.start.Data.Reason,
		Evidence:      []*event.Event{d.start},
		avoidable:     chasers(j, d),
	}
	if d.answer != nil {
		b.Evidence = append(b.Evidence, d.answer)
	}
	s.add(b, d.name, d.start.Source, d.start.ID)
}

// chasers are the steps of the contacts the customer made after the due time and before the answer.
func chasers(j *journey.Journey, d deadline) (steps []*event.Event) {
	for _, c := range j.Contacts {
		if c.Inbound && c.WithSomebody() && c.Start > d.due && (d.answer == nil || c.Start < d.answer.At) {
			steps = append(steps, c.Steps...)
		}
	}
	return steps
}

func first(steps []*event.Event, match func(*event.Event) bool) *event.Event {
	for _, e := range steps {
		if match(e) {
			return e
		}
	}
	return nil
}

// sameCase: two events of one case, or events of which one names none.
func sameCase(a, b *event.Event) bool {
	return a.Data.Case == b.Data.Case || a.Data.Case == "" || b.Data.Case == ""
}

// ofCase are the steps of a case until it is reopened, when a clock of its own begins.
func ofCase(steps []*event.Event, id string) (list []*event.Event) {
	for _, e := range steps {
		if e.Data.Case != id {
			continue
		}
		if e.Type == event.CaseReopened {
			break
		}
		list = append(list, e)
	}
	return list
}
