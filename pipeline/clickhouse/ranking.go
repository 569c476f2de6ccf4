package clickhouse

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/attribution"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// RankBy makes the views of ranking and losses_v go by a rule book. Of several that do it at once the last holds.
func (s *Store) RankBy(ctx context.Context, book *rules.Book) error {
	if err := s.ChurnBy(ctx, book); err != nil {
		return err
	}
	values := rankingValues(book)
	names := "rules_version, currency, illustrative, exposed_s, lost_s, before_signal_s, too_few, replicates, leaving_reasons, segments"
	var same uint64
	sql := fmt.Sprintf("SELECT count() FROM %s WHERE (rules_version, toString(tuple(%s))) = (%s, toString(tuple(%s)))",
		s.table("ranking_rules_v"), names, quote(book.Version()), values)
	if err := s.scan(ctx, "read by which rules it is ranked", sql, &same); err != nil || same > 0 {
		return err
	}
	return s.exec(ctx, "write by which rules it is ranked", fmt.Sprintf("INSERT INTO %s (written_at, %s) SELECT greatest(now64(3, 'UTC'), "+
		"(SELECT max(written_at) + INTERVAL 1 MILLISECOND FROM %[1]s)), %[3]s", s.table("ranking_rules"), names, values))
}

// rankingValues are what a book says of ranking, as literals of SQL in the order of the columns.
func rankingValues(book *rules.Book) string {
	a := &book.Attribution
	segments := make([]string, len(book.Segments))
	for i, g := range book.Segments {
		segments[i] = fmt.Sprintf("(%s, %s, %s, %s)", quote(g.Name), orNull(g.Captive, strconv.FormatBool), quote(g.Product),
			orNull(g.AnnualMarginFrom, func(v float64) string { return fmt.Sprintf("toFloat64(%s)", strconv.FormatFloat(v, 'g', -1, 64)) }))
	}
	seconds := func(d time.Duration) string { return fmt.Sprintf("toUInt32(%d)", int(d/time.Second)) }
	return strings.Join([]string{
		quote(book.Version()), quote(book.Currency), strconv.FormatBool(book.RatesIllustrative),
		seconds(a.ExposedWithin), seconds(a.LostWithin), seconds(a.BeforeSignal), fmt.Sprintf("toUInt32(%d)", a.TooFew), fmt.Sprintf("toUInt32(%d)", a.Replicates),
		"CAST([" + quoteAll(a.LeavingReasons) + "], 'Array(String)')",
		"CAST([" + strings.Join(segments, ", ") + "], 'Array(Tuple(name String, captive Nullable(Bool), product String, annual_margin_from Nullable(Float64)))')",
	}, ", ")
}

func orNull[T any](v *T, text func(T) string) string {
	if v == nil {
		return "NULL"
	}
	return text(*v)
}

// Settled is up to when no event enters journeys any more in any partition that has seen one.
func (s *Store) Settled(ctx context.Context) (at event.Instant, found bool, err error) {
	var partitions uint64
	sql := fmt.Sprintf("SELECT count(), toUnixTimestamp64Milli(min(settled)) FROM %s WHERE clock > '1900-01-01 00:00:00'", s.table("frontier_v"))
	err = s.scan(ctx, "read up to when it is settled", sql, &partitions, (*int64)(&at))
	return at, partitions > 0, err
}

// LastEstimate is the latest estimate of associated losses of the current generation.
func (s *Store) LastEstimate(ctx context.Context) (e pipeline.LossEstimate, err error) {
	current, err := s.Current(ctx)
	if err != nil {
		return e, err
	}
	sql := fmt.Sprintf("SELECT toUnixTimestamp64Milli(toDateTime64(as_of, 3, 'UTC')), toUnixTimestamp64Milli(toDateTime64(last_landmark, 3, 'UTC')), landmarks, rules_version, replicates FROM %s "+
		"WHERE generation = %d ORDER BY computed_at DESC LIMIT 1", s.table("associated_loss"), current.Number)
	list, err := all(ctx, s, "read the last estimate of losses", sql, func(scan scan) (e pipeline.LossEstimate, err error) {
		var asOf, last int64
		var landmarks, replicates uint32
		err = scan(&asOf, &last, &landmarks, &e.Rules, &replicates)
		e.AsOf, e.LastLandmark, e.Landmarks, e.Replicates = event.Instant(asOf), event.Instant(last), int(landmarks), int(replicates)
		return e, err
	})
	if err == nil && len(list) > 0 {
		e = list[0]
	}
	e.Generation = current.Number
	return e, err
}

