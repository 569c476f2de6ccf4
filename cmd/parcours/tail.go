package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
	"parcours/pipeline/rules"
)

// TailCommand prints what happens as it happens.
type TailCommand struct {
	DirectoryFlags
	TailFilter
	Since     string `help:"Begin with what was stored since: a date (2026-03-02, UTC), a time (RFC 3339), or a duration back from now (10m, 7d)." placeholder:"WHEN" xor:"begin" env:"-"`
	FromStart bool   `help:"Begin with the first message." xor:"begin" env:"-"`
	Lines     int    `name:"lines" short:"n" help:"Of what is there already, print the last N lines at most; -1 for all of it. By default 10, and all with --since or --from-start." default:"-2" placeholder:"N" env:"-"`
	NoFollow  bool   `help:"Print what there is, and end." env:"-"`
	JSON      bool   `name:"json" help:"Print a JSON object a line." env:"-"`
}

// TailFilter says what is printed; without any of the first five, all of them.
type TailFilter struct {
	Events      bool   `help:"Print the events of the channels." env:"-"`
	Journeys    bool   `help:"Print what becomes of journeys." env:"-"`
	Breakpoints bool   `help:"Print breakpoints, found and retracted." env:"-"`
	Alerts      bool   `help:"Print alerts, raised and cleared." env:"-"`
	Churn       bool   `help:"Print churn signals, raised and cleared." env:"-"`
	Kind        string `help:"Only breakpoints, alerts and churn signals of this kind." placeholder:"KIND" env:"-"`
	Reason      string `help:"Only what is for this reason family." placeholder:"FAMILY" env:"-"`
	Channel     string `help:"Only what is on this channel; of a journey, what has touched it." placeholder:"CHANNEL" env:"-"`
	Customer    string `help:"Only what is about this customer: a pseudonym, or how it begins." placeholder:"PSEUDONYM" env:"-"`
	Type        string `help:"Only this type, or all that begin so: contact.ended, contact, journey.closed." placeholder:"TYPE" env:"-"`
}

// Help is shown by --help.
func (*TailCommand) Help() string {
	return `Events come as the log stores them; journeys, breakpoints, alerts and churn signals as JOURNEYS tells them. It follows while "parcours up" (or a demo that
serves on) holds the directory, until Ctrl-C; where nobody does, it prints what there is. Without --since and --from-start it
looks back at most 10,000 messages of each stream.

  parcours tail --data DIR
  parcours tail --data DIR --breakpoints --kind repeat_contact --reason billing
  parcours tail --data DIR --events --channel phone --type contact.ended --since 10m --json`
}

// linesDefault is what --lines is when it is not given, allLines when nothing is left out.
const (
	linesDefault = -2
	allLines     = -1
	linesUsual   = 10
)

// lookBack is how many messages of a stream are looked at for its last lines.
const lookBack = 10_000

