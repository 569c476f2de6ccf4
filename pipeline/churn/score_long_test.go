package churn

import (
	"math"
	"slices"
	"testing"
)

// scoreLong is what Score says of a customer with a contract who can leave, straight from the formulas of docs/churnmodel.md: one hazard
// after the other, each with its own covariance, the reasons from maps. The order in which terms are added is that of Score, so that
// both must agree to the bit.
func scoreLong(m *Model, row *Row) (s Score) {
	s = Score{Customer: row.Customer, AsOf: row.At, Model: m.Version, Prior: m.Prior, Segment: row.Segment, Margin: row.Margin, RecentUses: row.Uses.Recent, Projection: m.Projection}
	s.silence()
	segment := m.segment(row.Segment)
	params := append(make([]float64, 0, 200), 1) // by number: 1, the segments, the features
	for i := range m.Segments {
		params = append(params, flag(i == segment))
	}
	for i := range m.Features {
		params = append(params, valueLong(m, row, segment, i))
	}
	var rates, hazards, spread, by [3]float64
	for g := range m.Months {
		h := &m.Months[g]
		odds := m.bound.start[segment][g]
		for i, v := range params[1+len(m.Segments):] {
			if v != 0 {
				odds += float64(h.Slope*h.Coefficients[i]) * v
			}
		}
		rates[g], hazards[g], spread[g] = rateOf(odds), logistic(odds), math.Sqrt(max(0, varianceLong(h, params)))
	}
	for h := range Horizons {
		var cumulative, square float64
		var d [3]float64
		for g := range rates {
			cumulative += monthsTo[h][g] * rates[g]
			by[g] = monthsTo[h][g] * hazards[g]
			d[g] = by[g] * spread[g]
			square += d[g] * d[g]
		}
		square += 2 * (m.Correlation[0]*d[0]*d[1] + m.Correlation[1]*d[0]*d[2] + m.Correlation[2]*d[1]*d[2])
		wide := math.Exp(normal95 * math.Sqrt(max(0, square)/(cumulative*cumulative)+m.Spread*m.Spread))
		s.P[h], s.Low[h], s.High[h] = -math.Expm1(-cumulative), -math.Expm1(-cumulative/wide), -math.Expm1(-cumulative*wide)
		by = [3]float64{by[0] / cumulative, by[1] / cumulative, by[2] / cumulative}
	}
	s.Base = probabilities(m.Base[segment])
	s.ValueAtRisk, s.ValueAtRiskBase = ValueAtRisk(hazards, row.Margin), ValueAtRisk(m.Base[segment], row.Margin)
	s.Reasons = reasonsLong(m, row, segment, params[1+len(m.Segments):], by)
	return s
}

// valueLong is a feature within what training saw; 0 of one that weighs nothing.
func valueLong(m *Model, row *Row, segment, i int) float64 {
	weighs := m.bound.free[1+len(m.Segments)+i] >= 0
	for g := range m.Months {
		weighs = weighs || m.Months[g].Slope*m.Months[g].Coefficients[i] != 0
	}
	if !weighs {
		return 0
	}
	v, known := row.X[m.bound.place[i]], m.bound.known[i]
	if known.unknown(row) {
		if known.learnt {
			return 0
		}
		v = m.Means[segment][i]
	}
	if !(v > m.Least[i]) {
		return m.Least[i]
	}
	return min(v, m.Most[i])
}

func varianceLong(h *Hazard, params []float64) (sum float64) {
	at := 0
	for i, p := range h.Free {
		var a float64
		for j, q := range h.Free[:i+1] {
			v := h.Slope * h.Slope * float64(h.Covariance[at])
			if at++; i != j {
				v *= 2
			}
			if params[p] != 0 && params[q] != 0 {
				a += v * params[q]
			}
		}
		if params[p] != 0 {
			sum += a * params[p]
		}
	}
	return sum
}

func reasonsLong(m *Model, row *Row, segment int, values []float64, by [3]float64) (list []Reason) {
	sums, largest, says := map[string]float64{}, map[string]float64{}, map[string]int{}
	var order []string
	for i, name := range m.Features {
		var c [3]float64
		for g := range c {
			c[g] = m.Months[g].Slope * m.Months[g].Coefficients[i]
		}
		family := FamilyOf(name)
		if !slices.Contains(order, family) {
			order = append(order, family)
		}
		weight := (c[0]*by[0] + c[1]*by[1] + c[2]*by[2]) * (values[i] - m.Means[segment][i])
		if c == [3]float64{} || weight == 0 || m.bound.known[i].unknown(row) {
			continue
		}
		sums[family] += weight
		if weight > largest[family] && m.bound.said[i].of(values[i]) {
			largest[family], says[family] = weight, i+1
		}
	}
	for _, family := range order {
		if said := says[family] - 1; said >= 0 && sums[family] > leastReason {
			list = insertReason(list, Reason{m.Features[said], row.X[m.bound.place[said]], sums[family]})
		}
	}
	return list
}

// TestScoreTheLongWay: Score says what the formulas say, to the bit, of rows that know all and of rows that know little, by a model that
// was trained and by the prior; and so does what decides alone, as far as it goes.
func TestScoreTheLongWay(t *testing.T) {
	rows, columns := everything(2000, 12, 3)
	trained, _, err := Train(rows, columns, testStart+testDay*monthDays*12, Options{Strengths: []float64{30}})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*Model{trained, Prior(columns)} {
		reasons := 0
		var w working
		for i := range rows {
			row := rows[i]
			if i%3 == 0 {
				row.Segment = "nobody knows"
			}
			want := scoreLong(m, &row)
			if got := m.Score(&row); !sameScore(got, want) {
				t.Fatalf("row %d:\n%+v\nwant\n%+v", i, got, want)
			}
			var s Score
			if m.decisive(&row, &w, nil, &s); s.P[2] != want.P[2] || s.Base != want.Base || says(&s) != says(&want) || familiesOf(s.Reasons) != familiesOf(want.Reasons) {
				t.Fatalf("row %d: what decides is\n%+v\nof\n%+v", i, s, want)
			}
			reasons += len(want.Reasons)
		}
		if reasons < len(rows)/2 {
			t.Errorf("%d reasons of %d rows", reasons, len(rows))
		}
	}
}

// TestAskedFeatures: of a row without the features that a model does not ask for, it says the same.
func TestAskedFeatures(t *testing.T) {
	rows, columns := everything(1500, 12, 4)
	trained, _, err := Train(rows, columns, testStart+testDay*monthDays*12, Options{Strengths: []float64{30}})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*Model{trained, Prior(columns)} {
		left := 0
		for i := range rows[:2000] {
			row := rows[i]
			row.Captive = i%5 == 0
			all := m.Score(&row)
			row.X = append([]float64{}, row.X...)
			for n, asked := range m.bound.asked {
				if !asked && row.X[n] != 0 {
					row.X[n] = 0
					left++
				}
			}
			if got := m.Score(&row); !sameScore(got, all) {
				t.Fatalf("row %d:\n%+v\nwant\n%+v", i, got, all)
			}
		}
		if left == 0 {
			t.Errorf("%s asks for everything", m.Version)
		}
	}
}
