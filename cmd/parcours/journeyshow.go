package main

import (
	"context"
	"strings"

	"parcours/pipeline"
	"parcours/pipeline/breakpoint"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

// shownJourney is what journey show gives.
type shownJourney struct {
	Journey     journeyFacts      `json:"journey"`
	TookOver    []string          `json:"took_over,omitempty"`  // the ids that led here, in order
	Breakpoint  string            `json:"breakpoint,omitempty"` // the one that was asked for
	Before      *journeyBefore    `json:"before,omitempty"`     // the journey that this one does not go on with
	Open        *shownOpen        `json:"open,omitempty"`       // what keeps it open; absent where it is not, or that is not known
	Right       rightness         `json:"right"`
	Steps       []shownStep       `json:"steps"`
	Breakpoints []shownBreakpoint `json:"breakpoints"`

	row   *pipeline.JourneyRow
	marks map[int][]marked // step -> what it is to which breakpoints
}

// journeyFacts are those of a journey as programs read them, by the names of journeys_v; "" where something is not known.
type journeyFacts struct {
	JourneyID    string   `json:"journey_id"`
	CustomerID   string   `json:"customer_id"`
	ReasonFamily string   `json:"reason_family"`
	Reason       string   `json:"reason"`
	Cases        []string `json:"cases"`
	StartedAt    string   `json:"started_at"`
	EndedAt      string   `json:"ended_at,omitempty"` // not while it is open
	LastEventAt  string   `json:"last_event_at"`
	Outcome      string   `json:"outcome"`
	Basis        string   `json:"resolution_basis"`
	Escalated    bool     `json:"escalated"`
	Cut          string   `json:"cut_reason"`
	Steps        uint32   `json:"steps"`
	Contacts     uint32   `json:"contacts"`
	Handoffs     uint32   `json:"handoffs"`
	SiloHandoffs uint32   `json:"silo_handoffs"`
	Channels     []string `json:"channels"`
	Silos        []string `json:"silos"`
	Cost         float64  `json:"cost"`
	Breakpoints  uint32   `json:"breakpoints"`
	RulesVersion string   `json:"rules_version"`
	Position     uint64   `json:"position"`
}

func journeyFactsOf(r *pipeline.JourneyRow) journeyFacts {
	f := journeyFacts{
		JourneyID: r.JourneyID, CustomerID: r.CustomerID, ReasonFamily: r.ReasonFamily, Reason: r.Reason, Cases: listOf(r.Cases),
		StartedAt: r.StartedAt.String(), LastEventAt: r.LastEventAt.String(), Outcome: r.Outcome, Basis: r.ResolutionBasis, Escalated: r.Escalated,
		Cut: r.CutReason, Steps: r.Steps, Contacts: r.Contacts, Handoffs: r.Handoffs, SiloHandoffs: r.SiloHandoffs, Channels: listOf(r.Channels),
		Silos: listOf(r.Silos), Cost: r.Cost, Breakpoints: r.Breakpoints, RulesVersion: r.RulesVersion, Position: r.Position,
	}
	if r.Outcome != string(journey.Open) {
		f.EndedAt = r.EndedAt.String()
	}
	return f
}

// listOf is a list that is never null.
func listOf(list []string) []string { return append([]string{}, list...) }

// journeyBefore is the customer's journey that was active last before this one.
type journeyBefore struct {
	JourneyID    string `json:"journey_id"`
	ReasonFamily string `json:"reason_family"`
	LastAt       string `json:"last_at"` // its last step before this journey began
	Gap          int64  `json:"gap_s"`   // seconds from there to the first step of this one
	last         event.Instant
}

// rightness says as of when all of it is right.
type rightness struct {
	Generation uint32 `json:"generation"`
	Position   uint64 `json:"position"` // up to which the journey's partition is in the tables
	Clock      string `json:"clock"`    // of the partition there
	Head       uint64 `json:"head"`     // of the log
	known      bool
	clock      event.Instant
}

// shownStep is a step of a journey.
type shownStep struct {
	Step     uint32   `json:"step"`
	Time     string   `json:"time"`
	Elapsed  int64    `json:"elapsed_ms"` // since the step before
	Activity string   `json:"activity"`
	Type     string   `json:"type"`
	Channel  string   `json:"channel"`
	Silo     string   `json:"silo"`
	Unit     string   `json:"unit"`
	Contact  string   `json:"contact_id"`
	Case     string   `json:"case_id"`
	Reason   string   `json:"reason"`
	Cost     float64  `json:"cost"`
	Source   string   `json:"source"`
	EventID  string   `json:"event_id"`
	OriginOf []string `json:"origin_of,omitempty"`   // ids of breakpoints
	Evidence []string `json:"evidence_of,omitempty"` // likewise
	at       event.Instant
}

// shownBreakpoint is a breakpoint of a journey, with its rule.
type shownBreakpoint struct {
	BreakpointID  string          `json:"breakpoint_id"`
	Kind          string          `json:"kind"`
	Rule          string          `json:"rule"`
	OutOf         string          `json:"out_of"`
	Witness       bool            `json:"witness"`
	OccurredAt    string          `json:"occurred_at"`
	DetectedAt    string          `json:"detected_at"`
	OpportunityAt string          `json:"opportunity_at"`
	OriginStep    uint32          `json:"origin_step"`
	OriginEvent   string          `json:"origin_event"`
	Silo          string          `json:"silo"`
	Unit          string          `json:"unit"`
	Channel       string          `json:"channel"`
	Reason        string          `json:"reason"`
	Severity      uint8           `json:"severity"`
	Cost          float64         `json:"cost"`
	Evidence      []shownEvidence `json:"evidence"`
	RulesVersion  string          `json:"rules_version"`

	row *pipeline.BreakpointRow
}

// shownEvidence is an event that shows a breakpoint, and where it stands.
type shownEvidence struct {
	EventID   string `json:"event_id"`
	JourneyID string `json:"journey_id,omitempty"` // where it is a step of another journey
	Step      uint32 `json:"step,omitempty"`       // 0 where it is a step of none
}

// marked is what a step is to a breakpoint, by its number from 1.
type marked struct {
	number int
	origin bool
}

// journey gathers all that there is to tell.
func (x *explainer) journey(ctx context.Context, w *way) (*shownJourney, error) {
	row := &w.journey
	s := &shownJourney{Journey: journeyFactsOf(row), TookOver: w.gave, Breakpoint: w.breakpoint, Right: x.rightness(row.Partition), row: row,
		Breakpoints: []shownBreakpoint{}, marks: map[int][]marked{}}
	steps, err := x.store.Steps(ctx, clickhouse.StepsWanted{Journey: row.JourneyID})
	if err != nil {
		return nil, err
	}
	s.Steps = stepsOf(steps)
	breakpoints, err := x.store.BreakpointsOf(ctx, row.JourneyID)
	if err != nil {
		return nil, err
	}
	elsewhere, err := x.evidenceElsewhere(ctx, breakpoints, steps, row.CustomerID)
	if err != nil {
		return nil, err
	}
	for i := range breakpoints {
		s.addBreakpoint(&breakpoints[i], elsewhere)
	}
	if s.Before, err = x.before(ctx, row); err != nil {
		return nil, err
	}
	if row.Outcome == string(journey.Open) {
		s.Open, err = x.open(ctx, s)
	}
	return s, err
}

func (x *explainer) rightness(partition int) rightness {
	f, known := x.frontier[partition]
	r := rightness{Generation: x.current.Number, Position: f.Position, Head: x.head, known: known, clock: f.Clock}
	if known {
		r.Clock = f.Clock.String()
	}
	return r
}

func stepsOf(rows []pipeline.StepRow) []shownStep {
	list := make([]shownStep, len(rows))
	for i := range rows {
		r := &rows[i]
		list[i] = shownStep{Step: r.Step, Time: r.At.String(), Activity: r.Activity, Type: r.Type, Channel: r.Channel, Silo: r.Silo, Unit: r.Unit,
			Contact: r.ContactID, Case: r.CaseID, Reason: r.Reason, Cost: r.Cost, Source: r.Source, EventID: r.EventID, at: r.At}
		if i > 0 {
			list[i].Elapsed = int64(r.At - rows[i-1].At)
		}
	}
	return list
}

// evidenceElsewhere finds the events that show a breakpoint of the journey and are steps of another of the customer's.
func (x *explainer) evidenceElsewhere(ctx context.Context, found []pipeline.BreakpointRow, own []pipeline.StepRow, customer string) (map[string]pipeline.StepRow, error) {
	here := make(map[string]bool, len(own))
	for i := range own {
		here[own[i].EventID] = true
	}
	var ids []string
	for i := range found {
		for _, id := range found[i].Evidence {
			if !here[id] {
				ids = append(ids, id)
			}
		}
	}
	places := map[string]pipeline.StepRow{}
	if len(ids) == 0 {
		return places, nil
	}
	rows, err := x.store.Steps(ctx, clickhouse.StepsWanted{Events: ids})
	for _, r := range rows {
		if customer == "" || r.CustomerID == "" || r.CustomerID == customer {
			places[r.EventID] = r
		}
	}
	return places, err
}

// addBreakpoint adds one, and marks the steps that are its evidence or its origin.
func (s *shownJourney) addBreakpoint(r *pipeline.BreakpointRow, elsewhere map[string]pipeline.StepRow) {
	kind := kindOf(r.Kind)
	b := shownBreakpoint{
		BreakpointID: r.BreakpointID, Kind: r.Kind, Rule: kind.Rule, OutOf: kind.OutOf, Witness: kind.Witness, OccurredAt: r.OccurredAt.String(),
		DetectedAt: r.DetectedAt.String(), OpportunityAt: r.OpportunityAt.String(), OriginStep: r.OriginStep, OriginEvent: r.OriginEvent, Silo: r.Silo,
		Unit: r.Unit, Channel: r.Channel, Reason: r.Reason, Severity: r.Severity, Cost: r.Cost, RulesVersion: r.RulesVersion, row: r,
		Evidence: []shownEvidence{},
	}
	number := len(s.Breakpoints) + 1
	for i := range s.Steps {
		if step := &s.Steps[i]; r.OriginEvent == step.Source+" "+step.EventID {
			step.OriginOf = append(step.OriginOf, r.BreakpointID)
			s.marks[i] = append(s.marks[i], marked{number, true})
		}
	}
	for _, id := range r.Evidence {
		b.Evidence = append(b.Evidence, s.evidence(number, r.BreakpointID, id, elsewhere))
	}
	s.Breakpoints = append(s.Breakpoints, b)
}

// evidence finds where an event stands, in this journey or in another.
func (s *shownJourney) evidence(number int, breakpointID, eventID string, elsewhere map[string]pipeline.StepRow) shownEvidence {
	found := shownEvidence{EventID: eventID}
	for i := range s.Steps {
		step := &s.Steps[i]
		if step.EventID != eventID {
			continue
		}
		found.Step = step.Step
		step.Evidence = append(step.Evidence, breakpointID)
		if len(s.marks[i]) == 0 || s.marks[i][len(s.marks[i])-1].number != number {
			s.marks[i] = append(s.marks[i], marked{number, false})
		}
	}
	if r, ok := elsewhere[eventID]; ok && found.Step == 0 {
		found.JourneyID, found.Step = r.JourneyID, r.Step
	}
	return found
}

// kindOf finds a kind in the catalogue; an empty one for what another version knew.
func kindOf(id string) breakpoint.Kind {
	for _, k := range breakpoint.Catalogue() {
		if k.ID == id {
			return k
		}
	}
	return breakpoint.Kind{ID: id}
}

// before finds the journey that this one could have gone on with; nil where there was none, or the customer is not known.
func (x *explainer) before(ctx context.Context, r *pipeline.JourneyRow) (*journeyBefore, error) {
	family := ""
	switch journey.Cut(r.CutReason) {
	case journey.CutFirst:
		return nil, nil
	case journey.CutGap:
		family = r.ReasonFamily
	}
	id, last, found, err := x.store.Preceding(ctx, r, family, r.StartedAt.Add(-x.book.Reach()))
	if err != nil || !found {
		return nil, err
	}
	rows, err := x.store.Journeys(ctx, clickhouse.JourneysWanted{ID: id})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &journeyBefore{JourneyID: id, ReasonFamily: rows[0].ReasonFamily, LastAt: last.String(), Gap: int64(r.StartedAt-last) / 1000, last: last}, nil
}

// sourceAndID takes apart how a breakpoint names its origin.
func sourceAndID(origin string) string {
	source, id, _ := strings.Cut(origin, " ")
	return joined(" ", id, "of "+source)
}
