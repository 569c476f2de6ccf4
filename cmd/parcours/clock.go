package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
)

// ClockCommand is about the time that a log has reached.
type ClockCommand struct {
	Show ClockShowCommand `cmd:"" help:"Show the clock mode, and how far each partition's clock has come."`
	Wall ClockWallCommand `cmd:"" help:"Let the clocks of a log that keeps its own time follow real time from now on; it cannot be undone."`
}

// ClockShowCommand prints the clocks.
type ClockShowCommand struct {
	DirectoryFlags
	JSON bool `name:"json" help:"Print one JSON object as the last line of standard output."`
}

// Help is shown by --help.
func (*ClockShowCommand) Help() string {
	return `The clock of a partition is the largest of its event times and of the ticks it took. In wall mode ticks follow real time; in log
mode time moves only with events. An event more than 72 h behind its partition's clock is late: kept, and out of journeys.

  parcours clock show --data DIR`
}

// clockFace is what show gives. Times are RFC 3339; "" where there is none yet.
type clockFace struct {
	Mode       string           `json:"mode"`
	Opened     string           `json:"opened"` // the mode with which the log was opened
	Now        string           `json:"now"`
	Head       uint64           `json:"head"`       // position of the last message of the log
	LastEvent  string           `json:"last_event"` // the largest event time
	Behind     int64            `json:"behind_s"`   // seconds from it to now
	Partitions []partitionClock `json:"partitions"` // those that have come anywhere
	now        time.Time        // what Now says
	last       event.Instant    // what LastEvent says
	lateness   string           // the bound of the rule book in force
}

// partitionClock is the clock of one partition.
type partitionClock struct {
	Partition int32  `json:"partition"`
	Position  uint64 `json:"position"` // up to which its rows are in the tables; the clock is that of this position
	Clock     string `json:"clock"`    // "" before its first event or tick
	Behind    int64  `json:"behind_s"` // seconds from it to now; 0 where there is none
	at        event.Instant
}

// Run prints the clocks.
func (c *ClockShowCommand) Run(common *service.Common, s *streams) error {
	ctx, stop := service.Interruptible()
	defer stop()
	d, err := openDirectory(c.DirectoryFlags, common.Logger(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	defer d.close()
	face, err := d.clockFace(ctx, time.Now())
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(face)
	}
	face.print(s.out)
	return nil
}

// clockFace reads the mode from the log and the clocks from the tables.
func (d *directory) clockFace(ctx context.Context, now time.Time) (*clockFace, error) {
	info, err := d.bus.Info(ctx)
	if err != nil {
		return nil, err
	}
	f := &clockFace{Mode: info.Mode, Opened: info.Opened, Now: event.InstantOf(now).String(), now: now, Partitions: []partitionClock{}}
	if f.Head, err = d.bus.Head(ctx); err != nil {
		return nil, err
	}
	store, err := d.tables(ctx)
	if err != nil {
		return nil, err
	}
	if f.last, _, err = clocks(ctx, store); err != nil {
		return nil, err
	}
	if f.last != 0 {
		f.LastEvent, f.Behind = f.last.String(), behind(f.last, now)
	}
	book, err := bookInForce(ctx, d.bus, store)
	if err != nil {
		return nil, err
	}
	f.lateness = lateness(book)
	f.Partitions, err = partitionClocks(ctx, store)
	for i := range f.Partitions {
		if p := &f.Partitions[i]; p.at != math.MinInt64 {
			p.Clock, p.Behind = p.at.String(), behind(p.at, now)
		}
	}
	return f, err
}

// behind is how many seconds an instant lies before now.
func behind(at event.Instant, now time.Time) int64 { return int64(now.Sub(at.Time()) / time.Second) }

// noClock is what the tables hold for a partition that has seen nothing: the earliest time they can.
var noClock = event.InstantOf(time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC))

