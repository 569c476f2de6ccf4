package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// multiplied are the tables that hold something of customers: with the time that they are partitioned by, and the rows that are of no
// customer, which are not multiplied: an incident of eight companies would reach the customers of all of them eight times.
var multiplied = []struct{ table, time, key, common string }{
	{"events", "time", "id", "partition < 0"},
	{"journeys", "key_time", "journey_id", "false"},
	{"journey_steps", "time", "event_id", "false"},
	{"breakpoints", "occurred_at", "breakpoint_id", "journey_id = ''"},
	{"churn_signals", "raised_at", "signal_id", "false"},
	{"churn_scores", "as_of", "customer_id", "false"},
}

// names of a customer, a journey, an event: each company has its own.
var names = []string{
	"customer_id", "journey_id", "case_id", "contact_id", "id", "event_id", "origin_event", "breakpoint_id", "signal_id", "promise", "known_of", "cases", "evidence",
	"charged",
}

// fill makes as many companies as are asked for out of the first, month by month; where it was interrupted, it goes on with the months that
// are missing. A month begun twice is no harm: the same rows again are the same rows.
func (b *bench) fill() error {
	mark := filepath.Join(b.dir, "bench-months")
	text, err := os.ReadFile(mark)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	done := strings.Split(string(text), "\n")
	for _, of := range multiplied {
		months, err := b.rows(fmt.Sprintf("SELECT DISTINCT toYYYYMM(%s) AS m FROM %s ORDER BY m", of.time, of.table))
		if err != nil {
			return err
		}
		for i, m := range months {
			key := fmt.Sprint(of.table, " ", m[0], " ", b.copies)
			if slices.Contains(done, key) {
				continue
			}
			if err := b.roomLeft(); err != nil {
				return err
			}
			if err := b.multiply(of.table, of.key, fmt.Sprintf("toYYYYMM(%s) = %s AND NOT (%s)", of.time, m[0], of.common)); err != nil {
				return fmt.Errorf("multiply %s of %s: %w", of.table, m[0], err)
			}
			fmt.Fprintf(os.Stderr, "bench: %s, month %d of %d\n", of.table, i+1, len(months))
			if err := remember(mark, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// hear makes the events come when they happened, as those of a company that is heard live: an import brings all of them in one hour, and a
// screen that asks for the last week would find nothing.
func (b *bench) hear() error {
	const sql = "ALTER TABLE events UPDATE seen_at = time + toIntervalMillisecond(1000 + position % 2000) WHERE seen_at > time + toIntervalDay(1) SETTINGS mutations_sync = 2"
	return b.store.Query(b.ctx, sql, "", io.Discard, false, nil)
}

// remember adds a line to a file.
func remember(file, line string) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, line)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// leastRoom is how much of the disk stays free, in bytes.
const leastRoom = 6 << 30

func (b *bench) roomLeft() error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(b.dir, &fs); err != nil {
		return err
	}
	if free := fs.Bavail * uint64(fs.Bsize); free < leastRoom {
		return fmt.Errorf("%s has %d MB left: expected %d", b.dir, free>>20, leastRoom>>20)
	}
	return nil
}

// multiply adds the rows of the other companies to a table: of the first, under other names.
func (b *bench) multiply(table, key, where string) error {
	columns, err := b.rows("SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = '" + table + "'")
	if err != nil {
		return err
	}
	var replace []string
	for _, c := range columns {
		if slices.Contains(names, c[0]) {
			replace = append(replace, renamed(c[0], c[1]))
		}
	}
	sql := fmt.Sprintf("INSERT INTO %[1]s SELECT * EXCEPT company REPLACE (%[2]s) FROM (SELECT * FROM %[1]s FINAL WHERE %[3]s AND NOT match(%[4]s, '~[0-9]+$')) ARRAY JOIN range(1, %[5]d) AS company "+
		"SETTINGS insert_deduplicate = 0, max_insert_threads = 2", table, strings.Join(replace, ", "), where, key, b.copies)
	return b.store.Query(b.ctx, sql, "", io.Discard, false, nil)
}

// renamed is the name that another company has for what a column names; an empty one stays empty.
func renamed(column, kind string) string {
	if strings.HasPrefix(kind, "Array") {
		return fmt.Sprintf("arrayMap(x -> concat(x, '~', toString(company)), %[1]s) AS %[1]s", column)
	}
	return fmt.Sprintf("if(%[1]s = '', '', concat(%[1]s, '~', toString(company))) AS %[1]s", column)
}

// merge puts each month but the last into one part, as the server does when nothing was written to it for an hour (min_age_to_force_merge_seconds).
func (b *bench) merge() error {
	for _, of := range multiplied {
		parts, err := b.rows("SELECT partition, count() FROM system.parts WHERE active AND database = currentDatabase() AND table = '" + of.table + "' GROUP BY partition ORDER BY partition DESC LIMIT 1000 OFFSET 1")
		if err != nil {
			return err
		}
		for _, p := range parts {
			if p[1] == "1" {
				continue
			}
			if err := b.store.Query(b.ctx, fmt.Sprintf("OPTIMIZE TABLE %s PARTITION %s FINAL", of.table, p[0]), "", io.Discard, false, nil); err != nil {
				return fmt.Errorf("merge %s of %s: %w", of.table, p[0], err)
			}
		}
	}
	return nil
}
