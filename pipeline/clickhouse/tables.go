package clickhouse

import (
	"math"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/alert"
	"parcours/pipeline/event"
)

// RejectedRow is one message of the stream REJECTED, without its sealed body.
type RejectedRow struct {
	Position uint64        // its sequence in REJECTED, the key
	SeenAt   event.Instant // JetStream's timestamp, never another for one position
	Reason   string
	Source   string // "" when it could not be read
	Field    string // "" when it was the whole
	Expected string
	Bytes    int    // size of the whole body
	SHA256   string // of the whole body, in hex

	EventPosition uint64 // position in EVENTS of what the fold set aside, else 0
	Row           uint64 // row of the imported file, from 1, else 0
}

func events() table[pipeline.EventRow] {
	type row = pipeline.EventRow
	columns := []column[row]{
		instant("time", func(r *row) event.Instant { return r.Event.At }),
		text("source", func(r *row) string { return r.Event.Source }),
		text("id", func(r *row) string { return r.Event.ID }),
		text("type", func(r *row) string { return r.Event.Type }),
		text("family", func(r *row) string { return event.SpecOf(r.Event.Type).Family }),
		text("activity", func(r *row) string { return r.Event.Activity() }),
		text("subject", func(r *row) string { return r.Event.Subject }),
		text("sequence", func(r *row) string { return r.Event.Sequence }),
		partition(func(r *row) int { return r.Partition }),
		count64("position", func(r *row) uint64 { return r.Position }),
		instant("seen_at", func(r *row) event.Instant { return r.StoredAt }),
	}
	return table[row]{
		name: "events", noun: "events", columns: append(columns, dataColumns()...),
		month: func(r *row) event.Instant { return r.Event.At },
	}
}

// dataColumns are those of event.Data. Its agent is in no table.
func dataColumns() []column[pipeline.EventRow] {
	type row = pipeline.EventRow
	columns := []column[row]{
		text("customer_id", func(r *row) string { return r.Event.Data.Customer }),
		text("contact_id", func(r *row) string { return r.Event.Data.Contact }),
		text("direction", func(r *row) string { return string(r.Event.Data.Direction) }),
		text("case_id", func(r *row) string { return r.Event.Data.Case }),
		text("channel", func(r *row) string { return string(r.Event.Data.Channel) }),
		text("reason", func(r *row) string { return r.Event.Data.Reason }),
		text("reason_family", func(r *row) string { return event.ReasonFamily(r.Event.Data.Reason) }),
		text("silo", func(r *row) string { return r.Event.Data.Silo }),
		text("unit", func(r *row) string { return r.Event.Data.Unit }),
		text("product", func(r *row) string { return r.Event.Data.Product }),
		text("place", func(r *row) string { return r.Event.Data.Place }),
	}
	return append(columns, typeColumns()...)
}

// typeColumns are the fields that only some types of event use.
func typeColumns() []column[pipeline.EventRow] {
	type row = pipeline.EventRow
	columns := []column[row]{
		text("to_silo", func(r *row) string { return r.Event.Data.ToSilo }),
		text("to_unit", func(r *row) string { return r.Event.Data.ToUnit }),
		text("why", func(r *row) string { return r.Event.Data.Why }),
		text("form", func(r *row) string { return r.Event.Data.Form }),
		text("kind", func(r *row) string { return r.Event.Data.Kind }),
		text("waiting_on", func(r *row) string { return r.Event.Data.On }),
		text("regime", func(r *row) string { return r.Event.Data.Regime }),
		text("target", func(r *row) string { return r.Event.Data.To }),
		flag("holding", func(r *row) bool { return r.Event.Data.Holding }),
		openInstant("sent_at", func(r *row) event.Instant { return r.Event.Data.SentAt }),
		text("promise", func(r *row) string { return r.Event.Data.Promise }),
		openInstant("due", func(r *row) event.Instant { return r.Event.Data.Due }),
		text("act", func(r *row) string { return r.Event.Data.Act }),
		text("caused_by", func(r *row) string { return r.Event.Data.By }),
		texts("products", func(r *row) []string { return r.Event.Data.Products }),
		texts("places", func(r *row) []string { return r.Event.Data.Places }),
		flag("captive", func(r *row) bool { return r.Event.Data.Captive }),
		text("initiated_by", func(r *row) string { return r.Event.Data.InitiatedBy }),
		text("cause", func(r *row) string { return r.Event.Data.Cause }),
	}
	return append(columns, measureColumns()...)
}

