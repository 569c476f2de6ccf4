package journey

import (
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// block is what can never be split over journeys: the events of one contact, of one case, or of contacts and cases that
// share an event; or one event that stands for itself. A contact or a case that is silent for longer than the book reaches
// begins another block: what happened before then stays as it was placed. A case finds its journey again all the same.
type block struct {
	steps    []*event.Event
	contacts []*Contact
	cases    []string // in order of first mention, without containers
	role     event.Role
	reason   string // full reason of the first part that states one
	customer string
	types    event.Types // of its steps
	journey  *Journey    // that took it last

	// Of a page view:
	anchor *block // without a reason: the block that makes it count, nil for none
	counts bool   // with a reason: whether it does
}

func (b *block) first() *event.Event  { return b.steps[0] }
func (b *block) start() event.Instant { return b.steps[0].At }
func (b *block) family() string       { return event.ReasonFamily(b.reason) }

// group makes blocks of the events of one customer, given in order; blocks come in the order of their first events. Events
// that are about no customer's journey are set apart.
func (f *folder) group(events []*event.Event) []*block {
	g := newGrouping(events, f.book.Reach())
	for i, e := range events {
		g.roles[i] = event.SpecOf(e.Type).Role
		if g.roles[i] == event.Apart {
			f.apart = append(f.apart, e)
			continue
		}
		f.promises = f.promises || e.Type == event.PromiseMade
		if e.Data.Contact != "" {
			g.contacts.join(g, i, e.Data.Contact)
		}
		if e.Data.Case != "" && !f.book.At(e.At).Container(e.Data.Case) && g.cases.join(g, i, e.Data.Case) {
			f.returning = true
		}
	}
	return assemble(events, g, f.book)
}

func assemble(events []*event.Event, g *grouping, book *rules.Book) []*block {
	var list []*block
	byRoot := make([]*block, len(events))
	for i, e := range events {
		role := g.roles[i]
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
	b.steps, b.types = append(b.steps, e), b.types.With(e)
	b.role = min(b.role, role)
	if b.customer == "" {
		b.customer = e.Data.Customer
	}
	if c := e.Data.Case; c != "" && !book.At(e.At).Container(c) && !contains(b.cases, c) {
		b.cases = append(b.cases, c)
	}
	if interaction(e) {
		b.contact(e, book).add(e)
	}
}

// contact finds the contact an event belongs to, or begins one. An id taken up again beyond reach is another contact's.
func (b *block) contact(e *event.Event, book *rules.Book) *Contact {
	if e.Data.Contact != "" {
		for _, c := range b.contacts {
			if c.ID == e.Data.Contact && e.At.Sub(c.Steps[len(c.Steps)-1].At) <= book.Reach() {
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
	events          []*event.Event
	reach           time.Duration
	roles           []event.Role
	parent          []int
	contacts, cases keys
}

// keys are the contacts or the cases that the events so far name.
type keys struct {
	began map[string]int // id -> the event that begins its latest stretch without a silence beyond reach
	last  []int          // of the event that begins a stretch: the last one of it
}

func newGrouping(events []*event.Event, reach time.Duration) *grouping {
	n := len(events)
	g := &grouping{
		events: events, reach: reach, roles: make([]event.Role, n), parent: make([]int, n),
		contacts: keys{map[string]int{}, make([]int, n)}, cases: keys{map[string]int{}, make([]int, n)},
	}
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

// join puts event i with the one before it that names an id, the earliest event being the root; where that lies beyond
// reach it begins anew, and says so.
func (k *keys) join(g *grouping, i int, id string) (again bool) {
	j, ok := k.began[id]
	if !ok || g.events[i].At.Sub(g.events[k.last[j]].At) > g.reach {
		k.began[id], k.last[i] = i, i
		return ok
	}
	k.last[j] = i
	a, b := g.root(i), g.root(j)
	g.parent[max(a, b)] = min(a, b)
	return false
}
