package readiness

import (
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// What to send, by the names of the needs that several kinds share.
const (
	sendContacts  = "contacts"
	sendReason    = "reason"
	sendCustomer  = "customer"
	sendChannel   = "channel"
	sendWaits     = "waits"
	sendEnds      = "ends"
	sendAnswers   = "answers"
	sendReplies   = "replies"
	sendCases     = "cases"
	sendCaseEnds  = "case_ends"
	sendSurveys   = "surveys"
	sendDurations = "durations"
	sendUnits     = "units"
	sendSilos     = "silos"
)

// advice says what to send, as an integrator is told; what is not here is the name of a type or of a field.
var advice = map[string]string{
	sendContacts:  "send the contacts of the customers (contact.started to contact.ended, message.received and message.replied, with id and direction)",
	sendReason:    "state the reason of contacts (on contact.ended or any other of their events)",
	sendCustomer:  "name the customer on every event, by the same identifier in all sources",
	sendChannel:   "state the channel",
	sendWaits:     "say how long customers waited (wait_s, or contact.queued before contact.answered)",
	sendEnds:      "send contact.ended",
	sendAnswers:   "say which contacts were answered (contact.answered, or talk_s of contact.ended)",
	sendReplies:   "send message.replied with the contact id of the message",
	sendCases:     "send the cases (case.opened and what is done on them)",
	sendCaseEnds:  "send case.resolved or case.closed",
	sendSurveys:   "send the answers to surveys (survey.answered with nps, csat or ces, and the contact asked about)",
	sendDurations: "say how long the work took (talk_s, hold_s, wrap_s)",
	sendUnits:     "name the unit on every step",
	sendSilos:     "name the silo on every step",
}

// Kinds lists what each kind of breakpoint needs, in the order of the catalogue. It follows the detectors: where the needs
// of a way are met, that detector finds opportunities and breakpoints, and where one that is not Soft is not, it finds none
// (or, without what Clears, nothing but breakpoints). A test holds every line against them.
func Kinds() []Requirement {
	return []Requirement{
		{ID: "repeat_contact", zero: true, parts: true, Ways: repeatWays(), cover: told(inboundEnded, has(Reason), has(Customer|Case)), most: contactsOf(inboundEnded)},
		{ID: "channel_failover", zero: true, Ways: failoverWays(), most: contactsOf(attempted)},
		{ID: "channel_ping_pong", Ways: pingPongWays(), most: contactsOf(assisted)},
		{ID: "silo_handoff", zero: true, Ways: handoffWays(), most: journeysAtMost},
		{ID: "long_wait", Ways: waitWays(), most: contactsOf(and(visited, hasType(event.ContactAnswered, event.ContactEnded)))},
		{ID: "refused_contact", zero: true, Ways: refusalWays(), most: contactsOf(calls)},
		{ID: "queue_abandonment", zero: true, Ways: abandonWays(), most: contactsOf(and(visited, hasType(event.ContactQueued)))},
		{ID: "form_abandonment", Ways: formWays(), most: eventsOf(Service, event.FormStarted)},
		{ID: "sla_breach", parts: true, Ways: deadlineWays(), most: eventsOf(0, event.MessageReceived, event.CaseOpened, event.CaseReopened, event.ComplaintFiled)},
		{ID: "broken_promise", Ways: promiseWays(), most: eventsOf(0, event.PromiseMade)},
		{ID: "stalled_case", Ways: stallWays(), most: func(v *view) uint64 { return countOf(v.counts.Cases, has(InCase)) }},
		{ID: "reopened_case", zero: true, Ways: reopeningWays(), most: eventsOf(0, event.CaseResolved, event.CaseClosed, event.CaseReopened)},
		{ID: "process_loop", Ways: loopWays(), most: func(v *view) uint64 {
			work := func(g Group) bool { return g.Types.Any(internal) }
			return countOf(v.counts.Cases, work) + v.counts.without(Case, internal)
		}},
		{ID: "repeated_information", zero: true, Ways: repetitionWays(), most: contactsOf(visited)},
		{ID: "core_failure", parts: true, Ways: serviceWays(), most: eventsOf(0, event.OrderPlaced, event.PaymentFailed, event.TransactionCompleted, event.AppointmentMade, event.AppointmentMissed)},
		{ID: "complaint_escalation", Ways: escalationWays(), most: eventsOf(0, event.ComplaintAnswered, event.ComplaintEscalated)},
		{ID: "detractor", Ways: detractorWays(), most: eventsOf(Score|Transactional, event.SurveyAnswered)},
		{ID: "unanswered_detractor", Ways: unansweredWays(), most: eventsOf(Score|Transactional, event.SurveyAnswered)},
		{ID: "tension", zero: true, Ways: tensionWays(), most: contactsOf(visited)},
		{ID: "unresolved_end", Ways: unresolvedWays(), most: journeysAtMost},
	}
}

// Types by the roles that they play below.
var (
	contactTypes  = typesOf("contact")
	messageTypes  = typesOf("message")
	talkTypes     = append(append(typesOf("contact"), messageTypes...), event.BotAnswered)
	caseTypes     = typesOf("case")
	caseworkTypes = append(append(typesOf("case"), rules.InternalTypes()...), event.InformationRepeated, event.MessageReplied)
	endTypes      = []string{event.CaseResolved, event.CaseClosed}
)

func typesOf(family string) (list []string) {
	for i := range event.Specs {
		if event.Specs[i].Family == family {
			list = append(list, event.Specs[i].Type)
		}
	}
	return list
}

// Ways of counting. A question is about a contact, or about what the events of a contact, a case or a customer say together.

// some counts the contacts for which all of some things hold.
func some(list ...func(Group) bool) func(*view) (uint64, uint64) {
	return func(v *view) (uint64, uint64) { return v.counts.contacts(and(list...)), 0 }
}

// told counts those of the contacts the customer made for which all of some things hold, out of all of them.
func told(list ...func(Group) bool) func(*view) (uint64, uint64) {
	return func(v *view) (uint64, uint64) {
		return v.counts.contacts(and(append(list, visited)...)), v.counts.contacts(visited)
	}
}

// of counts the contacts for which one thing holds for which another does.
func of(base, holds func(Group) bool) func(*view) (uint64, uint64) {
	return func(v *view) (uint64, uint64) { return v.counts.contacts(and(base, holds)), v.counts.contacts(base) }
}

// come counts events of some types with all of some features.
func come(f Features, types ...string) func(*view) (uint64, uint64) {
	set := event.TypesOf(types...)
	return func(v *view) (uint64, uint64) { return v.counts.events(set, f), 0 }
}

// stated counts the events of some types that have all of some features, out of all of them.
func stated(f Features, types ...string) func(*view) (uint64, uint64) {
	set := event.TypesOf(types...)
	return func(v *view) (uint64, uint64) { return v.counts.events(set, f), v.counts.events(set, 0) }
}

// meet counts the contacts, cases and customers for which all of some things hold.
func meet(list ...func(Group) bool) func(*view) (uint64, uint64) {
	return func(v *view) (uint64, uint64) { return v.counts.linked(and(list...)), 0 }
}

// cleared is meet over all sources: what one begins may be cleared by another.
func cleared(list ...func(Group) bool) func(*view) (uint64, uint64) {
	return func(v *view) (uint64, uint64) { return v.all.linked(and(list...)), 0 }
}

// contactsOf and eventsOf count what a rate is out of, at most.
func contactsOf(holds func(Group) bool) func(*view) uint64 {
	return func(v *view) uint64 { return v.counts.contacts(holds) }
}

func eventsOf(f Features, types ...string) func(*view) uint64 {
	set := event.TypesOf(types...)
	return func(v *view) uint64 { return v.counts.events(set, f) }
}

// journeysAtMost: every case, every contact of none, and every event of neither is a journey at most.
func journeysAtMost(v *view) uint64 {
	cases := countOf(v.counts.Cases, func(Group) bool { return true })
	return cases + v.counts.contacts(func(g Group) bool { return !g.Has.any(Case) }) + v.counts.without(Case|Contact, opening&^(ofConversations|ofAttempts))
}

// without counts the events of some types that have none of some features.
func (c *Counts) without(none Features, types event.Types) (n uint64) {
	for s, k := range c.Events {
		if event.TypesOf(s.Type).Any(types) && !s.Has.any(none) {
			n += k
		}
	}
	return n
}

// Needs that several kinds have.

func needVisits() Need {
	return Need{Name: sendContacts, Drop: talkTypes, have: some(visited),
		None: "No contact that the customer made: contact.started to contact.ended, or message.received, would be needed."}
}

func needCalls() Need {
	return Need{Name: sendContacts, Drop: contactTypes, have: some(calls),
		None: "No contact that the customer made: contact.started to contact.ended would be needed."}
}

// calls are contacts the customer made in which more than messages came.
func calls(g Group) bool { return g.Types.Any(ofContacts) && g.inbound() }

func needReason(base func(Group) bool) Need {
	return Need{Name: sendReason, Blank: []string{"reason"}, have: of(base, has(Reason)), carried: Reason,
		None: "No contact states a reason (unknown and other are none).", Low: "The reason is stated on %s of contacts only (unknown and other are none)."}
}

func needCustomer(base func(Group) bool) Need {
	return Need{Name: sendCustomer, Blank: []string{"identifiers", "case"}, have: of(base, has(Customer|Case)), carried: Customer | Case,
		None: "No contact names a customer or a case: each stands for itself.",
		Low:  "A customer or a case is named on %s of contacts only: the others stand for themselves."}
}

func needEnds(base func(Group) bool) Need {
	return Need{Name: sendEnds, Force: Soft, Drop: []string{event.ContactEnded}, have: of(base, hasType(event.ContactEnded)),
		None: "No contact states its end (contact.ended): the last thing known of it is taken for it.",
		Low:  "contact.ended comes on %s of contacts only: of the others the last thing known is taken for the end."}
}

// linkedStep asks that events of some types can be told to belong to something else.
func linkedStep(types []string) Need {
	set := event.TypesOf(types...)
	return Need{Name: sendCustomer, Blank: []string{"identifiers", "case", "contact"}, carried: Customer | Case | Contact,
		None: "None of it names a customer, a case or a contact: each stands for itself.",
		Low:  "%s of it names a customer, a case or a contact: the rest stands for itself.",
		have: func(v *view) (n, of uint64) {
			for s, k := range v.counts.Events {
				if event.TypesOf(s.Type).Any(set) {
					of += k
					if s.Has.any(Customer | Case | Contact) {
						n += k
					}
				}
			}
			return n, of
		}}
}

func repeatWays() []Way {
	threads := func(g Group) bool { return visited(g) && g.Types.Any(event.TypesOf(event.MessageReceived)) }
	return []Way{
		{Name: "conversations", Needs: []Need{needCalls(), needReason(calls), needCustomer(calls), needEnds(calls)}},
		{Name: "messages", Needs: []Need{
			{Name: sendContacts, Drop: []string{event.MessageReceived}, have: some(threads), None: "No message of a customer: message.received would be needed."},
			{Name: sendReplies, Drop: []string{event.MessageReplied, event.ContactAnswered, event.ContactEnded, event.ContactStarted}, have: some(threads, inboundEnded),
				None: "No message is ever answered in its thread (message.replied with the same contact): none has ended."},
			needReason(threads), needCustomer(threads),
		}},
	}
}

// inboundEnded says whether a contact the customer made has an end: a thread of messages one that was answered.
func inboundEnded(g Group) bool {
	return visited(g) && (!g.Types.Any(event.TypesOf(event.MessageReceived)) || g.Types.Any(ofContacts|event.TypesOf(event.MessageReplied)))
}

func assisted(g Group) bool { return g.inbound() && g.Has.any(Assisted) }
func attempted(g Group) bool {
	return g.Has.any(Attempt)
}

func failoverWays() []Way {
	return []Way{{Needs: []Need{
		{Name: "self-service", Drop: AttemptTypes(), have: some(attempted), None: "No self-service attempt (form.started, search.performed, transaction.completed, bot.answered)."},
		{Name: sendReason, Blank: []string{"reason"}, have: of(attempted, has(Reason)), carried: Reason, None: "No attempt states a reason.", Low: "The reason is stated on %s of attempts only."},
		{Name: sendContacts, Drop: append(contactTypes[:len(contactTypes):len(contactTypes)], messageTypes...), Blank: []string{"channel"}, With: true, have: some(assisted),
			None: "No contact the customer made on an assisted channel that is stated (phone, e-mail, chat, store ...)."},
		needReason(assisted),
		{Name: sendCustomer, Blank: []string{"identifiers", "case", "contact"}, have: meet(attempted, has(Assisted)), carried: Customer,
			None: "No customer, case or contact has both an attempt and an assisted contact: the two cannot be told to belong together."},
	}}}
}

func pingPongWays() []Way {
	twoChannels := func(g Group) bool { return g.Has.any(Assisted) && g.Has.several(assistedChannels) }
	transferred := func(g Group) bool { return assisted(g) && g.Types.Any(event.TypesOf(event.ContactTransferred)) }
	return []Way{
		{Name: "contacts one after the other", Needs: []Need{
			{Name: sendContacts, Drop: append(contactTypes[:len(contactTypes):len(contactTypes)], messageTypes...), Blank: []string{"channel"}, With: true, have: some(assisted),
				None: "No contact the customer made on an assisted channel that is stated (phone, e-mail, chat, store ...)."},
			needReason(assisted),
			{Name: sendChannel, Blank: []string{"identifiers", "case"}, have: meet(twoChannels), carried: anyChannel, None: "No customer is ever seen on two assisted channels."},
		}},
		{Name: "transfers", Needs: []Need{
			{Name: event.ContactTransferred, Drop: []string{event.ContactTransferred}, have: some(transferred), None: "contact.transferred never comes."},
			{Name: sendChannel, Blank: []string{"channel"}, have: some(transferred, twoChannels), None: "No contact that was transferred changes its channel."},
		}},
	}
}

func handoffWays() []Way {
	held := append(append(append([]string{}, contactTypes...), messageTypes...), caseTypes...)
	linked := linkedStep(held)
	return []Way{
		{Name: "the silo of each step", Needs: []Need{
			{Name: sendContacts, Drop: held, have: come(0, held...), None: "No contact, message or case."},
			{Name: sendSilos, Blank: []string{"silo"}, have: stated(Silo, held...), carried: Silo, None: "No contact, message or case names its silo.",
				Low: "The silo is named on %s of contacts, messages and cases only: moves to and from the others are not seen."},
			{Name: sendSilos, Blank: []string{"silo"}, have: func(v *view) (uint64, uint64) { return moreThanOne(v.counts.Silos), 0 }, carried: Silo, None: "Fewer than two silos are named: nobody is seen to be moved."},
			linked,
		}},
		{Name: "transfers", Needs: []Need{
			{Name: event.ContactTransferred, Drop: []string{event.ContactTransferred}, have: come(0, event.ContactTransferred), None: "contact.transferred never comes."},
			{Name: sendSilos, Blank: []string{"to_silo"}, have: stated(ToSilo, event.ContactTransferred), None: "No transfer says to which silo (to_silo).", Low: "%s of transfers say to which silo."},
			linked,
		}},
	}
}

func moreThanOne(n uint64) uint64 {
	if n > 1 {
		return n
	}
	return 0
}

func waitWays() []Way {
	answered := func(g Group) bool { return g.inbound() && g.Types.Any(event.TypesOf(event.ContactAnswered)) }
	known := func(g Group) bool {
		return g.Has.any(AnswerWait) || g.Types.Any(event.TypesOf(event.ContactQueued, event.ContactStarted))
	}
	ended := func(g Group) bool { return g.inbound() && g.Types.Any(event.TypesOf(event.ContactEnded)) }
	spoken := and(ended, func(g Group) bool { return g.Has.any(Talked) || g.Types.Any(event.TypesOf(event.ContactAnswered)) })
	onLimit := func(base func(Group) bool) Need {
		return Need{Name: sendChannel, Blank: []string{"channel"}, None: "No such contact is on a channel that has a limit (phone, chat and store have, unless the rules say otherwise).",
			have: func(v *view) (uint64, uint64) { return v.counts.contacts(and(base, has(v.limited()))), 0 }}
	}
	return []Way{
		{Name: "contact.answered", Needs: []Need{
			{Name: event.ContactAnswered, Drop: []string{event.ContactAnswered}, have: some(answered), None: "contact.answered never comes on a contact that the customer made, nor contact.ended with wait_s and talk_s."},
			{Name: sendWaits, Drop: []string{event.ContactQueued, event.ContactStarted}, Blank: []string{"wait_s"}, have: of(answered, known),
				None: "Nothing says how long the wait was (wait_s, or contact.queued or contact.started before the answer).", Low: "The wait is known of %s of answered contacts only."},
			onLimit(answered),
		}},
		{Name: "contact.ended", Needs: []Need{
			{Name: sendEnds, Drop: []string{event.ContactEnded}, have: some(ended), None: "contact.ended never comes on a contact that the customer made."},
			{Name: sendAnswers, Drop: []string{event.ContactAnswered}, Blank: []string{"talk_s"}, have: some(spoken),
				None: "Nothing says that anybody answered (talk_s of contact.ended above 0, or contact.answered)."},
			{Name: sendWaits, Blank: []string{"wait_s"}, have: of(spoken, has(EndWait)), None: "contact.ended does not say how long the wait was (wait_s).", Low: "wait_s is stated on %s of contact.ended only."},
			onLimit(spoken),
		}},
	}
}

// limited are the channels on which a wait has a limit.
func (v *view) limited() (f Features) {
	for _, c := range event.Channels {
		if v.book.WaitLimit.Of(rules.Where{Channel: c}) > 0 {
			f |= channelFeature(c)
		}
	}
	return f
}

// answerDue are the channels on which a message has a deadline.
func (v *view) answerDue() (f Features) {
	for _, c := range event.Channels {
		if v.book.SLA.Message.Of(rules.Where{Channel: c}) != (rules.OpenTime{}) {
			f |= channelFeature(c)
		}
	}
	return f
}

func refusalWays() []Way {
	return []Way{{Needs: []Need{
		needCalls(),
		{Name: event.ContactRefused, Drop: []string{event.ContactRefused}, have: some(calls, hasType(event.ContactRefused)),
			None: "contact.refused never comes: whoever found the company closed or busy left no trace."},
		{Name: sendContacts, Force: Soft, Drop: othersOf(contactTypes, event.ContactRefused), have: some(calls, func(g Group) bool {
			return g.Types&^event.TypesOf(event.ContactRefused)&ofContacts != 0
		}), None: "Only refusals come: of how many attempts, nobody knows."},
	}}}
}

func othersOf(types []string, but string) (list []string) {
	for _, t := range types {
		if t != but {
			list = append(list, t)
		}
	}
	return list
}

func abandonWays() []Way {
	abandoned := func(g Group) bool { return g.inbound() && g.Types.Any(event.TypesOf(event.ContactAbandoned)) }
	known := func(g Group) bool {
		return g.Has.any(AbandonWait) || g.Types.Any(event.TypesOf(event.ContactQueued, event.ContactStarted))
	}
	return []Way{{Needs: []Need{
		{Name: event.ContactAbandoned, Drop: []string{event.ContactAbandoned}, have: some(abandoned), None: "contact.abandoned never comes."},
		{Name: sendWaits, Drop: []string{event.ContactQueued, event.ContactStarted}, Blank: []string{"wait_s"}, have: of(abandoned, known),
			None: "Nothing says how long those who gave up had waited (wait_s, or contact.queued or contact.started before).", Low: "The wait is known of %s of abandoned contacts only."},
		{Name: event.ContactQueued, Force: Soft, Drop: []string{event.ContactQueued}, have: some(visited, hasType(event.ContactQueued)),
			None: "contact.queued never comes: every abandon would be out of itself, so there is a count and no rate."},
	}}}
}

func formWays() []Way {
	started := hasType(event.FormStarted)
	after := func(g Group) bool { return g.Types.Any(event.TypesOf(event.FormFailed)) || g.Has.any(Assisted) }
	return []Way{{Needs: []Need{
		{Name: "forms", Drop: []string{event.FormStarted}, have: come(0, event.FormStarted), None: "form.started never comes."},
		{Name: "forms", Blank: []string{"kind"}, have: stated(Service, event.FormStarted), None: "No form says that it is a service form (kind): sales forms are a funnel, and of others nobody knows."},
		{Name: event.FormSubmitted, Force: Clears, Drop: []string{event.FormSubmitted}, have: cleared(hasType(event.FormStarted), hasType(event.FormSubmitted)),
			None: nothingClears("form.submitted")},
		{Name: "form.failed", Drop: append(append([]string{event.FormFailed}, contactTypes...), messageTypes...), Blank: []string{"identifiers", "case", "contact"}, With: true, have: meet(started, after), carried: Customer,
			None: "No customer, case or contact has both a form and, with it, an error (form.failed) or an assisted contact."},
	}}}
}

// nothingClears says that a clock that begins would never stop.
func nothingClears(types string) string {
	return "Nothing would clear it: no " + types + " comes for anything that began, so all of it would seem to break sooner or later (parcours rules suggest proposes not to measure it there)."
}

func deadlineWays() []Way {
	due := func(v *view) (uint64, uint64) {
		return v.counts.contacts(func(g Group) bool {
			return g.inbound() && hasType(event.MessageReceived)(g) && g.Has.any(v.answerDue())
		}), 0
	}
	return []Way{
		{Name: "messages", Needs: []Need{
			{Name: event.MessageReceived, Drop: []string{event.MessageReceived}, Blank: []string{"channel"}, With: true, have: due, None: "Neither a message on a channel with a deadline, nor case.opened, nor complaint.filed comes."},
			{Name: sendReplies, Force: Clears, Drop: []string{event.MessageReplied, event.ContactAnswered},
				have: cleared(hasType(event.MessageReceived), hasType(event.MessageReplied, event.ContactAnswered)), None: "Messages: " + nothingClears("message.replied or contact.answered")},
		}},
		{Name: "cases", Needs: []Need{
			{Name: sendCases, Drop: []string{event.CaseOpened, event.CaseReopened}, have: come(0, event.CaseOpened, event.CaseReopened), None: "case.opened never comes, nor a message on a channel with a deadline, nor a complaint."},
			{Name: sendCaseEnds, Force: Clears, Drop: endTypes, have: cleared(has(Case), hasType(event.CaseOpened, event.CaseReopened), hasType(endTypes...)), None: "Cases: " + nothingClears("case.resolved or case.closed")},
			needWaits(),
		}},
		complaintWay(),
	}
}

// needWaits asks whether a case says on whom it waits: the clocks of a case stand still meanwhile.
func needWaits() Need {
	return Need{Name: event.CaseWaiting, Force: Soft, Drop: []string{event.CaseWaiting}, Blank: []string{"on"}, With: true,
		have: func(v *view) (uint64, uint64) {
			set := event.TypesOf(event.CaseWaiting)
			return v.all.events(set, WaitsOn), v.all.events(set, 0)
		},
		None: "No case.waiting says on whom (on): a case that waits on the customer counts as the company's.",
		Low:  "On whom a case waits is said in %s of case.waiting only."}
}

func complaintWay() Way {
	return Way{Name: "complaints", Needs: []Need{
		{Name: event.ComplaintFiled, Drop: []string{event.ComplaintFiled}, have: come(0, event.ComplaintFiled), None: "complaint.filed never comes."},
		{Name: event.ComplaintAnswered, Force: Clears, Drop: []string{event.ComplaintAnswered}, have: cleared(hasType(event.ComplaintFiled), hasType(event.ComplaintAnswered)), None: "Complaints: " + nothingClears("complaint.answered")},
		{Name: event.ComplaintAcknowledged, Force: Soft, Drop: []string{event.ComplaintAcknowledged}, have: cleared(hasType(event.ComplaintFiled), hasType(event.ComplaintAcknowledged)),
			None: "complaint.acknowledged never comes: only an answer would stop the first of the two legal clocks."},
	}}
}

func promiseWays() []Way {
	made := Need{Name: "promises", Drop: []string{event.PromiseMade}, have: come(0, event.PromiseMade), None: "promise.made never comes."}
	acts := ActCallback | ActReply | ActDelivery | ActResolution
	performed := func(g Group) bool {
		switch {
		case g.Has.any(ActCallback) && g.Has.any(Out|Callback):
		case g.Has.any(ActReply) && hasType(event.MessageReplied)(g):
		case g.Has.any(ActDelivery) && hasType(event.OrderDelivered)(g):
		case g.Has.any(ActResolution) && (hasType(endTypes...)(g) || g.Has.any(SaidResolved)):
		default:
			return false
		}
		return true
	}
	return []Way{
		{Name: "promise.kept", Needs: []Need{made,
			{Name: event.PromiseKept, Force: Clears, Drop: []string{event.PromiseKept}, have: cleared(hasType(event.PromiseMade), hasType(event.PromiseKept)),
				None: nothingClears("promise.kept, nor the act that was promised (callback, reply, delivery, resolution)")},
		}},
		{Name: "the act promised", Needs: []Need{made,
			{Name: "act", Force: Clears, Blank: []string{"act"}, have: func(v *view) (n, of uint64) {
				for s, k := range v.counts.Events {
					if s.Type == event.PromiseMade && s.Has.any(acts) {
						n += k
					}
				}
				return n, v.counts.events(event.TypesOf(event.PromiseMade), 0)
			}, None: "No promise says which act it promises (act: callback, reply, delivery, resolution).", Low: "%s of promises say which act they promise."},
			{Name: event.PromiseKept, Force: Clears, Drop: append([]string{event.MessageReplied, event.OrderDelivered, event.CaseResolved, event.CaseClosed}, contactTypes...),
				have: cleared(performed), None: nothingClears("promise.kept, nor the act that was promised (callback, reply, delivery, resolution)")},
		}},
	}
}

func stallWays() []Way {
	return []Way{{Needs: []Need{
		{Name: sendCases, Drop: caseworkTypes, Blank: []string{"case"}, With: true, have: func(v *view) (uint64, uint64) { return countOf(v.counts.Cases, has(InCase)), 0 },
			None: "No work names a case."},
		{Name: sendCaseEnds, Force: Clears, Drop: endTypes, have: func(v *view) (uint64, uint64) {
			return countOf(v.all.Cases, and(has(InCase), hasType(endTypes...))), 0
		}, None: nothingClears("case.resolved or case.closed")},
		needWaits(),
	}}}
}

func reopeningWays() []Way {
	return []Way{{Needs: []Need{
		{Name: event.CaseReopened, Drop: []string{event.CaseReopened}, have: come(0, event.CaseReopened), None: "case.reopened never comes: work after a resolution does not say by itself that the case came back."},
		{Name: sendCaseEnds, Force: Soft, Drop: endTypes, have: func(v *view) (uint64, uint64) { return v.all.events(event.TypesOf(endTypes...), 0), 0 },
			None: "No case is ever resolved or closed: every reopening would be out of itself, so there is a count and no rate."},
	}}}
}

func loopWays() []Way {
	return []Way{{Needs: []Need{
		{Name: "work", Drop: rules.InternalTypes(), have: func(v *view) (uint64, uint64) { return v.counts.events(internal, 0), 0 },
			None: "No internal step (step.performed, approvals, activities)."},
		{Name: "activity", Blank: []string{"activity"}, have: func(v *view) (uint64, uint64) { return moreThanOne(v.counts.Steps), 0 },
			None: "All internal steps have one name: state the activity."},
		linkedStep(append(rules.InternalTypes(), OtherTypes)),
	}}}
}

func repetitionWays() []Way {
	return []Way{{Needs: []Need{
		{Name: event.InformationRepeated, Drop: []string{event.InformationRepeated}, have: come(0, event.InformationRepeated), None: "information.repeated never comes."},
		linkedStep([]string{event.InformationRepeated}),
		{Name: sendContacts, Force: Soft, Drop: talkTypes, have: some(visited), None: "No contacts come: there is a count and no rate."},
	}}}
}

func serviceWays() []Way {
	return []Way{
		{Name: "orders", Needs: []Need{
			{Name: "orders", Drop: []string{event.OrderPlaced}, have: come(0, event.OrderPlaced), None: "No order with a due date, failed payment, missed appointment or incident comes."},
			{Name: "due", Blank: []string{"due"}, have: stated(Due, event.OrderPlaced), None: "No order says when it is due.", Low: "%s of orders say when they are due."},
			{Name: event.OrderDelivered, Force: Clears, Drop: []string{event.OrderDelivered}, have: cleared(hasType(event.OrderPlaced), hasType(event.OrderDelivered)), None: "Orders: " + nothingClears("order.delivered")},
		}},
		{Name: "payments", Needs: []Need{
			{Name: event.PaymentFailed, Drop: []string{event.PaymentFailed}, have: come(0, event.PaymentFailed), None: "payment.failed never comes."},
			{Name: "by", Blank: []string{"by"}, have: come(ByCompany, event.PaymentFailed), None: "No failed payment says that it was the company's fault (by)."},
			{Name: event.TransactionCompleted, Force: Soft, Drop: []string{event.TransactionCompleted}, have: come(0, event.TransactionCompleted), None: "transaction.completed never comes: of how many payments, nobody knows."},
		}},
		{Name: "appointments", Needs: []Need{
			{Name: event.AppointmentMissed, Drop: []string{event.AppointmentMissed}, have: come(0, event.AppointmentMissed), None: "appointment.missed never comes."},
			{Name: "by", Blank: []string{"by"}, have: come(ByCompany, event.AppointmentMissed), None: "No missed appointment says that it was the company's fault (by)."},
			{Name: event.AppointmentMade, Force: Soft, Drop: []string{event.AppointmentMade}, have: come(0, event.AppointmentMade), None: "appointment.made never comes: of how many appointments, nobody knows."},
		}},
		{Name: "incidents", Needs: []Need{
			{Name: event.IncidentStarted, Drop: []string{event.IncidentStarted}, have: come(0, event.IncidentStarted), None: "incident.started never comes."},
			{Name: "no rate", Force: Soft, have: func(*view) (uint64, uint64) { return 0, 0 }, None: "An incident is counted, and is out of nothing: there is no rate of it."},
		}},
	}
}

func escalationWays() []Way {
	return []Way{
		{Name: "what came back after an answer", Needs: []Need{
			{Name: event.ComplaintAnswered, Drop: []string{event.ComplaintAnswered}, have: come(0, event.ComplaintAnswered), None: "No complaint is ever answered (complaint.answered)."},
			{Name: event.ComplaintEscalated, Drop: []string{event.ComplaintEscalated, event.ComplaintFiled}, have: come(0, event.ComplaintEscalated, event.ComplaintFiled), None: "Neither complaint.escalated nor complaint.filed comes."},
			{Name: sendCustomer, Blank: []string{"identifiers", "case", "contact"}, have: cleared(hasType(event.ComplaintAnswered), hasType(event.ComplaintFiled, event.ComplaintEscalated)), carried: Customer | Case,
				None: "No answer can be told to belong to a complaint: no customer or case has both."},
		}},
		{Name: "what went outside", Needs: []Need{
			{Name: event.ComplaintEscalated, Drop: []string{event.ComplaintEscalated}, have: come(0, event.ComplaintEscalated), None: "complaint.escalated never comes."},
			{Name: "to", Blank: []string{"to"}, have: come(Outside, event.ComplaintEscalated), None: "No escalation says that it went to mediator, authority or court (to)."},
			{Name: event.ComplaintAnswered, Force: Soft, Drop: []string{event.ComplaintAnswered}, have: come(0, event.ComplaintAnswered), None: "complaint.answered never comes: there is a count and no rate."},
		}},
	}
}

// surveyNeeds are what a detractor needs.
func surveyNeeds() []Need {
	return []Need{
		{Name: sendSurveys, Drop: []string{event.SurveyAnswered}, have: come(0, event.SurveyAnswered), None: "No survey is answered (survey.answered)."},
		{Name: sendSurveys, Blank: []string{"nps", "csat", "ces"}, have: stated(Score, event.SurveyAnswered), None: "No answer gives a score (nps, csat or ces).", Low: "%s of answers give a score."},
		{Name: sendSurveys, Blank: []string{"kind", "contact"}, have: stated(Score|Transactional, event.SurveyAnswered), None: "No answer is transactional, or names the contact it is about: relational surveys say nothing of one journey.",
			Low: "%s of answers are transactional or name their contact."},
		{Name: sendCustomer, Blank: []string{"identifiers", "case", "contact"}, carried: Customer | Case, None: "No answer can be told to belong to a journey: no customer, case or contact has an answer and anything else.",
			have: func(v *view) (uint64, uint64) {
				return v.all.linked(and(hasType(event.SurveyAnswered), func(g Group) bool { return g.Types&opening != 0 })), 0
			}},
	}
}

// opening are the types that may begin a journey.
var opening = typesThat(event.Opens)

func typesThat(role event.Role) (set event.Types) {
	for i := range event.Specs {
		if event.Specs[i].Role == role {
			set |= event.TypesOf(event.Specs[i].Type)
		}
	}
	return set | event.TypesOf(OtherTypes)
}

func detractorWays() []Way { return []Way{{Needs: surveyNeeds()}} }

func unansweredWays() []Way {
	word := func(g Group) bool {
		return hasType(event.OutreachSent, event.MessageReplied)(g) || g.Has.any(Out|Callback) && g.conversation()
	}
	return []Way{{Needs: append(surveyNeeds(), Need{
		Name: event.OutreachSent, Force: Clears, Drop: append(append([]string{event.OutreachSent}, messageTypes...), contactTypes...),
		have: cleared(hasType(event.SurveyAnswered), word), None: nothingClears("outreach.sent, message.replied or contact to a customer"),
	})}}
}

func tensionWays() []Way {
	contacts := Need{Name: sendContacts, Force: Soft, Drop: talkTypes, have: some(visited), None: "No contacts come: there is a count and no rate."}
	signals := []string{event.ComplaintFiled, event.ComplaintEscalated, event.SurveyAnswered}
	return []Way{
		{Name: "incivility", Needs: []Need{
			{Name: event.IncivilityReported, Drop: []string{event.IncivilityReported}, have: come(0, event.IncivilityReported), None: "No sign of it: incivility.reported, complaints and surveys never come."},
			linkedStep([]string{event.IncivilityReported}), contacts,
		}},
		{Name: "complaints and surveys", Needs: []Need{
			{Name: event.ComplaintFiled, Drop: signals, have: come(0, signals...), None: "No complaint and no survey comes."},
			linkedStep(signals), contacts,
		}},
	}
}

func unresolvedWays() []Way {
	failed := hasType(event.ContactAbandoned, event.ContactRefused, event.ContactStarted, event.ContactQueued)
	well := []string{event.ContactAnswered, event.ContactEnded, event.ContactTransferred, event.MessageReplied}
	none := "Nothing in it would say that a journey ended unresolved: no contact that was abandoned, refused or not answered, no word of the customer, no form that failed, no message, complaint, promise or order left open."
	owed := func(name, begins, clears string) Way {
		return Way{Name: name, Needs: []Need{
			{Name: begins, Drop: []string{begins}, have: come(0, begins), None: none},
			{Name: clears, Force: Clears, Drop: []string{clears}, have: cleared(hasType(begins), hasType(clears)), None: nothingClears(clears)},
		}}
	}
	return []Way{
		{Name: "contacts", Needs: []Need{
			{Name: sendContacts, Drop: []string{event.ContactAbandoned, event.ContactRefused, event.ContactStarted, event.ContactQueued}, have: some(failed), None: none},
			{Name: event.ContactAnswered, Force: Clears, Drop: well, have: some(hasType(well...)), None: nothingClears("contact.answered or contact.ended")},
		}},
		{Name: "surveys", Needs: []Need{
			{Name: sendSurveys, Drop: []string{event.SurveyAnswered}, Blank: []string{"resolved"}, With: true, have: come(Unsolved, event.SurveyAnswered), None: none},
			surveyNeeds()[3],
		}},
		{Name: "forms", Needs: []Need{
			{Name: "form.failed", Drop: []string{event.FormFailed}, have: func(v *view) (uint64, uint64) {
				return v.counts.events(event.TypesOf(event.FormFailed), 0) - v.counts.events(event.TypesOf(event.FormFailed), SalesForm), 0
			}, None: none},
		}},
		{Name: "appointments", Needs: []Need{
			{Name: event.AppointmentMissed, Drop: []string{event.AppointmentMissed}, have: func(v *view) (uint64, uint64) {
				set := event.TypesOf(event.AppointmentMissed)
				return v.counts.events(set, 0) - v.counts.events(set, NotCome), 0
			}, None: none},
		}},
		owed("messages", event.MessageReceived, event.MessageReplied),
		owed("complaints", event.ComplaintFiled, event.ComplaintAnswered),
		owed("promises", event.PromiseMade, event.PromiseKept),
		owed("orders", event.OrderPlaced, event.OrderDelivered),
	}
}
