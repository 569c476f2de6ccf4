package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"github.com/rs/zerolog"
)

const (
	childArgument = "__parcours_clickhouse_child"
	childReady    = "ready"

	listenerDescriptor = 3 // the first of ExtraFiles
	statusDescriptor   = 4
)

// childConfig is what the parent tells the child over its standard input.
type childConfig struct {
	Library      string
	Path         string // of ClickHouse's data
	ConfigFile   string
	Connections  int
	Sessions     int
	QueueTimeout time.Duration
	StartTimeout time.Duration
	StopTimeout  time.Duration
}

// RunChild must be the first call in main and TestMain of any binary that embeds ClickHouse: when the process was
// re-executed as the ClickHouse child it serves and never returns; otherwise it returns at once.
func RunChild() {
	if len(os.Args) < 2 || os.Args[1] != childArgument {
		return
	}
	log := zerolog.New(os.Stderr)
	if err := serveChild(log); err != nil {
		log.Error().Err(err).Msg("the ClickHouse child stops")
		os.Exit(1)
	}
	os.Exit(0)
}

// serveChild runs ClickHouse until the parent closes this process's standard input, by intent or by dying.
func serveChild(log zerolog.Logger) error {
	status := os.NewFile(statusDescriptor, "status")
	parent, err := takeStdin()
	if err != nil {
		return err
	}
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP) // meant for the parent, who ends this process in its turn
	decoder := json.NewDecoder(parent)
	var cfg childConfig
	if err := decoder.Decode(&cfg); err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	orphaned := untilEOF(io.MultiReader(decoder.Buffered(), parent))
	c, err := bootChild(cfg, log)
	if err != nil {
		fmt.Fprintln(status, strings.ReplaceAll(err.Error(), "\n", " "))
		return err
	}
	go c.serve()
	fmt.Fprintln(status, childReady)
	if err := status.Close(); err != nil {
		return fmt.Errorf("tell the parent: %w", err)
	}
	<-orphaned.Done()
	c.stop(cfg.StopTimeout)
	return nil
}

// untilEOF is a context that ends with the input.
func untilEOF(input io.Reader) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, input)
	}()
	return ctx
}

// child is ClickHouse and its HTTP front in this process.
type child struct {
	log      zerolog.Logger
	listener net.Listener
	front    *front
	server   *http.Server
	cancel   context.CancelFunc // of every request
}

func bootChild(cfg childConfig, log zerolog.Logger) (*child, error) {
	preferredByOutOfMemoryKiller()
	listener, err := net.FileListener(os.NewFile(listenerDescriptor, "listener"))
	if err != nil {
		return nil, fmt.Errorf("take over the HTTP interface: %w", err)
	}
	lib, err := loadLibrary(cfg.Library)
	if err != nil {
		return nil, err
	}
	if err := waitForOrphan(cfg); err != nil {
		return nil, err
	}
	engine, err := startEngine(lib, cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	front := newFront(engine, cfg.Sessions, log)
	return &child{log: log, listener: listener, front: front, cancel: cancel, server: &http.Server{
		Handler:           front,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          nil,
	}}, nil
}

func (c *child) serve() {
	if err := c.server.Serve(c.listener); !errors.Is(err, http.ErrServerClosed) {
		c.log.Error().Err(err).Msg("the HTTP interface failed")
		os.Exit(1) // the parent starts another
	}
}

// stop lets what runs end for half the time it has, then kills it, and closes the engine. The parent kills a child
// that takes longer; what was acknowledged is on disk either way.
func (c *child) stop(patience time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), patience/2)
	defer cancel()
	defer context.AfterFunc(ctx, c.cancel)()
	time.AfterFunc(patience, func() { os.Exit(0) }) // an orphan has no parent to kill it
	if err := c.server.Shutdown(ctx); err != nil {
		c.cancel()
		_ = c.server.Close()
	}
	c.front.close()
}

// waitForOrphan waits for the child of a parent that died to let go of the data. ClickHouse would refuse to start
// without saying why through its interface.
func waitForOrphan(cfg childConfig) error {
	path := filepath.Join(cfg.Path, "status")
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), cfg.StartTimeout*3/4)
	defer cancel()
	lock := flock.New(path)
	if _, err := lock.TryLockContext(ctx, restartSoon); err != nil {
		return fmt.Errorf("wait for the process that holds %s: %w", path, err)
	}
	if err := lock.Unlock(); err != nil {
		return fmt.Errorf("let go of %s: %w", path, err)
	}
	return nil
}
