package churn

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// uncertainty is the covariances of what three fits of one design found.
type uncertainty struct {
	free        [3][]int
	covariance  [3]*mat.SymDense // of the free parameters, on the scale of the design
	correlation [3]float64       // of the log odds of an average row: fits 1 and 2, 1 and 3, 2 and 3
}

// pairs are the fits that a correlation is of.
var pairs = [3][2]int{{0, 1}, {0, 2}, {1, 2}}

// uncertaintyOf are sandwich estimates (Huber 1967; Liang and Zeger 1986) clustered by customer, whose rows at many landmarks
// share their outcome: H^-1 B H^-1, H the Hessian with the penalty and B the sum over customers of the squared sum of the
// gradients of their rows, with what few of them leave out (expected) and what the penalty draws towards 0 (assumed) added to it.
func uncertaintyOf(problems [3]problem, fits [3]fitted) uncertainty {
	var e uncertainty
	var inverse [3]*mat.SymDense
	var hessians [3][]float64
	for g := range problems {
		var gradient []float64
		gradient, hessians[g] = problems[g].derivatives(fits[g].params)
		e.free[g] = problems[g].free(fits[g].params, gradient)
		inverse[g] = inverted(among(hessians[g], len(gradient), e.free[g]))
	}
	filling := fillings(problems, fits, e.free)
	for g := range problems {
		problems[g].expected(filling[g][g], hessians[g], e.free[g])
		for i, at := range e.free[g] {
			filling[g][g].Set(i, i, filling[g][g].At(i, i)+problems[g].assumed(at))
		}
		e.covariance[g] = symmetric(sandwich(inverse[g], filling[g][g], inverse[g]))
	}
	for n, of := range pairs {
		between := sandwich(inverse[of[0]], filling[of[0]][of[1]], inverse[of[1]])
		e.correlation[n] = meanCorrelation(problems[0].design, &e, of, between)
	}
	return e
}

// inverted is the inverse of a Hessian; zeros where there is none.
func inverted(h *mat.SymDense) *mat.SymDense {
	inverse := mat.NewSymDense(h.SymmetricDim(), nil)
	var root mat.Cholesky
	if root.Factorize(h) {
		_ = root.InverseTo(inverse) // an error says that it is badly conditioned; it is still the best there is
	}
	return inverse
}

func sandwich(left, filling, right mat.Matrix) *mat.Dense {
	var half, whole mat.Dense
	half.Mul(left, filling)
	whole.Mul(&half, right)
	return &whole
}

func symmetric(d *mat.Dense) *mat.SymDense {
	n, _ := d.Dims()
	s := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			s.SetSym(i, j, (d.At(i, j)+d.At(j, i))/2)
		}
	}
	return s
}

// fillings sums, over customers, the products of their gradients in each two fits.
func fillings(problems [3]problem, fits [3]fitted, free [3][]int) (sum [3][3]*mat.Dense) {
	d := problems[0].design
	var place [3][]int32 // of a parameter among the free, plus 1
	for g := range free {
		place[g] = make([]int32, d.params())
		for i, at := range free[g] {
			place[g][at] = int32(i + 1)
		}
		for k := range g + 1 {
			sum[k][g] = mat.NewDense(len(free[k]), len(free[g]), nil)
		}
	}
	next := [3]int{}
	for from := 0; from < len(d.rows); {
		until := from
		for until < len(d.rows) && d.rows[until].Customer == d.rows[from].Customer {
			until++
		}
		var of [3]sumOfRows
		for g := range problems {
			of[g].reset(len(free[g]))
			for ; next[g] < len(problems[g].seen) && int(problems[g].seen[next[g]].row) < until; next[g]++ {
				of[g].addGradient(&problems[g], fits[g].params, problems[g].seen[next[g]], place[g])
			}
		}
		for g := range problems {
			for k := range g + 1 {
				of[k].outer(&of[g], sum[k][g])
			}
		}
		from = until
	}
	return sum
}

// sumOfRows is a vector of which few entries are not 0.
type sumOfRows struct {
	at    []int32
	has   []bool
	value []float64
}

func (s *sumOfRows) reset(n int) { s.has, s.value = make([]bool, n), make([]float64, n) }

// addGradient adds that of one exposure.
func (s *sumOfRows) addGradient(p *problem, params []float64, e exposure, place []int32) {
	residual, _ := e.residual(logistic(p.odds(params, e.row)))
	columns, values := p.of(e.row)
	for i, c := range columns {
		if at := place[c] - 1; at >= 0 {
			if !s.has[at] {
				s.at, s.has[at] = append(s.at, at), true
			}
			s.value[at] += residual * float64(values[i])
		}
	}
}

// outer adds the product of two vectors to a matrix.
func (s *sumOfRows) outer(o *sumOfRows, sum *mat.Dense) {
	raw := sum.RawMatrix()
	for _, i := range s.at {
		row, v := raw.Data[int(i)*raw.Stride:], s.value[i]
		for _, j := range o.at {
			row[j] += v * o.value[j]
		}
	}
}

// meanCorrelation is that of the errors of two fits, averaged over some 500 rows.
func meanCorrelation(d *design, e *uncertainty, of [2]int, between *mat.Dense) float64 {
	var sum, n float64
	for row := 0; row < len(d.rows); row += 1 + len(d.rows)/500 {
		a, b := d.among(int32(row), e.free[of[0]]), d.among(int32(row), e.free[of[1]])
		square := mat.Inner(a, e.covariance[of[0]], a) * mat.Inner(b, e.covariance[of[1]], b)
		if square > 0 {
			sum, n = sum+mat.Inner(a, between, b)/math.Sqrt(square), n+1
		}
	}
	if n == 0 {
		return 0
	}
	return max(-1, min(1, sum/n))
}

// among is a row by some of the parameters.
func (d *design) among(row int32, some []int) *mat.VecDense {
	all := make([]float64, d.params())
	columns, values := d.of(row)
	for i, c := range columns {
		all[c] = float64(values[i])
	}
	v := mat.NewVecDense(max(1, len(some)), nil)
	for i, at := range some {
		v.SetVec(i, all[at])
	}
	return v
}
