package mapping

import (
	"cmp"
	"errors"
	"io"
	"maps"
	"math"
	"slices"

	"parcours/pipeline/event"
)

// Report says what a mapping makes of a file, without keeping any of it.
type Report struct {
	Rows     int // of the file, without the header
	Mapped   int // that are events which the door would take
	Refused  []Refused
	Unmapped []string       // columns that no rule reads, in file order
	Unknown  []UnknownValue // values that a table does not know, most frequent first, at most MaxUnknown a field
	First    event.Instant  // 0 when nothing is mapped
	Last     event.Instant
	// OutOfOrder counts the events that happened before the one of the row above: 0 means that `sort: false` is safe.
	OutOfOrder int
	// EqualTimes counts the events of the very same time as the one of the row above.
	EqualTimes int
	// Copies counts the events whose id came before in the file with the same time, which count once, and Reused those whose
	// id came before with another time, which the fold sets aside. Both are among Mapped.
	Copies, Reused int
	Types          []Count // events by type, most frequent first
	Silos          []Count // events by silo, where they name one, most frequent first
	Families       []Count // events by reason family, where they name one, most frequent first
	Channels       []Count // events by channel, "" where there is none, most frequent first
	Cases          int     // distinct
	Customers      int     // distinct, by identifier `customer`
	Activities     int     // distinct, the type where no activity is mapped
}

// Refused counts the refused rows of one field and one expectation.
type Refused struct {
	Field    string
	Expected string
	Rows     int
	FirstRow int
}

// UnknownValue is a value that the mapping's table does not know.
type UnknownValue struct {
	Field string
	Value string
	Rows  int
}

// Count is a value and how many events have it.
type Count struct {
	Value  string
	Events int
}

// MaxUnknown is how many unknown values of one field a report keeps: a table over free text is a mistake, not a list.
const MaxUnknown = 20

// Check is a dry run: it maps every row, asks event.Check what the door would say at a moment (0 for no moment: times in
// the future pass), and counts. Memory: one row, the distinct cases
// and customers, and the ids where the file gives them.
func (m *Mapping) Check(r io.Reader, now event.Instant) (*Report, error) {
	s, err := m.openSheet(r)
	if err != nil {
		return nil, err
	}
	t := newTally(m, s, now)
	for {
		cells, refusal, err := s.next()
		if errors.Is(err, io.EOF) {
			return t.done(), nil
		}
		if err != nil {
			return nil, err
		}
		t.row(s.row, cells, refusal)
	}
}

// tally is a report under way.
type tally struct {
	mapping    *Mapping
	limits     event.Limits
	report     *Report
	previous   event.Instant
	refused    map[Refused]*Refused // by field and expectation alone
	unknown    map[UnknownValue]int // by field and value alone
	fields     map[string]int       // distinct unknown values by field
	types      map[string]int
	channels   map[string]int
	silos      map[string]int
	families   map[string]int
	ids        map[string]event.Instant // where the file gives them
	cases      map[string]struct{}
	customers  map[string]struct{}
	activities map[string]struct{}
}

func newTally(m *Mapping, s *sheet, now event.Instant) *tally {
	if now == 0 {
		now = math.MaxInt64 / 2
	}
	t := &tally{
		mapping: m, limits: event.Limits{Now: now}, report: &Report{},
		refused: map[Refused]*Refused{}, unknown: map[UnknownValue]int{}, fields: map[string]int{},
		types: map[string]int{}, channels: map[string]int{}, silos: map[string]int{}, families: map[string]int{}, ids: map[string]event.Instant{},
		cases: map[string]struct{}{}, customers: map[string]struct{}{}, activities: map[string]struct{}{},
	}
	for _, name := range s.header {
		if !slices.Contains(s.columns, name) {
			t.report.Unmapped = append(t.report.Unmapped, name)
		}
	}
	return t
}

