// Package rules is the rule book: every number and list by which Parcours judges. It computes only.
package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"parcours/pipeline/event"
)

// Day is 24 hours of elapsed time, the unit of windows that watch the customer.
const Day = 24 * time.Hour

// Book holds the rules in force. Its fields are what product.md names, with product.md's defaults (Default).
type Book struct {
	Currency string // ISO 4217
	// RatesIllustrative says that finance has not filled HourlyRate: every amount must be shown as illustrative.
	RatesIllustrative bool
	HourlyRate        map[string]float64        // silo -> loaded cost of an hour, Currency
	DefaultMinutes    map[event.Channel]float64 // channel -> handling minutes where a source sends none

	// Families is the taxonomy's first level. A reason of another family is kept as it is; on JOURNEYS its subject says
	// `other`, since JetStream holds every distinct subject in memory.
	Families []string

	InactivityGap Window        // between events of one journey, per reason family
	NoReason      time.Duration // how long after a journey's last event a contact without reason still joins it
	CaseAfter     time.Duration // how long after a contact a case opened still belongs to it
	Visit         time.Duration // how near a form, an error or a contact must be for a page view to count as a step
	Containers    []string      // cases that live for years and join nothing

	Paths     map[string]Path // reason or reason family -> its normal path; "" for all others
	Periphery []string        // reasons and families whose service is not owed: core_failure does not look there

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

	Timezone string
	Opening  [7]Hours // by time.Weekday
	Holidays string   // calendar of public holidays: FR or none
	Closures []string // further closed days, 2006-01-02

	calendar   *Calendar
	containers map[string]bool
	version    string
	horizon    time.Duration
	near       time.Duration
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
	NPS  float64 // of 0 to 10
	CSAT float64 // of 1 to 5
	CES  float64 // of 1 to 7, 7 being easiest
}

// Matures says after how long a rate may be drawn, for kinds that have no window of their own.
type Matures struct {
	Journey    time.Duration // kinds out of journeys
	Reopening  time.Duration // reopened_case
	Escalation time.Duration // complaint_escalation
}

// Param is one figure of a rule with exceptions, of which the first that fits holds.
type Param[T any] struct {
	Default T
	Except  []Exception[T] `json:",omitempty"`
}

// Exception is another value of a figure for a reason or reason family, a channel, a unit, or several of these together.
type Exception[T any] struct {
	Where
	Value T
}

