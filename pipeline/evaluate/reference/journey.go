package reference

import (
	"slices"
	"time"

	"parcours/pipeline/event"
)

// journey is a list of blocks, and of the contacts in them, in order of their beginnings.
type journey struct {
	blocks   []*block
	contacts []*contact
	cases    map[string]bool
}

// history is all of one home.
type history struct {
	judge    *Judge
	clock    event.Instant
	events   []*event.Event
	contacts []*contact
	journeys []*journey
	of       map[*event.Event]*contact
	kind     kind // being looked for
	found    []*finding
}

func newHistory(j *Judge, events []*event.Event, clock event.Instant) *history {
	h := &history{judge: j, clock: clock, of: map[*event.Event]*contact{}}
	for _, e := range events {
		if event.SpecOf(e.Type).Role != event.Apart && e.At <= clock {
			h.events = append(h.events, e)
		}
	}
	slices.SortFunc(h.events, event.Compare)
	h.contacts = contactsOf(h.events, j.book.Reach())
	for _, c := range h.contacts {
		for _, e := range c.events {
			h.of[e] = c
		}
	}
	h.placeAll(blocksOf(h.contacts, j.container))
	for _, c := range h.contacts {
		if j := c.journey(); j != nil {
			j.contacts = append(j.contacts, c)
		}
	}
	for _, e := range events { // what stands apart is looked at by the rules that ask for it
		if event.SpecOf(e.Type).Role == event.Apart && e.At <= clock {
			h.events = append(h.events, e)
		}
	}
	slices.SortFunc(h.events, event.Compare)
	return h
}

// placeAll puts blocks into journeys, in order. Page views and searches with no form, error or contact within 24 h are visits;
// one that states no reason goes, when all others have found their place, where that goes which makes it count.
func (h *history) placeAll(list []*block) {
	follows := map[*block]*block{}
	for i, b := range list {
		if !b.looks() || len(b.cases(h.judge.container)) > 0 {
			h.place(b)
			continue
		}
		switch near := h.near(list, i); {
		case near != nil && b.family() != "":
			h.place(b)
		case near != nil:
			follows[b] = near
		}
	}
	for _, b := range list {
		if near := follows[b]; near != nil && near.journey != nil {
			h.join(b, near.journey)
		}
	}
}

// looks says whether a block is of page views and searches alone.
func (b *block) looks() bool {
	return !b.has(func(e *event.Event) bool { return event.SpecOf(e.Type).Role != event.Looks })
}

// near is what makes a page view more than a visit: the next block with a form, an error or a contact that begins within 24 h,
// else the last one before with a step in the 24 h; nil for none.
func (h *history) near(list []*block, i int) *block {
	at, most := list[i].start(), h.judge.book.Visit
	for _, b := range list[i+1:] {
		if b.start().Sub(at) <= most && h.counts(list[i], b) {
			return b
		}
	}
	for k := i - 1; k >= 0; k-- {
		recent := func(e *event.Event) bool { return e.At <= at && at.Sub(e.At) <= most }
		if b := list[k]; b.has(recent) && h.counts(list[i], b) {
			return b
		}
	}
	return nil
}

// counts says whether a block near a page view makes it more than a visit: it holds a form, an error or a contact of the same
// customer.
func (h *history) counts(view, b *block) bool {
	return one(view.customer(), b.customer()) && b.has(func(e *event.Event) bool {
		return meeting(e) || e.Type == event.FormStarted || e.Type == event.FormFailed || e.Type == event.FormSubmitted
	})
}

// place puts a block into the journey that it joins, or begins one with it.
func (h *history) place(c *block) {
	j := h.find(c)
	if j == nil {
		if !c.has(func(e *event.Event) bool { return event.SpecOf(e.Type).Role != event.Joins }) {
			return
		}
		j = &journey{cases: map[string]bool{}}
		h.journeys = append(h.journeys, j)
	}
	h.join(c, j)
}

func (h *history) join(c *block, j *journey) {
	c.journey = j
	j.blocks = append(j.blocks, c)
	slices.SortStableFunc(j.blocks, func(x, y *block) int { return event.Compare(x.first(), y.first()) })
	for _, id := range c.cases(h.judge.container) {
		j.cases[id] = true
	}
}

// find is the journey that a block joins, nil for none.
func (h *history) find(c *block) *journey {
	cases := c.cases(h.judge.container)
	if j := h.ofCases(cases); j != nil {
		return j
	}
	if len(cases) > 0 {
		if j := h.ofNewCase(c); j != nil {
			return j
		}
		return h.owed(c)
	}
	if j := h.owed(c); j != nil {
		return j
	}
	if c.family() == "" {
		return h.latest(c, func(j *journey, gap time.Duration) bool { return gap <= h.judge.book.NoReason && h.mayTake(j, c) })
	}
	return h.latest(c, func(j *journey, gap time.Duration) bool {
		return j.family(c.start()) == c.family() && gap <= gapOf(h.judge.book, c.family())
	})
}

