package breakpoint

import (
	"cmp"
	"slices"

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
	runs     event.Instant // since when its clock has been running: start, or where it last stood still
	answer   *event.Event  // nil while there is none
	severity uint8
}

// detectBreaches lists the deadlines of every journey; one is broken when its answer came after the due time, or the clock
// has passed it without one. An answer exactly when due is in time.
func detectBreaches(s *scope) {
	for _, j := range s.history.Journeys {
		if !j.Types.Any(clockStarting) {
			continue
		}
		for i, e := range j.Steps {
			for _, d := range s.deadlines(j, i, e) {
				s.judge(j, d)
			}
		}
	}
}

var clockStarting = event.TypesOf(event.MessageReceived, event.CaseOpened, event.CaseReopened, event.ComplaintFiled)

func (s *scope) judge(j *journey.Journey, d deadline) {
	o, measured := s.started(j, d)
	switch {
	case !measured || d.answer != nil && d.answer.At <= d.due:
	case s.clock > d.due:
		s.addBreach(o, j, d)
	default:
		s.due(j, d.due)
	}
}

// started is the opportunity that a deadline is. That of a complaint is the silo's who owns its reason, and no unit's: whoever
// recorded it must not look worse for it.
func (s *scope) started(j *journey.Journey, d deadline) (chance, bool) {
	o := Opportunity{At: d.runs, MaturesAt: d.due, Reason: reasonAt(j, d.start), Clock: d.name}
	complaint := d.start.Type == event.ComplaintFiled
	if complaint {
		o.Silo = s.rules(o.At).OwnerOf("", event.ReasonFamily(o.Reason))
	}
	c, measured := s.opportunity(j, d.start, o)
	if measured && complaint {
		s.noUnit(c)
	}
	return c, measured
}

// deadlines that a step begins.
func (s *scope) deadlines(j *journey.Journey, i int, e *event.Event) []deadline {
	switch e.Type {
	case event.MessageReceived:
		return s.messageDeadline(j, i, e)
	case event.CaseOpened, event.CaseReopened:
		return s.caseDeadline(j, e, later(s.stepsOf(j, e.Data.Case), e))
	case event.ComplaintFiled:
		return s.complaintDeadlines(j, i, e)
	}
	return nil
}

// messageDeadline: the first unanswered message of a thread starts the clock; writing again does not start a second one.
func (s *scope) messageDeadline(j *journey.Journey, i int, e *event.Event) []deadline {
	span := s.rules(e.At).SLA.Message.Of(where(e, reasonAt(j, e)))
	if span == (rules.OpenTime{}) || waitsAlready(j.Steps[:i], e) {
		return nil
	}
	return []deadline{{
		name:   "reply",
		start:  e,
		runs:   e.At,
		due:    s.rules(e.At).CalendarOf(e.Data.Unit).Due(e.At, span),
		answer: first(j.Steps[i+1:], func(a *event.Event) bool { return replies(a, e) }),
	}}
}

