package aggregate_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
)

// pointed gives the positions that the checkpoints of a generation name, by key.
func (s *site) pointed() map[string]uint64 {
	s.t.Helper()
	pointers, err := s.bus.Pointers(s.t.Context(), "checkpoint.")
	if err != nil {
		s.t.Fatal(err)
	}
	at := map[string]uint64{}
	for _, p := range pointers {
		var c struct{ Position uint64 }
		if err := json.Unmarshal(p.Value, &c); err != nil {
			s.t.Fatal(err)
		}
		at[p.Key] = c.Position
	}
	return at
}

func often(c *aggregate.Config) { c.CheckpointEvery = time.Millisecond }

// TestCheckpointBehindTables: while ClickHouse is away, no checkpoint goes beyond what is in the tables: a restart from one
// would never insert what lies between.
func TestCheckpointBehindTables(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	loop, stop, _ := s.start(func(c *aggregate.Config) {
		often(c)
		c.FlushRows, c.StopWithin, c.StalledAfter = 10, 50*time.Millisecond, 50*time.Millisecond
	})
	s.append(0, life(0, 5)...)
	s.settled()
	eventually(t, "a checkpoint of each partition", func() bool { return len(s.pointed()) == s.info.Partitions })
	in := s.count("SELECT max(position) FROM cx.frontier")
	if err := s.tables.Close(); err != nil {
		t.Fatal(err)
	}
	s.append(1, life(5, 20)...)
	eventually(t, "the loop waits for ClickHouse", func() bool { return loop.Ready() != nil })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for key, at := range s.pointed() {
		if at > in {
			t.Errorf("%s is at position %d, and the tables at %d", key, at, in)
		}
	}
}

// TestRestoredWhere: a restart goes on behind the checkpoint, and what it gives is what a fold from nothing gives.
func TestRestoredWhere(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	for round := range 3 {
		stop, _ := s.run(nil)
		s.append(round, withHome(round, life(10*round, 10))...)
		s.settled()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		for key, at := range s.pointed() {
			if want := uint64(1 + 30*(round+1)); at != want {
				t.Errorf("round %d: %s is at position %d, expected the head: %d", round, key, at, want)
			}
		}
	}
	if names := s.objects(); len(names) != s.info.Partitions {
		t.Errorf("%q are kept, expected the state of each partition", names)
	}
	report, err := aggregate.Verify(t.Context(), aggregate.Default(), s.deps(), aggregate.VerifyOptions{IDs: true})
	if err != nil || len(report.Problems) > 0 || report.First != 90 {
		t.Errorf("verified: %+v, %v", report, err)
	}
}

// TestLogOther: a log that holds another message at the position of a checkpoint is refused, and a rebuild goes on with it.
func TestLogOther(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	stop, _ := s.run(nil)
	s.append(0, life(0, 3)...)
	s.settled()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	other := newSite(t, nats.ModeLog) // the tables and the checkpoints of one log, beside another of the same length
	other.append(0, withHome(7, life(0, 3))...)
	for _, p := range []int{0, 1, 2, 3} {
		key := fmt.Sprintf("checkpoint.1.%d", p)
		pointer, err := s.bus.Pointer(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.bus.Point(t.Context(), key, pointer.Value, 0); err != nil {
			t.Fatal(err)
		}
	}
	other.store = s.store
	_, ended := other.run(nil)
	if err := <-ended; !errors.Is(err, aggregate.ErrLogOther) {
		t.Fatalf("ended with %v, expected %v", err, aggregate.ErrLogOther)
	}
	if _, err := aggregate.Rebuild(t.Context(), aggregate.Default(), other.deps(), aggregate.RebuildOptions{}); err != nil {
		t.Fatal(err)
	}
	stop, _ = other.run(nil)
	other.append(0, withHome(7, life(3, 1))...)
	other.settled()
	if n := s.count("SELECT count() FROM cx.events_v WHERE source = '/test7'"); n != 12 {
		t.Errorf("%d events of the other log, expected 12", n)
	}
	if n := s.count("SELECT count() FROM cx.events_v"); n != 12 {
		t.Errorf("%d events, expected those of this log alone: 12", n)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	report, err := aggregate.Verify(t.Context(), aggregate.Default(), other.deps(), aggregate.VerifyOptions{})
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("verified: %+v, %v", report, err)
	}
}

// TestOtherFold: tables made by another version of the fold are folded anew by the aggregator itself, and stay readable
// until that is done.
func TestOtherFold(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	stop, _ := s.run(nil)
	s.append(0, life(0, 3)...)
	s.settled()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	told := len(s.told())
	current, err := s.store.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	current.Fold = "older"
	if err := s.store.Switch(t.Context(), current); err != nil {
		t.Fatal(err)
	}
	loop, stop, _ := s.start(nil)
	eventually(t, "caught up", func() bool { return loop.Ready() == nil })
	now, err := s.store.Current(t.Context())
	if err != nil || now.Number != current.Number+1 || now.Fold != pipeline.FoldVersion {
		t.Errorf("the generation in force is %+v, %v", now, err)
	}
	s.append(0, life(3, 1)...)
	s.settled()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := s.count("SELECT sum(steps) FROM cx.journeys_v"); n != 12 {
		t.Errorf("%d steps, expected 12", n)
	}
	for i, line := range s.told() {
		if i < told && line == "" {
			t.Error("what was told is gone")
		}
	}
}

// TestSetAsideOnce: what is folded again after a restart is not set aside again.
func TestSetAsideOnce(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	var again []*event.Event
	for i := range 5 {
		e := life(i, 1)[0]
		e.At++
		again = append(again, e)
	}
	s.append(0, life(0, 5)...)
	s.reuse(again...)
	for range 3 {
		stop, _ := s.run(func(c *aggregate.Config) { c.StopWithin = time.Nanosecond }) // leaves no checkpoint
		s.settled()
		for i := range 2 { // longer than the duplicate window
			s.append(1, withHome(i, life(20+i, 1))...)
			time.Sleep(100 * time.Millisecond)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
	rejected, err := s.bus.RejectedCount(t.Context())
	if err != nil || rejected[event.ReasonIDReused] != 5 {
		t.Errorf("rejected %v, expected 5 %s: %v", rejected, event.ReasonIDReused, err)
	}
}

// reuse stores events under message ids of their own.
func (s *site) reuse(events ...*event.Event) {
	s.t.Helper()
	for _, e := range events {
		e.Home = "home"
		out := s.bus.Append(s.t.Context(), []pipeline.Entry{{
			MsgID: "again" + e.ID, Partition: 0, Channel: "phone", Family: "contact", Type: e.Type, Body: event.AppendLog(nil, e),
		}})
		if out[0].Err != nil {
			s.t.Fatal(out[0].Err)
		}
	}
}
