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
	b.choose("unit", "SELECT DISTINCT "+option("unit")+" AS value, if(unit = '', "+b.text("unstated")+", toString(unit)) AS label FROM contact_load_v ORDER BY label")
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
	return b.listing("today", 14, 10, selected(columns, "FROM load_daily_v WHERE day = (SELECT max(day) FROM load_daily_v WHERE complete AND day <= toDate32($__toTime)) AND (whole OR "+within("channel", "channel")+
		") AND (n > 0 OR usual > 0) ORDER BY unusual = 0, measure != 'contacts', NOT whole, n DESC"),
		look{"channel", 120, nil}, look{"measure", 100, nil}, look{"today", 80, counted(0)}, look{"usual", 100, counted(0)}, look{"range", 100, nil}, look{"day", 105, nil},
		look{"verdict", 190, marked(map[string]string{b.say("words.unusual.1"): Bad, b.say("words.unusual.-1"): Warm})})
}

// incidents are listed with when they ended: one that runs says so.
func (b *board) incidents() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("started_at", "started"), b.column("ended_at", "ended"), b.column("arrayStringConcat(products, ', ')", "products"),
		b.column("arrayStringConcat(places, ', ')", "places"), b.column(b.word("silo", "silo"), "silo"), b.column("customers", "customers"), b.column("contacts", "contacts")}
	running := property("mappings", []map[string]any{{"type": "special", "options": map[string]any{"match": "null", "result": map[string]any{"text": b.say("running"), "color": Bad, "index": 0}}}})
	return b.listing("incidents", 10, 10, selected(columns, "FROM incident_reach_v WHERE (ended_at IS NULL OR $__timeFilter(started_at)) AND "+within("silo", "silo")+" ORDER BY ended_at IS NOT NULL, started_at DESC LIMIT 30"),
		look{"started", 135, b.moment()}, look{"products", 95, nil}, look{"places", 110, nil}, look{"ended", 135, append(b.moment(), property("custom.cellOptions", map[string]any{"type": "color-text"}), colourOf("text"), running)},
		look{"silo", 115, nil}, look{"customers", 80, nil}, look{"contacts", 90, nil})
}

// ofChannel is the colour of a channel, by its word. Those that few use share one: no more colours can be told apart.
func (b *board) ofChannel() map[string]string {
	colours := map[string]string{}
	for code, name := range b.texts.Names("channel") {
		colours[name] = Quiet
		if colour, is := map[string]string{"phone": Plain, "chat": Light, "email": Warm, "store": Pink}[code]; is {
			colours[name] = colour
		}
	}
	return colours
}

// contactsByDay stacks the days that are over.
func (b *board) contactsByDay() cog.Builder[dashboard.Panel] {
	sql := "SELECT toDateTime(day) AS time, " + b.word("channel", "channel") + " AS channel, " + b.column("sum(contacts)", "contacts") + " FROM contact_load_v WHERE $__dateFilter(day) AND complete AND " + chosenContacts() +
		" GROUP BY day, channel ORDER BY day"
	p := b.lines("volume", 14, 9, sql).DrawStyle(common.GraphDrawStyleBars).FillOpacity(80).LineWidth(0).Min(0).Decimals(0).
		Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal)).Legend(beneath())
	return b.called(b.days(p), "contacts", b.ofChannel())
}

// channelMix is the last complete month against the one before.
func (b *board) channelMix() cog.Builder[dashboard.Panel] {
	columns := []string{b.column(b.word("channel", "channel"), "channel"), b.column(hundredth("share"), "share"), b.column(b.between("low", "high"), "interval"), b.column("contacts", "contacts"),
		b.column("multiIf(change IS NULL, "+b.text("no_month_before")+", exceeds_noise, "+points("assumeNotNull(change)")+", "+b.text("steady")+")", "change"), b.column("formatDateTime(month, '%m/%Y')", "month")}
	return b.listing("mix", 10, 9, selected(columns, "FROM channel_mix_v WHERE month = (SELECT max(month) FROM channel_mix_v WHERE complete AND month <= toDate32($__toTime)) AND contacts > 0 AND "+within("channel", "channel")+" ORDER BY channel_mix_v.share DESC"),
		look{"share", 75, b.percent(0)}, look{"interval", 110, nil}, look{"contacts", 95, counted(0)}, look{"change", 180, nil}, look{"month", 90, nil})
}

