package pipeline

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/segmentio/encoding/json"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

// The types of the messages on JOURNEYS; schemas/journey says what each carries.
const (
	JourneyOpened       = "journey.opened"
	JourneyStepped      = "journey.stepped"
	JourneyClosed       = "journey.closed"
	JourneyReopened     = "journey.reopened"
	JourneyRetracted    = "journey.retracted"
	BreakpointDetected  = "breakpoint.detected"
	BreakpointRetracted = "breakpoint.retracted"
	AlertRaised         = "alert.raised"
	AlertCleared        = "alert.cleared"
	ChurnSignalled      = "churn.signalled"
	ChurnCleared        = "churn.cleared"
)

// silosTold bounds the silos listed in a message, and with it the message: a journey normally has a handful.
const silosTold = 50

// toldSource is the CloudEvents source of every message on JOURNEYS.
const toldSource = "/parcours/journeys"

// envelope is a CloudEvents 1.0 message of JOURNEYS in structured JSON.
type envelope struct {
	SpecVersion     string `json:"specversion"`
	ID              string `json:"id"`
	Source          string `json:"source"`
	Type            string `json:"type"`
	Time            string `json:"time"`
	Subject         string `json:"subject"` // the journey; of an incident, which is of none, the breakpoint; of an alert, the alert; of a churn signal, the signal
	DataContentType string `json:"datacontenttype"`
	DataSchema      string `json:"dataschema"`
	Data            any    `json:"data"`
}

type journeyData struct {
	JourneyID    string   `json:"journey_id"`
	CustomerID   string   `json:"customer_id,omitempty"`
	CaseID       string   `json:"case_id,omitempty"`
	ReasonFamily string   `json:"reason_family,omitempty"`
	Reason       string   `json:"reason,omitempty"`
	StartedAt    string   `json:"started_at"`
	EndedAt      string   `json:"ended_at,omitempty"`
	LastEventAt  string   `json:"last_event_at"`
	Outcome      string   `json:"outcome"`
	Basis        string   `json:"resolution_basis,omitempty"`
	Steps        uint32   `json:"steps"`
	LastActivity string   `json:"last_activity"`
	Channels     []string `json:"channels"`
	Silos        []string `json:"silos"`
	Handoffs     uint32   `json:"handoffs"`
	Breakpoints  uint32   `json:"breakpoints"`
	Position     uint64   `json:"position"`
}

type retractedJourneyData struct {
	JourneyID  string `json:"journey_id"`
	ReplacedBy string `json:"replaced_by,omitempty"`
	Position   uint64 `json:"position"`
}

type breakpointData struct {
	BreakpointID string   `json:"breakpoint_id"`
	Kind         string   `json:"kind"`
	JourneyID    string   `json:"journey_id,omitempty"`
	CustomerID   string   `json:"customer_id,omitempty"`
	CaseID       string   `json:"case_id,omitempty"`
	ReasonFamily string   `json:"reason_family,omitempty"`
	Reason       string   `json:"reason,omitempty"`
	OccurredAt   string   `json:"occurred_at"`
	DetectedAt   string   `json:"detected_at"`
	OriginStep   uint32   `json:"origin_step"`
	Silo         string   `json:"silo"`
	Unit         string   `json:"unit,omitempty"`
	Channel      string   `json:"channel,omitempty"`
	Severity     uint8    `json:"severity"`
	Cost         float64  `json:"cost"`
	Evidence     []string `json:"evidence"`
	RulesVersion string   `json:"rules_version"`
	Position     uint64   `json:"position"`
}

type retractedBreakpointData struct {
	BreakpointID string `json:"breakpoint_id"`
	Kind         string `json:"kind"`
	JourneyID    string `json:"journey_id,omitempty"`
	Position     uint64 `json:"position"`
}

// heard is what was last told of a journey.
type heard struct {
	id      string
	family  string
	outcome string
	steps   uint32
}

func (m *journeyMemo) heard() *heard {
	if m == nil {
		return nil
	}
	return &heard{m.id, m.family, string(m.state.outcome), uint32(len(m.steps))}
}

// tellJourney says what became of a journey: opened, went on (or reads differently), closed, reopened. When its reason
// family has changed, those who follow the old family hear that it is gone from there.
func (w *writer) tellJourney(row *JourneyRow, lastActivity string, before *heard) {
	if before != nil && before.family != row.ReasonFamily {
		w.tellJourneyRetracted(before, row.JourneyID)
		before = nil
	}
	ended := row.Outcome != string(journey.Open)
	if before == nil {
		w.tellJourneyAs(JourneyOpened, row, lastActivity, row.StartedAt)
		if ended {
			w.tellJourneyAs(JourneyClosed, row, lastActivity, row.EndedAt)
		}
		return
	}
	if before.outcome == row.Outcome || before.steps != row.Steps {
		w.tellJourneyAs(JourneyStepped, row, lastActivity, row.LastEventAt)
	}
	switch {
	case ended && before.outcome != row.Outcome:
		w.tellJourneyAs(JourneyClosed, row, lastActivity, row.EndedAt)
	case !ended && before.outcome != string(journey.Open):
		w.tellJourneyAs(JourneyReopened, row, lastActivity, row.LastEventAt)
	}
}

