package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/alecthomas/kong"
	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline/event"
	"parcours/pipeline/ingest"
	"parcours/pipeline/readiness"
	"parcours/pipeline/rules"
)

// ReadinessCommand says what some data can support.
type ReadinessCommand struct {
	DirectoryFlags
	Mapping string `help:"YAML file that says which column is which field (CSV)." type:"existingfile" placeholder:"FILE"`
	Format  string `help:"csv, ndjson, or auto: csv where a mapping is given or the name says so." enum:"auto,csv,ndjson" default:"auto" env:"PARCOURS_READINESS_FORMAT"`
	Rows    int    `help:"Read only the first so many rows of the file; 0 for all." placeholder:"N" env:"PARCOURS_READINESS_ROWS"`
	Rules   string `help:"Rule book to judge a file by; without it, the one that ships." type:"existingfile" placeholder:"FILE" env:"-"`
	Source  string `help:"Tell all of this source, instead of all sources together." placeholder:"SOURCE" env:"-"`
	JSON    bool   `name:"json" help:"Print one JSON object as the last line of standard output, all else on standard error."`
	File    string `arg:"" optional:"" help:"A file as import takes it; .gz and .zst are unpacked. Without it, what is loaded in --data." type:"existingfile"`
}

// Help is shown by --help.
func (*ReadinessCommand) Help() string {
	return `Nothing is stored and nothing is sent. Of each source and of all together it says which kinds of breakpoint, figures and
planned dashboards the data can support (supported, partly, not), why not more, and what would help most. No identifier and no value
of an event is printed. docs/readiness.md says how it judges.

  parcours readiness --mapping examples/helpdesk_italian.yaml events.csv.gz
  parcours readiness events.ndjson --rows 100000
  parcours readiness --data DIR --source /shop/telephony`
}

// AfterApply refuses two things to look at: it is called with the command line as it was read. That the environment or the
// configuration names a directory as well is no harm.
func (c *ReadinessCommand) AfterApply(line *kong.Context) error {
	for _, p := range line.Path {
		if c.File != "" && p.Flag != nil && p.Flag.Name == "data" && !p.Resolved {
			return errors.New("a FILE and --data: one of the two is wanted, a file or what is loaded in a directory")
		}
	}
	return nil
}

// Run says it.
func (c *ReadinessCommand) Run(common *service.Common, s *streams) error {
	ctx, stop := service.Interruptible()
	defer stop()
	if c.Rows < 0 {
		return misused("--rows %d: expected 0 or more", c.Rows)
	}
	look := c.ofFile
	if c.File == "" {
		look = c.ofTables
	}
	report, broken := look(ctx, common, s)
	if report == nil {
		return broken
	}
	if _, ok := report.Sources[c.Source]; c.Source != "" && !ok {
		return misused("--source %s: no event of it (there is %s)", c.Source, someOf(slices.Sorted(maps.Keys(report.Sources))))
	}
	return errors.Join(c.print(report, s), broken)
}

func someOf(names []string) string {
	if len(names) == 0 {
		return "no source"
	}
	text := names[0]
	for _, name := range names[1:min(len(names), 10)] {
		text += ", " + name
	}
	return text
}

// ofTables looks at what is loaded.
func (c *ReadinessCommand) ofTables(ctx context.Context, common *service.Common, _ *streams) (*readiness.Report, error) {
	if c.Mapping != "" || c.Rows > 0 || c.Format != "auto" || c.Rules != "" {
		return nil, misused("--mapping, --format, --rows and --rules are for a FILE; what is loaded is judged by the rules in force")
	}
	d, err := openDirectory(c.DirectoryFlags, common.Logger(zerolog.WarnLevel))
	if err != nil {
		return nil, err
	}
	defer d.close()
	store, err := d.readable(ctx)
	if err != nil {
		return nil, err
	}
	_, book, err := bookAtClock(ctx, d.bus, store)
	if err != nil {
		return nil, err
	}
	profile, err := store.Profile(ctx)
	if err != nil {
		return nil, err
	}
	loaded, err := store.Unfit(ctx)
	if err != nil {
		return nil, err
	}
	report := readiness.Assess(profile, book)
	report.Loaded = loaded
	return report, nil
}

