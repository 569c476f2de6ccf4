package nats_test

import (
	"bytes"
	"fmt"
	"testing"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"parcours/pipeline"
	"parcours/pipeline/nats"
)

// Each operation is 100,000 messages of 400 bytes on an embedded server, in process: ours beside the bare client.
const benchMessages = 100_000

func benchBus(b *testing.B) (*nats.Bus, jetstream.JetStream) {
	b.Helper()
	s := newSite(b)
	conn, err := s.server.Connect(nats.ConnOptions(zerolog.Nop())...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(conn.Close)
	bus, err := nats.New(conn, nats.Defaults(), zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		b.Fatal(err)
	}
	if _, err := bus.Provision(b.Context(), ""); err != nil {
		b.Fatal(err)
	}
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(nats.Defaults().MaxPending))
	if err != nil {
		b.Fatal(err)
	}
	return bus, js
}

func perSecond(b *testing.B) {
	b.ReportMetric(float64(b.N)*benchMessages/b.Elapsed().Seconds(), "msg/s")
}

func benchEntries(round int) []pipeline.Entry {
	all := make([]pipeline.Entry, benchMessages)
	body := bytes.Repeat([]byte("x"), 400)
	for i := range all {
		all[i] = pipeline.Entry{MsgID: fmt.Sprintf("%022d", round*benchMessages+i), Partition: i % 16, Channel: "phone",
			Family: "contact", Type: "contact.ended", Body: body}
	}
	return all
}

func BenchmarkAppend(b *testing.B) {
	bus, _ := benchBus(b)
	for round := 0; b.Loop(); round++ {
		entries := benchEntries(round)
		for i := 0; i < len(entries); i += 1000 {
			appendAll(b, bus, entries[i:i+1000])
		}
	}
	perSecond(b)
}

func BenchmarkAppendBare(b *testing.B) {
	_, js := benchBus(b)
	for round := 0; b.Loop(); round++ {
		for _, e := range benchEntries(round) {
			m := &client.Msg{Subject: fmt.Sprintf("cx.events.%d.phone.contact", e.Partition), Data: e.Body,
				Header: client.Header{client.MsgIdHdr: {e.MsgID}, "Cx-Type": {e.Type}}}
			if _, err := js.PublishMsgAsync(m, jetstream.WithStallWait(1e10)); err != nil {
				b.Fatal(err)
			}
		}
		<-js.PublishAsyncComplete()
	}
	perSecond(b)
}

func BenchmarkRead(b *testing.B) {
	bus, _ := benchBus(b)
	appendAll(b, bus, benchEntries(0))
	for b.Loop() {
		r, err := bus.Read(b.Context(), 2)
		if err != nil {
			b.Fatal(err)
		}
		for n := 0; n < benchMessages; {
			got, err := r.Next(b.Context(), 1e10)
			if err != nil {
				b.Fatal(err)
			}
			n += len(got)
		}
		r.Close()
	}
	perSecond(b)
}

func BenchmarkReadBare(b *testing.B) {
	bus, js := benchBus(b)
	appendAll(b, bus, benchEntries(0))
	for b.Loop() {
		c, err := js.OrderedConsumer(b.Context(), "EVENTS", jetstream.OrderedConsumerConfig{
			DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: 2})
		if err != nil {
			b.Fatal(err)
		}
		messages, err := c.Messages()
		if err != nil {
			b.Fatal(err)
		}
		for range benchMessages {
			if _, err := messages.Next(); err != nil {
				b.Fatal(err)
			}
		}
		messages.Stop()
	}
	perSecond(b)
}

func BenchmarkTell(b *testing.B) {
	bus, _ := benchBus(b)
	if _, err := bus.Claim(b.Context(), 0); err != nil {
		b.Fatal(err)
	}
	body := bytes.Repeat([]byte("x"), 400)
	for round := 0; b.Loop(); round++ {
		all := make([]pipeline.Told, benchMessages)
		for i := range all {
			all[i] = pipeline.Told{Place: pipeline.Place{Position: uint64(round*benchMessages + i + 1)}, ID: "fact", Tokens: []string{"journey", "opened"}, Body: body}
		}
		for i := 0; i < len(all); i += 1000 {
			if err := bus.Tell(b.Context(), 0, all[i:i+1000]); err != nil {
				b.Fatal(err)
			}
		}
	}
	perSecond(b)
}
