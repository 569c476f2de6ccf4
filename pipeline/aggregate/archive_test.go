package aggregate

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// TestArchive: whatever is put in, sealed, merged, and fetched again after a restart is found as in memory.
func TestArchive(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		r := rand.New(rand.NewPCG(seed, 1))
		saved := map[string]string{} // what was saved, by name
		load := func(name string) (io.ReadCloser, error) {
			body, known := saved[name]
			if !known {
				return nil, fmt.Errorf("no object %s", name)
			}
			return io.NopCloser(strings.NewReader(body)), nil
		}
		a, want := newArchive(t.TempDir(), nil, load), pipeline.NewMemoryArchive()
		var checkpoint []RunName
		atCheckpoint := want.Clone()
		for range 400 {
			switch r.IntN(12) {
			case 0:
				runs, err := a.seal()
				if err != nil {
					t.Fatal(err)
				}
				checkpoint, atCheckpoint = nil, want.Clone()
				for _, run := range runs {
					if !run.saved {
						body, err := io.ReadAll(io.NewSectionReader(run.file, 0, run.Bytes))
						if err != nil || int64(len(body)) != run.Bytes {
							t.Fatalf("run %s is %d bytes long, expected %d: %v", run.Name, len(body), run.Bytes, err)
						}
						saved[run.Name], run.saved = string(body), true
					}
					checkpoint = append(checkpoint, run.RunName)
				}
				if err := a.compact(); err != nil {
					t.Fatal(err)
				}
			case 1: // a crash
				a.close()
				a, want = newArchive(t.TempDir(), checkpoint, load), atCheckpoint.Clone()
			case 2:
				if err := a.flush(); err != nil {
					t.Fatal(err)
				}
			case 3, 4, 5:
				keys := []uint64{r.Uint64N(50), 100 + r.Uint64N(50)}[:1+r.IntN(2)]
				group := strings.Repeat("g", r.IntN(200)) + fmt.Sprint(r.Uint64())
				if err := a.Park(keys, group); err != nil {
					t.Fatal(err)
				}
				_ = want.Park(keys, group)
			default:
				print := r.Uint64N(300)
				if err := a.Settle(print, event.Instant(print)*7); err != nil {
					t.Fatal(err)
				}
				_ = want.Settle(print, event.Instant(print)*7)
			}
		}
		for key := range uint64(310) {
			got, err := a.Parked(key)
			if expected, _ := want.Parked(key); err != nil || got != expected {
				t.Fatalf("seed %d: key %d leads to %q, expected %q: %v", seed, key, got, expected, err)
			}
			at, known, err := a.Settled(key)
			if wantAt, wantKnown, _ := want.Settled(key); err != nil || known != wantKnown || at != wantAt {
				t.Fatalf("seed %d: fingerprint %d is %v %t, expected %v %t: %v", seed, key, at, known, wantAt, wantKnown, err)
			}
		}
		a.close()
		left, err := os.ReadDir(a.dir)
		if err != nil || len(left) > 0 {
			t.Fatalf("seed %d: %d files are left: %v", seed, len(left), err)
		}
	}
}

// TestArchiveFewRuns: runs are merged as they grow, so that a lookup asks few.
func TestArchiveFewRuns(t *testing.T) {
	a := newArchive(t.TempDir(), nil, nil)
	defer a.close()
	for i := range 300 {
		if err := a.Settle(uint64(i), 1); err != nil {
			t.Fatal(err)
		}
		if _, err := a.seal(); err != nil {
			t.Fatal(err)
		}
		if err := a.compact(); err != nil {
			t.Fatal(err)
		}
	}
	if len(a.runs) > 10 {
		t.Errorf("300 seals leave %d runs", len(a.runs))
	}
}
