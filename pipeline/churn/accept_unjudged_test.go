package churn

import (
	"math"
	"strings"
	"testing"

	"parcours/pipeline/event"
)

// TestUnjudged: each horizon that no outcome can judge is named, with the reason; those that are judged are not.
func TestUnjudged(t *testing.T) {
	until := testStart + 100*testDay
	row := func(at event.Instant, followed float64, p float64) Prediction {
		return Prediction{Customer: "c", At: at, P: [3]float64{p, p, p}, FollowUp: followed}
	}
	for what, c := range map[string]struct {
		predictions []Prediction
		want        map[int]string // horizon: part of the reason
	}{
		"nobody": {nil, map[int]string{30: "nobody", 90: "nobody", 365: "nobody"}},
		"captive customers alone": {
			[]Prediction{row(testStart, 100, math.NaN())}, map[int]string{30: "nobody", 90: "nobody", 365: "nobody"},
		},
		"a hundred days": {[]Prediction{row(testStart, 100, 0.1)}, map[int]string{365: "100 days"}},
		"of two landmarks the first counts": {
			[]Prediction{row(testStart+80*testDay, 20, 0.1), row(testStart, 100, 0.1)}, map[int]string{365: "100 days"},
		},
		"ended by the company": {[]Prediction{row(testStart, 40, 0.1)}, map[int]string{90: "ended otherwise", 365: "100 days"}},
	} {
		got := UnjudgedOf(c.predictions, until)
		if len(got) != len(c.want) {
			t.Errorf("%s: %+v", what, got)
		}
		for _, u := range got {
			if part, is := c.want[u.Horizon]; !is || !strings.Contains(u.Why, part) {
				t.Errorf("%s: %d days: %q", what, u.Horizon, u.Why)
			}
		}
	}
}
