package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"parcours/pipeline"
	"parcours/pipeline/journey"
)

func (x *explainer) printJourney(out io.Writer, p paint, s *shownJourney, all bool) {
	for i, id := range s.TookOver {
		next := s.row.JourneyID
		if i+1 < len(s.TookOver) {
			next = s.TookOver[i+1]
		}
		fmt.Fprintf(out, "Journey %s is no more: journey %s took over from it.\n", id, next)
	}
	fmt.Fprintf(out, "%s %s\n", p.with("Journey", text.Bold), p.with(s.row.JourneyID, text.Bold))
	printFacts(out, p, "", x.headOf(s))
	x.printSteps(out, p, s, all)
	for i := range s.Breakpoints {
		x.printBreakpoint(out, p, s, i)
	}
	if len(s.Breakpoints) == 0 {
		fmt.Fprintln(out, "It did not break by any rule.")
	}
}

// headOf is what is said above the steps, a line each.
func (x *explainer) headOf(s *shownJourney) []fact {
	r := s.row
	return []fact{
		{"customer", or(r.CustomerID, "not known")},
		{"reason", or(r.Reason, "none was stated")},
		{"cases", printable(strings.Join(r.Cases, ", "))},
		{"when", fmt.Sprintf("%s to %s, %s (%s)", x.clock(r.StartedAt), x.clock(r.LastEventAt), span(r.LastEventAt.Sub(r.StartedAt)), x.zone)},
		{"outcome", x.outcomeWords(s)},
		{"begins", x.cutWords(s)},
		{"cost", fmt.Sprintf("%s to serve; %s", x.money(r.Cost, r.StartedAt, r.LastEventAt), plural(r.Breakpoints, "breakpoint"))},
		{"moves", fmt.Sprintf("%s, %s of unit, %d of silo", plural(r.Contacts, "contact"), plural(r.Handoffs, "change"), r.SiloHandoffs)},
		{"rules", r.RulesVersion},
		{"right", x.rightWords(r, s.Right)},
	}
}

// outcomeWords says how it ended, and who says so.
func (x *explainer) outcomeWords(s *shownJourney) string {
	r := s.row
	words := r.Outcome
	if r.Outcome == string(journey.Open) {
		words += ": " + x.openWords(s.Open)
	} else {
		words += " at " + x.clock(r.EndedAt) + ": " + outcomeReasons[r.Outcome+" "+r.ResolutionBasis]
	}
	if r.Escalated {
		words += "; escalated"
	}
	return strings.TrimSuffix(words, ": ")
}

// outcomeReasons are the outcomes with their bases in words (rule 4 of product.md).
var outcomeReasons = map[string]string{
	"open ":             "something is owed still, or a repeat could still come",
	"resolved customer": "the customer said so",
	"resolved case":     "its case was resolved or closed, and nothing is open",
	"resolved agent":    "whoever ended the last contact said so, and nothing is open",
	"resolved silence":  "the last contact was answered, nothing is open, and no repeat came within the window",
	"unresolved ":       "the last contact or attempt failed, the customer said no, or something was still owed when no answer could join any more",
	"lost ":             "the customer cancelled the contract",
}

// cutWords says why the journey begins where it does.
func (x *explainer) cutWords(s *shownJourney) string {
	gap := x.book.At(s.row.StartedAt).InactivityGap.Of(s.row.ReasonFamily)
	before := s.Before
	switch journey.Cut(s.row.CutReason) {
	case journey.CutFirst:
		return fmt.Sprintf("here because the customer had no other in the %s before", span(x.book.Reach()))
	case journey.CutGap:
		if before == nil {
			return fmt.Sprintf("here because the last one about %s had been silent for longer than %s", s.row.ReasonFamily, span(gap))
		}
		return fmt.Sprintf("here because journey %s, about %s too, had been silent for %s (since %s), and %s are allowed", short(before.JourneyID),
			before.ReasonFamily, span(s.row.StartedAt.Sub(before.last)), x.clock(before.last), span(gap))
	case journey.CutReason:
		return "here because the customer's other journeys were about something else" + x.lastBefore(before)
	case journey.CutCase:
		return "here because a case of its own began, and no earlier journey was for the same reason" + x.lastBefore(before)
	}
	return s.row.CutReason
}

