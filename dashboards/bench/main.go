// Command bench says how long every panel of every dashboard takes on tables of ten million events and a million journeys: make
// bench-dashboards. It fills a data directory once: a made-up company through the whole pipeline, then, in SQL, as many companies like it
// as it takes, each with customers, journeys and cases of its own. The pipeline is not what is measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"parcours/pipeline/clickhouse"
	"parcours/pipeline/embedded"
)

// options are what is asked for.
type options struct {
	dir       string        // data directory of the company, imported
	copies    int           // companies in all
	rounds    int           // times that each query is asked, after once to warm up
	limit     time.Duration // what p95 of each may take
	language  string        // of the dashboards
	dashboard string        // only this one; empty: all
	csv       string        // file for the table as CSV; empty: none
	fresh     bool          // copies of views are taken anew
	fillOnly  bool          // stop before anything is measured
}

func main() {
	embedded.RunChild()
	var o options
	flag.StringVar(&o.dir, "data", "", "data directory of the company, imported")
	flag.IntVar(&o.copies, "copies", 8, "companies in all")
	flag.IntVar(&o.rounds, "rounds", 20, "times that each query is asked")
	flag.DurationVar(&o.limit, "limit", 300*time.Millisecond, "what p95 of each query may take")
	flag.StringVar(&o.language, "lang", "en", "language of the dashboards")
	flag.StringVar(&o.dashboard, "dashboard", "", "only this one")
	flag.StringVar(&o.csv, "csv", "", "write the table to this file too, as CSV")
	flag.BoolVar(&o.fresh, "fresh", true, "take copies of views anew before measuring")
	flag.BoolVar(&o.fillOnly, "fill-only", false, "stop when the tables are filled")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.dir == "" {
		return errors.New("--data: expected a directory that parcours import filled")
	}
	lock, err := embedded.LockDirectory(o.dir)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Release() }()
	log := zerolog.New(os.Stderr).Level(zerolog.WarnLevel)
	server, err := embedded.StartClickHouse(ctx, embedded.ClickHouseConfig{Dir: filepath.Join(o.dir, "clickhouse"), Listen: "127.0.0.1:0", MaxMemory: 8 << 30}, log)
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()
	store, err := clickhouse.Open(ctx, clickhouse.Config{Addr: server.Addr()}, log)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	b := bench{options: o, ctx: ctx, store: store, pid: server.PID()}
	return b.run()
}

// bench works on one store.
type bench struct {
	options
	ctx   context.Context
	store *clickhouse.Store
	pid   int // of the server
}

func (b *bench) run() error {
	if err := b.store.Migrate(b.ctx); err != nil {
		return err
	}
	if err := b.fill(); err != nil {
		return err
	}
	if err := b.hear(); err != nil {
		return err
	}
	if err := b.merge(); err != nil || b.fillOnly {
		return err
	}
	if b.fresh {
		if err := b.store.Snapshot(b.ctx); err != nil {
			return err
		}
	}
	if err := b.settle(); err != nil {
		return err
	}
	return b.measure()
}

// rows gives the rows of a query in the store's database, as a reader gets them: each column as a text.
func (b *bench) rows(sql string) ([][]string, error) {
	var out strings.Builder
	if err := b.store.Query(b.ctx, sql, "TSVRaw", &out, true, nil); err != nil {
		return nil, err
	}
	var rows [][]string
	for line := range strings.Lines(out.String()) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return rows, nil
}

// settle waits until the server merges nothing, as on the morning after a day closed; no longer than some minutes.
func (b *bench) settle() error {
	for range 300 {
		merging, err := b.rows("SELECT count() FROM system.merges")
		if err != nil || merging[0][0] == "0" {
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-b.ctx.Done():
			return context.Cause(b.ctx)
		}
	}
	return nil
}
