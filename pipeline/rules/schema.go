package rules

import (
	"slices"
	"time"

	"parcours/pipeline/event"
)

// Kinds are those of breakpoints that a rule book may name.
func Kinds() []string { return slices.Clone(kinds) }

var kinds = []string{
	"core_failure", "broken_promise", "sla_breach", "stalled_case", "reopened_case", "silo_handoff", "channel_ping_pong",
	"channel_failover", "form_abandonment", "refused_contact", "queue_abandonment", "repeat_contact", "process_loop",
	"repeated_information", "long_wait", "complaint_escalation", "detractor", "unanswered_detractor", "tension", "unresolved_end",
}

// header begins every book that is printed.
const header = `The rule book of Parcours: every number and list by which it judges.
A file of your own says only what differs from this one, under the same keys; "parcours rules check FILE" says what is wrong with it.
Durations: 7d, 24h, 3m, 5s, on the clock. Working time: 1 working day, 2 opening hours, in the calendar below.
Under a rule, "except" gives other figures for a reason or reason family, a channel or a unit; of two that fit, the more precise holds: unit before full reason before family before channel.`

// schema is the document: its keys in their order. It is the one place where they are spelled.
func schema() []field {
	return []field{
		single("currency", "Of all amounts (ISO 4217).", currencies, func(b *Book) *string { return &b.Currency }),
		silosAndRates(), minutesGroup(), reasonsField(), breakpointsGroup(),
		many("precedence", "Who is charged where two kinds explain one step at the same instant: the first; kinds that are not listed come last.", kindNames,
			func(b *Book) *[]string { return &b.Precedence }),
		group("maturity", "After how long a rate may be drawn, for kinds that have no window of their own.",
			single("journeys", "Kinds out of journeys.", durations, func(b *Book) *time.Duration { return &b.Matures.Journey }),
			single("reopened_case", "After a case was resolved.", durations, func(b *Book) *time.Duration { return &b.Matures.Reopening }),
			single("complaint_escalation", "After a complaint was answered.", durations, func(b *Book) *time.Duration { return &b.Matures.Escalation })),
		notMeasuredField(), targetsField(), journeysGroup(),
		group("calendar", "When the company is open: its deadlines run then.", calendarFields(func(b *Book) *OpeningTimes { return &b.OpeningTimes })...),
		calendarsField(),
		named("units", "Units that keep another calendar.", anyText, names, func(b *Book) *map[string]string { return &b.Units }),
		segmentsField(), attributionGroup(), comparisonGroup(), alertsGroup(),
		churnGroup(), technicalGroup(),
	}
}

func silosAndRates() field {
	return group("silos", "The functions that hold customers.",
		many("list", "All of them.", siloNames, func(b *Book) *[]string { return &b.Silos }),
		single("last_resort", "Answers for a step whose silo nobody knows.", siloNames, func(b *Book) *string { return &b.Owner }),
		single("rates_are_illustrative", "Until finance has filled the rates: every amount is shown as illustrative.", yesNo,
			func(b *Book) *bool { return &b.RatesIllustrative }),
		named("hourly_rates", "What an hour of work costs, loaded; a silo without a rate costs as the one of last resort.", siloNames, amounts,
			func(b *Book) *map[string]float64 { return &b.HourlyRate }))
}

func minutesGroup() field {
	return group("minutes", "Working minutes that count where a source sends none.",
		named("by_channel", "Of a contact that ended, and of a reply.", channels, minutes,
			func(b *Book) *map[event.Channel]float64 { return &b.DefaultMinutes }),
		single("internal_step", "Of a step of work inside.", minutes, func(b *Book) *float64 { return &b.WorkMinutes }),
		single("saying_it_again", "Of an information that the customer had to repeat.", minutes, func(b *Book) *float64 { return &b.RepeatMinutes }))
}

func breakpointsGroup() field {
	return group("breakpoints", "The figures of each kind of breakpoint. A kind that is not here has none: its rule stands in docs/breakpoints.md.",
		rule("repeat_contact", "Back for the same full reason after a contact that ended.",
			figure("within", "After its end. Also how long a new case for the same full reason joins the journey before it, and a silent journey stays open.", durations, func(b *Book) *Param[time.Duration] { return &b.Repeat })),
		rule("channel_failover", "An assisted contact after a try by oneself.",
			figure("within", "After the try.", durations, func(b *Book) *Param[time.Duration] { return &b.Failover })),
		rule("channel_ping_pong", "Sent to another assisted channel and back.",
			figure("switches", "At least so many.", atLeastOne, func(b *Book) *Param[int] { return &b.Switches }),
			figure("within", "Back on another channel for the same reason, to count as sent.", durations, func(b *Book) *Param[time.Duration] { return &b.SentBack })),
		rule("long_wait", "Answered later than this.",
			figure("limit", "Of the wait for an answer.", limits, func(b *Book) *Param[time.Duration] { return &b.WaitLimit })),
		rule("queue_abandonment", "The customer gave up in the queue.",
			figure("after", "Up to here it is a short abandon, which does not count.", durations, func(b *Book) *Param[time.Duration] { return &b.ShortAbandon })),
		rule("form_abandonment", "A service form neither submitted nor resumed, with an error or a contact after it.",
			figure("within", "After its start.", durations, func(b *Book) *Param[time.Duration] { return &b.FormWithin })),
		slaGroup(),
		rule("stalled_case", "An open case without a step.",
			figure("after", "Without a step.", workTimes, func(b *Book) *Param[OpenTime] { return &b.StalledAfter })),
		rule("process_loop", "The same internal step again in one silo, beyond the normal path's loops.",
			figure("times", "At least so many.", atLeastOne, func(b *Book) *Param[int] { return &b.LoopTimes })),
		rule("repeated_information", "The customer had to say it again.",
			figure("times", "At least so many in one journey.", atLeastOne, func(b *Book) *Param[int] { return &b.RepeatedTimes })),
		rule("detractor", "A survey that says so: scores up to these.",
			figure("nps", "Of 0 to 10.", scores, func(b *Book) *Param[float64] { return &b.Detractor.NPS }),
			figure("csat", "Of 1 to 5.", scores, func(b *Book) *Param[float64] { return &b.Detractor.CSAT }),
			figure("ces", "Of 1 to 7, 7 being easiest.", scores, func(b *Book) *Param[float64] { return &b.Detractor.CES })),
		rule("unanswered_detractor", "A detractor met silence.",
			figure("within", "After the answer.", durations, func(b *Book) *Param[time.Duration] { return &b.AnswerWithin })),
		rule("tension", "Two negative signals in one journey.",
			figure("within", "Of each other.", durations, func(b *Book) *Param[time.Duration] { return &b.TensionWithin })))
}

