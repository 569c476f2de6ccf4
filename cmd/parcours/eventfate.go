package main

import (
	"context"
	"fmt"
	"slices"

	"parcours/pipeline"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
)

// tell says what became of one event.
func (t *tracing) tell(ctx context.Context, o *one) (*tracedEvent, error) {
	e := o.event()
	d := &e.Data
	traced := &tracedEvent{
		Source: e.Source, ID: e.ID, Type: e.Type, Time: t.clock(e.At) + " (" + t.zone.String() + ")", Customer: d.Customer, InTables: o.row != nil,
		Breakpoints: []tracedBreakpoint{}, Log: []logPlace{},
		where: joined(", ", string(d.Channel), d.Reason, joined("/", d.Silo, d.Unit), prefixed("contact ", d.Contact), prefixed("case ", d.Case)),
	}
	if t.command.JSON {
		traced.Time = e.At.String()
	}
	for _, f := range o.places {
		traced.Log = append(traced.Log, logPlace{f.Position, f.Partition, f.StoredAt.String()})
	}
	if err := t.fate(ctx, o, traced); err != nil {
		return nil, err
	}
	if err := t.copies(ctx, o, traced); err != nil {
		return nil, err
	}
	return traced, t.breakpoints(ctx, o, traced)
}

// fate finds its state, and why.
func (t *tracing) fate(ctx context.Context, o *one, traced *tracedEvent) error {
	if aside, ok := t.asideOf(o); ok && o.row == nil {
		traced.State, traced.Reason, traced.Why = stateAside, aside.Reason, asideWords(&aside)
		return nil
	}
	if o.row == nil {
		traced.State, traced.Why = t.unfolded(o)
		return nil
	}
	if f, known := t.frontier[o.row.Partition]; !known || f.Position < o.row.Position && t.current.Admitted < o.row.Position {
		traced.State, traced.Why = t.notYet(o.row.Partition)
		return nil
	}
	steps, err := t.store.Steps(ctx, clickhouse.StepsWanted{Events: []string{o.row.Event.ID}, Source: o.row.Event.Source})
	if err != nil {
		return err
	}
	for i := range steps {
		if steps[i].At == o.row.Event.At {
			return t.placed(ctx, o, &steps[i], traced)
		}
	}
	return t.unplaced(ctx, o, traced)
}

// asideOf is why the first place of it was set aside, if it was.
func (t *tracing) asideOf(o *one) (clickhouse.RejectedRow, bool) {
	for _, f := range o.places {
		if r, ok := t.aside[f.Position]; ok {
			return r, true
		}
	}
	return clickhouse.RejectedRow{}, false
}

func asideWords(r *clickhouse.RejectedRow) string {
	words := fmt.Sprintf("the fold set it aside as %s at %s. %s", r.Reason, r.SeenAt, meaningOf(r.Reason).Meaning)
	return joined(" ", words, prefixed("Expected: ", r.Expected)) + fmt.Sprintf(" (number %d of REJECTED)", r.Position)
}

// unfolded says what an event in the log is that the tables do not have.
func (t *tracing) unfolded(o *one) (state, why string) {
	first := o.places[0]
	if event.System(o.event().Type) {
		return stateSystem, "Parcours or an operator wrote it; the fold obeys it, and no table has it"
	}
	f, known := t.frontier[first.Partition]
	if !known || first.Position > f.Position {
		return t.notYet(first.Partition)
	}
	return stateMissing, fmt.Sprintf("the tables have come beyond it and do not have it: parcours verify --data %s says what else is wrong, parcours rebuild mends it", t.flags.Data)
}

// notYet says how far the fold has come.
func (t *tracing) notYet(partition int) (state, why string) {
	return statePending, fmt.Sprintf("the fold has not come so far: partition %d is in the tables up to position %d of %d (up, or import, brings in the rest)",
		partition, t.frontier[partition].Position, t.head)
}

