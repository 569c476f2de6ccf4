package nats_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"parcours/pipeline"
	"parcours/pipeline/nats"
)

func random(seed uint64, n int) []byte {
	body := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(body)
	return body
}

func save(t testing.TB, b *nats.Bus, name string, body []byte) {
	t.Helper()
	if err := b.Save(t.Context(), name, bytes.NewReader(body)); err != nil {
		t.Fatal(err)
	}
}

func load(t testing.TB, b *nats.Bus, name string) ([]byte, error) {
	t.Helper()
	r, err := b.Load(t.Context(), name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func wantObject(t testing.TB, b *nats.Bus, name string, want []byte) {
	t.Helper()
	if got, err := load(t, b, name); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%s: %d bytes, want %d: %v", name, len(got), len(want), err)
	}
}

func wantNone(t testing.TB, b *nats.Bus, name string) {
	t.Helper()
	if _, err := load(t, b, name); !errors.Is(err, pipeline.ErrNoObject) {
		t.Fatalf("%s: %v, want none", name, err)
	}
}

// jetStream is another client's access to the same server.
func jetStream(t testing.TB, s *site) jetstream.JetStream {
	t.Helper()
	conn, err := client.Connect(s.server.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func stream(t testing.TB, s *site, name string) jetstream.Stream {
	t.Helper()
	got, err := jetStream(t, s).Stream(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// wantMessages says what is left in a stream.
func wantMessages(t testing.TB, s jetstream.Stream, want uint64) {
	t.Helper()
	info, err := s.Info(t.Context(), jetstream.WithSubjectFilter(">"))
	if err != nil || info.State.Msgs != want {
		t.Fatalf("%d messages are left, want %d: %v, %v", info.State.Msgs, want, info.State.Subjects, err)
	}
}

// An object survives a restart of the server, and the one who saved it.
func TestSave(t *testing.T) {
	s := newSite(t)
	b := s.provisioned()
	wantNone(t, b, "g1/p3/77")
	all := map[string][]byte{"g1/p3/77": random(1, 30<<20+5), "empty": {}, "g1/p3/one part": random(2, 128<<10), "g1/p3/ein Wort": []byte("x")}
	for name, body := range all {
		if err := b.Save(t.Context(), name, iotest.HalfReader(bytes.NewReader(body))); err != nil {
			t.Fatal(err)
		}
	}
	wantMessages(t, stream(t, s, "OBJ_CHECKPOINTS"), 4+241+1+1)
	b.Close()
	s.stop()
	s.start()
	b = s.bus()
	for name, body := range all {
		wantObject(t, b, name, body)
	}
	for name := range all {
		for range 2 { // one that is not there is no error
			if err := b.Delete(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		wantNone(t, b, name)
	}
	wantMessages(t, stream(t, s, "OBJ_CHECKPOINTS"), 0)
}

func TestSaveReplaces(t *testing.T) {
	s := newSite(t)
	b := s.provisioned()
	for n := range 3 {
		body := random(uint64(n), 300_000)
		save(t, b, "state", body)
		wantObject(t, b, "state", body)
	}
	wantMessages(t, stream(t, s, "OBJ_CHECKPOINTS"), 4)
}

// The client's own object store reads what we save, and we what it puts.
func TestSaveIsAnObjectStore(t *testing.T) {
	s := newSite(t)
	b := s.provisioned()
	store, err := jetStream(t, s).ObjectStore(t.Context(), "CHECKPOINTS")
	if err != nil {
		t.Fatal(err)
	}
	body := random(7, 1_000_000)
	save(t, b, "ours", body)
	if got, err := store.GetBytes(t.Context(), "ours"); err != nil || !bytes.Equal(got, body) {
		t.Errorf("ours: %d bytes, %v", len(got), err)
	}
	if _, err := store.PutBytes(t.Context(), "theirs", body); err != nil {
		t.Fatal(err)
	}
	wantObject(t, b, "theirs", body)
	if err := store.Delete(t.Context(), "theirs"); err != nil {
		t.Fatal(err)
	}
	wantNone(t, b, "theirs")
	save(t, b, "theirs", body[:10])
	wantObject(t, b, "theirs", body[:10])
}

// Whatever breaks off, the object that was there stays, and nothing is left of the new one.
func TestSaveBreaksOff(t *testing.T) {
	s := newSite(t)
	b := s.provisioned()
	old := random(1, 200_000)
	save(t, b, "state", old)
	for name, end := range map[string]error{"the source fails": errors.New("broken"), "the source is cut": io.ErrUnexpectedEOF} {
		source := io.MultiReader(bytes.NewReader(random(2, 5<<20)), iotest.ErrReader(end))
		for _, object := range []string{"state", "other"} {
			if err := b.Save(t.Context(), object, source); !errors.Is(err, end) {
				t.Errorf("%s: %v", name, err)
			}
			source = io.MultiReader(bytes.NewReader(random(2, 100)), iotest.ErrReader(end))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	source := io.MultiReader(bytes.NewReader(random(3, 5<<20)), readerFunc(func(p []byte) (int, error) {
		cancel()
		return len(p), nil
	}))
	if err := b.Save(ctx, "state", source); err == nil {
		t.Error("saved though cancelled")
	}
	wantObject(t, b, "state", old)
	wantNone(t, b, "other")
	wantMessages(t, stream(t, s, "OBJ_CHECKPOINTS"), 3)
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// The server goes in the middle of an upload, and comes back: an error, and the next time it works.
func TestSaveAway(t *testing.T) {
	s := newSite(t)
	b := s.provisioned(func(c *nats.Config) { c.AckTimeout = 2 * time.Second })
	save(t, b, "state", []byte("old"))
	source := io.MultiReader(bytes.NewReader(random(3, 3<<20)), readerFunc(func([]byte) (int, error) {
		s.stop()
		return 0, io.EOF
	}))
	if err := b.Save(t.Context(), "state", source); !errors.Is(err, pipeline.ErrLogAway) {
		t.Errorf("%v", err)
	}
	if _, err := b.Load(t.Context(), "state"); !errors.Is(err, pipeline.ErrLogAway) || errors.Is(err, pipeline.ErrNoObject) {
		t.Errorf("%v", err)
	}
	s.start()
	eventually(t, func() bool { return b.Ready(t.Context()) == nil })
	wantObject(t, b, "state", []byte("old"))
	body := random(4, 3<<20)
	save(t, b, "state", body)
	wantObject(t, b, "state", body)
	if n, err := b.Sweep(t.Context(), func(string) bool { return true }, 0); n != 1 || err != nil {
		t.Errorf("swept %d, %v, want the broken upload", n, err)
	}
	wantMessages(t, stream(t, s, "OBJ_CHECKPOINTS"), 25)
}

// A store that is full says so, and keeps nothing of what it could not take.
func TestSaveFull(t *testing.T) {
	s := newSite(t)
	b := s.provisioned()
	config := stream(t, s, "OBJ_CHECKPOINTS").CachedInfo().Config
	config.MaxBytes = 1 << 20
	if _, err := jetStream(t, s).UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	save(t, b, "small", []byte("small"))
	if err := b.Save(t.Context(), "large", bytes.NewReader(random(1, 2<<20))); !errors.Is(err, pipeline.ErrLogFull) {
		t.Errorf("%v", err)
	}
	wantNone(t, b, "large")
	wantMessages(t, stream(t, s, "OBJ_CHECKPOINTS"), 2)
}

// The answers get lost while an object is saved: it is there or it is not, and whole if it is.
func TestSaveWhenAnswersAreLost(t *testing.T) {
	s := newSite(t)
	other := s.provisioned()
	proxy := newProxy(t, s.listen)
	b := s.bus(func(c *nats.Config) {
		c.URL, c.AckTimeout = "nats://"+proxy.listener.Addr().String(), 500*time.Millisecond
	})
	body := random(5, 1<<20)
	for n := range 4 {
		name := fmt.Sprintf("state/%d", n)
		source := io.MultiReader(bytes.NewReader(body[:n*300_000]), readerFunc(func([]byte) (int, error) {
			proxy.silent.Store(true)
			return 0, io.EOF
		}))
		err := b.Save(t.Context(), name, source)
		if !errors.Is(err, pipeline.ErrLogAway) {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := load(t, other, name); !errors.Is(err, pipeline.ErrNoObject) && (err != nil || !bytes.Equal(got, body[:n*300_000])) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		proxy.silent.Store(false)
		proxy.cut()
		eventually(t, func() bool { return b.Ready(t.Context()) == nil })
	}
}

// The very last answer of a Save gets lost: the server is asked whether the object is there, and when that cannot be, the
// error leaves it open, and the object whole.
func TestSaveWhenTheLastAnswerIsLost(t *testing.T) {
	s := newSite(t)
	other := s.provisioned()
	for name, hearing := range map[string]string{"asked": "STREAM.MSG.GET", "never answered": "no such request"} {
		muted := &mutedDialer{from: "HPUB $O.CHECKPOINTS.M.", to: hearing}
		conn, err := client.Connect(s.server.URL(), append(nats.ConnOptions(zerolog.Nop()), client.SetCustomDialer(muted))...)
		if err != nil {
			t.Fatal(err)
		}
		cfg := nats.Defaults()
		cfg.AckTimeout = time.Second
		b, err := nats.New(conn, cfg, zerolog.Nop(), prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		body := random(9, 300_000)
		err = b.Save(t.Context(), name, bytes.NewReader(body))
		if lost := name != "asked"; lost != errors.Is(err, pipeline.ErrLogAway) || lost != (err != nil) {
			t.Errorf("%s: %v", name, err)
		}
		conn.Close()
		wantObject(t, other, name, body)
	}
}

// mutedDialer makes connections that hear nothing from when they have written one text until they write another.
type mutedDialer struct {
	from, to string
	muted    atomic.Bool
}

func (d *mutedDialer) Dial(network, address string) (net.Conn, error) {
	conn, err := net.Dial(network, address)
	return &mutedConn{Conn: conn, dialer: d}, err
}

type mutedConn struct {
	net.Conn
	dialer *mutedDialer
}

func (c *mutedConn) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(c.dialer.from)) {
		c.dialer.muted.Store(true)
	}
	if bytes.Contains(p, []byte(c.dialer.to)) {
		c.dialer.muted.Store(false)
	}
	return c.Conn.Write(p)
}

func (c *mutedConn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if err != nil || !c.dialer.muted.Load() {
			return n, err
		}
	}
}

// What was changed, cut or lost on the disk is never read as if it were whole.
func TestLoadBroken(t *testing.T) {
	s := newSite(t)
	b := s.provisioned()
	raw := stream(t, s, "OBJ_CHECKPOINTS")
	js := jetStream(t, s)
	body := random(1, 1<<20)
	parts := func(name string) (string, []uint64) {
		save(t, b, name, body)
		store, err := js.ObjectStore(t.Context(), "CHECKPOINTS")
		if err != nil {
			t.Fatal(err)
		}
		info, err := store.GetInfo(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		subject := "$O.CHECKPOINTS.C." + info.NUID
		var all []uint64
		for next := uint64(1); len(all) < int(info.Chunks); {
			m, err := raw.GetMsg(t.Context(), next, jetstream.WithGetMsgSubject(subject))
			if err != nil {
				t.Fatal(err)
			}
			all, next = append(all, m.Sequence), m.Sequence+1
		}
		return subject, all
	}
	broken := func(name, want string) {
		t.Helper()
		_, err := load(t, b, name)
		if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, pipeline.ErrLogAway) || errors.Is(err, pipeline.ErrNoObject) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	subject, all := parts("changed")
	last, err := raw.GetMsg(t.Context(), all[len(all)-1])
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.DeleteMsg(t.Context(), last.Sequence); err != nil {
		t.Fatal(err)
	}
	last.Data[17] ^= 1
	if _, err := js.Publish(t.Context(), subject, last.Data); err != nil {
		t.Fatal(err)
	}
	broken("changed", "it is broken")
	_, all = parts("cut")
	if err := raw.DeleteMsg(t.Context(), all[3]); err != nil {
		t.Fatal(err)
	}
	broken("cut", "part 8 of 8 is missing")
	subject, _ = parts("lost")
	if err := raw.Purge(t.Context(), jetstream.WithPurgeSubject(subject)); err != nil {
		t.Fatal(err)
	}
	broken("lost", "part 1 of 8 is missing")
}

// Reading waits for nothing and nobody: an object may be replaced under it, and then it breaks off.
func TestLoadWhileReplaced(t *testing.T) {
	b := newSite(t).provisioned()
	save(t, b, "state", random(1, 1<<20))
	r, err := b.Load(t.Context(), "state")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	save(t, b, "state", random(2, 1<<20))
	if _, err := io.Copy(sha256.New(), r); err == nil {
		t.Error("read to the end")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("closed: %v", err)
	}
}
