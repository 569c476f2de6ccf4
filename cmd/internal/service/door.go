package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"parcours/pipeline/ingest"
	"parcours/pipeline/nats"
)

// Secrets are what the door needs to let nobody's identifiers through.
type Secrets struct {
	Key    ingest.Key     // of the pseudonyms: losing it breaks the link to every customer
	Sealer *ingest.Sealer // for what is refused
}

// OpenDoor makes a door before a log: it reads the log once, to know where the cases live.
func OpenDoor(ctx context.Context, cfg ingest.Config, s Secrets, bus *nats.Bus, partitions int,
	reg prometheus.Registerer) (*ingest.Door, error) {
	homes, err := ingest.RebuildHomes(ctx, bus)
	if err != nil {
		return nil, fmt.Errorf("open the door: %w", err)
	}
	return ingest.NewDoor(cfg, ingest.Dependencies{
		Appender: bus, Rejecter: bus, Homes: homes, Pseudonymiser: ingest.NewPseudonymiser(s.Key), Sealer: s.Sealer,
		Partitions: partitions, Metrics: ingest.NewMetrics(reg), Now: time.Now,
	})
}

// KeepKey refuses to go on where the log holds events and the key of their pseudonyms is gone: a new one would make every
// customer a stranger.
func KeepKey(ctx context.Context, bus *nats.Bus, path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	head, err := bus.Head(ctx)
	if err != nil {
		return err
	}
	if head > 1 { // the first message opens the log
		return fmt.Errorf("%s is missing, but the log holds %d messages whose customers were named with it: restore the key, "+
			"or start with an empty log", path, head)
	}
	return nil
}
