package breakpoint

import (
	"cmp"
	"sync"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

var stalledCase = Kind{
	ID:       "stalled_case",
	Severity: 2,
	Rule:     "An open case saw no step, and nobody outside was waited on.",
	OutOf:    "cases with a step",
	detect:   detectStalledCase,
}

// detectStalledCase looks at the silences of each case.
func detectStalledCase(s *scope) {
	for _, j := range s.history.Journeys {
		for _, id := range j.Cases {
			s.watchCase(j, id)
		}
	}
}

// watchCase takes the case as one opportunity; each silence too long is a breakpoint of it.
func (s *scope) watchCase(j *journey.Journey, id string) {
	all := s.stepsOf(j, id)
	steps := worked(all)
	if len(steps) == 0 {
		return
	}
	begins := steps[0]
	book := s.rules(begins.At)
	at := where(begins, reasonAt(j, begins))
	span := book.StalledAfter.Of(at)
	if span == (rules.OpenTime{}) {
		return // no limit
	}
	o, measured := s.opportunity(j, begins, Opportunity{
		At: begins.At, MaturesAt: max(begins.At.Add(book.Matures.Journey), book.CalendarOf(at.Unit).Due(begins.At, span)), Reason: at.Reason,
	})
	if !measured {
		return
	}
	missed := sync.OnceValue(func() event.Instant { return s.firstMissed(j, all) })
	open := true
	var held *event.Event
	for i, last := range steps {
		open = openAfter(last, open)
		if last.Data.Unit != "" {
			held = last
		}
		var next *event.Event
		if i+1 < len(steps) {
			next = steps[i+1]
		}
		if open && !waitsOutside(last) {
			s.judgeSilence(o, j, silence{last: last, next: next, held: cmp.Or(held, last), span: span, book: book}, missed)
		}
	}
}

// worked are those of the steps that name a case in which something was done on it: work, and replies. A mention in a contact
// is none.
func worked(steps []*event.Event) (list []*event.Event) {
	for _, e := range steps {
		if e.Type == event.MessageReplied || works(e) {
			list = append(list, e)
		}
	}
	return list
}

// works says whether an event is work on a case.
func works(e *event.Event) bool {
	switch event.SpecOf(e.Type).Family {
	case "case", "work", event.FamilyOther:
		return true
	}
	return false
}

// openAfter says whether a case is open after a step, given whether it was before: a reply changes nothing.
func openAfter(e *event.Event, before bool) bool {
	switch e.Type {
	case event.CaseResolved, event.CaseClosed:
		return false
	case event.MessageReplied:
		return before
	}
	return true
}

// waitsOutside says whether a case waits on somebody outside the company from a step on.
func waitsOutside(e *event.Event) bool {
	return e.Type == event.CaseWaiting && (e.Data.On == "customer" || e.Data.On == "partner")
}

// silence is the time between two steps of a case.
type silence struct {
	last, next *event.Event // next is nil while there is none
	held       *event.Event // the step that says which unit held the case
	span       rules.OpenTime
	book       *rules.Book
}

// judgeSilence says whether a silence was too long, and not a breach of the case's deadline already, the first of which is
// missed.
func (s *scope) judgeSilence(o chance, j *journey.Journey, q silence, missed func() event.Instant) {
	calendar := q.book.CalendarOf(q.held.Data.Unit)
	if q.next != nil && q.next.At.Sub(q.last.At) <= calendar.Length(q.span) {
		return // no span of open time takes less than itself
	}
	due := calendar.Due(q.last.At, q.span)
	switch {
	case q.next != nil && q.next.At <= due || missed() <= due:
	case s.clock > due:
		s.addStall(o, j, q, due)
	default:
		s.due(j, due)
	}
}

// firstMissed is the first deadline of a case that was missed, or will have been: only a step of the case, which ends the
// silence, meets it. journey.Never for none.
func (s *scope) firstMissed(j *journey.Journey, steps []*event.Event) event.Instant {
	missed := journey.Never
	for i, e := range steps {
		if e.Type != event.CaseOpened && e.Type != event.CaseReopened || !s.rules(e.At).Measured(slaBreach.ID, e.Source) {
			continue
		}
		for _, d := range s.caseDeadline(j, e, steps[i+1:]) {
			if d.answer == nil || d.answer.At > d.due {
				missed = min(missed, d.due)
			}
		}
	}
	return missed
}

func (s *scope) addStall(o chance, j *journey.Journey, q silence, due event.Instant) {
	b := Breakpoint{
		Origin:     q.last,
		OccurredAt: due,
		Silo:       cmp.Or(q.last.Data.Silo, q.held.Data.Silo),
		Unit:       q.held.Data.Unit,
		Evidence:   []*event.Event{q.last},
	}
	came := event.Instant(0)
	if q.next != nil {
		b.Evidence, came = append(b.Evidence, q.next), q.next.At
	}
	b.avoidable = chasers(j, due, came)
	s.add(o, b, q.last.Data.Case, q.last.Source, q.last.ID)
}
