package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestChurnOfUses: of a company without contracts nothing is learnt about who leaves, and a model of the uses alone is published: no
// customer gets a probability of loss, and who was expected to come and does not is told.
func TestChurnOfUses(t *testing.T) {
	dir := t.TempDir()
	begin := time.Date(2024, 1, 2, 9, 0, 0, 0, time.UTC)
	rng := rand.New(rand.NewPCG(5, 5))
	var b strings.Builder
	n := 0
	use := func(customer string, day float64) {
		n++
		at := begin.Add(time.Duration(day * 24 * float64(time.Hour)))
		fmt.Fprintf(&b, `{"specversion":"1.0","id":"u%06d","source":"/shop","type":"order.placed","time":%q,"data":{"identifiers":{"customer":%q},"value":30}}`+"\n", n, at.Format(time.RFC3339), customer)
	}
	for c := range 300 {
		gap, stops := 5+15*rng.ExpFloat64(), 240.
		if c%3 == 0 {
			stops = 60 + 60*rng.Float64()
		}
		for day := 10 * rng.Float64(); day < min(stops, 229); day += gap * rng.ExpFloat64() {
			use(fmt.Sprintf("shopper-%03d", c), day)
		}
	}
	file := filepath.Join(t.TempDir(), "orders.ndjson")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "import", "--data", dir, file)
	r := lastLine[trained](t, must(t, "churn", "train", "--data", dir, "--json"))
	if r.Published == nil || r.Uses < 250 || r.Trained || !strings.HasPrefix(r.Model, "uses-") || !strings.Contains(r.Why, "the prior score stays") {
		t.Fatalf("%+v", r)
	}
	later := filepath.Join(t.TempDir(), "later.ndjson")
	b.Reset()
	for c := range 20 {
		use(fmt.Sprintf("later-%02d", c), 243)
	}
	if err := os.WriteFile(later, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "import", "--data", dir, later)
	got := sqlCSV(t, dir, "SELECT countIf(expected_uses IS NOT NULL) > 200, countIf(expected_uses IS NOT NULL AND p365 IS NOT NULL) FROM cx.churn_scores_v")
	if got != "true,0" && got != "1,0" {
		t.Errorf("scores of uses: %s", got)
	}
	if n := sqlCSV(t, dir, "SELECT count() FROM cx.churn_signals_v WHERE kind = 'decay_of_use'"); n == "0" {
		t.Error("nobody's use is said to decay")
	}
}
