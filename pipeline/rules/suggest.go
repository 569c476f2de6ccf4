package rules

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"parcours/pipeline/event"
)

// Suggestion is what the log suggests to write into a rule book, with why.
type Suggestion struct {
	Paths       []SuggestedPath
	Gaps        []SuggestedGap
	Silences    []SuggestedSilence
	Containers  []ObservedCase
	NotMeasured []NotMeasured
}

// SuggestedPath is a normal path.
type SuggestedPath struct {
	Reason   string
	Path     Path // that is suggested
	Now      Path
	Journeys uint64
}

// SuggestedGap is an inactivity gap.
type SuggestedGap struct {
	Family  string
	Gap     time.Duration
	Returns uint64
}

// SuggestedSilence is how many working days an open case of a family may lie still.
type SuggestedSilence struct {
	Family string
	Days   int
	Cases  uint64
}

// NotMeasured is a kind that a source cannot support: it sends what begins an opportunity, and nothing that would clear it
// ever comes.
type NotMeasured struct {
	Source, Kind string
	Journeys     uint64   // in which it began
	Never        []string // types of which none came
}

// What is seen less often than this says nothing about what is normal.
const (
	leastJourneys = 50
	leastReturns  = 100
	leastBegun    = 20
)

// mostDays is the longest span that a book can state in working days.
const mostDays = 1000

// Suggest proposes normal paths, gaps, container cases and what is not measured, where they differ from the book: never less
// than the book allows, since what the log shows is what happens, not what ought to.
func (b *Book) Suggest(o Observed) (s Suggestion) {
	for _, p := range o.Paths {
		if p.Reason == "" && !o.mostlyWithoutReason() {
			continue
		}
		if q, differs := b.suggestPath(p); differs && !s.inherits(q) {
			s.Paths = append(s.Paths, q)
		}
	}
	for _, g := range o.Gaps {
		gap, returns := g.settled()
		if now := b.InactivityGap.Of(g.Family); returns >= leastReturns && (gap-now).Abs() >= 2*Day {
			s.Gaps = append(s.Gaps, SuggestedGap{g.Family, gap, returns})
		}
	}
	for _, still := range o.Silences {
		if still.Family == "" && !o.mostCasesWithoutReason() {
			continue
		}
		days := b.workingDays(still.Longest)
		if still.Cases >= leastJourneys && b.allowsLess(b.StalledAfter.Of(Where{Reason: still.Family}), days) {
			s.Silences = append(s.Silences, SuggestedSilence{still.Family, days, still.Cases})
		}
	}
	for _, c := range o.Containers {
		if isText(c.Case) && !b.Container(c.Case) {
			s.Containers = append(s.Containers, c)
		}
	}
	for i := range o.Begun {
		n := &o.Begun[i]
		if n.Journeys >= leastBegun && isText(n.Source) && !o.clears(n.Kind, n.Source) && b.Measured(n.Kind, n.Source) && !s.lists(n.Kind, n.Source) {
			s.NotMeasured = append(s.NotMeasured, NotMeasured{n.Source, n.Kind, n.Journeys, n.Clears})
		}
	}
	return s
}

// allowsLess says whether a figure in working days allows less than so many. One that is none, or is stated in opening hours,
// was chosen otherwise than by counting days: there nothing is suggested; nor beyond what a book can say.
func (b *Book) allowsLess(now OpenTime, days int) bool {
	return now.Days > 0 && days <= mostDays && b.Calendar().Length(OpenTime{Days: days}) > b.Calendar().Length(now)
}

// inherits says whether what is suggested for the family says as much already.
func (s *Suggestion) inherits(q SuggestedPath) bool {
	family := event.ReasonFamily(q.Reason)
	return family != q.Reason && slices.ContainsFunc(s.Paths, func(p SuggestedPath) bool { return p.Reason == family && p.Path == q.Path })
}

// lists says whether a kind is proposed as not measured there already: some kinds have several clocks.
func (s *Suggestion) lists(kind, source string) bool {
	return slices.ContainsFunc(s.NotMeasured, func(n NotMeasured) bool { return n.Kind == kind && n.Source == source })
}

// settled is the gap after which customers come back no more often than by chance: what they do in the second half of
// the days is chance, and the first day with no more than twice as many returns, in the mean of itself and the next, no longer
// belongs to the journey.
func (g *ObservedGap) settled() (gap time.Duration, returns uint64) {
	var chance float64
	for day, n := range g.Returns {
		returns += n
		if day >= GapDays/2 {
			chance += float64(n) / (GapDays / 2)
		}
	}
	day := 1
	for day < GapDays/2 && float64(g.Returns[day]+g.Returns[day+1])/2 > 2*chance {
		day++
	}
	return time.Duration(day) * Day, returns
}

func (b *Book) suggestPath(p ObservedPath) (SuggestedPath, bool) {
	now := b.PathOf(p.Reason)
	path := Path{
		Contacts: max(now.Contacts, int(p.Contacts)),
		Handoffs: max(now.Handoffs, int(p.Handoffs)),
		Loops:    max(now.Loops, int(p.Loops)),
		Days:     now.Days,
	}
	if days := b.workingDays(p.Took); p.Closed >= leastJourneys && b.allowsLess(b.CaseSpan(Where{Reason: p.Reason}), days) {
		path.Days = days
	}
	known := p.Reason == "" || strings.Contains(p.Reason, ".") || slices.Contains(b.Families, p.Reason)
	return SuggestedPath{p.Reason, path, now, p.Journeys}, p.Journeys >= leastJourneys && (path != now || !known)
}

