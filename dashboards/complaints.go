package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// complaints is for whoever answers for them: is the law kept, what is due now, who comes back, and what came before.
func complaints(b *board) {
	b.builder.Time("now-180d", "now") // of 90 days, months whose clock of two months has run out are few
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
	return b.saying(key, 7, 4, 26, sql)
}

// complaintCounts are what is open now, and what went outside in the period though nobody filed it with us: of such an escalation the event
// alone is evidence.
func (b *board) complaintCounts() {
	for _, f := range []struct {
		key, sql string
		span     uint32
	}{
		{"open", "SELECT count() AS value FROM complaints_v WHERE open AND " + chosenComplaints(), 3},
		{"overdue", "SELECT countIf(due_in_days < 0) AS value FROM complaints_v WHERE open AND " + chosenComplaints(), 3},
		{"unfiled", "SELECT count() AS value FROM breakpoints_v WHERE kind = 'complaint_escalation' AND length(evidence) = 1 AND $__timeFilter(occurred_at) AND " +
			within("reason_family", "family") + " AND " + within("silo", "silo") + " AND " + within("channel", "channel"), 4},
	} {
		p := b.figure(f.key, f.span, 4, f.sql)
		if f.key != "open" {
			p = p.ColorMode(common.BigValueColorModeValue).ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdThresholds)).Thresholds(limits("text", from(1, Bad)))
		}
		b.add(p)
	}
}

// openComplaints are listed by what is due next: the overdue first. A reason leads to the journey.
func (b *board) openComplaints() cog.Builder[dashboard.Panel] {
	columns := []string{
		b.column("toInt32(floor(due_in_days))", "days_left"), b.column("if(next_due IS NULL, "+b.text("unmeasured")+", concat("+b.said("clock", "next_clock")+", ' ', "+b.dated("assumeNotNull(next_due)")+"))", "due"),
		b.column("toInt32(floor(open_days))", "age"), b.column(b.word("family", "reason_family"), "family"), b.column(b.word("silo", "silo"), "silo"), b.column(b.said("regime", "regime"), "regime"),
		b.column(b.word("segment", "segment"), "segment"), b.column(b.word("channel", "channel"), "channel"), b.column("customer_before", "customer_before"),
		b.column("arrayStringConcat(arrayMap(x -> "+b.said("target", "x")+", escalated_to), ', ')", "escalated"), b.column(b.listed("kind", "before"), "before"),
		"journey_id AS journey, toString(toUnixTimestamp64Milli(filed_at) - 7776000000) AS begins, toString(toUnixTimestamp64Milli(filed_at) + 7776000000) AS ends",
	}
	journey := leads(b.say("read"), "/d/"+UID(b.texts.Language(), "journey")+`?var-journey=${__data.fields["journey"]}&from=${__data.fields["begins"]}&to=${__data.fields["ends"]}`)
	p := b.listing("list", 24, 10, selected(columns, "FROM complaints_v WHERE open AND "+chosenComplaints()+" ORDER BY due_in_days IS NULL, due_in_days, open_days DESC LIMIT 200"),
		look{"days_left", 120, painted(Bad, from(0, Warm), from(7, "text"))}, look{"due", 220, nil}, look{"age", 115, nil}, look{"family", 150, []dashboard.DynamicConfigValue{journey}},
		look{"silo", 170, nil}, look{"regime", 100, nil}, look{"segment", 150, nil}, look{"channel", 110, nil}, look{"customer_before", 160, nil}, look{"escalated", 150, nil}, look{"before", 0, folded()})
	for _, key := range []string{"journey", "begins", "ends"} {
		p = p.OverrideByName(key, kept())
	}
	return p
}

// clocksByMonth draws months that are complete.
func (b *board) clocksByMonth() cog.Builder[dashboard.Panel] {
	of := func(clock string) string {
		return "if(countIf(clock = '" + clock + "') > 0, " + hundredth("maxIf(share, clock = '"+clock+"')") + ", NULL)"
	}
	sql := "SELECT " + b.column("formatDateTime(complaint_clocks_v.month, '%m/%Y')", "month") + ", " + b.column(of("acknowledgement"), "acknowledged") + ", " + b.column(of("answer"), "answered") +
		" FROM complaint_clocks_v WHERE by = 'all' AND complete AND month >= toStartOfMonth(toDate32($__fromTime)) AND month <= toDate32($__toTime) GROUP BY complaint_clocks_v.month ORDER BY complaint_clocks_v.month"
	return slim(b.bars("trend", 10, 9, sql)).Orientation(common.VizOrientationVertical).Unit(b.say("house.units.percent")).Decimals(0).Min(0).Max(110).Legend(beneath()).
		OverrideByName(b.heading("acknowledged"), []dashboard.DynamicConfigValue{colourOf(Light)}).OverrideByName(b.heading("answered"), []dashboard.DynamicConfigValue{colourOf(Plain)})
}

