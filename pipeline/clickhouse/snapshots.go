package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"parcours/schemas"
)

// viewColumn is one column of a view as system.columns has it.
type viewColumn struct{ Name, Type, Comment string }

// snapshotsFrom is from how many rows of journeys on copies are taken: with fewer a view answers as soon as it is asked.
const snapshotsFrom = 50_000

// Snapshot takes copies where there are so many journeys that views are slow; until then their readers get the views themselves. Once copies
// are read they are taken anew whatever is left of the journeys: rows go when versions merge and generations are dropped.
func (s *Store) Snapshot(ctx context.Context) error {
	var wanted bool
	sql := fmt.Sprintf("SELECT count() >= %[2]d OR (SELECT count() FROM %[1]s.snapshots) > 0 FROM %[1]s.journeys", s.config.Database, snapshotsFrom)
	if err := s.scan(ctx, "take snapshots", sql, &wanted); err != nil || !wanted {
		return err
	}
	return s.snapshots(ctx)
}

// snapshots takes a copy of every view of schemas.Snapshots, one after another: readers see all of a copy, or all of the one before. A view that
// reads another one of them is computed from the copy just taken, so that nothing is computed twice, and copies say the same as each other. Two
// runs at once do no harm. A view that fails leaves its last copy; the first error comes back when all were tried.
func (s *Store) snapshots(ctx context.Context) (err error) {
	texts, err := s.viewTexts(ctx)
	if err != nil {
		return fmt.Errorf("take snapshots: %w", err)
	}
	t := taking{texts: texts, prefix: s.config.Database + ".", fresh: map[string]string{}}
	for _, name := range t.order(schemas.Snapshots) {
		if failed := s.snapshot(ctx, name, &t); failed != nil && err == nil {
			err = fmt.Errorf("take a snapshot of %s_v: %w", name, failed)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return err
}

func (s *Store) snapshot(ctx context.Context, name string, t *taking) error {
	db, began := s.config.Database, time.Now()
	columns, err := s.viewColumns(ctx, name+"_v")
	if err != nil {
		return err
	}
	taken := uint64(began.UnixNano())
	list := columnNames(columns)
	insert := fmt.Sprintf("INSERT INTO %[1]s.%[2]s_kept (%[3]s, taken) SELECT %[3]s, toUInt64(%[4]d) FROM (%[5]s) SETTINGS insert_deduplicate = 0", db, name, list, taken, t.text(name+"_v"))
	if err := s.conn.Exec(ctx, insert); err != nil {
		return err
	}
	note := fmt.Sprintf("INSERT INTO %[1]s.snapshots SELECT '%[2]s', %[3]d, fromUnixTimestamp64Milli(%[4]d, 'UTC'), %[5]d, (SELECT count() FROM %[1]s.%[2]s_kept WHERE taken = %[3]d) SETTINGS insert_deduplicate = 0",
		db, name, taken, began.UnixMilli(), time.Since(began).Milliseconds())
	if err := s.conn.Exec(ctx, note); err != nil {
		return err
	}
	if err := s.execTemplate(ctx, latestStatement(name, columns, copied(name, columns))); err != nil {
		return err
	}
	t.fresh[name+"_v"] = fmt.Sprintf("(SELECT %s FROM %s.%s_kept WHERE taken = %d)", list, db, name, taken)
	return s.forget(ctx, name)
}

// remembered is how many copies stay: the one that is read, and the one before for who reads just now.
const remembered = 2

// forget drops older copies.
func (s *Store) forget(ctx context.Context, name string) error {
	var old []uint64
	rows, err := s.conn.Query(ctx, fmt.Sprintf("SELECT DISTINCT taken FROM %s.%s_kept ORDER BY taken DESC LIMIT 1000 OFFSET %d", s.config.Database, name, remembered))
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var taken uint64
		if err := rows.Scan(&taken); err != nil {
			return err
		}
		old = append(old, taken)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, taken := range old {
		if err := s.conn.Exec(ctx, fmt.Sprintf("ALTER TABLE %s.%s_kept DROP PARTITION %d", s.config.Database, name, taken)); err != nil {
			return err
		}
	}
	return nil
}

// showSnapshots makes the tables of copies and the views that read the last one, with the columns of each view as it is now. A copy with
// other columns is of an earlier release and thrown away.
func (s *Store) showSnapshots(ctx context.Context) error {
	for _, name := range schemas.Snapshots {
		if err := s.showSnapshot(ctx, name); err != nil {
			return fmt.Errorf("show snapshots of %s_v: %w", name, err)
		}
	}
	for _, name := range schemas.OverSnapshots {
		if err := s.showOver(ctx, name); err != nil {
			return fmt.Errorf("show %s_v over snapshots: %w", name, err)
		}
	}
	return nil
}

// showOver makes the view that reads the last copies where NAME_v reads what they are of.
func (s *Store) showOver(ctx context.Context, name string) error {
	columns, err := s.viewColumns(ctx, name+"_v")
	if err != nil {
		return err
	}
	var text string
	if err := s.scan(ctx, "read the text of a view", "SELECT as_select FROM system.tables WHERE database = '"+s.config.Database+"' AND name = '"+name+"_v'", &text); err != nil {
		return err
	}
	return s.execTemplate(ctx, "CREATE OR REPLACE VIEW {{database}}."+name+"_latest_v {{on_cluster}} ("+strings.Join(described(columns), ", ")+") AS "+schemas.Latest(text)+
		" COMMENT '"+name+"_v, which says what its rows are, as of now; what it takes from views of which copies are kept is as of the last copy.'")
}

func (s *Store) showSnapshot(ctx context.Context, name string) error {
	columns, err := s.viewColumns(ctx, name+"_v")
	if err != nil {
		return err
	}
	shown, err := s.viewColumns(ctx, name+"_latest_v")
	if err != nil {
		return err
	}
	if slices.Equal(columns, shown) {
		return nil
	}
	for _, sql := range snapshotStatements(name, columns) {
		if err := s.execTemplate(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// execTemplate runs one statement written as those of migrations are.
func (s *Store) execTemplate(ctx context.Context, sql string) error {
	statements, err := migration{text: sql}.statements(s.config)
	if err != nil {
		return err
	}
	return s.retry(ctx, "show snapshots", func(ctx context.Context) error { return s.conn.Exec(ctx, statements[0]) })
}

// snapshotStatements are the table of one, and the view, which until the first copy reads what is copied.
func snapshotStatements(name string, columns []viewColumn) []string {
	table := append(described(columns), "taken UInt64 COMMENT 'Number of the copy, as in snapshots.'")
	return []string{
		"DROP TABLE IF EXISTS {{database}}." + name + "_kept {{on_cluster}}",
		"CREATE TABLE IF NOT EXISTS {{database}}." + name + "_kept {{on_cluster}} (" + strings.Join(table, ", ") + ") ENGINE = {{replicated}}MergeTree " +
			"PARTITION BY taken ORDER BY tuple() COMMENT 'Copies of " + name + "_v: read " + name + "_latest_v.'",
		latestStatement(name, columns, "{{database}}."+name+"_v"),
	}
}

// copied is where the last copy is read.
func copied(name string, columns []viewColumn) string {
	list := ""
	if slices.Contains(schemas.Lists, name) {
		list = " AND customer_id NOT IN (SELECT customer_id FROM {{database}}.objectors_v)"
	}
	return "(SELECT " + columnNames(columns) + " FROM {{database}}." + name + "_kept WHERE taken = (SELECT max(taken) FROM {{database}}.snapshots WHERE name = '" + name + "')" + list + ")"
}

func latestStatement(name string, columns []viewColumn, from string) string {
	return "CREATE OR REPLACE VIEW {{database}}." + name + "_latest_v {{on_cluster}} (" + strings.Join(described(columns), ", ") + ") AS SELECT " + columnNames(columns) +
		" FROM " + from + " COMMENT 'The last copy of " + name + "_v, which says what its rows are, and until there is one, that view itself; snapshots_v says when it was taken.'"
}

// described are columns with their types and comments, as a table or a view is made with them.
func described(columns []viewColumn) (list []string) {
	for _, c := range columns {
		list = append(list, fmt.Sprintf("`%s` %s COMMENT %s", c.Name, c.Type, quote(c.Comment)))
	}
	return list
}

func columnNames(columns []viewColumn) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = "`" + c.Name + "`"
	}
	return strings.Join(names, ", ")
}

// viewColumns are those of a view, in order; none where there is no such view.
func (s *Store) viewColumns(ctx context.Context, view string) (columns []viewColumn, err error) {
	err = s.retry(ctx, "read the columns of a view", func(ctx context.Context) error {
		columns = nil
		rows, err := s.conn.Query(ctx, "SELECT name, type, comment FROM system.columns WHERE database = $1 AND table = $2 ORDER BY position", s.config.Database, view)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var c viewColumn
			if err := rows.Scan(&c.Name, &c.Type, &c.Comment); err != nil {
				return err
			}
			columns = append(columns, c)
		}
		return rows.Err()
	})
	return columns, err
}
