package embedded

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"
)

func TestClickHouseGo(t *testing.T) {
	c := startClickHouse(t, ClickHouseConfig{})
	conn := open(t, c)
	ctx := t.Context()

	t.Run("version and ping", func(t *testing.T) {
		if err := conn.Ping(ctx); err != nil {
			t.Fatal(err)
		}
		v, err := conn.ServerVersion()
		if err != nil || v.Version.Major < 26 {
			t.Fatalf("got %v, %v", v, err)
		}
	})
	t.Run("parameters", func(t *testing.T) {
		got := scalar[string](t, conn, "SELECT concat({a:String}, toString({n:UInt64}))", clickhouse.Named("a", `it's "x"`), clickhouse.Named("n", "7"))
		if got != `it's "x"7` {
			t.Fatalf("got %q", got)
		}
		if got := scalar[uint64](t, conn, "SELECT toUInt64(?) + 1", 41); got != 42 {
			t.Fatalf("got %d", got)
		}
		if err := conn.QueryRow(ctx, "SELECT {a:String}").Scan(new(string)); err == nil {
			t.Fatal("a parameter stuck to a connection")
		}
	})
	t.Run("exceptions", func(t *testing.T) {
		wantCode(t, conn.Exec(ctx, "SELECT nope"), 47)
		wantCode(t, conn.Exec(ctx, "SELEC 1"), 62)
		wantCode(t, conn.Exec(ctx, "DROP TABLE nowhere"), 60)
		wantCode(t, conn.Exec(ctx, "SELECT 1; SELECT 2"), 62)
		wantCode(t, conn.Exec(ctx, "CREATE TABLE two (a UInt8) ENGINE=Memory; garbage"), 62)
		wantCode(t, conn.Exec(ctx, "SELECT 1 INTO OUTFILE 'x'"), 48)
		wantCode(t, conn.Exec(ctx, "INSERT INTO nowhere VALUES (1)"), 60)
		_, err := conn.PrepareBatch(ctx, "INSERT INTO nowhere")
		wantCode(t, err, 60)
		if scalar[uint64](t, conn, "SELECT count() FROM system.tables WHERE name = 'two'") != 0 {
			t.Fatal("a statement before garbage ran")
		}
	})
	t.Run("exception in the middle of a result", func(t *testing.T) {
		rows, err := conn.Query(ctx, "SELECT number, throwIf(number = 3000000) FROM numbers(4000000) SETTINGS max_block_size = 10000")
		n := 0
		if err == nil {
			for rows.Next() {
				n++
			}
			err = rows.Err()
		}
		wantCode(t, err, 395)
		if n == 0 {
			t.Fatal("the result was not streamed")
		}
	})
	t.Run("database", func(t *testing.T) {
		mustExec(t, conn, "CREATE DATABASE cx")
		other := open(t, c, func(o *clickhouse.Options) { o.Auth.Database = "cx" })
		if got := scalar[string](t, other, "SELECT currentDatabase()"); got != "cx" {
			t.Fatalf("got %q", got)
		}
		if got := scalar[string](t, conn, "SELECT currentDatabase()"); got != "default" {
			t.Fatalf("a database stuck to a connection: %q", got)
		}
		_, err := clickhouse.Open(&clickhouse.Options{Addr: []string{c.Addr()}, Protocol: clickhouse.HTTP, Auth: clickhouse.Auth{Database: "none"}})
		if err != nil {
			t.Fatal(err)
		}
	})
	t.Run("settings", func(t *testing.T) {
		with := clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"max_block_size": 77, "log_comment": "it's"}))
		var size, comment string
		err := conn.QueryRow(with, "SELECT getSetting('max_block_size')::String, getSetting('log_comment')").Scan(&size, &comment)
		if err != nil || size != "77" || comment != "it's" {
			t.Fatalf("got %q, %q, %v", size, comment, err)
		}
		if got := scalar[string](t, conn, "SELECT getSetting('max_block_size')::String"); got == "77" {
			t.Fatal("a setting stuck to a connection")
		}
		wantCode(t, conn.Exec(clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"no_such": 1})), "SELECT 1"), 115)
		for name, want := range map[string]string{"async_insert": "false", "insert_deduplicate": "false"} {
			if got := scalar[string](t, conn, "SELECT getSetting('"+name+"')::String"); got != want {
				t.Fatalf("%s is %s", name, got)
			}
		}
	})
	t.Run("external table", func(t *testing.T) {
		table, err := clickhouseTable()
		if err != nil {
			t.Fatal(err)
		}
		var n, sum uint64
		with := clickhouse.Context(ctx, clickhouse.WithExternalTable(table))
		if err := conn.QueryRow(with, "SELECT count(), sum(a) FROM wanted").Scan(&n, &sum); err != nil || n != 100 || sum != 4950 {
			t.Fatalf("got %d, %d, %v", n, sum, err)
		}
	})
	t.Run("time zones", func(t *testing.T) {
		query := "SELECT toUInt8(1), toDateTime(0, {zone:String}), toDateTime(0), now('Asia/Tokyo') FROM numbers(2) SETTINGS max_block_size = 1 -- end"
		rows, err := conn.Query(ctx, query, clickhouse.Named("zone", "Europe/Amsterdam"))
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for n := 0; rows.Next() || n < 2; n++ {
			var one uint8
			var amsterdam, plain, tokyo time.Time
			if err := rows.Scan(&one, &amsterdam, &plain, &tokyo); err != nil {
				t.Fatal(err)
			}
			if amsterdam.Location().String() != "Europe/Amsterdam" || !amsterdam.Equal(time.Unix(0, 0)) || !plain.Equal(time.Unix(0, 0)) || tokyo.Location().String() != "Asia/Tokyo" {
				t.Fatalf("got %v, %v in %q, %v", amsterdam, plain, plain.Location(), tokyo)
			}
		}
	})
	t.Run("many at once", func(t *testing.T) { manyAtOnce(t, c) })
	t.Run("cancel", func(t *testing.T) {
		canceled, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		for range 12 { // more than there are connections
			_ = conn.Exec(canceled, "SELECT sum(sipHash64(number)) FROM numbers(1000000000000) SETTINGS max_execution_time = 0, max_rows_to_read = 0")
			canceled, cancel = context.WithTimeout(ctx, 100*time.Millisecond)
			defer cancel()
		}
		eventually(t, "queries killed", func() bool {
			return scalar[uint64](t, conn, "SELECT count() FROM system.processes WHERE query LIKE '%sipHash64%' AND query NOT LIKE '%processes%'") == 0
		})
	})
}