func (w *writer) tellJourneyAs(typ string, r *JourneyRow, lastActivity string, at event.Instant) {
	w.tell(typ, r.JourneyID, r.JourneyID, nil, r.ReasonFamily, at, journeyData{
		JourneyID: r.JourneyID, CustomerID: r.CustomerID, CaseID: r.CaseID, ReasonFamily: r.ReasonFamily, Reason: r.Reason,
		StartedAt: r.StartedAt.String(), EndedAt: endOf(r), LastEventAt: r.LastEventAt.String(),
		Outcome: r.Outcome, Basis: r.ResolutionBasis, Steps: r.Steps, LastActivity: lastActivity,
		Channels: some(r.Channels), Silos: some(r.Silos[:min(len(r.Silos), silosTold)]), Handoffs: r.Handoffs, Breakpoints: r.Breakpoints, Position: w.position,
	})
}

func (w *writer) tellJourneyRetracted(old *heard, by string) {
	w.tell(JourneyRetracted, old.id, old.id, nil, old.family, w.partition.clock,
		retractedJourneyData{JourneyID: old.id, ReplacedBy: by, Position: w.position})
}

// tellDetected says that a breakpoint was found, or reads differently. When its reason family has changed, those who
// follow the old one hear that it is gone from there.
func (w *writer) tellDetected(r *BreakpointRow, before *breakpointMemo) {
	if before != nil && before.family != r.ReasonFamily {
		w.tellRetracted(before)
	}
	w.tell(BreakpointDetected, r.BreakpointID, r.JourneyID, []string{r.Kind}, r.ReasonFamily, r.DetectedAt, breakpointData{
		BreakpointID: r.BreakpointID, Kind: r.Kind, JourneyID: r.JourneyID, CustomerID: r.CustomerID, CaseID: r.CaseID,
		ReasonFamily: r.ReasonFamily, Reason: r.Reason, OccurredAt: r.OccurredAt.String(), DetectedAt: r.DetectedAt.String(),
		OriginStep: r.OriginStep, Silo: r.Silo, Unit: r.Unit, Channel: r.Channel, Severity: r.Severity, Cost: r.Cost,
		Evidence: some(r.Evidence), RulesVersion: r.RulesVersion, Position: w.position,
	})
}

func (w *writer) tellRetracted(old *breakpointMemo) {
	w.tell(BreakpointRetracted, old.id, old.journeyID, []string{old.kind}, old.family, w.partition.clock,
		retractedBreakpointData{BreakpointID: old.id, Kind: old.kind, JourneyID: old.journeyID, Position: w.position})
}

// tell adds a message. Its id follows from what it says and where: told twice, it is the same message.
func (w *writer) tell(typ, about, journeyID string, kind []string, family string, at event.Instant, data any) {
	w.tellUnder(w.partition.Book.FamilyToken(family), typ, about, journeyID, kind, at, data)
}

// tellUnder is tell with the last token of the subject.
func (w *writer) tellUnder(familyToken, typ, about, journeyID string, kind []string, at event.Instant, data any) {
	id := journey.ID("told", typ, about, familyToken, strconv.Itoa(w.partition.Number), strconv.FormatUint(w.position, 10), w.takeover)
	body, err := json.Marshal(envelope{
		SpecVersion: "1.0", ID: id, Source: toldSource, Type: typ, Time: at.String(), Subject: cmp.Or(journeyID, about),
		DataContentType: "application/json", DataSchema: "parcours:journey/" + typ + ".v1", Data: data,
	})
	if err != nil { // a struct of strings and numbers: cannot happen, and must not be silent if it does
		panic("write " + typ + ": " + err.Error())
	}
	w.changes.Told = append(w.changes.Told, Told{
		Place: Place{Position: w.position, Ordinal: w.ordinal}, ID: id, Type: typ, About: about,
		Tokens: append(append(strings.Split(typ, "."), kind...), familyToken), Body: body,
	})
	w.ordinal++
}

// some is a list that is never null.
func some(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func endOf(r *JourneyRow) string {
	if r.Outcome == string(journey.Open) {
		return ""
	}
	return r.EndedAt.String()
}

// TellDifference adds to c what those who follow JOURNEYS must hear when one fold of the log takes over from another: at a
// position, as messages of the partition they are about, with ordinals from first on; their ids name the generation that
// takes over, since the fold may have told the same fact at that position. Only the number, the clock and the book of the
// partition are used.
func (p *Partition) TellDifference(d *Difference, generation uint32, position uint64, first uint32, c *Changes) {
	w := writer{partition: p, position: position, ordinal: first, changes: c, takeover: strconv.FormatUint(uint64(generation), 10)}
	var before *heard
	if o := d.OldJourney; o != nil {
		before = &heard{o.JourneyID, o.ReasonFamily, o.Outcome, o.Steps}
	}
	switch {
	case d.NewJourney != nil:
		w.tellJourney(d.NewJourney, d.LastActivity, before)
	case before != nil:
		w.tellJourneyRetracted(before, "")
	}
	var old *breakpointMemo
	if o := d.OldBreakpoint; o != nil {
		old = &breakpointMemo{id: o.BreakpointID, kind: o.Kind, family: o.ReasonFamily, journeyID: o.JourneyID}
	}
	switch {
	case d.NewBreakpoint != nil:
		w.tellDetected(d.NewBreakpoint, old)
	case old != nil:
		w.tellRetracted(old)
	}
	w.tellSignalDifference(d.OldSignal, d.NewSignal)
}
