package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"parcours/pipeline"
	"parcours/pipeline/churn"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
)

// tailFilter is a TailFilter that was checked.
type tailFilter struct {
	TailFilter
	family string // as subjects of JOURNEYS spell the reason family; known once the book in force is
}

// filter checks the flags. A kind asks for breakpoints, alerts and churn signals, a type of an event for events.
func (f TailFilter) filter() (*tailFilter, error) {
	if err := knownKind(f.Kind); err != nil && !slices.Contains(churn.Kinds(), f.Kind) {
		return nil, err
	}
	if f.Channel != "" && !event.Channel(f.Channel).Known() {
		return nil, misused("--channel %s: no such channel; there are %v", printable(f.Channel), event.Channels)
	}
	if strings.Contains(f.Reason, ".") {
		return nil, misused("--reason %s: give the family alone, as %s", printable(f.Reason), event.ReasonFamily(f.Reason))
	}
	if f.Kind != "" && (f.Events || f.Journeys) {
		return nil, misused("--kind is of breakpoints, alerts and churn signals alone: leave out --events and --journeys")
	}
	if !f.Events && !f.told() {
		f.Events, f.Journeys, f.Breakpoints, f.Alerts, f.Churn = f.Kind == "", f.Kind == "", true, true, true
	}
	return &tailFilter{TailFilter: f}, nil
}

// told says whether anything of JOURNEYS is asked for.
func (f *TailFilter) told() bool { return f.Journeys || f.Breakpoints || f.Alerts || f.Churn }

// part is what of the log can hold what is asked for.
func (f *tailFilter) part() nats.Part {
	p := nats.Part{Partition: nats.AnyPartition, Channel: f.Channel}
	if strings.Contains(f.Type, ".") && !event.System(f.Type) {
		p.Family = event.SpecOf(f.Type).Family
		if p.Family == event.FamilyOther { // perhaps the beginning of another type
			p.Family = ""
		}
	}
	return p
}

// subject is the filter of JOURNEYS: one, so where journeys and others are asked for all of it is read.
func (f *tailFilter) subject() string {
	family := "*"
	if f.Reason != "" {
		family = f.family
	}
	kind := "*"
	if f.Kind != "" {
		kind = f.Kind
	}
	group := "*"
	switch {
	case f.Journeys && (f.Breakpoints || f.Alerts || f.Churn):
		return ""
	case f.Journeys:
		return "*.journey.*." + family
	case f.Churn && !f.Breakpoints && !f.Alerts:
		group = streamChurn
	case f.Churn:
	case !f.Alerts:
		group = streamBreakpoint
	case !f.Breakpoints:
		group = streamAlert
	}
	return "*." + group + ".*." + kind + "." + family
}

// What a line is of: as the subjects of JOURNEYS begin, behind the partition.
const (
	streamJourney    = "journey"
	streamBreakpoint = "breakpoint"
	streamAlert      = "alert"
	streamChurn      = "churn"
)

// isType says whether a type is asked for.
func (f *tailFilter) isType(typ string) bool {
	return f.Type == "" || typ == f.Type || strings.HasPrefix(typ, f.Type+".")
}

// tailLine is one thing that happened. Its JSON is what programs get.
type tailLine struct {
	Stream   string          `json:"stream"` // event, journey, breakpoint, alert, churn
	Type     string          `json:"type"`
	Time     string          `json:"time"`
	StoredAt string          `json:"stored_at"`
	Position uint64          `json:"position"` // in EVENTS or JOURNEYS
	Event    *tailEvent      `json:"event,omitempty"`
	Data     json.RawMessage `json:"data,omitempty"` // of a message of JOURNEYS, as schemas/journey has it

	at, storedAt event.Instant
	told         *toldFacts
}

