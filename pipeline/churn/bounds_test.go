package churn

import (
	"math"
	"strings"
	"testing"

	"parcours/pipeline/event"
)

// learnt is a small model as a training could have made it, of two features that every version has.
func learnt() *Model {
	m := &Model{
		TrainedUntil: 1, Rows: 100, Customers: 50, Losses: 30, Features: []string{"tenure", "complaints:30d"}, Least: []float64{0, 0}, Most: []float64{3, 8},
		Segments: []string{"home"}, Base: [][3]float64{{0.01, 0.01, 0.01}, {0.01, 0.02, 0.01}}, Means: [][]float64{{1, 0.1}, {1, 0.2}},
		Correlation: [3]float64{0.5, 0.4, 0.3}, Scores: Distribution{Edges: []float64{0.1}, Shares: []float64{0.5, 0.5}},
		Comeback: &Comeback{BGNBD{R: 1, Alpha: 30, A: 1, B: 2}, BGNBD{R: 1, Alpha: 30, A: 1, B: 2}}, Spend: &GammaGamma{P: 2, Q: 3, Gamma: 20},
	}
	for g := range m.Months {
		m.Months[g] = Hazard{
			Intercept: -5, Offsets: []float64{0.1}, Coefficients: []float64{-0.3, 0.4}, Slope: 0.9, Level: -0.1, Levels: []float64{0}, Free: []int{0, 2},
			Covariance: []float32{0.01, -0.001, 0.02}, Strength: 3, Losses: 10, Exposure: 1000, Converged: true, Steps: 5,
		}
	}
	return m
}

// TestBounds: a model with a number that no training could have found is refused before it is published and when it is read, by the
// name of the field; the model without it is taken.
func TestBounds(t *testing.T) {
	sound, err := PublicationOf(learnt().Versioned(), 5)
	if err != nil {
		t.Fatal(err)
	}
	for field, spoil := range map[string]func(m *Model){
		"losses":                  func(m *Model) { m.Losses = -1 },
		"least[1]":                func(m *Model) { m.Least[1] = 9 },
		"most[0]":                 func(m *Model) { m.Most[0] = 1e300 },
		"months[0].intercept":     func(m *Model) { m.Months[0].Intercept = -1e9 },
		"months[1].offsets[0]":    func(m *Model) { m.Months[1].Offsets[0] = 2000 },
		"coefficients[1]":         func(m *Model) { m.Months[2].Coefficients[1] = 1e6 },
		"months[0].slope":         func(m *Model) { m.Months[0].Slope = 0 },
		"months[1].slope":         func(m *Model) { m.Months[1].Slope = 1e5 },
		"months[1].level":         func(m *Model) { m.Months[1].Level = 1e5 },
		"months[2].levels[0]":     func(m *Model) { m.Months[2].Levels[0] = -1e5 },
		"months[0].covariance":    func(m *Model) { m.Months[0].Covariance[1] = 1e30 },
		"months[0].covariance[2]": func(m *Model) { m.Months[0].Covariance[2] = -0.5 },
		"months[0].strength":      func(m *Model) { m.Months[0].Strength = -1 },
		"months[1].exposure":      func(m *Model) { m.Months[1].Exposure = -1 },
		"correlation[2]":          func(m *Model) { m.Correlation[2] = 1.5 },
		"spread":                  func(m *Model) { m.Spread = 1000 },
		"base[1]":                 func(m *Model) { m.Base[1][1] = 1.1 },
		"base[0]":                 func(m *Model) { m.Base[0][2] = -0.1 },
		"means[0]":                func(m *Model) { m.Means[0][1] = 1e300 },
		"scores":                  func(m *Model) { m.Scores.Shares = m.Scores.Shares[:1] },
		"scores.shares":           func(m *Model) { m.Scores.Shares[0] = 7 },
		"comeback.again.alpha":    func(m *Model) { m.Comeback.Again.Alpha = 0 },
		"comeback.once.r":         func(m *Model) { m.Comeback.Once.R = -2 },
		"comeback.once.b":         func(m *Model) { m.Comeback.Once.B = 1e200 },
		"spend.q":                 func(m *Model) { m.Spend.Q = -3 },
		"spend.gamma":             func(m *Model) { m.Spend.Gamma = math.MaxFloat64 },
		"differ in length":        func(m *Model) { m.Months[0].Offsets = nil },
		"looks at \"of another\"": func(m *Model) { m.Features[1] = "of another" },
	} {
		m := learnt()
		spoil(m)
		if _, err := PublicationOf(m.Versioned(), 5); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s, to publish: %v", field, err)
		}
		text, err := MarshalModel(m)
		if err != nil {
			t.Fatal(err)
		}
		e := sound.Event(6)
		for i := range e.Data.Extra {
			if e.Data.Extra[i].Name == memberModel {
				e.Data.Extra[i].JSON = string(text)
			}
		}
		if _, err := ReadPublication(&e); err == nil {
			t.Errorf("%s, to read: taken", field)
		}
	}
	e := sound.Event(event.Instant(6))
	if p, err := ReadPublication(&e); err != nil || p.Model.Version != sound.Model.Version {
		t.Errorf("a sound one: %v", err)
	}
	notNumber := learnt()
	notNumber.Comeback.Once.A = math.NaN()
	if _, err := PublicationOf(notNumber.Versioned(), 5); err == nil || !strings.Contains(err.Error(), "comeback.once.a") {
		t.Errorf("not a number: %v", err)
	}
}

// TestBoundsOfTrainings: what is learnt of made-up companies is within them, also where outcomes separate.
func TestBoundsOfTrainings(t *testing.T) {
	for seed := range uint64(4) {
		w := simple(60 + seed)
		rows, _ := w.rows(3000, 0, w.until())
		for i := range rows {
			if seed > 1 { // a rare mark of those who are lost, and of no other; of whatever size
				rows[i].X[4] = 0
				if rows[i].Lost && i%50 == 0 {
					rows[i].X[4] = []float64{1e-6, 1e6}[seed-2]
				}
			}
		}
		m, _ := mustTrain(t, rows, w, Options{})
		if err := m.bounded(); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
	rows, columns := everything(3000, 12, 3)
	m, _, err := Train(rows, columns, testStart+testDay*monthDays*12, Options{})
	if err != nil || m.bounded() != nil {
		t.Errorf("%v, %v", err, m.bounded())
	}
}
