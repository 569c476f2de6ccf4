package churn

import (
	"cmp"
	"math"

	"parcours/pipeline/event"
)

// What says what a fact is.
type What uint8

// The facts. Those of events are known at the time of the event; a breakpoint at its detected_at.
const (
	NoFact           What = iota
	ContractStarted       // Amount: annual margin (NaN when not given); Name: product; Flag: captive
	ContractRenewal       // contract.renewal_due
	ContractValued        // contract.value_changed: Amount; Name: product
	ContractAsked         // contract.cancel_requested
	ContractPorted        // portability.requested
	ContractKept          // contract.retained
	ContractEnded         // contract.cancelled; Name: initiated_by, "customer" where nobody said by whom
	RightObjected         // customer.objected; Name: purpose
	RightConsented        // customer.consented; Name: purpose
	ContactMade           // a contact: one a contact id, at its first event; one an event without an id. Flag: the company began it
	ContactMoved          // contact.transferred
	InformationAgain      // information.repeated
	ServiceUsed           // service.used, transaction.completed, order.placed; Amount: value (NaN when not given)
	SurveyNPS             // survey.answered: Amount, rescaled to 0 (worst) .. 1 (best); one event may give three facts
	SurveyCSAT
	SurveyCES
	ComplaintFiled
	ComplaintRaised // complaint.escalated; Name: to
	Uncivil         // incivility.reported
	Broken          // a breakpoint; Name: kind; Weight: severity
)

// Fact is one thing known of a customer from At on. Of one (What, ID) there is one fact: a later Add takes its place.
type Fact struct {
	At     event.Instant
	What   What
	ID     string // "source id" of the event; of a contact its contact id; of a breakpoint its id
	Name   string
	Family string  // reason family; "" when unknown
	Amount float64 // NaN where there is none
	Weight uint8   // severity of a breakpoint, else 0
	Flag   bool
}

// compare orders facts: (At, What, ID). At one instant an ending comes before a beginning, and a consent before an objection:
// who ends a contract and begins another is a customer, and who both consents and objects objects.
func (f *Fact) compare(g *Fact) int {
	if f.At != g.At {
		return cmp.Compare(f.At, g.At)
	}
	return cmp.Or(cmp.Compare(f.What.rank(), g.What.rank()), cmp.Compare(f.ID, g.ID))
}

func (w What) rank() int {
	switch w {
	case ContractEnded:
		return 2*int(ContractStarted) - 1
	case RightConsented:
		return 2*int(RightObjected) - 1
	}
	return 2 * int(w)
}

// FactsOf appends what an event says of its customer; most events say nothing. Breakpoints are not events: whoever finds
// them makes facts of them (What Broken, At detected_at, ID of the breakpoint, Name kind, Family, Weight severity).
func FactsOf(facts []Fact, e *event.Event) []Fact {
	f := Fact{At: e.At, ID: e.Source + " " + e.ID, Amount: math.NaN(), Family: event.ReasonFamily(e.Data.Reason)}
	d := &e.Data
	switch e.Type {
	case event.ContractStarted:
		f.What, f.Name, f.Amount, f.Flag = ContractStarted, d.Product, amount(d.AnnualMargin), d.Captive
	case event.ContractRenewalDue:
		f.What = ContractRenewal
	case event.ContractValueChanged:
		f.What, f.Name, f.Amount = ContractValued, d.Product, amount(d.Value)
	case event.ContractCancelRequested:
		f.What = ContractAsked
	case event.PortabilityRequested:
		f.What = ContractPorted
	case event.ContractRetained:
		f.What = ContractKept
	case event.ContractCancelled:
		f.What, f.Name = ContractEnded, cmp.Or(d.InitiatedBy, byCustomer)
	case event.CustomerObjected:
		f.What, f.Name = RightObjected, d.To
	case event.CustomerConsented:
		f.What, f.Name = RightConsented, d.To
	case event.InformationRepeated:
		f.What = InformationAgain
	case event.ServiceUsed, event.TransactionCompleted, event.OrderPlaced:
		f.What, f.Amount = ServiceUsed, amount(d.Value)
	case event.ComplaintFiled:
		f.What = ComplaintFiled
	case event.ComplaintEscalated:
		f.What, f.Name = ComplaintRaised, d.To
	case event.IncivilityReported:
		f.What = Uncivil
	case event.SurveyAnswered:
		return answers(facts, f, d)
	default:
		return contactFacts(facts, f, e)
	}
	return append(facts, f)
}

// byCustomer is who ended a contract where nobody says by whom, as in journeys.
const byCustomer = "customer"

func amount(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

// contactFacts says that customer and company came into contact: by an event of family contact, a message received, or an
// outreach answered. Flag: it was the company that began it, as far as this event says. Events of one contact id are one
// contact, at its first event.
func contactFacts(facts []Fact, f Fact, e *event.Event) []Fact {
	answered := e.Type == event.OutreachAnswered
	if event.SpecOf(e.Type).Family != "contact" && e.Type != event.MessageReceived && !answered {
		return facts
	}
	if e.Type == event.ContactTransferred {
		moved := f
		moved.What = ContactMoved
		facts = append(facts, moved)
	}
	f.What, f.Flag = ContactMade, answered || e.Data.Direction == event.Out || e.Data.Direction == event.Callback
	if e.Data.Contact != "" {
		f.ID = e.Data.Contact
	}
	return append(facts, f)
}

// The range of NPS, and the scales of the others where an answer gives none.
const (
	bestNPS  = 10
	bestCSAT = 5
	bestCES  = 7 // is easiest
)

// answers gives one fact for each score of an answer, put linearly from its own scale onto 0 (worst) to 1 (best).
func answers(facts []Fact, f Fact, d *event.Data) []Fact {
	for _, s := range [...]struct {
		what  What
		given *float64
		worst float64
		scale *float64
		best  float64
	}{{SurveyNPS, d.NPS, 0, nil, bestNPS}, {SurveyCSAT, d.CSAT, 1, d.CSATScale, bestCSAT}, {SurveyCES, d.CES, 1, d.CESScale, bestCES}} {
		if s.given == nil {
			continue
		}
		best := s.best
		if s.scale != nil {
			best = *s.scale
		}
		if best <= s.worst {
			continue // a scale of one point says nothing
		}
		f.What, f.Amount = s.what, min(1, max(0, (*s.given-s.worst)/(best-s.worst)))
		facts = append(facts, f)
	}
	return facts
}
