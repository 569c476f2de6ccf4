package alert_test

import (
	"fmt"
	"testing"

	"parcours/pipeline/alert"
	"parcours/pipeline/simulate"
)

// companies is how many made-up companies TestToldInTime looks at, of 14 s each on one processor; docs/alerts.md says what six
// of them gave.
const companies = 1

// risen is a kind whose rate rises by about a half in a made-up company, and by what factor of its chance it does.
type risen struct {
	kind   string
	day    int
	factor float64
}

// plan begins with failovers, since forms that fail make more of them.
func plan(seed int) []risen {
	return []risen{
		{"channel_failover", 90 + seed*5%7, 1.72}, {"repeat_contact", 96 + seed*3%7, 1.5}, {"form_abandonment", 98 + seed*4%7, 1.6},
		{"silo_handoff", 98 + seed%7, 1.4}, {"long_wait", 96 + (seed+3)*4%7, 1.5}, {"refused_contact", 95 + seed*6%7, 2.2},
	}
}

// TestToldInTime: in made-up companies that were folded, a rate that rose by half is told within two days of 60 failures and
// more, within ten of 10 and more. Days are counted from the one by which half of what the shifted opportunities came to is detected, and
// only those on which the series usually has as many failures: a Sunday with 20 is no day of a series with 60.
func TestToldInTime(t *testing.T) {
	all, inTime := 0, 0
	for seed := range companies {
		planted, text := plan(seed), ""
		for _, p := range planted {
			text += fmt.Sprintf(",%d:%s:%g", p.day, p.kind, p.factor)
		}
		counts := countsOf(t, simulate.Config{Customers: 22_000, Days: 126, Seed: uint64(100 + seed)}, text[1:])
		closings := alert.Watch(counts, nil, counts.First, parameters())
		for _, p := range planted {
			if all++; p.told(t, daysOf(counts, p), closings) {
				inTime++
			}
		}
	}
	if float64(inTime) < 0.8*float64(all) {
		t.Errorf("%d of %d told in time", inTime, all)
	}
}

// kindDays are the detections of a kind by day, and when a shift shows.
type kindDays struct {
	first, shift, shows, last alert.Date
	detected                  map[alert.Date]float64
}

func daysOf(counts alert.Counts, p risen) kindDays {
	d := kindDays{first: counts.First, shift: counts.First + alert.Date(p.day), last: counts.Last, detected: map[alert.Date]float64{}}
	for _, c := range counts.Cells {
		if c.Kind == p.kind {
			d.detected[c.Day] += float64(c.Detected)
		}
	}
	lags, all := map[int32]uint64{}, uint64(0)
	for _, l := range counts.Lags {
		if l.Kind == p.kind && l.Day < d.shift {
			lags[l.Days] += l.Count
			all += l.Count
		}
	}
	lag, sum := int32(0), lags[0]
	for 2*sum < all {
		lag++
		sum += lags[lag]
	}
	d.shows = d.shift + alert.Date(lag)
	return d
}

// usual is the mean of the same weekday in eight weeks before the shift.
func (d kindDays) usual(on alert.Date) (mean float64) {
	for on >= d.shift {
		on -= 7
	}
	for week := range alert.Date(8) {
		mean += d.detected[on-7*week] / 8
	}
	return mean
}

// told says whether an alert of the kind told the rise in time.
func (p risen) told(t *testing.T, d kindDays, closings []alert.Closing) bool {
	seen, usual, aDay := 0., 0., 0.
	for on := d.shows; on <= d.last; on++ {
		seen += d.detected[on]
		usual += d.usual(on)
	}
	for on := d.shift - 28; on < d.shift; on++ {
		aDay += d.detected[on] / 28
	}
	least, within := 60., 2
	if aDay < least {
		least, within = 10, 10
	}
	days := 0
	for _, c := range closings {
		for _, a := range c.Raised {
			if a.Kind == p.kind && c.Day >= d.shift {
				t.Logf("%s: %.0f a day, %.2f times as many, told after %d days", p.kind, aDay, seen/usual, days)
				return days <= within
			}
		}
		if c.Day >= d.shows && d.usual(c.Day) >= least {
			days++
		}
	}
	t.Logf("%s: %.0f a day, %.2f times as many, not told", p.kind, aDay, seen/usual)
	return false
}
