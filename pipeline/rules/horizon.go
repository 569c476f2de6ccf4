package rules

import (
	"slices"
	"time"
)

// Horizon is how long the steps of a settled journey are held: at least LeastHorizon, and never less than the lateness
// allowed plus the longest gap, window or deadline in force. What is still due holds a journey for longer.
func (b *Book) Horizon() time.Duration { return b.horizon }

// Reach is how far back an event can find what it belongs to without a case: an answer what was owed, a contact id its
// contact, a journey those before it. An event that is not too late and lies within reach of a step finds it in memory.
func (b *Book) Reach() time.Duration { return b.horizon - b.Lateness }

// Near is how far apart journeys can lie that have to do with one another, beyond what Reach is for.
func (b *Book) Near() time.Duration { return b.near }

// nearest is the longest of the windows that link journeys, and the visit window on top: a page view may count for a contact
// on the one side of it and so join a journey on the other.
func (b *Book) nearest() time.Duration {
	return max(b.InactivityGap.longest(), longest(b.Repeat), longest(b.Failover), longest(b.SentBack), longest(b.FormWithin),
		longest(b.AnswerWithin), longest(b.TensionWithin), b.NoReason, b.CaseAfter, b.Visit) + b.Visit
}

func (b *Book) furthest() time.Duration {
	sla := &b.SLA
	furthest := max(b.nearest(), b.elapsed(sla.Case), b.elapsed(sla.Message), b.elapsed(b.StalledAfter),
		time.Duration(sla.ComplaintMonths*31+1)*Day,
		joursOuvrables(sla.ComplaintAck), joursOuvrables(sla.PaymentAnswer), joursOuvrables(sla.PaymentAfterReply))
	for _, path := range b.Paths {
		furthest = max(furthest, b.elapsedSpan(OpenTime{Days: path.Days}))
	}
	return max(b.LeastHorizon, b.Lateness+furthest)
}

// holidaysInARow is how many days a generous bound leaves for holidays and closures.
const holidaysInARow = 14

// joursOuvrables bounds a number of days from Monday to Saturday in elapsed time.
func joursOuvrables(n int) time.Duration { return time.Duration(n*7/6+holidaysInARow) * Day }

// elapsed bounds the longest span of a figure in elapsed time.
func (b *Book) elapsed(p Param[OpenTime]) time.Duration {
	most := b.elapsedSpan(p.Default)
	for i := range p.Except {
		most = max(most, b.elapsedSpan(p.Except[i].Value))
	}
	return most
}

// longest is the longest value of a window.
func longest(p Param[time.Duration]) time.Duration {
	most := p.Default
	for i := range p.Except {
		most = max(most, p.Except[i].Value)
	}
	return most
}

// elapsedSpan bounds a span of the company's own time in elapsed time, in whichever calendar that takes longest.
func (b *Book) elapsedSpan(span OpenTime) time.Duration {
	most := b.OpeningTimes.elapsed(b.calendar, span)
	for name, times := range b.Calendars {
		most = max(most, times.elapsed(b.calendars[name], span))
	}
	return most
}

func (t *OpeningTimes) elapsed(c *Calendar, span OpenTime) time.Duration {
	open, shortest := 0, 24*60
	for _, h := range t.Opening {
		if h.To > h.From {
			open, shortest = open+1, min(shortest, h.To-h.From)
		}
	}
	if open == 0 {
		return c.Length(span)
	}
	days := int(c.Length(span)/(time.Duration(shortest)*time.Minute)) + 1
	return time.Duration(days*7/open+holidaysInARow+t.mostClosures()) * Day
}

// closuresNear is in how many days closures are counted for one deadline.
const closuresNear = 90 * Day

// mostClosures is how many closures one deadline can meet.
func (t *OpeningTimes) mostClosures() (most int) {
	var list []time.Time
	for _, text := range t.Closures {
		if day, err := time.Parse(time.DateOnly, text); err == nil {
			list = append(list, day)
		}
	}
	slices.SortFunc(list, time.Time.Compare)
	first := 0
	for i, day := range list {
		for day.Sub(list[first]) > closuresNear {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// longest is the longest of a window and its exceptions.
func (w Window) longest() time.Duration {
	longest := w.Default
	for _, d := range w.ByFamily {
		longest = max(longest, d)
	}
	return longest
}
