package churn

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// replicates is how many samples of the customers the intervals are read off.
const replicates = 200

// measure sets every figure; those that no bootstrap is needed for with their interval.
func (q *Quality) measure(r *ranking) {
	f := r.figures()
	none := math.NaN()
	q.Observed, q.Expected = f.observed, f.expected
	for i, v := range f.list() {
		*q.drawn()[i] = Measured{v, none, none}
	}
	q.Ratio = r.ratio(f.observed, f.expected)
	independent := r.independent(&f)
	for i, b := range f.bins {
		q.Bins[i].N, q.Bins[i].Predicted, q.Bins[i].Observed = b.weight, b.expected/b.weight, wilson(b.observed/b.weight, independent[i])
	}
}

// independent is how many rows of different customers would say as much of the share lost of each bin as its rows do: these over the
// design effect (Kish 1965), the variance of the share with its squared errors summed by customer over that of as many independent
// rows. It is never more than there are rows; where all or none were lost, which shows no variance, as many as customers.
func (r *ranking) independent(f *figures) (n [Bins]float64) {
	errors, present := make([][Bins]float64, r.customers), make([][Bins]bool, r.customers)
	for i, parts := range r.parts(f) {
		for _, at := range parts {
			b, c := &f.bins[at.bin], r.customer[i]
			errors[c][at.bin] += at.share * r.weights[i] * (r.rows[i].outcome() - b.observed/b.weight)
			present[c][at.bin] = true
		}
	}
	var square, customers [Bins]float64
	for c := range errors {
		for bin, e := range errors[c] {
			square[bin] += e * e
			if present[c][bin] {
				customers[bin]++
			}
		}
	}
	for bin, b := range f.bins {
		p := b.observed / b.weight
		if n[bin] = min(b.weight, customers[bin]); square[bin] > 0 {
			n[bin] = min(b.weight, p*(1-p)*b.weight*b.weight/square[bin])
		}
	}
	return n
}

// part is the share of a row that lies in a bin.
type part struct {
	bin   int
	share float64
}

// parts gives each row the bins that figures spread it over: rows of one score in the same shares.
func (r *ranking) parts(f *figures) [][]part {
	all := make([][]part, len(r.rows))
	above, first := 0., 0
	for i := range r.rows {
		if !r.end[i] {
			continue
		}
		same := 0.
		for _, w := range r.weights[first : i+1] {
			same += w
		}
		from := 0.
		var list []part
		for bin := range f.bins {
			if share := (min(from+f.bins[bin].weight, above+same) - max(from, above)) / same; share > 1e-9 {
				list = append(list, part{bin, share})
			}
			from += f.bins[bin].weight
		}
		for ; first <= i; first++ {
			all[first] = list
		}
		above += same
	}
	return all
}

// drawn are the figures whose intervals the bootstrap finds, in the order of list.
func (q *Quality) drawn() []*Measured {
	of := []*Measured{&q.AUC, &q.PRAUC, &q.Brier, &q.BrierBase, &q.Skill, &q.ECE}
	for i := range q.Bins {
		of = append(of, &q.Bins[i].Lift)
	}
	return of
}

func (f *figures) list() []float64 {
	values := []float64{f.auc, f.prAUC, f.brier, f.brierBase, 1 - f.brier/f.brierBase, f.ece}
	for _, b := range f.bins {
		values = append(values, b.observed/b.weight/(f.observed/f.all))
	}
	return values
}

// wilson is a share and its interval (Wilson 1927), of so many independent rows.
func wilson(p, n float64) Measured {
	if !(n > 0) {
		return Measured{math.NaN(), math.NaN(), math.NaN()}
	}
	z := normal95
	middle, width := p+z*z/(2*n), z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return Measured{p, max(0, (middle-width)/(1+z*z/n)), min(1, (middle+width)/(1+z*z/n))}
}

// ratio is observed over expected, with an interval of its logarithm from the squared errors of customers. With nothing
// observed, as many as a Poisson law makes 0 of in one case of 40 may have been due.
func (r *ranking) ratio(observed, expected float64) Measured {
	if observed == 0 {
		return Measured{0, 0, -math.Log(0.025) / expected}
	}
	errors := make([]float64, r.customers)
	for i := range r.rows {
		errors[r.customer[i]] += r.weights[i] * (r.rows[i].outcome() - r.rows[i].P)
	}
	var square float64
	for _, e := range errors {
		square += e * e
	}
	wide := math.Exp(normal95 * math.Sqrt(square) / observed)
	v := observed / expected
	return Measured{v, v / wide, v * wide}
}

