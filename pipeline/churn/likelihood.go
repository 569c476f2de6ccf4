package churn

import (
	"context"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
)

// Convergence says how the search for the maximum of a likelihood ended.
type Convergence struct {
	Converged        bool     `json:"converged"`                 // the gradient is nothing, it is a maximum, and not at the edge of the search
	Status           string   `json:"status"`                    // how it ended, in words
	Gradient         float64  `json:"gradient_norm"`             // largest derivative of the mean log likelihood by the log of a parameter
	PositiveDefinite bool     `json:"hessian_positive_definite"` // of minus the log likelihood: a true maximum, from which standard errors follow
	Iterations       int      `json:"iterations"`                // of the start that won
	Evaluations      int      `json:"evaluations"`               // of the likelihood and its gradient, over all starts
	Starts           int      `json:"starts"`                    // from which the search began
	Agree            int      `json:"starts_agree"`              // of these, those that came to the same likelihood
	Problems         []string `json:"problems"`                  // what the table cannot say
}

// surface is a log likelihood over positive parameters.
type surface struct {
	of        func(parameters, gradient []float64) float64 // log likelihood of all, and its derivatives by the parameters
	customers float64
	starts    [][]float64
	together  [][]int // parameters that run away together where the likelihood has no maximum
}

// peak is where a log likelihood is largest.
type peak struct {
	parameters    []float64
	logLikelihood float64
	covariance    *mat.SymDense // of the logs of the parameters; nil where the information has no inverse
	convergence   Convergence
}

const (
	flatSlope   = 1e-7 // of the mean log likelihood, by the log of a parameter: far inside any standard error
	sameLevel   = 1e-6 // between the log likelihoods of two starts, by the customer
	searchReach = 14.0 // how far from the first start the log of a parameter may go
)

// climb finds the maximum: quasi-Newton (BFGS) from each start, helped by the simplex (Nelder and Mead) where that gets stuck,
// and Newton steps at the end of the best. The search is over the logs of the parameters.
func climb(ctx context.Context, s *surface) (*peak, error) {
	c := &climber{ctx: ctx, surface: s, origin: logsOf(s.starts[0])}
	theta, lowest := []float64(nil), math.Inf(1)
	var levels []float64
	var iterations int
	for _, start := range s.starts {
		end, value, n := c.descend(logsOf(start))
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		levels = append(levels, value)
		if value < lowest {
			theta, lowest, iterations = end, value, n
		}
	}
	if theta == nil {
		theta = c.origin
	}
	p := c.finish(theta)
	p.convergence.Iterations += iterations
	p.convergence.Starts, p.convergence.Evaluations = len(levels), c.evaluations
	for _, level := range levels {
		if level-lowest < sameLevel {
			p.convergence.Agree++
		}
	}
	return p, ctx.Err()
}

// climber looks at minus the mean log likelihood.
type climber struct {
	ctx         context.Context
	surface     *surface
	origin      []float64
	evaluations int

	theta, gradient []float64 // of the last look
	value           float64
}

// look computes value and gradient at once, and again only elsewhere. Far out the value rises, so that no search runs away
// where the likelihood is flat.
func (c *climber) look(theta []float64) {
	if slices.Equal(theta, c.theta) {
		return
	}
	c.evaluations++
	c.theta = append(c.theta[:0], theta...)
	c.gradient = append(c.gradient[:0], make([]float64, len(theta))...)
	parameters := expsOf(theta)
	c.value = -c.surface.of(parameters, c.gradient) / c.surface.customers
	for i, v := range theta {
		c.gradient[i] *= -parameters[i] / c.surface.customers
		if out := math.Abs(v-c.origin[i]) - searchReach; out > 0 {
			c.value += out * out
			c.gradient[i] += 2 * math.Copysign(out, v-c.origin[i])
		}
	}
	if math.IsNaN(c.value) {
		c.value = math.Inf(1)
	}
}

func (c *climber) valueAt(theta []float64) float64 {
	c.look(theta)
	return c.value
}

func (c *climber) gradientAt(gradient, theta []float64) {
	c.look(theta)
	copy(gradient, c.gradient)
}