// measureColumns are NULL where nothing was measured.
func measureColumns() []column[pipeline.EventRow] {
	type row = pipeline.EventRow
	return []column[row]{
		col("resolved", "Nullable(Bool)", func(r *row) *bool { return r.Event.Data.Resolved }),
		measured("wait_s", func(r *row) *float64 { return r.Event.Data.WaitS }),
		measured("talk_s", func(r *row) *float64 { return r.Event.Data.TalkS }),
		measured("hold_s", func(r *row) *float64 { return r.Event.Data.HoldS }),
		measured("wrap_s", func(r *row) *float64 { return r.Event.Data.WrapS }),
		measured("nps", func(r *row) *float64 { return r.Event.Data.NPS }),
		measured("csat", func(r *row) *float64 { return r.Event.Data.CSAT }),
		measured("csat_scale", func(r *row) *float64 { return r.Event.Data.CSATScale }),
		measured("ces", func(r *row) *float64 { return r.Event.Data.CES }),
		measured("ces_scale", func(r *row) *float64 { return r.Event.Data.CESScale }),
		measured("annual_margin", func(r *row) *float64 { return r.Event.Data.AnnualMargin }),
		measured("value", func(r *row) *float64 { return r.Event.Data.Value }),
	}
}

func journeys(g uint32) table[pipeline.JourneyRow] {
	type row = pipeline.JourneyRow
	return table[row]{
		name: "journeys", noun: "journeys",
		month: func(r *row) event.Instant { return r.KeyTime },
		columns: append(append([]column[row]{
			generation[row](g),
			instant("key_time", func(r *row) event.Instant { return r.KeyTime }),
			text("journey_id", func(r *row) string { return r.JourneyID }),
			count64("position", func(r *row) uint64 { return r.Position }),
			deleted(func(r *row) bool { return r.Deleted }),
			partition(func(r *row) int { return r.Partition }),
			text("customer_id", func(r *row) string { return r.CustomerID }),
			text("case_id", func(r *row) string { return r.CaseID }),
			texts("cases", func(r *row) []string { return r.Cases }),
			count32("contacts", func(r *row) uint32 { return r.Contacts }),
			text("reason_family", func(r *row) string { return r.ReasonFamily }),
			text("reason", func(r *row) string { return r.Reason }),
			instant("started_at", func(r *row) event.Instant { return r.StartedAt }),
			endInstant("ended_at", func(r *row) (event.Instant, bool) { return r.EndedAt, r.Ended() }),
			instant("last_event_at", func(r *row) event.Instant { return r.LastEventAt }),
			text("outcome", func(r *row) string { return r.Outcome }),
			text("resolution_basis", func(r *row) string { return r.ResolutionBasis }),
			flag("escalated", func(r *row) bool { return r.Escalated }),
			count32("steps", func(r *row) uint32 { return r.Steps }),
			text("variant", func(r *row) string { return r.Variant }),
			text("variant_collapsed", func(r *row) string { return r.VariantCollapsed }),
			count32("handoffs", func(r *row) uint32 { return r.Handoffs }),
			count32("silo_handoffs", func(r *row) uint32 { return r.SiloHandoffs }),
			texts("channels", func(r *row) []string { return r.Channels }),
			texts("silos", func(r *row) []string { return r.Silos }),
			text("first_unit", func(r *row) string { return r.FirstUnit }),
			text("last_unit", func(r *row) string { return r.LastUnit }),
			number("cost", func(r *row) float64 { return r.Cost }),
			count32("breakpoints", func(r *row) uint32 { return r.Breakpoints }),
			text("cut_reason", func(r *row) string { return r.CutReason }),
			text("rules_version", func(r *row) string { return r.RulesVersion }),
		}, tookColumns()...), append(opportunityColumns(), contactEndedColumns()...)...),
	}
}

