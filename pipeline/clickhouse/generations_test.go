package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/attribution"
	"parcours/pipeline/event"
)

func TestSwitch(t *testing.T) {
	s := migrated(t)
	insert(t, s, everyRow())
	second := everyRow()
	second.Generation, second.Journeys = 2, nil
	insert(t, s, second)
	switchTo := func(g pipeline.Generation, rows string) {
		t.Helper()
		if err := s.Switch(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		if current, err := s.Current(t.Context()); current != g || err != nil {
			t.Errorf("current %+v, %v, want %+v", current, err, g)
		}
		expect(t, s, "SELECT count() FROM generation FINAL", rows)
	}
	two := pipeline.Generation{Number: 2, Fold: "f'2\\", Rules: "r", Admitted: 77, TZData: "2025b"}
	switchTo(two, "2")
	expect(t, s, "SELECT count() FROM journeys_v", "0")
	expect(t, s, "SELECT count() FROM breakpoints_v", "1")
	switchTo(two, "2") // once more is nothing
	exec(t, s, "INSERT INTO cx.generation (generation, switched_at, fold_version) SELECT 9, toDateTime64('2200-01-01 00:00:00', 3, 'UTC'), 'of a wrong clock'")
	switchTo(pipeline.Generation{Number: 1}, "4")
	expect(t, s, "SELECT max(switched_at) FROM generation", "2200-01-01 00:00:00.001")
	expect(t, s, "SELECT count() FROM journeys_v", "1")
	two.Rules = "other" // the same number again, said in other words
	switchTo(two, "5")
	if err := s.Switch(t.Context(), pipeline.Generation{}); err == nil {
		t.Error("generation 0 became the current one")
	}
}

func TestDropRemovesOneGeneration(t *testing.T) {
	s := migrated(t)
	for _, g := range []uint32{1, 2, 20, 12} {
		rows := everyRow()
		rows.Generation = g
		insert(t, s, rows)
		if err := s.KeepEstimate(t.Context(), pipeline.LossEstimate{Generation: g}, []attribution.Association{{Kind: "tension"}}); err != nil {
			t.Fatal(err)
		}
	}
	generations := func(want ...uint32) {
		t.Helper()
		if got, err := s.Generations(t.Context()); !slices.Equal(got, want) || err != nil {
			t.Errorf("generations %v, %v, want %v", got, err, want)
		}
	}
	generations(1, 2, 12, 20)
	for range 2 {
		if err := s.Drop(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		generations(1, 12, 20)
	}
	for _, table := range append([]string{"frontier"}, partitioned...) {
		expect(t, s, "SELECT arraySort(groupUniqArray(generation)) = [1, 12, 20] FROM "+table, "1")
	}
	expect(t, s, "SELECT count() FROM events_v", "1")
	if err := s.Drop(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "current") {
		t.Errorf("the current generation was dropped: %v", err)
	}
	expect(t, s, "SELECT count() FROM journeys_v", "1")
	if err := s.Switch(t.Context(), pipeline.Generation{Number: 20}); err != nil {
		t.Fatal(err)
	}
	if err := s.Drop(t.Context(), 1); err != nil {
		t.Error(err)
	}
	generations(12, 20)
	expect(t, s, "SELECT count() FROM journeys_v", "1")
}

// Every table with a generation is one that Drop knows.
func TestDropKnowsEveryTable(t *testing.T) {
	s := migrated(t)
	known := append([]string{"frontier", "generation"}, partitioned...)
	slices.Sort(known)
	expect(t, s, "SELECT groupArray(table) FROM (SELECT DISTINCT table FROM data_dictionary_v WHERE kind = 'table' AND column = 'generation' ORDER BY table)",
		"['"+strings.Join(known, "','")+"']")
}

func TestDropOfManyPartitionsWhileOthersRead(t *testing.T) {
	s := migrated(t)
	for _, g := range []uint32{1, 2} {
		rows := &pipeline.Rows{Generation: g}
		for i := range 600 {
			when := event.InstantOf(time.Date(1960, time.Month(1+i), 2, 0, 0, 0, 0, time.UTC))
			rows.Journeys = append(rows.Journeys, journey(fmt.Sprint(i), when, uint64(i)))
		}
		insert(t, s, rows)
	}
	ctx, stop := context.WithCancel(t.Context())
	read := make(chan error, 1)
	go func() {
		for {
			var n uint64
			if err := s.scan(ctx, "count", "SELECT count() FROM cx.journeys_v", &n); err != nil || n != 600 {
				read <- fmt.Errorf("%d journeys: %w", n, err)
				return
			}
		}
	}()
	if err := s.Drop(t.Context(), 2); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-read; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	expect(t, s, "SELECT count(), max(generation) FROM journeys", "600\t1")
}

// differences reads them as lines: what changed, and in which order.
func differences(t *testing.T, s *Store, from, to uint32) (lines []string, found []pipeline.Difference) {
	t.Helper()
	err := s.Difference(t.Context(), from, to, func(d pipeline.Difference) error {
		found = append(found, d)
		line := ""
		for _, r := range []*pipeline.JourneyRow{d.OldJourney, d.NewJourney} {
			if r != nil {
				line += fmt.Sprintf(" %s/%d", r.JourneyID, r.Steps)
			} else if d.OldBreakpoint == nil && d.NewBreakpoint == nil {
				line += " -"
			}
		}
		for _, r := range []*pipeline.BreakpointRow{d.OldBreakpoint, d.NewBreakpoint} {
			if r != nil {
				line += fmt.Sprintf(" %s/%v", r.BreakpointID, r.Cost)
			} else if d.OldJourney == nil && d.NewJourney == nil {
				line += " -"
			}
		}
		lines = append(lines, strings.TrimSpace(line+" "+d.LastActivity))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines, found
}

func TestDifference(t *testing.T) {
	s := migrated(t)
	journeyIn := func(partition int, id string, day int, steps uint32) pipeline.JourneyRow {
		row := journey(id, at(3, day, 0), 10)
		row.Partition, row.Steps = partition, steps
		return row
	}
	broken := func(partition int, id string, day int, cost float64) pipeline.BreakpointRow {
		return pipeline.BreakpointRow{BreakpointID: id, Partition: partition, OccurredAt: at(3, day, 0), Cost: cost, Position: 10}
	}
	step := func(id string, n uint32, activity string) pipeline.StepRow {
		return pipeline.StepRow{At: at(3, 1, int(n)), EventID: id + activity, Placement: "journey", JourneyID: id, Step: n, Activity: activity}
	}
	before := &pipeline.Rows{
		Generation: 1,
		Journeys: []pipeline.JourneyRow{
			journeyIn(1, "same", 1, 1), journeyIn(1, "gone", 3, 1), journeyIn(1, "changed", 1, 1), journeyIn(0, "moved", 9, 1),
			journeyIn(0, "retracted in both", 9, 1),
		},
		Breakpoints: []pipeline.BreakpointRow{broken(1, "b same", 1, 1), broken(1, "b changed", 1, 1), broken(0, "b gone", 1, 1)},
	}
	after := &pipeline.Rows{
		Generation: 2,
		Journeys: []pipeline.JourneyRow{
			journeyIn(1, "same", 1, 1), journeyIn(1, "new", 2, 2), journeyIn(1, "changed", 1, 2), journeyIn(2, "moved", 8, 3),
		},
		Breakpoints: []pipeline.BreakpointRow{broken(1, "b same", 1, 1), broken(1, "b changed", 1, 2), broken(1, "b new", 1, 1)},
		Steps:       []pipeline.StepRow{step("changed", 2, "closed"), step("changed", 1, "opened"), step("new", 1, "called"), step("same", 1, "called")},
	}
	after.Journeys[0].Position, after.Journeys[0].KeyTime = 99, at(3, 7, 0) // as a case that another event was folded first of
	after.Journeys[2].LastEventAt, after.Journeys[1].LastEventAt = at(3, 1, 2), at(3, 1, 1)
	gone := pipeline.JourneyRow{JourneyID: "retracted in both", KeyTime: at(3, 9, 0), Position: 20, Deleted: true}
	for _, rows := range []*pipeline.Rows{before, after, {Generation: 1, Journeys: []pipeline.JourneyRow{gone}}, {Generation: 2, Journeys: []pipeline.JourneyRow{gone}}} {
		insert(t, s, rows)
	}
	lines, found := differences(t, s, 1, 2)
	want := []string{
		"b gone/1 -",
		"changed/1 changed/2 closed", "- new/2 called", "gone/1 -", "b changed/1 b changed/2", "- b new/1",
		"moved/1 moved/3",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if len(found) > 1 && !reflect.DeepEqual(found[1].OldJourney, &before.Journeys[2]) {
		t.Errorf("read back as %+v", found[1].OldJourney)
	}
	if lines, _ := differences(t, s, 1, 1); len(lines) > 0 {
		t.Errorf("a generation differs from itself: %v", lines)
	}
}

func TestDifferenceReadsAllOfARow(t *testing.T) {
	s := migrated(t)
	rows := everyRow()
	rows.Steps[0].At = rows.Journeys[0].LastEventAt
	insert(t, s, rows)
	shown := rows.Breakpoints[0]
	shown.Known = pipeline.KnownRow{} // is in no view, and nobody is told of it
	_, found := differences(t, s, 1, 2)
	if len(found) != 4 || !reflect.DeepEqual(found[0].OldJourney, &rows.Journeys[0]) || !reflect.DeepEqual(found[1].OldBreakpoint, &shown) ||
		!reflect.DeepEqual(found[2].OldSignal, &rows.ChurnSignals[0]) || found[3].OldSignal == nil || found[3].OldSignal.SignalID != "s2" {
		t.Errorf("read back as %+v", found)
	}
	_, found = differences(t, s, 2, 1)
	if len(found) != 4 || !reflect.DeepEqual(found[0].NewJourney, &rows.Journeys[0]) || found[0].LastActivity != "called" || !reflect.DeepEqual(found[2].NewSignal, &rows.ChurnSignals[0]) {
		t.Errorf("read back as %+v", found)
	}
	stop := errors.New("stop")
	err := s.Difference(t.Context(), 1, 2, func(pipeline.Difference) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	same := everyRow()
	same.Generation, same.Journeys[0].Position, same.Breakpoints[0].Position = 2, 500, 600
	insert(t, s, same)
	if lines, _ := differences(t, s, 1, 2); len(lines) > 0 {
		t.Errorf("equal but for their positions, and told: %v", lines)
	}
}

// Odd values differ from nothing but themselves, and come back in order, in more than one portion.
func TestDifferenceOfManyOddRows(t *testing.T) {
	s := migrated(t)
	rows := odd()
	for i := range 12_000 {
		rows.Journeys = append(rows.Journeys, journey(fmt.Sprintf("'\\%05d", i), at(1+i%12, 1, 0), 5))
	}
	insert(t, s, rows)
	lines, found := differences(t, s, 2, 1)
	if want := len(rows.Journeys) + len(rows.Breakpoints) + len(rows.ChurnSignals); len(lines) != want {
		t.Fatalf("%d differences, want %d", len(lines), want)
	}
	content := map[string]uint64{}
	for i := range rows.Journeys {
		content[rows.Journeys[i].JourneyID] = rows.Journeys[i].Content()
	}
	var last *pipeline.JourneyRow
	for _, d := range found {
		r := d.NewJourney
		if r == nil {
			continue
		}
		if r.Content() != content[r.JourneyID] {
			t.Errorf("%q was not read back as it was", r.JourneyID)
		}
		if last != nil && (last.Partition > r.Partition || last.Partition == r.Partition && last.KeyTime > r.KeyTime) {
			t.Errorf("%q after %q", r.JourneyID, last.JourneyID)
		}
		last = r
	}
	same := *rows
	same.Generation = 2
	insert(t, s, &same)
	if lines, _ := differences(t, s, 1, 2); len(lines) > 0 {
		t.Errorf("%d differ from themselves: %q", len(lines), lines[0])
	}
}
