package simulate

import (
	"time"

	"parcours/pipeline/event"
)

// Parameters describe a company, as a page of YAML says (see Company and ParseCompany). Every P is a probability from 0 to
// 1; those by which the company fails are multiplied by the quality of the unit and by the shifts in force.
type Parameters struct {
	Name         string        `yaml:"name"`           // of the company, for the truth file
	Timezone     string        `yaml:"timezone"`       // of all hours, an IANA name
	Open         [7][2]int     `yaml:"open"`           // opening hours of each day, from Sunday; equal ends: closed
	Closed       []string      `yaml:"closed"`         // public holidays: 05-01 for each year, 2026-04-06 for one
	Awake        [2]int        `yaml:"awake"`          // customers act between these hours of the day
	NeedsPerYear float64       `yaml:"needs_per_year"` // per customer
	Visits       float64       `yaml:"visits"`         // visits to the web site a year and customer which are about nothing
	Apart        int           `yaml:"apart"`          // days between two needs of one reason family of one customer
	Weekday      [7]float64    `yaml:"weekday"`        // how much of a weekday's needs each day has, from Sunday
	Season       [12]float64   `yaml:"season"`         // how much of a month's needs each month has, from January
	Segments     []Segment     `yaml:"segments"`       // kinds of customers; at least one
	Products     []Share       `yaml:"products"`       // what customers have, one each
	Places       []Share       `yaml:"places"`         // where they live
	Silos        []Silo        `yaml:"silos"`          // the functions and their units
	Systems      []System      `yaml:"systems"`        // those that leave something out; the others say everything
	Needs        []NeedKind    `yaml:"needs"`          // what customers want; at least one
	Standards    Standards     `yaml:"standards"`      // when the company itself calls an answer late
	Self         Self          `yaml:"self"`           // web, app and bot
	Phone        Queue         `yaml:"phone"`          // calls
	Chat         Queue         `yaml:"chat"`           // chats
	Store        Queue         `yaml:"store"`          // visits to a shop
	Mail         Mail          `yaml:"mail"`           // e-mail
	Messaging    Mail          `yaml:"messaging"`      // text messages
	Moves        Moves         `yaml:"moves"`          // transfers between silos, and between channels
	Cases        Cases         `yaml:"cases"`          // what cannot be done during the contact
	Promises     Promises      `yaml:"promises"`       // callbacks
	Complaints   Complaints    `yaml:"complaints"`     // when all else failed
	Orders       Orders        `yaml:"orders"`         // what is delivered
	Payments     Payments      `yaml:"payments"`       // what is paid
	Appointments Appointments  `yaml:"appointments"`   // when somebody comes
	Incidents    Incidents     `yaml:"incidents"`      // outages
	Voice        Voice         `yaml:"voice"`          // surveys, and what customers say unasked
	Return       Return        `yaml:"return"`         // of a customer who got no answer
	Shifts       []Shift       `yaml:"shifts"`         // changes for the worse or better on known days
	Semblances   Semblances    `yaml:"semblances"`     // what looks like a failure and is none
	Noise        NoiseSettings `yaml:"noise"`          // of the systems that send
	Start        string        `yaml:"start"`          // first day where none is asked for, as 2024-01-01; "" for that of DefaultStart
	Churn        *Churn        `yaml:"churn"`          // who leaves; nil where only a need to leave does it
}

// Segment is a kind of customers and how they differ from the average one.
type Segment struct {
	Name       string     `yaml:"name"`
	Share      float64    `yaml:"share"`      // among the segments
	Needs      float64    `yaml:"needs"`      // needs a year, times this
	Digital    float64    `yaml:"digital"`    // tries alone first, times this
	GivesUp    float64    `yaml:"gives_up"`   // times this
	Complains  float64    `yaml:"complains"`  // times this
	PForgiving float64    `yaml:"p_forgives"` // does not mind a failure
	Margin     [2]float64 `yaml:"margin"`     // a year, in the currency: the lower ones are more frequent
	Captive    bool       `yaml:"captive"`    // cannot leave
	Product    string     `yaml:"product"`    // that all of them have; "" for one of the products
	Leaves     float64    `yaml:"leaves"`     // of their own will, a year, with a new contract at the median margin and no failures
}

// Share is one of several values.
type Share struct {
	Name  string  `yaml:"name"`
	Share float64 `yaml:"share"`
}

// Silo is a function and its units.
type Silo struct {
	Name  string `yaml:"name"`
	Units []Unit `yaml:"units"` // at least one
}

