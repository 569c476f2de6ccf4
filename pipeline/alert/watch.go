package alert

import (
	"math"
	"slices"
)

// episode is a series in alarm.
type episode struct {
	onset     int     // first day of the sum that alarmed
	raised    int     // the day on which it did
	ended     int     // the day on which it was found over, -1 while it goes on
	why       string  // it ended
	threshold float64 // when it was raised
	down      cusum   // for being usual again
}

// Why an alert is cleared.
const (
	usualAgain = "usual_again"
	newUsual   = "new_usual"
	otherRules = "rules"
)

// Watch closes the days from `from` to counts.Last, in order. open are the alerts that the log says are raised and not
// cleared before `from`. The same counts and open alerts give the same closings, and so does closing the days in several
// calls, each given what those before left open, as long as counts.First stays the same.
func Watch(counts Counts, open []Alert, from Date, p Parameters) []Closing {
	c := companyOf(counts, p)
	desk := &desk{company: c, p: p, open: slices.Clone(open)}
	var closings []Closing
	changed := c.changes()
	for day := range c.days {
		w := watching{company: c, p: p, day: day, weekday: c.weekdays[day]}
		watched := w.watch(slices.Contains(changed, day))
		if date := counts.First + Date(day); date >= from {
			closing := Closing{Day: date, Series: c.seriesBy(day), Watched: watched, Raised: []Alert{}, Cleared: []Cleared{}}
			desk.close(day, &closing)
			closings = append(closings, closing)
		}
	}
	return closings
}

// changes are the days from which other rules judge.
func (c *company) changes() (days []int) {
	for _, d := range c.counts.Rules {
		if c.has(d) && d > c.counts.First {
			days = append(days, int(d-c.counts.First))
		}
	}
	return days
}

// seriesBy is how many series there were by a day.
func (c *company) seriesBy(day int) int {
	n, _ := slices.BinarySearch(c.begins, day+1)
	return n
}

// watching is one day of all series.
type watching struct {
	*company
	p       Parameters
	day     int
	weekday int
}

// watch judges the day and says how many series were watched.
func (w *watching) watch(rules bool) int {
	for _, k := range w.kinds {
		if rules {
			k.restart(w.day)
		}
		if (w.counts.First + Date(w.day)).weekday() == monday {
			w.renew(k)
		}
	}
	var watched []*series
	weights := 0.0
	for _, k := range w.kinds {
		for _, s := range k.series {
			if s.watched = s.usual != nil && (s.alarm != nil || s.usual.aDay >= w.p.LeastADay); s.watched {
				watched = append(watched, s)
				weights += s.weight(w.p)
			} else {
				s.watch = cusum{}
			}
		}
	}
	for _, s := range watched {
		w.judge(s, weights/s.weight(w.p)*7/w.p.FalseAlarms)
	}
	return len(watched)
}

// Weights of series.
const (
	small = 0.1  // the least
	rare  = 0.01 // of one that is held against more than is usual: chance alone next to never lifts it that far
)

// weight is a series' share of the false alarms that are allowed. A day of a series with little volume says little, and it is
// found late however low its threshold; one with much is found in time with a threshold that lets next to none through.
func (s *series) weight(p Parameters) float64 {
	if s.usual.held > 0 {
		return rare
	}
	part := p.LeastADay / math.Max(s.usual.aDay, p.LeastADay)
	return math.Max(part*part, small)
}

// restart forgets what was usual: other rules judge from the day on.
func (k *kind) restart(day int) {
	for _, s := range k.series {
		if s.alarm != nil {
			s.end(day, otherRules)
		}
		s.since, s.usual, s.watched, s.watch, s.missing = day, nil, false, cusum{}, backlog{}
	}
}

// renew makes the baselines of a kind anew, but of the series in alarm.
func (w *watching) renew(k *kind) {
	k.delay = k.delays(max(w.day-w.p.Guard-w.p.Baseline, k.all.since), w.day-w.p.Guard-1)
	for _, s := range k.series {
		if s.alarm == nil {
			w.renewSeries(s)
		}
	}
}

func (w *watching) renewSeries(s *series) {
	var above *baseline
	if s != s.kind.all {
		above = s.kind.all.usual
	}
	s.usual = s.usualOf(w.day, w.weekdays, w.p, above)
}

// judge looks at a day of a series; at most one false alarm is wanted in so many days.
func (w *watching) judge(s *series, days float64) {
	usual, expected := s.usual.expect(w.day, w.weekday)
	seen := s.missing.counted(w.day, s.detected[w.day]*s.kind.foreseen(w.day, s.usual), usual)
	s.usually[w.day], s.expected[w.day], s.counted[w.day] = usual, expected, seen
	if s.alarm != nil {
		w.wait(s, seen, expected)
		return
	}
	threshold := s.usual.threshold(days, w.p.Shift)
	s.watch.add(w.day, ratio(seen, expected, w.p.Shift, s.usual.dispersion), threshold)
	if s.watch.sum >= threshold {
		s.alarm = &episode{onset: s.watch.onset, raised: w.day, ended: -1, threshold: threshold}
	}
}

// What it takes to be usual again: a likelihood ratio of exp(usualAt) for it, from so many days. What speaks for it beyond twice
// that is not kept: it must not outweigh days that speak against it.
const (
	usualAt   = 3
	usualDays = 7
)

// wait looks whether a series in alarm is usual again, or whether what it is has become usual. It is held against half the rise
// that raises an alarm, so that a rate between the two does neither.
func (w *watching) wait(s *series, seen, expected float64) {
	a := s.alarm
	step := -ratio(seen, expected, math.Sqrt(w.p.Shift), s.usual.dispersion)
	a.down.add(w.day, step, math.Inf(1))
	a.down.sum = math.Min(a.down.sum, 2*usualAt)
	switch {
	case a.down.sum >= usualAt && w.day-a.down.onset+1 >= usualDays:
		for d := a.onset; d <= w.day; d++ {
			s.unusual[d] = true
		}
		s.end(w.day, usualAgain)
	case w.day-a.raised >= w.p.Baseline:
		s.since = a.onset
		s.end(w.day, newUsual)
	default:
		return
	}
	w.renewSeries(s)
}

func (s *series) end(day int, why string) {
	s.alarm.ended, s.alarm.why = day, why
	s.past = append(s.past, *s.alarm)
	s.alarm, s.watch = nil, cusum{}
}
