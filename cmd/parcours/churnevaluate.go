package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline/churn"
	"parcours/pipeline/evaluate"
	"parcours/pipeline/event"
)

// ChurnEvaluateCommand says how good the foretelling of losses is.
type ChurnEvaluateCommand struct {
	DirectoryFlags
	Outcomes int    `help:"Months at the end that are kept for outcomes: the model knows nothing of them. Of a log of less than twice as many a third is kept, and the output says so." default:"12" env:"-"`
	Truth    string `help:"Truth file that parcours simulate wrote beside the events: the best possible figures, and what truly drives customers away." type:"existingfile" placeholder:"FILE" env:"-"`
	Controls bool   `help:"Judge two models that must fail too: one that always says 0, and, with a truth, one that says twice the truth." env:"-"`
	Store    bool   `help:"Keep the predictions and the figures in the tables (model_predictions_v, model_quality_v)." env:"-"`
	JSON     bool   `name:"json" help:"Print one JSON object as the last line of standard output."`
}

// Help is shown by --help.
func (*ChurnEvaluateCommand) Help() string {
	return `Trains on everything that was known a year ago, and judges by what came after: each horizon, overall and by segment. Exit code 1
when a figure is out of bounds; a horizon that no outcome can judge yet is named, and breaks none. docs/churn.md says what each figure
and each bound means.

  parcours churn evaluate --data DIR
  parcours churn evaluate --data DIR --truth truth.ndjson --controls --json`
}

// churnEvaluation is what the command prints.
type churnEvaluation struct {
	Model       string           `json:"model"`
	Prior       bool             `json:"prior"`         // nothing could be learnt: the prior score is judged
	Why         string           `json:"why,omitempty"` // nothing could be learnt
	Warnings    []string         `json:"warnings"`
	Split       string           `json:"split"` // the model knew nothing after it
	Known       string           `json:"known_until"`
	Rows        int              `json:"rows"` // learnt from
	Losses      int              `json:"losses"`
	Seconds     float64          `json:"training_seconds"`
	Quality     []shownQuality   `json:"quality"`
	Failures    []string         `json:"failures"`                     // bounds that are broken
	NotJudged   []churn.Unjudged `json:"not_judged"`                   // horizons of which no outcome is known yet
	Passed      bool             `json:"passed"`                       // every horizon was judged, and no bound is broken
	WithoutTrue int              `json:"rows_without_truth,omitempty"` // judged, and left out where the best is compared
	Controls    []shownControl   `json:"controls,omitempty"`
	Causes      []shownCause     `json:"causes,omitempty"`
	TooFew      int              `json:"too_few,omitempty"` // a kind of which fewer are exposed and lost has no ratio

	stored bool
}

// shownControl is a model that must fail.
type shownControl struct {
	Name     string   `json:"name"`
	Failures []string `json:"failures"`
	Fails    bool     `json:"fails"` // as it must
}

