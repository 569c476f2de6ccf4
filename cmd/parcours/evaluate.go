package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/evaluate"
	"parcours/pipeline/evaluate/reference"
	"parcours/pipeline/event"
)

// EvaluateCommand compares breakpoints with a known truth.
type EvaluateCommand struct {
	DirectoryFlags
	Truth string `help:"Truth file that parcours simulate wrote beside the events." required:"" type:"existingfile" placeholder:"FILE" env:"-"`
	JSON  bool   `name:"json" help:"Print one JSON object as the last line of standard output."`
	Show  string `help:"Print disagreements about this kind of breakpoint, with the events around them." placeholder:"KIND" env:"-"`
	Most  int    `help:"Most disagreements to print." default:"10" env:"-"`
}

// Help is shown by --help.
func (*EvaluateCommand) Help() string {
	return `Import the events of a made-up company first, and keep the truth that was written beside them. docs/evaluate.md says what each
figure means.

  parcours evaluate --data DIR --truth truth.ndjson
  parcours evaluate --data DIR --truth truth.ndjson --json
  parcours evaluate --data DIR --truth truth.ndjson --show repeat_contact`
}

// Run compares.
func (c *EvaluateCommand) Run(common *service.Common, s *streams) error {
	if known := reference.Kinds(); c.Show != "" && !slices.Contains(known, c.Show) {
		return misused("--show %s: expected one of %s", c.Show, strings.Join(known, ", "))
	}
	ctx, stop := service.Interruptible()
	defer stop()
	d, err := openDirectory(c.DirectoryFlags, common.Logger(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	defer d.close()
	store, err := d.readable(ctx)
	if err != nil {
		return err
	}
	book, err := bookInForce(ctx, d.bus, store)
	if err != nil {
		return err
	}
	found, clock, err := readFound(ctx, store)
	if err != nil {
		return fmt.Errorf("evaluate: %w", err)
	}
	raised, err := readAlerts(ctx, store)
	if err != nil {
		return fmt.Errorf("evaluate: %w", err)
	}
	truth, err := c.readTruth(found, s.err)
	if err != nil {
		return err
	}
	if err := c.areOf(ctx, store, truth, s.err); err != nil {
		return err
	}
	report, err := judge(truth, found, evaluate.Options{Book: book, Clock: clock, Show: c.Show, Raised: raised}, s.err)
	if err != nil {
		return err
	}
	if c.Show != "" {
		c.show(report.Disagreements, s)
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(report)
	}
	printEvaluation(s.out, report)
	return nil
}

func (c *EvaluateCommand) readTruth(found []evaluate.Found, errOut io.Writer) (*evaluate.Truth, error) {
	file, err := openFile(c.Truth, nil)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	bar := newProgress(errOut, "evaluate", "lines of the truth")
	truth, err := evaluate.ReadTruth(bufio.NewReader(file), found, func(lines int) { bar.at(lines, 0) })
	bar.done()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Truth, err)
	}
	return truth, nil
}

// A truth of which hardly any event is in the tables is that of another company; one of which many are not was imported in
// part, or too late.
const (
	hardlyAny = 0.01
	notAll    = 0.95
)

// areOf refuses a truth whose events are not those of the directory, by a sample of those that were sent. Where only a part
// of them is there it says so.
func (c *EvaluateCommand) areOf(ctx context.Context, store *clickhouse.Store, truth *evaluate.Truth, errOut io.Writer) error {
	sent := truth.Sample()
	here, err := known(ctx, store, sent)
	if err != nil {
		return fmt.Errorf("evaluate: %w", err)
	}
	switch share := float64(here) / float64(max(len(sent), 1)); {
	case here == 0:
		return misused("none of the events of %s are in %s: give the truth that was written beside the events imported there", c.Truth, c.Data)
	case share < hardlyAny:
		return misused("hardly any of the events of %s are in %s (%s): give the truth that was written beside the events imported there",
			c.Truth, c.Data, percent(here, len(sent)))
	case share < notAll:
		fmt.Fprintf(errOut, "Only %s of the events of %s are in %s: what the others show counts as missed.\n", percent(here, len(sent)), c.Truth, c.Data)
	}
	return nil
}

// known counts the events that are in the tables under their names, at their times.
func known(ctx context.Context, store *clickhouse.Store, sent []evaluate.Sent) (here int, err error) {
	var sources, ids []string
	var times []int64
	for _, e := range sent {
		sources, ids, times = append(sources, e.Source), append(ids, e.ID), append(times, int64(e.At))
	}
	var n uint64
	row := store.Conn().QueryRow(ctx, "SELECT uniqExact(source, id) FROM "+store.Database()+
		".events_v WHERE (source, id, toUnixTimestamp64Milli(time)) IN (SELECT arrayJoin(arrayZip(?, ?, ?)))", sources, ids, times)
	if err := row.Scan(&n); err != nil {
		return 0, fmt.Errorf("look for the events of the truth: %w", err)
	}
	return int(n), nil
}

func judge(truth *evaluate.Truth, found []evaluate.Found, o evaluate.Options, errOut io.Writer) (*evaluate.Report, error) {
	bar := newProgress(errOut, "evaluate", "parts of the company judged")
	defer bar.done()
	o.Progress = bar.at
	return evaluate.Evaluate(truth, found, o)
}

