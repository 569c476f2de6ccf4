package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"parcours/cmd/internal/service"
	"parcours/pipeline"
	"parcours/pipeline/breakpoint"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/rules"
)

// JourneyCommand looks at journeys one by one.
type JourneyCommand struct {
	Show JourneyShowCommand `cmd:"" help:"Tell one journey: its steps, where it broke and by which rule, what it cost, and why it begins and ends where it does."`
	List JourneyListCommand `cmd:"" help:"List journeys, the one that was active last first."`
}

// JourneyShowCommand tells one journey.
type JourneyShowCommand struct {
	DirectoryFlags
	All  bool   `help:"Every step of a long journey." env:"-"`
	JSON bool   `name:"json" help:"Print one JSON object as the last line of standard output, with every step." env:"-"`
	ID   string `arg:"" help:"Id of a journey or of a breakpoint, or how it begins (6 characters or more); or a case."`
}

// Help is shown by --help.
func (*JourneyShowCommand) Help() string {
	return `An id of a journey that gave way to another leads to that one. Times are those of the company's time zone. Steps that are evidence
of a breakpoint bear its number, with a star where the failure began.

  parcours journey show --data DIR 3f2a9c
  parcours journey show --data DIR case-5512 --json`
}

// Run prints it.
func (c *JourneyShowCommand) Run(common *service.Common, s *streams) error {
	return explain(c.DirectoryFlags, common, func(ctx context.Context, x *explainer) error {
		way, err := x.findJourney(ctx, strings.TrimSpace(c.ID))
		if err != nil {
			return err
		}
		shown, err := x.journey(ctx, way)
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(s.out).Encode(shown)
		}
		x.printJourney(s.out, paintFor(s.out), shown, c.All)
		return nil
	})
}

// leastPrefix is how many characters of an id are enough.
const leastPrefix = 6

// way is how an id led to a journey.
type way struct {
	asked      clickhouse.Named
	gave       []string // the ids that gave way, in order; none where it was the journey's own
	journey    pipeline.JourneyRow
	breakpoint string // the one that was asked for; "" for none
}

// findJourney says which journey an id means: of that id, of that breakpoint, of that case, or of ids that begin so.
func (x *explainer) findJourney(ctx context.Context, id string) (*way, error) {
	named, err := x.store.Named(ctx, id, false)
	if err == nil && len(named) == 0 && len(id) >= leastPrefix {
		named, err = x.store.Named(ctx, id, true)
	}
	if err != nil {
		return nil, err
	}
	if len(named) == 0 {
		return nil, x.noJourney(id)
	}
	if len(named) > 1 {
		return nil, ambiguous(id, named)
	}
	return x.follow(ctx, named[0])
}

// noJourney says what could help.
func (x *explainer) noJourney(id string) error {
	if len(id) < leastPrefix {
		return misused("%s: no case is called so, and of an id at least %d characters are needed (parcours journey list shows ids)", printable(id), leastPrefix)
	}
	return coded{fmt.Errorf("%s: no journey, breakpoint or case of that name in the tables, which have come to position %d of %d (parcours journey list "+
		"--data %s shows ids; parcours event trace says what became of an event)", printable(id), x.folded(), x.head, x.flags.Data), service.Wrong}
}

func ambiguous(id string, named []clickhouse.Named) error {
	list := make([]string, len(named))
	for i, n := range named {
		list[i] = "  " + n.What + " " + n.ID
		if n.What == "case" {
			list[i] = "  journey " + n.JourneyID
		}
	}
	return misused("%s means more than one; give one of\n%s", printable(id), strings.Join(list, "\n"))
}

// follow goes from an id to the journey that bears it now.
func (x *explainer) follow(ctx context.Context, n clickhouse.Named) (*way, error) {
	w := &way{asked: n}
	if n.What == "breakpoint" {
		w.breakpoint = n.ID
		if n.JourneyID == "" {
			return nil, coded{fmt.Errorf("breakpoint %s is an incident with a reach, and about no journey (parcours sql --data %s "+
				"\"SELECT * FROM cx.breakpoints_v WHERE breakpoint_id = '%[1]s'\" shows it)", n.ID, x.flags.Data), service.Wrong}
		}
	}
	if n.What == "alias" {
		w.gave = append(w.gave, n.ID)
	}
	for id := n.JourneyID; ; {
		rows, err := x.store.Journeys(ctx, clickhouse.JourneysWanted{ID: id})
		if err != nil {
			return nil, err
		}
		if id != "" && len(rows) == 1 {
			w.journey = rows[0]
			return w, nil
		}
		next, found, err := x.alias(ctx, id)
		if err != nil {
			return nil, err
		}
		if !found || slices.Contains(w.gave, id) {
			return nil, coded{fmt.Errorf("journey %s is no more, and no other took over: its events are in no journey now (parcours event trace says why)",
				joined(" -> ", w.gave...)), service.Wrong}
		}
		w.gave = append(w.gave, id)
		id = next
	}
}

// alias says which journey took over from one that is gone.
func (x *explainer) alias(ctx context.Context, id string) (next string, found bool, err error) {
	if id == "" {
		return "", false, nil
	}
	named, err := x.store.Named(ctx, id, false)
	for _, n := range named {
		if n.What == "alias" {
			return n.JourneyID, true, err
		}
	}
	return "", false, err
}

