package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// heard is what was printed, and says when a line came.
type heard struct {
	mu    sync.Mutex
	text  bytes.Buffer
	lines chan string
}

func (h *heard) Write(part []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines <- strings.TrimSpace(string(part))
	return h.text.Write(part)
}

// TestProgressWithoutTerminal: lines come also while nothing is reported, say how far it is, and of a file how much of it was
// read; none comes when it is done.
func TestProgressWithoutTerminal(t *testing.T) {
	out := &heard{lines: make(chan string, 1000)}
	read := &fileRead{}
	p := beginProgress(&progress{out: out, name: "import", unit: "rows", file: read}, time.Millisecond)
	wait := func(what string) {
		t.Helper()
		for line := range out.lines {
			if strings.HasPrefix(line, what) {
				return
			}
		}
	}
	wait("import: 0 rows, 0.0 of 0.0 MB of the file read (0s)")
	path := filepath.Join(t.TempDir(), "rows")
	if err := os.WriteFile(path, bytes.Repeat([]byte("x"), 3_000_000), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := io.CopyN(io.Discard, read.count(file), 1_000_000); err != nil {
		t.Fatal(err)
	}
	p.at(7, 0)
	wait("import: 7 rows, 1.0 of 3.0 MB of the file read")
	p.at(8, 9)
	wait("import: 8 of 9 rows, 1.0 of")
	p.done()
	before := out.text.Len()
	p.at(9, 9)
	if out.text.Len() != before {
		t.Error("a line came when it was done")
	}
	asked := beginProgress(&progress{out: out, name: "filling", unit: "messages", ask: func() (int, int) { return 3, 4 }}, time.Millisecond)
	wait("filling: 3 of 4 messages (0s)")
	asked.done()
}
