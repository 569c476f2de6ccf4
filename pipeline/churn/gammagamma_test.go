package churn

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// cdnowSpend are the estimates that Fader and Hardie publish for the spend of CDNOW, in dollars.
var cdnowSpend = GammaGamma{P: 6.25, Q: 3.74, Gamma: 15.44}

// simulatedSpend gives each customer who came back a mean spend.
func simulatedSpend(g GammaGamma, customers int, seed uint64) []Uses {
	random := rand.New(rand.NewPCG(seed, 7))
	var uses []Uses
	for range customers {
		rate, x := gammaDraw(random, g.Q)/g.Gamma, 1+int(random.ExpFloat64()*2)
		sum := gammaDraw(random, g.P*float64(x)) / rate
		uses = append(uses, Uses{Frequency: x, Recency: 10, Age: 20, Spend: sum / float64(x)})
	}
	return uses
}

// TestPublishedSpend: customers 1 and 6 of CDNOW (two repeats of 22.35, seven of 73.74), and one of whom nothing is known. The
// published parameters are rounded.
func TestPublishedSpend(t *testing.T) {
	agrees(t, "customer 1", cdnowSpend.Expected(2, 22.35), 24.65, 0.001)
	agrees(t, "customer 6", cdnowSpend.Expected(7, 73.74), 71.46, 0.001)
	agrees(t, "nobody known", cdnowSpend.Expected(0, math.NaN()), 35.17, 0.002)
	if got := (GammaGamma{P: 2, Q: 1, Gamma: 3}).Mean(); !math.IsInf(got, 1) {
		t.Errorf("q = 1: mean %g", got)
	}
}

func TestLikelihoodOfSpend(t *testing.T) {
	for _, c := range []struct {
		model GammaGamma
		x     int
		spend float64
		want  float64
	}{
		{GammaGamma{P: 1, Q: 1, Gamma: 1}, 1, 1, math.Log(0.25)}, // by hand: 1/2 x 1/2
		{cdnowSpend, 2, 22.35, -3.55131675973170473},
		{cdnowSpend, 7, 73.74, -6.05486731072222893},
		{cdnowSpend, 1, 0.5, -14.9787091978229974},
		{cdnowSpend, 300, 40, -4.28323045634664248},
	} {
		agrees(t, "log likelihood", c.model.LogLikelihood([]Uses{{Frequency: c.x, Spend: c.spend}, {Spend: math.NaN()}}), c.want, 1e-11)
	}
}

func TestSpendGradient(t *testing.T) {
	s, _, err := spendsOf(simulatedSpend(cdnowSpend, 200, 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range [][]float64{{6.25, 3.74, 15.44}, {0.3, 0.5, 100}, {40, 9, 0.1}} {
		checkSurface(t, s.logLikelihood, at)
	}
}

// TestSpendCoverage: of 20 tables of 3,000 customers, the 95 % intervals hold what was simulated in 17 or more.
func TestSpendCoverage(t *testing.T) {
	const tables = 20
	var held [3]int
	for seed := range uint64(tables) {
		f, err := FitGammaGamma(t.Context(), simulatedSpend(cdnowSpend, 3000, seed))
		if err != nil {
			t.Fatal(err)
		}
		if !f.Convergence.Converged || len(f.Convergence.Problems) > 0 || math.Abs(f.Correlation) > 0.1 {
			t.Errorf("seed %d: %+v", seed, f)
		}
		for i, truth := range []float64{cdnowSpend.P, cdnowSpend.Q, cdnowSpend.Gamma} {
			if f.Intervals[i][0] <= truth && truth <= f.Intervals[i][1] {
				held[i]++
			}
		}
	}
	for i, n := range held {
		if n < 17 {
			t.Errorf("parameter %d: %d of %d intervals hold the truth", i, n, tables)
		}
	}
}

// TestSpendWarns of what the model takes for granted.
func TestSpendWarns(t *testing.T) {
	uses := simulatedSpend(cdnowSpend, 2000, 3)
	for i := range uses {
		uses[i].Spend *= float64(uses[i].Frequency)
	}
	same := []Uses{{Frequency: 1, Spend: 10}, {Frequency: 2, Spend: 10}, {Frequency: 3, Spend: 10}, {Frequency: 4, Spend: 10}}
	for words, table := range map[string][]Uses{"go together": uses, "hardly determined": simulatedSpend(cdnowSpend, 12, 3), "each customer spends the same every time": same} {
		f, err := FitGammaGamma(t.Context(), table)
		if err != nil {
			t.Fatal(err)
		}
		if said := strings.Join(f.Convergence.Problems, "; "); !strings.Contains(said, words) {
			t.Errorf("expected %q: %+v", words, f)
		}
	}
}

// TestSpendLeavesOut who never came back, and of whom no spend is known or none above 0.
func TestSpendLeavesOut(t *testing.T) {
	uses := simulatedSpend(cdnowSpend, 300, 4)
	f, err := FitGammaGamma(t.Context(), uses)
	if err != nil {
		t.Fatal(err)
	}
	more := append(uses, Uses{Age: 3, Spend: 100}, Uses{Frequency: 1, Spend: 0}, Uses{Frequency: 1, Spend: math.NaN()}, Uses{Frequency: 2, Spend: -4})
	g, err := FitGammaGamma(t.Context(), more)
	if err != nil {
		t.Fatal(err)
	}
	if g.GammaGamma != f.GammaGamma || g.Customers != 300 || g.LeftOut != 3 {
		t.Errorf("%+v, without them %+v", g, f)
	}
	if _, err := FitGammaGamma(t.Context(), uses[:2]); !errors.Is(err, ErrNobodySpent) {
		t.Errorf("two customers: %v", err)
	}
	if _, err := FitGammaGamma(t.Context(), append(uses[:5:5], Uses{Frequency: 1, Spend: math.Inf(1)})); err == nil || errors.Is(err, ErrNobodySpent) {
		t.Errorf("infinite spend: %v", err)
	}
}
