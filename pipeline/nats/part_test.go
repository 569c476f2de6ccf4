package nats_test

import (
	"fmt"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/nats"
)

// A part of the log is what one subject names: by partition, channel, family, and what all partitions see.
func TestReadPart(t *testing.T) {
	b := newSite(t).provisioned() // position 1 is log.opened
	entries := entriesFrom(0, 8)  // partitions 0 to 3, twice
	entries[2].Channel, entries[3].Channel, entries[3].Family = "", "Chät", "message"
	appendAll(t, b, entries)
	appendAll(t, b, []pipeline.Entry{{MsgID: "tick", Partition: pipeline.All, Family: "clock.ticked", Type: "clock.ticked", Body: []byte("{}")}})
	for _, c := range []struct {
		part nats.Part
		want string
	}{
		{nats.Part{Partition: nats.AnyPartition}, "[1 2 3 4 5 6 7 8 9 10]"},
		{nats.Part{Partition: 1}, "[3 7]"},
		{nats.Part{Partition: nats.AnyPartition, Channel: "phone"}, "[2 3 6 7 8 9]"},
		{nats.Part{Partition: nats.AnyPartition, Channel: "other"}, "[4]"},
		{nats.Part{Partition: nats.AnyPartition, Family: "message"}, "[5]"},
		{nats.Part{Partition: 3, Channel: "phone", Family: "contact"}, "[9]"},
		{nats.Part{Partition: pipeline.All}, "[1 10]"},
		{nats.Part{Partition: pipeline.All, Family: "clock.ticked"}, "[10]"},
		{nats.Part{Partition: 2, Channel: "email"}, "[]"},
	} {
		head, err := b.HeadOf(t.Context(), c.part)
		if err != nil {
			t.Fatal(err)
		}
		r, err := b.ReadPart(t.Context(), c.part, 1)
		if err != nil {
			t.Fatal(err)
		}
		got := []uint64{}
		for len(got) == 0 && head > 0 || len(got) > 0 && got[len(got)-1] < head {
			for _, m := range collect(t, r, 1) {
				got = append(got, m.Position)
			}
		}
		r.Close()
		if fmt.Sprint(got) != c.want {
			t.Errorf("%+v: %v, expected %s", c.part, got, c.want)
		}
	}
}

// At gives what stands at a position; nothing before the first, behind the last and where a message was erased.
func TestAt(t *testing.T) {
	s := newSite(t)
	b := s.provisioned()
	appendAll(t, b, entriesFrom(0, 3))
	m, found, err := b.At(t.Context(), 3)
	if err != nil || !found || m.Position != 3 || m.Partition != 1 || m.Type != "contact.ended" || string(m.Body) != `{"n":1}` || m.StoredAt == 0 {
		t.Errorf("position 3: %+v %t %v", m, found, err)
	}
	if m, found, err := b.At(t.Context(), 1); err != nil || !found || m.Partition != pipeline.All {
		t.Errorf("position 1: %+v %t %v", m, found, err)
	}
	for _, position := range []uint64{0, 5, 1 << 40} {
		if _, found, err := b.At(t.Context(), position); found || err != nil {
			t.Errorf("position %d: %t %v", position, found, err)
		}
	}
}

// What was stored since a moment: the first of it, or behind the last; of JOURNEYS as of EVENTS.
func TestSince(t *testing.T) {
	b := newSite(t).provisioned()
	appendAll(t, b, entriesFrom(0, 3))
	third, _, err := b.At(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	before, after := third.StoredAt.Time().Add(-time.Hour), time.Now().Add(time.Hour)
	for at, want := range map[time.Time]uint64{before: 1, after: 5} {
		if got, err := b.EventsSince(t.Context(), at); err != nil || got != want {
			t.Errorf("since %s: %d, expected %d (%v)", at, got, want, err)
		}
	}
	if got, err := b.EventsSince(t.Context(), third.StoredAt.Time().Add(time.Millisecond)); err != nil || got < 4 {
		t.Errorf("since a moment later than the third: %d (%v)", got, err)
	}
	claim(t, b, 1)
	if err := b.Tell(t.Context(), 1, toldFrom(1, 4)); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		all, err := b.JourneysGathered(t.Context())
		return err == nil && all
	})
	for filter, want := range map[string]uint64{"": 5, "*.journey.opened.*": 5, "*.owner.claimed": 1, "2.>": 0} {
		if got, err := b.JourneysHead(t.Context(), filter); err != nil || got != want {
			t.Errorf("the last of %q is %d, expected %d (%v)", filter, got, want, err)
		}
	}
	for at, want := range map[time.Time]uint64{before: 1, after: 6} {
		if got, err := b.JourneysSince(t.Context(), at); err != nil || got != want {
			t.Errorf("journeys since %s: %d, expected %d (%v)", at, got, want, err)
		}
	}
}
