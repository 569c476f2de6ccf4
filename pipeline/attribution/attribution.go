// Package attribution sets breakpoints beside the losses that follow them: from landmark rows to risk ratios. What it finds
// is associated with loss; it never says that it causes it. It computes only, and what it gives does not depend on the order
// of the rows.
//
// A landmark is the first of a month. A customer at risk there is a row for each reason family of which they had a contact
// or a breakpoint in the days before; exposed to a kind are those whom it met in these days, unexposed those with a contact
// of the family and without it; the outcome is whether they left in the days after. The view landmarks_v makes the rows, and
// docs/ranking.md explains all of it with an example.
package attribution

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/cespare/xxhash/v2"

	"parcours/pipeline/event"
)

// Row is one customer at risk at one landmark, for one reason family.
type Row struct {
	Landmark event.Instant
	Customer string
	Family   string   // of reasons
	Kinds    []string // of breakpoints that met the customer in the days before, each once
	Contacts uint32   // inbound contacts of the family in these days
	Segment  string
	Tenure   string
	Lost     bool // left of their own will in the days after
}

// Options say how to estimate.
type Options struct {
	TooFew     int // fewer exposed losses say nothing
	Replicates int // of the bootstrap
}

// The two things that an association can say.
const (
	Estimated   = "estimated"
	TooFewToSay = "too few to say"
)

// Estimate is a figure with its 95 % interval.
type Estimate struct{ Value, Low, High float64 }

// Association is one kind of breakpoint and one reason family. Counts are of customers, each once however many landmarks
// they stand at.
type Association struct {
	Kind, Family    string
	Exposed         uint64 // at some landmark
	ExposedLosses   uint64 // and lost after it
	Unexposed       uint64 // at some landmark: a contact of the family, and not the kind
	UnexposedLosses uint64
	// ComparedLosses are those of ExposedLosses in a stratum in which there is somebody unexposed too.
	ComparedLosses uint64
	Says           string   // Estimated, or TooFewToSay: then all below is zero
	RiskRatio      Estimate // Mantel-Haenszel, percentiles of the bootstrap
	Variance       float64  // of the logarithm of RiskRatio, by the bootstrap
	Shrunk         Estimate // RiskRatio shrunk towards the kind's mean
	Losses         Estimate // ComparedLosses x (1 - 1/Shrunk): associated with the kind, not caused by it
}

// Cohort gathers rows.
type Cohort struct {
	customers map[string]int32
	hashes    []uint64 // of customers, in the order in which they came
	kinds     []string
	families  map[string]*family
	landmarks map[event.Instant]bool
}

// NewCohort gives one without rows.
func NewCohort() *Cohort {
	return &Cohort{customers: map[string]int32{}, families: map[string]*family{}, landmarks: map[event.Instant]bool{}}
}

// family holds the rows of one reason family.
type family struct {
	name   string
	strata map[stratum]int32
	keys   []stratum
	rows   []row
}

// row is Row with numbers for names; kinds is a set.
type row struct {
	kinds    uint64
	customer int32
	stratum  int32
	contact  bool // of the family: else the row is never unexposed, and compared with nobody
	lost     bool
}

// stratum is what is held alike where exposed and unexposed are compared.
type stratum struct {
	landmark        event.Instant
	segment, tenure string
	contacts        uint32 // least of the band
}

func (s stratum) compare(t stratum) int {
	return cmp.Or(cmp.Compare(s.landmark, t.landmark), cmp.Compare(s.segment, t.segment), cmp.Compare(s.tenure, t.tenure), cmp.Compare(s.contacts, t.contacts))
}

// bands are the least of each band of contacts. How many chances of breaking a customer had, and how they came to have them,
// is alike within one.
var bands = [...]uint32{0, 1, 2, 3, 4, 5, 7, 10, 15, 25}

// Band gives the least number of contacts of the band that a number is in.
func Band(contacts uint32) uint32 {
	i, exact := slices.BinarySearch(bands[:], contacts)
	if !exact {
		i--
	}
	return bands[i]
}

