package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"parcours/cmd/internal/service"
)

// EventCommand looks at events one by one.
type EventCommand struct {
	Trace EventTraceCommand `cmd:"" help:"Tell what became of an event: stored, late, refused, set aside, a copy, in which journey, and why not in one."`
}

// EventTraceCommand tells what became of an event.
type EventTraceCommand struct {
	DirectoryFlags
	Source     string `help:"Only the event of this CloudEvents source; without it, those of every source that use the id." placeholder:"SOURCE" env:"-"`
	Position   uint64 `help:"The event that stands at this position of the log, instead of an id." placeholder:"N" env:"-"`
	Scan       bool   `help:"Read the log for copies: of an event that is known, its own partition where the fold has counted copies; else the whole log." env:"-"`
	Everywhere bool   `help:"With --scan, read the whole log, whatever is known." env:"-"`
	JSON       bool   `name:"json" help:"Print one JSON object as the last line of standard output." env:"-"`
	ID         string `arg:"" optional:"" help:"Id of the event, as its source gave it."`
}

// Help is shown by --help.
func (*EventTraceCommand) Help() string {
	return `What the tables, the log and REJECTED know of an event. What the door refused is kept without its id: of it can be told what was
refused of --source, or else of all sources. Exit code 1 says that no event of that id is known.

  parcours event trace --data DIR tel-2004
  parcours event trace --data DIR --source /shop/telephony tel-2004 --scan
  parcours event trace --data DIR --position 4711`
}

// check refuses what cannot be meant.
func (c *EventTraceCommand) check() error {
	switch {
	case c.ID == "" && c.Position == 0:
		return misused("which event? Give its id, or --position N of the log")
	case c.ID != "" && c.Position > 0:
		return misused("an id or --position, not both")
	case c.Everywhere && !c.Scan:
		return misused("--everywhere says how far --scan reads: give both")
	}
	return nil
}

// Run prints it.
func (c *EventTraceCommand) Run(common *service.Common, s *streams) error {
	if err := c.check(); err != nil {
		return err
	}
	return explain(c.DirectoryFlags, common, func(ctx context.Context, x *explainer) error {
		bar := newProgress(s.err, "reading the log", "messages")
		t := &tracing{explainer: x, command: c, bar: bar}
		shown, err := t.trace(ctx)
		bar.done()
		if err != nil {
			return err
		}
		if c.JSON {
			err = json.NewEncoder(s.out).Encode(shown)
		} else {
			x.printTrace(s.out, paintFor(s.out), shown)
		}
		if err == nil && len(shown.Events) == 0 {
			return coded{fmt.Errorf("no event of that id is known"), service.Wrong}
		}
		return err
	})
}

// trace is what event trace gives.
type trace struct {
	ID      string        `json:"id"`
	Source  string        `json:"source,omitempty"`
	Events  []tracedEvent `json:"events"`  // one for each source and time
	Looked  []string      `json:"looked"`  // where, in words, and how far
	Refused *refusals     `json:"refused"` // by the door, of that source; null where something was found
}

// What an event can have become. The list is closed.
const (
	stateJourney     = "journey"     // a step of a journey
	stateVisit       = "visit"       // a page view or search that led nowhere
	stateLate        = "late"        // too late for journeys
	stateApart       = "apart"       // about no customer's journey
	stateAlone       = "alone"       // joins journeys, and found none
	stateQuarantined = "quarantined" // its home is
	statePending     = "pending"     // not folded yet
	stateAside       = "set_aside"   // by the fold, for a reason
	stateSystem      = "system"      // of Parcours or an operator
	stateMissing     = "missing"     // in the log, and not in the tables, which is wrong
)

// tracedEvent is one event and what became of it.
type tracedEvent struct {
	Source      string             `json:"source"`
	ID          string             `json:"id"`
	Type        string             `json:"type"`
	Time        string             `json:"time"`
	Customer    string             `json:"customer_id,omitempty"`
	State       string             `json:"state"`
	Why         string             `json:"why"` // in words
	Reason      string             `json:"reason,omitempty"`
	InTables    bool               `json:"in_tables"`
	Log         []logPlace         `json:"log"` // where it stands in the log, the first copy first
	CopiesSure  bool               `json:"copies_sure"`
	Copies      string             `json:"copies"` // in words
	Journey     *tracedStep        `json:"journey,omitempty"`
	Late        *tracedLate        `json:"late,omitempty"`
	Breakpoints []tracedBreakpoint `json:"breakpoints"`

	where string // channel, reason and so on, for a reader
}

// logPlace is a place in the log that holds the event or a copy of it.
type logPlace struct {
	Position  uint64 `json:"position"`
	Partition int    `json:"partition"` // -1: every partition
	StoredAt  string `json:"stored_at"`
}

