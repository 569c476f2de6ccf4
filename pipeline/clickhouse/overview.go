package clickhouse

import "context"

// Overview says what a database holds as a whole: its journeys by outcome, and the rate of each kind of breakpoint.
type Overview struct {
	Journeys map[string]uint64 // outcome -> journeys
	Rates    map[string]Rate   // kind -> its rate over the days that may be drawn
}

// Rate is how many of the opportunities of a kind broke, on the days that rates_daily_v draws.
type Rate struct {
	Opportunities uint64 `json:"opportunities"`
	Broken        uint64 `json:"broken"`
}

// Share is broken of opportunities; 0 of none.
func (r Rate) Share() float64 {
	if r.Opportunities == 0 {
		return 0
	}
	return float64(r.Broken) / float64(r.Opportunities)
}

// Overview reads it from the generation that the views show.
func (s *Store) Overview(ctx context.Context) (Overview, error) {
	o := Overview{Journeys: map[string]uint64{}, Rates: map[string]Rate{}}
	err := s.each(ctx, "count journeys", "SELECT outcome, count() FROM "+s.table("journeys_v")+" GROUP BY outcome", func(scan scan) error {
		var outcome string
		var n uint64
		err := scan(&outcome, &n)
		o.Journeys[outcome] = n
		return err
	})
	if err != nil {
		return o, err
	}
	sql := "SELECT kind, sum(opportunities), sum(broken) FROM " + s.table("rates_v") + " GROUP BY kind"
	return o, s.each(ctx, "read rates", sql, func(scan scan) error {
		var kind string
		var r Rate
		err := scan(&kind, &r.Opportunities, &r.Broken)
		o.Rates[kind] = r
		return err
	})
}
