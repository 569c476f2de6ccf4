package pipeline

import (
	"maps"

	"github.com/cespare/xxhash/v2"

	"parcours/pipeline/event"
)

// Archive keeps, for one partition and outside its memory, what has left its state: groups of journeys that wait for
// their case to come back, and the fingerprints of events that are final, so that a copy of one still counts as a copy.
// What was put in is found at once. An error means that the fold cannot go on.
type Archive interface {
	// Park keeps a packed group under each of its keys; under one key the last group put in is the one found.
	Park(keys []uint64, group string) error
	// Parked finds the group of a key; "" for none.
	Parked(key uint64) (string, error)
	// Settle keeps the fingerprint and the time of a final event. Again is harmless.
	Settle(print uint64, at event.Instant) error
	// Settled gives the time of a final event.
	Settled(print uint64) (at event.Instant, known bool, err error)
}

// MemoryArchive is an Archive for folds that end soon: tests, and small logs.
type MemoryArchive struct {
	groups map[uint64]string
	finals map[uint64]event.Instant
}

// NewMemoryArchive makes an empty one.
func NewMemoryArchive() *MemoryArchive {
	return &MemoryArchive{map[uint64]string{}, map[uint64]event.Instant{}}
}

// Clone makes one that holds the same.
func (m *MemoryArchive) Clone() *MemoryArchive {
	return &MemoryArchive{maps.Clone(m.groups), maps.Clone(m.finals)}
}

// Park implements Archive.
func (m *MemoryArchive) Park(keys []uint64, group string) error {
	for _, k := range keys {
		m.groups[k] = group
	}
	return nil
}

// Parked implements Archive.
func (m *MemoryArchive) Parked(key uint64) (string, error) { return m.groups[key], nil }

// Settle implements Archive.
func (m *MemoryArchive) Settle(print uint64, at event.Instant) error {
	m.finals[print] = at
	return nil
}

// Settled implements Archive.
func (m *MemoryArchive) Settled(print uint64) (event.Instant, bool, error) {
	at, known := m.finals[print]
	return at, known, nil
}

// caseKey names a case of a home in the archive.
func caseKey(home, caseID string) uint64 {
	h := xxhash.New()
	_, _ = h.WriteString(home)
	_, _ = h.Write([]byte{0})
	_, _ = h.WriteString(caseID)
	return h.Sum64()
}
