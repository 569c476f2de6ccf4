package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/alert"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/embedded"
	"parcours/pipeline/event"
	"parcours/pipeline/ingest"
	"parcours/pipeline/nats"
	"parcours/pipeline/rules"
)

// nodeConfig says what a node runs itself and what it finds elsewhere.
type nodeConfig struct {
	dir        string
	command    string // for those who find the directory held
	mode       string // of a new log
	nats       nats.Config
	clickhouse clickhouse.Config
	door       ingest.Config
	aggregate  aggregate.Config
	natsAddr   string // where to serve the embedded NATS
	tablesAddr string // where to serve the embedded ClickHouse
	library    string // of ClickHouse; "" to look for it
	memory     uint64 // ClickHouse's limit, bytes
	seed       *uint64
	rules      string // file with the rule book of a new log; "" for the default
}

// node is the whole pipeline in one process, on one data directory.
type node struct {
	config   nodeConfig
	log      zerolog.Logger
	registry *prometheus.Registry

	lock       *embedded.Lock
	natsServer *embedded.NATS       // nil when NATS is elsewhere
	tables     *embedded.ClickHouse // nil when ClickHouse is elsewhere
	bus        *nats.Bus
	info       nats.LogInfo
	store      *clickhouse.Store
	keys       service.Secrets
	door       *ingest.Door
	loop       *aggregate.Aggregator
	closers    []func() // in the order of starting
	stopLoop   context.CancelFunc
	ended      chan struct{} // closed when the loop has ended
	failure    error         // why, if not because it was told to
}

// startNode starts the parts in order; what has started is stopped again where a later one fails.
func startNode(ctx context.Context, c nodeConfig, log zerolog.Logger) (*node, error) {
	n := &node{config: c, log: log, registry: service.NewRegistry(), ended: make(chan struct{})}
	for _, step := range []func(context.Context) error{n.openDirectory, n.openLog, n.openTables, n.openKeys, n.openBook, n.openDoor, n.startLoop, n.startRejected} {
		if err := step(ctx); err != nil {
			n.close()
			return nil, err
		}
	}
	return n, nil
}

func (n *node) openDirectory(context.Context) (err error) {
	if n.lock, err = embedded.LockDirectory(n.config.dir); err != nil {
		return err
	}
	n.closers = append(n.closers, func() { _ = n.lock.Release() }) // the process's end releases it too
	return nil
}

// openLog starts NATS or connects to it, and makes sure that the streams exist.
func (n *node) openLog(ctx context.Context) (err error) {
	if n.config.nats.URL != "" {
		n.bus, err = nats.Connect(n.config.nats, n.log, n.registry)
	} else {
		err = n.startNATS()
	}
	if err != nil {
		return err
	}
	n.closers = append(n.closers, n.bus.Close)
	n.info, err = n.bus.Provision(ctx, n.config.mode)
	return err
}

func (n *node) startNATS() (err error) {
	if err := logIsThere(n.config.dir); err != nil {
		return err
	}
	server := embedded.NATSConfig{Dir: filepath.Join(n.config.dir, natsFolder), Listen: n.config.natsAddr}
	if n.natsServer, err = embedded.StartNATS(server, n.log); err != nil {
		return err
	}
	n.closers = append(n.closers, n.natsServer.Close)
	conn, err := n.natsServer.Connect(nats.ConnOptions(n.log)...)
	if err != nil {
		return err
	}
	n.closers = append(n.closers, conn.Close)
	n.bus, err = nats.New(conn, n.config.nats, n.log, n.registry)
	return err
}

// logIsThere refuses to begin a new log beside tables that came of another: it was lost, or its volume is not mounted.
func logIsThere(dir string) error {
	if !exists(filepath.Join(dir, natsFolder)) && exists(filepath.Join(dir, tablesFolder)) {
		return fmt.Errorf("%s holds tables and no log (%s is missing): restore the log, for the tables come from it; "+
			"or, to begin anew, move %s away", dir, filepath.Join(dir, natsFolder), filepath.Join(dir, tablesFolder))
	}
	return nil
}

