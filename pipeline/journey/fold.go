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

	loose []*block       // blocks in no journey, visits among them, in order
	apart []*event.Event // events about no customer's journey, in order
}

// Apart are the events that are about no customer's journey, in order.
func (h *History) Apart() []*event.Event { return h.apart }

// Loose are the events of customers that are in no journey, visits among them, in order of their contacts.
func (h *History) Loose() []*event.Event {
	var list []*event.Event
	for _, b := range h.loose {
		list = append(list, b.steps...)
	}
	return list
}

// Past is what the fold must know of a journey that has left memory: whose it was, what about, and when it was last active.
// Once its case is back the journey speaks for itself, since it may have become another customer's, and the entry counts no
// more.
type Past struct {
	CustomerID string
	Family     string
	Case       string // the first of its cases; "" where it has none and so never comes back
	Last       event.Instant
}

// Fold makes journeys of the events of one customer, given in order (event.Before) and none later than the clock. Past are
// journeys whose events are no longer among them (see Retire).
//
// The fold is local in time. Where a block goes depends on blocks and journeys near its start (rules.Book.Near), on journeys
// within the book's reach before it that owe what it answers, and on the journey of its case, however old; and nothing that
// comes later than the book reaches changes where a block went. So old events can leave without a trace.
func Fold(events []*event.Event, past []Past, clock event.Instant, book *rules.Book) History {
	f := folder{book: book, past: past}
	list := f.group(events)
	f.seekAnchors(list)
	for _, b := range list {
		f.place(b)
	}
	for _, j := range f.journeys {
		j.past = Past{CustomerID: j.CustomerID, Family: j.ReasonFamily, Last: j.Last()}
		if len(j.Cases) > 0 {
			j.past.Case = j.Cases[0]
		}
	}
	f.placeLookers(list)
	return f.finish(clock)
}

// folder is one run of Fold.
type folder struct {
	book      *rules.Book
	past      []Past
	journeys  []*Journey
	byLast    []*Journey // the same, in order of their last steps
	returning bool       // a case comes back after a silence beyond reach
	promises  bool       // one was made
	visits    []*event.Event
	loose     []*block
	apart     []*event.Event
	anchored  bool     // a page view goes where its anchor goes
	counters  []*block // the blocks so far that make a page view count
}

// place finds the journey of a block, or begins one.
func (f *folder) place(b *block) {
	if b.role == event.Looks && !b.countsAsStep() {
		f.visits, f.loose = append(f.visits, b.steps...), append(f.loose, b)
		return
	}
	if b.anchor != nil {
		return // goes where its anchor goes
	}
	if j := f.find(b); j != nil {
		j.take(b)
		f.moved(j)
		return
	}
	if b.role == event.Joins { // has nothing to join: it stands in the log and in cx.events, in no journey
		f.loose = append(f.loose, b)
		return
	}
	j := &Journey{Cut: f.cut(b), number: len(f.journeys)}
	j.take(b)
	f.journeys, f.byLast = append(f.journeys, j), append(f.byLast, j)
	f.moved(j)
}

// moved puts a journey that has taken steps at its place in byLast.
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
}

// find is rule 2 of product.md. What begins a case goes by the rules of cases first, and else as an answer where it is one.
func (f *folder) find(b *block) *Journey {
	if len(b.cases) > 0 {
		if j := f.holding(b); j != nil {
			return j
		}
		if j := f.findForCase(b); j != nil {
			return j
		}
		return f.owing(b)
	}
	if j := f.owing(b); j != nil {
		return j
	}
	book := f.book.At(b.start())
	if family := b.family(); family != "" {
		gap := book.InactivityGap.Of(family)
		return f.latest(b, gap, func(j *Journey) bool {
			return j.ReasonFamily == family && b.start().Sub(j.lastBefore(b.start())) <= gap
		})
	}
	return f.latest(b, book.NoReason, func(j *Journey) bool {
		if b.start().Sub(j.lastBefore(b.start())) > book.NoReason {
			return false
		}
		return b.role == event.Joins || j.openAt(b.start(), f.book)
	})
}

