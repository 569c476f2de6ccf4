package breakpoint

import (
	"cmp"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

var channelFailover = Kind{
	ID:       "channel_failover",
	Severity: 3,
	Rule:     "A self-service attempt is followed by an assisted contact for the same reason family.",
	OutOf:    "self-service attempts",
	detect:   detectFailovers,
}

// attempt is one try to help oneself: the events of a form from its start to its submission, those of one contact with a
// bot, a search, a transaction. Routing through a menu and looking at a contact page are none.
type attempt struct {
	steps   []*event.Event
	journey *journey.Journey
	reason  string
}

// key names the attempt.
func (a *attempt) key() string {
	e := a.steps[0]
	return journey.ID("attempt", e.Home, e.Source, e.ID)
}

// until is the last step of the attempt before another event; nil when it began later. An attempt may go on afterwards
// (with the agent's help, say): the customer had to ask all the same.
func (a *attempt) until(e *event.Event) (last *event.Event) {
	for _, s := range a.steps {
		if s.Before(e) {
			last = s
		}
	}
	return last
}

// detectFailovers looks, after each attempt, for the first assisted contact of the same reason family within the window.
// The origin is the attempt.
func detectFailovers(s *scope) {
	for _, a := range s.attempts() {
		begins, ends := a.steps[0], a.steps[len(a.steps)-1]
		window := s.rules(begins.At).Failover.Of(where(begins, cmp.Or(a.reason, begins.Data.Reason, a.journey.Reason)))
		o, measured := s.opportunity(a.journey, begins, Opportunity{At: begins.At, MaturesAt: ends.At.Add(window), Reason: a.reason})
		if !measured {
			continue
		}
		for _, c := range s.reached {
			if a.failsOver(c, window) {
				s.addFailover(o, a, c)
				break
			}
		}
	}
}

func (a *attempt) failsOver(c assistedContact, window time.Duration) bool {
	family := event.ReasonFamily(a.reason)
	if family == "" || c.family != family {
		return false
	}
	last := a.until(c.reached)
	return last != nil && oneCustomer(last, c.reached) && c.reached.At.Sub(last.At) <= window
}

func (s *scope) addFailover(o chance, a *attempt, c assistedContact) {
	s.add(o, Breakpoint{
		Origin:     a.until(c.reached),
		OccurredAt: c.reached.At,
		DetectedAt: max(c.reached.At, c.ReasonAt),
		Evidence:   []*event.Event{a.until(c.reached), c.reached},
		avoidable:  c.Steps,
	}, a.key())
}

// attempts lists the self-service attempts of all journeys, in the order of their first events within each journey.
func (s *scope) attempts() []*attempt {
	var list []*attempt
	for _, j := range s.history.Journeys {
		if !j.Types.Any(ofAttempts) {
			continue
		}
		open := map[string]*attempt{}
		for _, e := range j.Steps {
			if !attempts(e) {
				continue
			}
			a := openAttempt(open, j, e)
			if len(a.steps) == 0 {
				list = append(list, a)
			}
			a.steps = append(a.steps, e)
			a.state(j, e)
		}
	}
	return list
}

// openAttempt finds the attempt an event goes on with, or begins one.
func openAttempt(open map[string]*attempt, j *journey.Journey, e *event.Event) *attempt {
	key := attemptKey(e)
	a := open[key]
	if a == nil || key == "" || e.Type == event.FormStarted {
		a = &attempt{journey: j}
		open[key] = a
	}
	if e.Type == event.FormSubmitted {
		delete(open, key)
	}
	return a
}

// attemptKey is what the events of one attempt share; "" for an event that is an attempt by itself.
func attemptKey(e *event.Event) string {
	switch e.Type {
	case event.FormStarted, event.FormFailed, event.FormSubmitted:
		return "form\x00" + e.Data.Contact + "\x00" + e.Data.Form
	}
	if e.Data.Contact != "" {
		return "contact\x00" + e.Data.Contact
	}
	return ""
}

// state takes the reason of the attempt: its own last one, else its contact's.
func (a *attempt) state(j *journey.Journey, e *event.Event) {
	if e.Data.Reason != "" {
		a.reason = e.Data.Reason
	}
	if a.reason == "" {
		if c := j.ContactOf(e); c != nil {
			a.reason = c.Reason
		}
	}
}

// attempts says whether an event is part of an attempt.
func attempts(e *event.Event) bool { return ofAttempts.Any(event.Types(0).With(e)) }

var ofAttempts = event.TypesOf(event.FormStarted, event.FormFailed, event.FormSubmitted, event.SearchPerformed,
	event.TransactionCompleted, event.BotAnswered)
