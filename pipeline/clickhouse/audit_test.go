package clickhouse

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

func TestLedgerAndDigestsAreReadBack(t *testing.T) {
	s := migrated(t)
	rows := everyRow()
	rows.Ledger = append(rows.Ledger, pipeline.LedgerRow{Partition: 1, Range: 9, Position: 5, First: 1})
	rows.Digests = append(rows.Digests, pipeline.DigestRow{Partition: 1, Table: "aliases", Position: 5})
	insert(t, s, rows)
	older := &pipeline.Rows{Generation: 1, Ledger: []pipeline.LedgerRow{{Partition: 1, Range: 9, Position: 4, First: 99}}}
	insert(t, s, older)
	if got, err := s.Ledger(t.Context(), 1); err != nil || !slices.Equal(got, []pipeline.LedgerRow{rows.Ledger[1], rows.Ledger[0]}) {
		t.Errorf("ledger %+v, %v", got, err)
	}
	if got, err := s.Digests(t.Context(), 1); err != nil || !slices.Equal(got, []pipeline.DigestRow{rows.Digests[1], rows.Digests[0]}) {
		t.Errorf("digests %+v, %v", got, err)
	}
	if got, err := s.Ledger(t.Context(), 2); err != nil || len(got) > 0 {
		t.Errorf("ledger of another generation: %+v, %v", got, err)
	}
}

// sumsOf adds rows up as the fold does.
func sumsOf(rows *pipeline.Rows) []pipeline.DigestRow {
	sums := map[string]*pipeline.DigestRow{}
	add := func(table string, partition int, content, position uint64) {
		key := fmt.Sprint(partition, table)
		if sums[key] == nil {
			sums[key] = &pipeline.DigestRow{Partition: partition, Table: table}
		}
		sums[key].Rows++
		sums[key].Digest += pipeline.RowDigest(content, position)
	}
	for _, r := range rows.Journeys {
		add("journeys", r.Partition, r.Content(), r.Position)
	}
	for _, r := range rows.Steps {
		add("journey_steps", r.Partition, r.Content(), r.Position)
	}
	for _, r := range rows.Breakpoints {
		add("breakpoints", r.Partition, r.Content(), r.Position)
	}
	for _, r := range rows.Aliases {
		add("aliases", r.Partition, r.Content(), r.Position)
	}
	for _, r := range rows.Alerts {
		add("alerts", r.Partition, r.Content(), r.Position)
	}
	for _, r := range rows.ClosedDays {
		add("closed_days", r.Partition, r.Content(), r.Position)
	}
	for _, r := range rows.ChurnSignals {
		add("churn_signals", r.Partition, r.Content(), r.Position)
	}
	for _, r := range rows.Scores {
		add("churn_scores", r.Partition, r.Content(), r.Position)
	}
	for _, r := range rows.ScoredDays {
		add("scored_days", r.Partition, r.Content(), r.Position)
	}
	for _, r := range rows.Models {
		add("models", r.Partition, r.Content(), r.Position)
	}
	var list []pipeline.DigestRow
	for _, r := range sums {
		list = append(list, *r)
	}
	slices.SortFunc(list, func(a, b pipeline.DigestRow) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Table, b.Table))
	})
	return list
}

func TestSumsAreThoseOfTheFold(t *testing.T) {
	s := migrated(t)
	rows := odd()
	insert(t, s, rows)
	insert(t, s, rows) // copies are not counted, nor older versions, nor what was taken back
	older := *rows
	older.Journeys, older.Steps = slices.Clone(rows.Journeys[:3]), []pipeline.StepRow{{At: at(1, 1, 0), EventID: "gone", Position: 3}}
	for i := range older.Journeys {
		older.Journeys[i].Position, older.Journeys[i].CustomerID = 0, "another"
	}
	insert(t, s, &older)
	insert(t, s, &pipeline.Rows{Generation: 1, Steps: []pipeline.StepRow{{At: at(1, 1, 0), EventID: "gone", Position: 4, Deleted: true}}})
	insert(t, s, &pipeline.Rows{Generation: 2, Journeys: []pipeline.JourneyRow{journey("of another generation", at(1, 1, 0), 1)}})
	got, err := s.Sums(t.Context(), 1)
	if want := sumsOf(rows); err != nil || !slices.Equal(got, want) {
		t.Errorf("got  %v, %v\nwant %v", got, err, want)
	}
	if got, err := s.Sums(t.Context(), 3); err != nil || len(got) > 0 {
		t.Errorf("sums of nothing: %v, %v", got, err)
	}
}

