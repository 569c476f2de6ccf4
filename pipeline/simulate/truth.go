package simulate

import "parcours/pipeline/event"

// Need is what one customer wanted, and what became of it.
type Need struct {
	Customer string        // the customer number, as in the events
	At       event.Instant // when it arose
	Reason   string        // the true one; an event may lack it
	Ending   Ending
	EndedAt  event.Instant // of the last event of the need
	Contacts int           // assisted contacts attempted by the customer
	Events   int           // without copies
	Planted  []Plant
	Noise    Noise
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

// Plant is one thing that the company did wrong, under the id of the breakpoint kind that is meant to find it. The list is
// what was planned; two needs of one customer may meet by chance and look like more.
type Plant struct {
	Kind string
	At   event.Instant // when it became true: when the customer came back, when the answer was due
	// Hidden says that the events lack what it takes to see it: the reason was not coded, or the customer not recognised.
	Hidden bool
}

// The kinds that are planted: ids of product.md's catalogue.
const (
	RepeatContact       = "repeat_contact"
	ChannelFailover     = "channel_failover"
	SiloHandoff         = "silo_handoff"
	LongWait            = "long_wait"
	RefusedContact      = "refused_contact"
	QueueAbandonment    = "queue_abandonment"
	FormAbandonment     = "form_abandonment"
	SLABreach           = "sla_breach"
	BrokenPromise       = "broken_promise"
	ReopenedCase        = "reopened_case"
	CoreFailure         = "core_failure"
	ComplaintEscalation = "complaint_escalation"
	Detractor           = "detractor"
)

// Kinds lists what is planted.
var Kinds = [...]string{
	RepeatContact, ChannelFailover, SiloHandoff, LongWait, RefusedContact, QueueAbandonment, FormAbandonment, SLABreach,
	BrokenPromise, ReopenedCase, CoreFailure, ComplaintEscalation, Detractor,
}

// Noise counts what is wrong with the events of a need, not with what the company did.
type Noise struct {
	Copies     int // events sent twice
	Late       int // events that came hours after they happened
	NoReason   int // contacts whose reason nobody coded
	NoCustomer int // contacts whose customer nobody recognised
}
