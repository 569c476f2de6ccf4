package readiness

import (
	"parcours/pipeline/event"
)

// Features is a set of what an event says besides its type, or what the events of one contact, case or customer say
// together: a bit each, by its place in FeatureNames.
type Features uint64

// The features that matter to a kind of breakpoint or to a figure.
const (
	Customer Features = 1 << iota
	Contact
	Case
	In
	Out
	Callback
	Reason     // of some family
	ReasonVoid // stated, as unknown or other
	Silo
	Unit
	Activity
	Place // a product or a place

	Phone
	Email
	Chat
	Messaging
	Store
	Post
	Social
	Field
	Web
	App
	Bot
	IVR
	FAQ
	OtherChannel

	Assisted      // an event of family contact or message on an assisted channel
	Begins        // an event of family contact or message, or bot.answered, other than message.replied
	Attempt       // a step of self-service that counts as a try
	AttemptReason // one that states its reason
	AnswerWait    // contact.answered that says how long the wait was
	EndWait       // contact.ended that does
	AbandonWait   // contact.abandoned that does
	Talked        // contact.ended after a talk of some length
	Worked        // contact.ended or message.replied that says how long the work took
	SaidResolved  // contact.ended that says whether it was resolved

	Due
	Service       // form of kind service
	Score         // survey.answered: nps, csat or ces
	Transactional // survey.answered of kind transactional, or of none and about a contact
	SurveyContact // survey.answered: the contact is named
	SurveyWord    // survey.answered: resolved or not
	Unsolved      // survey.answered: not resolved
	ByCompany     // payment.failed, appointment.missed
	WaitsOn       // case.waiting: on whom
	ToSilo        // contact.transferred
	Outside       // complaint.escalated to mediator, authority or court

	ActCallback
	ActReply
	ActDelivery
	ActResolution

	Initiator  // contract.cancelled: who ended it
	ByCustomer // contract.cancelled: the customer did, or nobody says who
	Margin     // contract.started
	SalesForm  // form.failed of a form of kind sales
	NotCome    // appointment.missed: by the customer
	InCase     // an event of the case's own work: family case, work or activity, or a reply
)

// FeatureNames are the names of the features in the order of their bits: what a reader of JSON sees, and what the adapter
// of the tables computes each by.
var FeatureNames = [...]string{
	"customer", "contact", "case", "direction_in", "direction_out", "direction_callback", "reason", "reason_unknown", "silo", "unit",
	"activity", "place", "phone", "email", "chat", "messaging", "store", "post", "social", "field", "web", "app", "bot", "ivr", "faq",
	"other_channel", "assisted", "begins_contact", "attempt", "attempt_reason", "answer_wait", "end_wait", "abandon_wait", "talked",
	"worked", "said_resolved", "due", "service_form", "score", "transactional", "survey_contact", "survey_resolved", "survey_unsolved",
	"by_company", "waiting_on", "to_silo", "outside", "act_callback", "act_reply", "act_delivery", "act_resolution", "initiated_by",
	"by_customer", "annual_margin", "sales_form", "customer_missed", "in_case",
}

// any says whether a set has one of some features, all whether it has every one of them.
func (f Features) any(of Features) bool { return f&of != 0 }
func (f Features) all(of Features) bool { return f&of == of }

// AssistedChannels are those on which a person answers.
const assistedChannels = Phone | Email | Chat | Messaging | Store | Post | Social | Field

// channelFeature is the feature of a channel; 0 for none.
func channelFeature(c event.Channel) Features {
	for i, known := range event.Channels {
		if c == known {
			return Phone << i
		}
	}
	return 0
}

// AttemptTypes are the types that are steps of a try by oneself, as channel_failover counts them.
func AttemptTypes() []string {
	return []string{event.FormStarted, event.FormFailed, event.FormSubmitted, event.SearchPerformed, event.TransactionCompleted, event.BotAnswered}
}

var (
	ofAttempts      = event.TypesOf(AttemptTypes()...)
	ofContacts      = event.TypesIn("contact")
	ofMessages      = event.TypesIn("message")
	ofCases         = event.TypesIn("case")
	ofConversations = ofContacts | ofMessages | event.TypesOf(event.BotAnswered)
	internal        = event.TypesOf(event.StepPerformed, event.ApprovalRequested, event.ApprovalGiven, event.FamilyOther)
	casework        = ofCases | internal | event.TypesOf(event.InformationRepeated, event.MessageReplied)
)

