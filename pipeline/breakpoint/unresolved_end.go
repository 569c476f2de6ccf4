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

// detectUnresolvedEnd takes the outcome of each journey as the fold read it, which also looks again when a journey lapses.
func detectUnresolvedEnd(s *scope) {
	for _, j := range s.history.Journeys {
		if j.Outcome == journey.Open {
			continue
		}
		last, origin := j.Steps[len(j.Steps)-1], lastHeld(j)
		o, measured := s.opportunity(j, last, Opportunity{
			At: j.EndedAt, MaturesAt: j.KnownAt, Reason: j.Reason,
			Silo: origin.Data.Silo, Unit: origin.Data.Unit, Channel: origin.Data.Channel,
		})
		if measured && j.Outcome == journey.Unresolved {
			s.add(o, Breakpoint{
				Origin: origin, OccurredAt: last.At, DetectedAt: j.KnownAt, Evidence: []*event.Event{last},
			}, last.Source, last.ID)
		}
	}
}

// lastHeld is the last step that names a unit and records nothing about others, else the last.
func lastHeld(j *journey.Journey) *event.Event {
	for i := len(j.Steps) - 1; i >= 0; i-- {
		if j.Steps[i].Data.Unit != "" && !tells(j.Steps[i]) {
			return j.Steps[i]
		}
	}
	return j.Steps[len(j.Steps)-1]
}
