package nats_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parcours/pipeline"
	"parcours/pipeline/nats"
)

func told(position uint64, ordinal uint32) pipeline.Told {
	id := fmt.Sprintf("fact-%d-%d", position, ordinal)
	return pipeline.Told{Place: pipeline.Place{Generation: 1, Position: position, Ordinal: ordinal}, ID: id, Tokens: []string{"journey", "opened", "billing"},
		Body: fmt.Appendf(nil, `{"id":%q}`, id)}
}

func toldFrom(position uint64, n int) []pipeline.Told {
	all := make([]pipeline.Told, n)
	for i := range all {
		all[i] = told(position+uint64(i/2), uint32(i%2))
	}
	return all
}

func claim(t *testing.T, b *nats.Bus, partition int) (uint64, uint32) {
	t.Helper()
	place, err := b.Claim(t.Context(), partition)
	if err != nil {
		t.Fatal(err)
	}
	return place.Position, place.Ordinal
}

// facts reads what partition p was told so far, without who claimed it.
func facts(t *testing.T, s *site, p int) []string {
	t.Helper()
	var ids []string
	for _, m := range stored(t, s, p) {
		if !strings.HasSuffix(m.Subject, "owner.claimed") {
			ids = append(ids, string(m.Data))
		}
	}
	return ids
}

