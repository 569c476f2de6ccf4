package churn

import "math"

// TimesRow is what came of those who came back so many times, and what the model expects.
type TimesRow struct {
	Times     int     // after the first; of the last row that many or more
	Customers int     // who came back so many times
	Observed  float64 // of Frequencies the same number; of Holdout how often they came in it, together
	Expected  float64 // of Observed
}

// Frequencies compares how many customers came back 0, 1, 2 ... times with how many the model expects, given how long ago
// each came first (equation 8). The last row is of most times or more.
func (m BGNBD) Frequencies(uses []Uses, most int) []TimesRow {
	rows := timesRows(most)
	ages := map[float64]int{}
	var order []float64 // maps are in no order, and sums depend on it
	for _, u := range uses {
		row := &rows[min(u.Frequency, most)]
		row.Customers++
		row.Observed++
		if ages[u.Age]++; ages[u.Age] == 1 {
			order = append(order, u.Age)
		}
	}
	for _, age := range order {
		for i, p := range m.times(age, most) {
			rows[i].Expected += p * float64(ages[age])
		}
	}
	return rows
}

// Holdout compares how often customers came in the t after now, later of each, with what is expected of them; the rows are of
// how often they had come back before.
func (m BGNBD) Holdout(uses []Uses, later []int, t float64, most int) (all TimesRow, rows []TimesRow) {
	rows = timesRows(most)
	for i, u := range uses {
		row := &rows[min(u.Frequency, most)]
		row.Customers++
		row.Observed += float64(later[i])
		row.Expected += m.Expected(u, t)
	}
	for _, row := range rows {
		all.Customers += row.Customers
		all.Observed += row.Observed
		all.Expected += row.Expected
	}
	return all, rows
}

func timesRows(most int) []TimesRow {
	rows := make([]TimesRow, most+1)
	for i := range rows {
		rows[i].Times = i
	}
	return rows
}

// times are the probabilities to come back 0, 1, 2 ... times within t of the first, and most times or more (equation 8): being
// there still after n of those who never leave would have come (negative binomial), or having left at the last chance, those
// who never leave coming n times or more.
func (m BGNBD) times(t float64, most int) []float64 {
	z := t / (m.Alpha + t)
	came, more := math.Exp(-m.R*math.Log1p(t/m.Alpha)), 1.0 // exactly n; n or more
	stayed, before, chances := 1.0, 1.0, 0
	list := make([]float64, most+1)
	rest := 1.0
	for n := range most {
		for ; chances < m.chances(n); chances++ {
			before, stayed = stayed, stayed*(m.B+float64(chances))/(m.A+m.B+float64(chances))
		}
		list[n] = stayed * came
		if chances > 0 {
			list[n] += (before - stayed) * more
		}
		rest -= list[n]
		more -= came
		came *= (m.R + float64(n)) / float64(n+1) * z
	}
	list[most] = max(rest, 0)
	return list
}
