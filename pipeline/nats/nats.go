// Package nats is the only code that speaks NATS: it keeps the log (EVENTS), what could not be understood (REJECTED), what
// we tell others (JOURNEYS), states (CHECKPOINTS) and who owns what (LEASES) in JetStream, and gives the joints of package
// pipeline over them: Appender, Log, Rejecter, Teller and Checkpoints, all by one Bus.
//
// The streams, and who may write them, stand in provision.go; how every subject is spelled, in subjects.go.
package nats

import (
	"context"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"parcours/pipeline"
)

// Bus is one process's access to the streams. It is safe for concurrent use.
type Bus struct {
	cfg   Config
	log   zerolog.Logger
	conn  *nats.Conn
	owned bool // Close ends the connection
	meter *metrics

	api    jetstream.JetStream // requests and answers
	events jetstream.JetStream // asynchronous writes to EVENTS
	apart  jetstream.JetStream // asynchronous writes to REJECTED; apart, so that neither stalls the other
	states jetstream.JetStream // asynchronous writes to CHECKPOINTS

	mu     sync.Mutex
	owners map[int]*owner
}

var (
	_ pipeline.Appender    = (*Bus)(nil)
	_ pipeline.Log         = (*Bus)(nil)
	_ pipeline.Rejecter    = (*Bus)(nil)
	_ pipeline.Teller      = (*Bus)(nil)
	_ pipeline.Checkpoints = (*Bus)(nil)
)

// Connect dials cfg.URL and waits for the first connection; afterwards the connection comes back by itself for ever.
func Connect(cfg Config, log zerolog.Logger, reg prometheus.Registerer) (*Bus, error) {
	if cfg.URL == "" {
		return nil, fmt.Errorf("nats: no url to connect to")
	}
	opts := ConnOptions(log)
	if cfg.Credentials != "" {
		opts = append(opts, nats.UserCredentials(cfg.Credentials))
	}
	conn, err := nats.Connect(cfg.URL, opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	bus, err := New(conn, cfg, log, reg)
	if err != nil {
		conn.Close()
		return nil, err
	}
	bus.owned = true
	return bus, nil
}

// New uses a connection that is open already, such as the in-process one of the embedded server; it should have been made
// with ConnOptions. Close leaves it open. It talks to no server.
func New(conn *nats.Conn, cfg Config, log zerolog.Logger, reg prometheus.Registerer) (*Bus, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	b := &Bus{cfg: cfg, log: log, conn: conn, owners: map[int]*owner{}}
	for _, js := range []*jetstream.JetStream{&b.api, &b.events, &b.apart, &b.states} {
		var err error
		if *js, err = newJetStream(conn, cfg); err != nil {
			return nil, fmt.Errorf("use JetStream: %w", err)
		}
	}
	b.meter = newMetrics(reg, conn)
	return b, nil
}

// Each context has its own count of messages in flight.
func newJetStream(conn *nats.Conn, cfg Config) (jetstream.JetStream, error) {
	return jetstream.New(conn,
		jetstream.WithPublishAsyncMaxPending(cfg.MaxPending),
		jetstream.WithPublishAsyncTimeout(cfg.AckTimeout),
		jetstream.WithDefaultTimeout(cfg.AckTimeout))
}

// ConnOptions are the options every connection of Parcours needs: it comes back by itself, for ever, and keeps nothing
// aside while it is away (what is kept aside would be acknowledged to nobody and stored behind later messages).
func ConnOptions(log zerolog.Logger) []nats.Option {
	return []nats.Option{
		nats.Name("parcours"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectWait/2, reconnectWait/2),
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil { // nil: we closed it ourselves
				log.Warn().Err(err).Msg("NATS is away")
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info().Msg("NATS is back") }),
		nats.ErrorHandler(func(_ *nats.Conn, s *nats.Subscription, err error) {
			log.Warn().Err(err).EmbedObject(subscribed{s}).Msg("NATS")
		}),
	}
}

// subscribed says in a log line which subscription something went wrong with, and what the client dropped of it: of an ordered consumer
// that is read again, of anything else it is gone.
type subscribed struct{ *nats.Subscription }

func (s subscribed) MarshalZerologObject(e *zerolog.Event) {
	if s.Subscription == nil {
		return
	}
	e.Str("subject", s.Subject)
	if n, err := s.Dropped(); err == nil && n > 0 {
		e.Int("dropped", n)
	}
}

// Close ends the connection if Connect made it. Readers end with it.
func (b *Bus) Close() {
	for _, js := range []jetstream.JetStream{b.events, b.apart, b.states, b.api} {
		js.CleanupPublisher()
	}
	if b.owned {
		b.conn.Close()
	}
}

// Ready says why the log cannot be reached now; nil when it can.
func (b *Bus) Ready(ctx context.Context) error {
	_, err := b.Head(ctx)
	return err
}
