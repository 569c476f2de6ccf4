package clickhouse_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// walked is a journey that is made by hand: its steps as "activity channel silo unit minutes", the minutes since the first.
func walked(rows *pipeline.Rows, id, family, outcome string, start time.Time, steps ...string) {
	j := pipeline.JourneyRow{JourneyID: id, KeyTime: event.InstantOf(start), Position: 1, StartedAt: event.InstantOf(start), ReasonFamily: family,
		Outcome: outcome, Steps: uint32(len(steps)), CustomerID: "c" + id, Cost: float64(len(steps)), Effort: 10}
	var before pipeline.StepRow
	var path []string
	for i, text := range steps {
		f := strings.Split(text, " ")
		minutes, _ := strconv.Atoi(f[4])
		row := pipeline.StepRow{At: event.InstantOf(start.Add(time.Duration(minutes) * time.Minute)), Source: "/t", EventID: fmt.Sprint(id, i+1), Position: 1,
			JourneyID: id, Placement: "journey", Step: uint32(i + 1), Activity: f[0], Channel: f[1], Silo: f[2], Unit: f[3],
			FromActivity: before.Activity, FromChannel: before.Channel, FromSilo: before.Silo}
		if i > 0 {
			row.DelayS = row.At.Sub(before.At).Seconds()
		}
		rows.Steps, path, before = append(rows.Steps, row), append(path, row.Activity), row
	}
	j.LastEventAt, j.Variant = before.At, strings.Join(path, " > ")
	j.VariantCollapsed = strings.Join(slices.Compact(path), " > ")
	rows.Journeys = append(rows.Journeys, j)
}

// handMade are six journeys, and breakpoints that begin at the first step of b, twice at the second of a, and at none.
func handMade() *pipeline.Rows {
	rows := &pipeline.Rows{}
	day := func(month time.Month, n, hour int) time.Time {
		return time.Date(2026, month, n, hour, 0, 0, 0, time.UTC)
	}
	walked(rows, "a", "billing", "resolved", day(3, 1, 10), "call phone care u1 0", "call phone care u1 10", "desk  it u9 1450")
	walked(rows, "b", "billing", "unresolved", day(3, 5, 10), "call phone care u1 0", "call phone care u1 30")
	walked(rows, "c", "billing", "open", day(3, 6, 10), "call phone care u1 0", "call phone care u2 20")
	walked(rows, "d", "billing", "lost", day(3, 31, 23), "call phone care u1 0", "call phone care u1 120")
	walked(rows, "e", "delivery", "lost", day(3, 7, 10), "mail email care u1 0")
	walked(rows, "f", "", "resolved", day(4, 7, 10), "x web it u1 0", "y web it u2 1", "x web it u1 2", "y web it u3 3", "y web it  4", "x web it  5", "y web care u3 6")
	for i, origin := range []struct {
		journey string
		step    uint32
	}{{"b", 1}, {"a", 2}, {"a", 2}, {"", 0}} {
		rows.Breakpoints = append(rows.Breakpoints, pipeline.BreakpointRow{BreakpointID: fmt.Sprint(i), Position: 1, JourneyID: origin.journey,
			OriginStep: origin.step, OccurredAt: event.InstantOf(day(3, 5, 12))})
	}
	rows.Frontier = []pipeline.FrontierRow{
		{Position: 1, Clock: event.InstantOf(day(4, 20, 0)), Settled: event.InstantOf(day(4, 17, 0))},
		{Partition: 1, Position: 1, Clock: event.InstantOf(day(4, 4, 0)), Settled: event.InstantOf(day(4, 1, 0))},
		{Partition: 2, Position: 1, Clock: -1 << 62, Settled: -1 << 62},
	}
	return rows
}

