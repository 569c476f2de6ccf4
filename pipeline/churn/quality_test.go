package churn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"parcours/pipeline/event"
)

// judgedRows draws rows whose outcomes follow the true probabilities, at a time and twice for some customers.
func judgedRows(n int, seed uint64) (rows []Judged, truth []float64) {
	random := rand.New(rand.NewPCG(seed, 3))
	for i := range n {
		p := logistic(-3 + random.NormFloat64())
		rows = append(rows, Judged{Customer: fmt.Sprintf("c%05d", i*4/5), At: testStart + testDay*30*event.Instant(i), Segment: []string{"a", "b"}[i%2],
			P: p, Lost: random.Float64() < p, Weight: 1})
		truth = append(truth, p)
	}
	return rows, truth
}

// TestRankMeasures: AUC and average precision with ties and weights are those of their definitions.
func TestRankMeasures(t *testing.T) {
	for seed := range uint64(20) {
		rows, _ := judgedRows(300, seed)
		random := rand.New(rand.NewPCG(seed, 9))
		for i := range rows {
			rows[i].P = math.Round(rows[i].P*20) / 20 // many ties
			rows[i].Weight = 1 + random.Float64()
		}
		q := QualityOfJudged(rows, 30, "")
		if want := aucByPairs(rows); !near64(q.AUC.Value, want, 1e-12) {
			t.Errorf("AUC is %v, by pairs %v", q.AUC.Value, want)
		}
		if want := precisionByThresholds(rows); !near64(q.PRAUC.Value, want, 1e-12) {
			t.Errorf("average precision is %v, by thresholds %v", q.PRAUC.Value, want)
		}
		if q.AUC.Low >= q.AUC.Value || q.AUC.High <= q.AUC.Value || q.PRAUC.Low >= q.PRAUC.Value || q.PRAUC.High <= q.PRAUC.Value {
			t.Errorf("intervals: %+v %+v", q.AUC, q.PRAUC)
		}
	}
}

func aucByPairs(rows []Judged) float64 {
	var sum, pairs float64
	for _, a := range rows {
		for _, b := range rows {
			if a.Lost && !b.Lost {
				w := a.Weight * b.Weight
				pairs += w
				switch {
				case a.P > b.P:
					sum += w
				case a.P == b.P:
					sum += w / 2
				}
			}
		}
	}
	return sum / pairs
}

func precisionByThresholds(rows []Judged) (sum float64) {
	var all float64
	for _, a := range rows {
		if !a.Lost {
			continue
		}
		var lost, with float64
		for _, b := range rows {
			if b.P >= a.P {
				with += b.Weight
				lost += b.Weight * b.outcome()
			}
		}
		sum += a.Weight * lost / with
		all += a.Weight
	}
	return sum / all
}

// TestKnownFigures: a table small enough to do by hand.
func TestKnownFigures(t *testing.T) {
	var rows []Judged
	for i, c := range []struct {
		p    float64
		lost bool
	}{{0.9, true}, {0.8, false}, {0.6, true}, {0.2, false}, {0.2, true}, {0.1, false}, {0.1, false}, {0.1, false}, {0, false}, {0, false}} {
		rows = append(rows, Judged{Customer: fmt.Sprint(i), Segment: "s", P: c.p, Lost: c.lost, Weight: 1})
	}
	q := QualityOfJudged(rows, 30, "")
	for name, v := range map[string][2]float64{
		"auc":         {q.AUC.Value, (7 + 6 + 5.5) / 21},
		"brier":       {q.Brier.Value, (0.01 + 0.64 + 0.16 + 0.04 + 0.64 + 0.03) / 10},
		"brier base":  {q.BrierBase.Value, 0.21},
		"ratio":       {q.Ratio.Value, 3 / 3.0},
		"pr auc":      {q.PRAUC.Value, (1 + 2./3 + 3./5) / 3},
		"ece":         {q.ECE.Value, (0.1 + 0.8 + 0.4 + 0.3 + 0.3 + 0.3) / 10},
		"lift":        {q.Bins[0].Lift.Value, 1 / 0.3},
		"a tied bin":  {q.Bins[3].Observed.Value, 0.5},
		"the other":   {q.Bins[4].Observed.Value, 0.5},
		"the last":    {q.Bins[9].Predicted, 0},
		"n in a bin":  {q.Bins[9].N, 1},
		"of expected": {q.Expected, 3},
	} {
		if !near64(v[0], v[1], 1e-12) {
			t.Errorf("%s is %v, not %v", name, v[0], v[1])
		}
	}
}

// TestBinsShareTies: predictions that are all the same have a lift of 1 in every bin.
func TestBinsShareTies(t *testing.T) {
	rows, _ := judgedRows(1003, 4)
	for i := range rows {
		rows[i].P = 0.07
	}
	q := QualityOfJudged(rows, 30, "")
	for i, b := range q.Bins {
		if !near64(b.Lift.Value, 1, 1e-9) || !near64(b.N, 100.3, 1e-6) {
			t.Errorf("bin %d: %+v", i, b)
		}
	}
	if q.AUC.Value != 0.5 || !math.IsNaN(q.Slope.Value) {
		t.Errorf("AUC %v, slope %v", q.AUC.Value, q.Slope.Value)
	}
}

