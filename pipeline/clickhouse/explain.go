package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// What explains single things: one journey, one event. All of it is read of the current generation.

// current is a table of facts as views show it; conditions go behind it with AND.
func (s *Store) current(table string) string {
	return fmt.Sprintf("%s FINAL WHERE generation = (SELECT argMax(generation, (switched_at, generation)) FROM %s)", s.table(table), s.table("generation"))
}

// conditions joins what is not empty behind a current table.
func conditions(list ...string) string {
	list = slices.DeleteFunc(list, func(c string) bool { return c == "" })
	if len(list) == 0 {
		return ""
	}
	return " AND " + strings.Join(list, " AND ")
}

// equals is a condition on a text; "" asks nothing.
func equals(column, value string) string {
	if value == "" {
		return ""
	}
	return column + " = " + quote(value)
}

func begins(column, value string) string {
	if value == "" {
		return ""
	}
	return "startsWith(" + column + ", " + quote(value) + ")"
}

// Named is something that an id leads to.
type Named struct {
	What      string // journey, breakpoint, alias, case
	ID        string
	JourneyID string // where it leads: the journey itself, or that of the breakpoint or case; of an alias the next id; "" for none
}

// namedMost bounds what one id may lead to; more are ambiguous anyway.
const namedMost = 20

// Named finds the journeys, breakpoints and ids that gave way which have an id, and the journeys of a case of that name; with
// prefix, those whose id begins with it, cases not among them. At most 20, journeys first.
func (s *Store) Named(ctx context.Context, id string, prefix bool) ([]Named, error) {
	is := equals
	if prefix {
		is = begins
	}
	part := func(rank int, what, table, column, to, where string) string {
		return fmt.Sprintf("SELECT %d AS rank, %s AS what, %s AS id, %s AS leads FROM %s AND %s", rank, quote(what), column, to, s.current(table), where)
	}
	parts := []string{
		part(0, "journey", "journeys", "journey_id", "journey_id", is("journey_id", id)),
		part(1, "breakpoint", "breakpoints", "breakpoint_id", "journey_id", is("breakpoint_id", id)),
		part(2, "alias", "aliases", "old_id", "new_id", is("old_id", id)+" AND new_id != old_id"),
	}
	if !prefix {
		parts = append(parts, part(3, "case", "journeys", quote(id), "journey_id", "has(cases, "+quote(id)+")"))
	}
	sql := fmt.Sprintf("SELECT what, id, leads FROM (%s) ORDER BY rank, id, leads LIMIT %d", strings.Join(parts, " UNION ALL "), namedMost)
	return all(ctx, s, "look up an id", sql, func(scan scan) (n Named, err error) {
		err = scan(&n.What, &n.ID, &n.JourneyID)
		return n, err
	})
}

// JourneysWanted says which journeys are meant; an empty field asks nothing.
type JourneysWanted struct {
	ID       string
	Customer string // or how the pseudonym begins
	Case     string
	Kind     string        // with a breakpoint of that kind
	Reason   string        // full, or a family
	Since    event.Instant // last active then or later
	Limit    int           // 0 for all
}

// Journeys gives journeys as they stand now, the one that was active last first.
func (s *Store) Journeys(ctx context.Context, w JourneysWanted) ([]pipeline.JourneyRow, error) {
	var list []string
	list = append(list, equals("journey_id", w.ID), begins("customer_id", w.Customer))
	if w.Case != "" {
		list = append(list, "has(cases, "+quote(w.Case)+")")
	}
	if w.Reason != "" {
		list = append(list, "(reason = "+quote(w.Reason)+" OR reason_family = "+quote(w.Reason)+")")
	}
	if w.Kind != "" {
		list = append(list, "journey_id IN (SELECT journey_id FROM "+s.current("breakpoints")+conditions(equals("kind", w.Kind))+")")
	}
	if w.Since > 0 {
		list = append(list, "last_event_at >= "+instantSQL(w.Since))
	}
	sql := "SELECT generation, " + journeyColumns + " FROM " + s.current("journeys") + conditions(list...) + " ORDER BY last_event_at DESC, journey_id"
	if w.Limit > 0 {
		sql += fmt.Sprintf(" LIMIT %d", w.Limit)
	}
	return all(ctx, s, "read journeys", sql, func(scan scan) (pipeline.JourneyRow, error) {
		_, row, err := readJourney(scan)
		return row, err
	})
}

