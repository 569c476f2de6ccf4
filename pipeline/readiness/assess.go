package readiness

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// Report is what can be said: with each source alone, and with all of them together.
type Report struct {
	Sources map[string]*Said `json:"sources"`
	All     *Said            `json:"all"`
	// Loaded is what only tables know; nil for a file.
	Loaded *Loaded `json:"loaded,omitempty"`
	// File is what only a file shows; nil for tables.
	File *File `json:"file,omitempty"`
}

// Said is what can be said with the events of one source.
type Said struct {
	Events     uint64             `json:"events"`
	Types      map[string]uint64  `json:"types"`
	Activities map[string]uint64  `json:"activities,omitempty"` // of internal steps
	First      string             `json:"first,omitempty"`      // RFC 3339, UTC
	Last       string             `json:"last,omitempty"`
	Fields     Fields             `json:"fields"`
	Shares     Shares             `json:"shares"`
	Kinds      map[string]Finding `json:"kinds"`
	Figures    map[string]Finding `json:"figures"`
	Dashboards map[string]Finding `json:"dashboards"`
	Helps      []Help             `json:"helps"` // most first
}

// Fields says how many events of each type carry each feature: type -> feature -> events.
type Fields map[string]map[string]uint64

// Shares are what to know of the data before believing a figure. Shares are of 1.
type Shares struct {
	Days             uint64            `json:"days"`         // with an event
	HistoryDays      uint64            `json:"history_days"` // from the first to the last
	EventsPerDay     float64           `json:"events_per_day"`
	Customers        uint64            `json:"customers"`
	Contacts         uint64            `json:"contacts"`
	Cases            uint64            `json:"cases"`
	Unidentified     float64           `json:"unidentified"` // of events, without a customer
	Alone            float64           `json:"alone"`        // of events, without customer, case and contact
	NoContactOrCase  float64           `json:"no_contact_or_case"`
	ChannelMissing   float64           `json:"channel_missing"` // of events
	ChannelOther     float64           `json:"channel_other"`
	Channels         map[string]uint64 `json:"channels"`       // contacts by channel; one may have several
	ReasonMissing    float64           `json:"reason_missing"` // of contacts
	ReasonUnknown    float64           `json:"reason_unknown"` // unknown or other, of contacts
	Outbound         float64           `json:"outbound"`       // of contacts: out or callback
	DirectionMissing float64           `json:"direction_missing"`
	Ended            float64           `json:"ended"` // of contacts: state their end, or were answered in their thread
	EqualTimes       float64           `json:"equal_times"`
}

// Help is one thing to send that would help.
type Help struct {
	Name   string   `json:"name"`
	Advice string   `json:"advice"`
	Alone  int      `json:"alone"`  // how many kinds and figures wait for nothing else
	Waits  []string `json:"waits"`  // kinds and figures that wait for it
	Weight float64  `json:"weight"` // sum over these of one (a half where something can be said already) divided by all that each waits for
}

// Assess holds a profile against what each kind, figure and dashboard needs, by the limits of a book.
func Assess(p *Profile, book *rules.Book) *Report {
	r := &Report{Sources: map[string]*Said{}, All: said(&view{counts: p.All, all: p.All, book: book})}
	for name, c := range p.Sources {
		r.Sources[name] = said(&view{counts: c, all: p.All, source: name, book: book})
	}
	return r
}

func said(v *view) *Said {
	c := v.counts
	s := &Said{Events: c.Total(), Types: map[string]uint64{}, Activities: c.Activities, Fields: c.fields(), Shares: c.shares(),
		Kinds: map[string]Finding{}, Figures: map[string]Finding{}, Dashboards: map[string]Finding{}}
	if s.Events > 0 {
		s.First, s.Last = c.First.String(), c.Last.String()
	}
	for sort, n := range c.Events {
		s.Types[sort.Type] += n
	}
	for _, r := range Kinds() {
		s.Kinds[r.ID] = v.kind(&r)
	}
	for _, r := range Figures() {
		s.Figures[r.ID] = r.judge(v)
	}
	s.Figures[alertsID] = v.alerts(s.Kinds)
	for _, d := range Dashboards() {
		s.Dashboards[d.ID] = s.dashboard(&d)
	}
	s.Helps = s.helps(c.Total() < v.all.Total())
	return s
}

// kind is the verdict on a kind; one that the book does not measure there is not.
func (v *view) kind(r *Requirement) Finding {
	f := r.judge(v)
	if v.source != "" && !v.book.Measured(r.ID, v.source) {
		return Finding{Verdict: Not, Why: "The rule book says not to measure it there (not_measured)."}
	}
	return f
}

// alertsID names the figure that follows from the kinds.
const alertsID = "alerts"

