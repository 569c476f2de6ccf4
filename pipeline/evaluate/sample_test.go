package evaluate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"parcours/pipeline/evaluate"
)

// TestSample: of a large truth at most 2,000 of the events that were sent are kept, from its beginning to its end; of a
// small one all.
func TestSample(t *testing.T) {
	for _, n := range []int{1, 2000, 2001, 9000} {
		var truth strings.Builder
		for i := range n {
			truth.WriteString(call(fmt.Sprintf("k%d", i), start.Add(time.Duration(i)*time.Second), "10000001", ""))
		}
		truth.WriteString(happened("never", "case.opened", hours(900), "10000001", `,"case":"C1"`, "", true))
		read, err := evaluate.ReadTruth(strings.NewReader(truth.String()), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		kept := read.Sample()
		last := kept[len(kept)-1]
		if len(kept) != n && (len(kept) < 1000 || len(kept) > 2000) || n <= 2000 && len(kept) != n {
			t.Errorf("of %d events %d are kept", n, len(kept))
		}
		if kept[0].ID != "k0" || last.Source != "/sim" || last.At < start.Add(time.Duration(n-1)*time.Second*9/10) {
			t.Errorf("of %d events they are from %+v to %+v", n, kept[0], last)
		}
	}
}
