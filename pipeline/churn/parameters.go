package churn

import (
	"math"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// Parameters are what the rule book says of signals, ready for use: those of the base book and of each that was published
// since. What holds for a fact is what was in force at its time. They are read only, so that partitions can share them.
type Parameters struct {
	rules.Churn
	Book *rules.Book // for segments and what they lose

	limits [len(shapes)][mostGaps + 1]float64 // of a silence, in mean gaps: by shape and number of gaps
	even   bool                               // no month differs from another
	later  []laterParameters
}

type laterParameters struct {
	from event.Instant
	p    *Parameters
}

// ParametersOf reads the parameters of a book and of those that hang on it.
func ParametersOf(book *rules.Book) *Parameters {
	p := parametersOf(book)
	for _, l := range book.Later() {
		p.later = append(p.later, laterParameters{l.From, parametersOf(l.Book)})
	}
	return p
}

func parametersOf(book *rules.Book) *Parameters {
	p := &Parameters{Churn: book.Churn, Book: book, even: book.Churn.Silence.Season == evenSeason}
	for i, k := range shapes {
		for n := book.Churn.Silence.Gaps; n <= mostGaps; n++ {
			p.limits[i][n] = predictiveLimit(k, n, book.Churn.Silence.Share)
		}
	}
	return p
}

var evenSeason = [12]float64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}

// At gives the parameters in force at a moment.
func (p *Parameters) At(t event.Instant) *Parameters {
	for i := len(p.later) - 1; i >= 0; i-- {
		if p.later[i].from <= t {
			return p.later[i].p
		}
	}
	return p
}

// shapes are those of the gamma laws that gaps are taken to follow: 1 is pure chance (exponential), 4 nearly regular.
var shapes = [...]int{1, 2, 4}

// The last gaps of a customer are looked at, mostGaps at most; the rules say how many there must be, leastGaps or more.
const (
	leastGaps = 8
	mostGaps  = 12
)

// predictiveLimit is how long the next gap may be, in means of the n gaps before it, so that chance alone passes it with
// probability p, if gaps follow a gamma law of shape k: their ratio then has the law F(2k, 2kn). With whole shapes that is
// a sum of binomial terms, so nothing is taken from a table: P(F > x) = P(Bin(k+kn-1, n/(n+x)) >= kn).
func predictiveLimit(k, n int, p float64) float64 {
	beyond := func(x float64) float64 {
		y := float64(n) / (float64(n) + x)
		m := k + k*n - 1
		sum, term := 0.0, math.Pow(y, float64(m)) // all successes
		for j := range k {
			sum += term
			term *= float64(m-j) / float64(j+1) * (1 - y) / y
		}
		return sum
	}
	low, high := 0.0, 1.0
	for beyond(high) > p {
		high *= 2
	}
	for range 60 {
		if mid := (low + high) / 2; beyond(mid) > p {
			low = mid
		} else {
			high = mid
		}
	}
	return math.Round(high*1e6) / 1e6 // all machines agree
}

// day is the number of a day in UTC since 1970.
type day int32

func dayOf(t event.Instant) day {
	d := int64(t) / dayMillis
	if int64(t)%dayMillis < 0 {
		d--
	}
	return day(d)
}

// start is the midnight with which it begins.
func (d day) start() event.Instant { return event.Instant(int64(d) * dayMillis) }

const dayMillis = int64(24 * time.Hour / time.Millisecond)

// elapsed is the season-adjusted time from the beginning of one day to that of a later one, in days of an average month.
func (p *Parameters) elapsed(from, to day) float64 {
	if p.even {
		return float64(to - from)
	}
	sum := 0.0
	for d := from; d < to; {
		next, month := monthAfter(d)
		next = min(next, to)
		sum += float64(float64(next-d) * p.Silence.Season[month])
		d = next
	}
	return sum
}

// beyond is the first day at whose beginning more than a limit has elapsed since that of another; false for one that lies
// absurdly far ahead.
func (p *Parameters) beyond(from day, limit float64) (day, bool) {
	if p.even {
		return from + day(math.Floor(min(limit, farthest))) + 1, limit < farthest
	}
	sum := 0.0
	for d := from; d-from < farthest; {
		next, month := monthAfter(d)
		factor := p.Silence.Season[month]
		if i := day(math.Floor(min((limit-sum)/factor, farthest))) + 1; d+i <= next {
			return d + i, true
		}
		sum += float64(float64(next-d) * factor)
		d = next
	}
	return 0, false
}

// farthest is a silence of which nothing is ever said, in days.
const farthest = 36600

// monthAfter gives the first day of the next month, and the number of this one from 0.
func monthAfter(d day) (day, int) {
	t := d.start().Time()
	return dayOf(event.InstantOf(time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC))), int(t.Month()) - 1
}
