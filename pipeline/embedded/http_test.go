package embedded

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/compress"
)

func TestHTTP(t *testing.T) {
	c := startClickHouse(t, ClickHouseConfig{})

	t.Run("alive", func(t *testing.T) {
		for _, path := range []string{"/", "/ping", "/replicas_status"} {
			response, err := http.Get("http://" + c.Addr() + path)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(response.Body)
			response.Body.Close()
			if string(body) != "Ok.\n" {
				t.Fatalf("%s answers %q", path, body)
			}
		}
	})
	t.Run("formats", func(t *testing.T) {
		wantBody(t, get(t, c, "SELECT 1 AS a, 'x' AS b"), "1\tx\n")
		wantBody(t, get(t, c, "SELECT 1 AS a, 'x' AS b FORMAT CSVWithNames"), "\"a\",\"b\"\n1,\"x\"\n")
		wantBody(t, get(t, c, "SELECT 1 AS a FORMAT JSONEachRow;"), "{\"a\":1}\n")
		wantBody(t, post(t, c, "SELECT 1 AS a", "default_format", "JSONCompactEachRow"), "[1]\n")
		wantBody(t, do(t, c, http.MethodPost, nil, "SELECT 1 AS format", "X-ClickHouse-Format", "jsoneachrow"), "{\"format\":1}\n")
		r := get(t, c, "SELECT 1 AS a FORMAT JSON")
		if r.header.Get("Content-Type") != "application/json; charset=UTF-8" || !strings.Contains(r.body, `"rows": 1`) {
			t.Fatalf("got %v", r)
		}
		if r.header.Get("X-ClickHouse-Format") != "JSON" || r.header.Get("X-ClickHouse-Query-Id") == "" || !strings.HasPrefix(r.header.Get("X-ClickHouse-Summary"), "{") {
			t.Fatalf("headers: %v", r.header)
		}
		wantException(t, get(t, c, "SELECT 1 FORMAT NoSuch"), "73")
	})
	t.Run("formats streamed in several chunks", func(t *testing.T) {
		query := "SELECT number AS `a\"\nb`, toString(number) AS c FROM numbers(200000) WHERE number != 7 FORMAT "
		for _, format := range []string{"CSVWithNames", "CSVWithNamesAndTypes", "TSVWithNames", "TSVWithNamesAndTypes", "JSONCompactEachRowWithNamesAndTypes",
			"RowBinaryWithNames", "RowBinaryWithNamesAndTypes", "JSONEachRow", "TSKV", "MsgPack", "BSONEachRow", "PrettyNDJSON", "CSV", "RowBinary"} {
			streamed := post(t, c, query+format, "max_block_size", "20000")
			if streamed.status != 200 || streamed.body != wholeResult(t, c, query+format) {
				t.Fatalf("%s: %d bytes, status %d, differ from the whole result", format, len(streamed.body), streamed.status)
			}
		}
	})
	t.Run("insert", func(t *testing.T) { httpInserts(t, c) })
	t.Run("readonly", func(t *testing.T) {
		wantException(t, get(t, c, "CREATE TABLE r (a UInt8) ENGINE=Memory"), "164")
		wantException(t, get(t, c, "INSERT INTO csv FORMAT Values (1,'a')"), "164")
		wantException(t, post(t, c, "CREATE TABLE r (a UInt8) ENGINE=Memory", "readonly", "1"), "164")
		wantBody(t, get(t, c, "SELECT getSetting('max_threads')", "max_threads", "1"), "1\n")
		wantException(t, get(t, c, "SELECT 1 SETTINGS readonly = 0"), "164")
	})
	t.Run("one statement", func(t *testing.T) {
		wantException(t, post(t, c, "SELECT 1; SELECT 2"), "62")
		wantException(t, post(t, c, "INSERT INTO csv VALUES (1,'a'); SELECT 2"), "62")
		wantException(t, post(t, c, ""), "62")
		wantException(t, post(t, c, "  -- nothing"), "62")
		wantBody(t, post(t, c, "SELECT ';' /* ; */ -- ;\n;"), ";\n")
	})
	t.Run("query in URL and body", func(t *testing.T) {
		wantBody(t, do(t, c, http.MethodPost, values("query", "SELECT 1 +"), "41"), "42\n")
	})
	t.Run("parameters and settings", func(t *testing.T) {
		wantBody(t, get(t, c, "SELECT {a:Array(String)}, {n:Nullable(UInt8)}", "param_a", "['x','y']", "param_n", `\N`), "['x','y']\t\\N\n")
		wantBody(t, get(t, c, "SELECT {a:Identifier} FROM (SELECT 5 AS z)", "param_a", "z"), "5\n")
		wantException(t, get(t, c, "SELECT 1", "nosuch", "1"), "115")
		wantException(t, get(t, c, "SELECT 1", "max_threads", "banana"), "27")
		wantException(t, get(t, c, "SELECT 1", "a b", "1"), "115")
		wantException(t, get(t, c, "SELECT 1", "database", "nowhere"), "81")
		wantBody(t, do(t, c, http.MethodGet, values("query", "SELECT currentDatabase()"), "", "X-ClickHouse-Database", "system"), "system\n")
	})
	t.Run("users", func(t *testing.T) {
		wantBody(t, get(t, c, "SELECT 1", "user", "default", "password", ""), "1\n")
		wantException(t, get(t, c, "SELECT 1", "user", "admin"), "516")
		wantException(t, do(t, c, http.MethodGet, values("query", "SELECT 1"), "", "X-ClickHouse-Key", "secret"), "516")
		wantException(t, do(t, c, http.MethodGet, values("query", "SELECT 1"), "", "Authorization", "Basic YTpi"), "516")
	})
	t.Run("compression", func(t *testing.T) { httpCompression(t, c) })
	t.Run("wait_end_of_query", func(t *testing.T) {
		wantException(t, post(t, c, "SELECT throwIf(number = 3000000) FROM numbers(4000000)", "wait_end_of_query", "1"), "395")
	})
	t.Run("exception in the middle", func(t *testing.T) {
		r := post(t, c, "SELECT number, throwIf(number = 3000000) FROM numbers(4000000)", "max_block_size", "10000")
		tag := r.header.Get("X-ClickHouse-Exception-Tag")
		if r.status != 200 || !strings.Contains(r.body, "\r\n__exception__\r\n"+tag+"\r\nCode: 395.") || !strings.HasSuffix(r.body, "!unexpected EOF") {
			t.Fatalf("got %d, ...%q", r.status, r.body[max(0, len(r.body)-500):])
		}
	})
}

