package simulate_test

import (
	"slices"
	"testing"

	"parcours/pipeline/simulate"
)

// TestParseShifts reads what a command line says, and names what is wrong with it.
func TestParseShifts(t *testing.T) {
	got, err := simulate.ParseShifts("60:long_wait:unit=service-lyon:1.5, 90:repeat_contact:reason=billing.dispute:2,3:tension:0.5")
	want := []simulate.Shift{{Day: 60, Kind: "long_wait", Unit: "service-lyon", Factor: 1.5},
		{Day: 90, Kind: "repeat_contact", Reason: "billing.dispute", Factor: 2}, {Day: 3, Kind: "tension", Factor: 0.5}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if none, err := simulate.ParseShifts("none"); err != nil || len(none) != 0 {
		t.Errorf("none: %+v, %v", none, err)
	}
	for _, wrong := range []string{"", "60:long_wait", "x:long_wait:2", "-1:long_wait:2", "6:long_wait:much", "6:long_wait:silo=it:2"} {
		if got, err := simulate.ParseShifts(wrong); err == nil {
			t.Errorf("%q: %+v", wrong, got)
		}
	}
	company := simulate.Default()
	if err := company.Plant(nil); err != nil || len(company.Shifts) != 0 {
		t.Errorf("a quiet company: %+v, %v", company.Shifts, err)
	}
	if company.Plant([]simulate.Shift{{Kind: "long_wait", Unit: "nowhere", Factor: 2}}) == nil || company.Plant([]simulate.Shift{{Kind: "sloth", Factor: 2}}) == nil ||
		company.Plant([]simulate.Shift{{Kind: "detractor", Factor: 2}}) == nil {
		t.Error("a unit or kind that is not there, or has no chance of its own, was planted")
	}
}