// tailEvent is an event as it may be shown: a pseudonym, and neither identifiers nor agent.
type tailEvent struct {
	ID       string `json:"id"`
	Source   string `json:"source"`
	Activity string `json:"activity"`
	Customer string `json:"customer_id,omitempty"`
	Channel  string `json:"channel,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Silo     string `json:"silo,omitempty"`
	Unit     string `json:"unit,omitempty"`
	Contact  string `json:"contact_id,omitempty"`
	Case     string `json:"case_id,omitempty"`
}

// toldFacts are what is read of the data of a message of JOURNEYS.
type toldFacts struct {
	JourneyID    string   `json:"journey_id"`
	BreakpointID string   `json:"breakpoint_id"`
	AlertID      string   `json:"alert_id"`
	SignalID     string   `json:"signal_id"`
	Kind         string   `json:"kind"`
	Customer     string   `json:"customer_id"`
	Family       string   `json:"reason_family"`
	Reason       string   `json:"reason"`
	Outcome      string   `json:"outcome"`
	Basis        string   `json:"resolution_basis"`
	Steps        uint32   `json:"steps"`
	LastActivity string   `json:"last_activity"`
	Channels     []string `json:"channels"`
	Channel      string   `json:"channel"`
	Silo         string   `json:"silo"`
	Unit         string   `json:"unit"`
	Severity     uint8    `json:"severity"`
	Cost         float64  `json:"cost"`
	ReplacedBy   string   `json:"replaced_by"`
	RaisedOn     string   `json:"raised_on"`
	Since        string   `json:"since"`
	Observed     uint64   `json:"observed"`
	Expected     float64  `json:"expected"`
	Factor       float64  `json:"factor"`
	Why          string   `json:"why"`
	RaisedAt     string   `json:"raised_at"`
	Value        *float64 `json:"value"`
	Limit        *float64 `json:"limit"`
	Segment      string   `json:"segment"`
}

// eventLine makes the line of a message of EVENTS; nil where it is not asked for. Of what the system writes only what is
// asked for by its type.
func (t *tail) eventLine(m *pipeline.Message) (*tailLine, error) {
	e, err := event.DecodeLog(m.Body)
	if err != nil || !t.filter.event(&e) {
		return nil, nil //nolint:nilerr // what is no event is counted by the fold, and no line
	}
	d := &e.Data
	return &tailLine{
		Stream: "event", Type: e.Type, Time: e.At.String(), StoredAt: m.StoredAt.String(), Position: m.Position, at: e.At, storedAt: m.StoredAt,
		Event: &tailEvent{ID: e.ID, Source: e.Source, Activity: e.Activity(), Customer: d.Customer, Channel: string(d.Channel), Reason: d.Reason,
			Silo: d.Silo, Unit: d.Unit, Contact: d.Contact, Case: d.Case},
	}, nil
}

func (f *tailFilter) event(e *event.Event) bool {
	d := &e.Data
	return f.isType(e.Type) && (f.Type != "" || !event.System(e.Type)) && (f.Channel == "" || string(d.Channel) == f.Channel) &&
		(f.Reason == "" || event.ReasonFamily(d.Reason) == f.Reason) && strings.HasPrefix(d.Customer, f.Customer)
}

// toldLine makes the line of a message of JOURNEYS; nil where it is not asked for.
func (t *tail) toldLine(m *pipeline.Message) (*tailLine, error) {
	var body struct {
		Type string          `json:"type"`
		Time string          `json:"time"`
		Data json.RawMessage `json:"data"`
	}
	group, _, _ := strings.Cut(m.Type, ".")
	if group != streamJourney && group != streamBreakpoint && group != streamAlert && group != streamChurn {
		return nil, nil // who owns a partition
	}
	facts := &toldFacts{}
	err := json.Unmarshal(m.Body, &body)
	if err == nil {
		err = json.Unmarshal(body.Data, facts)
	}
	if err != nil {
		return nil, fmt.Errorf("message %d of JOURNEYS: %w", m.Position, err)
	}
	at, err := time.Parse(event.TimeLayout, body.Time)
	if err != nil {
		return nil, fmt.Errorf("message %d of JOURNEYS: its time cannot be read", m.Position)
	}
	line := &tailLine{Stream: group, Type: body.Type, Time: body.Time, StoredAt: m.StoredAt.String(), Position: m.Position, Data: body.Data,
		at: event.InstantOf(at), storedAt: m.StoredAt, told: facts}
	if !t.wants(line, m.Type[strings.LastIndex(m.Type, ".")+1:]) {
		return nil, nil
	}
	return line, nil
}

// wants says whether a message of JOURNEYS is asked for; family is as its subject spells it. What is retracted names neither
// customer nor channel: it is of the customer whose journey was seen to be his, and of every channel.
func (t *tail) wants(l *tailLine, family string) bool {
	f, told := t.filter, l.told
	retracted := strings.HasSuffix(l.Type, ".retracted")
	if f.Customer != "" && !t.isTheirs(told, retracted) {
		return false
	}
	if asked := map[string]bool{streamJourney: f.Journeys, streamBreakpoint: f.Breakpoints, streamAlert: f.Alerts, streamChurn: f.Churn}; !asked[l.Stream] || !f.isType(l.Type) {
		return false
	}
	if f.Kind != "" && told.Kind != f.Kind || f.Reason != "" && (family != f.family || told.Family != "" && told.Family != f.Reason) {
		return false
	}
	return f.Channel == "" || retracted || told.Channel == f.Channel || slices.Contains(told.Channels, f.Channel)
}

func (t *tail) isTheirs(told *toldFacts, retracted bool) bool {
	if retracted {
		return t.theirs[told.JourneyID]
	}
	theirs := told.AlertID == "" && strings.HasPrefix(told.Customer, t.filter.Customer)
	if theirs {
		t.theirs[told.JourneyID] = true
	}
	return theirs
}

func (l *tailLine) encode(out io.Writer) error { return json.NewEncoder(out).Encode(l) }

// text writes the line for a reader.
func (l *tailLine) text(p paint, zone *time.Location) string {
	colour := l.colour()
	var what string
	if l.Event != nil {
		what = l.Event.words()
	} else {
		what = l.told.words(l.Type)
	}
	return strings.TrimRight(fmt.Sprintf("%s %s %s  %s", p.with(clockIn(zone, l.at), text.Faint), p.with(fmt.Sprintf("%-10s", l.Stream), colour),
		p.with(fmt.Sprintf("%-20s", printable(l.Type)), colour), printable(what)), " ")
}

func (l *tailLine) colour() text.Color {
	switch {
	case strings.HasSuffix(l.Type, ".retracted"):
		return text.Faint
	case l.Type == pipeline.AlertRaised:
		return text.FgHiRed
	case l.Type == pipeline.AlertCleared || l.Type == pipeline.ChurnCleared:
		return text.FgGreen
	case l.Type == pipeline.ChurnSignalled:
		return text.FgHiYellow
	case l.Stream == streamBreakpoint:
		return ofSeverity(l.told.Severity)
	case l.Stream == "event":
		return text.FgCyan
	case l.Type == pipeline.JourneyClosed:
		return text.FgGreen
	}
	return text.FgBlue
}

func (e *tailEvent) words() string {
	return joined("  ", e.Channel, e.Reason, joined("/", e.Silo, e.Unit), prefixed("contact ", e.Contact), prefixed("case ", e.Case),
		prefixed("customer ", short(e.Customer)), e.Source+" "+e.ID)
}

func (f *toldFacts) words(typ string) string {
	reason := or(f.Reason, f.Family)
	customer, journey := prefixed("customer ", short(f.Customer)), "journey "+short(f.JourneyID)
	switch typ {
	case pipeline.AlertRaised:
		return joined("  ", f.Kind, f.series(), fmt.Sprintf("%d instead of %.1f", f.Observed, f.Expected), fmt.Sprintf("factor %.2f", f.Factor),
			"since "+f.Since, "alert "+short(f.AlertID))
	case pipeline.AlertCleared:
		return joined("  ", f.Kind, f.series(), f.Why, "raised on "+f.RaisedOn, "alert "+short(f.AlertID))
	case pipeline.ChurnSignalled:
		return joined("  ", f.Kind, f.measured(), f.Segment, customer, "signal "+short(f.SignalID))
	case pipeline.ChurnCleared:
		return joined("  ", f.Kind, f.Why, "raised at "+f.RaisedAt, customer, "signal "+short(f.SignalID))
	case pipeline.BreakpointDetected:
		cost := ""
		if f.Cost != 0 {
			cost = fmt.Sprintf("%.2f", f.Cost)
		}
		return joined("  ", f.Kind, reason, joined("/", f.Silo, f.Unit), fmt.Sprintf("severity %d", f.Severity), prefixed("cost ", cost), customer,
			journey, "breakpoint "+short(f.BreakpointID))
	case pipeline.BreakpointRetracted:
		return joined("  ", f.Kind, "holds no more", journey, "breakpoint "+short(f.BreakpointID))
	case pipeline.JourneyRetracted:
		if f.ReplacedBy == f.JourneyID {
			return joined("  ", "goes on for another reason", journey)
		}
		return joined("  ", "is no more", journey, prefixed("replaced by ", short(f.ReplacedBy)))
	}
	return joined("  ", reason, joined(" by ", f.Outcome, f.Basis), plural(f.Steps, "step")+", last "+f.LastActivity, customer, journey)
}

// series is what an alert is about, besides its kind; "" for all of it.
func (f *toldFacts) series() string {
	return joined("  ", f.Family, joined("/", f.Silo, f.Unit), f.Channel)
}

// measured is what raised a churn signal, against its limit; "" where nothing was measured.
func (f *toldFacts) measured() string {
	switch {
	case f.Value == nil:
		return ""
	case f.Limit == nil:
		return fmt.Sprintf("%.4g", *f.Value)
	}
	return fmt.Sprintf("%.4g against %.4g", *f.Value, *f.Limit)
}
