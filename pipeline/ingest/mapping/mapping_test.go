package mapping_test

import (
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parcours/pipeline/event"
	"parcours/pipeline/ingest/mapping"
)

// page is a mapping with a case, an activity and whatever a test adds.
func page(more string) string {
	return "source: /t\ntime: {column: at}\ndata:\n  case: {column: case}\n  activity: {column: act}\n" + more
}

func load(t *testing.T, document string) *mapping.Mapping {
	t.Helper()
	m, err := mapping.Load([]byte(document))
	if err != nil {
		t.Fatalf("load:\n%s\n%v", document, err)
	}
	return m
}

func loadExample(t *testing.T, name string) *mapping.Mapping {
	t.Helper()
	document, err := os.ReadFile(filepath.Join("..", "..", "..", "examples", name))
	if err != nil {
		t.Fatal(err)
	}
	return load(t, string(document))
}

func unpacked(t *testing.T, r io.Reader, name string) string {
	t.Helper()
	in, err := mapping.Open(r, name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	all, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

// rowsOf reads a file to its end.
func rowsOf(t *testing.T, m *mapping.Mapping, file string) (rows []mapping.Row) {
	t.Helper()
	for row, err := range m.Rows(strings.NewReader(file)) {
		if err != nil {
			t.Fatal(err)
		}
		if (row.Body == nil) == (row.Refusal == nil) || row.Source != m.Source() || row.Number < 1 {
			t.Fatalf("row %+v is neither an event nor refused, or both", row)
		}
		rows = append(rows, row)
	}
	return rows
}

// eventsOf maps a file of which no row may be refused, here or at the door.
func eventsOf(t *testing.T, m *mapping.Mapping, file string) (events []event.Event) {
	t.Helper()
	for _, row := range rowsOf(t, m, file) {
		if row.Refusal != nil {
			t.Fatal(row.Refusal)
		}
		e, dropped, refusal := event.Decode(row.Body, event.Limits{Now: math.MaxInt64 / 2})
		if refusal != nil || len(dropped) > 0 {
			t.Fatalf("row %d: %v, dropped %v: %s", row.Number, refusal, dropped, row.Body)
		}
		if e.At != row.At {
			t.Fatalf("row %d says %s, its event %s", row.Number, row.At, e.At)
		}
		events = append(events, e)
	}
	return events
}

func one(t *testing.T, document, file string) event.Event {
	t.Helper()
	events := eventsOf(t, load(t, document), file)
	if len(events) != 1 {
		t.Fatalf("%d events, want 1", len(events))
	}
	return events[0]
}

func refusal(t *testing.T, document, file string) mapping.Refusal {
	t.Helper()
	rows := rowsOf(t, load(t, document), file)
	if len(rows) != 1 || rows[0].Refusal == nil {
		t.Fatalf("rows %+v, want one that is refused", rows)
	}
	return *rows[0].Refusal
}

func TestRowBecomesEvent(t *testing.T) {
	e := one(t, page(""), "act,case,at\nPay,C1,2026-01-05T09:00:00+01:00\n")
	equal(t, "id", e.ID, "row-000000001")
	equal(t, "source", e.Source, "/t")
	equal(t, "type", e.Type, event.StepPerformed)
	equal(t, "sequence", e.Sequence, "000000000001")
	equal(t, "time", e.At.String(), "2026-01-05T08:00:00.000Z")
	equal(t, "case", e.Data.Case, "C1")
	equal(t, "activity", e.Data.Activity, "Pay")
}

func TestRowsAreSortedByTimeThenRow(t *testing.T) {
	file := "act,case,at\nc,1,2026-01-05T09:00:02Z\na,1,2026-01-05T09:00:00Z\nb,1,2026-01-05T09:00:00Z\na,1,2026-01-05T09:00:00Z\n"
	order := func(more string) (s string) {
		for _, row := range rowsOf(t, load(t, page(more)), file) {
			s += string(rune('0' + row.Number))
		}
		return s
	}
	equal(t, "sorted", order(""), "2341")
	equal(t, "sort: true", order("sort: true"), "2341")
	equal(t, "sort: false", order("sort: false"), "1234")
}

func TestIdenticalRowsAreTwoEvents(t *testing.T) {
	events := eventsOf(t, load(t, page("")), "at,case,act\n2026-01-05T09:00:00Z,1,x\n2026-01-05T09:00:00Z,1,x\n")
	equal(t, "events", len(events), 2)
	equal(t, "first", events[0].ID, "row-000000001")
	equal(t, "second", events[1].ID, "row-000000002")
}

func TestEveryFieldOfTheEvent(t *testing.T) {
	document := `
source: /t
type: contact.ended
subject: {column: c}
id: {column: id}
time: {column: at}
data:
  contact: K1
  direction: in
  channel: phone
  reason: {column: why, lower: true, trim: true}
  resolved: {column: ok, values: {oui: true, non: false}}
  wait_s: {column: w}
  due: {column: at}
  products: {column: list, split: ";"}
  identifiers:
    phone: {column: tel}
    customer: {column: who}
`
	e := one(t, document, "c,id,at,why,ok,w,list,tel,who\nS1,x-1,2026-01-05T09:00:00Z, Billing.Dispute ,oui,12.5,a; b ;,,42\n")
	equal(t, "subject", e.Subject, "S1")
	equal(t, "id", e.ID, "x-1")
	equal(t, "reason", e.Data.Reason, "billing.dispute")
	equal(t, "resolved", *e.Data.Resolved, true)
	equal(t, "wait", *e.Data.WaitS, 12.5)
	equal(t, "due", e.Data.Due, e.At)
	equal(t, "products", strings.Join(e.Data.Products, "|"), "a|b")
	equal(t, "customer", e.Data.Identifiers.Get("customer"), "42")
	equal(t, "identifiers", len(e.Data.Identifiers), 1)
}

func TestValueRules(t *testing.T) {
	for _, c := range []struct{ name, rule, cell, want string }{
		{"as it is", "{column: x}", "A b", "A b"},
		{"empty is absent", "{column: x}", "", ""},
		{"absent by name", "{column: x, absent: [EMPTY, n/a]}", "EMPTY", ""},
		{"absent after trim", "{column: x, trim: true, absent: [EMPTY]}", " EMPTY ", ""},
		{"translated", "{column: x, values: {A: B}}", "A", "B"},
		{"not in the table", "{column: x, values: {A: B}}", "C", "C"},
		{"default for the unknown", "{column: x, values: {A: B}, default: D}", "C", "D"},
		{"default for the empty", "{column: x, default: D}", "", "D"},
		{"default is not for the known", "{column: x, default: D}", "C", "C"},
		{"numbers are text in a table", "{column: x, values: {1: 2, no: yes}}", "1", "2"},
		{"words are text in a table", "{column: x, values: {1: 2, no: yes}}", "no", "yes"},
		{"quoted keys", `{column: x, values: {"a: b": c}}`, "a: b", "c"},
		{"to nothing", `{column: x, values: {A: ""}}`, "A", ""},
		{"nothing to something", `{column: x, values: {"": none}}`, "", "none"},
		{"constant", "fixed", "A", "fixed"},
		{"constant in full", "{const: fixed}", "A", "fixed"},
		{"constant number", "12", "A", "12"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := one(t, page("  unit: "+c.rule+"\n"), "at,case,act,x\n2026-01-05T09:00:00Z,1,a,\""+c.cell+"\"\n")
			equal(t, "unit", e.Data.Unit, c.want)
		})
	}
}

func TestTypeFromAColumn(t *testing.T) {
	typed := func(rule, cell string) string {
		return one(t, page("type: "+rule), "at,case,act\n2026-01-05T09:00:00Z,1,"+cell+"\n").Type
	}
	equal(t, "known", typed("{column: act, values: {Close: case.closed}, default: step.performed}", "Close"), event.CaseClosed)
	equal(t, "default", typed("{column: act, values: {Close: case.closed}, default: step.performed}", "Other"), event.StepPerformed)
	equal(t, "as it is", typed("{column: act}", "case.opened"), event.CaseOpened)
	r := refusal(t, page("type: {column: act, values: {Close: case.closed}}"), "at,case,act\n2026-01-05T09:00:00Z,1,secret\n")
	equal(t, "field", r.Field, "type")
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct{ name, more, header, row, field string }{
		{"no time", "", "at,case,act", ",1,secret", "time"},
		{"bad time", "", "at,case,act", "secret,1,a", "time"},
		{"bad number", "  wait_s: {column: w}", "at,case,act,w", "2026-01-05T09:00:00Z,1,a,secret", "data.wait_s"},
		{"bad flag", "  resolved: {column: w}", "at,case,act,w", "2026-01-05T09:00:00Z,1,a,secret", "data.resolved"},
		{"bad channel", "  channel: {column: w}", "at,case,act,w", "2026-01-05T09:00:00Z,1,a,secret", "data.channel"},
		{"bad direction", "  direction: {column: w}", "at,case,act,w", "2026-01-05T09:00:00Z,1,a,secret", "data.direction"},
		{"bad due", "  due: {column: w}", "at,case,act,w", "2026-01-05T09:00:00Z,1,a,secret", "data.due"},
		{"no id", "id: {column: w}", "at,case,act,w", "2026-01-05T09:00:00Z,1,secret,", "id"},
		{"too few cells", "", "at,case,act", "2026-01-05T09:00:00Z,secret", ""},
		{"too many cells", "", "at,case,act", "2026-01-05T09:00:00Z,1,a,secret", ""},
		{"stray quote", "", "at,case,act", "2026-01-05T09:00:00Z,1,sec\"ret", ""},
		{"open quote", "", "at,case,act", "2026-01-05T09:00:00Z,1,\"secret\n2026-01-05T09:00:00Z,1,secret", ""},
		{"not UTF-8", "", "at,case,act", "2026-01-05T09:00:00Z,1,secret\xe9", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := refusal(t, page(c.more), c.header+"\n"+c.row+"\n")
			equal(t, "field", r.Field, c.field)
			equal(t, "row", r.Row, 1)
			if r.Expected == "" || strings.Contains(r.String(), "secret") {
				t.Errorf("refusal %q says nothing, or too much", r)
			}
		})
	}
}

