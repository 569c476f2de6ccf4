package churn

import (
	"cmp"
	"math"
	"slices"

	"parcours/pipeline/event"
)

const millisecondsPerMonth = monthDays * 24 * 60 * 60 * 1000

// design is what there is to learn from: rows of customer and landmark, without what is 0. Parameter 0 is the intercept,
// then follow segments, then features, each divided by its standard deviation. (They are not centred: the intercept takes
// that up, and what is 0 stays 0.)
type design struct {
	rows     []*Row    // by customer and landmark
	scale    []float64 // of parameters; 0 of a feature that is the same in all rows
	sign     []int8    // of parameters
	least    []float64 // of features: what lies below counts as this
	most     []float64 // of features: what lies above counts as this
	leap     []float64 // of parameters: see leaps
	known    []knowing // of features
	start    []int32   // of each row in param and value, and the end
	param    []uint16
	value    []float32
	segments []string
	features int
}

// newDesign takes the rows that a model may learn from: neither captive customers nor objectors, and none without a
// follow-up.
func newDesign(rows []Row, columns Columns, until event.Instant) *design {
	d := &design{features: len(columns.Names())}
	for i := range rows {
		if r := &rows[i]; !r.Captive && !r.Objected && r.FollowUp >= 0 && r.At < until {
			d.rows = append(d.rows, r)
		}
	}
	slices.SortStableFunc(d.rows, func(a, b *Row) int { return cmp.Or(cmp.Compare(a.Customer, b.Customer), cmp.Compare(a.At, b.At)) })
	for _, r := range d.rows {
		if i, found := slices.BinarySearch(d.segments, r.Segment); !found {
			d.segments = slices.Insert(d.segments, i, r.Segment)
		}
	}
	d.sign = make([]int8, d.params())
	for i := range d.features {
		d.sign[d.first()+i] = int8(columns.Sign(i))
	}
	for _, name := range columns.Names() {
		d.known = append(d.known, knowing{place: int16(slices.Index(columns.Names(), name+ofKnown))})
	}
	d.bound()
	d.measure()
	d.leaps()
	d.compress()
	return d
}

// first is the parameter of the first feature.
func (d *design) first() int { return 1 + len(d.segments) }

func (d *design) params() int { return d.first() + d.features }

// lostBy says whether a row was lost by a moment.
func (r *Row) lostBy(until event.Instant) bool {
	return r.Lost && r.FollowUp <= float64(until-r.At)/millisecondsPerDay
}

// lostBy counts the customers who were lost by a moment.
func (d *design) lostBy(until event.Instant) (customers int) {
	last := ""
	for _, r := range d.rows {
		if r.lostBy(until) && (customers == 0 || r.Customer != last) {
			customers, last = customers+1, r.Customer
		}
	}
	return customers
}

// finite takes a value that is none for 0.
func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}

// at is a feature of a row as the hazards look at it: 0 where it is not known, whatever was reached of it.
func (d *design) at(r *Row, feature int) float64 {
	if d.known[feature].unknown(r) {
		return 0
	}
	return max(d.least[feature], min(d.most[feature], finite(r.X[feature])))
}

// measure finds the standard deviation of each feature. One of which it is too large for a number counts as the same in all rows.
func (d *design) measure() {
	d.scale = make([]float64, d.params())
	for p := range d.first() {
		d.scale[p] = 1
	}
	mean, n := make([]float64, d.features), 0.
	for _, r := range d.rows { // Welford
		n++
		for i := range r.X {
			v := d.at(r, i)
			from := v - mean[i]
			mean[i] += from / n
			d.scale[d.first()+i] += from * (v - mean[i])
		}
	}
	for p := d.first(); p < len(d.scale); p++ {
		i := p - d.first()
		d.scale[p] = math.Sqrt(d.scale[p] / n)
		if finite(d.scale[p]) != d.scale[p] {
			d.scale[p], d.least[i], d.most[i] = 0, 0, 0
		}
		if d.scale[p] < 1e-9*(1+math.Abs(mean[i])) {
			d.scale[p] = 0
		}
	}
}

// compress writes down what is not 0 of each row.
func (d *design) compress() {
	d.start = make([]int32, 1, len(d.rows)+1)
	for _, r := range d.rows {
		d.param, d.value = append(d.param, 0), append(d.value, 1)
		segment, _ := slices.BinarySearch(d.segments, r.Segment)
		d.param, d.value = append(d.param, uint16(1+segment)), append(d.value, 1)
		for i := range r.X {
			if v, s := d.at(r, i), d.scale[d.first()+i]; v != 0 && s != 0 {
				d.param, d.value = append(d.param, uint16(d.first()+i)), append(d.value, float32(v/s))
			}
		}
		d.start = append(d.start, int32(len(d.param)))
	}
}

// of is what is not 0 of a row.
func (d *design) of(row int32) ([]uint16, []float32) {
	return d.param[d.start[row]:d.start[row+1]], d.value[d.start[row]:d.start[row+1]]
}

// period is a part of the time: only what happened in it counts.
type period struct{ from, until event.Instant }

// everBefore is the period from the beginning of time.
func everBefore(until event.Instant) period { return period{math.MinInt64, until} }

// exposure is how long one row was at risk in a group of months: months survived, and whether it was lost in one more.
type exposure struct {
	row    int32
	months float32
	lost   bool
}

// exposure is that of a row in the months first..last after its landmark that lie wholly within a period; false for none. Of
// the month in which another ending censored a row the part before it counts (the actuarial convention). A month that is cut
// by the end of what is known does not count at all, nor a loss in it: those who were not lost in it could not say so.
func (p period) exposure(r *Row, first, last int) (e exposure, any bool) {
	if p.from > r.At {
		first = max(first, 1+int((p.from-r.At+millisecondsPerMonth-1)/millisecondsPerMonth))
	}
	last = min(last, int((p.until-r.At)/millisecondsPerMonth))
	survived := r.FollowUp / monthDays
	if r.Lost {
		month := max(1, int(math.Ceil(survived)))
		e.lost = first <= month && month <= last
		survived = float64(month - 1)
	}
	e.months = float32(max(0, min(survived, float64(last))-float64(first-1)))
	return e, e.lost || e.months > 0
}

// exposures are those of all rows in the months first..last within a period.
func (d *design) exposures(months [2]int, p period) (all []exposure) {
	for i, r := range d.rows {
		if e, any := p.exposure(r, months[0], months[1]); any {
			e.row = int32(i)
			all = append(all, e)
		}
	}
	return all
}

// tally counts the losses and the customer-months of exposures.
func tally(all []exposure) (losses int, exposed float64) {
	for _, e := range all {
		exposed += float64(e.months)
		if e.lost {
			losses++
			exposed++
		}
	}
	return losses, exposed
}
