package clickhouse

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// ruleBooks has what views need of a book as columns, and all of it as a document.
func ruleBooks(g uint32) table[pipeline.RuleBookRow] {
	type row = pipeline.RuleBookRow
	return table[row]{
		name: "rule_books", noun: "rule books",
		columns: []column[row]{
			generation[row](g),
			count64("position", func(r *row) uint64 { return r.Position }),
			text("version", func(r *row) string { return r.Book.Version() }),
			instant("effective_from", func(r *row) event.Instant { return r.EffectiveFrom }),
			text("judges", func(r *row) string { return r.Book.Judges() }),
			text("costs", func(r *row) string { return r.Book.Costs() }),
			text("currency", func(r *row) string { return r.Book.Currency }),
			flag("rates_are_illustrative", func(r *row) bool { return r.Book.RatesIllustrative }),
			count64("journeys_mature_s", func(r *row) uint64 { return uint64(r.Book.JourneysMature().Seconds()) }),
			col("months_before", "Array(UInt16)", func(r *row) []uint16 { return monthsBefore(r.Book) }),
			texts("targets.name", func(r *row) []string { return targetNames(r.Book) }),
			col("targets.value", "Array(Float64)", func(r *row) []float64 { return targetValues(r.Book) }),
			text("document", func(r *row) string { return r.Document }),
		},
	}
}

func monthsBefore(b *rules.Book) []uint16 {
	months := make([]uint16, len(b.MonthsBefore))
	for i, m := range b.MonthsBefore {
		months[i] = uint16(m)
	}
	return months
}

func targetNames(b *rules.Book) []string { return slices.Sorted(maps.Keys(b.Targets)) }

func targetValues(b *rules.Book) []float64 {
	names := targetNames(b)
	values := make([]float64, len(names))
	for i, name := range names {
		values[i] = b.Targets[name]
	}
	return values
}

// RuleBooks says which rule books a generation has, by the position of their publication.
func (s *Store) RuleBooks(ctx context.Context, generation uint32) (map[uint64]string, error) {
	type book struct {
		position uint64
		version  string
	}
	sql := fmt.Sprintf("SELECT position, version FROM %s FINAL WHERE generation = %d", s.table("rule_books"), generation)
	list, err := all(ctx, s, "read the rule books", sql, func(scan scan) (b book, err error) {
		err = scan(&b.position, &b.version)
		return b, err
	})
	versions := make(map[uint64]string, len(list))
	for _, b := range list {
		versions[b.position] = b.version
	}
	return versions, err
}
