package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestImportInterrupted: ended by SIGTERM or killed in the middle and begun again, an import leaves the same tables as one
// that nobody disturbed; run once more, it changes nothing.
func TestImportInterrupted(t *testing.T) {
	file := tempFile(t, "events.ndjson", must(t, "simulate", "--customers", "1500", "--days", "60", "--seed", "9"))
	calm := dataDir(t)
	must(t, "import", "--data", calm, "--sort", file)
	want := tables(t, calm)
	dir := dataDir(t)
	sameKey(t, calm, dir)
	interrupt(t, dir, syscall.SIGTERM, "import", "--data", dir, "--sort", file)
	interrupt(t, dir, syscall.SIGKILL, "import", "--data", dir, "--sort", file)
	r := lastLine[imported](t, must(t, "import", "--data", dir, "--sort", "--json", file))
	if got := tables(t, dir); got != want {
		t.Error("the tables are not those of an undisturbed import")
	}
	if r.Skipped == 0 {
		t.Errorf("nothing was resumed: %+v", r)
	}
	again := lastLine[imported](t, must(t, "import", "--data", dir, "--sort", "--json", file))
	if again.Accepted != 0 || again.Skipped != again.Rows || tables(t, dir) != want {
		t.Errorf("run once more: %+v", again)
	}
}

// sameKey gives a new directory the pseudonyms of another.
func sameKey(t *testing.T, from, to string) {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(from, "pseudonym.key"))
	if err == nil {
		err = os.WriteFile(filepath.Join(to, "pseudonym.key"), key, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// interrupt starts a command and sends it a signal as soon as a part of its rows is answered for.
func interrupt(t *testing.T, dir string, signal syscall.Signal, args ...string) {
	t.Helper()
	before := progressOf(t, dir)
	cmd := command(t, args...)
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for progressOf(t, dir) == before {
		select {
		case err := <-ended:
			t.Fatalf("the import ended before it could be interrupted: %v\n%s", err, log.String())
		default:
		}
	}
	if err := cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Log("the import was done before the signal reached it")
	} else if signal == syscall.SIGTERM && !strings.Contains(log.String(), "goes on where this one stopped") {
		t.Errorf("interrupted, the import says: %v\n%s", err, log.String())
	}
}

// progressOf is what the directory's import jobs say.
func progressOf(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "imports", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all += string(raw)
	}
	return all
}

// TestImportCSV: a mapping, refused lines counted and kept, exit 0, a dry run, a packed file.
func TestImportCSV(t *testing.T) {
	mapping := tempFile(t, "map.yaml", `
source: /desk
type: step.performed
time: {column: when, formats: ["2006-01-02 15:04"], timezone: Europe/Paris}
data:
  activity: {column: what}
  case: {column: ticket}
  unit: {column: team}
  identifiers:
    customer: {column: who}
`)
	csv := tempFile(t, "log.csv", "ticket,when,what,team,who\nT1,2026-03-02 10:00,Open,a,Alice\nT1,2026-03-02 11:00,Close,b,Alice\nT2,not a time,Open,a,Bob\nT2,2026-03-01 09:00,Open,a,Bob\n")
	dry := must(t, "import", "--data", t.TempDir(), "--mapping", mapping, "--dry-run", csv)
	if !strings.Contains(dry, "4 rows: 3 would be events, 1 would be refused") {
		t.Errorf("the dry run says %s", dry)
	}
	dir := filepath.Join(t.TempDir(), "new", "directory")
	r := lastLine[imported](t, must(t, "import", "--data", dir, "--mapping", mapping, "--json", csv))
	if r.Rows != 4 || r.Accepted != 3 || r.Refused != 1 {
		t.Errorf("imported: %+v", r)
	}
	if got := sqlCSV(t, dir, "SELECT case_id, variant, handoffs, steps FROM cx.journeys_v ORDER BY case_id"); got != "T1,Open > Close,1,2\nT2,Open,0,1" {
		t.Errorf("journeys:\n%s", got)
	}
	if got := sqlCSV(t, dir, "SELECT reason, field FROM cx.rejected_v"); got != "bad_time,time" {
		t.Errorf("rejected: %s", got)
	}
}

// realLogs are public event logs of real organisations; the variable names the directory that holds them.
const realLogs = "PARCOURS_REAL_LOGS"

