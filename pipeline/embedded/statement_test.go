package embedded

import (
	"strings"
	"testing"
)

func TestParseStatement(t *testing.T) {
	want := func(sql string, kind statementKind, text, format, rows string) {
		t.Helper()
		st, err := parseStatement(sql)
		if err != nil || st.kind != kind || st.text != text || st.format != format || st.rows != rows {
			t.Errorf("%q: got %+v, %v", sql, st, err)
		}
	}
	same := func(sql, format string) { t.Helper(); want(sql, plain, sql, format, "") }

	same("SELECT 1", "")
	same("SELECT 1;", "")
	same("SELECT 1 FORMAT JSON", "JSON")
	same("SELECT 1 FORMAT JSON SETTINGS max_threads = 1, a = 'x';", "JSON")
	same("SELECT 1 SETTINGS max_threads = 1 FORMAT JSON ; -- bye", "JSON")
	same("SELECT format FROM t", "")
	same("SELECT format, a FROM t", "")
	same("SELECT format SETTINGS a = 1", "")
	same("SELECT a AS format", "")
	same("SELECT ';' || \"x;\" || `;` /* ; */ # ; \n", "")
	same("SELECT $tag$ ; FORMAT $tag$, $$;$$", "")
	same(`SELECT 'it\'s; ''quoted'' \\'`, "")
	same("SELECT (SELECT 1 FORMAT JSON)", "")
	same("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", "")
	same("INSERT INTO t SELECT 1", "")
	same("INSERT INTO t (values, format) SELECT input FROM u", "")
	same("INSERT INTO t SELECT * FROM u FORMAT Null", "Null")

	want("INSERT INTO t FORMAT CSV", insertRows, "INSERT INTO t", "CSV", "")
	want("INSERT INTO t FORMAT CSV\n1;2\n\n3", insertRows, "INSERT INTO t", "CSV", "1;2\n\n3")
	want("insert into t (a, b) format csv \t\r\n\n1", insertRows, "insert into t (a, b)", "csv", "\n1")
	want("INSERT INTO t FORMAT TSV 1\t2", insertRows, "INSERT INTO t", "TSV", "1\t2")
	want("/* FORMAT x */ INSERT INTO format.values FORMAT CSV\n1", insertRows, "/* FORMAT x */ INSERT INTO format.values", "CSV", "1")
	want("INSERT INTO FUNCTION remote('h', d, t) FORMAT CSV\n1", insertRows, "INSERT INTO FUNCTION remote('h', d, t)", "CSV", "1")
	want("INSERT INTO t SETTINGS a = 1 FORMAT CSV\n1", insertRows, "INSERT INTO t SETTINGS a = 1", "CSV", "1")
	want("INSERT INTO t FORMAT CSV SETTINGS a = 1, b = 'x'\n1", insertRows, "INSERT INTO t SETTINGS a = 1, b = 'x'", "CSV", "1")
	want("INSERT INTO t VALUES (1, ';'), (2, 'FORMAT CSV')", insertValues, "INSERT INTO t VALUES (1, ';'), (2, 'FORMAT CSV')", "Values", "")
	want("INSERT INTO values VALUES (1)", insertValues, "INSERT INTO values VALUES (1)", "Values", "")
	want("INSERT INTO t VALUES ", insertRows, "INSERT INTO t ", "Values", "")
}

func TestQueryWithoutFormat(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT 1":                          "SELECT 1",
		"SELECT 1; -- x":                    "SELECT 1",
		"SELECT 1 FORMAT JSON;":             "SELECT 1 ",
		"SELECT 1 FORMAT JSON SETTINGS a=1": "SELECT 1 ",
		"SELECT format, a FROM t":           "SELECT format, a FROM t",
	} {
		if st, err := parseStatement(sql); err != nil || st.query != want {
			t.Errorf("%q: got %q, %v", sql, st.query, err)
		}
	}
}

func TestParseStatementRefuses(t *testing.T) {
	for sql, code := range map[string]int{
		"SELECT 1; SELECT 2":                                         62,
		"SELECT 1;;DROP TABLE t":                                     62,
		"DROP TABLE t; garbage":                                      62,
		"SELECT 1 INTO OUTFILE 'x'":                                  48,
		"INSERT INTO t FROM INFILE 'x'":                              48,
		"INSERT INTO t FROM INFILE 'x' FORMAT CSV":                   48,
		"INSERT INTO t SELECT * FROM input('a UInt8') FORMAT CSV\n1": 48,
	} {
		_, err := parseStatement(sql)
		if err == nil || asException(err).code != code {
			t.Errorf("%q: got %v, want code %d", sql, err, code)
		}
	}
}

// FuzzParseStatement: no text ends in a panic or loses rows.
func FuzzParseStatement(f *testing.F) {
	for _, seed := range []string{"SELECT 1", "INSERT INTO t FORMAT CSV\n1", "$a$;$a$", "'\\", "INSERT INTO a.b.c (x) VALUES (", "/*", "--", "$", "INSERT INTO t FORMAT x SETTINGS"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		st, err := parseStatement(sql)
		if err != nil {
			return
		}
		if !strings.HasSuffix(sql, st.rows) {
			t.Fatalf("rows %q do not end %q", st.rows, sql)
		}
		if st.kind == plain && st.text != sql {
			t.Fatalf("%q became %q", sql, st.text)
		}
	})
}
