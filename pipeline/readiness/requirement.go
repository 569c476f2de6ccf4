package readiness

import (
	"fmt"
	"math"
	"strings"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// Requirement is what a kind of breakpoint or a figure needs of the data.
type Requirement struct {
	ID    string
	Title string // for people; a kind has none but its id
	Ways  []Way  // any one will do
	// parts says that the ways are parts of what it covers, so that people want to know which of them there are.
	parts bool
	// cover counts what can be told, and out of how much; nil where a share says nothing.
	cover func(v *view) (n, of uint64)
	// most counts, of a kind, what its rate is out of: there are no more opportunities than that.
	most func(v *view) uint64
	// zero says that these are opportunities whether it could ever break or not: where it cannot, its rate reads 0 %.
	zero bool
}

// Way is one set of needs with which it works.
type Way struct {
	Name  string // "" where there is only one
	Needs []Need // the first is what is counted: what a rate is out of
}

// Force says what follows where a need is not met.
type Force uint8

// The forces.
const (
	Hard   Force = iota // nothing can be said
	Clears              // everything would seem to break: it must not be measured
	Soft                // something can be said, and not all
)

// Need is one thing that the data must have.
type Need struct {
	Name  string // what to send: of one name are the needs that one thing would meet
	Force Force
	// Drop and Blank are the event types and the fields of `data` without which it is not met: where all of these are away,
	// have counts nothing.
	Drop, Blank []string
	// With says that the types must carry the fields: without either it is not met.
	With bool
	// None says why not where there is none of it; Low where there is too little, %s being the share.
	None, Low string

	have func(v *view) (n, of uint64) // of is 0 where one is enough
	// carried are features of events: where what is counted never comes, a source that has any of them elsewhere does not
	// lack this too.
	carried Features
}

// enough is the share from which on nothing need be said of what is missing.
const enough = 0.8

// met says whether there is any, and whether there is enough of it.
func (n *Need) met(v *view) (any, enoughOfIt bool, share float64) {
	have, of := n.have(v)
	if have == 0 {
		return false, false, 0
	}
	if of == 0 {
		return true, true, 1
	}
	share = float64(have) / float64(of)
	return true, n.Low == "" || share >= enough, share
}

// Verdict is how much can be said.
type Verdict string

// The verdicts.
const (
	Supported Verdict = "supported"
	Partly    Verdict = "partly"
	Not       Verdict = "not"
)

// Finding is the verdict on a kind, a figure or a dashboard, and why.
type Finding struct {
	Verdict  Verdict  `json:"verdict"`
	Why      string   `json:"why"`                // sentences; empty where there is nothing to add
	Coverage *float64 `json:"coverage,omitempty"` // percent of what it is out of that can be told, 0 to 100
	Missing  []string `json:"missing,omitempty"`  // what would have to be sent, by the names of the needs

	of    uint64 // of a kind: how many opportunities there are at most
	begun bool   // what it counts comes
}

// view is what a requirement is held against.
type view struct {
	counts *Counts // of the source
	all    *Counts // of all: what clears may come from another source
	source string  // "" for all together
	book   *rules.Book
}

// judge holds a requirement against the data.
func (r *Requirement) judge(v *view) Finding {
	best, list := -1, make([]judged, len(r.Ways))
	for i := range r.Ways {
		list[i] = r.Ways[i].judge(v)
		if best < 0 || list[i].better(&list[best]) {
			best = i
		}
	}
	f := list[best].finding()
	if f.Verdict != Not {
		r.also(&f, list, best)
	}
	if r.most != nil {
		f.of = r.most(v)
		if f.Verdict == Not && !list[best].uncleared && r.zero && f.of > 0 {
			f.Why = sentences(f.Why, readsZero)
		}
	}
	if r.cover != nil {
		if n, of := r.cover(v); of > 0 {
			percent := math.Round(1000*float64(n)/float64(of)) / 10
			f.Coverage = &percent
		}
	}
	return f
}

// readsZero warns of a rate that is drawn and means nothing.
const readsZero = "Its rate would read 0 %, which means nothing: list the kind under not_measured in the rule book."

// also says what the other ways add: those that work as well, and those that begin and are never cleared, which break all
// of what they begin.
func (r *Requirement) also(f *Finding, list []judged, best int) {
	var names []string
	for i := range list {
		w := &list[i]
		switch {
		case w.verdict() != Not:
			names = append(names, w.way.Name)
		case w.begun && w.uncleared && w.way.Needs[0].Name != list[best].way.Needs[0].Name:
			f.Verdict = Partly
			f.Why = sentences(f.Why, w.finding().Why)
		}
	}
	if r.parts && len(names) < len(r.Ways) {
		f.Why = sentences("Of "+strings.Join(names, ", ")+" only.", f.Why)
	}
}

// judged is a way held against the data.
type judged struct {
	way       *Way
	begun     bool // what is counted comes
	uncleared bool
	none, low []string // sentences
	lack      []string // names of the needs without which it does not work
	wish      []string // of those without which it works in part
}

func (w *Way) judge(v *view) judged {
	j := judged{way: w}
	for i := range w.Needs {
		n := &w.Needs[i]
		any, plenty, share := n.met(v)
		if i == 0 {
			j.begun = any
		}
		switch {
		case any && plenty:
		case !j.begun && i > 0 && n.carried != 0 && v.counts.carry(n.carried):
		case any:
			j.low = append(j.low, fmt.Sprintf(n.Low, percent(share)))
			j.wish = append(j.wish, n.Name)
		case n.Force == Soft:
			j.low = append(j.low, n.None)
			j.wish = append(j.wish, n.Name)
		default:
			j.uncleared = j.uncleared || n.Force == Clears
			j.none = append(j.none, n.None)
			j.lack = append(j.lack, n.Name)
		}
	}
	return j
}

func (j *judged) verdict() Verdict {
	switch {
	case len(j.none) > 0:
		return Not
	case len(j.low) > 0:
		return Partly
	}
	return Supported
}

// better says whether a way is further than another: fewer things stand against it, and what has begun goes first.
func (j *judged) better(than *judged) bool {
	if a, b := len(j.none) == 0, len(than.none) == 0; a != b {
		return a
	}
	if j.begun != than.begun || !j.begun {
		return j.begun
	}
	if len(j.none) != len(than.none) {
		return len(j.none) < len(than.none)
	}
	return len(j.low) < len(than.low)
}

// mostReasons is how many sentences are given.
const mostReasons = 3

// finding is the verdict on the way alone. Where what is counted never comes, nothing else need be said.
func (j *judged) finding() Finding {
	f := Finding{Verdict: j.verdict(), Missing: j.wish, begun: j.begun}
	why := j.low
	if f.Verdict == Not {
		why, f.Missing = j.none, j.lack
		if !j.begun {
			why = why[:1]
		}
	}
	f.Why = sentences(why[:min(len(why), mostReasons)]...)
	return f
}

func sentences(list ...string) string {
	var said []string
	for _, s := range list {
		if s != "" && !strings.Contains(strings.Join(said, " "), s) {
			said = append(said, s)
		}
	}
	return strings.Join(said, " ")
}

// percent writes a share; what is nearly nothing, or nearly all, does not read as such.
func percent(share float64) string {
	p := 100 * share
	switch {
	case p > 0 && p < 1:
		return "under 1 %"
	case p > 99 && p < 100:
		return "over 99 %"
	}
	return fmt.Sprintf("%.0f %%", p)
}

// events counts those of some types (none: of any) that have all of some features.
func (c *Counts) events(types event.Types, has Features) (n uint64) {
	for s, k := range c.Events {
		if (types == 0 || event.TypesOf(s.Type).Any(types)) && s.Has.all(has) {
			n += k
		}
	}
	return n
}

// carry says whether any event has one of some features.
func (c *Counts) carry(any Features) bool {
	for s := range c.Events {
		if s.Has.any(any) {
			return true
		}
	}
	return false
}

// contacts counts those contacts for which something holds.
func (c *Counts) contacts(holds func(Group) bool) uint64 { return countOf(c.Contacts, holds) }

// linked counts the contacts, cases and customers for which something holds: it is there where two events that belong
// together can be seen to.
func (c *Counts) linked(holds func(Group) bool) uint64 {
	return countOf(c.Contacts, holds) + countOf(c.Cases, holds) + countOf(c.Customers, holds)
}

func countOf(groups map[Group]uint64, holds func(Group) bool) (n uint64) {
	for g, k := range groups {
		if holds(g) {
			n += k
		}
	}
	return n
}

// inbound says whether the customer made a contact: it says so, or says nothing and does not consist of replies alone.
func (g Group) inbound() bool {
	if g.Has.any(In | Out | Callback) {
		return g.Has.any(In)
	}
	return g.Has.any(Begins)
}

// conversation says whether somebody, or a bot, spoke with the customer.
func (g Group) conversation() bool { return g.Types.Any(ofConversations) }

// visited says that it is a contact which the customer made.
func visited(g Group) bool { return g.conversation() && g.inbound() }

// hasType makes a question about a type.
func hasType(types ...string) func(Group) bool {
	set := event.TypesOf(types...)
	return func(g Group) bool { return g.Types.Any(set) }
}

// and makes one question of several.
func and(list ...func(Group) bool) func(Group) bool {
	return func(g Group) bool {
		for _, holds := range list {
			if !holds(g) {
				return false
			}
		}
		return true
	}
}

// has makes a question about features, one of which is enough.
func has(f Features) func(Group) bool { return func(g Group) bool { return g.Has.any(f) } }

// several says whether a group has more than one of some features.
func (f Features) several(of Features) bool {
	f &= of
	return f&(f-1) != 0
}
