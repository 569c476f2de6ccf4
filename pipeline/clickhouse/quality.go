package clickhouse

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"parcours/pipeline/churn"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// ChurnBy makes losses_v go by a rule book. Of several that do it at once the last holds.
func (s *Store) ChurnBy(ctx context.Context, book *rules.Book) error {
	values := quote(book.Version()) + ", " + lossRules(book)
	var same uint64
	sql := fmt.Sprintf("SELECT count() FROM (SELECT rules_version, segments FROM %s ORDER BY written_at DESC LIMIT 1) WHERE toString((rules_version, segments)) = toString((%s))",
		s.table("churn_rules"), values)
	if err := s.scan(ctx, "read by which rules losses go", sql, &same); err != nil || same > 0 {
		return err
	}
	return s.exec(ctx, "write by which rules losses go", fmt.Sprintf("INSERT INTO %s (written_at, rules_version, segments) SELECT greatest(now64(3, 'UTC'), "+
		"(SELECT max(written_at) + INTERVAL 1 MILLISECOND FROM %[1]s)), %[2]s", s.table("churn_rules"), values))
}

// lossRules are the segments of a book and what they lose, and last everybody else, as a literal of SQL.
func lossRules(book *rules.Book) string {
	var list []string
	for _, g := range book.Segments {
		loss := rules.UsualLoss
		if g.Loss != nil {
			loss = *g.Loss
		}
		list = append(list, lossRule(&g, loss))
	}
	list = append(list, lossRule(&rules.Segment{Name: rules.StandardSegment}, rules.UsualLoss))
	return "CAST([" + strings.Join(list, ", ") + "], 'Array(Tuple(name String, captive Nullable(Bool), product String, annual_margin_from Nullable(Float64), cancelled Bool, value_down Float64, for_s UInt32))')"
}

func lossRule(g *rules.Segment, loss rules.Loss) string {
	float := func(v float64) string { return fmt.Sprintf("toFloat64(%s)", strconv.FormatFloat(v, 'g', -1, 64)) }
	return fmt.Sprintf("(%s, %s, %s, %s, %t, %s, %d)", quote(g.Name), orNull(g.Captive, strconv.FormatBool), quote(g.Product), orNull(g.AnnualMarginFrom, float),
		loss.Cancelled, float(loss.ValueDown), int(loss.For/time.Second))
}

// Judgement is how good a model was found to be: on what came after what it had learnt from.
type Judgement struct {
	Model       string // version
	LearntUntil event.Instant
	AsOf        event.Instant // up to when outcomes were known
	Rules       string        // version of the book that says what a loss is
	Projection  [3]bool       // by churn.Horizons
	Quality     []churn.Quality
	Drift       churn.Measure     // PSI; of no measure where there is none
	Judged      [3][]churn.Judged // by churn.Horizons: what Quality is of
}

// KeepJudgement stores a judgement. Readers see it in place of the one before of the same model from one moment on: the
// figures come last, and name the predictions that they are of.
func (s *Store) KeepJudgement(ctx context.Context, j *Judgement) error {
	var now event.Instant
	sql := "SELECT toUnixTimestamp64Milli(greatest(now64(3, 'UTC'), max(computed_at) + INTERVAL 1 MILLISECOND)) FROM " + s.table("model_quality")
	if err := s.scan(ctx, "read when models were last judged", sql, (*int64)(&now)); err != nil {
		return err
	}
	for i, rows := range j.Judged {
		if err := s.insertAll(ctx, predictions(j.Model, churn.Horizons[i], now).blocks(rows)); err != nil {
			return err
		}
	}
	return s.insertAll(ctx, judgements(j, now).blocks(j.measures()))
}

func predictions(model string, horizon int, now event.Instant) table[churn.Judged] {
	type row = churn.Judged
	return table[row]{name: "model_predictions", noun: "predictions", columns: []column[row]{
		instant("computed_at", func(*row) event.Instant { return now }),
		text("model", func(*row) string { return model }),
		col("landmark", "Date32", func(r *row) time.Time { return r.At.Time() }),
		text("customer_id", func(r *row) string { return r.Customer }),
		col("horizon", "UInt16", func(*row) uint16 { return uint16(horizon) }),
		text("segment", func(r *row) string { return r.Segment }),
		number("p", func(r *row) float64 { return r.P }),
		flag("lost", func(r *row) bool { return r.Lost }),
		number("weight", func(r *row) float64 { return r.Weight }),
	}}
}

func judgements(j *Judgement, now event.Instant) table[churn.Measure] {
	type row = churn.Measure
	of := func(name string, of func(*row) float64) column[row] {
		return perhaps(name, func(r *row) *float64 { v := finite(of(r)); return &v })
	}
	return table[row]{name: "model_quality", noun: "figures of quality", columns: []column[row]{
		instant("computed_at", func(*row) event.Instant { return now }),
		text("model", func(*row) string { return j.Model }),
		instant("learnt_until", func(*row) event.Instant { return j.LearntUntil }),
		instant("as_of", func(*row) event.Instant { return j.AsOf }),
		text("rules_version", func(*row) string { return j.Rules }),
		col("horizon", "UInt16", func(r *row) uint16 { return uint16(r.Horizon) }),
		text("segment", func(r *row) string { return r.Segment }),
		text("measure", func(r *row) string { return r.Measure }),
		col("bin", "UInt8", func(r *row) uint8 { return uint8(r.Bin) }),
		of("value", func(r *row) float64 { return r.Value }), of("low", func(r *row) float64 { return r.Low }), of("high", func(r *row) float64 { return r.High }),
		count64("n", func(r *row) uint64 { return uint64(r.N) }),
	}}
}

// finite is NaN for what is infinite too: a figure that there is none of.
func finite(v float64) float64 {
	if math.IsInf(v, 0) {
		return math.NaN()
	}
	return v
}

// measures are the figures of a judgement, with the counts beside them.
func (j *Judgement) measures() []churn.Measure {
	rows := churn.Measures(j.Model, j.AsOf, j.Quality)
	for i := range j.Quality {
		q := &j.Quality[i]
		add := func(name string, v float64) {
			rows = append(rows, churn.Measure{Horizon: q.Horizon, Segment: q.Segment, Measure: name, Value: v, Low: math.NaN(), High: math.NaN(), N: q.N})
		}
		add("customers", float64(q.Customers))
		add("losses", float64(q.Lost))
		for h, days := range churn.Horizons {
			if days == q.Horizon && j.Projection[h] {
				add("projection", 1)
			}
		}
	}
	if j.Drift.Measure != "" {
		rows = append(rows, j.Drift)
	}
	return rows
}
