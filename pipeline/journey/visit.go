package journey

import (
	"slices"

	"parcours/pipeline/event"
)

// A page view or a search is a visit, and no journey, unless a form, an error or a contact of the customer stands within
// the visit window of it (rule 3 of product.md). One without a reason goes where the block goes that makes it count: the
// next one, else the one before.

// seekAnchors finds, for every page view without reason, what makes it count.
func (f *folder) seekAnchors(list []*block) {
	for i, b := range list {
		if b.role == event.Looks {
			f.seekAnchor(list, i)
		}
		if makesCount(b) {
			f.counters = append(f.counters, b)
		}
	}
}

// seekAnchor: a page view with a reason or a case finds its journey as any other block does, and only has to count.
func (f *folder) seekAnchor(list []*block, i int) {
	b, a := list[i], f.anchor(list, i)
	if b.family() == "" && len(b.cases) == 0 && a != nil {
		b.anchor, f.anchored = a, true
		return
	}
	b.counts = a != nil
}

// anchor is the next block after i that makes a page view count, else the last one before it.
func (f *folder) anchor(list []*block, i int) *block {
	at := list[i].start()
	for _, b := range list[i+1:] {
		if b.start().Sub(at) > f.book.At(at).Visit {
			break
		}
		if makesCount(b) && sameVisitor(list[i], b) {
			return b
		}
	}
	for k := len(f.counters) - 1; k >= 0; k-- {
		if b := f.counters[k]; sameVisitor(list[i], b) && at.Sub(b.lastUntil(at)) <= f.book.At(at).Visit {
			return b
		}
	}
	return nil
}

// countsAsStep says whether a page view is more than a visit.
func (b *block) countsAsStep() bool { return b.anchor != nil || b.counts || len(b.cases) > 0 }

// placeLookers puts page views into the journeys of their anchors, all those of one journey together.
func (f *folder) placeLookers(list []*block) {
	if !f.anchored {
		return
	}
	for _, b := range list {
		if b.anchor == nil {
			continue
		}
		if j := b.anchor.journey; j != nil {
			j.takeUnordered(b)
			j.grown = true
		} else {
			f.visits, f.loose = append(f.visits, b.steps...), append(f.loose, b)
		}
	}
	for _, j := range f.journeys {
		if j.grown {
			slices.SortFunc(j.Steps, event.Compare)
		}
	}
}

// makesCount: a form, an error or a contact.
func makesCount(b *block) bool { return b.types.Any(makingCount) }

var makingCount = event.TypesIn("contact") | event.TypesIn("message") |
	event.TypesOf(event.FormStarted, event.FormFailed, event.FormSubmitted)

// lastUntil is the time of the block's last step at or before t.
func (b *block) lastUntil(t event.Instant) event.Instant {
	at := b.start()
	for _, e := range b.steps {
		if e.At <= t {
			at = e.At
		}
	}
	return at
}

func sameVisitor(a, b *block) bool {
	return a.customer == b.customer || a.customer == "" || b.customer == ""
}
