package readiness

import (
	"fmt"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// Figures lists what each figure other than the rates of the kinds needs, in the order in which people read them. Alerts are
// judged apart: they follow from the kinds.
func Figures() []Requirement {
	return []Requirement{
		{ID: "first_contact_resolution_reason", Title: "First-contact resolution, same full reason", Ways: resolutionWays(true),
			cover: told(inboundEnded, has(Reason), has(Customer))},
		{ID: "first_contact_resolution_any", Title: "First-contact resolution, any reason", Ways: resolutionWays(false),
			cover: told(inboundEnded, has(Customer))},
		{ID: "first_contact_resolution_survey", Title: "First-contact resolution, by survey", Ways: surveyResolutionWays(),
			cover: told(has(SurveyWord))},
		{ID: "satisfaction", Title: "Satisfaction (NPS, CSAT, CES)", Ways: satisfactionWays()},
		{ID: "cost", parts: true, Title: "Cost to serve, avoidable cost", Ways: costWays()},
		{ID: "effort", Title: "Customer effort", Ways: effortWays()},
		{ID: "waiting_working", Title: "Waiting versus working time", Ways: timeWays()},
		{ID: "paths", Title: "Paths (directly-follows, variants)", Ways: pathWays()},
		{ID: "handoffs", Title: "Hand-offs between units", Ways: unitWays()},
		{ID: "channels", Title: "Channels and load", Ways: channelWays()},
		{ID: "promises", Title: "Promises kept", Ways: promiseWays()},
		{ID: "complaint_clocks", Title: "Legal clocks of complaints", Ways: []Way{complaintWay()}},
		{ID: "churn_signals", Title: "Explicit churn signals", Ways: churnWays()},
		{ID: "associated_loss", Title: "Associated loss", Ways: lossWays()},
		{ID: "value_at_risk", Title: "Value at risk", Ways: valueWays()},
	}
}

// Dashboard is a page of figures.
type Dashboard struct {
	ID    string
	Title string
	Shows []string // kinds and figures; none: what the pipeline knows of itself
}

// Dashboards lists them in the order of product.md's readers.
func Dashboards() []Dashboard {
	var kinds []string
	for _, r := range Kinds() {
		kinds = append(kinds, r.ID)
	}
	resolution := []string{"first_contact_resolution_reason", "first_contact_resolution_any", "first_contact_resolution_survey"}
	return []Dashboard{
		{"comex", "COMEX", []string{"cost", "associated_loss", "first_contact_resolution_reason", "satisfaction", "complaint_clocks", "alerts"}},
		{"breakpoints", "Breakpoints", kinds},
		{"journeys", "Journeys", append([]string{"paths", "handoffs", "waiting_working", "effort", "unresolved_end"}, resolution...)},
		{"churn_value", "Churn and value", []string{"churn_signals", "associated_loss", "value_at_risk"}},
		{"channels_load", "Channels and load", []string{"channels", "long_wait", "queue_abandonment", "refused_contact", "channel_failover"}},
		{"complaints", "Complaints", []string{"complaint_clocks", "complaint_escalation", "tension"}},
		{"pipeline", "Pipeline", nil},
	}
}

func resolutionWays(reason bool) []Way {
	base := func(g Group) bool { return inboundEnded(g) }
	customer := Need{Name: sendCustomer, Blank: []string{"identifiers"}, have: of(base, has(Customer)), carried: Customer,
		None: "No contact names its customer: nobody can be seen to come back.", Low: "The customer is named on %s of contacts only: of the others nobody knows whether they came back."}
	needs := []Need{
		{Name: sendContacts, Drop: talkTypes, have: some(base),
			None: "No contact of a customer ever ends: contact.ended, or message.replied after message.received, would be needed."},
		customer,
	}
	if reason {
		needs = append(needs, needReason(base))
	}
	calls := and(base, hasType(contactTypes...))
	return []Way{{Needs: append(needs, Need{Name: sendEnds, Force: Soft, Drop: []string{event.ContactEnded},
		have: func(v *view) (uint64, uint64) { // threads of messages end otherwise
			n, all := v.counts.contacts(and(calls, hasType(event.ContactEnded))), v.counts.contacts(calls)
			if all == 0 {
				return 1, 0
			}
			return n, all
		},
		None: "No contact states its end (contact.ended): the last thing known of it is taken for it.",
		Low:  "contact.ended comes on %s of contacts only: of the others the last thing known is taken for the end."})}}
}

func surveyResolutionWays() []Way {
	answered := []string{event.SurveyAnswered}
	return []Way{{Needs: []Need{
		{Name: sendSurveys, Drop: answered, have: come(0, answered...), None: "No survey is answered (survey.answered)."},
		{Name: "resolved", Blank: []string{"resolved"}, have: stated(SurveyWord, answered...), None: "No answer says whether it was resolved (resolved).",
			Low: "%s of answers say whether it was resolved."},
		{Name: sendSurveys, Blank: []string{"contact"}, have: stated(SurveyWord|SurveyContact, answered...), None: "No such answer names the contact it is about.",
			Low: "%s of answers say whether the contact they name was resolved."},
		{Name: sendContacts, Drop: talkTypes, have: some(visited, has(SurveyContact)), None: "The contacts asked about do not come."},
	}}}
}

func satisfactionWays() []Way {
	return []Way{{Needs: append(surveyNeeds()[:2], Need{Name: event.SurveySent, Force: Soft, Drop: []string{event.SurveySent}, have: come(0, event.SurveySent),
		None: "survey.sent never comes: there is no response rate."})}}
}

func costWays() []Way {
	worked := []string{event.ContactEnded, event.MessageReplied}
	illustrative := Need{Name: "rates", Force: Soft, None: "The hourly rates of the rule book are illustrative, and so is every amount.",
		have: func(v *view) (uint64, uint64) {
			if v.book.RatesIllustrative {
				return 0, 0
			}
			return 1, 0
		}}
	return []Way{
		{Name: "contacts", Needs: []Need{
			{Name: sendEnds, Drop: worked, have: come(0, worked...), None: "Nothing that costs comes: contact.ended, message.replied or internal steps."},
			{Name: sendDurations, Force: Soft, Blank: []string{"talk_s", "hold_s", "wrap_s"}, have: stated(Worked, worked...),
				None: "How long the work took is not said (talk_s, hold_s, wrap_s): the minutes of the rule book count for each channel.",
				Low:  "How long the work took is said of %s of contacts and replies: for the others the minutes of the rule book count."},
			illustrative,
		}},
		{Name: "internal steps", Needs: []Need{
			{Name: "work", Drop: append(rules.InternalTypes(), event.InformationRepeated), have: func(v *view) (uint64, uint64) {
				return v.counts.events(internal|event.TypesOf(event.InformationRepeated), 0), 0
			}, None: "No internal step comes."},
			{Name: "rates", Force: Soft, have: func(*view) (uint64, uint64) { return 0, 0 }, None: "An internal step says nothing of its length: each counts the minutes of the rule book."},
			illustrative,
		}},
	}
}

func effortWays() []Way {
	return []Way{{Needs: []Need{needVisits(), needCustomer(visited),
		{Name: sendWaits, Force: Soft, Drop: []string{event.ContactQueued}, Blank: []string{"wait_s"}, have: some(visited, func(g Group) bool {
			return g.Has.any(AnswerWait|EndWait|AbandonWait) || hasType(event.ContactQueued)(g)
		}), None: "Nothing says how long customers waited: effort counts contacts, transfers and repetitions only."},
		{Name: event.ContactTransferred, Force: Soft, Drop: []string{event.ContactTransferred, event.InformationRepeated}, have: come(0, event.ContactTransferred, event.InformationRepeated),
			None: "Neither contact.transferred nor information.repeated comes: these points are never given."},
	}}}
}

func timeWays() []Way {
	begun := append(append(append([]string{}, caseTypes...), talkTypes...), event.ComplaintFiled, event.OrderPlaced)
	begun = append(begun, rules.InternalTypes()...)
	return []Way{{Needs: []Need{
		{Name: sendCases, Drop: begun, have: come(0, append(begun, OtherTypes)...), None: "No contact, case, complaint or order: nothing to wait for."},
		linkedStep(append(begun, OtherTypes)),
		needWaits(),
		{Name: sendDurations, Force: Soft, Blank: []string{"talk_s", "hold_s", "wrap_s"}, have: func(v *view) (uint64, uint64) {
			n, all := stated(Worked, event.ContactEnded, event.MessageReplied)(v)
			if all == 0 {
				return 1, 0
			}
			return n, all
		}, None: "How long the work took is not said (talk_s, hold_s, wrap_s): the minutes of the rule book count.", Low: "How long the work took is said of %s of contacts and replies."},
		{Name: "rates", Force: Soft, have: func(v *view) (uint64, uint64) {
			if v.counts.events(internal, 0) > 0 {
				return 0, 0
			}
			return 1, 0
		}, None: "An internal step says nothing of its length: each counts the minutes of the rule book."},
	}}}
}

func pathWays() []Way {
	return []Way{{Needs: []Need{
		{Name: "events", have: func(v *view) (uint64, uint64) { return v.counts.aboutCustomers(), 0 }, None: "No event of a journey."},
		{Name: "activity", Blank: []string{"activity"}, have: func(v *view) (uint64, uint64) { return moreThanOne(v.counts.activities()), 0 },
			None: "All events are of one type and name no activity: every path is that one step."},
		{Name: sendCustomer, Blank: []string{"identifiers", "case", "contact"}, None: "No event names a customer, a case or a contact: each stands for itself.",
			Low: "%s of events name a customer, a case or a contact: the rest stands for itself.",
			have: func(v *view) (uint64, uint64) {
				all := v.counts.aboutCustomers()
				return all - v.counts.alone(), all
			}},
	}}}
}

func unitWays() []Way {
	named := func(v *view) (n, of uint64) {
		for s, k := range v.counts.Events {
			if joins(s.Type) {
				if of += k; s.Has.any(Unit) {
					n += k
				}
			}
		}
		return n, of
	}
	return []Way{{Needs: []Need{
		{Name: sendUnits, Blank: []string{"unit"}, have: named, None: "No event names a unit.", Low: "The unit is named on %s of events only: changes to and from the others are not seen."},
		{Name: sendUnits, Blank: []string{"unit"}, have: func(v *view) (uint64, uint64) { return moreThanOne(v.counts.Units), 0 }, None: "Fewer than two units are named."},
		pathWays()[0].Needs[2],
	}}}
}

func channelWays() []Way {
	known := func(g Group) bool { return g.Has.any(assistedChannels | Web | App | Bot | IVR | FAQ) }
	return []Way{{Needs: []Need{needVisits(),
		{Name: sendChannel, Blank: []string{"channel"}, have: of(visited, known), None: "No contact states its channel (other is none).", Low: "The channel is stated on %s of contacts only (other is none)."},
	}}}
}

func churnWays() []Way {
	explicit := []string{event.ContractCancelRequested, event.PortabilityRequested, event.ContractRenewalDue, event.ContractValueChanged}
	return []Way{{Needs: []Need{
		{Name: "contract signals", Drop: explicit, have: come(0, explicit...), None: "No sign of leaving comes (contract.cancel_requested, portability.requested, contract.renewal_due, contract.value_changed)."},
		{Name: sendCustomer, Blank: []string{"identifiers"}, have: stated(Customer, explicit...), carried: Customer, None: "None of them names its customer.", Low: "%s of them name their customer."},
	}}}
}

// Associated loss looks 90 days back and 90 days ahead of each landmark, and says nothing of fewer losses than these.
const (
	landmarkDays = 180
	leastLosses  = 30
)

func lossWays() []Way {
	cancelled := hasType(event.ContractCancelled)
	return []Way{{Needs: []Need{
		{Name: event.ContractCancelled, Drop: []string{event.ContractCancelled}, have: come(0, event.ContractCancelled), None: "Nobody is ever said to leave (contract.cancelled)."},
		{Name: "initiated_by", have: come(ByCustomer, event.ContractCancelled), None: "No contract was ended by the customer."},
		{Name: sendCustomer, Blank: []string{"identifiers"}, have: func(v *view) (uint64, uint64) {
			return countOf(v.all.Customers, and(cancelled, func(g Group) bool { return g.conversation() })), 0
		}, carried: Customer, None: "No customer is known both by a contact and by the end of a contract."},
		{Name: "history", have: func(v *view) (uint64, uint64) { return atLeast(v.counts.historyDays(), landmarkDays), 0 },
			None: fmt.Sprintf("Less than %d days of history: it looks 90 days back and 90 days ahead.", landmarkDays)},
		{Name: "losses", Force: Soft, have: func(v *view) (uint64, uint64) {
			return atLeast(v.counts.events(event.TypesOf(event.ContractCancelled), ByCustomer), leastLosses), 0
		}, None: fmt.Sprintf("Fewer than %d customers left: too few to say.", leastLosses)},
		{Name: "initiated_by", Force: Soft, Blank: []string{"initiated_by"}, have: stated(Initiator, event.ContractCancelled), None: "Who ended a contract is not said (initiated_by): all of them count as the customer's wish.",
			Low: "Who ended it is said of %s of contracts: the others count as the customer's wish."},
		{Name: event.ContractStarted, Force: Soft, Drop: []string{event.ContractStarted}, have: come(Customer, event.ContractStarted), None: "contract.started never comes with its customer: tenure is not known."},
		{Name: sendReason, Force: Soft, Blank: []string{"reason"}, have: of(visited, has(Reason)), None: "No contact states a reason, so there is nobody to compare with.", Low: "The reason is stated on %s of contacts only."},
	}}}
}

func atLeast(n, least uint64) uint64 {
	if n < least {
		return 0
	}
	return n
}

func valueWays() []Way {
	return []Way{{Needs: []Need{
		{Name: event.ContractStarted, Drop: []string{event.ContractStarted}, have: come(0, event.ContractStarted), None: "contract.started never comes."},
		{Name: "annual_margin", Blank: []string{"annual_margin"}, have: stated(Margin, event.ContractStarted), None: "No contract says its margin (annual_margin).", Low: "%s of contracts say their margin."},
		{Name: sendCustomer, Blank: []string{"identifiers"}, have: stated(Customer, event.ContractStarted), carried: Customer, None: "No contract names its customer.", Low: "%s of contracts name their customer."},
		{Name: "contract signals", Force: Soft, Drop: []string{event.ContractCancelled}, have: func(v *view) (uint64, uint64) {
			return v.all.events(event.TypesOf(event.ContractCancelled), Customer), 0
		}, None: "Nobody is ever said to leave (contract.cancelled): there is no chance of loss to weigh the margin with."},
	}}}
}

// joins says whether events of a type can be steps of a journey.
func joins(typ string) bool { return typ == OtherTypes || event.SpecOf(typ).Role != event.Apart }

// aboutCustomers counts the events that can be steps of a journey.
func (c *Counts) aboutCustomers() (n uint64) {
	for s, k := range c.Events {
		if joins(s.Type) {
			n += k
		}
	}
	return n
}

// alone counts those that name no customer, no case and no contact.
func (c *Counts) alone() (n uint64) {
	for s, k := range c.Events {
		if joins(s.Type) && !s.Has.any(Customer|Case|Contact) {
			n += k
		}
	}
	return n
}

// activities is how many names steps have: types, and the activities of internal steps.
func (c *Counts) activities() uint64 {
	types := map[string]bool{}
	for s := range c.Events {
		if joins(s.Type) {
			types[s.Type] = true
		}
	}
	return max(uint64(len(types)), c.Steps)
}

// historyDays is the time from the first event to the last, in whole days.
func (c *Counts) historyDays() uint64 {
	if c.Total() == 0 {
		return 0
	}
	return uint64(c.Last.Sub(c.First) / (24 * time.Hour))
}
