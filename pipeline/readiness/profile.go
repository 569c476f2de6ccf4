// Package readiness says what can be said with some data, and why not more: it counts what the events of each source carry
// (Profile), and holds that against what each kind of breakpoint, each figure and each dashboard needs (Assess). It computes
// only.
package readiness

import (
	"maps"
	"slices"
	"strings"
	"time"

	"parcours/pipeline/event"
)

// Profile is what the events of some sources carry, counted. It holds no identifier and no value of an event other than
// names of closed lists, sources, types and activities.
type Profile struct {
	Sources map[string]*Counts
	All     *Counts // of all sources together: a contact or a customer that several of them tell of is one
}

// Counts are those of one source, or of all.
type Counts struct {
	Events    map[Sort]uint64  // events by type and by what they say
	Contacts  map[Group]uint64 // contacts, attempts included, by what their events say together
	Cases     map[Group]uint64
	Customers map[Group]uint64

	First, Last event.Instant // 0 where there is no event
	Days        uint64        // UTC days with an event
	Silos       uint64        // distinct, on events of contacts, messages and cases
	Units       uint64        // distinct
	Steps       uint64        // distinct names of internal steps
	Activities  map[string]uint64
	EqualTimes  uint64 // events at the very instant of another of the same case, customer or contact
}

// Sort is a type of event and what its events say.
type Sort struct {
	Type string
	Has  Features
}

// Group is what the events of one contact, case or customer are, and say, together.
type Group struct {
	Types event.Types
	Has   Features
}

// NewCounts are those of no event.
func NewCounts() *Counts {
	return &Counts{Events: map[Sort]uint64{}, Contacts: map[Group]uint64{}, Cases: map[Group]uint64{}, Customers: map[Group]uint64{},
		Activities: map[string]uint64{}}
}

// Total is the number of events.
func (c *Counts) Total() (n uint64) {
	for _, k := range c.Events {
		n += k
	}
	return n
}

// Names lists the sources in order.
func (p *Profile) Names() []string { return slices.Sorted(maps.Keys(p.Sources)) }

// Tally makes a Profile of events, one by one. Memory: about 100 bytes an event, and once more where there are several
// sources; nothing of an event but its hashes is kept.
type Tally struct {
	seen    map[uint64]struct{}
	sources map[string]*counter
	all     *counter
}

// NewTally has seen nothing.
func NewTally() *Tally {
	return &Tally{seen: map[uint64]struct{}{}, sources: map[string]*counter{}, all: newCounter()}
}

// Add counts an event that has its customer's pseudonym, as it comes out of the door. False says that the same source and id
// came before, which counts nothing. What Parcours tells itself is not counted.
func (t *Tally) Add(e *event.Event) bool {
	if event.SpecOf(e.Type).Family == event.FamilySystem {
		return true
	}
	id := event.Fingerprint(e.Source, e.ID)
	if _, known := t.seen[id]; known {
		return false
	}
	t.seen[id] = struct{}{}
	c := t.sources[e.Source]
	if c == nil {
		c = newCounter()
		t.sources[strings.Clone(e.Source)] = c
	}
	has := featuresOf(e)
	c.add(e, has)
	t.all.add(e, has)
	return true
}

// Profile gives what was counted so far.
func (t *Tally) Profile() *Profile {
	p := &Profile{Sources: map[string]*Counts{}, All: t.all.counts()}
	for name, c := range t.sources {
		p.Sources[name] = c.counts()
	}
	return p
}

// counter counts the events of one source, or of all; what must be told apart is kept as hashes.
type counter struct {
	Counts
	contacts, cases, customers map[uint64]Group
	days                       map[int64]struct{}
	silos, units, steps, times map[uint64]struct{}
	timed                      uint64 // events that have a case, a customer or a contact
}

func newCounter() *counter {
	set := func() map[uint64]struct{} { return map[uint64]struct{}{} }
	return &counter{Counts: *NewCounts(), contacts: map[uint64]Group{}, cases: map[uint64]Group{}, customers: map[uint64]Group{},
		days: map[int64]struct{}{}, silos: set(), units: set(), steps: set(), times: set()}
}

