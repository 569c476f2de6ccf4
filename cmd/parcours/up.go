package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/embedded"
	"parcours/pipeline/ingest"
	"parcours/pipeline/nats"
)

// DirectoryFlags say where the data is and which ClickHouse library serves it.
type DirectoryFlags struct {
	Data    string `help:"Data directory; one process at a time owns it." type:"path" default:"data" placeholder:"DIR"`
	Library string `name:"libchdb" help:"Path of libchdb.so; else PARCOURS_LIBCHDB, else the user cache directory." placeholder:"FILE" env:"-"`
	Memory  uint64 `name:"clickhouse-memory" help:"Most bytes the embedded ClickHouse may use." default:"2147483648"`
}

// ListenFlags say where to serve; port 0 picks a free one.
type ListenFlags struct {
	Listen           string `help:"Address of the HTTP door and of the page." default:"127.0.0.1:8080"`
	NATSListen       string `name:"nats-listen" help:"Address of the embedded NATS." default:"127.0.0.1:4222"`
	ClickHouseListen string `name:"clickhouse-listen" help:"Address of the embedded ClickHouse (HTTP); it has no password." default:"127.0.0.1:8123"`
}

// UpCommand runs everything in one process.
type UpCommand struct {
	DirectoryFlags
	ListenFlags
	Rules string `help:"Rule book of a new directory, in force from the beginning." type:"existingfile" placeholder:"FILE" env:"-"`
	Clock string `help:"Clock mode of a new log: wall (ticks follow real time) or log (time moves only with events)." enum:"wall,log" default:"wall"`

	NATS       service.NATSFlags       `embed:"" group:"Log (NATS JetStream)"`
	ClickHouse service.ClickHouseFlags `embed:"" group:"Tables (ClickHouse)"`
	Door       service.DoorFlags       `embed:"" group:"Door"`
	Aggregator aggregate.Config        `embed:"" group:"Aggregator"`
}

// config of the node.
func (c *UpCommand) config(command string) (nodeConfig, error) {
	door, err := c.Door.Config()
	if err != nil {
		return nodeConfig{}, coded{err, service.Misused}
	}
	tables, err := c.ClickHouse.Config(nil)
	return nodeConfig{
		dir: c.Data, command: command, mode: c.Clock, nats: c.NATS.Config(), clickhouse: tables, door: door,
		aggregate: c.Aggregator, natsAddr: c.NATSListen, tablesAddr: c.ClickHouseListen, library: c.Library, memory: c.Memory,
		rules: c.Rules,
	}, err
}

// Run serves until SIGINT or SIGTERM.
func (c *UpCommand) Run(common *service.Common, s *streams) error {
	ctx, stop := service.Interruptible()
	defer stop()
	config, err := c.config("up")
	if err != nil {
		return err
	}
	if len(config.door.Keys) == 0 && !service.Loopback(c.Listen) {
		return misused("--listen %s can be reached from other machines: give --api-keys, or listen on 127.0.0.1", c.Listen)
	}
	log := common.Logger(zerolog.InfoLevel)
	n, err := startNode(ctx, config, log)
	if err != nil {
		return stopped(ctx, err)
	}
	defer n.close()
	return n.serve(ctx, c.Listen, s.out)
}

// stopped: an interrupt while starting is no failure.
func stopped(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return nil
	default:
		return err
	}
}

// serve opens the door and the page, says where, and waits for the end.
func (n *node) serve(ctx context.Context, listen string, out io.Writer) error {
	server, err := n.open(listen)
	if err != nil {
		return err
	}
	defer server.Close()
	n.greet(out, server)
	select {
	case <-ctx.Done():
		n.log.Info().Msg("stopping")
		return nil
	case <-n.ended:
		if n.failure != nil {
			return fmt.Errorf("the aggregator stopped: %w", n.failure)
		}
		return nil
	}
}

// open serves the door, the page, health and metrics, and tells other processes where.
func (n *node) open(listen string) (*service.Server, error) {
	door, err := ingest.NewHandler(n.config.door, n.door, n.log)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/v1/events", door)
	service.Admin(mux, n.registry, n.ready)
	page := &page{node: n}
	mux.Handle("GET /status", page)
	mux.Handle("GET /{$}", newBriefPage(n.each, page, n.log))
	server, err := service.Serve(listen, mux, n.log)
	if err != nil {
		return nil, err
	}
	page.url = server.URL()
	return server, n.lock.Publish(embedded.Addresses{
		PID: os.Getpid(), NATS: n.natsURL(), ClickHouse: n.config.clickhouse.Addr, Ingest: server.URL(), Command: n.config.command,
	})
}

func (n *node) natsURL() string {
	if n.natsServer != nil {
		return n.natsServer.URL()
	}
	return n.config.nats.URL
}

// greet says where everything is and what to try.
func (n *node) greet(out io.Writer, server *service.Server) {
	fmt.Fprintf(out, `Parcours is up on %s (%s clock, %d partitions).

  page        %s/
  ingest      %s/v1/events
  NATS        %s   (journeys: cx.journeys.>)
  ClickHouse  http://%s   (database %s)
%s
`, n.config.dir, n.info.Mode, n.info.Partitions, server.URL(), server.URL(), n.natsURL(), n.config.clickhouse.Addr,
		n.store.Database(), n.remarks())
}

// remarks are what an operator should know before being surprised.
func (n *node) remarks() string {
	text := ""
	if len(n.config.door.Keys) == 0 {
		text += "\nNo API key is configured: whoever reaches the ingest address may send events (--api-keys FILE changes that).\n"
	}
	if n.natsServer != nil && !service.Loopback(n.config.natsAddr) || n.tables != nil && !service.Loopback(n.config.tablesAddr) {
		text += "\nNATS or ClickHouse can be reached from other machines, and neither has a password: put a firewall before them.\n"
	}
	if n.info.Mode == nats.ModeLog {
		text += "\nThis log runs on its own clock: time moves only with events, and what is due by real time does not fire.\n"
	}
	if n.info.Mode != n.config.mode || n.info.Partitions != n.config.nats.Partitions {
		text += fmt.Sprintf("\nThe log was made with the %s clock and %d partitions, and keeps them.\n", n.info.Mode, n.info.Partitions)
	}
	if n.natsServer != nil {
		text += "\nA kill of this process loses nothing that was acknowledged; a power cut may lose the last second.\n"
	}
	return text
}
