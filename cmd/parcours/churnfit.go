package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"parcours/cmd/internal/service"
	"parcours/pipeline/churn"
)

// ChurnFitCommand fits the models of repeat purchases and of spend to a table.
type ChurnFitCommand struct {
	Until      string `help:"End of the observation: ages end on this day, and purchases after it are a holdout. Without it, the last day of the table." placeholder:"DATE" env:"-"`
	Unit       string `help:"Unit of time of alpha and of every rate: day, or week (days / 7, not rounded)." enum:"day,week" default:"week" env:"-"`
	Columns    string `help:"What the columns are, in their order: customer, date, amount, and _ for any other." placeholder:"LIST" env:"-"`
	Customer   string `help:"Column of the customer, by name or number from 1." placeholder:"COLUMN" env:"-"`
	Date       string `help:"Column of the date." placeholder:"COLUMN" env:"-"`
	Amount     string `help:"Column of the amount; none to fit no spend." placeholder:"COLUMN" env:"-"`
	DateFormat string `help:"How dates are written, where it is none of the usual ways: DD/MM/YYYY, MM/DD/YYYY hh:mm." placeholder:"FORM" env:"-"`
	Separator  string `help:"What separates the columns: auto, tab, semicolon, comma, bar or space (any white space)." enum:"auto,tab,semicolon,comma,bar,space" default:"auto" env:"-"`
	JSON       bool   `name:"json" help:"Print one JSON object as the last line of standard output, all else on standard error."`
	File       string `arg:"" help:"A table with a row a purchase; .gz and .zst are unpacked." type:"existingfile"`
}

// Help is shown by --help.
func (*ChurnFitCommand) Help() string {
	return `Fits the BG/NBD model (Fader, Hardie and Lee 2005) by maximum likelihood, and the gamma-gamma model of spend where there are
amounts. Nothing is stored. Purchases of a customer on one day count once. Rows that cannot be read are named by their line and
left out. Exit code 1 when the table does not determine the model. docs/churnfit.md says what each figure means.

  parcours churn fit purchases.csv
  parcours churn fit purchases.csv.gz --until 1997-09-30 --json
  parcours churn fit CDNOW_master.txt --columns customer,date,_,amount`
}

// Run fits.
func (c *ChurnFitCommand) Run(_ *service.Common, s *streams) error {
	ctx, stop := service.Interruptible()
	defer stop()
	got, err := c.readAll(ctx, s.err)
	if err != nil {
		return halted(ctx, err)
	}
	seen, err := c.observe(got)
	if err != nil {
		return err
	}
	report, failed := c.fit(ctx, got, seen, s.err)
	if report == nil {
		return halted(ctx, failed)
	}
	out := s.out
	if c.JSON {
		out = s.err
	}
	printChurnFit(out, report)
	if c.JSON {
		failed = errors.Join(json.NewEncoder(s.out).Encode(report), failed)
	}
	return failed
}

// halted says that somebody interrupted, in words.
func halted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("interrupted; nothing was stored")
	}
	return err
}

// mostFaults is how many rows that cannot be read are named.
const mostFaults = 10

// readAll reads the table, and names rows that cannot be read.
func (c *ChurnFitCommand) readAll(ctx context.Context, errOut io.Writer) (*purchases, error) {
	file, named := &fileRead{}, 0
	bar := newFileProgress(errOut, "churn fit", "rows", file)
	got, err := c.read(ctx, file, bar, func(f *rowFault) {
		if named++; named <= mostFaults {
			fmt.Fprintf(errOut, "%s: %v; the row is left out\n", c.File, f)
		}
	})
	bar.done()
	if err != nil {
		var already coded
		if errors.As(err, &already) {
			return nil, err
		}
		return nil, fmt.Errorf("read %s: %w", c.File, err)
	}
	if named > mostFaults {
		fmt.Fprintf(errOut, "%s: %d more rows could not be read\n", c.File, named-mostFaults)
	}
	return got, nil
}

// observe ends the observation.
func (c *ChurnFitCommand) observe(got *purchases) (*observed, error) {
	if len(got.list) == 0 {
		return nil, coded{fmt.Errorf("%s: no purchase is left of %d rows (%d cannot be read, %d are returns)", c.File, got.rows, got.refused, got.returns), service.Wrong}
	}
	until, unit := got.last, 7.0
	if c.Unit == "day" {
		unit = 1
	}
	if c.Until != "" {
		day, ok := dayOf(c.Until, "")
		if !ok {
			return nil, misused("--until: expected %s", dateForms)
		}
		until = day
	}
	seen := got.observe(until, unit)
	if len(seen.uses) == 0 {
		return nil, coded{fmt.Errorf("%s: every purchase is after --until %s", c.File, until), service.Wrong}
	}
	return seen, nil
}

// fit fits the models. What the table does not determine is reported, and an error besides.
func (c *ChurnFitCommand) fit(ctx context.Context, got *purchases, seen *observed, errOut io.Writer) (*churnFit, error) {
	bar := newProgress(errOut, "churn fit", "customers, fitting")
	bar.at(len(seen.uses), 0)
	defer bar.done()
	report := newChurnFit(c, got, seen)
	foretell, fits, err := churn.FitComeback(ctx, seen.uses)
	if errors.Is(err, churn.ErrNobodyReturned) {
		report.Convergence = churn.Convergence{Status: err.Error(), Problems: []string{churn.ErrNobodyReturned.Error()}}
		return report, coded{err, service.Wrong}
	}
	if err != nil {
		return nil, err
	}
	report.fitted(fits, foretell, got, seen)
	if got.spend {
		spend, err := churn.FitGammaGamma(ctx, seen.uses)
		if err != nil && ctx.Err() != nil {
			return nil, err
		}
		report.spend(spend, err)
	}
	if !report.Convergence.Converged {
		return report, coded{fmt.Errorf("the table does not determine the model: %s", report.Convergence.Status), service.Wrong}
	}
	return report, nil
}
