package alert

import "math"

// cusum is Page's cumulative sum (1954) for counts (Lucas 1985): the likelihood, in logarithms, of the rate being Shift times
// its usual against its being usual, from the day on for which that speaks loudest, and never below 0.
type cusum struct {
	sum   float64
	onset int // the first day of the sum
}

// ratio is what a day adds: the log likelihood ratio of a Poisson count for a rate `shift` times as high, scaled by the
// dispersion (quasi-likelihood; McCullagh and Nelder 1989).
func ratio(seen, expected, shift, dispersion float64) float64 {
	return (seen*math.Log(shift) - expected*(shift-1)) / dispersion
}

// alone is how much of the threshold a single day can reach: no day raises an alarm alone, so that what piled up over a
// holiday does not, nor an outage that was over the next day.
const alone = 0.6

func (c *cusum) add(day int, step, threshold float64) {
	if c.sum <= 0 {
		c.sum, c.onset = 0, day
	}
	c.sum = math.Max(0, c.sum+math.Min(step, alone*threshold))
}

// Bounds of a threshold, in logarithms of likelihood. The lower one: where a day's figure alone is clear enough, what was
// assumed of its variance is not.
const least, most = 4.5, 30

// threshold is the sum at which a series alarms, so that it does so once in `days` days while nothing changes: by Siegmund's
// approximation of the run length (1985, Sequential Analysis, 2.57): 2 (exp(h') - h' - 1) / d², h' = h + 1.166 d, d being the shift
// in standard deviations of a day; and raised by what the baseline's own error makes of it.
func (b *baseline) threshold(days, shift float64) float64 {
	d := (shift - 1) * math.Sqrt(b.aDay/b.dispersion)
	h := 1.0
	for range 20 {
		h = math.Log(days*d*d/2 + h + 1)
	}
	h = math.Max(h-1.166*d, least)
	return math.Min(b.unsure(h, shift), most)
}

// unsure raises a threshold. With a usual rate that was taken too low by the part e, false alarms are exp(c e h) times as many,
// c = 2 / (shift - 1) in the normal approximation; e has the variance v = dispersion / count, so they are exp(c² h² v / 2) times
// as many on average. h - c² h² v / 2 = the threshold for a rate that is known.
func (b *baseline) unsure(h, shift float64) float64 {
	c := 2 / (shift - 1)
	a := c * c / 2 * b.dispersion / math.Max(b.count, 1)
	if 4*a*h >= 1 {
		return 2 * h
	}
	return (1 - math.Sqrt(1-4*a*h)) / (2 * a)
}

// backlog is what was to be detected on days on which next to nothing was: holidays, a system that was down. It comes later.
type backlog struct {
	count float64
	until int // the last day on which it may come
}

const (
	idle   = 0.25 // so little of the expected is next to nothing
	comeIn = 8    // days in which what is missing may come
)

// counted is what was seen on a day, without what had been missing until then.
func (b *backlog) counted(day int, seen, expected float64) float64 {
	if day > b.until {
		b.count = 0
	}
	if seen < idle*expected {
		b.count, b.until = b.count+expected-seen, day+comeIn
		return seen
	}
	late := math.Min(b.count, math.Max(0, seen-expected))
	b.count -= late
	return seen - late
}
