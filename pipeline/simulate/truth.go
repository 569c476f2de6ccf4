package simulate

import "parcours/pipeline/event"

// Need is what one customer wanted, and what became of it.
type Need struct {
	ID         string        // n-000123
	Customer   string        // the customer number, as in the events
	Segment    string        // of the customer
	At         event.Instant // when it arose
	Reason     string        // the true one; an event may lack it
	Core       bool          // about a service that is owed
	Ending     Ending
	EndedAt    event.Instant // of the last event of the need
	Contacts   int           // assisted contacts attempted by the customer
	Events     int           // told, unsent ones among them, without copies
	Failures   []Failure
	Semblances []Semblance
	Noise      Noise
}

// Met says whether the customer got what was wanted, if only in the end.
func (n *Need) Met() bool {
	switch n.Ending {
	case Served, SelfServed, Resolved:
		return true
	}
	return false
}

// Ending is how a need ended.
type Ending string

// The endings.
const (
	Served     Ending = "served"      // nothing went wrong and nobody was asked: an order that came in time
	SelfServed Ending = "self_served" // on the web, in the app or with the bot
	Resolved   Ending = "resolved"    // by somebody
	GivenUp    Ending = "given_up"    // the customer went away without an answer
	Lost       Ending = "lost"        // the contract was cancelled
	Unfinished Ending = "unfinished"  // the simulated days were over first
)

// Failure is one thing that the company did wrong, under the id of the breakpoint kind that is meant to find it. Two needs
// of one customer may meet by chance and look like more.
type Failure struct {
	At      event.Instant // when it became true: when the customer came back, when the answer was due
	Kind    string
	Cause   string // in words
	Silo    string // whose failure it is
	Unit    string
	Channel event.Channel
	Hurts   bool // the customer minded
	// Hidden says that the sent events lack what it takes to see it: the reason was not coded, the customer not recognised, a
	// system never says what it did, or the days are over too soon.
	Hidden bool
}

// Semblance looks like a breakpoint of a kind, and is none.
type Semblance struct {
	At    event.Instant
	Kind  string
	Cause string // in words
}

// The kinds that are planted: ids of product.md's catalogue.
const (
	RepeatContact       = "repeat_contact"
	ChannelFailover     = "channel_failover"
	ChannelPingPong     = "channel_ping_pong"
	SiloHandoff         = "silo_handoff"
	LongWait            = "long_wait"
	RefusedContact      = "refused_contact"
	QueueAbandonment    = "queue_abandonment"
	FormAbandonment     = "form_abandonment"
	SLABreach           = "sla_breach"
	BrokenPromise       = "broken_promise"
	StalledCase         = "stalled_case"
	ReopenedCase        = "reopened_case"
	ProcessLoop         = "process_loop"
	RepeatedInformation = "repeated_information"
	CoreFailure         = "core_failure"
	ComplaintEscalation = "complaint_escalation"
	Detractor           = "detractor"
	UnansweredDetractor = "unanswered_detractor"
	Tension             = "tension"
	UnresolvedEnd       = "unresolved_end"
)

// Kinds lists what is planted.
var Kinds = [...]string{
	RepeatContact, ChannelFailover, ChannelPingPong, SiloHandoff, LongWait, RefusedContact, QueueAbandonment, FormAbandonment,
	SLABreach, BrokenPromise, StalledCase, ReopenedCase, ProcessLoop, RepeatedInformation, CoreFailure, ComplaintEscalation,
	Detractor, UnansweredDetractor, Tension, UnresolvedEnd,
}

// Noise counts what is wrong with the events of a need, not with what the company did.
type Noise struct {
	Copies     int // events sent twice
	Late       int // events that came hours or days after they happened
	NoReason   int // contacts whose reason nobody coded
	NoCustomer int // contacts whose customer nobody recognised
	NoField    int // events that lack their channel or unit
	Unsent     int // events that no system ever sends
}
