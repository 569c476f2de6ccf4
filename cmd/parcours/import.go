package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/event"
	"parcours/pipeline/ingest"
	"parcours/pipeline/ingest/mapping"
	"parcours/pipeline/nats"
	"parcours/pipeline/rules"
)

// ImportCommand takes in a log from a file.
type ImportCommand struct {
	DirectoryFlags
	Mapping    string `help:"YAML file that says which column is which field (CSV)." type:"existingfile" placeholder:"FILE"`
	Format     string `help:"csv, ndjson, or auto: csv where a mapping is given or the name says so." enum:"auto,csv,ndjson" default:"auto" env:"PARCOURS_IMPORT_FORMAT"`
	Sort       bool   `help:"Send NDJSON in order of event time instead of file order (CSV is always sorted)."`
	DryRun     bool   `help:"Only say what the mapping makes of the file (CSV)."`
	Rules      string `help:"Rule book of a new directory, in force from the beginning." type:"existingfile" placeholder:"FILE" env:"-"`
	Late       bool   `help:"In wall mode: send also what is too late to enter journeys (parcours rebuild --admit-late takes it in)." env:"-"`
	JSON       bool   `name:"json" help:"Print one JSON object as the last line of standard output, all else on standard error."`
	Clock      string `help:"Clock mode of a new log: log (time moves only with events) or wall." enum:"log,wall" default:"log"`
	APIKeyFile string `name:"api-key-file" help:"File with the API key of the running \"up\" (or PARCOURS_API_KEY), where it asks for one." type:"existingfile" placeholder:"FILE"`
	File       string `arg:"" help:"The file; .gz and .zst are unpacked." type:"existingfile"`
}

// Help is shown by --help.
func (*ImportCommand) Help() string {
	return `Returns when the tables are readable and complete. Interrupted, the same command goes on where it stopped; run twice,
nothing is counted twice. Lines that cannot be understood are kept in REJECTED with their reason, and counted.

Events more than 72 h behind the directory's clock are late: kept, and out of journeys until they are admitted. Where the clock
follows real time, an import of late events stops before it sends anything and says how many there are (exit code 1); with --late
it sends them, and "parcours rebuild --admit-late" takes them in. Where time moves only with events, they are admitted at the end.

  parcours import --data DIR --mapping examples/helpdesk_italian.yaml events.csv.gz
  parcours import --data DIR events.ndjson`
}

// imported is what became of a file.
type imported struct {
	Rows       int     `json:"rows"`       // of the file
	Accepted   int     `json:"accepted"`   // stored now
	Duplicates int     `json:"duplicates"` // the log had them already, inside its window
	Refused    int     `json:"refused"`    // kept in REJECTED
	Skipped    int     `json:"skipped"`    // sent by an earlier run
	Late       uint64  `json:"late"`       // events of the directory that came too late for journeys, when all was in the tables
	Seconds    float64 `json:"seconds"`
	Data       string  `json:"data"`
}

// Run imports, or resumes an import.
func (c *ImportCommand) Run(common *service.Common, s *streams) error {
	ctx, stop := service.Interruptible()
	defer stop()
	read := &fileRead{}
	rows, err := c.open(read)
	if err != nil {
		return err
	}
	if c.DryRun {
		return c.check(s)
	}
	began := time.Now()
	to, err := c.target(ctx, common.Logger(zerolog.WarnLevel))
	if err != nil {
		return interrupted(ctx, err)
	}
	defer to.close()
	job, err := openJob(c.Data, c.File, c.Mapping, c.Sort)
	if err != nil {
		return err
	}
	if err := job.trust(ctx, to); err != nil {
		return interrupted(ctx, err)
	}
	if err := c.foresee(ctx, rows, to, job.Sent, s.err); err != nil {
		return interrupted(ctx, err)
	}
	bar := newFileProgress(s.err, "import", "rows", read)
	if err := job.run(ctx, rows, to, bar); err != nil {
		bar.done()
		return interrupted(ctx, fmt.Errorf("import %s: %w", c.File, err))
	}
	bar.done()
	if err := finished(ctx, to, s.err); err != nil {
		return interrupted(ctx, err)
	}
	late, unsettled := settle(ctx, to, s.err)
	if unsettled != nil {
		unsettled = interrupted(ctx, unsettled)
	}
	job.result.Late = late
	job.result.Seconds, job.result.Data = time.Since(began).Seconds(), c.Data
	return errors.Join(c.print(job.result, to.mode() == nats.ModeWall, unsettled == nil, s), unsettled)
}

