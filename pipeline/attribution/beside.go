package attribution

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Together gathers rows for an estimate of all kinds at once, each beside the others. Kinds come together: who was refused comes
// back, and who had a failure gets in touch. A ratio of one kind alone counts what it brings along; this one does not.
//
// Within a stratum (that of Cohort: landmark, segment, tenure and band of contacts) the risk of a row is the stratum's own, times
// exp(sum of coefficient x burden) over all kinds, times the same of what is held alike. That is Poisson regression of a yes or
// no (Zou 2004), whose stratum effects leave a closed form behind when the likelihood is maximised over them: given how many
// were lost, whom it met is multinomial (Breslow 1974 has the same likelihood for ties). So its ratios are ratios of risks, as
// those of Mantel and Haenszel are.
type Together struct {
	kinds     []string
	alike     int
	strata    family // names and numbers of strata; it holds no rows
	customers map[string]int32
	names     []string
	rows      []laden
}

// laden is one row: a burden for each kind, then what is held alike.
type laden struct {
	stratum, customer int32
	lost              bool
	x                 []float64
}

// Beside is one kind beside all others. Counts are of customers, each once however many landmarks they stand at.
type Beside struct {
	Kind          string
	Exposed       uint64   // with a burden of half or more at some landmark
	ExposedLosses uint64   // and lost after it
	Says          string   // Estimated, or TooFewToSay: then RiskRatio is zero
	RiskRatio     Estimate // for a burden of 1 more, all other burdens and what is held alike being the same
}

// Ridge is how strongly a logarithm of a ratio is held to 0: as if it were known that 19 of 20 kinds lie between 1/7 and 7. It
// keeps a kind finite of which next to nothing is known, and moves one by little of which something is.
const Ridge = 1

// NewTogether gives one without rows, for these kinds.
func NewTogether(kinds []string) *Together {
	return &Together{kinds: kinds, strata: family{strata: map[stratum]int32{}}, customers: map[string]int32{}}
}

var errBurdens = errors.New("expected a number for each kind, and for all that is held alike")

// Add takes in one row: its burdens in the order of the kinds (0 for whom the kind never met, 1 for one that has just happened),
// and what else is to be held alike, as many numbers in each row. Its family and kinds are not looked at, and one without a contact is left out: it would be
// compared with nobody.
func (t *Together) Add(r Row, burdens, alike []float64) error {
	if len(t.rows) == 0 {
		t.alike = len(alike)
	}
	x := slices.Concat(burdens, alike)
	if len(burdens) != len(t.kinds) || len(alike) != t.alike || slices.ContainsFunc(x, func(v float64) bool { return !finite(v) }) {
		return fmt.Errorf("add a landmark row: %w", errBurdens)
	}
	if r.Contacts == 0 {
		return nil
	}
	customer, known := t.customers[r.Customer]
	if !known {
		customer = int32(len(t.names))
		t.customers[r.Customer] = customer
		t.names = append(t.names, r.Customer)
	}
	t.rows = append(t.rows, laden{t.strata.stratum(stratum{r.Landmark, r.Segment, r.Tenure, Band(r.Contacts)}), customer, r.Lost, x})
	return nil
}

// Estimate gives every kind, in the order in which they were named. The ridge is Ridge, or 0 for the highest likelihood itself,
// which exists only where every kind met some of the lost and not all.
//
// Intervals are of 95 %, by the sandwich of Huber (1967) over customers: rows of one customer prove nothing twice.
func (t *Together) Estimate(o Options, ridge float64) ([]Beside, error) {
	t.order()
	f, err := t.fit(ridge)
	if err != nil {
		return nil, fmt.Errorf("estimate %d kinds beside each other: %w", len(t.kinds), err)
	}
	list := t.count()
	errs := t.errors(f)
	for i := range list {
		b := &list[i]
		if b.ExposedLosses < uint64(max(o.TooFew, 1)) || errs[i] == 0 {
			continue
		}
		of := func(by float64) float64 { return math.Exp(f.beta[i] + by*errs[i]) }
		b.Says, b.RiskRatio = Estimated, Estimate{of(0), of(-twoSided), of(twoSided)}
	}
	return list, nil
}

// twoSided is the 97.5 % quantile of the normal law.
const twoSided = 1.959963984540054

// order puts rows where they stand whatever the order in which they came: sums of fractions depend on theirs.
func (t *Together) order() {
	slices.SortFunc(t.rows, func(a, b laden) int {
		return cmp.Or(t.strata.keys[a.stratum].compare(t.strata.keys[b.stratum]), cmp.Compare(t.names[a.customer], t.names[b.customer]),
			slices.Compare(a.x, b.x), cmp.Compare(one(a.lost), one(b.lost)))
	})
}

// eachStratum hands on the rows of each stratum in which somebody was lost: the others say nothing.
func (t *Together) eachStratum(yield func(rows []laden, lost float64)) {
	for start := 0; start < len(t.rows); {
		end, lost := start, 0.
		for ; end < len(t.rows) && t.rows[end].stratum == t.rows[start].stratum; end++ {
			lost += float64(one(t.rows[end].lost))
		}
		if lost > 0 {
			yield(t.rows[start:end], lost)
		}
		start = end
	}
}

// count counts customers, each once.
func (t *Together) count() []Beside {
	list := make([]Beside, len(t.kinds))
	met, lost := make([][]bool, len(t.kinds)), make([][]bool, len(t.kinds))
	for i, kind := range t.kinds {
		list[i] = Beside{Kind: kind, Says: TooFewToSay}
		met[i], lost[i] = make([]bool, len(t.names)), make([]bool, len(t.names))
	}
	for _, r := range t.rows {
		for i := range list {
			if r.x[i] >= 0.5 {
				met[i][r.customer] = true
				lost[i][r.customer] = lost[i][r.customer] || r.lost
			}
		}
	}
	for i := range list {
		list[i].Exposed, list[i].ExposedLosses = howMany(met[i]), howMany(lost[i])
	}
	return list
}

func howMany(list []bool) (n uint64) {
	for _, yes := range list {
		n += uint64(one(yes))
	}
	return n
}
