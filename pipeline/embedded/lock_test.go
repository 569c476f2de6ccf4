package embedded

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLockDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	first, err := LockDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("got %v, %v", info.Mode(), err)
	}
	wantHeld(t, dir, Addresses{})
	here := Addresses{PID: 7, NATS: "nats://127.0.0.1:4222", ClickHouse: "127.0.0.1:8123", Ingest: "http://127.0.0.1:8080", Command: "up"}
	if err := first.Publish(here); err != nil {
		t.Fatal(err)
	}
	wantHeld(t, dir, here)
	if got, err := ReadAddresses(dir); err != nil || got != here {
		t.Fatalf("got %v, %v", got, err)
	}
	if err := errors.Join(first.Release(), first.Release()); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadAddresses(dir); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("stale addresses: %v", err)
	}
	second, err := LockDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Release(); err != nil {
		t.Fatal(err)
	}
}

func wantHeld(t *testing.T, dir string, want Addresses) {
	t.Helper()
	_, err := LockDirectory(dir)
	var held *HeldError
	if !errors.As(err, &held) || !errors.Is(err, ErrHeld) || held.Dir != dir || held.Addresses != want {
		t.Fatalf("got %v, want held by %v", err, want)
	}
}

func TestStaleAddressesAreForgotten(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, addressesFile), []byte(`{"pid": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := LockDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	wantHeld(t, dir, Addresses{})
}

// TestElsewhere: a directory that stands for servers elsewhere is held by them, and says where they are, without a password.
func TestElsewhere(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, ElsewhereFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"nats": "nats://parcours:hidden@n:4222", "clickhouse": "c:8123", "ingest": "http://i:8080", "clickhouse_user": "u"}`)
	want := Addresses{NATS: "nats://parcours:hidden@n:4222", ClickHouse: "c:8123", Ingest: "http://i:8080", ClickHouseUser: "u", Command: "elsewhere"}
	wantHeld(t, dir, want)
	if got, err := ReadAddresses(dir); err != nil || got != want {
		t.Fatalf("got %v, %v", got, err)
	}
	if _, err := LockDirectory(dir); strings.Contains(err.Error(), "hidden") || !strings.Contains(err.Error(), "n:4222") {
		t.Error(err)
	}
	for _, broken := range []string{`{"nats": "n"}`, `{"nats": "n", "clickhouse": "c", "ingest": "i", "grafana": "g"}`, `{`} {
		write(broken)
		if _, err := ReadAddresses(dir); err == nil {
			t.Errorf("%s is taken", broken)
		}
		if _, err := LockDirectory(dir); !errors.Is(err, ErrHeld) {
			t.Errorf("%s: %v", broken, err)
		}
	}
}
