package evaluate

import "parcours/pipeline/event"

// Sent is an event of the truth that was sent: what a directory that holds the events of this truth must know.
type Sent struct {
	Source, ID string
	At         event.Instant
}

// sampleMost is how many sent events are kept at most.
const sampleMost = 2000

// sample keeps every nth of the events it is given, n growing with them: a spread over all of a truth, the same each time.
type sample struct {
	kept    []Sent
	seen    int
	between int // one of so many is kept
}

func (s *sample) add(e *event.Event) {
	s.between = max(s.between, 1)
	if s.seen%s.between == 0 {
		s.kept = append(s.kept, Sent{e.Source, e.ID, e.At})
	}
	s.seen++
	if len(s.kept) > sampleMost {
		s.halve()
	}
}

func (s *sample) halve() {
	half := s.kept[:0]
	for i := 0; i < len(s.kept); i += 2 {
		half = append(half, s.kept[i])
	}
	s.kept, s.between = half, 2*s.between
}

// Sample gives at most 2,000 of the events that were sent, spread evenly over the truth.
func (t *Truth) Sample() []Sent { return t.sample.kept }
