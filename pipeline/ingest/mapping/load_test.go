package mapping_test

import (
	"strings"
	"testing"

	"parcours/pipeline/ingest/mapping"
)

// TestLoadErrors: each names the line and what is wrong there.
func TestLoadErrors(t *testing.T) {
	const head = "source: /t\ntime: {column: at}\n" // two lines
	for _, c := range []struct{ name, document, want string }{
		{"empty", "", "line 1: source: missing"},
		{"no source", "time: {column: at}\n", "line 1: source: missing"},
		{"source with blanks", "source: my file\ntime: {column: at}\n", "line 1: source: expected no blanks"},
		{"no time", "source: /t\n", "line 1: time: missing"},
		{"no time column", "source: /t\ntime: {formats: [unix]}\n", "line 2: time: expected a column"},
		{"bad format", "source: /t\ntime:\n  column: at\n  formats: [yesterday]\n", `format "yesterday"`},
		{"half a format", "source: /t\ntime:\n  column: at\n  formats: [\"15:04:05\"]\n  timezone: UTC\n", `format "15:04:05"`},
		{"local without a zone", "source: /t\ntime:\n  column: at\n  formats: [date]\n", "give a timezone"},
		{"unknown zone", "source: /t\ntime:\n  column: at\n  timezone: Europe/Lutece\n", "Europe/Lutece"},
		{"unknown key", head + "colour: red\n", "line 3: unknown field"},
		{"unknown key of time", "source: /t\ntime:\n  column: at\n  zone: UTC\n", "line 4: unknown field"},
		{"unknown key of a rule", head + "data:\n  case:\n    column: c\n    upper: true\n", "line 6: unknown field"},
		{"unknown field", head + "data:\n  colour: {column: c}\n", "line 4: data.colour: no such field"},
		{"rule without a source", head + "data:\n  case: {trim: true}\n", "line 4: case: expected a column or a constant"},
		{"rule with two", head + "data:\n  case: {column: c, const: d}\n", "line 4: case: expected a column or a constant, not both"},
		{"constant with more", head + "data:\n  case: {const: d, lower: true}\n", "line 4: case: a constant takes no"},
		{"values is no table", head + "data:\n  case: {column: c, values: x}\n", "line 4: values: expected names and values"},
		{"values is deep", head + "data:\n  case: {column: c, values: {a: [b]}}\n", "line 4: values: expected a plain value"},
		{"identifier with values", head + "data:\n  identifiers:\n    customer: {column: c, values: {a: b}}\n", "line 5: identifiers.customer: an identifier takes no table"},
		{"split of what is no list", head + "data:\n  case: {column: c, split: \",\"}\n", "line 4: data.case: split is for"},
		{"constant id", head + "id: x\n", "line 3: id: expected a column"},
		{"long delimiter", head + "delimiter: ';;'\n", "line 3: delimiter: expected one character"},
		{"encoding", head + "encoding: ebcdic\n", "line 3: encoding: expected"},
		{"the same key twice", head + "source: /u\n", "line 3: "},
		{"the same field twice", head + "data:\n  case: {column: c}\n  case: {column: d}\n", "line 5: "},
		{"an anchor", head + "data:\n  case: &c {column: c}\n  unit: *c\n", "line 4: expected plain YAML"},
		{"a tag", head + "data:\n  case: !!str 12\n", "line 4: expected plain YAML"},
		{"two documents", head + "---\nsource: /u\n", "line 3: expected one document"},
		{"field without a rule", head + "data:\n  case:\n", "line 4: case: expected a column or a constant"},
		{"data is a number", head + "data: 12\n", "line 3: data: expected names and values"},
		{"identifiers is a word", head + "data:\n  identifiers: x\n", "line 4: identifiers: expected names and values"},
		{"kind in capitals", head + "data:\n  identifiers:\n    Customer: {column: c}\n", "line 5: identifiers.Customer"},
		{"time is a word", "source: /t\ntime: at\n", "line 2: "},
		{"rule is a list", head + "data:\n  case: [a]\n", "line 4: "},
		{"only a comment", "# nothing\n", "line 1: source: missing"},
		{"not YAML", head + "data: {case\n", "line "},
		{"a list", "- a\n", "mapping"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := mapping.Load([]byte(c.document))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, c.want)
			}
		})
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(page("  unit: {column: x, values: {a: b}, default: c}\nsort: false"))
	f.Add("source: /t\ntime: {column: at, formats: [unix, \"2006-01-02 15:04\"], timezone: Europe/Paris}\n")
	f.Fuzz(func(t *testing.T, document string) {
		m, err := mapping.Load([]byte(document))
		if err != nil {
			return
		}
		for row, err := range m.Rows(strings.NewReader("at,case,act,x\n1,2,3,4\n")) {
			if err == nil && (row.Body == nil) == (row.Refusal == nil) {
				t.Errorf("row %+v", row)
			}
		}
	})
}
