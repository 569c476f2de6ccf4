package attribution

import (
	"math"
	"math/bits"
	"slices"
)

// atOnce is how many replicates are drawn in one pass over the rows: their counters fit into the cache.
const atOnce = 128

// lanes holds a number for each of them, two in a word: they are added two at a time.
type lanes [atOnce / 2]uint64

func (l *lanes) of(replicate int) float64 {
	return float64(uint32(l[replicate/2] >> (replicate % 2 * 32)))
}

func (l *lanes) add(weights *lanes) {
	for i, w := range weights {
		l[i] += w
	}
}

// counts are those of one stratum: persons and, of them, the lost.
type counts struct{ persons, lost lanes }

func (c *counts) add(weights *lanes, lost bool) {
	c.persons.add(weights)
	if lost {
		c.lost.add(weights)
	}
}

// sample is what the bootstrap finds of one association.
type sample struct {
	*Association
	kind   uint64  // as a set of one
	strata []int32 // those that count: exposed and unexposed in them, and a loss
	place  []int32 // of a stratum in strata; -1 for none
	counts []counts
	logs   []float64 // of the risk ratio, one a replicate
	ratio  float64   // of the rows themselves
}

func newSample(a *Association, t table, replicates int) *sample {
	s := &sample{Association: a, place: make([]int32, len(t.exposed)), logs: make([]float64, 0, replicates), ratio: t.riskRatio()}
	for i := range t.exposed {
		s.place[i] = -1
		// A replicate only takes persons away or repeats them: what is nothing here stays nothing there.
		if t.compared(int32(i)) && t.all.lost[i] > 0 {
			s.place[i] = int32(len(s.strata))
			s.strata = append(s.strata, int32(i))
		}
	}
	s.counts = make([]counts, len(s.strata))
	return s
}

// bootstrap draws customers, with all rows of one together: in each replicate every customer counts as often as a Poisson
// number of mean 1 says, which follows from the customer and the replicate alone (the Poisson bootstrap).
func (c *Cohort) bootstrap(f *family, samples []*sample, replicates int) {
	for _, s := range samples {
		s.kind = 1 << c.kind(s.Kind)
	}
	totals := make([]counts, len(f.keys))
	var weights lanes
	for done := 0; done < replicates; done += atOnce {
		clear(totals)
		for _, s := range samples {
			clear(s.counts)
		}
		f.customersOf(func(customer int32, rows []row) {
			draw(&weights, c.hashes[customer], done)
			for _, r := range rows {
				if r.contact {
					addRow(r, totals, samples, &weights)
				}
			}
		})
		for _, s := range samples {
			s.take(totals, min(atOnce, replicates-done))
		}
	}
}

func addRow(r row, totals []counts, samples []*sample, weights *lanes) {
	totals[r.stratum].add(weights, r.lost)
	if r.kinds == 0 {
		return
	}
	for _, s := range samples {
		if r.kinds&s.kind != 0 && s.place[r.stratum] >= 0 {
			s.counts[s.place[r.stratum]].add(weights, r.lost)
		}
	}
}

// take makes risk ratios of what one pass has counted.
func (s *sample) take(totals []counts, replicates int) {
	var sums [atOnce]ratio
	for at, stratum := range s.strata {
		exposed, all := &s.counts[at], &totals[stratum]
		for i := range replicates {
			sums[i].add(exposed.persons.of(i), exposed.lost.of(i), all.persons.of(i), all.lost.of(i))
		}
	}
	for i := range replicates {
		s.logs = append(s.logs, math.Log(sums[i].value()))
	}
}

// summarise gives the association its interval and variance, unless too many replicates have nothing to compare.
func (s *sample) summarise() {
	known := slices.DeleteFunc(slices.Clone(s.logs), func(v float64) bool { return !finite(v) })
	slices.Sort(s.logs) // what is no number comes first
	low, high := quantile(s.logs, 0.025), quantile(s.logs, 0.975)
	variance := variance(known)
	if !finite(low) || !finite(high) || !finite(math.Log(s.ratio)) || variance == 0 {
		return
	}
	s.Says = Estimated
	s.RiskRatio = Estimate{s.ratio, math.Exp(low), math.Exp(high)}
	s.Variance = variance
}

// quantile interpolates between the two nearest of a sorted list (type 7 of Hyndman and Fan).
func quantile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	if sorted[below] == sorted[above] {
		return sorted[below]
	}
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}

// variance is that of a sample; 0 of fewer than two.
func variance(list []float64) float64 {
	if len(list) < 2 {
		return 0
	}
	mean := 0.0
	for _, v := range list {
		mean += v / float64(len(list))
	}
	sum := 0.0
	for _, v := range list {
		sum += (v - mean) * (v - mean)
	}
	return sum / float64(len(list)-1)
}

// draw gives how often a customer counts in the replicates from one on.
func draw(weights *lanes, customer uint64, from int) {
	for i := 0; i < atOnce; i += 4 {
		random := mix(customer + uint64(from+i)*0x9e3779b97f4a7c15)
		weights[i/2] = poisson[uint16(random)] | poisson[uint16(random>>16)]<<32
		weights[i/2+1] = poisson[uint16(random>>32)] | poisson[uint16(random>>48)]<<32
	}
}

// mix is the finaliser of SplitMix64 (Steele, Lea and Flood 2014).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// poisson turns 16 random bits into a Poisson number of mean 1: as many of the 65,536 give a number as it is likely.
var poisson = poissonTable()

func poissonTable() (table [1 << 16]uint64) {
	n, likely := uint64(0), math.Exp(-1)
	below := likely
	for i := range table {
		for float64(i) >= math.Round(below*float64(len(table))) {
			n++
			likely /= float64(n)
			below += likely
		}
		table[i] = n
	}
	return table
}

func one(yes bool) uint32 {
	if yes {
		return 1
	}
	return 0
}

// first is the lowest member of a set that is not empty.
func first(set uint64) int { return bits.TrailingZeros64(set) }

// tally counts the members of a set.
func tally(counts *[mostKinds]uint64, set uint64) {
	for ; set != 0; set &= set - 1 {
		counts[first(set)]++
	}
}
