package aggregate_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/encoding/json"

	"parcours/pipeline"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
)

// watched are the real checkpoints; before is asked first, and what it answers is what the caller gets.
type watched struct {
	pipeline.Checkpoints
	before func(what, name string) error
}

func (w *watched) Save(ctx context.Context, name string, r io.Reader) error {
	if err := w.before("save", name); err != nil {
		return err
	}
	return w.Checkpoints.Save(ctx, name, r)
}

func (w *watched) Pointer(ctx context.Context, key string) (pipeline.Pointer, error) {
	if err := w.before("pointer", key); err != nil {
		return pipeline.Pointer{}, err
	}
	return w.Checkpoints.Pointer(ctx, key)
}

func (w *watched) Point(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if err := w.before("point", key); err != nil {
		return 0, err
	}
	return w.Checkpoints.Point(ctx, key, value, revision)
}

func (w *watched) Unpoint(ctx context.Context, key string, revision uint64) error {
	if err := w.before("unpoint", key); err != nil {
		return err
	}
	return w.Checkpoints.Unpoint(ctx, key, revision)
}

// watchedStore is the real store; before is asked before an insert.
type watchedStore struct {
	pipeline.Store
	before func() error
}

func (w *watchedStore) Insert(ctx context.Context, rows *pipeline.Rows) error {
	if err := w.before(); err != nil {
		return err
	}
	return w.Store.Insert(ctx, rows)
}

// gate is where somebody is held up: come is closed when he has come, and he goes on once it is open.
type gate struct {
	once       sync.Once
	come, left chan struct{}
}

func newGate() *gate { return &gate{come: make(chan struct{}), left: make(chan struct{})} }

func (g *gate) pass() {
	g.once.Do(func() { close(g.come) })
	<-g.left
}

func (g *gate) open() { close(g.left) }

// folded runs an owner until all that the log holds is in the tables, told and saved.
func (s *site) folded(d aggregate.Dependencies) {
	s.t.Helper()
	loop, stop, _ := s.startWith(d, nil)
	eventually(s.t, "caught up", func() bool { return loop.Ready() == nil })
	s.settled()
	if err := stop(); err != nil {
		s.t.Fatal(err)
	}
}

// ending is the error with which a loop ends by itself.
func (s *site) ending(ended <-chan error) error {
	s.t.Helper()
	select {
	case err := <-ended:
		return err
	case <-time.After(20 * time.Second):
		s.t.Fatal("the loop goes on")
		return nil
	}
}