// clocksByCell is the last complete month by regime, owner and reason.
func (b *board) clocksByCell() cog.Builder[dashboard.Panel] {
	name := "multiIf(by = 'all', " + b.text("everything") + ", by = 'regime', " + b.said("regime", "name") + ", by = 'silo', " + b.word("silo", "name") + ", by = 'reason_family', " + b.word("family", "name") + ", " + b.word("segment", "name") + ")"
	columns := []string{b.column(b.said("by", "by"), "by"), b.column(name, "which"), b.column(b.said("clock", "clock"), "clock"), b.column("formatDateTime(month, '%m/%Y')", "month"),
		b.column("complaints", "n"), b.column(hundredth("share"), "share"), b.column(b.between("low", "high"), "interval")}
	return b.listing("cells", 14, 9, selected(columns, "FROM complaint_clocks_v WHERE clock != 'both' AND "+lastComplete+" ORDER BY indexOf(['all', 'regime', 'silo', 'reason_family', 'segment'], toString(by)), complaints DESC, name, clock"),
		look{"by", 110, nil}, look{"clock", 150, nil}, look{"month", 100, nil}, look{"n", 130, nil}, look{"share", 90, b.percent(0)}, look{"interval", 130, nil})
}

func (b *board) complaintReasons() cog.Builder[dashboard.Panel] {
	columns := []string{b.column(b.word("family", "reason_family"), "family"), b.column("count()", "complaints")}
	return slim(b.bars("reasons", 8, 9, selected(columns, filedInPeriod()+" GROUP BY reason_family ORDER BY count() DESC LIMIT 10")).Decimals(0))
}

// beforeComplaints counts complaints by the kinds that came before them: one complaint is in several.
func (b *board) beforeComplaints() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("if(kind = '', "+b.text("nothing")+", "+b.word("kind", "kind")+")", "kind"), b.column("count()", "complaints"),
		b.column(hundredth("count() / nullIf((SELECT count() "+filedInPeriod()+"), 0)"), "share"), "if(kind = '', concat('$', '__all'), " + option("kind") + ") AS code"}
	return coded(b.listing("before", 9, 9, selected(columns, "FROM (SELECT arrayJoin(if(empty(before), [''], before)) AS kind "+filedInPeriod()+") GROUP BY kind ORDER BY count() DESC, kind LIMIT 12"),
		look{"kind", 0, []dashboard.DynamicConfigValue{leads(b.say("house.follow"), b.to("breakpoints", carried("kind", "code")))}},
		look{"complaints", 130, nil}, look{"share", 80, b.percent(0)}))
}

func (b *board) escalations() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("r.1", "what"), b.column("r.2", "complaints"), b.column(hundredth("r.2 / nullIf(n, 0)"), "share")}
	target := func(to string) string {
		return "(" + b.said("taken", "'"+to+"'") + ", countIf(has(escalated_to, '" + to + "')))"
	}
	rows := "arrayJoin([(" + b.text("filed") + ", count()), (" + b.text("again") + ", countIf(customer_before > 0)), (" + b.text("back") + ", countIf(came_back)), " +
		target("management") + ", " + target("mediator") + ", " + target("authority") + ", " + target("court") + "]) AS r"
	return b.listing("escalations", 7, 9, selected(columns, "FROM (SELECT count() AS n, "+rows+" "+filedInPeriod()+")"), look{"complaints", 130, nil}, look{"share", 80, b.percent(0)})
}

func (b *board) complaintVolume() cog.Builder[dashboard.Panel] {
	sql := "SELECT toDateTime(toStartOfWeek(filed_at, 1)) AS time, " + b.column("count()", "complaints") + " " + filedInPeriod() + " GROUP BY time ORDER BY time"
	return b.days(b.lines("volume", 8, 8, sql).DrawStyle(common.GraphDrawStyleBars).FillOpacity(80).LineWidth(0).Min(0).Decimals(0)).
		OverrideByName(b.heading("complaints"), []dashboard.DynamicConfigValue{colourOf(Plain)})
}

func (b *board) openByAge() cog.Builder[dashboard.Panel] {
	columns := []string{b.column(b.said("age", "toString(bucket)"), "age"), b.column("count()", "complaints")}
	return slim(b.bars("ages", 8, 8, selected(columns, "FROM (SELECT multiIf(open_days < 7, 1, open_days < 15, 2, open_days < 30, 3, open_days < 60, 4, 5) AS bucket FROM complaints_v WHERE open AND "+chosenComplaints()+") GROUP BY bucket ORDER BY bucket")).Decimals(0))
}

func (b *board) unseenComplaints() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("formatDateTime(month, '%m/%Y')", "month"), b.column("total", "complaints"), b.column(hundredth("share"), "unseen"), b.column(b.between("low", "high"), "interval"),
		b.column("if(complete, '', "+b.text("incomplete")+")", "note")}
	return b.listing("unseen", 8, 8, selected(columns, "FROM unseen_v WHERE signal = 'complaint' AND month >= toStartOfMonth(toDate32($__fromTime)) AND month <= toDate32($__toTime) ORDER BY unseen_v.month DESC"),
		look{"month", 80, nil}, look{"complaints", 120, nil}, look{"unseen", 150, b.percent(0)}, look{"interval", 95, nil}, look{"note", 150, nil})
}
