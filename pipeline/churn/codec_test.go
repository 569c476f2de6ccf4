package churn

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"parcours/pipeline/rules"
)

// packed gives a standing of made-up facts, partly settled.
func packed(seed uint64, p *Parameters) []byte {
	facts := lifeOf(rand.New(rand.NewPCG(seed, 8)), 80)
	var s Standing
	for _, f := range facts {
		s.Add(f)
	}
	s.Settle(facts[len(facts)*3/4].At, p)
	return s.Append(nil)
}

// TestCorrupt: what Append did not write is refused, not misread: each cut, and whatever reads at all is written again as it was.
func TestCorrupt(t *testing.T) {
	p := ParametersOf(rules.Default())
	for seed := range uint64(20) {
		b := packed(seed, p)
		for n := range b {
			if _, err := ReadStanding(b[:n]); !errors.Is(err, ErrStanding) {
				t.Fatalf("seed %d, cut to %d of %d bytes: %v", seed, n, len(b), err)
			}
		}
		if _, err := ReadStanding(append(bytes.Clone(b), 0)); !errors.Is(err, ErrStanding) {
			t.Errorf("seed %d: a byte too many: %v", seed, err)
		}
	}
	if _, err := ReadStanding(nil); !errors.Is(err, ErrStanding) {
		t.Errorf("no bytes: %v", err)
	}
}

// TestPlaces: a standing appended to other bytes leaves them, and its texts share no memory with what they were read from.
func TestPlaces(t *testing.T) {
	b := packed(1, ParametersOf(rules.Default()))
	s, err := ReadStanding(b)
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Clone(b)
	clear(b)
	if got := s.Append([]byte("before")); !bytes.Equal(got, append([]byte("before"), want...)) {
		t.Error("it is not what was read")
	}
}

// FuzzReadStanding: no bytes make it panic, and what can be read can be looked at.
func FuzzReadStanding(f *testing.F) {
	p := ParametersOf(rules.Default())
	for seed := range uint64(5) {
		f.Add(packed(seed, p))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ReadStanding(b)
		if err != nil {
			return
		}
		r, err := ReadStanding(s.Append(nil))
		if err != nil {
			t.Fatalf("written again it cannot be read: %v", err)
		}
		if !bytes.Equal(s.Append(nil), r.Append(nil)) {
			t.Fatal("written twice it has other bytes")
		}
	})
}
