// Package brief is the month on two pages for the table of an executive committee: what broke, what it costs, who owns it, since when,
// and what to look at. It reads the documented views, as dashboards do, and writes one HTML file that needs no network, charts
// inside, which prints on two A4 pages.
package brief

import (
	"math"
	"time"

	"parcours/dashboards/words"
)

// Language is one of words.
type Language = words.Language

// Preferred is words.Preferred.
func Preferred(asked ...string) Language { return words.Preferred(asked...) }

// Brief is all that the two pages say of one month, in one language.
type Brief struct {
	Language words.Language
	Month    time.Time   // first day
	Months   []time.Time // that could have been chosen, the latest first
	Headline string
	Figures  []Figure
	Absent   []Absent     // those of the five that no month up to the brief's has
	Ranking  []Breakpoint // of the journeys that ended in the month, by avoidable cost, the dearest first
	Listed   Listed       // of the month, whatever they cost
	Changes  []Change     // of rates against the month before, beyond noise, the largest first
	Compared uint64       // kinds whose rate is compared with the month before
	Withheld uint64       // kinds of the month whose rate is not
	Alone    uint64       // of them, those with nothing to be compared with
	Alerts   []Alert      // raised and not cleared by the end of the month
	Watch    Watch        // without which no alert says nothing
	Actions  []Action     // launched in the twelve months up to its end
	Risk     []Share      // value at risk, by segment, as of now
	RiskOf   Risk
	Unseen   []Unseen
	Cost     float64 // avoidable, of the whole month
	Currency string  // ISO 4217
	// Illustrative amounts are of rates that ship, until finance has filled its own.
	Illustrative bool
	Rules        string    // versions of the rule book that judged
	Settled      time.Time // up to when everything is known
}

// Figure is one of the five, of the last month up to the brief's in which it is complete.
type Figure struct {
	Name          string // of figures_v
	Month         time.Time
	Value         float64 // a share; NaN when there is none
	Low, High     float64 // NaN when there is no interval
	N             uint64
	Amount        float64 // of avoidable_cost: what the share comes to
	Target        float64 // NaN when the rules have none
	LowerIsBetter bool
	ResponseRate  float64 // of satisfaction; NaN when not known
	Before        Comparison
	History       []Point
}

// Absent is one of the five that is not known in any month up to the brief's.
type Absent struct {
	Name          string  // of figures_v
	State         string  // of comex_figures_v: too early, none or not measured
	Target        float64 // NaN when the rules have none
	LowerIsBetter bool
}

// figures are the five, as they stand on the page.
var figures = []string{"journeys_without_serious_breakpoint", "first_contact_resolution", "satisfaction", "complaints_in_time", "avoidable_cost"}

// first says whether no month before the brief's is in the data.
func (b *Brief) first() bool { return len(b.Months) > 0 && b.Months[len(b.Months)-1].Equal(b.Month) }

// Comparison is with the month twelve months before, or with the first of those that the rules name where that one is not among them.
type Comparison struct {
	Months       uint16 // before; 0 when there is none
	Difference   float64
	ExceedsNoise bool
	Withheld     string // why there is no difference
}

// Point is one month of a figure that is complete.
type Point struct {
	Month     time.Time
	Value     float64 // NaN out of nothing
	Low, High float64 // NaN where there is no interval, as of one journey
}

// Missed says whether the target is missed.
func (f *Figure) Missed() bool {
	if f.LowerIsBetter {
		return f.Value > f.Target
	}
	return f.Value < f.Target
}

// Known says whether there is a value at all.
func (f *Figure) Known() bool { return !math.IsNaN(f.Value) }

// drawn is how many months of its history have a value.
func (f *Figure) drawn() (n int) {
	for _, p := range f.History {
		if !math.IsNaN(p.Value) {
			n++
		}
	}
	return n
}

// Breakpoint is one row of the ranking.
type Breakpoint struct {
	Kind, Family, Silo string
	Cost               float64
	Breakpoints        uint64
	Customers          uint64
	Captive            uint64
	Severity           uint8
	Since              time.Time // from when on its present level stands: a day where SinceBy is alert, else a month
	SinceBy            string    // of comex_breakpoints_v: alert, rise, fall, rules or start; empty when not known
	Says               string
	RiskRatio          float64
}

// associated says whether the page tells what leaving it is associated with.
func (r *Breakpoint) associated() bool { return r.Says == "estimated" && !math.IsNaN(r.RiskRatio) }

// Listed are those that a ranking by cost would hide: each breakpoint and each customer once.
type Listed struct {
	Severe  uint64 // breakpoints of severity 5
	Captive uint64 // customers touched who cannot leave
}

// Watch is who looked for alerts on the last day of a month.
type Watch struct {
	Closed bool   // somebody did
	Series uint64 // that had enough volume and history
}

// Change is of the rate of a kind.
type Change struct {
	Kind         string
	Rate, Before float64
	Low, High    float64 // of the difference
	N            uint64  // opportunities
}

// Alert is a rate that rose.
type Alert struct {
	Kind, Family, Silo, Unit, Channel string
	Since                             time.Time
	Factor                            float64
}

// Action is what the company set out to do.
type Action struct {
	At      time.Time
	What    string
	Verdict string // of what was measured before and after it, in words
}

// Share is a part of a whole, in money.
type Share struct {
	Name   string
	Amount float64
	Excess float64
}

// Risk is who may leave.
type Risk struct {
	ValueAtRisk float64
	Customers   uint64
	ToCall      uint64 // customers in the list to call, by what they have at risk beyond their segment
	Signalled   uint64 // of them, those who show a signal
	Prior       bool   // by judgement: nothing was learnt yet
}

// Unseen is the share of a signal that no earlier breakpoint announced.
type Unseen struct {
	Signal        string
	Total, Unseen uint64
}
