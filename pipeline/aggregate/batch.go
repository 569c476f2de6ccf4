package aggregate

import (
	"time"

	"parcours/pipeline"
)

// batch is what waits for its insert.
type batch struct {
	began    time.Time
	position uint64 // of the last message folded into it; 0 for none
	changes  pipeline.Changes
	told     [][]pipeline.Told // per partition
	stepped  map[place]int     // journey -> index in told of the journey.stepped that a later one replaces
	state    *snapshot         // to be saved when the batch is delivered; nil for none
	done     chan struct{}     // closed when the batch is delivered
}

// place is a journey in a partition.
type place struct {
	partition int
	journey   string
}

func newBatch(partitions int) *batch {
	return &batch{told: make([][]pipeline.Told, partitions), stepped: map[place]int{}, done: make(chan struct{})}
}

func (b *batch) rows() int {
	return rowsIn(&b.changes.Rows)
}

func rowsIn(r *pipeline.Rows) int {
	return len(r.Events) + len(r.Journeys) + len(r.Steps) + len(r.Breakpoints) + len(r.Alerts) + len(r.ClosedDays) + len(r.ChurnSignals) + len(r.Scores)
}

// take adds the rows of one message.
func (b *batch) take(c *pipeline.Changes) { addRows(&b.changes.Rows, &c.Rows) }

func addRows(r, add *pipeline.Rows) {
	r.Events = append(r.Events, add.Events...)
	r.Journeys = append(r.Journeys, add.Journeys...)
	r.Steps = append(r.Steps, add.Steps...)
	r.Breakpoints = append(r.Breakpoints, add.Breakpoints...)
	r.Aliases = append(r.Aliases, add.Aliases...)
	r.Alerts = append(r.Alerts, add.Alerts...)
	r.ClosedDays = append(r.ClosedDays, add.ClosedDays...)
	r.ChurnSignals = append(r.ChurnSignals, add.ChurnSignals...)
	r.Scores = append(r.Scores, add.Scores...)
	r.ScoredDays = append(r.ScoredDays, add.ScoredDays...)
	r.Models = append(r.Models, add.Models...)
}

// tell adds a message of a partition. Of several journey.stepped of one journey in a batch the last one is told; an empty
// message keeps the place of the others until compact.
func (b *batch) tell(p int, t pipeline.Told) {
	if t.Type == pipeline.JourneyStepped {
		at := place{p, t.About}
		if i, ok := b.stepped[at]; ok {
			b.told[p][i].Body = nil
		}
		b.stepped[at] = len(b.told[p])
	}
	b.told[p] = append(b.told[p], t)
}

// compact drops the messages that later ones replaced.
func (b *batch) compact() {
	for p, list := range b.told {
		kept := list[:0]
		for _, t := range list {
			if t.Body != nil {
				kept = append(kept, t)
			}
		}
		b.told[p] = kept
	}
}
