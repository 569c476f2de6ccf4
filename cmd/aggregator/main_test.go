package main

import (
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/embedded"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
)

// asCommand makes the test binary behave as the aggregator: tests start it as a process of its own, which can be killed.
const asCommand = "PARCOURS_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	embedded.RunChild()
	if os.Getenv(asCommand) != "" {
		os.Exit(service.Main(&CLI{}, "aggregator", "", os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestServe: against a NATS and a ClickHouse elsewhere, what is in the log becomes rows; SIGTERM ends it with 0.
func TestServe(t *testing.T) {
	log, err := embedded.StartNATS(embedded.NATSConfig{Dir: t.TempDir()}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	tables, err := embedded.StartClickHouse(t.Context(), embedded.ClickHouseConfig{Dir: t.TempDir()}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tables.Close() }()
	appendOne(t, log)
	args := []string{"--nats", log.URL(), "--clickhouse", tables.Addr(), "--clickhouse-database", "other", "--listen", "127.0.0.1:0"}
	code := make(chan int, 1)
	go func() { code <- service.Main(&CLI{}, "aggregator", "", args, io.Discard, io.Discard) }()
	wait(t, tables.Addr())
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if c := <-code; c != service.Done {
		t.Errorf("exit %d", c)
	}
}

func appendOne(t *testing.T, log *embedded.NATS) {
	t.Helper()
	config := nats.Defaults()
	config.URL = log.URL()
	bus, err := nats.Connect(config, zerolog.Nop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	if _, err := bus.Provision(t.Context(), nats.ModeLog); err != nil {
		t.Fatal(err)
	}
	e := event.Event{ID: "1", Source: "/a", Type: event.ContactStarted, At: 1_772_000_000_000, Home: "h"}
	out := bus.Append(t.Context(), []pipeline.Entry{{
		MsgID: "1", Partition: 1, Channel: "phone", Family: "contact", Type: e.Type, Body: event.AppendLog(nil, &e),
	}})
	if out[0].Err != nil {
		t.Fatal(out[0].Err)
	}
}

// wait until the journey is there.
func wait(t *testing.T, addr string) {
	t.Helper()
	store, err := clickhouse.Open(t.Context(), clickhouse.Config{Addr: addr, Database: "other"}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	deadline, again := time.After(20*time.Second), time.NewTicker(20*time.Millisecond)
	defer again.Stop()
	for {
		var n uint64
		err := store.Conn().QueryRow(t.Context(), "SELECT count() FROM other.journeys_v").Scan(&n)
		if err == nil && n == 1 {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%d journeys, %v", n, err)
		case <-again.C:
		}
	}
}
