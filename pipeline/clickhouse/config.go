package clickhouse

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// Config says where ClickHouse is. The zero value is a server on this machine without a password.
type Config struct {
	// Addr is host:port of the HTTP interface. Default 127.0.0.1:8123.
	Addr string `yaml:"addr"`
	// DSN takes the place of Addr, Username and Password where TLS, several hosts or the native protocol are needed:
	// http://, https:// or clickhouse:// (native) with user:password@host:port and ?setting=value. Default none. With a
	// native DSN, Addr is still what Query uses.
	DSN string `yaml:"dsn"`
	// Database holds the tables; letters, digits and underscores. Default cx.
	Database string `yaml:"database"`
	// Username and Password are the account on the server. Default none: the server's own default user.
	Username string `yaml:"username"`
	Password string `yaml:"password"`
	// Cluster is the one setting of the engine. Default "": one server, engines of the MergeTree family. A name: every
	// statement of a migration runs ON CLUSTER of that name, with the Replicated engines at their default paths (one
	// shard, any number of replicas).
	Cluster string `yaml:"cluster"`
	// Metrics is where the store registers what it counts. Default none.
	Metrics prometheus.Registerer `yaml:"-"`
}

const (
	defaultAddr     = "127.0.0.1:8123"
	defaultDatabase = "cx"
)

// Defaults is a server on this machine; the zero Config means the same.
func Defaults() Config { return Config{}.withDefaults() }

func (c Config) withDefaults() Config {
	if c.Addr == "" && c.DSN == "" {
		c.Addr = defaultAddr
	}
	if c.Database == "" {
		c.Database = defaultDatabase
	}
	return c
}

// Validate names the first field that cannot work; it never repeats a password.
func (c Config) Validate() error {
	c = c.withDefaults()
	name := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	if !name.MatchString(c.Database) {
		return fmt.Errorf("clickhouse: database %q: letters, digits and underscores, a letter first", c.Database)
	}
	if c.Cluster != "" && strings.ContainsAny(c.Cluster, "'\\\n") {
		return fmt.Errorf("clickhouse: cluster %q: no quotes, backslashes or line ends", c.Cluster)
	}
	if c.Addr != "" {
		if _, _, err := net.SplitHostPort(c.Addr); err != nil {
			return fmt.Errorf("clickhouse: addr %q: expected host:port: %w", c.Addr, err)
		}
	}
	_, err := c.options()
	return err
}

// options are those of the driver. Its connections name no database: there may be none yet, so all SQL here says which.
func (c Config) options() (*clickhouse.Options, error) {
	if c.DSN == "" {
		return &clickhouse.Options{
			Protocol: clickhouse.HTTP,
			Addr:     []string{c.Addr},
			Auth:     clickhouse.Auth{Username: c.Username, Password: c.Password},
		}, nil
	}
	if c.Username != "" || c.Password != "" {
		return nil, errors.New("clickhouse: username and password stand in the dsn when there is one")
	}
	opts, err := clickhouse.ParseDSN(c.DSN)
	if err != nil {
		return nil, fmt.Errorf("clickhouse: dsn: %w", err)
	}
	if opts.Auth.Database != "" && opts.Auth.Database != c.Database {
		return nil, fmt.Errorf("clickhouse: the dsn names database %q, the config %q", opts.Auth.Database, c.Database)
	}
	opts.Auth.Database = ""
	return opts, nil
}
