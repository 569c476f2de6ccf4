package clickhouse_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/churn"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

// foretold makes predictions with ties, of customers at several landmarks, some taken away by another ending.
func foretold(seed uint64, n int) (list []churn.Prediction) {
	rng := rand.New(rand.NewPCG(seed, 1))
	for i := range n {
		p := math.Round(100*math.Pow(rng.Float64(), 3)) / 100 // many are the same
		row := churn.Prediction{Customer: fmt.Sprint("c", i/3), At: on("2025-01-01").Add(time.Duration(i%3) * 31 * 24 * time.Hour), Segment: []string{"a", "b", "c"}[i%7%3], FollowUp: 400}
		for h, days := range churn.Horizons {
			row.P[h] = p * float64(days) / 365
		}
		switch u := rng.Float64(); {
		case u < p*0.7+0.02:
			row.Lost, row.FollowUp = true, 400*rng.Float64()
		case u > 0.95:
			row.FollowUp = 380 * rng.Float64() // another ending
		}
		list = append(list, row)
	}
	return list
}

func judgementOf(model string, predictions []churn.Prediction) *clickhouse.Judgement {
	known := on("2026-06-01")
	j := &clickhouse.Judgement{Model: model, LearntUntil: on("2025-01-01"), AsOf: known, Rules: "r", Projection: [3]bool{false, false, true},
		Quality: churn.QualityOf(predictions, known), Drift: churn.Measure{Horizon: 365, Measure: "psi", Value: 0.125, Low: math.NaN(), High: math.NaN(), N: len(predictions)}}
	for h := range churn.Horizons {
		j.Judged[h] = churn.Judge(predictions, h, known)
	}
	return j
}

// TestQualityRecomputed: what SQL makes of the predictions is what Go made of them, to six digits and more, of all and of each
// segment, with ties and weights; and a second judgement takes the place of the first.
func TestQualityRecomputed(t *testing.T) {
	s := store(t)
	keep := func(j *clickhouse.Judgement) {
		t.Helper()
		if err := s.KeepJudgement(t.Context(), j); err != nil {
			t.Fatal(err)
		}
	}
	keep(judgementOf("hazard-1", foretold(1, 500)))
	j := judgementOf("hazard-1", foretold(2, 3000))
	keep(j)
	keep(judgementOf("hazard-2", foretold(3, 200)))
	weighted := false
	for _, rows := range j.Judged {
		for _, r := range rows {
			weighted = weighted || r.Weight > 1.01
		}
	}
	if !weighted || len(j.Quality) != 12 {
		t.Fatalf("weights differ: %t; %d qualities", weighted, len(j.Quality))
	}
	for i := range j.Quality {
		q := &j.Quality[i]
		where := fmt.Sprintf("WHERE model = 'hazard-1' AND horizon = %d AND segment = '%s'", q.Horizon, q.Segment)
		got := lines(t, s, "SELECT rows, losses, auc, pr_auc, brier, brier_base, expected, oe, ece FROM cx.model_recomputed_v "+where)
		if len(got) != 1 {
			t.Fatalf("%s: %d rows", where, len(got))
		}
		figures(t, got[0], 0, float64(q.N), float64(q.Lost), q.AUC.Value, q.PRAUC.Value, q.Brier.Value, q.BrierBase.Value, q.Expected, q.Ratio.Value, q.ECE.Value)
		kept := lines(t, s, "SELECT rows, customers, losses, auc, auc_low, auc_high, pr_auc, brier, brier_base, expected, observed, observed_expected, slope, ece, lift, lift_low, "+
			"ifNull(psi, 0), toFloat64(projection) FROM cx.model_quality_v "+where)
		psi := 0.0
		if q.Horizon == 365 && q.Segment == "" {
			psi = 0.125
		}
		figures(t, kept[0], 0, float64(q.N), float64(q.Customers), float64(q.Lost), q.AUC.Value, q.AUC.Low, q.AUC.High, q.PRAUC.Value, q.Brier.Value, q.BrierBase.Value, q.Expected, q.Observed,
			q.Ratio.Value, q.Slope.Value, q.ECE.Value, q.Bins[0].Lift.Value, q.Bins[0].Lift.Low, psi, map[bool]float64{true: 1}[q.Horizon == 365])
		tenths := lines(t, s, "SELECT predicted, observed, low, high, lift FROM cx.model_calibration_v "+where+" ORDER BY tenth")
		if len(tenths) != churn.Bins {
			t.Fatalf("%s: %d tenths", where, len(tenths))
		}
		for b, line := range tenths {
			bin := &q.Bins[b]
			figures(t, line, 0, bin.Predicted, bin.Observed.Value, bin.Observed.Low, bin.Observed.High, bin.Lift.Value)
		}
	}
	equal(t, s, "SELECT model, count() FROM cx.model_quality_v GROUP BY model ORDER BY model", "hazard-1\t12", "hazard-2\t12")
}

