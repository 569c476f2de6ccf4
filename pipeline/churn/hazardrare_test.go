package churn

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"parcours/pipeline/event"
)

// seldom is a world in which a seventh feature does nothing and hardly anybody has it: thirty customers, three of whom were lost by
// chance, and had the more of it the nearer that came. It gives the rows of thousands of customers, and one that is usual otherwise.
func seldom(seed uint64) (*world, []Row) {
	w := simple(seed)
	w.static, w.landmarks = true, 16
	w.columns.names, w.columns.signs = append(w.columns.names, "seldom"), append(w.columns.signs, 1)
	for g := range w.slopes {
		w.slopes[g] = append(w.slopes[g], 0)
	}
	rows, _ := w.rows(3000, 0, w.until())
	given := map[bool]int{true: 3, false: 27} // how many are still to have it, of those who were lost and of the others
	for from := 0; from < len(rows); {
		until := from + 1
		for until < len(rows) && rows[until].Customer == rows[from].Customer {
			until++
		}
		lost, those := rows[from].Lost, rows[from:until]
		for i := range those {
			those[i].X = slices.Clone(those[i].X)
			those[i].X[6] = 0
		}
		if len(those) >= 8 && given[lost] > 0 {
			given[lost]--
			if lost {
				for back := range 5 {
					those[len(those)-1-back].X[6] = 0.5 - 0.1*float64(back)
				}
			} else {
				those[4].X[6] = 0.1
			}
		}
		from = until
	}
	return w, rows
}

// TestFewDecideLittle: three customers who were lost by chance do not make all like them as good as gone, however weak the penalty is that
// the others allow; and the interval says how little is known.
func TestFewDecideLittle(t *testing.T) {
	for seed := range uint64(3) {
		w, rows := seldom(60 + seed)
		m, _ := mustTrain(t, rows, w, Options{Strengths: []float64{1}})
		row := Row{Segment: "home", X: make([]float64, 7)}
		without := m.Score(&row)
		row.X[6] = 0.5
		with := m.Score(&row)
		t.Logf("seed %d: within a year %.3f without, %.3f (%.3f to %.3f) with what three had who were lost", seed, without.P[2], with.P[2], with.Low[2], with.High[2])
		if with.P[2] > 0.6 || with.P[2] < without.P[2] {
			t.Errorf("seed %d: %.3f within a year, and %.3f without", seed, with.P[2], without.P[2])
		}
		if with.Low[2] > 1.5*without.P[2] {
			t.Errorf("seed %d: it is %.3f at least, says the interval; %.3f without", seed, with.Low[2], without.P[2])
		}
	}
}

// TestOneDecidesLittle: one customer of three thousand has a flag, which bounds cannot touch, and is lost. Without a law of what a flag does
// who has it would be as good as gone; with the law, and each loss counted as often as it is seen, the effect is two standard deviations
// of it at the most. The interval holds those who have no flag.
func TestOneDecidesLittle(t *testing.T) {
	for seed := range uint64(3) {
		w := simple(80 + seed)
		w.static, w.landmarks = true, 16
		rows := marked(w, 3000, 1, 0)
		for i := range rows {
			if r := &rows[i]; r.X[6] == 1 { // lost after 200 days
				r.Lost, r.FollowUp = true, 200-float64(r.At-testStart)/float64(testDay)
			}
		}
		rows = slices.DeleteFunc(rows, func(r Row) bool { return r.FollowUp < 0 })
		m, _ := mustTrain(t, rows, w, Options{Strengths: []float64{1}})
		row := Row{Segment: "home", X: make([]float64, 7)}
		without := m.Score(&row)
		row.X[6] = 1
		with := m.Score(&row)
		t.Logf("seed %d: within a year %.3f without, %.3f (%.3f to %.3f) with the flag; %v", seed, without.P[2], with.P[2], with.Low[2], with.High[2],
			[]float64{m.Months[0].Coefficients[6], m.Months[1].Coefficients[6], m.Months[2].Coefficients[6]})
		if most := m.Months[2].Coefficients[6]; most < 0.5 || most > 2*plausible {
			t.Errorf("seed %d: the flag adds %.2f log odds in months 4 to 12", seed, most)
		}
		if with.P[2] > 0.4 || with.P[2] < without.P[2] || with.Low[2] > without.P[2] {
			t.Errorf("seed %d: %.3f (from %.3f on) within a year, and %.3f without", seed, with.P[2], with.Low[2], without.P[2])
		}
	}
}

