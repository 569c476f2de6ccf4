package ingest_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// value sums a metric over its labels; of a histogram, it is the number of observations.
func value(t *testing.T, reg *prometheus.Registry, name, label string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetHelp() == "" {
			t.Errorf("%s has no help", f.GetName())
		}
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if label == "" || hasLabel(m, label) {
				sum += m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

func hasLabel(m *dto.Metric, value string) bool {
	for _, l := range m.GetLabel() {
		if l.GetValue() == value {
			return true
		}
	}
	return false
}

func TestMetrics(t *testing.T) {
	s := newSite(t)
	body := ev("1", "9001", `,"verbatim":"x"`) + "\nhello\n" + ev("1", "9001", "")
	s.post(ndjson, body)
	s.post(ndjson, strings.Repeat("x", 100))
	s.post("text/plain", "x")
	for _, c := range []struct {
		name, label string
		want        float64
	}{
		{"parcours_ingest_accepted_total", "", 1}, {"parcours_ingest_duplicates_total", "", 1}, {"parcours_ingest_refused_total", "broken_json", 2},
		{"parcours_ingest_dropped_fields_total", "data.verbatim", 1}, {"parcours_ingest_bytes_total", "", float64(len(body) - 2 + 100)},
		{"parcours_ingest_request_seconds", "202", 1}, {"parcours_ingest_request_seconds", "422", 1}, {"parcours_ingest_request_seconds", "415", 1},
		{"parcours_nats_appended_total", "stored", 1}, {"parcours_nats_rejected_total", "", 2},
	} {
		if got := value(t, s.registry, c.name, c.label); got != c.want {
			t.Errorf("%s{%s} is %v, want %v", c.name, c.label, got, c.want)
		}
	}
}
