package clickhouse_test

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/clickhouse"
)

// standing are the rows that hold in the end, and the steps of each journey in order.
type standing struct {
	journeys    map[string]pipeline.JourneyRow
	steps       map[string][]pipeline.StepRow
	breakpoints map[string]pipeline.BreakpointRow
}

func stand(rows *pipeline.Rows) standing {
	s := standing{map[string]pipeline.JourneyRow{}, map[string][]pipeline.StepRow{}, map[string]pipeline.BreakpointRow{}}
	for _, r := range rows.Journeys {
		if s.journeys[r.JourneyID] = r; r.Deleted {
			delete(s.journeys, r.JourneyID)
		}
	}
	for _, r := range rows.Breakpoints {
		if s.breakpoints[r.BreakpointID] = r; r.Deleted {
			delete(s.breakpoints, r.BreakpointID)
		}
	}
	last := map[string]pipeline.StepRow{}
	for _, r := range rows.Steps {
		last[fmt.Sprint(r.At, r.Source, r.EventID)] = r
	}
	for _, r := range last {
		if !r.Deleted && r.Placement == "journey" {
			s.steps[r.JourneyID] = append(s.steps[r.JourneyID], r)
		}
	}
	for _, steps := range s.steps {
		slices.SortFunc(steps, func(a, b pipeline.StepRow) int { return cmp.Compare(a.Step, b.Step) })
	}
	return s
}

// edge is a row of journey_edges_v, and what it counts.
type edge struct{ month, family, fromActivity, fromChannel, fromSilo, toActivity, toChannel, toSilo string }

type flow struct {
	journeys                                             map[string]bool
	delays                                               []float64
	frequency, ended, dropped, open, breakpoints, origin float64
}

// edges counts the graph again from the steps in their order, by nothing of what the fold wrote of the step before.
func (s standing) edges() map[edge]*flow {
	began, all, edges := map[string]float64{}, map[string]float64{}, map[edge]*flow{}
	for _, b := range s.breakpoints {
		began[fmt.Sprint(b.JourneyID, b.OriginStep)]++
	}
	for id, steps := range s.steps {
		j, before := s.journeys[id], pipeline.StepRow{}
		for i, r := range steps {
			at := edge{r.At.Time().Format("2006-01") + "-01", j.ReasonFamily, before.Activity, before.Channel, before.Silo, r.Activity, r.Channel, r.Silo}
			if edges[at] == nil {
				edges[at] = &flow{journeys: map[string]bool{}}
			}
			f := edges[at]
			f.frequency++
			f.journeys[id] = true
			if i > 0 {
				f.delays = append(f.delays, r.At.Sub(before.At).Seconds())
			}
			if i == len(steps)-1 {
				f.end(j.Outcome)
			}
			n := began[fmt.Sprint(id, r.Step)]
			f.breakpoints += n
			all[at.month+at.family] += n
			before = r
		}
	}
	for at, f := range edges {
		f.origin = all[at.month+at.family]
	}
	return edges
}

func (f *flow) end(outcome string) {
	switch outcome {
	case "open":
		f.open++
	case "unresolved", "lost":
		f.dropped++
		f.ended++
	default:
		f.ended++
	}
}

// quantile interpolates between order statistics: type 7 of Hyndman and Fan.
func quantile(values []float64, p float64) float64 {
	slices.Sort(values)
	at := p * float64(len(values)-1)
	i := int(at)
	if i == len(values)-1 {
		return values[i]
	}
	return values[i] + (at-float64(i))*(values[i+1]-values[i])
}

// figures compares figures of one line of an answer, from a column on, to six digits; NULL is NaN.
func figures(t *testing.T, line string, from int, want ...float64) {
	t.Helper()
	columns := strings.Split(line, "\t")[from:]
	if len(columns) != len(want) {
		t.Fatalf("%q has %d figures, want %d", line, len(columns), len(want))
	}
	for i, w := range want {
		got, err := strconv.ParseFloat(columns[i], 64)
		if columns[i] == `\N` {
			got, err = math.NaN(), nil
		}
		if err != nil || math.IsNaN(got) != math.IsNaN(w) || math.Abs(got-w) > 1e-6*math.Max(1, math.Abs(w)) {
			t.Errorf("%q: figure %d is %s, want %v", line, i+1, columns[i], w)
		}
	}
}

// TestPathsOfACompany: the views of paths give what Go counts over the steps, and so does the query of docs/paths.md, which
// puts the steps in order itself.
func TestPathsOfACompany(t *testing.T) {
	s, rows := store(t), simulatedRows(t)
	insert(t, s, rows)
	now := stand(rows)
	checkEdges(t, s, now)
	checkVariants(t, s, now)
	checkRework(t, s, now)
	checkDocumented(t, s)
	checkCharged(t, s, now)
}

