package main

import (
	"fmt"
	"math"
	"strings"
	"syscall"
	"testing"
	"time"

	"parcours/pipeline/event"
)

// history is so many events, the first so long ago and the others a minute apart.
func history(source string, n int, first time.Duration) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"specversion":"1.0","id":"%d","source":%q,"type":"contact.started","time":%q,"data":{"channel":"phone"}}`+"\n",
			i, source, ago(first-time.Duration(i)*time.Minute))
	}
	return b.String()
}

// TestLateImport: history behind a clock that follows real time is not sent unaware: the import stops and says how many
// events are late; what is recent goes in; with --late all of it does.
func TestLateImport(t *testing.T) {
	dir := dataDir(t)
	p := up(t, dir)
	if a := p.post(t, structured, strings.TrimSpace(history("/now", 1, time.Minute))); a.Accepted != 1 {
		t.Fatalf("%+v", a)
	}
	file := tempFile(t, "events.ndjson", history("/old", 20, 100*24*time.Hour)+"{broken\n"+history("/new", 10, 2*time.Hour))
	_, errOut, code := parcours(t, "import", "--data", dir, file)
	if code != 1 || !strings.Contains(errOut, "20 of 30 rows that have a time lie more than 72h behind") || !strings.Contains(errOut, "--late, then parcours rebuild") {
		t.Errorf("exit %d: %s", code, errOut)
	}
	if got := p.count(t, "SELECT (SELECT count() FROM cx.events_v), (SELECT count() FROM cx.rejected_v)"); got != "1\t0" {
		t.Errorf("something was sent: %s", got)
	}
	recent := lastLine[imported](t, must(t, "import", "--data", dir, "--json", tempFile(t, "new.ndjson", history("/new", 10, 2*time.Hour))))
	if recent.Accepted != 10 {
		t.Errorf("recent events: %+v", recent)
	}
	all := lastLine[imported](t, must(t, "import", "--data", dir, "--json", "--late", file))
	if all.Rows != 31 || all.Accepted+all.Duplicates != 30 || all.Refused != 1 {
		t.Errorf("with --late: %+v", all)
	}
	if again := lastLine[imported](t, must(t, "import", "--data", dir, "--json", file)); again.Skipped != 31 {
		t.Errorf("what was sent stops the import: %+v", again)
	}
	p.stop(t, syscall.SIGTERM)
	_, errOut, code = parcours(t, "import", "--data", dir, tempFile(t, "older.ndjson", history("/older", 5, 200*24*time.Hour)))
	if code != 1 || !strings.Contains(errOut, "5 of 5 rows that have a time") {
		t.Errorf("into the directory itself: exit %d: %s", code, errOut)
	}
}

// TestLateImportByItsOwnClock: a directory whose time moves only with events takes history without being asked.
func TestLateImportByItsOwnClock(t *testing.T) {
	dir := dataDir(t)
	must(t, "import", "--data", dir, tempFile(t, "new.ndjson", history("/new", 10, 2*time.Hour)))
	r := lastLine[imported](t, must(t, "import", "--data", dir, "--json", tempFile(t, "old.ndjson", history("/old", 10, 100*24*time.Hour))))
	if r.Accepted != 10 {
		t.Errorf("%+v", r)
	}
}

// TestCountLate: rows sent before and rows that are no events do not count.
func TestCountLate(t *testing.T) {
	rows := func(yield func(row, error) bool) {
		for _, r := range []row{{body: []byte(strings.TrimSpace(history("/a", 1, 5*time.Hour)))}, {body: []byte(strings.TrimSpace(history("/b", 1, 3*time.Hour)))},
			{refusal: &event.Refusal{}}, {body: []byte("{}")}, {body: []byte(strings.TrimSpace(history("/c", 1, time.Hour)))}} {
			if !yield(r, nil) {
				return
			}
		}
	}
	for sent, want := range map[int][2]int{0: {2, 3}, 1: {1, 2}, 2: {0, 1}, 5: {0, 0}} {
		late, all, err := countLate(t.Context(), rows, sent, event.InstantOf(time.Now().Add(-2*time.Hour)), &strings.Builder{})
		if late != want[0] || all != want[1] || err != nil {
			t.Errorf("%d sent: %d of %d, %v", sent, late, all, err)
		}
	}
	if late, _, _ := countLate(t.Context(), rows, 0, math.MinInt64, &strings.Builder{}); late != 0 {
		t.Errorf("before the clock has begun, %d are late", late)
	}
}
