package churn

import "math"

// BGNBD is the beta-geometric/NBD model of repeat purchases or uses without a contract (Fader, Hardie and Lee 2005,
// "Counting Your Customers" the Easy Way, Marketing Science 24(2)): while there, a customer comes at a rate of their own,
// which among customers has a gamma law of shape R and rate Alpha; after each repeat they leave for good with a probability
// of their own, which has a beta law of A and B. Alpha, and every time below, is in the unit of the ages that it was fitted
// to.
//
// Modified is the MBG/NBD (Batislam, Denizel and Filiztekin 2007, International Journal of Research in Marketing 24(3)): they
// may leave after the first time as well, so that one who came once and never again is not certainly still there.
type BGNBD struct {
	R        float64 `json:"r"`
	Alpha    float64 `json:"alpha"`
	A        float64 `json:"a"`
	B        float64 `json:"b"`
	Modified bool    `json:"modified,omitempty"`
}

// chances is how often somebody who came back x times has had the chance to leave.
func (m BGNBD) chances(x int) int {
	if m.Modified {
		return x + 1
	}
	return x
}

// goneOdds is the log of the odds that somebody has left: the ratio of the two terms of the likelihood (equation 6). It is
// minus infinity where they cannot have.
func (m BGNBD) goneOdds(u Uses) float64 {
	n := m.chances(u.Frequency)
	if n == 0 {
		return math.Inf(-1)
	}
	return math.Log(m.A/(m.B+float64(n-1))) + (m.R+float64(u.Frequency))*math.Log1p((u.Age-u.Recency)/(m.Alpha+u.Recency))
}

// Alive is the probability that somebody is still a customer (Fader, Hardie and Lee 2008, Computing P(alive) Using the
// BG/NBD Model). Of one who came once it is 1 at any age, unless the model is the modified one.
func (m BGNBD) Alive(u Uses) float64 {
	return 1 / (1 + math.Exp(m.goneOdds(u)))
}

// Expected is how many times somebody is expected to come in the t after now (equation 10). It is computed without the
// hypergeometric function, so that no parameter (A = 1, A+B < 1), frequency or horizon is a special case.
func (m BGNBD) Expected(u Uses, t float64) float64 {
	return m.Alive(u) * m.expectedThere(u, t)
}

// ExpectedOfNew is how many times somebody is expected to come in the t after their first time (equation 9).
func (m BGNBD) ExpectedOfNew(t float64) float64 {
	return m.Expected(Uses{}, t)
}

// ExpectedOfCohort is how many times one of those whose first time was so long ago is expected to come in the next t, nothing
// else being known of them.
func (m BGNBD) ExpectedOfCohort(age, t float64) float64 {
	return m.ExpectedOfNew(age+t) - m.ExpectedOfNew(age)
}

// expectedThere is what is expected of somebody who is still there. Their rate then has a gamma law of shape r+x and rate
// alpha+T, their probability to leave a beta law of a and b+n.
func (m BGNBD) expectedThere(u Uses, t float64) float64 {
	if !(t > 0) {
		return 0
	}
	shape, s := m.R+float64(u.Frequency), t/(m.Alpha+u.Age)
	stay := m.B + float64(m.chances(u.Frequency))
	if mean := shape * s; mean+12*math.Sqrt(mean*(1+s)) < mostTerms {
		return expectedBySeries(shape, s, m.A, stay)
	}
	return expectedByIntegral(shape, s, m.A, stay)
}

// mostTerms is how many terms of the series are cheaper than the integral.
const mostTerms = 2000

// expectedBySeries adds, over k, the probability that somebody who never left would come k times (negative binomial, of the
// given shape and odds s) times how many of k are expected to take place: the sum over j < k of the mean of (1-p)^j, p having
// a beta law of a and b. This is equation 10 with its hypergeometric series written out; all terms are positive, so that
// nothing cancels. The probabilities are divided by their sum at the end: the first of them may be too small for a float.
func expectedBySeries(shape, s, a, b float64) float64 {
	const large = 1e250
	z := s / (1 + s)
	weight, all, step, taken, sum := 1.0, 1.0, 1.0, 0.0, 0.0
	for k := 0.0; ; k++ {
		weight *= (shape + k) / (k + 1) * z
		taken += step
		step *= (b + k) / (a + b + k)
		all += weight
		sum += weight * taken
		switch {
		case weight > large:
			weight, all, sum = weight/large, all/large, sum/large
		case k > shape*s && weight*(taken+1) < 1e-17*(1-z)*sum:
			return sum / all
		}
	}
}

// expectedByIntegral is the mean of (1-(1+ps)^-shape)/p over the beta law of p, by the trapezoidal rule after
// p = 1/(1+exp(-sinh y)) (Takahasi and Mori 1974), with steps halved until nothing changes: for horizons so far beyond what
// was seen that the series is long.
func expectedByIntegral(shape, s, a, b float64) float64 {
	normal := logBeta(a, b)
	at := func(y float64) float64 {
		logit := math.Sinh(y)
		p, logp := 1/(1+math.Exp(-logit)), -softplus(-logit)
		came := shape * s // of p = 0
		if logp > -650 {
			came = -math.Expm1(-shape*math.Log1p(p*s)) / p
		}
		return math.Exp(a*logp-b*softplus(logit)-normal) * came * math.Cosh(y)
	}
	end := math.Asinh(45/min(a, b, 1) + 45) // beyond it the beta law has nothing left
	sum, last := at(0), math.Inf(1)
	for y := 1.0; y <= end; y++ {
		sum += at(y) + at(-y)
	}
	for h := 0.5; h > 1e-4; h /= 2 {
		for y := h; y <= end; y += 2 * h {
			sum += at(y) + at(-y)
		}
		now := sum * h
		if h < 0.1 && math.Abs(now-last) <= 1e-11*now {
			return now
		}
		last = now
	}
	return last
}

// softplus is ln(1+exp(v)).
func softplus(v float64) float64 {
	if v > 0 {
		return v + math.Log1p(math.Exp(-v))
	}
	return math.Log1p(math.Exp(v))
}

// logBeta is ln B(a, b).
func logBeta(a, b float64) float64 {
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	return la + lb - lab
}
