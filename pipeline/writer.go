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
	takeover  string // number of the generation that takes over, where that is what is told; else ""

	known known         // what the unit that is folded says of its customer
	cause event.Instant // of what is folded: the time of the event that came, or the clock
	event bool          // it is an event that came
}

// mark is what a failed fold of one unit goes back to.
type mark struct {
	journeys, steps, breakpoints, aliases, signals, told, aside int
	ordinal                                                     uint32
	tally                                                       tally
}

func (w *writer) mark() mark {
	r := &w.changes.Rows
	return mark{len(r.Journeys), len(r.Steps), len(r.Breakpoints), len(r.Aliases), len(r.ChurnSignals), len(w.changes.Told), len(w.changes.SetAside),
		w.ordinal, w.partition.tally}
}

func (w *writer) back(m mark) {
	r := &w.changes.Rows
	r.Journeys, r.Steps, r.Breakpoints, r.Aliases = r.Journeys[:m.journeys], r.Steps[:m.steps], r.Breakpoints[:m.breakpoints], r.Aliases[:m.aliases]
	r.ChurnSignals = r.ChurnSignals[:m.signals]
	w.changes.Told, w.changes.SetAside = w.changes.Told[:m.told], w.changes.SetAside[:m.aside]
	w.ordinal, w.partition.tally = m.ordinal, m.tally
}

// refold says what has changed of a unit.
func (w *writer) refold(u *unit, history journey.History, found breakpoint.Findings) {
	w.journeys(u, history, found)
	w.elsewhere(u, history)
	w.breakpoints(u, found.Breakpoints)
}

// replace accounts for a row that takes the place of what was said before.
func (w *writer) replace(t factTable, before, now said) {
	w.partition.tally.remove(t, before)
	w.partition.tally.add(t, now)
}

// journeys writes the journeys that changed and retracts those that no longer are. A journey of the same steps in the same
// state is passed over: its row and the rows of its steps can say nothing new.
func (w *writer) journeys(u *unit, h journey.History, found breakpoint.Findings) {
	known, broken := u.journeys, perJourney(found.Breakpoints)
	u.journeys = make([]journeyMemo, 0, len(h.Journeys))
	for i, j := range h.Journeys {
		chances, ended := opportunitiesOf(found, i), contactsOf(found, i)
		before, state := memoOf(known, j.ID, i), stateOf(j, broken[j], chances, ended)
		if before != nil && before.state == state && slices.Equal(before.steps, j.Steps) {
			u.journeys = append(u.journeys, *before)
			continue
		}
		row := w.journeyRow(u, j, before, state.breakpoints, chances)
		row.ContactsEnded = contactEndedRows(ended)
		w.steps(u, j)
		w.revive(u, j)
		u.journeys = append(u.journeys, journeyMemo{w.journey(j, &row, before, state), j.ID, row.KeyTime, j.ReasonFamily, j.Steps, state})
	}
	for i := range known {
		if memoOf(u.journeys, known[i].id, i) == nil {
			w.retractJourney(u, &known[i], h)
		}
	}
}

// journey writes the row of a journey if it reads differently. Nothing is told where only its opportunities or contacts ended
// do, since no message has them: another journey of the customer has changed.
func (w *writer) journey(j *journey.Journey, row *JourneyRow, before *journeyMemo, state journeyState) said {
	now := said{row.Content(), w.position}
	if before != nil {
		if before.content == now.content {
			return before.said
		}
		w.partition.tally.remove(tableJourneys, before.said)
	}
	w.partition.tally.add(tableJourneys, now)
	w.changes.Rows.Journeys = append(w.changes.Rows.Journeys, *row)
	if before == nil || !before.state.tellsAlike(state) || !slices.Equal(before.steps, j.Steps) {
		w.tellJourney(row, j.Steps[len(j.Steps)-1].Activity(), before.heard())
	}
	return now
}

// revive withdraws the alias of a journey that is back under its old name: it leads to itself from here on.
func (w *writer) revive(u *unit, j *journey.Journey) {
	if a := u.alias(j.ID); a != nil && !a.back {
		a.back = true
		w.alias(a, j.ID)
	}
}

// alias says where an id leads from here on.
func (w *writer) alias(a *aliasMemo, to string) {
	row := AliasRow{OldID: a.id, NewID: to, KeyTime: a.keyTime, Position: w.position, Partition: w.partition.Number}
	now := said{row.Content(), w.position}
	w.replace(tableAliases, a.said, now)
	a.said = now
	w.changes.Rows.Aliases = append(w.changes.Rows.Aliases, row)
}

