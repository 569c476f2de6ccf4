package pipeline

import (
	"parcours/pipeline/alert"
	"parcours/pipeline/churn"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// Rows is one insert: what the fold found since the last one, all partitions together.
type Rows struct {
	Generation  uint32
	Events      []EventRow
	Journeys    []JourneyRow
	Steps       []StepRow
	Breakpoints []BreakpointRow
	Aliases     []AliasRow
	Ledger      []LedgerRow
	Digests     []DigestRow
	Frontier    []FrontierRow
	RuleBooks   []RuleBookRow
	Alerts      []AlertRow
	ClosedDays  []ClosedDayRow

	ChurnSignals []ChurnSignalRow
	Scores       []ChurnScoreRow
	ScoredDays   []ScoredDayRow
	Models       []ModelRow
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
	Variant          string   // activities in order
	VariantCollapsed string   // the same with runs of one activity written once
	VariantRuns      []uint32 // how often each activity of VariantCollapsed came in its run
	Repeats          uint32   // runs of an activity that came before, by the same unit as the last time
	Redos            uint32   // the same, by another unit
	Handoffs         uint32   // changes of unit
	SiloHandoffs     uint32   // changes of silo
	Channels         []string
	Silos            []string
	FirstUnit        string
	LastUnit         string
	Cost             float64 // cost to serve, in the rules' currency
	Value            float64 // of its orders and transactions, in the rules' currency
	WorkingS         float64 // seconds that the company worked
	WaitingCustomerS float64 // elapsed seconds in which the customer was waited for
	WaitingPartnerS  float64
	WaitingCompanyS  float64
	QueueWaitS       float64 // seconds that the customer waited for somebody, all contacts together
	Effort           float64 // 0 to 100
	Sentiment        float64 // -1 to 1; meaningless where SentimentSignals is 0
	SentimentSignals uint32
	Breakpoints      uint32
	Opportunities    []OpportunityRow
	CutReason        string // why the journey begins where it does: first, gap, reason, case
	RulesVersion     string
	ContactsEnded    []ContactEndedRow
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
	Placement  string // journey, visit, late
	Step       uint32 // from 1
	Activity   string
	Type       string
	Channel    string
	Silo       string
	Unit       string
	ContactID  string
	CaseID     string
	CustomerID string // "" when unidentified
	Reason     string // of its contact
	Cost       float64

	// What its journey came from, its directly-follows predecessor.
	DelayS       float64 // seconds since the step before; meaningless where it follows none
	FromActivity string  // of the step before; "" for the first step of a journey, and outside journeys
	FromChannel  string
	FromSilo     string
}

// Follows says whether there is a step before it in its journey: no activity is empty.
func (r *StepRow) Follows() bool { return r.FromActivity != "" }

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
	Witness       bool // it carries no cost
	Cost          float64
	Evidence      []string // event ids
	RulesVersion  string
	Charged       []string // "source id" of the steps whose cost this is, in order; no step is charged twice

	RetractedAt event.Instant // of a tombstone: when it was taken back, by the time of what took it back
	Known       KnownRow      // of a tombstone too; no view shows it, and it is in no digest
}

// KnownRow is what is known of a breakpoint for good: what the churn.Standing of a customer was told of it, as long as that could
// change. It stays where the breakpoint reads differently later, and where it is taken back later.
type KnownRow struct {
	Of       string        // the customer; "" where it is known of nobody, and the rest says nothing
	At       event.Instant // from which moment on: detected_at, as it was then
	Family   string        // reason family
	Severity uint8
}

// AliasRow says that a journey's id gave way to another.
type AliasRow struct {
	OldID     string
	NewID     string // "" when it is simply gone; OldID when the journey is back
	KeyTime   event.Instant
	Position  uint64
	Partition int
}

// FrontierRow says that a partition's rows are in up to a position.
type FrontierRow struct {
	Partition int
	Position  uint64
	Clock     event.Instant
	Settled   event.Instant // no event before it enters journeys any more: Clock less the lateness of the rules
	MessageID string        // of the log at that position: if it holds another, it is another log; "" when not known
}

// LedgerRange is how many positions one row of the ledger accounts for.
const LedgerRange = 1 << 16

// LedgerRow accounts for the messages of one partition in one range of positions: each of them is one of these. Where
// nothing was erased, First + Copies + Late + SetAside + Forwarded + System is what the log stored for the partition there.
type LedgerRow struct {
	Partition int
	Range     uint64 // the range holds the positions Range*LedgerRange+1 ... (Range+1)*LedgerRange
	Position  uint64 // the version: everything up to here is counted
	First     uint64 // first copies, folded
	Copies    uint64 // the same (source, id, time) again
	Late      uint64 // first copies that came too late for journeys
	SetAside  uint64 // kept in REJECTED
	Forwarded uint64 // sent on to another partition
	System    uint64 // of Parcours or an operator, for this partition alone
	Broadcast uint64 // messages of partition All, which every partition counts
	Digest    uint64 // additive, of the rows of cx.events: first copies and late ones
}

