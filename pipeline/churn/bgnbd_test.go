package churn

import (
	"math"
	"testing"
)

// cdnow are the estimates that Fader, Hardie and Lee (2005) publish for CDNOW, in weeks.
var cdnow = BGNBD{R: 0.243, Alpha: 4.414, A: 0.793, B: 2.426}

// agrees fails where a figure is not what it should be, but for so much of it.
func agrees(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*math.Abs(want)) {
		t.Errorf("%s: %.15g, expected %.15g", what, got, want)
	}
}

// The figures below were computed with 60 digits (mpmath) from equations 6 and 10 as they stand in the paper, and from P(alive)
// as in the note of 2008.

func TestLikelihoodOfOneCustomer(t *testing.T) {
	modified := cdnow
	modified.Modified = true
	for _, c := range []struct {
		model BGNBD
		uses  Uses
		want  float64
	}{
		{BGNBD{R: 1, Alpha: 1, A: 1, B: 1}, Uses{Frequency: 1, Recency: 1, Age: 2}, math.Log(13.0 / 72)}, // by hand: 1/2 x 1/9 + 1/2 x 1/4
		{cdnow, Uses{Age: 38.86}, -0.554713276438158451},
		{cdnow, Uses{Frequency: 2, Recency: 30.43, Age: 38.86}, -9.45860630706627125},
		{cdnow, Uses{Frequency: 7, Recency: 29.43, Age: 38.86}, -21.8632762714635183},
		{cdnow, Uses{Frequency: 500, Recency: 360, Age: 365}, -355.094670686652377},
		{cdnow, Uses{Frequency: 2000, Recency: 100, Age: 1000}, 3888.76455245606458}, // the odds to have left overflow
		{BGNBD{R: 1e6, Alpha: 2e7, A: 1e-6, B: 3}, Uses{Frequency: 4, Recency: 30, Age: 38}, -13.8829295905802622},
		{modified, Uses{Age: 38.86}, -0.38695222057085345},
		{modified, Uses{Frequency: 2, Recency: 30.43, Age: 38.86}, -9.68718263624996143},
	} {
		agrees(t, "log likelihood", c.model.LogLikelihood([]Uses{c.uses}), c.want, 1e-12)
	}
	if got := cdnow.LogLikelihood([]Uses{{}}); got != 0 {
		t.Errorf("of one who came on the last day: %g, expected 0", got)
	}
	if got := cdnow.LogLikelihood([]Uses{{Frequency: 1, Recency: 3, Age: 2}}); !math.IsNaN(got) {
		t.Errorf("of an impossible customer: %g, expected none", got)
	}
}

// TestLikelihoodSums: over customers, whatever their order, those who are alike included.
func TestLikelihoodSums(t *testing.T) {
	uses := []Uses{{Age: 38.86}, {Frequency: 2, Recency: 30.43, Age: 38.86}, {Age: 38.86}, {Frequency: 7, Recency: 29.43, Age: 38.86}, {Age: 38.86}}
	agrees(t, "sum", cdnow.LogLikelihood(uses), 3*-0.554713276438158451-9.45860630706627125-21.8632762714635183, 1e-12)
}

func TestAlive(t *testing.T) {
	modified := cdnow
	modified.Modified = true
	for _, c := range []struct {
		model BGNBD
		uses  Uses
		want  float64
	}{
		{cdnow, Uses{Age: 1e6}, 1}, // seen once: certain, whatever the age
		{cdnow, Uses{Frequency: 2, Recency: 30.43, Age: 38.86}, 0.726578570080673},
		{cdnow, Uses{Frequency: 7, Recency: 29.43, Age: 38.86}, 0.641756345946107},
		{cdnow, Uses{Frequency: 3, Recency: 10, Age: 10}, (cdnow.B + 2) / (cdnow.A + cdnow.B + 2)}, // just now: all that is left is the last chance
		{modified, Uses{Age: 38.86}, 0.637253337964895},
	} {
		agrees(t, "alive", c.model.Alive(c.uses), c.want, 1e-12)
	}
	if got := cdnow.Alive(Uses{Frequency: 2000, Recency: 100, Age: 1000}); got != 0 {
		t.Errorf("silent for 900 weeks after 20 a week: %g", got)
	}
}

