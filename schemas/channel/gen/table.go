package main

import "parcours/pipeline/event"

// activity stands for every type that product.md does not name.
const activity = "activity"

// who and caller begin the data of most examples.
const (
	who    = `"identifiers":{"customer":"C-40017"},`
	caller = `"identifiers":{"customer":"C-40017","phone":"+33600000017"},"contact":"I-5512","direction":"in","channel":"phone",` +
		`"reason":"billing.dispute","silo":"customer_service","unit":"lyon-2"`
	mail = who + `"contact":"M-918","channel":"email","reason":"delivery.late","silo":"customer_service","unit":"mail-1"`
	web  = `"identifiers":{"cookie":"k-77aa10be"},"channel":"web"`
	file = who + `"case":"CASE-884213","reason":"delivery.late","silo":"logistics","unit":"hub-east"`
)

// kinds is every type of product.md, in its order, and activity.
var kinds = []kind{
	{Type: event.ContactStarted, About: "A contact began: the customer called, wrote in a chat, came in, or was called.",
		Data: caller},
	{Type: event.ContactQueued, About: "The customer was put into a queue.", Data: caller},
	{Type: event.ContactAnswered, About: "Somebody, or a bot, answered; wait_s says after how long.",
		Fields: []string{"wait_s"}, Data: caller + `,"agent":"A-17","wait_s":95`,
		Wrong: map[string]string{"wait-negative": `"wait_s":-5`, "wait-a-string": `"wait_s":"95"`}},
	{Type: event.ContactRefused, About: "The contact was not let in: closed, busy, deflected elsewhere or cut off.",
		Fields: []string{"why"}, Data: caller + `,"why":"busy"`, Wrong: map[string]string{"unknown-why": `"why":"tired"`}},
	{Type: event.ContactAbandoned, About: "The customer gave up in the queue; wait_s says after how long.",
		Fields: []string{"wait_s"}, Data: caller + `,"wait_s":41.5`},
	{Type: event.ContactTransferred, About: "The customer was sent on to another function or unit; the contact keeps its id.",
		Fields: []string{"to_silo", "to_unit"}, Data: caller + `,"to_silo":"logistics","to_unit":"hub-east"`,
		Least: `"to_unit":"hub-east"`, Need: needsTarget},
	{Type: event.ContactEnded, About: "The contact ended; how long it took, and whether the matter is settled.",
		Fields: []string{"resolved", "wait_s", "talk_s", "hold_s", "wrap_s"},
		Data:   caller + `,"resolved":true,"wait_s":95,"talk_s":312.5,"hold_s":0,"wrap_s":40`,
		Wrong:  map[string]string{"talk-eleven-years": `"talk_s":347000000`, "resolved-a-number": `"resolved":1`}},
	{Type: event.MessageReceived, About: "The customer wrote; sent_at says when, if that is not when it was received.",
		Fields: []string{"sent_at"}, Data: mail + `,"sent_at":"2026-10-03T08:59:00+02:00"`,
		Wrong: map[string]string{"sent-at-a-number": `"sent_at":1790000000`}},
	{Type: event.MessageReplied, About: "The company answered a message.", Data: mail + `,"agent":"A-21"`},

	{Type: event.PageViewed, About: "A page was seen, with consent; the page is the activity.", Data: web + `,"activity":"help/returns"`},
	{Type: event.SearchPerformed, About: "The customer searched; what for is not taken.", Data: web},
	{Type: event.FormStarted, About: "A form was begun: of service, or of sales.",
		Fields: []string{"form", "kind"}, Data: web + `,"form":"change-of-address","kind":"service"`,
		Wrong: map[string]string{"kind-of-survey": `"kind":"relational"`}},
	{Type: event.FormFailed, About: "A form showed an error.",
		Fields: []string{"form", "kind"}, Data: web + `,"form":"change-of-address","kind":"service"`},
	{Type: event.FormSubmitted, About: "A form was sent.",
		Fields: []string{"form", "kind"}, Data: web + `,"form":"change-of-address","kind":"service"`},
	{Type: event.TransactionCompleted, About: "The customer did by themselves what they came to do.",
		Fields: []string{"value"}, Data: web + `,"product":"fibre-500","value":39.9`},
	{Type: event.BotAnswered, About: "A bot answered.",
		Fields: []string{"resolved"}, Data: who + `"contact":"B-12","channel":"bot","reason":"billing.copy","resolved":true`},
	{Type: event.BotHandedOver, About: "A bot gave the customer to a person.",
		Fields: []string{"to_silo", "to_unit"}, Data: who + `"contact":"B-12","channel":"bot","to_silo":"customer_service"`},

	{Type: event.CaseOpened, About: "A case was opened.", Data: file, Least: `"case":"CASE-884213"`, Need: needsCase},
	{Type: event.CaseWaiting, About: "The case waits for somebody.",
		Fields: []string{"on"}, Data: file + `,"on":"customer"`, Least: `"case":"CASE-884213"`, Need: needsCase,
		Wrong: map[string]string{"unknown-on": `"on":"nobody"`}},
	{Type: event.CaseResumed, About: "The case goes on after waiting.", Data: file, Least: `"case":"CASE-884213"`, Need: needsCase},
	{Type: event.CaseEscalated, About: "The case went up, inside the company.",
		Fields: []string{"to_silo", "to_unit"}, Data: file + `,"to_unit":"hub-lead"`, Least: `"case":"CASE-884213"`, Need: needsCase},
	{Type: event.CaseResolved, About: "The case is settled, as the company sees it.", Data: file, Least: `"case":"CASE-884213"`,
		Need: needsCase},
	{Type: event.CaseReopened, About: "The case came back after it was resolved.", Data: file, Least: `"case":"CASE-884213"`,
		Need: needsCase},
	{Type: event.CaseClosed, About: "The case is closed: nothing more will come.", Data: file, Least: `"case":"CASE-884213"`,
		Need: needsCase},

	{Type: event.ComplaintFiled, About: "The customer complained: the clock of the law runs from sent_at where it is known.",
		Fields: []string{"regime", "sent_at"}, Data: mail + `,"regime":"payment","sent_at":"2026-10-01T17:30:00Z"`},
	{Type: event.ComplaintAcknowledged, About: "The company said that it has the complaint, or that it needs more time (holding).",
		Fields: []string{"holding"}, Data: mail + `,"holding":true`, Wrong: map[string]string{"holding-a-string": `"holding":"yes"`}},
	{Type: event.ComplaintAnswered, About: "The company answered the complaint.", Data: mail},
	{Type: event.ComplaintEscalated, About: "The complaint went on, after its answer or without one.",
		Fields: []string{"to"}, Data: mail + `,"to":"mediator"`, Wrong: map[string]string{"unknown-to": `"to":"the press"`}},
	{Type: event.ComplaintClosed, About: "The complaint is closed.", Data: mail},

	{Type: event.PromiseMade, About: "Something was said to happen by a date.",
		Fields: []string{"promise", "due", "act"},
		Data:   caller + `,"promise":"P-77","due":"2026-10-07T18:00:00+02:00","act":"callback"`,
		Least:  `"promise":"P-77","due":"2026-10-07T16:00:00Z"`, Need: needsPromiseAndDue},
	{Type: event.PromiseKept, About: "What was promised was done.",
		Fields: []string{"promise"}, Data: caller + `,"promise":"P-77"`, Least: `"promise":"P-77"`, Need: needsPromise},

	{Type: event.OrderPlaced, About: "The customer ordered; due says by when it is to be there.",
		Fields: []string{"due", "value"}, Data: web + `,"product":"fibre-500","due":"2026-10-10T20:00:00Z","value":129`,
		Wrong: map[string]string{"due-without-offset": `"due":"2026-10-10T20:00:00"`, "value-a-string": `"value":"129 EUR"`}},
	{Type: event.OrderDelivered, About: "The order is with the customer.", Data: who + `"case":"ORDER-5","product":"fibre-500"`},
	{Type: event.PaymentFailed, About: "A payment did not go through, by the customer's fault or the company's.",
		Fields: []string{"by"}, Data: who + `"product":"fibre-500","by":"company"`,
		Wrong: map[string]string{"unknown-by": `"by":"the bank"`}},
	{Type: event.IncidentStarted, About: "A service is out: which products, in which places. One incident, however many it touches.",
		Fields: []string{"products", "places"}, Data: `"case":"INC-31","silo":"it","products":["fibre-500"],"places":["69001","69002"]`,
		Wrong: map[string]string{"products-a-string": `"products":"fibre-500"`, "empty-place": `"places":["69001",""]`}},
	{Type: event.IncidentEnded, About: "The service is back.",
		Fields: []string{"products", "places"}, Data: `"case":"INC-31","silo":"it","products":["fibre-500"]`},
	{Type: event.ServiceUsed, About: "The customer used the service.", Data: who + `"product":"fibre-500"`},
	{Type: event.AppointmentMade, About: "An appointment was made; due says for when.",
		Fields: []string{"due"}, Data: who + `"case":"CASE-884213","due":"2026-10-09T08:00:00+02:00","place":"69001"`},
	{Type: event.AppointmentMissed, About: "Somebody did not come.",
		Fields: []string{"by"}, Data: who + `"case":"CASE-884213","by":"company","silo":"operations"`},

	{Type: event.SurveySent, About: "The customer was asked: about a contact, or about the relation.",
		Fields: []string{"kind"}, Data: who + `"contact":"I-5512","kind":"transactional"`,
		Wrong: map[string]string{"kind-of-form": `"kind":"sales"`}},
	{Type: event.SurveyAnswered, About: "The customer answered a survey. Free text (verbatim) is dropped.",
		Fields: []string{"kind", "nps", "csat", "csat_scale", "ces", "ces_scale", "resolved"},
		Data:   who + `"contact":"I-5512","kind":"transactional","nps":9,"csat":8,"csat_scale":10,"ces":6,"resolved":true`,
		Least:  `"resolved":false`, Need: needsAnswer},
	{Type: event.PraiseReceived, About: "The customer said thank you.", Data: caller},
	{Type: event.IncivilityReported, About: "The customer was rude, or worse; whoever reports it is never the origin.", Data: caller},

	{Type: event.ContractStarted, About: "A contract began.", Fields: []string{"annual_margin", "captive"},
		Data:  who + `"product":"fibre-500","annual_margin":212.4,"captive":false`,
		Wrong: map[string]string{"captive-a-string": `"captive":"no"`, "margin-too-big": `"annual_margin":1e13`}},
	{Type: event.ContractRenewalDue, About: "A contract is about to end unless it is renewed; due says when.",
		Fields: []string{"due"}, Data: who + `"product":"fibre-500","due":"2026-12-31T00:00:00+01:00"`},
	{Type: event.ContractValueChanged, About: "A contract is worth more, or less, from now on.",
		Fields: []string{"value", "annual_margin"}, Data: who + `"product":"fibre-500","value":-12.5`},
	{Type: event.ContractCancelRequested, About: "The customer asked to leave.",
		Fields: []string{"cause"}, Data: caller + `,"product":"fibre-500","cause":"price"`},
	{Type: event.ContractCancelled, About: "A contract ended.", Fields: []string{"initiated_by", "cause"},
		Data:  who + `"product":"fibre-500","initiated_by":"customer","cause":"moved"`,
		Wrong: map[string]string{"unknown-initiator": `"initiated_by":"fate"`}},
	{Type: event.ContractRetained, About: "The customer stays after all.", Data: who + `"product":"fibre-500"`},
	{Type: event.PortabilityRequested, About: "The customer asked to take a number or an account elsewhere.",
		Data: who + `"product":"mobile-20"`},

	{Type: event.OutreachSent, About: "The company wrote or called of its own accord.", Data: who + `"channel":"email","direction":"out"`},
	{Type: event.OutreachAnswered, About: "The customer answered such a message: no repeat, since it was invited.",
		Data: who + `"channel":"email","direction":"in"`},

	{Type: event.CustomerConsented, About: "The customer agreed to a purpose.", Fields: []string{"to"}, Data: who + `"to":"scoring"`},
	{Type: event.CustomerObjected, About: "The customer objected to a purpose: not scored, trained on or listed.",
		Fields: []string{"to"}, Data: who + `"to":"scoring"`},
	{Type: event.CustomerErased, About: "The customer is to be forgotten. Operators only.", Data: who + `"customer":"p_9f3a77b21c04"`},

	{Type: event.StepPerformed, About: "A step of work inside the company; the activity says which.",
		Fields: []string{"activity", "wrap_s"}, Data: file + `,"activity":"check stock","wrap_s":120`},
	{Type: event.ApprovalRequested, About: "Somebody has to agree before it goes on.", Data: file},
	{Type: event.ApprovalGiven, About: "Somebody agreed.", Data: file},
	{Type: event.InformationRepeated, About: "The customer had to say it again.", Data: caller},

	{Type: event.TeamSurveyAnswered, About: "A survey of a team, without names.", Data: `"silo":"customer_service","unit":"lyon-2"`},
	{Type: event.CultureSurveyAnswered, About: "A survey of the company's culture, without names.", Data: `"silo":"it"`},
	{Type: event.ActionLaunched, About: "The company began to do something about it.", Data: `"silo":"logistics","activity":"second hub"`},
	{Type: event.ContextChanged, About: "Something outside changed: a strike, a price, a law.", Data: `"activity":"postal strike"`},

	{Type: event.LogOpened, About: "The first message of a log: its partitions and its clock mode. Operators only.",
		Fields: []string{"mode", "partitions"}, Data: `"mode":"log","partitions":16`, Least: `"mode":"wall","partitions":1`,
		Need: needsOpening},
	{Type: event.ClockModeChanged, About: "The clock mode from here on. Written by Parcours alone.",
		Fields: []string{"mode"}, Data: `"mode":"wall"`, Least: `"mode":"wall"`, Need: needsMode},
	{Type: event.ClockTicked, About: "Time went on, without any other event. Operators only."},
	{Type: event.CustomerLinked, About: "Identifiers belong to one customer. Operators only.",
		Data: `"identifiers":{"cookie":"p_1a","customer":"p_9f3a77b21c04"}`},
	{Type: event.CustomerSplit, About: "Identifiers that were linked belong to several customers. Operators only.",
		Data: `"identifiers":{"cookie":"p_1a","customer":"p_9f3a77b21c04"}`},
	{Type: event.RulesPublished, About: "A rule book (docs/rules.md) is in force from a moment on, or restates history. Operators only; every field of data is kept.",
		Data: `"effective_from":"2026-10-05T00:00:00.000Z","restates":false,"rules":"breakpoints: {repeat_contact: {within: 5d}}","version":"2f0c1d9a7b3e"`},
	{Type: event.ModelPublished, About: "A churn model scores from now on. Operators only; every field of data is kept.",
		Data: `"version":"2026-10","coefficients":[0.1,-2.5e-3]`},
	{Type: event.DayClosed, About: "All partitions have closed a day: the alerts it raised and cleared, decided once. Written by Parcours alone; every field of data is kept.",
		Data: `"day":"2026-10-02","series":120,"watched":14,"raised":[],"cleared":[{"id":"5e1d9a0c7b3f42685e1d9a0c7b3f4268","why":"usual_again"}]`},

	{Type: activity, About: "Any other type is taken as an activity, so that a log from anywhere can be imported.",
		Fields: []string{"activity"}, Data: file + `,"activity":"Take in charge ticket","kind":"service","escalation_level":3`,
		Wrong: common},
}

// common are the mistakes that any event may have in its data; example shows them once.
var common = map[string]string{
	"identifiers-a-list":  `"identifiers":["C-40017"]`,
	"identifier-a-number": `"identifiers":{"customer":40017}`,
	"identifier-empty":    `"identifiers":{"customer":""}`,
	"identifier-kind":     `"identifiers":{"Customer No":"C-40017"}`,
	"channel-a-number":    `"channel":4`,
	"channel-upper-case":  `"channel":"Phone"`,
	"unknown-direction":   `"direction":"inbound"`,
	"reason-with-space":   `"reason":"billing dispute"`,
	"reason-empty-token":  `"reason":"billing..dispute"`,
	"control-character":   `"unit":"lyon\u00072"`,
	"unit-an-object":      `"unit":{"name":"lyon-2"}`,
}