// JourneyListCommand lists journeys.
type JourneyListCommand struct {
	DirectoryFlags
	Customer string `help:"Only those of this customer: a pseudonym, or how it begins." placeholder:"PSEUDONYM" env:"-"`
	Case     string `help:"Only the one of this case." placeholder:"CASE" env:"-"`
	Kind     string `help:"Only those with a breakpoint of this kind." placeholder:"KIND" env:"-"`
	Reason   string `help:"Only those for this reason, or reason family." placeholder:"REASON" env:"-"`
	Since    string `help:"Only those active since: a date (2026-03-02, UTC), a time (RFC 3339), or a duration back from now (36h, 7d)." placeholder:"WHEN" env:"-"`
	Limit    int    `help:"Most lines." default:"20" env:"-"`
	JSON     bool   `name:"json" help:"Print one JSON object as the last line of standard output." env:"-"`
}

// Help is shown by --help.
func (*JourneyListCommand) Help() string {
	return `  parcours journey list --data DIR --kind repeat_contact --reason billing
  parcours journey list --data DIR --customer c41d8 --since 30d`
}

// journeyList is what list gives.
type journeyList struct {
	Journeys []journeyFacts `json:"journeys"`
}

// Run prints the list.
func (c *JourneyListCommand) Run(common *service.Common, s *streams) error {
	wanted, err := c.wanted(time.Now())
	if err != nil {
		return err
	}
	return explain(c.DirectoryFlags, common, func(ctx context.Context, x *explainer) error {
		remarkFamily(s.err, x.book, c.Reason)
		rows, err := x.store.Journeys(ctx, wanted)
		if err != nil {
			return err
		}
		list := journeyList{Journeys: []journeyFacts{}}
		for i := range rows {
			list.Journeys = append(list.Journeys, journeyFactsOf(&rows[i]))
		}
		if c.JSON {
			return json.NewEncoder(s.out).Encode(list)
		}
		x.printJourneys(s.out, rows, c.Limit)
		if len(rows) == 0 && c.Customer != "" && !isPseudonym(c.Customer) {
			fmt.Fprintf(s.out, "Customers are pseudonyms here (c and 32 of 0-9a-f): a number or a name of yours is in no table. parcours event trace --data %s ID, "+
				"of an event of that customer, says the pseudonym.\n", c.Data)
		}
		return nil
	})
}

// isPseudonym says whether a text is a pseudonym, or how one begins.
func isPseudonym(text string) bool {
	rest, ok := strings.CutPrefix(text, "c")
	return ok && len(rest) <= 32 && strings.Trim(rest, "0123456789abcdef") == ""
}

// wanted checks the flags.
func (c *JourneyListCommand) wanted(now time.Time) (clickhouse.JourneysWanted, error) {
	w := clickhouse.JourneysWanted{Customer: c.Customer, Case: c.Case, Kind: c.Kind, Reason: c.Reason, Limit: c.Limit}
	if c.Limit < 1 {
		return w, misused("--limit %d: expected 1 or more", c.Limit)
	}
	if err := knownKind(c.Kind); err != nil {
		return w, err
	}
	since, err := sinceOf(c.Since, now)
	w.Since = max(since, 0)
	return w, err
}

// knownKind refuses a kind that the catalogue does not have; "" asks nothing.
func knownKind(kind string) error {
	var ids []string
	for _, k := range breakpoint.Catalogue() {
		if k.ID == kind {
			return nil
		}
		ids = append(ids, k.ID)
	}
	if kind == "" {
		return nil
	}
	return misused("--kind %s: no such kind of breakpoint; there are %s", printable(kind), strings.Join(ids, ", "))
}

// remarkFamily says it where the family of a reason is in no rule book of a directory: it is mistyped, or a source sends what
// the rules do not know. "" asks nothing.
func remarkFamily(errOut io.Writer, all *rules.Book, reason string) {
	known := slices.Clone(all.Families)
	for _, p := range all.Later() {
		known = append(known, p.Book.Families...)
	}
	slices.Sort(known)
	if family, _, _ := strings.Cut(reason, "."); reason != "" && !slices.Contains(known, family) {
		fmt.Fprintf(errOut, "No rule knows the reason family %s; the rule book has %s.\n", printable(family), strings.Join(slices.Compact(known), ", "))
	}
}

func (x *explainer) printJourneys(out io.Writer, rows []pipeline.JourneyRow, limit int) {
	if len(rows) == 0 {
		fmt.Fprintf(out, "No journey is like that (the tables have come to position %d of %d).\n", x.folded(), x.head)
		return
	}
	t := newTable(out, "Journeys", "journey", "customer", "reason", "from", "last active", "outcome", "steps", "breakpoints", "cost "+x.now.Currency)
	for i := range rows {
		r := &rows[i]
		t.AppendRow(table.Row{short(r.JourneyID), short(r.CustomerID), or(r.Reason, "not known"), x.clock(r.StartedAt), x.clock(r.LastEventAt),
			outcomeShort(r), r.Steps, r.Breakpoints, fmt.Sprintf("%.2f", r.Cost)})
	}
	t.Render()
	if len(rows) == limit {
		fmt.Fprintf(out, "The latest %d (--limit N for more). ", limit)
	}
	fmt.Fprintf(out, "parcours journey show tells one of them. Times are those of %s.\n", x.zone)
}

// short is enough of an id to go on with.
func short(id string) string { return id[:min(len(id), 12)] }

func outcomeShort(r *pipeline.JourneyRow) string { return joined(" by ", r.Outcome, r.ResolutionBasis) }
