package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline/aggregate"
)

// VerifyCommand checks that everything is accounted for.
type VerifyCommand struct {
	DirectoryFlags
	IDs  bool `name:"ids" help:"Look also for events that share (source, id) and not their time, however far apart." env:"-"`
	JSON bool `name:"json" help:"Print one JSON object as the last line of standard output."`
}

// Help is shown by --help.
func (*VerifyCommand) Help() string {
	return `Every position of the log is accounted for (first copy, copy, late, set aside, system), every first copy and every late event is a
row of cx.events, and every other table holds just the rows that the fold put there. Where that is not so, the rows are named
and the exit code is 1. Nothing is repaired: parcours rebuild does that.

  parcours verify --data DIR
  parcours verify --data DIR --ids --json`
}

// unverified is exit code 1: something is wrong, and who can mend it.
func unverified(r *aggregate.Report) error {
	err := errors.New("not everything is as the log says; parcours rebuild mends the tables")
	reused := func(p aggregate.Problem) bool { return p.What == aggregate.IDReused }
	switch {
	case slices.ContainsFunc(r.Problems, func(p aggregate.Problem) bool { return p.Table == "log" }):
		err = errors.New("the log ends before what the tables know: restore it; a rebuild would take away what it has lost")
	case !slices.ContainsFunc(r.Problems, func(p aggregate.Problem) bool { return !reused(p) }):
		err = errors.New("sources have used ids more than once: only they can mend that")
	}
	return coded{err, service.Wrong}
}

// Run verifies.
func (c *VerifyCommand) Run(common *service.Common, s *streams) error {
	ctx, stop := service.Interruptible()
	defer stop()
	log := common.Logger(zerolog.WarnLevel)
	d, err := openDirectory(c.DirectoryFlags, log)
	if err != nil {
		return err
	}
	defer d.close()
	store, err := d.readable(ctx)
	if err != nil {
		return err
	}
	info, err := d.bus.Info(ctx)
	if err != nil {
		return err
	}
	deps := foldOf(d.bus, store, info, log)
	if deps.Scratch, err = d.scratch(); err != nil {
		return err
	}
	bar := newProgress(s.err, "verify", "messages folded again")
	defer bar.done()
	report, err := aggregate.Verify(ctx, aggregate.Default(), deps, aggregate.VerifyOptions{
		IDs: c.IDs, Progress: func(at, head uint64) { bar.at(int(at), int(head)) },
	})
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(s.out).Encode(report)
	} else {
		printReport(s.out, report)
	}
	if err == nil && len(report.Problems) > 0 {
		return unverified(report)
	}
	return err
}

// mostProblems is how many are printed; --json gives all.
const mostProblems = 100

func printReport(out io.Writer, r *aggregate.Report) {
	fmt.Fprintf(out, "Generation %d as of position %d: %s stored, %d erased.\n", r.Generation.Number, r.Position, plural(r.Stored, "message"), r.Erased)
	if r.Waiting > 0 {
		fmt.Fprintf(out, "Behind that position, and not in the tables yet: %s. parcours up, or import, brings them in.\n", plural(r.Waiting, "message"))
	}
	fmt.Fprintf(out, "%d first copies, %d copies, %d late, %d set aside, %d forwarded, %d of the system.\n",
		r.First, r.Copies, r.Late, r.SetAside, r.Forwarded, r.System)
	for _, t := range r.Tables {
		mark := "ok"
		switch {
		case t.Rows != t.Expected:
			mark = fmt.Sprintf("expected %d", t.Expected)
		case !t.OK:
			mark = "not as they should be: see below"
		}
		fmt.Fprintf(out, "  %-14s %10d rows  %s\n", t.Table, t.Rows, mark)
	}
	for i, p := range r.Problems {
		if i == mostProblems {
			fmt.Fprintf(out, "... and %d more (--json gives all)\n", len(r.Problems)-i)
			break
		}
		fmt.Fprintln(out, p)
	}
	switch {
	case len(r.Problems) > 0:
	case r.Waiting > 0:
		fmt.Fprintf(out, "Everything is accounted for up to position %d; what is behind it (%s) is not checked.\n", r.Position, plural(r.Waiting, "message"))
	default:
		fmt.Fprintln(out, "Everything is accounted for.")
	}
}

// ChecksumCommand prints digests.
type ChecksumCommand struct {
	DirectoryFlags
	Exact bool `help:"Every readable row with its position: the same for two folds of one log (the default)." xor:"which" env:"-"`
	Net   bool `help:"What the rows say, without positions and times of storing: the same for two logs of the same events, in any order within the lateness bound." xor:"which" env:"-"`
	JSON  bool `name:"json" help:"Print one JSON object as the last line of standard output."`
}

// Help is shown by --help.
func (*ChecksumCommand) Help() string {
	return `One digest for each table and one for JOURNEYS, each a sum over its rows, and one over all of them.

  parcours checksum --data DIR --exact
  parcours checksum --data DIR --net --json`
}

// checksum is what checksum gives.
type checksum struct {
	Kind   string     `json:"kind"` // exact, net
	Tables []tableSum `json:"tables"`
	Digest string     `json:"digest"` // over all of them
}

type tableSum struct {
	Table  string `json:"table"`
	Rows   uint64 `json:"rows"`
	Digest string `json:"digest"`
}

// Run adds up.
func (c *ChecksumCommand) Run(common *service.Common, s *streams) error {
	ctx, stop := service.Interruptible()
	defer stop()
	d, err := openDirectory(c.DirectoryFlags, common.Logger(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	defer d.close()
	sum, err := d.checksum(ctx, c.Net)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(sum)
	}
	for _, t := range sum.Tables {
		fmt.Fprintf(s.out, "%-14s %10d  %s\n", t.Table, t.Rows, t.Digest)
	}
	fmt.Fprintf(s.out, "%-14s %10s  %s\n", sum.Kind, "", sum.Digest)
	return nil
}

func (d *directory) checksum(ctx context.Context, net bool) (*checksum, error) {
	store, err := d.readable(ctx)
	if err != nil {
		return nil, err
	}
	tables, err := store.Checksum(ctx, net)
	if err != nil {
		return nil, err
	}
	sum := &checksum{Kind: "exact"}
	if net {
		sum.Kind = "net"
	}
	all := uint64(0)
	add := func(table string, rows, digest uint64) {
		sum.Tables = append(sum.Tables, tableSum{table, rows, fmt.Sprintf("%016x", digest)})
		all = all*0x9e3779b97f4a7c15 + digest
	}
	for _, t := range tables {
		add(t.Table, t.Rows, t.Digest)
	}
	count, digest, err := d.bus.JourneysDigest(ctx, net)
	if err != nil {
		return nil, err
	}
	add("JOURNEYS", count, digest)
	sum.Digest = fmt.Sprintf("%016x", all)
	return sum, nil
}