// tablesFolder is where the embedded ClickHouse of a data directory lies.
const tablesFolder = "clickhouse"

// openTables starts ClickHouse or connects to it, and brings the schema up to date.
func (n *node) openTables(ctx context.Context) (err error) {
	if n.config.clickhouse.Addr == "" {
		if n.tables, err = startTables(ctx, n.config, n.log); err != nil {
			return err
		}
		n.closers = append(n.closers, func() { _ = n.tables.Close() })
		n.config.clickhouse.Addr = n.tables.Addr()
	}
	n.config.clickhouse.Metrics = n.registry
	if n.store, err = clickhouse.Open(ctx, n.config.clickhouse, n.log); err != nil {
		return err
	}
	n.closers = append(n.closers, func() { _ = n.store.Close() })
	return n.store.Migrate(ctx)
}

// startTables starts the embedded ClickHouse of a data directory.
func startTables(ctx context.Context, c nodeConfig, log zerolog.Logger) (*embedded.ClickHouse, error) {
	return embedded.StartClickHouse(ctx, embedded.ClickHouseConfig{
		Dir: filepath.Join(c.dir, tablesFolder), Library: c.library, Listen: c.tablesAddr, MaxMemory: c.memory,
	}, log)
}

// openBook says in a new log by which rule book it is judged; one that has begun must be judged by it already.
func (n *node) openBook(ctx context.Context) error {
	if n.config.rules == "" {
		return nil
	}
	book, err := readBook(n.config.rules)
	if err != nil {
		return err
	}
	inForce, err := bookInForce(ctx, n.bus, n.store)
	if err != nil || inForce.Version() == book.Version() || inForce.At(math.MaxInt64).Version() == book.Version() {
		return err
	}
	head, err := n.bus.Head(ctx)
	if err != nil {
		return err
	}
	current, err := n.store.Current(ctx)
	if err != nil {
		return err
	}
	if head > 1 || current.Fold != "" { // beyond log.opened
		return misused("--rules %s is for a new directory, and %s is judged by rules %s already: parcours rules publish changes them from now on, "+
			"parcours rebuild --rules for all of history", n.config.rules, n.config.dir, inForce.At(math.MaxInt64).Version())
	}
	_, err = restate(ctx, n.bus, book)
	return err
}

// openKeys reads the keys, or makes them. It comes before the first rule book of a log, which is a message too: a log that has
// more than its opening and no key is refused.
func (n *node) openKeys(ctx context.Context) (err error) {
	if n.config.seed == nil {
		if err := service.KeepKey(ctx, n.bus, n.keyFile()); err != nil {
			return err
		}
	}
	if n.config.seed == nil && isFile(filepath.Join(n.config.dir, demoFile)) {
		n.log.Warn().Str("dir", n.config.dir).Msg("this directory is a demo's: its pseudonyms follow from a seed, and protect nobody; keep real customers out of it")
	}
	n.keys, err = n.secrets()
	return err
}

func (n *node) openDoor(ctx context.Context) (err error) {
	n.door, err = service.OpenDoor(ctx, n.config.door, n.keys, n.bus, n.info.Partitions, n.registry)
	return err
}

// secrets are the keys of the directory, made where they are missing; a demo's key follows from its seed, and is written
// down so that `up` can go on with a demo.
func (n *node) secrets() (service.Secrets, error) {
	operator, err := ingest.LoadOrCreateOperatorKey(filepath.Join(n.config.dir, operatorKeyFile))
	if err != nil {
		return service.Secrets{}, err
	}
	s := service.Secrets{Sealer: operator.Sealer()}
	if n.config.seed != nil {
		s.Key = ingest.KeyFromSeed(strconv.FormatUint(*n.config.seed, 10))
		return s, ingest.KeepKey(n.keyFile(), s.Key)
	}
	s.Key, err = ingest.LoadOrCreateKey(n.keyFile())
	return s, err
}

func (n *node) keyFile() string { return filepath.Join(n.config.dir, "pseudonym.key") }