// mostKinds is how many kinds a set holds.
const mostKinds = 64

var errTooManyKinds = errors.New("more than 64 kinds of breakpoint")

// Add takes in one row.
func (c *Cohort) Add(r Row) error {
	f := c.families[r.Family]
	if f == nil {
		f = &family{name: r.Family, strata: map[stratum]int32{}}
		c.families[r.Family] = f
	}
	kinds, err := c.set(r.Kinds)
	if err != nil {
		return fmt.Errorf("add a landmark row: %w", err)
	}
	c.landmarks[r.Landmark] = true
	f.rows = append(f.rows, row{
		kinds: kinds, customer: c.customer(r.Customer), contact: r.Contacts > 0, lost: r.Lost,
		stratum: f.stratum(stratum{r.Landmark, r.Segment, r.Tenure, Band(r.Contacts)}),
	})
	return nil
}

// Landmarks is how many different ones there are.
func (c *Cohort) Landmarks() int { return len(c.landmarks) }

// Rows is how many were added.
func (c *Cohort) Rows() (n int) {
	for _, f := range c.families {
		n += len(f.rows)
	}
	return n
}

func (c *Cohort) customer(name string) int32 {
	n, known := c.customers[name]
	if !known {
		n = int32(len(c.hashes))
		c.customers[name] = n
		c.hashes = append(c.hashes, xxhash.Sum64String(name))
	}
	return n
}

func (c *Cohort) set(kinds []string) (set uint64, err error) {
	for _, k := range kinds {
		i := slices.Index(c.kinds, k)
		if i < 0 {
			if i = len(c.kinds); i == mostKinds {
				return 0, errTooManyKinds
			}
			c.kinds = append(c.kinds, k)
		}
		set |= 1 << i
	}
	return set, nil
}

func (f *family) stratum(key stratum) int32 {
	n, known := f.strata[key]
	if !known {
		n = int32(len(f.keys))
		f.strata[key] = n
		f.keys = append(f.keys, key)
	}
	return n
}

// order puts strata where they stand whatever the order in which rows came, since sums of fractions depend on theirs, and the
// rows of one customer together.
func (f *family) order() {
	list := slices.Clone(f.keys)
	slices.SortFunc(list, stratum.compare)
	place := make([]int32, len(list))
	for i, key := range list {
		place[f.strata[key]] = int32(i)
		f.strata[key] = int32(i)
	}
	for i := range f.rows {
		f.rows[i].stratum = place[f.rows[i].stratum]
	}
	f.keys = list
	slices.SortFunc(f.rows, func(a, b row) int { return cmp.Compare(a.customer, b.customer) })
}

// customersOf hands on the rows of each customer.
func (f *family) customersOf(yield func(customer int32, rows []row)) {
	for start := 0; start < len(f.rows); {
		end := start + 1
		for end < len(f.rows) && f.rows[end].customer == f.rows[start].customer {
			end++
		}
		yield(f.rows[start].customer, f.rows[start:end])
		start = end
	}
}

// Estimate gives every kind and reason family of which somebody was exposed, in the order of their names.
func (c *Cohort) Estimate(o Options) []Association {
	var list []Association
	for _, f := range c.families {
		f.order()
		list = append(list, c.estimateFamily(f, o)...)
	}
	slices.SortFunc(list, func(a, b Association) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Family, b.Family))
	})
	for start := 0; start < len(list); {
		end := start + 1
		for end < len(list) && list[end].Kind == list[start].Kind {
			end++
		}
		shrink(list[start:end])
		start = end
	}
	return list
}

// estimateFamily estimates what is not too few; shrinking is left.
func (c *Cohort) estimateFamily(f *family, o Options) []Association {
	tables := c.tabulate(f)
	list := c.count(f, tables)
	var samples []*sample
	for i := range list {
		if a := &list[i]; a.ComparedLosses >= uint64(max(o.TooFew, 1)) && a.UnexposedLosses > 0 {
			samples = append(samples, newSample(a, tables[c.kind(a.Kind)], o.Replicates))
		}
	}
	if len(samples) > 0 {
		c.bootstrap(f, samples, o.Replicates)
	}
	for _, s := range samples {
		s.summarise()
	}
	return list
}

