package ingest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"parcours/pipeline/ingest"
)

const benchEvents = 10_000

func benchBody(round int) string {
	var b strings.Builder
	for i := range benchEvents {
		b.WriteString(ev(fmt.Sprintf("%d-%d", round, i), fmt.Sprint(i%1000), `,"unit":"lyon-2","case":"CASE-`+fmt.Sprint(i%500)+`","reason":"billing.dispute"`))
		b.WriteByte('\n')
	}
	return b.String()
}

// BenchmarkHTTP is 10,000 events of about 300 bytes in one request of NDJSON, to the log of a server in this process.
func BenchmarkHTTP(b *testing.B) {
	s := newSite(b)
	for round := 0; b.Loop(); round++ {
		if r := s.post(ndjson, benchBody(round)); r.code != http.StatusAccepted || r.Accepted != benchEvents {
			b.Fatal(r.raw)
		}
	}
	b.ReportMetric(float64(b.N)*benchEvents/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkDoor is the same without HTTP, in batches of 1,000.
func BenchmarkDoor(b *testing.B) {
	s := newSite(b)
	for round := 0; b.Loop(); round++ {
		lines := strings.Split(strings.TrimSpace(benchBody(round)), "\n")
		for i := 0; i < len(lines); i += 1000 {
			raws := make([]ingest.Raw, 1000)
			for j := range raws {
				raws[j].Body = []byte(lines[i+j])
			}
			if res := s.door.Accept(b.Context(), raws, ingest.Origin{}); res.Err != nil || res.Accepted != 1000 {
				b.Fatalf("%+v", res)
			}
		}
	}
	b.ReportMetric(float64(b.N)*benchEvents/b.Elapsed().Seconds(), "events/s")
}
