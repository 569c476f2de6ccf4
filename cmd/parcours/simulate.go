package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"parcours/cmd/internal/service"
	"parcours/pipeline/simulate"
)

// CompanyFlags say which made-up company, how big and for how long.
type CompanyFlags struct {
	Company   string `help:"The made-up company: default, bank, leavers, or a YAML file (docs/simulator.md)." default:"default" placeholder:"NAME|FILE"`
	Customers int    `help:"Customers of the made-up company." default:"500"`
	Days      int    `help:"Days it is watched." default:"30"`
	Seed      uint64 `help:"The same seed gives the same events." default:"1"`
	Start     string `help:"First day, as 2026-01-05; that of the company where none is given (2026-01-05 of default and bank)." placeholder:"DATE"`
	Shifts    string `help:"Changes of a rate in place of those of the company: none, or DAY:KIND[:unit=UNIT][:reason=REASON]:FACTOR, several with commas." placeholder:"none|LIST"`
}

// simulator makes the company.
func (f CompanyFlags) simulator() (*simulate.Simulator, error) {
	var start time.Time // that of the company
	if f.Start != "" {
		var err error
		if start, err = time.Parse(time.DateOnly, f.Start); err != nil {
			return nil, misused("--start %s: expected a date like 2026-01-05", f.Start)
		}
	}
	if f.Customers < 1 || f.Days < 1 {
		return nil, misused("--customers and --days: expected at least 1")
	}
	parameters, err := f.parameters()
	if err != nil {
		return nil, misused("--company %s: %v", f.Company, err)
	}
	if f.Shifts != "" {
		shifts, err := simulate.ParseShifts(f.Shifts)
		if err == nil {
			err = parameters.Plant(shifts)
		}
		if err != nil {
			return nil, misused("--shifts %s: %v", f.Shifts, err)
		}
	}
	return simulate.New(simulate.Config{Customers: f.Customers, Days: f.Days, Seed: f.Seed, Start: start, Parameters: parameters}), nil
}

// dated says the first day also where it is that of the company.
func (f CompanyFlags) dated() CompanyFlags {
	if p, err := f.parameters(); err == nil && f.Start == "" {
		if first, err := p.FirstDay(); err == nil {
			f.Start = first.Format(time.DateOnly)
		}
	}
	return f
}

// lastDay is the last day of the company, and whether it lies after now.
func (f CompanyFlags) lastDay(now time.Time) (last string, ahead bool) {
	start, err := time.Parse(time.DateOnly, f.dated().Start)
	if err != nil {
		return "", false
	}
	day := start.AddDate(0, 0, f.Days-1)
	return day.Format(time.DateOnly), day.After(now)
}

// parameters are those of a company that ships, else of a file.
func (f CompanyFlags) parameters() (*simulate.Parameters, error) {
	if slices.Contains(simulate.Companies(), f.Company) {
		return simulate.Company(f.Company)
	}
	page, err := os.ReadFile(f.Company)
	if errors.Is(err, fs.ErrNotExist) {
		return simulate.Company(f.Company) // which says what there is
	}
	if err != nil {
		return nil, err
	}
	return simulate.ParseCompany(page)
}

// SimulateCommand writes events as NDJSON.
type SimulateCommand struct {
	CompanyFlags
	Output string `help:"File to write; - for standard output." short:"o" default:"-" placeholder:"FILE"`
	Truth  string `help:"File for what truly happened: each customer's need, and where the company failed." placeholder:"FILE"`
}

// Run writes the events in the order in which they would arrive, and the truth beside them.
func (c *SimulateCommand) Run(_ *service.Common, s *streams) error {
	sim, err := c.simulator()
	if err != nil {
		return err
	}
	if c.Truth != "" && c.Truth == c.Output {
		return misused("--truth and --output: expected two files")
	}
	if c.Truth != "" {
		if err := written(c.Truth, sim.WriteTruth); err != nil {
			return err
		}
	}
	if last, ahead := c.lastDay(time.Now()); ahead {
		fmt.Fprintf(s.err, "simulate: the last day is %s, which has not come yet: import refuses what is dated later than now (--start says the first day)\n", last)
	}
	bar := newProgress(s.err, "simulate", "events")
	events := func(out io.Writer) error { return sim.WriteNDJSON(out, bar.at) }
	if c.Output != "-" {
		err = written(c.Output, events)
	} else {
		err = buffered(s.out, events)
	}
	bar.done()
	return err
}

// written makes a file of what is written.
func written(name string, write func(io.Writer) error) (err error) {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, file.Close()) }()
	return buffered(file, write)
}

func buffered(out io.Writer, write func(io.Writer) error) error {
	b := bufio.NewWriterSize(out, 1<<20)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
