package nats

import (
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	appended *prometheus.CounterVec
	append   prometheus.Histogram
	read     prometheus.Counter
	resumed  prometheus.Counter
	told     prometheus.Counter
	repeated prometheus.Counter
	fenced   prometheus.Counter
	rejected prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, conn *nats.Conn) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "parcours", Subsystem: "nats", Name: name, Help: help})
	}
	m := &metrics{
		appended: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "parcours", Subsystem: "nats", Name: "appended_total",
			Help: "Entries given to EVENTS, by what the log answered: stored, duplicate, away, busy, full, fault."}, []string{"outcome"}),
		append: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "parcours", Subsystem: "nats", Name: "append_seconds",
			Help: "Seconds from giving a batch to EVENTS until its last answer.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16)}),
		read:     counter("read_total", "Messages read from EVENTS."),
		resumed:  counter("read_resumed_total", "Times a reader had to begin again after the last position it gave."),
		told:     counter("told_total", "Messages stored in JOURNEYS_<p> by this process."),
		repeated: counter("told_repeated_total", "Messages not told because the partition's stream held them already."),
		fenced:   counter("fenced_total", "Times another owner was found writing a partition that this process thought its own."),
		rejected: counter("rejected_total", "Rejections stored in REJECTED by this process."),
	}
	connected := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "parcours", Subsystem: "nats", Name: "connected",
		Help: "1 while the connection to NATS is up."}, func() float64 {
		if conn.IsConnected() {
			return 1
		}
		return 0
	})
	reg.MustRegister(m.appended, m.append, m.read, m.resumed, m.told, m.repeated, m.fenced, m.rejected, connected)
	return m
}