// ofCases is the journey that holds these cases; where two do, they are one: a case is never split.
func (h *history) ofCases(cases []string) (found *journey) {
	for _, id := range cases {
		for _, j := range h.journeys {
			switch {
			case !j.cases[id] || j == found:
			case found == nil:
				found = j
			default:
				found = h.unite(found, j)
			}
		}
	}
	return found
}

func (h *history) unite(a, b *journey) *journey {
	if slices.Index(h.journeys, b) < slices.Index(h.journeys, a) {
		a, b = b, a
	}
	for _, c := range b.blocks {
		h.join(c, a)
	}
	h.journeys = slices.DeleteFunc(slices.Clone(h.journeys), func(j *journey) bool { return j == b })
	return a
}

// mayTake says whether what states no reason can join a journey: an open one. What joins only, a survey, joins any.
func (h *history) mayTake(j *journey, c *block) bool {
	if !c.has(func(e *event.Event) bool { return event.SpecOf(e.Type).Role != event.Joins }) {
		return true
	}
	return h.endOf(j, j.until(c.start()), c.start()).end == goesOn
}

// stated says whether one of its blocks begun before another is about the same full reason.
func (j *journey) stated(c *block) bool {
	return slices.ContainsFunc(j.blocks, func(k *block) bool { return k.start() <= c.start() && k.reason() == c.reason() })
}

// family is what a journey is about: the family of the first of its blocks that has one.
func (j *journey) family(at event.Instant) string {
	for _, b := range j.blocks {
		if f := b.family(); f != "" && b.start() <= at {
			return f
		}
	}
	return ""
}

// until are its events until a moment, in order.
func (j *journey) until(at event.Instant) []*event.Event {
	return slices.DeleteFunc(j.events(), func(e *event.Event) bool { return e.At > at })
}

// ofNewCase: a case opened during a contact or within 24 h after it belongs to that contact's journey; one that a contact
// itself opens later on was opened during that one. A new case for the same reason within the repeat window joins the earlier
// journey.
func (h *history) ofNewCase(c *block) *journey {
	if c.first().Data.Case != "" {
		if k := h.contactBefore(c); k != nil {
			return k.journey()
		}
	}
	if c.family() == "" {
		return nil
	}
	return h.latest(c, func(j *journey, gap time.Duration) bool { return j.stated(c) && gap <= h.repeatWindow(c) })
}

// contactBefore is the last contact during which, or within 24 h after which, a case began; nil for none.
func (h *history) contactBefore(c *block) *contact {
	for i := len(h.contacts) - 1; i >= 0; i-- {
		k := h.contacts[i]
		if k.journey() == nil || k.block == c || !k.isContact() || !k.journey().of(c.customer()) || k.start() > c.start() {
			continue
		}
		if end := first(k.end(), k.first()); c.start().Sub(end.At) <= h.judge.book.CaseAfter {
			return k
		}
	}
	return nil
}

// latest is the most recently active journey of the contact's customer that fits, given the gap since its last event.
func (h *history) latest(c *block, fits func(j *journey, gap time.Duration) bool) (found *journey) {
	best := event.Instant(0)
	for _, j := range h.journeys {
		last, ok := j.lastBefore(c.start())
		if ok && j.of(c.customer()) && fits(j, c.start().Sub(last)) && (found == nil || last >= best) {
			found, best = j, last
		}
	}
	return found
}

// of says whether a journey may be of a customer: it is of the first that it names.
func (j *journey) of(customer string) bool {
	for _, c := range j.blocks {
		if its := c.customer(); its != "" {
			return one(its, customer)
		}
	}
	return true
}

// lastBefore is its last event until a moment.
func (j *journey) lastBefore(at event.Instant) (last event.Instant, ok bool) {
	for _, c := range j.blocks {
		for _, e := range c.events {
			if e.At <= at && (!ok || e.At > last) {
				last, ok = e.At, true
			}
		}
	}
	return last, ok
}

// reason is the last full one stated until a moment that is of its family.
func (j *journey) reason(at event.Instant) (reason string) {
	family := j.family(at)
	for _, e := range j.until(at) {
		if r := e.Data.Reason; r != "" && event.ReasonFamily(r) == family {
			reason = r
		}
	}
	return reason
}

// reasonOf is the reason of a step: that of its contact, else of its journey.
func (h *history) reasonOf(j *journey, e *event.Event) string {
	if r := h.of[e].reason(); r != "" {
		return r
	}
	return j.reason(j.events()[len(j.events())-1].At)
}

// events are all of them in order.
func (j *journey) events() (list []*event.Event) {
	for _, c := range j.blocks {
		list = append(list, c.events...)
	}
	slices.SortFunc(list, event.Compare)
	return list
}

// inbound are the contacts that the customer began with somebody, in order.
func (j *journey) inbound() (list []*contact) {
	for _, c := range j.contacts {
		if c.inbound() && c.withSomebody() {
			list = append(list, c)
		}
	}
	return list
}

// repeatWindow is how long after one contact another for the same reason is a repeat.
func (h *history) repeatWindow(c *block) time.Duration {
	return value(h.judge.book.Repeat, place(c.reason(), c.first()))
}
