package rules

import (
	"sync/atomic"
	"time"

	"parcours/pipeline/event"
)

// day is what a calendar says of one day. The fold asks for the same days again and again, and time zones are dear to read,
// so that they are computed once.
type day struct {
	begins     event.Instant
	open, shut event.Instant // equal when the company is closed
	ouvrable   bool
}

func (d *day) opens() bool { return d.open < d.shut }

// table keeps days by their number since 1970-01-01, a page at a time. A page follows from the calendar alone: whoever
// computes it first, it is the same. What lies outside is computed each time.
type table struct {
	pages [keptDays / pageDays]atomic.Pointer[[pageDays]day]
}

const (
	pageDays = 128
	keptDays = 256 * pageDays // until 2059
)

// day gives the day of a number.
func (c *Calendar) day(n int) *day {
	if n < 0 || n >= keptDays {
		d := c.compute(n)
		return &d
	}
	page := c.table.pages[n/pageDays].Load()
	if page == nil {
		page = c.page(n / pageDays)
		c.table.pages[n/pageDays].Store(page)
	}
	return &page[n%pageDays]
}

func (c *Calendar) page(number int) *[pageDays]day {
	page := new([pageDays]day)
	for i := range page {
		page[i] = c.compute(number*pageDays + i)
	}
	return page
}

func (c *Calendar) compute(n int) (d day) {
	noon := time.Date(1970, time.January, 1+n, 12, 0, 0, 0, time.UTC) // whatever the zone does at midnight
	t := time.Date(1970, time.January, 1+n, 0, 0, 0, 0, c.zone)
	if t.YearDay() != noon.YearDay() { // the clocks are put forward at midnight
		_, t = t.ZoneBounds()
	}
	d.begins = event.InstantOf(t)
	if open, shut, ok := c.hours(noon); ok {
		d.open, d.shut = open, shut
	}
	d.ouvrable = noon.Weekday() != time.Sunday && !c.holidays[civilOf(noon)]
	return d
}

// dayOf is the number of the day that an instant lies in.
func (c *Calendar) dayOf(at event.Instant) int {
	const length = event.Instant(24 * time.Hour / time.Millisecond)
	n := int(at / length)
	for c.day(n+1).begins <= at {
		n++
	}
	for c.day(n).begins > at {
		n--
	}
	return n
}
