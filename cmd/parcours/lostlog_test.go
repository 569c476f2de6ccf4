package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLostLog: beside tables no new log is begun; one that ends before them is named, and a rebuild takes from the tables what
// it has lost only when told to.
func TestLostLog(t *testing.T) {
	dir, aside := t.TempDir(), t.TempDir()
	lines := strings.SplitAfter(must(t, "simulate", "--customers", "30", "--days", "10", "--seed", "5"), "\n")
	must(t, "import", "--data", dir, tempFile(t, "all.ndjson", strings.Join(lines, "")))
	part := func(name string) string { return filepath.Join(dir, name) }
	if err := os.RemoveAll(part(natsFolder)); err != nil {
		t.Fatal(err)
	}
	for _, verb := range [][]string{{"up", "--listen", freePort, "--nats-listen", freePort, "--clickhouse-listen", freePort}, {"verify"}, {"rebuild"}} {
		_, errOut, code := parcours(t, append(verb, "--data", dir)...)
		if code == 0 || !strings.Contains(errOut, "restore the log") {
			t.Errorf("%s: exit %d, %s", verb[0], code, errOut)
		}
	}
	if _, err := os.Stat(part(natsFolder)); err == nil {
		t.Error("a new log was begun")
	}
	rename(t, part(tablesFolder), filepath.Join(aside, tablesFolder))
	must(t, "import", "--data", dir, tempFile(t, "some.ndjson", strings.Join(lines[:10], "")))
	if err := os.RemoveAll(part(tablesFolder)); err != nil {
		t.Fatal(err)
	}
	rename(t, filepath.Join(aside, tablesFolder), part(tablesFolder))
	if _, errOut, code := parcours(t, "verify", "--data", dir); code != 1 || !strings.Contains(errOut, "restore it") {
		t.Errorf("verify: exit %d, %s", code, errOut)
	}
	if _, errOut, code := parcours(t, "rebuild", "--data", dir); code == 0 || !strings.Contains(errOut, "--accept-lost-log") {
		t.Errorf("rebuild: exit %d, %s", code, errOut)
	}
	must(t, "rebuild", "--data", dir, "--accept-lost-log")
	if r := verified(t, dir); r.First != 10 {
		t.Errorf("verify says %+v", r)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}
