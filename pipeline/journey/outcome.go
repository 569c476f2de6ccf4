package journey

import (
	"slices"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// state is what a journey's steps, read in order, say about how it stands.
type state struct {
	outcome   Outcome
	basis     Basis
	endedAt   event.Instant
	knownAt   event.Instant
	next      event.Instant // the clock at which silence would end it, or an appointment pass; Never when nothing is due
	escalated bool

	obligations
	customerSaid  *event.Event // the last survey that says resolved or not
	ended         *event.Event // the last event by which somebody declared the end: a case resolved, an agent's word
	contactFailed bool         // the last contact was abandoned or refused
	unanswered    bool         // the last contact was begun and nobody has answered it
	attemptFailed bool         // the last self-service attempt failed, and no contact came after
	funnels       []string     // sales forms
	lostAt        event.Instant
}

// obligations are what the company still owes in the journey; while one is open it does not lapse.
type obligations struct {
	cases        []caseState
	complaints   []*event.Event // filed or escalated, and neither answered nor closed
	complainants []string       // customers of all complaints ever; "" for nobody in particular
	promises     []*event.Event // made, and neither kept nor performed
	messages     []*event.Event // not answered
	orders       []*event.Event // not delivered
	appointments []event.Instant
}

type caseState struct {
	id        string
	open      bool
	waitingOn string // whom its last step says that it waits on: customer, partner, company; "" for nobody in particular
}

// read folds the steps (in order, none later than the clock) into the state of a journey.
func read(steps []*event.Event, clock event.Instant, family string, book *rules.Book) state {
	s := state{next: Never}
	for _, e := range steps {
		s.step(e, book)
	}
	s.conclude(steps[len(steps)-1].At, clock, family, book)
	return s
}

// step reads one event.
func (s *state) step(e *event.Event, book *rules.Book) {
	if c := e.Data.Case; c != "" && !book.At(e.At).Container(c) {
		s.caseStep(c, e)
	}
	if len(s.promises) > 0 {
		s.performed(e)
	}
	switch event.SpecOf(e.Type).Family {
	case "contact", "message":
		s.contactStep(e)
	case "selfservice":
		s.attemptStep(e)
	case "complaint":
		s.complaintStep(e)
	case "service", "promise":
		s.owedStep(e)
	case "contract", "voice":
		s.wordStep(e)
	}
}

func (s *state) contactStep(e *event.Event) {
	s.attemptFailed = false
	switch e.Type {
	case event.ContactAbandoned, event.ContactRefused:
		s.back()
		s.contactFailed = true
	case event.ContactAnswered:
		s.back()
		s.contactFailed, s.unanswered = false, false
		s.answer(e)
	case event.ContactTransferred:
		s.contactFailed, s.unanswered = false, false
	case event.ContactEnded:
		s.contactFailed, s.unanswered, s.ended = false, false, nil
		if r := e.Data.Resolved; r != nil && *r {
			s.ended = e
		}
	case event.ContactStarted, event.ContactQueued:
		s.back()
		s.contactFailed, s.unanswered = false, true
	case event.MessageReceived:
		s.back()
		s.contactFailed, s.unanswered = false, false
		s.messages = append(s.messages, e)
	case event.MessageReplied:
		s.contactFailed, s.unanswered = false, false
		s.answer(e)
	}
}

// back: the customer is there again, and what was said of the end before no longer holds.
func (s *state) back() { s.ended, s.customerSaid = nil, nil }

// answer takes out the messages that an event answers.
func (s *state) answer(e *event.Event) {
	s.messages = slices.DeleteFunc(s.messages, func(m *event.Event) bool { return answers(m, e) })
}

// answers says whether an event answers a message of the same customer: a reply in its thread or, where one of both names no
// thread, any; or somebody who answers on an assisted channel or none.
func answers(message, e *event.Event) bool {
	a, b := &message.Data, &e.Data
	if !oneCustomer(a.Customer, b.Customer) {
		return false
	}
	if e.Type == event.MessageReplied {
		return a.Contact == b.Contact || a.Contact == "" || b.Contact == ""
	}
	return b.Channel == "" || b.Channel.Assisted()
}

func (s *state) attemptStep(e *event.Event) {
	switch e.Type {
	case event.FormStarted:
		if e.Data.Kind == "sales" { // a funnel, and no service that failed
			s.funnels = with(s.funnels, e.Data.Form)
		}
	case event.FormFailed:
		if !contains(s.funnels, e.Data.Form) {
			s.attemptFailed = true
		}
	case event.FormSubmitted, event.TransactionCompleted, event.BotAnswered:
		s.attemptFailed = false
	}
}

// caseStep: a case is open from the first work on it until it is resolved or closed, and work opens it again. A mention in a
// contact or a survey opens none; nor does an order or a complaint that carries a number, which is settled by its own events.
func (s *state) caseStep(id string, e *event.Event) {
	i := 0
	for i < len(s.cases) && s.cases[i].id != id {
		i++
	}
	if i == len(s.cases) {
		s.cases = append(s.cases, caseState{id: id})
	}
	switch {
	case e.Type == event.CaseResolved || e.Type == event.CaseClosed:
		s.cases[i].open = false
		s.ended = e
	case e.Type == event.CaseReopened || e.Type == event.CaseOpened || worksOn(e):
		s.cases[i].open = true
		s.ended = nil
		if e.Type == event.CaseReopened {
			s.customerSaid = nil
		}
	}
	switch {
	case e.Type == event.CaseWaiting:
		s.cases[i].waitingOn = e.Data.On
	case goesOn(e):
		s.cases[i].waitingOn = ""
	}
	s.escalated = s.escalated || e.Type == event.CaseEscalated
}

// goesOn says whether a step of a case ends its waiting: the company's work on it, or a message about it.
func goesOn(e *event.Event) bool { return worksOn(e) || event.SpecOf(e.Type).Family == "message" }

// worksOn says whether an event is work on a case rather than a mention of it.
func worksOn(e *event.Event) bool {
	switch event.SpecOf(e.Type).Family {
	case "work", "case", event.FamilyOther:
		return true
	}
	return false
}

func (s *state) complaintStep(e *event.Event) {
	switch e.Type {
	case event.ComplaintFiled:
		s.complain(e)
	case event.ComplaintAnswered, event.ComplaintClosed:
		s.complaints = slices.DeleteFunc(s.complaints, func(c *event.Event) bool { return sameComplaint(c, e) })
	case event.ComplaintEscalated:
		s.complain(e)
		s.escalated = true
	}
}

// complain opens a complaint. Told again by the same customer, of the same case, it is the same one.
func (s *state) complain(e *event.Event) {
	s.ended, s.complainants = nil, with(s.complainants, e.Data.Customer)
	if !slices.ContainsFunc(s.complaints, func(c *event.Event) bool { return c.Data.Customer == e.Data.Customer && c.Data.Case == e.Data.Case }) {
		s.complaints = append(s.complaints, e)
	}
}

// sameComplaint says whether an event may be about a complaint: neither is it of another customer, nor of another case.
func sameComplaint(complaint, e *event.Event) bool {
	a, b := complaint.Data.Case, e.Data.Case
	return oneCustomer(complaint.Data.Customer, e.Data.Customer) && (a == b || a == "" || b == "")
}

func (s *state) owedStep(e *event.Event) {
	switch e.Type {
	case event.PromiseMade:
		s.promised(e)
	case event.PromiseKept:
		s.promises = slices.DeleteFunc(s.promises, func(made *event.Event) bool { return made.Data.Promise == e.Data.Promise })
	case event.OrderPlaced:
		s.orders = append(s.orders, e) // two orders of one product are two
	case event.OrderDelivered:
		if i := slices.IndexFunc(s.orders, func(placed *event.Event) bool { return OfOrder(placed, e) }); i >= 0 {
			s.orders = slices.Delete(s.orders, i, i+1)
		}
	case event.AppointmentMade:
		if e.Data.Due != 0 {
			s.appointments = append(s.appointments, e.Data.Due)
		}
	case event.AppointmentMissed:
		s.appointments, s.contactFailed = nil, e.Data.By != "customer"
	}
}

// OfOrder says whether a delivery is that of an order: of its case, where both name one, else of its product.
func OfOrder(placed, delivered *event.Event) bool {
	if placed.Data.Case != "" && delivered.Data.Case != "" {
		return placed.Data.Case == delivered.Data.Case
	}
	return placed.Data.Product == delivered.Data.Product
}

func (s *state) wordStep(e *event.Event) {
	switch e.Type {
	case event.ContractCancelled:
		if by := e.Data.InitiatedBy; by == "" || by == "customer" {
			s.lostAt = e.At
		}
	case event.ContractRetained:
		s.lostAt = 0
	case event.SurveyAnswered:
		if e.Data.Resolved != nil {
			s.customerSaid = e
		}
	}
}

// conclude is rule 4 of product.md: lost, resolved by somebody's word, or lapsed by silence.
func (s *state) conclude(last, clock event.Instant, family string, book *rules.Book) {
	s.outcome = Open
	switch said := s.customerSaid; {
	case s.lostAt != 0:
		s.end(Lost, "", s.lostAt)
	case s.owes(clock):
		s.forget(last, clock, book)
	case said != nil && *said.Data.Resolved:
		s.end(Resolved, ByCustomer, said.At)
	case said == nil && s.ended != nil:
		s.end(Resolved, s.word(), s.ended.At)
	default:
		s.lapse(last, clock, family, book)
	}
}

func (s *state) end(o Outcome, b Basis, at event.Instant) {
	s.outcome, s.basis, s.endedAt, s.knownAt = o, b, at, at
}

// word says whose word the declared end is.
func (s *state) word() Basis {
	if s.ended.Type == event.ContactEnded {
		return ByAgent
	}
	return ByCase
}

// lapse ends a journey by silence, once the gap has passed in which a repeat would have reopened it.
func (s *state) lapse(last, clock event.Instant, family string, book *rules.Book) {
	silent := silentAt(last, family, book)
	if clock <= silent {
		s.next = min(s.next, silent+1)
		return
	}
	if s.contactFailed || s.unanswered || s.attemptFailed || s.customerSaid != nil {
		s.end(Unresolved, "", last)
	} else {
		s.end(Resolved, BySilence, last)
	}
	s.knownAt = silent
	for _, due := range s.appointments { // held it open until it passed
		s.knownAt = max(s.knownAt, due)
	}
}

// silentAt is when the gap has passed in which a repeat would have reopened a journey of that last step.
func silentAt(last event.Instant, family string, book *rules.Book) event.Instant {
	book = book.At(last)
	return last.Add(max(book.InactivityGap.Of(family), book.Repeat.Of(rules.Where{Reason: family})))
}

// End is one end of a journey: what it had come to when it had been silent for its gap.
type End struct {
	Outcome Outcome
	Steps   []*event.Event // until then
	At      event.Instant  // it was known, and the gap had passed since its last step: maybe ahead of the clock, where it was declared
}

// Ends lists the ends of a journey in order: those after which a case or a contact id brought it back, and the one it has now.
func (j *Journey) Ends(book *rules.Book) (list []End) {
	for i, e := range j.Steps[1:] {
		if silent := silentAt(j.Steps[i].At, j.ReasonFamily, book); silent < e.At {
			s := read(j.Steps[:i+1], e.At-1, j.ReasonFamily, book)
			if at := max(s.knownAt, silent); s.outcome != Open && at < e.At {
				list = append(list, End{s.outcome, j.Steps[:i+1], at})
			}
		}
	}
	if j.Outcome == Open {
		return list
	}
	return append(list, End{j.Outcome, j.Steps, max(j.KnownAt, silentAt(j.Last(), j.ReasonFamily, book))})
}

// forget ends a journey that still owes something when it has been silent for so long that no answer can join it any more.
// An open case keeps it open for good: a case finds its journey at any age.
func (s *state) forget(last, clock event.Instant, book *rules.Book) {
	if slices.ContainsFunc(s.cases, func(c caseState) bool { return c.open }) {
		return
	}
	forgotten := last.Add(book.Reach())
	for _, due := range s.appointments {
		forgotten = max(forgotten, due)
	}
	if clock <= forgotten {
		s.next = min(s.next, forgotten+1)
		return
	}
	s.end(Unresolved, "", last)
	s.knownAt = forgotten
}

// owes says whether anything is still open, and notes when an appointment passes.
func (s *state) owes(clock event.Instant) bool {
	for _, due := range s.appointments {
		if clock <= due {
			s.next = min(s.next, due+1)
			return true
		}
	}
	return s.owesNow()
}

// owesNow says whether anything but an appointment is open.
func (o *obligations) owesNow() bool {
	for i := range o.cases {
		if o.cases[i].open {
			return true
		}
	}
	return len(o.complaints) > 0 || len(o.promises) > 0 || len(o.messages) > 0 || len(o.orders) > 0
}

func with(list []string, s string) []string {
	if contains(list, s) {
		return list
	}
	return append(list, s)
}
