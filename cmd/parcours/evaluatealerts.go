package main

import (
	"context"
	"fmt"
	"io"

	"parcours/pipeline/alert"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/evaluate"
)

// readAlerts reads the alerts that were raised, oldest first.
func readAlerts(ctx context.Context, store *clickhouse.Store) (raised []evaluate.Raised, err error) {
	db := store.Database()
	var views uint64
	if err := store.Conn().QueryRow(ctx, "SELECT count() FROM system.tables WHERE database = '"+db+"' AND name = 'alerts_v'").Scan(&views); err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	if views == 0 {
		return nil, nil // tables of before there were alerts
	}
	rows, err := store.Conn().Query(ctx, "SELECT alert_id, kind, reason_family, silo, unit, channel, toInt32(raised_on), toInt32(since), observed, expected, "+
		"factor, low, high, where_reason_family, where_silo, where_unit, where_channel, ifNull(toString(cleared_on), ''), cleared_why FROM "+db+
		".alerts_v ORDER BY raised_on, alert_id")
	if err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r evaluate.Raised
		a, w := &r.Alert, &r.Where
		if err := rows.Scan(&a.ID, &a.Kind, &a.ReasonFamily, &a.Silo, &a.Unit, &a.Channel, (*int32)(&a.RaisedOn), (*int32)(&a.Since), &a.Observed,
			&a.Expected, &a.Factor, &a.Low, &a.High, &w.ReasonFamily, &w.Silo, &w.Unit, &w.Channel, &r.ClearedOn, &r.ClearedWhy); err != nil {
			return nil, fmt.Errorf("read alerts: %w", err)
		}
		w.Kind = a.Kind
		raised = append(raised, r)
	}
	return raised, rows.Err()
}

// printAlerts shows how far alerts are what was planted.
func printAlerts(out io.Writer, a *evaluate.Alerts) {
	fmt.Fprintf(out, "\nAlerts: %d changes of a rate were planted, %d of them found. %d alerts were raised in %.1f weeks, %d of them about nothing that was planted: %.2f a week.\n",
		len(a.Shifts), a.Found, len(a.Raised), a.Weeks, a.FalseAlarms, a.FalseAlarmsPerWeek)
	fmt.Fprintf(out, "Of changes in a series of 60 failures a day and more %d of %d were told within 2 days with as many, of 10 and more %d of %d within 10.\n",
		a.Many.InTime, a.Many.Shifts, a.Some.InTime, a.Some.Shifts)
	for i := range a.Shifts {
		s := &a.Shifts[i]
		found := "not found"
		if s.Found {
			found = fmt.Sprintf("found %d days later (%d that count), begun %+d days from it", s.DelayDays, s.Days, s.SinceErrorDays)
		}
		fmt.Fprintf(out, "  from %s: %s x %g  %s, %.1f failures a day that became %.2f times as many: %s\n", s.At, s.Kind, s.Factor, joined(" ", s.Silo, s.Unit, s.Reason),
			s.FailuresPerDay, s.TrueFactor, found)
	}
	for i := range a.Raised {
		r := &a.Raised[i]
		fmt.Fprintf(out, "  raised %s, since %s: %s x %.2f (%.2f to %.2f)  %s: %s\n", r.RaisedOn, r.Since, r.Kind, r.Factor, r.Low, r.High,
			seriesName(r.Key), r.Tells)
	}
}

// seriesName says of which part of a kind a series is.
func seriesName(k alert.Key) string {
	if part := joined(" ", k.ReasonFamily, k.Silo, k.Unit, k.Channel); part != "" {
		return part
	}
	return "all"
}