// startLoop runs the aggregator until close, or until it fails.
func (n *node) startLoop(context.Context) (err error) {
	d := foldOf(n.bus, n.store, n.info, n.log)
	d.Metrics = aggregate.NewMetrics(n.registry)
	d.Alone = n.natsServer != nil
	if d.Scratch, err = scratchOf(n.config.dir); err != nil {
		return err
	}
	if n.loop, err = aggregate.New(n.config.aggregate, d); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.stopLoop = cancel
	go func() {
		defer close(n.ended)
		n.failure = n.loop.Run(ctx)
	}()
	n.closers = append(n.closers, func() { cancel(); <-n.ended })
	return nil
}

// foldOf is what a fold works with on a log and its tables.
func foldOf(bus *nats.Bus, store *clickhouse.Store, info nats.LogInfo, log zerolog.Logger) aggregate.Dependencies {
	return aggregate.Dependencies{
		Log: bus, Appender: bus, Store: store, Auditor: store, Analyst: store, Losses: store, Snapshots: store, Teller: bus, Rejecter: bus, Checkpoints: bus, Book: rules.Default(),
		Partitions: info.Partitions, Wall: info.Mode == nats.ModeWall, Now: time.Now, Logger: log,
	}
}

// scratchOf is where the process that holds a directory keeps its local copies, empty at its start.
func scratchOf(dir string) (string, error) {
	scratch := filepath.Join(dir, "scratch")
	if err := os.RemoveAll(scratch); err != nil {
		return "", err
	}
	return scratch, os.MkdirAll(scratch, 0o700)
}

// startRejected copies REJECTED into its table.
func (n *node) startRejected(context.Context) error {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := service.CopyRejected(ctx, n.bus, n.store); err != nil && ctx.Err() == nil {
			n.log.Error().Err(err).Msg("what was refused no longer reaches its table")
		}
	}()
	n.closers = append(n.closers, func() { cancel(); <-done })
	return nil
}

// close stops the parts in reverse.
func (n *node) close() {
	for i := len(n.closers) - 1; i >= 0; i-- {
		n.closers[i]()
	}
	n.closers = nil
}

// ready says why the node is not; nil when it is.
func (n *node) ready(ctx context.Context) error {
	return errors.Join(n.loop.Ready(), n.bus.Ready(ctx), n.store.Ping(ctx))
}

// finish makes the tables complete up to now, unless the loop fails meanwhile.
func (n *node) finish(ctx context.Context) error {
	return n.whileFolding(ctx, func(ctx context.Context) error { return complete(ctx, n.bus, n.store, n.info) })
}

// whileFolding waits for something that the loop brings about, and gives up when it ends.
func (n *node) whileFolding(ctx context.Context, wait func(context.Context) error) error {
	waiting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-n.ended:
			cancel(fmt.Errorf("the aggregator stopped: %w", n.failure))
		case <-waiting.Done():
		}
	}()
	err := wait(waiting)
	if cause := context.Cause(waiting); err != nil && cause != nil {
		return cause
	}
	return err
}

// complete waits until everything in the log is folded and in the tables. In log mode it then tells the log that time has
// come as far as its largest event time, so that what was due by then is found, and waits again; and until the days that are
// closed by then have been looked at, and the customers scored as of the last midnight before.
func complete(ctx context.Context, bus *nats.Bus, store *clickhouse.Store, info nats.LogInfo) error {
	if err := reachHead(ctx, bus, store); err != nil || info.Mode != nats.ModeLog {
		return err
	}
	largest, behind, err := clocks(ctx, store)
	if err != nil {
		return err
	}
	if behind {
		if out := bus.Append(ctx, []pipeline.Entry{aggregate.Tick(pipeline.All, largest)}); out[0].Err != nil {
			return fmt.Errorf("tell the log its time: %w", out[0].Err)
		}
		if err := reachHead(ctx, bus, store); err != nil {
			return err
		}
	}
	if err := daysClosed(ctx, store); err != nil {
		return err
	}
	if err := customersScored(ctx, bus, store); err != nil {
		return err
	}
	if err := associated(ctx, bus, store); err != nil {
		return err
	}
	return store.Snapshot(ctx)
}

