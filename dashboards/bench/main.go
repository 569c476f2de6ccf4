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
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/rs/zerolog"

	"parcours/pipeline/clickhouse"
	"parcours/pipeline/embedded"
)

func main() {
	embedded.RunChild()
	dir := flag.String("data", "", "data directory of the company, imported")
	copies := flag.Int("copies", 8, "companies in all")
	rounds := flag.Int("rounds", 20, "times that each panel is asked")
	name := flag.String("dashboard", "", "only this one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *dir, *copies, *rounds, *name); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string, copies, rounds int, name string) error {
	if dir == "" {
		return errors.New("--data: expected a directory that parcours import filled")
	}
	lock, err := embedded.LockDirectory(dir)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Release() }()
	log := zerolog.New(os.Stderr).Level(zerolog.WarnLevel)
	server, err := embedded.StartClickHouse(ctx, embedded.ClickHouseConfig{Dir: filepath.Join(dir, "clickhouse"), Listen: "127.0.0.1:0", MaxMemory: 8 << 30}, log)
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()
	store, err := clickhouse.Open(ctx, clickhouse.Config{Addr: server.Addr()}, log)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	b := bench{ctx: ctx, store: store, mark: filepath.Join(dir, "bench-copies")}
	if err := b.fill(copies); err != nil {
		return err
	}
	return b.measure(rounds, name)
}

// bench works on one store.
type bench struct {
	ctx   context.Context
	store *clickhouse.Store
	mark  string // file with the number of companies there are
}

// query gives the rows of a statement, each column as a text; {db} is the database.
func (b *bench) query(sql string) (rows [][]string, err error) {
	found, err := b.store.Conn().Query(b.ctx, strings.ReplaceAll(sql, "{db}", b.store.Database()))
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }()
	for found.Next() {
		row := make([]string, len(found.Columns()))
		to := make([]any, len(row))
		for i := range row {
			to[i] = &row[i]
		}
		if err := found.Scan(to...); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, found.Err()
}

// multiplied are the tables that hold something of customers, with the columns that name them, their journeys and what happened to them.
var multiplied = []string{"events", "journeys", "journey_steps", "breakpoints", "churn_signals", "churn_scores"}

// names of a customer, a journey, an event: each company has its own.
var names = []string{
	"customer_id", "journey_id", "case_id", "contact_id", "id", "event_id", "origin_event", "breakpoint_id", "signal_id", "promise",
}

// fill makes as many companies as are asked for out of the first; where it was interrupted, it begins again with the missing ones, since
// the same rows again are the same rows.
func (b *bench) fill(copies int) error {
	done := 1
	if text, err := os.ReadFile(b.mark); err == nil {
		if _, err := fmt.Sscan(string(text), &done); err != nil {
			return fmt.Errorf("%s: %w", b.mark, err)
		}
	}
	for k := done; k < copies; k++ {
		for _, of := range multiplied {
			if err := b.copy(of, k); err != nil {
				return fmt.Errorf("copy %s: %w", of, err)
			}
		}
		fmt.Fprintf(os.Stderr, "bench: company %d of %d\n", k+1, copies)
		if err := os.WriteFile(b.mark, []byte(fmt.Sprint(k+1)), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) copy(of string, k int) error {
	columns, err := b.query("SELECT name, type FROM system.columns WHERE database = '{db}' AND table = '" + of + "' ORDER BY position")
	if err != nil {
		return err
	}
	var replace []string
	mine := "NOT match("
	for _, c := range columns {
		if slices.Contains(names, c[0]) {
			replace = append(replace, fmt.Sprintf("if(%[1]s = '', '', concat(%[1]s, '~%[2]d')) AS %[1]s", c[0], k))
		}
	}
	key := map[string]string{"events": "id", "journeys": "journey_id", "journey_steps": "journey_id", "breakpoints": "breakpoint_id", "churn_signals": "signal_id", "churn_scores": "customer_id"}[of]
	return b.store.Conn().Exec(b.ctx, strings.ReplaceAll(fmt.Sprintf("INSERT INTO {db}.%[1]s SELECT * REPLACE (%[2]s) FROM {db}.%[1]s FINAL WHERE %[3]s%[4]s, '~[0-9]+$') SETTINGS insert_deduplicate = 0, max_insert_threads = 2",
		of, strings.Join(replace, ", "), mine, key), "{db}", b.store.Database()))
}

// measured is one query of one panel.
type measured struct {
	dashboard, panel, sql string
	times                 []time.Duration
	rows                  int
	err                   error
}

// at is the time below which a share of the rounds lie.
func (m *measured) at(share float64) time.Duration {
	if len(m.times) == 0 {
		return 0
	}
	return m.times[min(int(share*float64(len(m.times))), len(m.times)-1)]
}

func (b *bench) measure(rounds int, name string) error {
	size, err := b.query("SELECT toString(count()), (SELECT toString(count()) FROM {db}.journeys_v) FROM {db}.events_v")
	if err != nil {
		return err
	}
	fmt.Printf("%s events, %s journeys, %d rounds\n", size[0][0], size[0][1], rounds)
	list, err := b.panels(name)
	if err != nil {
		return err
	}
	for i := range list {
		b.ask(&list[i], rounds)
	}
	slices.SortStableFunc(list, func(a, b measured) int { return int(b.at(0.95) - a.at(0.95)) })
	t := table.NewWriter()
	t.AppendHeader(table.Row{"dashboard", "panel", "rows", "p50 ms", "p95 ms", "error"})
	for i := range list {
		m := &list[i]
		said := ""
		if m.err != nil {
			said = m.err.Error()
		}
		t.AppendRow(table.Row{m.dashboard, m.panel, m.rows, m.at(0.5).Milliseconds(), m.at(0.95).Milliseconds(), said})
	}
	fmt.Println(t.Render())
	return nil
}

// ask runs a query, once to warm up and then in rounds; one that takes over three seconds, once.
func (b *bench) ask(m *measured, rounds int) {
	for i := range rounds + 1 {
		begun := time.Now()
		rows, err := b.count(m.sql)
		took := time.Since(begun)
		if m.rows, m.err = rows, err; err != nil {
			return
		}
		if i > 0 || took > 3*time.Second {
			m.times = append(m.times, took)
		}
		if took > 3*time.Second {
			return
		}
	}
	slices.Sort(m.times)
}

// count reads all rows of a query.
func (b *bench) count(sql string) (n int, err error) {
	rows, err := b.store.Conn().Query(b.ctx, sql)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		n++
	}
	return n, rows.Err()
}