// placed tells the place that an event has.
func (t *tracing) placed(ctx context.Context, o *one, step *pipeline.StepRow, traced *tracedEvent) error {
	switch step.Placement {
	case "visit":
		traced.State = stateVisit
		traced.Why = fmt.Sprintf("a visit, which is counted and no journey: no form, error or contact of the customer stands within %s of it", span(t.book.At(step.At).Visit))
		return nil
	case "late":
		return t.late(ctx, o, traced)
	}
	rows, err := t.store.Journeys(ctx, clickhouse.JourneysWanted{ID: step.JourneyID})
	if err != nil {
		return err
	}
	traced.State, traced.Why = stateJourney, "a step of a journey"
	traced.Journey = &tracedStep{JourneyID: step.JourneyID, Step: step.Step}
	if len(rows) > 0 {
		traced.Journey.Steps, traced.Journey.Outcome, traced.Journey.Reason = rows[0].Steps, rows[0].Outcome, rows[0].Reason
	}
	return nil
}

// late tells how late an event was, and what admits it.
func (t *tracing) late(ctx context.Context, o *one, traced *tracedEvent) error {
	clock, from, err := t.clockAt(ctx, o.row)
	if err != nil {
		return err
	}
	behind := clock.Sub(o.row.Event.At)
	traced.State = stateLate
	traced.Late = &tracedLate{Clock: clock.String(), Behind: int64(behind.Seconds()), Allowed: int64(t.book.Lateness.Seconds())}
	traced.Why = fmt.Sprintf("it came when the clock of partition %d stood at %s or later (%s), which is %s behind, and %s are allowed: it is kept, counted, "+
		"and in no journey. parcours rebuild --data %s --admit-late takes in all late events", o.row.Partition, t.clock(clock), from, span(behind),
		span(t.book.Lateness), t.flags.Data)
	return nil
}

// ticksBack is how many positions before an event are looked at for ticks: in wall mode one comes within the hour at most.
const ticksBack = 1 << 16

// tickAhead is how far a tick may lie beyond the moment it was stored; the fold ignores others.
const tickAhead = 60_000

// clockAt is what the clock of a partition had reached before an event was stored, at least: the largest event time before
// it, or the largest tick among the positions before it.
func (t *tracing) clockAt(ctx context.Context, r *pipeline.EventRow) (clock event.Instant, from string, err error) {
	clock, _, err = t.store.LargestTimeBefore(ctx, r.Partition, r.Position)
	if err != nil {
		return 0, "", err
	}
	from = "the largest event time before it"
	back := r.Position - min(r.Position-1, ticksBack)
	for _, part := range []nats.Part{
		{Partition: r.Partition, Channel: string(event.Other), Family: event.FamilySystem},
		{Partition: pipeline.All, Family: event.ClockTicked}, {Partition: pipeline.All, Family: event.ClockModeChanged},
	} {
		err := eachOf(ctx, t.bus, part, back, r.Position-1, func(m *pipeline.Message) {
			if e, err := event.DecodeLog(m.Body); err == nil && e.At > clock && e.At <= m.StoredAt+tickAhead {
				clock, from = e.At, "a tick before it"
			}
		})
		if err != nil {
			return 0, "", err
		}
	}
	return clock, from, nil
}

// unplaced says why an event that is folded has no place in a journey.
func (t *tracing) unplaced(ctx context.Context, o *one, traced *tracedEvent) error {
	spec := event.SpecOf(o.row.Event.Type)
	if spec.Role == event.Apart {
		traced.State, traced.Why = stateApart, fmt.Sprintf("it is about no customer's journey, as all of the family %s", spec.Family)
		if spec.Family == "service" {
			traced.Why = "it is about no customer's journey: an incident has a reach"
		}
		return nil
	}
	home := o.event().Home
	exploded, err := t.exploded(ctx, home)
	if err != nil {
		return err
	}
	switch {
	case exploded > 0:
		traced.State, traced.Reason = stateQuarantined, event.ReasonExploded
		traced.Why = fmt.Sprintf("its home is quarantined: it has more than %d events within %s, as the event at position %d showed", t.book.MostEvents,
			span(t.book.Horizon()), exploded)
	case spec.Role == event.Joins:
		traced.State = stateAlone
		traced.Why = "events of this type join a journey by their contact, case or moment and begin none, and there was none to join"
	default:
		return t.unexplained(ctx, traced)
	}
	return nil
}