const (
	// closedPoll is the first pause between two looks whether days are closed, and closedPause the longest: each costs the server
	// that closes them a query.
	closedPoll, closedPause = 50 * time.Millisecond, time.Second
	// closedWithin is how long the end of an import waits for days to be closed: their rows are in, and a defect in what looks
	// at them must not hold it.
	closedWithin = 3 * time.Minute
)

// errDaysOpen means that the tables are complete, and what is computed of days that are over is not there yet.
var errDaysOpen = errors.New("the rows are in, but the days that are over were not looked at for alerts: the process that folds says why in its log, " +
	"and tries again; parcours sql \"SELECT max(day) FROM cx.closed_days_v\" says how far it is")

// daysClosed waits until the log has been told of every day that all partitions have closed, and the tables say so.
func daysClosed(ctx context.Context, store *clickhouse.Store) error {
	until, any, err := closable(ctx, store)
	if err != nil || !any {
		return err
	}
	late := time.NewTimer(closedWithin)
	defer late.Stop()
	for pause := closedPoll; ; pause = min(2*pause, closedPause) {
		if left, err := daysLeft(ctx, store, until); err != nil || !left {
			return err
		}
		select {
		case <-time.After(pause):
		case <-late.C:
			return errDaysOpen
		case <-ctx.Done():
			return fmt.Errorf("wait for the days to be closed: %w", context.Cause(ctx))
		}
	}
}

// closable is the last day that all partitions which have seen anything have closed; false for none.
func closable(ctx context.Context, store *clickhouse.Store) (until alert.Date, any bool, err error) {
	settled, any, err := store.Settled(ctx)
	until = alert.DateOf(settled) - 1
	return until, any && until >= firstDay, err
}

// firstDay is the first that a table can name: 1900-01-01.
const firstDay = alert.Date(-25_567)

// daysLeft says whether the log has not been told yet that a day is closed.
func daysLeft(ctx context.Context, store *clickhouse.Store, until alert.Date) (left bool, err error) {
	row := store.Conn().QueryRow(ctx, "SELECT CAST(count() = 0, 'Bool') FROM "+store.Database()+".closed_days_v WHERE toInt32(day) >= $1", int32(until))
	if err := row.Scan(&left); err != nil {
		return false, fmt.Errorf("see which days are closed: %w", err)
	}
	return left, nil
}

// associated estimates the losses that go with breakpoints, where that is due and the process that folds has not come to it.
func associated(ctx context.Context, bus *nats.Bus, store *clickhouse.Store) error {
	book, err := bookInForce(ctx, bus, store)
	if err != nil {
		return err
	}
	settled, found, err := store.Settled(ctx)
	if err != nil || !found {
		return err
	}
	_, err = aggregate.Associate(ctx, store, book, settled)
	return err
}

func reachHead(ctx context.Context, bus *nats.Bus, store *clickhouse.Store) error {
	head, err := bus.Head(ctx)
	if err != nil {
		return err
	}
	return store.WaitFrontier(ctx, head)
}

// clocks gives the largest event time, and whether a partition's clock is behind it.
func clocks(ctx context.Context, store *clickhouse.Store) (largest event.Instant, behind bool, err error) {
	var count uint64
	var last, least time.Time
	db := store.Database()
	row := store.Conn().QueryRow(ctx, "SELECT count(), max(time), (SELECT min(clock) FROM "+db+".frontier_v) FROM "+db+".events_v")
	if err := row.Scan(&count, &last, &least); err != nil {
		return 0, false, fmt.Errorf("read the clocks: %w", err)
	}
	return event.InstantOf(last), count > 0 && least.Before(last), nil
}

// natsFolder is where a data directory holds its log.
const natsFolder = "nats"

// isFile says whether a file is there.
func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// exists says whether a data directory is there.
func exists(dir string) bool {
	info, err := os.Stat(dir)
	return err == nil && info.IsDir()
}
