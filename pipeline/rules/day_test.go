package rules

import (
	"testing"
	"time"

	"parcours/pipeline/event"
)

// Every hour lies in the day that the time zone says, also where clocks go forward at midnight and outside the pages.
func TestDayOfAnInstant(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Paris", "America/Sao_Paulo", "Pacific/Auckland"} {
		times := Default().OpeningTimes
		times.Timezone = zone
		c, err := newCalendar(&times)
		if err != nil {
			t.Fatal(err)
		}
		for _, year := range []int{1965, 1970, 2018, 2026, 2075} {
			begins := time.Date(year, time.January, 1, 0, 30, 0, 0, time.UTC)
			for hour := range 366 * 24 {
				at := begins.Add(time.Duration(hour) * time.Hour)
				want := civilOf(at.In(c.zone))
				n := c.dayOf(event.InstantOf(at))
				if got := civilOf(time.Date(1970, time.January, 1+n, 0, 0, 0, 0, time.UTC)); got != want {
					t.Fatalf("%s: %s lies in %v, want %v", zone, at, got, want)
				}
			}
		}
	}
}
