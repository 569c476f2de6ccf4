package churn

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestValueAtRisk: to six digits, by hand. Hazards of 0.1, 0.2 and 0, margin 1200: lost in month 1 are 0.1, in month 2 0.9 x 0.2
// = 0.18, in month 3 0.72 x 0.2 = 0.144; of the margin then 11.5, 10.5 and 9.5 twelfths are left:
// 100 x (1.15 + 1.89 + 1.368) = 440.8.
func TestValueAtRisk(t *testing.T) {
	if v := ValueAtRisk([3]float64{0.1, 0.2, 0}, 1200); !near64(v, 440.8, 1e-9) {
		t.Errorf("value at risk is %v", v)
	}
	// One hazard h for all months, 0.01, margin 12: sum over k of 0.99^(k-1) x 0.01 x (12.5 - k), term by term:
	// 0.115 + 0.10395 + 0.0931095 + 0.0824715 + 0.0727792 + ... = 0.6939937.
	var want float64
	for k := 1; k <= 12; k++ {
		want += math.Pow(0.99, float64(k-1)) * 0.01 * (12.5 - float64(k))
	}
	if v := ValueAtRisk([3]float64{0.01, 0.01, 0.01}, 12); !near64(v, want, 1e-12) {
		t.Errorf("value at risk is %v, not %v", v, want)
	}
	if !math.IsNaN(ValueAtRisk([3]float64{0.1, 0.1, 0.1}, math.NaN())) {
		t.Error("without a margin there is a value")
	}
	if v := ValueAtRisk([3]float64{1, 1, 1}, 1200); !near64(v, 1150, 1e-9) {
		t.Errorf("of somebody who leaves at once: %v", v)
	}
}

// TestProbabilities: 365 days are 12 months of hazard and a sixth.
func TestProbabilities(t *testing.T) {
	p := probabilities([3]float64{0.01, 0.02, 0.03})
	want := [3]float64{0.01, 1 - 0.99*0.98*0.98, 1 - 0.99*0.98*0.98*math.Pow(0.97, 9+1./6)}
	for h := range p {
		if !near64(p[h], want[h], 1e-12) {
			t.Errorf("at %d days: %v, not %v", Horizons[h], p[h], want[h])
		}
	}
}

// TestModelRoundTrip: what is written and read scores the same to the bit, its version is that of its content, and what was
// tampered with is refused.
func TestModelRoundTrip(t *testing.T) {
	w := simple(31)
	rows, _ := w.rows(8000, 0, w.until())
	m, _ := mustTrain(t, rows, w, Options{})
	b, err := MarshalModel(m)
	if err != nil {
		t.Fatal(err)
	}
	read, err := ReadModel(b, w.columns)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := MarshalModel(read)
	if !bytes.Equal(b, again) || !strings.HasPrefix(m.Version, "hazard-") {
		t.Errorf("version %s: the bytes differ", m.Version)
	}
	for i := range rows[:500] {
		rows[i].Margin = 100 + float64(i)
		if a, b := m.Score(&rows[i]), read.Score(&rows[i]); !sameScore(a, b) {
			t.Fatalf("%+v\n%+v", a, b)
		}
	}
	tampered := bytes.Replace(b, []byte(`"rows":8000`), []byte(`"rows":8001`), 1)
	if _, err := ReadModel(tampered, w.columns); err == nil || !strings.Contains(err.Error(), "its content is that of") {
		t.Errorf("tampered with: %v", err)
	}
	if _, err := ReadModel(b, plain{names: []string{"dense"}}); err == nil {
		t.Error("a model is read for rows that have not what it looks at")
	}
	if _, err := ReadModel([]byte(`{"version":"hazard-0","features":["dense"]}`), w.columns); err == nil {
		t.Error("a model without coefficients is read")
	}
}

// sameScore compares bits; ExpectedUses and the like are NaN in both.
func sameScore(a, b Score) bool {
	floats := func(s Score) (all []uint64) {
		for _, list := range [][]float64{s.P[:], s.Low[:], s.High[:], s.Base[:], {s.ValueAtRisk, s.ValueAtRiskBase, s.VoiceRisk, s.ExpectedUses, s.Margin}} {
			for _, v := range list {
				all = append(all, math.Float64bits(v))
			}
		}
		return all
	}
	return slices.Equal(floats(a), floats(b)) && reflect.DeepEqual(a.Reasons, b.Reasons) && a.Model == b.Model && a.Projection == b.Projection
}