// slope is the largest derivative.
func (c *climber) slope(theta []float64) (largest float64) {
	c.look(theta)
	for _, g := range c.gradient {
		if !(math.Abs(g) <= largest) { // also when it is not a number
			largest = math.Abs(g)
		}
	}
	return largest
}

// descend searches from one start.
func (c *climber) descend(start []float64) (theta []float64, value float64, iterations int) {
	theta, iterations = c.minimise(start, &optimize.BFGS{})
	if c.slope(theta) > flatSlope {
		rough, _ := c.minimise(theta, &optimize.NelderMead{})
		if again, n := c.minimise(rough, &optimize.BFGS{}); c.valueAt(again) <= c.valueAt(theta) {
			theta, iterations = again, iterations+n
		}
	}
	return theta, c.valueAt(theta), iterations
}

// minimise runs one method. An error of it is no failure: where it stands is judged by the slope there.
func (c *climber) minimise(start []float64, method optimize.Method) (theta []float64, iterations int) {
	problem := optimize.Problem{Func: c.valueAt, Grad: c.gradientAt, Status: func() (optimize.Status, error) {
		if err := c.ctx.Err(); err != nil {
			return optimize.Failure, err
		}
		return optimize.NotTerminated, nil
	}}
	settings := &optimize.Settings{GradientThreshold: flatSlope / 10, MajorIterations: 400, FuncEvaluations: 1500,
		Converger: &optimize.FunctionConverge{Absolute: 1e-12, Iterations: 30}}
	result, _ := optimize.Minimize(problem, start, settings, method)
	if result == nil || !(c.valueAt(result.X) <= c.valueAt(start)) {
		return start, 0
	}
	return slices.Clone(result.X), result.MajorIterations
}

// finish takes Newton steps as long as they lead down, and says what stands at the end of them.
func (c *climber) finish(theta []float64) *peak {
	p := &peak{}
	curvature := c.curvature(theta)
	for range 20 {
		next, ok := bowlStep(theta, c.gradientOf(theta), curvature)
		if !ok || !(c.slope(next) < c.slope(theta)) || c.valueAt(next) > c.valueAt(theta)+1e-12*math.Abs(c.valueAt(theta)) {
			break
		}
		theta, curvature = next, c.curvature(next)
		p.convergence.Iterations++
	}
	p.parameters = expsOf(theta)
	p.logLikelihood = c.surface.of(p.parameters, nil)
	p.convergence.Gradient = min(c.slope(theta), math.MaxFloat64)
	if math.IsNaN(p.convergence.Gradient) {
		p.convergence.Gradient = math.MaxFloat64
	}
	held, edge := c.atEdge(theta)
	p.covariance = c.covarianceOf(curvature, held)
	p.convergence.PositiveDefinite = p.covariance != nil && !edge
	p.convergence.judge(edge)
	return p
}

// covarianceOf is the inverse of the information of the parameters that are not held; nil where it has none. What is held has
// no variance: not a number.
func (c *climber) covarianceOf(curvature *mat.SymDense, held []bool) *mat.SymDense {
	var free []int
	for i := range held {
		if !held[i] {
			free = append(free, i)
		}
	}
	if free == nil {
		return nil
	}
	information := mat.NewSymDense(len(free), nil)
	information.SubsetSym(curvature, free)
	var chol mat.Cholesky
	var inverse mat.SymDense
	if !chol.Factorize(information) || chol.Cond() > 1e14 || chol.InverseTo(&inverse) != nil {
		return nil
	}
	covariance := mat.NewSymDense(len(held), nil)
	for i := range held {
		covariance.SetSym(i, i, math.NaN())
	}
	for i, to := range free {
		for j, and := range free {
			covariance.SetSym(to, and, inverse.At(i, j)/c.surface.customers)
		}
	}
	return covariance
}

