package pipeline

import (
	"slices"

	"parcours/pipeline/breakpoint"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

// writer turns what a fold found into rows and messages, by comparing it with what was last said of the same unit.
type writer struct {
	partition *Partition
	position  uint64
	changes   *Changes
	ordinal   uint32
}

// What was last said of a journey, a step and a breakpoint: enough to see a change and to retract.
type (
	journeyMemo struct {
		id      string
		keyTime event.Instant
		family  string
		steps   []*event.Event
		state   journeyState
		hash    uint64
	}
	// journeyState is what a journey's row says beyond what follows from its steps.
	journeyState struct {
		outcome     journey.Outcome
		basis       journey.Basis
		endedAt     event.Instant
		cut         journey.Cut
		breakpoints uint32
	}
	stepMemo       struct{ hash uint64 }
	breakpointMemo struct {
		id         string
		kind       string
		family     string
		journeyID  string
		occurredAt event.Instant
		hash       uint64
	}
)

func (w *writer) refold(u *unit) {
	history, found := w.partition.fold(u)
	w.partition.counts.Visits += int64(len(history.Visits) - u.visits)
	u.visits = len(history.Visits)
	w.journeys(u, history, found)
	w.elsewhere(u, history)
	w.breakpoints(u, found)
}

// journeys writes the journeys that changed and retracts those that no longer are. A journey of the same steps in the same
// state is passed over: its row and the rows of its steps can say nothing new.
func (w *writer) journeys(u *unit, h journey.History, found []breakpoint.Breakpoint) {
	known := u.journeys
	u.journeys = make([]journeyMemo, 0, len(h.Journeys))
	for i, j := range h.Journeys {
		before, state := memoOf(known, j.ID, i), stateOf(j, found)
		if before != nil && before.state == state && slices.Equal(before.steps, j.Steps) {
			u.journeys = append(u.journeys, *before)
			continue
		}
		row := w.journeyRow(u, j, before, state.breakpoints)
		now := journeyMemo{j.ID, row.KeyTime, j.ReasonFamily, j.Steps, state, row.Content()}
		u.journeys = append(u.journeys, now)
		w.steps(u, j)
		w.revive(u, j)
		if before == nil || before.hash != now.hash {
			w.changes.Rows.Journeys = append(w.changes.Rows.Journeys, row)
			w.tellJourney(j, &row, before)
		}
	}
	for i := range known {
		if memoOf(u.journeys, known[i].id, i) == nil {
			w.retractJourney(u, &known[i], h)
		}
	}
}

// revive withdraws the alias of a journey that is back under its old name: it leads to itself from here on.
func (w *writer) revive(u *unit, j *journey.Journey) {
	if at, retired := u.retired[j.ID]; retired {
		delete(u.retired, j.ID)
		w.changes.Rows.Aliases = append(w.changes.Rows.Aliases, AliasRow{j.ID, j.ID, at, w.position, w.partition.number})
	}
}

func stateOf(j *journey.Journey, found []breakpoint.Breakpoint) journeyState {
	return journeyState{j.Outcome, j.Basis, j.EndedAt, j.Cut, count(found, j)}
}

// memoOf finds a journey, looking first where it stood last.
func memoOf(list []journeyMemo, id string, i int) *journeyMemo {
	if i < len(list) && list[i].id == id {
		return &list[i]
	}
	for i := range list {
		if list[i].id == id {
			return &list[i]
		}
	}
	return nil
}

// retractJourney leaves a tombstone at the old key and an alias to the journey that now holds the old one's first event.
func (w *writer) retractJourney(u *unit, old *journeyMemo, h journey.History) {
	if u.retired == nil {
		u.retired = map[string]event.Instant{}
	}
	u.retired[old.id] = old.keyTime
	by := ""
	for _, j := range h.Journeys {
		if slices.Contains(j.Steps, old.steps[0]) {
			by = j.ID
		}
	}
	w.changes.Rows.Journeys = append(w.changes.Rows.Journeys, JourneyRow{
		JourneyID: old.id, KeyTime: old.keyTime, Position: w.position, Deleted: true, Partition: w.partition.number,
	})
	w.changes.Rows.Aliases = append(w.changes.Rows.Aliases, AliasRow{old.id, by, old.keyTime, w.position, w.partition.number})
	w.tellJourneyRetracted(old, by)
}

// journeyRow computes a row; the key time of a journey already known never changes.
func (w *writer) journeyRow(u *unit, j *journey.Journey, before *journeyMemo, breakpoints uint32) JourneyRow {
	keyTime := j.Start()
	if before != nil {
		keyTime = before.keyTime
	} else if at, ok := u.retired[j.ID]; ok {
		keyTime = at
	}
	units := j.Distinct(func(e *event.Event) string { return e.Data.Unit })
	return JourneyRow{
		JourneyID: j.ID, KeyTime: keyTime, Position: w.position, Partition: w.partition.number,
		CustomerID: j.CustomerID, CaseID: j.CaseID, Cases: j.Cases, Contacts: uint32(len(j.Contacts)),
		ReasonFamily: j.ReasonFamily, Reason: j.Reason,
		StartedAt: j.Start(), EndedAt: j.EndedAt, LastEventAt: j.Last(),
		Outcome: string(j.Outcome), ResolutionBasis: string(j.Basis), Escalated: j.Escalated,
		Steps: uint32(len(j.Steps)), Variant: j.Variant(), VariantCollapsed: j.VariantCollapsed(),
		Handoffs: j.Handoffs(), SiloHandoffs: j.SiloHandoffs(),
		Channels:  j.Distinct(func(e *event.Event) string { return string(e.Data.Channel) }),
		Silos:     j.Distinct(func(e *event.Event) string { return e.Data.Silo }),
		FirstUnit: edge(units, 0), LastUnit: lastUnit(j), Cost: j.Cost(w.partition.book),
		Breakpoints: breakpoints, CutReason: string(j.Cut), RulesVersion: w.partition.book.Version(),
	}
}

func edge(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

func lastUnit(j *journey.Journey) string {
	for i := len(j.Steps) - 1; i >= 0; i-- {
		if u := j.Steps[i].Data.Unit; u != "" {
			return u
		}
	}
	return ""
}

func count(found []breakpoint.Breakpoint, j *journey.Journey) (n uint32) {
	for i := range found {
		if found[i].Journey == j {
			n++
		}
	}
	return n
}

// steps writes the places of a journey's events that changed.
func (w *writer) steps(u *unit, j *journey.Journey) {
	reasons := reasonsOf(j)
	for i, e := range j.Steps {
		w.step(u, w.stepRow(j, uint32(i+1), e, reasons[e]), e)
	}
}

// elsewhere writes the visits, and retracts the places of events that are in no journey and no visit any more.
func (w *writer) elsewhere(u *unit, h journey.History) {
	placed := len(h.Visits)
	for _, j := range h.Journeys {
		placed += len(j.Steps)
	}
	for _, e := range h.Visits {
		w.step(u, w.visitRow(e), e)
	}
	if len(u.steps) == placed {
		return
	}
	for _, e := range gone(u, h) {
		delete(u.steps, e)
		w.changes.Rows.Steps = append(w.changes.Rows.Steps, StepRow{
			At: e.At, Source: e.Source, EventID: e.ID, Position: w.position, Deleted: true, Partition: w.partition.number,
		})
	}
}

// gone are the events that had a place and have none, in order.
func gone(u *unit, h journey.History) (list []*event.Event) {
	placed := map[*event.Event]bool{}
	for _, j := range h.Journeys {
		for _, e := range j.Steps {
			placed[e] = true
		}
	}
	for _, e := range h.Visits {
		placed[e] = true
	}
	for _, e := range u.events {
		if _, known := u.steps[e]; known && !placed[e] {
			list = append(list, e)
		}
	}
	return list
}

func (w *writer) step(u *unit, row StepRow, e *event.Event) {
	memo := stepMemo{row.Content()}
	if u.steps[e] != memo {
		u.steps[e] = memo
		w.changes.Rows.Steps = append(w.changes.Rows.Steps, row)
	}
}

// reasonsOf gives each step of a contact the reason of its contact.
func reasonsOf(j *journey.Journey) map[*event.Event]string {
	m := make(map[*event.Event]string, len(j.Steps))
	for _, c := range j.Contacts {
		for _, e := range c.Steps {
			m[e] = c.Reason
		}
	}
	return m
}

func (w *writer) stepRow(j *journey.Journey, n uint32, e *event.Event, reason string) StepRow {
	row := w.visitRow(e)
	row.JourneyID, row.Placement, row.Step = j.ID, "journey", n
	row.Cost = journey.StepCost(e, w.partition.book)
	if reason != "" {
		row.Reason = reason
	}
	return row
}

func (w *writer) visitRow(e *event.Event) StepRow {
	d := &e.Data
	return StepRow{
		At: e.At, Source: e.Source, EventID: e.ID, Position: w.position, Partition: w.partition.number,
		Placement: "visit", Activity: e.Activity(), Type: e.Type, Channel: string(d.Channel), Silo: d.Silo, Unit: d.Unit,
		ContactID: d.Contact, CaseID: d.Case, CustomerID: d.Customer, Reason: d.Reason,
	}
}

// breakpoints writes those that are new or changed and retracts those that no longer hold.
func (w *writer) breakpoints(u *unit, found []breakpoint.Breakpoint) {
	known := u.breakpoints
	u.breakpoints = make([]breakpointMemo, 0, len(found))
	for i := range found {
		row := w.breakpointRow(&found[i])
		now := breakpointMemo{row.BreakpointID, row.Kind, row.ReasonFamily, row.JourneyID, row.OccurredAt, row.Content()}
		u.breakpoints = append(u.breakpoints, now)
		if before := breakpointMemoOf(known, now.id, i); before == nil || before.hash != now.hash {
			w.changes.Rows.Breakpoints = append(w.changes.Rows.Breakpoints, row)
			w.tellDetected(&row, before)
		}
	}
	for i := range known {
		if breakpointMemoOf(u.breakpoints, known[i].id, i) == nil {
			w.retractBreakpoint(&known[i])
		}
	}
}

// breakpointMemoOf finds a breakpoint, looking first where it stood last.
func breakpointMemoOf(list []breakpointMemo, id string, i int) *breakpointMemo {
	if i < len(list) && list[i].id == id {
		return &list[i]
	}
	for i := range list {
		if list[i].id == id {
			return &list[i]
		}
	}
	return nil
}

func (w *writer) retractBreakpoint(old *breakpointMemo) {
	w.changes.Rows.Breakpoints = append(w.changes.Rows.Breakpoints, BreakpointRow{
		BreakpointID: old.id, Kind: old.kind, OccurredAt: old.occurredAt, Position: w.position, Deleted: true,
		Partition: w.partition.number,
	})
	w.tellRetracted(old)
}

func (w *writer) breakpointRow(b *breakpoint.Breakpoint) BreakpointRow {
	ids := make([]string, len(b.Evidence))
	for i, e := range b.Evidence {
		ids[i] = e.ID
	}
	return BreakpointRow{
		BreakpointID: b.ID, Kind: b.Kind, Position: w.position, Partition: w.partition.number,
		JourneyID: b.Journey.ID, CustomerID: b.Journey.CustomerID, CaseID: b.Journey.CaseID,
		ReasonFamily: event.ReasonFamily(b.Reason), Reason: b.Reason,
		OccurredAt: b.OccurredAt, DetectedAt: b.DetectedAt, OpportunityAt: b.OpportunityAt,
		OriginStep: b.Journey.StepOf(b.Origin), OriginEvent: b.Origin.Source + " " + b.Origin.ID,
		Silo: b.Silo, Unit: b.Unit, Channel: string(b.Channel), Severity: b.Severity, Cost: b.Cost,
		Evidence: ids, RulesVersion: w.partition.book.Version(),
	}
}