// alerts says whether any kind as a whole can be watched, by the figures of the book (docs/alerts.md): it is by its breakpoints or by
// its opportunities. How many break is not known before the journeys are folded: there are no more than opportunities.
func (v *view) alerts(kinds map[string]Finding) Finding {
	least, history := v.book.Alerts.LeastADay, v.counts.historyDays()
	days := wholeDays(v.book.Alerts.AtLeast + v.book.Alerts.Guard)
	busiest, most := busiestOf(kinds, history)
	volume := fmt.Sprintf("A series is watched from %g breakpoints, or as many opportunities, a day on. The busiest kind is %s, out of at most %s a day", least, busiest, perDay(most))
	held := fmt.Sprintf("against its own rate where %s of them break or more, else for becoming frequent.", percent(least/most))
	switch {
	case busiest == "":
		return Finding{Verdict: Not, Why: "No kind of breakpoint can be measured.", Missing: []string{"volume"}}
	case history <= days:
		return Finding{Verdict: Not, Why: fmt.Sprintf("Only %s of history: a day is held against what was usual in the %d before it.", count(history, "day"), days), Missing: []string{"history"}}
	case most < least:
		return Finding{Verdict: Not, Why: volume + ": seldom enough, if ever.", Missing: []string{"volume"}}
	case most < 10*least:
		return Finding{Verdict: Partly, Why: volume + ": it is watched " + held, Missing: []string{"volume"}}
	}
	return Finding{Verdict: Supported, Why: volume + ": it is watched " + held}
}

// busiestOf is the kind with most opportunities a day, of those that can be measured; "" for none.
func busiestOf(kinds map[string]Finding, history uint64) (busiest string, most float64) {
	for _, r := range Kinds() {
		f := kinds[r.ID]
		if perDay := float64(f.of) / float64(max(history, 1)); f.Verdict != Not && perDay > most {
			busiest, most = r.ID, perDay
		}
	}
	return busiest, most
}

func wholeDays(d time.Duration) uint64 { return uint64(d / (24 * time.Hour)) }

// count writes a number of things.
func count(n uint64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func perDay(n float64) string {
	if n < 10 {
		return fmt.Sprintf("%.1f", n)
	}
	return fmt.Sprintf("%.0f", n)
}

// of gives the verdict on a kind or a figure.
func (s *Said) of(id string) Finding {
	if f, ok := s.Kinds[id]; ok {
		return f
	}
	return s.Figures[id]
}

// dashboard is as good as what it shows.
func (s *Said) dashboard(d *Dashboard) Finding {
	by := map[Verdict][]string{}
	for _, id := range d.Shows {
		v := s.of(id).Verdict
		by[v] = append(by[v], id)
	}
	f := Finding{Verdict: Partly, Missing: by[Not]}
	switch {
	case len(by[Supported]) == len(d.Shows):
		f.Verdict = Supported
	case len(by[Not]) == len(d.Shows):
		f.Verdict = Not
	}
	f.Why = dashboardWhy(d, by)
	return f
}

func dashboardWhy(d *Dashboard, by map[Verdict][]string) string {
	n := len(d.Shows)
	switch {
	case n == 0:
		return "What came in, what was refused, and whether all of it is accounted for needs nothing of the data."
	case len(by[Supported]) == n:
		return ""
	}
	return fmt.Sprintf("Of %d that it shows, %d can be filled, %d in part, %d not.", n, len(by[Supported]), len(by[Partly]), len(by[Not]))
}

// mostHelps is how many things that would help are named.
const mostHelps = 3

// helps ranks what to send by how many kinds and figures wait for it, each counted by how much else it waits for. History,
// losses and rates are nothing that a source could send. Of one source among others (part) only what it begins is asked for: the
// rest may be what the others are for.
func (s *Said) helps(part bool) []Help {
	found := map[string]*Help{}
	for _, id := range slices.Concat(slices.Sorted(maps.Keys(s.Kinds)), slices.Sorted(maps.Keys(s.Figures))) {
		f := s.of(id)
		if part && !f.begun {
			continue
		}
		missing := slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(f.Missing))), func(name string) bool {
			return slices.Contains([]string{"history", "losses", "rates", "no rate", "volume"}, name)
		})
		missing = s.together(missing)
		for _, name := range missing {
			h := found[name]
			if h == nil {
				h = &Help{Name: name, Advice: cmp.Or(advice[name], "send "+name)}
				found[name] = h
			}
			h.Waits = append(h.Waits, id)
			h.Weight += worth(f.Verdict) / float64(len(missing))
			if len(missing) == 1 {
				h.Alone++
			}
		}
	}
	var list []Help
	for _, name := range slices.Sorted(maps.Keys(found)) {
		h := *found[name]
		h.Weight = math.Round(100*h.Weight) / 100
		list = append(list, h)
	}
	slices.SortStableFunc(list, func(a, b Help) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(len(b.Waits), len(a.Waits)))
	})
	return list[:min(len(list), mostHelps)]
}

