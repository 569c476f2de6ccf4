package churn

import (
	"math"
	"slices"
	"testing"
)

// TestAccept: the truth passes; who always says zero, the base rate, or twice the truth, or half of it, fails; and so does who
// knows less than it could, or exaggerates.
func TestAccept(t *testing.T) {
	for seed := range uint64(1) {
		w := simple(40 + seed)
		end := testStart + 1000*365*testDay
		rows, truth := w.rows(30_000, 0, end)
		judge := func(of func(i int) [3]float64) []Quality { return qualityOf(predictions(rows, of), end, 0) }
		scaled := func(by float64) func(i int) [3]float64 {
			return func(i int) [3]float64 { return [3]float64{by * truth[i][0], by * truth[i][1], min(1, by*truth[i][2])} }
		}
		best := judge(scaled(1))
		if failures := Accept(best, best); failures != nil {
			t.Errorf("the truth: %v", failures)
		}
		base := [3]float64{}
		for h := range base {
			base[h] = best[slices.IndexFunc(best, func(q Quality) bool { return q.Horizon == Horizons[h] })].Observed / float64(len(rows))
		}
		for name, c := range map[string]struct {
			of   func(i int) [3]float64
			must []string
		}{
			"always zero":        {scaled(0), []string{"auc", "observed_expected", "slope", "brier"}},
			"always the base":    {func(int) [3]float64 { return base }, []string{"auc", "slope", "brier"}},
			"twice the truth":    {scaled(2), []string{"observed_expected"}},
			"half the truth":     {scaled(0.5), []string{"observed_expected"}},
			"too extreme":        {func(i int) [3]float64 { return stretched(truth[i], 1.5) }, []string{"slope"}},
			"too tame":           {func(i int) [3]float64 { return stretched(truth[i], 0.7) }, []string{"slope"}},
			"never a number":     {func(int) [3]float64 { return [3]float64{math.NaN(), math.NaN(), math.NaN()} }, []string{"n"}},
			"of the wrong order": {func(i int) [3]float64 { return truth[len(truth)-1-i] }, []string{"auc", "slope", "brier"}},
		} {
			failures := Accept(judge(c.of), best)
			for _, measure := range c.must {
				for _, days := range Horizons {
					if measure == "n" {
						days = 0
					}
					if !slices.ContainsFunc(failures, func(f Failure) bool { return f.Measure == measure && f.Horizon == days && f.Segment == "" }) {
						t.Errorf("%s passes %s at %d days: %v", name, measure, days, failures)
					}
				}
			}
		}
	}
}

// stretched multiplies the log odds, away from those of 5 %.
func stretched(p [3]float64, by float64) (out [3]float64) {
	for h, v := range p {
		middle := math.Log(0.05 / 0.95)
		out[h] = logistic(middle + by*(math.Log(v/(1-v))-middle))
	}
	return out
}

// TestAcceptSegments: one segment that is foretold twice what comes fails though all together pass; one with few losses fails
// only when chance cannot explain it.
func TestAcceptSegments(t *testing.T) {
	q := []Quality{
		{Horizon: 30, AUC: Measured{Value: 0.8}, Ratio: Measured{1, 0.9, 1.1}, Slope: Measured{1, 0.9, 1.1}, Brier: Measured{Value: 1}, BrierBase: Measured{Value: 2}},
		{Horizon: 30, Segment: "a", Observed: 60, Expected: 120, Ratio: Measured{0.5, 0.4, 0.6}},
		{Horizon: 30, Segment: "b", Observed: 10, Expected: 20, Ratio: Measured{0.5, 0.3, 0.9}},
		{Horizon: 30, Segment: "c", Observed: 4, Expected: 20, Ratio: Measured{0.2, 0.1, 0.5}},
		{Horizon: 30, Segment: "d", Observed: 4, Expected: 0, Ratio: Measured{math.Inf(1), math.Inf(1), math.Inf(1)}},
	}
	var failed []string
	for _, f := range Accept(q, []Quality{{Horizon: 30, AUC: Measured{Value: 0.819}}}) {
		failed = append(failed, f.Segment)
	}
	if !slices.Equal(failed, []string{"a", "c", "d"}) {
		t.Errorf("failed: %q", failed)
	}
	if failures := Accept(q[:1], []Quality{{Horizon: 30, AUC: Measured{Value: 0.83}}}); len(failures) != 1 || failures[0].Measure != "auc" {
		t.Errorf("3 points below the best: %v", failures)
	}
}
