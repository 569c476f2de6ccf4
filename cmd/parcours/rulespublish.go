package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
	"parcours/pipeline/rules"
)

// RulesPublishCommand puts a book into the log.
type RulesPublishCommand struct {
	DirectoryFlags
	From string `help:"From when on it holds: a date (its midnight in the book's time zone) or a time (RFC 3339), later than every clock; without it, just behind them." placeholder:"TIME" env:"-"`
	JSON bool   `name:"json" help:"Print one JSON object as the last line of standard output."`
	File string `arg:"" help:"The rule book." type:"existingfile"`
}

// Help is shown by --help.
func (*RulesPublishCommand) Help() string {
	return `What happens from its moment on is judged by the new book; what happened before stays as it was judged. A book that looks
further than the figures were made for (a longer window or deadline, another lateness) cannot follow them: "parcours rebuild
--rules FILE" restates all of history by it. To see first what it would change: "parcours rebuild --rules FILE --into cx_whatif"
and "parcours rules compare cx cx_whatif".

  parcours rules publish rules.yaml --data DIR
  parcours rules publish rules.yaml --data DIR --from 2026-10-05`
}

// publishedBook is what publish has done.
type publishedBook struct {
	Version  string `json:"version"`
	From     string `json:"effective_from"` // RFC 3339, or beginning
	Position uint64 `json:"position"`       // in the log
}

// Run publishes.
func (c *RulesPublishCommand) Run(common *service.Common, s *streams) error {
	ctx, stop := service.Interruptible()
	defer stop()
	book, err := readBook(c.File)
	if err != nil {
		return err
	}
	d, err := openDirectory(c.DirectoryFlags, common.Logger(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	defer d.close()
	store, err := d.tables(ctx)
	if err != nil {
		return err
	}
	from, err := c.moment(ctx, d, store, book)
	if err != nil {
		return err
	}
	publication := rules.Publish(book, from)
	position, err := publish(ctx, d.bus, &publication)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(publishedBook{book.Version(), moment(from), position})
	}
	fmt.Fprintf(s.out, "Version %s is published at position %d of the log, in force from %s on.\n", book.Version(), position, moment(from))
	if from != rules.Beginning {
		fmt.Fprintf(s.out, "Nothing that has come so far changes by it: until something that happened then comes, every figure stays as it is, and the book "+
			"in force too (parcours rebuild --data %s --rules %s judges what has happened by it).\n", c.Data, c.File)
	}
	return nil
}

// moment checks that the book can follow what is in force, and says from when on.
func (c *RulesPublishCommand) moment(ctx context.Context, d *directory, store *clickhouse.Store, book *rules.Book) (event.Instant, error) {
	inForce, err := bookInForce(ctx, d.bus, store)
	if err != nil {
		return 0, err
	}
	if err := book.CanFollow(inForce); err != nil {
		return 0, coded{fmt.Errorf("%s cannot follow what the figures were made with:\n%w\nparcours rebuild --data %s --rules %s restates all of history by it",
			c.File, err, c.Data, c.File), service.Wrong}
	}
	clock, err := furthest(ctx, d.bus, store)
	if err != nil {
		return 0, err
	}
	info, err := d.bus.Info(ctx)
	if err != nil {
		return 0, err
	}
	from, err := c.from(book, clock, info.Mode, time.Now())
	if err == nil && from != rules.Beginning && changesNothing(inForce, book, from) {
		err = coded{errSameBook, service.Wrong}
	}
	return from, err
}

// changesNothing says whether a book holds from a moment on already, with nothing planned that it would put aside.
func changesNothing(inForce, book *rules.Book, from event.Instant) bool {
	same := inForce.At(from).Version() == book.Version()
	for _, p := range inForce.Later() {
		same = same && (p.From <= from || p.Book.Version() == book.Version())
	}
	return same
}

// ahead is how far beyond real time a book begins to hold by itself, where clocks follow it: events may lie a little ahead,
// and those on their way should find it there.
const ahead = 10 * time.Minute

// from reads --from. A log without a clock has no events: there a book may hold from the beginning on.
func (c *RulesPublishCommand) from(book *rules.Book, clock event.Instant, mode string, now time.Time) (event.Instant, error) {
	if c.From == "" {
		switch {
		case clock == noClockYet:
			return rules.Beginning, nil
		case mode == nats.ModeWall:
			return max(clock+1, event.InstantOf(now.Add(ahead).Truncate(time.Minute))), nil
		}
		return clock + 1, nil
	}
	at, err := instantOf(c.From, book.Timezone)
	if err != nil {
		return 0, err
	}
	if at <= clock {
		return 0, misused("--from %s: the clocks of %s have come to %s already, and what was judged stays as it is; expected a later moment "+
			"(parcours rebuild --rules restates history)", c.From, c.Data, clock)
	}
	return at, nil
}

func instantOf(text, timezone string) (event.Instant, error) {
	zone, err := rules.LoadLocation(timezone)
	if err != nil {
		return 0, err
	}
	if t, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		return event.InstantOf(t), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, misused("--from %s: expected a date like 2026-10-05 or a time like 2026-10-05T08:00:00Z", text)
	}
	return event.InstantOf(t), nil
}

// publish appends a publication to the log.
func publish(ctx context.Context, bus *nats.Bus, p *rules.Publication) (position uint64, err error) {
	out := bus.Append(ctx, []pipeline.Entry{aggregate.PublicationEntry(p, event.InstantOf(time.Now()))})[0]
	if out.Err != nil {
		return 0, fmt.Errorf("publish the rule book: %w", out.Err)
	}
	return out.Position, nil
}

// noClockYet is the clock of a log without events and ticks.
const noClockYet = event.Instant(math.MinInt64)

// furthest is the furthest clock of a log: that of any partition in the tables, and the largest time of what the tables do
// not hold yet.
func furthest(ctx context.Context, bus *nats.Bus, store *clickhouse.Store) (event.Instant, error) {
	clocks, err := partitionClocks(ctx, store)
	if err != nil {
		return 0, err
	}
	clock, from := noClockYet, uint64(math.MaxUint64)
	for _, p := range clocks {
		clock, from = max(clock, p.at), min(from, p.Position)
	}
	if len(clocks) == 0 {
		from = 0
	}
	head, err := bus.Head(ctx)
	if err != nil || from >= head {
		return clock, err
	}
	reader, err := bus.Read(ctx, from+1)
	if err != nil {
		return 0, err
	}
	defer reader.Close()
	for at := from; at < head; {
		messages, err := reader.Next(ctx, rejectedWait)
		if err != nil {
			return 0, err
		}
		if len(messages) == 0 {
			break // the last ones were erased
		}
		for i := range messages {
			at = messages[i].Position
			if e, err := event.DecodeLog(messages[i].Body); err == nil && (!event.System(e.Type) || e.Type == event.ClockTicked || e.Type == event.ClockModeChanged) {
				clock = max(clock, e.At)
			}
		}
	}
	return clock, nil
}