// alias finds what is known of a journey that gave way; nil for none.
func (u *unit) alias(id string) *aliasMemo {
	for i := range u.retired {
		if u.retired[i].id == id {
			return &u.retired[i]
		}
	}
	return nil
}

func stateOf(j *journey.Journey, breakpoints uint32, chances []breakpoint.Opportunity, ended []breakpoint.ContactEnded) journeyState {
	return journeyState{j.Outcome, j.Basis, j.EndedAt, j.Cut, breakpoints, chancesHash(chances, ended)}
}

// tellsAlike says whether two states differ at most in what no message has.
func (s journeyState) tellsAlike(other journeyState) bool {
	s.opportunities = other.opportunities
	return s == other
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
	by := ""
	for _, j := range h.Journeys {
		if slices.Contains(j.Steps, old.steps[0]) {
			by = j.ID
		}
	}
	a := u.alias(old.id)
	if a == nil {
		u.retired = append(u.retired, aliasMemo{id: old.id, keyTime: old.keyTime})
		a = &u.retired[len(u.retired)-1]
	}
	a.back = false
	w.alias(a, by)
	w.partition.tally.remove(tableJourneys, old.said)
	w.changes.Rows.Journeys = append(w.changes.Rows.Journeys, JourneyRow{
		JourneyID: old.id, KeyTime: old.keyTime, Position: w.position, Deleted: true, Partition: w.partition.Number,
	})
	w.tellJourneyRetracted(old.heard(), by)
}

// journeyRow computes a row; the key time of a journey already known never changes.
func (w *writer) journeyRow(u *unit, j *journey.Journey, before *journeyMemo, breakpoints uint32, chances []breakpoint.Opportunity) JourneyRow {
	keyTime := j.Start()
	if before != nil {
		keyTime = before.keyTime
	} else if a := u.alias(j.ID); a != nil {
		keyTime = a.keyTime
	}
	units := j.Distinct(func(e *event.Event) string { return e.Data.Unit })
	row := JourneyRow{
		JourneyID: j.ID, KeyTime: keyTime, Position: w.position, Partition: w.partition.Number,
		CustomerID: j.CustomerID, CaseID: j.CaseID, Cases: j.Cases, Contacts: uint32(len(j.Contacts)),
		ReasonFamily: j.ReasonFamily, Reason: j.Reason,
		StartedAt: j.Start(), EndedAt: j.EndedAt, LastEventAt: j.Last(),
		Outcome: string(j.Outcome), ResolutionBasis: string(j.Basis), Escalated: j.Escalated,
		Steps: uint32(len(j.Steps)), Variant: j.Variant(), VariantCollapsed: j.VariantCollapsed(),
		Handoffs: j.Handoffs(), SiloHandoffs: j.SiloHandoffs(),
		Channels:  j.Distinct(func(e *event.Event) string { return string(e.Data.Channel) }),
		Silos:     j.Distinct(func(e *event.Event) string { return e.Data.Silo }),
		FirstUnit: edge(units, 0), LastUnit: lastUnit(j), Cost: j.Cost(w.partition.Book),
		Breakpoints: breakpoints, CutReason: string(j.Cut), RulesVersion: w.partition.Book.At(j.Last()).Version(),
		Opportunities: opportunityRows(chances),
	}
	w.measure(j, &row)
	return row
}

