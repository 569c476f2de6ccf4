package alert

import "math"

// baseline is what is usual for a series: what a day's opportunities, and those of the days before, lead one to expect.
type baseline struct {
	delay      []float64  // of the kind, when the baseline was made
	exposed    *series    // whose opportunities it is out of: its own, or those of its kind
	rate       float64    // breakpoints for one opportunity
	held       float64    // what the rate is held against where it is less; 0 where it is not
	weekdays   [7]float64 // what a weekday's detections are of an average day's, for the same exposure
	dispersion float64    // variance / mean, 1 or more
	count      float64    // breakpoints that it was made of
	aDay       float64    // of them, or of those that it is held against, on an average day
	from, to   int        // its first and last day
}

// longest is how many days from opportunity to detection are looked at.
const longest = 75

// delays are the shares of breakpoints by the days from opportunity to detection, of those detected on the days given. Where
// none was, all are detected on the day.
func (k *kind) delays(from, to int) []float64 {
	var shares []float64
	sum := 0.0
	for d := max(from, 0); d <= to; d++ {
		for _, l := range k.lags[d] {
			days := int(min(l.Days, longest))
			for len(shares) <= days {
				shares = append(shares, 0)
			}
			shares[days] += float64(l.Count)
			sum += float64(l.Count)
		}
	}
	if sum == 0 {
		return []float64{1}
	}
	for i := range shares {
		shares[i] /= sum
	}
	return shares
}

// foreseen is the share of a day's breakpoints whose opportunity lay no longer before than the baseline could know of: what takes
// months to be detected is not usual yet where counting began a month ago. 1 where nothing was detected.
func (k *kind) foreseen(day int, b *baseline) float64 {
	known := int32((b.from + b.to) / 2)
	within, all := 0.0, 0.0
	for _, l := range k.lags[day] {
		if all += float64(l.Count); l.Days <= known {
			within += float64(l.Count)
		}
	}
	if all == 0 {
		return 1
	}
	return within / all
}

// within is the least number of days in which a share of the breakpoints is detected.
func within(delay []float64, share float64) int {
	sum := 0.0
	for days, s := range delay {
		if sum += s; sum >= share-1e-9 {
			return days
		}
	}
	return len(delay) - 1
}

// exposure is how many opportunities a day's detections are out of.
func (b *baseline) exposure(day int) float64 {
	sum := 0.0
	for lag, share := range b.delay {
		if lag > day {
			break
		}
		sum += share * b.exposed.opportunities[day-lag]
	}
	return sum
}

// expect is how many breakpoints a day leads one to expect, and against how many what is seen is held: as many, or more.
func (b *baseline) expect(day, weekday int) (usual, held float64) {
	exposure := b.weekdays[weekday] * b.exposure(day)
	return b.rate * exposure, math.Max(b.rate, b.held) * exposure
}

// hold lets a series of less than `least` breakpoints a day be held against so many, if it has as many opportunities of its own:
// what is rare is watched for becoming frequent.
func (b *baseline) hold(s *series, days []int, exposures []float64, of []int, least float64) {
	sum, n := 0.0, float64(len(days))
	for i, d := range days {
		sum += exposures[i] * b.weekdays[of[d]]
	}
	if b.aDay < least && sum > 0 && s.opportunitiesOf(days) >= least*n {
		b.held = least * n / sum
		b.aDay, b.count = least, least*n
	}
}

// Of the weekdays' factors: so many breakpoints, for each unit of dispersion, say that a weekday is like all others (of the
// kind as a whole) or like the kind's (of its parts).
const asUsual = 30

