package clickhouse

import (
	"context"
	"fmt"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// LastRejected is the highest position of REJECTED that is in, 0 for none.
func (s *Store) LastRejected(ctx context.Context) (uint64, error) {
	var position uint64
	err := s.scan(ctx, "read the last rejection", "SELECT max(position) FROM "+s.config.Database+".rejected", &position)
	return position, err
}

// scan reads the one row of a query.
func (s *Store) scan(ctx context.Context, what, sql string, dest ...any) error {
	err := s.retry(ctx, what, func(ctx context.Context) error { return s.conn.QueryRow(ctx, sql).Scan(dest...) })
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Frontier is, for each partition that has written any, how far a generation's rows are in.
func (s *Store) Frontier(ctx context.Context, generation uint32) (map[int]pipeline.FrontierRow, error) {
	var positions map[int]pipeline.FrontierRow
	sql := fmt.Sprintf("SELECT partition, position, clock, message_id FROM %s.frontier FINAL WHERE generation = %d",
		s.config.Database, generation)
	err := s.retry(ctx, "read the frontier", func(ctx context.Context) error {
		var err error
		positions, err = s.positions(ctx, sql)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the frontier of generation %d: %w", generation, err)
	}
	return positions, nil
}

func (s *Store) positions(ctx context.Context, sql string) (map[int]pipeline.FrontierRow, error) {
	rows, err := s.conn.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	positions := map[int]pipeline.FrontierRow{}
	for rows.Next() {
		var partition int32
		var row pipeline.FrontierRow
		var clock time.Time
		if err := rows.Scan(&partition, &row.Position, &clock, &row.MessageID); err != nil {
			return nil, err
		}
		row.Partition, row.Clock = int(partition), event.InstantOf(clock)
		positions[row.Partition] = row
	}
	return positions, rows.Err()
}

const frontierPoll = 20 * time.Millisecond

// WaitFrontier returns when the rows of the current generation are in up to position, in every partition that has written
// a frontier, and at least one has. The store does not know how many partitions the log has: where one may not have
// started yet, look at Frontier oneself.
func (s *Store) WaitFrontier(ctx context.Context, position uint64) error {
	poll := time.NewTicker(frontierPoll)
	defer poll.Stop()
	for {
		reached, err := s.reached(ctx, position)
		if err != nil {
			return err
		}
		if reached {
			return nil
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the frontier to reach %d: %w", position, context.Cause(ctx))
		}
	}
}

func (s *Store) reached(ctx context.Context, position uint64) (bool, error) {
	current, err := s.Current(ctx)
	if err != nil {
		return false, err
	}
	positions, err := s.Frontier(ctx, current.Number)
	if err != nil {
		return false, err
	}
	for _, at := range positions {
		if at.Position < position {
			return false, nil
		}
	}
	return len(positions) > 0, nil
}
