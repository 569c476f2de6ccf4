package churn

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// What a recalibration expects before it looks: slopes of 1 and levels of 0, within these standard deviations.
const (
	slopeSpread = 0.25
	levelSpread = 0.15
)

// recalibration corrects the log odds of a hazard on later outcomes (Platt 1999, with levels by segment): they become level +
// levels[segment] + slope x odds.
type recalibration struct {
	slope  float64
	level  float64
	levels []float64

	slopeLow, slopeHigh float64 // 95 %
}

// none leaves log odds as they are.
func none(segments int) recalibration {
	return recalibration{slope: 1, levels: make([]float64, segments), slopeLow: math.NaN(), slopeHigh: math.NaN()}
}

// recalibrate finds level, levels and, unless it is kept, the slope that fit exposures best: the largest likelihood times normal
// laws around 1 and 0 that keep a segment with few losses at what all say (shrinkage). Few steps of Newton's method: the
// problem is convex and small.
func recalibrate(d *design, seen []exposure, params []float64, start recalibration, keepSlope bool) recalibration {
	n, middle := len(d.segments)+2, middleOf(d, seen, params)
	at := mat.NewVecDense(n, nil)
	at.SetVec(n-1, start.slope)
	var curvature *mat.SymDense
	for range 50 {
		var gradient *mat.VecDense
		gradient, curvature = recalibrating(d, seen, params, middle, at)
		if keepSlope {
			gradient.SetVec(n-1, 0)
			curvature.SetSym(n-1, n-1, math.MaxFloat32)
		}
		var root mat.Cholesky
		var step mat.VecDense
		if !root.Factorize(curvature) || root.SolveVecTo(&step, gradient) != nil && math.IsNaN(step.AtVec(0)) {
			return start
		}
		at.SubVec(at, limited(&step))
		if mat.Norm(&step, math.Inf(1)) < 1e-10 {
			break
		}
	}
	return recalibrated(at, curvature, middle, start, keepSlope)
}

// limited keeps a step of Newton's method from overshooting where the start is far off.
func limited(step *mat.VecDense) *mat.VecDense {
	if long := mat.Norm(step, math.Inf(1)); long > 2 {
		step.ScaleVec(2/long, step)
	}
	return step
}

// recalibrated reads a recalibration off the parameters: level, levels, slope.
func recalibrated(at *mat.VecDense, curvature *mat.SymDense, middle float64, start recalibration, keepSlope bool) recalibration {
	n := at.Len()
	r := recalibration{slope: max(0.05, at.AtVec(n-1)), level: at.AtVec(0), levels: make([]float64, n-2)} // never turns the order around
	for i := range r.levels {
		r.levels[i] = at.AtVec(1 + i)
	}
	r.level += (1 - r.slope) * middle
	r.slopeLow, r.slopeHigh = start.slopeLow, start.slopeHigh
	if !keepSlope {
		wide := normal95 * math.Sqrt(inverted(curvature).At(n-1, n-1))
		r.slopeLow, r.slopeHigh = r.slope-wide, r.slope+wide
	}
	return r
}

// middleOf is the mean of the log odds, as losses are expected: a slope turns around it, so that what is expected of the level
// does not hold the slope.
func middleOf(d *design, seen []exposure, params []float64) float64 {
	var sum, expected float64
	for _, e := range seen {
		odds := d.odds(params, e.row)
		_, weight := e.residual(logistic(odds))
		sum, expected = sum+weight*odds, expected+weight
	}
	return sum / expected
}

// recalibrating is the gradient and the Hessian of what recalibrate makes least.
func recalibrating(d *design, seen []exposure, params []float64, middle float64, at *mat.VecDense) (*mat.VecDense, *mat.SymDense) {
	n := at.Len()
	gradient, curvature := mat.NewVecDense(n, nil), mat.NewSymDense(n, nil)
	for i := range n {
		expected, precision := 0., 1/(levelSpread*levelSpread)
		if i == n-1 {
			expected, precision = 1, 1/(slopeSpread*slopeSpread)
		}
		gradient.SetVec(i, precision*(at.AtVec(i)-expected))
		curvature.SetSym(i, i, precision)
	}
	for _, e := range seen {
		segment, odds := int(d.segmentOf(e.row)), d.odds(params, e.row)-middle
		residual, weight := e.residual(logistic(middle + at.AtVec(0) + at.AtVec(1+segment) + at.AtVec(n-1)*odds))
		of, values := [3]int{0, 1 + segment, n - 1}, [3]float64{1, 1, odds}
		for i, p := range of {
			gradient.SetVec(p, gradient.AtVec(p)-residual*values[i])
			for j, q := range of[:i+1] {
				curvature.SetSym(p, q, curvature.At(p, q)+weight*values[i]*values[j])
			}
		}
	}
	return gradient, curvature
}

// segmentOf is the segment of a row: its second entry.
func (d *design) segmentOf(row int32) uint16 { return d.param[d.start[row]+1] - 1 }

// baseLosses is with how many losses' weight the rate of everybody stands beside that of a segment.
const baseLosses = 5

// baseHazards are losses a customer-month of each segment in exposures, and last of everybody. Those of a segment with few
// losses are drawn to everybody's.
func baseHazards(d *design, seen []exposure) []float64 {
	n := len(d.segments)
	losses, exposed := make([]float64, n+1), make([]float64, n+1)
	for _, e := range seen {
		for _, s := range []int{int(d.segmentOf(e.row)), n} {
			exposed[s] += float64(e.months)
			if e.lost {
				losses[s]++
				exposed[s]++
			}
		}
	}
	all := (losses[n] + 0.5) / (exposed[n] + 1)
	rates := make([]float64, n+1)
	for s := range rates {
		rates[s] = (losses[s] + baseLosses) / (exposed[s] + baseLosses/all)
	}
	rates[n] = all
	return rates
}
