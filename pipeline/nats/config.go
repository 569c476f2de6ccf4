package nats

import (
	"errors"
	"fmt"
	"time"
)

const (
	reconnectWait = 250 * time.Millisecond
	maxPartitions = 4096
)

// Config says where the streams are and how they are kept. Start from Defaults.
type Config struct {
	// URL of the servers, comma-separated; empty when an open connection is given instead. Default: empty.
	URL string `yaml:"url"`
	// Credentials is the path of a NATS .creds file; empty for none. Default: empty.
	Credentials string `yaml:"credentials"`
	// Replicas of every stream: 1 on a single server, 3 or 5 in a cluster. Default: 1.
	Replicas int `yaml:"replicas"`
	// Partitions of a new log, 1 to 4096. An existing log keeps its own. Default: 16.
	Partitions int `yaml:"partitions"`
	// DuplicateWindow is how long JetStream itself drops a second message with the same id. It is held in the server's
	// memory: keep it small, the fold knows copies for as long as its horizon. Default: 2m.
	DuplicateWindow time.Duration `yaml:"duplicate_window"`
	// MaxBytes is the size at which EVENTS is full and refuses; 0 for no limit but the disk's. Default: 0.
	MaxBytes int64 `yaml:"max_bytes"`
	// RejectedMaxAge is how long what could not be understood is kept. Default: 720h (30 days).
	RejectedMaxAge time.Duration `yaml:"rejected_max_age"`
	// RejectedMaxBytes is the size at which REJECTED is full and refuses; 0 for no limit. Default: 0.
	RejectedMaxBytes int64 `yaml:"rejected_max_bytes"`
	// KeepStreams leaves streams that exist as their operator made them, instead of giving them the settings here. Default:
	// false.
	KeepStreams bool `yaml:"keep_streams"`
	// MaxPending is how many messages may be on their way to one kind of stream without an answer. Default: 4096.
	MaxPending int `yaml:"max_pending"`
	// StallWait is how long a write waits for room among the pending ones before the log counts as busy. Default: 2s.
	StallWait time.Duration `yaml:"stall_wait"`
	// AckTimeout is how long an answer of JetStream may take before the log counts as away. Default: 10s.
	AckTimeout time.Duration `yaml:"ack_timeout"`
}

// Defaults is what a single server needs.
func Defaults() Config {
	return Config{
		Replicas:        1,
		Partitions:      16,
		DuplicateWindow: 2 * time.Minute,
		RejectedMaxAge:  30 * 24 * time.Hour,
		MaxPending:      4096,
		StallWait:       2 * time.Second,
		AckTimeout:      10 * time.Second,
	}
}

// Validate names every field that is out of its range.
func (c Config) Validate() error {
	return errors.Join(
		within("replicas", int64(c.Replicas), 1, 5),
		within("partitions", int64(c.Partitions), 1, maxPartitions),
		within("duplicate_window", int64(c.DuplicateWindow), int64(100*time.Millisecond), int64(time.Hour)),
		within("max_bytes", c.MaxBytes, 0, 1<<62),
		within("rejected_max_age", int64(c.RejectedMaxAge), int64(time.Hour), int64(10*365*24*time.Hour)),
		within("rejected_max_bytes", c.RejectedMaxBytes, 0, 1<<62),
		within("max_pending", int64(c.MaxPending), 1, 1<<20),
		within("stall_wait", int64(c.StallWait), int64(time.Millisecond), int64(time.Minute)),
		within("ack_timeout", int64(c.AckTimeout), int64(100*time.Millisecond), int64(10*time.Minute)),
	)
}

func within(field string, v, least, most int64) error {
	if v < least || v > most {
		return fmt.Errorf("nats: %s is %d, expected %d to %d", field, v, least, most)
	}
	return nil
}
