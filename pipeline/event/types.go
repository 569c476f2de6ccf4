package event

import "strings"

// Type names, spelled once. All past tense; product.md says what each carries.
const (
	ContactStarted     = "contact.started"
	ContactQueued      = "contact.queued"
	ContactAnswered    = "contact.answered"
	ContactRefused     = "contact.refused"
	ContactAbandoned   = "contact.abandoned"
	ContactTransferred = "contact.transferred"
	ContactEnded       = "contact.ended"

	MessageReceived = "message.received"
	MessageReplied  = "message.replied"

	PageViewed           = "page.viewed"
	SearchPerformed      = "search.performed"
	FormStarted          = "form.started"
	FormFailed           = "form.failed"
	FormSubmitted        = "form.submitted"
	TransactionCompleted = "transaction.completed"
	BotAnswered          = "bot.answered"
	BotHandedOver        = "bot.handed_over"

	CaseOpened    = "case.opened"
	CaseWaiting   = "case.waiting"
	CaseResumed   = "case.resumed"
	CaseEscalated = "case.escalated"
	CaseResolved  = "case.resolved"
	CaseReopened  = "case.reopened"
	CaseClosed    = "case.closed"

	ComplaintFiled        = "complaint.filed"
	ComplaintAcknowledged = "complaint.acknowledged"
	ComplaintAnswered     = "complaint.answered"
	ComplaintEscalated    = "complaint.escalated"
	ComplaintClosed       = "complaint.closed"

	PromiseMade = "promise.made"
	PromiseKept = "promise.kept"

	OrderPlaced       = "order.placed"
	OrderDelivered    = "order.delivered"
	PaymentFailed     = "payment.failed"
	IncidentStarted   = "incident.started"
	IncidentEnded     = "incident.ended"
	ServiceUsed       = "service.used"
	AppointmentMade   = "appointment.made"
	AppointmentMissed = "appointment.missed"

	SurveySent         = "survey.sent"
	SurveyAnswered     = "survey.answered"
	PraiseReceived     = "praise.received"
	IncivilityReported = "incivility.reported"

	ContractStarted         = "contract.started"
	ContractRenewalDue      = "contract.renewal_due"
	ContractValueChanged    = "contract.value_changed"
	ContractCancelRequested = "contract.cancel_requested"
	ContractCancelled       = "contract.cancelled"
	ContractRetained        = "contract.retained"
	PortabilityRequested    = "portability.requested"

	OutreachSent     = "outreach.sent"
	OutreachAnswered = "outreach.answered"

	CustomerConsented = "customer.consented"
	CustomerObjected  = "customer.objected"
	CustomerErased    = "customer.erased"

	StepPerformed       = "step.performed"
	ApprovalRequested   = "approval.requested"
	ApprovalGiven       = "approval.given"
	InformationRepeated = "information.repeated"

	TeamSurveyAnswered    = "team.survey_answered"
	CultureSurveyAnswered = "culture.survey_answered"
	ActionLaunched        = "action.launched"
	ContextChanged        = "context.changed"

	// System types: refused at the door except from an operator key, never in cx.events.
	LogOpened        = "log.opened"         // the first message of a log: its partitions and its clock mode
	ClockModeChanged = "clock.mode_changed" // the clock mode from here on
	ClockTicked      = "clock.ticked"
	CustomerLinked   = "customer.linked"
	CustomerSplit    = "customer.split"
	RulesPublished   = "rules.published"
	ModelPublished   = "model.published"
)

// Role says what an event can do to journeys.
type Role uint8

// The roles.
const (
	Opens Role = iota // may begin a journey or join one
	Joins             // joins a journey by its contact, case or moment; never begins one
	Looks             // a page view or a search: a visit, unless a form, an error or a contact stands within 24 h
	Apart             // about no customer's journey: organisation, rights, incidents with a reach, system
)

// FamilySystem is the family of the types Parcours itself writes.
const FamilySystem = "system"

// FamilyOther is the family of the types product.md does not name: activities of logs from anywhere.
const FamilyOther = "other"

// Spec is what Parcours knows of a type.
type Spec struct {
	Type   string
	Family string
	Role   Role
}

