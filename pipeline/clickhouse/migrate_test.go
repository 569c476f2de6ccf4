package clickhouse

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sync/errgroup"

	"parcours/pipeline"
	"parcours/schemas"
)

func TestMigrateFromNothingAndAgain(t *testing.T) {
	s := migrated(t)
	before := read(t, s, "SELECT version, name, checksum FROM schema_migrations FINAL ORDER BY version")
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, s, "SELECT version, name, checksum FROM schema_migrations FINAL ORDER BY version", before)
	expect(t, s, "SELECT countIf(applied_at < '2000-01-01') FROM schema_migrations", "0")
	expect(t, s, "SELECT generation, toUnixTimestamp(switched_at) FROM generation", "1\t0")
	if g, err := s.Current(t.Context()); g != (pipeline.Generation{Number: 1}) || err != nil {
		t.Errorf("current generation %+v, %v", g, err)
	}
}

// TestMigrateFromEveryPastSchema: from every past schema to the next, and from some to the last at once. From which schema one comes changes
// no statement and not their order, so that what holds of each step holds of all ways.
func TestMigrateFromEveryPastSchema(t *testing.T) {
	addr := serve(t).Addr()
	known, err := migrations(schemas.ClickHouse)
	if err != nil {
		t.Fatal(err)
	}
	each := make([]int, len(known))
	for i := range each {
		each[i] = i + 1
	}
	for i, stops := range [][]int{each, {1, len(known)}, {len(known) / 2, len(known)}} {
		s := open(t, Config{Addr: addr, Database: fmt.Sprintf("past_%d", i)})
		for _, upTo := range stops {
			if err := s.migrate(t.Context(), known[:upTo]); err != nil {
				t.Fatal(err)
			}
		}
		expect(t, s, "SELECT count(), max(version) FROM schema_migrations FINAL", fmt.Sprintf("%d\t%[1]d", len(known)))
		insert(t, s, everyRow())
		expect(t, s, "SELECT count() FROM journeys_v", "1")
	}
}

// Of breakpoints written before it was kept what is known of them, one that stands is known as it reads; of one that was taken
// back nothing is.
func TestBreakpointsOfBeforeAreKnownAsTheyRead(t *testing.T) {
	known, err := migrations(schemas.ClickHouse)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, Config{Addr: serve(t).Addr()})
	if err := s.migrate(t.Context(), known[:18]); err != nil {
		t.Fatal(err)
	}
	exec(t, s, `INSERT INTO cx.breakpoints (generation, occurred_at, breakpoint_id, position, deleted, customer_id, reason_family, detected_at, severity)
		VALUES (1, '2025-01-01 00:00:00', 'stands', 1, 0, 'c1', 'billing', '2025-01-02 00:00:00', 3), (1, '2025-01-01 00:00:00', 'gone', 1, 0, 'c1', 'billing', '2025-01-02 00:00:00', 3)`)
	exec(t, s, "INSERT INTO cx.breakpoints (generation, occurred_at, breakpoint_id, position, deleted) VALUES (1, '2025-01-01 00:00:00', 'gone', 2, 1)")
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, s, "SELECT breakpoint_id, position, retracted_at, known_of, known_at, known_family, known_severity FROM breakpoints WHERE position = 2 OR breakpoint_id = 'stands' ORDER BY position",
		"stands\t1\t\\N\tc1\t2025-01-02 00:00:00.000\tbilling\t3\n"+"gone\t2\t\\N\t\t1970-01-01 00:00:00.000\t\t0")
	expect(t, s, "SELECT breakpoint_id, customer_id FROM cx.known_breakpoints_v", "stands\tc1")
}

