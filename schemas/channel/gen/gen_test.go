package main

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"

	"parcours/pipeline/event"
	"parcours/schemas"
)

// What is committed is what the table says: no file more, none less, none other.
func TestCurrent(t *testing.T) {
	want := files()
	err := fs.WalkDir(schemas.Channel, "channel", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name := strings.TrimPrefix(path, "channel/")
		got, err := fs.ReadFile(schemas.Channel, path)
		if !bytes.Equal(got, want[name]) {
			t.Errorf("%s is not what the table gives: go generate ./schemas", path)
		}
		delete(want, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range want {
		t.Errorf("channel/%s is missing: go generate ./schemas", name)
	}
}

// Every type of package event has one line of the table, in the same order, and activity ends it.
func TestEveryType(t *testing.T) {
	if len(kinds) != len(event.Specs)+1 || kinds[len(kinds)-1].Type != activity {
		t.Fatalf("%d lines for %d types and activity", len(kinds), len(event.Specs))
	}
	for i, s := range event.Specs {
		if kinds[i].Type != s.Type {
			t.Errorf("line %d is %s, want %s", i, kinds[i].Type, s.Type)
		}
	}
}

// Every type has a valid example and two invalid ones.
func TestEnoughExamples(t *testing.T) {
	for _, k := range kinds {
		valid, invalid := 0, 0
		for name := range k.examples() {
			if strings.HasPrefix(name, "valid-") {
				valid++
			} else {
				invalid++
			}
		}
		if valid < 1 || invalid < 2 || k.About == "" {
			t.Errorf("%s: %d valid, %d invalid", k.Type, valid, invalid)
		}
	}
}
