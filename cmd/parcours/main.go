// Command parcours is all of Parcours in one: for a laptop, for a first look, and for operators.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	completion "github.com/jotaen/kong-completion"

	"parcours/cmd/internal/service"
	"parcours/pipeline/embedded"
)

// CLI is the command line.
type CLI struct {
	service.Common

	Up         UpCommand             `cmd:"" help:"Run everything in one process: ingest, log, aggregator, ClickHouse, and a page that shows it."`
	Demo       DemoCommand           `cmd:"" help:"Play a made-up company through the whole pipeline and report what broke."`
	Simulate   SimulateCommand       `cmd:"" help:"Write the events of a made-up company as NDJSON."`
	Import     ImportCommand         `cmd:"" help:"Take in a log from a file (CSV with a mapping, or NDJSON)."`
	Rules      RulesCommand          `cmd:"" help:"Check, show, compare and publish the rule book."`
	Event      EventCommand          `cmd:"" help:"Tell what became of an event."`
	Journey    JourneyCommand        `cmd:"" help:"Tell a journey: its steps, where it broke and why, what it cost; or list journeys."`
	Rejected   RejectedCommand       `cmd:"" help:"List, show and replay what was refused or set aside."`
	Clock      ClockCommand          `cmd:"" help:"Show the clocks of a data directory, or let them follow real time."`
	Verify     VerifyCommand         `cmd:"" help:"Check that every event is accounted for and every row is right; name what is not."`
	Evaluate   EvaluateCommand       `cmd:"" help:"Say how good the breakpoints are, where the truth is known: for a made-up company."`
	Rank       RankCommand           `cmd:"" help:"Rank what broke by cost and by customers, with the losses associated with it and what the rules do not see."`
	Brief      BriefCommand          `cmd:"" help:"Write the month on two pages for an executive committee, as HTML or PDF."`
	Alerts     AlertsCommand         `cmd:"" help:"List the change alerts: which rate rose, since when, where, and whether it still does."`
	Rebuild    RebuildCommand        `cmd:"" help:"Fold the whole log anew, beside the figures that people read, and switch when it is done."`
	Checksum   ChecksumCommand       `cmd:"" help:"Print one digest for each table and for JOURNEYS."`
	Keys       KeysCommand           `cmd:"" help:"Print the operator's public key, with which ingest seals what it refuses."`
	SQL        SQLCommand            `cmd:"" name:"sql" help:"Run a query on the tables of a data directory."`
	Completion completion.Completion `cmd:"" help:"Print how to switch on completion in your shell."`
	Tail       TailCommand           `cmd:"" help:"Print events, journeys and breakpoints as they come."`
	Churn      ChurnCommand          `cmd:"" help:"Say who is leaving, why, what it is worth and how sure that is."`
	Readiness  ReadinessCommand      `cmd:"" help:"Say what a file, or what is loaded, can support: which kinds of breakpoint, figures and planned dashboards, and why not more."`
	Dashboards DashboardsCommand     `cmd:"" help:"Write the Grafana dashboards, in French and in English."`
	Version    VersionCommand        `cmd:"" help:"Print the version."`
}

const description = `Customer journeys, their breakpoints and churn signals from the events of every channel.

Every setting is a flag, an environment variable (PARCOURS_ and the flag in capitals, - as _) and a key of the YAML file
given with --config.

Exit codes: 0 done, 1 found something wrong, 2 used wrongly, 3 could not be done.`

func main() {
	embedded.RunChild()
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// streams are the standard ones, given so that tests can have their own.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// run does what main does, and gives the exit code.
func run(args []string, in io.Reader, out, errOut io.Writer) int {
	var cli CLI
	if len(args) > 0 && args[0] == "help" { // as people ask: parcours help, parcours help import
		args = append(args[1:len(args):len(args)], "--help")
	}
	ctx, code, err := service.Parse(&cli, "parcours", description, args, out, errOut)
	if err != nil {
		fmt.Fprintf(errOut, "parcours: %v\nparcours --help says more.\n", err)
		return code
	}
	if ctx == nil {
		return code
	}
	if err := ctx.Run(&cli.Common, &streams{in, out, errOut}); err != nil {
		fmt.Fprintf(errOut, "parcours: %v\n", err)
		return exitCode(err)
	}
	return service.Done
}

// coded is an error with an exit code of its own.
type coded struct {
	error
	code int
}

func (c coded) Unwrap() error { return c.error }

// misused says that the command cannot work as it was called.
func misused(format string, args ...any) error {
	return coded{fmt.Errorf(format, args...), service.Misused}
}

func exitCode(err error) int {
	var c coded
	if errors.As(err, &c) {
		return c.code
	}
	return service.Impaired
}
