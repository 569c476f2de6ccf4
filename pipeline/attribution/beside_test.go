package attribution_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"parcours/pipeline/attribution"
)

// laden is a row and what it carries.
type laden struct {
	attribution.Row
	burdens, alike []float64
}

func together(t testing.TB, kinds []string, rows []laden) *attribution.Together {
	t.Helper()
	all := attribution.NewTogether(kinds)
	for _, r := range rows {
		if err := all.Add(r.Row, r.burdens, r.alike); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func beside(t testing.TB, kinds []string, rows []laden, o attribution.Options, ridge float64) []attribution.Beside {
	t.Helper()
	list, err := together(t, kinds, rows).Estimate(o, ridge)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// group is so many customers of one stratum, of whom so many are lost.
func group(segment string, customers, lost int, burdens ...float64) (rows []laden) {
	for i := range customers {
		r := attribution.Row{Landmark: 1, Customer: fmt.Sprint(segment, burdens, i), Segment: segment, Contacts: 2, Lost: i < lost}
		rows = append(rows, laden{Row: r, burdens: burdens})
	}
	return rows
}

// twoStrata are those of TestTwoStrata. Business: 10 of 40 exposed lost, 6 of 60 unexposed. Standard: 4 of 50 and 10 of 250.
func twoStrata() (rows []laden) {
	rows = append(rows, group("business", 40, 10, 1)...)
	rows = append(rows, group("business", 60, 6, 0)...)
	rows = append(rows, group("standard", 50, 4, 1)...)
	return append(rows, group("standard", 250, 10, 0)...)
}

// TestBesideByHand: with one kind the slope is nil where the sum over strata of (a u - R b e) / (e R + u) is, of e exposed, of
// whom a are lost, and u unexposed, of whom b are: (600 - 240 R) / (40 R + 60) + (1000 - 500 R) / (50 R + 250) = 0, which is
// 32 R² + 20 R - 210 = 0: R = (root of 27280 - 20) / 64 = 2.268228.
//
// A row of a stratum adds (lost or not - its share of the stratum's losses) x (exposed or not - mean) to the slope; each customer has one row here.
func TestBesideByHand(t *testing.T) {
	want := (math.Sqrt(27280) - 20) / 64
	list := beside(t, []string{"long_wait"}, twoStrata(), attribution.Options{TooFew: 14}, 0)
	b := list[0]
	if len(list) != 1 || b.Says != attribution.Estimated || math.Abs(b.RiskRatio.Value-want) > 1e-9 || b.Exposed != 90 || b.ExposedLosses != 14 {
		t.Fatalf("found %+v, expected a ratio of %v", list, want)
	}
	information, squares := 0.0, 0.0
	for _, s := range []struct{ exposed, exposedLost, unexposed, unexposedLost float64 }{{40, 10, 60, 6}, {50, 4, 250, 10}} {
		all := s.exposed*want + s.unexposed
		mean, lost := s.exposed*want/all, s.exposedLost+s.unexposedLost
		information += lost * mean * (1 - mean)
		for _, part := range []struct{ persons, lost, weight, x float64 }{{s.exposed, s.exposedLost, want, 1}, {s.unexposed, s.unexposedLost, 1, 0}} {
			share := lost * part.weight / all
			d := (part.x - mean) * (part.x - mean)
			squares += d * (part.lost*(1-share)*(1-share) + (part.persons-part.lost)*share*share)
		}
	}
	by := math.Exp(1.959963984540054 * math.Sqrt(squares) / information)
	if math.Abs(b.RiskRatio.Low-want/by) > 1e-9 || math.Abs(b.RiskRatio.High-want*by) > 1e-9 {
		t.Errorf("interval %+v, expected %v to %v", b.RiskRatio, want/by, want*by)
	}
	if few := beside(t, []string{"long_wait"}, twoStrata(), attribution.Options{TooFew: 15}, 0)[0]; few.Says != attribution.TooFewToSay || few.RiskRatio.Value != 0 {
		t.Errorf("of 14 losses, with 15 asked for: %+v", few)
	}
	if held := beside(t, []string{"long_wait"}, twoStrata(), attribution.Options{}, attribution.Ridge)[0].RiskRatio.Value; held >= want || held <= 1 {
		t.Errorf("held to 1 the ratio is %v, without that %v", held, want)
	}
}

// TestOneKindIsMantelHaenszel: of one kind, the same in all strata, and few lost, both say nearly the same, and so do their intervals.
func TestOneKindIsMantelHaenszel(t *testing.T) {
	var rows []laden
	cohort := attribution.NewCohort()
	r := rand.New(rand.NewPCG(3, 3))
	for i := range 60_000 {
		row := attribution.Row{Landmark: 1, Customer: fmt.Sprint(i), Family: "all", Segment: fmt.Sprint(i % 7), Contacts: uint32(1 + i%5)}
		met := 0.
		if r.Float64() < 0.05+0.05*float64(i%7) {
			met, row.Kinds = 1, []string{"k"}
		}
		row.Lost = r.Float64() < 0.004*float64(1+i%5)*(1+met)
		rows = append(rows, laden{Row: row, burdens: []float64{met}})
		if err := cohort.Add(row); err != nil {
			t.Fatal(err)
		}
	}
	one := beside(t, []string{"k"}, rows, attribution.Options{TooFew: 30}, 0)[0].RiskRatio
	other := cohort.Estimate(attribution.Options{TooFew: 30, Replicates: 400})[0].RiskRatio
	if one.Value < 1.8 || one.Value > 2.2 || math.Abs(one.Value/other.Value-1) > 0.005 || math.Abs(one.Low/other.Low-1) > 0.03 || math.Abs(one.High/other.High-1) > 0.03 {
		t.Errorf("beside nothing %+v, Mantel and Haenszel %+v", one, other)
	}
}

// accompanied is a company in which one kind drives customers away, and another comes along with it, and does nothing. Those who pay more
// leave more, and meet a third kind more, which does nothing either.
func accompanied(customers int) (rows []laden) {
	r := rand.New(rand.NewPCG(8, 8))
	chance := func(p float64) float64 {
		if r.Float64() < p {
			return 1
		}
		return 0
	}
	for i := range customers {
		dear := r.Float64()
		cause := chance(0.1)
		along, confounded := chance(0.04+0.66*cause), chance(0.1+0.4*dear)
		for month := range 2 {
			row := attribution.Row{Landmark: 1, Customer: fmt.Sprint("c", i), Family: "all", Segment: fmt.Sprint(i % 3), Tenure: fmt.Sprint(month), Contacts: uint32(1 + i%2)}
			row.Lost = r.Float64() < 0.01*float64(1+i%3)*math.Exp(dear)*(1+1.5*cause)
			for k, met := range []float64{cause, along, confounded} {
				if met > 0 {
					row.Kinds = append(row.Kinds, [...]string{"cause", "along", "confounded"}[k])
				}
			}
			rows = append(rows, laden{row, []float64{cause, along, confounded}, []float64{dear}})
		}
	}
	return rows
}

// TestBesideTheOthers: alone, what comes along with a cause looks like one, and so does what meets those who leave more; beside
// the cause, and held alike, neither does, and the cause is found as it was planted.
func TestBesideTheOthers(t *testing.T) {
	rows := accompanied(40_000)
	cohort := attribution.NewCohort()
	for _, r := range rows {
		if err := cohort.Add(r.Row); err != nil {
			t.Fatal(err)
		}
	}
	alone := map[string]attribution.Estimate{}
	for _, a := range cohort.Estimate(attribution.Options{TooFew: 30, Replicates: 128}) {
		alone[a.Kind] = a.RiskRatio
	}
	list := beside(t, []string{"cause", "along", "confounded"}, rows, attribution.Options{TooFew: 30}, attribution.Ridge)
	cause, along, confounded := list[0].RiskRatio, list[1].RiskRatio, list[2].RiskRatio
	t.Logf("alone %+v, beside each other %+v", alone, list)
	if alone["along"].Low < 1.4 || alone["confounded"].Low < 1 {
		t.Errorf("alone nothing looks like a cause: %+v", alone)
	}
	if cause.Low > 2.5 || cause.High < 2.5 || cause.Low < 2 {
		t.Errorf("the cause is found at %+v, planted at 2.5", cause)
	}
	for name, r := range map[string]attribution.Estimate{"along": along, "confounded": confounded} {
		if r.Low > 1 || r.High < 1 || math.Abs(math.Log(r.Value)) > 0.08 {
			t.Errorf("%s does nothing, found %+v", name, r)
		}
	}
}

// TestBesideInAnyOrder: rows in any order, and asked twice, give the same, to the last bit.
func TestBesideInAnyOrder(t *testing.T) {
	rows := accompanied(2000)
	for i := range rows {
		rows[i].burdens[0] *= 1 / (1 + float64(i%7)) // sums of fractions
	}
	kinds := []string{"cause", "along", "confounded"}
	first := beside(t, kinds, rows, attribution.Options{TooFew: 5}, attribution.Ridge)
	if first[0].Says != attribution.Estimated {
		t.Fatalf("found %+v", first)
	}
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 1))
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		all := together(t, kinds, rows)
		for range 2 {
			if got, err := all.Estimate(attribution.Options{TooFew: 5}, attribution.Ridge); err != nil || !reflect.DeepEqual(got, first) {
				t.Fatalf("shuffled by %d: %v (%v), expected %v", seed, got, err, first)
			}
		}
	}
}

