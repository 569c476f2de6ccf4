package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"parcours/pipeline/churn"
	"parcours/pipeline/event"
)

// TestChurnOfUses: of a company without contracts nothing is learnt about who leaves, and a model of the uses alone is published: no
// customer gets a probability of loss, and who was expected to come and does not is told. It never takes the place of a model that has learnt.
func TestChurnOfUses(t *testing.T) {
	dir := dataDir(t)
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
	checkUsesGiveWay(t, dir, func(file string) {
		b.Reset()
		use("last", 244)
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		must(t, "import", "--data", dir, file)
	})
}

// checkUsesGiveWay: once a model that has learnt who leaves is in force, one of uses alone never takes its place.
func checkUsesGiveWay(t *testing.T, dir string, oneMore func(file string)) {
	t.Helper()
	learnt := publishLearnt(t, dir)
	oneMore(filepath.Join(t.TempDir(), "last.ndjson"))
	before := sqlCSV(t, dir, "SELECT count(), countIf(version = '"+learnt+"') FROM cx.models_v")
	if before != "2,1" {
		t.Fatalf("models, and the one that has learnt: %s", before)
	}
	r := lastLine[trained](t, must(t, "churn", "train", "--data", dir, "--json"))
	if r.Trained || r.Published != nil || strings.HasPrefix(r.Model, "uses-") || !slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.Contains(w, learnt+" is in force, and stays") }) {
		t.Errorf("%+v", r)
	}
	if after := sqlCSV(t, dir, "SELECT count(), countIf(version = '"+learnt+"') FROM cx.models_v"); after != before {
		t.Errorf("models, and the one that has learnt: %s, and were %s", after, before)
	}
}

// publishLearnt publishes a model that was learnt from customers lost elsewhere, as training does, and gives its version.
func publishLearnt(t *testing.T, dir string) string {
	t.Helper()
	const month = 30 * 24 * time.Hour
	until := event.InstantOf(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC))
	rows := make([]churn.Row, 400)
	for i := range rows {
		rows[i] = churn.Row{Customer: fmt.Sprintf("c%03d", i), At: until.Add(-2 * month), Segment: "standard", X: make([]float64, churn.AllFeatures().Len()), Lost: i%5 == 0, FollowUp: 60}
		if rows[i].Lost {
			rows[i].FollowUp = 20
		}
	}
	model, _, err := churn.Train(rows, churn.AllFeatures(), until, churn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := openDirectory(DirectoryFlags{Data: dir}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	store, err := d.migrated(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l, err := newLearning(t.Context(), d, store)
	if err != nil {
		t.Fatal(err)
	}
	c := &ChurnTrainCommand{}
	from, err := c.moment(t.Context(), d, store)
	if err == nil {
		err = c.publish(t.Context(), d, l, model, nil, from, &trained{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return model.Version
}
