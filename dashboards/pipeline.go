package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// pipeline is for operators: does it come, does it add up, what was not understood, what came too late, what does it take.
func pipeline(b *board) {
	b.builder.Time("now-7d", "now").Refresh("1m")
	b.pipelineFigures()
	b.add(b.throughput())
	b.add(b.sources())
	b.add(b.partitions())
	b.add(b.ledger())
	b.add(b.rejected())
	b.add(b.late())
	b.add(b.dailyWork())
	b.add(b.generations())
	b.add(b.tableSizes())
}

// pipelineFigures: what must be 0 is red when it is not.
func (b *board) pipelineFigures() {
	b.add(b.saying("idle", 4, 4, 40, "SELECT "+b.lasting("min(idle_s)")+" AS value FROM pipeline_lag_v HAVING count() > 0"))
	b.add(b.saying("behind", 4, 4, 40, "SELECT "+b.lasting("max(behind_s)")+" AS value FROM pipeline_lag_v HAVING count() > 0"))
	for _, f := range []struct{ key, sql string }{
		{"gap", "SELECT sum(abs(gap)) AS value FROM ledger_balance_v HAVING count() > 0"},
		{"refused", "SELECT count() AS value FROM rejected_v WHERE $__timeFilter(seen_at)"},
	} {
		b.add(b.stat(f.key, 4, 4, f.sql).Unit("locale").ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdThresholds)).Thresholds(limits(Good, from(1, Bad))))
	}
	b.add(b.figure("too_late", 4, 4, "SELECT sum(late) AS value FROM lateness_v WHERE $__dateFilter(day)").Unit("locale"))
	b.add(b.figure("bytes", 4, 4, "SELECT sum(bytes) AS value FROM table_sizes_v").Unit("bytes"))
}

func (b *board) throughput() cog.Builder[dashboard.Panel] {
	sql := "SELECT $__timeInterval(minute) AS time, " + b.column("sum(events)", "events") + " FROM throughput_v WHERE $__timeFilter(minute) GROUP BY time ORDER BY time"
	return b.lines("throughput", 14, 8, sql).DrawStyle(common.GraphDrawStyleBars).FillOpacity(80).LineWidth(0).Min(0).Decimals(0).Unit("locale").
		OverrideByName("time", []dashboard.DynamicConfigValue{unit("time:" + b.say("house.units.hour"))}).
		OverrideByName(b.heading("events"), []dashboard.DynamicConfigValue{colourOf(Plain)})
}

func (b *board) sources() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("source", "source"), b.column("sum(events)", "events"), b.column("max(minute)", "last"), b.column(b.lasting("quantileExactWeighted(0.5)(delay_s, events)"), "delay")}
	return b.listing("sources", 10, 8, selected(columns, "FROM throughput_v WHERE $__timeFilter(minute) GROUP BY source ORDER BY sum(events) DESC"),
		look{"events", 120, counted(0)}, look{"last", 150, b.moment()}, look{"delay", 130, right()})
}

func (b *board) partitions() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("partition", "partition"), b.column("position", "position"), b.column("clock", "clock"), b.column("settled", "settled"), b.column(b.lasting("behind_s"), "behind"),
		b.column(b.lasting("behind_now_s"), "behind_now"), b.column("events", "events"), b.column(b.lasting("idle_s"), "idle")}
	return b.listing("partitions", 12, 10, selected(columns, "FROM pipeline_lag_v ORDER BY partition"),
		look{"partition", 80, nil}, look{"position", 95, counted(0)}, look{"clock", 140, b.moment()}, look{"settled", 140, b.moment()}, look{"behind", 90, right()}, look{"behind_now", 135, right()},
		look{"events", 105, counted(0)}, look{"idle", 125, right()})
}

