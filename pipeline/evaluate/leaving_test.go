package evaluate_test

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"parcours/pipeline/evaluate"
	"parcours/pipeline/simulate"
)

// TestTruthOfLeavers: who left, how probable it was and why is read as it was written.
func TestTruthOfLeavers(t *testing.T) {
	parameters, err := simulate.Company("leavers")
	if err != nil {
		t.Fatal(err)
	}
	s := simulate.New(simulate.Config{Customers: 150, Days: 240, Seed: 1, Parameters: parameters})
	var file bytes.Buffer
	if err := s.WriteTruth(&file); err != nil {
		t.Fatal(err)
	}
	truth, err := evaluate.ReadTruth(&file, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	losses, voluntary := s.Losses(), 0
	for i, l := range truth.Losses() {
		w := losses[i]
		if l.Customer != w.Customer || l.Segment != w.Segment || l.At != w.At || l.By != w.By || l.Cause != w.Cause || l.DecidedAt != w.DecidedAt || l.AnnouncedAt != w.AnnouncedAt {
			t.Errorf("read %+v, written %+v", l, w)
		}
		if l.Voluntary() {
			voluntary++
		}
	}
	risks, read := slices.Collect(s.Risks()), slices.Collect(truth.Risks())
	for i := range min(len(risks), len(read)) {
		r, w := read[i], risks[i]
		same := r.Customer == w.Customer && r.Segment == w.Segment && r.At == w.At
		for h := range r.P {
			same = same && math.Abs(r.P[h]-w.P[h]) < 1e-6
		}
		if !same {
			t.Fatalf("read %+v, written %+v", r, w)
		}
	}
	if len(read) != len(risks) || len(read) < 500 || voluntary == 0 || len(truth.Losses()) != len(losses) {
		t.Errorf("%d risks of %d, %d losses of %d", len(read), len(risks), len(truth.Losses()), len(losses))
	}
	planted := truth.Planted()
	if len(planted.Causes) != len(parameters.Churn.Causes) || planted.Causes[0].Strength != parameters.Churn.Causes[0].Strength ||
		planted.Causes[0].DecayDays != parameters.Churn.Causes[0].Decay || len(planted.Confounded) != 1 || len(planted.Leaves) != 3 ||
		len(planted.Causes)+len(planted.Confounded)+len(planted.Harmless) != len(simulate.Kinds) {
		t.Errorf("planted %+v", planted)
	}
}