// TestRareAndReal: what one customer in fifty has and three in four of them do not outlive by a month is learnt nearly whole.
func TestRareAndReal(t *testing.T) {
	w := simple(71)
	w.columns.names, w.columns.signs = append(w.columns.names, "asked"), append(w.columns.signs, 1)
	for g := range w.slopes {
		w.slopes[g] = append(w.slopes[g], 0)
	}
	rows, _ := w.rows(10_000, 0, w.until())
	for i := range rows {
		r := &rows[i]
		r.X = slices.Clone(r.X)
		r.X[6] = 0
		if known := float64(w.until()-r.At) / float64(testDay); i%50 == 0 && known >= 30 {
			r.X[6] = 1
			if w.random.Float64() < 0.75 {
				r.Lost, r.FollowUp = true, 30*w.random.Float64()
			}
		}
	}
	m, _ := mustTrain(t, rows, w, Options{})
	row := Row{Segment: "home", X: make([]float64, 7)}
	row.X[6] = 1
	if p := m.Score(&row).P[0]; p < 0.65 || p > 0.85 {
		t.Errorf("within a month %.3f of those who asked", p)
	}
}

// TestBound: values are told apart up to what ten customers reached, or half of those who have any where these are fewer; what all have
// stays as it is.
func TestBound(t *testing.T) {
	columns := plain{names: []string{"common", "rare", "flag", "low", "same"}, signs: make([]int, 5)}
	var rows []Row
	for c := range 100 {
		x := []float64{float64(c), 0, 0, 5, 3}
		if c < 6 {
			x[1], x[2] = float64(c+1), 1
		}
		if c == 7 {
			x[3] = -40
		}
		for landmark := range 2 {
			rows = append(rows, Row{Customer: string(rune('A' + c)), At: testStart + event.Instant(landmark)*monthDays*testDay, Segment: "s", X: x, FollowUp: 90})
		}
	}
	d := newDesign(rows, columns, testStart+200*testDay)
	for i, want := range [][2]float64{{9, 90}, {0, 4}, {0, 1}, {-40, 5}, {3, 3}} {
		if d.least[i] != want[0] || d.most[i] != want[1] {
			t.Errorf("%s is told apart from %g to %g, not %v", columns.names[i], d.least[i], d.most[i], want)
		}
	}
	if v := d.at(&Row{X: []float64{-1, 9, 1, 0, 7}}, 1); v != 4 {
		t.Errorf("9 of what 4 is the most of counts as %g", v)
	}
}

// marked are the rows of a company in which so many customers have a seventh feature, a flag, that adds to their log odds, and nobody
// else has it.
func marked(w *world, customers, carriers int, effect float64) (rows []Row) {
	usual := w.intercept
	for flag, n := range []int{customers, carriers} {
		for g := range w.intercept {
			w.intercept[g] = usual[g] + float64(flag)*effect
		}
		those, _ := w.rows(n, 0, w.until())
		for _, r := range those {
			r.Customer += []string{"", " marked"}[flag]
			r.X = append(slices.Clone(r.X), float64(flag))
			rows = append(rows, r)
		}
	}
	w.intercept = usual
	w.columns.names, w.columns.signs = append(w.columns.names, "flag"), append(w.columns.signs, 0)
	return rows
}