func (b *board) ledger() cog.Builder[dashboard.Panel] {
	columns, looks := []string{b.column("partition", "partition")}, []look{{"partition", 80, nil}, {"gap", 65, painted(Bad, from(0, Good), from(1, Bad))}}
	for _, c := range []look{{"stored", 90, nil}, {"first", 90, nil}, {"copies", 75, nil}, {"late", 90, nil}, {"set_aside", 115, nil}, {"forwarded", 90, nil}, {"system", 85, nil}, {"events", 105, nil}} {
		columns, looks = append(columns, b.column(c.key, c.key)), append(looks, look{c.key, c.pixels, counted(0)})
	}
	return b.listing("ledger", 12, 10, selected(append(columns, b.column("gap", "gap")), "FROM ledger_balance_v ORDER BY gap = 0, partition"), looks...)
}

// rejected says why in words, with the code that docs/rejected.md explains.
func (b *board) rejected() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("concat("+b.said("reason", "reason")+", ' (', reason, ')')", "why"), b.column("if(source = '', "+b.text("unknown")+", toString(source))", "source"), b.column("if(field = '', "+b.text("whole")+", toString(field))", "field"),
		b.column("toString(expected)", "expected"), b.column("count()", "messages"), b.column("max(seen_at)", "last")}
	return b.listing("rejected", 13, 9, selected(columns, "FROM rejected_v WHERE $__timeFilter(seen_at) GROUP BY reason, source, field, expected ORDER BY count() DESC LIMIT 50"),
		look{"why", 285, nil}, look{"source", 120, nil}, look{"field", 120, nil}, look{"expected", 0, folded()}, look{"messages", 90, counted(0)}, look{"last", 140, b.moment()})
}

func (b *board) late() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("source", "source"), b.column("sum(l.late)", "late"), b.column(hundredth("sum(l.late) / sum(l.events)"), "share"), b.column("max(l.median_days)", "median_days"), b.column("max(l.longest_days)", "longest_days"), b.column("max(l.day)", "last")}
	return b.listing("late", 11, 9, selected(columns, "FROM lateness_v AS l WHERE $__dateFilter(l.day) AND l.late > 0 GROUP BY source ORDER BY sum(l.late) DESC"),
		look{"late", 95, counted(0)}, look{"share", 90, b.percent(2)}, look{"median_days", 135, counted(1)}, look{"longest_days", 145, counted(1)}, look{"last", 110, b.dayOf()})
}

func (b *board) dailyWork() cog.Builder[dashboard.Panel] {
	columns := []string{b.column(b.said("task", "task"), "task"), b.column("until", "until"), b.column("behind_days", "behind_days")}
	return b.listing("daily", 7, 9, selected(columns, "FROM daily_work_v ORDER BY task"), look{"until", 140, b.moment()}, look{"behind_days", 130, counted(1)})
}

func (b *board) generations() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("generation", "generation"), b.column("if(current, "+b.text("current")+", '')", "state"), b.column("switched_at", "since"), b.column("fold_version", "fold"),
		b.column("rules_version", "rules"), b.column("admitted_late", "admitted")}
	return b.listing("generations", 8, 9, selected(columns, "FROM generations_v WHERE fold_version != '' ORDER BY switched_at DESC LIMIT 20"),
		look{"generation", 100, nil}, look{"state", 90, nil}, look{"since", 135, b.moment()}, look{"fold", 45, nil}, look{"rules", 115, nil}, look{"admitted", 115, counted(0)})
}

func (b *board) tableSizes() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("table", "table"), b.column("rows", "rows"), b.column("bytes", "bytes"), b.column("bytes_uncompressed", "uncompressed"), b.column("parts", "parts"), b.column("written_at", "written")}
	return b.listing("tables", 9, 9, selected(columns, "FROM table_sizes_v ORDER BY bytes DESC"),
		look{"rows", 85, counted(0)}, look{"bytes", 85, measured("bytes", 0)}, look{"uncompressed", 115, measured("bytes", 0)}, look{"parts", 85, counted(0)}, look{"written", 140, b.moment()})
}
