package journey

import (
	"slices"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// Never is a due time that does not come.
const Never = event.Instant(1<<63 - 1)

// History is what the events of one customer amount to at one reading of the clock.
type History struct {
	Journeys []*Journey     // in the order of their first events
	Visits   []*event.Event // page views and searches that led nowhere: counted, and no journey
	Next     event.Instant  // the earliest clock at which something here would read differently; Never when nothing is due
}

// Fold makes journeys of the events of one customer, given in order (event.Before) and none later than the clock.
func Fold(events []*event.Event, clock event.Instant, book *rules.Book) History {
	f := folder{book: book, begun: map[string]bool{}}
	list := blocks(events, book)
	f.seekAnchors(list)
	for _, b := range list {
		f.place(b)
	}
	f.placeLookers(list)
	return f.finish(clock)
}

// folder is one run of Fold.
type folder struct {
	book     *rules.Book
	journeys []*Journey
	byLast   []*Journey      // the same, in order of their last steps
	begun    map[string]bool // customer, and customer and reason family, of the journeys so far; * for any customer
	visits   []*event.Event
	anchors  map[*block]*block // a page view without reason -> the block that makes it count
	counting map[*block]bool   // page views with a reason that count
	counters []*block          // the blocks so far that make a page view count
}

// place finds the journey of a block, or begins one.
func (f *folder) place(b *block) {
	if b.role == event.Looks && !f.counts(b) {
		f.visits = append(f.visits, b.steps...)
		return
	}
	if f.anchors[b] != nil {
		return // goes where its anchor goes
	}
	if j := f.find(b); j != nil {
		j.take(b)
		f.moved(j)
		return
	}
	if b.role == event.Joins {
		return // has nothing to join: it stands in the log and in cx.events, in no journey
	}
	j := &Journey{Cut: f.cut(b), number: len(f.journeys)}
	j.take(b)
	f.journeys, f.byLast = append(f.journeys, j), append(f.byLast, j)
	f.moved(j)
}

// moved puts a journey that has taken steps at its place in byLast, and notes whose it is and what about.
func (f *folder) moved(j *Journey) {
	i := len(f.byLast) - 1
	for f.byLast[i] != j {
		i--
	}
	for ; i > 0 && f.byLast[i-1].Last() > j.Last(); i-- {
		f.byLast[i-1], f.byLast[i] = j, f.byLast[i-1]
	}
	for ; i+1 < len(f.byLast) && f.byLast[i+1].Last() < j.Last(); i++ {
		f.byLast[i+1], f.byLast[i] = j, f.byLast[i+1]
	}
	for _, whose := range []string{anyCustomer, j.CustomerID} {
		f.begun[whose], f.begun[whose+"\x00"+j.ReasonFamily] = true, true
	}
}

// anyCustomer stands for all customers among the keys of begun.
const anyCustomer = "*"

// find is rule 2 of product.md.
func (f *folder) find(b *block) *Journey {
	if len(b.cases) > 0 {
		return f.findForCase(b)
	}
	if j := f.owing(b); j != nil {
		return j
	}
	if family := b.family(); family != "" {
		gap := f.book.InactivityGap.Of(family)
		return f.latest(b, gap, func(j *Journey) bool {
			return j.ReasonFamily == family && b.start().Sub(j.lastBefore(b.start())) <= gap
		})
	}
	return f.latest(b, f.book.NoReason, func(j *Journey) bool {
		if b.start().Sub(j.lastBefore(b.start())) > f.book.NoReason {
			return false
		}
		return b.role == event.Joins || j.openAt(b.start(), f.book)
	})
}

// findForCase: a case opened during a contact or soon after it belongs to that contact's journey; else a new case for the
// same full reason joins the earlier journey within the repeat window.
func (f *folder) findForCase(b *block) *Journey {
	if len(b.contacts) == 0 || b.first().Data.Case != "" {
		if j := f.contactJourney(b); j != nil {
			return j
		}
	}
	if b.family() == "" {
		return nil
	}
	window := f.book.Repeat.Of(b.family())
	return f.latest(b, window, func(j *Journey) bool {
		return j.stated(b.reason, b.start()) && b.start().Sub(j.lastBefore(b.start())) <= window
	})
}

// contactJourney is the journey of the latest contact during or after which the case began.
func (f *folder) contactJourney(b *block) (found *Journey) {
	var start event.Instant
	for _, j := range f.since(b, f.book.CaseAfter) {
		if !sameCustomer(j, b) {
			continue
		}
		for _, c := range j.Contacts {
			if within(b.start(), c.Start, c.End, f.book.CaseAfter) && (found == nil || c.Start > start || c.Start == start && j.number < found.number) {
				found, start = j, c.Start
			}
		}
	}
	return found
}

// latest is the matching journey of the customer whose last event before the block is the latest, among those with a step
// in the given time before the block or after it.
func (f *folder) latest(b *block, within time.Duration, match func(*Journey) bool) (found *Journey) {
	for _, j := range f.since(b, within) {
		if sameCustomer(j, b) && match(j) && (found == nil || j.laterThan(found, b.start())) {
			found = j
		}
	}
	return found
}

// laterThan says which of two journeys was active last before t; of two at one instant, the one that began later.
func (j *Journey) laterThan(other *Journey, t event.Instant) bool {
	a, b := j.lastBefore(t), other.lastBefore(t)
	return a > b || a == b && j.number > other.number
}

// since are the journeys whose last step lies no longer before a block than that: the others cannot be joined.
func (f *folder) since(b *block, within time.Duration) []*Journey {
	i := len(f.byLast)
	for i > 0 && f.byLast[i-1].Last() >= b.start().Add(-within) {
		i--
	}
	return f.byLast[i:]
}

// sameCustomer: events of a case may name several customers; a contact of one of them joins only his own journeys.
func sameCustomer(j *Journey, b *block) bool {
	return j.CustomerID == b.customer || j.CustomerID == "" || b.customer == ""
}

// cut says why a block begins a journey.
func (f *folder) cut(b *block) Cut {
	whose := []string{b.customer, ""}
	if b.customer == "" {
		whose = []string{anyCustomer}
	}
	cut := CutFirst
	for _, customer := range whose {
		switch {
		case !f.begun[customer]:
		case len(b.cases) > 0:
			return CutCase
		case b.family() != "" && f.begun[customer+"\x00"+b.family()]:
			return CutGap
		default:
			cut = CutReason
		}
	}
	return cut
}

// take adds a block to the journey, keeping the steps in order.
func (j *Journey) take(b *block) {
	j.blocks = append(j.blocks, b)
	j.Steps = mergeSteps(j.Steps, b.steps)
	for _, c := range b.contacts {
		j.Contacts = insertContact(j.Contacts, c)
	}
	for _, c := range b.cases {
		if !contains(j.Cases, c) {
			j.Cases = append(j.Cases, c)
		}
	}
	if j.CustomerID == "" {
		j.CustomerID = b.customer
	}
	if j.ReasonFamily == "" {
		j.ReasonFamily = b.family()
	}
}

// insertContact keeps contacts in the order of their first events.
func insertContact(list []*Contact, c *Contact) []*Contact {
	i := len(list)
	for i > 0 && c.First().Before(list[i-1].First()) {
		i--
	}
	return slices.Insert(list, i, c)
}

// mergeSteps merges two ordered lists.
func mergeSteps(a, b []*event.Event) []*event.Event {
	if len(a) == 0 || !b[0].Before(a[len(a)-1]) {
		return append(a, b...)
	}
	merged := append(a, b...)
	slices.SortStableFunc(merged, order)
	return merged
}

func order(a, b *event.Event) int {
	switch {
	case a.Before(b):
		return -1
	case b.Before(a):
		return 1
	}
	return 0
}

// lastBefore is the time of the last step at or before t: what the gap is measured from.
func (j *Journey) lastBefore(t event.Instant) event.Instant {
	return j.before(t)[len(j.before(t))-1].At
}

// before are the steps at or before t, at least one: blocks come in the order of their first events.
func (j *Journey) before(t event.Instant) []*event.Event {
	n := len(j.Steps)
	for n > 1 && j.Steps[n-1].At > t {
		n--
	}
	return j.Steps[:n]
}

// stated says whether a full reason was stated in the journey, by a step that began before t.
func (j *Journey) stated(reason string, t event.Instant) bool {
	for _, b := range j.blocks {
		if b.reason == reason && b.start() <= t {
			return true
		}
	}
	return false
}

// openAt says whether the journey had not ended at t, as far as its steps until then say.
func (j *Journey) openAt(t event.Instant, book *rules.Book) bool {
	state := read(j.before(t), t, j.ReasonFamily, book)
	return state.outcome == Open
}

// finish names the journeys and reads their outcomes.
func (f *folder) finish(clock event.Instant) History {
	h := History{Journeys: f.journeys, Visits: f.visits, Next: Never}
	for _, j := range h.Journeys {
		j.name()
		j.Reason = lastReason(j)
		if len(j.Cases) > 0 {
			j.CaseID = j.Cases[0]
		}
		s := read(j.Steps, clock, j.ReasonFamily, f.book)
		j.Outcome, j.Basis, j.EndedAt, j.Escalated = s.outcome, s.basis, s.endedAt, s.escalated
		h.Next = min(h.Next, s.next)
	}
	slices.SortStableFunc(h.Journeys, func(a, b *Journey) int { return order(a.FirstEvent, b.FirstEvent) })
	return h
}

// lastReason is the last full reason stated that is of the journey's family.
func lastReason(j *Journey) string {
	for i := len(j.Steps) - 1; i >= 0; i-- {
		if r := j.Steps[i].Data.Reason; r != "" && event.ReasonFamily(r) == j.ReasonFamily {
			return r
		}
	}
	return ""
}