// TestMoreColumns: a model still scores when features have been added or have moved since.
func TestMoreColumns(t *testing.T) {
	w := simple(32)
	rows, _ := w.rows(8000, 0, w.until())
	m, _ := mustTrain(t, rows, w, Options{})
	b, _ := MarshalModel(m)
	moved := plain{names: append([]string{"new"}, w.columns.names...), signs: append([]int{0}, w.columns.signs...)}
	read, err := ReadModel(b, moved)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows[:100] {
		r := rows[i]
		r.X = append([]float64{9}, r.X...)
		if a, b := m.Score(&rows[i]), read.Score(&r); !sameScore(a, b) {
			t.Fatalf("%+v\n%+v", a, b)
		}
	}
}

// TestScoreHolds: intervals hold the probability, horizons rise, nothing leaves 0 to 1, and a value beyond all that training
// saw counts as the greatest.
func TestScoreHolds(t *testing.T) {
	w := simple(33)
	rows, _ := w.rows(8000, 0, w.until())
	m, _ := mustTrain(t, rows, w, Options{})
	for i := range rows {
		s := m.Score(&rows[i])
		for h := range s.P {
			if !(0 < s.Low[h] && s.Low[h] <= s.P[h] && s.P[h] <= s.High[h] && s.High[h] <= 1) || h > 0 && s.P[h] < s.P[h-1] {
				t.Fatalf("%+v", s)
			}
		}
		if len(s.Reasons) > 3 || !slices.IsSortedFunc(s.Reasons, func(a, b Reason) int { return int(math.Copysign(1, b.Weight-a.Weight)) }) {
			t.Fatalf("%+v", s.Reasons)
		}
	}
	a := m.Score(&Row{Segment: "nobody knows", X: []float64{1e9, 0, 0, 0, 1e9, math.NaN()}})
	b := m.Score(&Row{Segment: "nobody knows", X: []float64{1e12, 0, 0, 0, 1e12, m.Least[5]}})
	if a.P != b.P || !(a.P[0] < 1) {
		t.Errorf("%v, %v", a.P, b.P)
	}
}

// TestReasons: all decays of a kind are one reason, only what raises the risk is one, and the heaviest come first.
func TestReasons(t *testing.T) {
	columns := plain{names: []string{"a:7d", "a:30d", "b", "c", "d", "e"}}
	m := known(columns, []float64{0.5, 0.4, 0.6, -1, 0.1, 0.2}, []float64{0.1, 0.1, 0, 1, 0, 3})
	s := m.Score(&Row{X: []float64{1.1, 1.1, 1, 0.5, 1, 2}})
	want := []Reason{{"a:7d", 1.1, 0.9}, {"b", 1, 0.6}, {"c", 0.5, 0.5}}
	for i, r := range s.Reasons {
		if i >= len(want) || r.Feature != want[i].Feature || r.Value != want[i].Value || !near64(r.Weight, want[i].Weight, 0.01) {
			t.Fatalf("%+v", s.Reasons)
		}
	}
	if s := m.Score(&Row{X: []float64{0, 0, 0, 2, 0, 0}}); s.Reasons != nil {
		t.Errorf("what lowers the risk is no reason: %+v", s.Reasons)
	}
}

// known is a model with the same coefficients in all months.
func known(columns Columns, coefficients, means []float64) *Model {
	n := len(coefficients)
	m := &Model{Features: columns.Names(), Least: slices.Repeat([]float64{-100}, n), Most: slices.Repeat([]float64{100}, n),
		Base: [][3]float64{{0.005, 0.005, 0.005}}, Means: [][]float64{means}}
	for g := range m.Months {
		m.Months[g] = Hazard{Intercept: -6, Slope: 1, Coefficients: coefficients}
	}
	if err := m.bind(columns); err != nil {
		panic(err)
	}
	return m
}

