package simulate

import (
	"fmt"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// hours are the company's opening hours and holidays. They are not those of the rules on purpose: the truth must not be
// computed by what it is meant to test. What is planted lies far enough beyond a deadline for either.
type hours struct {
	zone   *time.Location
	open   [7][2]int
	day    time.Duration // of open time
	closed map[holiday]bool
}

// holiday is a day of one year, or of each year where that is 0.
type holiday struct {
	year  int
	month time.Month
	day   int
}

func holidayOf(text string) (holiday, bool) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return holiday{t.Year(), t.Month(), t.Day()}, true
	}
	t, err := time.Parse("01-02", text)
	return holiday{0, t.Month(), t.Day()}, err == nil
}

func newHours(p *Parameters) hours {
	zone, err := rules.LoadLocation(p.Timezone)
	if err != nil {
		panic(fmt.Sprintf("simulate: parameters: %v", err)) // ParseCompany has looked
	}
	h := hours{zone: zone, open: p.Open, day: p.openDay(), closed: map[holiday]bool{}}
	for _, text := range p.Closed {
		d, _ := holidayOf(text)
		h.closed[d] = true
	}
	return h
}

// next is the moment itself when the company is open, else the next opening.
func (h hours) next(at event.Instant) event.Instant {
	for {
		open, shut, working := h.of(at)
		switch {
		case working && at < open:
			return open
		case working && at < shut:
			return at
		}
		at = h.tomorrow(at)
	}
}

// isOpen says whether the company is open.
func (h hours) isOpen(at event.Instant) bool { return h.next(at) == at }

// after is the moment when so much open time has passed.
func (h hours) after(at event.Instant, open time.Duration) event.Instant {
	for at = h.next(at); ; at = h.next(h.tomorrow(at)) {
		_, shut, _ := h.of(at)
		left := shut.Sub(at)
		if open <= left {
			return at.Add(open)
		}
		open -= left
	}
}

// of gives the opening hours of the day of a moment.
func (h hours) of(at event.Instant) (open, shut event.Instant, working bool) {
	t := at.Time().In(h.zone)
	today := h.open[t.Weekday()]
	if today[0] >= today[1] || h.holiday(t) {
		return 0, 0, false
	}
	return h.clock(t, today[0]), h.clock(t, today[1]), true
}

// holiday says whether the company is closed on what is another day of work.
func (h hours) holiday(t time.Time) bool {
	y, m, d := t.Date()
	return h.closed[holiday{y, m, d}] || h.closed[holiday{0, m, d}]
}

func (h hours) tomorrow(at event.Instant) event.Instant {
	return h.clock(at.Time().In(h.zone).AddDate(0, 0, 1), 0)
}

// clock is a full hour of a day.
func (h hours) clock(t time.Time, hour int) event.Instant {
	return event.InstantOf(time.Date(t.Year(), t.Month(), t.Day(), hour, 0, 0, 0, h.zone))
}

// workdays is the last moment of the n-th day from Monday to Saturday after a moment, holidays left out.
func (h hours) workdays(at event.Instant, n int) event.Instant {
	t := at.Time().In(h.zone)
	for n > 0 {
		if t = t.AddDate(0, 0, 1); t.Weekday() != time.Sunday && !h.holiday(t) {
			n--
		}
	}
	return h.midnight(t)
}

// months is the last moment of the same day so many months later.
func (h hours) months(at event.Instant, n int) event.Instant {
	return h.midnight(at.Time().In(h.zone).AddDate(0, n, 0))
}

// midnight is the last moment of a day.
func (h hours) midnight(t time.Time) event.Instant {
	return h.clock(t.AddDate(0, 0, 1), 0).Add(-time.Millisecond)
}