// tookColumns are what a journey took.
func tookColumns() []column[pipeline.JourneyRow] {
	type row = pipeline.JourneyRow
	return []column[row]{
		col("variant_runs", "Array(UInt32)", func(r *row) []uint32 { return r.VariantRuns }),
		count32("repeats", func(r *row) uint32 { return r.Repeats }),
		count32("redos", func(r *row) uint32 { return r.Redos }),
		number("value", func(r *row) float64 { return r.Value }),
		number("working_s", func(r *row) float64 { return r.WorkingS }),
		number("waiting_customer_s", func(r *row) float64 { return r.WaitingCustomerS }),
		number("waiting_partner_s", func(r *row) float64 { return r.WaitingPartnerS }),
		number("waiting_company_s", func(r *row) float64 { return r.WaitingCompanyS }),
		number("queue_wait_s", func(r *row) float64 { return r.QueueWaitS }),
		number("effort", func(r *row) float64 { return r.Effort }),
		measured("sentiment", func(r *row) *float64 {
			if r.SentimentSignals == 0 {
				return nil
			}
			return &r.Sentiment
		}),
		count32("sentiment_signals", func(r *row) uint32 { return r.SentimentSignals }),
	}
}

// opportunityColumns are arrays of one length.
func opportunityColumns() []column[pipeline.JourneyRow] {
	type row = pipeline.OpportunityRow
	return []column[pipeline.JourneyRow]{
		nested("opportunities.kind", "Array(String)", func(o *row) string { return o.Kind }),
		nested("opportunities.at", "Array(DateTime64(3, 'UTC'))", func(o *row) int64 { return pipeline.Kept(o.At) }),
		nested("opportunities.matures_at", "Array(DateTime64(3, 'UTC'))", func(o *row) int64 { return pipeline.Kept(o.MaturesAt) }),
		nested("opportunities.reason", "Array(String)", func(o *row) string { return o.Reason }),
		nested("opportunities.silo", "Array(String)", func(o *row) string { return o.Silo }),
		nested("opportunities.unit", "Array(String)", func(o *row) string { return o.Unit }),
		nested("opportunities.channel", "Array(String)", func(o *row) string { return o.Channel }),
		nested("opportunities.broken", "Array(Bool)", func(o *row) bool { return o.Broken }),
		nested("opportunities.clock", "Array(String)", func(o *row) string { return o.Clock }),
		nested("opportunities.rules_version", "Array(String)", func(o *row) string { return o.Rules }),
	}
}

func nested[V any](name, typ string, get func(*pipeline.OpportunityRow) V) column[pipeline.JourneyRow] {
	return col(name, typ, func(r *pipeline.JourneyRow) []V {
		values := make([]V, len(r.Opportunities))
		for i := range r.Opportunities {
			values[i] = get(&r.Opportunities[i])
		}
		return values
	})
}

// contactEndedColumns are arrays of one length.
func contactEndedColumns() []column[pipeline.JourneyRow] {
	type row = pipeline.ContactEndedRow
	return []column[pipeline.JourneyRow]{
		ended("contacts_ended.at", "Array(DateTime64(3, 'UTC'))", func(c *row) int64 { return pipeline.Kept(c.At) }),
		ended("contacts_ended.matures_at", "Array(DateTime64(3, 'UTC'))", func(c *row) int64 { return pipeline.Kept(c.MaturesAt) }),
		ended("contacts_ended.reason", "Array(String)", func(c *row) string { return c.Reason }),
		ended("contacts_ended.silo", "Array(String)", func(c *row) string { return c.Silo }),
		ended("contacts_ended.unit", "Array(String)", func(c *row) string { return c.Unit }),
		ended("contacts_ended.channel", "Array(String)", func(c *row) string { return c.Channel }),
		ended("contacts_ended.first", "Array(Bool)", func(c *row) bool { return c.First }),
		ended("contacts_ended.back_same", "Array(Bool)", func(c *row) bool { return c.BackSame }),
		ended("contacts_ended.back_any", "Array(Bool)", func(c *row) bool { return c.BackAny }),
		ended("contacts_ended.surveyed", "Array(Bool)", func(c *row) bool { return c.Surveyed }),
		ended("contacts_ended.resolved", "Array(Nullable(Bool))", func(c *row) *bool {
			if !c.Answer.Given {
				return nil
			}
			return &c.Answer.Resolved
		}),
		ended("contacts_ended.rules_version", "Array(String)", func(c *row) string { return c.Rules }),
	}
}

