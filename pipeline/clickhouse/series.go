package clickhouse

import (
	"context"
	"fmt"

	"parcours/pipeline/alert"
)

// Counts implements pipeline.Analyst. It reads every journey once for the opportunities, and once more those of journeys
// that broke.
func (s *Store) Counts(ctx context.Context, first, last alert.Date) (alert.Counts, error) {
	t := counting{opportunities: map[cellKey]uint64{}, detected: map[lagKey]uint64{}, names: map[string]string{}}
	err := s.repeat(ctx, "count opportunities", s.opportunitiesSQL(first, last), t.reader(func(k lagKey, n uint64) { t.opportunities[k.cellKey] = n }))
	if err == nil {
		err = s.repeat(ctx, "count what was detected", s.detectedSQL(first, last), t.reader(func(k lagKey, n uint64) { t.detected[k] = n }))
	}
	return t.counts(last), err
}

// seriesColumns are what a finest series is named by.
const seriesColumns = "kind, reason_family, silo, unit, channel"

func (s *Store) opportunitiesSQL(first, last alert.Date) string {
	return fmt.Sprintf("SELECT toInt32(toDate32(at)) AS day, %s, toInt32(0), count() FROM %s.opportunities_v WHERE at >= %s AND at < %s GROUP BY day, %[1]s",
		seriesColumns, s.config.Database, instantSQL(first.Start()), instantSQL((last + 1).Start()))
}

// detectedSQL pairs the opportunities that broke with the first of their breakpoints. A breakpoint says which opportunity it
// is of by journey, kind and time; of several at one time (the two clocks of a complaint) each gets one, in order. The
// series is that of the opportunity, since a breakpoint may be somebody else's: the silo that sent the customer on.
func (s *Store) detectedSQL(first, last alert.Date) string {
	return fmt.Sprintf(`SELECT toInt32(toDate32(pair.1)) AS day, kind, pair.2.1 AS reason_family, pair.2.2 AS silo, pair.2.3 AS unit, pair.2.4 AS channel,
			toInt32(day - toInt32(toDate32(at))) AS lag, count()
		FROM (
			SELECT b.kind AS kind, b.at AS at, arrayJoin(arrayZip(
				arraySlice(b.detected, 1, length(o.series)), arraySlice(o.series, 1, length(b.detected)))) AS pair
			FROM (
				SELECT journey_id, kind, opportunity_at AS at, arraySort(groupArray(detected_at)) AS detected
				FROM %[1]s.breakpoints_v WHERE journey_id != '' GROUP BY journey_id, kind, at
			) AS b
			INNER JOIN (
				SELECT journey_id, kind, at, arraySort(groupArray((toString(reason_family), toString(silo), toString(unit), toString(channel)))) AS series
				FROM %[1]s.opportunities_v WHERE broken GROUP BY journey_id, kind, at
			) AS o ON b.journey_id = o.journey_id AND b.kind = o.kind AND b.at = o.at
		)
		WHERE pair.1 >= %[2]s AND pair.1 < %[3]s
		GROUP BY day, kind, reason_family, silo, unit, channel, lag`,
		s.config.Database, instantSQL(first.Start()), instantSQL((last + 1).Start()))
}

// cellKey is a finest series on a day.
type cellKey struct {
	alert.Key
	day alert.Date
}

// lagKey is the same by how many days the opportunity lay before.
type lagKey struct {
	cellKey
	lag int32
}

// counting is under way. A row that is read again is the same row.
type counting struct {
	opportunities map[cellKey]uint64
	detected      map[lagKey]uint64
	names         map[string]string // each text once: there are few
}

// reader reads the rows of either query.
func (t *counting) reader(keep func(k lagKey, n uint64)) func(scan) error {
	return func(scan scan) error {
		var k lagKey
		var day int32
		var n uint64
		if err := scan(&day, &k.Kind, &k.ReasonFamily, &k.Silo, &k.Unit, &k.Channel, &k.lag, &n); err != nil {
			return err
		}
		for _, text := range [...]*string{&k.Kind, &k.ReasonFamily, &k.Silo, &k.Unit, &k.Channel} {
			if _, known := t.names[*text]; !known {
				t.names[*text] = *text
			}
			*text = t.names[*text]
		}
		k.day = alert.Date(day)
		keep(k, n)
		return nil
	}
}

func (t *counting) counts(last alert.Date) alert.Counts {
	c := alert.Counts{First: last, Last: last}
	cells, lags := map[cellKey]*alert.Cell{}, map[alert.Lag]uint64{} // by a lag without its count
	cell := func(k cellKey) *alert.Cell {
		if cells[k] == nil {
			cells[k] = &alert.Cell{Key: k.Key, Day: k.day}
		}
		return cells[k]
	}
	for k, n := range t.opportunities {
		cell(k).Opportunities = n
	}
	for k, n := range t.detected {
		cell(k.cellKey).Detected += n
		lags[alert.Lag{Kind: k.Kind, Day: k.day, Days: k.lag}] += n
	}
	for _, one := range cells {
		c.Cells, c.First = append(c.Cells, *one), min(c.First, one.Day)
	}
	for lag, n := range lags {
		lag.Count = n
		c.Lags = append(c.Lags, lag)
	}
	return c
}