// Unit is a team, a site or a shop.
type Unit struct {
	Name    string  `yaml:"name"`
	Share   float64 `yaml:"share"`   // of its silo's work
	Quality float64 `yaml:"quality"` // chances of failing the customer, times this: 1 is average, 2 is bad
}

// System says what one of the company's systems leaves out.
type System struct {
	Name    string   `yaml:"name"`    // crm, backoffice, partner, telephony, mail, chat, messaging, stores ...
	Never   []string `yaml:"never"`   // event types that it never sends
	Without []string `yaml:"without"` // fields of data that its events never carry: resolved, wait_s
}

// NeedKind is one thing that customers come for.
type NeedKind struct {
	Reason  string  `yaml:"reason"`
	Weight  float64 `yaml:"weight"`  // among the kinds; 0 for one that only an outage makes
	Silo    string  `yaml:"silo"`    // the function that can solve it
	Product string  `yaml:"product"` // that it is about; "" for that of the customer
	Form    string  `yaml:"form"`    // the form that could solve it on the web or in the app; "" for none
	PBot    float64 `yaml:"p_bot"`   // asks the bot rather than the form
	PCase   float64 `yaml:"p_case"`  // needs a case
	System  string  `yaml:"system"`  // where its cases are kept: crm (default), backoffice, partner
	Regime  string  `yaml:"regime"`  // of complaints about it: "" or payment
	Channel Mix     `yaml:"channel"` // of an assisted contact
	Begins  Begin   `yaml:"begins"`  // with what the company owes
	Core    bool    `yaml:"core"`    // about a service that is owed
	Leaving bool    `yaml:"leaving"` // the customer wants to leave; the last need they have
}

// Begin is how a need begins.
type Begin string

// The beginnings.
const (
	BeginsAlone       Begin = ""            // of itself
	BeginsOrder       Begin = "order"       // with an order, which mostly comes in time
	BeginsLateOrder   Begin = "late_order"  // with an order that comes late
	BeginsPayment     Begin = "payment"     // with a payment, which mostly goes through
	BeginsAppointment Begin = "appointment" // with an appointment, which is mostly kept
	BeginsIncident    Begin = "incident"    // with an outage at the customer's
)

// Mix weighs the assisted channels.
type Mix struct {
	Phone     float64 `yaml:"phone"`
	Email     float64 `yaml:"email"`
	Chat      float64 `yaml:"chat"`
	Messaging float64 `yaml:"messaging"`
	Store     float64 `yaml:"store"`
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
	case event.Messaging:
		return m.Messaging
	case event.Store:
		return m.Store
	}
	return 0
}

// Standards are what the company has told its customers: beyond them it has failed. The failures of the other parameters
// lie well beyond.
type Standards struct {
	MailHours      int `yaml:"mail_hours"`      // of open time, to a reply
	MessagingHours int `yaml:"messaging_hours"` // of open time, to a reply
	CaseDays       int `yaml:"case_days"`       // of open time, to the solution of a case
	SilenceDays    int `yaml:"silence_days"`    // of open time, in which something happens in each case
	AckDays        int `yaml:"ack_days"`        // Monday to Saturday, to the acknowledgement of a complaint
	AnswerMonths   int `yaml:"answer_months"`   // to the answer of a complaint
	PaymentDays    int `yaml:"payment_days"`    // Monday to Saturday, to the answer where the regime is payment
}

// Self describes self-service.
type Self struct {
	PAttempt float64 `yaml:"p_attempt"` // tries alone first, where a form or the bot could do it
	PSearch  float64 `yaml:"p_search"`  // searches before
	PApp     float64 `yaml:"p_app"`     // in the app, else on the web
	PFail    float64 `yaml:"p_fail"`    // the form fails, or the bot does not understand
	PResume  float64 `yaml:"p_resume"`  // a form that failed is filled in again soon, with success
	PGiveUp  float64 `yaml:"p_give_up"` // after a failure: asks nobody
	PSoon    float64 `yaml:"p_soon"`    // after a failure: asks within the hour, else some hours later
}

// Queue describes a channel on which one waits for a person.
type Queue struct {
	Wait      Span    `yaml:"wait"`      // until answered
	LongWait  Span    `yaml:"long_wait"` // beyond what is acceptable there
	PLong     float64 `yaml:"p_long"`    // waits long
	PAbandon  float64 `yaml:"p_abandon"` // of those who wait long: leaves the queue
	PBusy     float64 `yaml:"p_busy"`    // refused: all lines busy
	PCutOff   float64 `yaml:"p_cut_off"` // refused: cut off
	PClosed   float64 `yaml:"p_closed"`  // comes while the company is closed, of those who want to by then
	PMenu     float64 `yaml:"p_menu"`    // what it is about is said before anybody answers, in a menu
	Talk      Span    `yaml:"talk"`
	PUnsolved float64 `yaml:"p_unsolved"` // nothing is solved, of those who need no case
}

