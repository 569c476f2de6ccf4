package clickhouse

import (
	"context"
	"fmt"
	"strings"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// differing names a journey, breakpoint or churn signal that two generations do not show alike.
type differing struct {
	group    uint8
	id       string
	earliest event.Instant // of its key times, one or two
	latest   event.Instant
}

// What differs, in the order in which it is told.
const (
	differentJourney uint8 = iota
	differentBreakpoint
	differentSignal
)

const differencesAtOnce = 10_000 // whose rows are held at one time

// Difference finds what differs by its content in one query, which gives the ids in order, and reads the rows themselves
// in portions: neither side ever holds all of them, and what has not changed is never sent.
func (s *Store) Difference(ctx context.Context, from, to uint32, found func(pipeline.Difference) error) error {
	if from == to {
		return nil
	}
	what := fmt.Sprintf("compare generations %d and %d", from, to)
	var portion []differing
	tell := func() error {
		err := s.tellDifferences(ctx, from, to, portion, found)
		portion = portion[:0]
		return err
	}
	err := s.each(ctx, what, s.differingSQL(from, to), func(scan scan) error {
		var d differing
		if err := scan(&d.group, &d.id, (*int64)(&d.earliest), (*int64)(&d.latest)); err != nil {
			return err
		}
		if portion = append(portion, d); len(portion) == differencesAtOnce {
			return tell()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return tell()
}

// differingSQL lists them in the order that Difference promises.
func (s *Store) differingSQL(from, to uint32) string {
	one := func(group uint8, table, id, key, content string) string {
		return fmt.Sprintf(`SELECT toUInt8(%d) AS what, id, argMax(partition, generation = %d) AS home, argMax(key, generation = %[2]d) AS at,
			min(key) AS earliest, max(key) AS latest
			FROM (SELECT generation, %s AS id, %s AS key, partition, %s AS content FROM %s FINAL WHERE generation IN (%d, %[2]d))
			GROUP BY id HAVING min(generation) = max(generation) OR min(content) != max(content)`,
			group, to, id, key, content, s.table(table), from)
	}
	return `SELECT what, id, toUnixTimestamp64Milli(earliest), toUnixTimestamp64Milli(latest) FROM (` +
		one(differentJourney, "journeys", "journey_id", "key_time", journeyTold) + " UNION ALL " +
		one(differentBreakpoint, "breakpoints", "breakpoint_id", "occurred_at", breakpointTold) + " UNION ALL " +
		one(differentSignal, "churn_signals", "signal_id", "raised_at", churnSignalContent) + `) ORDER BY home, what, at, id`
}

// tellDifferences reads the rows of a portion and hands them on in its order.
func (s *Store) tellDifferences(ctx context.Context, from, to uint32, portion []differing, found func(pipeline.Difference) error) error {
	journeys, err := s.differentJourneys(ctx, from, to, portion)
	if err != nil {
		return err
	}
	breakpoints, err := s.differentBreakpoints(ctx, from, to, portion)
	if err != nil {
		return err
	}
	signals, err := s.differentSignals(ctx, from, to, portion)
	if err != nil {
		return err
	}
	for _, d := range portion {
		told := [...]map[string]*pipeline.Difference{journeys, breakpoints, signals}[d.group][d.id]
		if told == nil {
			return fmt.Errorf("compare generations %d and %d: %s was in one of them and is in neither: somebody writes them", from, to, d.id)
		}
		if err := found(*told); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) differentJourneys(ctx context.Context, from, to uint32, portion []differing) (map[string]*pipeline.Difference, error) {
	where := whereIn(portion, differentJourney, "journey_id", "key_time")
	if where == "" {
		return nil, nil
	}
	byID := map[string]*pipeline.Difference{}
	err := s.repeat(ctx, "read journeys that differ", fmt.Sprintf("SELECT generation, %s FROM %s FINAL PREWHERE generation IN (%d, %d) AND %s",
		journeyColumns, s.table("journeys"), from, to, where), func(scan scan) error {
		generation, r, err := readJourney(scan)
		d := entry(byID, r.JourneyID)
		if generation == to {
			d.NewJourney = &r
		} else {
			d.OldJourney = &r
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return byID, s.lastActivities(ctx, to, byID)
}

func (s *Store) differentBreakpoints(ctx context.Context, from, to uint32, portion []differing) (map[string]*pipeline.Difference, error) {
	where := whereIn(portion, differentBreakpoint, "breakpoint_id", "occurred_at")
	if where == "" {
		return nil, nil
	}
	byID := map[string]*pipeline.Difference{}
	err := s.repeat(ctx, "read breakpoints that differ", fmt.Sprintf("SELECT generation, %s FROM %s FINAL PREWHERE generation IN (%d, %d) AND %s",
		breakpointColumns, s.table("breakpoints"), from, to, where), func(scan scan) error {
		generation, r, err := readBreakpoint(scan)
		d := entry(byID, r.BreakpointID)
		if generation == to {
			d.NewBreakpoint = &r
		} else {
			d.OldBreakpoint = &r
		}
		return err
	})
	return byID, err
}

func (s *Store) differentSignals(ctx context.Context, from, to uint32, portion []differing) (map[string]*pipeline.Difference, error) {
	where := whereIn(portion, differentSignal, "signal_id", "raised_at")
	if where == "" {
		return nil, nil
	}
	byID := map[string]*pipeline.Difference{}
	err := s.repeat(ctx, "read churn signals that differ", fmt.Sprintf("SELECT generation, %s FROM %s FINAL PREWHERE generation IN (%d, %d) AND %s",
		churnSignalColumns, s.table("churn_signals"), from, to, where), func(scan scan) error {
		generation, r, err := readChurnSignal(scan)
		d := entry(byID, r.SignalID)
		if generation == to {
			d.NewSignal = &r
		} else {
			d.OldSignal = &r
		}
		return err
	})
	return byID, err
}

func entry(byID map[string]*pipeline.Difference, id string) *pipeline.Difference {
	if byID[id] == nil {
		byID[id] = &pipeline.Difference{}
	}
	return byID[id]
}

// whereIn is the condition for one group of a portion, "" for none. It speaks of columns of the key
// alone, so that it may stand before FINAL, in PREWHERE: every version of a row meets it or none does.
func whereIn(portion []differing, group uint8, id, key string) string {
	var ids []string
	var earliest, latest event.Instant
	for _, d := range portion {
		if d.group != group {
			continue
		}
		if len(ids) == 0 {
			earliest, latest = d.earliest, d.latest
		}
		ids, earliest, latest = append(ids, d.id), min(earliest, d.earliest), max(latest, d.latest)
	}
	if len(ids) == 0 {
		return ""
	}
	return fmt.Sprintf("%s BETWEEN %s AND %s AND %s IN (%s)", key, instantSQL(earliest), instantSQL(latest), id, quoteAll(ids))
}

// lastActivities fills in the activity of the last step of each new journey. That step happened at LastEventAt, and the time
// of a step is the first column of its key.
func (s *Store) lastActivities(ctx context.Context, to uint32, byID map[string]*pipeline.Difference) error {
	var ids, times []string
	for id, d := range byID {
		if d.NewJourney != nil {
			ids, times = append(ids, quote(id)), append(times, instantSQL(d.NewJourney.LastEventAt))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	sql := fmt.Sprintf("SELECT journey_id, argMax(activity, step) FROM %s FINAL PREWHERE generation = %d AND time IN (%s) "+
		"WHERE placement = 'journey' AND journey_id IN (%s) GROUP BY journey_id",
		s.table("journey_steps"), to, strings.Join(times, ", "), strings.Join(ids, ", "))
	return s.repeat(ctx, "read the last steps of journeys", sql, func(scan scan) error {
		var id, activity string
		err := scan(&id, &activity)
		if d := byID[id]; d != nil {
			d.LastActivity = activity
		}
		return err
	})
}
