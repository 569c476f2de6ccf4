package main

import (
	"slices"
	"strings"
	"testing"
)

// before counts the first lines, in the order in which they come, up to the one that happened at a time or later.
func before(lines []string, at string) int {
	i := slices.IndexFunc(lines, func(line string) bool {
		_, rest, _ := strings.Cut(line, `"time":"`)
		return rest[:len(at)] >= at
	})
	return max(i, 0)
}

// TestRulesMarkSeries: a rule book published into the middle of a company's history marks every series on the day it begins to
// judge, and withholds the comparison across it; one that only has other targets does neither. A rebuild with the book brings
// one version for all, and the comparison back; so does a what-if.
func TestRulesMarkSeries(t *testing.T) {
	dir := dataDir(t)
	lines := strings.SplitAfter(strings.TrimSpace(must(t, "simulate", "--customers", "150", "--days", "100", "--seed", "4", "--start", "2026-01-01")), "\n")
	february, march := before(lines, "2026-02-01"), before(lines, "2026-03-01")
	targets := tempFile(t, "targets.yaml", "targets: {satisfaction: 60%}\ncomparison: {months_before: [1]}\n")
	strict := tempFile(t, "strict.yaml", "targets: {satisfaction: 60%}\ncomparison: {months_before: [1]}\nbreakpoints: {detractor: {csat: 3}, repeat_contact: {within: 2d}}\n")
	imported := func(name string, part []string) {
		must(t, "import", "--data", dir, tempFile(t, name, strings.Join(part, "")))
	}
	imported("january.ndjson", lines[:february])
	must(t, "rules", "publish", targets, "--data", dir, "--from", "2026-02-01T00:00:00Z")
	imported("february.ndjson", lines[february:march])
	must(t, "rules", "publish", strict, "--data", dir, "--from", "2026-03-01T00:00:00Z")
	imported("march.ndjson", lines[march:])

	check := func(what, query, want string) {
		t.Helper()
		if got := strings.ReplaceAll(sqlCSV(t, dir, query), `"`, ""); got != want {
			t.Errorf("%s:\n%s\nexpected\n%s", what, got, want)
		}
	}
	const (
		changes  = "SELECT toDate(effective_from), judges_changed FROM cx.rule_changes_v ORDER BY effective_from"
		marked   = "SELECT toStartOfMonth(day) AS month, uniqExact(day) FROM cx.rates_daily_v WHERE kind = 'repeat_contact' AND rules_changed GROUP BY month"
		first    = "SELECT min(day) = (SELECT min(day) FROM cx.rates_daily_v WHERE kind = 'repeat_contact' AND day >= '2026-03-01') FROM cx.rates_daily_v WHERE kind = 'repeat_contact' AND rules_changed"
		months   = "SELECT month, length(rules_versions), rules_changed FROM cx.rates_v WHERE kind = 'repeat_contact' AND month < '2026-04-01' ORDER BY month"
		compared = "SELECT month, compared.withheld[1], compared.difference[1] IS NULL, target FROM cx.figures_v WHERE figure = 'satisfaction' AND complete ORDER BY month"
	)
	check("changes", changes, "2026-02-01,false\n2026-03-01,true")
	check("days", marked, "2026-03-01,1")
	check("the first day", first, "1")
	check("months", months, "2026-01-01,1,false\n2026-02-01,1,false\n2026-03-01,1,true")
	check("comparisons", compared, "2026-01-01,no such month,1,0.8\n2026-02-01,,0,0.6\n2026-03-01,rules changed,1,0.6")
	check("opportunities judged by another book than that of their date",
		"SELECT count() > 1000, countIf(rules_version != if(at < '2026-02-01', books[1], if(at < '2026-03-01', books[2], books[3]))) FROM cx.opportunities_v "+
			"CROSS JOIN (SELECT groupArray(version) AS books FROM (SELECT version FROM cx.rule_books_v ORDER BY effective_from)) AS b", "1,0")

	must(t, "rebuild", "--data", dir, "--rules", strict, "--into", "cx_whatif")
	check("a what-if", "SELECT month, rules_changed, length(rules_versions), (SELECT count() FROM cx_whatif.rule_books_v) FROM cx_whatif.rates_v "+
		"WHERE kind = 'repeat_contact' AND month = '2026-03-01'", "2026-03-01,false,1,1")
	check("what people read meanwhile", compared, "2026-01-01,no such month,1,0.8\n2026-02-01,,0,0.6\n2026-03-01,rules changed,1,0.6")

	must(t, "rebuild", "--data", dir, "--rules", strict)
	check("changes after a rebuild", changes, "")
	check("days after a rebuild", marked, "")
	check("months after a rebuild", months, "2026-01-01,1,false\n2026-02-01,1,false\n2026-03-01,1,false")
	check("comparisons after a rebuild", compared, "2026-01-01,no such month,1,0.6\n2026-02-01,,0,0.6\n2026-03-01,,0,0.6")
	verified(t, dir)
}