func manyAtOnce(t *testing.T, c *ClickHouse) {
	conn := open(t, c, func(o *clickhouse.Options) { o.MaxOpenConns = 40 })
	var wait sync.WaitGroup
	failures := make(chan error, 40*20)
	for i := range 40 {
		wait.Go(func() {
			for j := range 20 {
				var got uint64
				want := uint64(i*1000 + j)
				if err := conn.QueryRow(t.Context(), fmt.Sprintf("SELECT toUInt64(%d + sum(number) - sum(number)) FROM numbers(1000)", want)).Scan(&got); err != nil || got != want {
					failures <- fmt.Errorf("got %d, want %d: %w", got, want, err)
				}
			}
		})
	}
	wait.Wait()
	close(failures)
	for err := range failures {
		t.Fatal(err)
	}
}

const everyType = `(
	id UInt64, u8 UInt8, i32 Int32, f64 Float64, b Bool, s String, fs FixedString(4),
	lc LowCardinality(String), lcn LowCardinality(Nullable(String)), n Nullable(Int64), ns Nullable(String),
	d Date, d32 Date32, dt DateTime('UTC'), d64 DateTime64(3, 'UTC'), dz DateTime64(6, 'Europe/Amsterdam'),
	u UUID, ip IPv4, ip6 IPv6, dec Decimal(18, 4), e Enum8('a' = 1, 'b' = 2),
	a Array(String), alc Array(LowCardinality(String)), aa Array(Array(UInt32)), m Map(String, UInt64),
	mlc Map(LowCardinality(String), Array(String)), t Tuple(x UInt8, y String), an Array(Nullable(Float32))
) ENGINE = MergeTree ORDER BY id`

