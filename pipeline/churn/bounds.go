package churn

import (
	"fmt"
	"math"
)

// The bounds of what a published model may hold. They lie far beyond what a training finds, and near enough that no score computed
// within them is infinite or no number.
const (
	mostOdds      = 1e3  // log odds that any term moves a hazard by
	mostVariance  = 1e9  // of log odds
	mostSlope     = 100  // of a recalibration
	mostValue     = 1e15 // of a feature, of an amount
	mostParameter = 1e12 // of BG/NBD and gamma-gamma
	rounding      = 1e-6 // that a correlation may lie beyond 1
)

// bounds notes the first number that lies outside what is expected of it.
type bounds struct{ err error }

// within holds a number to bounds, both included.
func (b *bounds) within(v, least, most float64, field string, at ...any) {
	if b.err == nil && !(least <= v && v <= most) {
		b.err = fmt.Errorf(field+": %.4g; expected %g to %g", append(at, v, least, most)...)
	}
}

// above holds a number to what is more than 0.
func (b *bounds) above(v, most float64, field string, at ...any) {
	if b.err == nil && !(0 < v && v <= most) {
		b.err = fmt.Errorf(field+": %.4g; expected more than 0 and at most %g", append(at, v, most)...)
	}
}

// bounded says whether every number of a model is one that a training could have found; the error names the field.
func (m *Model) bounded() error {
	b := &bounds{}
	for _, count := range [...]struct {
		field string
		n     int
	}{{"rows", m.Rows}, {"customers", m.Customers}, {"losses", m.Losses}} {
		b.within(float64(count.n), 0, math.MaxInt32, count.field)
	}
	reach := m.reach(b)
	for g := range m.Months {
		m.Months[g].bounded(b, g, reach)
	}
	for i, c := range m.Correlation {
		b.within(c, -1-rounding, 1+rounding, "correlation[%d]", i)
	}
	b.within(m.Spread, 0, mostSlope, "spread")
	for s := range m.Base {
		for _, rate := range m.Base[s] {
			b.above(rate, 1-rounding, "base[%d]", s)
		}
		for i, mean := range m.Means[s] {
			b.within(mean, -mostValue, mostValue, "means[%d][%d]", s, i)
		}
	}
	b.distribution(&m.Scores)
	b.uses(m)
	return b.err
}

// reach is how large each parameter's value may be: 1 of the intercept and of segments, then of features.
func (m *Model) reach(b *bounds) []float64 {
	reach := make([]float64, 1+len(m.Segments), 1+len(m.Segments)+len(m.Features))
	for i := range reach {
		reach[i] = 1
	}
	for i := range m.Features {
		b.within(m.Least[i], -mostValue, mostValue, "least[%d]", i)
		b.within(m.Most[i], -mostValue, mostValue, "most[%d]", i)
		b.within(m.Least[i], -mostValue, m.Most[i], "least[%d]", i)
		reach = append(reach, max(math.Abs(m.Least[i]), math.Abs(m.Most[i])))
	}
	return reach
}

func (h *Hazard) bounded(b *bounds, g int, reach []float64) {
	b.within(h.Intercept, -mostOdds, mostOdds, "months[%d].intercept", g)
	b.within(h.Level, -mostOdds, mostOdds, "months[%d].level", g)
	b.above(h.Slope, mostSlope, "months[%d].slope", g)
	for s := range h.Offsets {
		b.within(h.Offsets[s], -mostOdds, mostOdds, "months[%d].offsets[%d]", g, s)
		b.within(h.Levels[s], -mostOdds, mostOdds, "months[%d].levels[%d]", g, s)
	}
	features := reach[1+len(h.Offsets):]
	for i, c := range h.Coefficients {
		if b.within(c*features[i], -mostOdds, mostOdds, "months[%d].coefficients[%d] at the greatest value", g, i); features[i] == 0 {
			b.within(c, -mostValue, mostValue, "months[%d].coefficients[%d]", g, i)
		}
	}
	at := 0
	for i, p := range h.Free {
		for j, q := range h.Free[:i+1] {
			v, least := float64(h.Covariance[at])*reach[p]*reach[q], -mostVariance
			if i == j {
				least = -rounding
			}
			b.within(v, least, mostVariance, "months[%d].covariance[%d] at the greatest values", g, at)
			at++
		}
	}
	b.within(h.Strength, 0, mostParameter, "months[%d].strength", g)
	b.within(float64(h.Losses), 0, math.MaxInt32, "months[%d].losses", g)
	b.within(h.Exposure, 0, mostValue, "months[%d].exposure", g)
}

func (b *bounds) distribution(d *Distribution) {
	if n := len(d.Shares); b.err == nil && n > 0 && n != len(d.Edges)+1 {
		b.err = fmt.Errorf("scores: %d shares between %d edges", n, len(d.Edges))
	}
	for i, v := range d.Shares {
		b.within(v, 0, 1+rounding, "scores.shares[%d]", i)
	}
	for i, v := range d.Edges {
		b.within(v, 0, 1, "scores.edges[%d]", i)
	}
}

// uses holds what a model says of customers without a contract to its bounds.
func (b *bounds) uses(m *Model) {
	if c := m.Comeback; c != nil {
		b.comeback(&c.Again, "again")
		b.comeback(&c.Once, "once")
	}
	if g := m.Spend; g != nil {
		b.above(g.P, mostParameter, "spend.p")
		b.above(g.Q, mostParameter, "spend.q")
		b.above(g.Gamma, mostParameter, "spend.gamma")
	}
}

func (b *bounds) comeback(m *BGNBD, of string) {
	b.above(m.R, mostParameter, "comeback.%s.r", of)
	b.above(m.Alpha, mostParameter, "comeback.%s.alpha", of)
	b.above(m.A, mostParameter, "comeback.%s.a", of)
	b.above(m.B, mostParameter, "comeback.%s.b", of)
}
