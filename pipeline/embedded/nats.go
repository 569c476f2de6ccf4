package embedded

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
)

const (
	natsReadyWithin = 10 * time.Second
	natsPatience    = 100 * time.Millisecond
	natsMemoryStore = 64 << 20
)

// NATSConfig says how to run NATS inside this process.
type NATSConfig struct {
	// Dir is where JetStream keeps its streams. nats-server does not lock it: hold the [Lock] of the data directory.
	Dir string
	// Listen is the host:port other processes connect to; port 0 takes a free one. Default 127.0.0.1:0.
	Listen string
	// MaxStore bounds what all streams together may keep on disk, in bytes: beyond it a publish is refused, nothing is
	// forgotten. Default 0: three quarters of what the disk has free at the start.
	MaxStore int64
	// MaxPayload bounds one message, in bytes. Default 4 MiB.
	MaxPayload int32
	// SyncInterval is how often JetStream flushes to disk, and so how much a power cut (not a crash of the process) can
	// cost. Default 1 s.
	SyncInterval time.Duration
	// SyncAlways flushes before every acknowledgement instead: nothing is lost to a power cut, at a fraction of the speed.
	SyncAlways bool
}

func (c NATSConfig) withDefaults() NATSConfig {
	c.Listen = orElse(c.Listen, "127.0.0.1:0")
	c.MaxPayload = orElse(c.MaxPayload, 4<<20)
	c.SyncInterval = orElse(c.SyncInterval, time.Second)
	return c
}

func orElse[T comparable](value, other T) T {
	var zero T
	if value == zero {
		return other
	}
	return value
}

func (c NATSConfig) options() (*server.Options, error) {
	host, port, err := splitListen(c.Listen)
	if err != nil {
		return nil, err
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return &server.Options{
		ServerName: "parcours", Host: host, Port: port, MaxPayload: c.MaxPayload, NoSigs: true,
		JetStream: true, StoreDir: c.Dir, JetStreamMaxStore: c.MaxStore, JetStreamMaxMemory: natsMemoryStore,
		SyncInterval: c.SyncInterval, SyncAlways: c.SyncAlways, DisableJetStreamBanner: true,
	}, nil
}

func splitListen(listen string) (string, int, error) {
	host, service, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, fmt.Errorf("listen address %q: %w", listen, err)
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("listen address %q: the port is not a number", listen)
	}
	return host, int(port), nil
}

// NATS is a NATS server with JetStream inside this process.
type NATS struct {
	server *server.Server
}

// StartNATS returns when the server accepts connections and has recovered its streams.
func StartNATS(cfg NATSConfig, log zerolog.Logger) (*NATS, error) {
	if cfg.Dir == "" {
		return nil, fmt.Errorf("start NATS: no directory given")
	}
	options, err := cfg.withDefaults().options()
	if err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	s, err := server.NewServer(options)
	if err != nil {
		return nil, fmt.Errorf("start NATS: %w", err)
	}
	logger := &natsLogger{log: log.With().Str("server", "nats").Logger()}
	s.SetLoggerV2(logger, false, false, false)
	n := &NATS{server: s}
	s.Start()
	if !logger.comesUp(s) {
		n.Close()
		return nil, fmt.Errorf("start NATS on %s: %s", cfg.withDefaults().Listen, logger.reason())
	}
	return n, nil
}

// URL is where other processes connect.
func (n *NATS) URL() string { return n.server.ClientURL() }

// Connect opens a connection that stays inside this process.
func (n *NATS) Connect(opts ...nats.Option) (*nats.Conn, error) {
	conn, err := nats.Connect("", append([]nats.Option{nats.InProcessServer(n.server)}, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to embedded NATS: %w", err)
	}
	return conn, nil
}

// Close stops the server and returns when its streams are flushed and closed.
func (n *NATS) Close() {
	n.server.Shutdown()
	n.server.WaitForShutdown()
}

// natsLogger passes on what deserves attention: warnings and above. A fatal message of the library does not end the
// process; it is kept as the reason why the server did not start.
type natsLogger struct {
	log   zerolog.Logger
	fatal atomic.Pointer[string]
}

// Warnf: what JetStream says while it recovers from a kill is news, not trouble. So is that a stream which gathers others came up
// before them: it asks again. That one "was recreated" stays a warning: then all of it is gathered once more.
func (l *natsLogger) Warnf(format string, v ...any) {
	level := zerolog.WarnLevel
	if strings.HasPrefix(format, "Filestore [") || strings.Contains(format, "ecovering") || notUpYet(v) {
		level = zerolog.DebugLevel
	}
	l.log.WithLevel(level).Msgf(format, v...)
}

// notUpYet says whether a message is about a stream that is not there.
func notUpYet(v []any) bool {
	return slices.ContainsFunc(v, func(about any) bool {
		e, ok := about.(*server.ApiError)
		return ok && e.ErrCode == uint16(server.JSStreamNotFoundErr)
	})
}

func (l *natsLogger) Errorf(format string, v ...any) { l.log.Error().Msgf(format, v...) }
func (l *natsLogger) Noticef(string, ...any)         {}
func (l *natsLogger) Debugf(string, ...any)          {}
func (l *natsLogger) Tracef(string, ...any)          {}

func (l *natsLogger) Fatalf(format string, v ...any) {
	message := fmt.Sprintf(format, v...)
	l.fatal.CompareAndSwap(nil, &message)
	l.log.Error().Msg(message)
}

// comesUp waits until the server is ready, has said why it will not be, or takes too long.
func (l *natsLogger) comesUp(s *server.Server) bool {
	for deadline := time.Now().Add(natsReadyWithin); time.Now().Before(deadline) && l.fatal.Load() == nil; {
		if s.ReadyForConnections(natsPatience) {
			return true
		}
	}
	return false
}

func (l *natsLogger) reason() string {
	if message := l.fatal.Load(); message != nil {
		return *message
	}
	return fmt.Sprintf("it did not accept connections within %s", natsReadyWithin)
}
