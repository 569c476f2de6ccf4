package simulate_test

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/simulate"
)

// month is one customer at the first of a month, as somebody sees it who knows all that happened and nothing of the risks.
type month struct {
	at       event.Instant
	segment  string
	years    float64
	margin   float64
	exposure []float64 // by kind
	recent   []bool    // by kind: in the 90 days before
	contacts int       // in these days
	decides  bool      // to leave, within the month
	lost     bool      // within 90 days
}

// past is what happened to a customer.
type past struct {
	began    event.Instant
	margin   float64
	failures [][]event.Instant // by kind
	contacts []event.Instant
}

// months makes them of what the simulator tells.
func (l *leavers) months() []month {
	pasts := map[string]*past{}
	of := func(who string) *past {
		if pasts[who] == nil {
			pasts[who] = &past{failures: make([][]event.Instant, len(simulate.Kinds))}
		}
		return pasts[who]
	}
	for h := range l.Happened() {
		e := &h.Event
		p := of(e.Data.Identifiers.Get("customer"))
		switch {
		case e.Type == event.ContractStarted:
			p.began, p.margin = e.At, *e.Data.AnnualMargin
		case e.Data.Direction == event.In && (e.Type == event.ContactStarted || e.Type == event.MessageReceived):
			p.contacts = append(p.contacts, e.At)
		}
	}
	for n := range l.Truth() {
		for _, f := range n.Failures {
			kind := slices.Index(simulate.Kinds[:], f.Kind)
			of(n.Customer).failures[kind] = append(of(n.Customer).failures[kind], f.At)
		}
	}
	var all []month
	for _, r := range l.risks {
		x, ends := l.losses[r.Customer]
		if ends && x.DecidedAt != 0 && x.DecidedAt < r.At || r.At.Add(90*oneDay) > l.End() {
			continue
		}
		m := of(r.Customer).month(&r)
		m.decides = ends && x.DecidedAt != 0 && x.DecidedAt < r.At.Add(30*oneDay)
		m.lost = l.lost(r.Customer, r.At, 90)
		all = append(all, m)
	}
	return all
}

// manyMonths are those of many customers, made once.
var manyMonths = sync.OnceValue(func() []month { return many().months() })

// halved are the days in which each kind is half forgotten; those that are no cause like most that are.
var halved = map[string]float64{simulate.SLABreach: 30}

func (p *past) month(r *simulate.Risk) month {
	m := month{at: r.At, segment: r.Segment, years: r.At.Sub(p.began).Hours() / 24 / 365, margin: p.margin}
	m.exposure, m.recent = make([]float64, len(simulate.Kinds)), make([]bool, len(simulate.Kinds))
	for kind, failures := range p.failures {
		half := 90.0
		if h, other := halved[simulate.Kinds[kind]]; other {
			half = h
		}
		for _, at := range failures {
			if days := r.At.Sub(at).Hours() / 24; days > 0 {
				m.exposure[kind] += math.Exp2(-days / half)
				m.recent[kind] = m.recent[kind] || days <= 90
			}
		}
	}
	for _, at := range p.contacts {
		if at < r.At && r.At.Sub(at) <= 90*oneDay {
			m.contacts++
		}
	}
	return m
}

// TestCausesCanBeRecovered: a logistic regression on what truly happened finds the planted strengths again, and none where
// nothing was planted, the confounded kind among them.
func TestCausesCanBeRecovered(t *testing.T) {
	l := many()
	months := manyMonths()
	segments := []string{"household", "student", "business"}
	typical := map[string]float64{}
	for _, x := range l.parameters.Segments {
		typical[x.Name] = x.Margin[0] + (x.Margin[1]-x.Margin[0])/4
	}
	row := func(m *month, x []float64) []float64 {
		x = append(append(x[:0], m.exposure...), math.Log1p(m.years), math.Log(m.margin/typical[m.segment]))
		for _, s := range segments {
			indicator := 0.0
			if m.segment == s {
				indicator = 1
			}
			x = append(x, indicator)
		}
		return x
	}
	beta, errs := logistic(months, row, len(simulate.Kinds)+2+len(segments))
	planted := map[string]float64{}
	for _, c := range l.parameters.Churn.Causes {
		planted[c.Kind] = c.Strength
	}
	for i, kind := range simulate.Kinds {
		t.Logf("%-20s planted %.1f, found %5.2f, error %.2f", kind, planted[kind], beta[i], errs[i])
		strength, cause := planted[kind]
		switch {
		case cause && (beta[i] < 0.5*strength || beta[i] > 1.4*strength || beta[i] < 3*errs[i]):
			t.Errorf("%s: planted %.1f, found %.2f (error %.2f)", kind, strength, beta[i], errs[i])
		case !cause && math.Abs(beta[i]) > max(0.25, 3.5*errs[i]):
			t.Errorf("%s does nothing, found %.2f (error %.2f)", kind, beta[i], errs[i])
		}
	}
	for i, c := range []struct {
		name string
		want float64
	}{{"tenure", -l.parameters.Churn.Tenure}, {"price", l.parameters.Churn.Price}} {
		if got := beta[len(simulate.Kinds)+i]; math.Abs(got-c.want) > 0.3 {
			t.Errorf("%s: planted %.1f, found %.2f", c.name, c.want, got)
		}
	}
}

