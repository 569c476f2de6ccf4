package churn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// BGNBDFit is a BG/NBD model fitted to a table, and how sure it is.
type BGNBDFit struct {
	BGNBD
	LogLikelihood float64     // natural log, summed over the customers
	Errors        [4]float64  // standard errors of R, Alpha, A, B, from the observed information; NaN where it has no inverse
	Intervals     [4]Interval // 95 %
	Convergence   Convergence
	Customers     int
	Repeats       int // uses or purchases after the first, of all customers
}

// ErrNobodyReturned means that a table holds no second use of any customer: whoever came once may come at any rate, and there
// is nothing to fit.
var ErrNobodyReturned = errors.New("no customer came a second time: how often they come and when they leave cannot be told from this table")

// FitBGNBD fits the BG/NBD model by maximum likelihood; modified fits the MBG/NBD. Of each customer it looks at Frequency,
// Recency and Age; the order of the customers does not matter. Where the table cannot determine the parameters the fit says so in its
// Convergence; it is an error where a customer is impossible (a recency beyond the age), and where nobody returned. Alpha is
// in the unit of the ages.
func FitBGNBD(ctx context.Context, uses []Uses, modified bool) (*BGNBDFit, error) {
	t, err := useTableOf(uses, modified)
	if err != nil {
		return nil, err
	}
	if t.repeats == 0 {
		return nil, ErrNobodyReturned
	}
	p, err := climb(ctx, &surface{of: t.logLikelihood, customers: float64(t.customers), starts: t.starts(), together: [][]int{{0, 1}, {2, 3}}})
	if err != nil {
		return nil, err
	}
	f := &BGNBDFit{BGNBD: BGNBD{R: p.parameters[0], Alpha: p.parameters[1], A: p.parameters[2], B: p.parameters[3], Modified: modified},
		LogLikelihood: p.logLikelihood, Convergence: p.convergence, Customers: t.customers, Repeats: t.repeats}
	for i := range f.Errors {
		f.Errors[i], f.Intervals[i] = p.errorOf(i)
	}
	f.Convergence.Problems = f.problems()
	return f, nil
}

// LogLikelihood is the natural log of the likelihood of a table (equation 6), summed over its customers; NaN of one that
// holds an impossible customer.
func (m BGNBD) LogLikelihood(uses []Uses) float64 {
	t, err := useTableOf(uses, m.Modified)
	if err != nil {
		return math.NaN()
	}
	return t.logLikelihood([]float64{m.R, m.Alpha, m.A, m.B}, nil)
}

// useHistory is what the likelihood looks at of a customer, and of how many.
type useHistory struct {
	x            int
	recency, age float64
	customers    float64
}

// useTable is the histories of all customers, each once, by frequency.
type useTable struct {
	histories []useHistory
	model     BGNBD // only its chances
	customers int
	repeats   int
	time      float64 // sum of the ages
}

// useTableOf puts the same histories together: a table of weeks has far fewer histories than customers.
func useTableOf(uses []Uses, modified bool) (*useTable, error) {
	t := &useTable{model: BGNBD{Modified: modified}, customers: len(uses)}
	list := make([]useHistory, 0, len(uses))
	for i, u := range uses {
		if err := u.possible(); err != nil {
			return nil, fmt.Errorf("customer %d: %w", i, err)
		}
		t.repeats += u.Frequency
		list = append(list, useHistory{u.Frequency, u.Recency, u.Age, 1})
	}
	slices.SortFunc(list, func(a, b useHistory) int {
		return cmp.Or(cmp.Compare(a.x, b.x), cmp.Compare(a.recency, b.recency), cmp.Compare(a.age, b.age))
	})
	for _, h := range list {
		t.time += h.age // in their order, so that the sum does not depend on that of the customers
		if n := len(t.histories) - 1; n >= 0 && t.histories[n].x == h.x && t.histories[n].recency == h.recency && t.histories[n].age == h.age {
			t.histories[n].customers++
			continue
		}
		t.histories = append(t.histories, h)
	}
	return t, nil
}

// possible says what is wrong with a customer.
func (u Uses) possible() error {
	switch {
	case u.Frequency < 0:
		return fmt.Errorf("frequency %d: expected 0 or more", u.Frequency)
	case !(u.Age >= 0) || math.IsInf(u.Age, 1):
		return fmt.Errorf("age %g: expected 0 or more", u.Age)
	case !(u.Recency >= 0 && u.Recency <= u.Age):
		return fmt.Errorf("recency %g: expected 0 to the age, %g", u.Recency, u.Age)
	case u.Frequency == 0 && u.Recency != 0:
		return fmt.Errorf("recency %g: expected 0 of a customer seen once", u.Recency)
	case u.Frequency > 0 && u.Recency == 0:
		return fmt.Errorf("recency 0: expected more of a customer who came back %d times", u.Frequency)
	}
	return nil
}

