package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline/embedded"
)

// free is an address that nobody uses now.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// ready waits until the process says that it is.
func ready(t *testing.T, addr string) {
	t.Helper()
	deadline, again := time.After(20*time.Second), time.NewTicker(20*time.Millisecond)
	defer again.Stop()
	for {
		res, err := http.Get("http://" + addr + "/readyz") //nolint:noctx // a test
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-deadline:
			t.Fatalf("not ready: %v", err)
		case <-again.C:
		}
	}
}

// TestServe: against a NATS elsewhere, an event is accepted; SIGTERM ends it with 0; without its key it starts no more.
func TestServe(t *testing.T) {
	log, err := embedded.StartNATS(embedded.NATSConfig{Dir: t.TempDir()}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	addr, key := free(t), filepath.Join(t.TempDir(), "pseudonym.key")
	args := []string{"--nats", log.URL(), "--listen", addr, "--pseudonym-key-file", key, "--operator-public-key", strings.Repeat("ab", 32)}
	code := make(chan int, 1)
	go func() { code <- service.Main(&CLI{}, "ingest", "", args, io.Discard, io.Discard) }()
	ready(t, addr)
	body := `{"specversion":"1.0","id":"1","source":"/i","type":"contact.started","time":"2026-03-02T10:00:00Z","data":{"channel":"phone"}}`
	res, err := http.Post("http://"+addr+"/v1/events", "application/cloudevents+json", strings.NewReader(body)) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusAccepted {
		t.Errorf("status %d", res.StatusCode)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if c := <-code; c != service.Done {
		t.Errorf("exit %d", c)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	if c := service.Main(&CLI{}, "ingest", "", args, io.Discard, &said); c != service.Impaired || !strings.Contains(said.String(), "restore the key") {
		t.Errorf("without its key: exit %d, %s", c, &said)
	}
}

// TestOpenToTheWorld: an address that others can reach needs keys.
func TestOpenToTheWorld(t *testing.T) {
	var said bytes.Buffer
	args := []string{"--nats", "nats://127.0.0.1:1", "--listen", "0.0.0.0:0", "--operator-public-key", strings.Repeat("ab", 32)}
	if c := service.Main(&CLI{}, "ingest", "", args, io.Discard, &said); c == service.Done || !strings.Contains(said.String(), "--api-keys") {
		t.Errorf("exit %d, %s", c, &said)
	}
}
