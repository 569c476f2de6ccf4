package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"parcours/pipeline/rules"
)

// TestRulesCheckShowDiff: files are checked all at once, and what is printed is a book of the same version.
func TestRulesCheckShowDiff(t *testing.T) {
	good := tempFile(t, "good.yaml", "breakpoints:\n  repeat_contact: {within: 3d}\nsilos: {hourly_rates: {it: 60}}\n")
	bad := tempFile(t, "bad.yaml", "breakpoints:\n  repeat_contact: {within: three days}\ncurency: EUR\n")
	if out := must(t, "rules", "check", good); !strings.Contains(out, "in order; version") || !strings.Contains(out, "2 keys differ") {
		t.Errorf("check: %s", out)
	}
	out, _, code := parcours(t, "rules", "check", good, bad)
	if code != 1 || !strings.Contains(out, bad+":2: breakpoints.repeat_contact.within: \"three days\": expected") ||
		!strings.Contains(out, bad+":3: curency: there is no such key") || !strings.Contains(out, good+": in order") {
		t.Errorf("check: exit %d\n%s", code, out)
	}
	document, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	book, err := rules.Parse(good, document)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"rules", "show", good}, {"rules", "show", "--no-effective", good}} {
		again, err := rules.Parse("shown", []byte(must(t, args...)))
		if err != nil || again.Version() != book.Version() {
			t.Errorf("%v: %v", args, err)
		}
	}
	if again, err := rules.Parse("shown", []byte(must(t, "rules", "show"))); err != nil || again.Version() != rules.Default().Version() {
		t.Errorf("show: %v", err)
	}
	out = must(t, "rules", "diff", "default", good)
	if !strings.Contains(out, "breakpoints.repeat_contact.within") || !strings.Contains(out, "silos.hourly_rates.it") || !strings.Contains(out, "2 keys differ") {
		t.Errorf("diff: %s", out)
	}
	if out := must(t, "rules", "diff", good, good); !strings.Contains(out, "say the same") {
		t.Errorf("diff: %s", out)
	}
}

// TestRulesWhatIf: what a rule book would change is found without touching what people read: of the repeats within seven days
// those within three are left, as the times of the contacts say.
func TestRulesWhatIf(t *testing.T) {
	dir := t.TempDir()
	must(t, "demo", "--data", dir, "--customers", "400", "--days", "45", "--seed", "3", "--exit")
	book := tempFile(t, "whatif.yaml", "breakpoints: {repeat_contact: {within: 3d}}\n")
	before, verified := sums(t, dir, "--exact", true), must(t, "verify", "--data", dir)
	head := must(t, "sql", "--data", dir, "SELECT max(position) FROM cx.frontier_v")

	must(t, "rebuild", "--data", dir, "--rules", book, "--into", "cx_whatif")
	must(t, "rebuild", "--data", dir, "--rules", book, "--into", "cx_whatif") // in place of the first
	if after := sums(t, dir, "--exact", true); after != before || must(t, "verify", "--data", dir) != verified {
		t.Errorf("what people read has changed:\n%s\nbefore:\n%s", after, before)
	}
	if after := must(t, "sql", "--data", dir, "SELECT max(position) FROM cx.frontier_v"); after != head {
		t.Errorf("the log has grown: %s", after)
	}

	type compared struct {
		Total   struct{ Before, After, Appear, Disappear int }
		Saved   float64 `json:"avoidable_cost_change"`
		Changes []struct {
			Kind              string
			Appear, Disappear int
			CostBefore        float64 `json:"cost_before"`
			CostAfter         float64 `json:"cost_after"`
		}
		Illustrative bool
		Remarks      []string
	}
	got := lastLine[compared](t, must(t, "rules", "compare", "cx", "cx_whatif", "--data", dir, "--json"))
	disappear := map[string]int{}
	cost := 0.0
	for _, c := range got.Changes {
		disappear[c.Kind] += c.Disappear - c.Appear
		cost += c.CostAfter - c.CostBefore
	}
	// From the default figures alone: a repeat that begins more than three days after the contact before it had ended.
	want := 0
	late := sqlCSV(t, dir, `SELECT count() FROM cx.breakpoints_v AS b JOIN cx.events_v AS e ON concat(e.source, ' ', e.id) = b.origin_event
		WHERE b.kind = 'repeat_contact' AND b.occurred_at > e.time + INTERVAL 3 DAY`)
	if _, err := fmt.Sscan(late, &want); err != nil {
		t.Fatal(err)
	}
	if want < 5 || disappear["repeat_contact"] != want {
		t.Errorf("%d repeats disappear, expected %d: %+v", disappear["repeat_contact"], want, got)
	}
	sum := 0.0
	if _, err := fmt.Sscan(sqlCSV(t, dir, "SELECT (SELECT sum(cost) FROM cx_whatif.breakpoints_v) - (SELECT sum(cost) FROM cx.breakpoints_v)"), &sum); err != nil {
		t.Fatal(err)
	}
	if math.Abs(got.Saved-sum) > 0.01 || math.Abs(cost-sum) > 0.01 || sum >= 0 || !got.Illustrative || len(got.Remarks) != 0 {
		t.Errorf("avoidable cost changes by %.2f (by place %.2f), expected %.2f; %+v", got.Saved, cost, sum, got)
	}
	if text := must(t, "rules", "compare", "cx", "cx_whatif", "--data", dir); !strings.Contains(text, "illustrative") || !strings.Contains(text, "all kinds") ||
		!strings.Contains(text, "Journeys: ") || !strings.Contains(text, "Rates, over the days that are settled") {
		t.Errorf("compare: %s", text)
	}
	checkOverview(t, dir)

	for what, args := range map[string][]string{
		"what people read":     {"rebuild", "--data", dir, "--rules", book, "--into", "cx"},
		"another database":     {"rebuild", "--data", dir, "--rules", book, "--into", "default"},
		"no rules":             {"rebuild", "--data", dir, "--into", "cx_whatif"},
		"nothing to compare":   {"rules", "compare", "cx", "cx_other", "--data", dir},
		"no what-if":           {"rules", "compare", "cx", "system", "--data", dir},
		"a name with a hyphen": {"rebuild", "--data", dir, "--rules", book, "--into", "cx-whatif"},
	} {
		if _, errOut, code := parcours(t, args...); code == 0 {
			t.Errorf("%s: exit 0\n%s", what, errOut)
		}
	}
}