// TestSentences: each feature has words in both languages, which hold its value as each writes it.
func TestSentences(t *testing.T) {
	columns := AllFeatures()
	for _, name := range columns.Names() {
		fr, en := Reason{Feature: name, Value: 2.5}.Sentence(columns)
		if fr == "" || en == "" || fr == name || en == name || strings.Contains(fr+en, "%") && !inShares[name] {
			t.Errorf("%s: %q, %q", name, fr, en)
		}
	}
	for _, c := range []struct {
		feature string
		value   float64
		fr, en  string
	}{
		{"repeat_contact:30d", 2.5, "rappels pour le même motif récemment\u00a0: 2,5", "times back for the same reason lately: 2.5"},
		{"contacts:30d", 1234.4, "contacts récents\u00a0: 1\u202f234", "contacts lately: 1,234"},
		{"contacts:30d", 3.02, "contacts récents\u00a0: 3", "contacts lately: 3"},
		{"tenure", math.Log1p(4.5), "années comme client\u00a0: 4,5", "years as a customer: 4.5"},
		{"margin", math.Log1p(1234567), "marge annuelle de 1\u202f234\u202f567", "annual margin of 1,234,567"},
		{"value_lost", 0.4, "valeur en baisse de 40\u202f%", "value down by 40%"},
		{"cancel_requested", 1, "a demandé la résiliation", "asked to cancel"},
	} {
		if fr, en := (Reason{Feature: c.feature, Value: c.value}).Sentence(columns); fr != c.fr || en != c.en {
			t.Errorf("%s: %q, %q", c.feature, fr, en)
		}
	}
	if fr, _ := (Reason{Feature: "of another time"}).Sentence(columns); fr != "of another time" {
		t.Errorf("%q", fr)
	}
	for name := range logarithms {
		if columns.Number(name) < 0 {
			t.Errorf("%s is no feature", name)
		}
	}
	for name := range inShares {
		if columns.Number(name) < 0 {
			t.Errorf("%s is no feature", name)
		}
	}
}

// TestReasonsAreTrue: words without a value are said only of a customer of whom they hold.
func TestReasonsAreTrue(t *testing.T) {
	for _, c := range []struct {
		s    saying
		v    float64
		want bool
	}{{saying{true, 1}, 0, true}, {saying{false, 1}, 0, false}, {saying{false, 1}, 1, true}, {saying{false, -1}, 0.1, false}, {saying{false, -1}, -0.1, true},
		{saying{false, 0}, 0, false}, {saying{false, 0}, -0.3, true}} {
		if c.s.of(c.v) != c.want {
			t.Errorf("%+v of %v", c.s, c.v)
		}
	}
}

// TestPrior: it says that it is one, orders customers as documented, is never sure, and every rule is about a feature that exists.
func TestPrior(t *testing.T) {
	columns := AllFeatures()
	for _, r := range priorRules {
		if columns.Number(r.feature) < 0 {
			t.Errorf("%s is no feature", r.feature)
		} else if sign := columns.Sign(columns.Number(r.feature)); sign != 0 && float64(sign)*r.by[0] < 0 {
			t.Errorf("%s goes against its sign", r.feature)
		}
	}
	m := Prior(columns)
	b, err := MarshalModel(m)
	if err != nil {
		t.Fatal(err)
	}
	read, err := ReadModel(b, columns)
	if err != nil {
		t.Fatal(err)
	}
	row := func(set map[string]float64) *Row {
		x := make([]float64, columns.Len())
		x[columns.Number("tenure")] = 1.5
		for name, v := range set {
			x[columns.Number(name)] = v
		}
		return &Row{Segment: "standard", X: x, Margin: 100}
	}
	usual := m.Score(row(nil))
	if !usual.Prior || usual.Model != PriorVersion || !near64(usual.P[2], priorYear, 1e-9) || usual.Projection != [3]bool{true, true, true} || usual.Reasons != nil {
		t.Errorf("the usual customer: %+v", usual)
	}
	if usual.High[2]/usual.P[2] < 3 || usual.P[2]/usual.Low[2] < 3 || !near64(usual.ValueAtRisk, usual.ValueAtRiskBase, 1e-9) {
		t.Errorf("the usual customer: %+v", usual)
	}
	leaving := m.Score(row(map[string]float64{CancelRequested: 1, "broken_promise:30d": 2}))
	if leaving.P[0] < 0.1 || leaving.Reasons[0].Feature != CancelRequested || leaving.Reasons[1].Feature != "broken_promise:30d" {
		t.Errorf("one who asked to cancel: %+v", leaving)
	}
	if !sameScore(leaving, read.Score(row(map[string]float64{CancelRequested: 1, "broken_promise:30d": 2}))) {
		t.Error("read again it says otherwise")
	}
	if Prior(plain{names: []string{"x"}}).Score(&Row{X: []float64{1}}).P[2] < 0.01 {
		t.Error("without its features it says nothing")
	}
}

