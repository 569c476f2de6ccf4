package breakpoint

import (
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

var complaintEscalation = Kind{
	ID:       "complaint_escalation",
	Severity: 5,
	Rule:     "A complaint came back after its answer, or went to mediator, authority or court.",
	OutOf:    "complaints answered",
	Witness:  true,
	detect:   detectComplaintEscalation,
}

// detectComplaintEscalation follows the complaints of each journey. An answer breaks when the complaint comes back after it,
// once; one that goes outside with no answer to break is an opportunity by itself.
func detectComplaintEscalation(s *scope) {
	for _, j := range s.history.Journeys {
		if !j.Types.Any(complaining) {
			continue
		}
		var f complaintFile
		for _, e := range j.Steps {
			switch e.Type {
			case event.ComplaintAnswered:
				f.answered(s, j, e)
			case event.ComplaintFiled:
				f.returned(s, j, e)
				f.filings = append(f.filings, e)
			case event.ComplaintEscalated:
				f.returned(s, j, e)
			}
		}
	}
}

var complaining = event.TypesOf(event.ComplaintAnswered, event.ComplaintFiled, event.ComplaintEscalated)

// complaintFile is what is known of the complaints of a journey so far.
type complaintFile struct {
	filings []*event.Event
	answers []complaintAnswer
}

// complaintAnswer is an answer to a complaint, until the complaint comes back after it.
type complaintAnswer struct {
	event    *event.Event
	chance   chance
	measured bool
	broken   bool
}

func (f *complaintFile) answered(s *scope, j *journey.Journey, e *event.Event) {
	o, measured := s.complaintChance(j, e, Opportunity{At: e.At, MaturesAt: e.At.Add(s.rules(e.At).Matures.Escalation)})
	f.answers = append(f.answers, complaintAnswer{e, o, measured, false})
}

// complaintChance is an opportunity without a unit: it is nobody's fault to have written down that a complaint came back.
func (s *scope) complaintChance(j *journey.Journey, e *event.Event, o Opportunity) (chance, bool) {
	o.Reason = reasonAt(j, e)
	c, measured := s.opportunity(j, e, o)
	if measured {
		s.noUnit(c)
	}
	return c, measured
}

// returned judges a complaint filed or escalated.
func (f *complaintFile) returned(s *scope, j *journey.Journey, e *event.Event) {
	if a := f.answerTo(e); a != nil {
		a.broken = true
		if a.measured {
			s.addEscalation(a.chance, j, f.filingBefore(a.event), a.event, e)
		}
		return
	}
	if !outside(e) {
		return
	}
	if o, measured := s.complaintChance(j, e, Opportunity{At: e.At, MaturesAt: e.At}); measured {
		s.addEscalation(o, j, f.filingBefore(e), nil, e)
	}
}

// answerTo is the last answer of the same case after which the complaint has not come back yet; nil for none.
func (f *complaintFile) answerTo(e *event.Event) *complaintAnswer {
	for i := len(f.answers) - 1; i >= 0; i-- {
		if a := &f.answers[i]; !a.broken && sameCase(a.event, e) {
			return a
		}
	}
	return nil
}

// filingBefore is the last filing of the same case before an event; nil where it is not known.
func (f *complaintFile) filingBefore(e *event.Event) *event.Event {
	for i := len(f.filings) - 1; i >= 0; i-- {
		if c := f.filings[i]; c.Before(e) && sameCase(c, e) {
			return c
		}
	}
	return nil
}

// outside says whether a complaint left the company.
func outside(e *event.Event) bool {
	return e.Type == event.ComplaintEscalated && (e.Data.To == "mediator" || e.Data.To == "authority" || e.Data.To == "court")
}

// addEscalation: filing and answer may be nil. The origin is the step before the complaint, as far as it is known.
func (s *scope) addEscalation(o chance, j *journey.Journey, filing, answer, e *event.Event) {
	b := Breakpoint{OccurredAt: e.At}
	for _, x := range []*event.Event{filing, answer, e} {
		if x != nil {
			b.Evidence = append(b.Evidence, x)
		}
	}
	s.blame(o, &b, j, b.Evidence[0])
	s.add(o, b, e.Source, e.ID)
}
