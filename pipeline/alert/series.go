package alert

import (
	"cmp"
	"maps"
	"slices"
)

// series is what was counted of one key, a day at a time, and what watching it has come to.
type series struct {
	Key
	kind          *kind
	opportunities []float64 // by day from the first
	detected      []float64
	expected      []float64 // as it was known on the day, and held against; 0 where nothing was watched for
	usually       []float64 // the same, where what is held against is more than what is usual
	counted       []float64 // of those detected, the ones that are held against it
	begins        int       // the day of its first cell
	since         int       // no day before it is compared with: other rules, or what was usual before
	unusual       []bool    // days that are no part of a baseline
	watched       bool      // on the day before
	usual         *baseline // nil as long as there is too little to compare with
	watch         cusum
	missing       backlog
	alarm         *episode  // under way, nil for none
	past          []episode // in order of time
}

// kind is all series of one kind of breakpoint.
type kind struct {
	name   string
	all    *series   // of every reason, silo, unit and channel
	series []*series // all of them, in order of key
	cells  []Cell    // those of the kind, by day
	lags   [][]Lag   // by day of detection, from the first
	delay  []float64 // share of breakpoints by days from opportunity to detection; as it is now
	shares map[pair]float64
}

// company is everything counted: kinds in order of name.
type company struct {
	counts   Counts
	kinds    []*kind
	days     int
	weekdays []int // as which each day counts: a public holiday as a Sunday, and the first working day after one as a Monday
	begins   []int // of every series there is, watched or not, the day of its first cell, sorted
}

// levels are the keys of the series that a cell is part of: highest first. What is not known makes no series of its own.
func (k Key) levels(list []Key) []Key {
	list = append(list[:0], Key{Kind: k.Kind})
	for _, part := range [...]Key{{ReasonFamily: k.ReasonFamily}, {Silo: k.Silo}, {Channel: k.Channel}, {Unit: k.Unit}} {
		if part != (Key{}) {
			part.Kind = k.Kind
			list = append(list, part)
		}
	}
	return list
}

// level is how high a series stands: 0 for all, 1 for a family, a silo or a channel, 2 for a unit.
func (k Key) level() int {
	switch {
	case k.Unit != "":
		return 2
	case k.ReasonFamily != "" || k.Silo != "" || k.Channel != "":
		return 1
	}
	return 0
}

// holds says whether a cell is part of the series.
func (k Key) holds(c *Key) bool {
	return k.Kind == c.Kind && (k.ReasonFamily == "" || k.ReasonFamily == c.ReasonFamily) && (k.Silo == "" || k.Silo == c.Silo) &&
		(k.Unit == "" || k.Unit == c.Unit) && (k.Channel == "" || k.Channel == c.Channel)
}

func (k Key) compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Kind, o.Kind), cmp.Compare(k.ReasonFamily, o.ReasonFamily), cmp.Compare(k.Silo, o.Silo),
		cmp.Compare(k.Unit, o.Unit), cmp.Compare(k.Channel, o.Channel))
}

// found is what a key has altogether.
type found struct {
	begins                  int
	detected, opportunities uint64
}

// companyOf makes the series. Those that can never have enough volume are counted and get no days.
func companyOf(counts Counts, p Parameters) *company {
	c := &company{counts: counts, days: int(counts.Last-counts.First) + 1}
	if c.days < 1 {
		c.days = 0
	}
	c.weekdays = c.workingWeek(p)
	kinds := map[string]*kind{}
	of := func(name string) *kind {
		k := kinds[name]
		if k == nil {
			k = &kind{name: name, lags: make([][]Lag, c.days), shares: map[pair]float64{}}
			kinds[name] = k
		}
		return k
	}
	for i := range counts.Cells {
		if cell := &counts.Cells[i]; c.has(cell.Day) {
			k := of(cell.Kind)
			k.cells = append(k.cells, *cell)
		}
	}
	for _, l := range counts.Lags {
		if k := kinds[l.Kind]; k != nil && c.has(l.Day) && l.Days >= 0 {
			day := l.Day - counts.First
			k.lags[day] = append(k.lags[day], l)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		c.kinds = append(c.kinds, kinds[name])
		c.fill(kinds[name], p)
	}
	slices.Sort(c.begins)
	return c
}

func (c *company) has(d Date) bool { return d >= c.counts.First && d <= c.counts.Last }

// fill makes the series of a kind.
func (c *company) fill(k *kind, p Parameters) {
	slices.SortFunc(k.cells, func(a, b Cell) int { return cmp.Compare(a.Day, b.Day) })
	var keys []Key
	seen := map[Key]*found{}
	for i := range k.cells {
		cell := &k.cells[i]
		keys = cell.levels(keys)
		for _, key := range keys {
			f := seen[key]
			if f == nil {
				f = &found{begins: int(cell.Day - c.counts.First)}
				seen[key] = f
			}
			f.detected += cell.Detected
			f.opportunities += cell.Opportunities
		}
	}
	made := map[Key]*series{}
	for _, key := range slices.SortedFunc(maps.Keys(seen), Key.compare) {
		f := seen[key]
		c.begins = append(c.begins, f.begins)
		if key.level() > 0 && float64(max(f.detected, f.opportunities)) < p.LeastADay*float64(p.AtLeast) {
			continue
		}
		s := &series{Key: key, kind: k, begins: f.begins, opportunities: make([]float64, c.days), detected: make([]float64, c.days),
			expected: make([]float64, c.days), usually: make([]float64, c.days), counted: make([]float64, c.days), unusual: make([]bool, c.days)}
		made[key], k.series = s, append(k.series, s)
	}
	k.all = made[Key{Kind: k.name}]
	for i := range k.cells {
		cell := &k.cells[i]
		keys = cell.levels(keys)
		for _, key := range keys {
			if s := made[key]; s != nil {
				s.opportunities[cell.Day-c.counts.First] += float64(cell.Opportunities)
				s.detected[cell.Day-c.counts.First] += float64(cell.Detected)
			}
		}
	}
}

// workingWeek says as which day of the week each day counts.
func (c *company) workingWeek(p Parameters) []int {
	list, after := make([]int, c.days), false
	for d := range list {
		date := c.counts.First + Date(d)
		list[d] = date.weekday()
		switch weekend := list[d] == saturday || list[d] == sunday; {
		case weekend:
		case p.Holiday != nil && p.Holiday(date):
			list[d], after = sunday, true
		default:
			if after {
				list[d] = monday
			}
			after = false
		}
	}
	return list
}
