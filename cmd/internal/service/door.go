package service

import (
	"context"
	"fmt"
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
