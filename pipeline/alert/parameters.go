package alert

import (
	"time"

	"parcours/pipeline/rules"
)

// Parameters say what is watched for. docs/alerts.md says how they work together.
type Parameters struct {
	Shift       float64 // the rise to be found soonest: the rate is so many times its usual
	Baseline    int     // days that say what is usual
	AtLeast     int     // days of them that must be there before a series is watched
	Guard       int     // days between the baseline and the day judged
	LeastADay   float64 // expected breakpoints a day of a series that is watched
	FalseAlarms float64 // a week over all series: what the thresholds are made for
	// Holiday says whether the company is closed on a day on which it would be open; nil for never.
	Holiday func(Date) bool
}

// ParametersOf reads a rule book.
func ParametersOf(book *rules.Book) Parameters {
	a := &book.Alerts
	return Parameters{
		Shift: a.Shift, Baseline: wholeDays(a.Baseline), AtLeast: wholeDays(a.AtLeast), Guard: wholeDays(a.Guard),
		LeastADay: a.LeastADay, FalseAlarms: a.FalseAlarmsPerWeek,
		Holiday: func(d Date) bool { return book.Calendar().Holiday(d.Start().Time()) },
	}
}

// wholeDays rounds up.
func wholeDays(d time.Duration) int { return int((d + rules.Day - 1) / rules.Day) }