// Run evaluates.
func (c *ChurnEvaluateCommand) Run(common *service.Common, s *streams) error {
	if c.Outcomes < 1 || c.Outcomes > 60 {
		return misused("--outcomes %d: expected 1 to 60 months", c.Outcomes)
	}
	ctx, stop := service.Interruptible()
	defer stop()
	d, err := openDirectory(c.DirectoryFlags, common.Logger(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	defer d.close()
	store, err := d.migrated(ctx)
	if err != nil {
		return err
	}
	l, err := newLearning(ctx, d, store)
	if err != nil {
		return err
	}
	r, err := c.evaluate(ctx, l, s.err)
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(s.out).Encode(r)
	} else {
		r.print(s.out)
	}
	return errors.Join(err, r.verdict())
}

// verdict is the error of a bound that is broken, or of a control that is not.
func (r *churnEvaluation) verdict() error {
	for _, c := range r.Controls {
		if !c.Fails {
			return coded{fmt.Errorf("the control %q is within all bounds: they say nothing here", c.Name), service.Wrong}
		}
	}
	if len(r.Failures) > 0 {
		return coded{fmt.Errorf("%d bounds are broken", len(r.Failures)), service.Wrong}
	}
	return nil
}

func (c *ChurnEvaluateCommand) evaluate(ctx context.Context, l *learning, errOut io.Writer) (*churnEvaluation, error) {
	split, short := l.split(c.Outcomes)
	lists, err := l.rows(ctx, []wanted{{churn.Monthly(l.begin, split-1), split}, {churn.Monthly(split, l.known), l.known}}, errOut)
	if err != nil {
		return nil, err
	}
	r := &churnEvaluation{Split: split.String(), Known: l.known.String(), Rows: len(lists[0]), Warnings: []string{}}
	if short != "" {
		r.Warnings = append(r.Warnings, short)
	}
	j, err := l.judge(split, lists[0], lists[1])
	var few *churn.TooFewError
	switch {
	case errors.As(err, &few):
		r.Prior, r.Why, err = true, tooFew(few), nil // the prior is judged instead
	case err != nil:
		return nil, err
	}
	r.Model, r.Losses = j.model.Version, j.model.Losses
	var truth *evaluate.Leaving
	var best []churn.Prediction
	if c.Truth != "" {
		if truth, best, err = c.best(ctx, l, j, r); err != nil {
			return nil, err
		}
	}
	r.judge(j, churn.QualityOf(best, l.known), l.known)
	if c.Controls {
		r.control(l, j, best)
	}
	if truth != nil {
		r.TooFew = l.now.Attribution.TooFew
		if r.Causes, err = l.causes(ctx, truth, slices.Concat(lists...)); err != nil {
			return nil, err
		}
	}
	if c.Store {
		r.stored = true
		err = errors.Join(l.store.ChurnBy(ctx, l.now), l.store.KeepJudgement(ctx, l.judgement(j.model, j)))
	}
	return r, err
}

// judge holds the quality to the bounds, and notes the horizons that have none.
func (r *churnEvaluation) judge(j *judged, best []churn.Quality, known event.Instant) {
	r.Quality, r.Failures = shownQualities(j.quality), []string{}
	r.NotJudged = append([]churn.Unjudged{}, churn.UnjudgedOf(j.predictions(), known)...)
	for i := range r.Quality {
		for b := range best {
			if q := &r.Quality[i]; q.Horizon == best[b].Horizon && q.Segment == best[b].Segment {
				q.Best = stated(best[b].AUC.Value)
			}
		}
	}
	for _, f := range churn.Accept(j.quality, best) {
		r.Failures = append(r.Failures, f.String())
	}
	r.Passed = len(r.Failures)+len(r.NotJudged) == 0
}

// best reads the truth, and gives what somebody would have foretold who knew how the company was made. Rows of which the truth
// says nothing are judged no more: both are of the same rows.
func (c *ChurnEvaluateCommand) best(ctx context.Context, l *learning, j *judged, r *churnEvaluation) (*evaluate.Leaving, []churn.Prediction, error) {
	file, err := openFile(c.Truth, nil)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	truth, err := evaluate.ReadLeaving(bufio.NewReader(file))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", c.Truth, err)
	}
	starts, err := l.starts(ctx)
	if err != nil {
		return nil, nil, err
	}
	truly, known := truth.Truly(starts)
	if float64(known) < notAll*float64(len(starts)) || known == 0 {
		return nil, nil, misused("only %s of the contracts in %s start in %s: give the truth that was written beside the events imported there", percent(known, len(starts)), c.Data, c.Truth)
	}
	var both []churn.Row
	var best []churn.Prediction
	for _, row := range j.after {
		p, is := truly[evaluate.At{Customer: row.Customer, Landmark: row.At}]
		if !is {
			r.WithoutTrue++
			continue
		}
		both = append(both, row)
		best = append(best, churn.Prediction{Customer: row.Customer, At: row.At, Segment: row.Segment, P: p, Lost: row.Lost, FollowUp: row.FollowUp})
	}
	j.after = both
	j.quality = churn.QualityOf(j.predictions(), l.known)
	return truth, best, nil
}

// starts gives, of each event that starts a contract ("source id"), its customer.
func (l *learning) starts(ctx context.Context) (map[string]string, error) {
	rows, err := l.store.Conn().Query(ctx, "SELECT concat(source, ' ', id), customer_id FROM "+l.store.Database()+".events_v WHERE type = '"+event.ContractStarted+"' AND customer_id != ''")
	if err != nil {
		return nil, fmt.Errorf("read whose contracts start: %w", err)
	}
	defer rows.Close()
	starts := map[string]string{}
	for rows.Next() {
		var origin, customer string
		if err := rows.Scan(&origin, &customer); err != nil {
			return nil, fmt.Errorf("read whose contracts start: %w", err)
		}
		starts[origin] = customer
	}
	return starts, rows.Err()
}

// control judges models that must fail, on the same rows and by the same bounds.
func (r *churnEvaluation) control(l *learning, j *judged, best []churn.Prediction) {
	bounds := churn.QualityOf(best, l.known)
	judge := func(name string, predictions []churn.Prediction) {
		control := shownControl{Name: name, Failures: []string{}}
		for _, f := range churn.Accept(churn.QualityOf(predictions, l.known), bounds) {
			control.Failures = append(control.Failures, f.String())
		}
		control.Fails = len(control.Failures) > 0
		r.Controls = append(r.Controls, control)
	}
	never, twice := j.predictions(), slices.Clone(best)
	for i := range never {
		never[i].P = [3]float64{}
	}
	judge("always 0", never)
	for i := range twice {
		for h := range twice[i].P {
			twice[i].P[h] = min(1, 2*twice[i].P[h])
		}
	}
	if len(twice) > 0 {
		judge("twice the truth", twice)
		judge("the truth itself, which must not", best)
		truth := &r.Controls[len(r.Controls)-1]
		truth.Fails = !truth.Fails // within the bounds, as it must be
	}
}

// horizonsWords are the horizons that were not judged: "90 and 365 days".
func horizonsWords(list []churn.Unjudged) string {
	words := make([]string, len(list))
	for i, u := range list {
		words[i] = fmt.Sprint(u.Horizon)
	}
	return strings.Join(words, " and ") + " days"
}