// rebuilt makes a new generation and waits until an owner has taken it over.
func (s *site) rebuilt(d aggregate.Dependencies, o aggregate.RebuildOptions) {
	s.t.Helper()
	g, err := aggregate.Rebuild(s.t.Context(), aggregate.Default(), d, o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.inForce(g)
}

func (s *site) inForce(g pipeline.Generation) {
	s.t.Helper()
	d := s.deps()
	eventually(s.t, "the new generation", func() bool {
		in, err := aggregate.InForce(s.t.Context(), &d, g)
		if err != nil {
			s.t.Fatal(err)
		}
		return in
	})
}

// verified finds nothing wrong with the tables.
func (s *site) verified(d aggregate.Dependencies) {
	s.t.Helper()
	report, err := aggregate.Verify(s.t.Context(), aggregate.Default(), d, aggregate.VerifyOptions{})
	if err != nil || len(report.Problems) > 0 {
		s.t.Errorf("verified: %+v, %v", report, err)
	}
}

// facts sums up what JOURNEYS says in the end, wherever it was said.
func (s *site) facts() uint64 {
	s.t.Helper()
	_, digest, err := s.bus.JourneysDigest(s.t.Context(), true)
	if err != nil {
		s.t.Fatal(err)
	}
	return digest
}

// ids counts the messages of JOURNEYS and their ids.
func (s *site) ids() (messages, ids int) {
	s.t.Helper()
	seen := map[string]bool{}
	s.eachTold(func(m *pipeline.Message) {
		var e struct{ ID string }
		if err := json.Unmarshal(m.Body, &e); err != nil {
			s.t.Fatal(err)
		}
		messages++
		seen[e.ID] = true
	})
	return messages, len(seen)
}

// states gives the names of the states that checkpoints name.
func (s *site) states() (names []string) {
	s.t.Helper()
	pointers, err := s.bus.Pointers(s.t.Context(), "checkpoint.")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, p := range pointers {
		var c struct{ State string }
		if err := json.Unmarshal(p.Value, &c); err != nil {
			s.t.Fatal(err)
		}
		names = append(names, c.State)
	}
	return names
}

// readable: of each partition a checkpoint is there, and the state that it names.
func (s *site) readable() {
	s.t.Helper()
	names := s.states()
	if len(names) != s.info.Partitions {
		s.t.Errorf("checkpoints name %v, expected the state of each partition", names)
	}
	for _, name := range names {
		in, err := s.bus.Load(s.t.Context(), name)
		if err == nil {
			_, err = io.Copy(io.Discard, in)
			_ = in.Close()
		}
		if err != nil {
			s.t.Errorf("a checkpoint names %s: %v", name, err)
		}
	}
}

// waiting is what the pointer of a generation that waits says; "" for none.
func (s *site) waiting() string {
	s.t.Helper()
	p, err := s.bus.Pointer(s.t.Context(), "rebuild")
	if err != nil {
		s.t.Fatal(err)
	}
	return string(p.Value)
}

// TestTwoTakeovers: of two generations that take over at one position each tells what it says otherwise, under ids of its
// own, and what is told in the end is what the tables say.
func TestTwoTakeovers(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	s.append(1, life(0, 4)...)
	s.folded(s.deps())
	first := s.facts()
	_, stop, _ := s.start(nil)
	other := s.deps()
	other.Book.Repeat.Default = time.Hour // nobody comes back within it
	s.rebuilt(other, aggregate.RebuildOptions{})
	second := s.facts()
	if n := s.count("SELECT count() FROM cx.breakpoints_v"); n != 0 || second == first {
		t.Errorf("%d breakpoints, expected none; the facts told have changed: %t", n, second != first)
	}
	s.rebuilt(s.deps(), aggregate.RebuildOptions{})
	if n := s.count("SELECT count() FROM cx.breakpoints_v"); n == 0 || s.facts() != first {
		t.Errorf("%d breakpoints, expected some; the facts told are those of the first generation: %t", n, s.facts() == first)
	}
	if messages, ids := s.ids(); messages != ids {
		t.Errorf("%d messages have %d ids", messages, ids)
	}
	s.verified(s.deps())
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// TestTakeoverWhileSaving: a checkpoint under way when another generation takes over, and one that waits behind it, end
// nobody.
func TestTakeoverWhileSaving(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	slow, d := newGate(), s.deps()
	d.Checkpoints = &watched{s.bus, func(what, name string) error {
		if what == "save" && strings.HasPrefix(name, "g1/") {
			slow.pass()
		}
		return nil
	}}
	loop, stop, _ := s.startWith(d, often)
	eventually(t, "caught up", func() bool { return loop.Ready() == nil })
	s.append(1, life(0, 4)...)
	<-slow.come
	s.append(1, life(4, 1)...)
	s.settled()
	g, err := aggregate.Rebuild(t.Context(), aggregate.Default(), s.deps(), aggregate.RebuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the owner begins to take over", func() bool { return !strings.Contains(s.waiting(), "ready") })
	soon := time.Now().Add(time.Second)
	eventually(t, "an owner that does not wait is through", func() bool { return s.waiting() == "" || time.Now().After(soon) })
	slow.open()
	s.inForce(g)
	s.append(1, life(5, 1)...)
	s.settled()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for key := range s.pointed() {
		if !strings.HasPrefix(key, "checkpoint.2.") {
			t.Errorf("the checkpoint %s is left", key)
		}
	}
	s.readable()
	s.verified(s.deps())
}

// TestInterruptedRebuild: it takes away what it made and nothing else, not even a state that the owner has saved and does
// not point to yet.
func TestInterruptedRebuild(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	s.append(1, life(0, 4)...)
	between, d := newGate(), s.deps()
	d.Checkpoints = &watched{s.bus, func(what, name string) error {
		if what == "point" && name == "checkpoint.1.0" {
			between.pass()
		}
		return nil
	}}
	_, stop, _ := s.startWith(d, often)
	<-between.come
	ctx, interrupt := context.WithCancel(t.Context())
	interrupted := s.deps()
	interrupted.Store = &watchedStore{s.store, func() error { interrupt(); return nil }}
	if _, err := aggregate.Rebuild(ctx, aggregate.Default(), interrupted, aggregate.RebuildOptions{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("the rebuild ended with %v, expected that it was interrupted", err)
	}
	between.open()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	s.readable()
	if numbers, err := s.store.Generations(t.Context()); err != nil || len(numbers) != 1 || s.waiting() != "" {
		t.Errorf("generations %v are left, and a rebuild is %q: %v", numbers, s.waiting(), err)
	}
}

// TestLogLostItsTail: a log that ends before what the tables know is refused; after a rebuild nothing is left of what the log
// has lost, what comes from then on is told, and the next start finds nothing strange.
func TestLogLostItsTail(t *testing.T) {
	s, left := newSite(t, nats.ModeLog), newSite(t, nats.ModeLog)
	s.append(1, life(0, 12)...)
	s.folded(s.deps())
	left.append(1, life(0, 4)...)
	left.store = s.store
	d := left.deps()
	d.Teller, d.Rejecter, d.Checkpoints = s.bus, s.bus, s.bus
	_, _, ended := left.startWith(d, nil)
	if err := s.ending(ended); !errors.Is(err, aggregate.ErrLogOther) && !errors.Is(err, aggregate.ErrLogShorter) {
		t.Fatalf("ended with %v, expected %v", err, aggregate.ErrLogShorter)
	}
	if _, err := aggregate.Rebuild(t.Context(), aggregate.Default(), d, aggregate.RebuildOptions{}); err != nil {
		t.Fatal(err)
	}
	left.folded(d)
	before := len(s.told())
	mail := &event.Event{ID: "mail", Source: "/test", Type: event.MessageReceived, At: monday.Add(40 * time.Hour)}
	mail.Data.Channel, mail.Data.Reason = event.Email, "delivery.late"
	left.append(1, mail)
	left.folded(d)
	news := s.told()[before:]
	if len(news) != 1 || !strings.Contains(news[0], pipeline.JourneyOpened) {
		t.Errorf("told %v, expected that a journey was opened", news)
	}
	left.folded(d)
	if n := s.count("SELECT count() FROM cx.events_v"); n != 13 {
		t.Errorf("%d events, expected those of the log as it is: 13", n)
	}
	left.verified(d)
}

// TestSpoiltTakeover: a generation that waits and cannot be opened is dropped; the owner goes on without it, and another is
// taken over.
func TestSpoiltTakeover(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	s.append(1, life(0, 4)...)
	s.folded(s.deps())
	if _, err := aggregate.Rebuild(t.Context(), aggregate.Default(), s.deps(), aggregate.RebuildOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range s.states() {
		if strings.HasPrefix(name, "g2/p0/") {
			if err := s.bus.Delete(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, stop, _ := s.start(nil)
	eventually(t, "the generation is dropped", func() bool { return s.waiting() == "" })
	s.append(1, life(4, 1)...)
	s.settled()
	if g, err := s.store.Current(t.Context()); err != nil || g.Number != 1 {
		t.Errorf("generation %d is in force, expected 1: %v", g.Number, err)
	}
	s.rebuilt(s.deps(), aggregate.RebuildOptions{})
	s.verified(s.deps())
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// TestTwoRebuilds: one that was taken for dead, and lives, gives up without touching anything of the one that came after it.
func TestTwoRebuilds(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	s.append(1, life(0, 10)...)
	_, stop, _ := s.start(nil)
	s.settled()
	rebuild := func(d aggregate.Dependencies, nth int32) (*gate, <-chan error) {
		held, result, n := newGate(), make(chan error, 1), atomic.Int32{}
		d.Store = &watchedStore{s.store, func() error {
			if n.Add(1) == nth {
				held.pass()
			}
			return nil
		}}
		config := aggregate.Default()
		config.FlushRows = 20
		go func() {
			_, err := aggregate.Rebuild(t.Context(), config, d, aggregate.RebuildOptions{})
			result <- err
		}()
		return held, result
	}
	silent, lost := rebuild(s.deps(), 1)
	<-silent.come
	later := s.deps()
	later.Now = func() time.Time { return time.Now().Add(2 * time.Minute) }
	second, won := rebuild(later, 3)
	<-second.come
	silent.open()
	if err := <-lost; err == nil {
		t.Error("the rebuild that was taken for dead ended well")
	}
	second.open()
	if err := <-won; err != nil {
		t.Fatal(err)
	}
	s.inForce(pipeline.Generation{Number: 3})
	if g, err := s.store.Current(t.Context()); err != nil || g.Number != 3 {
		t.Errorf("generation %d is in force, expected 3: %v", g.Number, err)
	}
	s.verified(s.deps())
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	s.readable()
}

// TestUpgradeKilled: where an upgrade was killed while it folded a new generation, the next start waits until that counts as
// abandoned, and folds it itself.
func TestUpgradeKilled(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	s.now.Store(time.Now().UnixMilli())
	s.append(1, life(0, 4)...)
	s.folded(s.deps())
	current, err := s.store.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	current.Fold = "older"
	if err := s.store.Switch(t.Context(), current); err != nil {
		t.Fatal(err)
	}
	killed, d := atomic.Bool{}, s.deps()
	kill := errors.New("killed")
	d.Store = &watchedStore{s.store, func() error { killed.Store(true); return kill }}
	d.Checkpoints = &watched{s.bus, func(string, string) error {
		if killed.Load() {
			return kill // nor does it clean up
		}
		return nil
	}}
	_, _, ended := s.startWith(d, nil)
	if err := s.ending(ended); !errors.Is(err, kill) || !strings.Contains(s.waiting(), "building") {
		t.Fatalf("ended with %v, and left %q", err, s.waiting())
	}
	looked := atomic.Int32{}
	d = s.deps()
	d.Checkpoints = &watched{s.bus, func(what, name string) error {
		if what == "pointer" && name == "rebuild" {
			looked.Add(1)
		}
		return nil
	}}
	loop, stop, _ := s.startWith(d, nil)
	eventually(t, "it is refused once and tries again", func() bool { return looked.Load() > 3 })
	if loop.Ready() == nil {
		t.Error("it did not wait for the one that may be alive")
	}
	s.now.Add(2 * 60_000)
	eventually(t, "caught up", func() bool { return loop.Ready() == nil })
	s.append(1, life(4, 1)...)
	s.settled()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if g, err := s.store.Current(t.Context()); err != nil || g.Number != 3 || g.Fold != pipeline.FoldVersion {
		t.Errorf("the generation in force is %+v, %v", g, err)
	}
	s.verified(s.deps())
}