// TestExpectedUses against equation 10, where it is easy and where it is known to fail: the customer of the paper (1.226), far
// horizons, many purchases, a = 1, a+b = 1 and below, and parameters for which other programs gave no number.
func TestExpectedUses(t *testing.T) {
	for _, c := range []struct {
		model BGNBD
		uses  Uses
		t     float64
		want  float64
	}{
		{cdnow, Uses{Frequency: 2, Recency: 30.43, Age: 38.86}, 39, 1.22602817476714},
		{cdnow, Uses{Age: 38.86}, 39, 0.195098052011263},
		{cdnow, Uses{}, 78, 1.86051905794277},
		{cdnow, Uses{Frequency: 7, Recency: 29.43, Age: 38.86}, 1e6, 188.500934595914},
		{cdnow, Uses{Frequency: 800, Recency: 370, Age: 372}, 365, 544.412057237096},
		{BGNBD{R: 0.11, Alpha: 2.24, A: 0.31, B: 0.5}, Uses{Age: 1}, 30, 0.564588615532785},
		{BGNBD{R: 0.5458741247391189, Alpha: 13.409316394557274, A: 0.0009994943799344323, B: 0.03899022143378801},
			Uses{Frequency: 1, Recency: 10, Age: 20}, 30, 1.32808151549222},
		{BGNBD{R: 0.5, Alpha: 4, A: 0.25, B: 0.75}, Uses{Age: 10}, 20, 0.598738292891631},
		{BGNBD{R: 2, Alpha: 4, A: 3, B: 5}, Uses{Frequency: 3, Recency: 9, Age: 10}, 0.001, 0.00022033784875707},
		{BGNBD{R: 1, Alpha: 8, A: 500, B: 1000}, Uses{Frequency: 40, Recency: 100, Age: 120}, 50, 0.00598919482172754},
		{BGNBD{R: 3, Alpha: 0.01, A: 0.05, B: 0.02}, Uses{}, 1e5, 3691695.90075673},
		{BGNBD{R: 1, Alpha: 8, A: 1, B: 3}, Uses{Frequency: 2, Recency: 5, Age: 10}, 26, 1.83764225210169},
	} {
		agrees(t, "expected", c.model.Expected(c.uses, c.t), c.want, 1e-10)
	}
	for _, none := range []float64{0, -1, math.NaN()} {
		if got := cdnow.Expected(Uses{Age: 3}, none); got != 0 {
			t.Errorf("in %g: %g expected", none, got)
		}
	}
}

// TestSeriesAndIntegralAgree over the whole range of what may be asked.
func TestSeriesAndIntegralAgree(t *testing.T) {
	for _, shape := range []float64{0.01, 0.5, 3, 200, 1500} {
		for _, s := range []float64{1e-6, 0.1, 1, 30} {
			for _, a := range []float64{0.01, 0.5, 1, 20, 3000} {
				for _, b := range []float64{0.02, 1, 50, 4000} {
					agrees(t, "series and integral", expectedBySeries(shape, s, a, b), expectedByIntegral(shape, s, a, b), 1e-8)
				}
			}
		}
	}
}

// TestExpectedGrowsWithTime, and never more than by one who never leaves: also where the series gives way to the integral.
func TestExpectedGrowsWithTime(t *testing.T) {
	u := Uses{Frequency: 30, Recency: 40, Age: 45}
	last := 0.0
	for weeks := 1.0; weeks < 1e5; weeks *= 1.1 {
		now := cdnow.Expected(u, weeks)
		if bound := (cdnow.R + 30) / (cdnow.Alpha + 45) * weeks; now <= last || now > bound {
			t.Fatalf("in %g weeks %g are expected, %g before, %g of one who never leaves", weeks, now, last, bound)
		}
		last = now
	}
}

func TestExpectedOfCohort(t *testing.T) {
	agrees(t, "cohort", cdnow.ExpectedOfCohort(30, 48), cdnow.ExpectedOfNew(78)-cdnow.ExpectedOfNew(30), 1e-12)
	agrees(t, "new", cdnow.ExpectedOfNew(78), 1.86051905794277, 1e-10)
}

// TestTimes: probabilities of equation 8 add up to one, and their mean is equation 9.
func TestTimes(t *testing.T) {
	for _, modified := range []bool{false, true} {
		m := cdnow
		m.Modified = modified
		list := m.times(39, 2000)
		sum, mean := 0.0, 0.0
		for n, p := range list {
			if p < -1e-12 {
				t.Fatalf("%d times: probability %g", n, p)
			}
			sum, mean = sum+p, mean+float64(n)*p
		}
		agrees(t, "sum", sum, 1, 1e-12)
		agrees(t, "mean", mean, m.ExpectedOfNew(39), 1e-6)
	}
	agrees(t, "not once", cdnow.times(39, 5)[0], math.Pow(cdnow.Alpha/(cdnow.Alpha+39), cdnow.R), 1e-12)
}
