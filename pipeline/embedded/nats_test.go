package embedded

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
)

func startNATS(t testing.TB, cfg NATSConfig) *NATS {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	n, err := StartNATS(cfg, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

func stream(t testing.TB, n *NATS, cfg jetstream.StreamConfig) (jetstream.JetStream, jetstream.Stream) {
	t.Helper()
	conn, err := n.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Name, cfg.Subjects, cfg.Storage = "EVENTS", []string{"e.>"}, jetstream.FileStorage
	s, err := js.CreateOrUpdateStream(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return js, s
}

// TestNATSSaysWhatMatters: that a stream comes up before those that it gathers is normal at a start; that one was made anew is not.
func TestNATSSaysWhatMatters(t *testing.T) {
	var said bytes.Buffer
	l := &natsLogger{log: zerolog.New(&said).Level(zerolog.WarnLevel)}
	l.Warnf("JetStream error response for stream %s create source consumer %s: %+v", "JOURNEYS", "JOURNEYS_3", server.NewJSStreamNotFoundError())
	l.Warnf("Filestore [%s] %s", "EVENTS", "loading state again")
	if said.Len() > 0 {
		t.Errorf("said %s", said.String())
	}
	l.Warnf("JetStream error response for stream %s create source consumer %s: %+v", "JOURNEYS", "JOURNEYS_3", server.NewJSInsufficientResourcesError())
	l.Warnf("JetStream source stream %q for stream '%s > %s' was recreated, resetting source state", "JOURNEYS_3", "$G", "JOURNEYS")
	if n := strings.Count(said.String(), "\n"); n != 2 {
		t.Errorf("%d lines: %s", n, said.String())
	}
}

func TestNATSKeepsMessages(t *testing.T) {
	dir := t.TempDir()
	first := startNATS(t, NATSConfig{Dir: dir})
	js, _ := stream(t, first, jetstream.StreamConfig{})
	payload := strings.Repeat("x", 2<<20) // more than the server's own default limit
	if _, err := js.Publish(t.Context(), "e.1", []byte(payload)); err != nil {
		t.Fatal(err)
	}
	first.Close()
	second := startNATS(t, NATSConfig{Dir: dir})
	_, s := stream(t, second, jetstream.StreamConfig{})
	message, err := s.GetMsg(t.Context(), 1)
	if err != nil || string(message.Data) != payload {
		t.Fatalf("got %d bytes, %v", len(message.Data), err)
	}
}

func TestNATSOverTCP(t *testing.T) {
	n := startNATS(t, NATSConfig{})
	conn, err := nats.Connect(n.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if conn.MaxPayload() < 2<<20 {
		t.Fatalf("payload limit %d", conn.MaxPayload())
	}
	_, err = StartNATS(NATSConfig{Dir: t.TempDir(), Listen: strings.TrimPrefix(n.URL(), "nats://")}, testLog(t))
	if err == nil || !strings.Contains(err.Error(), "in use") {
		t.Fatalf("got %v", err)
	}
	for _, listen := range []string{"nonsense", "localhost:many"} {
		if _, err := StartNATS(NATSConfig{Dir: t.TempDir(), Listen: listen}, testLog(t)); err == nil {
			t.Fatalf("listens on %q", listen)
		}
	}
}

// TestFullStoreRefuses: where the disk's share is used up a publish fails, and what was stored stays.
func TestFullStoreRefuses(t *testing.T) {
	n := startNATS(t, NATSConfig{MaxStore: 1 << 20})
	js, s := stream(t, n, jetstream.StreamConfig{Discard: jetstream.DiscardNew})
	stored := uint64(0)
	var err error
	for range 100 {
		if _, err = js.Publish(t.Context(), "e.1", make([]byte, 64<<10)); err != nil {
			break
		}
		stored++
	}
	var refused *jetstream.APIError
	if !errors.As(err, &refused) {
		t.Fatalf("after %d messages: %v", stored, err)
	}
	info, err := s.Info(t.Context())
	if err != nil || info.State.Msgs != stored || info.State.FirstSeq != 1 {
		t.Fatalf("stored %d, got %+v, %v", stored, info.State, err)
	}
}
