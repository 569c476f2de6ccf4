package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDashboards: what the command writes is what the repository holds, for one language or for both; what is no dashboard any more goes.
func TestDashboards(t *testing.T) {
	dir := t.TempDir()
	must(t, "dashboards", "--lang", "fr", "--out", dir)
	if _, err := os.Stat(filepath.Join(dir, "en")); err == nil {
		t.Error("--lang fr wrote English")
	}
	old := filepath.Join(dir, "en", "old.json")
	if err := os.MkdirAll(filepath.Dir(old), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	written := strings.Fields(must(t, "dashboards", "--out", dir))
	if _, err := os.Stat(old); err == nil {
		t.Error("a file that is no dashboard stays")
	}
	if len(written) == 0 || len(written)%2 != 0 {
		t.Fatalf("written: %v", written)
	}
	for _, name := range written {
		relative, err := filepath.Rel(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("../../dashboards/json", relative))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what dashboards/json holds: %v", relative, err)
		}
	}
	if _, _, code := parcours(t, "dashboards", "--lang", "de", "--out", dir); code != 2 {
		t.Errorf("an unknown language: exit %d", code)
	}
}
