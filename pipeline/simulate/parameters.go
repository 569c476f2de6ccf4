package simulate

import (
	"time"

	"parcours/pipeline/event"
)

// Parameters describe the company. Every P is a probability from 0 to 1. Change a copy of Default().
type Parameters struct {
	Needs        []NeedKind    // what customers want; at least one
	NeedsPerYear float64       // per customer
	Visits       float64       // visits to the web site a year and customer which are about nothing
	Apart        int           // days between two needs of one reason family of one customer
	Weekday      [7]float64    // how much of a weekday's needs each day has, from Sunday
	Awake        [2]int        // customers act between these hours of the day
	Open         [2]int        // opening hours, Monday to Friday
	Timezone     string        // of the hours, an IANA name
	Stores       int           // shops of the branch network
	Agents       int           // in each unit
	Self         Self          // web, app and bot
	Phone        Queue         // calls
	Chat         Queue         // chats
	Store        Queue         // visits to a shop
	Mail         Mail          // e-mail
	Moves        Moves         // transfers between silos
	Cases        Cases         // what cannot be done during the contact
	Promises     Promises      // callbacks
	Complaints   Complaints    // when all else failed
	Orders       Orders        // what is delivered
	Surveys      Surveys       // asked after a contact
	Return       Return        // of a customer who got no answer
	Noise        NoiseSettings // of the systems that send
}

// NeedKind is one thing that customers come for.
type NeedKind struct {
	Reason  string
	Weight  float64 // among the kinds
	Silo    string  // the function that can solve it
	Product string
	Form    string  // the form that could solve it on the web or in the app; "" for none
	PBot    float64 // asks the bot rather than the form
	PCase   float64 // needs a case
	Channel Mix     // of the first assisted contact
	Ordered bool    // begins with an order
	Leaving bool    // the customer wants to leave; the last need they have
}

// Mix weighs the assisted channels.
type Mix struct{ Phone, Email, Chat, Store float64 }

// Self describes self-service.
type Self struct {
	PAttempt float64 // tries alone first, where a form or the bot could do it
	PSearch  float64 // searches before
	PApp     float64 // in the app, else on the web
	PFail    float64 // the form fails, or the bot does not understand
	PGiveUp  float64 // after a failure: asks nobody
	PSoon    float64 // after a failure: asks within the hour, else some hours later
}

// Queue describes a channel on which one waits for a person.
type Queue struct {
	Wait      Span    // until answered
	LongWait  Span    // beyond what is acceptable there
	PLong     float64 // waits long
	PAbandon  float64 // of those who wait long: leaves the queue
	PBusy     float64 // refused: all lines busy
	PClosed   float64 // comes while the company is closed, of those who want to by then
	Talk      Span
	PResolved float64 // of those who need no case
}

// Mail describes e-mail.
type Mail struct {
	Reply     Span    // of open time, well within a working day
	LateReply Span    // of open time, more than a working day
	PLate     float64 // answered late
	PNever    float64 // never answered
}

// Moves describes transfers.
type Moves struct {
	POwner  float64  // from customer_service to the silo that can solve it
	PWander float64  // of those: through other silos before, or back
	Through []string // where the customer wanders
}

// Cases describes case handling.
type Cases struct {
	Step     Span    // open time between two steps
	LateStep Span    // the step that makes it late: open time, more than five working days
	PLate    float64 // resolved after its deadline
	PWait    float64 // waits for the customer's answer in between
	PReopen  float64 // comes back after it was resolved
	PChase   float64 // of those that are late: the customer asks what has become of it
}

// Promises describes promises of a callback.
type Promises struct {
	PMade float64 // when the contact did not resolve it and no case was opened
	Due   Span    // open time until the callback is due
	PKept float64
}

// Complaints describes complaints.
type Complaints struct {
	PFiled    float64 // of the customers who give up
	Ack       Span    // elapsed time to the acknowledgement, within the legal ten days
	LateAck   Span    // elapsed time, after them
	PLateAck  float64
	Answer    Span // elapsed time from the acknowledgement to the answer
	PEscalate float64
}

// Orders describes deliveries.
type Orders struct {
	Due      Span    // elapsed time from order to due date
	PLate    float64 // of orders about nothing else
	Late     Span    // delivered so long after the due date
	Notice   Span    // the customer asks so long after the due date
	MaxValue int     // of an order, in whole units of the currency
}

// Surveys describes surveys.
type Surveys struct {
	PSent   float64
	PAnswer float64
	After   Span // elapsed time to the answer
}

// Return describes how customers come back.
type Return struct {
	Most    int     // contacts of one need
	PGiveUp float64 // after each contact that resolved nothing
	After   Span    // elapsed time, less than the seven days in which it counts as a repeat
	PSame   float64 // on the same channel
}

// NoiseSettings describes the systems that send the events.
type NoiseSettings struct {
	PCopy       float64 // an event is sent twice
	PLate       float64 // an event comes late
	Late        Span    // so late, and so long after the first comes a copy
	PNoReason   float64 // nobody codes the reason of a contact
	PNoCustomer float64 // nobody recognises the customer of a contact
	PPhone      float64 // a call carries the number beside the customer number
}

// Span is a range of durations of which the short ones are more frequent.
type Span struct{ From, To time.Duration }