// Mail describes a channel on which one writes.
type Mail struct {
	Reply     Span    `yaml:"reply"`      // of open time, well within the standard
	LateReply Span    `yaml:"late_reply"` // of open time, well beyond it
	PLate     float64 `yaml:"p_late"`     // answered late
	PNever    float64 `yaml:"p_never"`    // never answered
	PUnsolved float64 `yaml:"p_unsolved"` // the answer solves nothing
	PCoded    float64 `yaml:"p_coded"`    // its reason is recognised when it comes, else by who answers
}

// Moves describes how customers are sent around.
type Moves struct {
	POwner   float64  `yaml:"p_owner"`  // from customer_service to the silo that can solve it
	PWander  float64  `yaml:"p_wander"` // of those: through other silos before, or back
	Through  []string `yaml:"through"`  // where the customer wanders
	Most     int      `yaml:"most"`     // moves of one contact that a customer takes as they come
	PBounce  float64  `yaml:"p_bounce"` // of unsolved contacts: sent to another channel, and from there back
	After    Span     `yaml:"after"`    // until the customer is there
	Same     Span     `yaml:"same"`     // one and the same errand, if the customer changes channel within To
	PRepeat  float64  `yaml:"p_repeat"` // at each move, and in each further contact: must say everything again
	MostSaid int      `yaml:"most_said"`
}

// Cases describes case handling.
type Cases struct {
	Step     Span    `yaml:"step"`      // open time between two steps
	LateStep Span    `yaml:"late_step"` // the step that makes it late: open time, well beyond the standard
	PLate    float64 `yaml:"p_late"`    // resolved after its deadline
	PWait    float64 `yaml:"p_wait"`    // waits for the customer's answer in between
	PReopen  float64 `yaml:"p_reopen"`  // comes back after it was resolved
	PChase   float64 `yaml:"p_chase"`   // of those that are late: the customer asks what has become of it
	PLoop    float64 `yaml:"p_loop"`    // is sent round inside the company
	PForget  float64 `yaml:"p_forget"`  // after it was resolved something is still to do, and is forgotten
	Forgets  Span    `yaml:"forgets"`   // open time until it comes to mind, well beyond the standard
}

// Promises describes promises of a callback.
type Promises struct {
	PMade   float64 `yaml:"p_made"` // when the contact did not resolve it and no case was opened
	Due     Span    `yaml:"due"`    // open time until the callback is due
	PBroken float64 `yaml:"p_broken"`
	PUntold float64 `yaml:"p_untold"` // of those kept: nobody notes that it was
}

// Complaints describes complaints.
type Complaints struct {
	PFiled      float64 `yaml:"p_filed"`  // of the customers who give up
	Ack         Span    `yaml:"ack"`      // elapsed time to the acknowledgement, within the legal days
	LateAck     Span    `yaml:"late_ack"` // elapsed time, after them
	PLateAck    float64 `yaml:"p_late_ack"`
	Answer      Span    `yaml:"answer"` // elapsed time from the acknowledgement to the answer
	LateAnswer  Span    `yaml:"late_answer"`
	PLateAnswer float64 `yaml:"p_late_answer"`
	Payment     Span    `yaml:"payment"` // elapsed time from filing to the answer where the regime is payment
	LatePayment Span    `yaml:"late_payment"`
	PEscalate   float64 `yaml:"p_escalate"` // after the answer: goes to the mediator
	PBack       float64 `yaml:"p_back"`     // after the answer: complains again
}

// Orders describes deliveries.
type Orders struct {
	Reason   string  `yaml:"reason"` // what a need becomes when the order is late
	Due      Span    `yaml:"due"`    // elapsed time from order to due date
	PLate    float64 `yaml:"p_late"` // of orders about nothing else
	Late     Span    `yaml:"late"`   // delivered so long after the due date
	Notice   Span    `yaml:"notice"` // the customer asks so long after the due date
	MaxValue int     `yaml:"max_value"`
}

// Payments describes payments.
type Payments struct {
	PRefused float64 `yaml:"p_refused"` // refused by the company's fault
	POwn     float64 `yaml:"p_own"`     // refused by the customer's own, who pays in another way
	Notice   Span    `yaml:"notice"`    // the customer asks so long after
	MaxValue int     `yaml:"max_value"`
}

