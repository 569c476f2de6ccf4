package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/rs/zerolog"
)

func TestMain(m *testing.M) {
	RunChild()
	runHelper()
	os.Exit(m.Run())
}

func testLog(t testing.TB) zerolog.Logger {
	return zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel)
}

// startClickHouse runs a server of its own for a test. A missing library fails the test: it is never skipped.
func startClickHouse(t testing.TB, cfg ClickHouseConfig) *ClickHouse {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	c, err := StartClickHouse(t.Context(), cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func open(t testing.TB, c *ClickHouse, change ...func(*clickhouse.Options)) driver.Conn {
	t.Helper()
	options := &clickhouse.Options{Addr: []string{c.Addr()}, Protocol: clickhouse.HTTP, MaxOpenConns: 16}
	for _, f := range change {
		f(options)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func mustExec(t testing.TB, conn driver.Conn, query string, args ...any) {
	t.Helper()
	if err := conn.Exec(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func scalar[T any](t testing.TB, conn driver.Conn, query string, args ...any) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func wantCode(t testing.TB, err error, code int32) {
	t.Helper()
	var e *clickhouse.Exception
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("got %v, want exception %d", err, code)
	}
}

// eventually polls until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline.C:
			t.Fatalf("not in time: %s", what)
		case <-tick.C:
		}
	}
}

// reply is what plain HTTP got.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) code() string { return r.header.Get("X-ClickHouse-Exception-Code") }

func do(t testing.TB, c *ClickHouse, method string, values url.Values, body string, header ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+c.Addr()+"/?"+values.Encode(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	client := http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		content = append(content, "!"+err.Error()...)
	}
	return reply{response.StatusCode, response.Header, string(content)}
}

func post(t testing.TB, c *ClickHouse, query string, pairs ...string) reply {
	t.Helper()
	return do(t, c, http.MethodPost, values(pairs...), query)
}

func get(t testing.TB, c *ClickHouse, query string, pairs ...string) reply {
	t.Helper()
	v := values(pairs...)
	v.Set("query", query)
	return do(t, c, http.MethodGet, v, "")
}

func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

func wantBody(t testing.TB, r reply, want string) {
	t.Helper()
	if r.status != http.StatusOK || r.body != want {
		t.Fatalf("got %d %q, want %q", r.status, r.body, want)
	}
}

func wantException(t testing.TB, r reply, code string) {
	t.Helper()
	if r.status == http.StatusOK || r.code() != code || !strings.HasPrefix(r.body, "Code: "+code+".") {
		t.Fatalf("got %d, code %q, %q; want exception %s", r.status, r.code(), r.body, code)
	}
}

const helperArgument = "__embedded_test_parent"

// runHelper is the parent that TestOrphan kills: it starts ClickHouse, says where, and waits to be killed.
func runHelper() {
	if len(os.Args) < 3 || os.Args[1] != helperArgument {
		return
	}
	c, err := StartClickHouse(context.Background(), ClickHouseConfig{Dir: os.Args[2]}, zerolog.Nop())
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(c.PID(), c.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}