// finished waits until the tables are complete, and shows how far they are.
func finished(ctx context.Context, to target, progressTo io.Writer) error {
	bar := newWait(progressTo, "filling the tables", "messages folded", folding(ctx, to.log(), to.tables()))
	defer bar.done()
	return to.finish(ctx)
}

// folding says how far the fold of a log is, by what is in the tables; 0 of 0 where they cannot be asked.
func folding(ctx context.Context, bus *nats.Bus, store *clickhouse.Store) func() (n, of int) {
	return func() (int, int) {
		g, err := store.Current(ctx)
		if err != nil {
			return 0, 0
		}
		frontier, err := store.Frontier(ctx, g.Number)
		if err != nil {
			return 0, 0
		}
		head, err := bus.Head(ctx)
		if err != nil {
			return 0, 0
		}
		return int(lowest(frontier)), int(head)
	}
}

// interrupted says how to go on.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return errors.New("interrupted; the same command goes on where this one stopped")
}

func (c *ImportCommand) print(r imported, wall, settled bool, s *streams) error {
	out := s.out
	if c.JSON {
		out = s.err
	}
	fmt.Fprintf(out, "%d rows: %d accepted, %d duplicates, %d refused, %d sent by an earlier run (%.1f s). The tables in %s are complete.\n",
		r.Rows, r.Accepted, r.Duplicates, r.Refused, r.Skipped, r.Seconds, r.Data)
	if r.Refused > 0 {
		fmt.Fprintf(out, "Why rows were refused: parcours sql --data %s \"SELECT reason, field, expected, count() FROM cx.rejected_v GROUP BY ALL\"\n", r.Data)
	}
	switch {
	case r.Late > 0 && !settled:
		fmt.Fprintf(out, "%d events came too late to enter journeys, and could not be taken in now. The same command, or parcours rebuild --data %s --admit-late, does it.\n", r.Late, r.Data)
	case r.Late > 0 && !wall:
		fmt.Fprintf(out, "%d events were behind what the directory held already, and were taken in, in their order of time (a new generation).\n", r.Late)
	case r.Late > 0:
		fmt.Fprintf(out, "%d events came too late to enter journeys. To take them in: parcours rebuild --data %s --admit-late\n", r.Late, r.Data)
	}
	if !c.JSON {
		return nil
	}
	return json.NewEncoder(s.out).Encode(r)
}

// looksLikeCSV goes by the name.
func looksLikeCSV(name string) bool {
	name = strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(name), ".gz"), ".zst")
	return strings.HasSuffix(name, ".csv") || strings.HasSuffix(name, ".tsv")
}

// rowSource opens the file anew and gives its rows.
type rowSource func(yield func(row, error) bool)

// row is one line of the file: an event, or why it is none.
type row struct {
	body    []byte
	refusal *event.Refusal
	number  int
}

// open checks the flags and makes the source of rows, which notes how much of the file it has read.
func (c *ImportCommand) open(read *fileRead) (rowSource, error) {
	csv := c.Format == "csv" || c.Format == "auto" && (c.Mapping != "" || looksLikeCSV(c.File))
	switch {
	case csv && c.Mapping == "":
		return nil, misused("a CSV needs --mapping FILE (see examples/README.md)")
	case !csv && c.Mapping != "":
		return nil, misused("NDJSON takes no --mapping: its lines are events already")
	case !csv && c.DryRun:
		return nil, misused("--dry-run shows what a mapping makes of a CSV; NDJSON has no mapping")
	case !csv:
		return func(yield func(row, error) bool) { ndjsonRows(c.File, read, c.Sort, yield) }, nil
	}
	m, err := c.mapping()
	if err != nil {
		return nil, err
	}
	if ndjson, err := beginsAsJSON(c.File); err != nil || ndjson && c.Format == "auto" {
		return nil, cmp.Or(err, misused("%s looks like NDJSON (it begins with {): its lines are events already, and take no --mapping (a CSV that does begin so: --format csv)", c.File))
	}
	return func(yield func(row, error) bool) { csvRows(c.File, read, m, yield) }, nil
}

