package aggregate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
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
// would never insert what lies between. It stops with batches still to be handed over, and with everything handed over
// already.
func TestCheckpointBehindTables(t *testing.T) {
	for name, flushRows := range map[string]int{"many batches": 10, "one batch": 10_000} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, nats.ModeLog)
			loop, stop, _ := s.start(func(c *aggregate.Config) {
				often(c)
				c.FlushRows, c.StopWithin, c.StalledAfter = flushRows, time.Second, 50*time.Millisecond
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
		})
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

// TestLogOtherAndLonger: a log of other events that is longer than what the tables know is refused by the message at which
// they end, checkpoints or none, and nothing of it comes into them.
func TestLogOtherAndLonger(t *testing.T) {
	s, other := newSite(t, nats.ModeLog), newSite(t, nats.ModeLog)
	s.append(0, life(0, 2)...)
	s.folded(s.deps())
	other.store = s.store
	other.append(0, withHome(7, life(0, 4))...)
	_, _, ended := other.start(nil)
	if err := s.ending(ended); !errors.Is(err, aggregate.ErrLogOther) {
		t.Errorf("ended with %v, expected %v", err, aggregate.ErrLogOther)
	}
	if n := s.count("SELECT count() FROM cx.events_v"); n != 6 || len(other.told()) != 0 {
		t.Errorf("%d events, expected 6; told: %v", n, other.told())
	}
	s.verified(s.deps())
}

