package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// audited are the tables of facts that the fold keeps digests of, in order of name, each with the key of a row as a text
// and the row's content. A net content leaves out what depends on the order in which the log came; it is "" where all of it
// does: aliases, and what was decided once, as it was known then. Of a table that has both, known names the rows that were.
var audited = []struct{ table, key, content, net, known string }{
	{"alerts", "concat(toString(raised_on), ' ', alert_id)", alertContent, "", ""},
	{"aliases", "old_id", aliasContent, "", ""},
	{"breakpoints", "breakpoint_id", breakpointContent, breakpointContent, ""},
	{"churn_scores", "concat(toString(toDate32(as_of)), ' ', customer_id)", scoreContent, "", ""},
	{"churn_signals", "signal_id", churnSignalContent, churnSignalContent, "kind IN (" + quoteAll(pipeline.SignalsAsKnown()) + ")"},
	{"closed_days", "toString(day)", closedDayContent, "", ""},
	{"journey_steps", "concat(source, ' ', event_id)", stepContent, stepContent, ""},
	{"journeys", "journey_id", journeyContent, journeyNetContent, ""},
	{"models", "toString(position)", modelContent, "", ""},
	{"scored_days", "toString(toDate32(as_of))", scoredDayContent, "", ""},
}

// sum adds up row digests; its rows come first.
func sum(content, position string) string {
	return "count(), sum(" + rowDigest(content, position) + ")"
}

// Ledger is what the fold wrote, in order of partition and range.
func (s *Store) Ledger(ctx context.Context, generation uint32) ([]pipeline.LedgerRow, error) {
	sql := fmt.Sprintf("SELECT partition, range, position, first, copies, late, set_aside, forwarded, system, broadcast, digest "+
		"FROM %s FINAL WHERE generation = %d ORDER BY partition, range", s.table("ledger"), generation)
	return all(ctx, s, "read the ledger", sql, func(scan scan) (r pipeline.LedgerRow, err error) {
		var partition int32
		err = scan(&partition, &r.Range, &r.Position, &r.First, &r.Copies, &r.Late, &r.SetAside, &r.Forwarded, &r.System, &r.Broadcast, &r.Digest)
		r.Partition = int(partition)
		return r, err
	})
}

// Digests are what the fold wrote, in order of partition and table.
func (s *Store) Digests(ctx context.Context, generation uint32) ([]pipeline.DigestRow, error) {
	sql := fmt.Sprintf("SELECT partition, table, position, rows, digest FROM %s FINAL WHERE generation = %d ORDER BY partition, table",
		s.table("digests"), generation)
	return all(ctx, s, "read the digests", sql, readDigest)
}

func readDigest(scan scan) (r pipeline.DigestRow, err error) {
	var partition int32
	err = scan(&partition, &r.Table, &r.Position, &r.Rows, &r.Digest)
	r.Partition = int(partition)
	return r, err
}

// Sums reads each table of facts once. What was taken back is not in it; of aliases every row is.
func (s *Store) Sums(ctx context.Context, generation uint32) (sums []pipeline.DigestRow, err error) {
	for _, t := range audited {
		sql := fmt.Sprintf("SELECT partition, %s, toUInt64(0), %s FROM %s FINAL WHERE generation = %d GROUP BY partition",
			quote(t.table), sum(t.content, "position"), s.table(t.table), generation)
		list, err := all(ctx, s, "add up "+t.table, sql, readDigest)
		if err != nil {
			return nil, err
		}
		sums = append(sums, list...)
	}
	slices.SortStableFunc(sums, func(a, b pipeline.DigestRow) int { return a.Partition - b.Partition })
	return sums, nil
}

// RowKeys gives the rows of one table, generation and partition in the order of their keys; it refuses a table without a
// digest.
func (s *Store) RowKeys(ctx context.Context, table string, generation uint32, partition int, found func(key string, position, content uint64) error) error {
	for _, t := range audited {
		if t.table != table {
			continue
		}
		sql := fmt.Sprintf("SELECT %s AS row_key, position, %s FROM %s FINAL WHERE generation = %d AND partition = %d ORDER BY row_key, position",
			t.key, t.content, s.table(table), generation, partition)
		return s.each(ctx, "list "+table, sql, func(scan scan) error {
			var key string
			var position, content uint64
			if err := scan(&key, &position, &content); err != nil {
				return err
			}
			return found(key, position, content)
		})
	}
	return fmt.Errorf("list %s: it is not a table of facts", table)
}

// rangeOf is the range of a row's position.
var rangeOf = fmt.Sprintf("toUInt64(intDiv(position - 1, %d))", pipeline.LedgerRange)

