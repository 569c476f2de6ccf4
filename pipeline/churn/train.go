package churn

import (
	"fmt"
	"slices"

	"parcours/pipeline/event"
)

// Options say how to train; the zero value is what is documented.
type Options struct {
	Strengths   []float64 // of the L2 penalty to choose from, rising; nil: 1, 3, 10, 30, 100, 300, 1000
	Later       float64   // share of the time, at its end, on which strength and recalibration are found; 0: a third
	LeastLosses int       // a group of months with fewer borrows from all months, and with fewer customers lost there is no model; 0: 30
}

func (o Options) withDefaults() Options {
	if o.Strengths == nil {
		o.Strengths = []float64{1, 3, 10, 30, 100, 300, 1000}
	}
	if o.Later == 0 {
		o.Later = 1. / 3
	}
	if o.LeastLosses == 0 {
		o.LeastLosses = 30
	}
	return o
}

// usualStrength is that of the penalty where there is too little to choose it on.
const usualStrength = 30

// TooFewError says that too few customers were lost to learn from: the prior stays. A customer who was lost is one, at however many
// landmarks that is foretold.
type TooFewError struct{ Losses, Least int }

func (e *TooFewError) Error() string {
	return fmt.Sprintf("train a churn model: %d customers were lost, at least %d are needed", e.Losses, e.Least)
}

// training is one run of Train.
type training struct {
	*design
	Options
	columns Columns
	until   event.Instant
	split   event.Instant // before it the early fit, after it what came then
	model   *Model
	report  *Report
}

// Train learns from rows with outcomes, known up to a moment. Rows of captive customers and of objectors are left out. It
// fits on what had happened by a moment two thirds through, chooses the strength of the penalty and finds the slope of the
// recalibration on what happened after it, and fits once more on everything, with levels from what happened after it. The
// same rows in any order give the same model. A *TooFewError says that too few were lost.
func Train(rows []Row, columns Columns, until event.Instant, options Options) (*Model, *Report, error) {
	if width := len(columns.Names()); width > most-8 {
		return nil, nil, fmt.Errorf("train a churn model: %d features are too many, %d is the most", width, most-8)
	}
	for i := range rows {
		if len(rows[i].X) != len(columns.Names()) {
			return nil, nil, fmt.Errorf("train a churn model: row %d has %d features, not %d", i, len(rows[i].X), len(columns.Names()))
		}
	}
	t := &training{design: newDesign(rows, columns, until), Options: options.withDefaults(), columns: columns, until: until}
	if lost := t.lostBy(until); lost < t.LeastLosses {
		return nil, nil, &TooFewError{lost, t.LeastLosses}
	}
	t.split = t.splits()
	t.report = &Report{Until: until, Split: t.split}
	t.model = t.describe()
	if err := t.learn(); err != nil {
		return nil, nil, fmt.Errorf("train a churn model: %w", err)
	}
	return t.model, t.report, nil
}

// allMonths is the group of all months.
var allMonths = [2]int{1, 12}

// splits says where the later part of the time begins, counted from the first landmark.
func (t *training) splits() event.Instant {
	first := t.rows[0].At
	for _, r := range t.rows {
		first = min(first, r.At)
	}
	return t.until - event.Instant(t.Later*float64(t.until-first))
}

// learn fits twice, and judges the first fit by what came after it.
func (t *training) learn() error {
	var early, final [3]fitted
	var problems [3]problem
	var later [3]recalibration
	for g := range monthGroups {
		months := t.months(g)
		early[g], later[g] = t.early(g, months)
		problems[g] = t.problemOf(t.exposures(months, everBefore(t.until)), early[g].strength)
		final[g] = problems[g].fit(t.startOf(early[g], &problems[g]))
	}
	if err := t.judgeEarly(early); err != nil {
		return err
	}
	for g := range monthGroups {
		after := t.exposures(t.months(g), period{t.split, t.until})
		if losses, _ := tally(after); losses >= t.LeastLosses {
			later[g] = recalibrate(t.design, after, final[g].params, later[g], true)
		}
		t.model.Months[g].set(&final[g], later[g], &problems[g])
	}
	t.model.keep(t.design, uncertaintyOf(problems, final))
	t.bases()
	return t.finish(later)
}

// startOf is where the last fit starts: at the early one, where there is one.
func (t *training) startOf(early fitted, p *problem) []float64 {
	if early.params != nil {
		return early.params
	}
	return p.nothing()
}

// months are those that the hazard of a group is learnt from: its own, or all where too few were lost in them.
func (t *training) months(group int) [2]int {
	if losses, _ := tally(t.exposures(monthGroups[group], everBefore(t.until))); losses < t.LeastLosses {
		t.model.Months[group].Borrowed = true
		return allMonths
	}
	return monthGroups[group]
}

// early fits a hazard on what had happened before the split with each strength, and keeps the weakest under which what came then
// was as likely as can be; and recalibrates it. Where too few were lost before it or after, it does neither.
func (t *training) early(group int, months [2]int) (fitted, recalibration) {
	before, after := t.exposures(months, everBefore(t.split)), t.exposures(months, period{t.split, t.until})
	lostBefore, _ := tally(before)
	lostAfter, _ := tally(after)
	if min(lostBefore, lostAfter) < t.LeastLosses {
		return fitted{design: t.design, strength: usualStrength}, none(len(t.segments))
	}
	p := t.problemOf(before, 0)
	start := p.nothing()
	tried := make([]fitted, len(t.Strengths))
	likely := make([]float64, len(t.Strengths))
	for i := len(t.Strengths) - 1; i >= 0; i-- { // the strongest is found soonest, and the others lie near
		p.strength = t.Strengths[i]
		tried[i] = p.fit(start)
		start = tried[i].params
		likely[i] = likelihood(t.design, after, start)
		t.report.Choices = append(t.report.Choices, Choice{group, p.strength, likely[i] / float64(lostAfter), tried[i].converged, tried[i].steps})
	}
	best := tried[t.weakest(likely, after)]
	return best, recalibrate(t.design, after, best.params, none(len(t.segments)), false)
}

// indistinct is by how much the log-likelihoods of two values of one parameter may differ and neither is refuted (Wilks 1938:
// half the 95 % quantile of the chi-square law of one degree of freedom).
const indistinct = 1.92

// weakest is the first strength that is as good as the best, as far as one can tell: a penalty that is stronger than it must be
// draws coefficients to 0, and intervals away from the truth.
func (t *training) weakest(likely []float64, after []exposure) int {
	rows, customers := t.lost(after)
	within := indistinct * float64(rows) / float64(customers)
	highest := slices.Max(likely)
	return slices.IndexFunc(likely, func(l float64) bool { return l >= highest-within })
}