// Where is what an exception is for; an empty field fits everything.
type Where struct {
	Reason  string        `json:",omitempty"` // full, or a family
	Channel event.Channel `json:",omitempty"`
	Unit    string        `json:",omitempty"`
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

func always[T any](v T) Param[T] { return Param[T]{Default: v} }

func byChannel[T any](values ...Exception[T]) Param[T] { return Param[T]{Except: values} }

func on[T any](c event.Channel, v T) Exception[T] { return Exception[T]{Where{Channel: c}, v} }

// Window is a duration with exceptions by reason family.
type Window struct {
	Default  time.Duration
	ByFamily map[string]time.Duration `json:",omitempty"`
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

// Default is the rule book that ships: product.md's defaults and illustrative rates.
func Default() *Book {
	weekday := Hours{9 * 60, 18 * 60}
	b := &Book{
		Currency:          "EUR",
		RatesIllustrative: true,
		HourlyRate: map[string]float64{
			"customer_service": 32, "operations": 35, "it": 55, "marketing": 50, "sales": 45, "branch_network": 40,
			"product": 55, "risk_compliance": 60, "purchasing": 45, "logistics": 34, "finance": 50, "hr": 48, "partner": 40,
		},
		DefaultMinutes: map[event.Channel]float64{
			event.Phone: 7, event.Email: 6, event.Chat: 8, event.Messaging: 6, event.Store: 12, event.Post: 15,
			event.Social: 6, event.Field: 45,
		},
		Families: []string{
			"access", "account", "appointment", "billing", "cancellation", "card", "claim", "complaint", "contract", "credit",
			"delivery", "information", "insurance", "installation", "loyalty", "moving", "network", "order", "payment",
			"product", "return", "sales", "service", "subscription", "technical", "transfer", "warranty",
		},
		InactivityGap: Window{Default: 7 * Day},
		NoReason:      Day,
		CaseAfter:     Day,
		Visit:         Day,
		Paths:         map[string]Path{"": {Contacts: 1, Handoffs: 2, Loops: 2}},
		Repeat:        always(7 * Day),
		Failover:      always(Day),
		Switches:      always(2),
		SentBack:      always(Day),
		WaitLimit:     byChannel(on(event.Phone, 3*time.Minute), on(event.Chat, 2*time.Minute), on(event.Store, 15*time.Minute)),
		ShortAbandon:  always(5 * time.Second),
		FormWithin:    always(Day),
		StalledAfter:  always(OpenTime{Days: 5}),
		LoopTimes:     always(3),
		RepeatedTimes: always(2),
		Detractor:     Detractor{NPS: 6, CSAT: 2, CES: 3},
		AnswerWithin:  always(3 * Day),
		TensionWithin: always(Day),
		Matures:       Matures{Journey: 28 * Day, Reopening: 28 * Day, Escalation: 60 * Day},
		WorkMinutes:   5,
		RepeatMinutes: 2,
		SLA: SLA{
			Message:           byChannel(on(event.Email, OpenTime{Days: 1}), on(event.Messaging, OpenTime{Time: time.Hour})),
			Case:              always(OpenTime{Days: 5}),
			ComplaintAck:      10,
			ComplaintMonths:   2,
			PaymentAnswer:     15,
			PaymentAfterReply: 35,
		},
		OwnerSilo: map[string]string{
			"billing": "finance", "payment": "finance", "delivery": "logistics", "technical": "it",
			"contract": "sales", "account": "customer_service", "complaint": "customer_service",
		},
		Owner: "customer_service",
		Precedence: []string{
			"core_failure", "broken_promise", "sla_breach", "stalled_case", "reopened_case", "silo_handoff", "channel_ping_pong",
			"channel_failover", "form_abandonment", "refused_contact", "queue_abandonment", "repeat_contact", "process_loop",
			"repeated_information", "long_wait", "complaint_escalation", "detractor", "unanswered_detractor", "tension", "unresolved_end",
		},
		Lateness:     3 * Day,
		LeastHorizon: 75 * Day,
		MostEvents:   2000,
		Timezone:     "Europe/Paris",
		Opening:      [7]Hours{1: weekday, 2: weekday, 3: weekday, 4: weekday, 5: weekday},
		Holidays:     "FR",
	}
	ready, err := b.prepare()
	if err != nil {
		panic(fmt.Sprintf("the default rule book is broken: %v", err)) // a programming error: a test holds it
	}
	return ready
}

// prepare computes what is derived from the book: its calendar and its version.
func (b *Book) prepare() (*Book, error) {
	text, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("write the rule book: %w", err)
	}
	sum := sha256.Sum256(append(text, TZVersion...))
	b.version = hex.EncodeToString(sum[:6])
	b.calendar, err = newCalendar(b)
	if err != nil {
		return nil, err
	}
	b.containers = map[string]bool{}
	for _, c := range b.Containers {
		b.containers[c] = true
	}
	b.near, b.horizon = b.nearest(), b.furthest()
	return b, nil
}

// Version is the hash of the book's content, tzdata version included: two books with one version judge alike.
func (b *Book) Version() string { return b.version }

// Calendar is the company's calendar.
func (b *Book) Calendar() *Calendar { return b.calendar }

// CalendarOf is the calendar of a unit: its own, else the company's.
func (b *Book) CalendarOf(string) *Calendar { return b.calendar }

// At gives the rules in force at a moment.
func (b *Book) At(event.Instant) *Book { return b }

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

// Core says whether what a reason is about is owed.
func (b *Book) Core(reason string) bool {
	return !slices.Contains(b.Periphery, reason) && !slices.Contains(b.Periphery, event.ReasonFamily(reason))
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

// FamilyToken is the subject token of a reason family: itself when the taxonomy has it, `unknown` for none, else `other`.
func (b *Book) FamilyToken(family string) string {
	switch {
	case family == "":
		return "unknown"
	case slices.Contains(b.Families, family):
		return family
	}
	return "other"
}
