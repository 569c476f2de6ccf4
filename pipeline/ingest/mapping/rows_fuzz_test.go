package mapping_test

import (
	"math"
	"strings"
	"testing"

	"parcours/pipeline/event"
)

// FuzzRows: every row of any file comes once, in order, as an event that the log can hold or refused without its values.
func FuzzRows(f *testing.F) {
	f.Add("at,case,act,who\n2026-01-05T09:00:00Z,1,a,7\n2026-01-05T08:00:00Z,1,b,\n", true)
	f.Add("at,case,act,who\n1,2\n\"\n", false)
	f.Add("\xef\xbb\xbfat,case,act,who\r\n2026-01-05 09:00:00+01:00,\"1\r\n2\",\x00,\xff\r\n", true)
	f.Fuzz(func(t *testing.T, file string, sorted bool) {
		more := "  identifiers:\n    customer: {column: who}\n"
		if !sorted {
			more += "sort: false\n"
		}
		seen, last := map[int]bool{}, event.Instant(math.MinInt64)
		for row, err := range load(t, page(more)).Rows(strings.NewReader(file)) {
			if err != nil {
				return
			}
			if seen[row.Number] {
				t.Fatalf("row %d came twice", row.Number)
			}
			seen[row.Number] = true
			if row.Refusal != nil {
				continue
			}
			if sorted && row.At < last {
				t.Fatalf("row %d is out of order", row.Number)
			}
			last = row.At
			if _, err := event.DecodeLog(row.Body); err != nil {
				t.Fatalf("row %d: %v: %q", row.Number, err, row.Body)
			}
		}
		for n := range len(seen) {
			if !seen[n+1] {
				t.Fatalf("row %d is missing", n+1)
			}
		}
	})
}
