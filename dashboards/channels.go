package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// channels is for whoever plans the load: what comes, when, by which channel, what of it is kept, and whether today is out of the usual.
func channels(b *board) {
	b.offer("channel", "contact_load_v", "channel", "channel")
	b.offer("silo", "contact_load_v", "silo", "silo")
	b.choose("unit", "SELECT DISTINCT toString(unit) AS value, if(unit = '', "+b.text("unstated")+", toString(unit)) AS label FROM contact_load_v ORDER BY label")
	b.offer("family", "contact_load_v", "reason_family", "family")
	b.add(b.lastDay())
	b.add(b.incidents())
	b.add(b.contactsByDay())
	b.add(b.channelMix())
	b.add(b.hoursByWeekday())
	b.add(b.channelRates())
	b.add(b.waits())
	b.add(b.ratesByMonth())
}

// chosenContacts are the conditions of what viewers chose.
func chosenContacts() string {
	return within("channel", "channel") + " AND " + within("silo", "silo") + " AND " + within("unit", "unit") + " AND " + within("reason_family", "family")
}

// lastDay is the last day that is over, beside what its weekday is used to: what is unusual comes first.
func (b *board) lastDay() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("if(whole, "+b.text("house.all")+", "+b.word("channel", "channel")+")", "channel"), b.column(b.said("measure", "measure"), "measure"), b.column("n", "today"), b.column("usual", "usual"),
		b.column("ifNull(concat(toString(round(low)), "+quote(" "+b.say("house.until")+" ")+", toString(round(high))), '')", "range"),
		b.column("if(usual IS NULL, "+b.text("too_young")+", "+b.said("unusual", "unusual")+")", "verdict"), b.column(b.dated("day"), "day"),
		b.column("if(settled, '', "+b.text("unsettled")+")", "note")}
	return b.table("today", 14, 10, selected(columns, "FROM load_daily_v WHERE day = (SELECT max(day) FROM load_daily_v WHERE complete AND day <= toDate32($__toTime)) AND (whole OR "+within("channel", "channel")+
		") AND (n > 0 OR usual > 0) ORDER BY unusual = 0, measure != 'contacts', NOT whole, n DESC")).
		OverrideByName(b.heading("usual"), measured(Number, 0)).
		OverrideByName(b.heading("verdict"), mapped(map[string]string{b.say("words.unusual.1"): Bad, b.say("words.unusual.-1"): Warm}))
}

func (b *board) incidents() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("if(ended_at IS NULL, "+b.text("running")+", "+b.text("over")+")", "state"), b.column("started_at", "started"), b.column("ended_at", "ended"), b.column("arrayStringConcat(products, ', ')", "products"),
		b.column("arrayStringConcat(places, ', ')", "places"), b.column(b.word("silo", "silo"), "silo"), b.column("customers", "customers"), b.column("contacts", "contacts")}
	return b.table("incidents", 10, 10, selected(columns, "FROM incident_reach_v WHERE (ended_at IS NULL OR $__timeFilter(started_at)) AND "+within("silo", "silo")+" ORDER BY ended_at IS NOT NULL, started_at DESC LIMIT 30")).
		OverrideByName(b.heading("state"), append(mapped(map[string]string{b.say("running"): Bad}), width(90)))
}

// contactsByDay stacks the days that are over.
func (b *board) contactsByDay() cog.Builder[dashboard.Panel] {
	sql := "SELECT toDateTime(day) AS time, " + b.word("channel", "channel") + " AS channel, " + b.column("sum(contacts)", "contacts") + " FROM contact_load_v WHERE $__dateFilter(day) AND complete AND " + chosenContacts() +
		" GROUP BY day, channel ORDER BY day"
	return b.lines("volume", 14, 9, sql).DrawStyle(common.GraphDrawStyleBars).FillOpacity(80).LineWidth(0).Min(0).Decimals(0).
		Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal)).Legend(beneath())
}