func stored(t *testing.T, s *site, p int) []*jetstream.RawStreamMsg {
	t.Helper()
	stream := partitionStream(t, s, p)
	var all []*jetstream.RawStreamMsg
	for seq := uint64(1); seq <= stream.CachedInfo().State.LastSeq; seq++ {
		m, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

func partitionStream(t *testing.T, s *site, p int) jetstream.Stream {
	t.Helper()
	conn, err := client.Connect(s.server.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), fmt.Sprintf("JOURNEYS_%d", p))
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func TestTell(t *testing.T) {
	s := newSite(t)
	b := s.provisioned()
	if p, o := claim(t, b, 2); p != 0 || o != 0 {
		t.Errorf("head of an empty partition: (%d, %d)", p, o)
	}
	messages := toldFrom(10, 500)
	if err := b.Tell(t.Context(), 2, messages); err != nil {
		t.Fatal(err)
	}
	got := facts(t, s, 2)
	for i := range messages {
		if len(got) != len(messages) || got[i] != string(messages[i].Body) {
			t.Fatalf("%d messages, %d is %s", len(got), i, got[i])
		}
	}
	if p, o := claim(t, b, 2); p != 259 || o != 1 {
		t.Errorf("head (%d, %d), want (259, 1)", p, o)
	}
	if p, o := claim(t, b, 2); p != 259 || o != 1 {
		t.Errorf("head behind owner.claimed alone (%d, %d), want (259, 1)", p, o)
	}
}

// What is told again is not stored again; what does not grow is a fault.
func TestTellAgain(t *testing.T) {
	s := newSite(t)
	b := s.provisioned()
	claim(t, b, 0)
	messages := toldFrom(1, 100)
	for range 2 {
		for _, part := range [][]pipeline.Told{messages[:60], messages[30:]} {
			if err := b.Tell(t.Context(), 0, part); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := facts(t, s, 0); len(got) != 100 {
		t.Errorf("%d messages, want 100", len(got))
	}
	backwards := []pipeline.Told{told(900, 0), told(900, 0)}
	if err := b.Tell(t.Context(), 0, backwards); err == nil || errors.Is(err, pipeline.ErrFenced) {
		t.Errorf("equal places: %v", err)
	}
	// The same fact, told anew at a later position, is another message.
	again := told(901, 0)
	again.ID = messages[0].ID
	if err := b.Tell(t.Context(), 0, []pipeline.Told{again}); err != nil {
		t.Fatal(err)
	}
	if got := facts(t, s, 0); len(got) != 101 {
		t.Errorf("%d messages, want 101", len(got))
	}
}

func TestTellUnclaimed(t *testing.T) {
	b := newSite(t).provisioned()
	if err := b.Tell(t.Context(), 1, toldFrom(1, 1)); !errors.Is(err, pipeline.ErrFenced) {
		t.Errorf("%v", err)
	}
}

// A second owner fences the first, whose messages are refused to the last one, even those that the second tells too.
func TestFence(t *testing.T) {
	s := newSite(t)
	a, b := s.provisioned(), s.bus()
	claim(t, a, 3)
	if err := a.Tell(t.Context(), 3, toldFrom(1, 10)); err != nil {
		t.Fatal(err)
	}
	if p, o := claim(t, b, 3); p != 5 || o != 1 {
		t.Errorf("head (%d, %d), want (5, 1)", p, o)
	}
	if err := a.Tell(t.Context(), 3, toldFrom(6, 10)); !errors.Is(err, pipeline.ErrFenced) {
		t.Errorf("the first owner: %v", err)
	}
	if err := b.Tell(t.Context(), 3, toldFrom(6, 4)); err != nil {
		t.Error(err)
	}
	if err := a.Tell(t.Context(), 3, toldFrom(8, 10)); !errors.Is(err, pipeline.ErrFenced) {
		t.Errorf("the first owner, later: %v", err)
	}
	if got := facts(t, s, 3); len(got) != 14 {
		t.Errorf("%d messages, want 14", len(got))
	}
	// The first may come back by the front door.
	if p, o := claim(t, a, 3); p != 7 || o != 1 {
		t.Errorf("head (%d, %d), want (7, 1)", p, o)
	}
	if err := b.Tell(t.Context(), 3, toldFrom(8, 1)); !errors.Is(err, pipeline.ErrFenced) {
		t.Errorf("the second owner: %v", err)
	}
}

// A claim in the middle of a pipeline: nothing of the first owner stands behind it, and the new owner goes on.
func TestFenceInTheMiddleOfTell(t *testing.T) {
	s := newSite(t)
	a, b := s.provisioned(), s.bus()
	stream := partitionStream(t, s, 0)
	next := uint64(1)
	for range 12 {
		claim(t, a, 0)
		before := stream.CachedInfo().State.LastSeq
		done := make(chan error)
		go func() { done <- a.Tell(t.Context(), 0, toldFrom(next, 2000)) }()
		eventually(t, func() bool {
			info, err := stream.Info(t.Context())
			return err == nil && info.State.LastSeq > before+1
		})
		position, ordinal := claim(t, b, 0)
		if err := <-done; err != nil && !errors.Is(err, pipeline.ErrFenced) {
			t.Fatal(err)
		}
		own := told(position+1, 0)
		own.ID = "second owner"
		if err := b.Tell(t.Context(), 0, []pipeline.Told{own}); err != nil {
			t.Fatal(err)
		}
		next = position + 2
		info, err := stream.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		at, err := stream.GetMsg(t.Context(), info.State.LastSeq-1)
		if err != nil || !strings.HasSuffix(at.Subject, "owner.claimed") {
			t.Fatalf("before the second owner's message, behind (%d, %d): %+v, %v", position, ordinal, at, err)
		}
	}
}

// The owner dies in the middle of telling: a prefix is stored, and the next owner is told exactly which.
func TestCrashInTheMiddleOfTell(t *testing.T) {
	s := newSite(t)
	first := s.provisioned()
	claim(t, first, 0)
	all := toldFrom(1, 4000)
	done := make(chan error)
	go func() { done <- first.Tell(t.Context(), 0, all) }()
	stream := partitionStream(t, s, 0)
	eventually(t, func() bool {
		info, err := stream.Info(t.Context())
		return err == nil && info.State.LastSeq > 100
	})
	first.Close()
	if err := <-done; err == nil {
		t.Log("everything was stored before the end")
	}
	second := s.bus()
	position, ordinal := claim(t, second, 0)
	stand := facts(t, s, 0)
	if len(stand) == 0 || position != all[len(stand)-1].Position || ordinal != all[len(stand)-1].Ordinal {
		t.Fatalf("head (%d, %d) with %d messages stored", position, ordinal, len(stand))
	}
	if err := second.Tell(t.Context(), 0, all); err != nil {
		t.Fatal(err)
	}
	got := facts(t, s, 0)
	for i := range all {
		if len(got) != len(all) || got[i] != string(all[i].Body) {
			t.Fatalf("%d messages, %d is %s", len(got), i, got[i])
		}
	}
}

// Answers get lost while the owner tells: it finds its own messages at the tail and goes on.
func TestTellWhenAnswersAreLost(t *testing.T) {
	s := newSite(t)
	s.provisioned()
	proxy := newProxy(t, s.listen)
	b := s.bus(func(c *nats.Config) { c.URL, c.AckTimeout = "nats://"+proxy.listener.Addr().String(), time.Second })
	claim(t, b, 1)
	all := toldFrom(1, 6000)
	for round := 0; ; round++ {
		done := make(chan error)
		go func() { done <- b.Tell(t.Context(), 1, all) }()
		if round < 4 {
			stream := partitionStream(t, s, 1)
			before := stream.CachedInfo().State.LastSeq
			eventually(t, func() bool {
				info, err := stream.Info(t.Context())
				return err == nil && (info.State.LastSeq > before || info.State.LastSeq > 6000)
			})
			proxy.cut()
		}
		err := <-done
		if err == nil && round >= 4 {
			break
		}
		if err != nil && !errors.Is(err, pipeline.ErrLogAway) {
			t.Fatal(err)
		}
		eventually(t, func() bool { return b.Ready(t.Context()) == nil })
	}
	if got := facts(t, s, 1); len(got) != len(all) || got[len(got)-1] != string(all[len(all)-1].Body) {
		t.Errorf("%d messages, want %d", len(got), len(all))
	}
}

// Product teams read one stream of all partitions, by subject.
func TestReadJourneys(t *testing.T) {
	b := newSite(t).provisioned()
	claim(t, b, 0)
	claim(t, b, 1)
	late := told(2, 0)
	late.Tokens = []string{"breakpoint", "detected", "repeat contact", "billing.dispute"}
	for p, m := range []pipeline.Told{told(1, 0), late} {
		if err := b.Tell(t.Context(), p, []pipeline.Told{m}); err != nil {
			t.Fatal(err)
		}
	}
	for filter, want := range map[string]int{"": 4, "*.breakpoint.detected.>": 1, "*.owner.claimed": 2, "0.>": 2} {
		r, err := b.ReadJourneys(t.Context(), 1, filter)
		if err != nil {
			t.Fatal(err)
		}
		got := collect(t, r, want)
		r.Close()
		if len(got) != want {
			t.Errorf("%q: %d messages, want %d", filter, len(got), want)
		}
		if filter == "*.breakpoint.detected.>" && (got[0].Partition != 1 || got[0].Type != "breakpoint.detected.repeat_contact.billing_dispute") {
			t.Errorf("%+v", got[0])
		}
	}
}
