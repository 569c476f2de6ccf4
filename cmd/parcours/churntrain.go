package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline"
	"parcours/pipeline/churn"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
)

// ChurnTrainCommand trains the model of losses.
type ChurnTrainCommand struct {
	DirectoryFlags
	From   string `help:"From when on scores are made with it: a date (2026-03-02, UTC) or a time (RFC 3339), later than every clock; without it, just behind them." placeholder:"TIME" env:"-"`
	DryRun bool   `help:"Train and judge; store and publish nothing." env:"-"`
	JSON   bool   `name:"json" help:"Print one JSON object as the last line of standard output."`
}

// Help is shown by --help.
func (*ChurnTrainCommand) Help() string {
	return `Learns from all that is settled who leaves, and publishes the model to the log: scores from its moment on are made with it, and those
that were told stay as they were. How good it is is measured on what came after the landmarks of a model that was trained in the
same way on what was known a year ago. Where too few have left to learn from, the prior score stays, and nothing is published.
docs/churn.md says what each figure means.

  parcours churn train --data DIR --dry-run
  parcours churn train --data DIR --from 2026-03-02`
}

// trained is what the command prints.
type trained struct {
	Trained      bool            `json:"trained"`
	Why          string          `json:"why,omitempty"` // it was not
	Model        string          `json:"model"`         // prior where nothing was learnt
	Known        string          `json:"known_until"`
	Rows         int             `json:"rows"`
	Customers    int             `json:"customers"`
	Losses       int             `json:"losses"`
	Uses         int             `json:"customers_without_contract"` // whose uses BG/NBD learnt from
	Projection   []int           `json:"projection"`                 // horizons without outcomes of such a length
	Split        string          `json:"split"`                      // quality is of a model that knew nothing after it
	Quality      []shownQuality  `json:"quality"`
	Drift        *float64        `json:"psi"`
	Coefficients []shownEffect   `json:"coefficients"` // the strongest
	Published    *publishedModel `json:"published,omitempty"`
	Warnings     []string        `json:"warnings"`
}

type publishedModel struct {
	Position uint64 `json:"position"` // in the log
	From     string `json:"effective_from"`
	First    string `json:"first_scores_as_of"` // the first midnight whose scores are made with it
	Mode     string `json:"clock_mode"`         // of the log: where it is log, that midnight is passed when later events come, and not before
}

// publishedAs is a model that holds from a moment on.
func publishedAs(position uint64, from event.Instant, mode string) *publishedModel {
	const day = 24 * time.Hour
	first := event.InstantOf(from.Time().Add(day - 1).Truncate(day))
	return &publishedModel{position, from.String(), first.String(), mode}
}

// print says when what is published will be seen.
func (p *publishedModel) print(out io.Writer) {
	fmt.Fprintf(out, "It is published at position %d of the log: scores as of %s and later are made with it.\n", p.Position, p.From)
	fmt.Fprintln(out, p.waits(english))
	if p.logTime() {
		fmt.Fprintln(out, "Until then lists and pages show the scores that there are.")
	}
}

// logTime says whether midnights pass by events alone.
func (p *publishedModel) logTime() bool { return p.Mode == nats.ModeLog }

// Run trains.
func (c *ChurnTrainCommand) Run(common *service.Common, s *streams) error {
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
	from, err := c.moment(ctx, d, store)
	if err != nil {
		return err
	}
	r, err := c.train(ctx, d, l, from, s)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(r)
	}
	r.print(s.out, c.DryRun)
	return nil
}

// moment reads --from. A model that held behind the clocks would change nothing: those midnights are scored.
func (c *ChurnTrainCommand) moment(ctx context.Context, d *directory, store *clickhouse.Store) (event.Instant, error) {
	clock, err := furthest(ctx, d.bus, store)
	if err != nil {
		return 0, err
	}
	if c.From == "" {
		return clock + 1, nil
	}
	at, err := instantOf(c.From, "UTC")
	if err == nil && at <= clock {
		err = misused("--from %s: the clocks of %s have come to %s already, and what was scored stays as it is; expected a later moment", c.From, c.Data, clock)
	}
	return at, err
}

