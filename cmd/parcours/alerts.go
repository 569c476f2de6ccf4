package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline/clickhouse"
)

// AlertsCommand says which rates rose, since when, and where.
type AlertsCommand struct {
	DirectoryFlags
	Open bool `help:"Only those that stand." env:"-"`
	JSON bool `name:"json" help:"Print one JSON object on standard output."`
}

// Help is shown by --help.
func (*AlertsCommand) Help() string {
	return `Lists the change alerts, the latest first: which rate rose, since when, where, how many times the usual, and whether it still does.
What was said of a day stands, whatever arrived later. docs/alerts.md says what is watched and when it is in alarm; cx.alerts_v
has all of it, and JOURNEYS tells it as it happens.

  parcours alerts --data DIR
  parcours alerts --data DIR --open --json`
}

// alertList is what the command prints.
type alertList struct {
	ClosedUntil string       `json:"closed_until,omitempty"` // the last day that was looked at; none before the first
	Series      uint32       `json:"series"`                 // that there were by then
	Watched     uint32       `json:"watched"`                // of them
	Alerts      []shownAlert `json:"alerts"`
}

type shownAlert struct {
	ID         string  `json:"alert_id" ch:"alert_id"`
	Kind       string  `json:"kind" ch:"kind"`
	Reason     string  `json:"reason_family" ch:"reason_family"` // of the series; empty: all of them, and so below
	Silo       string  `json:"silo" ch:"silo"`
	Unit       string  `json:"unit" ch:"unit"`
	Channel    string  `json:"channel" ch:"channel"`
	RaisedOn   string  `json:"raised_on" ch:"raised"`
	Since      string  `json:"since" ch:"began"`
	Observed   uint64  `json:"observed" ch:"observed"`
	Expected   float64 `json:"expected" ch:"expected"`
	Factor     float64 `json:"factor" ch:"factor"`
	Low        float64 `json:"low" ch:"low"`
	High       float64 `json:"high" ch:"high"`
	InReason   string  `json:"where_reason_family" ch:"where_reason_family"`
	InSilo     string  `json:"where_silo" ch:"where_silo"`
	InUnit     string  `json:"where_unit" ch:"where_unit"`
	InChannel  string  `json:"where_channel" ch:"where_channel"`
	ClearedOn  string  `json:"cleared_on,omitempty" ch:"cleared"` // empty while it stands
	ClearedWhy string  `json:"cleared_why,omitempty" ch:"cleared_why"`
}

// Run prints them.
func (c *AlertsCommand) Run(common *service.Common, s *streams) error {
	ctx, stop := service.Interruptible()
	defer stop()
	d, err := openDirectory(c.DirectoryFlags, common.Logger(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	defer d.close()
	store, err := d.readable(ctx)
	if err != nil {
		return err
	}
	list, err := readAlertList(ctx, store, c.Open)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(list)
	}
	list.print(s.out, c.Open)
	return nil
}

func readAlertList(ctx context.Context, store *clickhouse.Store, open bool) (*alertList, error) {
	list := &alertList{Alerts: []shownAlert{}}
	query := "SELECT alert_id, kind, reason_family, silo, unit, channel, toString(raised_on) AS raised, toString(since) AS began, observed, expected, factor, low, high, " +
		"where_reason_family, where_silo, where_unit, where_channel, ifNull(toString(cleared_on), '') AS cleared, cleared_why FROM {db}.alerts_v "
	if open {
		query += "WHERE cleared_on IS NULL "
	}
	query += "ORDER BY raised_on DESC, kind, alert_id"
	if err := store.Conn().Select(ctx, &list.Alerts, strings.ReplaceAll(query, "{db}", store.Database())); err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	row := store.Conn().QueryRow(ctx, "SELECT if(count() = 0, '', toString(max(day))), argMax(series, day), argMax(watched, day) FROM "+store.Database()+".closed_days_v")
	if err := row.Scan(&list.ClosedUntil, &list.Series, &list.Watched); err != nil {
		return nil, fmt.Errorf("read closed days: %w", err)
	}
	return list, nil
}

// print shows the alerts to a person, and how much is watched: that there is none says nothing where nothing is.
func (l *alertList) print(out io.Writer, open bool) {
	if len(l.Alerts) == 0 {
		fmt.Fprintln(out, map[bool]string{false: "There was no alert.", true: "No alert stands."}[open])
	} else {
		t := newTable(out, "Change alerts, the latest first", "raised on", "since", "breakpoint", "series", "where", "times the usual", "95 %", "now")
		rightAligned(t, 6, 7)
		for i := range l.Alerts {
			t.AppendRow(l.Alerts[i].row())
		}
		t.Render()
	}
	switch {
	case l.ClosedUntil == "":
		fmt.Fprintln(out, "No day is closed yet: nothing was looked at.")
	case l.Watched == 0:
		fmt.Fprintf(out, "On %s, the last day closed, none of %s was watched: what that takes, docs/alerts.md says, and parcours readiness --data DIR what there is.\n",
			l.ClosedUntil, plural(l.Series, "rate"))
	default:
		fmt.Fprintf(out, "On %s, the last day closed, %d of %s were watched.\n", l.ClosedUntil, l.Watched, plural(l.Series, "rate"))
	}
}

func (a *shownAlert) row() table.Row {
	return table.Row{a.RaisedOn, a.Since, a.Kind, cmp.Or(joined(" ", a.Reason, a.Silo, a.Unit, a.Channel), "all"), cmp.Or(joined(" ", a.InReason, a.InSilo, a.InUnit, a.InChannel), "all"),
		fmt.Sprintf("%.2f", a.Factor), fmt.Sprintf("%.2f to %.2f", a.Low, a.High), a.state()}
}

// endings are why alerts are cleared, in words.
var endings = map[string]string{"usual_again": "usual again", "new_usual": "it is the new usual", "rules": "other rules judge"}

func (a *shownAlert) state() string {
	if a.ClearedOn == "" {
		return "stands"
	}
	return fmt.Sprintf("cleared %s: %s", a.ClearedOn, cmp.Or(endings[a.ClearedWhy], a.ClearedWhy))
}
