package clickhouse

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"parcours/pipeline"
	"parcours/pipeline/alert"
	"parcours/pipeline/event"
)

const (
	blockRows   = 50_000 // rows of one insert at most
	blockMonths = 50     // month partitions of one insert at most; the server refuses more than 100
)

// table says how rows of type R become columns of a table.
type table[R any] struct {
	name    string
	noun    string                 // of its rows, in errors
	month   func(*R) event.Instant // what the table is partitioned by; nil when it is not
	columns []column[R]
}

// column is sent under the plain type of its values: the server turns String into LowCardinality(String) on arrival, which
// it does faster than the driver builds a dictionary.
type column[R any] struct {
	name   string
	typ    string
	values func(rows []R) any // a typed slice, one value a row
}

// block is one insert: rows of one table, turned into columns one by one as it is sent, and again when it is sent again.
type block struct {
	table   string
	noun    string
	rows    int
	columns []clickhouse.ColumnNameAndType
	values  func(column int) any
}

// blocks cuts rows so that none is too big or touches too many months.
func (t table[R]) blocks(rows []R) []block {
	var blocks []block
	for _, part := range cut(rows, t.month) {
		blocks = append(blocks, t.block(part))
	}
	return blocks
}

func (t table[R]) block(rows []R) block {
	b := block{table: t.name, noun: t.noun, rows: len(rows)}
	for _, c := range t.columns {
		b.columns = append(b.columns, clickhouse.ColumnNameAndType{Name: c.name, Type: c.typ})
	}
	b.values = func(i int) any { return t.columns[i].values(rows) }
	return b
}

func (b block) insert(database string) string {
	names := make([]string, len(b.columns))
	for i, c := range b.columns {
		names[i] = c.Name
	}
	return fmt.Sprintf("INSERT INTO %s.%s (%s)", database, b.table, strings.Join(names, ", "))
}

// cut keeps the order of rows unless they touch more months than one block may: then they are cut by month.
func cut[R any](rows []R, at func(*R) event.Instant) [][]R {
	if at == nil {
		return slices.Collect(slices.Chunk(rows, blockRows))
	}
	months := map[int]bool{}
	for i := range rows {
		months[month(at(&rows[i]))] = true
	}
	if len(months) <= blockMonths {
		return slices.Collect(slices.Chunk(rows, blockRows))
	}
	return cutByMonth(rows, at)
}

func cutByMonth[R any](rows []R, at func(*R) event.Instant) [][]R {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b R) int { return cmp.Compare(month(at(&a)), month(at(&b))) })
	var parts [][]R
	start, months, last := 0, 0, -1
	for i := range rows {
		if m := month(at(&rows[i])); m != last {
			months, last = months+1, m
		}
		if months > blockMonths || i-start == blockRows {
			parts, start, months = append(parts, rows[start:i]), i, 1
		}
	}
	return append(parts, rows[start:])
}

// month counts months since the year 0, in UTC, of the instant as the table keeps it.
func month(at event.Instant) int {
	year, m, _ := time.UnixMilli(pipeline.Kept(at)).UTC().Date()
	return year*12 + int(m)
}

func col[R, V any](name, typ string, get func(*R) V) column[R] {
	return column[R]{name: name, typ: typ, values: func(rows []R) any {
		values := make([]V, len(rows))
		for i := range rows {
			values[i] = get(&rows[i])
		}
		return values
	}}
}

func text[R any](name string, get func(*R) string) column[R] { return col(name, "String", get) }

func texts[R any](name string, get func(*R) []string) column[R] {
	return col(name, "Array(String)", get)
}

func flag[R any](name string, get func(*R) bool) column[R] { return col(name, "Bool", get) }

func count32[R any](name string, get func(*R) uint32) column[R] { return col(name, "UInt32", get) }

func count64[R any](name string, get func(*R) uint64) column[R] { return col(name, "UInt64", get) }

func number[R any](name string, get func(*R) float64) column[R] { return col(name, "Float64", get) }

// measured is NULL where the pointer is nil.
func measured[R any](name string, get func(*R) *float64) column[R] {
	return col(name, "Nullable(Float64)", get)
}

func partition[R any](get func(*R) int) column[R] {
	return col("partition", "Int32", func(r *R) int32 { return int32(get(r)) })
}

func instant[R any](name string, get func(*R) event.Instant) column[R] {
	return col(name, "DateTime64(3, 'UTC')", func(r *R) int64 { return pipeline.Kept(get(r)) })
}

// day is a date of the range of Date32, 1900 to 2299.
func day[R any](name string, get func(*R) alert.Date) column[R] {
	return col(name, "Date32", func(r *R) time.Time { return get(r).Start().Time() })
}

// openInstant is NULL where the instant is 0: not given, or not yet.
func openInstant[R any](name string, get func(*R) event.Instant) column[R] {
	return col(name, "Nullable(DateTime64(3, 'UTC'))", func(r *R) *int64 {
		if at := get(r); at != 0 {
			ms := pipeline.Kept(at)
			return &ms
		}
		return nil
	})
}

// endInstant is an end, null while there is none.
func endInstant[R any](name string, get func(*R) (event.Instant, bool)) column[R] {
	return col(name, "Nullable(DateTime64(3, 'UTC'))", func(r *R) *int64 {
		at, ended := get(r)
		if !ended {
			return nil
		}
		ms := pipeline.Kept(at)
		return &ms
	})
}

func deleted[R any](get func(*R) bool) column[R] {
	return col("deleted", "UInt8", func(r *R) uint8 {
		if get(r) {
			return 1
		}
		return 0
	})
}

func generation[R any](g uint32) column[R] {
	return count32("generation", func(*R) uint32 { return g })
}
