package clickhouse

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"parcours/pipeline"
	"parcours/pipeline/embedded"
	"parcours/pipeline/embedded/prepared"
	"parcours/pipeline/event"
)

func TestMain(m *testing.M) {
	os.Exit(prepared.Main(m))
}

// serve starts ClickHouse for one test, without tables.
func serve(t testing.TB) *embedded.ClickHouse {
	t.Helper()
	return prepared.Serve(t, t.TempDir())
}

// open gives a store that is not migrated.
func open(t testing.TB, cfg Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// migrated gives a store of its own on a server of its own.
func migrated(t testing.TB) *Store {
	t.Helper()
	return open(t, Config{Addr: prepared.Start(t, Prepare).Addr()})
}

func insert(t testing.TB, s *Store, rows *pipeline.Rows) {
	t.Helper()
	if err := s.Insert(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
}

func exec(t testing.TB, s *Store, sql string) {
	t.Helper()
	if err := s.Conn().Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// read gives the answer of a query as tab-separated lines.
func read(t testing.TB, s *Store, sql string) string {
	t.Helper()
	var answer strings.Builder
	if err := s.Query(t.Context(), sql, "", &answer, true, nil); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return strings.TrimSuffix(answer.String(), "\n")
}

func expect(t testing.TB, s *Store, sql, want string) {
	t.Helper()
	if got := read(t, s, sql); got != want {
		t.Errorf("%s:\ngot  %q\nwant %q", sql, got, want)
	}
}

// at is a time of the year 2025.
func at(month, day, hour int) event.Instant {
	return event.InstantOf(time.Date(2025, time.Month(month), day, hour, 0, 0, 0, time.UTC))
}

func contactEnded(id string, when event.Instant) *event.Event {
	resolved, talk := true, 125.5
	return &event.Event{
		ID: id, Source: "crm", Type: event.ContactEnded, At: when,
		Data: event.Data{
			Customer: "c1", Contact: "k1", Direction: event.In, Channel: event.Phone, Reason: "billing.dispute",
			Silo: "customer_service", Unit: "north", Agent: "agent-7", Resolved: &resolved, TalkS: &talk,
		},
	}
}

func journey(id string, keyTime event.Instant, position uint64) pipeline.JourneyRow {
	return pipeline.JourneyRow{
		JourneyID: id, KeyTime: keyTime, Position: position, CustomerID: "c1", ReasonFamily: "billing", Reason: "billing.dispute",
		StartedAt: keyTime, LastEventAt: keyTime, Outcome: "open", Steps: 1, CutReason: "first",
	}
}

func TestOpenWaitsOnlyWhileTheServerIsAway(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := Open(ctx, Config{Addr: "127.0.0.1:1"}, zerolog.Nop())
	if err == nil || ctx.Err() == nil {
		t.Errorf("Open gave up before its context ended: %v", err)
	}
	if _, err := Open(t.Context(), Config{Addr: "nowhere"}, zerolog.Nop()); err == nil {
		t.Error("an address without a port was accepted")
	}
}

func TestConfigNamesWhatCannotWork(t *testing.T) {
	check := func(cfg Config, want string) {
		t.Helper()
		err := cfg.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", fmt.Sprintf("%+v", cfg), err, want)
		}
	}
	check(Config{}, "")
	check(Config{DSN: "http://u:p@h:8123/cx"}, "")
	check(Config{DSN: "clickhouse://u:p@h:9000", Addr: "h:8123"}, "")
	check(Config{Database: "c x"}, `database "c x"`)
	check(Config{Addr: "h"}, "host:port")
	check(Config{Cluster: "a'b"}, "cluster")
	check(Config{DSN: "http://h:8123/other"}, `database "other"`)
	check(Config{DSN: "http://h:8123", Username: "u"}, "stand in the dsn")
}

func TestQueryStreamsAnyFormat(t *testing.T) {
	s := migrated(t)
	var answer strings.Builder
	sql := "SELECT position FROM rejected_v WHERE reason = {why:String} UNION ALL SELECT 7"
	if err := s.Query(t.Context(), sql, "JSONEachRow", &answer, true, map[string]string{"why": "x"}); err != nil {
		t.Fatal(err)
	}
	if got := answer.String(); got != "{\"position\":7}\n" && got != "{\"position\":\"7\"}\n" {
		t.Errorf("got %q", got)
	}
	if err := s.Query(t.Context(), "DROP TABLE rejected", "", &answer, true, nil); err == nil {
		t.Error("a read-only query dropped a table")
	}
	err := s.Query(t.Context(), "SELECT nothing_of_the_kind", "", &answer, true, nil)
	if err == nil || !strings.Contains(err.Error(), "nothing_of_the_kind") {
		t.Errorf("the error does not say what was wrong: %v", err)
	}
	late := "SELECT throwIf(number = 3000000) FROM numbers(4000000) SETTINGS max_block_size = 10000"
	if err := s.Query(t.Context(), late, "", &answer, true, nil); err == nil {
		t.Error("an error in the middle of an answer was not seen")
	}
}