// starts are rates as they are on average, by few and by many who differ, and those who leave soon and late.
func (t *useTable) starts() [][]float64 {
	every := t.time / float64(t.repeats)
	return [][]float64{
		{0.5, 0.5 * every, 0.5, 2.5},
		{1, every, 1, 1},
		{3, 3 * every, 0.2, 5},
	}
}

// byFrequency are the parts of the log likelihood that depend on the frequency alone, and their derivatives.
type byFrequency struct {
	value, r, a, b float64
}

// come adds what one more time does to ln G(r+x) - ln G(r), G being the gamma function: as a sum of logs, which stays exact
// where gamma functions would cancel.
func (f *byFrequency) come(r float64) {
	f.value += math.Log(r)
	f.r += 1 / r
}

// stay adds what one more chance to leave, not taken, does to ln B(a, b+n) - ln B(a, b).
func (f *byFrequency) stay(a, b float64) {
	f.value -= math.Log1p(a / b)
	f.a -= 1 / (a + b)
	f.b += a / (b * (a + b))
}

// logLikelihood is equation 6 as a sum of logs (compare Fader and Hardie 2013, Overcoming the BG/NBD Model's #NUM! Error
// Problem): that of being there still, plus the log of one and the odds to have left, which overflows nowhere.
func (t *useTable) logLikelihood(parameters, gradient []float64) (sum float64) {
	r, alpha, a, b := parameters[0], parameters[1], parameters[2], parameters[3]
	var dr, dalpha, da, db float64
	var part byFrequency
	came, stayed, logAlpha := 0, 0, math.Log(alpha)
	for i := range t.histories {
		h := &t.histories[i]
		for ; came < h.x; came++ {
			part.come(r + float64(came))
		}
		n := t.model.chances(h.x)
		for ; stayed < n; stayed++ {
			part.stay(a, b+float64(stayed))
		}
		x, aged := float64(h.x), math.Log1p(h.age/alpha)
		value := part.value - (r+x)*aged - x*logAlpha
		vr, va, vb := part.r-aged, part.a, part.b
		valpha := (r*h.age/alpha - x) / (alpha + h.age)
		if n > 0 {
			last := b + float64(n-1)
			silent := math.Log1p((h.age - h.recency) / (alpha + h.recency))
			more, gone := oneAndOdds(math.Log(a/last) + (r+x)*silent)
			value += more
			vr += gone * silent
			valpha -= gone * (r + x) * (h.age - h.recency) / ((alpha + h.age) * (alpha + h.recency))
			va += gone / a
			vb -= gone / last
		}
		sum += h.customers * value
		dr, dalpha, da, db = dr+h.customers*vr, dalpha+h.customers*valpha, da+h.customers*va, db+h.customers*vb
	}
	if gradient != nil {
		gradient[0], gradient[1], gradient[2], gradient[3] = dr, dalpha, da, db
	}
	return sum
}

// oneAndOdds is ln(1+odds) and odds/(1+odds), by the log of the odds.
func oneAndOdds(log float64) (more, share float64) {
	if log > 36 { // one is nothing beside them
		return log, 1
	}
	odds := math.Exp(log)
	return math.Log1p(odds), odds / (1 + odds)
}

// problems says in words what the table does not determine.
func (f *BGNBDFit) problems() []string {
	list := []string{}
	if f.R > 1e4 {
		list = append(list, "r and alpha grow together without end: all customers come at one rate, r/alpha, as far as this table shows")
	}
	switch leave := f.A / (f.A + f.B); {
	case leave < 1e-4:
		list = append(list, "a/(a+b) falls to 0: nobody is seen to leave in this table, and a and b mean nothing by themselves")
	case f.A+f.B > 1e4:
		list = append(list, "a and b grow together without end: all customers leave with one probability, a/(a+b), as far as this table shows")
	case f.A+f.B < 0.01:
		list = append(list, "a and b fall to 0 together: customers leave at their first chance or never, as far as this table shows")
	}
	return append(list, undetermined([]string{"r", "alpha", "a", "b"}, []float64{f.R, f.Alpha, f.A, f.B}, f.Errors[:])...)
}
