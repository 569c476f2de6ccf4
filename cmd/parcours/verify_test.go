package main

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"parcours/pipeline/aggregate"
)

// sums gives the checksum of a directory as text: all of the tables, and JOURNEYS where it is asked for.
func sums(t *testing.T, dir, kind string, journeys bool) string {
	t.Helper()
	sum := lastLine[checksum](t, must(t, "checksum", "--data", dir, kind, "--json"))
	if !journeys {
		sum.Tables = slices.DeleteFunc(sum.Tables, func(s tableSum) bool { return s.Table == "JOURNEYS" })
	}
	return fmt.Sprint(sum.Kind, sum.Tables)
}

// verified runs verify, which must find everything accounted for.
func verified(t *testing.T, dir string, args ...string) *aggregate.Report {
	t.Helper()
	out, errOut, code := parcours(t, append([]string{"verify", "--data", dir, "--json"}, args...)...)
	if code != 0 {
		t.Fatalf("verify: exit %d\n%s%s", code, out, errOut)
	}
	r := lastLine[aggregate.Report](t, out)
	return &r
}

// problems runs verify, which must find something wrong, and gives what.
func problems(t *testing.T, dir string, args ...string) (list []string) {
	t.Helper()
	out, errOut, code := parcours(t, append([]string{"verify", "--data", dir, "--json"}, args...)...)
	if code != 1 {
		t.Fatalf("verify: exit %d\n%s%s", code, out, errOut)
	}
	r := lastLine[aggregate.Report](t, out)
	for _, p := range r.Problems {
		list = append(list, p.Table+": "+p.What+" "+p.Key)
	}
	return list
}

// TestVerifyNames: of a row that was removed, doubled, deleted or altered by hand, verify names the table, the key and what
// is wrong; rebuild mends all of it.
func TestVerifyNames(t *testing.T) {
	dir := t.TempDir()
	must(t, "import", "--data", dir, tempFile(t, "events.ndjson", must(t, "simulate", "--customers", "100", "--days", "20")))
	before := sums(t, dir, "--exact", false)
	p := up(t, dir)
	if r := verified(t, dir, "--ids"); r.First < 300 || r.System == 0 {
		t.Errorf("of a demo, verify says %+v", r)
	}
	one := func(query string) string {
		t.Helper()
		answer := p.count(t, query+" LIMIT 1")
		if answer == "" || strings.Contains(answer, "Exception") {
			t.Fatalf("%s: %s", query, answer)
		}
		return answer
	}
	change := func(statement string) {
		t.Helper()
		if answer := p.count(t, statement); answer != "" {
			t.Fatalf("%s: %s", statement, answer)
		}
	}
	const key = "concat(formatDateTime(time, '%Y-%m-%dT%H:%i:%S', 'UTC'), '.', leftPad(toString(toUnixTimestamp64Milli(time) % 1000), 3, '0'), 'Z ', source, ' ', id)"
	removed, doubled := one("SELECT "+key+" FROM cx.events_v ORDER BY time, id"), one("SELECT "+key+" FROM cx.events_v ORDER BY time DESC, id")
	journey, breakpoint := one("SELECT journey_id FROM cx.journeys_v ORDER BY started_at"), one("SELECT breakpoint_id FROM cx.breakpoints_v ORDER BY occurred_at")
	idOf := func(key string) string { return key[strings.LastIndex(key, " ")+1:] }

	change("ALTER TABLE cx.events DELETE WHERE id = '" + idOf(removed) + "' SETTINGS mutations_sync = 2")
	change("INSERT INTO cx.events SELECT * REPLACE ('doubled' AS id) FROM (SELECT * FROM cx.events WHERE id = '" + idOf(doubled) + "')")
	change("ALTER TABLE cx.journeys DELETE WHERE generation = 1 AND journey_id = '" + journey + "' SETTINGS mutations_sync = 2")
	change("ALTER TABLE cx.breakpoints UPDATE cost = cost + 1 WHERE generation = 1 AND breakpoint_id = '" + breakpoint + "' SETTINGS mutations_sync = 2")
	want := []string{
		"breakpoints: altered " + breakpoint,
		"events: missing " + removed,
		"events: unknown " + strings.TrimSuffix(doubled, idOf(doubled)) + "doubled",
		"journeys: missing " + journey,
	}
	got := problems(t, dir)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("verify names\n%s\nexpected\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	out, errOut, code := parcours(t, "verify", "--data", dir)
	if code != 1 || !strings.Contains(out, "journeys: missing "+journey) || !strings.Contains(errOut, "parcours rebuild mends") {
		t.Errorf("for a reader: exit %d\n%s%s", code, out, errOut)
	}
	p.stop(t, syscall.SIGTERM)
	if got := problems(t, dir); len(got) != len(want) {
		t.Errorf("where nobody holds the directory, verify names %v", got)
	}
	must(t, "rebuild", "--data", dir)
	verified(t, dir, "--ids")
	if after := sums(t, dir, "--exact", false); after != before {
		t.Errorf("after the rebuild\n%s\nbefore the damage\n%s", after, before)
	}
}

// TestVerifyIDs: an id that a source used again for another time, so much later that the fold no longer knows it, is named
// when it is asked for.
func TestVerifyIDs(t *testing.T) {
	dir := t.TempDir()
	p := up(t, dir, "--clock", "log", "--duplicate-window", "100ms")
	for _, e := range [][2]string{{"again", "2026-01-05"}, {"once", "2026-03-05"}, {"other", "2026-06-05"}, {"again", "2026-07-05"}} {
		line := fmt.Sprintf(`{"specversion":"1.0","id":"%s","source":"/c","type":"contact.started","time":"%sT10:00:00Z","data":{"channel":"phone","identifiers":{"customer":"C-1"}}}`, e[0], e[1])
		eventually(t, 30*time.Second, "JetStream has forgotten the id", func() bool { return p.post(t, structured, line).Accepted == 1 })
	}
	must(t, "import", "--data", dir, tempFile(t, "empty.ndjson", "")) // returns when the tables are complete
	if r := verified(t, dir); r.First != 4 {
		t.Errorf("%+v", r)
	}
	if got := problems(t, dir, "--ids"); len(got) != 1 || got[0] != "events: reused /c again" {
		t.Errorf("verify --ids names %v", got)
	}
}
