package breakpoint

import (
	"cmp"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

var detractor = Kind{
	ID:       "detractor",
	Severity: 2,
	Rule:     "A transactional survey says so.",
	OutOf:    "answers",
	Witness:  true,
	detect:   detectDetractor,
}

// Scores count up from 1 on scales of their own; where an answer does not name its scale it is the usual one, on which the
// rules state their limits.
const (
	lowestScore = 1
	csatScale   = 5
	cesScale    = 7
)

// detectDetractor judges every answer to a transactional survey that gives a score. The origin is the contact surveyed.
func detectDetractor(s *scope) {
	for _, j := range s.history.Journeys {
		if !j.Types.Any(surveyAnswered) {
			continue
		}
		for _, e := range j.Steps {
			if e.Type == event.SurveyAnswered && surveyed(e) {
				s.judgeAnswer(j, e)
			}
		}
	}
}

var surveyAnswered = event.TypesOf(event.SurveyAnswered)

func (s *scope) judgeAnswer(j *journey.Journey, e *event.Event) {
	origin, reason := aboutContact(j, e)
	o, measured := s.opportunity(j, e, Opportunity{
		At: e.At, MaturesAt: e.At, Reason: reason, Silo: origin.Data.Silo, Unit: origin.Data.Unit, Channel: origin.Data.Channel,
	})
	if measured && s.detracts(j, e) {
		s.add(o, Breakpoint{Origin: origin, OccurredAt: e.At, Evidence: evidence(origin, e)}, e.Source, e.ID)
	}
}

// surveyed says whether an event answers a transactional survey with a score. A survey of no kind that names a contact is
// one.
func surveyed(e *event.Event) bool {
	d := &e.Data
	return (d.Kind == "transactional" || d.Kind == "" && d.Contact != "") && (d.NPS != nil || d.CSAT != nil || d.CES != nil)
}

// detracts says whether one of the scores of an answer is a detractor's, by the limits of the contact surveyed.
func (s *scope) detracts(j *journey.Journey, e *event.Event) bool {
	origin, reason := aboutContact(j, e)
	limit, at := &s.rules(e.At).Detractor, where(origin, cmp.Or(reason, j.Reason))
	d := &e.Data
	return d.NPS != nil && *d.NPS <= limit.NPS.Of(at) ||
		upTo(d.CSAT, d.CSATScale, limit.CSAT.Of(at), csatScale) || upTo(d.CES, d.CESScale, limit.CES.Of(at), cesScale)
}

// upTo compares a score on its own scale with a limit on the usual one. Both scales begin at 1; it multiplies crosswise, so
// that a score that falls exactly on the limit is not lost to rounding.
func upTo(score, scale *float64, limit, usual float64) bool {
	if score == nil {
		return false
	}
	top := usual
	if scale != nil {
		top = *scale
	}
	return (*score-lowestScore)*(usual-lowestScore) <= (limit-lowestScore)*(top-lowestScore)
}

// aboutContact gives the step that an answer is about, with the reason of its contact: the last event of that contact before
// the answer, else the answer itself.
func aboutContact(j *journey.Journey, e *event.Event) (*event.Event, string) {
	c := surveyedContact(j, e)
	if c == nil {
		return e, e.Data.Reason
	}
	return lastBefore(c, e), cmp.Or(e.Data.Reason, c.Reason)
}

// surveyedContact is the contact that an answer names; where it names none, the last one of the journey begun before.
func surveyedContact(j *journey.Journey, e *event.Event) (found *journey.Contact) {
	if e.Data.Contact != "" {
		return j.ContactOf(e)
	}
	for _, c := range j.Contacts {
		if c.First().Before(e) {
			found = c
		}
	}
	return found
}

// lastBefore is the last event of a contact before another; one said about the contact afterwards (a survey, say) only where
// there is no other.
func lastBefore(c *journey.Contact, e *event.Event) *event.Event {
	last := c.First()
	for _, step := range c.Steps[1:] {
		if step.Before(e) && !afterthought(step) {
			last = step
		}
	}
	return last
}

// afterthought says whether an event is said about a contact, and no part of the interaction itself.
func afterthought(e *event.Event) bool {
	switch event.SpecOf(e.Type).Family {
	case "voice", "outreach", "promise":
		return true
	}
	return false
}