func rowOfEveryType(i int) []any {
	at := time.Date(2024, 2, 29, 12, 30, 45, 123_000_000, time.UTC).Add(time.Duration(i) * time.Minute)
	day := at.Truncate(24 * time.Hour)
	text := fmt.Sprintf("text %d \x00 é", i)
	var missing *string
	var number *int64
	if i%2 == 0 {
		missing, number = &text, ptr(int64(-i))
	}
	low := fmt.Sprintf("k%d", i%300) // more than one byte of dictionary
	return []any{
		uint64(i), uint8(i), int32(-i), float64(i) / 3, i%2 == 0, text, "abcd",
		low, missing, number, missing,
		day, day, at.Truncate(time.Second), at, at,
		uuid.NewSHA1(uuid.NameSpaceOID, []byte(text)), ip4(i), ip6(i), decimalOf(i), []string{"a", "b"}[i%2],
		[]string{text, ""}, []string{low, low, "x"}, [][]uint32{{1}, {}, {uint32(i), 2}}, map[string]uint64{"a": uint64(i)},
		map[string][]string{low: {text}, "z": {}}, []any{uint8(i), text}, []*float32{nil, ptr(float32(1.5))},
	}
}

func ptr[T any](v T) *T { return &v }

func TestRoundTrip(t *testing.T) {
	c := startClickHouse(t, ClickHouseConfig{})
	for name, compression := range map[string]*clickhouse.Compression{
		"none": nil,
		"lz4":  {Method: clickhouse.CompressionLZ4}, "zstd": {Method: clickhouse.CompressionZSTD},
		"gzip": {Method: clickhouse.CompressionGZIP, Level: 1}, "deflate": {Method: clickhouse.CompressionDeflate, Level: 1},
		"br": {Method: clickhouse.CompressionBrotli, Level: 1},
	} {
		t.Run(name, func(t *testing.T) {
			conn := open(t, c, func(o *clickhouse.Options) {
				o.Compression = compression
				o.Settings = clickhouse.Settings{"enable_http_compression": 1}
			})
			roundTrip(t, conn, "every_"+name)
		})
	}
}

func roundTrip(t *testing.T, conn clickhouse.Conn, table string) {
	const rows = 2000
	mustExec(t, conn, "CREATE TABLE "+table+" "+everyType)
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO "+table)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if err := batch.Append(rowOfEveryType(i)...); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	compareRows(t, conn, "SELECT * FROM "+table+" ORDER BY id SETTINGS max_block_size = 500", rows)
}

func compareRows(t *testing.T, conn clickhouse.Conn, query string, want int) {
	t.Helper()
	result, err := conn.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	n := 0
	for ; result.Next(); n++ {
		compareRow(t, result, rowOfEveryType(n))
	}
	if result.Err() != nil || n != want {
		t.Fatalf("got %d rows, %v", n, result.Err())
	}
}

type scannable interface {
	Scan(...any) error
	Columns() []string
}

func compareRow(t *testing.T, result scannable, want []any) {
	t.Helper()
	into := make([]any, len(want))
	for i, v := range want {
		into[i] = reflect.New(reflect.TypeOf(v)).Interface()
	}
	if err := result.Scan(into...); err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if got := reflect.ValueOf(into[i]).Elem().Interface(); !same(got, want[i]) {
			t.Fatalf("%s: got %v, want %v", result.Columns()[i], got, want[i])
		}
	}
}

func same(got, want any) bool {
	if at, ok := want.(time.Time); ok {
		return at.Equal(got.(time.Time))
	}
	return reflect.DeepEqual(got, want)
}

func TestHundredThousandRows(t *testing.T) {
	c := startClickHouse(t, ClickHouseConfig{})
	for name, compression := range map[string]*clickhouse.Compression{
		"none": nil, "lz4": {Method: clickhouse.CompressionLZ4}, "zstd": {Method: clickhouse.CompressionZSTD}, "gzip": {Method: clickhouse.CompressionGZIP, Level: 1},
	} {
		t.Run(name, func(t *testing.T) {
			conn := open(t, c, func(o *clickhouse.Options) { o.Compression = compression })
			mustExec(t, conn, "CREATE TABLE "+name+" (id UInt64, at DateTime64(3,'UTC'), channel LowCardinality(String), path Array(LowCardinality(String)), v Float64) ENGINE = MergeTree ORDER BY id")
			insertRowsInto(t, conn, name, 100_000)
			if n := scalar[uint64](t, conn, "SELECT uniqExact(id) FROM "+name); n != 100_000 {
				t.Fatalf("got %d rows", n)
			}
		})
	}
}

func insertRowsInto(t testing.TB, conn clickhouse.Conn, table string, n int) {
	t.Helper()
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO "+table)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		if err := batch.Append(uint64(i), at.Add(time.Duration(i)*time.Second), []string{"phone", "email", "chat"}[i%3], []string{"phone", "email"}, float64(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}