// featuresOf reads an event whose customer is named, as it stands behind the door.
func featuresOf(e *event.Event) (f Features) {
	d, set := &e.Data, func(feature Features, holds bool) {
		if holds {
			f |= feature
		}
	}
	set(Customer, d.Customer != "")
	set(Contact, d.Contact != "")
	set(Case, d.Case != "")
	set(In, d.Direction == event.In)
	set(Out, d.Direction == event.Out)
	set(Callback, d.Direction == event.Callback)
	set(Reason, event.ReasonFamily(d.Reason) != "")
	set(ReasonVoid, d.Reason != "" && event.ReasonFamily(d.Reason) == "")
	set(Silo, d.Silo != "")
	set(Unit, d.Unit != "")
	set(Activity, d.Activity != "" && d.Activity != e.Type)
	set(Place, d.Product != "" || d.Place != "" || len(d.Products) > 0 || len(d.Places) > 0)
	set(Due, d.Due != 0)
	typ := event.TypesOf(e.Type)
	return f | channelFeature(d.Channel) | interactionFeatures(e, typ, f) | detailFeatures(e)
}

// interactionFeatures are those of contacts, attempts and cases.
func interactionFeatures(e *event.Event, typ event.Types, has Features) (f Features) {
	d, set := &e.Data, func(feature Features, holds bool) {
		if holds {
			f |= feature
		}
	}
	ended := e.Type == event.ContactEnded
	set(Assisted, typ.Any(ofContacts|ofMessages) && d.Channel.Assisted())
	set(Begins, typ.Any(ofConversations) && e.Type != event.MessageReplied)
	set(Attempt, typ.Any(ofAttempts))
	set(AttemptReason, typ.Any(ofAttempts) && has.any(Reason))
	set(AnswerWait, e.Type == event.ContactAnswered && d.WaitS != nil)
	set(EndWait, ended && d.WaitS != nil)
	set(AbandonWait, e.Type == event.ContactAbandoned && d.WaitS != nil)
	set(Talked, ended && d.TalkS != nil && *d.TalkS > 0)
	set(Worked, (ended || e.Type == event.MessageReplied) && (d.TalkS != nil || d.HoldS != nil || d.WrapS != nil))
	set(SaidResolved, ended && d.Resolved != nil)
	set(InCase, has.any(Case) && typ.Any(casework))
	return f
}

// detailFeatures are those that one type or two have.
func detailFeatures(e *event.Event) (f Features) {
	d, set := &e.Data, func(feature Features, holds bool) {
		if holds {
			f |= feature
		}
	}
	switch e.Type {
	case event.FormStarted, event.FormFailed, event.FormSubmitted:
		set(Service, d.Kind == "service")
		set(SalesForm, d.Kind == "sales")
	case event.SurveyAnswered:
		set(Score, d.NPS != nil || d.CSAT != nil || d.CES != nil)
		set(Transactional, d.Kind == "transactional" || d.Kind == "" && d.Contact != "")
		set(SurveyContact, d.Contact != "")
		set(SurveyWord, d.Resolved != nil)
		set(Unsolved, d.Resolved != nil && !*d.Resolved)
	case event.PaymentFailed, event.AppointmentMissed:
		set(ByCompany, d.By == "company")
		set(NotCome, d.By == "customer" && e.Type == event.AppointmentMissed)
	case event.CaseWaiting:
		set(WaitsOn, d.On != "")
	case event.ContactTransferred:
		set(ToSilo, d.ToSilo != "")
	case event.ComplaintEscalated:
		set(Outside, d.To == "mediator" || d.To == "authority" || d.To == "court")
	case event.PromiseMade:
		set(ActCallback, d.Act == "callback")
		set(ActReply, d.Act == "reply")
		set(ActDelivery, d.Act == "delivery")
		set(ActResolution, d.Act == "resolution")
	case event.ContractCancelled:
		set(Initiator, d.InitiatedBy != "")
		set(ByCustomer, d.InitiatedBy == "" || d.InitiatedBy == "customer")
	case event.ContractStarted:
		set(Margin, d.AnnualMargin != nil)
	}
	return f
}