// wholeResult is a result of one block, and so of one chunk.
func wholeResult(t *testing.T, c *ClickHouse, query string) string {
	t.Helper()
	r := post(t, c, query, "max_block_size", "1000000", "max_threads", "1")
	if r.status != http.StatusOK {
		t.Fatal(r.body)
	}
	return r.body
}

func httpInserts(t *testing.T, c *ClickHouse) {
	wantBody(t, post(t, c, "CREATE TABLE csv (a UInt32, b String) ENGINE = MergeTree ORDER BY a"), "")
	count := func(want string) {
		t.Helper()
		wantBody(t, post(t, c, "SELECT count(), sum(a) FROM csv"), want+"\n")
		wantBody(t, post(t, c, "TRUNCATE TABLE csv"), "")
	}
	r := do(t, c, http.MethodPost, values("query", "INSERT INTO csv FORMAT CSV"), "1,x\n2,\"y;\n\nz\"\n")
	wantBody(t, r, "")
	if !strings.Contains(r.header.Get("X-ClickHouse-Summary"), `"written_rows":"2"`) {
		t.Fatalf("summary: %v", r.header)
	}
	count("2\t3")
	wantBody(t, post(t, c, "INSERT INTO csv (a, b) FORMAT CSV\n1,x\n2,\"\n\ny\"\n"), "")
	count("2\t3")
	wantBody(t, post(t, c, "INSERT INTO csv (a, b) SETTINGS max_threads = 1 FORMAT JSONEachRow {\"a\":5,\"b\":\"FORMAT\"}"), "")
	count("1\t5")
	wantBody(t, post(t, c, "INSERT INTO default.csv FORMAT CSV SETTINGS format_csv_delimiter = '|'\n7|x\n"), "")
	count("1\t7")
	wantBody(t, post(t, c, "INSERT INTO csv VALUES (1, 'a;b'), ({n:UInt32}, 'c')", "param_n", "9"), "")
	count("2\t10")
	wantBody(t, do(t, c, http.MethodPost, values("query", "INSERT INTO csv VALUES"), "(1,'x'),(3,'y')"), "")
	count("2\t4")
	wantBody(t, post(t, c, "INSERT INTO csv SELECT number, 'x' FROM numbers(10)"), "")
	count("10\t45")
	wantException(t, post(t, c, "INSERT INTO csv SELECT x + 1, 'i' FROM input('x UInt32') FORMAT CSV\n1\n2\n"), "48")
	wantBody(t, post(t, c, "INSERT INTO csv VALUES "), "")
	wantBody(t, do(t, c, http.MethodPost, values("query", "INSERT INTO csv FORMAT CSV"), ""), "")
	count("0\t0")
	wantBody(t, do(t, c, http.MethodPost, values("query", "INSERT INTO csv FORMAT TSV"), strings.Repeat("1\tlong enough to fill buffers\n", 200_000)), "")
	count("200000\t200000")
	wantBody(t, post(t, c, "INSERT INTO csv FORMAT TSV\n"+strings.Repeat("1\tlong enough to fill buffers\n", 200_000)), "")
	count("200000\t200000")
	wantException(t, do(t, c, http.MethodPost, values("query", "INSERT INTO csv FORMAT CSV"), "1,x\nbanana,y\n"), "27")
	wantException(t, do(t, c, http.MethodPost, values("query", "INSERT INTO csv FORMAT CSV"), strings.Repeat("1,x\n", 1_000_000)+"banana,y\n"), "27")
	post(t, c, "TRUNCATE TABLE csv")
	brokenInsert(t, c)
	count("0\t0")
}

