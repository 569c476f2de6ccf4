package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// explainer is what single things are explained from: the log and the tables of a directory, and the rules in force.
type explainer struct {
	*directory
	store    *clickhouse.Store
	book     *rules.Book // with those that were published since
	now      *rules.Book // that holds at the furthest clock: what is said is said by it
	zone     *time.Location
	current  pipeline.Generation
	frontier map[int]pipeline.FrontierRow
	head     uint64
}

// explain opens a directory, runs what explains, and closes it again.
func explain(flags DirectoryFlags, common *service.Common, run func(context.Context, *explainer) error) error {
	ctx, stop := service.Interruptible()
	defer stop()
	d, err := openDirectory(flags, common.Logger(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	defer d.close()
	x, err := d.explainer(ctx)
	if err != nil {
		return err
	}
	return run(ctx, x)
}

// explainer reads what everything that is explained needs.
func (d *directory) explainer(ctx context.Context) (*explainer, error) {
	x := &explainer{directory: d}
	var err error
	if x.store, err = d.migrated(ctx); err != nil {
		return nil, err
	}
	if x.book, x.now, err = bookAtClock(ctx, d.bus, x.store); err != nil {
		return nil, err
	}
	if x.zone, err = rules.LoadLocation(x.now.Timezone); err != nil {
		return nil, err
	}
	if x.current, err = x.store.Current(ctx); err != nil {
		return nil, err
	}
	if x.frontier, err = x.store.Frontier(ctx, x.current.Number); err != nil {
		return nil, err
	}
	x.head, err = d.bus.Head(ctx)
	return x, err
}

// migrated gives the tables of a directory; those that nobody serves get the schema of this version first.
func (d *directory) migrated(ctx context.Context) (*clickhouse.Store, error) {
	store, err := d.tables(ctx)
	if err == nil && d.held == nil {
		err = store.Migrate(ctx)
	}
	return store, err
}

// folded is the position up to which every partition that has written anything is in the tables.
func (x *explainer) folded() uint64 {
	least := x.head
	for _, f := range x.frontier {
		least = min(least, f.Position)
	}
	if len(x.frontier) == 0 {
		return 0
	}
	return least
}

// clock writes a moment as the company's clocks show it.
func (x *explainer) clock(at event.Instant) string { return clockIn(x.zone, at) }

func clockIn(zone *time.Location, at event.Instant) string {
	return at.Time().In(zone).Format(time.DateTime)
}

// money writes an amount that was costed by the books in force from one moment to another; where the rates of either are
// nobody's it says so.
func (x *explainer) money(amount float64, from, to event.Instant) string {
	words := fmt.Sprintf("%.2f %s", amount, x.now.Currency)
	if x.book.At(from).RatesIllustrative || x.book.At(to).RatesIllustrative {
		words += " (illustrative)"
	}
	return words
}

// place names a position of the generation in force: among admitted events it is one in the order of time.
func (x *explainer) place(position uint64) string {
	if position <= x.current.Admitted {
		return fmt.Sprintf("place %d in the order of time (late events were admitted)", position)
	}
	return fmt.Sprintf("position %d of the log", position)
}

// span writes a length of time in its two largest units.
func span(d time.Duration) string {
	if d < 0 {
		return "-" + span(-d)
	}
	const day = 24 * time.Hour
	units := []struct {
		length time.Duration
		name   string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	for i, u := range units {
		if d < u.length && i < len(units)-1 {
			continue
		}
		words := fmt.Sprintf("%d %s", d/u.length, u.name)
		if i+1 < len(units) {
			if rest := d % u.length / units[i+1].length; rest > 0 {
				words += fmt.Sprintf(" %d %s", rest, units[i+1].name)
			}
		}
		return words
	}
	return ""
}

// plural writes a count and its noun.
func plural[N int | uint32 | uint64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// joined puts together what is not empty.
func joined(separator string, parts ...string) string {
	var list []string
	for _, p := range parts {
		if p != "" {
			list = append(list, p)
		}
	}
	return strings.Join(list, separator)
}

// or gives the words for what is empty.
func or(text, words string) string {
	if text == "" {
		return words
	}
	return printable(text)
}

// fact is one line of a head: a name and what it is.
type fact struct{ name, value string }

// printFacts writes those that have a value.
func printFacts(out io.Writer, p paint, indent string, facts []fact) {
	for _, f := range facts {
		if f.value != "" {
			fmt.Fprintf(out, "%s%s %s\n", indent, p.with(fmt.Sprintf("%-10s", f.name), text.Faint), f.value)
		}
	}
}

// paint colours text, or leaves it as it is.
type paint struct{ on bool }

// paintFor colours on a terminal, unless the environment says otherwise (no-color.org).
func paintFor(out io.Writer) paint {
	f, isFile := out.(*os.File)
	return paint{isFile && service.Terminal(f) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func (p paint) with(words string, colors ...text.Color) string {
	if !p.on || words == "" {
		return words
	}
	return text.Escape(words, text.Colors(colors).EscapeSeq())
}

// ofSeverity is the colour of a breakpoint.
func ofSeverity(severity uint8) text.Color {
	switch {
	case severity >= 4:
		return text.FgHiRed
	case severity == 3:
		return text.FgRed
	}
	return text.FgYellow
}

// severities in words, as product.md has them.
var severities = [...]string{1: "seen only by us", 2: "felt", 3: "forced another contact", 4: "broke a promise or a core service",
	5: "legal clock, mediator, authority or court"}

func severityWords(severity uint8) string {
	if int(severity) >= len(severities) || severity == 0 {
		return fmt.Sprint(severity)
	}
	return fmt.Sprintf("%d, %s", severity, severities[severity])
}