// TestRareIntervals: where one, three, ten or thirty customers have something, and what it does is drawn from the law that is expected of it,
// its 95 % interval holds the truth about as often as it says, in each group of months, over 200 small companies that see a loss from
// several landmarks. Of 200 that hold the truth with 95 % each, 178 or fewer do with a probability of 0.0005, and 198 or more with 0.002.
func TestRareIntervals(t *testing.T) {
	const companies = 200
	var held [3]int
	for n := range companies {
		w := simple(2000 + uint64(n))
		w.static, w.landmarks = true, 16
		effect := plausible * w.random.NormFloat64()
		rows := marked(w, 400, []int{1, 3, 10, 30}[n%4], effect)
		d := newDesign(rows, w.columns, w.until())
		var problems [3]problem
		var fits [3]fitted
		for g, months := range monthGroups {
			problems[g] = d.problemOf(d.exposures(months, everBefore(w.until())), 1)
			fits[g] = problems[g].fit(problems[g].nothing())
		}
		u, flag := uncertaintyOf(problems, fits), d.first()+6
		for g := range fits {
			at := slices.Index(u.free[g], flag)
			if wide := normal95 * math.Sqrt(u.covariance[g].At(at, at)); math.Abs(fits[g].params[flag]-effect*d.scale[flag]) <= wide {
				held[g]++
			}
		}
	}
	t.Logf("of %d companies %v intervals hold the truth", companies, held)
	for g, n := range held {
		if n <= 178 || n >= 198 {
			t.Errorf("months %d to %d: %d of %d intervals hold the truth", monthGroups[g][0], monthGroups[g][1], n, companies)
		}
	}
}

// TestUnknownIsNoValue: of how much of something is told apart, those of whom it is not known say nothing; and 0 stays 0 of them, in
// training and in scoring.
func TestUnknownIsNoValue(t *testing.T) {
	columns := plain{names: []string{"tenure", "tenure_known"}}
	var rows []Row
	for c := range 200 {
		x := []float64{2 + float64(c)/100, 1}
		if c < 6 {
			x = []float64{0, 0}
		}
		rows = append(rows, Row{Customer: fmt.Sprint(1000 + c), At: testStart, Segment: "s", X: x, FollowUp: 90})
	}
	d := newDesign(rows, columns, testStart+200*testDay)
	if !near64(d.least[0], 2.15, 1e-12) || !near64(d.most[0], 3.90, 1e-12) { // the tenth of those who are known, from either end
		t.Errorf("tenure is told apart from %g to %g", d.least[0], d.most[0])
	}
	m := known(columns, []float64{0.5, 0.25}, []float64{0, 0})
	m.Least, m.Most = d.least, d.most
	if err := m.bind(columns); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ tenure, known, want float64 }{{0, 0, 0}, {0, 1, 2.15}, {3, 1, 3}, {9, 1, 3.9}} {
		row := Row{X: []float64{test.tenure, test.known}}
		var x seen
		if m.look(&row, 0, &x); !near64(d.at(&row, 0), test.want, 1e-12) || x.useful[0] != d.at(&row, 0) {
			t.Errorf("tenure %g, known %g, is learnt as %g and scored as %g, not %g", test.tenure, test.known, d.at(&row, 0), x.useful[0], test.want)
		}
	}
}

// TestTooLargeForANumber: a feature of which one value is so large that its square is none says nothing, and the others what they say
// without it.
func TestTooLargeForANumber(t *testing.T) {
	w := simple(71)
	rows := marked(w, 3000, 1, 0)
	rows[len(rows)-1].X[6] = 0
	without, _ := mustTrain(t, rows, w, Options{Strengths: []float64{1}})
	for _, huge := range []float64{1e153, 1e160, -1e300} {
		rows[len(rows)-1].X[6] = huge
		with, report := mustTrain(t, rows, w, Options{Strengths: []float64{1}})
		if err := with.bounded(); huge != 1e153 && (err != nil || with.Least[6] != 0 || with.Most[6] != 0) {
			t.Errorf("%g: told apart from %g to %g, which is refused: %v", huge, with.Least[6], with.Most[6], err)
		}
		for g := range with.Months {
			if !report.Months[g].Converged || huge != 1e153 && !slices.Equal(with.Months[g].Coefficients, without.Months[g].Coefficients) {
				t.Errorf("%g: converged %v, coefficients %v, without it %v", huge, report.Months[g].Converged, with.Months[g].Coefficients, without.Months[g].Coefficients)
			}
		}
	}
}

