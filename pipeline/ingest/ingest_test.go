package ingest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"parcours/pipeline"
	"parcours/pipeline/embedded"
	"parcours/pipeline/event"
	"parcours/pipeline/ingest"
	"parcours/pipeline/nats"
)

// now is when everything in these tests is received.
var now = time.Date(2026, 10, 3, 12, 0, 0, 0, time.UTC)

// site is a door behind HTTP and before a real log.
type site struct {
	t        testing.TB
	dir      string
	listen   string
	server   *embedded.NATS
	bus      *nats.Bus
	homes    *ingest.Homes
	door     *ingest.Door
	http     *httptest.Server
	opener   *ingest.Opener
	registry *prometheus.Registry
	metrics  *ingest.Metrics
	logged   *safeBuffer
}

// setting changes what a site is made of.
type setting struct {
	nats   nats.Config
	ingest ingest.Config
}

func newSite(t testing.TB, change ...func(*setting)) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), listen: freeAddress(t), registry: prometheus.NewRegistry(), logged: &safeBuffer{}}
	set := setting{nats.Defaults(), ingest.Defaults()}
	set.nats.Partitions = 4
	set.nats.AckTimeout = 2 * time.Second
	for _, c := range change {
		c(&set)
	}
	s.start()
	t.Cleanup(func() { s.stop() })
	s.connect(set.nats)
	s.open(set.ingest)
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

func (s *site) connect(cfg nats.Config) {
	s.t.Helper()
	cfg.URL = s.server.URL()
	var err error
	if s.bus, err = nats.Connect(cfg, zerolog.New(s.logged), s.registry); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.bus.Close)
	if _, err := s.bus.Provision(s.t.Context(), nats.ModeLog); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) open(cfg ingest.Config) {
	s.t.Helper()
	var err error
	if s.homes, err = ingest.RebuildHomes(s.t.Context(), s.bus); err != nil {
		s.t.Fatal(err)
	}
	if s.opener, err = ingest.LoadOrCreateOperatorKey(s.t.TempDir() + "/operator.key"); err != nil {
		s.t.Fatal(err)
	}
	s.metrics = ingest.NewMetrics(s.registry)
	s.door = s.newDoor(cfg, s.bus, s.bus)
	h, err := ingest.NewHandler(cfg, s.door, zerolog.New(s.logged))
	if err != nil {
		s.t.Fatal(err)
	}
	s.http = httptest.NewServer(h)
	s.t.Cleanup(s.http.Close)
}

func (s *site) newDoor(cfg ingest.Config, a pipeline.Appender, r pipeline.Rejecter) *ingest.Door {
	s.t.Helper()
	door, err := ingest.NewDoor(cfg, ingest.Dependencies{Appender: a, Rejecter: r, Homes: s.homes,
		Pseudonymiser: ingest.NewPseudonymiser(ingest.KeyFromSeed("test")), Sealer: s.opener.Sealer(), Partitions: 4,
		Metrics: s.metrics, Now: func() time.Time { return now }})
	if err != nil {
		s.t.Fatal(err)
	}
	return door
}

// safeBuffer is what was logged.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// reply is an answer of the door.
type reply struct {
	code       int
	header     http.Header
	raw        string
	Type       string
	Title      string
	Status     int
	Detail     string
	Accepted   int
	Duplicates int
	Count      int `json:"refused_count"`
	Refused    []struct {
		Type, Title, Detail, ID, Field, Expected string
		Index, Status                            int
	}
}

// counts is accepted, duplicates, refused.
func (r reply) counts() [3]int { return [3]int{r.Accepted, r.Duplicates, r.Count} }

func (s *site) post(content, body string, header ...string) reply {
	s.t.Helper()
	return s.send(http.MethodPost, content, strings.NewReader(body), header...)
}

func (s *site) send(method, content string, body io.Reader, header ...string) reply {
	s.t.Helper()
	req, err := http.NewRequest(method, s.http.URL+"/v1/events", body)
	if err != nil {
		s.t.Fatal(err)
	}
	if content != "" {
		req.Header.Set("Content-Type", content)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.reply(resp, raw)
}

// reply checks what all answers have in common.
func (s *site) reply(resp *http.Response, raw []byte) reply {
	s.t.Helper()
	r := reply{code: resp.StatusCode, header: resp.Header, raw: string(raw)}
	if err := json.Unmarshal(raw, &r); err != nil {
		s.t.Fatalf("%d %s: %v", resp.StatusCode, raw, err)
	}
	content := "application/problem+json"
	if r.code == http.StatusAccepted {
		content = "application/json"
	} else if r.Status != r.code || r.Title == "" || r.Detail == "" || !strings.HasPrefix(r.Type, "/problems/") {
		s.t.Errorf("not a problem after RFC 9457: %s", raw)
	}
	if got := resp.Header.Get("Content-Type"); got != content {
		s.t.Errorf("%d has content type %s", r.code, got)
	}
	retry := r.code == http.StatusTooManyRequests || r.code == http.StatusServiceUnavailable
	if (resp.Header.Get("Retry-After") != "") != retry {
		s.t.Errorf("%d has Retry-After %q", r.code, resp.Header.Get("Retry-After"))
	}
	return r
}

const (
	structured = "application/cloudevents+json"
	batch      = "application/cloudevents-batch+json"
	ndjson     = "application/x-ndjson"
)

// ev is an event of a customer; more is further data.
func ev(id, customer, more string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/crm","type":"contact.ended","time":"2026-10-03T09:14:22.123Z",`+
		`"data":{"identifiers":{"customer":%q},"channel":"phone"%s}}`, id, customer, more)
}

// stored reads the whole log, without its first message.
func (s *site) stored() []event.Event {
	s.t.Helper()
	head, err := s.bus.Head(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := s.bus.Read(s.t.Context(), 1)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Close()
	var all []event.Event
	for position := uint64(0); position < head; {
		messages, err := r.Next(s.t.Context(), time.Minute)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, m := range messages {
			position = m.Position
			e, err := event.DecodeLog(m.Body)
			if err != nil {
				s.t.Fatal(err)
			}
			if want := ingest.PartitionOf(e.Home, 4); m.Partition != pipeline.All && m.Partition != want {
				s.t.Errorf("position %d of home %s is in partition %d, want %d", m.Position, e.Home, m.Partition, want)
			}
			all = append(all, e)
		}
	}
	return all[1:]
}

// rejected opens what was kept aside.
func (s *site) rejected() []pipeline.Rejection {
	s.t.Helper()
	counts, err := s.bus.RejectedCount(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	n := 0
	for _, c := range counts {
		n += int(c)
	}
	r, err := s.bus.ReadRejected(s.t.Context(), 1)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Close()
	var all []pipeline.Rejection
	for len(all) < n {
		messages, err := r.Next(s.t.Context(), time.Minute)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, m := range messages {
			got, err := nats.DecodeRejected(m.Body)
			if err != nil {
				s.t.Fatal(err)
			}
			if got.Sealed, err = s.opener.Open(got.Sealed); err != nil {
				s.t.Fatal(err)
			}
			all = append(all, got)
		}
	}
	return all
}

func eventually(t testing.TB, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for tick := time.NewTicker(50 * time.Millisecond); !so(); <-tick.C {
		if ctx.Err() != nil {
			t.Fatal("it never came")
		}
	}
}
