package pipeline

import "parcours/pipeline/event"

// Rows is one insert: what the fold found since the last one, all partitions together.
type Rows struct {
	Generation  uint32
	Events      []EventRow
	Journeys    []JourneyRow
	Steps       []StepRow
	Breakpoints []BreakpointRow
	Aliases     []AliasRow
	Frontier    []FrontierRow
}

// EventRow is one row of cx.events, the copy of the log. The first copy wins for good: version = MaxUint64 - position.
type EventRow struct {
	Position  uint64
	Partition int
	StoredAt  event.Instant
	Event     *event.Event
}

// JourneyRow is one version of a journey. KeyTime never changes for one JourneyID.
type JourneyRow struct {
	JourneyID        string
	KeyTime          event.Instant
	Position         uint64 // the version
	Deleted          bool   // a tombstone
	Partition        int
	CustomerID       string // "" when unidentified
	CaseID           string // the first
	Cases            []string
	Contacts         uint32
	ReasonFamily     string // "" when unknown
	Reason           string // the last one stated
	StartedAt        event.Instant
	EndedAt          event.Instant // meaningless while Outcome is open
	LastEventAt      event.Instant
	Outcome          string // open, resolved, unresolved, lost
	ResolutionBasis  string // customer, case, agent, silence; "" where not resolved
	Escalated        bool
	Steps            uint32
	Variant          string // activities in order
	VariantCollapsed string // the same with runs of one activity written once
	Handoffs         uint32 // changes of unit
	SiloHandoffs     uint32 // changes of silo
	Channels         []string
	Silos            []string
	FirstUnit        string
	LastUnit         string
	Cost             float64 // cost to serve, in the rules' currency
	Breakpoints      uint32
	CutReason        string // why the journey begins where it does: first, gap, reason, case
	RulesVersion     string
}

// StepRow is one version of the place of an event in journeys; its key is the event's (time, source, id).
type StepRow struct {
	At         event.Instant
	Source     string
	EventID    string
	Position   uint64
	Deleted    bool
	Partition  int
	JourneyID  string // "" for a visit
	Placement  string // journey, visit
	Step       uint32 // from 1
	Activity   string
	Type       string
	Channel    string
	Silo       string
	Unit       string
	ContactID  string
	CaseID     string
	CustomerID string // \"\" when unidentified
	Reason     string // of its contact
	Cost       float64
}

// BreakpointRow is one version of a breakpoint. OccurredAt is part of its id and never changes.
type BreakpointRow struct {
	BreakpointID  string
	Kind          string
	Position      uint64
	Deleted       bool
	Partition     int
	JourneyID     string
	CustomerID    string
	CaseID        string
	ReasonFamily  string
	Reason        string
	OccurredAt    event.Instant
	DetectedAt    event.Instant
	OpportunityAt event.Instant // the date at which rates count it
	OriginStep    uint32
	OriginEvent   string // "source id" of the origin step
	Silo          string // owner
	Unit          string
	Channel       string
	Severity      uint8
	Cost          float64
	Evidence      []string // event ids
	RulesVersion  string
}

// AliasRow says that a journey's id gave way to another.
type AliasRow struct {
	OldID    string
	NewID    string // "" when it is simply gone
	KeyTime  event.Instant
	Position uint64
}

// FrontierRow says that a partition's rows are in up to a position.
type FrontierRow struct {
	Partition int
	Position  uint64
	Clock     event.Instant
}
