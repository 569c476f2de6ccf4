package churn

import (
	"math"
	"slices"
)

// Distribution is how scores spread: shares of them below the first edge, from each edge to the next, and from the last on.
type Distribution struct {
	Edges  []float64 `json:"edges"`
	Shares []float64 `json:"shares"`
}

// DistributionOf cuts scores into ten equal parts, or fewer where many are the same.
func DistributionOf(scores []float64) Distribution {
	sorted := slices.Sorted(slices.Values(scores))
	var d Distribution
	for i := 1; i < Bins && len(sorted) > 0; i++ {
		if edge := sorted[i*len(sorted)/Bins]; edge > sorted[0] && (len(d.Edges) == 0 || edge > d.Edges[len(d.Edges)-1]) {
			d.Edges = append(d.Edges, edge)
		}
	}
	d.Shares = d.sharesOf(scores)
	return d
}

func (d Distribution) sharesOf(scores []float64) []float64 {
	shares := make([]float64, len(d.Edges)+1)
	for _, s := range scores {
		at, found := slices.BinarySearch(d.Edges, s)
		if found {
			at++
		}
		shares[at] += 1 / float64(max(1, len(scores)))
	}
	return shares
}

// PSI is the population stability index of scores against the distribution: the sum over its parts of (share now - share then)
// x ln(share now / share then). Below 0.1 little has changed, above 0.25 much (Siddiqi 2006). A part that is empty counts as
// half a score. NaN where there are no scores.
func (d Distribution) PSI(scores []float64) (psi float64) {
	if len(scores) == 0 || len(d.Shares) == 0 {
		return math.NaN()
	}
	least := 0.5 / float64(len(scores))
	for i, now := range d.sharesOf(scores) {
		now, then := max(now, least), max(d.Shares[i], least)
		psi += (now - then) * math.Log(now/then)
	}
	return psi
}
