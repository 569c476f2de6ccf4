package churn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// oddColumns are columns in any order, some of which say whether another one is known.
type oddColumns struct {
	names []string
	signs []int
	words []string
}

func (c *oddColumns) Names() []string             { return c.names }
func (c *oddColumns) Sign(i int) int              { return c.signs[i] }
func (c *oddColumns) Words(i int) (fr, en string) { return c.words[i], c.words[i] }
func pick[T any](random *rand.Rand, list ...T) T  { return list[random.IntN(len(list))] }
func (c *oddColumns) shuffle(random *rand.Rand) {
	random.Shuffle(len(c.names), func(i, j int) { c.names[i], c.names[j] = c.names[j], c.names[i] })
}
func someNumber(random *rand.Rand) float64 {
	return pick(random, 0, 0, math.Copysign(0, -1), random.NormFloat64(), 1, -1, 5e-324, 1e-170, -1e-170)
}

func columnsByChance(random *rand.Rand, n int) *oddColumns {
	c := &oddColumns{}
	for i := range n {
		c.names = append(c.names, pick(random, fmt.Sprintf("f%d:%d", random.IntN(n/2+1), i), fmt.Sprintf("g%d", i)))
		if random.IntN(5) == 0 {
			c.names = append(c.names, c.names[len(c.names)-1]+ofKnown)
		}
	}
	c.shuffle(random)
	for range c.names {
		c.signs, c.words = append(c.signs, random.IntN(3)-1), append(c.words, pick(random, "with %s", "without"))
	}
	return c
}

// modelByChance looks at some of the columns, in another order: values that are all above or below 0, means of any sign, slopes that
// disagree, coefficients of 0 with an error, and hazards that are next to nothing.
func modelByChance(random *rand.Rand, c *oddColumns) *Model {
	m := &Model{Version: "by chance", Segments: []string{"a", "b"}, Spread: 0.1}
	for _, i := range random.Perm(len(c.names)) {
		if random.IntN(4) > 0 && len(m.Features) < most-12 {
			m.Features = append(m.Features, c.names[i])
		}
	}
	idle := make([]bool, len(m.Features))
	for i := range m.Features {
		least, most := random.NormFloat64(), random.NormFloat64()
		bounds := pick(random, [2]float64{0, 1}, [2]float64{0, 0}, [2]float64{-1, math.Copysign(0, -1)}, [2]float64{min(least, most), max(least, most)}, [2]float64{min(least, most), max(least, most)})
		m.Least, m.Most = append(m.Least, bounds[0]), append(m.Most, bounds[1])
		idle[i] = random.IntN(4) == 0
	}
	for range len(m.Segments) + 1 {
		means := make([]float64, len(m.Features))
		for i := range means {
			means[i] = someNumber(random)
		}
		m.Means, m.Base = append(m.Means, means), append(m.Base, [3]float64{0.01, 0.01, 0.01})
	}
	for g := range m.Months {
		m.Months[g] = hazardByChance(random, idle)
	}
	return m
}

func hazardByChance(random *rand.Rand, idle []bool) Hazard {
	h := Hazard{Intercept: pick(random, -4., -4, -4, -900) + random.NormFloat64(), Slope: pick(random, 1, 0.5, -0.7, 0), Offsets: []float64{0.1, 0.2}, Levels: []float64{0, 0.1}}
	for _, none := range idle {
		v := someNumber(random)
		if none {
			v = 0
		}
		h.Coefficients = append(h.Coefficients, v)
	}
	for p := range 1 + len(h.Offsets) + len(idle) {
		if random.IntN(6) > 0 {
			continue
		}
		h.Free = append(h.Free, p)
		for range len(h.Free) - 1 {
			h.Covariance = append(h.Covariance, float32(0.001*random.NormFloat64()))
		}
		h.Covariance = append(h.Covariance, 0.1)
	}
	return h
}

func rowByChance(random *rand.Rand, c *oddColumns) *Row {
	row := &Row{Segment: pick(random, "a", "b", "unknown"), Margin: 100, X: make([]float64, len(c.names))}
	for i := range row.X {
		if random.IntN(3) == 0 {
			row.X[i] = pick(random, random.NormFloat64(), math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1, 1)
		}
	}
	return row
}

// weightsLong are what all families weigh that can be said, from maps: the hazards' share in them is that of the score.
func weightsLong(m *Model, row *Row, w *working) (list []familyWeight) {
	sums, largest, said := map[string]float64{}, map[string]float64{}, map[string]bool{}
	var order []string
	for i, name := range m.Features {
		family := FamilyOf(name)
		if !slices.Contains(order, family) {
			order = append(order, family)
		}
		var c [3]float64
		for g := range c {
			c[g] = m.Months[g].Slope * m.Months[g].Coefficients[i]
		}
		v := valueLong(m, row, w.segment, i)
		weight := (c[0]*w.by[0] + c[1]*w.by[1] + c[2]*w.by[2]) * (v - m.Means[w.segment][i])
		if weight == 0 || m.bound.known[i].unknown(row) {
			continue
		}
		sums[family] += weight
		if weight > largest[family] && m.bound.said[i].of(v) {
			largest[family], said[family] = weight, true
		}
	}
	for _, family := range order {
		if said[family] && sums[family] > 0 {
			list = append(list, familyWeight{familyHash(family), sums[family]})
		}
	}
	return list
}

// TestScoreByChance: models and rows that nobody would make get the score that the formulas give, to the bit, with what each family weighs;
// what is passed over changes nothing.
func TestScoreByChance(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	var w working // one for all: nothing of a row is left for the next
	reasons, passed := 0, 0
	for n := range 1000 {
		c := columnsByChance(random, pick(random, 3, 10, 25, 40, 170))
		m := modelByChance(random, c)
		if err := m.bind(c); err != nil {
			t.Fatal(err)
		}
		for range 30 {
			row := rowByChance(random, c)
			want := scoreLong(m, row)
			var got Score
			m.decisive(row, &w, nil, &got)
			if list := weightsLong(m, row, &w); !slices.Equal(got.weights, list) {
				t.Fatalf("model %d: families weigh\n%v\nnot\n%v", n, got.weights, list)
			}
			m.complete(row, &w, &got)
			for _, s := range []*Score{&got, &want} {
				for i := range s.Reasons {
					if math.IsNaN(s.Reasons[i].Value) { // is not itself
						s.Reasons[i].Value = math.MaxFloat64
					}
				}
			}
			if !sameScore(got, want) {
				t.Fatalf("model %d:\n%+v\nwant\n%+v", n, got, want)
			}
			reasons += len(got.Reasons)
			for f, mute := range m.bound.mute[w.segment] {
				if mute && !w.seen.stirred[f] {
					passed++
				}
			}
		}
	}
	if reasons < 10_000 || passed < 10_000 {
		t.Errorf("%d reasons, %d families passed over: too few to say anything", reasons, passed)
	}
}