// unexplained is left: a home that the fold failed on, or a row that is missing.
func (t *tracing) unexplained(ctx context.Context, traced *tracedEvent) error {
	poisonous, err := t.store.SetAside(ctx, "", event.ReasonPoisonous, asideMost)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(poisonous, func(r clickhouse.RejectedRow) bool { return r.Field == "home" }) {
		traced.State, traced.Reason = stateQuarantined, event.ReasonPoisonous
		traced.Why = "probably its home is quarantined because the fold failed on it: that happened here (parcours rejected list --reason poisonous)"
		return nil
	}
	traced.State = stateMissing
	traced.Why = fmt.Sprintf("it should have a place: parcours verify --data %s says what else is wrong, parcours rebuild mends it", t.flags.Data)
	return nil
}

// exploded is the position of the event that showed that a home has too many, 0 where none did.
func (t *tracing) exploded(ctx context.Context, home string) (uint64, error) {
	if home == "" {
		return 0, nil
	}
	rows, err := t.store.SetAside(ctx, "", event.ReasonExploded, asideMost)
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		m, known, err := t.bus.At(ctx, r.EventPosition)
		if err != nil {
			return 0, err
		}
		if f := foundOf(&m); known && f.event != nil && f.event.Home == home {
			return r.EventPosition, nil
		}
	}
	return 0, nil
}

// copies says what is known of copies in the log, and how surely.
func (t *tracing) copies(ctx context.Context, o *one, traced *tracedEvent) error {
	n := max(len(o.places), 1) - 1
	traced.Copies = fmt.Sprintf("%d", n)
	if o.row == nil || traced.State == statePending {
		if traced.CopiesSure = t.whole; !t.whole {
			traced.Copies += " found; the log was not read for more (--scan)"
		}
		return nil
	}
	ranges, err := t.store.RangesWithCopies(ctx, o.row.Partition)
	if err != nil {
		return err
	}
	switch {
	case len(ranges) == 0 && n == 0:
		traced.CopiesSure = true
		traced.Copies = fmt.Sprintf("none in the log: the fold has counted no copy in partition %d", o.row.Partition)
	case len(ranges) == 0:
		traced.CopiesSure = true
		traced.Copies += " in the log, not folded yet"
	case t.whole || t.ranges[o.row.Partition]:
		traced.CopiesSure = true
		traced.Copies += " in the log, which was read for them"
	default:
		traced.Copies += fmt.Sprintf(" known; partition %d has some, in %s of 65,536 positions that were not read (--scan)", o.row.Partition, plural(len(ranges), "range"))
	}
	return nil
}

// breakpoints are those that the event is part of.
func (t *tracing) breakpoints(ctx context.Context, o *one, traced *tracedEvent) error {
	if o.row == nil || traced.State != stateJourney {
		return nil
	}
	e := o.row.Event
	rows, err := t.store.BreakpointsBy(ctx, e.Source, e.ID, o.row.Partition)
	for i := range rows {
		b := &rows[i]
		origin, evidence := "", ""
		if b.OriginEvent == e.Source+" "+e.ID {
			origin = "origin"
		}
		if slices.Contains(b.Evidence, e.ID) {
			evidence = "evidence"
		}
		traced.Breakpoints = append(traced.Breakpoints, tracedBreakpoint{b.BreakpointID, b.Kind, b.JourneyID, joined(" and ", origin, evidence)})
	}
	return err
}
