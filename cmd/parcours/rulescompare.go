package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline"
	"parcours/pipeline/breakpoint"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

// RulesCompareCommand compares what two rule books find.
type RulesCompareCommand struct {
	DirectoryFlags
	JSON bool   `name:"json" help:"Print one JSON object as the last line of standard output."`
	A    string `arg:"" help:"Database of the one, such as cx."`
	B    string `arg:"" help:"Database of the other, such as cx_whatif (parcours rebuild --into makes it)."`
}

// Help is shown by --help.
func (*RulesCompareCommand) Help() string {
	return `By kind of breakpoint, reason family and silo: how many appear and disappear from the first to the second, and what that changes
of avoidable cost; then the journeys by outcome, and the rate of each kind over the days that are settled. Where hourly rates are
illustrative, so is the change of cost.

  parcours rebuild --data DIR --rules rules.yaml --into cx_whatif
  parcours rules compare cx cx_whatif --data DIR`
}

// comparedSide is one of the databases.
type comparedSide struct {
	Database     string `json:"database"`
	Rules        string `json:"rules"` // version
	Fold         string `json:"fold"`
	Position     uint64 `json:"position"` // of the log up to which it goes
	Currency     string `json:"currency"`
	Illustrative bool   `json:"illustrative"` // its rates
}

// comparison is what compare finds.
type comparison struct {
	A            comparedSide        `json:"a"`
	B            comparedSide        `json:"b"`
	Changes      []clickhouse.Change `json:"changes"`
	Total        clickhouse.Change   `json:"total"`
	Saved        *float64            `json:"avoidable_cost_change,omitempty"` // in the currency; absent where the two have not the same
	Illustrative bool                `json:"illustrative"`                    // the rates of one of them
	Journeys     []comparedOutcome   `json:"journeys"`                        // by outcome
	Rates        []comparedRate      `json:"rates"`                           // by kind, in the order of the catalogue
	Remarks      []string            `json:"remarks"`
}

// comparedOutcome is how many journeys end so on either side.
type comparedOutcome struct {
	Outcome string `json:"outcome"`
	Before  uint64 `json:"before"`
	After   uint64 `json:"after"`
}

// comparedRate is the rate of a kind on either side, over the days that each may draw.
type comparedRate struct {
	Kind   string          `json:"kind"`
	Before clickhouse.Rate `json:"before"`
	After  clickhouse.Rate `json:"after"`
}

