package aggregate

import (
	"context"
	"strconv"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

// tick tells the log what time it is, in the wall clock mode only: into a partition's own subject, when real time minus
// the grace has passed the partition's next due time, and at least every TickEvery. A tick that the log does not take is
// no loss: the next turn sends another.
func (a *Aggregator) tick(ctx context.Context) {
	if a.Appender == nil || !a.wall() || !a.ready.Load() {
		return
	}
	now := a.Now()
	if now.Sub(a.looked) < a.config.TickLeast {
		return
	}
	a.looked = now
	at := event.InstantOf(now.Add(-a.config.TickGrace))
	var entries []pipeline.Entry
	for p := range a.lane.partitions {
		if a.wants(p, now, at) {
			a.ticked[p] = now
			entries = append(entries, Tick(p, at))
		}
	}
	for _, out := range a.append(ctx, entries) {
		if out.Err != nil && ctx.Err() == nil {
			a.Logger.Warn().Err(out.Err).Msg("the log did not take a tick")
		}
	}
}

// wall says whether ticks follow real time: since the log was opened, or since an operator switched it.
func (a *Aggregator) wall() bool { return a.Wall || a.lane.partitions[0].Wall() }

func (a *Aggregator) append(ctx context.Context, entries []pipeline.Entry) []pipeline.Outcome {
	if len(entries) == 0 {
		return nil
	}
	return a.Appender.Append(ctx, entries)
}

// wants says whether a partition needs a tick now.
func (a *Aggregator) wants(p int, now time.Time, at event.Instant) bool {
	since := now.Sub(a.ticked[p])
	if since < a.config.TickLeast || at <= a.lane.partitions[p].Clock() {
		return false
	}
	due := a.lane.partitions[p].NextDue()
	return since >= a.config.TickEvery || due != journey.Never && due <= at
}

// tickSource is the CloudEvents source of ticks.
const tickSource = "/parcours/aggregator"

// Tick is the entry that moves the clock of a partition (or of pipeline.All) to an instant. Its id follows from both.
func Tick(partition int, at event.Instant) pipeline.Entry {
	e := event.Event{ID: tickID(partition, at), Source: tickSource, Type: event.ClockTicked, At: at}
	entry := pipeline.Entry{
		MsgID: event.MessageID(e.Source, e.ID), Partition: partition, Channel: string(event.Other),
		Family: event.FamilySystem, Type: e.Type, Body: event.AppendLog(nil, &e),
	}
	if partition == pipeline.All {
		entry.Family = e.Type
	}
	return entry
}

func tickID(partition int, at event.Instant) string {
	return journey.ID("tick", strconv.Itoa(partition), at.String())
}
