package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// company writes what a made-up company tells in some days from a date on; its customers are always the same, its events,
// cases and contacts are marked: a contact id that two histories share would be two contacts, and whose an unidentified one
// of them is, would depend on which was known first.
func company(t *testing.T, mark, start string, days int) string {
	t.Helper()
	text := must(t, "simulate", "--customers", "60", "--days", strconv.Itoa(days), "--start", start, "--seed", "11")
	return tempFile(t, mark+".ndjson", strings.NewReplacer(`"id":"`, `"id":"`+mark+"-", `"case":"`, `"case":"`+mark+"-",
		`"contact":"`, `"contact":"`+mark+"-").Replace(text))
}

// forget removes what the directory knows of its imports, as if nobody knew that one had run.
func forget(t *testing.T, dir string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(dir, "imports")); err != nil {
		t.Fatal(err)
	}
}

// twin makes a directory with the pseudonyms of another.
func twin(t *testing.T, of string) string {
	t.Helper()
	dir := dataDir(t)
	sameKey(t, of, dir)
	return dir
}

// TestImportTwice: a file that is sent again, when nobody knows any more that it was, counts once, and so does the part of
// it that was late.
func TestImportTwice(t *testing.T) {
	dir := dataDir(t)
	young, file := company(t, "young", "2026-02-20", 10), company(t, "old", "2026-01-05", 55)
	p := up(t, dir, "--clock", "log", "--duplicate-window", "100ms")
	must(t, "import", "--data", dir, young)
	if r := lastLine[imported](t, must(t, "import", "--data", dir, "--json", file)); r.Late == 0 || int(r.Late) == r.Accepted {
		t.Fatalf("a part of the file should be late: %+v", r)
	}
	first, net := verified(t, dir, "--ids"), sums(t, dir, "--net", true)
	forget(t, dir)
	r := lastLine[imported](t, must(t, "import", "--data", dir, "--json", file))
	if r.Skipped != 0 || r.Accepted < r.Rows*9/10 || r.Late != 0 {
		t.Errorf("sent again: %+v", r)
	}
	if second := verified(t, dir, "--ids"); second.First != first.First || second.Late != 0 || second.Copies != first.Copies+uint64(r.Accepted) {
		t.Errorf("of %+v, the ledger says %+v after %+v", r, second, first)
	}
	if again := sums(t, dir, "--net", true); again != net {
		t.Errorf("sent again\n%s\nonce\n%s", again, net)
	}
	p.stop(t, syscall.SIGTERM)
}

// TestImportTwiceLate: what is late and stays late counts once as well.
func TestImportTwiceLate(t *testing.T) {
	dir := dataDir(t)
	p := up(t, dir, "--duplicate-window", "100ms") // wall: nothing is admitted by itself
	must(t, "import", "--data", dir, tempFile(t, "now.ndjson", history("/now", 5, time.Hour)))
	file := company(t, "old", "2026-01-05", 20)
	r := lastLine[imported](t, must(t, "import", "--data", dir, "--json", "--late", file))
	first, net := verified(t, dir, "--ids"), sums(t, dir, "--net", false)
	if first.Late == 0 || first.Late != r.Late || first.First+first.Copies+first.Late != uint64(r.Accepted)+5 {
		t.Errorf("of %+v, the ledger says %+v", r, first)
	}
	forget(t, dir)
	r = lastLine[imported](t, must(t, "import", "--data", dir, "--json", "--late", file))
	if second := verified(t, dir, "--ids"); second.First != first.First || second.Late != first.Late || second.Copies != first.Copies+uint64(r.Accepted) {
		t.Errorf("of %+v, the ledger says %+v after %+v", r, second, first)
	}
	if again := sums(t, dir, "--net", false); again != net {
		t.Errorf("sent again\n%s\nonce\n%s", again, net)
	}
	p.stop(t, syscall.SIGTERM)
}