func TestTwoMigrateAtOnce(t *testing.T) {
	addr := serve(t).Addr()
	group, ctx := errgroup.WithContext(t.Context())
	for range 2 {
		s := open(t, Config{Addr: addr})
		group.Go(func() error { return s.Migrate(ctx) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	s := open(t, Config{Addr: addr})
	expect(t, s, "SELECT count() = uniq(version), min(version), max(version) = count() FROM schema_migrations FINAL", "1\t1\t1")
	expect(t, s, "SELECT count() FROM generation FINAL", "1")
}

// A process that dies between two statements leaves a part of a migration, not recorded: all of it runs again.
func TestEveryStatementMayRunAgain(t *testing.T) {
	s := migrated(t)
	insert(t, s, everyRow())
	exec(t, s, "TRUNCATE TABLE cx.schema_migrations")
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, s, "SELECT count() FROM journeys_v", "1")
	expect(t, s, "SELECT count() FROM generation FINAL", "1")
}

func TestMigrateRefuses(t *testing.T) {
	s := migrated(t)
	refuses := func(change, undo, want string) {
		t.Helper()
		exec(t, s, change)
		if err := s.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("after %s: got %v, want %q", change, err, want)
		}
		exec(t, s, undo)
	}
	refuses("INSERT INTO cx.schema_migrations SELECT 4000, '4000_next.sql', '', now64(3)",
		"ALTER TABLE cx.schema_migrations DELETE WHERE version = 4000 SETTINGS mutations_sync = 2", "needs a newer binary")
	refuses("INSERT INTO cx.schema_migrations SELECT 3, '0003_events.sql', 'abc', now64(3)",
		"ALTER TABLE cx.schema_migrations DELETE WHERE checksum = 'abc' SETTINGS mutations_sync = 2", "another text")
}

func TestMigrationsAreNumberedAndWellFormed(t *testing.T) {
	known, err := migrations(schemas.ClickHouse)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, Config{Addr: serve(t).Addr()})
	for _, m := range known {
		checkForCluster(t, s, m)
	}
	gap := fstest.MapFS{"clickhouse/0002_b.sql": {Data: []byte("SELECT 1;\n")}}
	if _, err := migrations(gap); err == nil {
		t.Error("a gap in the numbers was accepted")
	}
	if _, err := newMigration("0001_a.sql", "SELECT {{nothing}};\n").statements(Config{}); err == nil {
		t.Error("an unknown template word was accepted")
	}
}

// checkForCluster holds each CREATE to its form on a cluster, where an engine that is not replicated would lose rows; the
// embedded server parses it.
func checkForCluster(t *testing.T, s *Store, m migration) {
	t.Helper()
	statements, err := m.statements(Config{Database: "cx", Cluster: "everyone"})
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range statements {
		create, table := strings.Contains(sql, "CREATE "), strings.Contains(sql, "CREATE TABLE ")
		if create && !strings.Contains(sql, "ON CLUSTER 'everyone'") ||
			table && !strings.Contains(sql, "\nENGINE = ReplicatedReplacingMergeTree") || strings.Contains(sql, "DEFAULT now") {
			t.Errorf("%s: not for a cluster, or not repeatable:\n%s", m.name, sql)
		}
		var tree strings.Builder
		if err := s.http.query(t.Context(), "EXPLAIN AST "+sql, url.Values{}, &tree); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}

func TestAnotherDatabase(t *testing.T) {
	s := open(t, Config{Addr: serve(t).Addr(), Database: "elsewhere"})
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	insert(t, s, everyRow())
	expect(t, s, "SELECT count() FROM elsewhere.journeys_v", "1")
	expect(t, s, "SELECT count() FROM system.databases WHERE name = 'cx'", "0")
}

func TestEverythingHasAComment(t *testing.T) {
	s := migrated(t)
	expect(t, s, "SELECT table, column FROM data_dictionary_v WHERE meaning = '' OR table_meaning = '' ORDER BY 1, 2", "")
	expect(t, s, "SELECT count() FROM system.tables WHERE database = 'cx' AND comment = ''", "0")
	expect(t, s, "SELECT comment != '' FROM system.databases WHERE name = 'cx'", "1")
	expect(t, s, "SELECT uniq(table) = (SELECT count() FROM system.tables WHERE database = 'cx') FROM data_dictionary_v", "1")
	expect(t, s, "SELECT table, column FROM data_dictionary_v WHERE column ILIKE '%agent%'", "")
}

func TestCancelledMigrateStops(t *testing.T) {
	s := open(t, Config{Addr: serve(t).Addr()})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Migrate(ctx); err == nil {
		t.Error("a cancelled Migrate returned nil")
	}
}
