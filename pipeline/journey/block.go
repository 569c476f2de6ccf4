package journey

import (
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// block is what can never be split over journeys: the events of one contact, of one case, or of contacts and cases that
// share an event; or one event that stands for itself.
type block struct {
	steps    []*event.Event
	contacts []*Contact
	cases    []string // in order of first mention, without containers
	role     event.Role
	reason   string // full reason of the first part that states one
	customer string
}

func (b *block) first() *event.Event  { return b.steps[0] }
func (b *block) start() event.Instant { return b.steps[0].At }
func (b *block) family() string       { return event.ReasonFamily(b.reason) }

// blocks groups the events of one customer, given in order; blocks come in the order of their first events.
func blocks(events []*event.Event, book *rules.Book) []*block {
	g := newGrouping(len(events))
	for i, e := range events {
		if e.Data.Contact != "" {
			g.join(i, g.contacts, e.Data.Contact)
		}
		if e.Data.Case != "" && !book.Container(e.Data.Case) {
			g.join(i, g.cases, e.Data.Case)
		}
	}
	return assemble(events, g, book)
}

func assemble(events []*event.Event, g *grouping, book *rules.Book) []*block {
	var list []*block
	byRoot := make([]*block, len(events))
	for i, e := range events {
		role := event.SpecOf(e.Type).Role
		if role == event.Apart {
			continue
		}
		root := g.root(i)
		b := byRoot[root]
		if b == nil {
			b = &block{role: role}
			byRoot[root] = b
			list = append(list, b)
		}
		b.add(e, role, book)
	}
	for _, b := range list {
		b.settle()
	}
	return list
}

func (b *block) add(e *event.Event, role event.Role, book *rules.Book) {
	b.steps = append(b.steps, e)
	b.role = min(b.role, role)
	if b.customer == "" {
		b.customer = e.Data.Customer
	}
	if c := e.Data.Case; c != "" && !book.Container(c) && !contains(b.cases, c) {
		b.cases = append(b.cases, c)
	}
	if interaction(e) {
		b.contact(e).add(e)
	}
}

// contact finds the contact an event belongs to, or begins one.
func (b *block) contact(e *event.Event) *Contact {
	if e.Data.Contact != "" {
		for _, c := range b.contacts {
			if c.ID == e.Data.Contact {
				return c
			}
		}
	}
	c := &Contact{ID: e.Data.Contact}
	b.contacts = append(b.contacts, c)
	return c
}

// settle chooses the reason by which a block joins: the last stated in its first contact, else the last stated at all.
func (b *block) settle() {
	for _, c := range b.contacts {
		if event.ReasonFamily(c.Reason) != "" {
			b.reason = c.Reason
			return
		}
	}
	for _, e := range b.steps {
		if event.ReasonFamily(e.Data.Reason) != "" {
			b.reason = e.Data.Reason
		}
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// grouping is a union-find over the indices of the events, joined by shared keys.
type grouping struct {
	parent          []int
	contacts, cases map[string]int // id -> the first event that names it
}

func newGrouping(n int) *grouping {
	g := &grouping{parent: make([]int, n), contacts: map[string]int{}, cases: map[string]int{}}
	for i := range g.parent {
		g.parent[i] = i
	}
	return g
}

func (g *grouping) root(i int) int {
	for g.parent[i] != i {
		g.parent[i] = g.parent[g.parent[i]]
		i = g.parent[i]
	}
	return i
}

// join puts event i with the others that name an id; the earliest event is the root.
func (g *grouping) join(i int, owner map[string]int, id string) {
	j, ok := owner[id]
	if !ok {
		owner[id] = i
		return
	}
	a, b := g.root(i), g.root(j)
	g.parent[max(a, b)] = min(a, b)
}
