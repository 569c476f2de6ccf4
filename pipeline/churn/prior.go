package churn

import (
	"math"
	"slices"
)

// The prior score: what is said before anything could be learnt. It puts customers in an order that most companies would
// agree with, and its intervals are so wide that nobody takes it for more.
const (
	priorYear   = 0.06 // loss in a year of a customer of whom nothing is known
	priorSpread = 0.7  // standard deviation of the logarithm of its hazards: a factor of 4 either way
)

// priorRule is what one feature does to the log odds of a loss in a month of each group.
type priorRule struct {
	feature string
	by      [3]float64
	mean    float64 // of customers, where 0 is not usual
	most    float64 // more counts as this
}

// priorRules are judgement, not measurement; docs/churnmodel.md gives them as a table.
var priorRules = slices.Concat([]priorRule{
	{CancelRequested, [3]float64{3.5, 2.5, 1}, 0, 1},
	{PortabilityRequested, [3]float64{3.5, 2.5, 1}, 0, 1},
	{RenewalDue, [3]float64{0.8, 0.8, 0.4}, 0, 1},
	{ValueCut, [3]float64{0.8, 0.8, 0.6}, 0, 1},
	{Silence, [3]float64{0.7, 0.7, 0.5}, 0, 1},
	{"value_lost", [3]float64{0.5, 0.5, 0.5}, 0, 1},
	{"complaints:30d", [3]float64{0.4, 0.3, 0.15}, 0, 3},
	{"escalations:30d", [3]float64{0.5, 0.4, 0.2}, 0, 2},
	{"litigation:30d", [3]float64{0.6, 0.5, 0.3}, 0, 2},
	{"incivility:30d", [3]float64{0.2, 0.15, 0.1}, 0, 2},
	{"nps:low", [3]float64{0.8, 0.7, 0.5}, 0, 1},
	{"csat:low", [3]float64{0.5, 0.4, 0.3}, 0, 1},
	{"ces:low", [3]float64{0.4, 0.3, 0.2}, 0, 1},
	{"use_trend", [3]float64{-0.4, -0.4, -0.3}, 0, 2},
	{"tenure", [3]float64{-0.3, -0.3, -0.3}, 1.5, 3},
}, priorKinds(0.30, "core_failure", "broken_promise"),
	priorKinds(0.15, "sla_breach", "complaint_escalation", "repeat_contact", "reopened_case", "unresolved_end", "tension", "detractor"),
	priorKinds(0.05, "stalled_case", "silo_handoff", "channel_ping_pong", "channel_failover", "form_abandonment", "refused_contact",
		"queue_abandonment", "repeated_information", "long_wait", "unanswered_detractor"))

// priorKinds are rules for what kinds of breakpoint do, while fresh; half as much from the fourth month on.
func priorKinds(by float64, kinds ...string) (rules []priorRule) {
	for _, kind := range kinds {
		rules = append(rules, priorRule{kind + ":30d", [3]float64{by, by, by / 2}, 0, 4})
	}
	return rules
}

// Prior is the model that is in force while there is none: documented coefficients, no segment, and scores that say that
// they are prior. Of its features those that columns do not have count for nothing.
func Prior(columns Columns) *Model {
	month := -math.Expm1(math.Log1p(-priorYear) / monthsOfYear)
	m := &Model{Version: PriorVersion, Prior: true, Spread: priorSpread, Projection: [3]bool{true, true, true}, Base: [][3]float64{{month, month, month}},
		Means: [][]float64{nil}, Features: []string{}, Segments: []string{}, Least: []float64{}, Most: []float64{}}
	for g := range m.Months {
		m.Months[g] = Hazard{Intercept: math.Log(month / (1 - month)), Slope: 1, Coefficients: []float64{}, Offsets: []float64{}, Levels: []float64{}, Free: []int{}, Covariance: []float32{}}
	}
	names := columns.Names()
	for _, r := range priorRules {
		if !slices.Contains(names, r.feature) {
			continue
		}
		m.Features, m.Most, m.Least = append(m.Features, r.feature), append(m.Most, r.most), append(m.Least, min(0, r.by[0])/math.Abs(r.by[0])*r.most)
		m.Means[0] = append(m.Means[0], r.mean)
		for g := range m.Months {
			h := &m.Months[g]
			h.Coefficients = append(h.Coefficients, r.by[g])
			h.Intercept -= r.by[g] * r.mean
		}
	}
	if err := m.bind(columns); err != nil {
		panic(err) // only features that columns have are in it
	}
	return m
}

// monthsOfYear are the months of hazard in 365 days.
const monthsOfYear = 365. / monthDays
