package breakpoint

import (
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

var processLoop = Kind{
	ID:       "process_loop",
	Severity: 1,
	Rule:     "The same internal step came again, not in a row, in the same silo, beyond the normal path.",
	OutOf:    "journeys with internal steps",
	detect:   detectProcessLoop,
}

// detectProcessLoop counts how often each internal step comes in each silo of a journey. One breakpoint a journey, at the
// first step that comes too often.
func detectProcessLoop(s *scope) {
	for _, j := range s.history.Journeys {
		if !j.Types.Any(internal) {
			continue
		}
		work := internalSteps(j)
		if len(work) == 0 {
			continue
		}
		if o, measured := s.ofJourneySince(j, work[0].At); measured {
			s.findLoop(o, j, work)
		}
	}
}

var internal = event.TypesOf(event.StepPerformed, event.ApprovalRequested, event.ApprovalGiven, event.FamilyOther)

// internalSteps are the steps of a journey that are work inside the company.
func internalSteps(j *journey.Journey) (list []*event.Event) {
	for _, e := range j.Steps {
		if journey.Internal(e) {
			list = append(list, e)
		}
	}
	return list
}

// findLoop looks for the first step that comes for too many times. What happens between two internal steps outside the
// company (a call, a page view) does not part them: they are still in a row.
func (s *scope) findLoop(o chance, j *journey.Journey, work []*event.Event) {
	book := s.rules(j.Start())
	normal := book.PathOf(j.Reason).Loops
	if len(work) < 2*normal+1 { // once more than normal, with something between
		return
	}
	times := make(map[activity]int, len(work))
	for i, e := range work {
		a := activityOf(e)
		if i > 0 && activityOf(work[i-1]) == a {
			continue
		}
		times[a]++
		if n := times[a]; n > normal && n >= book.LoopTimes.Of(where(e, j.Reason)) {
			s.addLoop(o, work, i)
			return
		}
	}
}

// activity is what an internal step does, and where.
type activity struct{ name, silo string }

func activityOf(e *event.Event) activity { return activity{e.Activity(), e.Data.Silo} }

// addLoop: the internal step of a number came too often.
func (s *scope) addLoop(o chance, work []*event.Event, n int) {
	e := work[n]
	b := Breakpoint{Origin: e, OccurredAt: e.At}
	for i, w := range work {
		switch same := activityOf(w) == activityOf(e); {
		case same && i >= n:
			b.avoidable = append(b.avoidable, w)
		case same && (i == 0 || activityOf(work[i-1]) != activityOf(e)):
			b.Evidence = append(b.Evidence, w)
		}
	}
	b.Evidence = append(b.Evidence, e)
	s.add(o, b, e.Source, e.ID)
}
