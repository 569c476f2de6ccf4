package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"parcours/pipeline"
)

// partitioned are the tables that keep each generation in partitions of its own; frontier, the other one, is small.
var partitioned = []string{"journeys", "journey_steps", "breakpoints", "aliases", "ledger", "digests", "associated_loss", "rule_books", "alerts", "closed_days", "churn_signals",
	"churn_scores", "scored_days", "models"}

// Current is the generation that views read.
func (s *Store) Current(ctx context.Context) (g pipeline.Generation, err error) {
	err = s.scan(ctx, "read the current generation",
		"SELECT generation, fold_version, rules_version, admitted_late, tzdata FROM "+s.table("generation")+
			" ORDER BY switched_at DESC, generation DESC LIMIT 1", &g.Number, &g.Fold, &g.Rules, &g.Admitted, &g.TZData)
	return g, err
}

// Switch makes every view read a generation by one insert, later than all before it by at least a millisecond, whatever the
// server's clock says. It does nothing where g is the current one already, all its fields the same.
func (s *Store) Switch(ctx context.Context, g pipeline.Generation) error {
	if g.Number == 0 {
		return errors.New("switch to generation 0: generations count from 1")
	}
	current, err := s.Current(ctx)
	if err != nil || current == g {
		return err
	}
	return s.exec(ctx, fmt.Sprintf("switch to generation %d", g.Number), fmt.Sprintf(
		"INSERT INTO %s (generation, switched_at, fold_version, rules_version, admitted_late, tzdata) "+
			"SELECT %d, greatest(now64(3, 'UTC'), max(switched_at) + INTERVAL 1 MILLISECOND), %s, %s, %d, %s FROM %[1]s",
		s.table("generation"), g.Number, quote(g.Fold), quote(g.Rules), g.Admitted, quote(g.TZData)))
}

// Generations are the numbers of those that have a row left in any table, in order.
func (s *Store) Generations(ctx context.Context) ([]uint32, error) {
	var each []string
	for _, table := range append([]string{"frontier"}, partitioned...) {
		each = append(each, "SELECT DISTINCT generation FROM "+s.table(table))
	}
	sql := "SELECT DISTINCT generation FROM (" + strings.Join(each, " UNION ALL ") + ") ORDER BY generation"
	return all(ctx, s, "list generations", sql, func(scan scan) (g uint32, err error) {
		err = scan(&g)
		return g, err
	})
}

// Drop removes every row of a generation but those that say when views read it. Its frontier goes first, so that it never
// speaks of rows that are gone; the rest goes by whole partitions, which takes no longer for many rows than for few.
// Queries under way keep what they have begun to read.
func (s *Store) Drop(ctx context.Context, number uint32) error {
	current, err := s.Current(ctx)
	if err != nil {
		return err
	}
	if current.Number == number {
		return fmt.Errorf("drop generation %d: it is the current one, which views read", number)
	}
	what := fmt.Sprintf("drop generation %d", number)
	if err := s.dropFrontier(ctx, what, number); err != nil {
		return err
	}
	for _, table := range partitioned {
		if err := s.dropPartitions(ctx, what, table, number); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) dropFrontier(ctx context.Context, what string, number uint32) error {
	return s.exec(ctx, what, fmt.Sprintf("ALTER TABLE %s%s DELETE WHERE generation = %d SETTINGS mutations_sync = 1",
		s.table("frontier"), s.onCluster(), number))
}

const partitionsAtOnce = 500 // of one statement

func (s *Store) dropPartitions(ctx context.Context, what, table string, number uint32) error {
	ids, err := s.partitionsOf(ctx, table, number)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(ids, partitionsAtOnce) {
		drops := make([]string, len(part))
		for i, id := range part {
			drops[i] = "DROP PARTITION ID " + quote(id)
		}
		// The server's own limit, 50 GB a partition, is there for mistakes of the hand.
		sql := "ALTER TABLE " + s.table(table) + s.onCluster() + " " + strings.Join(drops, ", ") + " SETTINGS max_partition_size_to_drop = 0"
		if err := s.exec(ctx, what, sql); err != nil {
			return err
		}
	}
	return nil
}

// partitionsOf are the ids of a table's partitions that hold a generation, the first or only part of their key.
func (s *Store) partitionsOf(ctx context.Context, table string, number uint32) ([]string, error) {
	sql := fmt.Sprintf("SELECT DISTINCT partition_id FROM system.parts WHERE active AND database = %s AND table = %s "+
		"AND extract(partition, '[0-9]+') = '%d' ORDER BY partition_id", quote(s.config.Database), quote(table), number)
	return all(ctx, s, "list the partitions of "+table, sql, func(scan scan) (id string, err error) {
		err = scan(&id)
		return id, err
	})
}
