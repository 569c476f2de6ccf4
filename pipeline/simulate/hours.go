package simulate

import (
	"fmt"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// hours are the company's opening hours. They know no public holidays, and are not those of the rules on purpose: the truth
// must not be computed by what it is meant to test. What is planted lies far enough beyond a deadline for either.
type hours struct {
	zone       *time.Location
	open, shut int
}

func newHours(p *Parameters) hours {
	zone, err := rules.LoadLocation(p.Timezone)
	if err != nil {
		panic(fmt.Sprintf("simulate: parameters: %v", err)) // a programming error: parameters are code
	}
	return hours{zone: zone, open: p.Open[0], shut: p.Open[1]}
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
	if t.Weekday() == time.Saturday || t.Weekday() == time.Sunday {
		return 0, 0, false
	}
	return h.clock(t, h.open), h.clock(t, h.shut), true
}

func (h hours) tomorrow(at event.Instant) event.Instant {
	return h.clock(at.Time().In(h.zone).AddDate(0, 0, 1), 0)
}

// clock is a full hour of a day.
func (h hours) clock(t time.Time, hour int) event.Instant {
	return event.InstantOf(time.Date(t.Year(), t.Month(), t.Day(), hour, 0, 0, 0, h.zone))
}