func checkEdges(t *testing.T, s *clickhouse.Store, now standing) {
	t.Helper()
	want := now.edges()
	got := lines(t, s, `SELECT month, reason_family, from_activity, from_channel, from_silo, to_activity, to_channel, to_silo, frequency, journeys, median_delay_s,
		p90_delay_s, ended, dropped, still_open, drop_out, low, high, breakpoints, breakpoint_share FROM cx.journey_edges_v`)
	if len(got) != len(want) || len(want) < 500 {
		t.Fatalf("%d edges, want %d (500 or more)", len(got), len(want))
	}
	dropped, broke := 0.0, 0.0
	for _, line := range got {
		c := strings.Split(line, "\t")
		f := want[edge{c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]}]
		if f == nil {
			t.Fatalf("no such edge: %q", line)
		}
		median, p90 := math.NaN(), math.NaN()
		if c[2] != "" {
			median, p90 = quantile(f.delays, 0.5), quantile(f.delays, 0.9)
		}
		low, high := wilson(f.dropped, f.frequency)
		figures(t, line, 8, f.frequency, float64(len(f.journeys)), median, p90, f.ended, f.dropped, f.open, f.dropped/f.frequency, low, high,
			f.breakpoints, f.breakpoints/max(f.origin, 1))
		dropped, broke = dropped+f.dropped, broke+f.breakpoints
	}
	if dropped < 50 || broke < 500 {
		t.Errorf("%v journeys dropped and %v breakpoints: too few to say anything", dropped, broke)
	}
	named := 0
	for _, b := range now.breakpoints {
		if b.OriginStep > 0 {
			named++
		}
	}
	if int(broke) != named {
		t.Errorf("edges have %v breakpoints, %d name a step of their journey", broke, named)
	}
	if off := lines(t, s, `SELECT month, reason_family, sum(breakpoint_share) AS shares, sum(breakpoints) AS n FROM cx.journey_edges_v
		GROUP BY month, reason_family HAVING n > 0 AND abs(shares - 1) > 1e-9`); len(off) > 0 {
		t.Errorf("shares of breakpoints do not add up to 1 in %d cells: %s", len(off), off[0])
	}
}

func checkVariants(t *testing.T, s *clickhouse.Store, now standing) {
	t.Helper()
	type variant struct {
		durations                                []float64
		steps, rework, cost, effort, breakpoints float64
		resolved, unresolved, lost, open         float64
	}
	want, families := map[[2]string]*variant{}, map[string]float64{}
	for id, j := range now.journeys {
		at := [2]string{j.ReasonFamily, j.Variant}
		if want[at] == nil {
			want[at] = &variant{steps: float64(j.Steps), rework: float64(len(now.steps[id]) - distinct(now.steps[id]))}
		}
		v := want[at]
		v.durations = append(v.durations, j.LastEventAt.Sub(j.StartedAt).Seconds())
		v.cost, v.effort, v.breakpoints = v.cost+j.Cost, v.effort+j.Effort, v.breakpoints+float64(j.Breakpoints)
		*map[string]*float64{"resolved": &v.resolved, "unresolved": &v.unresolved, "lost": &v.lost, "open": &v.open}[j.Outcome]++
		families[j.ReasonFamily]++
	}
	got := lines(t, s, `SELECT reason_family, variant, journeys, share, steps, rework, median_duration_s, mean_cost, mean_effort, resolved, unresolved, lost,
		still_open, breakpoints FROM cx.variants_v`)
	if len(got) != len(want) || len(want) < 100 {
		t.Fatalf("%d variants, want %d (100 or more)", len(got), len(want))
	}
	for _, line := range got {
		c := strings.Split(line, "\t")
		v := want[[2]string{c[0], c[1]}]
		if v == nil {
			t.Fatalf("no such variant: %q", line)
		}
		n := float64(len(v.durations))
		figures(t, line, 2, n, n/families[c[0]], v.steps, v.rework, quantile(v.durations, 0.5), v.cost/n, v.effort/n, v.resolved, v.unresolved, v.lost,
			v.open, v.breakpoints)
	}
}

func distinct(steps []pipeline.StepRow) int {
	seen := map[string]bool{}
	for _, r := range steps {
		seen[r.Activity] = true
	}
	return len(seen)
}

