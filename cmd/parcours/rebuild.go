package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/nats"
	"parcours/pipeline/rules"
)

// RebuildCommand folds the log anew.
type RebuildCommand struct {
	DirectoryFlags
	AdmitLate bool   `help:"Take all events that are in the log now in the order of their time, so that none of them is late any more." env:"-"`
	Rules     string `help:"Judge all of history by this rule book, whatever was published before." type:"existingfile" placeholder:"FILE" env:"-"`
	Into      string `help:"With --rules: fold into this database, beside everything, as a what-if that nothing else sees; one that is there already is replaced." placeholder:"DATABASE" env:"-"`
	LostLog   bool   `name:"accept-lost-log" help:"Go on though the log ends before what the tables know: what it no longer holds is gone from them afterwards." env:"-"`
	JSON      bool   `name:"json" help:"Print one JSON object as the last line of standard output."`
}

// Help is shown by --help.
func (*RebuildCommand) Help() string {
	return `A new generation of all tables is folded from the log, beside the one that people read. When it has come as far, one insert lets
everybody see it; who follows JOURNEYS is told the difference. The generation before it is kept until the next rebuild. Rows
of cx.events that the log does not have are removed, those that are missing come back. Interrupted, it leaves nothing behind.

  parcours rebuild --data DIR
With --rules the book goes into the log, and the new generation begins with it; what is published later follows it. With --into the
log and the figures that people read stay as they are, and "parcours rules compare" says what the book would change.

  parcours rebuild --data DIR --admit-late
  parcours rebuild --data DIR --rules rules.yaml
  parcours rebuild --data DIR --rules rules.yaml --into cx_whatif`
}

// rebuilt is what a rebuild has done.
type rebuilt struct {
	Generation uint32  `json:"generation"`
	Admitted   uint64  `json:"admitted"` // position up to which late events were admitted
	Seconds    float64 `json:"seconds"`
	Rules      string  `json:"rules"`              // version of the rule book it begins with, and the position that says so
	Database   string  `json:"database,omitempty"` // of a what-if
}

// Run rebuilds, and waits until everybody sees it.
func (c *RebuildCommand) Run(common *service.Common, s *streams) error {
	ctx, stop := service.Interruptible()
	defer stop()
	log := common.Logger(zerolog.WarnLevel)
	began := time.Now()
	book, err := c.book()
	if err != nil {
		return err
	}
	d, err := openDirectory(c.DirectoryFlags, log)
	if err != nil {
		return err
	}
	defer d.close()
	store, err := d.tables(ctx)
	if err != nil {
		return err
	}
	if d.held == nil {
		if err := store.Migrate(ctx); err != nil {
			return err
		}
	}
	if c.Into != "" {
		r, err := c.whatIf(ctx, d, store, book, s.err)
		if err == nil {
			r.Seconds = time.Since(began).Seconds()
			err = c.printWhatIf(r, s.out)
		}
		return err
	}
	if err := c.wholeLog(ctx, d, store); err != nil {
		return err
	}
	restated, err := restate(ctx, d.bus, book)
	if err != nil {
		return err
	}
	scratch, err := d.scratch()
	if err != nil {
		return err
	}
	bar := newProgress(s.err, "rebuild", "messages")
	g, err := rebuild(ctx, d.bus, store, scratch, d.held == nil, aggregate.RebuildOptions{Admit: c.AdmitLate, Restated: restated, Progress: func(at, head uint64) { bar.at(int(at), int(head)) }}, log)
	bar.done()
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted; nothing of the rebuild is left but the rule book in the log, if it had one, which nobody reads; what people read is as it was")
		}
		return err
	}
	taking := newWait(s.err, fmt.Sprintf("taking over generation %d", g.Number), "messages folded", folding(ctx, d.bus, store))
	err = d.adopted(ctx, store, g)
	taking.done()
	if err == nil {
		err = store.Snapshot(ctx)
	}
	if err != nil {
		return err
	}
	r := rebuilt{Generation: g.Number, Admitted: g.Admitted, Seconds: time.Since(began).Seconds(), Rules: g.Rules}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(r)
	}
	fmt.Fprintf(s.out, "Generation %d is in force (%.1f s). The one before it is kept until the next rebuild.\n", r.Generation, r.Seconds)
	return nil
}

// book reads --rules; nil for none.
func (c *RebuildCommand) book() (*rules.Book, error) {
	switch {
	case c.Into != "" && c.Rules == "":
		return nil, misused("--into %s: with which rules? (--rules FILE)", c.Into)
	case c.Into != "" && c.AdmitLate:
		return nil, misused("--into folds what the figures in force are made of: --admit-late without it first")
	case c.Rules == "":
		return nil, nil
	}
	return readBook(c.Rules)
}

// restate says in the log that history is judged by a book, in generations that begin with it; 0 for no book.
func restate(ctx context.Context, bus *nats.Bus, book *rules.Book) (position uint64, err error) {
	if book == nil {
		return 0, nil
	}
	publication := rules.Restate(book)
	return publish(ctx, bus, &publication)
}

