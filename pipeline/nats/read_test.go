package nats_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"parcours/pipeline"
	"parcours/pipeline/nats"
)

func TestReadFromAPosition(t *testing.T) {
	b := newSite(t).provisioned()
	appendAll(t, b, entriesFrom(0, 100))
	for _, from := range []uint64{0, 1, 50, 101} {
		got := collect(t, read(t, b, from), 101-int(max(from, 1))+1)
		if got[0].Position != max(from, 1) || got[len(got)-1].Position != 101 {
			t.Errorf("from %d: %d to %d", from, got[0].Position, got[len(got)-1].Position)
		}
	}
	r := read(t, b, 102)
	if got, err := r.Next(t.Context(), time.Millisecond); len(got) != 0 || err != nil {
		t.Errorf("behind the head: %v, %v", got, err)
	}
	appendAll(t, b, entriesFrom(100, 1))
	if got := collect(t, r, 1); got[0].Position != 102 {
		t.Errorf("position %d, want 102", got[0].Position)
	}
}

// A batch is at most 1024 messages, whatever is there.
func TestReadBatches(t *testing.T) {
	b := newSite(t).provisioned()
	appendAll(t, b, entriesFrom(0, 5000))
	r := read(t, b, 1)
	for n := 0; n < 5001; {
		got, err := r.Next(t.Context(), time.Minute)
		if err != nil || len(got) == 0 || len(got) > 1024 {
			t.Fatalf("%d messages, %v", len(got), err)
		}
		n += len(got)
	}
}

func TestReadEnds(t *testing.T) {
	s := newSite(t)
	b := s.provisioned()
	closed := read(t, b, 2)
	closed.Close()
	if _, err := closed.Next(t.Context(), time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("closed: %v", err)
	}
	gone := read(t, b, 2)
	b.Close()
	if _, err := gone.Next(t.Context(), time.Minute); err == nil {
		t.Error("no error though the connection is closed")
	}
	if _, err := s.bus().Read(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if _, err := newSite(t).bus().Read(t.Context(), 1); err == nil {
		t.Error("read a log that does not exist")
	}
}

// The server is stopped and started again four times while a reader reads and a writer writes: every position once.
func TestReadOverRestarts(t *testing.T) {
	s := newSite(t)
	b := s.provisioned(func(c *nats.Config) { c.AckTimeout = 2 * time.Second })
	const n = 20_000
	appendAll(t, b, entriesFrom(0, n/2))
	r := read(t, b, 1)
	next := uint64(1)
	follow := func(to uint64) {
		t.Helper()
		for _, m := range collectTo(t, r, next, to) {
			if m.Position != next {
				t.Fatalf("position %d, want %d", m.Position, next)
			}
			next++
		}
	}
	readAhead := func() { // what the reader holds while the server is away; nothing, perhaps
		t.Helper()
		got, err := r.Next(t.Context(), 10*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got {
			if m.Position != next {
				t.Fatalf("position %d, want %d", m.Position, next)
			}
			next++
		}
	}
	for round := range 4 {
		follow(next + 300)
		s.stop()
		readAhead()
		s.start()
		from := n/2 + round*n/8
		for _, e := range entriesFrom(from, n/8) {
			eventually(t, func() bool { return b.Append(t.Context(), []pipeline.Entry{e})[0].Err == nil })
			if e.MsgID[len(e.MsgID)-2:] == "00" {
				break // the rest goes at once
			}
		}
		appendAll(t, b, entriesFrom(from, n/8))
	}
	head, err := b.Head(t.Context())
	if err != nil || head < n {
		t.Fatalf("head %d, %v", head, err)
	}
	follow(head)
}

// collectTo reads on until the reader has given position `to`, if there is anything: it may stop short once nothing comes.
func collectTo(t testing.TB, r pipeline.Reader, from, to uint64) []pipeline.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var all []pipeline.Message
	for from+uint64(len(all)) <= to {
		got, err := r.Next(ctx, 300*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 && ctx.Err() == nil && len(all) > 0 {
			return all
		}
		all = append(all, got...)
	}
	return all
}

// The connection alone is lost, again and again, in the middle of messages: every position once, and nothing is left
// behind when nothing more is written.
func TestReadOverLostConnections(t *testing.T) {
	s := newSite(t)
	writer := s.provisioned()
	const n = 30_000
	appendAll(t, writer, entriesFrom(0, n))
	proxy := newProxy(t, s.listen)
	cfg := nats.Defaults()
	cfg.URL = "nats://" + proxy.listener.Addr().String()
	b, err := nats.Connect(cfg, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	r := read(t, b, 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	next, cuts := uint64(1), 0
	for next <= n+1 {
		got, err := r.Next(ctx, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got {
			if m.Position != next {
				t.Fatalf("position %d, want %d, after %d cuts", m.Position, next, cuts)
			}
			next++
		}
		if int(next)/6000 > cuts {
			cuts++
			proxy.cut()
		}
	}
	if cuts < 4 {
		t.Errorf("only %d cuts", cuts)
	}
}

// proxy stands between a client and a server and can cut all connections.
type proxy struct {
	listener net.Listener
	to       string
	mu       sync.Mutex
	conns    []net.Conn
	silent   atomic.Bool // swallow what the server answers
}

func newProxy(t testing.TB, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, to: to}
	t.Cleanup(func() {
		l.Close()
		p.cut()
	})
	go p.accept()
	return p
}

func (p *proxy) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", p.to)
		if err != nil {
			in.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, in, out)
		p.mu.Unlock()
		go pipe(in, out, &p.silent)
		go pipe(out, in, nil)
	}
}

func pipe(to, from net.Conn, silent *atomic.Bool) {
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if n > 0 && (silent == nil || !silent.Load()) {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			to.Close()
			return
		}
	}
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

// What the log lacks is told position by position, at its beginning, in between and at its end.
func TestAccount(t *testing.T) {
	s := newSite(t)
	if _, err := s.bus().Account(t.Context()); err == nil {
		t.Error("accounted for a log that does not exist")
	}
	b := s.provisioned()
	log := stream(t, s, "EVENTS")
	want := func(last uint64, erased ...uint64) {
		t.Helper()
		got, err := b.Account(t.Context())
		if err != nil || got.Last != last || !slices.Equal(got.Erased, erased) {
			t.Errorf("%+v, %v, want %d and %v", got, err, last, erased)
		}
	}
	erase := func(positions ...uint64) {
		t.Helper()
		for _, p := range positions {
			if err := log.SecureDeleteMsg(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
	}
	want(1)
	appendAll(t, b, entriesFrom(0, 20))
	want(21)
	erase(9, 5, 6)
	want(21, 5, 6, 9)
	erase(2, 1)
	want(21, 1, 2, 5, 6, 9)
	erase(21)
	want(21, 1, 2, 5, 6, 9, 21)
	s.stop()
	s.start()
	b, log = s.bus(), stream(t, s, "EVENTS")
	want(21, 1, 2, 5, 6, 9, 21)
	if err := log.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(21, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21)
}