// holding is the journey in which a case of the block was before a silence beyond reach. Where the block brings the cases of
// two journeys together they are one from here on; what was placed between keeps its place.
func (f *folder) holding(b *block) (found *Journey) {
	if !f.returning {
		return nil
	}
	for _, j := range slices.Clone(f.journeys) {
		switch {
		case !slices.ContainsFunc(b.cases, func(c string) bool { return contains(j.Cases, c) }):
		case found == nil:
			found = j
		default:
			f.unite(found, j)
		}
	}
	return found
}

// unite lets a journey take all of a later one.
func (f *folder) unite(j, later *Journey) {
	for _, b := range later.blocks {
		j.take(b)
	}
	same := func(other *Journey) bool { return other == later }
	f.journeys, f.byLast = slices.DeleteFunc(f.journeys, same), slices.DeleteFunc(f.byLast, same)
	f.moved(j)
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
	window := f.book.At(b.start()).Repeat.Of(rules.Where{Reason: b.reason})
	return f.latest(b, window, func(j *Journey) bool {
		return j.stated(b.reason, b.start()) && b.start().Sub(j.lastBefore(b.start())) <= window
	})
}

// contactJourney is the journey of the latest contact during or after which the case began.
func (f *folder) contactJourney(b *block) (found *Journey) {
	var start event.Instant
	after := f.book.At(b.start()).CaseAfter
	for _, j := range f.since(b, after) {
		if !sameCustomer(j, b) {
			continue
		}
		for _, c := range j.Contacts {
			if within(b.start(), c.Start, c.End, after) && (found == nil || c.Start > start || c.Start == start && j.number < found.number) {
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
func sameCustomer(j *Journey, b *block) bool { return oneCustomer(j.CustomerID, b.customer) }

func oneCustomer(a, b string) bool { return a == b || a == "" || b == "" }

// cut says why a block begins a journey: what of the customer's lies before it, as far as the book reaches.
func (f *folder) cut(b *block) Cut {
	cut := CutFirst
	from := b.start().Add(-f.book.Reach())
	for i := len(f.byLast) - 1; i >= 0 && f.byLast[i].Last() >= from; i-- {
		if j := f.byLast[i]; sameCustomer(j, b) && j.lastBefore(b.start()) >= from {
			if cut = b.cutFrom(j.ReasonFamily); cut != CutReason {
				return cut
			}
		}
	}
	for i := range f.past {
		if p := &f.past[i]; p.Last >= from && p.Last < b.start() && oneCustomer(p.CustomerID, b.customer) && !f.isBack(p) {
			if cut = b.cutFrom(p.Family); cut != CutReason {
				return cut
			}
		}
	}
	return cut
}

// isBack says whether a past journey is among the events again.
func (f *folder) isBack(p *Past) bool {
	return p.Case != "" && slices.ContainsFunc(f.journeys, func(j *Journey) bool { return contains(j.Cases, p.Case) })
}

// cutFrom says why a block does not go on with an earlier journey of a reason family.
func (b *block) cutFrom(family string) Cut {
	switch {
	case len(b.cases) > 0:
		return CutCase
	case b.family() != "" && b.family() == family:
		return CutGap
	}
	return CutReason
}

// take adds a block to the journey, keeping the steps in order.
func (j *Journey) take(b *block) {
	steps := j.Steps
	j.takeUnordered(b)
	j.Steps = mergeSteps(steps, b.steps)
}

// takeUnordered adds a block and leaves its steps at the end.
func (j *Journey) takeUnordered(b *block) {
	b.journey = j
	j.blocks, j.Types = append(j.blocks, b), j.Types|b.types
	j.Steps = append(j.Steps, b.steps...)
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
	slices.SortStableFunc(merged, event.Compare)
	return merged
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
	h := History{Journeys: f.journeys, Visits: f.visits, Next: Never, loose: f.loose, apart: f.apart}
	for _, j := range h.Journeys {
		j.name()
		j.Inbound = j.inbound()
		j.Reason = lastReason(j)
		if len(j.Cases) > 0 {
			j.CaseID = j.Cases[0]
		}
		s := read(j.Steps, clock, j.ReasonFamily, f.book)
		j.Outcome, j.Basis, j.EndedAt, j.KnownAt, j.Escalated = s.outcome, s.basis, s.endedAt, s.knownAt, s.escalated
		j.Due, j.owing = s.next, s.owing()
		h.Next = min(h.Next, s.next)
	}
	slices.SortStableFunc(h.Journeys, func(a, b *Journey) int { return event.Compare(a.FirstEvent, b.FirstEvent) })
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
