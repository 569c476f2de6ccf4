package churn

import (
	"math"

	"parcours/pipeline/rules"
)

// Burden says what breakpoints have left behind with the customer of a row, for setting it beside losses
// (pipeline/attribution): of each kind, in the order of rules.Kinds, the number of its breakpoints known by the landmark, each
// halved every 90 days.
func (f *Features) Burden(r *Row) []float64 { return f.halved(r, ":90d") }

// HeldAlike is what makes customers of one segment leave more or less beside their burdens: the logarithm of 1 and the annual
// margin, whether that is known, the logarithm of 1 and the years of the contract; and of each kind what is fresh, its breakpoints
// halved every 7 days. A need is still under way then: who was refused yesterday comes back tomorrow, and what is yet to break
// for them is in no burden.
func (f *Features) HeldAlike(r *Row) []float64 {
	return append([]float64{f.of(r, "margin"), f.of(r, "margin_known"), f.of(r, "tenure")}, f.halved(r, ":7d")...)
}

// halved gives a number for each kind of breakpoint.
func (f *Features) halved(r *Row, every string) []float64 {
	kinds := rules.Kinds()
	list := make([]float64, len(kinds))
	for i, kind := range kinds {
		list[i] = f.of(r, kind+every)
	}
	return list
}

// of is a feature by its name; 0 for one that a row does not have.
func (f *Features) of(r *Row, name string) float64 {
	if i := f.Number(name); i >= 0 && i < len(r.X) && !math.IsNaN(r.X[i]) {
		return r.X[i]
	}
	return 0
}
