// Command aggregator folds the log into journeys and breakpoints, and writes them to ClickHouse and to JOURNEYS.
package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/nats"
	"parcours/pipeline/rules"
)

// CLI is the command line.
type CLI struct {
	service.Common
	Listen     string                  `help:"Address of health and metrics; port 0 picks a free one." default:"127.0.0.1:8081"`
	Clock      string                  `help:"Clock mode of a new log." enum:"wall,log" default:"wall"`
	Scratch    string                  `help:"Folder for local copies of what has left memory; the system's where not given." type:"path" placeholder:"DIR"`
	NATS       service.NATSFlags       `embed:"" group:"Log (NATS JetStream)"`
	ClickHouse service.ClickHouseFlags `embed:"" group:"Tables (ClickHouse)"`
	Aggregator aggregate.Config        `embed:"" group:"Aggregator"`
}

func main() {
	var cli CLI
	os.Exit(service.Main(&cli, "aggregator", "Folds the log into journeys and breakpoints.", os.Args[1:], os.Stdout, os.Stderr))
}

// Validate names what is missing.
func (c *CLI) Validate() error {
	if c.NATS.NATS == "" {
		return errors.New("--nats URL: needed, there is no embedded log here (parcours up has one)")
	}
	return nil
}

// Serve folds until SIGINT or SIGTERM, or until something cannot be mended by waiting.
func (c *CLI) Serve() error {
	ctx, stop := service.Interruptible()
	defer stop()
	log := c.Logger(zerolog.InfoLevel)
	registry := service.NewRegistry()
	bus, err := nats.Connect(c.NATS.Config(), log, registry)
	if err != nil {
		return err
	}
	defer bus.Close()
	info, err := bus.Provision(ctx, c.Clock)
	if err != nil {
		return err
	}
	config, err := c.ClickHouse.Config(registry)
	if err != nil {
		return err
	}
	store, err := clickhouse.Open(ctx, config, log)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	loop, err := aggregate.New(c.Aggregator, aggregate.Dependencies{
		Log: bus, Appender: bus, Store: store, Auditor: store, Analyst: store, Losses: store, Snapshots: store, Teller: bus, Rejecter: bus, Checkpoints: bus, Book: rules.Default(),
		Partitions: info.Partitions, Wall: info.Mode == nats.ModeWall, Now: time.Now, Scratch: c.Scratch, Logger: log,
		Metrics: aggregate.NewMetrics(registry),
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	service.Admin(mux, registry, func(ctx context.Context) error {
		return errors.Join(loop.Ready(), bus.Ready(ctx), store.Ping(ctx))
	})
	server, err := service.Serve(c.Listen, mux, log)
	if err != nil {
		return err
	}
	defer server.Close()
	return c.fold(ctx, loop, bus, store, log)
}

// fold runs the loop, and beside it the copy of REJECTED into its table.
func (c *CLI) fold(ctx context.Context, loop *aggregate.Aggregator, bus *nats.Bus, store *clickhouse.Store, log zerolog.Logger) error {
	copying, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := service.CopyRejected(copying, bus, store); err != nil && copying.Err() == nil {
			log.Error().Err(err).Msg("what was refused no longer reaches its table")
		}
	}()
	err := loop.Run(ctx)
	cancel()
	<-done
	return err
}
