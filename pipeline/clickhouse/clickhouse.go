package clickhouse

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/rs/zerolog"

	"parcours/pipeline"
)

// Store is one database in ClickHouse. Its methods may be called from many goroutines.
type Store struct {
	config  Config
	conn    driver.Conn
	http    *endpoint // nil with a native DSN and no Addr
	metrics *metrics
	log     zerolog.Logger
}

var (
	_ pipeline.Store   = (*Store)(nil)
	_ pipeline.Auditor = (*Store)(nil)
	_ pipeline.Losses  = (*Store)(nil)
)

// Open connects, over HTTP unless the DSN is a native one. While the server is away it tries again until ctx ends; a
// refusal (wrong password, not ClickHouse) is an error at once. The database need not exist: Migrate creates it.
func Open(ctx context.Context, cfg Config, log zerolog.Logger) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	opts, err := cfg.options()
	if err != nil {
		return nil, err
	}
	metrics, err := newMetrics(cfg.Metrics)
	if err != nil {
		return nil, fmt.Errorf("clickhouse: register metrics: %w", err)
	}
	conn, err := clickhouse.Open(opts)
	if err != nil {
		return nil, fmt.Errorf("clickhouse: %w", err)
	}
	s := &Store{config: cfg, conn: conn, http: newEndpoint(cfg, opts), metrics: metrics, log: log}
	if err := s.retry(ctx, "reach ClickHouse", s.Ping); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("reach ClickHouse at %s: %w", opts.Addr[0], err)
	}
	return s, nil
}

// Database is the name of the database, as it stands before the dot in SQL.
func (s *Store) Database() string { return s.config.Database }

// Conn is the driver's connection pool, for queries of one's own. It names no database: write cx.journeys_v.
func (s *Store) Conn() driver.Conn { return s.conn }

// Ping asks the server once.
func (s *Store) Ping(ctx context.Context) error { return s.conn.Ping(ctx) }

// Close ends the connections. Inserts under way fail.
func (s *Store) Close() error { return s.conn.Close() }
