package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"parcours/pipeline"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
	"parcours/pipeline/rules"
)

// deps are what a rebuild and an audit of the site work with.
func (s *site) deps() aggregate.Dependencies {
	return aggregate.Dependencies{
		Log: s.bus, Appender: s.bus, Store: s.store, Auditor: s.store, Teller: s.bus, Rejecter: s.bus, Checkpoints: s.bus,
		Scratch: s.t.TempDir(), Book: rules.Default(), Partitions: s.info.Partitions, Wall: s.info.Mode == nats.ModeWall,
		Now: func() time.Time { return time.UnixMilli(s.now.Load()) }, Logger: zerolog.Nop(),
		Metrics: aggregate.NewMetrics(prometheus.NewRegistry()),
	}
}

// verify finds nothing wrong.
func (s *site) verify() *aggregate.Report {
	s.t.Helper()
	r, err := aggregate.Verify(s.t.Context(), aggregate.Default(), s.deps(), aggregate.VerifyOptions{IDs: true})
	if err != nil {
		s.t.Fatal(err)
	}
	if len(r.Problems) > 0 {
		s.t.Errorf("verify: %v", r.Problems)
	}
	return r
}

// checksum is the digest of the tables.
func (s *site) checksum(net bool) string {
	s.t.Helper()
	tables, err := s.store.Checksum(s.t.Context(), net)
	if err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprint(tables)
}

