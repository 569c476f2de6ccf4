package reference

import (
	"math/rand/v2"
	"testing"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// TestCalendarsAgree: the walk over minutes gives the deadlines that the rule book's own calendar gives.
func TestCalendarsAgree(t *testing.T) {
	book := rules.Default()
	from, until := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	c, err := newCalendar(book, event.InstantOf(from), event.InstantOf(until))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	theirs := book.Calendar()
	for range 20000 {
		at := event.InstantOf(from) + event.Instant(random.Int64N(until.Sub(from).Milliseconds()))
		if random.IntN(3) == 0 { // on the minute, where edges are
			at -= at % 60000
		}
		span := rules.OpenTime{Days: random.IntN(8), Time: time.Duration(1+random.IntN(600)) * time.Minute}
		if a, b := c.after(at, c.length(span)), theirs.Due(at, span); a != b {
			t.Fatalf("%v after %s: %s, the book says %s", span, at, a, b)
		}
		if a, b := c.joursOuvrables(at, span.Days), theirs.EndOfJourOuvrable(at, span.Days); a != b {
			t.Fatalf("%d jours ouvrables after %s: %s, the book says %s", span.Days, at, a, b)
		}
		if a, b := c.months(at, span.Days), theirs.EndOfMonths(at, span.Days); a != b {
			t.Fatalf("%d months after %s: %s, the book says %s", span.Days, at, a, b)
		}
		later := at + event.Instant(random.Int64N(40*24*3600*1000))
		if a, b := c.worked(later)-c.worked(at), theirs.OpenBetween(at, later).Milliseconds(); a != b {
			t.Fatalf("open between %s and %s: %d ms, the book says %d", at, later, a, b)
		}
	}
}

// TestEaster: dates that stand in almanacs.
func TestEaster(t *testing.T) {
	for year, want := range map[int]string{1961: "04-02", 2000: "04-23", 2008: "03-23", 2026: "04-05", 2038: "04-25"} {
		if got := easterSunday(year, time.UTC).Format("01-02"); got != want {
			t.Errorf("Easter %d: %s, expected %s", year, got, want)
		}
	}
}