// Specs lists every type of product.md, in its order. It is the one place where a type gets its family and its role.
var Specs = [...]Spec{
	{ContactStarted, "contact", Opens}, {ContactQueued, "contact", Opens}, {ContactAnswered, "contact", Opens},
	{ContactRefused, "contact", Opens}, {ContactAbandoned, "contact", Opens}, {ContactTransferred, "contact", Opens},
	{ContactEnded, "contact", Opens},
	{MessageReceived, "message", Opens}, {MessageReplied, "message", Opens},
	{PageViewed, "selfservice", Looks}, {SearchPerformed, "selfservice", Looks}, {FormStarted, "selfservice", Opens},
	{FormFailed, "selfservice", Opens}, {FormSubmitted, "selfservice", Opens}, {TransactionCompleted, "selfservice", Opens},
	{BotAnswered, "selfservice", Opens}, {BotHandedOver, "selfservice", Opens},
	{CaseOpened, "case", Opens}, {CaseWaiting, "case", Opens}, {CaseResumed, "case", Opens}, {CaseEscalated, "case", Opens},
	{CaseResolved, "case", Opens}, {CaseReopened, "case", Opens}, {CaseClosed, "case", Opens},
	{ComplaintFiled, "complaint", Opens}, {ComplaintAcknowledged, "complaint", Opens}, {ComplaintAnswered, "complaint", Opens},
	{ComplaintEscalated, "complaint", Opens}, {ComplaintClosed, "complaint", Opens},
	{PromiseMade, "promise", Joins}, {PromiseKept, "promise", Joins},
	{OrderPlaced, "service", Opens}, {OrderDelivered, "service", Opens}, {PaymentFailed, "service", Opens},
	{IncidentStarted, "service", Apart}, {IncidentEnded, "service", Apart}, {ServiceUsed, "service", Joins},
	{AppointmentMade, "service", Opens}, {AppointmentMissed, "service", Opens},
	{SurveySent, "voice", Joins}, {SurveyAnswered, "voice", Joins}, {PraiseReceived, "voice", Joins},
	{IncivilityReported, "voice", Joins},
	{ContractStarted, "contract", Joins}, {ContractRenewalDue, "contract", Joins}, {ContractValueChanged, "contract", Joins},
	{ContractCancelRequested, "contract", Opens}, {ContractCancelled, "contract", Opens}, {ContractRetained, "contract", Joins},
	{PortabilityRequested, "contract", Opens},
	{OutreachSent, "outreach", Joins}, {OutreachAnswered, "outreach", Joins},
	{CustomerConsented, "rights", Apart}, {CustomerObjected, "rights", Apart}, {CustomerErased, "rights", Apart},
	{StepPerformed, "work", Opens}, {ApprovalRequested, "work", Opens}, {ApprovalGiven, "work", Opens},
	{InformationRepeated, "work", Joins},
	{TeamSurveyAnswered, "organisation", Apart}, {CultureSurveyAnswered, "organisation", Apart},
	{ActionLaunched, "organisation", Apart}, {ContextChanged, "organisation", Apart},
	{LogOpened, FamilySystem, Apart}, {ClockModeChanged, FamilySystem, Apart}, {ClockTicked, FamilySystem, Apart},
	{CustomerLinked, FamilySystem, Apart}, {CustomerSplit, FamilySystem, Apart}, {RulesPublished, FamilySystem, Apart},
	{ModelPublished, FamilySystem, Apart},
}

// SpecOf finds a type; a type that product.md does not name is an activity of family other that opens a journey.
func SpecOf(typ string) Spec {
	if s, ok := specs[typ]; ok {
		return s
	}
	return Spec{Type: typ, Family: FamilyOther, Role: Opens}
}

var specs = func() map[string]Spec {
	m := make(map[string]Spec, len(Specs))
	for _, s := range Specs {
		m[s.Type] = s
	}
	return m
}()

// Ours says whether Parcours alone writes this type: nobody brings it to the door, not even an operator.
func Ours(typ string) bool { return typ == LogOpened || typ == ClockModeChanged }

// System says whether only Parcours and its operators may write this type.
func System(typ string) bool { return SpecOf(typ).system() }

func (s Spec) system() bool { return s.Family == FamilySystem || s.Type == CustomerErased }

// ReasonFamily is the first token of a dotted reason; "" for no reason, `unknown` and `other`, which match nothing.
func ReasonFamily(reason string) string {
	family, _, _ := strings.Cut(reason, ".")
	if family == "unknown" || family == "other" {
		return ""
	}
	return family
}