// readFound reads the breakpoints that the views show, and the clock of the tables: the smallest of the partitions that
// know one.
func readFound(ctx context.Context, store *clickhouse.Store) (found []evaluate.Found, clock event.Instant, err error) {
	db := store.Database()
	row := store.Conn().QueryRow(ctx, "SELECT minIf(toUnixTimestamp64Milli(clock), toUnixTimestamp64Milli(clock) > 0) FROM "+db+".frontier_v")
	if err := row.Scan((*int64)(&clock)); err != nil {
		return nil, 0, fmt.Errorf("read the clock: %w", err)
	}
	if clock == 0 {
		return nil, 0, misused("the tables are empty: import the events of the truth file first")
	}
	rows, err := store.Conn().Query(ctx, "SELECT kind, origin_event, unit, reason, toUnixTimestamp64Milli(occurred_at), "+
		"toUnixTimestamp64Milli(detected_at), toUnixTimestamp64Milli(opportunity_at) FROM "+db+".breakpoints_v")
	if err != nil {
		return nil, 0, fmt.Errorf("read breakpoints: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var f evaluate.Found
		if err := rows.Scan(&f.Kind, &f.Origin, &f.Unit, &f.Reason, (*int64)(&f.OccurredAt), (*int64)(&f.DetectedAt),
			(*int64)(&f.OpportunityAt)); err != nil {
			return nil, 0, fmt.Errorf("read breakpoints: %w", err)
		}
		found = append(found, f)
	}
	return found, clock, rows.Err()
}

// show prints disagreements: to standard error where standard output is for JSON.
func (c *EvaluateCommand) show(list []evaluate.Disagreement, s *streams) {
	out := s.out
	if c.JSON {
		out = s.err
	}
	missed := 0
	for i := range list {
		missed += count(list[i].Missed)
	}
	fmt.Fprintf(out, "%s: %d missed, %d extra\n", c.Show, missed, len(list)-missed)
	shown := map[bool]int{}
	for i := range list {
		d := &list[i]
		if shown[d.Missed]++; shown[d.Missed] > c.Most {
			continue
		}
		what := "extra"
		if d.Missed {
			what = "missed"
		}
		fmt.Fprintf(out, "\n%s %s at %s, origin %s, customer %s", what, d.Kind, d.At, d.Origin, d.Customer)
		if d.Why != "" {
			fmt.Fprintf(out, " (%s)", d.Why)
		}
		fmt.Fprintf(out, "\n    %s\n", strings.Join(d.Around, "\n    "))
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// printEvaluation shows a report to a person.
func printEvaluation(out io.Writer, r *evaluate.Report) {
	fmt.Fprintf(out, "\n%d events happened, %d of them were never sent. The tables stand at %s.\n\n", r.Events, r.Unsent, r.Clock)
	rule := newTable(out, "Agreement with the rule: a slow reference over complete histories, as sent and as it happened",
		"kind", "there", "found", "precision", "recall", "median delay", "there, as happened", "precision, as happened", "recall, as happened")
	for _, kind := range reference.Kinds() {
		a, b := r.Kinds[kind], r.KindsAsHappened[kind]
		rule.AppendRow(table.Row{kind, a.Truth, a.Found, percent(a.Both, a.Found), percent(a.Both, a.Truth), delay(a.MedianDelay), b.Truth,
			percent(b.Both, b.Found), percent(b.Both, b.Truth)})
	}
	rule.Render()
	need := newTable(out, "Agreement with the need: what the company did wrong to its customers",
		"kind", "failures", "found", "hurting", "found of hurting", "found of visible", "breakpoints", "of no failure")
	row := func(name string, n evaluate.NeedCount) {
		need.AppendRow(table.Row{name, n.Failures, n.Found, n.Hurting, percent(n.FoundHurting, n.Hurting), percent(n.FoundVisible, n.Visible),
			n.Breakpoints, percent(n.Cried, n.Breakpoints)})
	}
	for _, kind := range reference.Kinds() {
		if n, ok := r.Need.ByKind[kind]; ok {
			row(kind, n)
		}
	}
	need.AppendSeparator()
	row("all", r.Need.NeedCount)
	need.Render()
	fmt.Fprintf(out, "Of a failure: %s.\n", r.Need.Tolerance)
	fmt.Fprintf(out, "%d failures are hidden, the others visible: the events that were sent lack what it takes to see them.\n", r.Need.Hidden)
	fmt.Fprintf(out, "%d things looked like a breakpoint and were none; %d of them were taken for one.\n", r.Need.Semblances.Planted, r.Need.Semblances.Cried)
	printAlerts(out, &r.Alerts)
}

// percent is a part of a whole, a dash of nothing.
func percent(part, whole int) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}

// delay is a number of seconds as a person says it.
func delay(seconds float64) string {
	switch {
	case seconds < 120:
		return fmt.Sprintf("%.0f s", seconds)
	case seconds < 7200:
		return fmt.Sprintf("%.0f min", seconds/60)
	}
	return fmt.Sprintf("%.1f h", seconds/3600)
}