func TestEventSumsAreThoseOfTheLedger(t *testing.T) {
	s := migrated(t)
	rows := odd()
	want := map[[2]uint64]pipeline.EventSum{}
	for i := range rows.Events {
		r := &rows.Events[i]
		r.Position += uint64(i%3) * pipeline.LedgerRange
	}
	rows.Events[0].Position, rows.Events[3].Position = pipeline.LedgerRange, pipeline.LedgerRange+1 // the last of one range, the first of the next
	for i := range rows.Events {
		r := &rows.Events[i]
		key := [2]uint64{uint64(r.Partition), (r.Position - 1) / pipeline.LedgerRange}
		sum := want[key]
		want[key] = pipeline.EventSum{
			Partition: r.Partition, Range: key[1], Rows: sum.Rows + 1, Digest: sum.Digest + pipeline.RowDigest(r.Content(), r.Position),
		}
	}
	insert(t, s, rows)
	got, err := s.EventSums(t.Context())
	if err != nil || len(got) != len(want) {
		t.Fatalf("got %v, %v", got, err)
	}
	for _, sum := range got {
		if want[[2]uint64{uint64(sum.Partition), sum.Range}] != sum {
			t.Errorf("got %+v, want %+v", sum, want[[2]uint64{uint64(sum.Partition), sum.Range}])
		}
	}
	var found []pipeline.EventKey
	if err := s.EventRows(t.Context(), 0, 0, func(k pipeline.EventKey) error { found = append(found, k); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(found) != int(got[0].Rows) || !slices.IsSortedFunc(found, func(a, b pipeline.EventKey) int { return cmp.Compare(a.Position, b.Position) }) {
		t.Errorf("found %+v, want %d in order", found, got[0].Rows)
	}
	last, r := found[len(found)-1], &rows.Events[0]
	if last != (pipeline.EventKey{Position: r.Position, At: event.Instant(pipeline.Kept(r.Event.At)), Source: r.Event.Source, ID: r.Event.ID, Content: r.Content()}) {
		t.Errorf("last %+v", last)
	}
	stop := errors.New("stop")
	if err := s.EventRows(t.Context(), 0, 0, func(pipeline.EventKey) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}

func TestRowKeys(t *testing.T) {
	s := migrated(t)
	rows := odd()
	insert(t, s, rows)
	check := func(table string, want map[string][2]uint64) {
		t.Helper()
		last := ""
		err := s.RowKeys(t.Context(), table, 1, 1, func(key string, position, content uint64) error {
			if want[key] != [2]uint64{position, content} || key < last {
				t.Errorf("%s: %q (after %q): %d, %d, want %v", table, key, last, position, content, want[key])
			}
			delete(want, key)
			last = key
			return nil
		})
		if err != nil || len(want) > 0 {
			t.Errorf("%s: %v, not found: %v", table, err, want)
		}
	}
	journeys, steps, breakpoints, aliases := map[string][2]uint64{}, map[string][2]uint64{}, map[string][2]uint64{}, map[string][2]uint64{}
	for i := 1; i < len(rows.Journeys); i += 2 {
		journeys[rows.Journeys[i].JourneyID] = [2]uint64{rows.Journeys[i].Position, rows.Journeys[i].Content()}
		steps[rows.Steps[i].Source+" "+rows.Steps[i].EventID] = [2]uint64{rows.Steps[i].Position, rows.Steps[i].Content()}
		breakpoints[rows.Breakpoints[i].BreakpointID] = [2]uint64{rows.Breakpoints[i].Position, rows.Breakpoints[i].Content()}
		aliases[rows.Aliases[i].OldID] = [2]uint64{rows.Aliases[i].Position, rows.Aliases[i].Content()}
	}
	check("journeys", journeys)
	check("journey_steps", steps)
	check("breakpoints", breakpoints)
	check("aliases", aliases)
	alerts, days := map[string][2]uint64{}, map[string][2]uint64{}
	for i := 1; i < len(rows.Alerts); i += 2 {
		alerts[rows.Alerts[i].RaisedOn.String()+" "+rows.Alerts[i].AlertID] = [2]uint64{rows.Alerts[i].Position, rows.Alerts[i].Content()}
		days[rows.ClosedDays[i].Day.String()] = [2]uint64{rows.ClosedDays[i].Position, rows.ClosedDays[i].Content()}
	}
	check("alerts", alerts)
	check("closed_days", days)
	signals := map[string][2]uint64{}
	for i := 1; i < len(rows.ChurnSignals); i += 2 {
		signals[rows.ChurnSignals[i].SignalID] = [2]uint64{rows.ChurnSignals[i].Position, rows.ChurnSignals[i].Content()}
	}
	check("churn_signals", signals)
	scores, models := map[string][2]uint64{}, map[string][2]uint64{}
	for i := 1; i < len(rows.Scores); i += 2 {
		key := event.Instant(pipeline.Kept(rows.Scores[i].AsOf)).Time().Format(time.DateOnly) + " " + rows.Scores[i].CustomerID
		scores[key] = [2]uint64{rows.Scores[i].Position, rows.Scores[i].Content()}
		models[strconv.FormatUint(rows.Models[i].Position, 10)] = [2]uint64{rows.Models[i].Position, rows.Models[i].Content()}
	}
	check("churn_scores", scores)
	check("models", models)
	if err := s.RowKeys(t.Context(), "events", 1, 1, nil); err == nil {
		t.Error("a table without a digest was listed")
	}
}

func TestReusedIDs(t *testing.T) {
	s := migrated(t)
	rows := &pipeline.Rows{}
	for i, when := range []event.Instant{at(3, 1, 0), at(1, 1, 0), at(3, 1, 0), at(2, 1, 0)} { // one of them a copy
		rows.Events = append(rows.Events, pipeline.EventRow{Position: uint64(i + 1), Event: contactEnded("it's", when)})
	}
	rows.Events = append(rows.Events, pipeline.EventRow{Position: 9, Event: contactEnded("once", at(1, 1, 0))})
	insert(t, s, rows)
	found := ""
	err := s.ReusedIDs(t.Context(), func(source, id string, times []event.Instant) error {
		found += fmt.Sprintln(source, id, times)
		return nil
	})
	if want := fmt.Sprintln("crm", "it's", []event.Instant{at(1, 1, 0), at(2, 1, 0), at(3, 1, 0)}); err != nil || found != want {
		t.Errorf("found %q, %v, want %q", found, err, want)
	}
}

func TestDeleteEventsOfExactlyThatKey(t *testing.T) {
	s := migrated(t)
	rows := odd()
	insert(t, s, rows)
	copied := rows.Events[5]
	copied.Position = 900
	insert(t, s, &pipeline.Rows{Events: []pipeline.EventRow{copied}})
	var keys []pipeline.EventKey
	for i := range rows.Events[:len(rows.Events)-1] {
		r := &rows.Events[i]
		keys = append(keys, pipeline.EventKey{Position: r.Position, At: r.Event.At, Source: r.Event.Source, ID: r.Event.ID})
	}
	wrong := keys[0]
	wrong.Position = 12345
	for range 2 {
		if err := s.DeleteEvents(t.Context(), append(keys[1:], wrong)); err != nil {
			t.Fatal(err)
		}
		expect(t, s, "SELECT groupArray(position) FROM (SELECT position FROM events FINAL ORDER BY position)", fmt.Sprintf("[1,%d,900]", len(rows.Events)))
	}
	if err := s.DeleteEvents(t.Context(), nil); err != nil {
		t.Error(err)
	}
	many := make([]pipeline.EventKey, 1500)
	for i := range many {
		many[i] = pipeline.EventKey{Position: uint64(i), Source: strings.Repeat(`'\`, 200), ID: strings.Repeat("é", 300)}
	}
	if err := s.DeleteEvents(t.Context(), many); err != nil {
		t.Error(err)
	}
}

func checksum(t *testing.T, s *Store, net bool) []pipeline.TableSum {
	t.Helper()
	sums, err := s.Checksum(t.Context(), net)
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

func TestChecksums(t *testing.T) {
	s := migrated(t)
	none := checksum(t, s, false)
	insert(t, s, odd())
	exact, net := checksum(t, s, false), checksum(t, s, true)
	names := func(sums []pipeline.TableSum) (list string) {
		for _, sum := range sums {
			list += fmt.Sprint(sum.Table, sum.Rows, " ")
		}
		return list
	}
	if got := names(none); got != "events0 alerts0 aliases0 breakpoints0 churn_scores0 churn_signals0 closed_days0 journey_steps0 journeys0 models0 scored_days0 " {
		t.Errorf("an empty database: %s", got)
	}
	if got := names(exact); got != "events27 alerts27 aliases27 breakpoints27 churn_scores27 churn_signals27 closed_days27 journey_steps27 journeys27 models27 scored_days27 " {
		t.Errorf("exact: %s", got)
	}
	if got := names(net); got != "events27 breakpoints27 churn_signals18 journey_steps27 journeys27 " {
		t.Errorf("net: %s", got)
	}
	insert(t, s, odd())
	if again := checksum(t, s, false); !slices.Equal(again, exact) {
		t.Errorf("the same rows: %v, want %v", again, exact)
	}
	// The same facts by another way: other positions and partitions, another key time of a case, stored at another time.
	other := odd()
	other.Generation = 2
	exec(t, s, "TRUNCATE TABLE cx.events")
	for i := range other.Events {
		other.Events[i].Position, other.Events[i].Partition, other.Events[i].StoredAt = 500+uint64(i), 7, at(1, 1, 0)
		other.Journeys[i].Position, other.Journeys[i].Partition, other.Journeys[i].KeyTime = 500+uint64(i), 7, at(1, 1, i)
		other.Steps[i].Position, other.Breakpoints[i].Position = 500+uint64(i), 500+uint64(i)
		other.ChurnSignals[i].Position, other.ChurnSignals[i].Partition = 500+uint64(i), 7
		other.Scores[i].Position, other.ScoredDays[i].Position, other.Models[i].Position = 500+uint64(i), 500+uint64(i), 500+uint64(i)
	}
	insert(t, s, other)
	if err := s.Switch(t.Context(), pipeline.Generation{Number: 2}); err != nil {
		t.Fatal(err)
	}
	if again := checksum(t, s, true); !slices.Equal(again, net) {
		t.Errorf("net, by another way: %v, want %v", again, net)
	}
	for i, sum := range checksum(t, s, false) {
		if sum == exact[i] && sum.Table != "aliases" && sum.Table != "alerts" && sum.Table != "closed_days" {
			t.Errorf("exact, by another way: %s is the same", sum.Table)
		}
	}
}

// Whatever is done to one row, the sums tell.
func TestSumsTell(t *testing.T) {
	s := migrated(t)
	insert(t, s, odd())
	type sums struct {
		rows       []pipeline.DigestRow
		events     []pipeline.EventSum
		exact, net []pipeline.TableSum
	}
	read := func() (now sums) {
		t.Helper()
		var errs [2]error
		now.rows, errs[0] = s.Sums(t.Context(), 1)
		now.events, errs[1] = s.EventSums(t.Context())
		now.exact, now.net = checksum(t, s, false), checksum(t, s, true)
		if err := errors.Join(errs[:]...); err != nil {
			t.Fatal(err)
		}
		return now
	}
	before := read()
	wayOnly := map[string]bool{"aliases": true, "alerts": true, "closed_days": true} // in no net sum
	tells := func(table string, statements ...string) {
		t.Helper()
		for _, sql := range statements {
			exec(t, s, sql)
		}
		now := read()
		if table == "events" && reflect.DeepEqual(now.events, before.events) || table != "events" && reflect.DeepEqual(now.rows, before.rows) {
			t.Errorf("after %s the sums are the same", statements[0])
		}
		if slices.Equal(now.exact, before.exact) || !wayOnly[table] && slices.Equal(now.net, before.net) {
			t.Errorf("after %s the checksums are the same", statements[0])
		}
		before = now
	}
	for table, change := range map[string]struct{ id, column string }{
		"events": {"id", "reason"}, "journeys": {"journey_id", "outcome"}, "journey_steps": {"event_id", "activity"},
		"breakpoints": {"breakpoint_id", "cost"}, "aliases": {"old_id", "new_id"},
		"churn_signals": {"signal_id", "cleared_why"}, "alerts": {"alert_id", "cleared_why"}, "closed_days": {"day", "watched"},
	} {
		altered := map[bool]string{true: "7", false: "'other'"}[change.column == "cost" || change.column == "watched"]
		twin := map[bool]string{true: "toDate32('2020-02-02')", false: "'twin'"}[change.id == "day"]
		copied := fmt.Sprintf("INSERT INTO cx.%s SELECT * REPLACE ("+twin+" AS %s) FROM cx.%[1]s FINAL WHERE position = 5", table, change.id)
		tells(table, copied) // one event, found twice under two ids
		tells(table, fmt.Sprintf("ALTER TABLE cx.%s UPDATE %s = %s WHERE position = 6 SETTINGS mutations_sync = 2", table, change.column, altered))
		tells(table, fmt.Sprintf("ALTER TABLE cx.%s DELETE WHERE position = 7 SETTINGS mutations_sync = 2", table))
	}
}
