package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"parcours/pipeline"
	"parcours/pipeline/churn"
	"parcours/pipeline/event"
	"parcours/schemas"
)

// migration is one file of schemas/clickhouse.
type migration struct {
	version  uint32
	name     string // its file name
	checksum string // SHA-256 of text, in hex
	text     string // before the template is filled in
	applied  event.Instant
}

// Migrate brings the database to this binary's schema: it creates it, or applies what is missing. It refuses a database
// that a newer binary has migrated, and one whose past migrations had another text. Every statement may run again without
// harm, so two that start at once, or one that was killed, end at the same schema.
func (s *Store) Migrate(ctx context.Context) error {
	known, err := migrations(schemas.ClickHouse)
	if err != nil {
		return err
	}
	if err := s.migrate(ctx, known); err != nil {
		return err
	}
	if err := s.showKinds(ctx, pipeline.Kinds()); err != nil {
		return err
	}
	if err := s.showFeatures(ctx, churn.Words(churn.AllFeatures())); err != nil {
		return err
	}
	return s.showSnapshots(ctx)
}

// Prepare brings the tables of one server to this binary's schema, for who needs nothing else of it: see Migrate.
func Prepare(ctx context.Context, addr string) error {
	s, err := Open(ctx, Config{Addr: addr}, zerolog.Nop())
	if err != nil {
		return err
	}
	return errors.Join(s.Migrate(ctx), s.Close())
}

// ErrBehind means that the tables were made by an earlier release, and no process of this one has been started on them yet.
var ErrBehind = errors.New("the tables are of an earlier release: start `parcours up` on them once with this one, which brings them up to date")

// Migrated is ErrBehind where Migrate would have something to do.
func (s *Store) Migrated(ctx context.Context) error {
	known, err := migrations(schemas.ClickHouse)
	if err != nil {
		return err
	}
	applied, err := s.applied(ctx)
	if err != nil {
		return fmt.Errorf("read applied migrations: %w", err)
	}
	left, err := missing(known, applied, s.config.Database)
	if err == nil && len(left) > 0 && len(left) < len(known) {
		err = ErrBehind
	}
	return err
}

func (s *Store) migrate(ctx context.Context, known []migration) error {
	applied, err := s.applied(ctx)
	if err != nil {
		return fmt.Errorf("read applied migrations: %w", err)
	}
	missing, err := missing(known, applied, s.config.Database)
	if err != nil {
		return err
	}
	for _, m := range missing {
		if err := s.apply(ctx, m); err != nil {
			return fmt.Errorf("apply migration %s to database %s: %w", m.name, s.config.Database, err)
		}
		s.log.Info().Str("migration", m.name).Str("database", s.config.Database).Msg("migration applied")
	}
	return nil
}

// missing are the known migrations that were not applied, in order.
func missing(known []migration, applied map[uint32]migration, database string) ([]migration, error) {
	var todo []migration
	newest := uint32(0)
	for _, m := range known {
		past, ok := applied[m.version]
		if ok && past.checksum != m.checksum {
			return nil, fmt.Errorf("database %s had migration %s with another text (checksum %.12s, here %.12s): "+
				"this binary is not of its line; a released migration is never changed", database, past.name, past.checksum, m.checksum)
		}
		if !ok {
			todo = append(todo, m)
		}
		newest = max(newest, m.version)
	}
	for version, past := range applied {
		if version > newest {
			return nil, fmt.Errorf("database %s has migration %s, and this binary knows none after %04d: it needs a newer binary",
				database, past.name, newest)
		}
	}
	return todo, nil
}

// applied are the migrations that the database has had; none when there is no database yet.
func (s *Store) applied(ctx context.Context) (map[uint32]migration, error) {
	applied := map[uint32]migration{}
	err := s.retry(ctx, "read applied migrations", func(ctx context.Context) error {
		rows, err := s.conn.Query(ctx, "SELECT version, name, checksum FROM "+s.config.Database+".schema_migrations FINAL")
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var m migration
			if err := rows.Scan(&m.version, &m.name, &m.checksum); err != nil {
				return err
			}
			applied[m.version] = m
		}
		return rows.Err()
	})
	const unknownTable, unknownDatabase = 60, 81
	if c := code(err); c == unknownTable || c == unknownDatabase {
		return nil, nil
	}
	return applied, err
}

func (s *Store) apply(ctx context.Context, m migration) error {
	statements, err := m.statements(s.config)
	if err != nil {
		return err
	}
	for _, sql := range statements {
		if err := s.retry(ctx, "apply "+m.name, func(ctx context.Context) error { return s.conn.Exec(ctx, sql) }); err != nil {
			return err
		}
	}
	m.applied = event.InstantOf(time.Now())
	return s.insertAll(ctx, applications().blocks([]migration{m}))
}

func applications() table[migration] {
	return table[migration]{
		name: "schema_migrations", noun: "migrations",
		columns: []column[migration]{
			count32("version", func(m *migration) uint32 { return m.version }),
			text("name", func(m *migration) string { return m.name }),
			text("checksum", func(m *migration) string { return m.checksum }),
			instant("applied_at", func(m *migration) event.Instant { return m.applied }),
		},
	}
}

// statements fills the template in, for one server or a cluster, and cuts it at semicolons that end a line.
func (m migration) statements(cfg Config) ([]string, error) {
	cluster, replicated := "", ""
	if cfg.Cluster != "" {
		cluster, replicated = "ON CLUSTER '"+cfg.Cluster+"'", "Replicated"
	}
	text := strings.NewReplacer("{{database}}", cfg.Database, "{{on_cluster}}", cluster, "{{replicated}}", replicated).Replace(m.text)
	if i := strings.Index(text, "{{"); i >= 0 {
		return nil, fmt.Errorf("unknown template word at %.40q", text[i:])
	}
	var statements []string
	for sql := range strings.SplitSeq(text, ";\n") {
		if sql = strings.TrimSpace(sql); sql != "" {
			statements = append(statements, sql)
		}
	}
	return statements, nil
}

// migrations reads all files, in order; their numbers run from 1 without gaps.
func migrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "clickhouse/*.sql")
	if err != nil {
		return nil, err
	}
	var known []migration
	for i, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		m := newMigration(path.Base(name), string(text))
		if m.version != uint32(i+1) {
			return nil, fmt.Errorf("migration %s: expected number %04d", m.name, i+1)
		}
		known = append(known, m)
	}
	return known, nil
}

func newMigration(name, text string) migration {
	digits, _, _ := strings.Cut(name, "_")
	version, _ := strconv.ParseUint(digits, 10, 32)
	sum := sha256.Sum256([]byte(text))
	return migration{version: uint32(version), name: name, checksum: hex.EncodeToString(sum[:]), text: text}
}
