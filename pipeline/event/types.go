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
	DayClosed        = "day.closed"   // all partitions have closed a day: which rates it found changed, told once
	ChurnScored      = "churn.scored" // what a model said of one customer on one day, told once
	DayScored        = "day.scored"   // all customers have been scored as of one midnight, once
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
	{ModelPublished, FamilySystem, Apart}, {DayClosed, FamilySystem, Apart}, {ChurnScored, FamilySystem, Apart},
	{DayScored, FamilySystem, Apart},
}

// SpecOf finds a type; a type that product.md does not name is an activity of family other that opens a journey.
func SpecOf(typ string) Spec {
	if i := specs.find(typ); i >= 0 {
		return Specs[i]
	}
	return Spec{Type: typ, Family: FamilyOther, Role: Opens}
}

// Types is a set of types. Those that no journey holds (system types, and those that product.md does not name) are one
// element together.
type Types uint64

// TypesOf gives the set of some types.
func TypesOf(types ...string) (set Types) {
	for _, typ := range types {
		set |= 1 << min(uint(specs.find(typ)), lastOfTypes)
	}
	return set
}

// TypesIn gives the set of the types of a family.
func TypesIn(family string) (set Types) {
	for i := range Specs {
		if Specs[i].Family == family {
			set |= TypesOf(Specs[i].Type)
		}
	}
	return set
}

// lastOfTypes is the element that stands for several types: Specs lists those of journeys first.
const lastOfTypes = 63

// With adds the type of an event.
func (t Types) With(e *Event) Types { return t | 1<<min(uint(specs.find(e.Type)), lastOfTypes) }

// Any says whether two sets have a type in common.
func (t Types) Any(other Types) bool { return t&other != 0 }

// specTable finds types by a hash that puts no two of them at one place: the fold asks for the type of every step again and
// again, where a map would be felt.
type specTable struct {
	factor uint32
	places [specPlaces]uint8 // number in Specs, from 1
}

const specPlaces = 1 << 10

// place mixes the length of a name with its most telling letters.
func (t *specTable) place(typ string) uint32 {
	n := len(typ)
	h := uint32(typ[0]) | uint32(typ[n/2])<<8 | uint32(typ[n-1])<<16 | uint32(typ[n-3])<<24
	return (h*t.factor + uint32(n)*0x9e3779b1) >> 22
}

// find gives the number of a type in Specs; -1 for none of them.
func (t *specTable) find(typ string) int {
	if len(typ) < 3 {
		return -1
	}
	i := int(t.places[t.place(typ)]) - 1
	if i < 0 || Specs[i].Type != typ {
		return -1
	}
	return i
}

var specs = newSpecTable()

// newSpecTable looks for a factor with which no two types meet.
func newSpecTable() *specTable {
	for factor := uint32(0x9e3779b1); ; factor += 2 {
		if t := (specTable{factor: factor}); t.fill() {
			return &t
		}
	}
}

func (t *specTable) fill() bool {
	for i := range Specs {
		place := &t.places[t.place(Specs[i].Type)]
		if *place != 0 {
			return false
		}
		*place = uint8(i + 1)
	}
	return true
}

// Ours says whether Parcours alone writes this type: nobody brings it to the door, not even an operator.
func Ours(typ string) bool {
	switch typ {
	case LogOpened, ClockModeChanged, DayClosed, ChurnScored, DayScored:
		return true
	}
	return false
}

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