// worth is what it is worth to make a verdict better: something out of nothing counts twice as much as all out of some.
func worth(v Verdict) float64 {
	if v == Not {
		return 1
	}
	return 0.5
}

// together makes one of all parts of contacts, where none comes at all.
func (s *Said) together(missing []string) (list []string) {
	for _, name := range missing {
		family := event.SpecOf(name).Family
		if s.Shares.Contacts == 0 && (family == "contact" || family == "message" || slices.Contains([]string{sendWaits, sendEnds, sendReplies}, name)) {
			name = sendContacts
		}
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// fields counts by type and feature.
func (c *Counts) fields() Fields {
	f := Fields{}
	for s, n := range c.Events {
		if f[s.Type] == nil {
			f[s.Type] = map[string]uint64{}
		}
		for i, name := range FeatureNames {
			if s.Has.any(1 << i) {
				f[s.Type][name] += n
			}
		}
	}
	return f
}

func (c *Counts) shares() Shares {
	about := c.aboutCustomers()
	events := func(holds func(Features) bool) float64 {
		var n uint64
		for s, k := range c.Events {
			if joins(s.Type) && holds(s.Has) {
				n += k
			}
		}
		return share(n, about)
	}
	conversation := func(g Group) bool { return g.conversation() }
	contacts := c.contacts(conversation)
	of := func(holds func(Group) bool) float64 { return share(c.contacts(and(conversation, holds)), contacts) }
	total := func(groups map[Group]uint64) uint64 { return countOf(groups, func(Group) bool { return true }) }
	r := Shares{
		Days: c.Days, HistoryDays: c.historyDays(), Customers: total(c.Customers), Contacts: contacts, Cases: total(c.Cases),
		EventsPerDay:     math.Round(10*float64(c.Total())/float64(max(c.historyDays(), 1))) / 10,
		Unidentified:     events(func(f Features) bool { return !f.any(Customer) }),
		Alone:            events(func(f Features) bool { return !f.any(Customer | Case | Contact) }),
		NoContactOrCase:  events(func(f Features) bool { return !f.any(Case | Contact) }),
		ChannelMissing:   events(func(f Features) bool { return !f.any(anyChannel) }),
		ChannelOther:     events(func(f Features) bool { return f.any(OtherChannel) }),
		ReasonMissing:    of(func(g Group) bool { return !g.Has.any(Reason | ReasonVoid) }),
		ReasonUnknown:    of(func(g Group) bool { return g.Has.any(ReasonVoid) && !g.Has.any(Reason) }),
		Outbound:         of(func(g Group) bool { return g.Has.any(Out|Callback) && !g.Has.any(In) }),
		DirectionMissing: of(func(g Group) bool { return !g.Has.any(In | Out | Callback) }),
		Ended:            of(hasType(event.ContactEnded, event.MessageReplied)),
		EqualTimes:       share(c.EqualTimes, c.Total()),
		Channels:         map[string]uint64{},
	}
	for i, channel := range event.Channels {
		if n := c.contacts(and(conversation, has(Phone<<i))); n > 0 {
			r.Channels[string(channel)] = n
		}
	}
	return r
}

const anyChannel = assistedChannels | Web | App | Bot | IVR | FAQ | OtherChannel

// share is n of all, to four digits; 0 of nothing.
func share(n, all uint64) float64 {
	if all == 0 {
		return 0
	}
	return math.Round(10000*float64(n)/float64(all)) / 10000
}

// Refusal is a reason for which rows were refused, without a value of them.
type Refusal struct {
	Source   string `json:"source,omitempty"` // empty where it could not be read
	Reason   string `json:"reason"`
	Field    string `json:"field,omitempty"`
	Expected string `json:"expected,omitempty"`
	Rows     uint64 `json:"rows"`
}

// File is what a file shows that tables do not.
type File struct {
	Rows       uint64            `json:"rows"` // read
	Refused    []Refusal         `json:"refused"`
	Duplicates uint64            `json:"duplicates"`        // same source and id as a row before
	Late       uint64            `json:"late"`              // further behind a row before than the book's lateness
	Dropped    map[string]uint64 `json:"dropped,omitempty"` // fields that Parcours does not know, and how many events had them
	Sample     bool              `json:"sample"`            // only the first rows were read
	Broken     string            `json:"broken,omitempty"`  // why the file could not be read to its end
}

// Loaded is what tables show that a file does not.
type Loaded struct {
	Refused []Refusal `json:"refused"`
	Late    uint64    `json:"late"` // too late for journeys
}

// SortRefusals puts the most frequent first.
func SortRefusals(list []Refusal) {
	slices.SortFunc(list, func(a, b Refusal) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Field, b.Field),
			cmp.Compare(a.Expected, b.Expected))
	})
}
