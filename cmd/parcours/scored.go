package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parcours/pipeline/aggregate"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
)

// errUnscored means that the tables are complete, and scores are not there yet.
var errUnscored = errors.New("the rows are in, but the customers were not scored: the process that folds says why in its log, and tries again; " +
	"parcours sql \"SELECT max(as_of) FROM cx.scored_days_v\" says how far it is")

// customersScored waits until the log has been told that all customers are scored as of the last midnight that all clocks have
// passed, and the tables say so. While scores are told it goes on waiting.
func customersScored(ctx context.Context, bus *nats.Bus, store *clickhouse.Store) error {
	asOf, any, err := lastMidnight(ctx, store)
	if err != nil || !any {
		return err
	}
	poll, late := time.NewTicker(closedPoll), time.NewTimer(closedWithin)
	defer poll.Stop()
	defer late.Stop()
	for head := uint64(0); ; {
		if left, err := unscored(ctx, store, asOf); err != nil || !left {
			return err
		}
		select {
		case <-poll.C:
		case <-late.C:
			return errUnscored
		case <-ctx.Done():
			return fmt.Errorf("wait for the customers to be scored: %w", context.Cause(ctx))
		}
		now, err := bus.Head(ctx)
		if err != nil {
			return err
		}
		if now != head {
			head = now
			late.Reset(closedWithin)
		}
	}
}

// lastMidnight is the last one that the clocks of all partitions which have seen anything have passed; false for none.
func lastMidnight(ctx context.Context, store *clickhouse.Store) (asOf event.Instant, any bool, err error) {
	list, err := partitionClocks(ctx, store)
	var least event.Instant
	for _, p := range list {
		if p.at != noClockYet && (!any || p.at < least) {
			least, any = p.at, true
		}
	}
	asOf = event.InstantOf(least.Time().Truncate(24 * time.Hour))
	return asOf, any && aggregate.Scorable(asOf), err
}

// unscored says whether the log has not been told yet that customers are scored as of a midnight.
func unscored(ctx context.Context, store *clickhouse.Store, asOf event.Instant) (left bool, err error) {
	row := store.Conn().QueryRow(ctx, "SELECT CAST(count() = 0, 'Bool') FROM "+store.Database()+".scored_days_v WHERE toUnixTimestamp64Milli(as_of) >= $1", int64(asOf))
	if err := row.Scan(&left); err != nil {
		return false, fmt.Errorf("see as of when customers are scored: %w", err)
	}
	return left, nil
}
