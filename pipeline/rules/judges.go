package rules

import (
	"strings"
	"time"
)

// What a book says beside what it judges by. A change there leaves every breakpoint and every opportunity as it is.
var (
	toCost = []string{"currency", "silos.hourly_rates", "minutes"} // what work costs

	toCompare = []string{"silos.rates_are_illustrative", "targets", "comparison", "alerts", "segments", "attribution"} // with what figures are compared

	toForetell = []string{"churn"} // when a customer is said to be leaving, which no journey and no breakpoint asks
)

// Judges names all that judges: two books of one Judges find the same breakpoints out of the same opportunities, whatever
// their targets, comparison periods, alerts, segments, churn, currency, rates and minutes.
func (b *Book) Judges() string {
	return b.hashOf(func(key string) bool { return !under(key, toCost) && !under(key, toCompare) && !under(key, toForetell) })
}

// Costs names all by which steps cost: two books of one Judges and one Costs charge the same.
func (b *Book) Costs() string {
	return b.hashOf(func(key string) bool { return under(key, toCost) })
}

// under says whether a key is one of these or stands below one.
func under(key string, keys []string) bool {
	for _, k := range keys {
		if key == k || strings.HasPrefix(key, k+".") {
			return true
		}
	}
	return false
}

// JourneysMature is how long after the end of a journey a figure out of journeys may be drawn: the window that the book
// states, and never less than the longest that links journeys, after which none comes to be known as ended there.
func (b *Book) JourneysMature() time.Duration { return max(b.Matures.Journey, b.near) }