// TestRealLogs: exactly the published counts, a journey a case, nothing doubled when run twice.
func TestRealLogs(t *testing.T) {
	data := os.Getenv(realLogs)
	if data == "" {
		t.Skipf("%s is not set: the real event logs are not part of this repository, so their counts were NOT checked", realLogs)
	}
	for _, c := range []struct{ name, file, want, paths string }{
		{"receipt_wabo", "receipt.csv.gz", "8577,1434,27,116,1434,8577,3853", "7143,116,91,245"},
		{"bpic2013_incidents", "events.csv.gz", "65533,7554,13,2278,7554,65533,9454", "57979,2278,7201,34038"},
		{"helpdesk_italian", "events.csv.gz", "21348,4580,14,226,4580,21348,11", "16768,226,1240,1905"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := dataDir(t)
			mapping := filepath.Join("..", "..", "examples", c.name+".yaml")
			file := filepath.Join(data, c.name, c.file)
			must(t, "import", "--data", dir, "--mapping", mapping, file)
			const query = `SELECT count(), uniqExact(case_id), uniqExact(activity), (SELECT uniqExact(variant) FROM cx.journeys_v),
				(SELECT count() FROM cx.journeys_v), (SELECT sum(steps) FROM cx.journeys_v), (SELECT sum(handoffs) FROM cx.journeys_v) FROM cx.events_v`
			if got := sqlCSV(t, dir, query); got != c.want {
				t.Errorf("events, cases, activities, variants, journeys, steps, hand-offs: %s, expected %s", got, c.want)
			}
			checkReadiness(t, c.name, dir, mapping, file)
			if err := os.RemoveAll(filepath.Join(dir, "imports")); err != nil { // as if nobody knew that it had run
				t.Fatal(err)
			}
			must(t, "import", "--data", dir, "--mapping", mapping, file)
			if got := sqlCSV(t, dir, query); got != c.want {
				t.Errorf("run twice: %s, expected %s", got, c.want)
			}
			const recount = `SELECT sum(moved) FROM (SELECT unit != '' AND before != '' AND unit != before AS moved FROM (SELECT unit,
				lagInFrame(unit, 1, '') OVER (PARTITION BY case_id ORDER BY time, sequence ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before
				FROM (SELECT * FROM cx.events_v WHERE unit != '')))`
			if got, want := sqlCSV(t, dir, recount), sqlCSV(t, dir, "SELECT sum(handoffs) FROM cx.journeys_v"); got != want {
				t.Errorf("hand-offs recounted from the events: %s, journeys say %s", got, want)
			}
			checkPaths(t, dir, c.paths)
		})
	}
}

// checkPaths counts a real log through the views of paths: directly-follows transitions, variants, journeys with rework and
// rework events (published for one of the logs), twice over, and again from the events of each case.
func checkPaths(t *testing.T, dir, want string) {
	t.Helper()
	for _, query := range []string{
		`SELECT (SELECT sum(frequency) FROM cx.journey_edges_v WHERE from_activity != ''), uniqExact(variant), sumIf(journeys, rework > 0),
			sum(journeys * rework) FROM cx.variants_v`,
		`SELECT countIf(from_activity != ''), (SELECT uniqExact(variant) FROM cx.variants_v), (SELECT sumIf(journeys, rework > 0) FROM cx.variants_v),
			(SELECT sum(rework) FROM cx.rework_v) FROM cx.journey_transitions_v`,
		`SELECT sum(n - 1), uniqExact(path), countIf(n > different), sum(n - different) FROM (SELECT case_id, count() AS n, uniqExact(activity) AS different,
			arrayMap(x -> x.3, arraySort(groupArray((time, sequence, activity)))) AS path FROM cx.events_v GROUP BY case_id)`,
	} {
		if got := sqlCSV(t, dir, query); got != want {
			t.Errorf("transitions, variants, journeys with rework, rework events: %s, expected %s, by %s", got, want, query)
		}
	}
}

// TestLongLines: a line longer than any event may be is refused as one, and the rest goes on.
func TestLongLines(t *testing.T) {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	fmt.Fprintln(w, `{"specversion":"1.0","id":"1","source":"/l","type":"contact.started","time":"2026-03-02T10:00:00Z"}`)
	fmt.Fprintln(w, `{"specversion":"1.0","id":"2","source":"/l","type":"contact.started","time":"2026-03-02T10:00:00Z","data":{"unit":"`+strings.Repeat("x", 3<<20)+`"}}`)
	fmt.Fprintln(w, `{"specversion":"1.0","id":"3","source":"/l","type":"contact.started","time":"2026-03-02T10:00:00Z"}`)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	dir := dataDir(t)
	r := lastLine[imported](t, must(t, "import", "--data", dir, "--json", tempFile(t, "long.ndjson", b.String())))
	if r.Rows != 3 || r.Accepted != 2 || r.Refused != 1 {
		t.Errorf("imported: %+v", r)
	}
}

// TestLargeRowsThroughTheHolder: a thousand rows may be more than one request takes.
func TestLargeRowsThroughTheHolder(t *testing.T) {
	dir := dataDir(t)
	p := up(t, dir, "--clock", "log") // which takes history
	var b strings.Builder
	for i := range 400 {
		fmt.Fprintf(&b, `{"specversion":"1.0","id":"%d","source":"/large","type":"contact.started","time":"2026-03-02T10:00:00Z","data":{"note":"%s"}}`+"\n",
			i, strings.Repeat("x", 40<<10))
	}
	r := lastLine[imported](t, must(t, "import", "--data", dir, "--json", tempFile(t, "large.ndjson", b.String())))
	if r.Accepted != 400 || p.count(t, "SELECT count() FROM cx.events_v") != "400" {
		t.Errorf("imported: %+v", r)
	}
}

// headAt is a target that knows only where its log ends.
type headAt struct {
	target
	position uint64
}

func (h headAt) head(context.Context) (uint64, error) { return h.position, nil }

// TestTrust: what was answered for is believed only while the log reaches as far.
func TestTrust(t *testing.T) {
	for head, want := range map[uint64]int{10: 7, 11: 7, 9: 0} {
		j := &job{Sent: 7, Position: 10, Done: true}
		if err := j.trust(t.Context(), headAt{position: head}); err != nil || j.Sent != want || j.Done != (want > 0) {
			t.Errorf("head %d: %+v, %v", head, j, err)
		}
	}
}

// TestNotAFileOfEvents: a file of which nothing is an event is given up after the first rows, not poured into REJECTED.
func TestNotAFileOfEvents(t *testing.T) {
	file := tempFile(t, "log.xes", strings.Repeat("<event/>\n", 5000))
	_, errOut, code := parcours(t, "import", "--data", t.TempDir(), file)
	if code != 3 || !strings.Contains(errOut, "all refused") {
		t.Errorf("exit %d, %s", code, errOut)
	}
}
