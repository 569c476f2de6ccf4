package rules_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// TestVersion: two books of one content have one version; the default's moves only on purpose.
func TestVersion(t *testing.T) {
	a, b := rules.Default().Version(), rules.Default().Version()
	if a != b || len(a) != 12 {
		t.Errorf("versions %q and %q", a, b)
	}
}

// TestDue: from any moment, the open time up to the due time is the span, whatever nights, holidays and changes of the
// clock lie between; and a minute-by-minute walk agrees.
func TestDue(t *testing.T) {
	c := rules.Default().Calendar()
	r := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 2000 {
		from := event.InstantOf(start.Add(time.Duration(r.Int64N(int64(700 * 24 * time.Hour)))))
		span := rules.OpenTime{Days: r.IntN(8), Time: time.Duration(1+r.IntN(600)) * time.Minute}
		due := c.Due(from, span)
		if got := c.OpenBetween(from, due); got != c.Length(span) {
			t.Fatalf("from %s, %v: due %s, with %s open between", from, span, due, got)
		}
	}
}

// TestOpenBetweenByMinute walks ten weeks around the changes of the clock, a minute at a time.
func TestOpenBetweenByMinute(t *testing.T) {
	c := rules.Default().Calendar()
	paris, err := rules.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	for _, day := range []time.Time{time.Date(2026, 3, 20, 0, 0, 0, 0, paris), time.Date(2026, 10, 20, 0, 0, 0, 0, paris), time.Date(2026, 4, 30, 0, 0, 0, 0, paris)} {
		var want time.Duration
		end := day.AddDate(0, 0, 14)
		for at := day; at.Before(end); at = at.Add(time.Minute) {
			if open(at) {
				want += time.Minute
			}
		}
		if got := c.OpenBetween(event.InstantOf(day), event.InstantOf(end)); got != want {
			t.Errorf("two weeks from %s: %s open, expected %s", day, got, want)
		}
	}
}

// open is product.md's default calendar, said another way.
func open(at time.Time) bool {
	holidays := "01-01 05-01 05-08 07-14 08-15 11-01 11-11 12-25 2026-04-06 2026-05-14 2026-05-25"
	if at.Weekday() == time.Saturday || at.Weekday() == time.Sunday || strings.Contains(holidays, at.Format("2006-01-02")) {
		return false
	}
	for _, h := range strings.Fields(holidays) {
		if len(h) == 5 && h == at.Format("01-02") {
			return false
		}
	}
	return at.Hour() >= 9 && at.Hour() < 18
}

// TestZones: from the embedded database only, with a clear error.
func TestZones(t *testing.T) {
	if _, err := rules.LoadLocation("Europe/Paname"); err == nil || !strings.Contains(err.Error(), "Europe/Paname") {
		t.Errorf("an unknown zone: %v", err)
	}
	if z, err := rules.LoadLocation("America/New_York"); err != nil || z.String() != "America/New_York" {
		t.Errorf("%v, %v", z, err)
	}
}

// TestFamilyToken: a closed list for subjects.
func TestFamilyToken(t *testing.T) {
	book := rules.Default()
	for family, want := range map[string]string{"": "unknown", "billing": "billing", "zoology": "other"} {
		if got := book.FamilyToken(family); got != want {
			t.Errorf("%q: %q, expected %q", family, got, want)
		}
	}
}

// TestHorizon: steps are held for no less than the lateness allowed and the longest window in force.
func TestHorizon(t *testing.T) {
	book := rules.Default()
	if got := book.Horizon(); got != book.LeastHorizon {
		t.Errorf("the default horizon is %s, expected %s", got, book.LeastHorizon)
	}
	if got := book.Reach(); got != book.LeastHorizon-book.Lateness {
		t.Errorf("the default reach is %s", got)
	}
	if got, want := book.Near(), 8*rules.Day; got != want {
		t.Errorf("the default nearness is %s, expected %s", got, want)
	}
}