// bootstrap finds the intervals of what has no simple law: in each replicate every customer counts as often as a Poisson law
// of mean 1 says, with all its rows. It is seeded: the same rows give the same intervals.
func (q *Quality) bootstrap(r *ranking, replicates int) {
	if replicates == 0 || q.Lost == 0 || q.Lost == q.N {
		return
	}
	of := q.drawn()
	drawn := make([][]float64, len(of))
	weights, times := r.weights, make([]float64, r.customers)
	r.weights = make([]float64, len(weights))
	for replicate := range replicates {
		for c := range times {
			times[c] = poisson1(mix(uint64(replicate)<<32 | uint64(c)))
		}
		for i, w := range weights {
			r.weights[i] = w * times[r.customer[i]]
		}
		f := r.figures()
		for i, v := range f.list() {
			if !math.IsNaN(v) {
				drawn[i] = append(drawn[i], v)
			}
		}
	}
	r.weights = weights
	for i, at := range of {
		at.Low, at.High = middle95(drawn[i])
	}
}

// middle95 is what holds the middle 95 % of values.
func middle95(values []float64) (low, high float64) {
	if len(values) < replicates/2 {
		return math.NaN(), math.NaN()
	}
	slices.Sort(values)
	n := float64(len(values) - 1)
	return values[int(math.Round(0.025*n))], values[int(math.Round(0.975*n))]
}

// mix is the finaliser of splitmix64 (Steele, Lea and Flood 2014): numbers as if drawn, the same for ever.
func mix(v uint64) uint64 {
	v += 0x9e3779b97f4a7c15
	v = (v ^ v>>30) * 0xbf58476d1ce4e5b9
	v = (v ^ v>>27) * 0x94d049bb133111eb
	return v ^ v>>31
}

// poisson1 makes a number of the Poisson law of mean 1 out of uniform bits.
func poisson1(bits uint64) float64 {
	u := float64(bits>>11) / (1 << 53)
	n, p := 0., math.Exp(-1)
	for sum := p; u > sum && n < 20; sum += p {
		n++
		p /= n
	}
	return n
}

// surest is how far from 0 and 1 a probability counts as its log odds.
const surest = 1e-12

// recalibrate regresses outcomes on the log odds foretold: by Newton's method, with standard errors clustered by customer.
// NaN where nothing was lost, or all scores are the same.
func (q *Quality) recalibrate(r *ranking) {
	none := Measured{math.NaN(), math.NaN(), math.NaN()}
	q.Slope, q.Intercept, q.Level = none, none, none
	if q.Lost == 0 || q.Lost == q.N {
		return
	}
	odds := make([]float64, len(r.rows))
	for i := range r.rows {
		p := min(max(r.rows[i].P, surest), 1-surest)
		odds[i] = math.Log(p / (1 - p))
	}
	q.Level, _ = r.regress(odds, false)
	if odds[0] > odds[len(odds)-1] {
		q.Intercept, q.Slope = r.regress(odds, true)
	}
}

// regress fits an intercept, and a slope or one of 1.
func (r *ranking) regress(odds []float64, free bool) (intercept, slope Measured) {
	at, n := [2]float64{0, 1}, 1
	if free {
		n = 2
	}
	var curvature *mat.SymDense
	for range 100 {
		gradient, c, _ := r.regressing(odds, at, n)
		curvature = c
		var root mat.Cholesky
		var step mat.VecDense
		if !root.Factorize(curvature) || root.SolveVecTo(&step, gradient) != nil && math.IsNaN(step.AtVec(0)) {
			none := Measured{math.NaN(), math.NaN(), math.NaN()}
			return none, none
		}
		limited(&step)
		for i := range n {
			at[i] += step.AtVec(i)
		}
		if mat.Norm(&step, math.Inf(1)) < 1e-9 {
			break
		}
	}
	_, curvature, filling := r.regressing(odds, at, n)
	errors := sandwich(inverted(curvature), filling, inverted(curvature))
	measured := func(i int) Measured {
		wide := normal95 * math.Sqrt(errors.At(i, i))
		return Measured{at[i], at[i] - wide, at[i] + wide}
	}
	if !free {
		return measured(0), Measured{1, 1, 1}
	}
	return measured(0), measured(1)
}

// regressing is the gradient of the log-likelihood, minus its Hessian, and the sum over customers of their squared gradients.
func (r *ranking) regressing(odds []float64, at [2]float64, n int) (*mat.VecDense, *mat.SymDense, *mat.SymDense) {
	gradient, curvature, filling := mat.NewVecDense(n, nil), mat.NewSymDense(n, nil), mat.NewSymDense(n, nil)
	own := make([][2]float64, r.customers)
	var sum [3]float64
	for i := range r.rows {
		p := logistic(at[0] + at[1]*odds[i])
		residual, weight := r.weights[i]*(r.rows[i].outcome()-p), r.weights[i]*p*(1-p)
		c := &own[r.customer[i]]
		c[0], c[1] = c[0]+residual, c[1]+residual*odds[i]
		sum[0], sum[1], sum[2] = sum[0]+weight, sum[1]+weight*odds[i], sum[2]+weight*odds[i]*odds[i]
	}
	for i := range n {
		for j := range i + 1 {
			curvature.SetSym(i, j, sum[i+j])
		}
	}
	for _, c := range own {
		for i := range n {
			gradient.SetVec(i, gradient.AtVec(i)+c[i])
			for j := range i + 1 {
				filling.SetSym(i, j, filling.At(i, j)+c[i]*c[j])
			}
		}
	}
	return gradient, curvature, filling
}