// whatIf folds the log with another book into a database of its own. Interrupted, it takes it away again.
func (c *RebuildCommand) whatIf(ctx context.Context, d *directory, store *clickhouse.Store, book *rules.Book, progressTo io.Writer) (*rebuilt, error) {
	if c.Into == store.Database() {
		return nil, misused("--into %s: this is what people read; choose another name", c.Into)
	}
	current, err := store.Current(ctx)
	if err != nil {
		return nil, err
	}
	remark, err := remarkOf(book)
	if err != nil {
		return nil, err
	}
	beside, err := store.WhatIf(ctx, c.Into, remark)
	if err != nil {
		return nil, err
	}
	defer beside.Close()
	g, err := d.foldBeside(ctx, beside, aggregate.WhatIfOptions{Book: book, Admitted: current.Admitted}, progressTo)
	if err != nil {
		away, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropWithin)
		defer cancel()
		return nil, errors.Join(err, store.DropWhatIf(away, c.Into))
	}
	return &rebuilt{Generation: g.Number, Admitted: g.Admitted, Rules: g.Rules, Database: c.Into}, nil
}

// dropWithin is how long an interrupted what-if cleans up after itself; what is left then is replaced by the next.
const dropWithin = 30 * time.Second

func (d *directory) foldBeside(ctx context.Context, beside *clickhouse.Store, o aggregate.WhatIfOptions, progressTo io.Writer) (pipeline.Generation, error) {
	info, err := d.bus.Info(ctx)
	if err != nil {
		return pipeline.Generation{}, err
	}
	deps := foldOf(d.bus, beside, info, d.log)
	if deps.Scratch, err = d.scratch(); err != nil {
		return pipeline.Generation{}, err
	}
	bar := newProgress(progressTo, "what if", "messages")
	defer bar.done()
	o.Progress = func(at, head uint64) { bar.at(int(at), int(head)) }
	return aggregate.WhatIf(ctx, aggregate.Default(), deps, o)
}

func (c *RebuildCommand) printWhatIf(r *rebuilt, out io.Writer) error {
	if c.JSON {
		return json.NewEncoder(out).Encode(r)
	}
	_, err := fmt.Fprintf(out, "Database %s holds what rules %s would have found (%.1f s).\n  parcours rules compare cx %s --data %s\n", r.Database, r.Rules, r.Seconds, r.Database, c.Data)
	return err
}

// wholeLog refuses a log that ends before what the tables know, unless that is accepted: the tables may be the only copy of
// what it has lost.
func (c *RebuildCommand) wholeLog(ctx context.Context, d *directory, store *clickhouse.Store) error {
	head, err := d.bus.Head(ctx)
	if err != nil || c.LostLog {
		return err
	}
	current, err := store.Current(ctx)
	if err != nil {
		return err
	}
	frontier, err := store.Frontier(ctx, current.Number)
	for _, at := range frontier {
		if at.Position > head {
			return fmt.Errorf("the log ends at position %d, and the tables know it up to %d: what it has lost would go from the tables too. "+
				"Restore the log; where that cannot be, --accept-lost-log", head, at.Position)
		}
	}
	return err
}

// rebuild folds the log into a new generation.
func rebuild(ctx context.Context, bus *nats.Bus, store *clickhouse.Store, scratch string, alone bool, o aggregate.RebuildOptions, log zerolog.Logger) (pipeline.Generation, error) {
	info, err := bus.Info(ctx)
	if err != nil {
		return pipeline.Generation{}, err
	}
	deps := foldOf(bus, store, info, log)
	deps.Scratch, deps.Alone = scratch, alone
	return aggregate.Rebuild(ctx, aggregate.Default(), deps, o)
}

// adopted waits until whoever holds the directory has taken over a generation; where nobody does, it does so itself.
func (d *directory) adopted(ctx context.Context, store *clickhouse.Store, g pipeline.Generation) error {
	if d.held != nil {
		return inForce(ctx, d.bus, store, g)
	}
	info, err := d.bus.Info(ctx)
	if err != nil {
		return err
	}
	deps := foldOf(d.bus, store, info, d.log)
	deps.Alone = true
	deps.Appender = nil // no ticks: nothing is said to the log
	deps.Metrics = aggregate.NewMetrics(prometheus.NewRegistry())
	if deps.Scratch, err = d.scratch(); err != nil {
		return err
	}
	loop, err := aggregate.New(aggregate.Default(), deps)
	if err != nil {
		return err
	}
	running, cancel := context.WithCancelCause(ctx)
	ended := make(chan error, 1)
	go func() {
		err := loop.Run(running)
		cancel(err)
		ended <- err
	}()
	err = inForce(running, d.bus, store, g)
	cancel(nil)
	if failed := <-ended; failed != nil {
		return failed
	}
	return err
}

const inForcePoll = 50 * time.Millisecond

// inForce returns when views read a generation.
func inForce(ctx context.Context, bus *nats.Bus, store *clickhouse.Store, g pipeline.Generation) error {
	poll := time.NewTicker(inForcePoll)
	defer poll.Stop()
	for {
		done, err := aggregate.InForce(ctx, &aggregate.Dependencies{Store: store, Checkpoints: bus}, g)
		if err != nil || done {
			return err
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("generation %d is ready, and whoever runs the aggregator takes it over: %w", g.Number, context.Cause(ctx))
		}
	}
}
