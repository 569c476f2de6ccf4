package churn

import (
	"errors"
	"strings"
	"testing"
)

// TestUsesAlone: where nobody could be seen to leave, a model of the uses alone can be published. Its scores of contracts are those of
// the prior, and say so; the prior itself is still no model to publish.
func TestUsesAlone(t *testing.T) {
	uses, _ := simulatedUses(BGNBD{R: 0.8, Alpha: 60, A: 0.8, B: 3}, 2000, 1, 30)
	m, err := UsesAlone(t.Context(), uses, testStart)
	if err != nil || !strings.HasPrefix(m.Version, usesVersion) {
		t.Fatalf("%v, version %s", err, m.Version)
	}
	p, err := PublicationOf(m, testStart+1)
	if err != nil {
		t.Fatal(err)
	}
	e := p.Event(testStart + 2)
	read, err := ReadPublication(&e)
	if err != nil || read.Model.Version != m.Version || *read.Model.Comeback != *m.Comeback {
		t.Fatalf("read back: %v", err)
	}
	row := Row{Segment: "standard", X: make([]float64, AllFeatures().Len()), Margin: 100}
	row.X[AllFeatures().Number(CancelRequested)] = 1
	got, want := read.Model.Score(&row), Prior(AllFeatures()).Score(&row)
	if got.Model = want.Model; !got.Prior || !sameScore(got, want) {
		t.Errorf("%+v\n%+v", got, want)
	}
	if _, err := PublicationOf(Prior(AllFeatures()), testStart); err == nil {
		t.Error("the prior is published")
	}
	if _, err := UsesAlone(t.Context(), []Uses{{Age: 10}}, testStart); err == nil {
		t.Error("learnt of somebody seen once")
	}
	before := m.Version
	if err := m.LearnUses(t.Context(), []Uses{{Age: 10}}); !errors.Is(err, ErrNobodyReturned) || m.Version != before || m.hash() != before || *m.Comeback != *read.Model.Comeback {
		t.Errorf("uses that tell nothing: %v, and version %s became %s", err, before, m.Version)
	}
}
