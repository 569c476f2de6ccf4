package aggregate_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/aggregate"
)

// counted counts how often copies are taken.
type counted struct {
	pipeline.Snapshotter
	taken atomic.Int64
}

func (c *counted) Snapshot(ctx context.Context) error {
	c.taken.Add(1)
	return c.Snapshotter.Snapshot(ctx)
}

// TestCopiesInLogMode: where time moves with events alone, copies are taken anew once nothing comes any more after days were closed, and
// then only when other days are.
func TestCopiesInLogMode(t *testing.T) {
	s := years(t)
	copies := &counted{Snapshotter: s.store}
	d := s.watching(nil)
	d.Snapshots = copies
	_, stop, _ := s.startWith(d, func(c *aggregate.Config) {
		c.DailyLeast, c.CopiesAfter = 10*time.Millisecond, 500*time.Millisecond
	})
	eventually(t, "copies", func() bool { return copies.taken.Load() == 1 })
	time.Sleep(time.Second) // nothing is due: none may be taken
	if n := copies.taken.Load(); n != 1 {
		t.Errorf("copies were taken %d times while nothing came", n)
	}
	s.tell(aggregate.Tick(pipeline.All, later.Add(48*time.Hour)))
	eventually(t, "copies of the days after", func() bool { return copies.taken.Load() == 2 })
	if err := stop(); err != nil {
		t.Fatal(fmt.Errorf("stopped: %w", err))
	}
}
