package clickhouse_test

import (
	"testing"

	"parcours/pipeline"
	"parcours/pipeline/churn"
	"parcours/pipeline/event"
)

// TestVerdicts: the figures of the model in force against the bounds that churn.Accept holds them to.
func TestVerdicts(t *testing.T) {
	s := store(t)
	judged := judgementOf("m2", foretold(3, 400))
	if err := s.KeepJudgement(t.Context(), judged); err != nil {
		t.Fatal(err)
	}
	insert(t, s, &pipeline.Rows{ScoredDays: []pipeline.ScoredDayRow{scoredOn("2025-06-01", 1)}})
	failures := map[[3]any]bool{}
	for _, f := range churn.Accept(judged.Quality, nil) {
		failures[[3]any{f.Horizon, f.Segment, f.Measure}] = true
	}
	type row struct {
		Horizon          int
		Segment, Measure string
		Verdict          string
		InForce          bool `json:"in_force"`
	}
	watched, good := 0, 0
	for _, r := range answers[row](t, s, "SELECT horizon, segment, measure, verdict, in_force FROM model_verdicts_v") {
		if !r.InForce {
			t.Errorf("%+v is not in force", r)
		}
		if r.Measure == "lift" != (r.Verdict == "none") {
			t.Errorf("%+v: only lift has no bound", r)
		}
		if r.Measure == "psi" || r.Measure == "lift" {
			continue
		}
		if failed := failures[[3]any{r.Horizon, r.Segment, r.Measure}]; failed != (r.Verdict == "watch") {
			t.Errorf("%+v: Accept says failed is %v", r, failed)
		}
		if r.Verdict == "watch" {
			watched++
		} else {
			good++
		}
	}
	if watched == 0 || good == 0 {
		t.Errorf("%d to watch, %d good: the test says nothing", watched, good)
	}
	equal(t, s, "SELECT value, at_most, verdict FROM model_verdicts_v WHERE measure = 'psi'", "0.125\t0.1\twatch")
	equal(t, s, "SELECT model, prior, judged = good + length(watch), length(watch) > 0, projected, unjudged FROM churn_model_v", "m2\tfalse\t1\t1\t[365]\t[]")
	equal(t, s, "SELECT count() = (SELECT count() FROM model_calibration_v WHERE model = 'm2') AND count() > 0 FROM calibration_in_force_v", "1")
	young := judgementOf("m2", nil) // nothing is known yet of anybody whom it foretold, but that they are as those it learnt from
	young.Drift.Value = 0.05
	if err := s.KeepJudgement(t.Context(), young); err != nil {
		t.Fatal(err)
	}
	equal(t, s, "SELECT groupUniqArray(verdict) FROM model_verdicts_v WHERE measure NOT IN ('lift', 'psi')", "['unjudged']")
	equal(t, s, "SELECT judged, good, watch, unjudged, judged_until IS NULL FROM churn_model_v", "0\t0\t[]\t[30,90,365]\t0")
	insert(t, s, &pipeline.Rows{ScoredDays: []pipeline.ScoredDayRow{{AsOf: on("2025-07-01"), Model: "prior", Scored: 3, Position: 2}}})
	equal(t, s, "SELECT model, prior, scored, judged, projected, judged_until FROM churn_model_v", "prior\ttrue\t3\t0\t[30,90,365]\t\\N")
	equal(t, s, "SELECT count() FROM calibration_in_force_v", "0")
}

// TestValueAtRiskByTenure: by the first contract after the last end; a year to the day is no longer under one. Cells add up to all.
func TestValueAtRiskByTenure(t *testing.T) {
	s, h := store(t), &history{}
	start := func(customer, day string) { h.event(event.ContractStarted, customer, on(day), event.Data{}) }
	start("new", "2024-06-02")
	start("one", "2024-06-01")
	start("old", "2019-01-01")
	start("back", "2019-01-01")
	h.event(event.ContractCancelled, "back", on("2020-01-01"), event.Data{InitiatedBy: "customer"})
	start("back", "2025-01-01")
	for _, c := range []string{"new", "one", "old", "back", "nobody"} {
		h.rows.Scores = append(h.rows.Scores, clickhouseScore(c, "2025-06-01", "m2", 0.2, 30, 10))
	}
	h.rows.ScoredDays = []pipeline.ScoredDayRow{scoredOn("2025-06-01", h.number())}
	h.settled(on("2025-06-01"))
	insert(t, s, &h.rows)
	equal(t, s, "SELECT tenure, customers, value_at_risk, value_at_risk_excess, round(expected_losses, 6), compared, value_at_risk_before, value_at_risk_change FROM value_at_risk_by_tenure_v ORDER BY tenure",
		`1 to 3 years	1	30	20	0.2	0	\N	\N`, `3 years and more	1	30	20	0.2	0	\N	\N`, `under 1 year	2	60	40	0.4	0	\N	\N`, `unknown	1	30	20	0.2	0	\N	\N`)
	equal(t, s, "SELECT by, compared, value_at_risk_before, value_at_risk_change FROM value_at_risk_v ORDER BY by", `all	0	\N	\N`, `segment	0	\N	\N`) // nobody was scored 30 days before: no change is known
	equal(t, s, "SELECT sum(value_at_risk), sum(customers) FROM value_at_risk_by_tenure_v", lines(t, s, "SELECT value_at_risk, customers FROM value_at_risk_v WHERE by = 'all'")...)
}
