package clickhouse_test

import (
	"fmt"
	"testing"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// file is a journey of complaint steps, in the order given, and of the clocks of each complaint.
type file struct {
	h       *history
	journey *pipeline.JourneyRow
	steps   uint32
}

func (h *history) file(customer, reason, at string) *file {
	return &file{h: h, journey: h.journey(customer, reason, on(at))}
}

func (f *file) step(typ, at string, d event.Data) *file {
	f.steps++
	f.h.step(f.journey.JourneyID, typ, f.journey.CustomerID, on(at), d)
	s := &f.h.rows.Steps[len(f.h.rows.Steps)-1]
	s.Step, s.CaseID, s.Channel = f.steps, d.Case, string(d.Channel)
	return f
}

// clocks of a complaint filed at a moment: when each is due, and whether it ran out.
func (f *file) clocks(filed, acknowledge string, late bool, answer string, tooLate bool) *file {
	for _, c := range []struct {
		clock, due string
		broken     bool
	}{{"acknowledgement", acknowledge, late}, {"answer", answer, tooLate}} {
		f.journey.Opportunities = append(f.journey.Opportunities, pipeline.OpportunityRow{Kind: "sla_breach", At: on(filed), MaturesAt: on(c.due), Reason: f.journey.Reason,
			Silo: "finance", Broken: c.broken, Clock: c.clock})
	}
	return f
}

// complained has four complaints: one kept and told again, one late in regime payment by the same customer, one open, one whose
// clocks nobody measures.
func complained() *history {
	h := &history{}
	a := h.file("a", "billing.dispute", "2025-01-10").
		step(event.ComplaintFiled, "2025-01-10", event.Data{Case: "A", Channel: "email"}).
		step(event.ComplaintFiled, "2025-01-12", event.Data{Case: "A"}).
		step(event.ComplaintAcknowledged, "2025-01-15", event.Data{Case: "A"}).
		step(event.ComplaintAnswered, "2025-02-01", event.Data{Case: "A"}).
		step(event.ComplaintEscalated, "2025-02-10", event.Data{Case: "A", To: "mediator"}).
		step(event.ComplaintClosed, "2025-02-11", event.Data{Case: "A"}).
		clocks("2025-01-10", "2025-01-22", false, "2025-03-10", false)
	h.file("a", "payment.refused", "2025-02-20").
		step(event.ComplaintFiled, "2025-02-20", event.Data{Case: "B", Regime: "payment"}).
		step(event.ComplaintAnswered, "2025-04-20", event.Data{Case: "B"}).
		clocks("2025-02-20", "2025-03-04", true, "2025-03-12", true)
	h.file("b", "other", "2025-05-30").step(event.ComplaintFiled, "2025-05-30", event.Data{}).
		clocks("2025-05-30", "2025-06-12", false, "2025-07-30", false)
	h.file("d", "delivery.late", "2025-03-03").step(event.ComplaintFiled, "2025-03-03", event.Data{Case: "D", Reason: "delivery.late"})
	h.event(event.ContractStarted, "b", on("2024-01-01"), event.Data{Captive: true})
	h.broke("repeat_contact", "a", "billing.dispute", on("2024-12-20"), on("2024-12-20"))
	h.broke("repeat_contact", "a", "billing.dispute", on("2024-12-21"), on("2024-12-21"))
	h.broke("long_wait", "a", "billing.dispute", on("2024-12-01"), on("2024-12-01"))
	h.broke("silo_handoff", "a", "billing.dispute", on("2024-11-01"), on("2024-11-01")).JourneyID = a.journey.JourneyID
	h.broke("core_failure", "a", "billing.dispute", on("2025-01-11"), on("2025-01-11"))
	h.broke("detractor", "a", "billing.dispute", on("2025-01-05"), on("2025-01-05")).Witness = true
	h.settled(on("2025-06-05"))
	return h
}

// TestComplaints: what is one complaint and what is told again, what is in time, what is due next, who came back, what came before.
func TestComplaints(t *testing.T) {
	s, h := store(t), complained()
	insert(t, s, &h.rows)
	equal(t, s, `SELECT toDate(filed_at), customer_id, case_id, channel, reason_family, silo, regime, segment, measured, acknowledged_in_time, acknowledge_matured, answered_in_time, answer_matured
		FROM complaints_v ORDER BY filed_at`,
		"2025-01-10\ta\tA\temail\tbilling\tfinance\t\tstandard\ttrue\ttrue\ttrue\ttrue\ttrue",
		"2025-02-20\ta\tB\t\tpayment\tfinance\tpayment\tstandard\ttrue\tfalse\ttrue\tfalse\ttrue",
		"2025-03-03\td\tD\t\tdelivery\t\t\tstandard\tfalse\t\\N\tfalse\t\\N\tfalse",
		"2025-05-30\tb\t\t\t\tfinance\t\tcaptive\ttrue\t\\N\tfalse\t\\N\tfalse")
	equal(t, s, `SELECT toDate(filed_at), toDate(acknowledged_at), toDate(answered_at), toDate(closed_at), open, open_days, next_clock, due_in_days, escalated_to, came_back, customer_before, before
		FROM complaints_v ORDER BY filed_at`,
		"2025-01-10\t2025-01-15\t2025-02-01\t2025-02-11\tfalse\t\\N\t\t\\N\t['mediator']\ttrue\t0\t['repeat_contact','silo_handoff']",
		"2025-02-20\t2025-04-20\t2025-04-20\t\\N\tfalse\t\\N\t\t\\N\t[]\tfalse\t1\t[]",
		"2025-03-03\t\\N\t\\N\t\\N\ttrue\t97\t\t\\N\t[]\tfalse\t0\t[]",
		"2025-05-30\t\\N\t\\N\t\\N\ttrue\t9\tacknowledgement\t4\t[]\tfalse\t0\t[]")
	equal(t, s, "SELECT count() FROM complaints_v AS c INNER JOIN customers_v AS k ON k.customer_id = c.customer_id WHERE k.segment != c.segment", "0")
}

// TestComplaintClocks: shares of matured complaints by cell, with Wilson's interval, and the figure that targets are set for from the
// same complaints.
func TestComplaintClocks(t *testing.T) {
	s, h := store(t), complained()
	insert(t, s, &h.rows)
	low, _ := wilson(1, 1)
	_, high := wilson(0, 1)
	kept, lost := fmt.Sprintf("1\t1\t1\t%s\t1\ttrue", six(low)), fmt.Sprintf("1\t0\t0\t0\t%s\ttrue", six(high))
	columns := "complaints, in_time, share, round(low, 6), round(high, 6), complete FROM complaint_clocks_v"
	equal(t, s, "SELECT month, clock, "+columns+" WHERE by = 'all' ORDER BY month, clock",
		"2025-01-01\tacknowledgement\t"+kept, "2025-01-01\tanswer\t"+kept, "2025-01-01\tboth\t"+kept,
		"2025-02-01\tacknowledgement\t"+lost, "2025-02-01\tanswer\t"+lost, "2025-02-01\tboth\t"+lost)
	equal(t, s, "SELECT by, name, "+columns+" WHERE clock = 'answer' AND month = '2025-02-01' ORDER BY by",
		"all\t\t"+lost, "reason_family\tpayment\t"+lost, "regime\tpayment\t"+lost, "segment\tstandard\t"+lost, "silo\tfinance\t"+lost)
	equal(t, s, "SELECT month, in_time, complaints FROM complaint_clocks_v WHERE clock = 'both' AND by = 'all' ORDER BY month",
		lines(t, s, "SELECT month, numerator, n FROM figures_v WHERE figure = 'complaints_in_time' ORDER BY month")...)
}
