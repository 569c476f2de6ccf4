package journey

import (
	"cmp"
	"slices"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// Old journeys leave memory. A group of them may leave when nothing can change it any more but a return of one of its
// cases: then the whole group comes back, with the Past it needs, and is folded again beside what is in memory by then.
//
// Why nothing else can: an event at most Lateness behind the clock lies beyond reach of every step older than the horizon,
// so it joins no block that has one. Blocks that can still change lie in groups of their own, and journeys of two groups
// read nothing of one another: they lie further apart than Near, or, where the earlier owes an answer, than Reach.

// Group is a set of journeys that can leave memory together.
type Group struct {
	Journeys []*Journey     // in order
	Cases    []string       // those of their steps, without containers, in order, each once; any of them brings the group back
	Loose    []*event.Event // in order: events in no journey that can leave too, and never come back
	// Beside are the events in no journey that lie near a group with a case, in order: a breakpoint of it may depend on them,
	// so that they are kept with it and come back with it. They leave by themselves, and may lie beside several groups.
	Beside []*event.Event
}

// Kept are the events that must be kept of a group with a case, in order.
func (g *Group) Kept() []*event.Event {
	list := append(g.Events(), g.Beside...)
	slices.SortFunc(list, event.Compare)
	return list
}

// Events are the steps of a group, in order.
func (g *Group) Events() []*event.Event {
	var list []*event.Event
	for _, j := range g.Journeys {
		list = append(list, j.Steps...)
	}
	slices.SortFunc(list, event.Compare)
	return list
}

// Retire lists the groups that may leave memory, in order of time: those of which every journey is older than the horizon,
// with nothing due (due is what breakpoint.Detect gives). Events in no journey come as the last group, without journeys.
func Retire(h History, due []event.Instant, clock event.Instant, book *rules.Book) []Group {
	limit := clock.Add(-book.Horizon())
	if !h.olderThan(limit) {
		return nil
	}
	r := retirement{limit: limit, book: book}
	for _, n := range h.nodes(due) {
		r.add(n)
	}
	r.close()
	r.keepBeside(h)
	r.takeLoose(h)
	return r.groups
}

// olderThan says whether anything at all lies before an instant.
func (h *History) olderThan(limit event.Instant) bool {
	if len(h.apart) > 0 && h.apart[0].At < limit || len(h.loose) > 0 && h.loose[0].start() < limit {
		return true
	}
	return slices.ContainsFunc(h.Journeys, func(j *Journey) bool { return j.Last() < limit })
}

// node is what may change as one: a journey, or a block in no journey that a contact or a case may still bring into one.
type node struct {
	start, last event.Instant
	journey     *Journey
	block       *block
	due, owing  bool
}

// nodes are in order of their starts.
func (h *History) nodes(due []event.Instant) []node {
	list := make([]node, 0, len(h.Journeys))
	for i, j := range h.Journeys {
		list = append(list, node{start: j.Start(), last: j.Last(), journey: j, owing: j.owing, due: j.Due != Never || due[i] != Never})
	}
	for _, b := range h.loose {
		if b.mayGrow() {
			list = append(list, node{start: b.start(), last: b.last(), block: b})
		}
	}
	slices.SortStableFunc(list, func(a, b node) int { return cmp.Compare(a.start, b.start) })
	return list
}

// mayGrow says whether another event can join the block. One that cannot changes nothing but its own place.
func (b *block) mayGrow() bool { return len(b.cases) > 0 || b.first().Data.Contact != "" }

func (b *block) last() event.Instant { return b.steps[len(b.steps)-1].At }

// retirement sweeps nodes in order of time.
type retirement struct {
	limit  event.Instant
	book   *rules.Book
	groups []Group
	loose  []*event.Event
	stays  []span // of the groups that stay

	open    []node // the group so far
	holds   span   // of its journeys
	until   event.Instant
	staying bool // one of them is not ready
}

type span struct{ start, last event.Instant }

// add puts a node into the group so far, or closes that and begins another.
func (r *retirement) add(n node) {
	if len(r.open) > 0 && n.start > r.until {
		r.close()
	}
	if len(r.open) == 0 {
		r.holds, r.until = span{n.start, n.last}, n.last
	}
	r.open = append(r.open, n)
	r.holds.last = max(r.holds.last, n.last)
	r.until = max(r.until, n.last.Add(r.link(n)))
	r.staying = r.staying || n.due || n.last >= r.limit
}

// link is how long after its last step a node has to do with others.
func (r *retirement) link(n node) time.Duration {
	if n.owing {
		return r.book.Reach()
	}
	return r.book.Near()
}

func (r *retirement) close() {
	if r.staying {
		r.stays = append(r.stays, r.holds)
	} else if g := r.group(); len(g.Journeys) > 0 {
		r.groups = append(r.groups, g)
	}
	r.open, r.staying = nil, false
}

func (r *retirement) group() (g Group) {
	for _, n := range r.open {
		if n.journey == nil {
			r.loose = append(r.loose, n.block.steps...)
			continue
		}
		g.Journeys = append(g.Journeys, n.journey)
		for _, c := range n.journey.Cases {
			if !contains(g.Cases, c) {
				g.Cases = append(g.Cases, c)
			}
		}
	}
	return g
}

// keepBeside finds what lies beside the groups that a case may bring back. Page views lead nowhere by themselves, and an event
// that names a case would stand for that case when it comes back.
func (r *retirement) keepBeside(h History) {
	for i := range r.groups {
		g := &r.groups[i]
		if len(g.Cases) == 0 {
			continue
		}
		holds := spanOf(g.Journeys).widened(r.book.Near())
		for _, b := range h.loose {
			if b.role == event.Joins && len(b.cases) == 0 && b.start() <= holds.last && b.last() >= holds.start {
				g.Beside = append(g.Beside, b.steps...)
			}
		}
		slices.SortFunc(g.Beside, event.Compare)
	}
}

func spanOf(journeys []*Journey) span {
	s := span{journeys[0].Start(), journeys[0].Last()}
	for _, j := range journeys {
		s.start, s.last = min(s.start, j.Start()), max(s.last, j.Last())
	}
	return s
}

func (s span) widened(by time.Duration) span { return span{s.start.Add(-by), s.last.Add(by)} }

func (s span) holds(at event.Instant) bool { return at >= s.start && at <= s.last }

// takeLoose adds the events in no journey that stand alone: they leave by age, unless what is near them stays and may yet
// change so as to take them.
func (r *retirement) takeLoose(h History) {
	for _, b := range h.loose {
		if !b.mayGrow() && b.last() < r.limit && !r.nearStaying(b.last()) {
			r.loose = append(r.loose, b.steps...)
		}
	}
	for _, e := range h.apart {
		if e.At < r.limit {
			r.loose = append(r.loose, e)
		}
	}
	if len(r.loose) > 0 {
		slices.SortFunc(r.loose, event.Compare)
		r.groups = append(r.groups, Group{Loose: r.loose})
	}
}

func (r *retirement) nearStaying(at event.Instant) bool {
	near := r.book.Near()
	return slices.ContainsFunc(r.stays, func(s span) bool { return s.widened(near).holds(at) })
}

// PastOf is what the fold must know of journeys that leave memory.
func PastOf(journeys []*Journey) []Past {
	list := make([]Past, len(journeys))
	for i, j := range journeys {
		list[i] = j.past
	}
	return list
}

// PastFor is what a group must take with it, to be folded anew when a case brings it back: of the past so far and of the
// other journeys, whether they leave or stay, what matters to its events.
func (h *History) PastFor(g *Group, past []Past, book *rules.Book) []Past {
	list := slices.Clone(past)
	for _, j := range h.Journeys {
		if !slices.Contains(g.Journeys, j) {
			list = append(list, j.past)
		}
	}
	return Prune(list, g.Events(), book)
}

// Prune keeps of past, in place, the entries that matter to the events that remain, given in order. An entry matters to a
// block that starts after it and within reach, and says no more than a later one of the same customer and family that does
// too and stays for good, having no case. Events yet to come lie beyond reach of all that has left, so where no event remains
// no entry does.
func Prune(past []Past, events []*event.Event, book *rules.Book) []Past {
	slices.SortFunc(past, func(a, b Past) int {
		return cmp.Or(cmp.Compare(a.CustomerID, b.CustomerID), cmp.Compare(a.Family, b.Family), cmp.Compare(a.Last, b.Last),
			-cmp.Compare(a.Case, b.Case))
	})
	past = slices.Compact(past)
	kept := past[:0]
	for i, p := range past {
		if anyWithin(events, p.Last, min(p.Last.Add(book.Reach()), takenOver(past[i+1:], p))) {
			kept = append(kept, p)
		}
	}
	return kept
}

// takenOver is when a later entry begins to say all that an entry does; Never where none does.
func takenOver(later []Past, p Past) event.Instant {
	for _, q := range later {
		if q.CustomerID != p.CustomerID || q.Family != p.Family {
			break
		}
		if q.Case == "" {
			return q.Last
		}
	}
	return Never
}

// anyWithin says whether an event lies after an instant and no later than another.
func anyWithin(events []*event.Event, after, until event.Instant) bool {
	i, _ := slices.BinarySearchFunc(events, after+1, func(e *event.Event, at event.Instant) int { return cmp.Compare(e.At, at) })
	return i < len(events) && events[i].At <= until
}