func ended[V any](name, typ string, get func(*pipeline.ContactEndedRow) V) column[pipeline.JourneyRow] {
	return col(name, typ, func(r *pipeline.JourneyRow) []V {
		values := make([]V, len(r.ContactsEnded))
		for i := range r.ContactsEnded {
			values[i] = get(&r.ContactsEnded[i])
		}
		return values
	})
}

func steps(g uint32) table[pipeline.StepRow] {
	type row = pipeline.StepRow
	return table[row]{
		name: "journey_steps", noun: "steps",
		month: func(r *row) event.Instant { return r.At },
		columns: []column[row]{
			generation[row](g),
			instant("time", func(r *row) event.Instant { return r.At }),
			text("source", func(r *row) string { return r.Source }),
			text("event_id", func(r *row) string { return r.EventID }),
			count64("position", func(r *row) uint64 { return r.Position }),
			deleted(func(r *row) bool { return r.Deleted }),
			partition(func(r *row) int { return r.Partition }),
			text("journey_id", func(r *row) string { return r.JourneyID }),
			text("placement", func(r *row) string { return r.Placement }),
			count32("step", func(r *row) uint32 { return r.Step }),
			text("activity", func(r *row) string { return r.Activity }),
			text("type", func(r *row) string { return r.Type }),
			text("channel", func(r *row) string { return r.Channel }),
			text("silo", func(r *row) string { return r.Silo }),
			text("unit", func(r *row) string { return r.Unit }),
			text("contact_id", func(r *row) string { return r.ContactID }),
			text("case_id", func(r *row) string { return r.CaseID }),
			text("customer_id", func(r *row) string { return r.CustomerID }),
			text("reason", func(r *row) string { return r.Reason }),
			number("cost", func(r *row) float64 { return r.Cost }),
			text("from_activity", func(r *row) string { return r.FromActivity }),
			text("from_channel", func(r *row) string { return r.FromChannel }),
			text("from_silo", func(r *row) string { return r.FromSilo }),
			measured("delay_s", func(r *row) *float64 {
				if !r.Follows() {
					return nil
				}
				return &r.DelayS
			}),
		},
	}
}

func breakpoints(g uint32) table[pipeline.BreakpointRow] {
	type row = pipeline.BreakpointRow
	return table[row]{
		name: "breakpoints", noun: "breakpoints",
		month: func(r *row) event.Instant { return r.OccurredAt },
		columns: []column[row]{
			generation[row](g),
			instant("occurred_at", func(r *row) event.Instant { return r.OccurredAt }),
			text("breakpoint_id", func(r *row) string { return r.BreakpointID }),
			count64("position", func(r *row) uint64 { return r.Position }),
			deleted(func(r *row) bool { return r.Deleted }),
			partition(func(r *row) int { return r.Partition }),
			text("kind", func(r *row) string { return r.Kind }),
			text("journey_id", func(r *row) string { return r.JourneyID }),
			text("customer_id", func(r *row) string { return r.CustomerID }),
			text("case_id", func(r *row) string { return r.CaseID }),
			text("reason_family", func(r *row) string { return r.ReasonFamily }),
			text("reason", func(r *row) string { return r.Reason }),
			instant("detected_at", func(r *row) event.Instant { return r.DetectedAt }),
			instant("opportunity_at", func(r *row) event.Instant { return r.OpportunityAt }),
			count32("origin_step", func(r *row) uint32 { return r.OriginStep }),
			text("origin_event", func(r *row) string { return r.OriginEvent }),
			text("silo", func(r *row) string { return r.Silo }),
			text("unit", func(r *row) string { return r.Unit }),
			text("channel", func(r *row) string { return r.Channel }),
			col("severity", "UInt8", func(r *row) uint8 { return r.Severity }),
			number("cost", func(r *row) float64 { return r.Cost }),
			texts("evidence", func(r *row) []string { return r.Evidence }),
			text("rules_version", func(r *row) string { return r.RulesVersion }),
			flag("witness", func(r *row) bool { return r.Witness }),
			texts("charged", func(r *row) []string { return r.Charged }),
			endInstant("retracted_at", func(r *row) (event.Instant, bool) { return r.RetractedAt, r.Deleted }),
			text("known_of", func(r *row) string { return r.Known.Of }),
			instant("known_at", func(r *row) event.Instant { return r.Known.At }),
			text("known_family", func(r *row) string { return r.Known.Family }),
			col("known_severity", "UInt8", func(r *row) uint8 { return r.Known.Severity }),
		},
	}
}

