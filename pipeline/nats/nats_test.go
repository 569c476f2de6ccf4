package nats_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"parcours/pipeline"
	"parcours/pipeline/embedded"
	"parcours/pipeline/nats"
)

// site is a real server on a directory and an address of its own, which can be stopped and started again.
type site struct {
	t      testing.TB
	dir    string
	listen string
	server *embedded.NATS
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), listen: freeAddress(t)}
	s.start()
	t.Cleanup(func() { s.stop() })
	return s
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (s *site) start() {
	s.t.Helper()
	server, err := embedded.StartNATS(embedded.NATSConfig{Dir: s.dir, Listen: s.listen}, zerolog.Nop())
	if err != nil {
		s.t.Fatal(err)
	}
	s.server = server
}

func (s *site) stop() {
	if s.server != nil {
		s.server.Close()
		s.server = nil
	}
}

// bus connects over TCP, as a process of its own would.
func (s *site) bus(change ...func(*nats.Config)) *nats.Bus {
	s.t.Helper()
	cfg := nats.Defaults()
	cfg.URL = s.server.URL()
	cfg.Partitions = 4
	for _, c := range change {
		c(&cfg)
	}
	b, err := nats.Connect(cfg, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(b.Close)
	return b
}

// provisioned is a bus on a log of four partitions.
func (s *site) provisioned(change ...func(*nats.Config)) *nats.Bus {
	s.t.Helper()
	b := s.bus(change...)
	if _, err := b.Provision(s.t.Context(), nats.ModeLog); err != nil {
		s.t.Fatal(err)
	}
	return b
}

func entry(n int) pipeline.Entry {
	return pipeline.Entry{MsgID: fmt.Sprintf("m%d", n), Partition: n % 4, Channel: "phone", Family: "contact", Type: "contact.ended",
		Body: fmt.Appendf(nil, `{"n":%d}`, n)}
}

func entriesFrom(n, count int) []pipeline.Entry {
	all := make([]pipeline.Entry, count)
	for i := range all {
		all[i] = entry(n + i)
	}
	return all
}

// appendAll fails the test at the first entry with an error.
func appendAll(t testing.TB, b *nats.Bus, entries []pipeline.Entry) []pipeline.Outcome {
	t.Helper()
	out := b.Append(t.Context(), entries)
	for i, o := range out {
		if o.Err != nil {
			t.Fatalf("entry %d: %v", i, o.Err)
		}
	}
	return out
}

// collect reads until the reader has given n messages.
func collect(t testing.TB, r pipeline.Reader, n int) []pipeline.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var all []pipeline.Message
	for len(all) < n {
		got, err := r.Next(ctx, time.Second)
		if err != nil {
			t.Fatalf("after %d of %d messages: %v", len(all), n, err)
		}
		all = append(all, got...)
	}
	return all
}

func read(t testing.TB, b *nats.Bus, from uint64) pipeline.Reader {
	t.Helper()
	r, err := b.Read(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func TestConfig(t *testing.T) {
	if err := nats.Defaults().Validate(); err != nil {
		t.Error(err)
	}
	if err := (nats.Config{}).Validate(); err == nil {
		t.Error("an empty configuration is valid")
	}
	if _, err := nats.Connect(nats.Defaults(), zerolog.Nop(), prometheus.NewRegistry()); err == nil {
		t.Error("connected to no URL")
	}
}

// The connection of the embedded server that stays inside the process is as good as one over TCP, and stays open.
func TestInProcess(t *testing.T) {
	s := newSite(t)
	conn, err := s.server.Connect(nats.ConnOptions(zerolog.Nop())...)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	b, err := nats.New(conn, nats.Defaults(), zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Provision(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	appendAll(t, b, entriesFrom(0, 10))
	if got := collect(t, read(t, b, 1), 11); got[10].Position != 11 {
		t.Errorf("last position %d", got[10].Position)
	}
	b.Close()
	if conn.Status() != client.CONNECTED {
		t.Errorf("the connection is %s after Close of the bus", conn.Status())
	}
}

// TestWhatWentWrongIsNamed: a subscription that is not read says which it is, and how much was dropped.
func TestWhatWentWrongIsNamed(t *testing.T) {
	s := newSite(t)
	said := make(lines, 16)
	conn, err := s.server.Connect(nats.ConnOptions(zerolog.New(said))...)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	full := make(chan *client.Msg, 1)
	if _, err := conn.ChanSubscribe("busy", full); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := conn.Publish("busy", nil); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case line := <-said:
		for _, part := range []string{`"subject":"busy"`, `"dropped":`, `slow consumer`} {
			if !strings.Contains(line, part) {
				t.Errorf("%s lacks %s", line, part)
			}
		}
	case <-time.After(time.Minute):
		t.Error("nothing was said of messages dropped")
	}
}

// lines of a log.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	l <- string(b)
	return len(b), nil
}
