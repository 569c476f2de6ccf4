package brief

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"parcours/dashboards/words"
)

// ErrNoMonth says that no month can be told yet: none is over, with everything in it settled. Read gives it as a *NoMonthError.
var ErrNoMonth = errors.New("no month is complete yet: a brief needs one that is over, and in which every journey that ended has matured")

// NoMonthError says why no month can be told yet, and from when on one can, in the language of the brief.
type NoMonthError struct {
	Clock  time.Time     // how far the log has come
	First  time.Time     // first day of the first month in which a journey ended; zero where none has
	Mature time.Duration // from the end of a month until what came of its journeys is settled
	Late   time.Duration // for which late events are waited for
	said   string
}

// Error is a sentence for people, or two.
func (e *NoMonthError) Error() string { return e.said }

// Is says that it is ErrNoMonth.
func (e *NoMonthError) Is(target error) bool { return target == ErrNoMonth }

// From is when the first month can be told: where the clocks of the log have to come to. Zero where no journey has ended.
func (e *NoMonthError) From() time.Time {
	if e.First.IsZero() {
		return time.Time{}
	}
	return e.First.AddDate(0, 1, 0).Add(e.Mature + e.Late)
}

// say puts it into words.
func (e *NoMonthError) say(l words.Language) error {
	s, err := newSayer(l, "")
	if err != nil {
		return err
	}
	if e.said = s.say("brief.no_month.nothing"); !e.First.IsZero() {
		e.said = s.sayf("brief.no_month.first", days(e.Mature+e.Late), days(e.Mature), days(e.Late), s.month(e.First), s.day(e.From()), s.day(e.Clock))
	}
	return nil
}

// days are those of a length of time, a part of one counting whole.
func days(d time.Duration) int { return int(math.Ceil(d.Hours() / 24)) }

// NoMonth says why no month can be told: nil where one can.
func NoMonth(ctx context.Context, query Query, l words.Language) (*NoMonthError, error) {
	r := reader{ctx: ctx, query: query, brief: &Brief{Language: l}}
	var none *NoMonthError
	if err := r.months(); err == nil || !errors.As(err, &none) {
		return nil, err
	}
	return none, nil
}

// noMonth reads why no month can be told.
func (r *reader) noMonth() error {
	e := &NoMonthError{}
	err := r.each(`SELECT ifNull((SELECT min(clock) FROM {db}.frontier_v WHERE clock > '1900-01-01 00:00:00'), toDateTime64(0, 3, 'UTC')),
			ifNull((SELECT toInt64(min(dateDiff('second', settled, clock))) FROM {db}.frontier_v WHERE clock > '1900-01-01 00:00:00'), 0),
			ifNull((SELECT toInt64(argMax(journeys_mature_s, effective_from)) FROM {db}.rule_books_v), 0),
			ifNull((SELECT count() FROM {db}.journeys_v WHERE ended_at IS NOT NULL), 0),
			ifNull((SELECT min(ended_at) FROM {db}.journeys_v), toDateTime64(0, 3, 'UTC'))`, func(scan func(...any) error) error {
		var late, mature int64
		var ended uint64
		var first time.Time
		if err := scan(&e.Clock, &late, &mature, &ended, &first); err != nil {
			return err
		}
		e.Late, e.Mature = time.Duration(late)*time.Second, time.Duration(mature)*time.Second
		if ended > 0 {
			e.First = time.Date(first.UTC().Year(), first.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
		}
		return nil
	})
	if err == nil {
		err = e.say(r.brief.Language)
	}
	if err != nil {
		return fmt.Errorf("read why no month can be told: %w", err)
	}
	return e
}
