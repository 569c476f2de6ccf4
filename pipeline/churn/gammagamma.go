package churn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// GammaGamma is the gamma-gamma model of spend (Fader and Hardie 2013, The Gamma-Gamma Model of Monetary Value; Fader, Hardie
// and Lee 2005, RFM and CLV: Using Iso-Value Curves for Customer Base Analysis): what a customer spends each time has a gamma
// law of shape P and a rate of their own, which among customers has a gamma law of shape Q and rate Gamma. It holds where how
// much somebody spends has nothing to do with how often they come.
type GammaGamma struct {
	P     float64 `json:"p"`
	Q     float64 `json:"q"`
	Gamma float64 `json:"gamma"` // in the currency of the spend; v in other programs
}

// Mean is what a customer of whom nothing is known is expected to spend each time; infinite where Q is 1 or less.
func (g GammaGamma) Mean() float64 {
	if g.Q <= 1 {
		return math.Inf(1)
	}
	return g.P * g.Gamma / (g.Q - 1)
}

// Expected is what somebody is expected to spend each time who spent so much on average over so many times: the average of
// theirs and of everybody's, by how many times speak for theirs (equation 5 of the 2013 note). frequency counts the times that
// the average is of; at 0 it is Mean.
func (g GammaGamma) Expected(frequency int, spend float64) float64 {
	if frequency <= 0 {
		return g.Mean()
	}
	x := float64(frequency)
	return g.P * (g.Gamma + x*spend) / (g.P*x + g.Q - 1)
}

// GammaGammaFit is a gamma-gamma model fitted to a table, and how sure it is.
type GammaGammaFit struct {
	GammaGamma
	LogLikelihood float64     // natural log, summed over the customers
	Errors        [3]float64  // standard errors of P, Q, Gamma; NaN where the information has no inverse
	Intervals     [3]Interval // 95 %
	Convergence   Convergence
	Customers     int     // who came back and spent something
	LeftOut       int     // who came back, of whom no spend is known or none above 0
	Correlation   float64 // of frequency and spend among them (Pearson): the model takes it for 0; NaN where either is the same for all
}

// relatedSpend is the correlation of frequency and spend from which on it is a problem.
const relatedSpend = 0.3

// ErrNobodySpent means that too few customers came back and spent something.
var ErrNobodySpent = errors.New("fewer than 3 customers came back and spent something: their spend cannot be fitted")

// FitGammaGamma fits the model by maximum likelihood to the customers who came back: to Frequency, and to Spend, the mean
// value of a repeat use. Those without a repeat or a spend above 0 are left out.
func FitGammaGamma(ctx context.Context, uses []Uses) (*GammaGammaFit, error) {
	s, leftOut, err := spendsOf(uses)
	if err != nil {
		return nil, err
	}
	if len(s) < 3 {
		return nil, ErrNobodySpent
	}
	p, err := climb(ctx, &surface{of: s.logLikelihood, customers: float64(len(s)), starts: s.starts(), together: [][]int{{0}, {1, 2}}})
	if err != nil {
		return nil, err
	}
	f := &GammaGammaFit{GammaGamma: GammaGamma{P: p.parameters[0], Q: p.parameters[1], Gamma: p.parameters[2]}, LogLikelihood: p.logLikelihood,
		Convergence: p.convergence, Customers: len(s), LeftOut: leftOut, Correlation: s.correlation()}
	for i := range f.Errors {
		f.Errors[i], f.Intervals[i] = p.errorOf(i)
	}
	f.Convergence.Problems = f.problems()
	return f, nil
}

// LogLikelihood is the natural log of the likelihood of a table (equation 1a of the 2013 note), summed over the customers who
// came back and spent something.
func (g GammaGamma) LogLikelihood(uses []Uses) float64 {
	s, _, err := spendsOf(uses)
	if err != nil {
		return math.NaN()
	}
	return s.logLikelihood([]float64{g.P, g.Q, g.Gamma}, nil)
}

