package churn

import (
	"time"

	"parcours/pipeline/event"
)

// Landmarks are the moments as of which customers are looked at, and by what.
type Landmarks struct {
	At         []event.Instant // in order
	Known      event.Instant   // outcomes are known up to then; a landmark later than that has no row
	Parameters *Parameters
	Features   *Features
}

// Monthly gives the first of each month, UTC, from one moment to another, both included.
func Monthly(from, until event.Instant) (list []event.Instant) {
	year, month, _ := from.Time().Date()
	for {
		at := event.InstantOf(time.Date(year, month, 1, 0, 0, 0, 0, time.UTC))
		if at > until {
			return list
		}
		if at >= from {
			list = append(list, at)
		}
		month++
	}
}

// Rows appends the rows of one customer, whose facts are given in order of time: one a landmark at which a contract was in
// force and the customer was not captive. What a row looks at is what was known by its landmark, that moment included, and
// nothing else. Its outcome is what became of the contract, as far as that is known: the loss by the definition of the
// segment; an ending that is none, where the row is censored; or nothing yet. Somebody who asked to cancel is at risk until
// the contract ends: that they asked is what says most. Of somebody who objects as of Known there is no row at all, not even
// of the time before, for nothing is learnt from them.
func (l *Landmarks) Rows(rows []Row, customer string, facts []Fact) []Row {
	if l.Objected(facts) {
		return rows
	}
	w := watching{landmarks: l, facts: facts, endings: Endings(facts, l.Known, l.Parameters)}
	for _, at := range l.At {
		if at > l.Known {
			break
		}
		if r, is := w.row(customer, at); is {
			rows = append(rows, r)
		}
	}
	return rows
}

// Objected says whether the customer objects as of the end of what is known.
func (l *Landmarks) Objected(facts []Fact) bool {
	var s Standing
	for _, f := range facts {
		if f.At <= l.Known && (f.What == RightObjected || f.What == RightConsented) {
			s.Add(f)
		}
	}
	state := s.State(l.Known, l.Parameters)
	return state.Objected()
}

// watching goes from landmark to landmark with a standing that has been given the facts until there, and no other.
type watching struct {
	landmarks *Landmarks
	facts     []Fact // those that the standing was not given
	endings   []Ending
	standing  Standing
}

// state is the state as of a landmark, later than all before it.
func (w *watching) state(at event.Instant) State {
	n := 0
	for n < len(w.facts) && w.facts[n].At <= at {
		w.standing.Add(w.facts[n])
		n++
	}
	w.facts = w.facts[n:]
	w.standing.Settle(at, w.landmarks.Parameters)
	return w.standing.State(at, w.landmarks.Parameters)
}

// row is the row of a landmark; false for who is not at risk there.
func (w *watching) row(customer string, at event.Instant) (Row, bool) {
	state := w.state(at)
	if !state.Contract().InForce || state.Captive() || state.Objected() {
		return Row{}, false
	}
	r := RowOf(customer, &state, w.landmarks.Parameters, w.landmarks.Features)
	end := w.landmarks.Known
	for _, e := range w.endings {
		if e.At > at {
			end, r.Lost = e.At, e.Lost
			break
		}
	}
	r.FollowUp = daysIn(end - at)
	return r, true
}

// RowOf is what a model looks at of a customer as of the moment of a state, without an outcome.
func RowOf(customer string, s *State, p *Parameters, features *Features) Row {
	return Row{
		Customer: customer, At: s.At(), Segment: s.Segment(p.At(s.At()).Book), X: s.Features(features), Margin: s.Contract().Margin, Uses: s.Uses(),
		Captive: s.Captive(), Objected: s.Objected(),
	}
}
