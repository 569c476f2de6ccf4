package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// complaints is for whoever answers for them: is the law kept, what is due now, who comes back, and what came before.
func complaints(b *board) {
	b.offer("segment", "complaints_v", "segment", "segment")
	b.offer("family", "complaints_v", "reason_family", "family")
	b.offer("silo", "complaints_v", "silo", "silo")
	b.offer("channel", "complaints_v", "channel", "channel")
	b.add(b.clockFigure("acknowledged", "acknowledgement"))
	b.add(b.clockFigure("answered", "answer"))
	b.complaintCounts()
	b.add(b.openComplaints())
	b.add(b.clocksByMonth())
	b.add(b.clocksByCell())
	b.add(b.complaintReasons())
	b.add(b.beforeComplaints())
	b.add(b.escalations())
	b.add(b.complaintVolume())
	b.add(b.openByAge())
	b.add(b.unseenComplaints())
}

// chosenComplaints are the conditions of what viewers chose.
func chosenComplaints() string {
	return within("segment", "segment") + " AND " + within("reason_family", "family") + " AND " + within("silo", "silo") + " AND " + within("channel", "channel")
}

// filedInPeriod are the complaints of the period.
func filedInPeriod() string {
	return "FROM complaints_v WHERE $__timeFilter(filed_at) AND " + chosenComplaints()
}

// lastComplete is the last month of each clock that is complete, within the period.
const lastComplete = "(clock, month) IN (SELECT clock, max(month) FROM complaint_clocks_v WHERE complete AND by = 'all' AND month <= toDate32($__toTime) GROUP BY clock)"

// clockFigure is the share in time of the last complete month, with how sure it is.
func (b *board) clockFigure(key, clock string) cog.Builder[dashboard.Panel] {
	sql := "SELECT concat(" + percent("share") + ", '  (', " + b.between("low", "high") + ", ', n = ', toString(complaints), ', ', formatDateTime(month, '%m/%Y'), ')') AS said FROM complaint_clocks_v WHERE by = 'all' AND clock = '" + clock + "' AND " + lastComplete
	return b.stat(key, 8, 4, sql).Text(common.NewVizTextDisplayOptionsBuilder().ValueSize(26))
}

// complaintCounts are what is open now, and what came in the period.
func (b *board) complaintCounts() {
	for _, f := range []struct{ key, sql string }{
		{"open", "SELECT count() AS value FROM complaints_v WHERE open AND " + chosenComplaints()},
		{"overdue", "SELECT countIf(due_in_days < 0) AS value FROM complaints_v WHERE open AND " + chosenComplaints()},
	} {
		p := b.stat(f.key, 4, 4, f.sql)
		if f.key == "overdue" {
			p = p.ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdThresholds)).Thresholds(limits(Plain, from(1, Bad)))
		}
		b.add(p)
	}
}

// openComplaints are listed by what is due next: the overdue first.
func (b *board) openComplaints() cog.Builder[dashboard.Panel] {
	columns := []string{
		b.column("toInt32(floor(due_in_days))", "days_left"), b.column("if(next_due IS NULL, "+b.text("unmeasured")+", concat("+b.said("clock", "next_clock")+", ' ', "+b.dated("assumeNotNull(next_due)")+"))", "due"),
		b.column("toInt32(floor(open_days))", "age"), b.column(b.word("family", "reason_family"), "family"), b.column(b.word("silo", "silo"), "silo"), b.column(b.said("regime", "regime"), "regime"),
		b.column(b.word("segment", "segment"), "segment"), b.column(b.word("channel", "channel"), "channel"), b.column("customer_before", "customer_before"),
		b.column("arrayStringConcat(arrayMap(x -> "+b.said("target", "x")+", escalated_to), ', ')", "escalated"), b.column(b.listed("kind", "before"), "before"),
		"journey_id AS journey, toString(toUnixTimestamp64Milli(filed_at) - 7776000000) AS begins, toString(toUnixTimestamp64Milli(filed_at) + 7776000000) AS ends",
	}
	p := b.table("list", 24, 9, selected(columns, "FROM complaints_v WHERE open AND "+chosenComplaints()+" ORDER BY due_in_days IS NULL, due_in_days, open_days DESC LIMIT 200")).
		OverrideByName(b.heading("days_left"), append(painted(Bad, from(0, Warm), from(7, Plain)), width(110))).
		OverrideByName(b.heading("family"), []dashboard.DynamicConfigValue{leads(b.say("read"), "/d/"+UID(b.texts.Language(), "journey")+`?var-journey=${__data.fields["journey"]}&from=${__data.fields["begins"]}&to=${__data.fields["ends"]}`)})
	for _, key := range []string{"journey", "begins", "ends"} {
		p = p.OverrideByName(key, kept())
	}
	return p.OverrideByName(b.heading("age"), []dashboard.DynamicConfigValue{width(80)}).OverrideByName(b.heading("customer_before"), []dashboard.DynamicConfigValue{width(120)}).
		OverrideByName(b.heading("before"), []dashboard.DynamicConfigValue{width(420)})
}