// usualOf makes the baseline of a series for the days from `day` on; above is that of its kind, nil for the kind itself. It is
// nil where there are too few days. A series that was not watched before may have risen among them unseen: then its baseline begins
// with the change.
func (s *series) usualOf(day int, of []int, p Parameters, above *baseline) *baseline {
	for {
		b := &baseline{delay: s.kind.delay, exposed: s, weekdays: [7]float64{1, 1, 1, 1, 1, 1, 1}, dispersion: 1}
		days := s.usualDays(day, p, within(b.delay, 0.9))
		if len(days) < p.AtLeast {
			return nil
		}
		b.from, b.to = days[len(days)-1], days[0]
		if above != nil {
			b.weekdays, b.dispersion = above.weekdays, above.dispersion
		}
		if s.opportunitiesOf(days) < s.detectedOf(days) {
			b.exposed = s.kind.all // its opportunities are counted elsewhere
		}
		exposures := make([]float64, len(days))
		for i, d := range days {
			exposures[i] = b.exposure(d)
		}
		b.fit(s, days, exposures, of)
		if at := b.change(s, days, exposures, of, p.Shift); !s.watched && at > s.since {
			s.since = at
			continue
		}
		b.aDay = b.count / float64(len(days))
		b.hold(s, days, exposures, of, p.LeastADay)
		return b
	}
}

// usualDays are the last days that say what is usual, newest first. The first days of all are left out as long as most of what
// is detected on them had its opportunity before anything was counted.
func (s *series) usualDays(day int, p Parameters, ramp int) []int {
	days := make([]int, 0, p.Baseline)
	for d := day - p.Guard - 1; d >= max(s.since, s.begins+ramp) && len(days) < p.Baseline; d-- {
		if !s.unusual[d] {
			days = append(days, d)
		}
	}
	return days
}

func (s *series) opportunitiesOf(days []int) (sum float64) {
	for _, d := range days {
		sum += s.opportunities[d]
	}
	return sum
}

func (s *series) detectedOf(days []int) (sum float64) {
	for _, d := range days {
		sum += s.detected[d]
	}
	return sum
}

// fit estimates rate, weekdays and dispersion.
func (b *baseline) fit(s *series, days []int, exposures []float64, of []int) {
	b.count = s.detectedOf(days)
	b.fitRate(days, exposures, of)
	var seen, expected [7]float64
	for i, d := range days {
		w := of[d]
		seen[w] += s.detected[d]
		expected[w] += b.rate * exposures[i]
	}
	before, weight := b.weekdays, asUsual*b.dispersion
	for w := range b.weekdays {
		b.weekdays[w] = (seen[w] + weight*before[w]) / (expected[w] + weight)
	}
	b.fitRate(days, exposures, of)
	b.fitDispersion(s, days, exposures, of)
}

// fitRate gives the rate by which as many are expected as there were.
func (b *baseline) fitRate(days []int, exposures []float64, of []int) {
	sum := 0.0
	for i, d := range days {
		sum += exposures[i] * b.weekdays[of[d]]
	}
	if b.rate = 0; sum > 0 {
		b.rate = b.count / sum
	}
}

// Pearson's estimate of the dispersion, its degrees of freedom, and how far a single day may stand out in it.
const (
	fitted  = 4  // figures that the days were fitted with: the rate, and the weekdays as far as they are the series' own
	outlier = 25 // variances
)

// fitDispersion compares what was seen with what was expected: days, and weeks where they say more.
func (b *baseline) fitDispersion(s *series, days []int, exposures []float64, of []int) {
	square, mean, weekSquare, weekMean := 0.0, 0.0, 0.0, 0.0
	excess, expected := 0.0, 0.0
	for i, d := range days {
		e := b.rate * exposures[i] * b.weekdays[of[d]]
		x := s.detected[d] - e
		square += math.Min(x*x, outlier*math.Max(e, 1))
		mean += e
		if excess, expected = excess+x, expected+e; i%7 == 6 {
			weekSquare, weekMean = weekSquare+excess*excess, weekMean+expected
			excess, expected = 0, 0
		}
	}
	if b.dispersion = 1; mean <= 0 {
		return
	}
	daily := square / mean * float64(len(days)) / float64(max(len(days)-fitted, 1))
	b.dispersion = math.Max(1, daily)
	if weeks := float64(len(days) / 7); weekMean > 0 && weeks > 1 {
		weekly := weekSquare / weekMean * weeks / (weeks - 1)
		b.dispersion = math.Max(1, (weeks*weekly+clumsy*daily)/(weeks+clumsy))
	}
}

// clumsy: few weeks say little of how weeks differ; so many weeks more are taken to differ as their days do.
const clumsy = 16
