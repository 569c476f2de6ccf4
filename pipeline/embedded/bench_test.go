package embedded

import (
	"fmt"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/nats-io/nats.go/jetstream"
)

const benchRows = 100_000

// BenchmarkInsert is blocks of 100,000 rows through clickhouse-go, encoding included.
func BenchmarkInsert(b *testing.B) {
	c := startClickHouse(b, ClickHouseConfig{})
	for name, compression := range map[string]*clickhouse.Compression{"none": nil, "lz4": {Method: clickhouse.CompressionLZ4}} {
		b.Run(name, func(b *testing.B) {
			conn := open(b, c, func(o *clickhouse.Options) { o.Compression = compression })
			mustExec(b, conn, "CREATE OR REPLACE TABLE "+name+" (id UInt64, at DateTime64(3,'UTC'), channel LowCardinality(String), path Array(LowCardinality(String)), v Float64) ENGINE = MergeTree ORDER BY id")
			for b.Loop() {
				insertRowsInto(b, conn, name, benchRows)
			}
			b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func BenchmarkSelectOne(b *testing.B) {
	conn := open(b, startClickHouse(b, ClickHouseConfig{}))
	for b.Loop() {
		scalar[uint8](b, conn, "SELECT 1")
	}
}

// BenchmarkSelectRows reads a million rows, decoding included.
func BenchmarkSelectRows(b *testing.B) {
	conn := open(b, startClickHouse(b, ClickHouseConfig{}))
	for b.Loop() {
		rows, err := conn.Query(b.Context(), "SELECT number, toString(number), toLowCardinality(toString(number % 10)) FROM numbers(1000000)")
		if err != nil {
			b.Fatal(err)
		}
		for rows.Next() {
		}
		if err := rows.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*1_000_000/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		c := startClickHouse(b, ClickHouseConfig{})
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPublish shows what the sync interval costs, with a thousand publishes under way at once.
func BenchmarkPublish(b *testing.B) {
	for name, cfg := range map[string]NATSConfig{
		"2m": {SyncInterval: 2 * time.Minute}, "1s": {SyncInterval: time.Second}, "100ms": {SyncInterval: 100 * time.Millisecond}, "always": {SyncAlways: true},
	} {
		b.Run(name, func(b *testing.B) {
			js, _ := stream(b, startNATS(b, cfg), jetstream.StreamConfig{})
			payload := make([]byte, 500)
			for b.Loop() {
				publishAsync(b, js, payload, 1000)
			}
			b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "msg/s")
		})
	}
}

func publishAsync(b *testing.B, js jetstream.JetStream, payload []byte, n int) {
	for i := range n {
		if _, err := js.PublishAsync(fmt.Sprintf("e.%d", i%16), payload); err != nil {
			b.Fatal(err)
		}
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-time.After(time.Minute):
		b.Fatal("not acknowledged in time")
	}
}