// TestLossesAreThoseOfTheRules: of random contracts, the view finds the endings that churn.Endings finds, and why.
func TestLossesAreThoseOfTheRules(t *testing.T) {
	book, err := rules.Parse("r.yaml", []byte(`
segments:
  - {name: captive, captive: true}
  - {name: loyal, product: fibre, annual_margin_from: 100, loss: {cancelled: false, value_down: 50%, for: 30d}}
  - {name: fixed, product: line, loss: {value_down: 0%}}
`))
	if err != nil {
		t.Fatal(err)
	}
	h, parameters := &history{}, churn.ParametersOf(book)
	facts := map[string][]churn.Fact{}
	rng := rand.New(rand.NewPCG(7, 7))
	for c := range 600 {
		customer := fmt.Sprint("c", c)
		at := on("2025-01-01")
		for range 1 + rng.IntN(7) {
			at = at.Add(time.Duration(rng.IntN(60)) * 24 * time.Hour)
			facts[customer] = append(facts[customer], h.contract(rng, customer, at)...)
		}
	}
	settled := on("2025-12-01")
	h.settled(settled)
	s := store(t)
	insert(t, s, &h.rows)
	if err := s.RankBy(t.Context(), book); err != nil { // as whenever a day was closed
		t.Fatal(err)
	}
	var want []string
	why := map[string]int{}
	for customer, list := range facts {
		for _, e := range churn.Endings(list, settled, parameters) {
			want = append(want, fmt.Sprintf("%s\t%s\t%t", customer, e.At.Time().Format("2006-01-02 15:04:05.000"), e.Lost))
		}
	}
	got := lines(t, s, "SELECT customer_id, at, lost FROM cx.losses_v")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d endings, want %d: the first is %q, want %q", len(got), len(want), first(got, want), first(want, got))
	}
	for _, line := range lines(t, s, "SELECT why, segment, count() FROM cx.losses_v GROUP BY why, segment") {
		f := strings.Split(line, "\t")
		why[f[0]+" "+f[1]]++
	}
	for _, w := range []string{"cancelled standard", "other standard", "value_down standard", "value_down loyal", "other loyal", "cancelled fixed"} {
		if why[w] == 0 {
			t.Errorf("no ending is %s: %v", w, why)
		}
	}
	if why["cancelled loyal"]+why["value_down fixed"] > 0 {
		t.Errorf("endings that are none: %v", why)
	}
}

// contract adds something that happens to a contract, and gives its facts.
func (h *history) contract(rng *rand.Rand, customer string, at event.Instant) []churn.Fact {
	amount := []float64{200, 150, 90, 40, 20, 0}[rng.IntN(6)]
	d := event.Data{Product: []string{"fibre", "line", "tv"}[rng.IntN(3)]}
	typ := event.ContractValueChanged
	switch u := rng.Float64(); {
	case u < 0.4:
		typ, d.AnnualMargin, d.Captive = event.ContractStarted, &amount, rng.IntN(12) == 0
		if rng.IntN(8) == 0 {
			d.AnnualMargin = nil
		}
	case u < 0.85:
		d.Value = &amount
		if rng.IntN(6) == 0 {
			d.Product = ""
		}
	default:
		typ, d.InitiatedBy = event.ContractCancelled, []string{"", "customer", "company"}[rng.IntN(3)]
	}
	id := h.event(typ, customer, at, d)
	d.Customer = customer
	return churn.FactsOf(nil, &event.Event{ID: id, Source: "s", Type: typ, At: at, Data: d})
}

