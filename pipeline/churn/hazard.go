package churn

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// fitted is a hazard by its parameters on the scale of a design.
type fitted struct {
	design    *design
	params    []float64
	strength  float64
	converged bool
	steps     int
}

// How a fit ends.
const (
	mostSteps = 60
	flat      = 1e-7 // largest entry of the projected gradient, for each loss
)

// problem is a logistic regression of a loss in a month, with binomial weights: a row that survived n months and was lost in
// the next counts as one of n + 1. Minus the log-likelihood plus penalty/2 times the square of every parameter but the
// intercept is made least, with the parameters of signed features on their side of 0.
type problem struct {
	*design
	seen     []exposure
	strength float64 // least penalty
	again    float64 // rows lost of each lost customer: so often a loss is counted
}

// fit minimises a problem by projected Newton steps (Bertsekas 1982, Projected Newton Methods for Optimization Problems with
// Simple Constraints), from a start that keeps to the signs. It is deterministic.
func (p *problem) fit(start []float64) fitted {
	f := fitted{design: p.design, params: append([]float64(nil), start...), strength: p.strength}
	losses, _ := tally(p.seen)
	value := p.value(f.params)
	for f.steps < mostSteps {
		gradient, hessian := p.derivatives(f.params)
		free := p.free(f.params, gradient)
		if p.steepest(f.params, gradient, free) <= flat*float64(1+losses) {
			f.converged = true
			break
		}
		step, ok := newtonStep(gradient, hessian, free)
		if !ok {
			break
		}
		next, lower := p.search(f.params, step, gradient, value)
		f.steps++
		if lower >= value-1e-13*math.Abs(value) { // as low as floating point gets
			f.converged = p.steepest(f.params, gradient, free) <= 1e-4*float64(1+losses)
			break
		}
		f.params, value = next, lower
	}
	return f
}

// nothing is where a fit begins: the rate of everybody.
func (p *problem) nothing() []float64 {
	start := make([]float64, p.params())
	losses, exposed := tally(p.seen)
	rate := (float64(losses) + 0.5) / (exposed + 1)
	start[0] = math.Log(rate / (1 - rate))
	return start
}

// odds are the log odds of a row.
func (d *design) odds(params []float64, row int32) (sum float64) {
	columns, values := d.of(row)
	for i, c := range columns {
		sum += params[c] * float64(values[i])
	}
	return sum
}

func (p *problem) value(params []float64) float64 {
	sum := -likelihood(p.design, p.seen, params)
	for i, b := range params[1:] {
		sum += p.penalty(1+i) / 2 * b * b
	}
	return sum
}

// likelihood is the log-likelihood of exposures.
func likelihood(d *design, seen []exposure, params []float64) (sum float64) {
	for _, e := range seen {
		odds := d.odds(params, e.row)
		n := float64(e.months)
		if e.lost {
			sum += odds
			n++
		}
		sum -= n * rateOf(odds)
	}
	return sum
}

// derivatives are the gradient, and the Hessian as the lower triangle of rows of params.
func (p *problem) derivatives(params []float64) (gradient, hessian []float64) {
	n := p.params()
	gradient, hessian = make([]float64, n), make([]float64, n*n)
	for _, e := range p.seen {
		columns, values := p.of(e.row)
		residual, weight := e.residual(logistic(p.odds(params, e.row)))
		for i, c := range columns {
			v := float64(values[i])
			gradient[c] -= residual * v
			v *= weight
			row := hessian[int(c)*n : int(c)*n+n]
			for k, d := range columns[:i+1] {
				row[d] += v * float64(values[k])
			}
		}
	}
	for i := 1; i < n; i++ {
		penalty := p.penalty(i)
		gradient[i] += penalty * params[i]
		hessian[i*n+i] += penalty
	}
	return gradient, hessian
}

// residual is losses less those foretold by a hazard, and what the exposure weighs in the Hessian.
func (e exposure) residual(hazard float64) (residual, weight float64) {
	n := float64(e.months)
	if e.lost {
		n++
		residual = 1
	}
	return residual - n*hazard, n * hazard * (1 - hazard)
}

// outside says whether a value of a parameter is on the wrong side of 0.
func (d *design) outside(param int, v float64) bool { return float64(d.sign[param])*v < 0 }

// near is how close to its bound a parameter counts as at it, so that steps do not zigzag (Bertsekas 1982, equation 32).
const near = 1e-3

// free lists the parameters that may move: of features that vary, and not held at 0 by their sign.
func (p *problem) free(params, gradient []float64) (free []int) {
	for i, b := range params {
		held := p.sign[i] != 0 && math.Abs(b) <= near && p.outside(i, -gradient[i])
		if p.scale[i] > 0 && !held {
			free = append(free, i)
		}
	}
	return free
}

// steepest is the largest entry of the gradient, in the directions in which something may move.
func (p *problem) steepest(params, gradient []float64, free []int) (most float64) {
	for _, i := range free {
		most = max(most, math.Abs(gradient[i]))
	}
	for i, b := range params {
		if b != 0 && p.sign[i] != 0 { // one that is held near its bound still moves to it
			most = max(most, math.Abs(gradient[i]))
		}
	}
	return most
}

// newtonStep solves for the step of the free parameters; false where the Hessian is singular, which the penalty prevents.
func newtonStep(gradient, hessian []float64, free []int) ([]float64, bool) {
	var root mat.Cholesky
	if !root.Factorize(among(hessian, len(gradient), free)) {
		return nil, false
	}
	right, step := mat.NewVecDense(len(free), nil), mat.NewVecDense(len(free), nil)
	for i, at := range free {
		right.SetVec(i, -gradient[at])
	}
	if err := root.SolveVecTo(step, right); err != nil && math.IsNaN(step.AtVec(0)) {
		return nil, false
	}
	all := make([]float64, len(gradient))
	for i := range all { // of those that are held: towards the bound
		if curvature := hessian[i*len(all)+i]; curvature > 0 {
			all[i] = -gradient[i] / curvature
		}
	}
	for i, at := range free {
		all[at] = step.AtVec(i)
	}
	return all, true
}

// among takes the rows and columns of some parameters out of a lower triangle.
func among(lower []float64, n int, some []int) *mat.SymDense {
	s := mat.NewSymDense(len(some), nil)
	for i, at := range some {
		for j, other := range some[:i+1] {
			s.SetSym(i, j, lower[at*n+other])
		}
	}
	return s
}

// search goes along a step, put back inside the bounds wherever it leaves them, and halves it until the value is lower by
// Armijo's rule. Where nothing is, it stays.
func (p *problem) search(params, step, gradient []float64, value float64) ([]float64, float64) {
	next := make([]float64, len(params))
	for length := 1.; length > 1e-10; length /= 2 {
		var promised float64
		for i, b := range params {
			next[i] = b + length*step[i]
			if p.outside(i, next[i]) || p.scale[i] == 0 {
				next[i] = 0
			}
			promised += gradient[i] * (next[i] - b)
		}
		if lower := p.value(next); lower <= value+1e-4*promised && promised <= 0 {
			return next, lower
		}
	}
	return params, value
}
