package aggregate

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"parcours/pipeline"
	"parcours/pipeline/churn"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// Customers are scored once a day, by the owner of the partitions, as of the last midnight that all clocks have passed. What is
// worth telling is told to the log, one message a customer, and at the end that the day is scored; it is known from there, and
// never computed again. Looked at is who may have changed since the day before, and of the others a seventh. The fold goes on meanwhile: scores are made from copies.

// scoring is what scoring a day begins with.
type scoring struct {
	asOf      event.Instant
	due       bool
	model     *churn.Model // nil for the prior
	customers []*pipeline.Census
}

// scoresAtOnce is how many messages are on their way to the log before any answer is waited for: so that events find room between
// them.
const scoresAtOnce = 500

// midnight is the last one (UTC) that the clocks of all partitions which have seen anything have passed; false for none that a
// table can hold.
func (a *Aggregator) midnight() (asOf event.Instant, any bool) {
	var least event.Instant
	for _, p := range a.lane.partitions {
		if _, seen := p.Settled(); seen && (!any || p.Clock() < least) {
			least, any = p.Clock(), true
		}
	}
	asOf = startOfDay(least)
	return asOf, any && Scorable(asOf)
}

// Scorable says whether a midnight is one that customers are scored as of: one that the tables can hold.
func Scorable(asOf event.Instant) bool { return asOf >= earliest && asOf < latest }

// latest is behind every midnight that the log can tell of.
const latest = event.Instant(9_151_488_000_000) // 2259-12-31

// unscored is the midnight as of which customers are to be scored, if any. Where time moves with events alone they are scored at
// its end, not on its way: years of midnights would be told in an hour.
func (a *Aggregator) unscored() (asOf event.Instant, due bool) {
	if a.position < a.duty.toldAt || !a.wall() && !a.idle() {
		return 0, false
	}
	asOf, any := a.midnight()
	if !any {
		return 0, false
	}
	last, scored := a.lane.partitions[0].Scored()
	return asOf, (!scored || last < asOf) && (!a.duty.scoredAny || a.duty.scored < asOf)
}

// toScore copies what scoring needs, where it is due.
func (a *Aggregator) toScore() (s scoring) {
	if s.asOf, s.due = a.unscored(); !s.due {
		return s
	}
	first := a.lane.partitions[0]
	s.model = first.ModelAt(s.asOf)
	everybody := first.JudgedOtherwise(s.asOf)
	for _, p := range a.lane.partitions {
		if everybody {
			s.customers = append(s.customers, p.Census())
		} else {
			s.customers = append(s.customers, p.CensusDue(s.asOf))
		}
	}
	return s
}

// score tells the log of the customers whose score is new, or has changed enough, and then that the day is scored. What an
// attempt that was cut short has told stands: the next one tells of the others, as they are known by then; where that comes
// on a later day, as of that day.
func (a *Aggregator) score(ctx context.Context, day *closed) error {
	s := &day.scoring
	if !s.due {
		return nil
	}
	began := time.Now()
	t := newTellings(a, s, day.book)
	for p, customers := range s.customers {
		t.partition = p
		if err := customers.Each(func(customer string, standing *churn.Standing, last churn.Last) error {
			return t.look(ctx, customer, standing, last)
		}); err != nil {
			return fmt.Errorf("score customers: %w", err)
		}
		t.passed += customers.Passed
	}
	if err := t.end(ctx); err != nil {
		return fmt.Errorf("score customers: %w", err)
	}
	a.Logger.Info().Stringer("as_of", s.asOf).Str("model", t.day.Model).Int("scored", t.day.Scored).Int("told", t.day.Told).
		Int("passed", t.passed).Dur("took", time.Since(began)).Msg("customers scored")
	return nil
}

// tellings are those of a day, on their way to the log.
type tellings struct {
	*Aggregator
	scorer    churn.Scorer
	day       churn.ScoredDay
	partition int
	passed    int // customers whose score stands as it was told
	entries   []pipeline.Entry
}

func newTellings(a *Aggregator, s *scoring, book *rules.Book) *tellings {
	model := s.model
	if model == nil {
		model = churn.Prior(churn.AllFeatures())
	}
	return &tellings{
		Aggregator: a, scorer: churn.Scorer{Model: model, AsOf: s.asOf, Parameters: churn.ParametersOf(book)},
		day: churn.ScoredDay{AsOf: s.asOf, Model: model.Version},
	}
}

// look tells of one customer, if there is something to tell.
func (t *tellings) look(ctx context.Context, customer string, standing *churn.Standing, last churn.Last) error {
	if last.Told() && last.Day == churn.DayOf(t.day.AsOf) { // told before the attempt was cut short
		t.day.Told++
		if last.Known {
			t.day.Scored++
		}
		return nil
	}
	telling, tell := t.scorer.Look(customer, standing, last)
	if !tell {
		return nil
	}
	t.day.Told++
	t.entries = append(t.entries, TellingEntry(t.partition, &telling))
	if len(t.entries) < scoresAtOnce {
		return nil
	}
	return t.tell(ctx)
}

// end tells the rest, and that the day is scored.
func (t *tellings) end(ctx context.Context) error {
	if err := t.tell(ctx); err != nil {
		return err
	}
	t.day.Scored += t.scorer.Scored + t.passed
	e := t.day.Event()
	t.entries = append(t.entries, pipeline.Entry{
		MsgID: event.MessageID(e.Source, e.ID), Partition: pipeline.All, Family: e.Type, Type: e.Type, Body: event.AppendLog(nil, &e),
	})
	return t.tell(ctx)
}

// tell stores what waits, and waits for the log where it is away, busy or full: events go first. What is stored already is a
// copy.
func (t *tellings) tell(ctx context.Context) error {
	_, err := backoff.Retry(ctx, func() (bool, error) {
		for _, out := range t.append(ctx, t.entries) {
			switch {
			case out.Err == nil:
				t.duty.reach(out.Position)
			case comesBack(out.Err):
				return false, out.Err
			default:
				return false, backoff.Permanent(fmt.Errorf("tell the log of %s: %w", t.day.AsOf, out.Err))
			}
		}
		return true, nil
	}, backoff.WithMaxElapsedTime(0))
	t.entries = t.entries[:0]
	return err
}

// TellingEntry is what is told of a customer on its way into the log, to the partition of the customer.
func TellingEntry(partition int, t *churn.Telling) pipeline.Entry {
	e := t.Event()
	return pipeline.Entry{
		MsgID: event.MessageID(e.Source, e.ID), Partition: partition, Channel: string(event.Other), Family: event.FamilySystem, Type: e.Type,
		Body: event.AppendLog(nil, &e),
	}
}