func (t *tally) row(number int, cells []string, refusal *Refusal) {
	t.report.Rows++
	if refusal != nil {
		t.refuse(*refusal)
		return
	}
	t.countUnknown(cells)
	e, refusal := t.mapping.event(number, cells)
	if refusal != nil {
		t.refuse(*refusal)
		return
	}
	if r := event.Check(e, t.limits); r != nil {
		t.refuse(Refusal{Row: number, Field: r.Field, Expected: r.Expected})
		return
	}
	t.count(e)
}

func (t *tally) refuse(r Refusal) {
	key := Refused{Field: r.Field, Expected: r.Expected}
	if t.refused[key] == nil {
		t.refused[key] = &Refused{Field: r.Field, Expected: r.Expected, FirstRow: r.Row}
	}
	t.refused[key].Rows++
}

// countUnknown looks at the type and at every field: one row may have several.
func (t *tally) countUnknown(cells []string) {
	look := func(field string, r *rule) {
		if r.Const != nil {
			return
		}
		if _, unknown := r.applyTo(cells); unknown {
			t.addUnknown(UnknownValue{Field: field, Value: cells[r.slot]})
		}
	}
	look("type", t.mapping.typ)
	for _, f := range t.mapping.fields {
		look("data."+f.name, f.rule)
	}
}

func (t *tally) addUnknown(u UnknownValue) {
	if t.unknown[u] == 0 {
		if t.fields[u.Field] >= MaxUnknown {
			return
		}
		t.fields[u.Field]++
	}
	t.unknown[u]++
}

func (t *tally) count(e *event.Event) {
	r := t.report
	if r.Mapped > 0 && e.At < t.previous {
		r.OutOfOrder++
	}
	if r.Mapped > 0 && e.At == t.previous {
		r.EqualTimes++
	}
	if r.Mapped == 0 || e.At < r.First {
		r.First = e.At
	}
	if r.Mapped == 0 || e.At > r.Last {
		r.Last = e.At
	}
	t.previous = e.At
	r.Mapped++
	t.types[e.Type]++
	t.channels[string(e.Data.Channel)]++
	t.countID(e)
	countOf(t.silos, e.Data.Silo)
	countOf(t.silos, e.Data.ToSilo)
	countOf(t.families, event.ReasonFamily(e.Data.Reason))
	t.activities[e.Activity()] = struct{}{}
	addTo(t.cases, cmp.Or(e.Data.Case, e.Subject))
	addTo(t.customers, e.Data.Identifiers.Get("customer"))
}

// countID looks whether the id came before; ids made of the row number never did.
func (t *tally) countID(e *event.Event) {
	if t.mapping.id == nil {
		return
	}
	before, came := t.ids[e.ID]
	switch {
	case !came:
		t.ids[e.ID] = e.At
	case before == e.At:
		t.report.Copies++
	default:
		t.report.Reused++
	}
}

func countOf(counts map[string]int, value string) {
	if value != "" {
		counts[value]++
	}
}

func addTo(set map[string]struct{}, value string) {
	if value != "" {
		set[value] = struct{}{}
	}
}

// done puts the counts in order.
func (t *tally) done() *Report {
	r := t.report
	r.Cases, r.Customers, r.Activities = len(t.cases), len(t.customers), len(t.activities)
	r.Types, r.Channels = countsOf(t.types), countsOf(t.channels)
	r.Silos, r.Families = countsOf(t.silos), countsOf(t.families)
	for _, x := range t.refused {
		r.Refused = append(r.Refused, *x)
	}
	slices.SortFunc(r.Refused, func(a, b Refused) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Expected, b.Expected))
	})
	for u, rows := range t.unknown {
		r.Unknown = append(r.Unknown, UnknownValue{u.Field, u.Value, rows})
	}
	slices.SortFunc(r.Unknown, func(a, b UnknownValue) int {
		return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Value, b.Value))
	})
	return r
}

func countsOf(events map[string]int) []Count {
	var all []Count
	for _, value := range slices.Sorted(maps.Keys(events)) {
		all = append(all, Count{value, events[value]})
	}
	slices.SortStableFunc(all, func(a, b Count) int { return cmp.Compare(b.Events, a.Events) })
	return all
}