// TestValueAtRisk: what the views add up, of whom, against what was told 30 days before; nobody who objected, left or is captive
// is called.
func TestValueAtRisk(t *testing.T) {
	h := &history{}
	for _, c := range []string{"c1", "c2", "c3", "c4", "c5", "c6"} {
		h.event(event.ContractStarted, c, on("2025-01-01"), event.Data{Product: "fibre"})
	}
	h.event(event.CustomerObjected, "c4", on("2025-05-01"), event.Data{To: "scoring"})
	h.event(event.ContractCancelled, "c5", on("2025-06-29"), event.Data{})
	h.broke("repeat_contact", "c1", "billing.dispute", on("2025-05-01"), on("2025-05-02"))
	h.broke("repeat_contact", "c1", "billing.dispute", on("2025-06-01"), on("2025-06-02"))
	h.broke("sla_breach", "c1", "delivery.late", on("2025-06-01"), on("2025-06-02"))
	h.broke("repeat_contact", "c2", "billing.dispute", on("2025-06-01"), on("2025-06-02"))
	h.broke("repeat_contact", "c3", "billing.dispute", on("2025-03-01"), on("2025-03-02")) // 90 days and more
	score := func(customer, day, model string, p, atRisk, base float64) {
		r := clickhouseScore(customer, day, model, p, atRisk, base)
		r.Position = h.number()
		h.rows.Scores = append(h.rows.Scores, r)
	}
	score("c1", "2025-05-20", "m1", 0.1, 10, 5)
	score("c1", "2025-06-20", "m2", 0.3, 30, 5)
	score("c2", "2025-06-25", "m2", 0.2, 50, 8)
	score("c3", "2025-03-01", "m1", 0.05, math.NaN(), math.NaN())
	score("c4", "2025-04-01", "m1", 0.5, 500, 8)
	score("c5", "2025-04-01", "m1", 0.5, 500, 8)
	captive := clickhouseScore("c6", "2025-06-01", "m1", math.NaN(), math.NaN(), math.NaN())
	captive.Captive, captive.VoiceRisk, captive.Position = true, 60, h.number()
	h.rows.Scores = append(h.rows.Scores, captive)
	h.rows.ScoredDays = append(h.rows.ScoredDays, scoredOn("2025-06-30", h.number()))
	s := store(t)
	insert(t, s, &h.rows)
	equal(t, s, "SELECT rank, customer_id, round(value_at_risk_excess, 6) FROM cx.customers_to_call_v ORDER BY rank", "1\tc2\t42", "2\tc1\t25", `3	c3	\N`)
	asking := func(customer, kind, day, cleared string) pipeline.ChurnSignalRow {
		r := pipeline.ChurnSignalRow{SignalID: customer + day, CustomerID: customer, Kind: kind, RaisedAt: on(day), ClearedAt: journey.Never, Position: h.number()}
		if cleared != "" {
			r.ClearedAt, r.ClearedWhy = on(cleared), churn.Retained
		}
		return r
	}
	insert(t, s, &pipeline.Rows{ChurnSignals: []pipeline.ChurnSignalRow{ // the score of c2 knows of it, c1 was retained, c4 objected
		asking("c2", churn.CancelRequested, "2025-06-29", ""), asking("c1", churn.CancelRequested, "2025-07-01", "2025-07-02"),
		asking("c3", churn.PortabilityRequested, "2025-07-01", ""), asking("c4", churn.CancelRequested, "2025-07-01", ""), asking("c1", churn.Silence, "2025-07-01", ""),
	}})
	equal(t, s, "SELECT rank, customer_id, toString(asked_at) FROM cx.customers_to_call_v ORDER BY rank", "1\tc3\t2025-07-01 00:00:00.000", `2	c2	\N`, `3	c1	\N`)
	equal(t, s, "SELECT by, name, customers, margin_known, value_at_risk, value_at_risk_excess, compared, value_at_risk_before, value_at_risk_change, other_model FROM cx.value_at_risk_v ORDER BY by, name",
		"all\t\t3\t2\t80\t67\t1\t10\t20\t1",
		"kind\trepeat_contact\t2\t2\t80\t67\t1\t10\t20\t1",
		"kind\tsla_breach\t1\t1\t30\t25\t1\t10\t20\t1",
		"reason_family\tbilling\t2\t2\t80\t67\t1\t10\t20\t1",
		"reason_family\tdelivery\t1\t1\t30\t25\t1\t10\t20\t1",
		"segment\tstandard\t3\t2\t80\t67\t1\t10\t20\t1")
	page, err := os.ReadFile("../../docs/churn.md")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for part := range strings.SplitSeq(string(page), "```sql\n") {
		if sql, _, is := strings.Cut(part, "\n```"); is && strings.HasPrefix(sql, "SELECT") {
			lines(t, s, sql)
			asked++
		}
	}
	if asked != 2 {
		t.Errorf("docs/churn.md shows %d queries", asked)
	}
}

func clickhouseScore(customer, day, model string, p, atRisk, base float64) pipeline.ChurnScoreRow {
	none := math.NaN()
	return pipeline.ChurnScoreRow{AsOf: on(day), CustomerID: customer, Model: model, Segment: "standard", Margin: 100, P: [3]float64{p / 12, p / 4, p}, Low: [3]float64{none, none, none},
		High: [3]float64{none, none, none}, Base: [3]float64{0.01, 0.02, 0.05}, ValueAtRisk: atRisk, ValueAtRiskBase: base, VoiceRisk: none, ExpectedUses: none}
}

func scoredOn(day string, position uint64) pipeline.ScoredDayRow {
	return pipeline.ScoredDayRow{AsOf: on(day), Model: "m2", Scored: 5, Told: 1, Position: position}
}
