package clickhouse

import (
	"math"
	"strings"
	"testing"

	"parcours/pipeline"
	"parcours/pipeline/churn"
	"parcours/pipeline/event"
)

// scored is a row of a customer with a contract.
func scored(customer string, day int, p float64, position uint64) pipeline.ChurnScoreRow {
	return pipeline.ChurnScoreRow{
		AsOf: at(3, day, 0), CustomerID: customer, Position: position, Model: "m1", Segment: "standard", Margin: 100, P: [3]float64{p / 8, p / 4, p},
		Low: [3]float64{0.1, 0.2, 0.3}, High: [3]float64{0.4, 0.5, 0.6}, Base: [3]float64{0.125, 0.25, 0.5}, Projection: [3]bool{false, false, true},
		ValueAtRisk: 60, ValueAtRiskBase: 12.5, VoiceRisk: math.NaN(), ExpectedUses: math.NaN(), RecentUses: 7,
	}
}

// TestScoresInViews: the latest of each customer, all of them in the history; of who objected nothing, of who left the history
// alone.
func TestScoresInViews(t *testing.T) {
	s := migrated(t)
	none := math.NaN()
	ended := pipeline.ChurnScoreRow{AsOf: at(3, 9, 0), CustomerID: "ended", Position: 6, Ended: "no_contract", Margin: none, P: [3]float64{none, none, none},
		ValueAtRisk: none, ValueAtRiskBase: none, VoiceRisk: none, ExpectedUses: none}
	ended.Low, ended.High, ended.Base = ended.P, ended.P, ended.P
	said := func(typ, customer, to string, day int) pipeline.EventRow {
		e := &event.Event{ID: typ + customer, Source: "crm", Type: typ, At: at(3, day, 12)}
		e.Data.Customer, e.Data.To = customer, to
		return pipeline.EventRow{Position: uint64(100 + day), Event: e}
	}
	insert(t, s, &pipeline.Rows{
		Generation: 1,
		Scores: []pipeline.ChurnScoreRow{
			scored("stays", 2, 0.25, 1), scored("stays", 5, 0.5, 2), scored("objects", 2, 0.25, 3), scored("leaves", 2, 0.75, 4), scored("ended", 2, 0.25, 5), ended,
		},
		ScoredDays: []pipeline.ScoredDayRow{{AsOf: at(3, 5, 0), Model: "m1", Scored: 3, Told: 1, Position: 9}},
		Models:     []pipeline.ModelRow{{Position: 8, EffectiveFrom: at(3, 1, 0), Version: "m1", Document: "{}"}},
		Events: []pipeline.EventRow{
			said(event.ContractStarted, "leaves", "", 1), said(event.ContractCancelled, "leaves", "", 3), said(event.CustomerObjected, "objects", "scoring", 4),
			said(event.ContractStarted, "stays", "", 1),
		},
	})
	expect(t, s, "SELECT customer_id, as_of, p30, p365, base365, projection365, value_at_risk_excess, voice_risk, recent_uses, position FROM churn_scores_v",
		strings.Join([]string{"stays", "2025-03-05 00:00:00.000", "0.0625", "0.5", "0.5", "true", "47.5", `\N`, "7", "2"}, "\t"))
	expect(t, s, "SELECT customer_id, toDate(as_of), toDate(until), p365, ended FROM churn_scores_history_v ORDER BY customer_id, as_of", strings.Join([]string{
		"ended\t2025-03-02\t2025-03-09\t0.25\t", `ended	2025-03-09	\N	\N	no_contract`, `leaves	2025-03-02	\N	0.75	`, "stays\t2025-03-02\t2025-03-05\t0.25\t", `stays	2025-03-05	\N	0.5	`,
	}, "\n"))
	expect(t, s, "SELECT * FROM scored_days_v", "2025-03-05 00:00:00.000\tm1\t3\t1\t9")
	expect(t, s, "SELECT * FROM models_v", "m1\t2025-03-01 00:00:00.000\t8\t{}")
}

// TestWordsInSQL: the reasons of the view read as the same sentences that Go makes.
func TestWordsInSQL(t *testing.T) {
	s := migrated(t)
	row := scored("c", 2, 0.5, 1)
	var fr, en []string
	for _, name := range append(churn.AllFeatures().Names(), "of another version") {
		for _, value := range []float64{0, 0.04, 0.5, 2.5, 3, 9.96, 12.3, 1234.5, -0.4, 7.6} {
			if value > 1000 && (name == "margin" || name == "tenure" || name == "uses" || name == "unused") {
				continue // nobody has a number of digits of years
			}
			r := churn.Reason{Feature: name, Value: value, Weight: 1}
			row.Reasons = append(row.Reasons, r)
			f, e := r.Sentence(churn.AllFeatures())
			fr, en = append(fr, f), append(en, e)
		}
	}
	insert(t, s, &pipeline.Rows{Generation: 1, Scores: []pipeline.ChurnScoreRow{row}})
	expect(t, s, "SELECT arrayJoin(reasons_fr) FROM churn_scores_v FORMAT TSVRaw", strings.Join(fr, "\n"))
	expect(t, s, "SELECT arrayJoin(reasons_en) FROM churn_scores_v FORMAT TSVRaw", strings.Join(en, "\n"))
}