// ofFile looks at a file. Where it cannot be read to its end, what could be read is told all the same.
func (c *ReadinessCommand) ofFile(ctx context.Context, _ *service.Common, s *streams) (*readiness.Report, error) {
	file := &fileRead{}
	rows, sorted, err := c.rows(file)
	if err != nil {
		return nil, err
	}
	book := rules.Default()
	if c.Rules != "" {
		if book, err = readBook(c.Rules); err != nil {
			return nil, err
		}
	}
	look := newFileLook(book, sorted)
	failed := look.read(ctx, rows, c.Rows, newFileProgress(s.err, "readiness", "rows", file))
	if ctx.Err() != nil {
		failed = errors.New("interrupted")
	}
	if look.file.Rows == 0 && failed != nil {
		return nil, fmt.Errorf("%s: %w", c.File, failed)
	}
	report := look.report(failed)
	if failed != nil {
		failed = fmt.Errorf("%s: after row %d: %w; what stands above is of the rows before", c.File, look.file.Rows, failed)
	}
	return report, failed
}

// rows opens the file as import does, in the order of the file; sorted says that import would sort it by itself.
func (c *ReadinessCommand) rows(file *fileRead) (rows rowSource, sorted bool, err error) {
	as := ImportCommand{Mapping: c.Mapping, Format: c.Format, File: c.File}
	if rows, err = as.open(file); err != nil || c.Mapping == "" {
		return rows, false, err
	}
	m, err := as.mapping()
	if err != nil {
		return nil, false, err
	}
	return func(yield func(row, error) bool) { csvRows(c.File, file, m.InFileOrder(), yield) }, true, nil
}

// fileLook counts the rows of a file as the door would take them; it keeps none.
type fileLook struct {
	book     *rules.Book
	sorted   bool
	now      time.Time
	door     *ingest.Pseudonymiser
	tally    *readiness.Tally
	file     readiness.File
	refused  map[readiness.Refusal]uint64
	furthest event.Instant
}

// newFileLook makes pseudonyms of identifiers as the door does, by a key that is no secret: they are counted, and kept nowhere.
func newFileLook(book *rules.Book, sorted bool) *fileLook {
	return &fileLook{book: book, sorted: sorted, now: time.Now(), door: ingest.NewPseudonymiser(ingest.KeyFromSeed("readiness")),
		tally: readiness.NewTally(), refused: map[readiness.Refusal]uint64{}, file: readiness.File{Dropped: map[string]uint64{}}}
}

// lookEvery is how many rows pass between two looks at the progress bar and at whether somebody has interrupted.
const lookEvery = 1000

// read looks at each row, the first most of them where most is not 0.
func (l *fileLook) read(ctx context.Context, rows rowSource, most int, bar *progress) (failed error) {
	defer bar.done()
	rows(func(r row, err error) bool {
		if err != nil {
			failed = err
			return false
		}
		if most > 0 && l.file.Rows >= uint64(most) {
			l.file.Sample = true
			return false
		}
		l.file.Rows++
		l.row(r)
		if l.file.Rows%lookEvery == 0 {
			bar.at(int(l.file.Rows), 0)
			failed = ctx.Err()
		}
		return failed == nil
	})
	return failed
}

// row takes one row as far through the door as it goes without anything being stored.
func (l *fileLook) row(r row) {
	if r.refusal != nil {
		l.refuse(r.refusal)
		return
	}
	e, dropped, refusal := ingest.Look(r.body, l.now)
	if refusal != nil {
		l.refuse(refusal)
		return
	}
	for _, field := range dropped {
		l.file.Dropped[field]++
	}
	l.door.Apply(&e)
	if !l.tally.Add(&e) {
		l.file.Duplicates++
		return
	}
	if !l.sorted && e.At < l.furthest.Add(-l.book.Lateness) {
		l.file.Late++
	}
	l.furthest = max(l.furthest, e.At)
}

func (l *fileLook) refuse(r *event.Refusal) {
	l.refused[readiness.Refusal{Source: r.Source, Reason: r.Reason, Field: r.Field, Expected: r.Expected}]++
}

// report is of what was read. The source of a refused row is told only where an event of it was taken: what stands there in
// others may be anything.
func (l *fileLook) report(failed error) *readiness.Report {
	p := l.tally.Profile()
	report := readiness.Assess(p, l.book)
	merged := map[readiness.Refusal]uint64{}
	for r, n := range l.refused {
		if _, known := p.Sources[r.Source]; !known {
			r.Source = ""
		}
		merged[r] += n
	}
	l.file.Refused = []readiness.Refusal{}
	for r, n := range merged {
		r.Rows = n
		l.file.Refused = append(l.file.Refused, r)
	}
	readiness.SortRefusals(l.file.Refused)
	if failed != nil {
		l.file.Broken = failed.Error()
	}
	report.File = &l.file
	return report
}

// print shows the report.
func (c *ReadinessCommand) print(r *readiness.Report, s *streams) error {
	out := s.out
	if c.JSON {
		out = s.err
	}
	printReadiness(out, r, c.Source)
	if !c.JSON {
		return nil
	}
	return json.NewEncoder(s.out).Encode(r)
}