// tracedStep is the place of an event in a journey.
type tracedStep struct {
	JourneyID string `json:"journey_id"`
	Step      uint32 `json:"step"`
	Steps     uint32 `json:"steps"`
	Outcome   string `json:"outcome"`
	Reason    string `json:"reason"`
}

// tracedLate says how late an event was.
type tracedLate struct {
	Clock   string `json:"clock"`    // of its partition, at least, when the event was stored
	Behind  int64  `json:"behind_s"` // seconds by which the event lay behind it
	Allowed int64  `json:"allowed_s"`
}

// tracedBreakpoint is a breakpoint that the event is part of.
type tracedBreakpoint struct {
	BreakpointID string `json:"breakpoint_id"`
	Kind         string `json:"kind"`
	JourneyID    string `json:"journey_id"`
	As           string `json:"as"` // origin, evidence, origin and evidence
}

// refusals are what the door refused, as far as it can be told of an event whose id is not kept.
type refusals struct {
	Counts map[string]uint64 `json:"counts"` // by reason
	Latest []listed          `json:"latest"`
}

func (x *explainer) printTrace(out io.Writer, p paint, t *trace) {
	for i := range t.Events {
		if i > 0 {
			fmt.Fprintln(out)
		}
		x.printTraced(out, p, &t.Events[i])
	}
	if len(t.Events) > 1 {
		fmt.Fprintf(out, "\n%d events bear this id: an event is named by source and id, and a source that uses an id twice is told of the second.\n", len(t.Events))
	}
	if len(t.Events) == 0 {
		fmt.Fprintf(out, "No event %s is known.\n", printable(t.ID))
	}
	for _, l := range t.Looked {
		fmt.Fprintln(out, p.with(l, text.Faint))
	}
	if t.Refused != nil {
		t.Refused.print(out, t.Source, x.flags.Data)
	}
}

func (x *explainer) printTraced(out io.Writer, p paint, e *tracedEvent) {
	fmt.Fprintf(out, "%s %s\n", p.with("Event "+or(e.ID, "without an id"), text.Bold), printable(prefixed("of ", e.Source)))
	var steps string
	if j := e.Journey; j != nil {
		steps = printable(fmt.Sprintf("%s, step %d of %d (%s; %s)", j.JourneyID, j.Step, j.Steps, or(j.Reason, "no reason stated"), j.Outcome))
	}
	printFacts(out, p, "", []fact{
		{"what", printable(joined(", ", e.Type, e.where))},
		{"when", e.Time},
		{"customer", or(e.Customer, "not known")},
		{"log", placesWords(e.Log)},
		{"copies", e.Copies},
		{"became", p.with(e.State, stateColour(e.State)) + ": " + printable(e.Why)},
		{"journey", steps},
	})
	for _, b := range e.Breakpoints {
		printFacts(out, p, "", []fact{{"breaks", fmt.Sprintf("%s of %s (%s) in journey %s", b.As, b.Kind, short(b.BreakpointID), short(b.JourneyID))}})
	}
}

func stateColour(state string) text.Color {
	switch state {
	case stateJourney, stateVisit, stateApart, stateAlone, stateSystem:
		return text.FgGreen
	case statePending, stateLate:
		return text.FgYellow
	}
	return text.FgRed
}

func placesWords(places []logPlace) string {
	list := make([]string, len(places))
	for i, l := range places {
		list[i] = fmt.Sprintf("position %d, stored %s, %s", l.Position, l.StoredAt, partitionWords(l.Partition))
	}
	return strings.Join(list, "; ")
}

func partitionWords(partition int) string {
	if partition < 0 {
		return "for every partition"
	}
	return fmt.Sprintf("partition %d", partition)
}

func (r *refusals) print(out io.Writer, source, dir string) {
	total := uint64(0)
	var counts []string
	for _, reason := range sortedKeys(r.Counts) {
		total += r.Counts[reason]
		counts = append(counts, fmt.Sprintf("%s %d", reason, r.Counts[reason]))
	}
	of := "of all sources (--source narrows it)"
	if source != "" {
		of = "of " + printable(source)
	}
	if total == 0 {
		fmt.Fprintf(out, "REJECTED holds nothing that the door refused %s.\n", of)
		return
	}
	fmt.Fprintf(out, "The door has refused %s %s: %s. Ids are not kept in clear; the latest:\n", plural(total, "event"), of, strings.Join(counts, ", "))
	for i := range r.Latest {
		l := &r.Latest[i]
		fmt.Fprintf(out, "  %s\n", printable(joined("  ", fmt.Sprint(l.Number), l.SeenAt, l.Reason, l.Source, l.Field, prefixed("expected ", l.Expected), l.where())))
	}
	fmt.Fprintf(out, "parcours rejected show --data %s NUMBER opens one with the operator's key.\n", dir)
}
