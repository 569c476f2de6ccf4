package aggregate

import (
	"context"
	"fmt"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/attribution"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// Associate estimates the losses associated with each kind of breakpoint and reason family, as of a day that all partitions
// have closed (any moment of it), if that is due: another landmark has matured since the last estimate, or the generation or
// the rules are others. A second time is harmless. It says whether there was something to estimate; that nobody was
// exposed is kept too, in place of what was estimated before.
//
// The book is that of the history; the rules of the day hold. All of it is read from views, so the aggregator can go on
// meanwhile: an estimate during which views turned to another generation is not kept, and due again.
func Associate(ctx context.Context, losses pipeline.Losses, book *rules.Book, closed event.Instant) (estimated bool, err error) {
	now := book.At(closed)
	if err := losses.RankBy(ctx, now); err != nil {
		return false, fmt.Errorf("associate losses: %w", err)
	}
	e, due, err := estimateDue(ctx, losses, now, closed)
	if err != nil || !due {
		return false, err
	}
	found, err := estimate(ctx, losses, &e, attribution.Options{TooFew: now.Attribution.TooFew, Replicates: e.Replicates})
	if err != nil {
		return false, fmt.Errorf("associate losses: %w", err)
	}
	after, err := losses.LastEstimate(ctx)
	if err != nil || after.Generation != e.Generation {
		return false, err
	}
	if err := losses.KeepEstimate(ctx, e, found); err != nil {
		return false, fmt.Errorf("keep associated losses: %w", err)
	}
	return len(found) > 0, nil
}

// estimateDue is the estimate to be made, and whether it says something else than the last one.
func estimateDue(ctx context.Context, losses pipeline.Losses, book *rules.Book, closed event.Instant) (e pipeline.LossEstimate, due bool, err error) {
	last, err := losses.LastEstimate(ctx)
	if err != nil {
		return e, false, fmt.Errorf("associate losses: %w", err)
	}
	settled, found, err := losses.Settled(ctx)
	if err != nil || !found {
		return e, false, err
	}
	e = pipeline.LossEstimate{
		Generation: last.Generation, AsOf: startOfDay(closed), LastLandmark: lastLandmark(settled.Add(-book.Attribution.LostWithin)),
		Rules: book.Version(), Replicates: book.Attribution.Replicates,
	}
	return e, e.LastLandmark != last.LastLandmark || e.Rules != last.Rules, nil
}

func estimate(ctx context.Context, losses pipeline.Losses, e *pipeline.LossEstimate, o attribution.Options) ([]attribution.Association, error) {
	cohort := attribution.NewCohort()
	if err := losses.Landmarks(ctx, cohort.Add); err != nil {
		return nil, err
	}
	e.Landmarks = cohort.Landmarks()
	return cohort.Estimate(o), nil
}

func startOfDay(at event.Instant) event.Instant {
	return event.InstantOf(at.Time().Truncate(24 * time.Hour))
}

// lastLandmark is the first of a month at or before a moment.
func lastLandmark(at event.Instant) event.Instant {
	year, month, _ := at.Time().Date()
	return event.InstantOf(time.Date(year, month, 1, 0, 0, 0, 0, time.UTC))
}
