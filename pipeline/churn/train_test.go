package churn

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

func mustTrain(t testing.TB, rows []Row, w *world, o Options) (*Model, *Report) {
	t.Helper()
	m, report, err := Train(rows, w.columns, w.until(), o)
	if err != nil {
		t.Fatal(err)
	}
	return m, report
}

// TestTrainFindsWhatWasPlanted: coefficients within four standard errors, and on customers of the year after AUC within 0.01
// of that of the truth, and everything within the bounds of Accept.
func TestTrainFindsWhatWasPlanted(t *testing.T) {
	for seed := range uint64(3) {
		w := simple(seed)
		rows, _ := w.rows(40_000, 0, w.until())
		m, report := mustTrain(t, rows, w, Options{})
		checkCoefficients(t, w, m)
		for _, part := range report.Months {
			if !part.Converged || part.Borrowed || part.Slope.Low > 1.05 || part.Slope.High < 0.95 {
				t.Errorf("seed %d, months %d to %d: %+v", seed, part.First, part.Last, part)
			}
		}
		later, truth := w.rows(20_000, w.landmarks, w.until()+100*365*testDay)
		end := w.until() + 100*365*testDay
		quality := qualityOf(predictions(later, func(i int) [3]float64 { return m.Score(&later[i]).P }), end, 0)
		best := qualityOf(predictions(later, func(i int) [3]float64 { return truth[i] }), end, 0)
		for i := range quality {
			if q := &quality[i]; q.AUC.Value < best[i].AUC.Value-0.01 {
				t.Errorf("seed %d: AUC at %d days of %q is %.4f, the best %.4f", seed, q.Horizon, q.Segment, q.AUC.Value, best[i].AUC.Value)
			}
		}
		for _, f := range Accept(quality, best) {
			t.Errorf("seed %d: %s", seed, f)
		}
	}
}

func checkCoefficients(t *testing.T, w *world, m *Model) {
	t.Helper()
	for g := range m.Months {
		h := &m.Months[g]
		deviation := map[int]float64{}
		at := 0
		for n, p := range h.Free {
			at += n + 1
			deviation[p] = math.Sqrt(float64(h.Covariance[at-1]))
		}
		for i, c := range h.Coefficients {
			want, d := w.slopes[g][i], deviation[1+len(m.Segments)+i]
			if c == 0 && math.Abs(want) > 0.15 || c != 0 && (d == 0 || math.Abs(c-want) > 4*d+0.02) {
				t.Errorf("months %d: %s is %.3f ± %.3f, planted %.3f", g, m.Features[i], c, d, want)
			}
		}
	}
}

// TestIntervals: of customers seen at many landmarks, which all end the same way, the 95 % intervals of the probabilities hold
// the truth about as often as they say, over many small companies.
func TestIntervals(t *testing.T) {
	var held, all [3]float64
	for seed := range uint64(24) {
		w := simple(1000 + seed)
		w.static, w.landmarks = true, 12
		for g := range w.slopes { // a customer that does not change has one hazard
			w.slopes[g], w.intercept[g] = w.slopes[2], -4.6
		}
		rows, _ := w.rows(2000, 0, w.until())
		m, _ := mustTrain(t, rows, w, Options{})
		for g := range m.Months {
			m.Months[g].Slope, m.Months[g].Level, m.Months[g].Levels = 1, 0, []float64{0, 0}
		}
		if err := m.bind(w.columns); err != nil { // the intervals are those of the coefficients
			t.Fatal(err)
		}
		for range 50 {
			segment, x := w.random.IntN(2), w.draw()
			s := m.Score(&Row{Segment: w.segments[segment], X: x})
			for h, p := range probabilities(w.hazards(segment, x, testStart)) {
				all[h]++
				if s.Low[h] <= p && p <= s.High[h] {
					held[h]++
				}
			}
		}
	}
	for h := range held {
		if share := held[h] / all[h]; share < 0.90 || share > 0.99 {
			t.Errorf("at %d days the intervals hold the truth in %.1f %% of cases", Horizons[h], 100*share)
		} else {
			t.Logf("at %d days: %.1f %%", Horizons[h], 100*share)
		}
	}
}

// TestLevelFollowsDrift: where losses become more frequent by a third a year, what is foretold of the months after is nearer to
// what comes than without the recalibration.
func TestLevelFollowsDrift(t *testing.T) {
	w := simple(11)
	w.drift = 0.3
	rows, _ := w.rows(20_000, 0, w.until())
	m, _ := mustTrain(t, rows, w, Options{})
	raw := *m
	for g := range raw.Months {
		raw.Months[g].Level, raw.Months[g].Levels, raw.Months[g].Slope = 0, []float64{0, 0}, 1
	}
	if err := raw.bind(w.columns); err != nil {
		t.Fatal(err)
	}
	later := *w
	later.landmarks = 1
	next, truth := later.rows(20_000, w.landmarks, w.until()+100*365*testDay)
	var with, without, expected float64
	for i := range next {
		with, without, expected = with+m.Score(&next[i]).P[2], without+raw.Score(&next[i]).P[2], expected+truth[i][2]
	}
	if ratio := expected / with; ratio < 0.8 || ratio > 1.25 || math.Abs(math.Log(ratio)) > math.Abs(math.Log(expected/without)) {
		t.Errorf("expected / foretold is %.3f with the recalibration, %.3f without", ratio, expected/without)
	}
}