// clocksByMonth draws months that are complete.
func (b *board) clocksByMonth() cog.Builder[dashboard.Panel] {
	sql := "SELECT toDateTime(month) AS time, " + b.column("if(countIf(clock = 'acknowledgement') > 0, maxIf(share, clock = 'acknowledgement'), NULL)", "acknowledged") + ", " + b.column("if(countIf(clock = 'answer') > 0, maxIf(share, clock = 'answer'), NULL)", "answered") +
		" FROM complaint_clocks_v WHERE by = 'all' AND complete AND month >= toStartOfMonth(toDate32($__fromTime)) AND month <= toDate32($__toTime) GROUP BY month ORDER BY month"
	return b.lines("trend", 10, 9, sql).Unit(Share).Min(0).Max(1).Legend(beneath()).
		OverrideByName(b.heading("acknowledged"), []dashboard.DynamicConfigValue{colourOf(Light)}).OverrideByName(b.heading("answered"), []dashboard.DynamicConfigValue{colourOf(Plain)})
}

// clocksByCell is the last complete month by regime, owner and reason.
func (b *board) clocksByCell() cog.Builder[dashboard.Panel] {
	name := "multiIf(by = 'all', " + b.text("everything") + ", by = 'regime', " + b.said("regime", "name") + ", by = 'silo', " + b.word("silo", "name") + ", by = 'reason_family', " + b.word("family", "name") + ", " + b.word("segment", "name") + ")"
	columns := []string{b.column(b.said("by", "by"), "by"), b.column(name, "which"), b.column(b.said("clock", "clock"), "clock"), b.column("formatDateTime(month, '%m/%Y')", "month"),
		b.column("complaints", "n"), b.column("share", "share"), b.column(b.between("low", "high"), "interval")}
	return b.table("cells", 14, 9, selected(columns, "FROM complaint_clocks_v WHERE clock != 'both' AND "+lastComplete+" ORDER BY indexOf(['all', 'regime', 'silo', 'reason_family', 'segment'], toString(by)), complaints DESC, name, clock")).
		OverrideByName(b.heading("share"), append(measured(Share, 0), width(90))).OverrideByName(b.heading("n"), []dashboard.DynamicConfigValue{width(110)})
}

func (b *board) complaintReasons() cog.Builder[dashboard.Panel] {
	columns := []string{b.column(b.word("family", "reason_family"), "family"), b.column("count()", "complaints")}
	return b.bars("reasons", 8, 9, selected(columns, filedInPeriod()+" GROUP BY reason_family ORDER BY count() DESC LIMIT 10"))
}

// beforeComplaints counts complaints by the kinds that came before them: one complaint is in several.
func (b *board) beforeComplaints() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("if(kind = '', "+b.text("nothing")+", "+b.word("kind", "kind")+")", "kind"), b.column("count()", "complaints"),
		b.column("count() / nullIf((SELECT count() "+filedInPeriod()+"), 0)", "share")}
	return b.table("before", 10, 9, selected(columns, "FROM (SELECT arrayJoin(if(empty(before), [''], before)) AS kind "+filedInPeriod()+") GROUP BY kind ORDER BY count() DESC, kind LIMIT 12")).
		OverrideByName(b.heading("share"), measured(Share, 0))
}

func (b *board) escalations() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("r.1", "what"), b.column("r.2", "complaints"), b.column("r.2 / nullIf(n, 0)", "share")}
	target := func(to string) string {
		return "(" + b.said("target", "'"+to+"'") + ", countIf(has(escalated_to, '" + to + "')))"
	}
	rows := "arrayJoin([(" + b.text("filed") + ", count()), (" + b.text("again") + ", countIf(customer_before > 0)), (" + b.text("back") + ", countIf(came_back)), " +
		target("management") + ", " + target("mediator") + ", " + target("authority") + ", " + target("court") + "]) AS r"
	return b.table("escalations", 6, 9, selected(columns, "FROM (SELECT count() AS n, "+rows+" "+filedInPeriod()+")")).
		OverrideByName(b.heading("share"), append(measured(Share, 0), width(70))).OverrideByName(b.heading("complaints"), []dashboard.DynamicConfigValue{width(110)})
}

func (b *board) complaintVolume() cog.Builder[dashboard.Panel] {
	sql := "SELECT toDateTime(toStartOfWeek(filed_at, 1)) AS time, " + b.column("count()", "complaints") + " " + filedInPeriod() + " GROUP BY time ORDER BY time"
	return b.lines("volume", 8, 8, sql).DrawStyle(common.GraphDrawStyleBars).FillOpacity(80).LineWidth(0).Min(0).Decimals(0).
		OverrideByName(b.heading("complaints"), []dashboard.DynamicConfigValue{colourOf(Plain)})
}

func (b *board) openByAge() cog.Builder[dashboard.Panel] {
	columns := []string{b.column(b.said("age", "toString(bucket)"), "age"), b.column("count()", "complaints")}
	return b.bars("ages", 8, 8, selected(columns, "FROM (SELECT multiIf(open_days < 7, 1, open_days < 15, 2, open_days < 30, 3, open_days < 60, 4, 5) AS bucket FROM complaints_v WHERE open AND "+chosenComplaints()+") GROUP BY bucket ORDER BY bucket"))
}

func (b *board) unseenComplaints() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("formatDateTime(month, '%m/%Y')", "month"), b.column("total", "complaints"), b.column("share", "unseen"), b.column(b.between("low", "high"), "interval"),
		b.column("if(complete, '', "+b.text("incomplete")+")", "note")}
	return b.table("unseen", 8, 8, selected(columns, "FROM unseen_v WHERE signal = 'complaint' AND month >= toStartOfMonth(toDate32($__fromTime)) AND month <= toDate32($__toTime) ORDER BY month DESC")).
		OverrideByName(b.heading("unseen"), measured(Share, 0))
}
