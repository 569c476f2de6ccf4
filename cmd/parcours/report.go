package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"sort"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"parcours/dashboards/brief"
)

// report is what a demo found, as the views say it.
type report struct {
	Events          uint64            `json:"events"`
	Customers       uint64            `json:"customers"`
	Journeys        uint64            `json:"journeys"`
	Breakpoints     map[string]uint64 `json:"breakpoints"`
	Seconds         float64           `json:"seconds"`
	EventsPerSecond float64           `json:"events_per_second"`
	Rejected        uint64            `json:"rejected"`
	Data            string            `json:"data"`
	NoMonth         string            `json:"no_month,omitempty"` // why the brief has none to tell

	outcomes []outcomeCount
	top      []topBreakpoint
	money    money
}

type outcomeCount struct {
	outcome, basis string
	journeys       uint64
}

type topBreakpoint struct {
	kind, reason, silo string
	count, customers   uint64
	cost               float64
}

// report reads the views.
func (n *node) report(ctx context.Context, seconds float64) (*report, error) {
	amounts, err := n.money(ctx)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	r := &report{Breakpoints: map[string]uint64{}, Seconds: seconds, Data: n.config.dir, money: amounts}
	for _, read := range []func(context.Context, *report) error{n.readCounts, n.readBreakpoints, n.readOutcomes, n.readTop, n.readMonth} {
		if err := read(ctx, r); err != nil {
			return nil, fmt.Errorf("report: %w", err)
		}
	}
	rejected, err := n.bus.RejectedCount(ctx)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	for _, k := range rejected {
		r.Rejected += k
	}
	r.EventsPerSecond = math.Round(float64(r.Events) / max(r.Seconds, 1e-3))
	r.Seconds = math.Round(r.Seconds*1000) / 1000
	return r, nil
}

func (n *node) readCounts(ctx context.Context, r *report) error {
	db := n.store.Database()
	row := n.store.Conn().QueryRow(ctx, "SELECT count(), uniqExactIf(customer_id, customer_id != ''), (SELECT count() FROM "+db+
		".journeys_v) FROM "+db+".events_v")
	return row.Scan(&r.Events, &r.Customers, &r.Journeys)
}

func (n *node) readBreakpoints(ctx context.Context, r *report) error {
	return n.each(ctx, "SELECT kind, count() FROM {db}.breakpoints_v GROUP BY kind", func(scan func(...any) error) error {
		var kind string
		var count uint64
		err := scan(&kind, &count)
		r.Breakpoints[kind] = count
		return err
	})
}

func (n *node) readOutcomes(ctx context.Context, r *report) error {
	return n.each(ctx, "SELECT outcome, resolution_basis, count() AS n FROM {db}.journeys_v GROUP BY 1, 2 ORDER BY n DESC, 1, 2",
		func(scan func(...any) error) error {
			var o outcomeCount
			err := scan(&o.outcome, &o.basis, &o.journeys)
			r.outcomes = append(r.outcomes, o)
			return err
		})
}

func (n *node) readTop(ctx context.Context, r *report) error {
	return n.each(ctx, `SELECT kind, if(reason_family = '', 'unknown', reason_family), silo, count() AS n, uniqExact(customer_id), sum(cost) AS c
		FROM {db}.breakpoints_v GROUP BY 1, 2, 3 ORDER BY c DESC, n DESC, 1, 2, 3 LIMIT 10`, func(scan func(...any) error) error {
		var t topBreakpoint
		err := scan(&t.kind, &t.reason, &t.silo, &t.count, &t.customers, &t.cost)
		r.top = append(r.top, t)
		return err
	})
}

func (n *node) readMonth(ctx context.Context, r *report) error {
	none, err := brief.NoMonth(ctx, n.each, brief.Language(english))
	if none != nil {
		r.NoMonth = none.Error()
	}
	return err
}

// print shows the report to a person.
func (r *report) print(out io.Writer, database string) {
	fmt.Fprintf(out, "\n%d events of %d customers made %d journeys (%.1f s, %.0f events/s, %d refused).\n\n",
		r.Events, r.Customers, r.Journeys, r.Seconds, r.EventsPerSecond, r.Rejected)
	outcomes := newTable(out, "How journeys ended", "outcome", "said by", "journeys")
	for _, o := range r.outcomes {
		outcomes.AppendRow(table.Row{o.outcome, o.basis, o.journeys})
	}
	outcomes.Render()
	kinds := newTable(out, "Breakpoints", "kind", "found")
	for _, kind := range sortedKeys(r.Breakpoints) {
		kinds.AppendRow(table.Row{kind, r.Breakpoints[kind]})
	}
	kinds.Render()
	top := newTable(out, "What costs most (avoidable cost"+r.money.note()+")", "breakpoint", "reason", "owner", "found", "customers", r.money.currency)
	for _, t := range r.top {
		top.AppendRow(table.Row{t.kind, t.reason, t.silo, t.count, t.customers, fmt.Sprintf("%.0f", t.cost)})
	}
	top.Render()
	if r.NoMonth != "" {
		fmt.Fprintf(out, "The page at / and parcours brief show no month. %s\n\n", r.NoMonth)
	}
	fmt.Fprintf(out, `Three queries worth trying:
  SELECT kind, silo, count() AS found, round(sum(cost)) AS cost FROM %[1]s.breakpoints_v GROUP BY kind, silo ORDER BY cost DESC
  SELECT variant_collapsed, count() AS journeys FROM %[1]s.journeys_v GROUP BY 1 ORDER BY journeys DESC LIMIT 10
  SELECT reason_family, outcome, count() AS journeys, round(avg(handoffs), 2) AS handoffs FROM %[1]s.journeys_v GROUP BY 1, 2 ORDER BY 1, 2
`, database)
}

func newTable(out io.Writer, title string, columns ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(out)
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header, t.Style().Format.Footer = text.FormatDefault, text.FormatDefault
	t.SetTitle(title)
	t.AppendHeader(table.Row(columns))
	return t
}

// rightAligned sets the columns that hold numbers as texts, from 1, on the right.
func rightAligned(t table.Writer, columns ...int) {
	var configs []table.ColumnConfig
	for _, n := range columns {
		configs = append(configs, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(configs)
}

func sortedKeys(m map[string]uint64) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
