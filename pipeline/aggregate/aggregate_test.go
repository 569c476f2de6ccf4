package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/segmentio/encoding/json"

	"parcours/pipeline"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/embedded"
	"parcours/pipeline/embedded/prepared"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
)

func TestMain(m *testing.M) {
	os.Exit(prepared.Main(m))
}

// site is a real log and real tables.
type site struct {
	t      *testing.T
	server *embedded.NATS
	tables *embedded.ClickHouse
	bus    *nats.Bus
	store  *clickhouse.Store
	info   nats.LogInfo
	now    atomic.Int64 // the wall clock, Unix milliseconds
}

func newSite(t *testing.T, mode string) *site {
	t.Helper()
	s := &site{t: t}
	log := zerolog.Nop()
	var err error
	if s.server, err = embedded.StartNATS(embedded.NATSConfig{Dir: t.TempDir()}, log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.server.Close)
	s.tables = prepared.Start(t, clickhouse.Prepare)
	s.bus = s.newBus()
	if s.info, err = s.bus.Provision(t.Context(), mode); err != nil {
		t.Fatal(err)
	}
	if s.store, err = clickhouse.Open(t.Context(), clickhouse.Config{Addr: s.tables.Addr()}, log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.store.Close() })
	return s
}

func (s *site) newBus() *nats.Bus {
	s.t.Helper()
	conn, err := s.server.Connect(nats.ConnOptions(zerolog.Nop())...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(conn.Close)
	config := nats.Defaults()
	config.Partitions = 4
	config.DuplicateWindow = 100 * time.Millisecond // what must hold, holds without it
	bus, err := nats.New(conn, config, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		s.t.Fatal(err)
	}
	return bus
}

// run starts a loop; the returned function stops it and gives its error.
func (s *site) run(change func(*aggregate.Config)) (stop func() error, ended <-chan error) {
	s.t.Helper()
	_, stop, ended = s.start(change)
	return stop, ended
}

func (s *site) start(change func(*aggregate.Config)) (loop *aggregate.Aggregator, stop func() error, ended <-chan error) {
	s.t.Helper()
	return s.startWith(s.deps(), change)
}

func (s *site) startWith(d aggregate.Dependencies, change func(*aggregate.Config)) (loop *aggregate.Aggregator, stop func() error, ended <-chan error) {
	s.t.Helper()
	config := aggregate.Default()
	config.TickLeast, config.FlushIdle = 10*time.Millisecond, 20*time.Millisecond
	if change != nil {
		change(&config)
	}
	loop, err := aggregate.New(config, d)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	result := make(chan error, 1)
	go func() { result <- loop.Run(ctx) }()
	s.t.Cleanup(cancel)
	return loop, func() error { cancel(); return <-result }, result
}

// append stores events of a customer in a partition.
func (s *site) append(partition int, events ...*event.Event) {
	s.t.Helper()
	entries := make([]pipeline.Entry, 0, len(events))
	for _, e := range events {
		e.Home = "home"
		e.Data.Customer = "home"
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

// settled waits until everything in the log is in the tables.
func (s *site) settled() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	head, err := s.bus.Head(ctx)
	if err == nil {
		err = s.store.WaitFrontier(ctx, head)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) count(query string) (n uint64) {
	s.t.Helper()
	if err := s.store.Conn().QueryRow(s.t.Context(), query).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// told reads everything that JOURNEYS holds: type, what about, position.
func (s *site) told() (list []string) {
	s.t.Helper()
	s.eachTold(func(m *pipeline.Message) {
		if line := describe(s.t, m); line != "" {
			list = append(list, line)
		}
	})
	return list
}

func (s *site) eachTold(found func(*pipeline.Message)) {
	s.t.Helper()
	reader, err := s.bus.ReadJourneys(s.t.Context(), 1, "")
	if err != nil {
		s.t.Fatal(err)
	}
	defer reader.Close()
	for {
		messages, err := reader.Next(s.t.Context(), 500*time.Millisecond)
		if err != nil {
			s.t.Fatal(err)
		}
		if len(messages) == 0 {
			return
		}
		for i := range messages {
			found(&messages[i])
		}
	}
}

// describe gives "" for what the loop does not tell.
func describe(t *testing.T, m *pipeline.Message) string {
	t.Helper()
	var e struct {
		Type string `json:"type"`
		Data struct {
			Journey    string `json:"journey_id"`
			Breakpoint string `json:"breakpoint_id"`
			Position   int    `json:"position"`
		} `json:"data"`
	}
	if err := json.Unmarshal(m.Body, &e); err != nil {
		t.Fatal(err)
	}
	if e.Type == "owner.claimed" || e.Type == pipeline.JourneyStepped { // stepped is coalesced: how depends on the moment
		return ""
	}
	return fmt.Sprint(m.Partition, e.Type, e.Data.Journey, e.Data.Breakpoint, e.Data.Position)
}

func eventually(t *testing.T, what string, ask func() bool) {
	t.Helper()
	deadline, again := time.After(20*time.Second), time.NewTicker(20*time.Millisecond)
	defer again.Stop()
	for !ask() {
		select {
		case <-deadline:
			t.Fatalf("not in time: %s", what)
		case <-again.C:
		}
	}
}

var monday = event.InstantOf(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)) // 10:00 in Paris

// life is n contacts of one customer, each for the same reason, some hours apart.
func life(from, n int) (list []*event.Event) {
	for i := from; i < from+n; i++ {
		at := monday.Add(time.Duration(i) * 5 * time.Hour)
		for k, typ := range []string{event.ContactStarted, event.ContactAnswered, event.ContactEnded} {
			e := &event.Event{ID: fmt.Sprintf("%d-%d", i, k), Source: "/test", Type: typ, At: at.Add(time.Duration(k) * time.Minute)}
			e.Data.Contact, e.Data.Channel, e.Data.Reason = fmt.Sprint("k", i), event.Phone, "billing.dispute"
			list = append(list, e)
		}
	}
	return list
}

// TestTick: in the wall clock mode a deadline that passes in silence is found by a tick, and told.
func TestTick(t *testing.T) {
	s := newSite(t, nats.ModeWall)
	s.now.Store(int64(monday.Add(time.Hour)))
	stop, _ := s.run(nil)
	mail := &event.Event{ID: "1", Source: "/test", Type: event.MessageReceived, At: monday}
	mail.Data.Channel = event.Email
	s.append(2, mail)
	s.settled()
	if n := s.count("SELECT count() FROM cx.breakpoints_v"); n != 0 {
		t.Fatalf("%d breakpoints before anything is due", n)
	}
	s.now.Store(int64(monday.Add(24*time.Hour + 2*time.Minute))) // due after 24 h; the grace is one minute
	eventually(t, "the breach", func() bool { return s.count("SELECT count() FROM cx.breakpoints_v WHERE kind = 'sla_breach'") == 1 })
	eventually(t, "its message", func() bool { return strings.Contains(strings.Join(s.told(), "\n"), pipeline.BreakpointDetected) })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// TestTickUnderTraffic: a quiet partition gets its ticks while another one is busy.
func TestTickUnderTraffic(t *testing.T) {
	s := newSite(t, nats.ModeWall)
	s.now.Store(int64(monday.Add(time.Hour)))
	stop, _ := s.run(func(c *aggregate.Config) { c.FlushEvery = 50 * time.Millisecond })
	mail := &event.Event{ID: "mail", Source: "/test", Type: event.MessageReceived, At: monday}
	mail.Data.Channel = event.Email
	s.append(2, mail)
	s.settled()
	s.now.Store(int64(monday.Add(72 * time.Hour)))
	busy := 0
	eventually(t, "the breach", func() bool {
		for range 10 { // more than one event per FlushIdle, all the time
			s.append(1, life(busy, 1)...)
			busy++
		}
		return s.count("SELECT count() FROM cx.breakpoints_v WHERE kind = 'sla_breach'") == 1
	})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// TestNoTicksInLogMode: time moves only with events.
func TestNoTicksInLogMode(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	s.now.Store(int64(monday.Add(1000 * time.Hour)))
	stop, _ := s.run(nil)
	s.append(1, life(0, 3)...)
	s.settled()
	s.append(1, life(3, 1)...)
	s.settled()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if head, err := s.bus.Head(t.Context()); err != nil || head != 1+4*3 {
		t.Errorf("the log ends at %d, expected 13: %v", head, err)
	}
}

// TestRestart: a loop that is cut off again and again tells the same as one that runs through, nothing twice, and leaves
// the same rows.
func TestRestart(t *testing.T) {
	calm, cut := newSite(t, nats.ModeLog), newSite(t, nats.ModeLog)
	for _, s := range []*site{calm, cut} {
		for p := range 4 {
			s.append(p, withHome(p, life(0, 40))...)
		}
	}
	stop, _ := calm.run(nil)
	calm.settled()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	reached := func() uint64 { return cut.count("SELECT max(position) FROM cx.frontier") }
	for round := range 5 {
		before := reached()
		stop, _ := cut.run(func(c *aggregate.Config) {
			c.FlushRows, c.StopWithin = 20+30*round, time.Nanosecond // stopped in the middle, nothing is delivered any more
		})
		eventually(t, "a batch", func() bool { return reached() > before || before == 481 })
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
	stop, _ = cut.run(nil)
	cut.settled()
	want := calm.told()
	eventually(t, "as many messages", func() bool { return len(cut.told()) >= len(want) })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	got := cut.told()
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("told %d messages, expected %d, or others", len(got), len(want))
	}
	for _, query := range []string{
		"SELECT sum(cityHash64(formatRow('TSV', *))) FROM (SELECT * EXCEPT (seen_at) FROM cx.events_v)", "SELECT sum(cityHash64(formatRow('TSV', *))) FROM cx.journeys_v",
		"SELECT sum(cityHash64(formatRow('TSV', *))) FROM cx.journey_steps_v", "SELECT sum(cityHash64(formatRow('TSV', *))) FROM cx.breakpoints_v",
	} {
		if calm.count(query) != cut.count(query) {
			t.Errorf("%s differs", query)
		}
	}
}

// withHome gives every partition a customer of its own.
func withHome(p int, events []*event.Event) []*event.Event {
	for _, e := range events {
		e.Source = fmt.Sprint("/test", p)
	}
	return events
}

// TestTablesDie: ClickHouse is killed in the middle; the loop waits and everything arrives once.
func TestTablesDie(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	stop, _ := s.run(func(c *aggregate.Config) { c.FlushRows = 50 })
	for i := range 5 {
		s.append(3, life(10*i, 10)...)
		if err := syscall.Kill(s.tables.PID(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	s.settled()
	if events, steps := s.count("SELECT count() FROM cx.events_v"), s.count("SELECT sum(steps) FROM cx.journeys_v"); events != 150 || steps != 150 {
		t.Errorf("%d events and %d steps, expected 150", events, steps)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// TestPoison: a message that is no event is set aside with its reason, and the rest goes on; after a restart too, once.
func TestPoison(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	out := s.bus.Append(t.Context(), []pipeline.Entry{{
		MsgID: "poison", Partition: 1, Channel: "phone", Family: "contact", Type: "contact.started", Body: []byte(`{"half": `),
	}})
	if out[0].Err != nil {
		t.Fatal(out[0].Err)
	}
	for range 2 {
		stop, _ := s.run(nil)
		s.append(1, life(0, 2)...)
		s.settled()
		if n := s.count("SELECT count() FROM cx.events_v"); n != 6 {
			t.Errorf("%d events, expected 6", n)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
	rejected, err := s.bus.RejectedCount(t.Context())
	if err != nil || rejected[event.ReasonUndecodable] != 1 {
		t.Errorf("rejected %v, expected one %s: %v", rejected, event.ReasonUndecodable, err)
	}
}

// TestFenced: when another owner claims its partitions, the loop stops and says so.
func TestFenced(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	_, ended := s.run(nil)
	s.append(0, life(0, 1)...)
	s.settled()
	other := s.newBus()
	for p := range s.info.Partitions {
		if _, err := other.Claim(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	s.append(0, life(1, 1)...)
	if err := <-ended; !errors.Is(err, pipeline.ErrFenced) {
		t.Errorf("the loop ended with %v, expected %v", err, pipeline.ErrFenced)
	}
}

// TestSetAside: the same id with another time is kept aside, counted, and changes nothing.
func TestSetAside(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	stop, _ := s.run(nil)
	s.append(0, life(0, 1)...)
	again := life(0, 1)[0]
	again.At++
	out := s.bus.Append(t.Context(), []pipeline.Entry{{
		MsgID: "another", Partition: 0, Channel: "phone", Family: "contact", Type: again.Type,
		Body: func() []byte { again.Home = "home"; return event.AppendLog(nil, again) }(),
	}})
	if out[0].Err != nil {
		t.Fatal(out[0].Err)
	}
	s.settled()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	rejected, err := s.bus.RejectedCount(t.Context())
	if n := s.count("SELECT count() FROM cx.events_v"); n != 3 || err != nil || rejected[event.ReasonIDReused] != 1 {
		t.Errorf("%d events, rejected %v, %v", n, rejected, err)
	}
}

// TestLogShorter: a log that ends before what the tables hold is refused, not folded.
func TestLogShorter(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	stop, _ := s.run(nil)
	s.append(0, life(0, 1)...)
	s.settled()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	other := newSite(t, nats.ModeLog)
	s.bus, s.info = other.bus, other.info
	_, ended := s.run(nil)
	if err := <-ended; !errors.Is(err, aggregate.ErrLogShorter) {
		t.Errorf("ended with %v, expected %v", err, aggregate.ErrLogShorter)
	}
}

// TestReady: not before the log is folded, and not while nobody takes what was found.
func TestReady(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	loop, stop, _ := s.start(func(c *aggregate.Config) { c.StalledAfter, c.StopWithin = 200*time.Millisecond, time.Millisecond })
	eventually(t, "ready", func() bool { return loop.Ready() == nil })
	if err := s.tables.Close(); err != nil {
		t.Fatal(err)
	}
	s.append(0, life(0, 1)...)
	eventually(t, "not ready any more", func() bool { return loop.Ready() != nil })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}
