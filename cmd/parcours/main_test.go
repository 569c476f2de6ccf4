package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"parcours/pipeline/clickhouse"
	"parcours/pipeline/embedded"
	"parcours/pipeline/embedded/prepared"
)

// asCommand makes the test binary behave as parcours: tests start it as a process of its own, which can be killed.
const asCommand = "PARCOURS_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	embedded.RunChild()
	if os.Getenv(asCommand) != "" {
		os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(prepared.Main(m))
}

// dataDir is a directory whose tables are there already, as those of a parcours that was started and has taken nothing in.
func dataDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	prepared.Fill(t, filepath.Join(dir, tablesFolder), clickhouse.Prepare)
	if err := os.Mkdir(filepath.Join(dir, natsFolder), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// command prepares parcours as a process.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	return cmd
}

// parcours runs a command to its end and gives what it printed.
func parcours(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := command(t, args...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("parcours %s: %v", strings.Join(args, " "), err)
	}
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

// must runs a command that has to succeed.
func must(t *testing.T, args ...string) string {
	t.Helper()
	out, errOut, code := parcours(t, args...)
	if code != 0 {
		t.Fatalf("parcours %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errOut)
	}
	return out
}

// lastLine reads the JSON object that a command with --json prints last.
func lastLine[T any](t *testing.T, out string) T {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var v T
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &v); err != nil {
		t.Fatalf("the last line is no JSON object: %v\n%s", err, out)
	}
	return v
}

// sqlCSV runs a query and gives the lines without the header.
func sqlCSV(t *testing.T, dir, query string) string {
	t.Helper()
	out := must(t, "sql", "--data", dir, "--format", "CSV", query)
	_, rows, _ := strings.Cut(out, "\n")
	return strings.ReplaceAll(strings.TrimSpace(rows), `"`, "")
}

// upProcess is a running `parcours up`.
type upProcess struct {
	cmd       *exec.Cmd
	addresses embedded.Addresses
	log       *bytes.Buffer
	ended     chan error
}

// up starts `parcours up` on free ports and waits until it says that it is up.
func up(t *testing.T, dir string, args ...string) *upProcess {
	t.Helper()
	free := "127.0.0.1:0"
	all := append([]string{"up", "--data", dir, "--listen", free, "--nats-listen", free, "--clickhouse-listen", free}, args...)
	p := &upProcess{cmd: command(t, all...), log: &bytes.Buffer{}, ended: make(chan error, 1)}
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	greeted := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(out)
		greeted <- lines.Scan() && strings.HasPrefix(lines.Text(), "Parcours is up")
		_, _ = io.Copy(io.Discard, out)
		p.ended <- p.cmd.Wait()
	}()
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	if !<-greeted {
		t.Fatalf("up did not come up: %v\n%s", <-p.ended, p.log)
	}
	if p.addresses, err = embedded.ReadAddresses(dir); err != nil {
		t.Fatal(err)
	}
	return p
}

// stop sends a signal and waits for the end.
func (p *upProcess) stop(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	err := <-p.ended
	if signal == syscall.SIGTERM && err != nil {
		t.Fatalf("up did not stop cleanly: %v\n%s", err, p.log)
	}
}

// eventually asks again until the answer is yes.
func eventually(t *testing.T, within time.Duration, what string, ask func() bool) {
	t.Helper()
	deadline, again := time.After(within), time.NewTicker(20*time.Millisecond)
	defer again.Stop()
	for !ask() {
		select {
		case <-deadline:
			t.Fatalf("not within %s: %s", within, what)
		case <-again.C:
		}
	}
}

// tables prints every readable row of the fact views, in order: two directories with the same events agree in it.
func tables(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	for _, query := range []string{
		"SELECT * EXCEPT (position, seen_at) FROM cx.events_v ORDER BY ALL",
		"SELECT * EXCEPT (position, key_time) FROM cx.journeys_v ORDER BY ALL",
		"SELECT * EXCEPT (position) FROM cx.journey_steps_v ORDER BY ALL",
		"SELECT * EXCEPT (position) FROM cx.breakpoints_v ORDER BY ALL",
	} {
		b.WriteString(must(t, "sql", "--data", dir, "--format", "CSV", query))
	}
	return b.String()
}

func tempFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
