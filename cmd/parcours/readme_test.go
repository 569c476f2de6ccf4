package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// between is what stands in a text after one mark and before the next.
func between(t *testing.T, text, from, to string) string {
	t.Helper()
	_, after, ok := strings.Cut(text, from)
	found, _, too := strings.Cut(after, to)
	if !ok || !too {
		t.Fatalf("README.md has no %q followed by %q", from, to)
	}
	return found
}

// TestReadmeWalkThrough: the block that posts events in four ways does as it is written what README.md says: the answers,
// the duplicates, the breakpoints in their order, and the rows that verify counts.
func TestReadmeWalkThrough(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(readme)
	block := between(t, text, "made:\n\n```sh\n", "```")
	dir := t.TempDir()
	p := up(t, dir)
	one := `{"accepted":1,"duplicates":0,"refused":[],"refused_count":0}`
	if answers := p.shell(t, block); answers != strings.Repeat(one+"\n", 3)+strings.Replace(one, ":1", ":10", 1) {
		t.Fatalf("the door answered\n%s", answers)
	}
	lines := strings.Split(strings.TrimSpace(block), "\n")
	if again := p.shell(t, lines[len(lines)-1]); !strings.Contains(again, `"accepted":0,"duplicates":10`) {
		t.Errorf("sent again: %s", again)
	}
	p.readmeTables(t, text, dir)
	p.stop(t, syscall.SIGTERM)
}

// readmeTables compares what stands in the tables with what README.md shows.
func (p *upProcess) readmeTables(t *testing.T, text, dir string) {
	t.Helper()
	query := between(t, text, `bin/parcours sql "SELECT kind, reason`, `"`)
	want := between(t, text, query+"\"\n\n```\n", "\n```")
	var shown string
	eventually(t, 20*time.Second, "the breakpoints of README.md", func() bool {
		shown = strings.TrimSuffix(must(t, "sql", "--data", dir, "SELECT kind, reason"+query), "\n")
		return strings.Count(shown, "\n") >= strings.Count(want, "\n")
	})
	if shown != want {
		t.Errorf("README.md shows\n%s\nbut it is\n%s", want, shown)
	}
	verified := must(t, "verify", "--data", dir)
	for _, line := range strings.Split(between(t, text, "    bin/parcours verify\n\n```\n", "\n```"), "\n") {
		// How many journeys gave way depends on which events came in one batch, how many days are closed on when it is asked.
		if strings.HasSuffix(line, "ok") && !strings.Contains(line, "aliases") && !strings.Contains(line, "closed_days") && !strings.Contains(verified, line) {
			t.Errorf("README.md shows %q, but it is\n%s", line, verified)
		}
	}
}

// shell runs lines of README.md as a reader would, against the addresses of this process.
func (p *upProcess) shell(t *testing.T, lines string) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	// A line break behind each answer, which the door does not send.
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", strings.NewReplacer(
		"http://127.0.0.1:8080", p.addresses.Ingest, "curl -sS", `curl -sS -w '\n'`).Replace(lines))
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(strings.ReplaceAll(string(out), "\n\n", "\n"))
}