// channelMix is the last complete month against the one before.
func (b *board) channelMix() cog.Builder[dashboard.Panel] {
	columns := []string{b.column(b.word("channel", "channel"), "channel"), b.column("share", "share"), b.column(b.between("low", "high"), "interval"), b.column("contacts", "contacts"),
		b.column("multiIf(change IS NULL, "+b.text("no_month_before")+", exceeds_noise, "+points("assumeNotNull(change)")+", "+b.text("steady")+")", "change"), b.column("formatDateTime(month, '%m/%Y')", "month")}
	return b.table("mix", 10, 9, selected(columns, "FROM channel_mix_v WHERE month = (SELECT max(month) FROM channel_mix_v WHERE complete AND month <= toDate32($__toTime)) AND contacts > 0 AND "+within("channel", "channel")+" ORDER BY share DESC")).
		OverrideByName(b.heading("share"), append(measured(Share, 0), width(80))).OverrideByName(b.heading("month"), []dashboard.DynamicConfigValue{width(90)})
}

// hoursByWeekday is the mean of each hour over the days of a weekday: a table, shaded.
func (b *board) hoursByWeekday() cog.Builder[dashboard.Panel] {
	columns := []string{b.column(b.said("weekday", "weekday"), "weekday")}
	for hour := range 24 {
		columns = append(columns, fmt.Sprintf("sumIf(contacts, local_hour = %[1]d) / uniqExact(day) AS `%02[1]d h`", hour))
	}
	columns = append(columns, b.column("any(time_zone)", "zone"))
	return b.table("hours", 24, 10, selected(columns, "FROM contact_load_v WHERE $__dateFilter(day) AND complete AND "+chosenContacts()+" GROUP BY contact_load_v.weekday ORDER BY contact_load_v.weekday")).
		OverrideByFieldType("number", append(graded(), decimals(1), width(62))).OverrideByName(b.heading("weekday"), []dashboard.DynamicConfigValue{width(100)})
}

// The kinds that say how channels keep what comes to them.
const channelKinds = "kind IN ('channel_failover', 'long_wait', 'queue_abandonment', 'refused_contact')"

// channelRates is the last complete month of each kind, by channel: shares kept, so that more is better everywhere.
func (b *board) channelRates() cog.Builder[dashboard.Panel] {
	columns := []string{b.column(b.said("kept", "kind"), "what"), b.column("if(whole, "+b.text("house.all")+", "+b.word("channel", "channel")+")", "channel"), b.column("kept", "share"), b.column(b.between("1 - high", "1 - low"), "interval"),
		b.column("opportunities", "n"), b.column("multiIf(change IS NULL, "+b.text("no_month_before")+", exceeds_noise, "+points("assumeNotNull(-change)")+", "+b.text("steady")+")", "change"), b.column("formatDateTime(month, '%m/%Y')", "month")}
	return b.table("rates", 14, 11, selected(columns, "FROM channel_rates_v WHERE "+channelKinds+" AND (kind, month) IN (SELECT kind, max(month) FROM channel_rates_v WHERE complete AND whole AND month <= toDate32($__toTime) GROUP BY kind) AND (whole OR "+
		within("channel", "channel")+") ORDER BY indexOf(['channel_failover', 'long_wait', 'queue_abandonment', 'refused_contact'], toString(kind)), NOT whole, opportunities DESC")).
		OverrideByName(b.heading("share"), append(measured(Share, 1), width(80))).OverrideByName(b.heading("n"), []dashboard.DynamicConfigValue{width(100)}).OverrideByName(b.heading("month"), []dashboard.DynamicConfigValue{width(90)})
}

func (b *board) waits() cog.Builder[dashboard.Panel] {
	columns := []string{b.column(b.word("channel", "channel"), "channel"), b.column("quantile(0.5)(wait_s)", "p50"), b.column("quantile(0.9)(wait_s)", "p90"), b.column("count(wait_s)", "waited"), b.column("count()", "contacts")}
	return b.table("waits", 10, 11, selected(columns, "FROM inbound_contacts_v WHERE $__timeFilter(began_at) AND "+chosenContacts()+" GROUP BY channel HAVING count(wait_s) > 0 ORDER BY count(wait_s) DESC")).
		OverrideByName(b.heading("p50"), measured(Duration, 0)).OverrideByName(b.heading("p90"), measured(Duration, 0))
}

func (b *board) ratesByMonth() cog.Builder[dashboard.Panel] {
	sql := "SELECT toDateTime(month) AS time, " + b.said("kept", "kind") + " AS what, " + b.column("kept", "share") + " FROM channel_rates_v WHERE whole AND complete AND " + channelKinds +
		" AND month >= toStartOfMonth(toDate32($__fromTime)) AND month <= toDate32($__toTime) ORDER BY month"
	return b.lines("trend", 24, 9, sql).Unit(Share).Max(1).Legend(beneath())
}
