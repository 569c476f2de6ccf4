package reference

import (
	"slices"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// rules gives the book in force at a moment: that of the opportunity.
func (h *history) rules(at event.Instant) *rules.Book { return h.judge.book.At(at) }

// place is where a figure is asked for: the reason that counts, and channel and unit of an event.
func place(reason string, e *event.Event) rules.Where {
	return rules.Where{Reason: reason, Channel: e.Data.Channel, Unit: e.Data.Unit}
}

// rulesFor is where a figure is asked for of which only a reason family is known.
func rulesFor(family string) rules.Where { return rules.Where{Reason: family} }

// value is the figure for a place: that of the first exception which fits, else the default.
func value[T any](p rules.Param[T], at rules.Where) T {
	for _, x := range p.Except {
		reason := x.Reason == "" || x.Reason == at.Reason || x.Reason == event.ReasonFamily(at.Reason)
		channel := x.Channel == "" || x.Channel == at.Channel
		if unit := x.Unit == "" || x.Unit == at.Unit; reason && channel && unit {
			return x.Value
		}
	}
	return p.Default
}

// gapOf is the inactivity gap of a reason family.
func gapOf(b *rules.Book, family string) time.Duration {
	if gap, ok := b.InactivityGap.ByFamily[family]; ok {
		return gap
	}
	return b.InactivityGap.Default
}

// path is what is normal for a reason: its own, else that of its family, else the default.
func (h *history) path(reason string, at event.Instant) rules.Path {
	paths := h.rules(at).Paths
	for _, key := range [...]string{reason, event.ReasonFamily(reason)} {
		if p, ok := paths[key]; ok && key != "" {
			return p
		}
	}
	return paths[""]
}

// caseSpan is how long a case may take: the days of the normal path where it states them, else the deadline.
func (h *history) caseSpan(reason string, e *event.Event) rules.OpenTime {
	if days := h.path(reason, e.At).Days; days > 0 {
		return rules.OpenTime{Days: days}
	}
	return value(h.rules(e.At).SLA.Case, place(reason, e))
}

// periphery says whether what a reason is about is not owed.
func (h *history) periphery(reason string, at event.Instant) bool {
	list := h.rules(at).Periphery
	return reason != "" && (slices.Contains(list, reason) || slices.Contains(list, event.ReasonFamily(reason)))
}

// container says whether a case is a file that lives for years.
func (j *Judge) container(id string) bool { return slices.Contains(j.book.Containers, id) }