// loseTables leaves an empty database.
func (s *site) loseTables() {
	s.t.Helper()
	if err := s.store.Conn().Exec(s.t.Context(), "DROP DATABASE cx SYNC"); err != nil {
		s.t.Fatal(err)
	}
	if err := s.store.Migrate(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// TestTablesLost: where the tables are lost and the checkpoints are not, the next start brings every row back, and tells
// nothing again.
func TestTablesLost(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	s.append(1, life(0, 4)...)
	s.folded(s.deps())
	told := len(s.told())
	s.loseTables()
	s.folded(s.deps())
	if n := s.count("SELECT count() FROM cx.events_v"); n != 12 || len(s.told()) != told {
		t.Errorf("%d events, expected 12; %d messages, expected %d", n, len(s.told()), told)
	}
	s.verified(s.deps())
	s.readable()
}

// TestTablesOfLateEventsLost: a generation of its own for late events comes back too, with all of them in journeys.
func TestTablesOfLateEventsLost(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	s.append(1, life(20, 2)...) // four days after the others
	s.append(1, life(0, 2)...)
	_, stop, _ := s.start(nil)
	s.settled()
	if n := s.count("SELECT sum(steps) FROM cx.journeys_v"); n != 6 {
		t.Fatalf("%d steps of journeys, expected those in time: 6", n)
	}
	s.rebuilt(s.deps(), aggregate.RebuildOptions{Admit: true})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	facts := s.facts()
	s.loseTables()
	s.folded(s.deps())
	if n := s.count("SELECT sum(steps) FROM cx.journeys_v"); n != 12 {
		t.Errorf("%d steps of journeys, expected 12", n)
	}
	if g, err := s.store.Current(t.Context()); err != nil || g.Admitted != 13 {
		t.Errorf("the generation in force is %+v, %v", g, err)
	}
	if s.facts() != facts {
		t.Error("what is told in the end has changed")
	}
	s.verified(s.deps())
}

// TestReusedAdmitted: where an id was used twice, the older of the two is admitted, and the row of the other goes.
func TestReusedAdmitted(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	late := life(0, 1)
	late[0].At = late[0].At.Add(30 * time.Second)
	s.append(0, late...)
	s.reuse(life(0, 1)[0])
	_, stop, _ := s.start(nil)
	s.settled()
	s.verified(s.deps())
	for _, admit := range []bool{true, false} {
		s.rebuilt(s.deps(), aggregate.RebuildOptions{Admit: admit})
		s.verified(s.deps())
		if n := s.count("SELECT count() FROM cx.events_v"); n != 3 {
			t.Errorf("%d events, expected 3", n)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// shortLog is a log of which a reader sees only the beginning; it says when it was asked for more.
type shortLog struct {
	pipeline.Log
	until uint64
	asked chan struct{}
}

func (l *shortLog) Read(ctx context.Context, from uint64) (pipeline.Reader, error) {
	r, err := l.Log.Read(ctx, from)
	return &shortReader{Reader: r, log: l}, err
}

type shortReader struct {
	pipeline.Reader
	log *shortLog
	end bool
}

func (r *shortReader) Next(ctx context.Context, wait time.Duration) ([]pipeline.Message, error) {
	if r.end {
		select {
		case r.log.asked <- struct{}{}:
		case <-ctx.Done():
		}
		return nil, ctx.Err()
	}
	messages, err := r.Reader.Next(ctx, wait)
	if i := slices.IndexFunc(messages, func(m pipeline.Message) bool { return m.Position > r.log.until }); i >= 0 {
		r.end, messages = true, messages[:i]
	}
	return messages, err
}

// TestCheckpointsInPart: where only some partitions have a new checkpoint, each goes on from its own; an owner that is stopped
// before the older ones have come as far leaves the younger ones as they are.
func TestCheckpointsInPart(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	s.append(1, life(0, 2)...)
	s.folded(s.deps())
	s.append(1, life(2, 4)...)
	d := s.deps()
	d.Checkpoints = &watched{s.bus, func(what, name string) error {
		if what == "save" && (strings.HasPrefix(name, "g1/p2/") || strings.HasPrefix(name, "g1/p3/")) {
			return errors.New("killed")
		}
		return nil
	}}
	s.folded(d)
	at := func(older uint64) {
		t.Helper()
		want := map[string]uint64{"checkpoint.1.0": 19, "checkpoint.1.1": 19, "checkpoint.1.2": older, "checkpoint.1.3": older}
		if got := s.pointed(); !maps.Equal(got, want) {
			t.Fatalf("checkpoints are %v, expected %v", got, want)
		}
	}
	at(7)
	s.append(1, life(6, 2)...)
	short := &shortLog{s.bus, 12, make(chan struct{})}
	d = s.deps()
	d.Log = short
	_, stop, _ := s.startWith(d, nil)
	<-short.asked
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	at(12)
	s.folded(s.deps())
	for key, at := range s.pointed() {
		if at != 25 {
			t.Errorf("%s is at position %d, expected the head: 25", key, at)
		}
	}
	s.readable()
	s.verified(s.deps())
}

// TestCheckpointGone: a partition whose checkpoint names a state that is gone is folded from the start of the log, and has a
// checkpoint again afterwards.
func TestCheckpointGone(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	s.append(1, life(0, 4)...)
	s.folded(s.deps())
	told := len(s.told())
	if err := s.bus.Delete(t.Context(), s.states()[1]); err != nil {
		t.Fatal(err)
	}
	s.folded(s.deps()) // at the position at which the checkpoint is
	s.readable()
	s.append(1, life(4, 1)...)
	s.folded(s.deps())
	if n := s.count("SELECT sum(steps) FROM cx.journeys_v"); n != 15 || len(s.told()) < told {
		t.Errorf("%d steps of journeys, expected 15", n)
	}
	s.verified(s.deps())
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
		s.forgotten()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
	rejected, err := s.bus.RejectedCount(t.Context())
	if err != nil || rejected[event.ReasonIDReused] != 5 {
		t.Errorf("rejected %v, expected 5 %s: %v", rejected, event.ReasonIDReused, err)
	}
}

// forgotten waits until JetStream takes a message id again.
func (s *site) forgotten() {
	s.t.Helper()
	e := life(50, 1)[0]
	probe := []pipeline.Entry{{
		MsgID: "probe", Partition: 1, Channel: "phone", Family: "contact", Type: e.Type, Body: event.AppendLog(nil, e),
	}}
	s.bus.Append(s.t.Context(), probe)
	eventually(s.t, "JetStream has forgotten the id", func() bool { return !s.bus.Append(s.t.Context(), probe)[0].Duplicate })
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

// absentLog does not answer for its messages a few times.
type absentLog struct {
	pipeline.Log
	away atomic.Int32
}

func (l *absentLog) MessageID(ctx context.Context, position uint64) (string, error) {
	if l.away.Add(-1) >= 0 {
		return "", pipeline.ErrLogAway
	}
	return l.Log.MessageID(ctx, position)
}

// TestLogAway: a log that is away when rows are to go in ends nothing: they go in when it is back.
func TestLogAway(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	log := &absentLog{Log: s.bus}
	d := s.deps()
	d.Log = log
	_, stop, _ := s.startWith(d, nil)
	s.append(0, life(0, 1)...)
	s.settled()
	log.away.Store(3)
	s.append(0, life(1, 1)...)
	s.settled()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := s.count("SELECT count() FROM cx.events_v"); n != 6 {
		t.Errorf("%d events, expected 6", n)
	}
}
