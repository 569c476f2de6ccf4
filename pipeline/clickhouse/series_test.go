package clickhouse

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/alert"
	"parcours/pipeline/event"
)

// counted gives what Counts says, in order and in words.
func counted(t *testing.T, s *Store, first, last alert.Date) (alert.Counts, []string, []string) {
	t.Helper()
	c, err := s.Counts(t.Context(), first, last)
	if err != nil {
		t.Fatal(err)
	}
	var cells, lags []string
	for _, x := range c.Cells {
		cells = append(cells, fmt.Sprintf("%s %s %s/%s/%s/%s %d of %d", x.Day, x.Kind, x.ReasonFamily, x.Silo, x.Unit, x.Channel, x.Detected, x.Opportunities))
	}
	for _, x := range c.Lags {
		lags = append(lags, fmt.Sprintf("%s %s %d: %d", x.Day, x.Kind, x.Days, x.Count))
	}
	slices.Sort(cells)
	slices.Sort(lags)
	return c, cells, lags
}

// TestCounts: opportunities by their day, what broke by the day of detection, both under the series of the opportunity,
// whoever the breakpoint belongs to; of one opportunity the first of its breakpoints.
func TestCounts(t *testing.T) {
	s := migrated(t)
	chance := func(kind, reason, unit string, when event.Instant, broken bool) pipeline.OpportunityRow {
		return pipeline.OpportunityRow{Kind: kind, At: when, MaturesAt: when + 1, Reason: reason, Silo: "it", Unit: unit, Channel: "phone", Broken: broken}
	}
	broke := func(id, kind, journey string, opportunity, detected event.Instant) pipeline.BreakpointRow {
		return pipeline.BreakpointRow{
			BreakpointID: id, Kind: kind, JourneyID: journey, OccurredAt: detected, DetectedAt: detected, OpportunityAt: opportunity,
			Silo: "another", Unit: "another", Channel: "email", Position: 1,
		}
	}
	j1, j2 := journey("j1", at(3, 1, 9), 1), journey("j2", at(3, 2, 9), 1)
	j1.Opportunities = []pipeline.OpportunityRow{
		chance("silo_handoff", "billing.dispute", "north", at(3, 1, 23), true), chance("long_wait", "unknown.x", "", at(3, 1, 9), false),
		chance("sla_breach", "billing", "north", at(3, 2, 9), true), chance("sla_breach", "billing", "south", at(3, 2, 9), true),
		chance("sla_breach", "billing", "west", at(3, 2, 9), false),
	}
	j2.Opportunities = []pipeline.OpportunityRow{chance("silo_handoff", "billing.dispute", "north", at(3, 1, 10), false)}
	insert(t, s, &pipeline.Rows{Generation: 1, Journeys: []pipeline.JourneyRow{j1, j2}, Breakpoints: []pipeline.BreakpointRow{
		broke("b1", "silo_handoff", "j1", at(3, 1, 23), at(3, 4, 0)), broke("b2", "silo_handoff", "j1", at(3, 1, 23), at(3, 5, 0)), // moved on twice
		broke("b3", "sla_breach", "j1", at(3, 2, 9), at(3, 3, 9)), broke("b4", "sla_breach", "j1", at(3, 2, 9), at(3, 9, 9)),
		broke("b5", "core_failure", "", at(3, 2, 9), at(3, 2, 9)),    // an incident
		broke("b6", "silo_handoff", "j2", at(3, 1, 10), at(3, 6, 0)), // after it had matured
	}})
	day := func(d int) alert.Date { return alert.DateOf(at(3, d, 0)) }
	c, cells, lags := counted(t, s, day(1), day(9))
	want := []string{
		"2025-03-01 long_wait /it//phone 0 of 1", "2025-03-01 silo_handoff billing/it/north/phone 0 of 2",
		"2025-03-02 sla_breach billing/it/north/phone 0 of 1", "2025-03-02 sla_breach billing/it/south/phone 0 of 1",
		"2025-03-02 sla_breach billing/it/west/phone 0 of 1",
		"2025-03-03 sla_breach billing/it/north/phone 1 of 0", "2025-03-04 silo_handoff billing/it/north/phone 1 of 0",
		"2025-03-09 sla_breach billing/it/south/phone 1 of 0",
	}
	if !slices.Equal(cells, want) || c.First != day(1) || c.Last != day(9) {
		t.Errorf("%s to %s\n%q\nwant\n%q", c.First, c.Last, cells, want)
	}
	if want := []string{"2025-03-03 sla_breach 1: 1", "2025-03-04 silo_handoff 3: 1", "2025-03-09 sla_breach 7: 1"}; !slices.Equal(lags, want) {
		t.Errorf("lags %q, want %q", lags, want)
	}
	if c, cells, _ := counted(t, s, day(3), day(4)); !slices.Equal(cells, want[5:7]) || c.First != day(3) {
		t.Errorf("a part: from %s %q", c.First, cells)
	}
	if c, cells, lags := counted(t, s, day(20), day(22)); len(cells)+len(lags) != 0 || c.First != day(22) || c.Last != day(22) {
		t.Errorf("nothing: %+v", c)
	}
}

// TestCountsAddUp: over all days everything that rates count is counted once.
func TestCountsAddUp(t *testing.T) {
	s := migrated(t)
	rows := &pipeline.Rows{Generation: 1}
	kinds := []string{"long_wait", "repeat_contact", "silo_handoff"}
	want := struct{ opportunities, detected uint64 }{}
	for i := range 3000 {
		when := event.InstantOf(time.Date(2025, 1, 1+i%90, i%24, i%60, 0, 0, time.UTC))
		j := journey(fmt.Sprintf("%08d", i), when, 1)
		for k, kind := range kinds {
			broken := (i+k)%5 == 0
			j.Opportunities = append(j.Opportunities, pipeline.OpportunityRow{Kind: kind, At: when, MaturesAt: when, Silo: fmt.Sprint(i % 3), Broken: broken})
			want.opportunities++
			if broken {
				want.detected++
				rows.Breakpoints = append(rows.Breakpoints, pipeline.BreakpointRow{
					BreakpointID: fmt.Sprint(kind, i), Kind: kind, JourneyID: j.JourneyID, OccurredAt: when, OpportunityAt: when,
					DetectedAt: when.Add(time.Duration(i%100) * time.Hour), Position: 1,
				})
			}
		}
		rows.Journeys = append(rows.Journeys, j)
	}
	insert(t, s, rows)
	c, err := s.Counts(t.Context(), alert.DateOf(at(1, 1, 0))-1000, alert.DateOf(at(1, 1, 0))+1000)
	if err != nil {
		t.Fatal(err)
	}
	got := want
	got.opportunities, got.detected = 0, 0
	var lagged uint64
	for _, x := range c.Cells {
		got.opportunities, got.detected = got.opportunities+x.Opportunities, got.detected+x.Detected
	}
	for _, x := range c.Lags {
		lagged += x.Count
	}
	if got != want || lagged != want.detected {
		t.Errorf("%+v, %d lags, want %+v", got, lagged, want)
	}
	first := slices.MinFunc(c.Cells, func(a, b alert.Cell) int { return cmp.Compare(a.Day, b.Day) })
	if c.First != first.Day || c.First.String() != "2025-01-01" {
		t.Errorf("first %s", c.First)
	}
}
