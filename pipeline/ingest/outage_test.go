package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	cloudevents "github.com/cloudevents/sdk-go/v2"

	"parcours/pipeline"
	"parcours/pipeline/ingest"
)

func TestLogAwayAndBack(t *testing.T) {
	s := newSite(t)
	body := ev("1", "9001", "")
	s.stop()
	for range 3 {
		if r := s.post(structured, body); r.code != http.StatusServiceUnavailable || r.Type != "/problems/log-away" || r.Accepted != 0 {
			t.Fatalf("%d %s", r.code, r.raw)
		}
	}
	s.start()
	eventually(t, func() bool { return s.post(structured, body).code == http.StatusAccepted })
	if got := s.stored(); len(got) != 1 {
		t.Errorf("%d stored", len(got))
	}
}

func TestLogFull(t *testing.T) {
	s := newSite(t, func(set *setting) { set.nats.MaxBytes = 20_000 })
	var many strings.Builder
	for i := range 200 {
		many.WriteString(ev(fmt.Sprint("f", i), "9001", "") + "\n")
	}
	r := s.post(ndjson, many.String())
	if r.code != http.StatusInsufficientStorage || r.Accepted == 0 || r.Accepted != len(s.stored()) {
		t.Errorf("%d %s, %d stored", r.code, r.raw, len(s.stored()))
	}
	if r := s.post(structured, ev("f1", "9001", "")); r.code != http.StatusAccepted || r.Duplicates != 1 {
		t.Errorf("what is stored already: %d %s", r.code, r.raw)
	}
}

// What is refused cannot be kept: the good ones are stored, and the sender is told to come again.
func TestRejectedFull(t *testing.T) {
	s := newSite(t, func(set *setting) { set.nats.RejectedMaxBytes = 100 })
	r := s.post(ndjson, ev("1", "9001", "")+"\nhello")
	if r.code != http.StatusInsufficientStorage || r.Accepted != 1 || r.Count != 1 {
		t.Errorf("%d %s", r.code, r.raw)
	}
}

// As many requests as are let in wait on their bodies; the next is told to come again, until one of them is done.
func TestBackPressure(t *testing.T) {
	s := newSite(t, func(set *setting) { set.ingest.MaxRequests = 2 })
	type waiting struct {
		body *io.PipeWriter
		done chan reply
	}
	hold := func(id string) waiting {
		r, w := io.Pipe()
		done := make(chan reply, 1)
		go func() { done <- s.send("POST", ndjson, r) }()
		if _, err := io.WriteString(w, ev(id, "9001", "")+"\n"); err != nil {
			t.Error(err)
		}
		return waiting{w, done}
	}
	a, b := hold("a"), hold("b")
	eventually(t, func() bool { return s.post(structured, ev("c", "9001", "")).code == http.StatusTooManyRequests })
	a.body.Close()
	if r := <-a.done; r.code != http.StatusAccepted {
		t.Errorf("%d %s", r.code, r.raw)
	}
	eventually(t, func() bool { return s.post(structured, ev("c", "9001", "")).code == http.StatusAccepted })
	b.body.Close()
	if r := <-b.done; r.code != http.StatusAccepted {
		t.Errorf("%d %s", r.code, r.raw)
	}
	if got := s.stored(); len(got) != 3 {
		t.Errorf("%d stored", len(got))
	}
}

// As many bytes as may be in flight: one compressed request that waits takes them all.
func TestBackPressureByBytes(t *testing.T) {
	s := newSite(t, func(set *setting) {
		set.ingest.MaxInFlight = int64(set.ingest.ChunkBytes+2*set.ingest.MaxEvent) + 8<<20
	})
	r, w := io.Pipe()
	done := make(chan reply, 1)
	go func() { done <- s.send("POST", ndjson, r, "Content-Encoding", "gzip") }()
	packed := compressed(t, "gzip", []byte(ev("a", "9001", "")))
	if _, err := w.Write(packed[:20]); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return s.post(structured, ev("b", "9001", "")).code == http.StatusTooManyRequests })
	if _, err := w.Write(packed[20:]); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if r := <-done; r.code != http.StatusAccepted || r.Accepted != 1 {
		t.Errorf("%d %s", r.code, r.raw)
	}
	eventually(t, func() bool { return s.post(structured, ev("b", "9001", "")).code == http.StatusAccepted })
}

// busy is a log that has too much to do, as the real one says when too many messages have no answer.
type busy struct{ pipeline.Appender }

func (busy) Append(_ context.Context, entries []pipeline.Entry) []pipeline.Outcome {
	out := make([]pipeline.Outcome, len(entries))
	for i := range out {
		out[i].Err = fmt.Errorf("append: %w", pipeline.ErrLogBusy)
	}
	return out
}

func TestLogBusy(t *testing.T) {
	s := newSite(t)
	door := s.newDoor(ingest.Defaults(), busy{s.bus}, s.bus)
	res := door.Accept(t.Context(), []ingest.Raw{{Body: []byte(ev("1", "9001", ""))}}, ingest.Origin{})
	if !errors.Is(res.Err, pipeline.ErrLogBusy) || res.Accepted != 0 || res.Positions[0] != 0 {
		t.Errorf("%+v", res)
	}
}

// The CloudEvents SDK for Go, as it is, in its three modes.
func TestCloudEventsSDK(t *testing.T) {
	s := newSite(t)
	protocol, err := cehttp.New(cehttp.WithTarget(s.http.URL + "/v1/events"))
	if err != nil {
		t.Fatal(err)
	}
	client, err := cloudevents.NewClient(protocol)
	if err != nil {
		t.Fatal(err)
	}
	made := func(id string) cloudevents.Event {
		e := cloudevents.NewEvent()
		e.SetID(id)
		e.SetSource("/sdk/é")
		e.SetType("contact.ended")
		e.SetTime(now.Add(-3600e9))
		e.SetSubject("case 1")
		e.SetExtension("sequence", "0001")
		if err := e.SetData(cloudevents.ApplicationJSON, map[string]any{"channel": "phone", "identifiers": map[string]string{"customer": "9001"}}); err != nil {
			t.Fatal(err)
		}
		return e
	}
	for id, ctx := range map[string]context.Context{"binary": binding.WithForceBinary(t.Context()), "structured": binding.WithForceStructured(t.Context())} {
		if result := client.Send(ctx, made(id)); !cloudevents.IsACK(result) {
			t.Errorf("%s: %v", id, result)
		}
	}
	request, err := cehttp.NewHTTPRequestFromEvents(t.Context(), s.http.URL, []cloudevents.Event{made("batch 1"), made("batch 2")})
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	got := s.stored()
	if response.StatusCode != http.StatusAccepted || len(got) != 4 {
		t.Fatalf("%d, %d stored", response.StatusCode, len(got))
	}
	for _, e := range got {
		want := got[0]
		want.ID = e.ID
		if fmt.Sprintf("%+v", e) != fmt.Sprintf("%+v", want) || e.Source != "/sdk/%C3%A9" || e.Subject != "case 1" || e.Sequence != "0001" {
			t.Errorf("%+v", e)
		}
	}
	bad := made("bad")
	bad.SetType("clock.ticked")
	if result := client.Send(t.Context(), bad); !cloudevents.IsNACK(result) {
		t.Errorf("a refused event: %v", result)
	}
}