// Appointments describes appointments.
type Appointments struct {
	Due     Span    `yaml:"due"`      // elapsed time until then
	PMissed float64 `yaml:"p_missed"` // by the company
	POwn    float64 `yaml:"p_own"`    // by the customer
	PSilent float64 `yaml:"p_silent"` // of those missed by the company: the customer asks nobody
	Notice  Span    `yaml:"notice"`   // the customer asks so long after
}

// Incidents describes outages.
type Incidents struct {
	PerYear  float64  `yaml:"per_year"`
	Lasts    Span     `yaml:"lasts"`
	Products []string `yaml:"products"` // one of them each
	PReport  float64  `yaml:"p_report"` // a customer who has it asks
}

// Voice describes what customers say.
type Voice struct {
	PSent       float64 `yaml:"p_sent"`   // a contact is followed by a survey
	PAnswer     float64 `yaml:"p_answer"` // that is answered
	After       Span    `yaml:"after"`    // elapsed time to the answer
	PRecover    float64 `yaml:"p_recover"`
	Recover     Span    `yaml:"recover"`      // open time until the company turns to a detractor
	SilenceH    int     `yaml:"silence_h"`    // hours after which a detractor has been met with silence
	PIncivility float64 `yaml:"p_incivility"` // of contacts that solve nothing
	PPraise     float64 `yaml:"p_praise"`     // of contacts that solve it
	PairH       int     `yaml:"pair_h"`       // hours within which two bad words are one outburst
}

// Return describes how customers come back.
type Return struct {
	Most    int     `yaml:"most"`      // contacts of one need
	PGiveUp float64 `yaml:"p_give_up"` // after each contact that resolved nothing
	After   Span    `yaml:"after"`     // elapsed time
	PSame   float64 `yaml:"p_same"`    // on the same channel
	Within  Span    `yaml:"within"`    // until To a contact is felt as one more try, and a failed attempt as its cause
	Attempt Span    `yaml:"attempt"`   // the same, of a failed attempt
	Settled Span    `yaml:"settled"`   // who has not come back by then has given up
}

// Shift is a change of the chance of one failure from a day on.
type Shift struct {
	Day    int     `yaml:"day"`    // from 0, the first
	Kind   string  `yaml:"kind"`   // of the failure
	Unit   string  `yaml:"unit"`   // of this unit only, else of all
	Reason string  `yaml:"reason"` // for this reason only, else for all
	Factor float64 `yaml:"factor"`
}

// Semblances describes what looks like a failure and is none.
type Semblances struct {
	PThanks    float64 `yaml:"p_thanks"`     // of solved contacts: the customer calls again to say thank you
	PTestOrder float64 `yaml:"p_test_order"` // of orders: never meant to be delivered
	PChoseWait float64 `yaml:"p_chose_wait"` // of calls: the customer chose to hold the line
	PMisdial   float64 `yaml:"p_misdial"`    // of visits to the web site: a call is begun and dropped at once
	PLooked    float64 `yaml:"p_looked"`     // of visits to the web site: a service form is looked at and left
	PSales     float64 `yaml:"p_sales"`      // of visits to the web site: a sales form fails and is left
	PNoted     float64 `yaml:"p_noted"`      // of resolved cases: opened again to note something
	PWaived    float64 `yaml:"p_waived"`     // of promises: the customer needs the callback no more
	PInverted  float64 `yaml:"p_inverted"`   // of answers by contented customers: took the scale the wrong way
	PHoliday   float64 `yaml:"p_holiday"`    // of cases: the customer asked to leave it until a holiday is over
}

// NoiseSettings describes the systems that send the events.
type NoiseSettings struct {
	PCopy       float64 `yaml:"p_copy"`        // an event is sent twice
	PLate       float64 `yaml:"p_late"`        // an event comes late
	Late        Span    `yaml:"late"`          // so late, and so long after the first comes a copy
	PVeryLate   float64 `yaml:"p_very_late"`   // an event comes much later
	VeryLate    Span    `yaml:"very_late"`     // less than three days with Late
	PNoReason   float64 `yaml:"p_no_reason"`   // nobody codes the reason of a contact
	PVague      float64 `yaml:"p_vague"`       // the reason of a contact is coded as unknown or other
	PNoCustomer float64 `yaml:"p_no_customer"` // nobody recognises the customer of a contact
	PNoChannel  float64 `yaml:"p_no_channel"`  // an event lacks its channel
	PNoUnit     float64 `yaml:"p_no_unit"`     // an event lacks its unit
	PPhone      float64 `yaml:"p_phone"`       // a call carries the number beside the customer number
}

// Span is a range of durations of which the short ones are more frequent; in a page `20m..7h`, or `7d` for one duration.
type Span struct{ From, To time.Duration }
