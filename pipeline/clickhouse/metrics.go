package clickhouse

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	rows    *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	retries prometheus.Counter
}

// newMetrics registers what is counted; stores that share a registerer share the counters.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		rows: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "parcours_clickhouse_rows_total",
			Help: "Rows inserted into ClickHouse, by table. A row that had to go again counts once.",
		}, []string{"table"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "parcours_clickhouse_insert_seconds",
			Help:    "Seconds from the first attempt to insert a block until it was in, retries and their pauses included, by table.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 14),
		}, []string{"table"}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "parcours_clickhouse_retries_total",
			Help: "Attempts to reach ClickHouse that failed with an error that may pass, and were made again.",
		}),
	}
	if reg == nil {
		return m, nil
	}
	var errs [3]error
	m.rows, errs[0] = register(reg, m.rows)
	m.seconds, errs[1] = register(reg, m.seconds)
	m.retries, errs[2] = register(reg, m.retries)
	return m, errors.Join(errs[:]...)
}

func register[C prometheus.Collector](reg prometheus.Registerer, c C) (C, error) {
	err := reg.Register(c)
	var already prometheus.AlreadyRegisteredError
	if errors.As(err, &already) {
		if same, ok := already.ExistingCollector.(C); ok {
			return same, nil
		}
	}
	return c, err
}