func checkRework(t *testing.T, s *clickhouse.Store, now standing) {
	t.Helper()
	var rework, repeats, redos float64
	for id, j := range now.journeys {
		rework += float64(len(now.steps[id]) - distinct(now.steps[id]))
		repeats, redos = repeats+float64(j.Repeats), redos+float64(j.Redos)
	}
	if rework < 100 || repeats < 10 || redos < 1 {
		t.Errorf("%v rework events, %v repeats, %v redos: too few to say anything", rework, repeats, redos)
	}
	figures(t, lines(t, s, "SELECT sum(rework), sum(repeats), sum(redos), sum(rework - in_a_row - repeats - redos) FROM cx.rework_v")[0], 0, rework, repeats, redos, 0)
	figures(t, lines(t, s, "SELECT sum(journeys * rework), countIf(rework IS NULL) FROM cx.variants_v")[0], 0, rework, 0)
}

// checkDocumented runs the queries of docs/paths.md. The first one recomputes journey_edges_v: its rows are those of the view.
func checkDocumented(t *testing.T, s *clickhouse.Store) {
	t.Helper()
	text, err := os.ReadFile("../../docs/paths.md")
	if err != nil {
		t.Fatal(err)
	}
	var queries []string
	for part := range strings.SplitSeq(string(text), "```sql\n") {
		if sql, _, is := strings.Cut(part, "\n```"); is && strings.HasPrefix(sql, "SELECT") {
			queries = append(queries, sql)
			if got := lines(t, s, sql); len(got) == 0 {
				t.Errorf("%s: says nothing", sql)
			}
		}
	}
	if len(queries) < 5 {
		t.Fatalf("%d queries found", len(queries))
	}
	const view = `SELECT month, reason_family, from_activity, from_channel, from_silo, to_activity, to_channel, to_silo, frequency,
		round(median_delay_s, 6) AS median_delay_s, round(p90_delay_s, 6) AS p90_delay_s FROM cx.journey_edges_v`
	again, seen := lines(t, s, queries[0]), lines(t, s, view)
	slices.Sort(again)
	slices.Sort(seen)
	if !slices.Equal(again, seen) {
		t.Errorf("recomputed %d edges, the view has %d: the first is\n%s\nof the view\n%s", len(again), len(seen), first(again, seen), first(seen, again))
	}
}

// checkCharged: the cost of breakpoints is that of the steps they name, one by one and all together, and no step is named twice.
func checkCharged(t *testing.T, s *clickhouse.Store, now standing) {
	t.Helper()
	const named = `(SELECT breakpoint_id, cost, arrayJoin(charged) AS step FROM cx.breakpoints_v) AS b
		LEFT JOIN (SELECT concat(source, ' ', event_id) AS step, cost, journey_id FROM cx.journey_steps_v) AS s ON s.step = b.step`
	all := lines(t, s, `SELECT (SELECT sum(cost) FROM cx.breakpoints_v), sum(s.cost), count() - uniqExact(b.step), countIf(s.journey_id = '') FROM `+named)[0]
	sum, charged := 0.0, 0
	for _, b := range now.breakpoints {
		sum, charged = sum+b.Cost, charged+len(b.Charged)
	}
	figures(t, all, 0, sum, sum, 0, 0)
	if sum < 100 || charged < 150 {
		t.Errorf("%d steps charged, for %v: too few to say anything", charged, sum)
	}
	singly := lines(t, s, `SELECT breakpoint_id, any(b.cost), sum(s.cost) FROM `+named+` GROUP BY breakpoint_id HAVING abs(any(b.cost) - sum(s.cost)) > 1e-9
		UNION ALL SELECT breakpoint_id, cost, 0 FROM cx.breakpoints_v WHERE empty(charged) AND cost != 0`)
	if len(singly) > 0 {
		t.Errorf("%d breakpoints cost something else than their steps: %s", len(singly), singly[0])
	}
}

// TestTransitionsPrune: a filter on the time of a transition, or on the month of an edge, reads the steps of those months.
func TestTransitionsPrune(t *testing.T) {
	s, rows := store(t), &pipeline.Rows{}
	for i := range 24 {
		walked(rows, strconv.Itoa(i), "billing", "resolved", time.Date(2024, time.Month(1+i), 2, 0, 0, 0, 0, time.UTC), "call phone care u1 0", "call phone care u1 10")
	}
	insert(t, s, rows)
	for _, sql := range []string{
		"SELECT * FROM cx.journey_transitions_v WHERE time >= '2025-11-01'", "SELECT * FROM cx.journey_edges_v WHERE month >= '2025-11-01'",
	} {
		plan := strings.Join(lines(t, s, "EXPLAIN indexes = 1 "+sql), "\n")
		_, steps, _ := strings.Cut(plan, "ReadFromMergeTree (cx.journey_steps)")
		if !strings.Contains(steps, "Parts: 2 |") && !strings.Contains(steps, "Parts: 2/") {
			t.Errorf("%s does not read two of 24 months:\n%s", sql, plan)
		}
		if n := lines(t, s, sql); len(n) != 4 {
			t.Errorf("%s gives %d rows, want 4", sql, len(n))
		}
	}
}
