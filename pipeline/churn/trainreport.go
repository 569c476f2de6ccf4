package churn

import (
	"math"

	"parcours/pipeline/event"
)

// Report is what `parcours churn train` prints of a training, beside the model.
type Report struct {
	Until event.Instant // nothing later was looked at
	Split event.Instant // strength and recalibration were found on what happened from here on

	Segments     []SegmentReport
	Months       [3]MonthsReport
	Choices      []Choice
	Coefficients []Coefficient
	// Quality of the fit on what had happened before the split, without recalibration, for landmarks from the split on: what
	// the final model may expect of itself. Horizons that have no outcomes there are missing.
	Quality []Quality
}

// SegmentReport is what a segment had to learn from.
type SegmentReport struct {
	Segment string
	Rows    int
	Lost    int        // rows
	Base    [3]float64 // probability of loss by Horizons
}

// MonthsReport is how the hazard of one group of months was found.
type MonthsReport struct {
	First, Last int
	Losses      int
	Exposure    float64 // customer-months
	Strength    float64 // that was chosen; of a feature the penalty may be more (docs/churnmodel.md)
	Steps       int
	Converged   bool
	Borrowed    bool     // learnt from all months, for want of losses
	Slope       Measured // of the recalibration, found on what came later
	Level       float64
	Held        []string // features that their sign holds at 0
}

// Choice is one strength of the penalty that was tried for a group of months (0, 1, 2).
type Choice struct {
	Months     int
	Strength   float64
	Likelihood float64 // of what came later, natural logarithm, a loss
	Converged  bool
	Steps      int
}

// Coefficient is what a feature does to the odds of a loss in a month of one group: a factor for one standard deviation of it,
// before recalibration.
type Coefficient struct {
	Feature   string
	Months    int // 0, 1, 2
	OddsRatio Measured
}

// fill writes down what the model has not got.
func (r *Report) fill(t *training, later [3]recalibration) {
	m := t.model
	r.Segments = make([]SegmentReport, len(m.Segments))
	for s := range m.Segments {
		r.Segments[s] = SegmentReport{Segment: m.Segments[s], Base: probabilities(m.Base[s])}
	}
	for i, row := range t.rows {
		s := &r.Segments[t.segmentOf(int32(i))]
		s.Rows++
		if row.lostBy(t.until) {
			s.Lost++
		}
	}
	for g, months := range monthGroups {
		h := &m.Months[g]
		r.Months[g] = MonthsReport{First: months[0], Last: months[1], Losses: h.Losses, Exposure: h.Exposure, Strength: h.Strength, Steps: h.Steps,
			Converged: h.Converged, Borrowed: h.Borrowed, Slope: Measured{later[g].slope, later[g].slopeLow, later[g].slopeHigh}, Level: h.Level}
		r.coefficients(t, g)
	}
}

// coefficients lists those of one group of months that are not 0, with their intervals, and those held at 0.
func (r *Report) coefficients(t *training, g int) {
	h := &t.model.Months[g]
	errors := map[int]float64{}
	at := 0
	for n, p := range h.Free {
		at += n + 1
		errors[p] = math.Sqrt(float64(h.Covariance[at-1]))
	}
	for i, name := range t.model.Features {
		p := t.first() + i
		scale, wide := t.scale[p], normal95*errors[p]
		switch c := h.Coefficients[i]; {
		case c != 0:
			r.Coefficients = append(r.Coefficients, Coefficient{name, g, Measured{math.Exp(c * scale), math.Exp((c - wide) * scale), math.Exp((c + wide) * scale)}})
		case scale > 0 && t.sign[p] != 0:
			r.Months[g].Held = append(r.Months[g].Held, name)
		}
	}
}

// Measure is one figure of the quality of a model: a row of the table model_quality.
type Measure struct {
	Model   string
	AsOf    event.Instant // up to when outcomes were known
	Horizon int           // days
	Segment string        // "" for all
	Measure string        // auc, pr_auc, brier, brier_base, brier_skill, observed_expected, slope, intercept, level, ece, observed, expected; of bins predicted, observed_share, lift; psi
	Bin     int           // 1 (highest scores) to 10; 0 for all
	Value   float64       // NaN where there is none
	Low     float64       // 95 %; NaN where there is none
	High    float64
	N       int // rows judged
}

// Measures are the rows of model_quality that quality makes.
func Measures(model string, asOf event.Instant, quality []Quality) (rows []Measure) {
	for i := range quality {
		q := &quality[i]
		add := func(measure string, bin int, m Measured, n int) {
			rows = append(rows, Measure{model, asOf, q.Horizon, q.Segment, measure, bin, m.Value, m.Low, m.High, n})
		}
		figure := func(v float64) Measured { return Measured{v, math.NaN(), math.NaN()} }
		for _, f := range []struct {
			measure string
			of      Measured
		}{
			{"auc", q.AUC}, {"pr_auc", q.PRAUC}, {"brier", q.Brier}, {"brier_base", q.BrierBase}, {"brier_skill", q.Skill},
			{"observed", figure(q.Observed)}, {"expected", figure(q.Expected)}, {"observed_expected", q.Ratio},
			{"slope", q.Slope}, {"intercept", q.Intercept}, {"level", q.Level}, {"ece", q.ECE},
		} {
			add(f.measure, 0, f.of, q.N)
		}
		for b := range q.Bins {
			bin := &q.Bins[b]
			n := int(math.Round(bin.N))
			add("predicted", b+1, figure(bin.Predicted), n)
			add("observed_share", b+1, bin.Observed, n)
			add("lift", b+1, bin.Lift, n)
		}
	}
	return rows
}

// Drift is the row of model_quality that says how far the scores of a day are from those of training (PSI of the 365-day
// probability).
func (m *Model) Drift(asOf event.Instant, segment string, scores []float64) Measure {
	return Measure{m.Version, asOf, Horizons[2], segment, "psi", 0, m.Scores.PSI(scores), math.NaN(), math.NaN(), len(scores)}
}
