package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// whatIfMark begins the comment of a database that holds what another rule book would have found: only such a one is ever
// replaced.
const whatIfMark = "Parcours, what if: "

// ErrNotWhatIf means that a database is there and holds something else.
var ErrNotWhatIf = errors.New("it holds something else than a what-if, and is left alone")

// WhatIf makes an empty database with the schema on the same server, in place of what an earlier what-if left under its
// name, and opens it. The remark is kept with it. The caller closes it.
func (s *Store) WhatIf(ctx context.Context, database, remark string) (*Store, error) {
	if err := s.DropWhatIf(ctx, database); err != nil {
		return nil, err
	}
	sql := "CREATE DATABASE " + database + s.onCluster() + " COMMENT " + quote(whatIfMark+remark)
	if err := s.exec(ctx, "create database "+database, sql); err != nil {
		return nil, err
	}
	config := s.config
	config.Database, config.Metrics = database, nil
	beside, err := Open(ctx, config, s.log)
	if err != nil {
		return nil, err
	}
	if err := beside.Migrate(ctx); err != nil {
		return nil, errors.Join(err, beside.Close())
	}
	return beside, nil
}

// DropWhatIf removes a what-if; one that is not there is no error. ErrNotWhatIf where the name is that of anything else.
func (s *Store) DropWhatIf(ctx context.Context, database string) error {
	if err := (Config{Database: database}).Validate(); err != nil {
		return err
	}
	_, err := s.WhatIfRemark(ctx, database)
	if errors.Is(err, errNoDatabase) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.exec(ctx, "drop database "+database, "DROP DATABASE IF EXISTS "+database+s.onCluster()+" SYNC SETTINGS max_table_size_to_drop = 0, max_partition_size_to_drop = 0")
}

var errNoDatabase = errors.New("there is no such database")

// WhatIfRemark gives the remark of a what-if.
func (s *Store) WhatIfRemark(ctx context.Context, database string) (string, error) {
	comments, err := all(ctx, s, "read the comment of database "+database,
		"SELECT comment FROM system.databases WHERE name = "+quote(database), func(scan scan) (comment string, err error) {
			err = scan(&comment)
			return comment, err
		})
	switch {
	case err != nil:
		return "", err
	case len(comments) == 0:
		return "", fmt.Errorf("database %s: %w", database, errNoDatabase)
	}
	remark, ok := strings.CutPrefix(comments[0], whatIfMark)
	if !ok {
		return "", fmt.Errorf("database %s: %w", database, ErrNotWhatIf)
	}
	return remark, nil
}

// Beside opens another database of the same server, as it is. The caller closes it.
func (s *Store) Beside(ctx context.Context, database string) (*Store, error) {
	config := s.config
	config.Database, config.Metrics = database, nil
	return Open(ctx, config, s.log)
}

// Change is what another rule book makes of one place: the breakpoints of one kind, reason family and silo. Those that
// appear or disappear are so by their id; one that is on both sides, and has moved to another silo, is neither.
type Change struct {
	Kind         string  `json:"kind"`
	ReasonFamily string  `json:"reason_family"`
	Silo         string  `json:"silo"`
	Before       uint64  `json:"before"`
	After        uint64  `json:"after"`
	Appear       uint64  `json:"appear"`
	Disappear    uint64  `json:"disappear"`
	CostBefore   float64 `json:"cost_before"`
	CostAfter    float64 `json:"cost_after"`
}

// Compare says where the breakpoints of another database of the server differ from this one's, the largest change of cost
// first. Places where nothing appears, disappears or costs otherwise are left out, and counted in the total.
func (s *Store) Compare(ctx context.Context, other string) (changes []Change, total Change, err error) {
	if err := (Config{Database: other}).Validate(); err != nil {
		return nil, total, err
	}
	side := func(database, opposite string, after int) string {
		return fmt.Sprintf("SELECT kind, reason_family, silo, cost, %d AS after, breakpoint_id NOT IN (SELECT breakpoint_id FROM %s.breakpoints_v) AS alone FROM %s.breakpoints_v",
			after, opposite, database)
	}
	sql := "SELECT kind, reason_family, silo, countIf(after = 0), countIf(after = 1), countIf(after = 1 AND alone), countIf(after = 0 AND alone), " +
		"sumIf(cost, after = 0), sumIf(cost, after = 1) FROM (" + side(s.config.Database, other, 0) + " UNION ALL " + side(other, s.config.Database, 1) +
		") GROUP BY kind, reason_family, silo ORDER BY kind, reason_family, silo"
	list, err := all(ctx, s, "compare breakpoints", sql, func(scan scan) (c Change, err error) {
		err = scan(&c.Kind, &c.ReasonFamily, &c.Silo, &c.Before, &c.After, &c.Appear, &c.Disappear, &c.CostBefore, &c.CostAfter)
		return c, err
	})
	for _, c := range list {
		total.Before, total.After = total.Before+c.Before, total.After+c.After
		total.Appear, total.Disappear = total.Appear+c.Appear, total.Disappear+c.Disappear
		total.CostBefore, total.CostAfter = total.CostBefore+c.CostBefore, total.CostAfter+c.CostAfter
		if c.Appear+c.Disappear > 0 || c.Before != c.After || cents(c.CostBefore) != cents(c.CostAfter) {
			changes = append(changes, c)
		}
	}
	slices.SortStableFunc(changes, func(a, b Change) int { return int(b.moved() - a.moved()) })
	return changes, total, err
}

func (c *Change) moved() int64 {
	moved := cents(c.CostAfter) - cents(c.CostBefore)
	return max(moved, -moved)
}

// cents tells amounts apart that are not the same sum in another order.
func cents(v float64) int64 { return int64(v*100 + 0.5) }
