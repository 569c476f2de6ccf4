package nats_test

import (
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
)

// The mode of a log is that of its last change; how it was opened stays known. Said twice in one second, it stands once.
func TestChangeMode(t *testing.T) {
	s := newSite(t)
	b := s.provisioned()
	at := time.Date(2026, 10, 3, 12, 0, 0, 300_000_000, time.UTC)
	for i, change := range []struct {
		mode     string
		after    time.Duration
		position uint64
	}{{nats.ModeWall, 0, 2}, {nats.ModeWall, 500 * time.Millisecond, 2}, {nats.ModeLog, time.Second, 3}, {nats.ModeWall, 2 * time.Second, 4}} {
		position, err := b.ChangeMode(t.Context(), change.mode, at.Add(change.after))
		if err != nil || position != change.position {
			t.Fatalf("change %d: position %d, %v", i, position, err)
		}
		for _, ask := range []func() (nats.LogInfo, error){
			func() (nats.LogInfo, error) { return b.Info(t.Context()) },
			func() (nats.LogInfo, error) { return s.bus().Provision(t.Context(), "") },
		} {
			if got, err := ask(); err != nil || got != (nats.LogInfo{Partitions: 4, Mode: change.mode, Opened: nats.ModeLog}) {
				t.Errorf("change %d: %+v, %v", i, got, err)
			}
		}
	}
	m := collect(t, read(t, b, 2), 1)[0]
	e, err := event.DecodeLog(m.Body)
	if err != nil || m.Partition != pipeline.All || m.Type != event.ClockModeChanged || e.Data.Mode != nats.ModeWall || e.At != event.InstantOf(at.Truncate(time.Second)) {
		t.Errorf("%+v, %s, %v", m, m.Body, err)
	}
	if _, err := b.ChangeMode(t.Context(), "sometimes", at); err == nil {
		t.Error("an unknown mode was taken")
	}
}

// What is not there is not made.
func TestInfoOfNoLog(t *testing.T) {
	if info, err := newSite(t).bus().Info(t.Context()); err == nil {
		t.Errorf("a log that nobody made says %+v", info)
	}
}
