package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/rs/zerolog"
)

// ClickHouseConfig says how to run ClickHouse in a child of this process.
type ClickHouseConfig struct {
	// Dir is where ClickHouse keeps its data, below a directory of its own, and its configuration. Created if need be.
	Dir string
	// Library is the path of libchdb; see [LibraryPath] for where it is looked for if empty.
	Library string
	// Listen is the host:port of the HTTP interface; port 0 takes a free one. It has no password: keep it on loopback.
	// Default 127.0.0.1:0.
	Listen string
	// MaxMemory bounds what all queries, merges and caches together may use, in bytes. Default 2 GiB.
	MaxMemory uint64
	// MaxQueryMemory bounds one query, in bytes. Default three quarters of MaxMemory.
	MaxQueryMemory uint64
	// Connections is how many statements may run at once; further ones wait. Default 8.
	Connections int
	// QueueTimeout is how long a statement waits for its turn before it is refused. Default 10 s.
	QueueTimeout time.Duration
	// Sessions is how many sessions (session_id) may exist at once. Default 64.
	Sessions int
	// StartTimeout bounds the start, and each restart; an orphan that still holds the data is waited for that long.
	// Default 30 s.
	StartTimeout time.Duration
	// StopTimeout bounds Close before the child is killed. Default 10 s.
	StopTimeout time.Duration
}

func (c ClickHouseConfig) withDefaults() ClickHouseConfig {
	c.Listen = orElse(c.Listen, "127.0.0.1:0")
	c.MaxMemory = orElse(c.MaxMemory, 2<<30)
	c.MaxQueryMemory = orElse(c.MaxQueryMemory, c.MaxMemory/4*3)
	c.Connections = orElse(c.Connections, 8)
	c.QueueTimeout = orElse(c.QueueTimeout, 10*time.Second)
	c.Sessions = orElse(c.Sessions, 64)
	c.StartTimeout = orElse(c.StartTimeout, 30*time.Second)
	c.StopTimeout = orElse(c.StopTimeout, 10*time.Second)
	return c
}

// ClickHouse is a ClickHouse server in a child process, restarted when it dies. Its address does not change.
type ClickHouse struct {
	cfg      ClickHouseConfig
	child    childConfig
	log      zerolog.Logger
	listener *net.TCPListener
	inherits *os.File // the listening socket as the child gets it

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	ended  chan struct{} // closed when the supervisor is

	mu      sync.Mutex
	process *process
}

// StartClickHouse returns when the server answers SELECT 1. The binary must call [RunChild] first thing in main.
// Ending ctx gives up the start; a server that has started runs until Close.
func StartClickHouse(ctx context.Context, cfg ClickHouseConfig, log zerolog.Logger) (*ClickHouse, error) {
	c, err := newClickHouse(cfg.withDefaults(), log.With().Str("server", "clickhouse").Logger())
	if err != nil {
		return nil, fmt.Errorf("start embedded ClickHouse: %w", err)
	}
	if err := c.start(ctx); err != nil {
		close(c.ended)
		return nil, errors.Join(fmt.Errorf("start embedded ClickHouse: %w", err), c.Close())
	}
	go c.supervise()
	return c, nil
}

