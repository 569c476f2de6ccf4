package breakpoint

import (
	"slices"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

// caseSteps are the steps of one journey by the case that they name. A journey of many cases would be read through for each
// of them.
type caseSteps struct {
	journey *journey.Journey
	of      map[string][]*event.Event
}

// fewCases are read from the journey itself.
const fewCases = 3

// stepsOf lists the steps of a journey that name a case, in order; with "", those that name none.
func (s *scope) stepsOf(j *journey.Journey, id string) []*event.Event {
	if len(j.Cases) > fewCases {
		if s.byCase.journey != j {
			s.byCase = sortedOut(j)
		}
		return s.byCase.of[id]
	}
	var list []*event.Event
	for _, e := range j.Steps {
		if e.Data.Case == id {
			list = append(list, e)
		}
	}
	return list
}

func sortedOut(j *journey.Journey) caseSteps {
	c := caseSteps{j, make(map[string][]*event.Event, len(j.Cases)+1)}
	for _, e := range j.Steps {
		c.of[e.Data.Case] = append(c.of[e.Data.Case], e)
	}
	return c
}

// later are those of some steps that come after one of them.
func later(steps []*event.Event, e *event.Event) []*event.Event {
	i, _ := slices.BinarySearchFunc(steps, e, event.Compare)
	return steps[i+1:]
}