// TestImportHistory: a directory whose time moves only with events takes an older file as if it had come first.
func TestImportHistory(t *testing.T) {
	ahead := dataDir(t)
	old, young := company(t, "old", "2026-01-05", 30), company(t, "young", "2026-01-25", 120) // beyond the horizon
	must(t, "import", "--data", ahead, young)
	r := lastLine[imported](t, must(t, "import", "--data", ahead, "--json", old))
	if r.Late == 0 || sqlCSV(t, ahead, "SELECT count() FROM cx.late_v") != "0" {
		t.Errorf("admitted by itself: %+v", r)
	}
	straight := twin(t, ahead)
	must(t, "import", "--data", straight, old)
	must(t, "import", "--data", straight, young)
	verified(t, ahead, "--ids")
	if got, want := sums(t, ahead, "--net", true), sums(t, straight, "--net", true); got != want {
		t.Errorf("the older file second\n%s\nfirst\n%s", got, want)
	}
}

// TestImportHistoryWall: where time follows the clock, an older file stops before anything is sent; with --late it is kept
// and listed, and rebuild --admit-late takes it in.
func TestImportHistoryWall(t *testing.T) {
	dir := dataDir(t)
	must(t, "import", "--clock", "wall", "--data", dir, tempFile(t, "now.ndjson", history("/now", 5, time.Hour)))
	old := company(t, "old", "2026-01-05", 20)
	_, errOut, code := parcours(t, "import", "--data", dir, old)
	if code != 1 || !strings.Contains(errOut, "nothing was sent") || !strings.Contains(errOut, "rebuild --data "+dir+" --admit-late") {
		t.Errorf("exit %d: %s", code, errOut)
	}
	r := lastLine[imported](t, must(t, "import", "--data", dir, "--late", "--json", old))
	if got := sqlCSV(t, dir, "SELECT count() FROM cx.late_v"); got != fmt.Sprint(r.Late) || r.Late == 0 {
		t.Errorf("late_v lists %s of %+v", got, r)
	}
	journeys := sqlCSV(t, dir, "SELECT count() FROM cx.journeys_v")
	must(t, "rebuild", "--data", dir, "--admit-late")
	if v := verified(t, dir, "--ids"); v.Late != 0 || v.First < r.Late {
		t.Errorf("admitted: %+v", v)
	}
	if got := sqlCSV(t, dir, "SELECT count() FROM cx.late_v"); got != "0" || sqlCSV(t, dir, "SELECT count() FROM cx.journeys_v") == journeys {
		t.Errorf("admitted, late_v lists %s", got)
	}
}

// TestRealLogsAnyOrder: the real logs of three organisations give the same journeys in whatever order they are imported.
func TestRealLogsAnyOrder(t *testing.T) {
	data := os.Getenv(realLogs)
	if data == "" {
		t.Skipf("%s is not set: the real event logs are not part of this repository, so their order was NOT tried", realLogs)
	}
	logs := [][2]string{{"receipt_wabo", "receipt.csv.gz"}, {"bpic2013_incidents", "events.csv.gz"}, {"helpdesk_italian", "events.csv.gz"}}
	first := dataDir(t)
	got := [2]string{}
	for i := range got {
		dir := first
		if i > 0 {
			dir = twin(t, first)
			slices.Reverse(logs)
		}
		for _, log := range logs {
			must(t, "import", "--data", dir, "--mapping", filepath.Join("..", "..", "examples", log[0]+".yaml"), filepath.Join(data, log[0], log[1]))
		}
		if n := sqlCSV(t, dir, "SELECT count() FROM cx.late_v"); n != "0" {
			t.Errorf("%s events are late after %v", n, logs)
		}
		verified(t, dir, "--ids")
		got[i] = sums(t, dir, "--net", true)
	}
	if got[0] != got[1] {
		t.Errorf("in the one order\n%s\nin the other\n%s", got[0], got[1])
	}
}
