package churn

import (
	"slices"
	"strings"
	"testing"
)

// TestUnknownTenure: to the prior somebody whose contract began nobody knows when is the usual customer, and how long they have been
// one is no reason; one who has begun today has that as a reason.
func TestUnknownTenure(t *testing.T) {
	columns := AllFeatures()
	prior := Prior(columns)
	row := func(set map[string]float64) *Row {
		x := make([]float64, columns.Len())
		for name, v := range set {
			x[columns.Number(name)] = v
		}
		return &Row{Segment: "standard", X: x}
	}
	unknown := prior.Score(row(nil))
	if !near64(unknown.P[2], priorYear, 1e-9) || unknown.Reasons != nil {
		t.Errorf("tenure unknown: %v, %+v", unknown.P, unknown.Reasons)
	}
	begun := prior.Score(row(map[string]float64{"tenure_known": 1}))
	if begun.P[2] <= priorYear*1.2 || len(begun.Reasons) != 1 || begun.Reasons[0].Feature != "tenure" {
		t.Errorf("begun today: %v, %+v", begun.P, begun.Reasons)
	}
	complains := prior.Score(row(map[string]float64{"complaints:30d": 2}))
	if len(complains.Reasons) != 1 || complains.Reasons[0].Feature != "complaints:30d" {
		t.Errorf("tenure unknown, and complains: %+v", complains.Reasons)
	}
}

// TestUnknownValues: a model that has learnt what it means that a value is not known says so by that alone; one that has never seen
// it takes the mean of the segment. Neither gives the value as a reason.
func TestUnknownValues(t *testing.T) {
	columns := plain{names: []string{"tenure", "tenure_known", "b"}}
	row := func(x ...float64) *Row { return &Row{X: x} }
	learnt := known(columns, []float64{-1, 0.5, 1}, []float64{2, 0.9, 0})
	never := known(columns, []float64{-1, 0, 1}, []float64{2, 1, 0})
	reasons := func(s Score) string {
		var list []string
		for _, r := range s.Reasons {
			list = append(list, r.Feature)
		}
		return strings.Join(list, " ")
	}
	for what, c := range map[string]struct {
		m       *Model
		row     *Row
		as      *Row // of which the probability is the same
		reasons string
	}{
		"learnt, unknown":   {learnt, row(0, 0, 1), row(0.5, 1, 1), "b"},
		"learnt, known":     {learnt, row(0, 1, 1), row(0, 1, 1), "tenure b tenure_known"},
		"never seen":        {never, row(0, 0, 1), row(2, 1, 1), "b"},
		"never seen, known": {never, row(0, 1, 1), row(0, 1, 1), "tenure b"},
	} {
		s, as := c.m.Score(c.row), c.m.Score(c.as)
		if !slices.EqualFunc(s.P[:], as.P[:], func(a, b float64) bool { return near64(a, b, 1e-12) }) || reasons(s) != c.reasons {
			t.Errorf("%s: %v, not %v; reasons %q", what, s.P, as.P, reasons(s))
		}
	}
}