// TestSigns: a feature that may only raise the risk has no coefficient below 0 whatever the outcomes say, and no score falls
// when it rises.
func TestSigns(t *testing.T) {
	w := simple(5)
	for g := range w.slopes {
		w.slopes[g][4] = -0.8 // "rare" may only raise the risk
		w.slopes[g][1] = 0.3  // "down" may only lower it
	}
	rows, _ := w.rows(20_000, 0, w.until())
	m, report := mustTrain(t, rows, w, Options{})
	for g := range m.Months {
		if c := m.Months[g].Coefficients; c[4] != 0 || c[1] != 0 {
			t.Errorf("months %d: coefficients %v", g, c)
		}
		if held := report.Months[g].Held; len(held) < 2 {
			t.Errorf("months %d: held at 0: %v", g, held)
		}
	}
	for range 200 {
		x := w.draw()
		low := m.Score(&Row{Segment: "home", X: x})
		i := 1 + w.random.IntN(4)
		x[i] += float64(w.columns.signs[i]) * w.random.Float64()
		high := m.Score(&Row{Segment: "home", X: x})
		for h := range Horizons {
			if high.P[h] < low.P[h] {
				t.Errorf("more of %s lowers the risk at %d days from %v to %v", w.columns.names[i], Horizons[h], low.P[h], high.P[h])
			}
		}
	}
}

// TestNobodyWhoMustNot: captive customers and objectors are neither learnt from nor given a probability.
func TestNobodyWhoMustNot(t *testing.T) {
	w := simple(6)
	rows, _ := w.rows(8000, 0, w.until())
	alone, _ := mustTrain(t, rows, w, Options{})
	others, _ := w.rows(4000, 0, w.until())
	for i := range others {
		others[i].Customer, others[i].Lost, others[i].FollowUp = "x"+others[i].Customer, true, 3
		others[i].Captive, others[i].Objected = i%2 == 0, i%2 == 1
	}
	with, _ := mustTrain(t, append(others, rows...), w, Options{})
	if alone.Version != with.Version {
		t.Error("captive customers or objectors change what is learnt")
	}
	for i := range others[:100] {
		s := with.Score(&others[i])
		for h := range s.P {
			if !math.IsNaN(s.P[h]) || !math.IsNaN(s.Low[h]) || !math.IsNaN(s.High[h]) || !math.IsNaN(s.ValueAtRisk) {
				t.Fatalf("captive %v, objected %v: %+v", s.Captive, others[i].Objected, s)
			}
		}
		if others[i].Objected && (!math.IsNaN(s.VoiceRisk) || s.Reasons != nil) || s.Captive && math.IsNaN(s.VoiceRisk) {
			t.Fatalf("captive %v, objected %v: %+v", s.Captive, others[i].Objected, s)
		}
	}
}

// TestTrainIsAFunctionOfTheSet: the same rows in any order give the same bytes, and nothing that happens after until is looked at.
func TestTrainIsAFunctionOfTheSet(t *testing.T) {
	w := simple(8)
	w.static = true
	rows, _ := w.rows(1500, 0, w.until()+100*365*testDay)
	m, _ := mustTrain(t, rows, w, Options{})
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	if shuffled, _ := mustTrain(t, rows, w, Options{}); shuffled.Version != m.Version {
		t.Error("the order of rows changes the model")
	}
	changed := 0
	for i := range rows {
		if known := float64(w.until()-rows[i].At) / float64(testDay); rows[i].FollowUp > known {
			rows[i].FollowUp, rows[i].Lost = known+1+rows[i].FollowUp/7, !rows[i].Lost
			changed++
		}
	}
	if other, _ := mustTrain(t, rows, w, Options{}); other.Version != m.Version || changed == 0 {
		t.Errorf("what happens to %d rows after until changes the model", changed)
	}
}

// TestTooFew: with too few losses there is no model; with too few in the first months these borrow.
func TestTooFew(t *testing.T) {
	w := simple(9)
	rows, _ := w.rows(100, 0, w.until())
	var few *TooFewError
	if _, _, err := Train(rows, w.columns, w.until(), Options{}); !errors.As(err, &few) {
		t.Errorf("error is %v", err)
	}
	if _, _, err := Train(nil, w.columns, w.until(), Options{}); !errors.As(err, &few) {
		t.Errorf("without rows the error is %v", err)
	}
	few = nil
	if _, _, err := Train(lostOften(29), w.columns, w.until(), Options{}); !errors.As(err, &few) || few.Losses != 29 || few.Least != 30 {
		t.Errorf("of 29 customers lost, each foretold at twelve landmarks, the error is %v", err)
	}
	if _, _, err := Train(lostOften(30), w.columns, w.until(), Options{}); err != nil {
		t.Errorf("of 30: %v", err)
	}
	rows, _ = w.rows(700, 0, w.until())
	m, _ := mustTrain(t, rows, w, Options{})
	if !m.Months[0].Borrowed || m.Months[2].Borrowed {
		t.Errorf("of %d losses: %v, %v", m.Losses, m.Months[0].Borrowed, m.Months[2].Borrowed)
	}
}

