package breakpoint

import (
	"cmp"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

var reopenedCase = Kind{
	ID:       "reopened_case",
	Severity: 3,
	Rule:     "A case came back after it was resolved.",
	OutOf:    "cases resolved",
	detect:   detectReopenedCase,
}

// detectReopenedCase follows each case from its resolution to its reopening.
func detectReopenedCase(s *scope) {
	for _, j := range s.history.Journeys {
		if !j.Types.Any(ending) {
			continue
		}
		for _, id := range j.Cases {
			s.followCase(j, id)
		}
	}
}

var ending = event.TypesOf(event.CaseResolved, event.CaseClosed, event.CaseReopened)

// followCase takes each resolution as an opportunity, and so the one that a case must have had which is reopened without.
func (s *scope) followCase(j *journey.Journey, id string) {
	var resolved *event.Event // while it stands
	var o chance
	var measured, reopened bool
	steps := s.stepsOf(j, id)
	for i, e := range steps {
		switch {
		case e.Type == event.CaseResolved || e.Type == event.CaseClosed && resolved == nil:
			resolved = e
			o, measured = s.resolution(j, e)
		case e.Type == event.CaseReopened:
			if resolved == nil && !reopened {
				o, measured = s.resolution(j, e)
			}
			if measured && (resolved != nil || !reopened) {
				s.addReopening(o, steps[i:], cmp.Or(resolved, e))
			}
			resolved, reopened = nil, true
		}
	}
}

func (s *scope) resolution(j *journey.Journey, e *event.Event) (chance, bool) {
	return s.opportunity(j, e, Opportunity{
		At: e.At, MaturesAt: e.At.Add(s.rules(e.At).Matures.Reopening), Reason: reasonAt(j, e),
	})
}

// addReopening takes the steps of the case from the reopening on.
func (s *scope) addReopening(o chance, steps []*event.Event, resolved *event.Event) {
	e := steps[0]
	s.add(o, Breakpoint{
		Origin:     resolved,
		OccurredAt: e.At,
		Evidence:   evidence(resolved, e),
		avoidable:  untilResolved(steps[1:]),
	}, e.Data.Case, e.Source, e.ID)
}

// untilResolved are the steps of a case until it is resolved again.
func untilResolved(steps []*event.Event) []*event.Event {
	for i, e := range steps {
		if e.Type == event.CaseResolved || e.Type == event.CaseClosed {
			return steps[:i]
		}
	}
	return steps
}
