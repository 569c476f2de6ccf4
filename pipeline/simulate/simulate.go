// Package simulate is a made-up company with a known truth: customers whose needs arise at random, what the company made of
// each, and the channel events that its systems would have sent. It computes only; the same configuration gives the same
// bytes on any machine, since all chance comes from one seed, all durations are whole numbers and no map is ever ranged over.
// It knows the names of the twenty kinds of breakpoint and nothing of the rules that find them: its own parameters say how a
// company fails its customers (docs/simulator.md).
package simulate

import (
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"parcours/pipeline/event"
)

// Config says which company, how big, how long and by which chance.
type Config struct {
	Customers  int         // default 500
	Days       int         // default 30; every event lies before Start + Days
	Seed       uint64      // another seed is another history of the same company
	Start      time.Time   // default that of the company, mostly DefaultStart
	Broken     int         // lines of WriteNDJSON that are no valid events, default 0: for tests of the door
	Parameters *Parameters // default Default()
}

// DefaultStart is a Monday. It is fixed, so that figures do not change by the day.
var DefaultStart = time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC)

const defaultCustomers, defaultDays = 500, 30

// Simulator holds a configuration; what it tells is computed anew each time.
type Simulator struct {
	config     Config
	parameters *Parameters
	hours      hours
	start, end event.Instant
	outageKind int // the need that an outage makes, -1 for none
	incidents  []Incident
	weights    []float64 // of the days

	planned, assessed sync.Once
	fate              []fate   // of each customer, once planned
	risk              [][]risk // of each customer, once assessed
}

// New takes a configuration; zero and negative sizes stand for the defaults.
func New(c Config) *Simulator {
	if c.Customers <= 0 {
		c.Customers = defaultCustomers
	}
	if c.Days <= 0 {
		c.Days = defaultDays
	}
	if c.Parameters == nil {
		c.Parameters = Default()
	}
	if c.Start.IsZero() {
		c.Start, _ = c.Parameters.FirstDay() // ParseCompany has looked
	}
	s := &Simulator{config: c, parameters: c.Parameters, start: event.InstantOf(c.Start)}
	s.hours = newHours(s.parameters)
	s.end = s.start.Add(time.Duration(c.Days) * day)
	s.outageKind = slices.IndexFunc(s.parameters.Needs, func(k NeedKind) bool { return k.Begins == BeginsIncident })
	s.incidents = s.drawIncidents()
	s.weigh()
	return s
}

const day = 24 * time.Hour

// End is the moment before which all events lie.
func (s *Simulator) End() event.Instant { return s.end }

// Events gives the channel events with raw identifiers in order of arrival, which is mostly the order of their times:
// some come hours late, a few two days, some twice. Each is valid at the door. Memory: the events under way, and 24 bytes an
// occasion.
func (s *Simulator) Events() iter.Seq[event.Event] {
	return func(yield func(event.Event) bool) {
		var under way[sent]
		for st := range s.stories() {
			for under.before(st.from) {
				if x := under.next(); !yield(*x.event) {
					return
				}
			}
			for _, x := range st.sent {
				under.add(x)
			}
		}
		for !under.empty() {
			if x := under.next(); !yield(*x.event) {
				return
			}
		}
	}
}

// Happened gives every event as it truly happened, in order of (time, sequence, source, id), once each.
func (s *Simulator) Happened() iter.Seq[*Happened] {
	return func(yield func(*Happened) bool) {
		var under way[*Happened]
		for st := range s.stories() {
			for under.before(st.from) {
				if !yield(under.next()) {
					return
				}
			}
			for _, x := range st.told {
				under.add(x)
			}
		}
		for !under.empty() {
			if !yield(under.next()) {
				return
			}
		}
	}
}

// Truth gives every need in the order in which they arose: what it was, how it ended and what went wrong on the way.
// Visits to the web site are no needs, but may look like failures: these come with an empty id.
func (s *Simulator) Truth() iter.Seq[Need] {
	return func(yield func(Need) bool) {
		for st := range s.stories() {
			if (st.need.ID != "" || len(st.need.Semblances) > 0) && !yield(st.need) {
				return
			}
		}
	}
}

// Incidents lists the outages in order of time.
func (s *Simulator) Incidents() []Incident { return s.incidents }

// stories plays each occasion in its order; ids are counted in this order.
func (s *Simulator) stories() iter.Seq[*story] {
	return func(yield func(*story) bool) {
		ids := counters{}
		for _, o := range s.occasions() {
			st := s.play(o, ids)
			if o.kind >= visit && s.fate != nil {
				st.leaveOff(s.fate[o.customer-1].end(s))
			}
			if !yield(st) {
				return
			}
		}
	}
}

// chance gives the random numbers of one thing: they do not depend on how many others there are.
func (s *Simulator) chance(customer, ordinal int) *rand.Rand {
	return rand.New(rand.NewPCG(s.config.Seed, mix(uint64(customer)<<24|uint64(ordinal))))
}

// mix is the finaliser of splitmix64 (Steele, Lea and Flood 2014): neighbours get unlike numbers.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// counters number things, each kind on its own.
type counters map[string]int

func (c counters) next(kind string) int {
	c[kind]++
	return c[kind]
}
