package churn

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"strings"
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

// TestNumbers: numbers of every length read back, wherever they stand before the end; what is cut, or longer than any number, is refused.
func TestNumbers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 9))
	for range 2000 {
		v := random.Uint64() >> random.IntN(64)
		b := binary.AppendUvarint(nil, v)
		for behind := range 9 {
			r := reader{s: string(b) + strings.Repeat("\xff", behind)}
			if got := r.uint(); got != v || r.failed || len(r.s) != behind {
				t.Fatalf("%d before %d bytes: %d, %d bytes are left, failed: %v", v, behind, got, len(r.s), r.failed)
			}
		}
		if r := (reader{s: string(b[:len(b)-1])}); r.uint() != 0 || !r.failed {
			t.Fatalf("%d, cut: no error", v)
		}
	}
	if r := (reader{s: strings.Repeat("\xff", 20)}); r.uint() != 0 || !r.failed {
		t.Error("a number without an end: no error")
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