// TestPathsByHand: every figure of the views of paths, of journeys that are few enough to count.
func TestPathsByHand(t *testing.T) {
	s := store(t)
	insert(t, s, handMade())
	check := func(sql string, want ...string) {
		t.Helper()
		got := lines(t, s, sql)
		for i := range got {
			got[i] = strings.ReplaceAll(got[i], "\t", "|")
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%s\nwant\n%s", sql, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	check("SELECT * FROM cx.journey_transitions_v WHERE journey_id IN ('a', 'd') ORDER BY journey_id, step",
		`a|ca|1|2026-03-01 10:00:00.000|2026-03-01|billing||||call|phone|care|\N|false|resolved|0`,
		`a|ca|2|2026-03-01 10:10:00.000|2026-03-01|billing|call|phone|care|call|phone|care|600|false|resolved|2`,
		`a|ca|3|2026-03-02 10:10:00.000|2026-03-01|billing|call|phone|care|desk||it|86400|true|resolved|0`,
		`d|cd|1|2026-03-31 23:00:00.000|2026-03-01|billing||||call|phone|care|\N|false|lost|0`,
		`d|cd|2|2026-04-01 01:00:00.000|2026-04-01|billing|call|phone|care|call|phone|care|7200|true|lost|0`)
	const edges = `SELECT month, reason_family, from_activity, from_channel, from_silo, to_activity, to_channel, to_silo, frequency, journeys, median_delay_s,
		p90_delay_s, ended, dropped, still_open, round(drop_out, 6), round(low, 6), round(high, 6), breakpoints, round(breakpoint_share, 6), complete, matured_until
		FROM cx.journey_edges_v WHERE reason_family != '' ORDER BY ALL`
	const until = "2026-04-01 00:00:00.000" // of the slower partition
	check(edges,
		`2026-03-01|billing||||call|phone|care|4|4|\N|\N|0|0|0|0|0|0.489891|1|0.333333|true|`+until,
		// 600, 1200 and 1800 s: p90 is 1200 + 0.8 x 600
		`2026-03-01|billing|call|phone|care|call|phone|care|3|3|1200|1680|1|1|1|0.333333|0.061492|0.79234|2|0.666667|false|`+until,
		`2026-03-01|billing|call|phone|care|desk||it|1|1|86400|86400|1|0|0|0|0|0.793451|0|0|true|`+until,
		`2026-03-01|delivery||||mail|email|care|1|1|\N|\N|1|1|0|1|0.206549|1|0|0|true|`+until,
		`2026-04-01|billing|call|phone|care|call|phone|care|1|1|7200|7200|1|1|0|1|0.206549|1|0|0|false|`+until)
	check("SELECT * FROM cx.variants_v ORDER BY journeys DESC, variant",
		"billing|call > call|3|0.75|call|2|1|1800|2|10|0|1|1|1|0|2026-03-05 10:00:00.000|2026-03-31 23:00:00.000",
		"billing|call > call > desk|1|0.25|call > desk|3|1|87000|3|10|1|0|0|0|0|2026-03-01 10:00:00.000|2026-03-01 10:00:00.000",
		"delivery|mail|1|1|mail|1|0|0|1|10|0|0|1|0|0|2026-03-07 10:00:00.000|2026-03-07 10:00:00.000",
		"|x > y > x > y > y > x > y|1|1|x > y > x > y > x > y|7|5|360|7|10|1|0|0|0|0|2026-04-07 10:00:00.000|2026-04-07 10:00:00.000")
	check(`SELECT reason_family, activity, silo, events, journeys, journeys_again, share_again, round(low, 6), round(high, 6), rework, in_a_row, repeats, redos
		FROM cx.rework_v ORDER BY reason_family, activity, silo`,
		"|x|it|3|1|1|1|0.206549|1|2|0|2|0",             // by u1 again, then by nobody who is named
		"|y|care|1|1|1|1|0.206549|1|1|0|1|0",           // by u3, who had done it last of those named
		"|y|it|3|1|1|1|0.206549|1|2|1|0|1",             // by u3 after u2, then in a row
		"billing|call|care|8|4|4|1|0.510109|1|4|4|0|0", // u2 after u1, but in a row
		"billing|desk|it|1|1|0|0|0|0.793451|0|0|0|0",
		"delivery|mail|care|1|1|0|0|0|0.793451|0|0|0|0")
}
