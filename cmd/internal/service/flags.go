package service

import (
	"fmt"
	"os"
	"time"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"parcours/pipeline/clickhouse"
	"parcours/pipeline/ingest"
	"parcours/pipeline/nats"
)

// Common flags of every command.
type Common struct {
	Config    kong.ConfigFlag `help:"YAML file with any of these settings." placeholder:"FILE"`
	LogLevel  string          `help:"trace, debug, info, warn, error, or auto: info for services, warn for commands that end." enum:"auto,trace,debug,info,warn,error" default:"auto"`
	LogFormat string          `help:"text, json, or auto: text on a terminal." enum:"auto,text,json" default:"auto"`
}

// NATSFlags say where the log is and how it is made.
type NATSFlags struct {
	NATS            string        `name:"nats" help:"URL of NATS servers, comma-separated." placeholder:"URL"`
	Credentials     string        `name:"nats-credentials" help:"NATS .creds file." type:"existingfile" placeholder:"FILE"`
	Partitions      int           `help:"Partitions of a new log; an existing one keeps its own." default:"16"`
	Replicas        int           `name:"nats-replicas" help:"Replicas of every stream: 1 on a single server, 3 in a cluster." default:"1"`
	DuplicateWindow time.Duration `help:"How long JetStream itself drops a second copy; held in its memory." default:"2m"`
	MaxLogBytes     int64         `help:"Size at which the log is full and refuses; 0 for the disk's." default:"0"`
}

// Config for the adapter.
func (f NATSFlags) Config() nats.Config {
	c := nats.Defaults()
	c.URL, c.Credentials = f.NATS, f.Credentials
	c.Partitions, c.Replicas, c.DuplicateWindow, c.MaxBytes = f.Partitions, f.Replicas, f.DuplicateWindow, f.MaxLogBytes
	return c
}

// ClickHouseFlags say where the tables are. The password comes from a file or from PARCOURS_CLICKHOUSE_PASSWORD.
type ClickHouseFlags struct {
	ClickHouse   string `name:"clickhouse" help:"host:port of ClickHouse's HTTP interface." placeholder:"ADDR"`
	Database     string `name:"clickhouse-database" help:"Database of the tables." default:"cx"`
	User         string `name:"clickhouse-user" help:"Account on ClickHouse." placeholder:"NAME"`
	PasswordFile string `name:"clickhouse-password-file" help:"File with its password (or PARCOURS_CLICKHOUSE_PASSWORD)." type:"existingfile" placeholder:"FILE"`
	Cluster      string `name:"clickhouse-cluster" help:"Cluster name: Replicated engines, ON CLUSTER." placeholder:"NAME"`
}

// Config for the adapter.
func (f ClickHouseFlags) Config(reg prometheus.Registerer) (clickhouse.Config, error) {
	password, err := Secret(f.PasswordFile, EnvPrefix+"_CLICKHOUSE_PASSWORD")
	if err != nil {
		return clickhouse.Config{}, err
	}
	return clickhouse.Config{
		Addr: f.ClickHouse, Database: f.Database, Username: f.User, Password: password, Cluster: f.Cluster, Metrics: reg,
	}, nil
}

// DoorFlags say what the door lets in.
type DoorFlags struct {
	Keys        string        `name:"api-keys" help:"YAML file with a list of {name, key or sha256, operator}; without it no key is asked for." type:"existingfile" placeholder:"FILE"`
	Keep        string        `name:"keep-fields" help:"YAML file: CloudEvents source -> data fields kept though unknown." type:"existingfile" placeholder:"FILE"`
	MaxBody     int64         `help:"Most bytes of one request." default:"10485760"`
	MaxEvent    int           `help:"Most bytes of one event." default:"524288"`
	MaxAge      time.Duration `help:"How old an event may be when it comes; 0 for any age." default:"0s"`
	Ahead       time.Duration `help:"How far an event's time may lie ahead." default:"5m"`
	MaxRequests int64         `help:"Requests under way at once; the next is told to come again." default:"64"`
	MaxInFlight int64         `help:"Bytes of requests held in memory at once." default:"268435456"`
}

// Config for the door.
func (f DoorFlags) Config() (ingest.Config, error) {
	c := ingest.Defaults()
	c.MaxBody, c.MaxEvent, c.MaxRequests, c.MaxInFlight = f.MaxBody, f.MaxEvent, f.MaxRequests, f.MaxInFlight
	c.Ahead, c.MaxAge = f.Ahead, f.MaxAge
	if err := readYAML(f.Keys, &c.Keys); err != nil {
		return c, fmt.Errorf("api-keys: %w", err)
	}
	if f.Keys != "" && len(c.Keys) == 0 {
		return c, fmt.Errorf("api-keys: %s holds no key: expected a list of {name, key or sha256, operator}", f.Keys)
	}
	if err := readYAML(f.Keep, &c.Keep); err != nil {
		return c, fmt.Errorf("keep-fields: %w", err)
	}
	return c, c.Validate()
}

// readYAML reads a file strictly; no name, no file.
func readYAML(name string, into any) error {
	if name == "" {
		return nil
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return yaml.UnmarshalWithOptions(raw, into, yaml.Strict(), yaml.DisallowUnknownField())
}

// Logger writes to standard error; auto is the level where none is set.
func (c Common) Logger(auto zerolog.Level) zerolog.Logger {
	level, err := zerolog.ParseLevel(c.LogLevel)
	if err != nil {
		level = auto
	}
	if c.LogFormat == "json" || c.LogFormat == "auto" && !Terminal(os.Stderr) {
		return zerolog.New(os.Stderr).Level(level).With().Timestamp().Logger()
	}
	return zerolog.New(zerolog.ConsoleWriter{Out: os.Stderr, TimeFormat: time.TimeOnly}).Level(level).With().Timestamp().Logger()
}
