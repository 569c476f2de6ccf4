package ingest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Config says what the door lets in. Start from Defaults.
type Config struct {
	// MaxBody is the most bytes one request may carry, as sent and when decompressed. Default: 10485760 (10 MiB).
	MaxBody int64 `yaml:"max_body"`
	// MaxEvent is the most bytes of one event. Default: 524288 (512 KiB).
	MaxEvent int `yaml:"max_event"`
	// MaxEvents is the most events of one request; what follows is refused as one. Default: 50000.
	MaxEvents int `yaml:"max_events"`
	// ChunkEvents is how many events of a request go through the door at a time. Default: 1000.
	ChunkEvents int `yaml:"chunk_events"`
	// ChunkBytes is how many bytes of a request go through the door at a time. Default: 1048576 (1 MiB).
	ChunkBytes int `yaml:"chunk_bytes"`
	// MaxRequests is how many requests may be under way at once; the next is told to come again. Default: 64.
	MaxRequests int64 `yaml:"max_requests"`
	// MaxInFlight is how many bytes of requests may be held in memory at once; a compressed one counts 8 MiB more, for its
	// window. Default: 268435456 (256 MiB).
	MaxInFlight int64 `yaml:"max_in_flight"`
	// ReadTimeout is how long a sender may take over one request. Default: 1m.
	ReadTimeout time.Duration `yaml:"read_timeout"`
	// Ahead is how far the time of an event may lie ahead of ours. Default: 5m.
	Ahead time.Duration `yaml:"ahead"`
	// MaxAge is how old an event may be when it comes; 0 for any age. Default: 0.
	MaxAge time.Duration `yaml:"max_age"`
	// RetryAfter is what a sender is told to wait when the log is busy or away, in whole seconds. Default: 2s.
	RetryAfter time.Duration `yaml:"retry_after"`
	// Keys are the API keys; none means that no key is asked for (and that nobody is an operator). Default: none.
	Keys []APIKey `yaml:"keys"`
	// Keep names, by CloudEvents source, the unknown data fields that are kept; others are dropped and counted. Default: none.
	Keep map[string][]string `yaml:"keep"`
}

// APIKey lets one sender in. Exactly one of Key and SHA256 is given.
type APIKey struct {
	// Name of the sender, for logs.
	Name string `yaml:"name"`
	// Key is the secret itself; at least 16 characters.
	Key string `yaml:"key"`
	// SHA256 of the secret, 64 hexadecimal digits, so that the configuration need not hold it.
	SHA256 string `yaml:"sha256"`
	// Operator may also send system types (rules, models, links, erasures). Default: false.
	Operator bool `yaml:"operator"`
}

// Defaults is what a door needs that nobody has asked for anything else.
func Defaults() Config {
	return Config{
		MaxBody:     10 << 20,
		MaxEvent:    512 << 10,
		MaxEvents:   50_000,
		ChunkEvents: 1000,
		ChunkBytes:  1 << 20,
		MaxRequests: 64,
		MaxInFlight: 256 << 20,
		ReadTimeout: time.Minute,
		Ahead:       5 * time.Minute,
		RetryAfter:  2 * time.Second,
	}
}

// Validate names every field that is out of its range. It quotes no key.
func (c Config) Validate() error {
	errs := []error{
		within("max_body", c.MaxBody, 1, 1<<30),
		within("max_event", int64(c.MaxEvent), 1, 1<<20),
		within("max_events", int64(c.MaxEvents), 1, 10_000_000),
		within("chunk_events", int64(c.ChunkEvents), 1, 100_000),
		within("chunk_bytes", int64(c.ChunkBytes), 1, 64<<20),
		within("max_requests", c.MaxRequests, 1, 1_000_000),
		within("max_in_flight", c.MaxInFlight, c.inMemory()+zstdWindow, 1<<40),
		within("read_timeout", int64(c.ReadTimeout), int64(time.Second), int64(time.Hour)),
		within("max_age", int64(c.MaxAge), 0, int64(1<<62)),
		within("ahead", int64(c.Ahead), 0, int64(24*time.Hour)),
		within("retry_after", int64(c.RetryAfter), int64(time.Second), int64(time.Hour)),
	}
	for i, k := range c.Keys {
		errs = append(errs, k.validate(i))
	}
	return errors.Join(errs...)
}

// inMemory is the most that one request holds in memory, besides the window of its decompression.
func (c Config) inMemory() int64 { return int64(c.ChunkBytes) + 2*int64(c.MaxEvent) }

func (k APIKey) validate(i int) error {
	switch sum, err := hex.DecodeString(k.SHA256); {
	case k.Name == "":
		return fmt.Errorf("ingest: keys[%d]: no name", i)
	case (k.Key == "") == (k.SHA256 == ""):
		return fmt.Errorf("ingest: key %s: expected one of key and sha256", k.Name)
	case k.Key != "" && len(k.Key) < leastKey:
		return fmt.Errorf("ingest: key %s: expected at least %d characters", k.Name, leastKey)
	case k.SHA256 != "" && (err != nil || len(sum) != 32):
		return fmt.Errorf("ingest: key %s: expected a sha256 of 64 hexadecimal digits", k.Name)
	}
	return nil
}

const leastKey = 16

func within(field string, v, least, most int64) error {
	if v < least || v > most {
		return fmt.Errorf("ingest: %s is %d, expected %d to %d", field, v, least, most)
	}
	return nil
}

// keep is Config.Keep as the decoder wants it.
func (c Config) keep() func(source string) map[string]bool {
	if len(c.Keep) == 0 {
		return nil
	}
	all := make(map[string]map[string]bool, len(c.Keep))
	for source, fields := range c.Keep {
		all[source] = make(map[string]bool, len(fields))
		for _, f := range fields {
			all[source][f] = true
		}
	}
	return func(source string) map[string]bool { return all[source] }
}
