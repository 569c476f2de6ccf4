package nats_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
)

func point(t testing.TB, b *nats.Bus, key, value string, revision uint64) uint64 {
	t.Helper()
	set, err := b.Point(t.Context(), key, []byte(value), revision)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func pointer(t testing.TB, b *nats.Bus, key string) pipeline.Pointer {
	t.Helper()
	p, err := b.Pointer(t.Context(), key)
	if err != nil || p.Key != key {
		t.Fatalf("%+v, %v", p, err)
	}
	return p
}

func TestPointer(t *testing.T) {
	s := newSite(t)
	b := s.provisioned()
	const key = "state.g1.p-3_x"
	if p := pointer(t, b, key); p.Revision != 0 || p.Value != nil || p.SetAt != 0 {
		t.Errorf("none: %+v", p)
	}
	began := event.InstantOf(time.Now())
	first := point(t, b, key, "one", 0)
	if p := pointer(t, b, key); p.Revision != first || string(p.Value) != "one" || p.SetAt < began {
		t.Errorf("%+v, revision %d set at %s or later", p, first, began)
	}
	second := point(t, b, key, "two", first)
	b.Close()
	s.stop()
	s.start()
	b = s.bus()
	if p := pointer(t, b, key); p.Revision != second || string(p.Value) != "two" {
		t.Errorf("after a restart: %+v, want revision %d", p, second)
	}
	for _, stale := range []uint64{0, first, second + 1} {
		if _, err := b.Point(t.Context(), key, nil, stale); !errors.Is(err, pipeline.ErrMoved) {
			t.Errorf("set from revision %d: %v", stale, err)
		}
		if err := b.Unpoint(t.Context(), key, stale); !errors.Is(err, pipeline.ErrMoved) {
			t.Errorf("removed from revision %d: %v", stale, err)
		}
	}
	if p := pointer(t, b, key); string(p.Value) != "two" {
		t.Errorf("%+v", p)
	}
}

// A key that was removed is as one that never was, but for its revisions, which never come back.
func TestUnpoint(t *testing.T) {
	b := newSite(t).provisioned()
	if err := b.Unpoint(t.Context(), "owner.1", 0); err != nil {
		t.Errorf("nothing to remove: %v", err)
	}
	var seen uint64
	for round := range 3 {
		revision := point(t, b, "owner.1", "me", 0)
		if revision <= seen {
			t.Errorf("revision %d after %d", revision, seen)
		}
		if err := b.Unpoint(t.Context(), "owner.1", revision); err != nil {
			t.Fatal(round, err)
		}
		if p := pointer(t, b, "owner.1"); p.Revision != 0 || p.Value != nil {
			t.Errorf("%+v", p)
		}
		if err := b.Unpoint(t.Context(), "owner.1", revision); !errors.Is(err, pipeline.ErrMoved) {
			t.Errorf("removed twice: %v", err)
		}
		if _, err := b.Point(t.Context(), "owner.1", nil, revision); !errors.Is(err, pipeline.ErrMoved) {
			t.Errorf("set from a revision that was removed: %v", err)
		}
		seen = revision
	}
}

// Of eight that see one revision, exactly one moves the pointer; also when the key was removed before.
func TestPointAtOnce(t *testing.T) {
	s := newSite(t)
	first := s.provisioned()
	buses := []*nats.Bus{first, s.bus(), s.bus(), s.bus(), s.bus(), s.bus(), s.bus(), s.bus()}
	revision := point(t, first, "owner.1", "", 0)
	if err := first.Unpoint(t.Context(), "owner.1", revision); err != nil {
		t.Fatal(err)
	}
	revision = 0
	for round := range 50 {
		var wg sync.WaitGroup
		var winners atomic.Int32
		var next atomic.Uint64
		for i, b := range buses {
			wg.Go(func() {
				set, err := b.Point(t.Context(), "owner.1", fmt.Append(nil, i), revision)
				switch {
				case err == nil:
					winners.Add(1)
					next.Store(set)
				case !errors.Is(err, pipeline.ErrMoved):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if revision = next.Load(); winners.Load() != 1 || pointer(t, first, "owner.1").Revision != revision {
			t.Fatalf("round %d: %d won, revision %d", round, winners.Load(), revision)
		}
		if round%5 == 4 {
			if err := first.Unpoint(t.Context(), "owner.1", revision); err != nil {
				t.Fatal(err)
			}
			revision = 0
		}
	}
}

func TestPointers(t *testing.T) {
	b := newSite(t).provisioned()
	if all, err := b.Pointers(t.Context(), ""); len(all) != 0 || err != nil {
		t.Errorf("%+v, %v", all, err)
	}
	for _, key := range []string{"state.10", "owner.2", "state.9", "owner.11", "owner.1", "state"} {
		point(t, b, key, "at "+key, 0)
	}
	if err := b.Unpoint(t.Context(), "owner.2", pointer(t, b, "owner.2").Revision); err != nil {
		t.Fatal(err)
	}
	for prefix, want := range map[string][]string{
		"owner.": {"owner.1", "owner.11"}, "state": {"state", "state.10", "state.9"}, "none": nil,
		"": {"owner.1", "owner.11", "state", "state.10", "state.9"}, "owner.2": nil,
	} {
		all, err := b.Pointers(t.Context(), prefix)
		if err != nil || len(all) != len(want) {
			t.Fatalf("%q: %+v, %v", prefix, all, err)
		}
		for i, p := range all {
			if one := pointer(t, b, want[i]); p.Key != want[i] || string(p.Value) != "at "+p.Key || p.Revision != one.Revision || p.SetAt != one.SetAt {
				t.Errorf("%q: %+v, want %+v", prefix, p, one)
			}
		}
	}
}

func TestPointerFaults(t *testing.T) {
	s := newSite(t)
	b := s.provisioned(func(c *nats.Config) { c.AckTimeout = time.Second })
	if _, err := b.Point(t.Context(), "a key", nil, 0); err == nil || errors.Is(err, pipeline.ErrLogAway) {
		t.Errorf("a key with a space: %v", err)
	}
	s.stop()
	_, reading := b.Pointer(t.Context(), "owner.1")
	_, setting := b.Point(t.Context(), "owner.1", nil, 0)
	_, listing := b.Pointers(t.Context(), "")
	_, sweeping := b.Sweep(t.Context(), everyName, 0)
	for what, err := range map[string]error{"read": reading, "set": setting, "remove": b.Unpoint(t.Context(), "owner.1", 1),
		"list": listing, "sweep": sweeping, "delete": b.Delete(t.Context(), "state")} {
		if !errors.Is(err, pipeline.ErrLogAway) || errors.Is(err, pipeline.ErrMoved) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
