// Command ingest takes channel events in by HTTP and stores them in the log.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline/ingest"
	"parcours/pipeline/nats"
)

// CLI is the command line.
type CLI struct {
	service.Common
	Listen      string            `help:"Address of the HTTP door; port 0 picks a free one." default:"127.0.0.1:8080"`
	KeyFile     string            `name:"pseudonym-key-file" help:"Key of the pseudonyms (64 hexadecimal digits); made if it does not exist." default:"pseudonym.key" type:"path" placeholder:"FILE"`
	OperatorKey string            `name:"operator-public-key" help:"Public key with which refused events are sealed (64 hexadecimal digits)." required:"" placeholder:"HEX"`
	Clock       string            `help:"Clock mode of a new log." enum:"wall,log" default:"wall"`
	NATS        service.NATSFlags `embed:"" group:"Log (NATS JetStream)"`
	Door        service.DoorFlags `embed:"" group:"Door"`
}

func main() {
	var cli CLI
	os.Exit(service.Main(&cli, "ingest", "Takes channel events in by HTTP (CloudEvents) and stores them in the log.", os.Args[1:], os.Stdout, os.Stderr))
}

// Validate names what is missing.
func (c *CLI) Validate() error {
	if c.NATS.NATS == "" {
		return errors.New("--nats URL: needed, there is no embedded log here (parcours up has one)")
	}
	return nil
}

// Serve takes events in until SIGINT or SIGTERM.
func (c *CLI) Serve() error {
	ctx, stop := service.Interruptible()
	defer stop()
	log := c.Logger(zerolog.InfoLevel)
	registry := service.NewRegistry()
	config, err := c.Door.Config()
	if err != nil {
		return err
	}
	if len(config.Keys) == 0 && !service.Loopback(c.Listen) {
		return fmt.Errorf("--listen %s can be reached from other machines: give --api-keys, or listen on 127.0.0.1", c.Listen)
	}
	bus, err := nats.Connect(c.NATS.Config(), log, registry)
	if err != nil {
		return err
	}
	defer bus.Close()
	info, err := bus.Provision(ctx, c.Clock)
	if err != nil {
		return err
	}
	if err := service.KeepKey(ctx, bus, c.KeyFile); err != nil {
		return err
	}
	secrets, err := c.secrets()
	if err != nil {
		return err
	}
	door, err := service.OpenDoor(ctx, config, secrets, bus, info.Partitions, registry)
	if err != nil {
		return err
	}
	handler, err := ingest.NewHandler(config, door, log)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/v1/events", handler)
	service.Admin(mux, registry, bus.Ready)
	return c.listen(ctx, mux, len(config.Keys), log)
}

func (c *CLI) listen(ctx context.Context, mux http.Handler, keys int, log zerolog.Logger) error {
	server, err := service.Serve(c.Listen, mux, log)
	if err != nil {
		return err
	}
	defer server.Close()
	if keys == 0 {
		log.Warn().Msg("no API key is configured: whoever reaches this address may send events")
	}
	log.Info().Str("url", server.URL()+"/v1/events").Msg("taking events in")
	<-ctx.Done()
	log.Info().Msg("stopping")
	return nil
}

func (c *CLI) secrets() (service.Secrets, error) {
	key, err := ingest.LoadOrCreateKey(c.KeyFile)
	if err != nil {
		return service.Secrets{}, err
	}
	sealer, err := ingest.NewSealer(c.OperatorKey)
	return service.Secrets{Key: key, Sealer: sealer}, err
}