// workingDays turns elapsed time into working days of the company, rounded up.
func (b *Book) workingDays(elapsed time.Duration) int {
	open := 0
	for _, h := range b.Opening {
		if h.To > h.From {
			open++
		}
	}
	return int(math.Ceil(float64(elapsed) / float64(Day) * float64(open) / 7))
}

// Applied is the book with what is suggested.
func (s *Suggestion) Applied(b *Book) (*Book, error) {
	c := b.clone()
	c.Families, c.Reasons, c.Containers = slices.Clone(b.Families), slices.Clone(b.Reasons), slices.Clone(b.Containers)
	for _, p := range s.Paths {
		c.Paths[p.Reason] = p.Path
		switch {
		case p.Reason == "":
		case isFull(p.Reason):
			c.Reasons = withName(c.Reasons, p.Reason)
		default:
			c.Families = withName(c.Families, p.Reason)
		}
	}
	for _, g := range s.Gaps {
		if c.InactivityGap.ByFamily == nil {
			c.InactivityGap.ByFamily = map[string]time.Duration{}
		}
		c.InactivityGap.ByFamily[g.Family] = g.Gap
		c.Families = withName(c.Families, g.Family)
	}
	c.StalledAfter.Except = slices.Clone(b.StalledAfter.Except)
	for _, still := range s.Silences {
		if still.Family == "" {
			c.StalledAfter.Default = OpenTime{Days: still.Days}
			continue
		}
		where := Where{Reason: still.Family}
		c.StalledAfter.Except = append(without(c.StalledAfter.Except, where), Exception[OpenTime]{where, OpenTime{Days: still.Days}})
		c.Families = withName(c.Families, still.Family)
	}
	slices.SortStableFunc(c.StalledAfter.Except, func(x, y Exception[OpenTime]) int { return x.compare(y.Where) })
	for _, found := range s.Containers {
		c.Containers = withName(c.Containers, found.Case)
	}
	for _, n := range s.NotMeasured {
		if c.NotMeasured == nil {
			c.NotMeasured = map[string][]string{}
		}
		c.NotMeasured[n.Source] = withName(slices.Clone(c.NotMeasured[n.Source]), n.Kind)
	}
	return c.prepare()
}

// withName adds a name to a sorted list.
func withName(list []string, name string) []string {
	i, found := slices.BinarySearch(list, name)
	if found {
		return list
	}
	return slices.Insert(list, i, name)
}

// Document writes a rule book of one's own: what b says otherwise than the default, and what is suggested, with the reason
// of each suggestion above it.
func (s *Suggestion) Document(b *Book) ([]byte, error) {
	applied, err := s.Applied(b)
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	text.WriteString("# What the log suggests, and why. It shows what happens, not what ought to: read each line before you use it.\n")
	for _, why := range s.Why() {
		text.WriteString("# - " + why + "\n")
	}
	text.WriteString("\n")
	text.Write(applied.Overlay(Default()))
	return []byte(text.String()), nil
}

// Why gives the reason of each suggestion, a line each.
func (s *Suggestion) Why() (list []string) {
	for _, p := range s.Paths {
		list = append(list, p.why())
	}
	for _, g := range s.Gaps {
		list = append(list, fmt.Sprintf("journeys.inactivity_gap.by_reason.%s: after %d days customers come back no more often than by chance (%d returns).",
			quoted(g.Family), g.Gap/Day, g.Returns))
	}
	for _, still := range s.Silences {
		list = append(list, fmt.Sprintf("breakpoints.stalled_case.after: of %d cases%s that were closed, nine of ten were never left alone for more than %d working days.",
			still.Cases, about(still.Family), still.Days))
	}
	for _, c := range s.Containers {
		list = append(list, fmt.Sprintf("journeys.containers: case %s lived %d days and holds %d contacts about %d reason families.",
			quoted(c.Case), c.Lived/Day, c.Contacts, c.Families))
	}
	for _, n := range s.NotMeasured {
		list = append(list, fmt.Sprintf("not_measured.%s: %s began in %d journeys, and none of %s ever came.",
			quoted(n.Source), n.Kind, n.Journeys, strings.Join(n.Never, ", ")))
	}
	if len(list) == 0 {
		list = append(list, "nothing: the log stays within the rules in force, or is too short to say.")
	}
	return list
}

func about(family string) string {
	if family == "" {
		return ""
	}
	return " about " + quoted(family)
}

func (p *SuggestedPath) why() string {
	var said []string
	for _, f := range []struct {
		now, then int
		format    string
	}{
		{p.Now.Contacts, p.Path.Contacts, "half of those that went well take %d contacts"},
		{p.Now.Handoffs, p.Path.Handoffs, "half of those that went well take %d moves across silos"},
		{p.Now.Loops, p.Path.Loops, "nine of ten of them come to the same step no more than %d times"},
		{p.Now.Days, p.Path.Days, "nine of ten cases that were closed took no more than %d working days"},
	} {
		if f.now != f.then {
			said = append(said, fmt.Sprintf(f.format, f.then))
		}
	}
	if len(said) == 0 {
		said = []string{"the taxonomy does not have it"}
	}
	return fmt.Sprintf("reasons.%s: of %d journeys, %s.", quoted(cmp.Or(p.Reason, defaultReason)), p.Journeys, strings.Join(said, ", "))
}