// partitionClocks reads frontier_v: in each, at is the clock, math.MinInt64 where there is none yet.
func partitionClocks(ctx context.Context, store *clickhouse.Store) ([]partitionClock, error) {
	list := []partitionClock{}
	rows, err := store.Conn().Query(ctx, "SELECT partition, position, clock FROM "+store.Database()+".frontier_v ORDER BY partition")
	if err != nil {
		return nil, fmt.Errorf("read the clocks: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var p partitionClock
		var clock time.Time
		if err := rows.Scan(&p.Partition, &p.Position, &clock); err != nil {
			return nil, fmt.Errorf("read the clocks: %w", err)
		}
		if p.at = event.InstantOf(clock); p.at <= noClock {
			p.at = math.MinInt64
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

func (f *clockFace) print(out io.Writer) {
	fmt.Fprintf(out, "Clock mode %s", f.Mode)
	if f.Opened != f.Mode {
		fmt.Fprintf(out, " (the log was opened in %s mode)", f.Opened)
	}
	fmt.Fprintf(out, "; the log ends at position %d. ", f.Head)
	if f.LastEvent == "" {
		fmt.Fprintln(out, "No event yet.")
	} else {
		fmt.Fprintf(out, "The last event happened at %s, %s.\n", f.LastEvent, distance(f.Behind))
	}
	t := newTable(out, "Clocks", "partition", "position", "clock", "behind now")
	for _, p := range f.Partitions {
		if p.Clock == "" {
			t.AppendRow(table.Row{p.Partition, p.Position, "none yet", ""})
			continue
		}
		t.AppendRow(table.Row{p.Partition, p.Position, p.Clock, distance(p.Behind)})
	}
	t.Render()
}

// distance says how long ago something was, in days and hours where it was days.
func distance(seconds int64) string {
	const day = 86400
	switch {
	case seconds < 0:
		return (time.Duration(-seconds) * time.Second).String() + " ahead"
	case seconds >= 2*day:
		return fmt.Sprintf("%d days %d h ago", seconds/day, seconds%day/3600)
	}
	return (time.Duration(seconds) * time.Second).String() + " ago"
}

// ClockWallCommand goes from log mode to wall mode.
type ClockWallCommand struct {
	DirectoryFlags
	Yes bool `help:"Do not ask." env:"-"`
}

// Help is shown by --help.
func (*ClockWallCommand) Help() string {
	return `A demo, and an import into a new directory, keep their own time: it moves only with events. This command lets time go on: from
its position in the log on, ticks follow real time. What falls due by that jump (promises, deadlines, silence) is found and is in
the tables, but no message about it goes to JOURNEYS: nobody should be called about a deadline of last year. It cannot be undone.

  parcours clock wall --data DIR`
}

// Run asks, and tells the log.
func (c *ClockWallCommand) Run(common *service.Common, s *streams) error {
	ctx, stop := service.Interruptible()
	defer stop()
	d, err := openDirectory(c.DirectoryFlags, common.Logger(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	defer d.close()
	face, err := d.clockFace(ctx, time.Now())
	if err != nil {
		return err
	}
	if face.Mode == nats.ModeWall {
		return misused("the clocks of %s follow real time already", c.Data)
	}
	if err := c.confirm(face, s); err != nil {
		return err
	}
	position, err := d.bus.ChangeMode(ctx, nats.ModeWall, time.Now())
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "From position %d of the log on, the clocks of %s follow real time.\n", position, c.Data)
	return nil
}

// confirm says what will happen, and asks.
func (c *ClockWallCommand) confirm(f *clockFace, s *streams) error {
	fmt.Fprintf(s.err, "The clocks of %s will follow real time from now on", c.Data)
	if f.LastEvent != "" {
		fmt.Fprintf(s.err, "; its last event happened at %s, %s", f.LastEvent, distance(f.Behind))
	}
	fmt.Fprintf(s.err, ".\nWhat falls due by that jump is folded without messages to JOURNEYS. Events more than %s old that come later are late.\n"+
		"It cannot be undone.\n", f.lateness)
	if c.Yes {
		return nil
	}
	fmt.Fprint(s.err, "Go on? Type yes: ")
	answer, err := bufio.NewReader(s.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(answer) != "yes" {
		return misused("not confirmed: nothing was changed (--yes does not ask)")
	}
	return nil
}
