package simulate

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"parcours/pipeline/event"
)

// occasion is a moment at which something begins: a need or a visit of a customer, a contract, an outage.
type occasion struct {
	at       event.Instant
	customer uint32 // from 1; 0 for an outage
	ordinal  uint16 // among the customer's, from 1; of an outage its number
	kind     int16  // of the need, or one of those below
}

const (
	visit    = -1 - iota // to the web site, about nothing
	contract             // the customer's contract becomes known
	outage
	contractual // something happens to the contract; the ordinal is that of the step
	use         // of the service
)

// occasions gives them all in order of time.
func (s *Simulator) occasions() []occasion {
	var all []occasion
	for i := range s.incidents {
		all = append(all, occasion{at: s.incidents[i].At, ordinal: uint16(s.incidents[i].number), kind: outage})
	}
	for number := 1; number <= s.config.Customers; number++ {
		all = s.occasionsOf(number, all)
	}
	all = s.allowed(all)
	slices.SortFunc(all, func(a, b occasion) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.customer, b.customer), cmp.Compare(a.ordinal, b.ordinal))
	})
	return all
}

// life is one customer's days being gone through.
type life struct {
	*Simulator
	customer
	rng     *rand.Rand
	last    map[string]int // reason family -> day of the last need; never ranged over
	ordinal uint16
	all     []occasion
}

// occasionsOf goes through the days of one customer, until the need to leave.
func (s *Simulator) occasionsOf(number int, all []occasion) []occasion {
	l := life{Simulator: s, customer: s.customer(number), rng: s.chance(number, 0), last: map[string]int{}, all: all}
	l.introduce()
	for d := range s.config.Days {
		if left := l.day(d); left {
			break
		}
	}
	return l.all
}

// day says whether the customer decides to leave.
func (l *life) day(d int) (left bool) {
	p := l.parameters
	weight := l.weights[d]
	if l.rng.Float64() < p.Visits/daysPerYear*weight {
		l.add(l.moment(l.rng, d), visit)
	}
	l.suffer(d)
	if l.rng.Float64() >= p.NeedsPerYear*l.segment.Needs/daysPerYear*weight {
		return false
	}
	kind := pick(l.rng, len(p.Needs), func(i int) float64 { return p.Needs[i].Weight })
	if k := &p.Needs[kind]; l.again(k.Reason, d) || k.Leaving && l.segment.Captive {
		return false
	}
	l.add(l.moment(l.rng, d), kind)
	return p.Needs[kind].Leaving
}

// suffer adds the need of somebody whose service is out.
func (l *life) suffer(d int) {
	for i := range l.incidents {
		in := &l.incidents[i]
		if in.day != d || l.outageKind < 0 || !in.reaches(&l.customer) {
			continue
		}
		if l.rng.Float64() < l.parameters.Incidents.PReport && !l.again(l.parameters.Needs[l.outageKind].Reason, d) {
			noticed := time.Duration(float64(in.EndedAt.Sub(in.At)) * l.rng.Float64()).Truncate(time.Second)
			l.add(in.At.Add(noticed), l.outageKind)
		}
	}
}

// again says whether the customer had a need of this reason's family not long ago; if not, there is one now.
func (l *life) again(reason string, d int) bool {
	family := event.ReasonFamily(reason)
	if before, had := l.last[family]; had && d-before < l.parameters.Apart {
		return true
	}
	l.last[family] = d
	return false
}

func (l *life) add(at event.Instant, kind int) {
	l.ordinal++
	if at >= max(l.start, l.began) && at < l.end {
		l.all = append(l.all, occasion{at: at, customer: uint32(l.number), ordinal: l.ordinal, kind: int16(kind)})
	}
}

const daysPerYear = 365

// date is a day of the simulation where the company is.
func (s *Simulator) date(d int) time.Time {
	return s.start.Time().In(s.hours.zone).AddDate(0, 0, d)
}

// weigh says how much of an average day's needs each day has.
func (s *Simulator) weigh() {
	for d := range s.config.Days {
		t := s.date(d)
		s.weights = append(s.weights, s.parameters.Weekday[t.Weekday()]*s.parameters.Season[t.Month()-1])
	}
}

// dawn is a moment of the first night, in which the contracts are told.
func (s *Simulator) dawn(rng *rand.Rand) event.Instant {
	return s.start + event.Instant(rng.Int64N(int64(4*time.Hour/time.Millisecond)))
}

// moment is a random one of the waking hours of a day.
func (s *Simulator) moment(rng *rand.Rand, d int) event.Instant {
	t := s.date(d)
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
