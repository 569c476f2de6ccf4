package evaluate

import (
	"slices"

	"parcours/pipeline/alert"
)

// detections are the breakpoints of a shifted series by the day on which each was detected.
type detections struct {
	shift  alert.Date // the first day that is wholly shifted
	byDay  map[alert.Date]int
	lags   []int // days from opportunity to detection, of those detected before the shift
	latest alert.Date
}

// detections counts those that the shift is about.
func (s *Shift) detections(found []Found) *detections {
	d := &detections{shift: s.day(), byDay: map[alert.Date]int{}}
	for i := range found {
		f := &found[i]
		if f.Kind != s.Kind || s.Unit != "" && f.Unit != s.Unit || s.Reason != "" && f.Reason != s.Reason {
			continue
		}
		on := alert.DateOf(f.DetectedAt)
		d.byDay[on]++
		d.latest = max(d.latest, on)
		if on < d.shift {
			d.lags = append(d.lags, int(on-alert.DateOf(f.OpportunityAt)))
		}
	}
	slices.Sort(d.lags)
	return d
}

// before is how many were detected a day in the days before the shift.
func (d *detections) before() float64 {
	n := 0
	for on := d.shift - daysBefore; on < d.shift; on++ {
		n += d.byDay[on]
	}
	return float64(n) / daysBefore
}

// shows is the day by which half of what the shifted opportunities of the first day came to is detected.
func (d *detections) shows() alert.Date {
	if len(d.lags) == 0 {
		return d.shift
	}
	return d.shift + alert.Date(d.lags[len(d.lags)/2])
}

// weeksUsual are the weeks before the shift whose like weekdays say what is usual on a day.
const weeksUsual = 8

// usual is how many are usually detected on a day: the mean of the same weekday in the weeks before the shift.
func (d *detections) usual(on alert.Date) float64 {
	for on >= d.shift {
		on -= 7
	}
	n := 0
	for week := range alert.Date(weeksUsual) {
		n += d.byDay[on-7*week]
	}
	return float64(n) / weeksUsual
}

// factor is what was detected in the days after the shift shows, as many times what is usual; 0 where nothing is.
func (d *detections) factor() float64 {
	n, usual := 0, 0.
	for on := d.shows(); on < d.shows()+daysBefore && on < d.latest; on++ {
		n += d.byDay[on]
		usual += d.usual(on)
	}
	if usual == 0 {
		return 0
	}
	return float64(n) / usual
}

// days counts those that pass from when the shift shows to a day, of which at least so many failures are usual.
func (d *detections) days(until alert.Date, least float64) (n int) {
	for on := d.shows(); on < until; on++ {
		if d.usual(on) >= least {
			n++
		}
	}
	return n
}

// timed says whether a shift was found in time, and counts it.
func (a *Alerts) timed(s *FoundShift, found []Found) {
	of, least, within := &a.Many, float64(manyADay), manyWithin
	if s.FailuresPerDay < manyADay {
		of, least, within = &a.Some, someADay, someWithin
	}
	if s.Found {
		a.Found++
		s.Days = s.detections(found).days(s.day()+alert.Date(s.DelayDays), least)
		s.InTime = s.Days <= within
	}
	if s.FailuresPerDay < someADay {
		s.InTime = false
		return
	}
	of.Shifts++
	if s.InTime {
		of.InTime++
	}
}