// traces are what there is of a generation: rows, pointers, objects.
func (s *site) traces(generation uint32) (list []string) {
	s.t.Helper()
	numbers, err := s.store.Generations(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if slices.Contains(numbers, generation) {
		list = append(list, "rows")
	}
	pointers, err := s.bus.Pointers(s.t.Context(), "")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, p := range pointers {
		if p.Key == "rebuild" || strings.HasPrefix(p.Key, fmt.Sprintf("checkpoint.%d.", generation)) {
			list = append(list, p.Key)
		}
	}
	for _, name := range s.objects() {
		if strings.HasPrefix(name, fmt.Sprintf("g%d/", generation)) {
			list = append(list, name)
		}
	}
	return list
}

// objects are the names of all that lie in CHECKPOINTS; what an upload that never ended left is an error.
func (s *site) objects() (names []string) {
	s.t.Helper()
	left, err := s.bus.Sweep(s.t.Context(), func(name string) bool { names = append(names, name); return true }, 0)
	if err != nil || left != 0 {
		s.t.Errorf("%d uploads never ended, %v", left, err)
	}
	return names
}

// cutter ends a context at one call among those that a rebuild makes, of any of what it works with.
type cutter struct {
	pipeline.Store
	pipeline.Auditor
	pipeline.Checkpoints
	cut   context.CancelFunc
	calls int
	last  int
}

func (c *cutter) call() {
	if c.calls++; c.calls == c.last {
		c.cut()
	}
}

func (c *cutter) Insert(ctx context.Context, rows *pipeline.Rows) error {
	c.call()
	return c.Store.Insert(ctx, rows)
}

func (c *cutter) EventSums(ctx context.Context) ([]pipeline.EventSum, error) {
	c.call()
	return c.Auditor.EventSums(ctx)
}

func (c *cutter) Save(ctx context.Context, name string, r io.Reader) error {
	c.call()
	return c.Checkpoints.Save(ctx, name, r)
}

func (c *cutter) Point(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	c.call()
	return c.Checkpoints.Point(ctx, key, value, revision)
}

// lived is a site with some lives in its tables and a checkpoint; nobody owns it any more.
func lived(t *testing.T) *site {
	t.Helper()
	s := newSite(t, nats.ModeLog)
	s.now.Store(time.Now().UnixMilli())
	for p := range 4 {
		s.send(p, fmt.Sprint("home", p), life(0, 10)...)
	}
	s.foldAll()
	return s
}

// send stores events of one home in a partition.
func (s *site) send(partition int, home string, events ...*event.Event) {
	s.t.Helper()
	var entries []pipeline.Entry
	for _, e := range events {
		e.Home, e.Data.Customer, e.Source = home, home, "/"+home
		entries = append(entries, pipeline.Entry{
			MsgID: event.MessageID(e.Source, e.ID), Partition: partition, Channel: "phone", Family: "contact", Type: e.Type,
			Body: event.AppendLog(nil, e),
		})
	}
	for _, out := range s.bus.Append(s.t.Context(), entries) {
		if out.Err != nil {
			s.t.Fatal(out.Err)
		}
	}
}

// foldAll runs a loop until all is in the tables, and stops it.
func (s *site) foldAll() {
	s.t.Helper()
	loop, stop, _ := s.start(nil)
	eventually(s.t, "ready", func() bool { return loop.Ready() == nil })
	s.settled()
	if err := stop(); err != nil {
		s.t.Fatal(err)
	}
}

// TestRebuildInterrupted: wherever a rebuild is interrupted, nothing of it is left; what the owner has under way is.
func TestRebuildInterrupted(t *testing.T) {
	s := lived(t)
	before := s.checksum(false)
	const underWay = "g1/p0/state-999999" // the owner has saved it, and is about to point to it
	if err := s.bus.Save(t.Context(), underWay, strings.NewReader("a state")); err != nil {
		t.Fatal(err)
	}
	config := aggregate.Default()
	config.FlushRows = 100
	interrupted, whole := 0, uint32(0)
	for last := 1; ; last++ {
		ctx, cancel := context.WithCancel(t.Context())
		d := s.deps()
		c := &cutter{Store: d.Store, Auditor: d.Auditor, Checkpoints: d.Checkpoints, cut: cancel, last: last}
		d.Store, d.Auditor, d.Checkpoints = c, c, c
		g, err := aggregate.Rebuild(ctx, config, d, aggregate.RebuildOptions{})
		cancel()
		if err == nil {
			if interrupted < 12 {
				t.Errorf("generation %d was whole after %d interrupted ones", g.Number, interrupted)
			}
			whole = g.Number
			break
		}
		interrupted++
		for number := range uint32(interrupted + 1) { // each has another number
			if left := s.traces(2 + number); len(left) > 0 {
				t.Fatalf("interrupted at call %d (%v), the rebuild left %v", last, err, left)
			}
		}
		if !slices.Contains(s.objects(), underWay) {
			t.Fatalf("interrupted at call %d, the rebuild took away what the owner has under way", last)
		}
	}
	if s.checksum(false) != before {
		t.Error("the tables have changed")
	}
	stop, _ := s.run(nil) // which takes over the last one
	eventually(t, "the switch", func() bool { return s.current() == whole })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if r := s.verify(); r.Generation.Number != whole || s.checksum(false) != before {
		t.Errorf("taken over: %+v", r)
	}
}

// current is the generation that views read.
func (s *site) current() uint32 {
	s.t.Helper()
	g, err := s.store.Current(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return g.Number
}

// TestRebuildKilled: what a rebuild that was killed has left stays while it may be alive, and is gone after the next start
// of an aggregator, and after the next rebuild.
func TestRebuildKilled(t *testing.T) {
	for _, next := range []string{"aggregator", "rebuild"} {
		t.Run(next, func(t *testing.T) {
			s := lived(t)
			before := s.checksum(false)
			s.abandon(2)
			all := s.traces(2)
			if _, err := aggregate.Rebuild(t.Context(), aggregate.Default(), s.deps(), aggregate.RebuildOptions{}); !errors.Is(err, aggregate.ErrRebuilding) {
				t.Errorf("while another one may be alive: %v", err)
			}
			s.foldAll()
			if left := s.traces(2); !slices.Equal(left, all) || len(all) != 4 {
				t.Errorf("of a rebuild that may be alive, %v is left of %v", left, all)
			}
			s.now.Add((2 * time.Minute).Milliseconds())
			if next == "rebuild" {
				g, err := aggregate.Rebuild(t.Context(), aggregate.Default(), s.deps(), aggregate.RebuildOptions{})
				if err != nil || g.Number != 3 { // a number is not used again: whoever had it may wake up
					t.Errorf("generation %d, %v", g.Number, err)
				}
				if left := s.traces(2); !slices.Equal(left, []string{"rebuild"}) { // the new one's
					t.Errorf("of the killed one, %v is left", left)
				}
				s.foldAll()
			} else {
				s.foldAll()
				if left := s.traces(2); len(left) > 0 {
					t.Errorf("of the killed one, %v is left", left)
				}
			}
			s.verify()
			if s.checksum(false) != before {
				t.Error("the tables have changed")
			}
		})
	}
}

// abandon leaves what a rebuild leaves that is killed when it has written a part of its rows and one checkpoint.
func (s *site) abandon(generation uint32) {
	s.t.Helper()
	ctx := s.t.Context()
	rows := &pipeline.Rows{Generation: generation, Breakpoints: []pipeline.BreakpointRow{{
		Position: 5, BreakpointID: "00000000000000000000000000000001", Kind: "sla_breach", OccurredAt: monday, DetectedAt: monday, OpportunityAt: monday,
	}}, Frontier: []pipeline.FrontierRow{{Partition: 0, Position: 5, Clock: event.Instant(monday)}}}
	_, err := s.bus.Point(ctx, "rebuild", fmt.Appendf(nil, `{"generation":{"Number":%d},"state":"building"}`, generation), 0)
	object := fmt.Sprintf("g%d/p0/state-5", generation)
	err = errors.Join(err, s.store.Insert(ctx, rows), s.bus.Save(ctx, object, strings.NewReader("a state")))
	_, failed := s.bus.Point(ctx, fmt.Sprintf("checkpoint.%d.0", generation), fmt.Appendf(nil, `{"position":5,"message_id":"?","state":%q}`, object), 0)
	if err = errors.Join(err, failed); err != nil {
		s.t.Fatal(err)
	}
}