func aliases(g uint32) table[pipeline.AliasRow] {
	type row = pipeline.AliasRow
	return table[row]{
		name: "aliases", noun: "aliases",
		month: func(r *row) event.Instant { return r.KeyTime },
		columns: []column[row]{
			generation[row](g),
			instant("key_time", func(r *row) event.Instant { return r.KeyTime }),
			text("old_id", func(r *row) string { return r.OldID }),
			text("new_id", func(r *row) string { return r.NewID }),
			count64("position", func(r *row) uint64 { return r.Position }),
			partition(func(r *row) int { return r.Partition }),
		},
	}
}

func ledger(g uint32) table[pipeline.LedgerRow] {
	type row = pipeline.LedgerRow
	return table[row]{
		name: "ledger", noun: "ledger rows",
		columns: []column[row]{
			generation[row](g),
			partition(func(r *row) int { return r.Partition }),
			count64("range", func(r *row) uint64 { return r.Range }),
			count64("position", func(r *row) uint64 { return r.Position }),
			count64("first", func(r *row) uint64 { return r.First }),
			count64("copies", func(r *row) uint64 { return r.Copies }),
			count64("late", func(r *row) uint64 { return r.Late }),
			count64("set_aside", func(r *row) uint64 { return r.SetAside }),
			count64("forwarded", func(r *row) uint64 { return r.Forwarded }),
			count64("system", func(r *row) uint64 { return r.System }),
			count64("broadcast", func(r *row) uint64 { return r.Broadcast }),
			count64("digest", func(r *row) uint64 { return r.Digest }),
		},
	}
}

func digests(g uint32) table[pipeline.DigestRow] {
	type row = pipeline.DigestRow
	return table[row]{
		name: "digests", noun: "digests",
		columns: []column[row]{
			generation[row](g),
			partition(func(r *row) int { return r.Partition }),
			text("table", func(r *row) string { return r.Table }),
			count64("position", func(r *row) uint64 { return r.Position }),
			count64("rows", func(r *row) uint64 { return r.Rows }),
			count64("digest", func(r *row) uint64 { return r.Digest }),
		},
	}
}

func frontier(g uint32) table[pipeline.FrontierRow] {
	type row = pipeline.FrontierRow
	return table[row]{
		name: "frontier", noun: "frontier rows",
		columns: []column[row]{
			generation[row](g),
			partition(func(r *row) int { return r.Partition }),
			count64("position", func(r *row) uint64 { return r.Position }),
			instant("clock", func(r *row) event.Instant { return r.Clock }),
			instant("settled", func(r *row) event.Instant { return r.Settled }),
			text("message_id", func(r *row) string { return r.MessageID }),
		},
	}
}

func rejected() table[RejectedRow] {
	type row = RejectedRow
	return table[row]{
		name: "rejected", noun: "rejections",
		month: func(r *row) event.Instant { return r.SeenAt },
		columns: []column[row]{
			instant("seen_at", func(r *row) event.Instant { return r.SeenAt }),
			count64("position", func(r *row) uint64 { return r.Position }),
			text("reason", func(r *row) string { return r.Reason }),
			text("source", func(r *row) string { return r.Source }),
			text("field", func(r *row) string { return r.Field }),
			text("expected", func(r *row) string { return r.Expected }),
			count64("bytes", func(r *row) uint64 { return uint64(max(r.Bytes, 0)) }),
			text("sha256", func(r *row) string { return r.SHA256 }),
			count64("event_position", func(r *row) uint64 { return r.EventPosition }),
			count64("row", func(r *row) uint64 { return r.Row }),
		},
	}
}

