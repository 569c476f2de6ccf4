package nats_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"parcours/pipeline/nats"
)

func sweep(t testing.TB, b *nats.Bus, keep func(string) bool, age time.Duration, want int) {
	t.Helper()
	if n, err := b.Sweep(t.Context(), keep, age); n != want || err != nil {
		t.Fatalf("swept %d, want %d: %v", n, want, err)
	}
}

func everyName(string) bool { return true }

// Objects are saved under new names for years: what is left is what is kept.
func TestSweep(t *testing.T) {
	s := newSite(t)
	b := s.provisioned()
	left := stream(t, s, "OBJ_CHECKPOINTS")
	var last string
	for n := range 50 {
		last = fmt.Sprintf("g1/p0/%d", n*1000)
		save(t, b, last, random(uint64(n), 200_000))
		if n%10 == 9 {
			sweep(t, b, func(name string) bool { return name == last }, 0, 9+min(n/10, 1))
			wantMessages(t, left, 3)
		}
	}
	wantObject(t, b, last, random(49, 200_000))
	sweep(t, b, func(string) bool { return false }, time.Hour, 0)
	wantObject(t, b, last, random(49, 200_000))
}

// Marks that another client's deletion leaves go; those younger than the age stay.
func TestSweepMarks(t *testing.T) {
	s := newSite(t)
	b := s.provisioned()
	left := stream(t, s, "OBJ_CHECKPOINTS")
	store, err := jetStream(t, s).ObjectStore(t.Context(), "CHECKPOINTS")
	if err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		name := fmt.Sprint(n)
		save(t, b, name, []byte(name))
		if err := store.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	wantMessages(t, left, 5)
	sweep(t, b, everyName, time.Hour, 0)
	wantMessages(t, left, 5)
	sweep(t, b, everyName, 0, 0)
	wantMessages(t, left, 0)
}

// Parts that no object names are those of an upload that was killed, or of one that is under way.
func TestSweepBrokenUploads(t *testing.T) {
	s := newSite(t)
	b := s.provisioned()
	js := jetStream(t, s)
	save(t, b, "kept", random(1, 300_000))
	for n := range 10 {
		if _, err := js.Publish(t.Context(), fmt.Sprintf("$O.CHECKPOINTS.C.upload%d", n%2), []byte{byte(n)}); err != nil {
			t.Fatal(err)
		}
	}
	killed := s.bus()
	left := stream(t, s, "OBJ_CHECKPOINTS")
	source := io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20)), readerFunc(func([]byte) (int, error) {
		eventually(t, func() bool { // all are stored that will ever be
			info, err := left.Info(t.Context())
			return err == nil && info.State.Msgs == 4+10+8
		})
		killed.Close()
		return 0, io.EOF
	}))
	if err := killed.Save(t.Context(), "never", source); err == nil {
		t.Error("saved over a closed connection")
	}
	wantMessages(t, left, 4+10+8)
	sweep(t, b, everyName, time.Hour, 0)
	wantMessages(t, left, 4+10+8)
	sweep(t, b, everyName, 0, 3)
	wantMessages(t, left, 4)
	wantNone(t, b, "never")
	wantObject(t, b, "kept", random(1, 300_000))
}

// An upload of which parts are swept while it is under way, the first ones or all, fails; it does not become an object
// without them.
func TestSweepDuringUpload(t *testing.T) {
	s := newSite(t)
	b, other := s.provisioned(), s.bus()
	sweepNow := readerFunc(func([]byte) (int, error) {
		eventually(t, func() bool { // parts that come in after it has begun are too young
			n, err := other.Sweep(t.Context(), everyName, 0)
			return n == 1 && err == nil
		})
		return 0, io.EOF
	})
	for name, rest := range map[string]io.Reader{"all": strings.NewReader(""), "the first": strings.NewReader(strings.Repeat("y", 4<<20))} {
		source := io.MultiReader(strings.NewReader(strings.Repeat("x", 4<<20)), sweepNow, rest)
		if err := b.Save(t.Context(), name, source); err == nil || !strings.Contains(err.Error(), "swept") {
			t.Errorf("%s: %v", name, err)
		}
		wantNone(t, b, name)
	}
	wantMessages(t, stream(t, s, "OBJ_CHECKPOINTS"), 0)
}

// A pointer that was removed leaves a mark, which goes too.
func TestSweepPointers(t *testing.T) {
	s := newSite(t)
	b := s.provisioned()
	left := stream(t, s, "KV_LEASES")
	for n := range 5 {
		key := fmt.Sprintf("owner.%d", n)
		revision := point(t, b, key, "me", 0)
		if n > 0 {
			if err := b.Unpoint(t.Context(), key, revision); err != nil {
				t.Fatal(err)
			}
		}
	}
	point(t, b, "owner.4", "again", 0)
	sweep(t, b, everyName, time.Hour, 0)
	wantMessages(t, left, 5)
	sweep(t, b, everyName, 0, 0)
	wantMessages(t, left, 2)
	point(t, b, "owner.1", "new", 0)
	if all, err := b.Pointers(t.Context(), "owner."); len(all) != 3 || err != nil {
		t.Errorf("%+v, %v", all, err)
	}
}
