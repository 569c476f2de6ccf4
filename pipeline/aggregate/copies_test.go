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

// turns counts how often the loop has asked the log and nothing had come.
type turns struct {
	pipeline.Log
	empty atomic.Int64
}

func (t *turns) Read(ctx context.Context, from uint64) (pipeline.Reader, error) {
	r, err := t.Log.Read(ctx, from)
	return turning{r, t}, err
}

type turning struct {
	pipeline.Reader
	of *turns
}

func (r turning) Next(ctx context.Context, wait time.Duration) ([]pipeline.Message, error) {
	messages, err := r.Reader.Next(ctx, wait)
	if len(messages) == 0 && err == nil {
		r.of.empty.Add(1)
	}
	return messages, err
}

// TestCopiesInLogMode: where time moves with events alone, copies are taken anew once nothing comes any more after days were closed, and
// then only when other days are.
func TestCopiesInLogMode(t *testing.T) {
	s := years(t)
	d := s.watching(nil)
	copies, log := &counted{Snapshotter: s.store}, &turns{Log: d.Log}
	d.Snapshots, d.Log = copies, log
	_, stop, _ := s.startWith(d, func(c *aggregate.Config) {
		c.DailyLeast, c.CopiesAfter = 10*time.Millisecond, 500*time.Millisecond
	})
	eventually(t, "copies", func() bool { return copies.taken.Load() == 1 })
	quiet := log.empty.Load() + 50
	eventually(t, "fifty turns in which nothing came and nothing is due", func() bool { return log.empty.Load() >= quiet })
	if n := copies.taken.Load(); n != 1 {
		t.Errorf("copies were taken %d times while nothing came", n)
	}
	s.tell(aggregate.Tick(pipeline.All, later.Add(48*time.Hour)))
	eventually(t, "copies of the days after", func() bool { return copies.taken.Load() == 2 })
	if err := stop(); err != nil {
		t.Fatal(fmt.Errorf("stopped: %w", err))
	}
}