// hoursByWeekday is the mean of each hour over the days of a weekday, those without a contact too: a table, shaded.
func (b *board) hoursByWeekday() cog.Builder[dashboard.Panel] {
	columns := []string{b.column(b.said("weekday", "weekday"), "weekday")}
	for hour := range 24 {
		columns = append(columns, fmt.Sprintf("sumIf(contacts, local_hour = %[1]d) / sum(days) AS `%02[1]d h`", hour))
	}
	columns = append(columns, b.column("any(time_zone)", "zone"))
	sql := selected(columns, "FROM hourly_load_v WHERE $__dateFilter(day) AND (days > 0 OR "+chosenContacts()+") GROUP BY hourly_load_v.weekday ORDER BY hourly_load_v.weekday")
	return b.listing("hours", 24, 10, sql, look{"weekday", 100, nil}).OverrideByFieldType("number", append(graded(), append(counted(1), width(67))...))
}

// The kinds that say how channels keep what comes to them.
const channelKinds = "kind IN ('channel_failover', 'long_wait', 'queue_abandonment', 'refused_contact')"

// channelRates is the last complete month of each kind, by channel: shares kept, so that more is better everywhere.
func (b *board) channelRates() cog.Builder[dashboard.Panel] {
	columns := []string{b.column(b.said("kept", "kind"), "what"), b.column("if(whole, "+b.text("house.all")+", "+b.word("channel", "channel")+")", "channel"), b.column(hundredth("kept"), "share"), b.column(b.between("1 - high", "1 - low"), "interval"),
		b.column("opportunities", "n"), b.column("multiIf(change IS NULL, "+b.text("no_month_before")+", exceeds_noise, "+points("assumeNotNull(-change)")+", "+b.text("steady")+")", "change"), b.column("formatDateTime(month, '%m/%Y')", "month")}
	return b.listing("rates", 14, 11, selected(columns, "FROM channel_rates_v WHERE "+channelKinds+" AND (kind, month) IN (SELECT kind, max(month) FROM channel_rates_v WHERE complete AND whole AND month <= toDate32($__toTime) GROUP BY kind) AND (whole OR "+
		within("channel", "channel")+") ORDER BY indexOf(['channel_failover', 'long_wait', 'queue_abandonment', 'refused_contact'], toString(kind)), NOT whole, opportunities DESC"),
		look{"channel", 130, nil}, look{"share", 90, b.percent(1)}, look{"interval", 120, nil}, look{"n", 110, counted(0)}, look{"change", 180, nil}, look{"month", 90, nil})
}

func (b *board) waits() cog.Builder[dashboard.Panel] {
	columns := []string{b.column(b.word("channel", "channel"), "channel"), b.column(b.lasting("quantile(0.5)(wait_s)"), "p50"), b.column(b.lasting("quantile(0.9)(wait_s)"), "p90"), b.column("count(wait_s)", "waited"), b.column("count()", "contacts")}
	return b.listing("waits", 10, 11, selected(columns, "FROM inbound_contacts_v WHERE $__timeFilter(began_at) AND "+chosenContacts()+" GROUP BY channel HAVING count(wait_s) > 0 ORDER BY count(wait_s) DESC"),
		look{"p50", 110, right()}, look{"p90", 150, right()}, look{"waited", 160, counted(0)}, look{"contacts", 110, counted(0)})
}

// ratesByMonth has a group of bars a month: there are few points, and a day of the month would mean nothing.
func (b *board) ratesByMonth() cog.Builder[dashboard.Panel] {
	columns, colours := []string{b.column("formatDateTime(channel_rates_v.month, '%m/%Y')", "month")}, map[string]string{"channel_failover": Plain, "long_wait": Light, "queue_abandonment": Warm, "refused_contact": Pink}
	for _, kind := range inOrder(colours) {
		columns = append(columns, "anyIf("+hundredth("kept")+", kind = '"+kind+"') AS `"+b.say("words.kept."+kind)+"`")
	}
	p := slim(b.bars("trend", 24, 9, selected(columns, "FROM channel_rates_v WHERE whole AND complete AND "+channelKinds+
		" AND month >= toStartOfMonth(toDate32($__fromTime)) AND month <= toDate32($__toTime) GROUP BY channel_rates_v.month ORDER BY channel_rates_v.month"))).
		Orientation(common.VizOrientationVertical).Unit(b.say("house.units.percent")).Decimals(0).Min(0).Max(110).Legend(beneath())
	for _, kind := range inOrder(colours) {
		p = p.OverrideByName(b.say("words.kept."+kind), []dashboard.DynamicConfigValue{colourOf(colours[kind])})
	}
	return p
}
