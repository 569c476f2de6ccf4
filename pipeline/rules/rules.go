// Package rules is the rule book: every number and list by which Parcours judges. It computes only.
package rules

import (
	"maps"
	"slices"
	"time"

	"parcours/pipeline/event"
)

// Day is 24 hours of elapsed time, the unit of windows that watch the customer.
const Day = 24 * time.Hour

// Book holds the rules in force. Its fields are what product.md names; default.yaml has product.md's defaults, and schema
// says under which key each stands in a document.
type Book struct {
	Currency string // ISO 4217
	// RatesIllustrative says that finance has not filled HourlyRate: every amount must be shown as illustrative.
	RatesIllustrative bool
	HourlyRate        map[string]float64        // silo -> loaded cost of an hour, Currency
	DefaultMinutes    map[event.Channel]float64 // channel -> handling minutes where a source sends none

	// Silos are the functions that hold customers, in the order in which people read them.
	Silos []string

	// Families is the taxonomy's first level. A reason of another family is kept as it is; on JOURNEYS its subject says
	// `other`, since JetStream holds every distinct subject in memory.
	Families []string
	Reasons  []string // full reasons that the taxonomy names

	InactivityGap Window        // between events of one journey, per reason family
	NoReason      time.Duration // how long after a journey's last event a contact without reason still joins it
	CaseAfter     time.Duration // how long after a contact a case opened still belongs to it
	Visit         time.Duration // how near a form, an error or a contact must be for a page view to count as a step
	Containers    []string      // cases that live for years and join nothing

	Paths     map[string]Path // reason or reason family -> its normal path; "" for all others
	Periphery []string        // reasons and families whose service is not owed: core_failure does not look there
	// CoreReasons are full reasons whose service is owed though their family is periphery.
	CoreReasons []string

	Repeat        Param[time.Duration] // repeat_contact: back for the same full reason
	Failover      Param[time.Duration] // channel_failover: assisted contact after an attempt
	Switches      Param[int]           // channel_ping_pong: at least so many
	SentBack      Param[time.Duration] // channel_ping_pong: back on another channel within
	WaitLimit     Param[time.Duration] // long_wait: by channel; 0 for no limit
	ShortAbandon  Param[time.Duration] // queue_abandonment: up to here the customer has not waited
	FormWithin    Param[time.Duration] // form_abandonment: submitted or resumed within
	SLA           SLA
	StalledAfter  Param[OpenTime] // stalled_case
	LoopTimes     Param[int]      // process_loop: at least so many times
	RepeatedTimes Param[int]      // repeated_information: the customer had to say it again so many times
	Detractor     Detractor
	AnswerWithin  Param[time.Duration] // unanswered_detractor
	TensionWithin Param[time.Duration] // tension: two negative signals
	Matures       Matures
	WorkMinutes   float64           // handling minutes of an internal step
	RepeatMinutes float64           // minutes of saying it again
	OwnerSilo     map[string]string // reason family -> silo that owns it where a step names none
	Owner         string            // silo of last resort
	// NotMeasured lists, by source, the kinds that it cannot support because it never sends what would clear them: there
	// they are not measured, which is neither zero nor broken.
	NotMeasured map[string][]string
	// Precedence orders breakpoint kinds where two explain the same step at the same instant: the first is charged.
	Precedence []string

	// Lateness is how far behind its partition's clock an event may arrive and still enter journeys.
	Lateness time.Duration
	// LeastHorizon is the shortest time for which a customer's steps are held; see Horizon.
	LeastHorizon time.Duration
	// MostEvents is how many events within the horizon a home may have before it is quarantined: no customer does that.
	MostEvents int

	// Targets are what the company wants to reach, by name: shares, or figures of their own.
	Targets map[string]float64
	// MonthsBefore are the periods with which a month's figures are compared: so many months before it.
	MonthsBefore []int

	Alerts Alerts // change alerts

	OpeningTimes                         // of the company
	Calendars    map[string]OpeningTimes // of units, by name
	Units        map[string]string       // unit -> its calendar, where it keeps another than the company's

	// Segments are parts of the customers, in their order: the first that fits holds.
	Segments    []Segment
	Attribution Attribution

	Churn Churn // signals that a customer is leaving

	calendar   *Calendar
	calendars  map[string]*Calendar // by name
	containers map[string]bool
	version    string
	horizon    time.Duration
	near       time.Duration
	later      []period
}

// OpeningTimes say when the company, or a part of it, is open.
type OpeningTimes struct {
	Timezone string
	Opening  [7]Hours // by time.Weekday
	Holidays string   // calendar of public holidays: FR or none
	Closures []string // further closed days, 2006-01-02
}

// Path is what is normal for a reason: kinds that count fire on the excess.
type Path struct {
	Contacts int // inbound contacts
	Handoffs int // moves across silos
	Loops    int // how often one internal step comes in one silo
	Days     int // working days that a case takes; 0 where it is not stated
}

// Detractor holds the scores up to which an answer is a detractor's.
type Detractor struct {
	NPS  Param[float64] // of 0 to 10
	CSAT Param[float64] // of 1 to 5
	CES  Param[float64] // of 1 to 7, 7 being easiest
}

// Matures says after how long a rate may be drawn, for kinds that have no window of their own.
type Matures struct {
	Journey    time.Duration // kinds out of journeys
	Reopening  time.Duration // reopened_case
	Escalation time.Duration // complaint_escalation
}

// Alerts says when a rate that rose is told. docs/alerts.md says how these work together.
type Alerts struct {
	Shift              float64       // the rise to be found soonest, a factor
	Baseline           time.Duration // whole days that say what is usual
	AtLeast            time.Duration // of them that must be there
	Guard              time.Duration // between them and the day judged
	LeastADay          float64       // breakpoints that a series must usually have to be watched
	FalseAlarmsPerWeek float64       // over all series
}

