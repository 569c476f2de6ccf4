package attribution

import (
	"math"
	"testing"
)

// TestShrinkByHand: three families of a kind, with logarithms 0.6, 0.1, -0.2 and variances 0.04, 0.01, 0.09.
// Weights 25, 100, 11.1111111 (sum 136.1111111, squares 10748.4567901); mean (15 + 10 - 2.2222222) / 136.1111111 = 0.1673469;
// Q = 25 x 0.4326531² + 100 x 0.0673469² + 11.1111111 x 0.3673469² = 6.6326531;
// tau² = (6.6326531 - 2) / (136.1111111 - 10748.4567901 / 136.1111111) = 4.6326531 / 57.1428571 = 0.0810714.
// With it weights are 8.2595870, 10.9803922, 5.8455115; their mean is (4.9557522 + 1.0980392 - 1.1691023) / 25.0854907
// = 0.1947217.
func TestShrinkByHand(t *testing.T) {
	kind := []Association{
		{Says: Estimated, RiskRatio: Estimate{math.Exp(0.6), math.Exp(0.2), math.Exp(1)}, Variance: 0.04, ComparedLosses: 40},
		{Says: TooFewToSay},
		{Says: Estimated, RiskRatio: Estimate{math.Exp(0.1), math.Exp(-0.1), math.Exp(0.3)}, Variance: 0.01, ComparedLosses: 100},
		{Says: Estimated, RiskRatio: Estimate{math.Exp(-0.2), math.Exp(-0.8), math.Exp(0.4)}, Variance: 0.09, ComparedLosses: 30},
	}
	logs, variances := []float64{0.6, 0.1, -0.2}, []float64{0.04, 0.01, 0.09}
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-6 {
			t.Errorf("%s: %.7f, expected %.7f", what, got, want)
		}
	}
	tau := betweenVariance(logs, variances)
	near("tau²", tau, 0.0810714)
	near("the kind's mean", weightedMean(logs, variances, tau), 0.1947217)
	shrink(kind)
	// 0.6 keeps 0.0810714 / 0.1210714 = 0.6696165 of itself: 0.6696165 x 0.6 + 0.3303835 x 0.1947217.
	near("the first", math.Log(kind[0].Shrunk.Value), 0.4661027)
	near("the second", math.Log(kind[2].Shrunk.Value), 0.1104008)
	near("the third", math.Log(kind[3].Shrunk.Value), 0.0076615)
	// The interval moves by what the centre moved, and still holds the raw one.
	near("its lower end", math.Log(kind[0].Shrunk.Low), 0.2-0.1338973)
	near("its upper end", math.Log(kind[0].Shrunk.High), 1)
	near("losses", kind[0].Losses.Value, 40*(1-1/kind[0].Shrunk.Value))
	if kind[1] != (Association{Says: TooFewToSay}) {
		t.Errorf("too few to say, and says %+v", kind[1])
	}
	if got := betweenVariance([]float64{0.1, 0.11}, []float64{0.04, 0.04}); got != 0 {
		t.Errorf("two that agree differ by %v", got)
	}
}

// TestPoisson: weights are Poisson numbers of mean 1, and differ by customer and replicate.
func TestPoisson(t *testing.T) {
	var counts [16]int
	var weights lanes
	var sum, products float64
	const customers = 4000
	for c := range uint64(customers) {
		draw(&weights, mix(c), int(c%7)*atOnce)
		for i := range atOnce {
			w := weights.of(i)
			counts[int(w)]++
			sum += w
			if i > 0 {
				products += (w - 1) * (weights.of(i-1) - 1)
			}
		}
	}
	n, likely := float64(customers*atOnce), math.Exp(-1)
	for k := range 7 {
		if want := n * likely; math.Abs(float64(counts[k])-want) > 4*math.Sqrt(want) {
			t.Errorf("%d comes %d times, expected %.0f", k, counts[k], want)
		}
		likely /= float64(k + 1)
	}
	if math.Abs(sum/n-1) > 0.006 || math.Abs(products/n) > 0.006 {
		t.Errorf("mean %v, correlation of neighbours %v", sum/n, products/n)
	}
}