// measure fills in what the journey took: all of it follows from its steps and the rules.
func (w *writer) measure(j *journey.Journey, row *JourneyRow) {
	book := w.partition.Book
	waiting := j.Waiting(book)
	row.WaitingCustomerS, row.WaitingPartnerS = waiting.OnCustomer.Seconds(), waiting.OnPartner.Seconds()
	row.WaitingCompanyS, row.QueueWaitS = waiting.OnCompany.Seconds(), j.QueueWait()
	row.WorkingS, row.Effort, row.Value = j.Working(book), j.Effort(book), j.Value()
	row.Sentiment, row.SentimentSignals = j.Sentiment()
	row.VariantRuns = j.Runs()
	row.Repeats, row.Redos = j.Again()
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

// perJourney counts breakpoints; nil for none.
func perJourney(found []breakpoint.Breakpoint) map[*journey.Journey]uint32 {
	if len(found) == 0 {
		return nil
	}
	n := make(map[*journey.Journey]uint32, len(found))
	for i := range found {
		n[found[i].Journey]++
	}
	return n
}

// steps writes the places of a journey's events that changed.
func (w *writer) steps(u *unit, j *journey.Journey) {
	reasons := reasonsOf(j)
	for i, e := range j.Steps {
		row := w.stepRow(j, uint32(i+1), e, reasons[e])
		if i > 0 {
			row.follow(j.Steps[i-1])
		}
		w.step(u, row, e)
	}
}

// follow fills in the step before: what an earlier step that comes later changes of this row. The delay is that of the
// times as the tables keep them.
func (r *StepRow) follow(before *event.Event) {
	r.FromActivity, r.FromChannel, r.FromSilo = before.Activity(), string(before.Data.Channel), before.Data.Silo
	r.DelayS = float64(Kept(r.At)-Kept(before.At)) / 1000
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
	known := 0
	for i := range u.steps {
		if !u.steps[i].nothing() {
			known++
		}
	}
	if known == placed {
		return
	}
	for _, i := range gone(u, h) {
		w.retractStep(u, i)
	}
}

// retractStep takes back the place of an event.
func (w *writer) retractStep(u *unit, i int) {
	e := u.events[i]
	w.partition.tally.remove(tableSteps, u.steps[i].said)
	u.steps[i] = stepMemo{}
	w.changes.Rows.Steps = append(w.changes.Rows.Steps, StepRow{
		At: e.At, Source: e.Source, EventID: e.ID, Position: w.position, Deleted: true, Partition: w.partition.Number,
	})
}

// gone are the events that had a place and have none, in order.
func gone(u *unit, h journey.History) (list []int) {
	placed := make([]bool, len(u.events))
	for _, j := range h.Journeys {
		for _, e := range j.Steps {
			placed[u.find(e)] = true
		}
	}
	for _, e := range h.Visits {
		placed[u.find(e)] = true
	}
	for i := range u.events {
		if !placed[i] && !u.steps[i].nothing() {
			list = append(list, i)
		}
	}
	return list
}

func (w *writer) step(u *unit, row StepRow, e *event.Event) {
	memo := &u.steps[u.find(e)]
	now := said{row.Content(), w.position}
	if memo.content == now.content && !memo.nothing() {
		return
	}
	w.replace(tableSteps, memo.said, now)
	memo.said = now
	w.changes.Rows.Steps = append(w.changes.Rows.Steps, row)
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
	row.Cost = journey.StepCost(e, w.partition.Book)
	if reason != "" {
		row.Reason = reason
	}
	return row
}

func (w *writer) visitRow(e *event.Event) StepRow {
	row := placeRow(e)
	row.Position, row.Partition, row.Placement = w.position, w.partition.Number, "visit"
	return row
}

// placeRow is what the row of a place says of its event.
func placeRow(e *event.Event) StepRow {
	d := &e.Data
	return StepRow{
		At: e.At, Source: e.Source, EventID: e.ID, Activity: e.Activity(), Type: e.Type, Channel: string(d.Channel),
		Silo: d.Silo, Unit: d.Unit, ContactID: d.Contact, CaseID: d.Case, CustomerID: d.Customer, Reason: d.Reason,
	}
}

// breakpoints writes those that are new or changed and retracts those that no longer hold.
func (w *writer) breakpoints(u *unit, found []breakpoint.Breakpoint) {
	known := u.breakpoints
	u.breakpoints = make([]breakpointMemo, 0, len(found))
	for i := range found {
		row := w.breakpointRow(&found[i])
		before, content := breakpointMemoOf(known, row.BreakpointID, i), row.Content()
		row.Known = w.broken(u, &row, content, before)
		if before != nil && before.gone {
			before = nil // it is back
		}
		now := w.breakpoint(&row, said{content, w.position}, before)
		u.breakpoints = append(u.breakpoints, memoOfBreakpoint(&row, now))
	}
	for i := range known {
		if breakpointMemoOf(u.breakpoints, known[i].id, i) == nil {
			w.retractBreakpoint(u, &known[i])
		}
	}
	w.neverSaid(u)
}

// breakpoint writes the row of a breakpoint if it reads differently, or something else is known of it, and tells of it in the
// first case.
func (w *writer) breakpoint(row *BreakpointRow, now said, before *breakpointMemo) said {
	if before != nil {
		if before.content == now.content && before.known == row.Known {
			return before.said
		}
		w.partition.tally.remove(tableBreakpoints, before.said)
	}
	w.partition.tally.add(tableBreakpoints, now)
	w.changes.Rows.Breakpoints = append(w.changes.Rows.Breakpoints, *row)
	if before == nil || before.content != now.content {
		w.tellDetected(row, before)
	}
	return now
}

func memoOfBreakpoint(row *BreakpointRow, now said) breakpointMemo {
	return breakpointMemo{
		said: now, id: row.BreakpointID, kind: row.Kind, family: row.ReasonFamily, journeyID: row.JourneyID, occurredAt: row.OccurredAt,
		detectedAt: row.DetectedAt, severity: row.Severity, known: row.Known, gone: row.Deleted,
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

// retractBreakpoint takes back what was said of a breakpoint, unless that was done before.
func (w *writer) retractBreakpoint(u *unit, old *breakpointMemo) {
	if old.gone {
		w.remember(u, old)
		return
	}
	row := BreakpointRow{
		BreakpointID: old.id, Kind: old.kind, JourneyID: old.journeyID, ReasonFamily: old.family, OccurredAt: old.occurredAt,
		DetectedAt: old.detectedAt, Severity: old.severity, Known: w.mended(old),
	}
	w.partition.tally.remove(tableBreakpoints, old.said)
	w.tombstone(u, &row)
	w.tellRetracted(old)
}

// tombstone writes a row that takes a breakpoint back. It keeps what was said of it last, and what is known of it.
func (w *writer) tombstone(u *unit, row *BreakpointRow) {
	row.Position, row.Partition, row.Deleted, row.RetractedAt, row.CustomerID = w.position, w.partition.Number, true, w.cause, row.Known.Of
	w.changes.Rows.Breakpoints = append(w.changes.Rows.Breakpoints, *row)
	if row.Known.Of != "" {
		memo := memoOfBreakpoint(row, said{})
		w.remember(u, &memo)
	}
}

// remember holds on to a breakpoint that was taken back and is known all the same, as long as it may come again: while its
// journey is there, or it is no older than the horizon.
func (w *writer) remember(u *unit, gone *breakpointMemo) {
	p := w.partition
	if gone.occurredAt >= p.clock.Add(-p.Book.Horizon()) || memoOf(u.journeys, gone.journeyID, 0) != nil {
		u.breakpoints = append(u.breakpoints, *gone)
	}
}

// neverSaid writes what fell due, is known, and was taken back by the very event that let it fall due: no row has said it.
func (w *writer) neverSaid(u *unit) {
	for i := range w.known.stay {
		if row := w.known.stay[i]; breakpointMemoOf(u.breakpoints, row.BreakpointID, i) == nil {
			w.tombstone(u, &BreakpointRow{
				BreakpointID: row.BreakpointID, Kind: row.Kind, JourneyID: row.JourneyID, ReasonFamily: row.ReasonFamily, OccurredAt: row.OccurredAt,
				DetectedAt: row.DetectedAt, Severity: row.Severity, Known: row.Known,
			})
		}
	}
}

func (w *writer) breakpointRow(b *breakpoint.Breakpoint) BreakpointRow {
	ids := make([]string, len(b.Evidence))
	for i, e := range b.Evidence {
		ids[i] = e.ID
	}
	var charged []string
	for _, e := range b.Charged {
		charged = append(charged, nameOf(e))
	}
	j := b.Journey
	if j == nil {
		j = &journey.Journey{} // an incident is of no journey, and the same is said of it
	}
	return BreakpointRow{
		BreakpointID: b.ID, Kind: b.Kind, Position: w.position, Partition: w.partition.Number,
		JourneyID: j.ID, CustomerID: j.CustomerID, CaseID: j.CaseID,
		ReasonFamily: event.ReasonFamily(b.Reason), Reason: b.Reason,
		OccurredAt: b.OccurredAt, DetectedAt: b.DetectedAt, OpportunityAt: b.OpportunityAt,
		OriginStep: j.StepOf(b.Origin), OriginEvent: nameOf(b.Origin),
		Silo: b.Silo, Unit: b.Unit, Channel: string(b.Channel), Severity: b.Severity, Cost: b.Cost,
		Witness: witnesses[b.Kind], Evidence: ids, RulesVersion: w.partition.Book.At(b.OpportunityAt).Version(),
		Charged: charged,
	}
}

// nameOf names an event in the lists of a row: its source and id.
func nameOf(e *event.Event) string { return e.Source + " " + e.ID }

// witnesses are the kinds that carry no cost.
var witnesses = func() map[string]bool {
	kinds := map[string]bool{}
	for _, k := range breakpoint.Catalogue() {
		kinds[k.ID] = k.Witness
	}
	return kinds
}()
