package aggregate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
)

// mail is an e-mail that waits for its answer, which is due after 24 hours.
func mail(id string, at event.Instant) *event.Event {
	e := &event.Event{ID: id, Type: event.MessageReceived, At: at}
	e.Data.Contact, e.Data.Channel, e.Data.Reason = id, event.Email, "billing.dispute"
	return e
}

// breaches is how many are in the tables.
func (s *site) breaches() uint64 {
	return s.count("SELECT count() FROM cx.breakpoints_v WHERE kind = 'sla_breach'")
}

// TestClockWall: when a log goes from its own time to that of the clock, what falls due by the jump is in the tables and is
// told to nobody, not even after a restart; from then on ticks come, and what falls due later is told.
func TestClockWall(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	thursday := monday.Add(72 * time.Hour)
	s.now.Store(int64(thursday))
	stop, _ := s.run(nil)
	for p := range 4 {
		s.send(p, fmt.Sprint("home", p), mail("old", monday))
	}
	s.settled()
	if n := s.breaches(); n != 0 {
		t.Fatalf("%d breaches before anything is due", n)
	}
	if _, err := s.bus.ChangeMode(t.Context(), nats.ModeWall, thursday.Time()); err != nil {
		t.Fatal(err)
	}
	s.settled()
	eventually(t, "the breaches of the jump", func() bool { return s.breaches() == 4 })
	before := s.detected()
	if len(before) != 0 {
		t.Errorf("told: %v", before)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	stop, _ = s.run(nil)
	s.send(2, "home2", mail("new", thursday.Add(time.Minute)))
	s.settled()
	if n := s.breaches(); n != 4 {
		t.Errorf("%d breaches before the last is due", n)
	}
	s.now.Add((30 * time.Hour).Milliseconds())
	eventually(t, "the breach that fell due later", func() bool { return s.breaches() == 5 })
	eventually(t, "its message, and no other", func() bool { return len(s.detected()) > 0 })
	if told := s.detected(); len(told) != 1 || !strings.HasPrefix(told[0], "2"+pipeline.BreakpointDetected) {
		t.Errorf("told: %v", told)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	s.verify()
}

// TestLeaves: who is told to stop leaves a checkpoint of all that he has folded, and the next one begins there.
func TestLeaves(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	for round := range 3 {
		s.send(1, "home", life(round, 1)...)
		s.foldAll()
		head, err := s.bus.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for p := range s.info.Partitions {
			at, err := s.bus.Pointer(t.Context(), fmt.Sprint("checkpoint.1.", p))
			if err != nil || !strings.Contains(string(at.Value), fmt.Sprintf(`"position":%d,`, head)) {
				t.Errorf("stopped at position %d, partition %d points to %s, %v", head, p, at.Value, err)
			}
		}
	}
}

// detected are the breakpoints that JOURNEYS tells of.
func (s *site) detected() []string {
	return slices.DeleteFunc(s.told(), func(line string) bool { return !strings.Contains(line, pipeline.BreakpointDetected) })
}
