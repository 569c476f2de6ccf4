package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// pipeline is for operators: does it come, does it add up, what was not understood, what came too late, what does it take.
func pipeline(b *board) {
	b.builder.Time("now-7d", "now")
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
	for _, f := range []struct {
		key, sql, in string
		zero         bool
	}{
		{"idle", "SELECT min(idle_s) AS value FROM pipeline_lag_v HAVING count() > 0", Duration, false},
		{"behind", "SELECT max(behind_s) AS value FROM pipeline_lag_v HAVING count() > 0", Duration, false},
		{"gap", "SELECT sum(abs(gap)) AS value FROM ledger_balance_v HAVING count() > 0", Number, true},
		{"refused", "SELECT count() AS value FROM rejected_v WHERE $__timeFilter(seen_at)", Number, true},
		{"too_late", "SELECT sum(late) AS value FROM lateness_v WHERE $__dateFilter(day)", Number, false},
		{"bytes", "SELECT sum(bytes) AS value FROM table_sizes_v", "bytes", false},
	} {
		p := b.stat(f.key, 4, 4, f.sql).Unit(f.in)
		if f.zero {
			p = p.ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdThresholds)).Thresholds(limits(Good, from(1, Bad)))
		}
		b.add(p)
	}
}

func (b *board) throughput() cog.Builder[dashboard.Panel] {
	sql := "SELECT $__timeInterval(minute) AS time, " + b.column("sum(events)", "events") + " FROM throughput_v WHERE $__timeFilter(minute) GROUP BY time ORDER BY time"
	return b.lines("throughput", 14, 8, sql).DrawStyle(common.GraphDrawStyleBars).FillOpacity(80).LineWidth(0).Min(0).Decimals(0).
		OverrideByName(b.heading("events"), []dashboard.DynamicConfigValue{colourOf(Plain)})
}

func (b *board) sources() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("source", "source"), b.column("sum(events)", "events"), b.column("max(minute)", "last"), b.column("quantileExactWeighted(0.5)(delay_s, events)", "delay")}
	return b.table("sources", 10, 8, selected(columns, "FROM throughput_v WHERE $__timeFilter(minute) GROUP BY source ORDER BY sum(events) DESC")).
		OverrideByName(b.heading("delay"), measured(Duration, 0))
}

func (b *board) partitions() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("partition", "partition"), b.column("position", "position"), b.column("clock", "clock"), b.column("settled", "settled"), b.column("behind_s", "behind"), b.column("behind_now_s", "behind_now"),
		b.column("events", "events"), b.column("idle_s", "idle")}
	p := b.table("partitions", 12, 10, selected(columns, "FROM pipeline_lag_v ORDER BY partition"))
	for _, key := range []string{"behind", "behind_now", "idle"} {
		p = p.OverrideByName(b.heading(key), measured(Duration, 0))
	}
	return p
}

func (b *board) ledger() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("partition", "partition")}
	for _, count := range []string{"stored", "first", "copies", "late", "set_aside", "forwarded", "system", "events", "gap"} {
		columns = append(columns, b.column(count, count))
	}
	return b.table("ledger", 12, 10, selected(columns, "FROM ledger_balance_v ORDER BY gap = 0, partition")).
		OverrideByName(b.heading("gap"), painted(Bad, from(0, Good), from(1, Bad)))
}

func (b *board) rejected() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("reason", "why"), b.column("if(source = '', "+b.text("unknown")+", toString(source))", "source"), b.column("if(field = '', "+b.text("whole")+", toString(field))", "field"), b.column("toString(expected)", "expected"), b.column("count()", "messages"), b.column("max(seen_at)", "last")}
	return b.table("rejected", 12, 8, selected(columns, "FROM rejected_v WHERE $__timeFilter(seen_at) GROUP BY reason, source, field, expected ORDER BY count() DESC LIMIT 50"))
}

func (b *board) late() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("source", "source"), b.column("sum(l.late)", "late"), b.column("sum(l.late) / sum(l.events)", "share"), b.column("max(l.median_days)", "median_days"), b.column("max(l.longest_days)", "longest_days"), b.column("max(l.day)", "last")}
	return b.table("late", 12, 8, selected(columns, "FROM lateness_v AS l WHERE $__dateFilter(l.day) AND l.late > 0 GROUP BY source ORDER BY sum(l.late) DESC")).
		OverrideByName(b.heading("share"), measured(Share, 2)).OverrideByName(b.heading("median_days"), decimals1()).OverrideByName(b.heading("longest_days"), decimals1())
}

func decimals1() []dashboard.DynamicConfigValue { return []dashboard.DynamicConfigValue{decimals(1)} }

func (b *board) dailyWork() cog.Builder[dashboard.Panel] {
	columns := []string{b.column(b.said("task", "task"), "task"), b.column("until", "until"), b.column("behind_days", "behind_days")}
	return b.table("daily", 8, 8, selected(columns, "FROM daily_work_v ORDER BY task")).OverrideByName(b.heading("behind_days"), append(decimals1(), width(110)))
}

func (b *board) generations() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("generation", "generation"), b.column("if(current, "+b.text("current")+", '')", "state"), b.column("if(switched_at > '1970-01-01 00:00:00', switched_at, NULL)", "since"), b.column("fold_version", "fold"),
		b.column("rules_version", "rules"), b.column("admitted_late", "admitted")}
	return b.table("generations", 8, 8, selected(columns, "FROM generations_v ORDER BY switched_at DESC LIMIT 20"))
}

func (b *board) tableSizes() cog.Builder[dashboard.Panel] {
	columns := []string{b.column("table", "table"), b.column("rows", "rows"), b.column("bytes", "bytes"), b.column("bytes_uncompressed", "uncompressed"), b.column("parts", "parts"), b.column("written_at", "written")}
	return b.table("tables", 8, 8, selected(columns, "FROM table_sizes_v ORDER BY bytes DESC")).
		OverrideByName(b.heading("bytes"), measured("bytes", 0)).OverrideByName(b.heading("uncompressed"), measured("bytes", 0))
}
