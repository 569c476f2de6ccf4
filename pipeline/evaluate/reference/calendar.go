package reference

import (
	"fmt"
	"slices"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// calendar knows every minute in which the company is open, one by one.
type calendar struct {
	zone     *time.Location
	open     []event.Instant // the beginning of each open minute, in order
	day      int             // minutes of a working day
	holidays bool
}

const (
	minute     = time.Minute / time.Millisecond
	margin     = 1 // years on either side of what is asked for: no deadline is longer
	mostYears  = 60
	elapsedDay = 24 * time.Hour
)

func newCalendar(book *rules.Book, from, until event.Instant) (*calendar, error) {
	zone, err := rules.LoadLocation(book.Timezone)
	if err != nil {
		return nil, err
	}
	first, last := from.Time().Year()-margin, until.Time().Year()+margin
	if last-first > mostYears {
		return nil, fmt.Errorf("histories from %d to %d: the reference walks the calendar minute by minute, for at most %d years", first, last, mostYears)
	}
	c := &calendar{zone: zone, holidays: book.Holidays == "FR"}
	for d := time.Date(first, 1, 1, 12, 0, 0, 0, zone); d.Year() <= last; d = d.AddDate(0, 0, 1) {
		c.addDay(d, book)
	}
	for _, hours := range book.Opening {
		c.day = max(c.day, hours.To-hours.From)
	}
	return c, nil
}

func (c *calendar) addDay(d time.Time, book *rules.Book) {
	if c.publicHoliday(d) || slices.Contains(book.Closures, d.Format(time.DateOnly)) {
		return
	}
	hours := book.Opening[d.Weekday()]
	for m := hours.From; m < hours.To; m++ {
		c.open = append(c.open, event.InstantOf(time.Date(d.Year(), d.Month(), d.Day(), 0, m, 0, 0, c.zone)))
	}
}

// publicHoliday knows the eleven of France.
func (c *calendar) publicHoliday(d time.Time) bool {
	if !c.holidays {
		return false
	}
	switch d.Format("01-02") {
	case "01-01", "05-01", "05-08", "07-14", "08-15", "11-01", "11-11", "12-25":
		return true
	}
	easter := easterSunday(d.Year(), d.Location())
	for _, after := range [...]int{1, 39, 50} { // Monday, Ascension, Whit Monday
		if easter.AddDate(0, 0, after).YearDay() == d.YearDay() {
			return true
		}
	}
	return false
}

// easterSunday is Gauss's computus in the form of Meeus, Jones and Butcher ("Astronomical Algorithms", chapter 8).
func easterSunday(year int, zone *time.Location) time.Time {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	g := (b - (b+8)/25 + 1) / 3
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return time.Date(year, time.Month(n/31), n%31+1, 12, 0, 0, 0, zone)
}

// length is a span of the company's own time, in milliseconds of opening time.
func (c *calendar) length(span rules.OpenTime) int64 {
	return int64(span.Days*c.day)*int64(minute) + span.Time.Milliseconds()
}

// worked is how much open time lies between the calendar's beginning and an instant.
func (c *calendar) worked(at event.Instant) int64 {
	i, _ := slices.BinarySearch(c.open, at+1) // minutes that began by then
	if i == 0 {
		return 0
	}
	return int64(i-1)*int64(minute) + min(int64(at-c.open[i-1]), int64(minute))
}

// after is when so much open time is used up, begun at from. A company that is never open counts elapsed time.
func (c *calendar) after(from event.Instant, length int64) event.Instant {
	if len(c.open) == 0 {
		return from + event.Instant(length)
	}
	total := c.worked(from) + length
	i := (total - 1) / int64(minute)
	return c.open[min(i, int64(len(c.open)-1))] + event.Instant(total-i*int64(minute))
}

// joursOuvrables is the last millisecond of the n-th day from Monday to Saturday, no public holiday, behind the day of from.
func (c *calendar) joursOuvrables(from event.Instant, n int) event.Instant {
	d := c.noon(from)
	for n > 0 {
		d = d.AddDate(0, 0, 1)
		if d.Weekday() != time.Sunday && !c.publicHoliday(d) {
			n--
		}
	}
	return c.endOf(d)
}

// months is the last millisecond of the same day so many months later, or of the last day of that month if it is shorter.
func (c *calendar) months(from event.Instant, n int) event.Instant {
	d := c.noon(from)
	then := d.AddDate(0, n, 0)
	for then.Day() != d.Day() && then.Day() < 4 { // it ran over into the month behind
		then = then.AddDate(0, 0, -1)
	}
	return c.endOf(then)
}

func (c *calendar) noon(at event.Instant) time.Time {
	t := at.Time().In(c.zone)
	return time.Date(t.Year(), t.Month(), t.Day(), 12, 0, 0, 0, c.zone)
}

func (c *calendar) endOf(d time.Time) event.Instant {
	return event.InstantOf(time.Date(d.Year(), d.Month(), d.Day()+1, 0, 0, 0, 0, c.zone)) - 1
}