// Preceding gives the journey of the customer of another that was active last before that one began, and when; found is
// false where there is none since an instant, or the customer is not known. family asks for journeys of that reason family.
func (s *Store) Preceding(ctx context.Context, j *pipeline.JourneyRow, family string, since event.Instant) (id string, last event.Instant, found bool, err error) {
	if j.CustomerID == "" {
		return "", 0, false, nil
	}
	start := instantSQL(j.StartedAt)
	candidates := "SELECT journey_id FROM " + s.current("journeys") + conditions(equals("customer_id", j.CustomerID), equals("reason_family", family),
		"journey_id != "+quote(j.JourneyID), "started_at <= "+start)
	sql := "SELECT journey_id, toUnixTimestamp64Milli(max(time)) AS last FROM " + s.current("journey_steps") +
		conditions("placement = 'journey'", "journey_id IN ("+candidates+")", "time <= "+start, "time >= "+instantSQL(since)) +
		" GROUP BY journey_id ORDER BY last DESC, journey_id LIMIT 1"
	type before struct {
		id   string
		last event.Instant
	}
	list, err := all(ctx, s, "look for the journey before", sql, func(scan scan) (b before, err error) {
		err = scan(&b.id, (*int64)(&b.last))
		return b, err
	})
	if err != nil || len(list) == 0 {
		return "", 0, false, err
	}
	return list[0].id, list[0].last, true, nil
}

// StepsWanted says which places of events are meant; an empty field asks nothing.
type StepsWanted struct {
	Journey string
	Events  []string // ids
	Source  string
}

// Steps gives the places of events, visits and late ones too, in the order of journey and step.
func (s *Store) Steps(ctx context.Context, w StepsWanted) ([]pipeline.StepRow, error) {
	list := []string{equals("journey_id", w.Journey), equals("source", w.Source)}
	if len(w.Events) > 0 { // the keys first, by one column: FINAL reads all of them of whatever it looks at
		list = append(list, "(time, source, event_id) IN (SELECT time, source, event_id FROM "+s.table("journey_steps")+" WHERE event_id IN ("+quoteAll(w.Events)+"))")
	}
	sql := "SELECT toUnixTimestamp64Milli(time), source, event_id, position, partition, journey_id, placement, step, activity, type, channel, silo, " +
		"unit, contact_id, case_id, customer_id, reason, cost, from_activity, from_channel, from_silo, ifNull(delay_s, 0) FROM " + s.current("journey_steps") + conditions(list...) + " ORDER BY journey_id, step, time, source, event_id"
	return all(ctx, s, "read steps", sql, func(scan scan) (r pipeline.StepRow, err error) {
		var partition int32
		err = scan((*int64)(&r.At), &r.Source, &r.EventID, &r.Position, &partition, &r.JourneyID, &r.Placement, &r.Step, &r.Activity, &r.Type,
			&r.Channel, &r.Silo, &r.Unit, &r.ContactID, &r.CaseID, &r.CustomerID, &r.Reason, &r.Cost,
			&r.FromActivity, &r.FromChannel, &r.FromSilo, &r.DelayS)
		r.Partition = int(partition)
		return r, err
	})
}

// PositionsOf says where in the log the events of a journey stand, in the order of the log; at most limit of them.
func (s *Store) PositionsOf(ctx context.Context, journeyID string, limit int) ([]uint64, error) {
	sql := "SELECT DISTINCT position FROM " + s.table("events") + " FINAL WHERE (time, source, id) IN (SELECT time, source, event_id FROM " +
		s.current("journey_steps") + conditions("journey_id = "+quote(journeyID)) + fmt.Sprintf(") ORDER BY position LIMIT %d", limit)
	return all(ctx, s, "find the events of a journey", sql, func(scan scan) (position uint64, err error) {
		err = scan(&position)
		return position, err
	})
}

// BreakpointsOf gives the breakpoints of a journey in order of their occurrence.
func (s *Store) BreakpointsOf(ctx context.Context, journeyID string) ([]pipeline.BreakpointRow, error) {
	return s.breakpointsWhere(ctx, "journey_id = "+quote(journeyID))
}

