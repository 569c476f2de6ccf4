package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	natsclient "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/alert"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/embedded"
	"parcours/pipeline/event"
	"parcours/pipeline/ingest"
	"parcours/pipeline/nats"
	"parcours/pipeline/rules"
	"parcours/pipeline/simulate"
)

// shortWindow is the duplicate window of these logs: what is told again after it, JetStream does not drop.
const shortWindow = 100 * time.Millisecond

// site is a real log and real tables, for aggregators that are processes of their own.
type site struct {
	t      *testing.T
	server *embedded.NATS
	tables *embedded.ClickHouse
	bus    *nats.Bus
	info   nats.LogInfo
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t}
	var err error
	if s.server, err = embedded.StartNATS(embedded.NATSConfig{Dir: t.TempDir()}, zerolog.Nop()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.server.Close)
	if s.tables, err = embedded.StartClickHouse(t.Context(), embedded.ClickHouseConfig{Dir: t.TempDir()}, zerolog.Nop()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.tables.Close() })
	config := nats.Defaults()
	config.URL, config.Partitions, config.DuplicateWindow = s.server.URL(), 4, shortWindow
	if s.bus, err = nats.Connect(config, zerolog.Nop(), prometheus.NewRegistry()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.bus.Close)
	s.provision()
	return s
}

func (s *site) provision() {
	s.t.Helper()
	var err error
	if s.info, err = s.bus.Provision(s.t.Context(), nats.ModeLog); err != nil {
		s.t.Fatal(err)
	}
}

