package clickhouse

import (
	"fmt"
	"math"

	"parcours/pipeline"
	"parcours/pipeline/churn"
	"parcours/pipeline/event"
)

func churnScores(g uint32) table[pipeline.ChurnScoreRow] {
	type row = pipeline.ChurnScoreRow
	columns := []column[row]{
		generation[row](g),
		instant("as_of", func(r *row) event.Instant { return r.AsOf }),
		text("customer_id", func(r *row) string { return r.CustomerID }),
		count64("position", func(r *row) uint64 { return r.Position }),
		partition(func(r *row) int { return r.Partition }),
		text("model", func(r *row) string { return r.Model }),
		flag("prior", func(r *row) bool { return r.Prior }),
		text("segment", func(r *row) string { return r.Segment }),
		flag("captive", func(r *row) bool { return r.Captive }),
		perhaps("annual_margin", func(r *row) *float64 { return &r.Margin }),
		perhaps("value_at_risk", func(r *row) *float64 { return &r.ValueAtRisk }),
		perhaps("value_at_risk_base", func(r *row) *float64 { return &r.ValueAtRiskBase }),
		perhaps("voice_risk", func(r *row) *float64 { return &r.VoiceRisk }),
		perhaps("expected_uses", func(r *row) *float64 { return &r.ExpectedUses }),
		count32("recent_uses", func(r *row) uint32 { return r.RecentUses }),
		reasons("feature", "Array(String)", func(r churn.Reason) string { return r.Feature }),
		reasons("value", "Array(Float64)", func(r churn.Reason) float64 { return r.Value }),
		reasons("weight", "Array(Float64)", func(r churn.Reason) float64 { return r.Weight }),
		text("ended", func(r *row) string { return r.Ended }),
	}
	for i, days := range churn.Horizons {
		columns = append(columns,
			perhaps(fmt.Sprint("p", days), func(r *row) *float64 { return &r.P[i] }), perhaps(fmt.Sprint("low", days), func(r *row) *float64 { return &r.Low[i] }),
			perhaps(fmt.Sprint("high", days), func(r *row) *float64 { return &r.High[i] }), perhaps(fmt.Sprint("base", days), func(r *row) *float64 { return &r.Base[i] }),
			flag(fmt.Sprint("projection", days), func(r *row) bool { return r.Projection[i] }))
	}
	return table[row]{name: "churn_scores", noun: "scores", columns: columns, month: func(r *row) event.Instant { return r.AsOf }}
}

// perhaps is NULL where the figure is NaN: not there.
func perhaps[R any](name string, get func(*R) *float64) column[R] {
	return measured(name, func(r *R) *float64 {
		if v := get(r); !math.IsNaN(*v) {
			return v
		}
		return nil
	})
}

func reasons[V any](name, typ string, get func(churn.Reason) V) column[pipeline.ChurnScoreRow] {
	return col("reasons."+name, typ, func(r *pipeline.ChurnScoreRow) []V {
		values := make([]V, len(r.Reasons))
		for i, reason := range r.Reasons {
			values[i] = get(reason)
		}
		return values
	})
}

func scoredDays(g uint32) table[pipeline.ScoredDayRow] {
	type row = pipeline.ScoredDayRow
	return table[row]{
		name: "scored_days", noun: "scored days",
		columns: []column[row]{
			generation[row](g),
			instant("as_of", func(r *row) event.Instant { return r.AsOf }),
			count64("position", func(r *row) uint64 { return r.Position }),
			partition(func(r *row) int { return r.Partition }),
			text("model", func(r *row) string { return r.Model }),
			count32("scored", func(r *row) uint32 { return r.Scored }),
			count32("told", func(r *row) uint32 { return r.Told }),
		},
	}
}

func models(g uint32) table[pipeline.ModelRow] {
	type row = pipeline.ModelRow
	return table[row]{
		name: "models", noun: "models",
		columns: []column[row]{
			generation[row](g),
			count64("position", func(r *row) uint64 { return r.Position }),
			partition(func(r *row) int { return r.Partition }),
			instant("effective_from", func(r *row) event.Instant { return r.EffectiveFrom }),
			text("version", func(r *row) string { return r.Version }),
			text("document", func(r *row) string { return r.Document }),
		},
	}
}
