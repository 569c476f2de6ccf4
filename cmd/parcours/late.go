package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"parcours/cmd/internal/service"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
	"parcours/pipeline/rules"
)

// lateness is the bound of a rule book, in words.
func lateness(b *rules.Book) string { return strings.TrimSuffix(b.Lateness.String(), "0m0s") }

// foresee stops an import of history into a deployment in wall mode that is ahead of it, before anything is sent: what is
// late would be kept and counted, and stay out of journeys. In log mode nothing is stopped: late events are admitted when
// the import has come to its end.
func (c *ImportCommand) foresee(ctx context.Context, rows rowSource, to target, sent int, progressTo io.Writer) error {
	if c.Late || to.mode() != nats.ModeWall {
		return nil
	}
	clock, err := wallClock(ctx, to, time.Now())
	if err != nil {
		return err
	}
	book, err := bookInForce(ctx, to.log(), to.tables())
	if err != nil {
		return err
	}
	late, all, err := countLate(ctx, rows, sent, clock.Add(-book.Lateness), progressTo)
	if err != nil || late == 0 {
		return err
	}
	return coded{fmt.Errorf("%d of %d rows that have a time lie more than %s behind this directory's clock (%s): they would be kept and counted but stay "+
		"out of journeys; nothing was sent. To take them: the same command with --late, then parcours rebuild --data %s --admit-late",
		late, all, lateness(book), clock, c.Data), service.Wrong}
}

// wallClock is how far the clocks of a deployment in wall mode have come, or will have when the import is under way: the
// largest clock of all partitions, and at least real time less the grace of ticks, since whoever folds a partition that has
// slept ticks it at once.
//
// An event is late by the clock of its own partition, and its partition is that of its customer's pseudonym and of what
// the door remembers of its case: only the door knows it. In wall mode, where alone this is asked, the clocks lie at most
// an hour apart (aggregate.Config.TickEvery), so the largest says nearly the same, and errs towards asking the operator.
func wallClock(ctx context.Context, to target, now time.Time) (event.Instant, error) {
	if err := to.caughtUp(ctx); err != nil {
		return 0, err
	}
	clocks, err := partitionClocks(ctx, to.tables())
	furthest := event.InstantOf(now.Add(-aggregate.Default().TickGrace))
	for _, p := range clocks {
		furthest = max(furthest, p.at)
	}
	return furthest, err
}

// countLate passes over the file, without what an earlier run has sent, and counts the events that lie before a limit. A row
// that is no event is not counted: it will be refused.
func countLate(ctx context.Context, rows rowSource, sent int, limit event.Instant, progressTo io.Writer) (late, all int, err error) {
	bar := newProgress(progressTo, "looking for late events", "rows")
	defer bar.done()
	number := 0
	rows(func(r row, failed error) bool {
		if err = failed; err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return false
		}
		if number++; number <= sent || r.refusal != nil {
			return true
		}
		if at := timeOf(r.body); at != math.MinInt64 {
			all++
			if at < limit {
				late++
			}
		}
		bar.at(number, 0)
		return true
	})
	return late, all, err
}

// lateView lists the events that came too late to enter journeys and have not been admitted.
const lateView = "late_v"

// lateCount is how many of them there are: 0 where the tables do not know of late events.
func lateCount(ctx context.Context, store *clickhouse.Store) (n uint64, err error) {
	var known uint64
	row := store.Conn().QueryRow(ctx, "SELECT count() FROM system.tables WHERE database = '"+store.Database()+"' AND name = '"+lateView+"'")
	if err := row.Scan(&known); err != nil || known == 0 {
		return 0, err
	}
	row = store.Conn().QueryRow(ctx, "SELECT count() FROM "+store.Database()+"."+lateView)
	if err := row.Scan(&n); err != nil {
		return 0, fmt.Errorf("count the late events: %w", err)
	}
	return n, nil
}

// settle says how many events are late when everything is in the tables. In log mode they are admitted at once.
func settle(ctx context.Context, to target, progressTo io.Writer) (late uint64, err error) {
	late, err = lateCount(ctx, to.tables())
	if err != nil || late == 0 || to.mode() != nats.ModeLog {
		return late, err
	}
	return late, admitLate(ctx, to, progressTo)
}

// admitLate begins a new generation that takes late events, too, in the order of event time.
func admitLate(ctx context.Context, to target, progressTo io.Writer) error {
	bar := newProgress(progressTo, "admitting late events", "messages")
	defer bar.done()
	g, err := rebuild(ctx, to.log(), to.tables(), "", to.alone(), aggregate.RebuildOptions{
		Admit: true, Progress: func(at, head uint64) { bar.at(int(at), int(head)) },
	}, to.logger())
	if err != nil {
		return err
	}
	return to.adopted(ctx, g)
}