func alerts(g uint32) table[pipeline.AlertRow] {
	type row = pipeline.AlertRow
	return table[row]{
		name: "alerts", noun: "alerts",
		columns: []column[row]{
			generation[row](g),
			day("raised_on", func(r *row) alert.Date { return r.RaisedOn }),
			text("alert_id", func(r *row) string { return r.AlertID }),
			count64("position", func(r *row) uint64 { return r.Position }),
			partition(func(r *row) int { return r.Partition }),
			text("kind", func(r *row) string { return r.Kind }),
			text("reason_family", func(r *row) string { return r.ReasonFamily }),
			text("silo", func(r *row) string { return r.Silo }),
			text("unit", func(r *row) string { return r.Unit }),
			text("channel", func(r *row) string { return r.Channel }),
			day("since", func(r *row) alert.Date { return r.Since }),
			count64("observed", func(r *row) uint64 { return r.Observed }),
			number("expected", func(r *row) float64 { return r.Expected }),
			number("factor", func(r *row) float64 { return r.Factor }),
			number("low", func(r *row) float64 { return r.Low }),
			number("high", func(r *row) float64 { return r.High }),
			text("where_reason_family", func(r *row) string { return r.WhereReasonFamily }),
			text("where_silo", func(r *row) string { return r.WhereSilo }),
			text("where_unit", func(r *row) string { return r.WhereUnit }),
			text("where_channel", func(r *row) string { return r.WhereChannel }),
			texts("explains", func(r *row) []string { return r.Explains }),
			col("cleared_on", "Nullable(Date32)", func(r *row) *time.Time {
				if r.ClearedWhy == "" {
					return nil
				}
				on := r.ClearedOn.Start().Time()
				return &on
			}),
			text("cleared_why", func(r *row) string { return r.ClearedWhy }),
		},
	}
}

func closedDays(g uint32) table[pipeline.ClosedDayRow] {
	type row = pipeline.ClosedDayRow
	return table[row]{
		name: "closed_days", noun: "closed days",
		columns: []column[row]{
			generation[row](g),
			day("day", func(r *row) alert.Date { return r.Day }),
			count64("position", func(r *row) uint64 { return r.Position }),
			partition(func(r *row) int { return r.Partition }),
			count32("series", func(r *row) uint32 { return r.Series }),
			count32("watched", func(r *row) uint32 { return r.Watched }),
			count32("raised", func(r *row) uint32 { return r.Raised }),
			count32("cleared", func(r *row) uint32 { return r.Cleared }),
		},
	}
}

func churnSignals(g uint32) table[pipeline.ChurnSignalRow] {
	type row = pipeline.ChurnSignalRow
	return table[row]{
		name: "churn_signals", noun: "churn signals",
		month: func(r *row) event.Instant { return r.RaisedAt },
		columns: []column[row]{
			generation[row](g),
			instant("raised_at", func(r *row) event.Instant { return r.RaisedAt }),
			text("signal_id", func(r *row) string { return r.SignalID }),
			count64("position", func(r *row) uint64 { return r.Position }),
			deleted(func(r *row) bool { return r.Deleted }),
			partition(func(r *row) int { return r.Partition }),
			text("customer_id", func(r *row) string { return r.CustomerID }),
			text("kind", func(r *row) string { return r.Kind }),
			endInstant("cleared_at", func(r *row) (event.Instant, bool) { return r.ClearedAt, r.ClearedWhy != "" }),
			text("cleared_why", func(r *row) string { return r.ClearedWhy }),
			texts("evidence", func(r *row) []string { return r.Evidence }),
			measured("value", func(r *row) *float64 { return known(&r.Value) }),
			measured("value_limit", func(r *row) *float64 { return known(&r.Limit) }),
			text("rules_version", func(r *row) string { return r.RulesVersion }),
			text("segment", func(r *row) string { return r.Segment }),
		},
	}
}

// known is nil for a figure that is NaN: nothing was measured.
func known(v *float64) *float64 {
	if math.IsNaN(*v) {
		return nil
	}
	return v
}
