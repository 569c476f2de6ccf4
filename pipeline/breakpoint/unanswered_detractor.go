package breakpoint

import (
	"slices"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

var unansweredDetractor = Kind{
	ID:       "unanswered_detractor",
	Severity: 2,
	Rule:     "A detractor met silence.",
	OutOf:    "detractors",
	Clears:   []string{event.OutreachSent, event.MessageReplied, event.ContactStarted},
	Witness:  true,
	detect:   detectUnansweredDetractor,
}

// winsBack is the silo that answers detractors, whatever they were unhappy with.
const winsBack = "customer_service"

// detectUnansweredDetractor looks, after each detractor's answer, for a word of the company to that customer: in any of the
// journeys or in none.
func detectUnansweredDetractor(s *scope) {
	var words []*event.Event
	for _, j := range s.history.Journeys {
		if !j.Types.Any(surveyAnswered) {
			continue
		}
		for _, e := range j.Steps {
			if e.Type != event.SurveyAnswered || !surveyed(e) || !s.detracts(j, e) {
				continue
			}
			if words == nil {
				words = s.wordsToCustomer()
			}
			s.judgeDetractor(j, e, words)
		}
	}
}

func (s *scope) judgeDetractor(j *journey.Journey, e *event.Event, words []*event.Event) {
	_, reason := aboutContact(j, e)
	due := e.At.Add(s.rules(e.At).AnswerWithin.Of(where(e, reason)))
	o, measured := s.opportunity(j, e, Opportunity{At: e.At, MaturesAt: due, Reason: reason, Silo: winsBack})
	if !measured {
		return
	}
	s.noUnit(o)
	switch {
	case spoken(words, e, due):
	case s.clock > due:
		s.add(o, Breakpoint{Origin: e, OccurredAt: due, Evidence: []*event.Event{e}, Silo: winsBack, noUnit: true}, e.Source, e.ID)
	default:
		s.due(j, due)
	}
}

// wordsToCustomer are the events by which the company turned to the customer, in order.
func (s *scope) wordsToCustomer() []*event.Event {
	list := []*event.Event{}
	for _, j := range s.history.Journeys {
		for _, e := range j.Steps {
			if e.Type == event.OutreachSent || e.Type == event.MessageReplied {
				list = append(list, e)
			}
		}
		for _, c := range j.Contacts {
			if !c.Inbound {
				list = append(list, c.First())
			}
		}
	}
	for _, e := range s.history.Loose() {
		if e.Type == event.OutreachSent {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, event.Compare)
	return list
}

// spoken says whether the company turned to the customer after an event and no later than when it was due.
func spoken(words []*event.Event, e *event.Event, due event.Instant) bool {
	i, _ := slices.BinarySearchFunc(words, e, event.Compare)
	for ; i < len(words) && words[i].At <= due; i++ {
		if e.Before(words[i]) && oneCustomer(e, words[i]) {
			return true
		}
	}
	return false
}
