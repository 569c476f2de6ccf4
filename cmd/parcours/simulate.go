package main

import (
	"bufio"
	"fmt"
	"os"
	"time"

	"parcours/cmd/internal/service"
	"parcours/pipeline/simulate"
)

// CompanyFlags say which made-up company, how big and for how long.
type CompanyFlags struct {
	Customers int    `help:"Customers of the made-up company." default:"500"`
	Days      int    `help:"Days it is watched." default:"30"`
	Seed      uint64 `help:"The same seed gives the same events." default:"1"`
	Start     string `help:"First day, as 2026-01-05." default:"2026-01-05"`
}

// simulator makes the company.
func (f CompanyFlags) simulator() (*simulate.Simulator, error) {
	start, err := time.Parse(time.DateOnly, f.Start)
	if err != nil {
		return nil, misused("--start %s: expected a date like 2026-01-05", f.Start)
	}
	if f.Customers < 1 || f.Days < 1 {
		return nil, misused("--customers and --days: expected at least 1")
	}
	return simulate.New(simulate.Config{Customers: f.Customers, Days: f.Days, Seed: f.Seed, Start: start}), nil
}

// SimulateCommand writes events as NDJSON.
type SimulateCommand struct {
	CompanyFlags
	Output string `help:"File to write; - for standard output." short:"o" default:"-" placeholder:"FILE"`
}

// Run writes the events in the order in which they would arrive.
func (c *SimulateCommand) Run(_ *service.Common, s *streams) (err error) {
	sim, err := c.simulator()
	if err != nil {
		return err
	}
	out := s.out
	if c.Output != "-" {
		file, err := os.Create(c.Output)
		if err != nil {
			return err
		}
		defer func() { err = firstError(err, file.Close()) }()
		out = file
	}
	buffered := bufio.NewWriterSize(out, 1<<20)
	bar := newProgress(s.err, "simulate", "customers")
	if err := sim.WriteNDJSON(buffered, bar.at); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	bar.done()
	return buffered.Flush()
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
