package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/nats"
)

// RebuildCommand folds the log anew.
type RebuildCommand struct {
	DirectoryFlags
	AdmitLate bool `help:"Take all events that are in the log now in the order of their time, so that none of them is late any more." env:"-"`
	LostLog   bool `name:"accept-lost-log" help:"Go on though the log ends before what the tables know: what it no longer holds is gone from them afterwards." env:"-"`
	JSON      bool `name:"json" help:"Print one JSON object as the last line of standard output."`
}

// Help is shown by --help.
func (*RebuildCommand) Help() string {
	return `A new generation of all tables is folded from the log, beside the one that people read. When it has come as far, one insert lets
everybody see it; who follows JOURNEYS is told the difference. The generation before it is kept until the next rebuild. Rows
of cx.events that the log does not have are removed, those that are missing come back. Interrupted, it leaves nothing behind.

  parcours rebuild --data DIR
  parcours rebuild --data DIR --admit-late`
}

// rebuilt is what a rebuild has done.
type rebuilt struct {
	Generation uint32  `json:"generation"`
	Admitted   uint64  `json:"admitted"` // position up to which late events were admitted
	Seconds    float64 `json:"seconds"`
}

// Run rebuilds, and waits until everybody sees it.
func (c *RebuildCommand) Run(common *service.Common, s *streams) error {
	ctx, stop := service.Interruptible()
	defer stop()
	log := common.Logger(zerolog.WarnLevel)
	began := time.Now()
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
	if err := c.wholeLog(ctx, d, store); err != nil {
		return err
	}
	scratch, err := d.scratch()
	if err != nil {
		return err
	}
	bar := newProgress(s.err, "rebuild", "messages")
	g, err := rebuild(ctx, d.bus, store, scratch, d.held == nil, aggregate.RebuildOptions{Admit: c.AdmitLate, Progress: func(at, head uint64) { bar.at(int(at), int(head)) }}, log)
	bar.done()
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted; nothing of the rebuild is left, and what people read is as it was")
		}
		return err
	}
	if err := d.adopted(ctx, store, g); err != nil {
		return err
	}
	r := rebuilt{g.Number, g.Admitted, time.Since(began).Seconds()}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(r)
	}
	fmt.Fprintf(s.out, "Generation %d is in force (%.1f s). The one before it is kept until the next rebuild.\n", r.Generation, r.Seconds)
	return nil
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