// Default is the company that ships: some 14 needs a customer and year, and enough wrong with it to see every kind.
func Default() *Parameters {
	calls := Mix{Phone: 6, Email: 2, Chat: 1.5, Store: 0.5}
	shop := Mix{Phone: 3, Email: 1, Chat: 1, Store: 3}
	return &Parameters{
		Needs: []NeedKind{
			{Reason: "billing.dispute", Weight: 12, Silo: "finance", Form: "billing-claim", PCase: 0.4, Channel: calls},
			{Reason: "billing.question", Weight: 16, Silo: "customer_service", Form: "invoice-copy", PBot: 0.5, PCase: 0.02, Channel: calls},
			{Reason: "delivery.order", Weight: 14, Silo: "logistics", Channel: calls, Ordered: true},
			{Reason: "delivery.late", Weight: 9, Silo: "logistics", PCase: 0.15, Channel: calls, Ordered: true},
			{Reason: "delivery.damaged", Weight: 6, Silo: "logistics", Form: "damage-claim", PCase: 0.6, Channel: calls},
			{Reason: "technical.outage", Weight: 9, Silo: "it", Product: "fibre", PBot: 0.4, PCase: 0.35, Channel: calls},
			{Reason: "technical.setup", Weight: 9, Silo: "it", Product: "box", Form: "setup-help", PBot: 0.6, PCase: 0.1, Channel: shop},
			{Reason: "contract.change", Weight: 9, Silo: "sales", Form: "contract-change", PCase: 0.2, Channel: shop},
			{Reason: "contract.cancel", Weight: 2, Silo: "sales", Form: "cancellation", PCase: 0.1, Channel: calls, Leaving: true},
			{Reason: "account.access", Weight: 12, Silo: "it", Form: "password-reset", PBot: 0.3, PCase: 0.03, Channel: calls},
		},
		NeedsPerYear: 14,
		Visits:       8,
		Apart:        20,
		Weekday:      [7]float64{0.3, 1, 1, 1, 1, 1, 0.5},
		Awake:        [2]int{7, 22},
		Open:         [2]int{9, 18},
		Timezone:     "Europe/Paris",
		Stores:       12,
		Agents:       8,
		Self:         Self{PAttempt: 0.65, PSearch: 0.4, PApp: 0.4, PFail: 0.45, PGiveUp: 0.12, PSoon: 0.7},
		Phone: Queue{
			Wait: Span{5 * time.Second, 150 * time.Second}, LongWait: Span{200 * time.Second, 15 * time.Minute}, PLong: 0.14,
			PAbandon: 0.4, PBusy: 0.02, PClosed: 0.15, Talk: Span{time.Minute, 15 * time.Minute}, PResolved: 0.7,
		},
		Chat: Queue{
			Wait: Span{3 * time.Second, 90 * time.Second}, LongWait: Span{140 * time.Second, 8 * time.Minute}, PLong: 0.1,
			PAbandon: 0.5, PBusy: 0.03, PClosed: 0.1, Talk: Span{2 * time.Minute, 20 * time.Minute}, PResolved: 0.65,
		},
		Store: Queue{
			Wait: Span{time.Minute, 12 * time.Minute}, LongWait: Span{17 * time.Minute, 40 * time.Minute}, PLong: 0.1,
			PAbandon: 0.2, Talk: Span{3 * time.Minute, 25 * time.Minute}, PResolved: 0.75,
		},
		Mail:  Mail{Reply: Span{20 * time.Minute, 7 * time.Hour}, LateReply: Span{14 * time.Hour, 40 * time.Hour}, PLate: 0.2, PNever: 0.07},
		Moves: Moves{POwner: 0.35, PWander: 0.22, Through: []string{"operations", "finance", "logistics"}},
		Cases: Cases{
			Step: Span{time.Hour, 12 * time.Hour}, LateStep: Span{50 * time.Hour, 80 * time.Hour}, PLate: 0.2, PWait: 0.3, PReopen: 0.08, PChase: 0.5,
		},
		Promises: Promises{PMade: 0.3, Due: Span{4 * time.Hour, 18 * time.Hour}, PKept: 0.6},
		Complaints: Complaints{
			PFiled: 0.35, Ack: Span{6 * time.Hour, 6 * day}, LateAck: Span{15 * day, 22 * day}, PLateAck: 0.3,
			Answer: Span{day, 20 * day}, PEscalate: 0.3,
		},
		Orders: Orders{
			Due: Span{2 * day, 5 * day}, PLate: 0.05, Late: Span{day, 6 * day}, Notice: Span{2 * time.Hour, 20 * time.Hour}, MaxValue: 400,
		},
		Surveys: Surveys{PSent: 0.25, PAnswer: 0.35, After: Span{30 * time.Minute, 2 * day}},
		Return:  Return{Most: 4, PGiveUp: 0.2, After: Span{2 * time.Hour, 5 * day}, PSame: 0.75},
		Noise: NoiseSettings{
			PCopy: 0.01, PLate: 0.03, Late: Span{time.Minute, 6 * time.Hour}, PNoReason: 0.04, PNoCustomer: 0.015, PPhone: 0.5,
		},
	}
}

// of gives the weight of a channel.
func (m Mix) of(c event.Channel) float64 {
	switch c {
	case event.Phone:
		return m.Phone
	case event.Email:
		return m.Email
	case event.Chat:
		return m.Chat
	case event.Store:
		return m.Store
	}
	return 0
}
