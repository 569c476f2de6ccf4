package churn

import (
	"math"

	"parcours/pipeline/event"
)

// Scorer says of customers, one after the other, what is to be told of them as of one midnight. It is not for several
// goroutines.
type Scorer struct {
	Model      *Model
	AsOf       event.Instant
	Parameters *Parameters // of the rule book and those published since

	Scored int // customers of whom there was something to say so far
	x      []float64
}

// Look says what is to be told of a customer, given what was told last; false for nothing: it is told already as of that
// midnight or a later one, it has not changed enough, or there is nothing to say. Of what happened after the midnight nothing is
// looked at; where more than that is absorbed in the standing, nothing is said. The standing is used up.
func (s *Scorer) Look(customer string, standing *Standing, last Last) (Telling, bool) {
	if last.Told() && last.Day >= DayOf(s.AsOf) {
		return Telling{}, false
	}
	if settled, any := standing.Settled(); any && settled > s.AsOf+1 {
		return Telling{}, false
	}
	state := standing.LastState(s.AsOf, s.Parameters)
	score, why := s.score(customer, &state)
	if why != "" {
		return End(customer, s.AsOf, why, last)
	}
	s.Scored++
	return Decide(&score, last, &s.Parameters.At(s.AsOf).Told)
}

// score is what is said of a customer, or why nothing is.
func (s *Scorer) score(customer string, state *State) (score Score, why string) {
	contract := state.Contract()
	switch {
	case state.Objected():
		return score, EndedObjected
	case contract.Left:
		return score, EndedNoContract
	}
	row := Row{Customer: customer, At: s.AsOf, Segment: state.Segment(s.Parameters.At(s.AsOf).Book), Margin: contract.Margin, Uses: state.Uses(), Captive: contract.Captive}
	if !contract.InForce {
		return s.uses(&row)
	}
	s.x = state.AppendFeatures(s.x[:0], AllFeatures())
	row.X = s.x
	return s.Model.Score(&row), ""
}

// uses is what is said of a customer who never had a contract: what is to be expected of their uses, if the model can.
func (s *Scorer) uses(row *Row) (score Score, why string) {
	const year = 365
	if s.Model.Comeback == nil || row.Uses.Age == 0 && row.Uses.Recent == 0 {
		return score, EndedNothing
	}
	score = Score{Customer: row.Customer, AsOf: row.At, Model: s.Model.Version, Segment: row.Segment, Margin: math.NaN(), RecentUses: row.Uses.Recent}
	score.silence()
	score.ExpectedUses = s.Model.Comeback.Expected(row.Uses, year)
	if math.IsNaN(score.ExpectedUses) || math.IsInf(score.ExpectedUses, 0) {
		return score, EndedNothing
	}
	return score, ""
}