// brokenInsert leaves in the middle of the rows.
func brokenInsert(t *testing.T, c *ClickHouse) {
	t.Helper()
	conn, err := net.Dial("tcp", c.Addr())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /?query=INSERT+INTO+csv+FORMAT+CSV HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n1,x\n2,y\n")
	conn.Close()
	eventually(t, "the insert is gone", func() bool {
		return post(t, c, "SELECT count() FROM system.processes WHERE query LIKE 'INSERT%'").body == "0\n"
	})
}

func httpCompression(t *testing.T, c *ClickHouse) {
	r := do(t, c, http.MethodPost, values("enable_http_compression", "1"), "SELECT 'hello'", "Accept-Encoding", "gzip;q=1.0, identity")
	reader, err := gzip.NewReader(strings.NewReader(r.body))
	if err != nil || r.header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("%v %v", err, r)
	}
	if body, _ := io.ReadAll(reader); string(body) != "hello\n" {
		t.Fatalf("got %q", body)
	}
	for _, encoding := range []string{"gzip", "deflate", "br", "zstd", "lz4"} {
		var packed bytes.Buffer
		w, err := newEncoder(encoding, &packed)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, "SELECT 'packed'")
		w.Close()
		wantBody(t, do(t, c, http.MethodPost, nil, packed.String(), "Content-Encoding", encoding), "packed\n")
	}
	r = post(t, c, "SELECT 'blocks'", "compress", "1")
	if body, err := io.ReadAll(compress.NewReader(strings.NewReader(r.body))); string(body) != "blocks\n" {
		t.Fatalf("got %q, %v", body, err)
	}
	writer := compress.NewWriter(compress.LevelZero, compress.ZSTD)
	if err := writer.Compress([]byte("SELECT 'in blocks'")); err != nil {
		t.Fatal(err)
	}
	wantBody(t, do(t, c, http.MethodPost, values("decompress", "1"), string(writer.Data)), "in blocks\n")
	wantException(t, do(t, c, http.MethodPost, values("decompress", "1"), "garbage"), "36")
	wantException(t, do(t, c, http.MethodPost, nil, "garbage", "Content-Encoding", "gzip"), "36")
	wantException(t, do(t, c, http.MethodPost, nil, "garbage", "Content-Encoding", "nonsense"), "48")
}