// TestRulesRestated: a rebuild with a rule book restates all of history, whoever folds from then on finds the book in the log,
// and a later rebuild keeps it; a directory that was judged by it from its beginning says the same.
func TestRulesRestated(t *testing.T) {
	dir, fresh := t.TempDir(), t.TempDir()
	book := tempFile(t, "mine.yaml", "breakpoints: {repeat_contact: {within: 2d}, sla_breach: {case: 60 working days}}\nsilos: {hourly_rates: {customer_service: 64}}\n")
	company := []string{"--customers", "200", "--days", "30", "--seed", "5", "--exit"}
	must(t, append([]string{"demo", "--data", dir}, company...)...)
	must(t, append([]string{"demo", "--data", fresh, "--rules", book}, company...)...)
	if _, _, code := parcours(t, append([]string{"demo", "--data", dir, "--rules", book}, company...)...); code != 2 {
		t.Errorf("a book for a directory that has begun: exit %d", code)
	}
	if _, errOut, code := parcours(t, "rules", "publish", book, "--data", dir); code != 1 || !strings.Contains(errOut, "parcours rebuild") {
		t.Errorf("a book that looks further was published: exit %d\n%s", code, errOut)
	}
	old := sums(t, dir, "--net", true)
	must(t, "rebuild", "--data", dir, "--rules", book)
	restated, want := sums(t, dir, "--net", true), sums(t, fresh, "--net", true)
	if restated != want || restated == old {
		t.Errorf("restated:\n%s\njudged so from the beginning:\n%s\nbefore:\n%s", restated, want, old)
	}
	exact := sums(t, dir, "--exact", true)
	must(t, "rebuild", "--data", dir)
	if again := sums(t, dir, "--exact", true); again != exact {
		t.Errorf("a rebuild without a book:\n%s\nbefore:\n%s", again, exact)
	}
	p := up(t, dir)
	p.stop(t, syscall.SIGTERM)
	if r := verified(t, dir, "--ids"); r.Generation.Number != 3 {
		t.Errorf("another start has folded anew: %+v", r.Generation)
	}
	if out := must(t, "rules", "diff", book, "--data", dir); !strings.Contains(out, "say the same") {
		t.Errorf("in force: %s", out)
	}
}

