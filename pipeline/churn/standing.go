package churn

import (
	"math"
	"slices"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// Standing is what is known of one customer: a settled part, in which facts have been absorbed for good, and the facts since,
// apart and in order. Facts may so come in any order within the time that is not settled: the same facts give the same
// Standing, to the last bit, whatever the order in which they came and the moments at which it was settled. The zero value
// is ready. A copy shares memory with its original: use one of the two.
type Standing struct {
	core    core
	settled event.Instant // facts before it are absorbed; 0 is none yet
	begun   bool          // settled is set
	recent  []Fact        // in order
}

// Add takes in a fact, in the place of a recent one of the same What and ID. Events of one contact are one fact, the first
// of them; only beyond 30 days after that, an event of its id is another contact. A fact before what is settled is passed
// over: its time is past.
func (s *Standing) Add(f Fact) {
	switch {
	case f.What == NoFact || s.begun && f.At < s.settled:
		return
	case f.What != ContactMade:
		s.Remove(f.What, f.ID)
	case s.core.inContact(&f) || slices.ContainsFunc(s.recent, func(g Fact) bool { return f.partOf(&g) }):
		return
	default:
		s.recent = slices.DeleteFunc(s.recent, func(g Fact) bool { return g.partOf(&f) })
	}
	i := len(s.recent)
	for i > 0 && s.recent[i-1].compare(&f) > 0 {
		i--
	}
	s.recent = slices.Insert(s.recent, i, f)
}

// partOf says whether an event of a contact is part of one that began with another. At one instant the company began it.
func (f *Fact) partOf(first *Fact) bool {
	return f.What == ContactMade && first.What == ContactMade && f.ID == first.ID &&
		(first.At < f.At && int64(f.At-first.At) <= sameContact || f.At == first.At && (first.Flag || !f.Flag))
}

// Remove takes back a recent fact; nothing where there is none.
func (s *Standing) Remove(what What, id string) {
	if i := s.find(what, id); i >= 0 {
		s.recent = slices.Delete(s.recent, i, i+1)
	}
}

func (s *Standing) find(what What, id string) int {
	for i := len(s.recent) - 1; i >= 0; i-- {
		if f := &s.recent[i]; f.What == what && f.ID == id {
			return i
		}
	}
	return -1
}

// Settle absorbs the facts before a moment for good, in order (At, What, ID), and lets go of signals that ended before it.
// A moment before one that was settled changes nothing.
func (s *Standing) Settle(until event.Instant, p *Parameters) {
	if s.begun && until <= s.settled {
		return
	}
	s.begun, s.settled = true, until
	n := 0
	for n < len(s.recent) && s.recent[n].At < until {
		s.core.apply(&s.recent[n], p)
		n++
	}
	s.recent = slices.Delete(s.recent, 0, n)
	if len(s.recent) == 0 {
		s.recent = nil
	}
	s.core.advance(until-1, p)
	s.core.signals = slices.DeleteFunc(s.core.signals, func(g Signal) bool { return g.ClearedAt < until })
}

// Settled is up to where facts are absorbed, that moment not included; false where none was settled.
func (s *Standing) Settled() (event.Instant, bool) { return s.settled, s.begun }

// Empty says whether nothing is known.
func (s *Standing) Empty() bool { return len(s.recent) == 0 && (!s.core.begun || s.core.seen == unset) }

// State reads the standing as of a moment, not before what is settled: what facts until then have left behind, that moment
// included, and what fell due until then. Nothing after it is looked at. The State is valid until the Standing changes.
func (s *Standing) State(at event.Instant, p *Parameters) State {
	if s.recentUntil(at) > 0 || s.core.next() <= at {
		return s.state(s.core.lent(), at, p)
	}
	return s.state(s.core, at, p)
}

// recentUntil is how many of the recent facts are not after a moment.
func (s *Standing) recentUntil(at event.Instant) (n int) {
	for n < len(s.recent) && s.recent[n].At <= at {
		n++
	}
	return n
}

// state moves a core on to a moment.
func (s *Standing) state(c core, at event.Instant, p *Parameters) State {
	state := State{core: c, at: at, p: p.At(at), settled: s.settled}
	s.pass(&state, p)
	return state
}

// lastState is State, in the place of another one and at the cost of the Standing: it must not be used any more.
func (s *Standing) lastState(state *State, at event.Instant, p *Parameters) {
	state.core, state.at, state.p, state.settled = s.core, at, p.At(at), s.settled
	s.pass(state, p)
}

// pass takes in the recent facts until the moment of a state, and what fell due.
func (s *Standing) pass(state *State, p *Parameters) {
	for i := range s.recent[:s.recentUntil(state.at)] {
		state.core.apply(&s.recent[i], p)
	}
	state.core.advance(state.at, p)
}

// Objected says whether the customer has objected as of a moment, as the State of then does.
func (s *Standing) Objected(at event.Instant) bool {
	if !s.MayObject() {
		return false
	}
	objected := slices.Clone(s.core.objected)
	for i := range s.recent[:s.recentUntil(at)] {
		switch f := &s.recent[i]; f.What {
		case RightObjected:
			objected = append(objected, f.Name)
		case RightConsented:
			objected = slices.DeleteFunc(objected, func(purpose string) bool { return purpose == f.Name })
		}
	}
	return len(objected) > 0
}

// MayObject says whether there is an objection that holds or may come to hold, of whatever moment: where there is none, there is none
// until another fact comes.
func (s *Standing) MayObject() bool {
	return len(s.core.objected) > 0 || slices.ContainsFunc(s.recent, func(f Fact) bool { return f.What == RightObjected })
}

// State is what is known of one customer as of a moment.
type State struct {
	core    core
	at      event.Instant
	settled event.Instant
	p       *Parameters
}

// At is the moment.
func (s *State) At() event.Instant { return s.at }

// Signals are all that are open, and those that ended since what is settled, in the order in which they were raised. Kind and
// RaisedAt name one. They are read only.
func (s *State) Signals() []Signal { return s.core.signals }

// NextDue is the earliest clock at which a signal changes by time alone, or the customer is lost by it; journey.Never for none.
// Until then the same facts give the same signals.
func (s *State) NextDue() event.Instant { return s.core.next() }

// Contract is what the contract of a customer says, who stands for all of their contracts together: it is in force from the
// first that started after the last end on, and until one ends. One that is spoken of (renewed, valued, asked to be
// cancelled) is in force too, though nobody said when it started.
type Contract struct {
	InForce bool
	Started event.Instant // 0 where nobody said when
	Product string        // of the last that started, also where it ended since; "" for none
	Margin  float64       // annual, of all contracts as they are now; NaN where it is not known
	First   float64       // the same when they started
	Highest float64       // and when they were worth most
	Captive bool

	Left   bool // no contract is in force any more: one ended, or lost its value
	LeftAt event.Instant
	Lost   bool // of their own will, by the definition of the segment
}

// Contract gives what the contract says.
func (s *State) Contract() Contract {
	k := &s.core.contract
	c := Contract{InForce: k.inForce, Product: k.product, Margin: k.total(), First: k.first(), Highest: k.high, Captive: k.captive}
	if k.started != unset {
		c.Started = k.started
	}
	if k.left {
		c.Left, c.LeftAt, c.Lost = true, k.leftAt, k.lost
	}
	return c
}

// Captive says whether the customer cannot leave, by the last contract that started.
func (s *State) Captive() bool { return s.core.contract.captive }

// Objected says whether the customer objected to some purpose, and did not consent to it again: not to be scored, trained on
// or listed.
func (s *State) Objected() bool { return len(s.core.objected) > 0 }

// Segment is the part of the customers to which this one belongs in a book, by the last contract that started.
func (s *State) Segment(book *rules.Book) string {
	k := &s.core.contract
	return book.SegmentOf(k.product, k.margin, k.captive)
}

// Breakpoints are the last ones, 16 at most and none from more than a year before the last, the oldest first.
func (s *State) Breakpoints() []Evidence { return s.core.recent }

// FirstSeen is the time of the first fact; false where there is none.
func (s *State) FirstSeen() (event.Instant, bool) { return s.core.seen, s.core.seen != unset }

// Uses gives what BG/NBD looks at.
func (s *State) Uses() Uses {
	u := &s.core.use
	if u.count == 0 {
		return Uses{Spend: math.NaN()}
	}
	uses := Uses{
		Frequency: u.count - 1, Recency: float64(u.last - u.first), Age: float64(dayOf(s.at) - u.first),
		Recent: u.within(dayOf(s.at), yearDays), Spend: math.NaN(),
	}
	if u.spends > 0 {
		uses.Spend = u.spent / float64(u.spends)
	}
	return uses
}
