package nats_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
)

func TestProvisionOpensTheLog(t *testing.T) {
	s := newSite(t)
	b := s.bus()
	got, err := b.Provision(t.Context(), nats.ModeLog)
	if err != nil || got != (nats.LogInfo{Partitions: 4, Mode: nats.ModeLog, Opened: nats.ModeLog}) {
		t.Fatalf("Provision: %+v, %v", got, err)
	}
	first := collect(t, read(t, b, 1), 1)[0]
	e, err := event.DecodeLog(first.Body)
	if err != nil {
		t.Fatal(err)
	}
	if first.Position != 1 || first.Partition != pipeline.All || first.Type != event.LogOpened || e.Type != event.LogOpened ||
		e.Data.Partitions != 4 || e.Data.Mode != nats.ModeLog || e.At != 0 {
		t.Errorf("first message: %+v, %s", first, first.Body)
	}
}

// What the log says wins over what is wanted, for good.
func TestProvisionKeepsWhatTheLogSays(t *testing.T) {
	s := newSite(t)
	s.provisioned()
	other := s.bus(func(c *nats.Config) { c.Partitions = 7 })
	for range 2 {
		got, err := other.Provision(t.Context(), nats.ModeWall)
		if err != nil || got != (nats.LogInfo{Partitions: 4, Mode: nats.ModeLog, Opened: nats.ModeLog}) {
			t.Fatalf("Provision: %+v, %v", got, err)
		}
	}
	if head, err := other.Head(t.Context()); head != 1 || err != nil {
		t.Errorf("head %d, %v", head, err)
	}
	if _, err := other.Claim(t.Context(), 4); err == nil {
		t.Error("a partition that the log does not have was claimed")
	}
	if _, err := other.Provision(t.Context(), "sometimes"); err == nil {
		t.Error("an unknown mode was taken")
	}
}

func TestProvisionAtOnce(t *testing.T) {
	s := newSite(t)
	var wg sync.WaitGroup
	infos := make([]nats.LogInfo, 6)
	for i := range infos {
		b := s.bus(func(c *nats.Config) { c.Partitions = 2 + i%2 })
		mode := []string{nats.ModeWall, nats.ModeLog}[i%2]
		wg.Go(func() {
			var err error
			if infos[i], err = b.Provision(t.Context(), mode); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, info := range infos {
		if info != infos[0] || info.Partitions == 0 {
			t.Errorf("they do not agree: %+v", infos)
		}
	}
	if head, _ := s.bus().Head(t.Context()); head != 1 {
		t.Errorf("head %d, want 1: the log was opened more than once", head)
	}
}

// TestProvisionKeepsStreams: a guest leaves the limits of the streams as their operator set them.
func TestProvisionKeepsStreams(t *testing.T) {
	s := newSite(t)
	s.provisioned(func(c *nats.Config) { c.MaxBytes = 100_000 })
	guest := s.provisioned(func(c *nats.Config) { c.KeepStreams = true })
	var last error
	for n := 0; n < 5000 && last == nil; n += 100 {
		for _, out := range guest.Append(t.Context(), entriesFrom(n, 100)) {
			last = out.Err
		}
	}
	if !errors.Is(last, pipeline.ErrLogFull) {
		t.Errorf("the log took everything (%v), expected its limit to have stayed", last)
	}
}

// TestProvisionStates: those who provision at once make one object store and one key-value store, and a guest finds them
// as they are, whoever made them.
func TestProvisionStates(t *testing.T) {
	s := newSite(t)
	made := jetstream.ObjectStoreConfig{Bucket: "CHECKPOINTS", Description: "the operator's"}
	if _, err := jetStream(t, s).CreateObjectStore(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for n := range 6 {
		b := s.bus(func(c *nats.Config) { c.KeepStreams = true })
		wg.Go(func() {
			if _, err := b.Provision(t.Context(), ""); err != nil {
				t.Error(err)
			}
			save(t, b, fmt.Sprintf("state/%d", n), random(uint64(n), 200_000))
			point(t, b, fmt.Sprintf("owner.%d", n), "me", 0)
		})
	}
	wg.Wait()
	b := s.bus()
	for n := range 6 {
		wantObject(t, b, fmt.Sprintf("state/%d", n), random(uint64(n), 200_000))
	}
	if all, err := b.Pointers(t.Context(), "owner."); len(all) != 6 || err != nil {
		t.Errorf("%+v, %v", all, err)
	}
	if about := stream(t, s, "OBJ_CHECKPOINTS").CachedInfo().Config.Description; about != made.Description {
		t.Errorf("the operator's stream is %q now", about)
	}
	s.provisioned() // not a guest: it gets our settings
	wantObject(t, b, "state/0", random(0, 200_000))
	if p := pointer(t, b, "owner.0"); string(p.Value) != "me" {
		t.Errorf("%+v", p)
	}
}
