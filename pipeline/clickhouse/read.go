package clickhouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// scan copies the values of one row of an answer.
type scan func(dest ...any) error

// patience is how long, in seconds, the server lets a reader of a stream pause: whoever reads may be telling what it found.
const patience = 3600

// stream makes one attempt at a query and hands its rows on as they come.
func (s *Store) stream(ctx context.Context, sql string, row func(scan) error) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"http_send_timeout": patience, "send_timeout": patience,
		"max_query_size": 64 << 20, // lists of keys stand in the statement
	}))
	rows, err := s.conn.Query(ctx, sql)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// each hands the rows of a query on, one by one. It tries again, as all of this package does, until the first row is there;
// what breaks after that, an error of row too, comes back.
func (s *Store) each(ctx context.Context, what, sql string, row func(scan) error) error {
	var broke error
	begun := false
	err := s.retry(ctx, what, func(ctx context.Context) error {
		err := s.stream(ctx, sql, func(scan scan) error {
			begun = true
			return row(scan)
		})
		if begun {
			broke, err = err, nil
		}
		return err
	})
	if err == nil {
		err = broke
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// repeat hands the rows of a query on, and where it has to try again all of them again.
func (s *Store) repeat(ctx context.Context, what, sql string, row func(scan) error) error {
	if err := s.retry(ctx, what, func(ctx context.Context) error { return s.stream(ctx, sql, row) }); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// all reads the whole answer of a query.
func all[R any](ctx context.Context, s *Store, what, sql string, read func(scan) (R, error)) (list []R, err error) {
	err = s.retry(ctx, what, func(ctx context.Context) error {
		list = nil
		return s.stream(ctx, sql, func(scan scan) error {
			r, err := read(scan)
			list = append(list, r)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return list, nil
}

// exec runs a statement that may run again without harm.
func (s *Store) exec(ctx context.Context, what, sql string) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"insert_deduplicate": 0,
		"max_query_size":     64 << 20,
	}))
	if err := s.retry(ctx, what, func(ctx context.Context) error { return s.conn.Exec(ctx, sql) }); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// table is a name as it stands in SQL.
func (s *Store) table(name string) string { return s.config.Database + "." + name }

// onCluster is where a statement that changes a table runs: nothing for one server.
func (s *Store) onCluster() string {
	if s.config.Cluster == "" {
		return ""
	}
	return " ON CLUSTER '" + s.config.Cluster + "'"
}

// quote writes a text as a literal of SQL.
func quote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

// quoteAll writes texts as the inside of a list.
func quoteAll(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = quote(t)
	}
	return strings.Join(quoted, ", ")
}

// instantSQL is an instant as the tables keep it, as a literal: a thousand calls of a function would take longer to read
// than the rows.
func instantSQL(at event.Instant) string {
	return time.UnixMilli(pipeline.Kept(at)).UTC().Format("'2006-01-02 15:04:05.000'")
}

// What readJourney, readBreakpoint and readChurnSignal read, in their order.
const (
	journeyColumns = "journey_id, toUnixTimestamp64Milli(key_time), position, partition, customer_id, case_id, cases, contacts, " +
		"reason_family, reason, toUnixTimestamp64Milli(started_at), ifNull(toUnixTimestamp64Milli(ended_at), 0), " +
		"toUnixTimestamp64Milli(last_event_at), outcome, resolution_basis, escalated, steps, variant, variant_collapsed, handoffs, " +
		"silo_handoffs, channels, silos, first_unit, last_unit, cost, breakpoints, cut_reason, rules_version, " +
		"variant_runs, repeats, redos, value, working_s, waiting_customer_s, waiting_partner_s, waiting_company_s, queue_wait_s, effort, " +
		"ifNull(sentiment, 0), sentiment_signals, opportunities.kind, arrayMap(x -> toUnixTimestamp64Milli(x), opportunities.at), " +
		"arrayMap(x -> toUnixTimestamp64Milli(x), opportunities.matures_at), opportunities.reason, opportunities.silo, " +
		"opportunities.unit, opportunities.channel, opportunities.broken, opportunities.clock, opportunities.rules_version, arrayMap(x -> toUnixTimestamp64Milli(x), contacts_ended.at), " +
		"arrayMap(x -> toUnixTimestamp64Milli(x), contacts_ended.matures_at), contacts_ended.reason, contacts_ended.silo, " +
		"contacts_ended.unit, contacts_ended.channel, contacts_ended.first, contacts_ended.back_same, contacts_ended.back_any, " +
		"contacts_ended.surveyed, contacts_ended.resolved, contacts_ended.rules_version"

	breakpointColumns = "breakpoint_id, kind, position, partition, journey_id, customer_id, case_id, reason_family, reason, " +
		"toUnixTimestamp64Milli(occurred_at), toUnixTimestamp64Milli(detected_at), toUnixTimestamp64Milli(opportunity_at), " +
		"origin_step, origin_event, silo, unit, channel, severity, cost, evidence, rules_version, witness, charged"

	churnSignalColumns = "signal_id, customer_id, kind, position, partition, toUnixTimestamp64Milli(raised_at), " +
		"ifNull(toUnixTimestamp64Milli(cleared_at), 0), cleared_why, evidence, ifNull(value, nan), ifNull(value_limit, nan), rules_version, segment"
)

// readJourney reads the journeyColumns, after the generation.
func readJourney(scan scan) (generation uint32, r pipeline.JourneyRow, err error) {
	var partition int32
	var o opportunities
	var c contactsEnded
	err = scan(&generation, &r.JourneyID, (*int64)(&r.KeyTime), &r.Position, &partition, &r.CustomerID, &r.CaseID, &r.Cases, &r.Contacts,
		&r.ReasonFamily, &r.Reason, (*int64)(&r.StartedAt), (*int64)(&r.EndedAt),
		(*int64)(&r.LastEventAt), &r.Outcome, &r.ResolutionBasis, &r.Escalated, &r.Steps, &r.Variant, &r.VariantCollapsed, &r.Handoffs,
		&r.SiloHandoffs, &r.Channels, &r.Silos, &r.FirstUnit, &r.LastUnit, &r.Cost, &r.Breakpoints, &r.CutReason, &r.RulesVersion,
		&r.VariantRuns, &r.Repeats, &r.Redos, &r.Value, &r.WorkingS, &r.WaitingCustomerS, &r.WaitingPartnerS, &r.WaitingCompanyS,
		&r.QueueWaitS, &r.Effort, &r.Sentiment, &r.SentimentSignals,
		&o.kinds, &o.at, &o.maturesAt, &o.reasons, &o.silos, &o.units, &o.channels, &o.broken, &o.clocks, &o.rules,
		&c.at, &c.maturesAt, &c.reasons, &c.silos, &c.units, &c.channels, &c.first, &c.backSame, &c.backAny, &c.surveyed, &c.resolved,
		&c.rules)
	r.Partition = int(partition)
	r.Cases, r.Channels, r.Silos, r.VariantRuns = none(r.Cases), none(r.Channels), none(r.Silos), none(r.VariantRuns)
	r.Opportunities, r.ContactsEnded = o.rows(), c.rows()
	return generation, r, err
}

// opportunities are those of a journey, column by column.
type opportunities struct {
	kinds, reasons, silos, units, channels, clocks, rules []string
	at, maturesAt                                         []int64
	broken                                                []bool
}

func (o *opportunities) rows() (rows []pipeline.OpportunityRow) {
	for i := range o.kinds {
		rows = append(rows, pipeline.OpportunityRow{
			Kind: o.kinds[i], At: event.Instant(o.at[i]), MaturesAt: event.Instant(o.maturesAt[i]), Reason: o.reasons[i],
			Silo: o.silos[i], Unit: o.units[i], Channel: o.channels[i], Broken: o.broken[i],
			Clock: o.clocks[i], Rules: o.rules[i],
		})
	}
	return rows
}

// contactsEnded are those of a journey, column by column.
type contactsEnded struct {
	at, maturesAt                      []int64
	reasons, silos, units, channels    []string
	rules                              []string
	first, backSame, backAny, surveyed []bool
	resolved                           []*bool
}

func (c *contactsEnded) rows() (rows []pipeline.ContactEndedRow) {
	for i := range c.at {
		rows = append(rows, pipeline.ContactEndedRow{
			At: event.Instant(c.at[i]), MaturesAt: event.Instant(c.maturesAt[i]), Reason: c.reasons[i], Silo: c.silos[i],
			Unit: c.units[i], Channel: c.channels[i], First: c.first[i], BackSame: c.backSame[i], BackAny: c.backAny[i],
			Surveyed: c.surveyed[i], Rules: c.rules[i],
		})
		if said := c.resolved[i]; said != nil {
			rows[i].Answer = pipeline.Answer{Given: true, Resolved: *said}
		}
	}
	return rows
}

// none is nil for a list of nothing, as the driver does not give it.
func none[V any](list []V) []V {
	if len(list) == 0 {
		return nil
	}
	return list
}

// readBreakpoint reads the breakpointColumns, after the generation.
func readBreakpoint(scan scan) (generation uint32, r pipeline.BreakpointRow, err error) {
	var partition int32
	err = scan(&generation, &r.BreakpointID, &r.Kind, &r.Position, &partition, &r.JourneyID, &r.CustomerID, &r.CaseID, &r.ReasonFamily, &r.Reason,
		(*int64)(&r.OccurredAt), (*int64)(&r.DetectedAt), (*int64)(&r.OpportunityAt),
		&r.OriginStep, &r.OriginEvent, &r.Silo, &r.Unit, &r.Channel, &r.Severity, &r.Cost, &r.Evidence, &r.RulesVersion, &r.Witness, &r.Charged)
	r.Partition, r.Evidence, r.Charged = int(partition), none(r.Evidence), none(r.Charged)
	return generation, r, err
}

// readChurnSignal reads the churnSignalColumns, after the generation.
func readChurnSignal(scan scan) (generation uint32, r pipeline.ChurnSignalRow, err error) {
	var partition int32
	err = scan(&generation, &r.SignalID, &r.CustomerID, &r.Kind, &r.Position, &partition, (*int64)(&r.RaisedAt), (*int64)(&r.ClearedAt),
		&r.ClearedWhy, &r.Evidence, &r.Value, &r.Limit, &r.RulesVersion, &r.Segment)
	r.Partition, r.Evidence = int(partition), none(r.Evidence)
	return generation, r, err
}
