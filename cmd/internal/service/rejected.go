package service

import (
	"context"
	"fmt"
	"time"

	"parcours/pipeline/clickhouse"
	"parcours/pipeline/nats"
)

const rejectedWait = 500 * time.Millisecond

// CopyRejected copies what REJECTED holds, and what comes, into its table until ctx ends. A copy made twice is one row.
func CopyRejected(ctx context.Context, bus *nats.Bus, store *clickhouse.Store) error {
	last, err := store.LastRejected(ctx)
	if err != nil {
		return err
	}
	reader, err := bus.ReadRejected(ctx, last+1)
	if err != nil {
		return err
	}
	defer reader.Close()
	for {
		messages, err := reader.Next(ctx, rejectedWait)
		if err != nil {
			return err
		}
		rows := make([]clickhouse.RejectedRow, 0, len(messages))
		for i := range messages {
			r, err := nats.DecodeRejected(messages[i].Body)
			if err != nil {
				return fmt.Errorf("message %d of REJECTED: %w", messages[i].Position, err)
			}
			rows = append(rows, clickhouse.RejectedRow{
				Position: messages[i].Position, SeenAt: messages[i].StoredAt, Reason: r.Reason, Source: r.Source,
				Field: r.Field, Expected: r.Expected, Bytes: r.Bytes, SHA256: r.SHA256, EventPosition: r.Position, Row: r.Row,
			})
		}
		if len(rows) == 0 {
			continue
		}
		if err := store.InsertRejected(ctx, rows); err != nil {
			return err
		}
	}
}
