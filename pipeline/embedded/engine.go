package embedded

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// engine is the ClickHouse of this process. It opens connections, bounds how many run at once, and kills what a client
// no longer waits for.
type engine struct {
	lib      *library
	path     string
	version  string
	slots    chan struct{} // one token for each statement that may run
	patience time.Duration // how long a request waits for a slot

	// keeper stays open: the engine stops with its last connection. It runs nothing but KILL QUERY.
	keeper sync.Mutex
	admin  *connection

	compressByDefault bool // the engine's own enable_http_compression
}

// startEngine boots ClickHouse on a directory nobody else has open.
func startEngine(lib *library, cfg childConfig) (*engine, error) {
	e := &engine{lib: lib, path: cfg.Path, slots: make(chan struct{}, cfg.Connections), patience: cfg.QueueTimeout}
	admin, err := lib.open("--path="+cfg.Path, "--config-file="+cfg.ConfigFile)
	if err != nil {
		return nil, fmt.Errorf("start ClickHouse on %s: %w", filepath.Dir(cfg.Path), err)
	}
	e.admin = admin
	answer, err := admin.text("SELECT version(), (SELECT value FROM system.settings WHERE name = 'enable_http_compression')")
	if err != nil {
		return nil, fmt.Errorf("ask ClickHouse for its version: %w", err)
	}
	version, compress, _ := strings.Cut(strings.TrimSpace(answer), "\t")
	e.version, e.compressByDefault = version, compress == "1"
	return e, nil
}

// connect opens a connection nothing sticks to yet.
func (e *engine) connect() (*connection, error) { return e.lib.open("--path=" + e.path) }

// acquire waits, a bounded time, until one more statement may run; the caller gives the slot back.
func (e *engine) acquire(ctx context.Context) (release func(), err error) {
	select {
	case e.slots <- struct{}{}:
		return func() { <-e.slots }, nil
	default:
	}
	timer := time.NewTimer(e.patience)
	defer timer.Stop()
	select {
	case e.slots <- struct{}{}:
		return func() { <-e.slots }, nil
	case <-ctx.Done():
		return nil, raise(codeCancelled, "QUERY_WAS_CANCELLED", "The client left before its query began")
	case <-timer.C:
		return nil, raise(codeTooManyQueries, "TOO_MANY_SIMULTANEOUS_QUERIES",
			"Too many simultaneous queries. Maximum: %d, waited %s for one to end", cap(e.slots), e.patience)
	}
}

const killEvery = 100 * time.Millisecond

// killable runs f, which may use connections of this engine, and kills the statement it is in once ctx ends. ClickHouse
// knows a statement by the thread that started it, so f keeps its thread.
func (e *engine) killable(ctx context.Context, f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	thread := threadID()
	ended, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		e.killWhenDone(ctx, thread, ended)
	}()
	defer func() { close(ended); <-watched }()
	f()
}

// killWhenDone repeats, because the statement may not have registered itself yet and because f may start another.
func (e *engine) killWhenDone(ctx context.Context, thread int, ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	ticker := time.NewTicker(killEvery)
	defer ticker.Stop()
	for {
		e.kill(thread)
		select {
		case <-ended:
			return
		case <-ticker.C:
		}
	}
}

// kill asks without waiting: KILL QUERY ... SYNC does not return in this engine.
func (e *engine) kill(thread int) {
	e.keeper.Lock()
	defer e.keeper.Unlock()
	if e.admin != nil {
		_ = e.admin.run(fmt.Sprintf("KILL QUERY WHERE has(thread_ids, %d) ASYNC", thread))
	}
}

// stop ends the engine once every other connection is closed.
func (e *engine) stop() {
	e.keeper.Lock()
	defer e.keeper.Unlock()
	e.admin.close()
	e.admin = nil
}
