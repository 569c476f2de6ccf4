package breakpoint_test

import (
	"slices"
	"testing"

	"parcours/pipeline/breakpoint"
	"parcours/pipeline/event"
)

// TestClearings: every clock is one of a kind of the catalogue, begins and ends with types that exist, and ends with some.
func TestClearings(t *testing.T) {
	for _, c := range breakpoint.Clearings() {
		if !slices.ContainsFunc(breakpoint.Catalogue(), func(k breakpoint.Kind) bool { return k.ID == c.Kind }) {
			t.Errorf("%s is no kind", c.Kind)
		}
		if len(c.Clears) == 0 {
			t.Errorf("%s: nothing clears it", c.Kind)
		}
		for _, typ := range append(slices.Clone(c.Begins), c.Clears...) {
			if event.SpecOf(typ).Family == event.FamilyOther {
				t.Errorf("%s: %s is no type", c.Kind, typ)
			}
		}
	}
}
