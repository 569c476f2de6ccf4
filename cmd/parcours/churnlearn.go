package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"parcours/pipeline/churn"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// learning is what models are made of in a directory: what is known of its customers, and by which rules.
type learning struct {
	store *clickhouse.Store
	book  *rules.Book // with those that were published since
	now   *rules.Book // that holds at the end of what is known
	begin event.Instant
	known event.Instant // everything is settled up to then
	uses  []churn.Uses  // of customers who never had a contract, as of then; since rows were read
}

// dawn is the share of events, those of contracts and rights apart, that a log may hold of the time before it was kept. Contracts
// began long before, and of those that ended in that time nobody tells: whoever looked at it would learn that nobody leaves.
const dawn = 0.001

// newLearning looks how far back a directory knows, and up to when.
func newLearning(ctx context.Context, d *directory, store *clickhouse.Store) (*learning, error) {
	l := &learning{store: store}
	var err error
	if l.book, err = bookInForce(ctx, d.bus, store); err != nil {
		return nil, err
	}
	found := false
	if l.known, found, err = store.Settled(ctx); err != nil {
		return nil, err
	}
	if !found {
		return nil, misused("the tables of %s are empty: nothing is known of any customer", d.flags.Data)
	}
	l.now = l.book.At(l.known)
	sql := fmt.Sprintf("SELECT toUnixTimestamp64Milli(quantileExact(%g)(time)) FROM %s.events_v WHERE family NOT IN ('contract', 'rights', 'system') HAVING count() > 0", dawn, store.Database())
	rows, err := store.Conn().Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("read when the log begins: %w", err)
	}
	defer rows.Close()
	l.begin = l.known
	for rows.Next() {
		if err := rows.Scan((*int64)(&l.begin)); err != nil {
			return nil, fmt.Errorf("read when the log begins: %w", err)
		}
	}
	return l, rows.Err()
}

// wanted is some landmarks, and up to when their outcomes are known.
type wanted struct {
	at    []event.Instant
	known event.Instant
}

// rows reads the facts of everybody once, and makes the rows of each list of landmarks.
func (l *learning) rows(ctx context.Context, lists []wanted, errOut io.Writer) ([][]churn.Row, error) {
	parameters := churn.ParametersOf(l.book)
	all, until := make([][]churn.Row, len(lists)), event.Instant(0)
	l.uses = nil
	landmarks := make([]churn.Landmarks, len(lists))
	for i, w := range lists {
		landmarks[i] = churn.Landmarks{At: w.at, Known: w.known, Parameters: parameters, Features: churn.AllFeatures()}
		until = max(until, w.known)
	}
	objectors := churn.Landmarks{Known: until, Parameters: parameters}
	bar, customers := newProgress(errOut, "churn", "customers"), 0
	defer bar.done()
	err := l.store.Facts(ctx, clickhouse.FactsWanted{Until: until}, func(customer string, facts []churn.Fact) error {
		customers++
		bar.at(customers, 0)
		if objectors.Objected(facts) {
			return nil // who objects today is in nothing, whatever they said before
		}
		l.use(facts, parameters)
		for i := range landmarks {
			all[i] = landmarks[i].Rows(all[i], customer, facts)
		}
		return nil
	})
	return all, err
}

// use notes the uses of a customer who never had a contract.
func (l *learning) use(facts []churn.Fact, p *churn.Parameters) {
	var s churn.Standing
	for _, f := range facts {
		s.Add(f)
	}
	state := s.State(l.known, p)
	contract, uses := state.Contract(), state.Uses()
	if !contract.InForce && !contract.Left && (uses.Recent > 0 || uses.Age > 0) {
		l.uses = append(l.uses, uses)
	}
}

// learnUses adds to a model what is to be expected of customers without a contract; it says why where that cannot be told.
func (l *learning) learnUses(ctx context.Context, model *churn.Model) (why string, err error) {
	if len(l.uses) == 0 {
		return "", nil
	}
	err = model.LearnUses(ctx, l.uses)
	if errors.Is(err, churn.ErrNobodyReturned) {
		return l.nobodyReturned(), nil
	}
	return "", err
}

func (l *learning) nobodyReturned() string {
	return fmt.Sprintf("none of the %d customers without a contract came back: nothing is foretold of their uses", len(l.uses))
}

// split is the landmark from which on a model is judged that has learnt from what was known there: the first of a month at
// least so many months of 365/12 days ago; where less than twice that is known, two thirds through what is, and it says so.
func (l *learning) split(months int) (at event.Instant, short string) {
	back := time.Duration(float64(months) * 365 / 12 * 24 * float64(time.Hour))
	at = l.known.Add(-back)
	isShort := l.known.Sub(l.begin) < 2*back
	if isShort {
		at = l.begin + (l.known-l.begin)*2/3
	}
	year, month, _ := at.Time().Date()
	at = event.InstantOf(time.Date(year, month, 1, 0, 0, 0, 0, time.UTC))
	if isShort {
		short = fmt.Sprintf("--outcomes %d: that wants a log of twice as many months, and it is known from %s to %s only; what came since %s (%.1f months) judges", months,
			l.begin.Time().Format(time.DateOnly), l.known.Time().Format(time.DateOnly), at.Time().Format(time.DateOnly), l.known.Sub(at).Hours()/24/365*12)
	}
	return at, short
}

// tooFew says that too few were lost to learn from, and how many it takes.
func tooFew(few *churn.TooFewError) string {
	return fmt.Sprintf("too few have left to learn from (%d customers were lost, %d are needed)", few.Losses, few.Least)
}

// judged is a model that was trained on what was known at a split, and what came after it.
type judged struct {
	split   event.Instant
	model   *churn.Model
	learnt  *churn.Report
	after   []churn.Row // landmarks from the split on, with their outcomes
	quality []churn.Quality
}

// predictions are what the model foretold.
func (j *judged) predictions() []churn.Prediction {
	list := make([]churn.Prediction, len(j.after))
	for i := range j.after {
		list[i] = churn.PredictionOf(j.model.Score(&j.after[i]), &j.after[i])
	}
	return list
}

// judge trains on rows that know nothing after the split, and judges by what came. With too few losses it gives the prior,
// judged, and says so by the error.
func (l *learning) judge(split event.Instant, before, after []churn.Row) (*judged, error) {
	j := &judged{split: split, after: after}
	var err error
	if j.model, j.learnt, err = churn.Train(before, churn.AllFeatures(), split, churn.Options{}); err != nil {
		j.model = churn.Prior(churn.AllFeatures())
	}
	j.quality = churn.QualityOf(j.predictions(), l.known)
	return j, err
}

// scored are the 365-day probabilities that were foretold, for drift.
func scored(predictions []churn.Prediction) []float64 {
	list := make([]float64, len(predictions))
	for i := range predictions {
		list[i] = predictions[i].P[len(churn.Horizons)-1]
	}
	return list
}