func (c *Cohort) kind(name string) int { return slices.Index(c.kinds, name) }

// table is what one kind counts in each stratum among those with a contact: how many there are and were lost, exposed and
// in all.
type table struct {
	exposed, exposedLost []uint32
	all                  *totals
}

type totals struct{ persons, lost []uint32 }

func (t *table) compared(stratum int32) bool {
	return t.exposed[stratum] > 0 && t.exposed[stratum] < t.all.persons[stratum]
}

// tabulate counts for each kind.
func (c *Cohort) tabulate(f *family) []table {
	all := &totals{make([]uint32, len(f.keys)), make([]uint32, len(f.keys))}
	tables := make([]table, len(c.kinds))
	for i := range tables {
		tables[i] = table{make([]uint32, len(f.keys)), make([]uint32, len(f.keys)), all}
	}
	for _, r := range f.rows {
		if !r.contact {
			continue
		}
		lost := one(r.lost)
		all.persons[r.stratum]++
		all.lost[r.stratum] += lost
		for set := r.kinds; set != 0; set &= set - 1 {
			t := &tables[first(set)]
			t.exposed[r.stratum]++
			t.exposedLost[r.stratum] += lost
		}
	}
	return tables
}

// count counts customers, each once.
func (c *Cohort) count(f *family, tables []table) []Association {
	var exposed, lost, compared, unexposed, unexposedLost [mostKinds]uint64
	f.customersOf(func(_ int32, rows []row) {
		var e, el, ec, u, ul uint64
		for _, r := range rows {
			e |= r.kinds
			if r.lost {
				el |= r.kinds
			}
			if !r.contact {
				continue
			}
			u |= ^r.kinds
			if r.lost {
				ul |= ^r.kinds
				ec |= comparedIn(tables, r)
			}
		}
		tally(&exposed, e)
		tally(&lost, el)
		tally(&compared, ec)
		tally(&unexposed, u)
		tally(&unexposedLost, ul)
	})
	var list []Association
	for i, kind := range c.kinds {
		if exposed[i] > 0 {
			list = append(list, Association{
				Kind: kind, Family: f.name, Exposed: exposed[i], ExposedLosses: lost[i], ComparedLosses: compared[i],
				Unexposed: unexposed[i], UnexposedLosses: unexposedLost[i], Says: TooFewToSay,
			})
		}
	}
	return list
}

// comparedIn are the kinds of a row for which there is somebody unexposed in its stratum.
func comparedIn(tables []table, r row) (compared uint64) {
	for set := r.kinds; set != 0; set &= set - 1 {
		if i := first(set); tables[i].compared(r.stratum) {
			compared |= 1 << i
		}
	}
	return compared
}

// riskRatio is the Mantel-Haenszel risk ratio over strata (Greenland and Robins 1985): the sum of exposed losses x unexposed
// persons / persons, over that of unexposed losses x exposed persons / persons.
func (t *table) riskRatio() float64 {
	var sum ratio
	for i := range t.exposed {
		sum.add(float64(t.exposed[i]), float64(t.exposedLost[i]), float64(t.all.persons[i]), float64(t.all.lost[i]))
	}
	return sum.value()
}

// ratio is the two sums of a Mantel-Haenszel risk ratio.
type ratio struct{ above, below float64 }

func (s *ratio) add(exposed, exposedLost, persons, lost float64) {
	if persons > 0 {
		s.above += exposedLost * (persons - exposed) / persons
		s.below += (lost - exposedLost) * exposed / persons
	}
}

// value is 0, infinite or no number where one of the sums or both are 0.
func (s *ratio) value() float64 { return s.above / s.below }

func finite(v float64) bool { return !math.IsInf(v, 0) && !math.IsNaN(v) }