func (c *counter) add(e *event.Event, has Features) {
	typ := event.TypesOf(e.Type)
	c.Events[Sort{sortType(e.Type), has}]++
	if c.First == 0 || e.At < c.First {
		c.First = e.At
	}
	if c.Last == 0 || e.At > c.Last {
		c.Last = e.At
	}
	c.days[floorDiv(int64(e.At), dayLength)] = struct{}{}
	c.group(e, typ, has)
	c.distinct(e, typ)
	c.time(e)
}

// dayLength is a day in the unit of instants.
var dayLength = int64(event.Instant(0).Add(24 * time.Hour))

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// OtherTypes stands for the types that product.md does not name: logs from anywhere may have many.
const OtherTypes = "(other)"

// sortType is the type under which an event is counted.
func sortType(typ string) string {
	for i := range event.Specs {
		if event.Specs[i].Type == typ {
			return event.Specs[i].Type
		}
	}
	return OtherTypes
}

// group adds an event to its contact, its case and its customer. An event of a conversation, or an attempt, that names no
// contact is one by itself.
func (c *counter) group(e *event.Event, typ event.Types, has Features) {
	d := &e.Data
	switch {
	case d.Contact != "":
		join(c.contacts, event.Fingerprint("", d.Contact), typ, has)
	case typ.Any(ofConversations | ofAttempts):
		c.Contacts[Group{typ, has}]++
	}
	if d.Case != "" {
		join(c.cases, event.Fingerprint("", d.Case), typ, has)
	}
	if d.Customer != "" {
		join(c.customers, event.Fingerprint("", d.Customer), typ, has)
	}
}

func join(groups map[uint64]Group, key uint64, typ event.Types, has Features) {
	g := groups[key]
	groups[key] = Group{g.Types | typ, g.Has | has}
}

// distinct notes the silos, units and steps that are named.
func (c *counter) distinct(e *event.Event, typ event.Types) {
	note := func(set map[uint64]struct{}, name string) {
		if name != "" {
			set[event.Fingerprint("", name)] = struct{}{}
		}
	}
	note(c.units, e.Data.Unit)
	if typ.Any(ofContacts | ofMessages | ofCases) {
		note(c.silos, e.Data.Silo)
	}
	if typ.Any(internal) {
		note(c.steps, e.Activity())
		c.activity(e.Activity())
	}
}

// MostActivities is how many names of internal steps are kept apart.
const MostActivities = 1000

func (c *counter) activity(name string) {
	if _, known := c.Activities[name]; known {
		c.Activities[name]++
	} else if len(c.Activities) < MostActivities {
		c.Activities[strings.Clone(name)] = 1
	}
}

// time notes the instant of an event among those of its case, else its customer, else its contact.
func (c *counter) time(e *event.Event) {
	d := &e.Data
	key := d.Case
	if key == "" {
		key = d.Customer
	}
	if key == "" {
		key = d.Contact
	}
	if key != "" {
		c.timed++
		c.times[event.Fingerprint(key, e.At.String())] = struct{}{}
	}
}

// counts gives what was counted so far.
func (c *counter) counts() *Counts {
	r := c.Counts
	r.Contacts, r.Cases, r.Customers = maps.Clone(c.Contacts), map[Group]uint64{}, map[Group]uint64{}
	r.Events, r.Activities = maps.Clone(c.Events), maps.Clone(c.Activities)
	for _, g := range c.contacts {
		r.Contacts[g]++
	}
	for _, g := range c.cases {
		r.Cases[g]++
	}
	for _, g := range c.customers {
		r.Customers[g]++
	}
	r.Days, r.Silos, r.Units, r.Steps = uint64(len(c.days)), uint64(len(c.silos)), uint64(len(c.units)), uint64(len(c.steps))
	r.EqualTimes = c.timed - uint64(len(c.times))
	return &r
}