// BreakpointsBy gives the breakpoints that an event is the origin or evidence of. Evidence is by id alone: of two sources
// that use the same id, the one is taken whose partition it is.
func (s *Store) BreakpointsBy(ctx context.Context, source, id string, partition int) ([]pipeline.BreakpointRow, error) {
	return s.breakpointsWhere(ctx, fmt.Sprintf("(origin_event = %s OR has(evidence, %s) AND partition = %d)", quote(source+" "+id), quote(id), partition))
}

func (s *Store) breakpointsWhere(ctx context.Context, where string) ([]pipeline.BreakpointRow, error) {
	sql := "SELECT generation, " + breakpointColumns + " FROM " + s.current("breakpoints") + conditions(where) + " ORDER BY occurred_at, breakpoint_id"
	return all(ctx, s, "read breakpoints", sql, func(scan scan) (pipeline.BreakpointRow, error) {
		_, row, err := readBreakpoint(scan)
		return row, err
	})
}

// EventsNamed gives the rows of cx.events that have an id, of one source or ("") of all; of each event only what names and
// places it.
func (s *Store) EventsNamed(ctx context.Context, source, id string) ([]pipeline.EventRow, error) {
	sql := "SELECT toUnixTimestamp64Milli(time), source, id, type, activity, position, partition, toUnixTimestamp64Milli(seen_at), customer_id, " +
		"contact_id, case_id, channel, reason, silo, unit FROM " + s.table("events") + " FINAL WHERE (time, source, id) IN (SELECT time, source, id FROM " +
		s.table("events") + " WHERE true" + conditions(equals("id", id), equals("source", source)) + ") ORDER BY source, time"
	return all(ctx, s, "look up an event", sql, func(scan scan) (pipeline.EventRow, error) {
		var partition int32
		var channel string
		e := &event.Event{}
		d := &e.Data
		r := pipeline.EventRow{Event: e}
		err := scan((*int64)(&e.At), &e.Source, &e.ID, &e.Type, &d.Activity, &r.Position, &partition, (*int64)(&r.StoredAt), &d.Customer,
			&d.Contact, &d.Case, &channel, &d.Reason, &d.Silo, &d.Unit)
		r.Partition, d.Channel = int(partition), event.Channel(channel)
		return r, err
	})
}

// LargestTimeBefore is the largest event time of a partition among what was stored before a position; found is false
// where nothing was.
func (s *Store) LargestTimeBefore(ctx context.Context, partition int, position uint64) (at event.Instant, found bool, err error) {
	var n uint64
	sql := fmt.Sprintf("SELECT count(), toUnixTimestamp64Milli(max(time)) FROM %s WHERE partition = %d AND position < %d", s.table("events"), partition, position)
	err = s.scan(ctx, "read the clock at a position", sql, &n, (*int64)(&at))
	return at, n > 0, err
}

// SetAside gives the rejections that say of a position of the log why the fold set aside what stands there, the latest
// first; source and reason "" for all.
func (s *Store) SetAside(ctx context.Context, source, reason string, limit int) ([]RejectedRow, error) {
	sql := "SELECT position, toUnixTimestamp64Milli(seen_at), reason, source, field, expected, event_position FROM " + s.table("rejected") +
		" FINAL WHERE event_position > 0" + conditions(equals("source", source), equals("reason", reason)) + fmt.Sprintf(" ORDER BY position DESC LIMIT %d", limit)
	return all(ctx, s, "read what was set aside", sql, func(scan scan) (r RejectedRow, err error) {
		err = scan(&r.Position, (*int64)(&r.SeenAt), &r.Reason, &r.Source, &r.Field, &r.Expected, &r.EventPosition)
		return r, err
	})
}

// RangesWithCopies are the ranges of positions in which the fold has counted copies, of one partition; -1 for all.
func (s *Store) RangesWithCopies(ctx context.Context, partition int) ([]uint64, error) {
	where := ""
	if partition >= 0 {
		where = fmt.Sprintf("partition = %d", partition)
	}
	sql := "SELECT DISTINCT range FROM " + s.current("ledger") + conditions("copies > 0", where) + " ORDER BY range"
	return all(ctx, s, "read where copies are", sql, func(scan scan) (r uint64, err error) {
		err = scan(&r)
		return r, err
	})
}
