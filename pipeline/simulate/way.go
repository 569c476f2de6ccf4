package simulate

import (
	"container/heap"

	"parcours/pipeline/event"
)

// sent is an event on its way to us.
type sent struct {
	event   *event.Event
	arrives event.Instant
	number  int // of two that arrive together the one sent first
}

// way holds the events that were sent and have not arrived, the next on top.
type way struct {
	queue  arrivals
	number int
}

func (w *way) add(x sent) {
	w.number++
	x.number = w.number
	heap.Push(&w.queue, x)
}

func (w *way) empty() bool { return len(w.queue) == 0 }

// before says whether one arrives before a moment.
func (w *way) before(at event.Instant) bool { return !w.empty() && w.queue[0].arrives < at }

func (w *way) next() event.Event { return *heap.Pop(&w.queue).(sent).event }

// arrivals is a heap by (arrives, number).
type arrivals []sent

func (a arrivals) Len() int      { return len(a) }
func (a arrivals) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a arrivals) Less(i, j int) bool {
	if a[i].arrives != a[j].arrives {
		return a[i].arrives < a[j].arrives
	}
	return a[i].number < a[j].number
}

// Push is for package heap.
func (a *arrivals) Push(x any) { *a = append(*a, x.(sent)) }

// Pop is for package heap.
func (a *arrivals) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	*a = (*a)[:last]
	return x
}
