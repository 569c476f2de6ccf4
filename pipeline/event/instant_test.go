package event_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"parcours/pipeline/event"
)

// TestInstantAsTimeWritesIt: years of one digit and of five, before Christ and before 1970, and each millisecond of a second.
func TestInstantAsTimeWritesIt(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var all []event.Instant
	for _, year := range []int{-10000, -1, 0, 1, 999, 1899, 1969, 1970, 2000, 2024, 2100, 9999, 10000, 250000} {
		for _, day := range []int{0, 1, 58, 59, 60, 364, 365} {
			midnight := event.InstantOf(time.Date(year, 1, 1+day, 0, 0, 0, 0, time.UTC))
			all = append(all, midnight-1, midnight, midnight+1, midnight+event.Instant(rng.Int64N(86_400_000)))
		}
	}
	for ms := range event.Instant(2000) {
		all = append(all, ms-1000)
	}
	for range 20_000 {
		all = append(all, event.Instant(rng.Int64N(1<<48)-1<<47))
	}
	for _, at := range all {
		if want := at.Time().Format(event.TimeLayout); at.String() != want || string(at.Append([]byte("x"))) != "x"+want {
			t.Fatalf("%d: %s, want %s", int64(at), at, want)
		}
	}
}