// store opens the tables of one database.
func (s *site) store(database string) *clickhouse.Store {
	s.t.Helper()
	store, err := clickhouse.Open(s.t.Context(), clickhouse.Config{Addr: s.tables.Addr(), Database: database}, zerolog.Nop())
	if err == nil {
		s.t.Cleanup(func() { _ = store.Close() })
		err = store.Migrate(s.t.Context())
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return store
}

// door is how the simulator's events come into the log.
func (s *site) door() *ingest.Door {
	s.t.Helper()
	operator, err := ingest.LoadOrCreateOperatorKey(s.t.TempDir() + "/operator.key")
	if err != nil {
		s.t.Fatal(err)
	}
	secrets := service.Secrets{Key: ingest.KeyFromSeed("killed"), Sealer: operator.Sealer()}
	door, err := service.OpenDoor(s.t.Context(), ingest.Defaults(), secrets, s.bus, s.info.Partitions, prometheus.NewRegistry())
	if err != nil {
		s.t.Fatal(err)
	}
	return door
}

// feed sends events through the door, and gives where the log ends then.
func (s *site) feed(door *ingest.Door, events []ingest.Raw) (head uint64) {
	s.t.Helper()
	res := door.Accept(s.t.Context(), events, ingest.Origin{Name: "test"})
	head, err := s.bus.Head(s.t.Context())
	if err = errors.Join(res.Err, err); err != nil {
		s.t.Fatal(err)
	}
	return head
}

// end tells the log that time has come as far as an event, so that what is due by then falls due.
func (s *site) end(at event.Instant) (head uint64) {
	s.t.Helper()
	out := s.bus.Append(s.t.Context(), []pipeline.Entry{aggregate.Tick(pipeline.All, at)})
	if out[0].Err != nil {
		s.t.Fatal(out[0].Err)
	}
	return out[0].Position
}

// process is an aggregator that can be killed.
type process struct {
	cmd   *exec.Cmd
	log   bytes.Buffer
	ended chan error
}

// start runs an aggregator on the log into a database, with small batches and many checkpoints.
func (s *site) start(database string) *process {
	s.t.Helper()
	p := &process{ended: make(chan error, 1)}
	p.cmd = exec.CommandContext(s.t.Context(), os.Args[0], "--nats", s.server.URL(), "--clickhouse", s.tables.Addr(),
		"--clickhouse-database", database, "--listen", "127.0.0.1:0", "--scratch", s.t.TempDir(), "--log-format", "json",
		"--duplicate-window", shortWindow.String(), "--checkpoint-every", "40ms", "--flush-rows", "60", "--flush-every", "30ms", "--flush-idle", "20ms")
	p.cmd.Env = append(os.Environ(), asCommand+"=1")
	p.cmd.Stderr = &p.log
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	return p
}

// stop lets the process end by itself.
func (p *process) stop(t *testing.T) {
	t.Helper()
	err := p.cmd.Process.Signal(syscall.SIGTERM)
	if err = errors.Join(err, <-p.ended); err != nil {
		t.Fatalf("told to stop: %v\n%s", err, p.log.String())
	}
}

// began is the position of the checkpoint that the process went on from; false where it was killed before it said so.
func (p *process) began() (position uint64, ok bool) {
	for line := range strings.Lines(p.log.String()) {
		var said struct {
			Message    string `json:"message"`
			Checkpoint uint64 `json:"checkpoint"`
		}
		if json.Unmarshal([]byte(line), &said) == nil && said.Message == "folding the log" {
			return said.Checkpoint, true
		}
	}
	return 0, false
}

// reaches waits until the rows of some partition have come to a position.
func (s *site) reaches(p *process, store *clickhouse.Store, position uint64) {
	s.t.Helper()
	s.until(p, fmt.Sprint("position ", position, " is in the tables"), func() bool {
		frontier, err := store.Frontier(s.t.Context(), 1)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, at := range frontier {
			if at.Position >= position {
				return true
			}
		}
		return false
	})
}

// count answers a query.
func (s *site) count(store *clickhouse.Store, query string) (n uint64) {
	s.t.Helper()
	if err := store.Conn().QueryRow(s.t.Context(), query).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// until waits for something that the aggregator does.
func (s *site) until(p *process, what string, done func() bool) {
	s.t.Helper()
	deadline, again := time.After(time.Minute), time.NewTicker(5*time.Millisecond)
	defer again.Stop()
	for !done() {
		select {
		case err := <-p.ended:
			s.t.Fatalf("the aggregator ended: %v\n%s", err, p.log.String())
		case <-deadline:
			s.t.Fatalf("not within a minute: %s\n%s", what, p.log.String())
		case <-again.C:
		}
	}
}

// killedScoring lets time come as far as an event, and kills the aggregator that tells the log of the days and customers of that time
// when it has begun to, and has lived a little longer.
func (s *site) killedScoring(at event.Instant, life time.Duration) {
	s.t.Helper()
	end := s.end(at)
	p := s.start("cut")
	s.until(p, "the log is told of days and customers", func() bool {
		head, err := s.bus.Head(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		return head > end+1 // a closed day, and the first of a scored one
	})
	pass(life)
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// scored waits until all customers are scored as of the last midnight before an event, and gives where the log ends then.
func (s *site) scored(p *process, store *clickhouse.Store, at event.Instant) (head uint64) {
	s.t.Helper()
	s.until(p, "customers are scored", func() bool {
		return s.count(store, fmt.Sprintf("SELECT count() FROM cut.scored_days_v WHERE toDate32(as_of) = '%s'", alert.DateOf(at))) == 1
	})
	head, err := s.bus.Head(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return head
}

// pass lets a time go by that is part of what is tested: how long an aggregator lives, or is away.
func pass(d time.Duration) { <-time.After(d) }

// finish waits until everything up to a position is in the tables and told, and ends the process.
func (s *site) finish(p *process, store *clickhouse.Store, head uint64) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 60*time.Second)
	defer cancel()
	if err := store.WaitFrontier(ctx, head); err != nil {
		s.t.Fatalf("%v\n%s", err, p.log.String())
	}
	p.stop(s.t) // which tells what is left
}

// sums are the exact digests of the tables and of JOURNEYS.
func (s *site) sums(store *clickhouse.Store) string {
	s.t.Helper()
	tables, err := store.Checksum(s.t.Context(), false)
	if err != nil {
		s.t.Fatal(err)
	}
	count, digest, err := s.bus.JourneysDigest(s.t.Context(), false)
	if err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprintf("%v JOURNEYS %d %x", tables, count, digest)
}

// verify finds nothing wrong.
func (s *site) verify(store *clickhouse.Store) {
	s.t.Helper()
	report, err := aggregate.Verify(s.t.Context(), aggregate.Default(), aggregate.Dependencies{
		Log: s.bus, Store: store, Auditor: store, Checkpoints: s.bus, Book: rules.Default(), Partitions: s.info.Partitions,
		Scratch: s.t.TempDir(), Now: time.Now, Logger: zerolog.Nop(),
	}, aggregate.VerifyOptions{IDs: true})
	if err != nil {
		s.t.Fatal(err)
	}
	if len(report.Problems) != 0 || report.First == 0 {
		s.t.Errorf("%d first copies, problems: %v", report.First, report.Problems)
	}
}

// streams gives those whose name begins so.
func (s *site) streams(js jetstream.JetStream, prefixes ...string) (names []string) {
	s.t.Helper()
	list := js.StreamNames(s.t.Context())
	for name := range list.Name() {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			names = append(names, name)
		}
	}
	if list.Err() != nil || len(names) == 0 {
		s.t.Fatalf("no stream %v: %v", prefixes, list.Err())
	}
	return names
}

func (s *site) jetStream() jetstream.JetStream {
	s.t.Helper()
	conn, err := natsclient.Connect(s.server.URL())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		s.t.Fatal(err)
	}
	return js
}

// told counts the messages of each id in a stream.
func (s *site) told(js jetstream.JetStream, name string) (ids map[string]int, total int) {
	s.t.Helper()
	ctx := s.t.Context()
	stream, err := js.Stream(ctx, name)
	if err != nil {
		s.t.Fatal(err)
	}
	info, err := stream.Info(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	reader, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		s.t.Fatal(err)
	}
	ids = map[string]int{}
	for total < int(info.State.Msgs) {
		m, err := reader.Next(jetstream.FetchMaxWait(10 * time.Second))
		if err != nil {
			s.t.Fatal(err)
		}
		ids[m.Headers().Get(natsclient.MsgIdHdr)]++
		total++
	}
	return ids, total
}

// noDoubles: no message of JOURNEYS was stored twice, neither by its owners nor by the stream that gathers them.
func (s *site) noDoubles(js jetstream.JetStream) {
	s.t.Helper()
	total := 0
	for _, name := range s.streams(js, "JOURNEYS") {
		ids, n := s.told(js, name)
		for id, times := range ids {
			if id == "" || times > 1 {
				s.t.Errorf("%s holds %q %d times", name, id, times)
			}
		}
		total += n
	}
	if total < 1000 {
		s.t.Errorf("JOURNEYS holds %d messages: too few to see a double", total)
	}
}

// TestKilledTenTimes: an aggregator that is killed ten times at any moment, while events come in, and twice when it closes days
// and scores customers, leaves the same tables and the same JOURNEYS, byte for byte, as one that folds the same log undisturbed,
// and tells nothing twice, however short the memory of JetStream itself is.
func TestKilledTenTimes(t *testing.T) {
	const rounds, seed = 10, 20260302
	random := rand.New(rand.NewPCG(seed, 1))
	s := newSite(t)
	store, door := s.store("cut"), s.door()
	var events []ingest.Raw
	var times []event.Instant
	for e := range simulate.New(simulate.Config{Customers: 120, Days: 120, Seed: seed}).Events() {
		events = append(events, ingest.Raw{Body: event.AppendLog(nil, &e)})
		times = append(times, e.At)
	}
	moved, restored, fed, round, last := 0, 0, 0, 0, slices.Max(times)
	for part := range slices.Chunk(events, len(events)/rounds+1) {
		p := s.start("cut")
		if random.IntN(4) > 0 { // else it is killed while it starts
			head := s.feed(door, part[:len(part)/2])
			s.reaches(p, store, head-random.Uint64N(uint64(len(part)/4)))
			moved++
		}
		killed := make(chan struct{})
		life := time.Duration(random.Int64N(int64(350 * time.Millisecond)))
		go func() { defer close(killed); pass(life); _ = p.cmd.Process.Kill() }()
		for some := range slices.Chunk(part, 25) { // the first half again: copies
			s.feed(door, some)
		}
		<-killed
		<-p.ended
		if at, ok := p.began(); ok && at > 1 {
			restored++
		}
		if random.IntN(2) == 0 {
			pass(2 * shortWindow) // an outage
		}
		if fed += len(part); round == rounds/2 { // the next one goes on with what it told
			s.killedScoring(slices.Max(times[:fed]), time.Duration(random.Int64N(int64(60*time.Millisecond))))
		}
		round++
	}
	if moved < rounds/2 || restored < rounds/3 {
		t.Errorf("of %d aggregators %d were killed while they folded, %d had gone on from a checkpoint: choose another seed", rounds, moved, restored)
	}
	s.feed(door, events[:100]) // copies of what has long left memory
	s.killedScoring(last, time.Duration(random.Int64N(int64(60*time.Millisecond))))
	p := s.start("cut")
	head := s.scored(p, store, last)
	s.finish(p, store, head)
	scores, signals := s.count(store, "SELECT count() FROM cut.churn_scores"), s.count(store, "SELECT count() FROM cut.churn_signals_v")
	if scores < 150 || signals < 5 {
		t.Errorf("%d scores, %d churn signals: too few to see one that is lost", scores, signals)
	}
	cut, js := s.sums(store), s.jetStream()
	t.Logf("%d events, %d killed while they folded, %d from a checkpoint; %s", len(events), moved, restored, cut)
	s.verify(store)
	s.noDoubles(js)

	for _, name := range s.streams(js, "JOURNEYS", "OBJ_", "KV_", "LEASES", "CHECKPOINTS") {
		if err := js.DeleteStream(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	s.provision()
	calm := s.store("calm")
	s.finish(s.start("calm"), calm, head)
	if undisturbed := s.sums(calm); undisturbed != cut {
		t.Errorf("%d events, seed %d: killed ten times\n%s\nundisturbed\n%s", len(events), seed, cut, undisturbed)
	}
	s.verify(calm)
}