func TestSessions(t *testing.T) {
	c := startClickHouse(t, ClickHouseConfig{Sessions: 3, Connections: 2})
	in := func(id, query string, pairs ...string) reply {
		t.Helper()
		return post(t, c, query, append([]string{"session_id", id}, pairs...)...)
	}
	wantException(t, in("a", "SELECT 1", "session_check", "1"), "372")
	wantBody(t, in("a", "CREATE TEMPORARY TABLE mine (a UInt8)"), "")
	wantBody(t, in("a", "INSERT INTO mine VALUES (1), (2)"), "")
	wantBody(t, in("a", "INSERT INTO mine FORMAT CSV\n3\n"), "")
	wantBody(t, in("a", "SELECT sum(a) FROM mine", "session_check", "1"), "6\n")
	wantException(t, in("b", "SELECT sum(a) FROM mine"), "60")
	wantException(t, post(t, c, "SELECT sum(a) FROM mine"), "60")

	wantBody(t, in("a", "SET max_block_size = 55, log_comment = 'kept'"), "")
	wantBody(t, in("a", "USE system"), "")
	wantBody(t, in("a", "SELECT getSetting('max_block_size'), getSetting('log_comment'), currentDatabase()"), "55\tkept\tsystem\n")
	wantBody(t, in("a", "SELECT getSetting('max_block_size'), getSetting('log_comment'), getSetting('max_threads'), currentDatabase()",
		"max_block_size", "66", "max_threads", "1", "database", "default"), "66\tkept\t1\tdefault\n")
	wantBody(t, in("a", "SELECT getSetting('max_block_size'), getSetting('log_comment'), currentDatabase(), (SELECT changed FROM system.settings WHERE name = 'max_threads')"), "55\tkept\tsystem\t0\n")
	wantException(t, in("a", "SELECT 1", "max_threads", "banana"), "27")
	wantBody(t, in("a", "SELECT getSetting('max_block_size')"), "55\n")

	read := func(query string) reply { return get(t, c, query, "session_id", "a") }
	wantBody(t, read("SELECT sum(a) FROM mine"), "6\n")
	wantException(t, read("CREATE TABLE default.nope (a UInt8) ENGINE=Memory"), "164")
	wantBody(t, in("a", "CREATE TABLE default.yes (a UInt8) ENGINE=Memory"), "")

	wantBody(t, in("c", "SELECT 1"), "1\n")
	wantException(t, in("d", "SELECT 1"), "429")
	wantBody(t, in("c", "SELECT 1", "close_session", "1"), "1\n")
	wantBody(t, in("d", "SELECT 1", "session_timeout", "1"), "1\n")
	eventually(t, "session d expires", func() bool {
		return in("d", "SELECT 1", "session_check", "1", "session_timeout", "0").code() == "372"
	})
	sessionLocked(t, c)
}

func sessionLocked(t *testing.T, c *ClickHouse) {
	leave := endless(t, c, "session_id", "a")
	eventually(t, "session a is in use", func() bool { return post(t, c, "SELECT 1", "session_id", "a").code() == "373" })
	leave()
	eventually(t, "session a is free again", func() bool { return post(t, c, "SELECT sum(a) FROM mine", "session_id", "a").body == "6\n" })
}

// endless runs a query without end until the client leaves, and again if it was refused.
func endless(t *testing.T, c *ClickHouse, pairs ...string) (leave func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.Addr()+"/?"+values(pairs...).Encode(), strings.NewReader("SELECT sum(sipHash64(number)) FROM system.numbers"))
			if err != nil {
				return
			}
			if response, err := http.DefaultClient.Do(request); err == nil {
				response.Body.Close()
			}
		}
	}()
	return func() { cancel(); <-ended }
}

func TestQueue(t *testing.T) {
	c := startClickHouse(t, ClickHouseConfig{Connections: 1, QueueTimeout: 200 * time.Millisecond})
	leave := endless(t, c)
	eventually(t, "the only connection is taken", func() bool {
		r := post(t, c, "SELECT 1")
		return r.status == http.StatusServiceUnavailable && r.code() == "202"
	})
	leave()
	eventually(t, "the connection is free", func() bool { return post(t, c, "SELECT 1").body == "1\n" })
}

func TestSlowReaderBoundsMemory(t *testing.T) {
	c := startClickHouse(t, ClickHouseConfig{})
	response, err := http.Post("http://"+c.Addr(), "", strings.NewReader("SELECT number, repeat('x', 100) FROM numbers(100000000)"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, response.Body, 64<<20); err != nil {
		t.Fatal(err)
	}
	r := post(t, c, "SELECT peak_memory_usage < 200000000 FROM system.processes WHERE query LIKE '%repeat%' AND query NOT LIKE '%processes%'")
	wantBody(t, r, "1\n")
	response.Body.Close()
	eventually(t, "the query ends with its reader", func() bool {
		return post(t, c, "SELECT count() FROM system.processes").body == "1\n"
	})
}
