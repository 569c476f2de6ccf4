package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"

	"parcours/pipeline"
)

const insertsAtOnce = 2

// Insert puts rows in, the facts first, then the accounts of them (ledger and digests) and the rule books, and the frontier last, in blocks. While the server is away, starting or
// overloaded it tries again, without end but ctx's; any other error comes back at once as "insert 512 journeys: ...".
// After an error some of the rows may be in, never the frontier's: inserting all of them again is harmless.
func (s *Store) Insert(ctx context.Context, rows *pipeline.Rows) error {
	if rows.Generation == 0 && ofAGeneration(rows) {
		return errors.New("insert: rows of no generation, which no view would show")
	}
	for _, blocks := range [][]block{factBlocks(rows), accountBlocks(rows), frontier(rows.Generation).blocks(rows.Frontier)} {
		if err := s.insertAll(ctx, blocks); err != nil {
			return err
		}
	}
	return nil
}

// ofAGeneration says whether there are rows other than events, which alone belong to none.
func ofAGeneration(rows *pipeline.Rows) bool {
	return len(rows.Journeys)+len(rows.Steps)+len(rows.Breakpoints)+len(rows.Aliases)+len(rows.Alerts)+len(rows.ClosedDays)+len(rows.ChurnSignals)+
		len(rows.Scores)+len(rows.ScoredDays)+len(rows.Models)+
		len(rows.Ledger)+len(rows.Digests)+len(rows.Frontier)+len(rows.RuleBooks) > 0
}

// InsertRejected puts in what the stream REJECTED holds, under the same promise as Insert.
func (s *Store) InsertRejected(ctx context.Context, rows []RejectedRow) error {
	return s.insertAll(ctx, rejected().blocks(rows))
}

func factBlocks(rows *pipeline.Rows) []block {
	blocks := events().blocks(rows.Events)
	blocks = append(blocks, journeys(rows.Generation).blocks(rows.Journeys)...)
	blocks = append(blocks, steps(rows.Generation).blocks(rows.Steps)...)
	blocks = append(blocks, breakpoints(rows.Generation).blocks(rows.Breakpoints)...)
	blocks = append(blocks, aliases(rows.Generation).blocks(rows.Aliases)...)
	blocks = append(blocks, alerts(rows.Generation).blocks(rows.Alerts)...)
	blocks = append(blocks, closedDays(rows.Generation).blocks(rows.ClosedDays)...)
	blocks = append(blocks, churnSignals(rows.Generation).blocks(rows.ChurnSignals)...)
	blocks = append(blocks, churnScores(rows.Generation).blocks(rows.Scores)...)
	blocks = append(blocks, scoredDays(rows.Generation).blocks(rows.ScoredDays)...)
	return append(blocks, models(rows.Generation).blocks(rows.Models)...)
}

// accountBlocks say what the fact blocks hold, so they come after them.
func accountBlocks(rows *pipeline.Rows) []block {
	blocks := append(ledger(rows.Generation).blocks(rows.Ledger), digests(rows.Generation).blocks(rows.Digests)...)
	return append(blocks, ruleBooks(rows.Generation).blocks(rows.RuleBooks)...)
}

func (s *Store) insertAll(ctx context.Context, blocks []block) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(insertsAtOnce)
	for _, b := range blocks {
		group.Go(func() error { return s.insert(ctx, b) })
	}
	return group.Wait()
}

func (s *Store) insert(ctx context.Context, b block) error {
	what := fmt.Sprintf("insert %d %s", b.rows, b.noun)
	start := time.Now()
	if err := s.retry(ctx, what, func(ctx context.Context) error { return s.send(ctx, b) }); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	s.metrics.seconds.WithLabelValues(b.table).Observe(time.Since(start).Seconds())
	s.metrics.rows.WithLabelValues(b.table).Add(float64(b.rows))
	return nil
}

// send makes one attempt with a batch of its own: the driver's batch is of no use after an error.
func (s *Store) send(ctx context.Context, b block) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithColumnNamesAndTypes(b.columns), clickhouse.WithSettings(clickhouse.Settings{
		"insert_deduplicate": 0, // keys and versions make a repeat harmless; tokens would swallow repairs
		"async_insert":       0, // in when it returns
	}))
	batch, err := s.conn.PrepareBatch(ctx, b.insert(s.config.Database))
	if err != nil {
		return err
	}
	defer func() { _ = batch.Close() }()
	if err := fill(batch, b); err != nil {
		return err
	}
	return batch.Send()
}

// fill checks what the driver does not: over HTTP it sends a block with columns of unequal length as no rows at all.
func fill(batch driver.Batch, b block) error {
	for i, c := range b.columns {
		if err := batch.Column(i).Append(b.values(i)); err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
	}
	for i, c := range batch.Columns() {
		if c.Rows() != b.rows {
			return fmt.Errorf("column %s has %d values for %d rows", b.columns[i].Name, c.Rows(), b.rows)
		}
	}
	return nil
}

// code is ClickHouse's number of an error, 0 when it is none of the server's.
func code(err error) int32 {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return exception.Code
	}
	return 0
}