// TestBesideNothing: a kind that nobody met says nothing and disturbs nobody; without the ridge there is no highest likelihood. Nor
// does anything come of no rows, of rows without a contact, or of what is no number.
func TestBesideNothing(t *testing.T) {
	rows := twoStrata()
	for i := range rows {
		rows[i].burdens = []float64{rows[i].burdens[0], 0}
	}
	kinds := []string{"long_wait", "tension"}
	list := beside(t, kinds, rows, attribution.Options{}, attribution.Ridge)
	alone := beside(t, kinds[:1], twoStrata(), attribution.Options{}, attribution.Ridge)
	if list[1].Says != attribution.TooFewToSay || list[1].Exposed != 0 || math.Abs(list[0].RiskRatio.Value-alone[0].RiskRatio.Value) > 1e-12 {
		t.Errorf("found %+v, alone %+v", list, alone)
	}
	if _, err := together(t, kinds, rows).Estimate(attribution.Options{}, 0); err == nil {
		t.Error("a kind that nobody met has a highest likelihood")
	}
	none := attribution.NewTogether(kinds)
	if err := none.Add(attribution.Row{Customer: "a", Lost: true}, []float64{1, 0}, nil); err != nil {
		t.Error(err)
	}
	if list, err := none.Estimate(attribution.Options{}, attribution.Ridge); err != nil || len(list) != 2 || list[0].Says != attribution.TooFewToSay || list[0].Exposed != 0 {
		t.Errorf("of a row without a contact: %+v (%v)", list, err)
	}
	for _, wrong := range [][]float64{{1}, {1, math.NaN()}, {1, math.Inf(1)}} {
		if none.Add(attribution.Row{Contacts: 1}, wrong, nil) == nil {
			t.Errorf("burdens %v are taken", wrong)
		}
	}
	if list := beside(t, kinds, group("huge", 50, 20, 2000, 1), attribution.Options{}, attribution.Ridge); list[0].Says != attribution.TooFewToSay {
		t.Errorf("nobody to compare with: %+v", list)
	}
}
