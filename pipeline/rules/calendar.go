package rules

import (
	"fmt"
	"sync"
	"time"

	"github.com/rickar/cal/v2/fr"

	"parcours/pipeline/event"
)

// Calendar answers questions of opening hours and working days in one time zone. Public holidays are computed for the
// years 1950 to 2149; further away every weekday is a working day.
type Calendar struct {
	zone     *time.Location
	opening  [7]Hours
	holidays map[civil]bool
	closed   map[civil]bool
	table    table
}

// civil is a day of the calendar, without a time.
type civil struct {
	year  int
	month time.Month
	day   int
}

func civilOf(t time.Time) civil {
	y, m, d := t.Date()
	return civil{y, m, d}
}

const firstHolidayYear, lastHolidayYear = 1950, 2149

func newCalendar(t *OpeningTimes) (*Calendar, error) {
	zone, err := LoadLocation(t.Timezone)
	if err != nil {
		return nil, err
	}
	c := &Calendar{zone: zone, opening: t.Opening, closed: map[civil]bool{}}
	switch t.Holidays {
	case "FR":
		c.holidays = frenchHolidays()
	case "", noneText:
	default:
		return nil, fmt.Errorf("holidays: %q: expected %s", t.Holidays, holidays.expected)
	}
	for _, text := range t.Closures {
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return nil, fmt.Errorf("closures: %q: expected %s", text, dates.expected)
		}
		c.closed[civilOf(day)] = true
	}
	return c, nil
}

// frenchHolidays are the public holidays of France, computed once for all calendars.
var frenchHolidays = sync.OnceValue(func() map[civil]bool {
	days := map[civil]bool{}
	for year := firstHolidayYear; year <= lastHolidayYear; year++ {
		for _, h := range fr.Holidays {
			actual, _ := h.Calc(year)
			days[civilOf(actual)] = true
		}
	}
	return days
})

// Holiday says whether a date is a public holiday or a closure.
func (c *Calendar) Holiday(date time.Time) bool {
	day := civilOf(date)
	return c.holidays[day] || c.closed[day]
}

// Due is the instant at which a span of the company's own time, begun at from, is used up. A working day counts as one
// day's opening hours, so that a day begun at 10:00 ends at 10:00 of the next working day.
func (c *Calendar) Due(from event.Instant, span OpenTime) event.Instant {
	return c.addOpen(from, c.Length(span))
}

// Length turns working days into open time; the length of a day is that of the longest weekday.
func (c *Calendar) Length(span OpenTime) time.Duration {
	longest := 0
	for _, h := range c.opening {
		longest = max(longest, h.To-h.From)
	}
	return time.Duration(span.Days*longest)*time.Minute + span.Time
}

// addOpen walks day by day; a calendar with no opening hour at all gives the elapsed time.
func (c *Calendar) addOpen(from event.Instant, left time.Duration) event.Instant {
	n := c.dayOf(from)
	for range maxDays {
		if day := c.day(n); day.shut > from && day.opens() {
			open := max(day.open, from)
			room := day.shut.Sub(open)
			if room >= left {
				return open.Add(left)
			}
			left -= room
		}
		n++
	}
	return from.Add(left)
}

// maxDays bounds every walk over the calendar: a company closed for ten years has no deadlines.
const maxDays = 3660

// OpenBetween is the company's own time between two instants.
func (c *Calendar) OpenBetween(from, to event.Instant) time.Duration {
	var sum time.Duration
	n := c.dayOf(from)
	for range maxDays {
		day := c.day(n)
		if day.begins >= to {
			break
		}
		if day.opens() {
			open, shut := max(day.open, from), min(day.shut, to)
			sum += max(0, shut.Sub(open))
		}
		n++
	}
	return sum
}

// hours gives opening and closing of a day, false when the company is closed. Hours are wall-clock hours: a day of 23 or
// 25 hours keeps them.
func (c *Calendar) hours(day time.Time) (open, shut event.Instant, ok bool) {
	h, d := c.opening[day.Weekday()], civilOf(day)
	if h.From >= h.To || c.holidays[d] || c.closed[d] {
		return 0, 0, false
	}
	at := func(minute int) event.Instant {
		return event.InstantOf(time.Date(d.year, d.month, d.day, minute/60, minute%60, 0, 0, c.zone))
	}
	return at(h.From), at(h.To), true
}

// EndOfJourOuvrable is the last millisecond of the n-th *jour ouvrable* (Monday to Saturday, no public holiday) after the
// day of from: how French law counts a complaint's deadlines.
func (c *Calendar) EndOfJourOuvrable(from event.Instant, n int) event.Instant {
	at := c.dayOf(from)
	for range maxDays {
		if n == 0 {
			break
		}
		at++
		if c.day(at).ouvrable {
			n--
		}
	}
	return c.day(at+1).begins - 1
}

// EndOfMonths is the last millisecond of the same day n months later, or of that month's last day where it is shorter.
func (c *Calendar) EndOfMonths(from event.Instant, n int) event.Instant {
	t := midnight(from.Time().In(c.zone))
	day := time.Date(t.Year(), t.Month()+time.Month(n), 1, 0, 0, 0, 0, c.zone)
	last := time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, c.zone).Day()
	return endOf(time.Date(day.Year(), day.Month(), min(t.Day(), last), 0, 0, 0, 0, c.zone))
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

func nextDay(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, t.Location())
}

func endOf(day time.Time) event.Instant { return event.InstantOf(nextDay(day)) - 1 }