func slaGroup() field {
	g := rule("sla_breach", "No answer when due.",
		figure("message", "From a message to its answer.", workTimes, func(b *Book) *Param[OpenTime] { return &b.SLA.Message }),
		figure("case", "From a case to its end, where its reason's normal path states no days.", workTimes, func(b *Book) *Param[OpenTime] { return &b.SLA.Case }))
	law := group("complaint", "From its first expression to anyone, by the law's calendar (Monday to Saturday, no public holiday).",
		single("acknowledged_within", "Unless it was answered before.", joursOuvr, func(b *Book) *int { return &b.SLA.ComplaintAck }),
		single("answered_within", "Of all other regimes.", months, func(b *Book) *int { return &b.SLA.ComplaintMonths }),
		single("payment_answered_within", "Of the regime payment.", joursOuvr, func(b *Book) *int { return &b.SLA.PaymentAnswer }),
		single("payment_after_holding_reply", "The same, after a holding reply.", joursOuvr, func(b *Book) *int { return &b.SLA.PaymentAfterReply }))
	return group(g.key, g.doc, append([]field{law}, g.fields...)...)
}

func journeysGroup() field {
	return group("journeys", "What joins a journey.",
		group("inactivity_gap", "Silence after which contacts of one reason family begin another journey.",
			single("default", "Of all other families.", durations, func(b *Book) *time.Duration { return &b.InactivityGap.Default }),
			named("by_reason", "Other reason families.", families, durations, func(b *Book) *map[string]time.Duration { return &b.InactivityGap.ByFamily })),
		single("contact_without_reason", "How long after a journey's last event it still joins.", durations, func(b *Book) *time.Duration { return &b.NoReason }),
		single("case_after_contact", "How long after a contact a case opened still belongs to it.", durations, func(b *Book) *time.Duration { return &b.CaseAfter }),
		single("page_view_near", "How near a form, an error or a contact must be for a page view to count.", durations, func(b *Book) *time.Duration { return &b.Visit }),
		many("containers", "Cases that are customer files and live for years: they join nothing.", anyText, func(b *Book) *[]string { return &b.Containers }))
}

func alertsGroup() field {
	return group("alerts", "When a rate that rose is told (docs/alerts.md).",
		single("shift", "The rise to be found soonest: so many times the usual rate. A smaller one is found later, or never.", shifts, func(b *Book) *float64 { return &b.Alerts.Shift }),
		single("baseline", "How many of the last days say what is usual.", durations, func(b *Book) *time.Duration { return &b.Alerts.Baseline }),
		single("at_least", "How many of these days must be there before a series is watched.", durations, func(b *Book) *time.Duration { return &b.Alerts.AtLeast }),
		single("guard", "Days before the day judged that are not yet taken for usual, since the rise may have begun on them.", durations,
			func(b *Book) *time.Duration { return &b.Alerts.Guard }),
		single("least_a_day", "Breakpoints a day that a reason family, silo, unit, channel or kind must usually have to be watched.", volumes,
			func(b *Book) *float64 { return &b.Alerts.LeastADay }),
		single("false_alarms_per_week", "Over all that is watched together: how often chance alone may look like a rise. Less is later.", alarms,
			func(b *Book) *float64 { return &b.Alerts.FalseAlarmsPerWeek }))
}

func technicalGroup() field {
	return group("technical", "What the fold needs to know; it holds for a whole generation of figures (\"parcours rebuild --rules\" changes it).",
		single("lateness", "How far behind its partition's clock an event may come and still enter journeys.", durations, func(b *Book) *time.Duration { return &b.Lateness }),
		single("held_for", "How long the steps of a settled journey are held in memory, at least.", durations, func(b *Book) *time.Duration { return &b.LeastHorizon }),
		single("most_events", "Of one customer or case in that time; one with more is no customer, and is set aside.", atLeastOne, func(b *Book) *int { return &b.MostEvents }))
}
