package churn

import (
	"math"
	"slices"

	"parcours/pipeline/event"
)

// Scorer says of customers, one after the other, what is to be told of them as of one midnight. It is not for several
// goroutines.
type Scorer struct {
	Model      *Model
	AsOf       event.Instant
	Parameters *Parameters // of the rule book and those published since

	Scored int // customers of whom there was something to say so far

	// Of the customer who is looked at: used again for the next.
	state   State
	row     Row
	working working
	score   Score
	reasons [mostReasons]Reason
}

// Look says what is to be told of a customer, given what was told last; false for nothing: it is told already as of that
// midnight or a later one, it has not changed enough, or there is nothing to say. Of what happened after the midnight nothing is
// looked at; where more than that is absorbed in the standing, nothing is said. The standing is used up. Of a score that is not
// told no more is computed than what decides that.
func (s *Scorer) Look(customer string, standing *Standing, last Last) (t Telling, tell bool) {
	if last.Told() && last.Day >= DayOf(s.AsOf) {
		return t, false
	}
	if settled, any := standing.Settled(); any && settled > s.AsOf+1 {
		return t, false
	}
	standing.lastState(&s.state, s.AsOf, s.Parameters)
	if why := s.decisive(customer); why != "" {
		return End(customer, s.AsOf, why, last)
	}
	s.Scored++
	raised, cleared, tell := decide(&s.score, last, &s.state.p.Told)
	if !tell {
		return t, false
	}
	s.Model.complete(&s.row, &s.working, &s.score)
	s.score.Reasons, s.score.weights = slices.Clone(s.score.Reasons), nil
	return Telling{Score: s.score, Raised: raised, Cleared: cleared}, true
}

// decisive makes of the score of a customer what decides whether it is told, or says why there is none.
func (s *Scorer) decisive(customer string) (why string) {
	state, contract := &s.state, &s.state.core.contract
	switch {
	case state.Objected():
		return EndedObjected
	case contract.left:
		return EndedNoContract
	}
	s.row = Row{Customer: customer, At: s.AsOf, Segment: state.Segment(state.p.Book), Margin: contract.total(), Uses: state.Uses(), Captive: contract.captive, X: s.row.X}
	if !contract.inForce {
		return s.uses()
	}
	s.row.X = state.appendAsked(s.row.X[:0], AllFeatures(), s.Model.bound.wanted)
	s.Model.decisive(&s.row, &s.working, s.reasons[:0], &s.score)
	return ""
}

// uses is what is said of a customer who never had a contract: what is to be expected of their uses, if the model can.
func (s *Scorer) uses() (why string) {
	const year = 365
	row := &s.row
	if s.Model.Comeback == nil || row.Uses.Age == 0 && row.Uses.Recent == 0 {
		return EndedNothing
	}
	s.working.judged = false
	s.score = Score{Customer: row.Customer, AsOf: row.At, Model: s.Model.Version, Segment: row.Segment, Margin: math.NaN(), RecentUses: row.Uses.Recent}
	s.score.silence()
	s.score.ExpectedUses = s.Model.Comeback.Expected(row.Uses, year)
	if math.IsNaN(s.score.ExpectedUses) || math.IsInf(s.score.ExpectedUses, 0) {
		return EndedNothing
	}
	return ""
}