// TestPenalty, by hand. One customer of two hundred has a flag, so that the bound changes nothing of it: it is 1 in 1 row of 200 and 0 in
// the others, its variance 0.005 x 0.995, and who has it lies 1 / sqrt(0.004975) = 14.1776 standard deviations from the usual 0. A law of
// 1.5 log odds for these is a penalty of 14.1776² / 2.25 = 201.005 / 2.25 = 89.3356. What half the customers have, 1 or 3 by turns, has a
// standard deviation of 1, and lies 2 from the median of 3: 4 / 2.25 = 1.7778. All of it as often as a loss is counted.
func TestPenalty(t *testing.T) {
	columns := plain{names: []string{"flag", "dense"}}
	for again, strengths := range map[int]map[float64][2]float64{
		1: {1: {89.3356, 1.7778}, 10: {89.3356, 10}, 100: {100, 100}},
		3: {1: {268.0067, 5.3333}, 10: {268.0067, 10}, 300: {300, 300}},
	} {
		var rows []Row
		for c := range 200 {
			for landmark := range again {
				r := Row{Customer: fmt.Sprint(1000 + c), At: testStart + event.Instant(landmark)*monthDays*testDay, Segment: "s", FollowUp: 360}
				r.X = []float64{flag(c == 7), float64(1 + 2*(c%2))}
				if c < 20 { // lost a year after the first landmark, and seen to be from each
					r.Lost, r.FollowUp = true, float64(360-landmark*monthDays)
				}
				rows = append(rows, r)
			}
		}
		d := newDesign(rows, columns, testStart+1000*testDay)
		for strength, want := range strengths {
			p := d.problemOf(d.exposures(monthGroups[2], everBefore(testStart+1000*testDay)), strength)
			for i, want := range want {
				assumed := want
				if want > strength {
					assumed *= float64(again)
				}
				if at := d.first() + i; p.again != float64(again) || !near64(p.penalty(at), want, 1e-4) || !near64(p.assumed(at), assumed, 3e-4) {
					t.Errorf("strength %g, each loss counted %g times: the penalty of %s is %.4f, not %.4f; it varies by %.4f, not %.4f",
						strength, p.again, columns.names[i], p.penalty(at), want, p.assumed(at), assumed)
				}
			}
			if p.penalty(1) != strength || p.assumed(0) != 0 {
				t.Errorf("the penalty of a segment is %g, not %g; that of the intercept varies by %g", p.penalty(1), strength, p.assumed(0))
			}
		}
	}
}

// TestNobodyLostIsNotCertain: of ten who have a flag and of whom none was lost, the squared gradients are those that the hazard expects,
// and not those near 0 that they happen to be; of what many lost customers have they stay as they are.
func TestNobodyLostIsNotCertain(t *testing.T) {
	w := simple(90)
	w.static, w.landmarks = true, 16
	d := newDesign(marked(w, 3000, 10, -30), w.columns, w.until())
	p := d.problemOf(d.exposures(monthGroups[2], everBefore(w.until())), 1)
	f := p.fit(p.nothing())
	gradient, hessian := p.derivatives(f.params)
	free := p.free(f.params, gradient)
	filling := fillings([3]problem{p, p, p}, [3]fitted{f, f, f}, [3][]int{free, free, free})[0][0]
	before := mat.DenseCopyOf(filling)
	p.expected(filling, hessian, free)
	for i, at := range free {
		is, was := filling.At(i, i), before.At(i, i)
		if at != d.first()+6 {
			if is != was {
				t.Errorf("parameter %d, which many have: %g is %g", at, was, is)
			}
			continue
		}
		want := p.again * (hessian[at*d.params()+at] - p.penalty(at))
		if was > want/2 || !near64(is, want, 1e-9*want) {
			t.Errorf("the flag: %g is %g, not %g", was, is, want)
		}
	}
}
