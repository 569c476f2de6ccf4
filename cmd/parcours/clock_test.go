package main

import (
	"strings"
	"syscall"
	"testing"
)

// TestClock: a directory in log mode shows its clocks, goes to wall mode when that is confirmed, and stays there.
func TestClock(t *testing.T) {
	dir := dataDir(t)
	file := tempFile(t, "events.ndjson", `{"specversion":"1.0","id":"1","source":"/c","type":"contact.started","time":"2026-03-02T10:00:00Z","data":{"channel":"phone"}}`)
	must(t, "import", "--data", dir, file)
	face := lastLine[clockFace](t, must(t, "clock", "show", "--data", dir, "--json"))
	if face.Mode != "log" || face.Opened != "log" || face.LastEvent != "2026-03-02T10:00:00.000Z" || face.Behind < 86400 || len(face.Partitions) != 16 {
		t.Errorf("shown: %+v", face)
	}
	for _, p := range face.Partitions {
		if p.Clock != face.LastEvent || p.Behind != face.Behind || p.Position != face.Head {
			t.Errorf("partition: %+v", p)
		}
	}
	if _, errOut, code := parcours(t, "clock", "wall", "--data", dir); code != 2 || !strings.Contains(errOut, "cannot be undone") || !strings.Contains(errOut, "--yes") {
		t.Errorf("not confirmed: exit %d, %s", code, errOut)
	}
	if out := must(t, "clock", "show", "--data", dir); !strings.Contains(out, "Clock mode log; the log ends at position") || !strings.Contains(out, "days") {
		t.Errorf("shown: %s", out)
	}
	cmd := command(t, "clock", "wall", "--data", dir)
	cmd.Stdin = strings.NewReader("yes\n")
	if out, err := cmd.Output(); err != nil || !strings.Contains(string(out), "From position") {
		t.Errorf("confirmed: %v, %s", err, out)
	}
	if _, errOut, code := parcours(t, "clock", "wall", "--data", dir, "--yes"); code != 2 || !strings.Contains(errOut, "already") {
		t.Errorf("again: exit %d, %s", code, errOut)
	}
	p := up(t, dir)
	if face = lastLine[clockFace](t, must(t, "clock", "show", "--data", dir, "--json")); face.Mode != "wall" || face.Opened != "log" {
		t.Errorf("shown: %+v", face)
	}
	p.stop(t, syscall.SIGTERM)
}

// TestClockThroughTheHolder: the process that runs is asked, and told.
func TestClockThroughTheHolder(t *testing.T) {
	dir := dataDir(t)
	p := up(t, dir, "--clock", "log")
	if out := must(t, "clock", "show", "--data", dir); !strings.Contains(out, "No event yet.") {
		t.Errorf("shown: %s", out)
	}
	must(t, "clock", "wall", "--data", dir, "--yes")
	if face := lastLine[clockFace](t, must(t, "clock", "show", "--data", dir, "--json")); face.Mode != "wall" {
		t.Errorf("shown: %+v", face)
	}
	p.stop(t, syscall.SIGTERM)
}