func newClickHouse(cfg ClickHouseConfig, log zerolog.Logger) (*ClickHouse, error) {
	if err := embeddable(); err != nil {
		return nil, err
	}
	child, err := prepare(&cfg)
	if err != nil {
		return nil, err
	}
	c := &ClickHouse{cfg: cfg, child: child, log: log, ended: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c, c.listen()
}

// prepare creates the directory and its configuration, and makes paths absolute: the child works in the directory.
func prepare(cfg *ClickHouseConfig) (childConfig, error) {
	library, err := LibraryPath(cfg.Library)
	if err != nil {
		return childConfig{}, err
	}
	if library, err = filepath.Abs(library); err != nil {
		return childConfig{}, fmt.Errorf("find libchdb: %w", err)
	}
	if cfg.Dir, err = filepath.Abs(cfg.Dir); err != nil {
		return childConfig{}, fmt.Errorf("find the data directory: %w", err)
	}
	data := filepath.Join(cfg.Dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return childConfig{}, fmt.Errorf("create the data directory: %w", err)
	}
	config, err := writeServerConfig(*cfg)
	return childConfig{
		Library: library, Path: data, ConfigFile: config, Connections: cfg.Connections, QueueTimeout: cfg.QueueTimeout,
		Sessions: cfg.Sessions, StartTimeout: cfg.StartTimeout, StopTimeout: cfg.StopTimeout,
	}, err
}

func (c *ClickHouse) listen() error {
	listener, err := net.Listen("tcp", c.cfg.Listen)
	if err != nil {
		return fmt.Errorf("open the HTTP interface: %w", err)
	}
	c.listener = listener.(*net.TCPListener)
	if c.inherits, err = c.listener.File(); err != nil {
		return errors.Join(fmt.Errorf("share the HTTP interface: %w", err), c.listener.Close())
	}
	return nil
}

// Addr is host:port of the HTTP interface. It stays the same when the child is replaced.
func (c *ClickHouse) Addr() string { return c.listener.Addr().String() }

// PID is the child's, 0 while there is none.
func (c *ClickHouse) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process == nil || c.process.ended() {
		return 0
	}
	return c.process.pid()
}

// Close stops the child, and kills it if that takes longer than StopTimeout. A second call does nothing.
func (c *ClickHouse) Close() error {
	c.cancel()
	c.mu.Lock()
	p := c.process
	c.mu.Unlock()
	if p != nil {
		p.stop(c.cfg.StopTimeout)
	}
	<-c.ended
	return c.closeSockets()
}

func (c *ClickHouse) closeSockets() error {
	err := errors.Join(c.inherits.Close(), c.listener.Close())
	if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// start begins a child and waits until it answers.
func (c *ClickHouse) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.StartTimeout)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	p, err := startProcess(c.child, c.inherits, c.log)
	if err != nil {
		return err
	}
	if err := p.ready(ctx); err != nil {
		p.kill()
		return err
	}
	if err := c.answers(ctx); err != nil {
		p.kill()
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.process = p
	return nil
}

// answers asks SELECT 1 over HTTP as any client would.
func (c *ClickHouse) answers(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Addr()+"/?query=SELECT+1", nil)
	if err != nil {
		return fmt.Errorf("ask SELECT 1: %w", err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("ask SELECT 1: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("ask SELECT 1: %s", response.Status)
	}
	return nil
}

const (
	restartSoon   = 50 * time.Millisecond
	restartAtMost = 5 * time.Second
	steadyAfter   = 30 * time.Second // a child that ran this long died of something new
)

// supervise replaces the child whenever it ends, until Close.
func (c *ClickHouse) supervise() {
	defer close(c.ended)
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = restartSoon, restartAtMost
	for {
		began := time.Now()
		err := c.current().wait()
		if c.ctx.Err() != nil {
			return
		}
		if time.Since(began) > steadyAfter {
			pause.Reset()
		}
		c.log.Error().Err(err).Msg("ClickHouse ended; starting it again")
		if !c.restart(pause) {
			return
		}
	}
}

func (c *ClickHouse) current() *process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.process
}

// restart tries until a child answers; it is false once Close was called.
func (c *ClickHouse) restart(pause backoff.BackOff) bool {
	for {
		select {
		case <-c.ctx.Done():
			return false
		case <-time.After(pause.NextBackOff()):
		}
		err := c.start(c.ctx)
		if err == nil {
			c.log.Info().Int("pid", c.PID()).Msg("ClickHouse is back")
			return c.keep()
		}
		if c.ctx.Err() == nil {
			c.log.Error().Err(err).Msg("ClickHouse did not start again")
		}
	}
}

// keep ends a child that came up while Close was under way.
func (c *ClickHouse) keep() bool {
	if c.ctx.Err() == nil {
		return true
	}
	c.current().stop(c.cfg.StopTimeout)
	return false
}