// TestRefusedRowsKeepTheirNumber: ids and sequence come from the file, whatever else is in it.
func TestRefusedRowsKeepTheirNumber(t *testing.T) {
	rows := rowsOf(t, load(t, page("")), "at,case,act\nbad,1,a\n2026-01-05T09:00:00Z,1,a,too many\n2026-01-05T09:00:00Z,1,\"a\nb\"\n2026-01-05T09:00:00Z,1,c\n")
	equal(t, "rows", len(rows), 4)
	for i, row := range rows {
		equal(t, "number", row.Number, i+1)
	}
	if rows[2].Body == nil || !strings.Contains(string(rows[2].Body), "row-000000003") {
		t.Errorf("third row: %+v", rows[2])
	}
}

func TestShapesOfFiles(t *testing.T) {
	for _, c := range []struct{ name, more, file, want string }{
		{"semicolons", `delimiter: ";"`, "at;case;act\n2026-01-05T09:00:00Z;1;a,b\n", "a,b"},
		{"tabs", `delimiter: '\t'`, "at\tcase\tact\n2026-01-05T09:00:00Z\t1\ta\n", "a"},
		{"byte order mark", "", "\xef\xbb\xbfat,case,act\n2026-01-05T09:00:00Z,1,a\n", "a"},
		{"carriage returns", "", "at,case,act\r\n2026-01-05T09:00:00Z,1,a\r\n", "a"},
		{"line break in a cell", "", "at,case,act\n2026-01-05T09:00:00Z,1,\"a\nb\"\n", "a b"},
		{"blanks in the header", "", "at , case,act\n2026-01-05T09:00:00Z,1,a\n", "a"},
		{"no line break at the end", "", "at,case,act\n2026-01-05T09:00:00Z,1,a", "a"},
		{"latin1", "encoding: latin1", "at,case,act\n2026-01-05T09:00:00Z,1,r\xe9clam\xe9\n", "réclamé"},
		{"windows-1252", "encoding: windows-1252", "at,case,act\n2026-01-05T09:00:00Z,1,10 \x80\n", "10 €"},
	} {
		t.Run(c.name, func(t *testing.T) {
			equal(t, "activity", one(t, page(c.more), c.file).Data.Activity, c.want)
		})
	}
}

