package attribution

import (
	"errors"
	"math"
	"slices"
	"strings"
)

// fitted is where the likelihood, less ridge/2 x the sum of squares of the coefficients, is highest.
type fitted struct {
	beta       []float64
	likelihood float64     // its logarithm, the ridge taken off
	gradient   []float64   // of it
	inverse    [][]float64 // of minus its second derivative
}

const (
	mostSteps = 60
	near      = 1e-12 // of the highest logarithm, as far as the slope says: the step from there is the last
	rounding  = 1e-12 // by which sums of many logarithms may differ
)

var errNoHighest = errors.New("no highest likelihood was found: does every kind meet some of the lost, and not all?")

// fit climbs by Newton's method; a step that leads down is halved. There is one top only: the logarithm is concave.
func (t *Together) fit(ridge float64) (*fitted, error) {
	at := t.look(make([]float64, len(t.kinds)+t.alike), ridge)
	for range mostSteps {
		step := at.step()
		rise := dot(at.gradient, step)
		switch {
		case !finite(rise):
			return nil, errNoHighest
		case rise < near*(1+math.Abs(at.likelihood)):
			return t.look(sum(at.beta, step), ridge), nil
		}
		next := t.look(sum(at.beta, step), ridge)
		for n := 0; !(next.likelihood >= at.likelihood-rounding*math.Abs(at.likelihood)) && n < mostSteps; n++ {
			for i := range step {
				step[i] /= 2
			}
			next = t.look(sum(at.beta, step), ridge)
		}
		at = next
	}
	return nil, errNoHighest
}

// look computes the likelihood and its derivatives at some coefficients.
func (t *Together) look(beta []float64, ridge float64) *fitted {
	f := &fitted{beta: beta, gradient: make([]float64, len(beta)), inverse: square(len(beta))}
	for i, b := range beta {
		f.likelihood -= ridge / 2 * b * b
		f.gradient[i], f.inverse[i][i] = -ridge*b, ridge
	}
	m := newMoments(len(beta))
	t.eachStratum(func(rows []laden, lost float64) {
		m.take(rows, beta)
		f.likelihood -= lost * math.Log(m.weight)
		for k := range rows {
			if rows[k].lost {
				f.likelihood += m.logs[k]
				for i, v := range rows[k].x {
					f.gradient[i] += v - m.mean[i]
				}
			}
		}
		for i := range beta {
			for j := range i + 1 {
				f.inverse[i][j] += lost * m.spread[i][j]
			}
		}
	})
	mirror(f.inverse)
	invert(f.inverse)
	return f
}

// step is Newton's.
func (f *fitted) step() []float64 {
	step := make([]float64, len(f.beta))
	for i := range step {
		step[i] = dot(f.inverse[i], f.gradient)
	}
	return step
}

// errors are the standard errors of the coefficients: the roots of the diagonal of inverse x scores x inverse, the scores being the sum over
// customers of the square of what each adds to the slope.
func (t *Together) errors(f *fitted) []float64 {
	list := make([]float64, len(f.beta))
	for _, score := range t.scores(f.beta) {
		for i := range list {
			v := dot(f.inverse[i], score)
			list[i] += v * v
		}
	}
	for i := range list {
		list[i] = math.Sqrt(list[i])
	}
	return list
}

// scores are what each customer adds to the slope, in the order of their names.
func (t *Together) scores(beta []float64) [][]float64 {
	scores := make([][]float64, len(t.names))
	m := newMoments(len(beta))
	t.eachStratum(func(rows []laden, lost float64) {
		m.take(rows, beta)
		for k, r := range rows {
			left := float64(one(r.lost)) - lost*math.Exp(m.logs[k])/m.weight
			if scores[r.customer] == nil {
				scores[r.customer] = make([]float64, len(beta))
			}
			for i, v := range r.x {
				scores[r.customer][i] += left * (v - m.mean[i])
			}
		}
	})
	order := make([]int32, len(t.names))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return strings.Compare(t.names[a], t.names[b]) })
	sorted := make([][]float64, 0, len(order))
	for _, customer := range order {
		if scores[customer] != nil {
			sorted = append(sorted, scores[customer])
		}
	}
	return sorted
}

// moments are those of the rows of one stratum, each weighed by exp(sum of coefficient x burden).
type moments struct {
	logs   []float64 // of the weights, the highest being 0
	weight float64   // of all
	mean   []float64
	spread [][]float64 // mean of products less product of means; the upper half is not filled
	there  []int       // of one row: what is not 0
}

func newMoments(n int) *moments { return &moments{mean: make([]float64, n), spread: square(n)} }

func (m *moments) take(rows []laden, beta []float64) {
	m.weigh(rows, beta)
	clear(m.mean)
	for i := range m.spread {
		clear(m.spread[i])
	}
	m.weight = 0
	for k := range rows {
		m.add(rows[k].x, math.Exp(m.logs[k]))
	}
	for i := range m.mean {
		m.mean[i] /= m.weight
		for j := range i + 1 {
			m.spread[i][j] = m.spread[i][j]/m.weight - m.mean[i]*m.mean[j]
		}
	}
}

// weigh takes the highest logarithm off all: nothing overflows, and no ratio changes.
func (m *moments) weigh(rows []laden, beta []float64) {
	m.logs = m.logs[:0]
	top := math.Inf(-1)
	for k := range rows {
		m.logs = append(m.logs, dot(rows[k].x, beta))
		top = max(top, m.logs[k])
	}
	for k := range m.logs {
		m.logs[k] -= top
	}
}

func (m *moments) add(x []float64, weight float64) {
	m.there = m.there[:0]
	m.weight += weight
	for i, v := range x {
		if v == 0 {
			continue
		}
		m.there = append(m.there, i)
		m.mean[i] += weight * v
		for _, j := range m.there {
			m.spread[i][j] += weight * v * x[j]
		}
	}
}

func square(n int) [][]float64 {
	all := make([]float64, n*n)
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = all[i*n : (i+1)*n]
	}
	return rows
}

func mirror(a [][]float64) {
	for i := range a {
		for j := range i {
			a[j][i] = a[i][j]
		}
	}
}

// invert turns a positive definite matrix into its inverse (Gauss and Jordan); of another, numbers come out that are none, or a
// step that leads nowhere.
func invert(a [][]float64) {
	for k := range a {
		pivot := 1 / a[k][k]
		a[k][k] = 1
		for j := range a {
			a[k][j] *= pivot
		}
		for i := range a {
			if i == k {
				continue
			}
			f := a[i][k]
			a[i][k] = 0
			for j := range a {
				a[i][j] -= f * a[k][j]
			}
		}
	}
}

func dot(a, b []float64) (s float64) {
	for i, v := range a {
		s += v * b[i]
	}
	return s
}

func sum(a, b []float64) []float64 {
	c := slices.Clone(a)
	for i, v := range b {
		c[i] += v
	}
	return c
}
