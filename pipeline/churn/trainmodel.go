package churn

import (
	"slices"
	"strconv"
)

// describe begins a model: what its rows look like.
func (t *training) describe() *Model {
	m := &Model{TrainedUntil: t.until, Rows: len(t.rows), Features: slices.Clone(t.columns.Names()), Segments: slices.Clone(t.segments)}
	m.Losses = t.lostBy(t.until)
	last := ""
	for _, r := range t.rows {
		if m.Customers == 0 || r.Customer != last {
			m.Customers, last = m.Customers+1, r.Customer
		}
	}
	for h, days := range Horizons {
		m.Projection[h] = !slices.ContainsFunc(t.rows, func(r *Row) bool { return float64(t.until-r.At) >= float64(days)*millisecondsPerDay })
	}
	m.Least, m.Most = slices.Clone(t.least), slices.Clone(t.most)
	m.Means = make([][]float64, len(m.Segments)+1)
	for s := range m.Means {
		m.Means[s] = make([]float64, t.features)
	}
	counts := make([]float64, len(m.Means))
	for _, r := range t.rows {
		own, _ := slices.BinarySearch(m.Segments, r.Segment)
		for _, s := range []int{own, len(m.Segments)} {
			counts[s]++
			for i := range r.X {
				m.Means[s][i] += (t.at(r, i) - m.Means[s][i]) / counts[s]
			}
		}
	}
	for s := range m.Means {
		for i, v := range m.Means[s] {
			m.Means[s][i] = rounded(v, 9)
		}
	}
	return m
}

// set takes over what was found, in the units of the features.
func (h *Hazard) set(f *fitted, r recalibration, p *problem) {
	d := f.design
	h.Intercept = f.params[0]
	h.Offsets = slices.Clone(f.params[1:d.first()])
	h.Coefficients = make([]float64, d.features)
	for i := range h.Coefficients {
		if s := d.scale[d.first()+i]; s > 0 {
			h.Coefficients[i] = f.params[d.first()+i] / s
		}
	}
	h.Slope, h.Level, h.Levels = r.slope, r.level, slices.Clone(r.levels)
	h.Strength, h.Converged, h.Steps = f.strength, f.converged, f.steps
	if p != nil {
		h.Losses, h.Exposure = tally(p.seen)
	}
}

// keep takes over how uncertain that is.
func (m *Model) keep(d *design, u uncertainty) {
	for g := range m.Months {
		h := &m.Months[g]
		h.Free, h.Covariance = u.free[g], nil
		for i, at := range h.Free {
			for j, other := range h.Free[:i+1] {
				h.Covariance = append(h.Covariance, float32(rounded(u.covariance[g].At(i, j)/d.scale[at]/d.scale[other], 6)))
			}
		}
	}
	m.Correlation = u.correlation
}

// rounded keeps so many digits, so that a model is short enough for the log.
func rounded(v float64, digits int) float64 {
	short, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', digits-1, 64), 64)
	if err != nil {
		return v
	}
	return short
}

// bases are the rates of segments.
func (t *training) bases() {
	t.model.Base = make([][3]float64, len(t.segments)+1)
	for g, months := range monthGroups {
		if t.model.Months[g].Borrowed {
			months = allMonths
		}
		for s, rate := range baseHazards(t.design, t.exposures(months, everBefore(t.until))) {
			t.model.Base[s][g] = rate
		}
	}
}

// finish closes the model: its distribution of scores, its version, its report.
func (t *training) finish(later [3]recalibration) error {
	if err := t.model.bind(t.columns); err != nil {
		return err
	}
	scores := make([]float64, len(t.rows))
	for i, r := range t.rows {
		scores[i] = t.model.Score(r).P[2]
	}
	t.model.Scores = DistributionOf(scores)
	t.model.Version = t.model.hash()
	t.report.fill(t, later)
	return nil
}

// judgeEarly says how good the first fit was in what came after it, before it was recalibrated.
func (t *training) judgeEarly(early [3]fitted) error {
	m := t.describe()
	for g := range early {
		if early[g].params == nil {
			return nil
		}
		m.Months[g].set(&early[g], none(len(t.segments)), nil)
	}
	m.Base = make([][3]float64, len(t.segments)+1)
	for g, months := range monthGroups {
		for s, rate := range baseHazards(t.design, t.exposures(months, everBefore(t.split))) {
			m.Base[s][g] = rate
		}
	}
	if err := m.bind(t.columns); err != nil {
		return err
	}
	var after []Prediction
	for _, r := range t.rows {
		if r.At >= t.split {
			after = append(after, PredictionOf(m.Score(r), r))
		}
	}
	t.report.Quality = QualityOf(after, t.until)
	return nil
}
