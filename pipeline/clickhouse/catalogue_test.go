package clickhouse_test

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"parcours/pipeline/breakpoint"
)

var update = flag.Bool("update", false, "write the catalogue of breakpoints into the migration that shows it")

const (
	kindsFile  = "../../schemas/clickhouse/0009_rates.sql"
	kindsBegin = "-- The catalogue of breakpoints"
)

// TestKindsAreTheCatalogue: the migration shows the catalogue as it is. A released migration is never changed: after a release
// a change of the catalogue wants a new one that replaces the view, and kindsFile its name.
func TestKindsAreTheCatalogue(t *testing.T) {
	text, err := os.ReadFile(kindsFile)
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(text), kindsBegin)
	want := before + kindsView()
	if *update {
		if err := os.WriteFile(kindsFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(text) {
		t.Errorf("%s does not: go test ./pipeline/clickhouse -run TestKindsAreTheCatalogue -update", kindsFile)
	}
}

// kindsView is the statement that creates the view.
func kindsView() string {
	var rows []string
	for _, k := range breakpoint.Catalogue() {
		rows = append(rows, fmt.Sprintf("    (%s, %d, %s, %s, [%s], %t)", quote(k.ID), k.Severity, quote(k.Rule), quote(k.OutOf), quoteAll(k.Clears), k.Witness))
	}
	return kindsBegin + ", written by TestKindsAreTheCatalogue from breakpoint.Catalogue.\n\n" +
		`CREATE OR REPLACE VIEW {{database}}.breakpoint_kinds_v {{on_cluster}}
(
    kind     LowCardinality(String) COMMENT 'Id of the kind, as in breakpoints_v and opportunities_v.',
    severity UInt8                  COMMENT '1 seen only by us, 2 felt, 3 forced another contact, 4 broke a promise or a core service, 5 legal clock, mediator, authority, court. A breakpoint may have another.',
    rule     String                 COMMENT 'When it breaks, in a sentence.',
    out_of   String                 COMMENT 'The opportunities that its rate counts.',
    clears   Array(String)          COMMENT 'Types of the events that clear it. Where a source sends none of them it is not measured.',
    witness  Bool                   COMMENT 'true for a kind that is evidence of failure and carries no cost.'
)
AS SELECT kind, severity, rule, out_of, clears, witness
FROM values('kind String, severity UInt8, rule String, out_of String, clears Array(String), witness Bool',
` + strings.Join(rows, ",\n") + `)
COMMENT ` + quote(strconv.Itoa(len(rows))+" kinds of breakpoint, in the order of the catalogue: each rule in a sentence.") + ";\n"
}

func quoteAll(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = quote(t)
	}
	return strings.Join(quoted, ", ")
}

func quote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}