// logistic fits by Newton's method, and gives the coefficients with their standard errors.
func logistic(months []month, row func(*month, []float64) []float64, n int) (beta, errs []float64) {
	beta, errs = make([]float64, n), make([]float64, n)
	for i := n - 3; i < n; i++ {
		beta[i] = -5 // the segments' rates
	}
	var x []float64
	var there []int // what is not 0
	for range 8 {
		gradient, hessian := make([]float64, n), make([][]float64, n)
		for i := range hessian {
			hessian[i] = make([]float64, 2*n)
			hessian[i][n+i] = 1
			hessian[i][i] = 1e-6
		}
		for k := range months {
			x = row(&months[k], x)
			z := 0.0
			for i, v := range x {
				z += v * beta[i]
			}
			p := 1 / (1 + math.Exp(-z))
			y := 0.0
			if months[k].decides {
				y = 1
			}
			there = there[:0]
			for i, v := range x {
				if v != 0 {
					gradient[i] += v * (y - p)
					there = append(there, i)
				}
			}
			for _, i := range there {
				for _, j := range there {
					hessian[i][j] += x[i] * x[j] * p * (1 - p)
				}
			}
		}
		invert(hessian)
		for i := range beta {
			for j := range gradient {
				beta[i] += hessian[i][n+j] * gradient[j]
			}
			errs[i] = math.Sqrt(hessian[i][n+i])
		}
	}
	return beta, errs
}

// invert turns [A | 1] into [1 | A^-1], A being positive definite.
func invert(a [][]float64) {
	for i := range a {
		pivot := a[i][i]
		for k := range a[i] {
			a[i][k] /= pivot
		}
		for j := range a {
			if f := a[j][i]; j != i && f != 0 {
				for k := range a[j] {
					a[j][k] -= f * a[i][k]
				}
			}
		}
	}
}

// TestTheConfoundedKindIsInnocent: who met it leaves more, and no more than others like them.
func TestTheConfoundedKindIsInnocent(t *testing.T) {
	l := many()
	months := manyMonths()
	for i, kind := range simulate.Kinds {
		raw := riskRatio(months, i, func(m *month) string { return "" })
		like := riskRatio(months, i, func(m *month) string {
			return fmt.Sprint(m.at, m.segment, m.years >= 1, m.years >= 3, min(m.contacts, 5))
		})
		t.Logf("%-20s risk ratio %.2f, among like customers %.2f", kind, raw, like)
		if kind != l.parameters.Churn.Confound[0].Kind {
			continue
		}
		if raw < 1.4 {
			t.Errorf("%s is not confounded: who met it leaves %.2f times as often", kind, raw)
		}
		if like < 0.75 || like > 1.25 {
			t.Errorf("%s is blamed: who met it leaves %.2f times as often as others like them", kind, like)
		}
	}
}

// riskRatio is that of Mantel and Haenszel, over strata.
func riskRatio(months []month, kind int, stratum func(*month) string) float64 {
	type counts struct{ n, exposed, lost, both float64 }
	strata, order := map[string]*counts{}, []string(nil)
	for k := range months {
		m := &months[k]
		if m.contacts == 0 {
			continue // nobody without a contact can have met most kinds
		}
		name := stratum(m)
		c := strata[name]
		if c == nil {
			c = &counts{}
			strata[name], order = c, append(order, name)
		}
		c.n++
		if m.recent[kind] {
			c.exposed++
		}
		if m.lost {
			c.lost++
			if m.recent[kind] {
				c.both++
			}
		}
	}
	above, below := 0.0, 0.0
	for _, name := range order {
		c := strata[name]
		above += c.both * (c.n - c.exposed) / c.n
		below += (c.lost - c.both) * c.exposed / c.n
	}
	return above / below
}

// TestRisksAreProbabilities: longer is likelier, and only contracts in force have a risk, once a month.
func TestRisksAreProbabilities(t *testing.T) {
	l := many()
	seen := map[string]time.Time{}
	for _, r := range l.risks {
		if !(r.P[0] > 0 && r.P[0] <= r.P[1] && r.P[1] <= r.P[2] && r.P[2] < 1) {
			t.Fatalf("risk %+v", r)
		}
		at := r.At.Time()
		if at.Day() != 1 || at.Hour() != 0 || !at.After(seen[r.Customer]) {
			t.Fatalf("risk %+v after that of %s", r, seen[r.Customer])
		}
		seen[r.Customer] = at
		if x, ends := l.losses[r.Customer]; ends && x.At < r.At {
			t.Fatalf("risk %+v of a contract that ended %s", r, x.At)
		}
	}
}