func (c *ChurnTrainCommand) train(ctx context.Context, d *directory, l *learning, from event.Instant, s *streams) (*trained, error) {
	split, _ := l.split(12) // the title of the figures says when it is
	lists, err := l.rows(ctx, []wanted{
		{churn.Monthly(l.begin, l.known), l.known},
		{churn.Monthly(l.begin, split-1), split},
		{churn.Monthly(split, l.known), l.known},
	}, s.err)
	if err != nil {
		return nil, err
	}
	r := &trained{Model: churn.PriorVersion, Known: l.known.String(), Split: split.String(), Rows: len(lists[0]), Quality: []shownQuality{}, Coefficients: []shownEffect{},
		Projection: []int{}, Warnings: []string{}}
	model, report, err := churn.Train(lists[0], churn.AllFeatures(), l.known, churn.Options{})
	var few *churn.TooFewError
	if errors.As(err, &few) {
		r.Why = tooFew(few) + ": the prior score stays"
		return r, c.usesAlone(ctx, d, l, from, r)
	}
	if err != nil {
		return nil, err
	}
	why, err := l.learnUses(ctx, model)
	if err != nil {
		return nil, fmt.Errorf("learn of uses: %w", err)
	}
	if why != "" {
		r.warn("%s", why)
	}
	r.of(model, report)
	r.Uses = len(l.uses)
	tested, err := l.judge(split, lists[1], lists[2])
	if err != nil {
		if !errors.As(err, &few) {
			return nil, err
		}
		r.warn("of what was known on %s %s, so nobody knows yet how good this is", split.Time().Format(time.DateOnly), tooFew(few))
		tested = nil
	}
	r.judged(tested, l.known)
	if c.DryRun {
		return r, nil
	}
	return r, c.publish(ctx, d, l, model, tested, from, r)
}

// usesAlone learns how often customers without a contract come, where nothing can be learnt about who leaves. What was learnt about
// that before is never given up for it.
func (c *ChurnTrainCommand) usesAlone(ctx context.Context, d *directory, l *learning, from event.Instant, r *trained) error {
	if len(l.uses) == 0 {
		return nil
	}
	before, err := modelInForce(ctx, l.store, from)
	if err != nil {
		return err
	}
	if !before.Prior {
		r.warn("model %s is in force, and stays", before.Version)
		return nil
	}
	model, err := churn.UsesAlone(ctx, l.uses, l.known)
	if errors.Is(err, churn.ErrNobodyReturned) {
		r.warn("%s", l.nobodyReturned())
		return nil
	}
	if err != nil {
		return fmt.Errorf("learn of uses: %w", err)
	}
	r.Model, r.Uses = model.Version, len(l.uses)
	if c.DryRun {
		return nil
	}
	return c.publish(ctx, d, l, model, nil, from, r)
}

// publish stores how good the model is, and then puts it into the log: nobody scores with what is not judged.
func (c *ChurnTrainCommand) publish(ctx context.Context, d *directory, l *learning, model *churn.Model, tested *judged, from event.Instant, r *trained) error {
	if err := l.store.ChurnBy(ctx, l.now); err != nil {
		return err
	}
	if tested != nil {
		if err := l.store.KeepJudgement(ctx, l.judgement(model, tested)); err != nil {
			return err
		}
	}
	publication, err := churn.PublicationOf(model, from)
	if err != nil {
		return err
	}
	e := publication.Event(event.InstantOf(time.Now()))
	out := d.bus.Append(ctx, []pipeline.Entry{{
		MsgID: event.MessageID(e.Source, e.ID), Partition: pipeline.All, Family: e.Type, Type: e.Type, Body: event.AppendLog(nil, &e),
	}})[0]
	if out.Err != nil {
		return fmt.Errorf("publish the model: %w", out.Err)
	}
	info, err := d.bus.Info(ctx)
	if err != nil {
		return fmt.Errorf("read the clock mode, with the model published: %w", err)
	}
	r.Published = publishedAs(out.Position, from, info.Mode)
	return nil
}

// judgement is what is stored of how good a model is: the figures of its twin, which knew nothing after the split.
func (l *learning) judgement(model *churn.Model, tested *judged) *clickhouse.Judgement {
	predictions := tested.predictions()
	j := &clickhouse.Judgement{Model: model.Version, LearntUntil: tested.split, AsOf: l.known, Rules: l.now.Version(), Projection: tested.model.Projection,
		Quality: tested.quality, Drift: tested.model.Drift(l.known, "", scored(predictions))}
	for h := range churn.Horizons {
		j.Judged[h] = churn.Judge(predictions, h, l.known)
	}
	return j
}