// TestSlopeFindsWhatWasDone: probabilities whose log odds were stretched and moved are found out, within the interval.
func TestSlopeFindsWhatWasDone(t *testing.T) {
	held := 0
	for seed := range uint64(40) {
		rows, _ := judgedRows(8000, seed)
		for i := range rows {
			odds := math.Log(rows[i].P / (1 - rows[i].P))
			rows[i].P = logistic(1.5*odds + 0.6)
		}
		q := &Quality{Lost: 1, N: 2}
		q.recalibrate(ranked(rows, ""))
		if q.Slope.Low <= 1/1.5 && 1/1.5 <= q.Slope.High && q.Intercept.Low <= -0.4 && -0.4 <= q.Intercept.High {
			held++
		}
	}
	if held < 34 {
		t.Errorf("the intervals hold the truth in %d of 40", held)
	}
}

// TestOrderOfRows: it does not matter.
func TestOrderOfRows(t *testing.T) {
	rows, _ := judgedRows(400, 5)
	want := fmt.Sprint(QualityOfJudged(rows, 30, ""))
	slices.Reverse(rows)
	if got := fmt.Sprint(QualityOfJudged(rows, 30, "")); got != want {
		t.Errorf("%s\n%s", got, want)
	}
}

// TestOtherEndings: where other endings take many away before the horizon, the weights keep observed/expected at 1 for the
// truth, which leaving those rows out does not.
func TestOtherEndings(t *testing.T) {
	w := simple(21)
	w.others = 0.03
	rows, truth := w.rows(60_000, 0, testStart+1000*365*testDay)
	judged := Judge(predictions(rows, func(i int) [3]float64 { return truth[i] }), 2, testStart+1000*365*testDay)
	var observed, expected, plainObserved, plainExpected, weights float64
	for i := range judged {
		j := &judged[i]
		observed, expected, weights = observed+j.Weight*j.outcome(), expected+j.Weight*j.P, weights+j.Weight
		plainObserved, plainExpected = plainObserved+j.outcome(), plainExpected+j.P
	}
	if !near64(observed/expected, 1, 0.03) || !near64(weights/float64(len(rows)), 1, 0.02) {
		t.Errorf("observed/expected is %.3f, weights %.0f of %d rows", observed/expected, weights, len(rows))
	}
	if plainObserved/plainExpected < 1.1 {
		t.Errorf("without weights it is %.3f: nothing is shown", plainObserved/plainExpected)
	}
}

// TestJudge: who is judged at which horizon.
func TestJudge(t *testing.T) {
	until := testStart + 100*testDay
	p := func(customer string, followUp float64, lost bool) Prediction {
		return Prediction{Customer: customer, At: testStart, P: [3]float64{0.1, 0.2, 0.3}, FollowUp: followUp, Lost: lost}
	}
	none := p("captive", 50, true)
	none.P = [3]float64{math.NaN(), math.NaN(), math.NaN()}
	late := p("late", 5, true)
	late.At = until - 80*testDay
	all := []Prediction{p("early", 20, true), p("on the day", 90, true), p("after", 91, true), p("stays", 100, false), p("other", 40, false), none, late}
	judged := Judge(all, 1, until)
	want := []Judged{
		{"early", testStart, "", 0.2, true, 1},
		{"on the day", testStart, "", 0.2, true, 4. / 3},
		{"after", testStart, "", 0.2, false, 4. / 3},
		{"stays", testStart, "", 0.2, false, 4. / 3},
	}
	if fmt.Sprint(judged) != fmt.Sprint(want) {
		t.Errorf("%v\n%v", judged, want)
	}
	if judged := Judge(all, 2, until); judged != nil {
		t.Errorf("at a year: %v", judged)
	}
}

// TestPSI: 0 of the scores themselves, and as the formula says of others.
func TestPSI(t *testing.T) {
	var scores, moved []float64
	for i := range 1000 {
		scores, moved = append(scores, float64(i)), append(moved, float64(i)+100)
	}
	d := DistributionOf(scores)
	if psi := d.PSI(scores); !near64(psi, 0, 1e-12) {
		t.Errorf("of the scores themselves: %v", psi)
	}
	// The lowest tenth is empty now (half a score), the highest holds a fifth.
	want := (0.0005-0.1)*math.Log(0.0005/0.1) + (0.2-0.1)*math.Log(0.2/0.1)
	if psi := d.PSI(moved); !near64(psi, want, 1e-9) {
		t.Errorf("PSI is %v, not %v", psi, want)
	}
	same := DistributionOf([]float64{1, 1, 1, 1})
	if psi := same.PSI([]float64{1}); !near64(psi, 0, 1e-12) || len(same.Edges) != 0 {
		t.Errorf("of one value: %v, %v", psi, same)
	}
}

// TestWilson: the figures of Newcombe (1998), Statistics in Medicine 17, table I.
func TestWilson(t *testing.T) {
	for _, c := range []struct{ of, n, low, high float64 }{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}} {
		if m := wilson(c.of/c.n, c.n); !near64(m.Low, c.low, 5e-5) || !near64(m.High, c.high, 5e-5) {
			t.Errorf("%v of %v: %+v", c.of, c.n, m)
		}
	}
}
