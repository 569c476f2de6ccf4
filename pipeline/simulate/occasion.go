package simulate

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"parcours/pipeline/event"
)

// occasion is a moment at which a customer begins something.
type occasion struct {
	at       event.Instant
	customer uint32 // from 1
	ordinal  uint16 // among the customer's, from 1
	kind     int16  // of the need; visit for none
}

const visit = -1

// occasions gives them all in order of time.
func (s *Simulator) occasions() []occasion {
	var all []occasion
	for customer := 1; customer <= s.config.Customers; customer++ {
		all = s.occasionsOf(customer, all)
	}
	slices.SortFunc(all, func(a, b occasion) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.customer, b.customer), cmp.Compare(a.ordinal, b.ordinal))
	})
	return all
}

// occasionsOf goes through the days of one customer, until the need to leave.
func (s *Simulator) occasionsOf(customer int, all []occasion) []occasion {
	p, rng := s.parameters, s.chance(customer, 0)
	last := map[string]int{} // reason family -> day; never ranged over
	ordinal := uint16(0)
	add := func(day, kind int) {
		ordinal++
		if at := s.moment(rng, day); at >= s.start && at < s.end {
			all = append(all, occasion{at: at, customer: uint32(customer), ordinal: ordinal, kind: int16(kind)})
		}
	}
	for day := range s.config.Days {
		weight := p.Weekday[s.weekday(day)]
		if rng.Float64() < p.Visits/daysPerYear*weight {
			add(day, visit)
		}
		if rng.Float64() >= p.NeedsPerYear/daysPerYear*weight {
			continue
		}
		kind := pick(rng, len(p.Needs), func(i int) float64 { return p.Needs[i].Weight })
		family := event.ReasonFamily(p.Needs[kind].Reason)
		if before, had := last[family]; had && day-before < p.Apart {
			continue
		}
		last[family] = day
		if add(day, kind); p.Needs[kind].Leaving {
			break
		}
	}
	return all
}

const daysPerYear = 365

func (s *Simulator) weekday(day int) time.Weekday {
	return s.start.Time().In(s.hours.zone).AddDate(0, 0, day).Weekday()
}

// moment is a random one of the waking hours of a day.
func (s *Simulator) moment(rng *rand.Rand, day int) event.Instant {
	t := s.start.Time().In(s.hours.zone).AddDate(0, 0, day)
	from := s.hours.clock(t, s.parameters.Awake[0])
	to := s.hours.clock(t, s.parameters.Awake[1])
	return from + event.Instant(rng.Int64N(int64(to-from)))
}

// pick chooses one of n by weight; the same weights and number give the same choice on any machine.
func pick(rng *rand.Rand, n int, weight func(int) float64) int {
	sum := 0.0
	for i := range n {
		sum += weight(i)
	}
	x := float64(rng.Float64() * sum) // rounded: no fused multiply-add
	for i := range n {
		if x -= weight(i); x < 0 {
			return i
		}
	}
	return n - 1
}