// Run compares.
func (c *RulesCompareCommand) Run(common *service.Common, s *streams) error {
	ctx, stop := service.Interruptible()
	defer stop()
	d, err := openDirectory(c.DirectoryFlags, common.Logger(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	defer d.close()
	store, err := d.tables(ctx)
	if err != nil {
		return err
	}
	found, err := d.compare(ctx, store, c.A, c.B)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(found)
	}
	found.print(s.out)
	return nil
}

func (d *directory) compare(ctx context.Context, store *clickhouse.Store, a, b string) (*comparison, error) {
	found := &comparison{Remarks: []string{}}
	for i, side := range []*comparedSide{&found.A, &found.B} {
		if err := d.side(ctx, store, []string{a, b}[i], side); err != nil {
			return nil, err
		}
	}
	first, err := store.Beside(ctx, a)
	if err != nil {
		return nil, err
	}
	defer first.Close()
	if found.Changes, found.Total, err = first.Compare(ctx, b); err != nil {
		return nil, err
	}
	second, err := store.Beside(ctx, b)
	if err != nil {
		return nil, err
	}
	defer second.Close()
	if err := found.overview(ctx, first, second); err != nil {
		return nil, err
	}
	found.conclude()
	return found, nil
}

// overview reads what both sides hold as a whole: rules move journeys too, and what rates are out of.
func (c *comparison) overview(ctx context.Context, first, second *clickhouse.Store) error {
	before, err := first.Overview(ctx)
	if err != nil {
		return err
	}
	after, err := second.Overview(ctx)
	if err != nil {
		return err
	}
	c.Journeys, c.Rates = []comparedOutcome{}, []comparedRate{}
	for _, o := range []journey.Outcome{journey.Resolved, journey.Unresolved, journey.Lost, journey.Open} {
		c.Journeys = append(c.Journeys, comparedOutcome{string(o), before.Journeys[string(o)], after.Journeys[string(o)]})
	}
	for _, k := range breakpoint.Catalogue() {
		if r := (comparedRate{k.ID, before.Rates[k.ID], after.Rates[k.ID]}); r.Before.Opportunities+r.After.Opportunities > 0 {
			c.Rates = append(c.Rates, r)
		}
	}
	return nil
}

// side reads what is known of a database: what an operator compares must be whole.
func (d *directory) side(ctx context.Context, store *clickhouse.Store, database string, side *comparedSide) error {
	beside, err := store.Beside(ctx, database)
	if err != nil {
		return coded{err, service.Misused}
	}
	defer beside.Close()
	remark, notWhatIf := store.WhatIfRemark(ctx, database)
	if notWhatIf != nil && database != store.Database() {
		return coded{fmt.Errorf("%w (parcours rebuild --rules FILE --into %s makes a what-if)", notWhatIf, database), service.Misused}
	}
	g, err := beside.Current(ctx)
	if err != nil || g.Fold == "" {
		return errors.Join(err, coded{fmt.Errorf("database %s is not whole: it was interrupted, or nothing was folded yet", database), service.Wrong})
	}
	frontier, err := beside.Frontier(ctx, g.Number)
	if err != nil {
		return err
	}
	*side = comparedSide{Database: database, Rules: g.Rules, Fold: g.Fold, Position: lowest(frontier)}
	if notWhatIf == nil {
		return json.Unmarshal([]byte(remark), side)
	}
	book, err := bookInForce(ctx, d.bus, store)
	if err != nil {
		return err
	}
	amounts := moneyOf(book)
	side.Currency, side.Illustrative = amounts.currency, amounts.illustrative
	for _, p := range book.Later() {
		side.Rules += ", then " + p.Book.Version()
	}
	return nil
}

func lowest(frontier map[int]pipeline.FrontierRow) (position uint64) {
	for _, row := range frontier {
		if position == 0 || row.Position < position {
			position = row.Position
		}
	}
	return position
}

// conclude adds up, and says what the comparison does not.
func (c *comparison) conclude() {
	c.Illustrative = c.A.Illustrative || c.B.Illustrative
	if c.A.Currency == c.B.Currency && len(c.A.Currency) == 3 {
		saved := c.Total.CostAfter - c.Total.CostBefore
		c.Saved = &saved
	} else {
		c.Remarks = append(c.Remarks, fmt.Sprintf("the two count in %s and %s: their costs cannot be compared", c.A.Currency, c.B.Currency))
	}
	if c.A.Position != c.B.Position {
		c.Remarks = append(c.Remarks, fmt.Sprintf("%s goes to position %d of the log, %s to %d: what came between is in one of them only", c.A.Database, c.A.Position, c.B.Database, c.B.Position))
	}
	if c.A.Fold != c.B.Fold {
		c.Remarks = append(c.Remarks, "the two were folded by different versions of Parcours: not only the rules differ")
	}
}

func (c *comparison) print(out io.Writer) {
	fmt.Fprintf(out, "From %s (rules %s) to %s (rules %s):\n", c.A.Database, c.A.Rules, c.B.Database, c.B.Rules)
	if len(c.Changes) == 0 {
		fmt.Fprintln(out, "no breakpoint appears, disappears or costs otherwise.")
	} else {
		header := table.Row{"kind", "reason", "silo", "before", "after", "appear", "disappear", "cost before", "cost after", "change"}
		t := newTable(out, "Breakpoints", header...)
		rows := make([]table.Row, len(c.Changes))
		for i := range c.Changes {
			rows[i] = changeRow(&c.Changes[i])
		}
		total := c.Total
		total.Kind = "all kinds"
		t.AppendFooter(changeRow(&total))
		fitted(t, out, header, rows)
		t.Render()
	}
	c.printOverview(out)
	if c.Saved != nil {
		note := ""
		if c.Illustrative {
			note = " (illustrative: the rates of the rule book are not filled yet)"
		}
		fmt.Fprintf(out, "Avoidable cost: %+.2f %s%s.\n", *c.Saved, c.A.Currency, note)
	}
	for _, remark := range c.Remarks {
		fmt.Fprintf(out, "Note: %s.\n", remark)
	}
}

// printOverview says what becomes of journeys, and of the rates: of those that either side may draw.
func (c *comparison) printOverview(out io.Writer) {
	var before, after uint64
	words := make([]string, len(c.Journeys))
	for i, o := range c.Journeys {
		before, after = before+o.Before, after+o.After
		words[i] = fmt.Sprintf("%s %d -> %d", o.Outcome, o.Before, o.After)
	}
	fmt.Fprintf(out, "Journeys: %d -> %d (%s).\n", before, after, strings.Join(words, ", "))
	if len(c.Rates) == 0 {
		fmt.Fprintln(out, "Rates: no day is settled on either side yet, so none may be drawn.")
		return
	}
	t := newTable(out, "Rates, over the days that are settled", "kind", "out of, before", "after", "rate before", "after")
	for _, r := range c.Rates {
		t.AppendRow(table.Row{r.Kind, r.Before.Opportunities, r.After.Opportunities, percent(int(r.Before.Broken), int(r.Before.Opportunities)),
			percent(int(r.After.Broken), int(r.After.Opportunities))})
	}
	t.Render()
}

func changeRow(l *clickhouse.Change) table.Row {
	amount := func(v float64) string { return fmt.Sprintf("%.2f", v) }
	return table.Row{l.Kind, l.ReasonFamily, l.Silo, l.Before, l.After, l.Appear, l.Disappear, amount(l.CostBefore), amount(l.CostAfter),
		fmt.Sprintf("%+.2f", l.CostAfter-l.CostBefore)}
}

// remarkOf is what a what-if says of its book.
func remarkOf(b *rules.Book) (string, error) {
	raw, err := json.Marshal(map[string]any{"rules": b.Version(), "currency": b.Currency, "illustrative": b.RatesIllustrative})
	return string(raw), err
}
