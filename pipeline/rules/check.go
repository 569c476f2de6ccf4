package rules

import (
	"maps"
	"slices"

	"parcours/pipeline/event"
)

// check looks at what keys say of one another.
func (r *reader) check(b *Book) {
	r.checkSilos(b)
	r.checkReasons(b)
	r.checkAlerts(b)
	for _, unit := range slices.Sorted(maps.Keys(b.Units)) {
		if _, ok := b.Calendars[b.Units[unit]]; !ok {
			r.faultAt([]string{"units." + unit, "calendars"}, "%q is no calendar; calendars has %v", b.Units[unit], slices.Sorted(maps.Keys(b.Calendars)))
		}
	}
	r.checkOpen("calendar", &b.OpeningTimes)
	for _, name := range slices.Sorted(maps.Keys(b.Calendars)) {
		times := b.Calendars[name]
		r.checkOpen("calendars."+name, &times)
	}
	if b.LeastHorizon <= b.Lateness {
		r.faultAt([]string{"technical.held_for", "technical.lateness"}, "%s: expected more than the lateness allowed, %s",
			printDuration(b.LeastHorizon), printDuration(b.Lateness))
	}
}

// checkAlerts: what is usual needs days, and no more than there may be.
func (r *reader) checkAlerts(b *Book) {
	if a := &b.Alerts; a.AtLeast < 14*Day || a.AtLeast > a.Baseline {
		r.faultAt([]string{"alerts.at_least", "alerts.baseline", "alerts"}, "%s: expected 14d or more, and no more than the baseline, %s",
			printDuration(a.AtLeast), printDuration(a.Baseline))
	}
}

// checkOpen: a calendar without an opening hour has no deadlines.
func (r *reader) checkOpen(at string, t *OpeningTimes) {
	for _, h := range t.Opening {
		if h.From < h.To {
			return
		}
	}
	r.faultAt([]string{at + ".open", at}, "closed all week; expected a day with opening hours such as 09:00-18:00")
}

func (r *reader) checkSilos(b *Book) {
	listed := func(silo string, keys ...string) {
		if !slices.Contains(b.Silos, silo) {
			r.faultAt(append(keys, "silos.list"), "%q is no silo of silos.list", silo)
		}
	}
	listed(b.Owner, "silos.last_resort")
	for _, silo := range slices.Sorted(maps.Keys(b.HourlyRate)) {
		listed(silo, "silos.hourly_rates."+silo)
	}
	for _, family := range slices.Sorted(maps.Keys(b.OwnerSilo)) {
		listed(b.OwnerSilo[family], "reasons."+family+".silo")
	}
	if _, ok := b.HourlyRate[b.Owner]; !ok {
		r.faultAt([]string{"silos.hourly_rates." + b.Owner, "silos.hourly_rates", "silos.last_resort"}, "expected a rate for the silo of last resort")
	}
}

// checkReasons: what names a reason names one of the taxonomy.
func (r *reader) checkReasons(b *Book) {
	for _, reason := range b.Reasons {
		if !slices.Contains(b.Families, event.ReasonFamily(reason)) {
			r.faultAt([]string{"reasons." + reason, "reasons." + event.ReasonFamily(reason), "reasons"}, "its family %q is not in the taxonomy", event.ReasonFamily(reason))
		}
	}
	for _, family := range slices.Sorted(maps.Keys(b.InactivityGap.ByFamily)) {
		if !slices.Contains(b.Families, family) {
			r.faultAt([]string{"journeys.inactivity_gap.by_reason." + family, "reasons"}, "%q is no family of reasons", family)
		}
	}
	for _, asked := range r.asked {
		if !slices.Contains(b.Families, event.ReasonFamily(asked.Message)) {
			r.fault(asked.Line, asked.Key, "%q is of no family of reasons", asked.Message)
		}
	}
}