// Landmarks gives the rows of landmarks_v.
func (s *Store) Landmarks(ctx context.Context, found func(attribution.Row) error) error {
	sql := "SELECT toUnixTimestamp64Milli(toDateTime64(landmark, 3, 'UTC')), customer_id, reason_family, kinds, contacts, segment, tenure, lost FROM " +
		s.table("landmarks_v")
	return s.each(ctx, "read landmarks", sql, func(scan scan) error {
		var r attribution.Row
		if err := scan((*int64)(&r.Landmark), &r.Customer, &r.Family, &r.Kinds, &r.Contacts, &r.Segment, &r.Tenure, &r.Lost); err != nil {
			return err
		}
		return found(r)
	})
}

// KeepEstimate stores an estimate of associated losses, in one block: its rows have one computed_at, later than all before it,
// by which the view knows them. One that found nothing stands too, in place of the one before: each has a row without a kind,
// which the view leaves out.
func (s *Store) KeepEstimate(ctx context.Context, e pipeline.LossEstimate, found []attribution.Association) error {
	var now event.Instant
	sql := "SELECT toUnixTimestamp64Milli(greatest(now64(3, 'UTC'), max(computed_at) + INTERVAL 1 MILLISECOND)) FROM " + s.table("associated_loss")
	if err := s.scan(ctx, "read when losses were last estimated", sql, (*int64)(&now)); err != nil {
		return err
	}
	return s.insertAll(ctx, associatedLosses(e, now).blocks(append([]attribution.Association{{}}, found...)))
}

func associatedLosses(e pipeline.LossEstimate, now event.Instant) table[attribution.Association] {
	type row = attribution.Association
	day := func(name string, at event.Instant) column[row] {
		return col(name, "Date32", func(*row) time.Time { return at.Time() })
	}
	columns := []column[row]{
		instant("computed_at", func(*row) event.Instant { return now }), generation[row](e.Generation), day("as_of", e.AsOf), day("last_landmark", e.LastLandmark),
		count32("landmarks", func(*row) uint32 { return uint32(e.Landmarks) }),
		text("rules_version", func(*row) string { return e.Rules }),
		count32("replicates", func(*row) uint32 { return uint32(e.Replicates) }),
		text("kind", func(r *row) string { return r.Kind }),
		text("reason_family", func(r *row) string { return r.Family }),
		text("says", func(r *row) string { return r.Says }),
		count64("exposed", func(r *row) uint64 { return r.Exposed }),
		count64("exposed_losses", func(r *row) uint64 { return r.ExposedLosses }),
		count64("unexposed", func(r *row) uint64 { return r.Unexposed }),
		count64("unexposed_losses", func(r *row) uint64 { return r.UnexposedLosses }),
		count64("compared_losses", func(r *row) uint64 { return r.ComparedLosses }),
	}
	for _, c := range []struct {
		name string
		of   func(*row) float64
	}{
		{"risk_ratio", func(r *row) float64 { return r.RiskRatio.Value }}, {"low", func(r *row) float64 { return r.RiskRatio.Low }},
		{"high", func(r *row) float64 { return r.RiskRatio.High }}, {"log_variance", func(r *row) float64 { return r.Variance }},
		{"shrunk", func(r *row) float64 { return r.Shrunk.Value }}, {"shrunk_low", func(r *row) float64 { return r.Shrunk.Low }},
		{"shrunk_high", func(r *row) float64 { return r.Shrunk.High }}, {"associated_losses", func(r *row) float64 { return r.Losses.Value }},
		{"associated_losses_low", func(r *row) float64 { return r.Losses.Low }}, {"associated_losses_high", func(r *row) float64 { return r.Losses.High }},
	} {
		columns = append(columns, whereEstimated(c.name, c.of))
	}
	return table[row]{name: "associated_loss", noun: "associated losses", columns: columns}
}

// whereEstimated is NULL where there is too little to say.
func whereEstimated(name string, of func(*attribution.Association) float64) column[attribution.Association] {
	return measured(name, func(r *attribution.Association) *float64 {
		if r.Says != attribution.Estimated {
			return nil
		}
		v := of(r)
		return &v
	})
}
