package clickhouse

import (
	"fmt"
	"strings"

	"parcours/pipeline/churn"
)

// The content of a row in SQL: XXH64 of the canonical text that package pipeline describes, the same number as the Content
// of the row that was inserted. They are expressions over the columns of the table of that name, not of its view.
var (
	journeyContent = content(append(journeyShown, millis("key_time"))...)

	// journeyNetContent leaves the key time out: for a case it depends on which event was folded first.
	journeyNetContent = content(journeyShown...)

	stepContent = content("placement", "journey_id", decimal("step"), millis("time"), "activity", "type", "channel", "silo",
		"unit", "contact_id", "case_id", "customer_id", "reason", bits("cost"), "source", "event_id", "from_activity", "from_channel", "from_silo",
		"ifNull("+bits("delay_s")+", '')")

	breakpointContent = content("breakpoint_id", "kind", "journey_id", "customer_id", "case_id", "reason_family", "reason",
		millis("occurred_at"), millis("detected_at"), millis("opportunity_at"), decimal("origin_step"), "origin_event", "silo",
		"unit", "channel", decimal("severity"), bits("cost"), list("evidence"), "rules_version", decimal("toUInt8(witness)"),
		list("charged"))

	// What messages say of a journey and of a breakpoint, without position.
	journeyTold = content("journey_id", "customer_id", "case_id", "reason_family", "reason", millis("started_at"),
		"ifNull("+millis("ended_at")+", '')", millis("last_event_at"), "outcome", "resolution_basis", decimal("steps"), "variant",
		list("channels"), list("silos"), decimal("handoffs"), decimal("breakpoints"))
	breakpointTold = content("breakpoint_id", "kind", "journey_id", "customer_id", "case_id", "reason_family", "reason",
		millis("occurred_at"), millis("detected_at"), decimal("origin_step"), "silo", "unit", "channel", decimal("severity"), bits("cost"),
		list("evidence"), "rules_version")

	aliasContent = content("old_id", "new_id", millis("key_time"))

	alertContent = content("alert_id", "kind", "reason_family", "silo", "unit", "channel", days("raised_on"), days("since"),
		decimal("observed"), bits("expected"), bits("factor"), bits("low"), bits("high"), "where_reason_family", "where_silo", "where_unit",
		"where_channel", list("explains"), "ifNull("+days("cleared_on")+", '')", "cleared_why")

	closedDayContent = content(days("day"), decimal("series"), decimal("watched"), decimal("raised"), decimal("cleared"))

	churnSignalContent = content("signal_id", "customer_id", "kind", millis("raised_at"), "ifNull("+millis("cleared_at")+", '')", "cleared_why",
		list("evidence"), "ifNull("+bits("value")+", '')", "ifNull("+bits("value_limit")+", '')", "rules_version", "segment")
	scoreContent = content(append(append([]string{millis("as_of"), "customer_id", "model", decimal("toUInt8(prior)"), "segment", decimal("toUInt8(captive)"),
		orNothing("annual_margin")}, horizonsShown()...), orNothing("value_at_risk"), orNothing("value_at_risk_base"), orNothing("voice_risk"),
		orNothing("expected_uses"), decimal("recent_uses"), list("reasons.feature"), allBits("reasons.value"), allBits("reasons.weight"), "ended")...)

	scoredDayContent = content(millis("as_of"), "model", decimal("scored"), decimal("told"))

	modelContent = content(millis("effective_from"), "version", "document")

	eventContent = content(millis("time"), "source", "id", "type", "customer_id", "contact_id", "case_id", "channel", "reason",
		"silo", "unit", "product", "sequence")
)

var journeyShown = []string{
	"journey_id", "customer_id", "case_id", list("cases"), "reason_family", "reason", millis("started_at"),
	"ifNull(" + millis("ended_at") + ", '')", millis("last_event_at"), "outcome", "resolution_basis", decimal("toUInt8(escalated)"),
	decimal("steps"), "variant", "variant_collapsed", decimal("handoffs"), decimal("silo_handoffs"), decimal("contacts"),
	list("channels"), list("silos"), "first_unit", "last_unit", bits("cost"), decimal("breakpoints"), "cut_reason", "rules_version",
	decimals("variant_runs"), decimal("repeats"), decimal("redos"), bits("value"), bits("working_s"), bits("waiting_customer_s"),
	bits("waiting_partner_s"), bits("waiting_company_s"), bits("queue_wait_s"), bits("effort"),
	"ifNull(" + bits("sentiment") + ", '')", decimal("sentiment_signals"), list("opportunities.kind"), allMillis("opportunities.at"),
	allMillis("opportunities.matures_at"), list("opportunities.reason"), list("opportunities.silo"), list("opportunities.unit"),
	list("opportunities.channel"), flags("opportunities.broken"),
	list("opportunities.clock"), list("opportunities.rules_version"),
	allMillis("contacts_ended.at"), allMillis("contacts_ended.matures_at"), list("contacts_ended.reason"), list("contacts_ended.silo"),
	list("contacts_ended.unit"), list("contacts_ended.channel"), flags("contacts_ended.first"), flags("contacts_ended.back_same"),
	flags("contacts_ended.back_any"), flags("contacts_ended.surveyed"),
	list("arrayMap(x -> ifNull(toString(toUInt8(x)), ''), contacts_ended.resolved)"), list("contacts_ended.rules_version"),
}

// content hashes texts with a separator between them.
func content(texts ...string) string {
	return `xxHash64(concatWithSeparator('\x1f', ` + strings.Join(texts, ", ") + "))"
}

func decimal(column string) string { return "toString(" + column + ")" }

func millis(column string) string { return "toString(toUnixTimestamp64Milli(" + column + "))" }

func days(column string) string { return "toString(toInt32(" + column + "))" }

func bits(column string) string { return "toString(reinterpretAsUInt64(" + column + "))" }

func list(column string) string { return "arrayStringConcat(" + column + `, '\x1e')` }

// orNothing writes the bits of a figure, or nothing where there is none.
func orNothing(column string) string { return "ifNull(" + bits(column) + ", '')" }

func allBits(column string) string {
	return list("arrayMap(x -> toString(reinterpretAsUInt64(x)), " + column + ")")
}

// horizonsShown are the figures of each horizon.
func horizonsShown() (texts []string) {
	for _, days := range churn.Horizons {
		for _, name := range [...]string{"p", "low", "high", "base"} {
			texts = append(texts, orNothing(fmt.Sprint(name, days)))
		}
		texts = append(texts, decimal(fmt.Sprintf("toUInt8(projection%d)", days)))
	}
	return texts
}

func decimals(column string) string { return list("arrayMap(x -> toString(x), " + column + ")") }

func flags(column string) string { return list("arrayMap(x -> toString(toUInt8(x)), " + column + ")") }

func allMillis(column string) string {
	return list("arrayMap(x -> toString(toUnixTimestamp64Milli(x)), " + column + ")")
}

// rowDigest is the digest of a row from two expressions, as pipeline.RowDigest.
func rowDigest(content, position string) string {
	return "intHash64(bitXor(" + content + ", toUInt64(" + position + ")))"
}