// waitsAlready says whether an earlier message of the thread is unanswered; one without a contact id is a thread by itself.
func waitsAlready(before []*event.Event, e *event.Event) bool {
	if e.Data.Contact == "" {
		return false
	}
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

// caseDeadline: resolution in the company's time, which stands still while the case waits on the customer. Given the steps of
// the case that come after the one that begins it.
func (s *scope) caseDeadline(j *journey.Journey, e *event.Event, after []*event.Event) []deadline {
	rest := untilReopened(after)
	answer := first(rest, func(a *event.Event) bool { return a.Type == event.CaseResolved || a.Type == event.CaseClosed })
	book := s.rules(e.At)
	span := book.CaseSpan(where(e, reasonAt(j, e)))
	if span == (rules.OpenTime{}) {
		return nil // no deadline
	}
	due, runs, running := dueWithPauses(e.At, rest, span, book.CalendarOf(e.Data.Unit))
	if !running || answer == nil && reopened(after, due) {
		return nil
	}
	return []deadline{{name: "resolution", start: e, due: due, runs: runs, answer: answer}}
}

// reasonAt is the reason of a step: that of its contact, else its own, else the journey's.
func reasonAt(j *journey.Journey, e *event.Event) string {
	if c := j.ContactOf(e); c != nil && c.Reason != "" {
		return c.Reason
	}
	return cmp.Or(e.Data.Reason, j.Reason)
}

// reopened says whether a case was reopened before its clock had run out, though nobody said it was resolved: the new clock
// takes the place of the old one.
func reopened(steps []*event.Event, due event.Instant) bool {
	again := first(steps, func(e *event.Event) bool { return e.Type == event.CaseReopened })
	return again != nil && again.At <= due
}

// dueWithPauses walks the stretches in which the company's clock runs, and gives when the last one began; false when the clock
// stands still at the end. The calendar is asked where a stretch begins or ends, not at each step: that is most of what this
// kind costs.
func dueWithPauses(start event.Instant, steps []*event.Event, span rules.OpenTime, calendar *rules.Calendar) (end, runs event.Instant, running bool) {
	left := calendar.Length(span)
	due, running := calendar.Due(start, rules.OpenTime{Time: left}), true
	for _, e := range steps {
		waits := e.Type == event.CaseWaiting && e.Data.On == "customer"
		switch {
		case running && e.At >= due:
			return due, start, true
		case running && waits:
			left, running = left-calendar.OpenBetween(start, e.At), false
		case !running && !waits && resumes(e):
			start, running = e.At, true
			due = calendar.Due(start, rules.OpenTime{Time: left})
		}
	}
	return due, start, running
}

// resumes: anything the company does on the case, or the customer's own word on it, ends the wait.
func resumes(e *event.Event) bool {
	switch event.SpecOf(e.Type).Family {
	case "case", "work", "message", "contact", event.FamilyOther:
		return true
	}
	return false
}

// complaintDeadlines: acknowledged and answered, each by its own legal clock, from the day the customer sent it if known. The
// first expression to anyone starts them: told again before it was answered, it is the same complaint.
func (s *scope) complaintDeadlines(j *journey.Journey, i int, e *event.Event) []deadline {
	if underWay(j.Steps[:i], e) {
		return nil
	}
	rest := j.Steps[i+1:]
	answer := first(rest, func(a *event.Event) bool { return a.Type == event.ComplaintAnswered && sameComplaint(a, e) })
	ack := first(rest, func(a *event.Event) bool {
		return (a.Type == event.ComplaintAcknowledged || a.Type == event.ComplaintAnswered) && sameComplaint(a, e)
	})
	from := e.At
	if e.Data.SentAt != 0 {
		from = min(from, e.Data.SentAt)
	}
	book := s.rules(e.At)
	return []deadline{
		{"acknowledgement", e, book.CalendarOf("").EndOfJourOuvrable(from, book.SLA.ComplaintAck), e.At, ack, complaintSeverity},
		{"answer", e, answerDue(from, e, rest, book), e.At, answer, complaintSeverity},
	}
}

// underWay says whether a complaint of the same case, or of none like this one, was filed before and is not answered.
func underWay(before []*event.Event, filed *event.Event) (open bool) {
	for _, e := range before {
		switch {
		case !sameComplaint(e, filed):
		case e.Type == event.ComplaintFiled:
			open = open || e.Data.Case == filed.Data.Case
		case e.Type == event.ComplaintAnswered:
			open = false
		}
	}
	return open
}

// sameComplaint says whether two events may be of one complaint: neither of two customers nor of two cases.
func sameComplaint(a, b *event.Event) bool { return oneCustomer(a, b) && sameCase(a, b) }

func answerDue(from event.Instant, e *event.Event, rest []*event.Event, book *rules.Book) event.Instant {
	calendar, sla := book.CalendarOf(""), book.SLA // the law knows no unit's calendar
	if e.Data.Regime != "payment" {
		return calendar.EndOfMonths(from, sla.ComplaintMonths)
	}
	due := calendar.EndOfJourOuvrable(from, sla.PaymentAnswer)
	holding := first(rest, func(a *event.Event) bool {
		return a.Type == event.ComplaintAcknowledged && a.Data.Holding && sameComplaint(a, e) && a.At <= due
	})
	if holding != nil {
		return calendar.EndOfJourOuvrable(from, sla.PaymentAfterReply)
	}
	return due
}

func (s *scope) addBreach(o chance, j *journey.Journey, d deadline) {
	b := Breakpoint{
		Severity:   d.severity,
		Origin:     d.start,
		OccurredAt: d.due,
		Evidence:   []*event.Event{d.start},
	}
	came := event.Instant(0)
	if d.answer != nil {
		b.Evidence, came = append(b.Evidence, d.answer), d.answer.At
	}
	b.avoidable = chasers(j, d.due, came)
	if b.Silo, b.Unit, b.noUnit = d.heldBy(j); b.noUnit {
		b.Silo = s.found.Opportunities[o.journey][o.index].Silo
	}
	s.add(o, b, d.name, d.start.Source, d.start.ID)
}

// heldBy is who held what was due: the unit of the company's last step on it until then. To record a complaint is no
// holding it.
func (d *deadline) heldBy(j *journey.Journey) (silo, unit string, unknown bool) {
	complaint := d.start.Type == event.ComplaintFiled
	for _, e := range j.Steps {
		if e.At > d.due || e.Before(d.start) || complaint && e.Type == event.ComplaintFiled || e.Data.Unit == "" || !d.concerns(e) {
			continue
		}
		silo, unit = e.Data.Silo, e.Data.Unit
	}
	return silo, unit, unit == "" && complaint
}

// concerns says whether a step of the journey is of the thread, case or complaint that is due.
func (d *deadline) concerns(e *event.Event) bool {
	switch d.start.Type {
	case event.MessageReceived:
		return e.Data.Contact == d.start.Data.Contact && (e == d.start || d.start.Data.Contact != "")
	case event.ComplaintFiled:
		return event.SpecOf(e.Type).Family == "complaint" && sameCase(e, d.start) || d.start.Data.Case != "" && e.Data.Case == d.start.Data.Case
	}
	return e.Data.Case == d.start.Data.Case
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

// untilReopened are the steps of a case until it is reopened, when a clock of its own begins.
func untilReopened(steps []*event.Event) []*event.Event {
	if i := slices.IndexFunc(steps, func(e *event.Event) bool { return e.Type == event.CaseReopened }); i >= 0 {
		return steps[:i]
	}
	return steps
}
