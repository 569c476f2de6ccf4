package breakpoint

import (
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

var unresolvedEnd = Kind{
	ID:       "unresolved_end",
	Severity: 3,
	Rule:     "The journey ended unresolved.",
	OutOf:    "journeys ended",
	Witness:  true,
	detect:   detectUnresolvedEnd,
}

// detectUnresolvedEnd takes the outcome of each journey as the fold read it, which also looks again when a journey lapses. Rates
// count an end when its gap has passed, not at its last step: by then the days around that are drawn. For the same reason an
// end stays counted as it was when something brings the journey back later, though a breakpoint of it is retracted.
func detectUnresolvedEnd(s *scope) {
	for _, j := range s.history.Journeys {
		for _, end := range j.Ends(s.book) {
			o, measured := s.ended(j, end)
			switch {
			case !measured || end.Outcome != journey.Unresolved:
			case len(end.Steps) < len(j.Steps):
				s.found.Opportunities[o.journey][o.index].Broken = true
			default:
				s.addUnresolved(o, j)
			}
		}
	}
}

// ended is the opportunity that an end is.
func (s *scope) ended(j *journey.Journey, end journey.End) (chance, bool) {
	last, origin := end.Steps[len(end.Steps)-1], lastHeld(end.Steps)
	return s.opportunity(j, last, Opportunity{
		At: end.At, MaturesAt: end.At, Reason: j.Reason,
		Silo: origin.Data.Silo, Unit: origin.Data.Unit, Channel: origin.Data.Channel,
	})
}

func (s *scope) addUnresolved(o chance, j *journey.Journey) {
	last := j.Steps[len(j.Steps)-1]
	s.add(o, Breakpoint{
		Origin: lastHeld(j.Steps), OccurredAt: last.At, DetectedAt: j.KnownAt, Evidence: []*event.Event{last},
	}, last.Source, last.ID)
}

// lastHeld is the last step that names a unit and records nothing about others, else the last.
func lastHeld(steps []*event.Event) *event.Event {
	for i := len(steps) - 1; i >= 0; i-- {
		if steps[i].Data.Unit != "" && !tells(steps[i]) {
			return steps[i]
		}
	}
	return steps[len(steps)-1]
}
