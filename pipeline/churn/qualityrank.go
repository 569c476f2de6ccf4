package churn

import (
	"cmp"
	"math"
	"slices"
)

// ranking is judged rows from the highest score to the lowest.
type ranking struct {
	rows      []Judged
	end       []bool    // the row is the last of its score
	customer  []int32   // of a row
	segment   []int32   // of a row
	weights   []float64 // of rows, in this sample of customers
	customers int
	segments  int
}

// ranked puts rows of a segment, or of all, in order.
func ranked(judged []Judged, segment string) *ranking {
	r := &ranking{}
	for i := range judged {
		if segment == "" || judged[i].Segment == segment {
			r.rows = append(r.rows, judged[i])
		}
	}
	slices.SortFunc(r.rows, func(a, b Judged) int {
		return cmp.Or(cmp.Compare(b.P, a.P), cmp.Compare(a.Customer, b.Customer), cmp.Compare(a.At, b.At))
	})
	segments, customers := segmentsOf(r.rows), r.customerNames()
	r.segments, r.customers = len(segments), len(customers)
	for i := range r.rows {
		row := &r.rows[i]
		s, _ := slices.BinarySearch(segments, row.Segment)
		c, _ := slices.BinarySearch(customers, row.Customer)
		r.segment, r.customer = append(r.segment, int32(s)), append(r.customer, int32(c))
		r.weights = append(r.weights, row.Weight)
		r.end = append(r.end, i == len(r.rows)-1 || r.rows[i+1].P != row.P)
	}
	return r
}

func (r *ranking) customerNames() []string {
	list := make([]string, len(r.rows))
	for i := range r.rows {
		list[i] = r.rows[i].Customer
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// figures are all that one pass over the rows gives.
type figures struct {
	observed, expected, all           float64
	auc, prAUC, brier, brierBase, ece float64
	bins                              [Bins]binSum
}

// binSum is the weight, the foretold and the observed losses of a bin.
type binSum struct{ weight, expected, observed float64 }

// figures of the rows under the weights of the ranking. AUC and average precision go from score to score, so that ties are
// exact.
func (r *ranking) figures() (f figures) {
	f.all, f.observed, f.expected = r.sums()
	f.brier, f.brierBase = r.brier()
	capacity := f.all / Bins
	var same binSum
	var above binSum // all with a higher score
	bin := 0
	for i := range r.rows {
		same.add(&r.rows[i], r.weights[i])
		if !r.end[i] {
			continue
		}
		lost := same.observed
		f.auc += (same.weight - lost) * (above.observed + lost/2)
		if with := above.weight + same.weight; with > 0 {
			f.prAUC += lost * (above.observed + lost) / with
		}
		bin = f.spread(same, bin, capacity)
		above.weight, above.observed, same = above.weight+same.weight, above.observed+lost, binSum{}
	}
	f.auc /= f.observed * (f.all - f.observed)
	f.prAUC /= f.observed
	for _, b := range f.bins {
		f.ece += math.Abs(b.expected-b.observed) / f.all
	}
	return f
}

func (b *binSum) add(row *Judged, weight float64) {
	b.weight += weight
	b.expected += weight * row.P
	if row.Lost {
		b.observed += weight
	}
}

// spread puts rows of one score into bins, in shares where they cross an edge.
func (f *figures) spread(same binSum, bin int, capacity float64) int {
	for left := same.weight; left > 0; {
		room := capacity - f.bins[bin].weight
		if bin == Bins-1 || room > left*(1+1e-12) {
			room = left
		}
		part := min(room, left) / same.weight
		f.bins[bin].weight += part * same.weight
		f.bins[bin].expected += part * same.expected
		f.bins[bin].observed += part * same.observed
		left -= min(room, left)
		if bin < Bins-1 && f.bins[bin].weight >= capacity*(1-1e-12) {
			bin++
		}
	}
	return bin
}

func (r *ranking) sums() (all, observed, expected float64) {
	for i := range r.rows {
		all += r.weights[i]
		expected += r.weights[i] * r.rows[i].P
		if r.rows[i].Lost {
			observed += r.weights[i]
		}
	}
	return all, observed, expected
}

// brier is the mean square of the error, and that of the rates of the segments.
func (r *ranking) brier() (own, base float64) {
	var all float64
	weight, lost := make([]float64, r.segments), make([]float64, r.segments)
	for i := range r.rows {
		w, s := r.weights[i], r.segment[i]
		outcome := r.rows[i].outcome()
		weight[s], lost[s], all = weight[s]+w, lost[s]+w*outcome, all+w
		own += w * (r.rows[i].P - outcome) * (r.rows[i].P - outcome)
	}
	for s, w := range weight {
		if w > 0 {
			base += lost[s] * (1 - lost[s]/w)
		}
	}
	return own / all, base / all
}

func (j *Judged) outcome() float64 {
	if j.Lost {
		return 1
	}
	return 0
}
