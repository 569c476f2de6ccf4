package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"parcours/deploy"
	"parcours/pipeline/embedded"
)

// TestComposeFills: the one-shot services of deploy/compose.yaml, run against an `up` that stands for the other ones: what
// simulate writes, fill brings into the tables through the door, with its key. The directory of fill stands for servers
// elsewhere, and every verb works through it.
func TestComposeFills(t *testing.T) {
	const key = "a-secret-of-at-least-16"
	server, data := t.TempDir(), t.TempDir()
	keys := filepath.Join(t.TempDir(), "keys.yaml")
	if err := os.WriteFile(keys, []byte("- name: demo\n  key: "+key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	there := up(t, server, "--clock", "log", "--api-keys", keys)
	must(t, composed(t, data, "simulate", "", "--customers", "2000", "--customers", "60")...)
	fill := composed(t, data, "fill", key)
	elsewhere(t, filepath.Join(data, "data"), there.addresses)
	must(t, fill...)
	from := filepath.Join(data, "data")
	if n := strings.TrimSpace(must(t, "sql", "--data", from, "--format", "TSV", "SELECT count() > 100 FROM cx.journeys_v")); n != "1" {
		t.Errorf("more than 100 journeys: %q", n)
	}
	must(t, "verify", "--data", from)
	if tables(t, server) != tables(t, from) {
		t.Error("the tables differ by the directory that they are read through")
	}
}

// composed are the arguments of a service of parcours, with its files below a directory; pairs of words are replaced, so that
// the company of a test may be a small one.
func composed(t *testing.T, dir, service, key string, replace ...string) []string {
	t.Helper()
	files := map[string]string{"/data/events.ndjson": "", "/keys/api.key": key}
	if service == "fill" { // what simulate has written stays
		raw, err := os.ReadFile(filepath.Join(dir, "data", "events.ndjson"))
		if err != nil {
			t.Fatal(err)
		}
		files["/data/events.ndjson"] = string(raw)
	}
	p, err := deploy.Service("../../deploy/compose.yaml", service, files)
	if err == nil {
		p, err = p.Within(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(replace); i += 4 { // a flag and its value by another
		at := slices.Index(p.Command, replace[i])
		if at < 0 || p.Command[at+1] != replace[i+1] {
			t.Fatalf("%q holds no %s %s", p.Command, replace[i], replace[i+1])
		}
		p.Command[at], p.Command[at+1] = replace[i+2], replace[i+3]
	}
	for i, word := range p.Command { // the folder of a file
		if word == "/data" {
			p.Command[i] = filepath.Join(dir, "data")
		}
	}
	return p.Command
}

// elsewhere writes where the servers of the test are in place of those that Compose names, in the same words.
func elsewhere(t *testing.T, dir string, a embedded.Addresses) {
	t.Helper()
	file, words := filepath.Join(dir, embedded.ElsewhereFile), map[string]string{}
	raw, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(raw, &words)
	}
	if err != nil {
		t.Fatal(err)
	}
	for word, here := range map[string]string{"nats": a.NATS, "clickhouse": a.ClickHouse, "ingest": a.Ingest} {
		if words[word] == "" {
			t.Errorf("%s of fill lacks %s", embedded.ElsewhereFile, word)
		}
		words[word] = here
	}
	if raw, err = json.Marshal(words); err == nil {
		err = os.WriteFile(file, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
