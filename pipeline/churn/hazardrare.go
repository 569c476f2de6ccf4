package churn

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Rows that hardly any other is like decide a fit as much as hundreds of usual ones: of 30 customers with a feature the two that were
// lost would make all like them as good as gone. Two things hold that: what few customers reached counts as what some more did (bound),
// and the effect on those who have something rare is expected to be plausible (penalty).

// enough is how many customers have to reach a value before it counts as more than the one below.
const enough = 10

// plausible is the standard deviation of what is expected, before one looks, of the effect of a feature on a row that has it, in log
// odds: 95 % of factors lie between 1/19 and 19. (Gelman et al. 2008 give each coefficient such a weak law.)
const plausible = 1.5

// bound finds up to where the values of each feature are told apart: up to what ten customers reached, or half of those who have it
// where these are fewer than twenty. What is not known is no value.
func (d *design) bound() {
	d.least, d.most = make([]float64, d.features), make([]float64, d.features)
	column := make([]float64, 0, len(d.rows))
	for i := range d.features {
		var lowest, highest []float64
		last := ""
		column = column[:0]
		for _, r := range d.rows {
			if d.known[i].unknown(r) {
				continue
			}
			v := finite(r.X[i])
			if len(column) == 0 || r.Customer != last {
				lowest, highest, last = append(lowest, -v), append(highest, v), r.Customer
			}
			n := len(highest) - 1
			lowest[n], highest[n] = max(lowest[n], -v), max(highest[n], v)
			column = append(column, v)
		}
		if len(highest) > 0 {
			usual := usualOf(column)
			d.least[i], d.most[i] = -reached(lowest, -usual), reached(highest, usual)
		}
	}
}

// reached is the greatest value that enough customers reached of those who were beyond the usual.
func reached(highest []float64, usual float64) float64 {
	slices.Sort(highest)
	beyond := len(highest)
	for beyond > 0 && highest[len(highest)-beyond] <= usual {
		beyond--
	}
	return highest[len(highest)-max(1, min(enough, (beyond+1)/2))]
}

// usualOf is the median; 0 of nothing. The values may be put into another order.
func usualOf(values []float64) float64 {
	zeros := 0
	for _, v := range values {
		if v == 0 {
			zeros++
		}
	}
	if 2*zeros >= len(values) { // as of nearly all features: no need to sort
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// leaps finds by how many standard deviations of everybody a row lies away from the usual that is not there. Of what most rows have
// it is near 1. Of what is rare it is large: one standard deviation says little of the few who have it.
func (d *design) leaps() {
	d.leap = make([]float64, d.params())
	column := make([]float64, len(d.rows))
	for p := d.first(); p < len(d.leap); p++ {
		if d.scale[p] == 0 {
			continue
		}
		for n, r := range d.rows {
			column[n] = d.at(r, p-d.first())
		}
		usual, square, others := usualOf(column), 0., 0.
		for _, v := range column {
			if v != usual {
				by := (v - usual) / d.scale[p]
				square, others = square+by*by, others+1
			}
		}
		if others > 0 {
			d.leap[p] = math.Sqrt(square / others)
		}
	}
}

// problemOf is a problem of some exposures.
func (d *design) problemOf(seen []exposure, strength float64) problem {
	rows, customers := d.lost(seen)
	return problem{d, seen, strength, float64(rows) / float64(max(1, customers))}
}

// lost counts the exposures that end with a loss, and the customers lost: rows of one loss at several landmarks say it once.
func (d *design) lost(seen []exposure) (rows, customers int) {
	last := ""
	for _, e := range seen {
		if e.lost {
			rows++
			if customer := d.rows[e.row].Customer; customers == 0 || customer != last {
				customers, last = customers+1, customer
			}
		}
	}
	return rows, customers
}

// penalty is that of a parameter: the strength, for an effect of one standard deviation; and no less than what holds the effect on those
// who have the feature to what is plausible, as often as a loss is counted.
func (p *problem) penalty(param int) float64 {
	leap := p.leap[param] / plausible
	return max(p.strength, p.again*leap*leap)
}

// assumed is how much the gradient of the penalty varies, by what is assumed of the effect that it draws towards 0: its square times the
// variance of the effect. That is 1/strength where the strength is the penalty, and again/penalty where the law is.
func (p *problem) assumed(param int) float64 {
	switch penalty := p.penalty(param); {
	case param == 0:
		return 0
	case penalty > p.strength:
		return p.again * penalty
	default:
		return penalty
	}
}

// decisive is of how many lost customers the squared gradients say how much they vary.
const decisive = 40

// expected raises, of features that fewer lost customers have, what squared gradients sum up to what the hazard itself expects of them,
// as often as a loss is counted: of ten who have something and of whom by chance none was lost they are near 0, and little is known.
func (p *problem) expected(filling *mat.Dense, hessian []float64, free []int) {
	n, lost := p.params(), p.lostWith()
	likely := func(i, j int) float64 { // that part of the Hessian which is the likelihood's
		v := hessian[max(i, j)*n+min(i, j)]
		if i == j {
			v -= p.penalty(i)
		}
		return p.again * v
	}
	short := make([]float64, len(free)) // square root of the part that is missing
	for i, at := range free {
		if all := likely(at, at); at >= p.first() && lost[at] < decisive && all > 0 {
			short[i] = math.Sqrt(max(0, 1-filling.At(i, i)/all))
		}
	}
	for i, at := range free {
		for j, other := range free {
			if both := short[i] * short[j]; both > 0 {
				filling.Set(i, j, filling.At(i, j)+both*likely(at, other))
			}
		}
	}
}

// lostWith counts, of each parameter, the customers lost in whose rows it is not 0.
func (p *problem) lostWith() []int {
	count, last := make([]int, p.params()), make([]string, p.params())
	for _, e := range p.seen {
		if !e.lost {
			continue
		}
		customer := p.rows[e.row].Customer
		columns, _ := p.of(e.row)
		for _, c := range columns {
			if count[c] == 0 || last[c] != customer {
				count[c], last[c] = count[c]+1, customer
			}
		}
	}
	return count
}
