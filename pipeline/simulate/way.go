package simulate

import (
	"container/heap"

	"parcours/pipeline/event"
)

// moving is something that comes at a moment, in an order of its own.
type moving[T any] interface {
	comes() event.Instant
	ahead(of T) bool // at the same moment
}

// way holds what was told and has not come, the next on top.
type way[T moving[T]] struct {
	queue  arrivals[T]
	number int
}

func (w *way[T]) add(x T) {
	w.number++
	heap.Push(&w.queue, arrival[T]{x, w.number})
}

func (w *way[T]) empty() bool { return len(w.queue) == 0 }

// before says whether one comes before a moment.
func (w *way[T]) before(at event.Instant) bool { return !w.empty() && w.queue[0].what.comes() < at }

func (w *way[T]) next() T { return heap.Pop(&w.queue).(arrival[T]).what }

type arrival[T any] struct {
	what   T
	number int // of two that come together the one told first
}

// arrivals is a heap by (moment, order, number).
type arrivals[T moving[T]] []arrival[T]

func (a arrivals[T]) Len() int      { return len(a) }
func (a arrivals[T]) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a arrivals[T]) Less(i, j int) bool {
	x, y := &a[i], &a[j]
	switch {
	case x.what.comes() != y.what.comes():
		return x.what.comes() < y.what.comes()
	case x.what.ahead(y.what):
		return true
	case y.what.ahead(x.what):
		return false
	}
	return x.number < y.number
}

// Push is for package heap.
func (a *arrivals[T]) Push(x any) { *a = append(*a, x.(arrival[T])) }

// Pop is for package heap.
func (a *arrivals[T]) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	*a = (*a)[:last]
	return x
}