func (x *explainer) lastBefore(b *journeyBefore) string {
	if b == nil {
		return ""
	}
	return fmt.Sprintf(": the last active was %s, about %s, %s before", short(b.JourneyID), or(b.ReasonFamily, "no stated reason"), span(time.Duration(b.Gap)*time.Second))
}

// rightWords says up to where in the log all of it is right.
func (x *explainer) rightWords(r *pipeline.JourneyRow, right rightness) string {
	words := fmt.Sprintf("last changed by %s", x.place(r.Position))
	if !right.known {
		return words
	}
	words += fmt.Sprintf("; right as of position %d", right.Position)
	if behind := right.Head - min(right.Head, right.Position); behind > 0 {
		return words + fmt.Sprintf(" (%s behind it are not folded yet), clock %s", plural(behind, "message"), x.clock(right.clock))
	}
	return words + ", the end of the log, clock " + x.clock(right.clock)
}

// stepsShown is how many steps of a long journey are shown at its beginning, and at its end.
const stepsShown = 30

// stepsWorthFolding is from how many steps on the middle is left out.
const stepsWorthFolding = 80

// isLeftOut: in the middle of a long journey, what no breakpoint is about.
func (s *shownJourney) isLeftOut(i int, all bool) bool {
	return !all && len(s.Steps) >= stepsWorthFolding && i >= stepsShown && i < len(s.Steps)-stepsShown && len(s.marks[i]) == 0
}

func (x *explainer) printSteps(out io.Writer, p paint, s *shownJourney, all bool) {
	header := table.Row{"step", "when", "after", "activity", "channel", "silo", "contact", "case", x.now.Currency, "breaks"}
	t := newTable(out, "Steps", header...)
	var rows []table.Row
	left := 0
	gap := func() {
		if left > 0 {
			rows = append(rows, table.Row{"", "", "", fmt.Sprintf("... %s (--all shows them)", plural(left, "step")), "", "", "", "", "", ""})
		}
		left = 0
	}
	for i := range s.Steps {
		if s.isLeftOut(i, all) {
			left++
			continue
		}
		gap()
		rows = append(rows, x.stepLine(p, s, i))
	}
	gap()
	fitted(t, out, header, rows)
	t.Render()
}

func (x *explainer) stepLine(p paint, s *shownJourney, i int) table.Row {
	step := &s.Steps[i]
	after, cost := "", ""
	if i > 0 {
		after = "+" + span(time.Duration(step.Elapsed)*time.Millisecond)
	}
	if step.Cost != 0 {
		cost = fmt.Sprintf("%.2f", step.Cost)
	}
	marks := make([]string, len(s.marks[i]))
	for k, m := range s.marks[i] {
		marks[k] = fmt.Sprintf("B%d", m.number)
		if m.origin {
			marks[k] += "*"
		}
		marks[k] = p.with(marks[k], ofSeverity(s.Breakpoints[m.number-1].Severity))
	}
	activity := printable(step.Activity)
	if len(marks) > 0 {
		activity = p.with(activity, text.Bold)
	}
	return table.Row{step.Step, x.clock(step.at), after, activity, step.Channel, printable(joined("/", step.Silo, step.Unit)), printable(step.Contact),
		printable(step.Case), cost, strings.Join(marks, " ")}
}

