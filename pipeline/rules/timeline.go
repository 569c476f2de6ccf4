package rules

import (
	"errors"
	"fmt"
	"slices"

	"parcours/pipeline/event"
)

// Beginning is before every moment: a book in force from there was always in force.
const Beginning = event.Instant(-1 << 63)

// period is a book that was published after the one it hangs on.
type period struct {
	from     event.Instant
	position uint64 // of its publication in the log
	book     *Book
}

// At gives the rules in force at a moment: of the books in force by then, the one published last.
func (b *Book) At(t event.Instant) *Book {
	for i := len(b.later) - 1; i >= 0; i-- {
		if b.later[i].from <= t {
			return b.later[i].book
		}
	}
	return b
}

// With gives the book with another one in force from a moment on, which was published at a position of the log. A book that
// was to be in force from then on or later, and was published before, no longer is.
func (b *Book) With(next *Book, from event.Instant, position uint64) *Book {
	c := *b
	c.later = nil
	added := period{from, position, next}
	for _, p := range append(slices.Clone(b.later), added) {
		hidden := func(q period) bool { return q.position > p.position && q.from <= p.from }
		if !slices.ContainsFunc(b.later, hidden) && !hidden(added) {
			c.later = append(c.later, p)
		}
	}
	slices.SortStableFunc(c.later, func(x, y period) int {
		if x.from < y.from {
			return -1
		}
		return 1
	})
	return &c
}

// Published is a book that was published after the one it hangs on.
type Published struct {
	Book     *Book
	From     event.Instant
	Position uint64 // in the log
}

// Later lists the books that were published since and are in force from some moment on, in order of these moments.
func (b *Book) Later() (list []Published) {
	for _, p := range b.later {
		list = append(list, Published{p.book, p.from, p.position})
	}
	return list
}

// CanFollow says why a book cannot be in force after another one in the same fold: it looks further than what the fold
// holds, or it changes what holds for a whole fold. nil where it can.
func (b *Book) CanFollow(base *Book) error {
	var faults []error
	same := func(key string, equal bool) {
		if !equal {
			faults = append(faults, fmt.Errorf("%s is another, and holds for all of a history", key))
		}
	}
	same("technical.lateness", b.Lateness == base.Lateness)
	same("technical.held_for", b.LeastHorizon == base.LeastHorizon)
	same("technical.most_events", b.MostEvents == base.MostEvents)
	same("precedence", slices.Equal(b.Precedence, base.Precedence))
	if b.horizon > base.horizon {
		faults = append(faults, fmt.Errorf("its longest deadline needs steps to be held for %s, and they are for %s", printDuration(b.horizon), printDuration(base.horizon)))
	}
	if b.near > base.near {
		faults = append(faults, fmt.Errorf("its longest window links journeys %s apart, and those are looked for up to %s", printDuration(b.near), printDuration(base.near)))
	}
	return errors.Join(faults...)
}
