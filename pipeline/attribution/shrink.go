package attribution

import "math"

// shrink moves the logarithms of one kind's risk ratios towards their mean, weighted by precision, each the more the less it
// is sure of itself (empirical Bayes): by the variance tau² between reason families, as DerSimonian and Laird (1986) estimate
// it, against its own.
//
// The interval moves with its centre, keeps its width, and is then stretched to hold the raw interval too: where only one
// family is worse than the others, shrinking pulls it away from the truth, and the interval must not say that this is known.
func shrink(kind []Association) {
	var logs, variances []float64
	for i := range kind {
		if kind[i].Says == Estimated {
			logs, variances = append(logs, math.Log(kind[i].RiskRatio.Value)), append(variances, kind[i].Variance)
		}
	}
	tau := betweenVariance(logs, variances)
	mean := weightedMean(logs, variances, tau)
	for i := range kind {
		if a := &kind[i]; a.Says == Estimated {
			a.shrink(mean, tau)
		}
	}
}

func (a *Association) shrink(mean, tau float64) {
	trust := tau / (tau + a.Variance)
	moved := (mean - math.Log(a.RiskRatio.Value)) * (1 - trust)
	by := math.Exp(moved)
	a.Shrunk = Estimate{a.RiskRatio.Value * by, min(a.RiskRatio.Low, a.RiskRatio.Low*by), max(a.RiskRatio.High, a.RiskRatio.High*by)}
	of := func(ratio float64) float64 { return float64(a.ComparedLosses) * (1 - 1/ratio) }
	a.Losses = Estimate{of(a.Shrunk.Value), of(a.Shrunk.Low), of(a.Shrunk.High)}
}

// betweenVariance is DerSimonian and Laird's tau², 0 where the estimates differ by no more than chance lets them.
func betweenVariance(values, variances []float64) float64 {
	var sum, squares, q float64
	mean := weightedMean(values, variances, 0)
	for i, v := range values {
		w := 1 / variances[i]
		sum, squares, q = sum+w, squares+w*w, q+w*(v-mean)*(v-mean)
	}
	if len(values) < 2 {
		return 0
	}
	return max(0, (q-float64(len(values)-1))/(sum-squares/sum))
}

// weightedMean weighs each value by 1 / (its variance + tau).
func weightedMean(values, variances []float64, tau float64) float64 {
	var sum, weights float64
	for i, v := range values {
		w := 1 / (variances[i] + tau)
		sum, weights = sum+w*v, weights+w
	}
	return sum / weights
}