func TestHeaderNamesWithColonsAndQuotes(t *testing.T) {
	document := "source: /t\ntime: {column: 'case:at'}\ndata:\n  case: {column: \"case:\\\"id\\\"\"}\n  unit: {column: org:group}\n"
	e := one(t, document, "\"case:\"\"id\"\"\",case:at,org:group\nC1,2026-01-05T09:00:00Z,G\n")
	equal(t, "case", e.Data.Case, "C1")
	equal(t, "unit", e.Data.Unit, "G")
}

func TestFilesThatCannotBeRead(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"empty", "", "empty"},
		{"no such column", "at,act\n", `no column "case"`},
		{"column twice", "at,case,act,case\n", `column "case" twice`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got error
			for _, err := range load(t, page("")).Rows(strings.NewReader(c.file)) {
				got = err
			}
			if got == nil || !strings.Contains(got.Error(), c.want) {
				t.Errorf("error %v, want %q", got, c.want)
			}
			if _, err := load(t, page("")).Check(strings.NewReader(c.file), 0); err == nil || err.Error() != got.Error() {
				t.Errorf("Check says %v, Rows %v", err, got)
			}
		})
	}
}

// TestStoppingEarly: whoever reads may stop at any row.
func TestStoppingEarly(t *testing.T) {
	file := "at,case,act\nbad,1,a\n2026-01-05T09:00:00Z,1,a\n2026-01-05T09:00:00Z,1,a\nbad,1,a\n"
	for _, more := range []string{"", "sort: false"} {
		for stop := 1; stop <= 4; stop++ {
			n := 0
			for range load(t, page(more)).Rows(strings.NewReader(file)) {
				if n++; n == stop {
					break
				}
			}
			equal(t, "rows", n, stop)
		}
	}
}
