package clickhouse

import (
	"testing"
	"time"

	"parcours/pipeline"
)

// BenchmarkInsert puts the same events and journeys in by Insert and by the driver alone: columns filled beforehand, types
// as the table has them, one block of each table after the other. Read rows/s of the two side by side.
func BenchmarkInsert(b *testing.B) {
	s := migrated(b)
	rows := oneMonth(blockRows)
	b.Run("store", func(b *testing.B) {
		measure(b, s, rows, func() error { return s.Insert(b.Context(), rows) })
	})
	var bare []filled
	for _, block := range factBlocks(rows) {
		f := filled{sql: block.insert("cx")}
		for i := range block.columns {
			f.columns = append(f.columns, block.values(i))
		}
		bare = append(bare, f)
	}
	b.Run("bare", func(b *testing.B) {
		measure(b, s, rows, func() error {
			for _, f := range bare {
				if err := f.send(b, s); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func measure(b *testing.B, s *Store, rows *pipeline.Rows, insert func() error) {
	b.ReportAllocs()
	for b.Loop() {
		if err := insert(); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		exec(b, s, "TRUNCATE TABLE cx.events")
		exec(b, s, "TRUNCATE TABLE cx.journeys")
		b.StartTimer()
	}
	b.ReportMetric(float64((len(rows.Events)+len(rows.Journeys))*b.N)/b.Elapsed().Seconds(), "rows/s")
}

type filled struct {
	sql     string
	columns []any
}

func (f filled) send(b *testing.B, s *Store) error {
	batch, err := s.Conn().PrepareBatch(b.Context(), f.sql)
	if err != nil {
		return err
	}
	for i, values := range f.columns {
		if err := batch.Column(i).Append(values); err != nil {
			return err
		}
	}
	return batch.Send()
}

// oneMonth is the usual load: a live stream, or an import in order of time, touches one or two months at once.
func oneMonth(n int) *pipeline.Rows {
	rows := manyRows(n)
	for i := range n {
		when := at(1, 1, 0).Add(time.Duration(i) * 50 * time.Second)
		rows.Events[i].Event.At, rows.Events[i].StoredAt = when, when
		rows.Journeys[i].KeyTime, rows.Journeys[i].StartedAt, rows.Journeys[i].LastEventAt = when, when, when
	}
	return rows
}