// beginsAsJSON says whether the first that stands in a file is {.
func beginsAsJSON(name string) (bool, error) {
	file, err := openFile(name, nil)
	if err != nil {
		return false, err
	}
	defer file.Close()
	first := make([]byte, 64)
	n, err := io.ReadFull(file, first)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	return bytes.HasPrefix(bytes.TrimLeft(first[:n], "\ufeff \t\r\n"), []byte("{")), nil
}

func (c *ImportCommand) mapping() (*mapping.Mapping, error) {
	raw, err := os.ReadFile(c.Mapping)
	if err != nil {
		return nil, err
	}
	m, err := mapping.Load(raw)
	if err != nil {
		return nil, coded{fmt.Errorf("%s: %w", c.Mapping, err), service.Misused}
	}
	return m, nil
}

// check is the dry run.
func (c *ImportCommand) check(s *streams) error {
	m, err := c.mapping()
	if err != nil {
		return err
	}
	file, err := openFile(c.File, nil)
	if err != nil {
		return err
	}
	defer file.Close()
	r, err := m.Check(file, event.InstantOf(time.Now()))
	if err != nil {
		return err
	}
	out := s.out
	if c.JSON {
		out = s.err
	}
	book := rules.Default()
	if c.Rules != "" {
		if book, err = readBook(c.Rules); err != nil {
			return err
		}
	}
	printCheck(out, r, book)
	if !c.JSON {
		return nil
	}
	return json.NewEncoder(s.out).Encode(r)
}

// openFile opens a file, unpacked, and counts what is read of it; read may be nil.
func openFile(name string, read *fileRead) (io.ReadCloser, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	r, err := mapping.Open(read.count(file), name)
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return both{r, file}, nil
}

// both closes the unpacker and the file.
type both struct {
	io.ReadCloser
	file io.Closer
}

func (b both) Close() error { return errors.Join(b.ReadCloser.Close(), b.file.Close()) }

// target finds where the events go.
func (c *ImportCommand) target(ctx context.Context, log zerolog.Logger) (target, error) {
	return openTarget(ctx, c.DirectoryFlags, nodeConfig{command: "import", mode: c.Clock, rules: c.Rules}, c.APIKeyFile, log)
}

// openTarget finds where events go: into the directory, or to the process that holds it. as says the verb, and the clock
// mode of a new log.
func openTarget(ctx context.Context, d DirectoryFlags, as nodeConfig, apiKeyFile string, log zerolog.Logger) (target, error) {
	n, err := startNode(ctx, nodeConfig{
		dir: d.Data, command: as.command, mode: as.mode, nats: guest(), clickhouse: clickhouse.Config{},
		door: ingest.Defaults(), aggregate: aggregate.Default(), natsAddr: freePort, tablesAddr: freePort,
		library: d.Library, memory: d.Memory, rules: as.rules,
	}, log)
	if err == nil {
		return &ownTarget{node: n}, nil
	}
	held, ok := heldBy(err)
	if !ok {
		return nil, err
	}
	if as.rules != "" {
		return nil, misused("--rules %s is for a new directory, and %s is at work already (parcours rules publish changes its rules)", as.rules, d.Data)
	}
	key, err := service.Secret(apiKeyFile, service.EnvPrefix+"_API_KEY")
	if err != nil {
		return nil, err
	}
	return newRemoteTarget(ctx, held, key, log)
}

// guest is the configuration of who works on streams that another command has made, and leaves them as they are.
func guest() nats.Config {
	c := nats.Defaults()
	c.KeepStreams = true
	return c
}

const freePort = "127.0.0.1:0"