func (x *explainer) printBreakpoint(out io.Writer, p paint, s *shownJourney, i int) {
	b := &s.Breakpoints[i]
	asked := ""
	if b.BreakpointID == s.Breakpoint {
		asked = "  (the one asked for)"
	}
	fmt.Fprintf(out, "\n%s %s%s\n", p.with(fmt.Sprintf("B%d", i+1), ofSeverity(b.Severity), text.Bold), p.with(b.Kind, ofSeverity(b.Severity), text.Bold), asked)
	printFacts(out, p, "   ", []fact{
		{"rule", b.Rule},
		{"broke", fmt.Sprintf("%s, known %s, counted by %s", x.clock(b.row.OccurredAt), x.clock(b.row.DetectedAt), x.clock(b.row.OpportunityAt))},
		{"out of", b.OutOf},
		{"origin", originWords(b)},
		{"owner", printable(joined(", ", b.Silo, prefixed("unit ", b.Unit), prefixed("on ", b.Channel)))},
		{"severity", severityWords(b.Severity)},
		{"cost", x.costWords(s, i)},
		{"evidence", evidenceWords(b.Evidence)},
		{"rules", b.RulesVersion},
		{"id", b.BreakpointID},
	})
}

// costWords says what is charged to a breakpoint, and where it is nothing, why.
func (x *explainer) costWords(s *shownJourney, i int) string {
	b := &s.Breakpoints[i]
	switch {
	case b.Witness:
		return "none: it is a witness, and carries no cost"
	case kindOf(b.Kind).Uncharged:
		return "none: a " + b.Kind + " is never charged"
	}
	amount := x.money(b.Cost, b.row.OpportunityAt, b.row.OpportunityAt)
	if b.Cost != 0 {
		return amount + ", avoidable"
	}
	if others := s.chargedBefore(i); others != "" {
		return amount + ": what it explains has cost nothing, or is charged to " + others + " already"
	}
	return amount + ": what it explains has cost nothing, or is charged to an earlier breakpoint of another journey"
}

// chargedBefore names the earlier breakpoints of the journey that carry a cost: a step is charged once, to the earliest that
// explains it. Where some of them share a contact with this one, those alone.
func (s *shownJourney) chargedBefore(i int) string {
	var all, near []string
	for k := range s.Breakpoints[:i] {
		if s.Breakpoints[k].Cost == 0 {
			continue
		}
		name := fmt.Sprintf("B%d", k+1)
		all = append(all, name)
		if s.shareContact(k, i) {
			near = append(near, name)
		}
	}
	if len(near) > 0 {
		all = near
	}
	return strings.Join(all, " or ")
}

// shareContact says whether evidence of two breakpoints stands in one contact.
func (s *shownJourney) shareContact(a, b int) bool {
	contacts := func(i int) (list []string) {
		for _, e := range s.Breakpoints[i].Evidence {
			if e.JourneyID != "" || e.Step == 0 || int(e.Step) > len(s.Steps) {
				continue
			}
			if c := s.Steps[e.Step-1].Contact; c != "" {
				list = append(list, c)
			}
		}
		return list
	}
	of := contacts(b)
	return slices.ContainsFunc(contacts(a), func(c string) bool { return slices.Contains(of, c) })
}

func prefixed(words, value string) string {
	if value == "" {
		return ""
	}
	return words + value
}

func originWords(b *shownBreakpoint) string {
	if b.OriginEvent == "" {
		return ""
	}
	if b.OriginStep == 0 {
		return printable("event " + sourceAndID(b.OriginEvent))
	}
	return printable(fmt.Sprintf("step %d (event %s)", b.OriginStep, sourceAndID(b.OriginEvent)))
}

// evidenceMost is how many events are named on the line.
const evidenceMost = 20

func evidenceWords(list []shownEvidence) string {
	var words []string
	for i, e := range list {
		if i == evidenceMost {
			words = append(words, fmt.Sprintf("and %d more (--json names them)", len(list)-i))
			break
		}
		words = append(words, e.words())
	}
	return strings.Join(words, ", ")
}

func (e *shownEvidence) words() string {
	switch {
	case e.JourneyID != "":
		return printable(fmt.Sprintf("%s (step %d of journey %s)", e.EventID, e.Step, short(e.JourneyID)))
	case e.Step == 0:
		return printable(e.EventID)
	}
	return printable(fmt.Sprintf("step %d (%s)", e.Step, e.EventID))
}