// DigestRow is the additive digest of the rows that a generation's table shows for one partition.
type DigestRow struct {
	Partition int
	Table     string // journeys, journey_steps, breakpoints, aliases, alerts, closed_days, churn_signals, churn_scores, scored_days, models
	Position  uint64 // the version
	Rows      uint64
	Digest    uint64 // sum of the row digests, modulo 2^64
}

// RuleBookRow is one rule book of a generation: that of its beginning, or one published since. It never changes.
type RuleBookRow struct {
	Position      uint64        // of its publication in the log; 0 for the book of the process
	EffectiveFrom event.Instant // rules.Beginning for the one that the generation began with
	Document      string
	Book          *rules.Book
}

// AlertRow is one version of an alert, as the log told it; its key is (RaisedOn, AlertID). Of a series, "" stands for all.
type AlertRow struct {
	AlertID           string
	Kind              string
	ReasonFamily      string
	Silo              string
	Unit              string
	Channel           string
	RaisedOn          alert.Date // the day whose figures raised it
	Since             alert.Date // date of origin
	Observed          uint64     // breakpoints from the onset to RaisedOn
	Expected          float64    // what the baseline had led to expect
	Factor            float64    // Observed / Expected
	Low               float64    // of Factor, 95 %
	High              float64
	WhereReasonFamily string // the narrowest series that holds most of the excess; the alert's own where there is none
	WhereSilo         string
	WhereUnit         string
	WhereChannel      string
	Explains          []string   // series in alarm that it speaks for, one line each
	ClearedOn         alert.Date // meaningless while ClearedWhy is ""
	ClearedWhy        string     // "" while it stands
	Position          uint64     // the version
	Partition         int
}

// ClosedDayRow is what the log told of a day that all partitions have closed.
type ClosedDayRow struct {
	Day       alert.Date
	Series    uint32 // that there are
	Watched   uint32 // with enough volume and history
	Raised    uint32
	Cleared   uint32
	Position  uint64 // of the message that closed it
	Partition int
}

// ChurnSignalRow is one version of a churn signal of a customer. RaisedAt is part of its id and never changes.
type ChurnSignalRow struct {
	SignalID     string
	CustomerID   string
	Kind         string
	RaisedAt     event.Instant
	ClearedAt    event.Instant // meaningless while ClearedWhy is ""
	ClearedWhy   string        // "" while it stands
	Evidence     []string      // what raised it: "source id" of events, ids of breakpoints
	Value        float64       // what was measured when it was raised, in the unit of its kind; NaN where nothing was
	Limit        float64       // what Value went beyond; NaN where there is none
	RulesVersion string        // of those in force when it was raised
	Segment      string        // of the customer when it was raised
	Position     uint64        // the version
	Deleted      bool          // a tombstone
	Partition    int
}

// ChurnScoreRow is what was told of a customer as of one midnight; its key is (AsOf, CustomerID), and it never changes. A figure
// that is not there is NaN.
type ChurnScoreRow struct {
	AsOf            event.Instant
	CustomerID      string
	Position        uint64 // of the message that told it
	Partition       int
	Model           string // version
	Prior           bool   // by the prior, where nothing was learnt yet
	Segment         string
	Captive         bool
	Margin          float64    // annual
	P               [3]float64 // probability of loss within each of churn.Horizons
	Low             [3]float64 // 95 %
	High            [3]float64
	Base            [3]float64 // of the segment
	Projection      [3]bool    // no outcomes of such a length were there to learn from
	ValueAtRisk     float64
	ValueAtRiskBase float64
	VoiceRisk       float64 // 0 to 100
	ExpectedUses    float64 // of the next 12 months
	RecentUses      uint32  // of the last 12
	Reasons         []churn.Reason
	Ended           string // why nothing is said of the customer any more; "" where there is a score
}

// ScoredDayRow says that all customers were scored as of a midnight.
type ScoredDayRow struct {
	AsOf      event.Instant
	Model     string // version
	Scored    uint32 // customers looked at with something to say of them
	Told      uint32 // of how many of them it was told
	Position  uint64 // of the message that says so
	Partition int
}

// ModelRow is a model that was published. It never changes.
type ModelRow struct {
	Position      uint64        // of its publication in the log
	EffectiveFrom event.Instant // from which midnight on it scores
	Version       string
	Document      string // all of it, as JSON
	Partition     int
}