// EventSums reads the whole of cx.events once.
func (s *Store) EventSums(ctx context.Context) ([]pipeline.EventSum, error) {
	sql := fmt.Sprintf("SELECT partition, %s AS number, %s FROM %s FINAL GROUP BY partition, number ORDER BY partition, number",
		rangeOf, sum(eventContent, "position"), s.table("events"))
	return all(ctx, s, "add up events", sql, func(scan scan) (r pipeline.EventSum, err error) {
		var partition int32
		err = scan(&partition, &r.Range, &r.Rows, &r.Digest)
		r.Partition = int(partition)
		return r, err
	})
}

// EventRows gives the rows of one partition in one range of positions, by position.
func (s *Store) EventRows(ctx context.Context, partition int, number uint64, found func(pipeline.EventKey) error) error {
	sql := fmt.Sprintf("SELECT position, toUnixTimestamp64Milli(time), source, id, %s FROM %s FINAL WHERE partition = %d AND %s = %d "+
		"ORDER BY position, time, source, id", eventContent, s.table("events"), partition, rangeOf, number)
	return s.each(ctx, "list events", sql, func(scan scan) error {
		var k pipeline.EventKey
		if err := scan(&k.Position, (*int64)(&k.At), &k.Source, &k.ID, &k.Content); err != nil {
			return err
		}
		return found(k)
	})
}

// ReusedIDs looks for them by a hash first, and reads in full only those whose hash has two times.
func (s *Store) ReusedIDs(ctx context.Context, found func(source, id string, times []event.Instant) error) error {
	sql := fmt.Sprintf("SELECT source, id, arraySort(groupUniqArray(toUnixTimestamp64Milli(time))) AS times FROM %s "+
		"WHERE cityHash64(source, id) IN (SELECT cityHash64(source, id) AS h FROM %[1]s GROUP BY h HAVING min(time) != max(time)) "+
		"GROUP BY source, id HAVING length(times) > 1 ORDER BY source, id", s.table("events"))
	return s.each(ctx, "look for ids used twice", sql, func(scan scan) error {
		var source, id string
		var millis []int64
		if err := scan(&source, &id, &millis); err != nil {
			return err
		}
		times := make([]event.Instant, len(millis))
		for i, ms := range millis {
			times[i] = event.Instant(ms)
		}
		return found(source, id, times)
	})
}

const deletesAtOnce = 1000 // events of one statement

// DeleteEvents rewrites the parts that hold the rows, on every replica, before it returns.
func (s *Store) DeleteEvents(ctx context.Context, keys []pipeline.EventKey) error {
	for part := range slices.Chunk(keys, deletesAtOnce) {
		rows := make([]string, len(part))
		for i, k := range part {
			rows[i] = fmt.Sprintf("(%s, %s, %s, %d)", instantSQL(k.At), quote(k.Source), quote(k.ID), k.Position)
		}
		sql := "ALTER TABLE " + s.table("events") + s.onCluster() + " DELETE WHERE (time, source, id, position) IN (" +
			strings.Join(rows, ", ") + ") SETTINGS mutations_sync = 2"
		if err := s.exec(ctx, fmt.Sprintf("delete %d events that the log does not have", len(part)), sql); err != nil {
			return err
		}
	}
	return nil
}

// Checksum reads each table once, in the generation that is current when it begins.
func (s *Store) Checksum(ctx context.Context, net bool) ([]pipeline.TableSum, error) {
	current, err := s.Current(ctx)
	if err != nil {
		return nil, err
	}
	// Every column that a view shows, as bytes, but when the log stored it.
	content, position := "xxHash64(formatRow('RowBinary', * EXCEPT (seen_at)))", "position"
	if net {
		content, position = "xxHash64(formatRow('RowBinary', * EXCEPT (seen_at, position, partition)))", "0"
	}
	events, err := s.tableSum(ctx, "events", s.table("events_v"), content, position)
	if err != nil {
		return nil, err
	}
	sums := []pipeline.TableSum{events}
	for _, t := range audited {
		content, from := t.content, fmt.Sprintf("%s FINAL WHERE generation = %d", s.table(t.table), current.Number)
		if net {
			content = t.net
		}
		if content == "" {
			continue // it tells of the way, not of the end
		}
		if net && t.known != "" {
			from += " AND NOT " + t.known
		}
		one, err := s.tableSum(ctx, t.table, from, content, position)
		if err != nil {
			return nil, err
		}
		sums = append(sums, one)
	}
	return sums, nil
}

func (s *Store) tableSum(ctx context.Context, table, from, content, position string) (pipeline.TableSum, error) {
	r := pipeline.TableSum{Table: table}
	err := s.scan(ctx, "add up "+table, "SELECT "+sum(content, position)+" FROM "+from, &r.Rows, &r.Digest)
	return r, err
}
