package nats_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"parcours/pipeline"
	"parcours/pipeline/embedded"
	"parcours/pipeline/nats"
)

func TestAppendKeepsTheOrder(t *testing.T) {
	b := newSite(t).provisioned()
	r := read(t, b, 2)
	out := appendAll(t, b, entriesFrom(0, 3000))
	for i, m := range collect(t, r, 3000) {
		want := entry(i)
		if m.Position != out[i].Position || m.Position != uint64(i+2) || m.Partition != want.Partition || m.Type != want.Type ||
			!bytes.Equal(m.Body, want.Body) || m.StoredAt == 0 {
			t.Fatalf("message %d: %+v %s, stored as %+v", i, m, m.Body, out[i])
		}
	}
	if head, err := b.Head(t.Context()); head != 3001 || err != nil {
		t.Errorf("head %d, %v", head, err)
	}
}

// A second one with the same id is no second message; its outcome is the position of the first.
func TestAppendDuplicates(t *testing.T) {
	b := newSite(t).provisioned()
	first := appendAll(t, b, entriesFrom(0, 100))
	again := appendAll(t, b, entriesFrom(50, 100))
	for i, o := range again {
		if wanted := i < 50; o.Duplicate != wanted || wanted && o.Position != first[50+i].Position {
			t.Fatalf("entry %d: %+v", i, o)
		}
	}
	if head, _ := b.Head(t.Context()); head != 151 {
		t.Errorf("head %d, want 151", head)
	}
}

func TestAppendSubjectsAreHarmless(t *testing.T) {
	b := newSite(t).provisioned()
	odd := []pipeline.Entry{
		{MsgID: "1", Partition: 3, Channel: "Take in charge", Family: "a..b.*>", Type: "a\r\nb", Body: []byte("{}")},
		{MsgID: "2", Partition: 3, Type: "x", Body: []byte("{}")},
		{MsgID: "3", Partition: pipeline.All, Family: "rules.published", Type: "rules.published", Body: []byte("{}")},
	}
	appendAll(t, b, odd)
	got := collect(t, read(t, b, 2), 3)
	for i, want := range []int{3, 3, pipeline.All} {
		if got[i].Partition != want {
			t.Errorf("message %d in partition %d, want %d", i, got[i].Partition, want)
		}
	}
}

// A message that is too large fails alone.
func TestAppendOneAtFault(t *testing.T) {
	b := newSite(t).provisioned()
	entries := entriesFrom(0, 5)
	entries[2].Body = make([]byte, 5<<20)
	for i, o := range b.Append(t.Context(), entries) {
		fault := errors.Is(o.Err, pipeline.ErrLogAway) || errors.Is(o.Err, pipeline.ErrLogBusy) || errors.Is(o.Err, pipeline.ErrLogFull)
		if (o.Err != nil) != (i == 2) || fault {
			t.Errorf("entry %d: %+v", i, o)
		}
	}
}

// A full log refuses and forgets nothing.
func TestAppendFull(t *testing.T) {
	b := newSite(t).provisioned(func(c *nats.Config) { c.MaxBytes = 100_000 })
	out := b.Append(t.Context(), entriesFrom(0, 2000))
	full := slices.IndexFunc(out, func(o pipeline.Outcome) bool { return o.Err != nil })
	if full < 1 {
		t.Fatalf("first refused: %d", full)
	}
	for i, o := range out {
		if (o.Err != nil) != (i >= full) || i >= full && !errors.Is(o.Err, pipeline.ErrLogFull) {
			t.Fatalf("entry %d: %+v, full at %d", i, o, full)
		}
	}
	got := collect(t, read(t, b, 1), full+1)
	if got[0].Position != 1 || got[full].Position != uint64(full+1) {
		t.Errorf("the log holds %d to %d", got[0].Position, got[full].Position)
	}
}

func TestAppendAway(t *testing.T) {
	s := newSite(t)
	b := s.provisioned(func(c *nats.Config) { c.AckTimeout = 2 * time.Second })
	appendAll(t, b, entriesFrom(0, 10))
	s.stop()
	began := time.Now()
	for i, o := range b.Append(t.Context(), entriesFrom(10, 100)) {
		if !errors.Is(o.Err, pipeline.ErrLogAway) {
			t.Fatalf("entry %d: %v", i, o.Err)
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s to see that the log is away", took)
	}
	s.start()
	eventually(t, func() bool { return b.Append(t.Context(), entriesFrom(10, 1))[0].Err == nil })
	appendAll(t, b, entriesFrom(11, 99))
	if head, _ := b.Head(t.Context()); head != 111 {
		t.Errorf("head %d, want 111", head)
	}
}

// The disk that JetStream may use is full, though the stream has no limit of its own.
func TestAppendStoreFull(t *testing.T) {
	s := &site{t: t, dir: t.TempDir(), listen: freeAddress(t)}
	server, err := embedded.StartNATS(embedded.NATSConfig{Dir: s.dir, Listen: s.listen, MaxStore: 300_000}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	s.server = server
	t.Cleanup(s.stop)
	b := s.provisioned()
	out := b.Append(t.Context(), entriesFrom(0, 5000))
	if first, last := out[0].Err, out[4999].Err; first != nil || !errors.Is(last, pipeline.ErrLogFull) {
		t.Errorf("first %v, last %v", first, last)
	}
}

// No answer comes: as many as may be pending wait for theirs in vain, the rest is told that the log is busy, at once.
func TestAppendBusy(t *testing.T) {
	s := newSite(t)
	s.provisioned()
	proxy := newProxy(t, s.listen)
	b := s.bus(func(c *nats.Config) {
		c.URL = "nats://" + proxy.listener.Addr().String()
		c.MaxPending, c.StallWait, c.AckTimeout = 10, 20*time.Millisecond, time.Second
	})
	appendAll(t, b, entriesFrom(0, 100))
	proxy.silent.Store(true)
	for i, o := range b.Append(t.Context(), entriesFrom(100, 1000)) {
		want := pipeline.ErrLogBusy
		if i < 10 {
			want = pipeline.ErrLogAway
		}
		if !errors.Is(o.Err, want) {
			t.Fatalf("entry %d: %v, want %v", i, o.Err, want)
		}
	}
	proxy.silent.Store(false)
	proxy.cut()
	eventually(t, func() bool { return b.Append(t.Context(), entriesFrom(100, 1))[0].Err == nil })
	appendAll(t, b, entriesFrom(100, 1000))
	if head, _ := b.Head(t.Context()); head != 1101 {
		t.Errorf("head %d, want 1101", head)
	}
}

func TestAppendCancelled(t *testing.T) {
	b := newSite(t).provisioned()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, o := range b.Append(ctx, entriesFrom(0, 3)) {
		if !errors.Is(o.Err, pipeline.ErrLogAway) || !strings.Contains(o.Err.Error(), "canceled") {
			t.Errorf("%v", o.Err)
		}
	}
}

// eventually asks until it is so, for at most a minute. Every call does real work on a server: nothing is waited for blindly.
func eventually(t testing.TB, so func() bool) {
	t.Helper()
	limit := time.After(time.Minute)
	for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
		select {
		case <-limit:
			t.Fatal("it never came")
		default:
		}
		if so() {
			tick.Stop()
			return
		}
	}
}
