package pipeline

import (
	"cmp"
	"container/heap"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

// dueQueue finds the slots for which the clock alone changes something. An entry whose slot has another due time by now is
// stale and dropped when it surfaces.
type dueQueue struct{ entries dueHeap }

type dueEntry struct {
	at   event.Instant
	slot int32
}

// set gives a slot its due time.
func (q *dueQueue) set(slots []slot, i int, due event.Instant) {
	if due != slots[i].due && due != journey.Never {
		heap.Push(&q.entries, dueEntry{due, int32(i)})
	}
	slots[i].due = due
}

// pass takes out the slots that are due at a clock.
func (q *dueQueue) pass(clock event.Instant, slots []slot) []int32 {
	var list []int32
	for len(q.entries) > 0 && q.entries[0].at <= clock {
		e := heap.Pop(&q.entries).(dueEntry)
		if slots[e.slot].due == e.at {
			slots[e.slot].due = journey.Never
			list = append(list, e.slot)
		}
	}
	return list
}

// earliest is the first due time that still holds.
func (q *dueQueue) earliest(slots []slot) event.Instant {
	for len(q.entries) > 0 && slots[q.entries[0].slot].due != q.entries[0].at {
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
	return cmp.Or(cmp.Compare(h[i].at, h[j].at), cmp.Compare(h[i].slot, h[j].slot)) < 0
}
func (h dueHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)   { *h = append(*h, x.(dueEntry)) }
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	*h = (*h)[:last]
	return e
}
