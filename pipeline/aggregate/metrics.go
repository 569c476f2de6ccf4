package aggregate

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"parcours/pipeline"
)

// Metrics of the loop.
type Metrics struct {
	messages prometheus.Counter
	position prometheus.Gauge
	batches  prometheus.Counter
	seconds  prometheus.Histogram
	rows     *prometheus.CounterVec
	aside    prometheus.Counter
	saves    prometheus.Histogram
	savedAt  prometheus.Gauge
}

// NewMetrics registers them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	f := promauto.With(r)
	return &Metrics{
		messages: f.NewCounter(prometheus.CounterOpts{Name: "parcours_aggregator_messages_total", Help: "Messages of the log folded, the replay at start included."}),
		position: f.NewGauge(prometheus.GaugeOpts{Name: "parcours_aggregator_position", Help: "Position in the log of the last message folded."}),
		batches:  f.NewCounter(prometheus.CounterOpts{Name: "parcours_aggregator_batches_total", Help: "Batches inserted."}),
		seconds:  f.NewHistogram(prometheus.HistogramOpts{Name: "parcours_aggregator_insert_seconds", Help: "Seconds from the start of an insert until all its rows and its frontier are in.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 14)}),
		rows:     f.NewCounterVec(prometheus.CounterOpts{Name: "parcours_aggregator_rows_total", Help: "Row versions handed to the store, by table."}, []string{"table"}),
		aside:    f.NewCounter(prometheus.CounterOpts{Name: "parcours_aggregator_set_aside_total", Help: "Messages that the fold could not use."}),
		saves:    f.NewHistogram(prometheus.HistogramOpts{Name: "parcours_aggregator_checkpoint_seconds", Help: "Seconds that saving a checkpoint of all partitions took.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 16)}),
		savedAt:  f.NewGauge(prometheus.GaugeOpts{Name: "parcours_aggregator_checkpoint_position", Help: "Position in the log of the last checkpoint saved."}),
	}
}

func (m *Metrics) folded(msg *pipeline.Message) {
	m.messages.Inc()
	m.position.Set(float64(msg.Position))
}

func (m *Metrics) saved(position uint64, took time.Duration) {
	m.saves.Observe(took.Seconds())
	m.savedAt.Set(float64(position))
}

func (m *Metrics) inserted(b *batch, took time.Duration) {
	r := &b.changes.Rows
	m.batches.Inc()
	m.seconds.Observe(took.Seconds())
	m.rows.WithLabelValues("events").Add(float64(len(r.Events)))
	m.rows.WithLabelValues("journeys").Add(float64(len(r.Journeys)))
	m.rows.WithLabelValues("journey_steps").Add(float64(len(r.Steps)))
	m.rows.WithLabelValues("breakpoints").Add(float64(len(r.Breakpoints)))
	m.aside.Add(float64(len(b.changes.SetAside)))
}
