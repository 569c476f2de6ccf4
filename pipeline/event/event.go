// Package event says what happened: the channel event, its types, and how it is read from and written to CloudEvents JSON.
// It computes only: no clock, no I/O.
package event

// Event is one channel event, a CloudEvents 1.0 envelope with the data of product types. (Source, ID) is unique for ever.
type Event struct {
	ID      string
	Source  string
	Type    string
	At      Instant // when it happened
	Subject string  // the case or ticket; Data.Case takes it where a case is not given
	// Sequence orders events of equal time (CloudEvents extension `sequence`), lexicographically; an import writes the row number.
	Sequence string
	// Home is the unit of folding this event belongs to (extension `home`, written at the door): the customer's pseudonym,
	// or, for an event of a case, the first home of that case, or what stands for a customer where there is none.
	Home string
	Data Data
}

// Data is what product.md lists under `data`; a field that a type does not use stays at its zero value.
type Data struct {
	Identifiers Identifiers // kind -> value, sorted by kind; raw at the door, pseudonyms in the log
	Customer    string      // pseudonym of the customer, written at the door ("" when unidentified)

	Contact   string
	Direction Direction
	Channel   Channel
	Reason    string // dotted taxonomy in lower case
	Silo      string
	Unit      string
	Agent     string // pseudonym; present in the log only
	Case      string
	Product   string
	Place     string
	Activity  string // what process mining calls the activity; the type where it is not given

	ToSilo string // contact.transferred
	ToUnit string
	Why    string // contact.refused: closed, busy, deflected, cut_off

	Resolved *bool    // contact.ended, survey.answered
	WaitS    *float64 // seconds; contact.answered, contact.ended
	TalkS    *float64
	HoldS    *float64
	WrapS    *float64

	Form string // form.*
	Kind string // form.started: service, sales; survey.*: transactional, relational
	On   string // case.waiting: customer, partner, company

	Regime  string  // complaint.filed: "", payment, ...
	To      string  // complaint.escalated: management, mediator, authority, court; customer.consented/objected: purpose
	Holding bool    // complaint.acknowledged: a holding reply
	SentAt  Instant // when the customer sent it, if known (complaint.filed, message.received); 0 when not

	Promise string  // promise.*
	Due     Instant // promise.made, order.placed; 0 when not given
	Act     string
	By      string // payment.failed, appointment.missed: customer, company

	Products []string // incident.*
	Places   []string

	NPS       *float64 // survey.answered
	CSAT      *float64
	CSATScale *float64
	CES       *float64
	CESScale  *float64

	AnnualMargin *float64 // contract.started
	Captive      bool
	Value        *float64 // contract.value_changed, order.placed, transaction.completed
	InitiatedBy  string   // contract.cancelled: customer, company, third_party
	Cause        string

	Mode       string // log.opened, clock.mode_changed: wall, log
	Partitions int    // log.opened

	// Extra holds what the source's allow-list keeps of the fields that Parcours does not know, sorted by name.
	Extra []ExtraField
}

// Identifier is one name by which a company knows a customer.
type Identifier struct{ Kind, Value string }

// Identifiers are sorted by kind, one of each.
type Identifiers []Identifier

// Get gives the value of a kind, "" when absent.
func (ids Identifiers) Get(kind string) string {
	for _, id := range ids {
		if id.Kind == kind {
			return id.Value
		}
	}
	return ""
}

// Direction of a contact; "" when not given.
type Direction string

// The directions of a contact.
const (
	In       Direction = "in"
	Out      Direction = "out"
	Callback Direction = "callback"
)

// Activity is the name of the step in process-mining terms: the activity given, else the type.
func (e *Event) Activity() string {
	if e.Data.Activity != "" {
		return e.Data.Activity
	}
	return e.Type
}

// Before orders events of one customer: (time, sequence, source, id).
func (e *Event) Before(f *Event) bool {
	switch {
	case e.At != f.At:
		return e.At < f.At
	case e.Sequence != f.Sequence:
		return e.Sequence < f.Sequence
	case e.Source != f.Source:
		return e.Source < f.Source
	default:
		return e.ID < f.ID
	}
}

// Compare orders as Before does, for package slices.
func Compare(a, b *Event) int {
	switch {
	case a.Before(b):
		return -1
	case b.Before(a):
		return 1
	}
	return 0
}
