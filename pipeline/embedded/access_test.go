package embedded

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// TestNoWayOut: no statement reads or writes a file or talks to another machine, however the function is spelled.
func TestNoWayOut(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("the secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := StartClickHouse(t.Context(), ClickHouseConfig{Dir: dir}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for _, sql := range []string{
		"SELECT * FROM file('" + secret + "', 'LineAsString')",
		"SELECT * FROM `file`('" + secret + "', 'LineAsString')",
		"SELECT * FROM FILE /* so */ ('" + secret + "', LineAsString)",
		"SELECT file('" + secret + "')",
		"INSERT INTO FUNCTION file('" + secret + "', 'TSV', 'x String') SELECT 'owned'",
		"CREATE TABLE f (x String) ENGINE = File(TSV, '" + secret + "')",
		"SELECT * FROM url('http://127.0.0.1:1/', 'TSV')",
		"SELECT * FROM remote('127.0.0.1:1', system.one)",
		"SELECT * FROM executable('cat', 'TSV', 'x String')",
		"BACKUP DATABASE default TO File('" + secret + "2')",
	} {
		if got := ask(t, c, sql, nil); strings.Contains(got, "the secret") || !strings.Contains(got, "ACCESS_DENIED") {
			t.Errorf("%s answered %s", sql, got)
		}
	}
	if raw, err := os.ReadFile(secret); err != nil || string(raw) != "the secret" {
		t.Errorf("the file holds %q, %v", raw, err)
	}
	if got := ask(t, c, "SELECT 'file(', count() FROM numbers(3)", nil); !strings.Contains(got, "3") {
		t.Errorf("a plain query answered %s", got)
	}
}

// TestForeignPages: a web page of another origin, or a name that was pointed here, gets no answer.
func TestForeignPages(t *testing.T) {
	c, err := StartClickHouse(t.Context(), ClickHouseConfig{Dir: t.TempDir()}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for _, headers := range []http.Header{{"Origin": {"https://evil.example"}}, {"Host": {"evil.example"}}, {"Origin": {"null"}}} {
		if got := ask(t, c, "SELECT 40 + 2", headers); strings.Contains(got, "42") {
			t.Errorf("%v was answered", headers)
		}
	}
	for _, headers := range []http.Header{nil, {"Host": {"localhost:1234"}}, {"Origin": {"http://" + c.Addr()}}} {
		if got := ask(t, c, "SELECT 40 + 2", headers); !strings.Contains(got, "42") {
			t.Errorf("%v: %s", headers, got)
		}
	}
}

func ask(t *testing.T, c *ClickHouse, sql string, headers http.Header) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+c.Addr()+"/", strings.NewReader(sql))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range headers {
		req.Header[name] = values
	}
	req.Host = headers.Get("Host")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
