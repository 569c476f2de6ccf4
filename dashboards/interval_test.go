package dashboards

import (
	"testing"

	"parcours/dashboards/internal/filled"
)

// TestIntervalsAreThoseOfTheViews: the interval of sums that a viewer chose is by the formula of the views, at their edges too.
func TestIntervalsAreThoseOfTheViews(t *testing.T) {
	low, high := wilson("broken", "opportunities")
	a, err := ask(t, filled.Full(t).Store, "SELECT toUInt32(count()) > 1000, countIf(broken = 0) > 0, countIf(broken = opportunities) > 0, "+
		"max(abs(low - ("+low+"))) < 1e-12, max(abs(high - ("+high+"))) < 1e-12 FROM rates_daily_v")
	if err != nil {
		t.Fatal(err)
	}
	for i, holds := range a.rows[0] {
		if holds != float64(1) {
			t.Errorf("condition %d does not hold: %v", i, a.rows)
		}
	}
	low, high = wilson("0", "0")
	if a, err = ask(t, filled.Empty(t), "SELECT "+low+" IS NULL AND "+high+" IS NULL"); err != nil || a.rows[0][0] != float64(1) {
		t.Errorf("out of nothing there is an interval: %v, %v", a.rows, err)
	}
}
