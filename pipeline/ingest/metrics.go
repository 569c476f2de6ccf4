package ingest

import (
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are those of all doors and handlers of a process.
type Metrics struct {
	accepted   prometheus.Counter
	duplicates prometheus.Counter
	refused    *prometheus.CounterVec
	dropped    *prometheus.CounterVec
	failed     *prometheus.CounterVec
	bytes      prometheus.Counter
	requests   *prometheus.HistogramVec

	mu    sync.Mutex
	names map[string]bool // of dropped fields that have a label of their own
}

// NewMetrics registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "parcours", Subsystem: "ingest", Name: name, Help: help}
	}
	m := &Metrics{
		accepted:   prometheus.NewCounter(counter("accepted_total", "Events stored in the log for the first time.")),
		duplicates: prometheus.NewCounter(counter("duplicates_total", "Events the log held already, inside its duplicate window, or twice in one batch.")),
		refused:    prometheus.NewCounterVec(counter("refused_total", "Events refused, by reason."), []string{"reason"}),
		dropped:    prometheus.NewCounterVec(counter("dropped_fields_total", "Fields left out of accepted events, by name; the first 100 names, then other."), []string{"field"}),
		failed:     prometheus.NewCounterVec(counter("failed_total", "Batches that were not stored whole, by cause: away, busy, full, other."), []string{"cause"}),
		bytes:      prometheus.NewCounter(counter("bytes_total", "Bytes of events read, after decompression.")),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "parcours", Subsystem: "ingest", Name: "request_seconds",
			Help: "Seconds from the first byte of a request to its answer, by status.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 15)}, []string{"status"}),
		names: map[string]bool{},
	}
	reg.MustRegister(m.accepted, m.duplicates, m.refused, m.dropped, m.failed, m.bytes, m.requests)
	return m
}

const droppedNames = 100

// drop counts left-out fields. Names come from outside: their number is bounded, and one that looks like a number, which
// may be somebody's, has none.
func (m *Metrics) drop(fields []string) {
	for _, f := range fields {
		m.dropped.WithLabelValues(m.label(f)).Inc()
	}
}

func (m *Metrics) label(field string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.names[field] {
		return field
	}
	if len(m.names) >= droppedNames || len(field) > 64 || strings.Count(field, "?") > 0 || len(onlyDigits(field)) >= leastRaw {
		return "other"
	}
	m.names[field] = true
	return field
}