// lostOften are the rows of customers at twelve landmarks each, so many of whom are lost after the last of them.
func lostOften(lost int) (rows []Row) {
	w := simple(9)
	w.static, w.landmarks = true, 12
	for g := range w.intercept {
		w.intercept[g] = -30 // nobody else
	}
	rows, _ = w.rows(300, 0, w.until()+100*monthDays*testDay)
	for i := range rows {
		if i/w.landmarks < lost {
			rows[i].Lost, rows[i].FollowUp = true, float64(monthDays*(w.landmarks-i%w.landmarks))
		}
	}
	return rows
}

// TestProjection: 365 days are a projection until outcomes of a year are there.
func TestProjection(t *testing.T) {
	for landmarks, want := range map[int][3]bool{2: {false, true, true}, 12: {false, false, true}, 13: {false, false, false}} {
		w := simple(10)
		w.landmarks = landmarks
		rows, _ := w.rows(6000, 0, w.until())
		m, _ := mustTrain(t, rows, w, Options{})
		if s := m.Score(&rows[0]); s.Projection != want {
			t.Errorf("after %d months: %v", landmarks, s.Projection)
		}
	}
}

// TestExposure: which months of a row count in which part of the time.
func TestExposure(t *testing.T) {
	at := testStart
	ever := everBefore(at + 100*monthDays*testDay)
	tests := []struct {
		name        string
		period      period
		followUp    float64
		lost        bool
		first, last int
		want        exposure
	}{
		{"lost on the first day", ever, 0.5, true, 1, 1, exposure{months: 0, lost: true}},
		{"lost at once", ever, 0, true, 1, 1, exposure{months: 0, lost: true}},
		{"lost at the end of the first month", ever, 30, true, 1, 1, exposure{months: 0, lost: true}},
		{"the next group saw nothing of it", ever, 30, true, 2, 3, exposure{}},
		{"lost in the third month, first group", ever, 61, true, 1, 1, exposure{months: 1}},
		{"lost in the third month, second group", ever, 61, true, 2, 3, exposure{months: 1, lost: true}},
		{"never lost", ever, 3000, false, 4, 12, exposure{months: 9}},
		{"another ending in the middle of the second month", ever, 45, false, 2, 3, exposure{months: 0.5}},
		{"a month that is cut does not count", everBefore(at + 75*testDay), 75, false, 2, 3, exposure{months: 1}},
		{"nor a loss in it", everBefore(at + 75*testDay), 70, true, 2, 3, exposure{months: 1}},
		{"months that begin later only", period{at + 45*testDay, at + 200*testDay}, 200, false, 2, 3, exposure{months: 1}},
		{"a loss before they begin", period{at + 45*testDay, at + 200*testDay}, 40, true, 1, 12, exposure{}},
		{"a loss in them", period{at + 45*testDay, at + 200*testDay}, 130, true, 1, 12, exposure{months: 2, lost: true}},
		{"another ending before they begin", period{at + 45*testDay, at + 200*testDay}, 40, false, 1, 12, exposure{}},
	}
	for _, test := range tests {
		r := Row{At: at, FollowUp: test.followUp, Lost: test.lost}
		e, any := test.period.exposure(&r, test.first, test.last)
		if e != test.want || any != (test.want != exposure{}) {
			t.Errorf("%s: %+v, %v; want %+v", test.name, e, any, test.want)
		}
	}
}

// TestRecalibrate: log odds that are twice as far from their middle as they should be get a slope of about a half, and the level
// that belongs to it, though little is expected of either.
func TestRecalibrate(t *testing.T) {
	w := simple(12)
	rows, _ := w.rows(30_000, 0, w.until())
	d := newDesign(rows, w.columns, w.until())
	p := d.problemOf(d.exposures(monthGroups[2], everBefore(w.until())), 1)
	f := p.fit(p.nothing())
	if r := recalibrate(d, p.seen, f.params, none(2), false); !near64(r.slope, 1, 0.05) || !near64(r.level, 0, 0.3) {
		t.Errorf("of the fit itself: %+v", r)
	}
	middle := middleOf(d, p.seen, f.params)
	wild := make([]float64, len(f.params))
	for i, b := range f.params {
		wild[i] = 2 * b
	}
	wild[0] -= middle
	r := recalibrate(d, p.seen, wild, none(2), false)
	if !near64(r.slope, 0.5, 0.05) || r.slopeLow > 0.5 || r.slopeHigh < 0.5 {
		t.Errorf("slope %.3f (%.3f to %.3f)", r.slope, r.slopeLow, r.slopeHigh)
	}
	if at := r.level + r.slope*middle; !near64(at, middle, 0.3) {
		t.Errorf("the middle of %.2f moved to %.2f", middle, at)
	}
}
