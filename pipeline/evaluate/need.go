package evaluate

import (
	"slices"
	"time"

	"parcours/pipeline/event"
)

// Need is how far breakpoints are the failures that were planted.
type Need struct {
	NeedCount
	Hidden     int                  `json:"hidden"` // failures that the events sent cannot show
	ByKind     map[string]NeedCount `json:"by_kind"`
	Semblances Semblances           `json:"semblances"`
	Tolerance  string               `json:"tolerance"` // what counts as nearby
}

// NeedCount counts failures and breakpoints.
type NeedCount struct {
	Failures        int     `json:"failures"`
	Hurting         int     `json:"hurting"` // failures that the customer minded
	Found           int     `json:"found"`   // failures with a breakpoint of that kind and customer nearby
	FoundHurting    int     `json:"found_hurting"`
	RecallOfHurting float64 `json:"recall_of_hurting"` // 1 where nothing hurts
	Visible         int     `json:"visible"`           // of the hurting, those that are not hidden
	FoundVisible    int     `json:"found_visible"`
	RecallOfVisible float64 `json:"recall_of_visible"` // 1 where nothing hurts that can be seen
	Breakpoints     int     `json:"breakpoints"`
	Cried           int     `json:"cried"`  // breakpoints with no failure of that kind and customer nearby
	Crying          float64 `json:"crying"` // their share; 0 without breakpoints
}

// Semblances counts what looks like a breakpoint and is none, and where one was found all the same.
type Semblances struct {
	Planted int `json:"planted"`
	Cried   int `json:"cried"`
}

// A breakpoint is near a failure from a day before it to four days after: some kinds are known three days later.
const (
	nearBefore = 24 * time.Hour
	nearAfter  = 4 * 24 * time.Hour
	tolerance  = "a breakpoint of the same kind and customer, from 1 day before it to 4 days after it"
)

// coreFailure is the kind under which an outage counts: one breakpoint for all customers that it reaches.
const coreFailure = "core_failure"

// who and what a breakpoint or a failure is about.
type mark struct{ kind, customer string }

// index finds moments by kind and customer.
type index map[mark][]event.Instant

// near says whether one lies between two moments.
func (x index) near(m mark, from, until event.Instant) bool {
	return slices.ContainsFunc(x[m], func(at event.Instant) bool { return from <= at && at <= until })
}

// need compares breakpoints with what was planted.
func (t *Truth) need(found []Found) Need {
	broken, failed := index{}, index{}
	for i := range found {
		m := mark{found[i].Kind, t.origins[found[i].Origin]}
		broken[m] = append(broken[m], found[i].OccurredAt)
	}
	n := Need{ByKind: map[string]NeedCount{}, Tolerance: tolerance}
	for i := range t.needs {
		for _, f := range t.needs[i].Failures {
			m := mark{f.Kind, t.needs[i].Customer}
			failed[m] = append(failed[m], event.Instant(f.At))
			n.failure(&f, nearby(broken, m, f.At) || t.outage(broken, &f))
		}
	}
	for i := range found {
		n.breakpoint(found[i].Kind, t.planted(failed, &found[i]))
	}
	for _, s := range t.semblances {
		m := mark{s.Kind, s.Customer}
		n.Semblances.Planted++
		if nearby(broken, m, s.At) && !nearby(failed, m, s.At) {
			n.Semblances.Cried++
		}
	}
	n.shares()
	return n
}

func nearby(x index, m mark, at moment) bool {
	return x.near(m, event.Instant(at).Add(-nearBefore), event.Instant(at).Add(nearAfter))
}

// outage says whether a failure fell into an outage that was found: its one breakpoint stands for all customers.
func (t *Truth) outage(broken index, f *Failure) bool {
	return f.Kind == coreFailure && slices.ContainsFunc(t.incidents, func(i Incident) bool {
		return i.At <= f.At && f.At <= i.EndedAt && nearby(broken, mark{coreFailure, ""}, i.At)
	})
}

// planted says whether a breakpoint is near a failure, or is an outage itself.
func (t *Truth) planted(failed index, f *Found) bool {
	m := mark{f.Kind, t.origins[f.Origin]}
	if m == (mark{coreFailure, ""}) && slices.ContainsFunc(t.incidents, func(i Incident) bool {
		return event.Instant(i.At) == f.OccurredAt
	}) {
		return true
	}
	return failed.near(m, f.OccurredAt.Add(-nearAfter), f.OccurredAt.Add(nearBefore))
}

func (n *Need) failure(f *Failure, found bool) {
	if f.Hidden {
		n.Hidden++
	}
	of := n.ByKind[f.Kind]
	for _, c := range [...]*NeedCount{&n.NeedCount, &of} {
		c.Failures += 1
		c.Hurting += number(f.Hurts)
		c.Found += number(found)
		c.FoundHurting += number(found && f.Hurts)
		c.Visible += number(f.Hurts && !f.Hidden)
		c.FoundVisible += number(found && f.Hurts && !f.Hidden)
	}
	n.ByKind[f.Kind] = of
}

func (n *Need) breakpoint(kind string, planted bool) {
	of := n.ByKind[kind]
	for _, c := range [...]*NeedCount{&n.NeedCount, &of} {
		c.Breakpoints++
		c.Cried += number(!planted)
	}
	n.ByKind[kind] = of
}

func (n *Need) shares() {
	n.share()
	for kind, c := range n.ByKind {
		c.share()
		n.ByKind[kind] = c
	}
}

func (c *NeedCount) share() {
	c.RecallOfHurting, c.RecallOfVisible = share(c.FoundHurting, c.Hurting), share(c.FoundVisible, c.Visible)
	if c.Breakpoints > 0 {
		c.Crying = float64(c.Cried) / float64(c.Breakpoints)
	}
}

func number(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