// Param is one figure of a rule with exceptions, of which the first that fits holds.
type Param[T any] struct {
	Default T
	Except  []Exception[T]
}

// Exception is another value of a figure for a reason or reason family, a channel, a unit, or several of these together.
type Exception[T any] struct {
	Where
	Value T
}

// Where is what an exception is for; an empty field fits everything.
type Where struct {
	Reason  string // full, or a family
	Channel event.Channel
	Unit    string
}

func (w Where) fits(at Where) bool {
	return (w.Reason == "" || w.Reason == at.Reason || w.Reason == event.ReasonFamily(at.Reason)) &&
		(w.Channel == "" || w.Channel == at.Channel) && (w.Unit == "" || w.Unit == at.Unit)
}

// Of gives the figure for a place.
func (p Param[T]) Of(at Where) T {
	for i := range p.Except {
		if p.Except[i].fits(at) {
			return p.Except[i].Value
		}
	}
	return p.Default
}

// Window is a duration with exceptions by reason family.
type Window struct {
	Default  time.Duration
	ByFamily map[string]time.Duration
}

// Of gives the window of a reason family.
func (w Window) Of(family string) time.Duration {
	if d, ok := w.ByFamily[family]; ok {
		return d
	}
	return w.Default
}

// Hours are the opening hours of a day, in minutes from midnight; equal ends mean closed.
type Hours struct{ From, To int }

// SLA holds the company's deadlines.
type SLA struct {
	Message           Param[OpenTime] // answer to a message, by channel; zero for no deadline
	Case              Param[OpenTime] // resolution of a case whose reason's path states no days
	ComplaintAck      int             // jours ouvrables
	ComplaintMonths   int             // calendar months to the answer
	PaymentAnswer     int             // jours ouvrables, regime payment
	PaymentAfterReply int             // jours ouvrables after a holding reply, regime payment
}

// OpenTime is a span of the company's own time: working days (a day's opening hours each) and open time on top.
type OpenTime struct {
	Days int
	Time time.Duration
}

// Version is the hash of the book's content, tzdata version included: two books with one version judge alike.
func (b *Book) Version() string { return b.version }

// Calendar is the company's calendar.
func (b *Book) Calendar() *Calendar { return b.calendar }

// CalendarOf is the calendar of a unit: its own, else the company's.
func (b *Book) CalendarOf(unit string) *Calendar {
	if name, ok := b.Units[unit]; ok {
		return b.calendars[name]
	}
	return b.calendar
}

// PathOf is the normal path of a reason: its own, else that of its family, else the default.
func (b *Book) PathOf(reason string) Path {
	if p, ok := b.Paths[reason]; ok && reason != "" {
		return p
	}
	if p, ok := b.Paths[event.ReasonFamily(reason)]; ok {
		return p
	}
	return b.Paths[""]
}

// Core says whether what a reason is about is owed: what is said of the full reason holds before what is said of its family.
func (b *Book) Core(reason string) bool {
	switch {
	case slices.Contains(b.Periphery, reason):
		return false
	case slices.Contains(b.CoreReasons, reason):
		return true
	}
	return !slices.Contains(b.Periphery, event.ReasonFamily(reason))
}

// CaseSpan is how long the company may take for a case of a reason: the days of its normal path, else the deadline.
func (b *Book) CaseSpan(at Where) OpenTime {
	if days := b.PathOf(at.Reason).Days; days > 0 {
		return OpenTime{Days: days}
	}
	return b.SLA.Case.Of(at)
}

// Container says whether a case is a file that lives for years and so joins nothing.
func (b *Book) Container(caseID string) bool { return b.containers[caseID] }

// OwnerOf names the silo that answers for a step: its own, else that of its reason family, else the silo of last resort.
func (b *Book) OwnerOf(silo, family string) string {
	if silo != "" {
		return silo
	}
	if s, ok := b.OwnerSilo[family]; ok {
		return s
	}
	return b.Owner
}

// Rate is the loaded cost of an hour of a silo's work, in Currency; a silo without a rate costs as the silo of last resort.
func (b *Book) Rate(silo string) float64 {
	if r, ok := b.HourlyRate[silo]; ok {
		return r
	}
	return b.HourlyRate[b.Owner]
}

// Measured says whether a kind of breakpoint can be told from a source's events.
func (b *Book) Measured(kind, source string) bool {
	return !slices.Contains(b.NotMeasured[source], kind)
}

// FamilyToken is the subject token of a reason family: itself when the taxonomy has it, now or later, `unknown` for none,
// else `other`.
func (b *Book) FamilyToken(family string) string {
	known := func(p period) bool { return slices.Contains(p.book.Families, family) }
	switch {
	case family == "":
		return "unknown"
	case slices.Contains(b.Families, family) || slices.ContainsFunc(b.later, known):
		return family
	}
	return "other"
}

// clone gives a book that can be changed without changing this one; figures with exceptions share theirs.
func (b *Book) clone() *Book {
	c := *b
	c.HourlyRate, c.DefaultMinutes, c.Paths, c.OwnerSilo = maps.Clone(b.HourlyRate), maps.Clone(b.DefaultMinutes), maps.Clone(b.Paths), maps.Clone(b.OwnerSilo)
	c.NotMeasured, c.Targets, c.Calendars, c.Units = maps.Clone(b.NotMeasured), maps.Clone(b.Targets), maps.Clone(b.Calendars), maps.Clone(b.Units)
	c.InactivityGap.ByFamily = maps.Clone(b.InactivityGap.ByFamily)
	return &c
}
