package churn

import (
	"fmt"
	"math"
	"time"

	"parcours/pipeline/event"
)

// The bounds within which a model is accepted.
const (
	AcceptAUC       = 0.02 // at most so far below the best possible
	AcceptRatioLow  = 0.8  // observed/expected, overall and in each segment
	AcceptRatioHigh = 1.25
	AcceptSlopeLow  = 0.8
	AcceptSlopeHigh = 1.2
	AcceptLosses    = 100 // a segment with fewer, observed and expected, is out of bounds only if its whole interval is
)

// Failure is one bound that a model broke.
type Failure struct {
	Horizon int    `json:"horizon"` // days
	Segment string `json:"segment,omitempty"`
	Measure string `json:"measure"`
	Value   float64
	Bound   string `json:"bound"`
}

func (f Failure) String() string {
	where := "overall"
	if f.Segment != "" {
		where = "segment " + f.Segment
	}
	return fmt.Sprintf("%d days, %s: %s is %.4g, not %s", f.Horizon, where, f.Measure, f.Value, f.Bound)
}

// Accept says which bounds the quality of predictions breaks, given that of the best possible ones for the same rows (the
// planted truth of a simulation): at each horizon AUC within 0.02 of the best, observed/expected within 0.8 to 1.25 overall
// and in each segment, calibration slope within 0.8 to 1.2, Brier below that of the segments' rates. A figure that is none
// breaks its bound. Without a best, AUC is held to nothing but 0.5.
func Accept(quality, best []Quality) (failures []Failure) {
	for i := range quality {
		q := &quality[i]
		if q.Segment != "" {
			failures = append(failures, q.acceptSegment()...)
			continue
		}
		least := 0.5
		for j := range best {
			if best[j].Horizon == q.Horizon && best[j].Segment == "" {
				least = best[j].AUC.Value - AcceptAUC
			}
		}
		failures = append(failures, q.accept(least)...)
	}
	if len(quality) == 0 {
		failures = append(failures, Failure{Measure: "n", Bound: "at least 1"})
	}
	return failures
}

// accept holds all customers to the bounds.
func (q *Quality) accept(leastAUC float64) (failures []Failure) {
	fail := func(ok bool, measure string, value float64, bound string) {
		if !ok {
			failures = append(failures, Failure{q.Horizon, q.Segment, measure, value, bound})
		}
	}
	fail(q.AUC.Value >= leastAUC, "auc", q.AUC.Value, fmt.Sprintf("at least %.4f", leastAUC))
	fail(q.Ratio.within(AcceptRatioLow, AcceptRatioHigh), "observed_expected", q.Ratio.Value, "within 0.8 to 1.25")
	fail(q.Slope.within(AcceptSlopeLow, AcceptSlopeHigh), "slope", q.Slope.Value, "within 0.8 to 1.2")
	fail(q.Brier.Value < q.BrierBase.Value, "brier", q.Brier.Value, fmt.Sprintf("below %.6g", q.BrierBase.Value))
	return failures
}

// acceptSegment holds one segment to its bound.
func (q *Quality) acceptSegment() []Failure {
	ok := q.Ratio.within(AcceptRatioLow, AcceptRatioHigh)
	if math.Max(q.Observed, q.Expected) < AcceptLosses && q.Expected > 0 {
		ok = q.Ratio.Low <= AcceptRatioHigh && q.Ratio.High >= AcceptRatioLow
	}
	if ok {
		return nil
	}
	return []Failure{{q.Horizon, q.Segment, "observed_expected", q.Ratio.Value, "within 0.8 to 1.25"}}
}

func (m Measured) within(low, high float64) bool { return low <= m.Value && m.Value <= high }

// Unjudged is a horizon that no outcome can judge yet: nothing is known of how good probabilities within it are.
type Unjudged struct {
	Horizon int    `json:"horizon_days"`
	Why     string `json:"why"`
}

// UnjudgedOf says which horizons are missing from the quality of predictions, and why: nobody was foretold anything, no landmark has
// been followed for so long, or all contracts that were ended otherwise.
func UnjudgedOf(predictions []Prediction, until event.Instant) (list []Unjudged) {
	for h, days := range Horizons {
		if len(Judge(predictions, h, until)) == 0 {
			list = append(list, Unjudged{days, whyUnjudged(predictions, h, until)})
		}
	}
	return list
}

func whyUnjudged(predictions []Prediction, horizon int, until event.Instant) string {
	first := until
	foretold := false
	for i := range predictions {
		if p := &predictions[i]; !math.IsNaN(p.P[horizon]) {
			first, foretold = min(first, p.At), true
		}
	}
	followed := int((until - first) / millisecondsPerDay)
	switch {
	case !foretold:
		return "nobody could leave at a landmark that the model did not know"
	case followed < Horizons[horizon]:
		return fmt.Sprintf("the first landmark that the model did not know, %s, has been followed for %d days only", first.Time().Format(time.DateOnly), followed)
	}
	return "each contract that could have been followed for so long was ended otherwise before"
}
