package rules

import (
	"slices"
	"time"
)

func notMeasuredField() field {
	const key = "not_measured"
	return keyed(key, "Kinds that a source cannot support, since it never sends what would clear them: there they are neither zero nor broken.",
		"a list; each a kind of breakpoint, under a CloudEvents source", anyText, func(b *Book) *map[string][]string { return &b.NotMeasured },
		func(r *reader, at string, n *node, _ []string, _ *Book) ([]string, bool) {
			return values(r, at, n, kindNames)
		},
		func(list []string) *node { return shownList(list, kindNames) })
}

func targetsField() field {
	return named("targets", "What the company wants to reach, by name, for dashboards to compare with.", names, figures,
		func(b *Book) *map[string]float64 { return &b.Targets })
}

func comparisonGroup() field {
	return group("comparison", "With what the figures of a month are compared. A comparison across a change of what judges is withheld.",
		many("months_before", "So many months before it; 12 is the same month a year ago.", periods, func(b *Book) *[]int { return &b.MonthsBefore }))
}

// calendarFields are the keys of a calendar.
func calendarFields(in func(*Book) *OpeningTimes) []field {
	var week []field
	for _, day := range []time.Weekday{1, 2, 3, 4, 5, 6, 0} {
		week = append(week, single(weekdays[day], "", days, func(b *Book) *Hours { return &in(b).Opening[day] }))
	}
	return []field{
		single("timezone", "In which hours and days are read.", zones, func(b *Book) *string { return &in(b).Timezone }),
		group("open", "Each day of the week; a working day is as long as the longest of them.", week...),
		single("holidays", "Public holidays, computed for every year.", holidays, func(b *Book) *string { return &in(b).Holidays }),
		many("closures", "Further days on which it is closed.", dates, func(b *Book) *[]string { return &in(b).Closures }),
	}
}

var weekdays = [7]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// calendarsField are the calendars of units; what one does not state is the company's.
func calendarsField() field {
	fields := calendarFields(func(b *Book) *OpeningTimes { return &b.OpeningTimes })
	return keyed("calendars", "Other calendars, by name; what one leaves out is as in the company's.",
		"the keys of calendar, under a name", names,
		func(b *Book) *map[string]OpeningTimes { return &b.Calendars },
		func(r *reader, at string, n *node, before OpeningTimes, b *Book) (OpeningTimes, bool) {
			if before.Timezone == "" {
				before = b.OpeningTimes
			}
			own := Book{OpeningTimes: before}
			own.Closures = slices.Clone(own.Closures)
			r.group(at, n, fields, &own)
			return own.OpeningTimes, true
		},
		func(times OpeningTimes) *node { return showFields(fields, &Book{OpeningTimes: times}) })
}
