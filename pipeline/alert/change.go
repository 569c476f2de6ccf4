package alert

import "math"

// A baseline is none that is made of days before a rise and days after it. While a series is watched, a rise raises an alarm and
// its days are no baseline; but one that is not watched yet may rise unseen.

const (
	parted = 8 // log likelihood ratio from which a baseline is two
	apart  = 3 // days of either
)

// change is the first day from which, among the days of a baseline (newest first), the rate was `shift` times that of the days before, or
// more; -1 for none. It is the split for which the likelihood of two rates speaks loudest.
func (b *baseline) change(s *series, days []int, exposures []float64, of []int, shift float64) int {
	expected, all := make([]float64, len(days)), 0.0
	for i, d := range days {
		expected[i] = b.rate * b.weekdays[of[d]] * exposures[i]
		all += expected[i]
	}
	best, split := 0.0, -1
	after, since := 0.0, 0.0
	for i, d := range days {
		after, since = after+s.detected[d], since+expected[i]
		before, until := b.count-after, all-since
		if i+1 < apart || len(days)-i-1 < apart || until <= 0 || after*until < shift*before*since {
			continue
		}
		if l := likely(after, since) + likely(before, until); l > best {
			best, split = l, i
		}
	}
	if split < 0 || best < parted*s.unlike(days, expected, split) {
		return -1
	}
	return days[split]
}

// likely is by how much a rate of their own makes counts likelier than the expected, but for what sums up to 0.
func likely(seen, expected float64) float64 {
	if seen <= 0 || expected <= 0 {
		return 0
	}
	return seen * math.Log(seen/expected)
}

// unlike is the dispersion of days that have one rate up to a split and another after it.
func (s *series) unlike(days []int, expected []float64, split int) float64 {
	square, n := 0.0, len(days)
	for _, part := range [...][2]int{{0, split + 1}, {split + 1, n}} {
		seen, sum := s.detectedOf(days[part[0]:part[1]]), 0.0
		for _, e := range expected[part[0]:part[1]] {
			sum += e
		}
		for i := part[0]; i < part[1] && seen > 0 && sum > 0; i++ {
			e := expected[i] * seen / sum
			x := s.detected[days[i]] - e
			square += x * x / math.Max(e, 1)
		}
	}
	return math.Max(1, square/float64(max(n-fitted, 1)))
}