// Run prints.
func (c *TailCommand) Run(common *service.Common, s *streams) error {
	filter, err := c.filter()
	if err != nil {
		return err
	}
	since, err := sinceOf(c.Since, time.Now())
	if err != nil {
		return err
	}
	ctx, stop := service.Interruptible()
	defer stop()
	d, err := openDirectory(c.DirectoryFlags, common.Logger(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	defer d.close()
	zone, err := d.judged(ctx, filter, s.err)
	if err != nil {
		return stopped(ctx, err)
	}
	t := &tail{filter: filter, out: s.out, paint: paintFor(s.out), zone: zone, json: c.JSON, keep: c.keep(), theirs: map[string]bool{}}
	if err := c.openSources(ctx, d.bus, t, since); err != nil {
		return stopped(ctx, err)
	}
	defer t.close()
	if err := t.backlog(ctx); err != nil {
		return stopped(ctx, err)
	}
	if c.NoFollow || d.held == nil {
		return nil
	}
	return stopped(ctx, t.follow(ctx))
}

// judged gives the zone of the book in force, and lets the filter spell its reason family as that book does.
func (d *directory) judged(ctx context.Context, f *tailFilter, errOut io.Writer) (*time.Location, error) {
	store, err := d.migrated(ctx)
	if err != nil {
		return nil, err
	}
	all, now, err := bookAtClock(ctx, d.bus, store)
	if err != nil {
		return nil, err
	}
	remarkFamily(errOut, all, f.Reason)
	f.family = all.FamilyToken(f.Reason)
	return rules.LoadLocation(now.Timezone)
}

// keep is how many lines of what is there already are printed; allLines for all.
func (c *TailCommand) keep() int {
	switch {
	case c.Lines != linesDefault:
		return max(c.Lines, allLines)
	case c.Since != "" || c.FromStart:
		return allLines
	}
	return linesUsual
}

// openSources begins to read the streams that the filter asks for.
func (c *TailCommand) openSources(ctx context.Context, bus *nats.Bus, t *tail, since event.Instant) error {
	if t.filter.Events {
		if err := t.open(ctx, c.eventSource(bus, t.filter), since, c.FromStart); err != nil {
			return err
		}
	}
	if t.filter.told() {
		if err := gathered(ctx, bus); err != nil {
			return err
		}
		return t.open(ctx, journeySource(bus, t.filter.subject()), since, c.FromStart)
	}
	return nil
}

// stream is one that can be read from somewhere on.
type stream struct {
	head  func(context.Context) (uint64, error)
	since func(context.Context, time.Time) (uint64, error)
	read  func(context.Context, uint64) (pipeline.Reader, error)
	line  func(*tail, *pipeline.Message) (*tailLine, error)
}

func (c *TailCommand) eventSource(bus *nats.Bus, f *tailFilter) stream {
	part := f.part()
	return stream{
		head:  func(ctx context.Context) (uint64, error) { return bus.HeadOf(ctx, part) },
		since: bus.EventsSince,
		read:  func(ctx context.Context, from uint64) (pipeline.Reader, error) { return bus.ReadPart(ctx, part, from) },
		line:  (*tail).eventLine,
	}
}

func journeySource(bus *nats.Bus, subject string) stream {
	return stream{
		head:  func(ctx context.Context) (uint64, error) { return bus.JourneysHead(ctx, subject) },
		since: bus.JourneysSince,
		read: func(ctx context.Context, from uint64) (pipeline.Reader, error) {
			return bus.ReadJourneys(ctx, from, subject)
		},
		line: (*tail).toldLine,
	}
}

// gatherWait is how long JOURNEYS may take to gather what its partitions hold, after a start.
const gatherWait = 3 * time.Second

func gathered(ctx context.Context, bus *nats.Bus) error {
	deadline := time.Now().Add(gatherWait)
	for {
		all, err := bus.JourneysGathered(ctx)
		if err != nil || all || time.Now().After(deadline) {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tail prints the lines of one or two streams.
type tail struct {
	filter *tailFilter
	out    io.Writer
	paint  paint
	zone   *time.Location
	json   bool
	keep   int
	flows  []*flow
	theirs map[string]bool // journeys of the customer asked for: what is retracted names no customer
}

// flow is a stream that is being read.
type flow struct {
	stream
	reader pipeline.Reader
	end    uint64 // the last message that was there at the beginning
	at     uint64
	next   *tailLine // of the messages that were there: the one to be printed next
	rest   []pipeline.Message
}

func (t *tail) open(ctx context.Context, s stream, since event.Instant, fromStart bool) error {
	end, err := s.head(ctx)
	if err != nil {
		return err
	}
	from := uint64(1)
	switch {
	case fromStart:
	case since > math.MinInt64:
		from, err = s.since(ctx, since.Time())
	case end > lookBack:
		from = end - lookBack + 1
	}
	if err != nil {
		return err
	}
	reader, err := s.read(ctx, from)
	if err != nil {
		return err
	}
	t.flows = append(t.flows, &flow{stream: s, reader: reader, end: end, at: from - 1})
	return nil
}

func (t *tail) close() {
	for _, f := range t.flows {
		f.reader.Close()
	}
}

// backlog prints what was there at the beginning, the streams in one order of the moments of storing.
func (t *tail) backlog(ctx context.Context) error {
	var kept []*tailLine
	for {
		line, err := t.earliest(ctx)
		if err != nil {
			return err
		}
		if line == nil {
			break
		}
		if t.keep == allLines {
			if err := t.print(line); err != nil {
				return err
			}
		} else if kept = append(kept, line); len(kept) > t.keep {
			kept = kept[1:]
		}
	}
	for _, line := range kept {
		if err := t.print(line); err != nil {
			return err
		}
	}
	return nil
}

// earliest takes the next line of all streams; nil when what was there has ended.
func (t *tail) earliest(ctx context.Context) (*tailLine, error) {
	var first *flow
	for _, f := range t.flows {
		if err := t.fill(ctx, f); err != nil {
			return nil, err
		}
		if f.next != nil && (first == nil || f.next.storedAt < first.next.storedAt) {
			first = f
		}
	}
	if first == nil {
		return nil, nil
	}
	line := first.next
	first.next = nil
	return line, nil
}

// fill finds the next line of a stream among what was there.
func (t *tail) fill(ctx context.Context, f *flow) error {
	for f.next == nil && f.at < f.end {
		if len(f.rest) == 0 {
			if err := f.more(ctx); err != nil {
				return err
			}
			continue
		}
		m := &f.rest[0]
		if m.Position > f.end {
			f.at = f.end // what has come since is for follow
			return nil
		}
		f.rest, f.at = f.rest[1:], m.Position
		var err error
		if f.next, err = f.line(t, m); err != nil {
			return err
		}
	}
	return nil
}

// more reads on; where nothing comes, the end may have been erased.
func (f *flow) more(ctx context.Context) error {
	messages, err := f.reader.Next(ctx, logWait)
	if err != nil {
		return err
	}
	if f.rest = messages; len(messages) > 0 {
		return nil
	}
	now, err := f.head(ctx)
	f.end = min(f.end, now)
	return err
}

// follow prints what comes, until it is interrupted.
func (t *tail) follow(ctx context.Context) error {
	lines, ended := make(chan *tailLine), make(chan error, len(t.flows))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	turn := make(chan struct{}, 1) // one stream at a time makes lines: they share what they know of the customer
	for _, f := range t.flows {
		go func() { ended <- t.pump(ctx, f, turn, lines) }()
	}
	for {
		select {
		case line := <-lines:
			if err := t.print(line); err != nil {
				return err
			}
		case err := <-ended:
			return err
		}
	}
}

// pump makes lines of what a stream brings.
func (t *tail) pump(ctx context.Context, f *flow, turn chan struct{}, lines chan<- *tailLine) error {
	for {
		for i := range f.rest {
			turn <- struct{}{}
			line, err := f.line(t, &f.rest[i])
			<-turn
			if err != nil {
				return err
			}
			if line == nil {
				continue
			}
			select {
			case lines <- line:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		var err error
		if f.rest, err = f.reader.Next(ctx, time.Minute); err != nil {
			return err
		}
	}
}

// print writes one line.
func (t *tail) print(l *tailLine) error {
	if t.json {
		return l.encode(t.out)
	}
	_, err := fmt.Fprintln(t.out, l.text(t.paint, t.zone))
	return err
}