// spent is how often somebody came back, and what they spent on average.
type spent struct {
	x, mean, logAll float64 // logAll is ln(x mean)
}

// spends are in order of frequency.
type spends []spent

func spendsOf(uses []Uses) (list spends, leftOut int, err error) {
	for i, u := range uses {
		switch {
		case u.Frequency == 0:
		case math.IsInf(u.Spend, 0):
			return nil, 0, fmt.Errorf("customer %d: spend %g: expected a number", i, u.Spend)
		case !(u.Spend > 0):
			leftOut++
		default:
			x := float64(u.Frequency)
			list = append(list, spent{x, u.Spend, math.Log(x * u.Spend)})
		}
	}
	slices.SortFunc(list, func(a, b spent) int { return cmp.Or(cmp.Compare(a.x, b.x), cmp.Compare(a.mean, b.mean)) })
	return list, leftOut, nil
}

// starts have the mean of the table, by customers who differ much and little, from themselves and from each other.
func (s spends) starts() [][]float64 {
	mean := 0.0
	for _, c := range s {
		mean += c.mean / float64(len(s))
	}
	return [][]float64{{4, 4, mean * 3 / 4}, {1, 3, mean * 2}, {20, 20, mean * 19 / 20}}
}

// logLikelihood is equation 1a. What depends on the frequency alone is computed once for each.
func (s spends) logLikelihood(parameters, gradient []float64) (sum float64) {
	p, q, gamma := parameters[0], parameters[1], parameters[2]
	var dp, dq, dgamma, beta, digammaP, digammaAll float64
	logGamma, digammaQ := math.Log(gamma), mathext.Digamma(q)
	for i := range s {
		c := &s[i]
		px := p * c.x
		if i == 0 || c.x != s[i-1].x {
			beta, digammaP, digammaAll = logBeta(px, q), mathext.Digamma(px), mathext.Digamma(px+q)
		}
		more := softplus(c.logAll - logGamma) // ln((gamma + x mean)/gamma)
		theirs := c.logAll - logGamma - more  // ln(x mean/(gamma + x mean))
		sum += px*theirs - q*more - beta - math.Log(c.mean)
		dp += c.x * (digammaAll - digammaP + theirs)
		dq += digammaAll - digammaQ - more
		dgamma += q/gamma - (px+q)/(gamma+c.x*c.mean)
	}
	if gradient != nil {
		gradient[0], gradient[1], gradient[2] = dp, dq, dgamma
	}
	return sum
}

// correlation of frequency and spend.
func (s spends) correlation() float64 {
	var mx, mm, xx, mmm, xm float64
	n := float64(len(s))
	for _, c := range s {
		mx, mm = mx+c.x/n, mm+c.mean/n
	}
	for _, c := range s {
		xx += (c.x - mx) * (c.x - mx)
		mmm += (c.mean - mm) * (c.mean - mm)
		xm += (c.x - mx) * (c.mean - mm)
	}
	return xm / math.Sqrt(xx*mmm)
}

// problems says in words what the table does not determine, or denies.
func (f *GammaGammaFit) problems() []string {
	list := []string{}
	if math.Abs(f.Correlation) >= relatedSpend {
		list = append(list, fmt.Sprintf("frequency and spend go together (correlation %.2f): the model takes them for independent", f.Correlation))
	}
	if f.Q <= 1 {
		list = append(list, "q is 1 or less: the mean spend of all customers is infinite by this model, and that of a new one cannot be told")
	}
	if f.P > 1e4 {
		list = append(list, "p grows without end: each customer spends the same every time, as far as this table shows")
	}
	if f.Q > 1e4 {
		list = append(list, "q and gamma grow together without end: customers do not differ in what they spend, as far as this table shows")
	}
	return append(list, undetermined([]string{"p", "q", "gamma"}, []float64{f.P, f.Q, f.Gamma}, f.Errors[:])...)
}