// TestVoiceRisk: an index from 0 to 100 that only rises, with its reasons, and no probability.
func TestVoiceRisk(t *testing.T) {
	columns := AllFeatures()
	m := Prior(columns)
	x := make([]float64, columns.Len())
	if s := m.Score(&Row{Captive: true, X: x}); s.VoiceRisk != 0 || s.Reasons != nil || !math.IsNaN(s.P[0]) {
		t.Errorf("%+v", s)
	}
	x[columns.Number("complaints:90d")], x[columns.Number("tension:30d")] = 1, 0.5
	s := m.Score(&Row{Captive: true, X: x})
	if !near64(s.VoiceRisk, 100*(1-math.Exp(-5.5/10)), 1e-9) || len(s.Reasons) != 2 || s.Reasons[0] != (Reason{"complaints:90d", 1, 4}) {
		t.Errorf("%+v", s)
	}
	for _, v := range voicePoints {
		if columns.Number(v.feature) < 0 {
			t.Errorf("%s is no feature", v.feature)
			continue
		}
		before := m.Score(&Row{Captive: true, X: x}).VoiceRisk
		if x[columns.Number(v.feature)]++; m.Score(&Row{Captive: true, X: x}).VoiceRisk <= before {
			t.Errorf("%s does not count", v.feature)
		}
	}
}

// TestModelFitsTheLog: with every feature free and 20 segments a model has at most 384 KiB.
func TestModelFitsTheLog(t *testing.T) {
	columns := AllFeatures()
	random := rand.New(rand.NewPCG(1, 1))
	const segments = 20
	n, params := columns.Len(), 1+segments+columns.Len()
	numbers := func(n int) (list []float64) {
		for range n {
			list = append(list, random.NormFloat64()/100)
		}
		return list
	}
	m := &Model{Features: columns.Names(), Least: numbers(n), Most: numbers(n)}
	for range segments + 1 {
		m.Base = append(m.Base, [3]float64(numbers(3)))
		m.Means = append(m.Means, numbers(n))
		for i, v := range m.Means[len(m.Means)-1] {
			m.Means[len(m.Means)-1][i] = rounded(v, 9)
		}
	}
	for s := range segments {
		m.Segments = append(m.Segments, strings.Repeat("segment", 3)+string(rune('a'+s)))
	}
	for g := range m.Months {
		h := &m.Months[g]
		h.Coefficients, h.Offsets, h.Levels = numbers(n), numbers(segments), numbers(segments)
		for p := range params {
			h.Free = append(h.Free, p)
			for range p + 1 {
				h.Covariance = append(h.Covariance, float32(rounded(random.NormFloat64()*math.Exp(random.NormFloat64()*8), 6)))
			}
		}
	}
	b, err := MarshalModel(m)
	if err != nil || len(b) > 384*1024 {
		t.Errorf("%d KiB, %v", len(b)/1024, err)
	}
	if err := m.check(); err != nil {
		t.Error(err)
	}
}

// TestLearnUses: what uses say is part of the model and its version, and survives the log.
func TestLearnUses(t *testing.T) {
	w := simple(34)
	rows, _ := w.rows(8000, 0, w.until())
	m, _ := mustTrain(t, rows, w, Options{Strengths: []float64{10}})
	before := m.Version
	if err := m.LearnUses(t.Context(), []Uses{{Age: 10, Spend: math.NaN()}}); !errors.Is(err, ErrNobodyReturned) || m.Version != before {
		t.Errorf("of somebody seen once: %v", err)
	}
	truth := BGNBD{R: 0.8, Alpha: 60, A: 0.8, B: 3}
	uses, _ := simulatedUses(truth, 3000, 1, 30)
	if err := m.LearnUses(t.Context(), uses); err != nil {
		t.Fatal(err)
	}
	b, err := MarshalModel(m)
	if err != nil || m.Version == before {
		t.Fatalf("version %s, %v", m.Version, err)
	}
	read, err := ReadModel(b, w.columns)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range uses[:50] {
		if a, b := m.Comeback.Expected(u, 365), read.Comeback.Expected(u, 365); a != b || math.IsNaN(a) {
			t.Errorf("%v, %v", a, b)
		}
	}
}
