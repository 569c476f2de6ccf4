package pipeline

import (
	"cmp"
	"container/heap"
	"slices"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

// dueQueue finds the units for which the clock alone changes something. An entry whose unit has been folded since, with
// another due time, is stale and dropped when it surfaces.
type dueQueue struct{ entries dueHeap }

type dueEntry struct {
	at   event.Instant
	home string
}

// set gives a unit its due time.
func (q *dueQueue) set(u *unit, due event.Instant) {
	if due != u.due && due != journey.Never {
		heap.Push(&q.entries, dueEntry{due, u.home})
	}
	u.due = due
}

// pass takes out the units that are due at a clock, in the order of their homes.
func (q *dueQueue) pass(clock event.Instant, units map[string]*unit) []*unit {
	var list []*unit
	for len(q.entries) > 0 && q.entries[0].at <= clock {
		e := heap.Pop(&q.entries).(dueEntry)
		if u := units[e.home]; u.due == e.at {
			u.due = journey.Never
			list = append(list, u)
		}
	}
	slices.SortFunc(list, func(a, b *unit) int { return cmp.Compare(a.home, b.home) })
	return list
}

// earliest is the first due time that still holds.
func (q *dueQueue) earliest(units map[string]*unit) event.Instant {
	for len(q.entries) > 0 && units[q.entries[0].home].due != q.entries[0].at {
		heap.Pop(&q.entries)
	}
	if len(q.entries) == 0 {
		return journey.Never
	}
	return q.entries[0].at
}

type dueHeap []dueEntry

func (h dueHeap) Len() int { return len(h) }
func (h dueHeap) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(h[i].at, h[j].at), cmp.Compare(h[i].home, h[j].home)) < 0
}
func (h dueHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)   { *h = append(*h, x.(dueEntry)) }
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	*h = (*h)[:last]
	return e
}