// TestRulesPublished: a book that is published while `up` runs judges what happens from its moment on, and stays in force over
// a kill and a rebuild.
func TestRulesPublished(t *testing.T) {
	dir := dataDir(t)
	lines := strings.SplitAfter(strings.TrimSpace(must(t, "simulate", "--customers", "200", "--days", "60", "--seed", "6")), "\n")
	book := tempFile(t, "mine.yaml", "breakpoints: {repeat_contact: {within: 2d}}\nsilos: {hourly_rates: {customer_service: 64}}\n")
	half := len(lines) / 2
	p := up(t, dir, "--clock", "log")
	must(t, "import", "--data", dir, tempFile(t, "old.ndjson", strings.Join(lines[:half], "")))
	version := lastLine[struct {
		Version string
		From    string `json:"effective_from"`
	}](t, must(t, "rules", "publish", book, "--data", dir, "--json"))
	if _, _, code := parcours(t, "rules", "publish", book, "--data", dir); code != 1 {
		t.Errorf("the same book again: exit %d", code)
	}
	if _, errOut, code := parcours(t, "rules", "publish", book, "--data", dir, "--from", "2020-01-01"); code != 2 {
		t.Errorf("a book for the past: exit %d\n%s", code, errOut)
	}
	p.stop(t, syscall.SIGKILL)
	must(t, "import", "--data", dir, tempFile(t, "new.ndjson", strings.Join(lines[half:], "")))
	from, err := time.Parse(time.RFC3339, version.From)
	if err != nil {
		t.Fatal(err)
	}
	got := sqlCSV(t, dir, fmt.Sprintf("SELECT count() > 20, countIf((opportunity_at >= toDateTime64('%s', 3, 'UTC')) != (rules_version = '%s')), uniqExact(rules_version) FROM cx.breakpoints_v",
		from.UTC().Format("2006-01-02 15:04:05.000"), version.Version))
	if got != "1,0,2" {
		t.Errorf("breakpoints by version: %s", got)
	}
	verified(t, dir, "--ids")
	before := sums(t, dir, "--exact", true)
	must(t, "rebuild", "--data", dir)
	if after := sums(t, dir, "--exact", true); after != before {
		t.Errorf("after a rebuild\n%s\nbefore\n%s", after, before)
	}
	shown := must(t, "rules", "show", "--data", dir)
	if again, err := rules.Parse("shown", []byte(shown)); err != nil || again.Version() != version.Version || !strings.Contains(shown, version.From) {
		t.Errorf("in force: %v\n%.300s", err, shown)
	}
}

// checkOverview: compare tells the journeys of both sides by outcome, and the rates as the views of both draw them.
func checkOverview(t *testing.T, dir string) {
	t.Helper()
	found := lastLine[comparison](t, must(t, "rules", "compare", "cx", "cx_whatif", "--data", dir, "--json"))
	journeys, rates := [2]string{}, [2]string{}
	for _, o := range found.Journeys {
		journeys[0] += fmt.Sprintf("%s %d\n", o.Outcome, o.Before)
		journeys[1] += fmt.Sprintf("%s %d\n", o.Outcome, o.After)
	}
	for _, r := range found.Rates {
		rates[0] += fmt.Sprintf("%s %d %d\n", r.Kind, r.Before.Broken, r.Before.Opportunities)
		rates[1] += fmt.Sprintf("%s %d %d\n", r.Kind, r.After.Broken, r.After.Opportunities)
	}
	for i, database := range []string{"cx", "cx_whatif"} {
		want := sqlCSV(t, dir, "SELECT concat(outcome, ' ', toString(count())) FROM "+database+".journeys_v GROUP BY outcome")
		if len(found.Journeys) != 4 || !sameLines(journeys[i], want) {
			t.Errorf("journeys of %s:\n%sexpected\n%s", database, journeys[i], want)
		}
		want = sqlCSV(t, dir, "SELECT concat(kind, ' ', toString(sum(broken)), ' ', toString(sum(opportunities))) FROM "+database+".rates_daily_v GROUP BY kind")
		if len(found.Rates) < 10 || !sameLines(rates[i], want) {
			t.Errorf("rates of %s:\n%sexpected\n%s", database, rates[i], want)
		}
	}
	if rates[0] == rates[1] {
		t.Error("a shorter window changes no rate")
	}
}

// sameLines says whether two texts have the same lines, whatever their order; those that count nothing are left out.
func sameLines(a, b string) bool {
	lines := func(text string) []string {
		list := slices.DeleteFunc(strings.Split(strings.TrimSpace(text), "\n"), func(l string) bool { return strings.HasSuffix(l, " 0") })
		slices.Sort(list)
		return list
	}
	return slices.Equal(lines(a), lines(b))
}