// atEdge says whether a parameter came as far as the search may go. It is held there, with those that run away with it: the
// curvature is that of the edge, and what is said of the others is said along the way that they went.
func (c *climber) atEdge(theta []float64) (held []bool, edge bool) {
	held = make([]bool, len(theta))
	for _, together := range c.surface.together {
		out := slices.ContainsFunc(together, func(i int) bool { return math.Abs(theta[i]-c.origin[i]) > searchReach-1 })
		edge = edge || out
		for _, i := range together {
			held[i] = out
		}
	}
	return held, edge
}

// judge says in words how it ended.
func (v *Convergence) judge(edge bool) {
	switch {
	case edge:
		v.Status = "at the edge of the search: the likelihood rises without end"
	case !(v.Gradient <= flatSlope):
		v.Status = "stuck: the gradient is not zero"
	case !v.PositiveDefinite:
		v.Status = "flat: the gradient is zero, but the likelihood does not fall in every direction"
	default:
		v.Status, v.Converged = "maximum: the gradient is zero, and the likelihood falls in every direction", true
	}
}

func (c *climber) gradientOf(theta []float64) []float64 {
	c.look(theta)
	return slices.Clone(c.gradient)
}

// curvature is the Hessian, by central differences of the gradient.
func (c *climber) curvature(theta []float64) *mat.SymDense {
	const step = 1e-4
	n := len(theta)
	h := mat.NewSymDense(n, nil)
	columns := make([][]float64, n)
	for i := range n {
		up, down := slices.Clone(theta), slices.Clone(theta)
		up[i] += step
		down[i] -= step
		columns[i] = c.gradientOf(up)
		for j, g := range c.gradientOf(down) {
			columns[i][j] = (columns[i][j] - g) / (2 * step)
		}
	}
	for i := range n {
		for j := i; j < n; j++ {
			h.SetSym(i, j, (columns[i][j]+columns[j][i])/2)
		}
	}
	return h
}

// bowlStep gives where the gradient would be zero were the surface what it looks like here; not ok where it is no bowl, or the
// step is too long to be believed.
func bowlStep(theta, gradient []float64, curvature *mat.SymDense) (next []float64, ok bool) {
	var chol mat.Cholesky
	if !chol.Factorize(curvature) {
		return nil, false
	}
	step := mat.NewVecDense(len(theta), nil)
	if chol.SolveVecTo(step, mat.NewVecDense(len(theta), gradient)) != nil {
		return nil, false
	}
	next = slices.Clone(theta)
	for i := range next {
		next[i] -= step.AtVec(i)
		if !(math.Abs(step.AtVec(i)) < 1) {
			return nil, false
		}
	}
	return next, true
}

func logsOf(list []float64) []float64 {
	out := make([]float64, len(list))
	for i, v := range list {
		out[i] = math.Log(v)
	}
	return out
}

func expsOf(list []float64) []float64 {
	out := make([]float64, len(list))
	for i, v := range list {
		out[i] = math.Exp(v)
	}
	return out
}

// Interval is a range that holds the true value in 95 of 100 tables.
type Interval [2]float64

// normal95 is the two-sided 95 % quantile of the normal law.
const normal95 = 1.959963984540054

// errorOf is the standard error of a parameter (delta method from its log) and its interval (symmetric for the log, so that
// it stays positive); not a number where there is no covariance.
func (p *peak) errorOf(i int) (standardError float64, interval Interval) {
	if p.covariance == nil {
		return math.NaN(), Interval{math.NaN(), math.NaN()}
	}
	se := math.Sqrt(p.covariance.At(i, i))
	v := p.parameters[i]
	return v * se, Interval{v * math.Exp(-normal95*se), v * math.Exp(normal95*se)}
}

// undetermined names the parameters of which the table says next to nothing: whose standard error is more than half of
// themselves, so that the ends of their interval are a factor of seven apart, or which have none.
func undetermined(names []string, parameters, errors []float64) []string {
	var hardly []string
	for i, name := range names {
		if !(errors[i] <= parameters[i]/2) {
			hardly = append(hardly, name)
		}
	}
	if hardly == nil {
		return nil
	}
	return []string{"hardly determined by this table (no standard error, or one of more than half): " + strings.Join(hardly, ", ")}
}
