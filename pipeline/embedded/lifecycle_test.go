package embedded

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

func TestKilledChildComesBack(t *testing.T) {
	c := startClickHouse(t, ClickHouseConfig{})
	conn := open(t, c)
	mustExec(t, conn, "CREATE TABLE kept (id UInt64, at DateTime64(3,'UTC'), channel LowCardinality(String), path Array(LowCardinality(String)), v Float64) ENGINE = MergeTree ORDER BY id")
	for round := 1; round <= 3; round++ {
		insertRowsInto(t, conn, "kept", 1000)
		addr, pid := c.Addr(), c.PID()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the child is dead", func() bool { return c.PID() != pid })
		if n := scalar[uint64](t, conn, "SELECT count() FROM kept"); n != uint64(1000*round) {
			t.Fatalf("got %d rows", n)
		}
		if c.Addr() != addr {
			t.Fatal("the address changed")
		}
	}
}

func TestMemoryLimit(t *testing.T) {
	c := startClickHouse(t, ClickHouseConfig{MaxMemory: 600 << 20, MaxQueryMemory: 200 << 20})
	conn, pid := open(t, c), c.PID()
	heavy := "SELECT groupArray(repeat('x', 1000) || toString(number)) FROM numbers(100000000) FORMAT Null"
	wantCode(t, conn.Exec(t.Context(), heavy), 241)
	wantException(t, post(t, c, heavy), "241")
	wantException(t, post(t, c, "SELECT number, repeat('x', 1000) FROM numbers(10000000) FORMAT JSON"), "241")
	if got := scalar[uint8](t, conn, "SELECT 1"); got != 1 || c.PID() != pid {
		t.Fatal("the child did not survive")
	}
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	first := startClickHouse(t, ClickHouseConfig{Dir: dir})
	wantBody(t, post(t, first, "CREATE TABLE kept (a UInt8) ENGINE = MergeTree ORDER BY a"), "")
	wantBody(t, post(t, first, "INSERT INTO kept VALUES (1)"), "")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if first.PID() != 0 {
		t.Fatal("a closed server has a child")
	}
	second := startClickHouse(t, ClickHouseConfig{Dir: dir})
	wantBody(t, post(t, second, "SELECT a FROM kept"), "1\n")
}

func TestClosePromptly(t *testing.T) {
	c := startClickHouse(t, ClickHouseConfig{StopTimeout: 4 * time.Second})
	leave := endless(t, c)
	eventually(t, "a query runs", func() bool { return post(t, c, "SELECT count() FROM system.processes").body == "2\n" })
	began := time.Now()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 8*time.Second {
		t.Fatalf("took %s", took)
	}
	leave()
}

// TestOrphan kills the parent: the child must end by itself, and the next parent get the directory.
func TestOrphan(t *testing.T) {
	dir := t.TempDir()
	parent := exec.Command(os.Args[0], helperArgument, dir)
	parent.Stderr = os.Stderr
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parent.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	var pid int
	var addr string
	if _, err := fmt.Sscan(line, &pid, &addr); err != nil {
		t.Fatalf("the helper said %q", line)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	next := startClickHouse(t, ClickHouseConfig{Dir: dir}) // waits for the orphan
	if next.PID() == pid {
		t.Fatal("the same child")
	}
	eventually(t, "the orphan ends", func() bool { return !running(pid) })
}

// running tells a process from one that is gone or only waits to be reaped.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestTwoOnOneDirectory(t *testing.T) {
	c := startClickHouse(t, ClickHouseConfig{})
	_, err := StartClickHouse(t.Context(), ClickHouseConfig{Dir: c.cfg.Dir, StartTimeout: time.Second}, zerolog.Nop())
	if err == nil || !strings.Contains(err.Error(), "status") {
		t.Fatalf("got %v", err)
	}
	wantBody(t, post(t, c, "SELECT 1"), "1\n")
}

func TestStartGivesUp(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "libchdb.so")
	if err := os.WriteFile(broken, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := StartClickHouse(t.Context(), ClickHouseConfig{Dir: t.TempDir(), Library: broken}, zerolog.Nop())
	if err == nil || !strings.Contains(err.Error(), "load libchdb") {
		t.Fatalf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := StartClickHouse(ctx, ClickHouseConfig{Dir: t.TempDir()}, zerolog.Nop()); err == nil {
		t.Fatal("started for nobody")
	}
}

func TestLibraryPath(t *testing.T) {
	t.Setenv(libraryVariable, "")
	t.Setenv(cacheVariable, t.TempDir())
	_, err := LibraryPath("")
	if err == nil || !strings.Contains(err.Error(), "scripts/fetch-libchdb.sh") || !strings.Contains(err.Error(), libraryVariable) {
		t.Fatalf("got %v", err)
	}
	here := filepath.Join(t.TempDir(), "lib.so")
	if err := os.WriteFile(here, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := LibraryPath(here); err != nil || got != here {
		t.Fatalf("got %q, %v", got, err)
	}
	t.Setenv(libraryVariable, here)
	if got, err := LibraryPath(""); err != nil || got != here {
		t.Fatalf("got %q, %v", got, err)
	}
	if got, err := LibraryPath("elsewhere"); err == nil || !strings.Contains(err.Error(), "elsewhere") {
		t.Fatalf("what was asked for by name comes first: got %q, %v", got, err)
	}
}
