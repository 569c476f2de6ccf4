package alert

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
)

// desk decides which of the series in alarm are told: it holds the open alerts.
type desk struct {
	*company
	p    Parameters
	open []Alert
}

// close clears what is over and raises what no open alert explains.
func (k *desk) close(day int, closing *Closing) {
	k.open = slices.DeleteFunc(k.open, func(a Alert) bool {
		why, over := k.over(&a, day)
		if over {
			closing.Cleared = append(closing.Cleared, Cleared{ID: a.ID, Why: why})
		}
		return over
	})
	for _, kind := range k.kinds {
		k.raise(kind, day, closing)
	}
}

// find is the series of a key; nil where there is none.
func (c *company) find(key Key) *series {
	at, ok := slices.BinarySearchFunc(c.kinds, key.Kind, func(k *kind, name string) int { return cmp.Compare(k.name, name) })
	if !ok {
		return nil
	}
	list := c.kinds[at].series
	if at, ok = slices.BinarySearchFunc(list, key, func(s *series, key Key) int { return s.compare(key) }); !ok {
		return nil
	}
	return list[at]
}

// over says whether an alert is: neither its series is in alarm any more nor that in which most of it lay. Why is what ended on
// the day. Where nothing did, the alert would not stand had it always been watched for as it is now: other rules watch.
func (k *desk) over(a *Alert, day int) (why string, over bool) {
	s, where := k.find(a.Key), k.find(a.Where)
	if s != nil && s.alarm != nil || where != nil && where.alarm != nil && k.date(where.alarm.onset) <= a.RaisedOn {
		return "", false
	}
	for _, r := range [...]*series{s, where} {
		if r != nil && len(r.past) > 0 && r.past[len(r.past)-1].ended == day {
			return r.past[len(r.past)-1].why, true
		}
	}
	return otherRules, true
}

func (c *company) date(day int) Date { return c.counts.First + Date(day) }

// raise tells of the series of a kind that are in alarm and that no alert explains: the highest first.
func (k *desk) raise(kind *kind, day int, closing *Closing) {
	left := k.unexplained(kind.inAlarm(), day)
	for len(left) > 0 {
		s := left[0]
		a := k.alert(s, day)
		k.open = append(k.open, a)
		told := &k.open[len(k.open)-1]
		rest := k.unexplained(left[1:], day)
		for _, other := range left[1:] {
			if !slices.Contains(rest, other) {
				told.Explains = append(told.Explains, other.Key)
			}
		}
		closing.Raised = append(closing.Raised, *told)
		left = rest
	}
}

// inAlarm lists the series in alarm: the highest first; of one level that first which speaks loudest.
func (k *kind) inAlarm() (list []*series) {
	for _, s := range k.series {
		if s.alarm != nil {
			list = append(list, s)
		}
	}
	slices.SortStableFunc(list, func(a, b *series) int {
		return cmp.Or(cmp.Compare(a.level(), b.level()), cmp.Compare(b.strength(), a.strength()))
	})
	return list
}

// strength is how clearly a series in alarm stands out, in standard deviations.
func (s *series) strength() float64 {
	seen, expected := s.between(s.alarm.onset, s.alarm.raised)
	return (seen - expected) / math.Sqrt(s.usual.dispersion*math.Max(expected, 1))
}

func (s *series) between(from, to int) (seen, expected float64) {
	for d := from; d <= to; d++ {
		seen, expected = seen+s.counted[d], expected+s.expected[d]
	}
	return seen, expected
}

// unexplained are those that no open alert speaks for.
func (k *desk) unexplained(list []*series, day int) (left []*series) {
	for _, s := range list {
		if !k.covered(s) && k.stands(s, day) {
			left = append(left, s)
		}
	}
	return left
}

// covered says whether an open alert is of the series, or of one that holds it and was raised when it had begun already, or
// named it when it was raised.
func (k *desk) covered(s *series) bool {
	for i := range k.open {
		a := &k.open[i]
		if a.Kind != s.Kind {
			continue
		}
		if a.Key == s.Key {
			return true
		}
		if k.date(s.alarm.onset) > a.RaisedOn {
			continue
		}
		if above := k.find(a.Key); slices.Contains(a.Explains, s.Key) || above != nil && k.share(s, above) >= nested {
			return true
		}
	}
	return false
}

// nested: so much of a part lies in what holds it.
const nested = 0.9

// stands says whether a series would be in alarm if all that alerts explain had been expected: its sum from the onset of
// its alarm is at the threshold on some day, when the breakpoints expected of its part in each explained series are as many times
// more as they were in that series on that day.
func (k *desk) stands(s *series, day int) bool {
	told, past := k.explaining(s)
	sum := 0.0
	for d := s.alarm.onset; d <= day; d++ {
		more, before := 0.0, 0.0
		for _, r := range told {
			more += k.explained(s, r, d)
		}
		for _, r := range past {
			if r.wasInAlarm(d) {
				before = math.Max(before, k.explained(s, r, d))
			}
		}
		step := ratio(s.counted[d], s.expected[d]*(1+more+before), k.p.Shift, s.usual.dispersion)
		if sum = math.Max(0, sum+math.Min(step, alone*s.alarm.threshold)); sum >= s.alarm.threshold-1e-9 {
			return true
		}
	}
	return false
}

// explaining are the series, other than s, in which open alerts lie, and those that were in alarm since s began to be.
func (k *desk) explaining(s *series) (told, past []*series) {
	for i := range k.open {
		if r := k.find(k.open[i].Where); r != nil && r.kind == s.kind && r != s && !slices.Contains(told, r) {
			told = append(told, r)
		}
	}
	for _, r := range s.kind.series {
		if n := len(r.past); r != s && n > 0 && r.past[n-1].ended >= s.alarm.onset && !slices.Contains(told, r) {
			past = append(past, r)
		}
	}
	return told, past
}

// explained is by which part of what a series was expected to have on a day it has more because another was in alarm.
func (k *desk) explained(s, r *series, day int) float64 {
	switch {
	case s.expected[day] <= 0:
		return 0
	case r.usually[day] < r.expected[day]: // how many times the usual would say little
		return math.Max(0, r.counted[day]-r.usually[day]) * k.share(r, s) / s.expected[day]
	}
	return k.share(s, r) * r.excess(day)
}

// excess is by which part of the expected there were more on a day; never less than 0.
func (s *series) excess(day int) float64 {
	if s.expected[day] <= 0 {
		return 0
	}
	return math.Max(0, s.counted[day]/s.expected[day]-1)
}

func (s *series) wasInAlarm(day int) bool {
	return slices.ContainsFunc(s.past, func(e episode) bool { return e.onset <= day && day <= e.ended })
}

// pair is two series and the days on which they were compared.
type pair struct {
	part, whole Key
	from, to    int
}

// typical are the days that say where a series lies: those of its baseline, and where that is next to nothing, or was made anew
// since, those that raised its last alarm. None where there are neither.
func (s *series) typical() (from, to int) {
	n := len(s.past)
	switch {
	case s.alarm != nil && s.usual.held > 0:
		return s.alarm.onset, s.alarm.raised
	case s.alarm == nil && n > 0:
		return s.past[n-1].onset, s.past[n-1].raised
	case s.usual == nil:
		return 0, -1
	}
	return s.usual.from, s.usual.to
}

// share is how much of a series lies in another.
func (c *company) share(part, whole *series) float64 {
	if whole.level() == 0 {
		return 1
	}
	at := pair{part: part.Key, whole: whole.Key}
	at.from, at.to = part.typical()
	if v, ok := part.kind.shares[at]; ok {
		return v
	}
	both, all := 0.0, 0.0
	for _, cell := range part.kind.cellsOf(c.date(at.from), c.date(at.to)) {
		if part.holds(&cell.Key) {
			all += float64(cell.Detected)
			if whole.holds(&cell.Key) {
				both += float64(cell.Detected)
			}
		}
	}
	v := both / math.Max(all, 1)
	part.kind.shares[at] = v
	return v
}

// cellsOf are those of some days.
func (k *kind) cellsOf(from, to Date) []Cell {
	by := func(c Cell, d Date) int { return cmp.Compare(c.Day, d) }
	a, _ := slices.BinarySearchFunc(k.cells, from, by)
	b, _ := slices.BinarySearchFunc(k.cells, to+1, by)
	return k.cells[a:b]
}

// alert says what a series in alarm has come to.
func (k *desk) alert(s *series, day int) Alert {
	seen, expected := s.between(s.alarm.onset, day)
	a := Alert{
		Key: s.Key, RaisedOn: k.date(day), Since: k.date(s.alarm.onset - within(s.usual.delay, 0.5)),
		Observed: uint64(math.Round(seen)), Expected: expected, Where: k.where(s, day), Explains: []Key{},
	}
	a.ID = idOf(s.Key, a.Since)
	if expected > 0 {
		a.Factor = seen / expected
		width := math.Exp(z95 * math.Sqrt(s.usual.dispersion*(1/math.Max(seen, 1)+1/math.Max(s.usual.count, 1))))
		a.Low, a.High = a.Factor/width, a.Factor*width
	}
	return a
}

// z95 is the standard normal quantile of 97.5 %.
const z95 = 1.959963984540054

// idOf is a hash of what the alert is.
func idOf(key Key, since Date) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q %s", key.Kind, key.ReasonFamily, key.Silo, key.Unit, key.Channel, since))
	return hex.EncodeToString(sum[:16])
}

// where is the narrowest series in alarm that holds most of the excess: more than half of it, while outside of it the rate rose
// by less than half as much as inside.
func (k *desk) where(s *series, day int) Key {
	best, least := s.Key, math.Inf(1)
	seen, expected := s.between(s.alarm.onset, day)
	for _, part := range s.kind.series {
		if part.alarm == nil || part == s || k.share(part, s) < nested {
			continue
		}
		x, e := part.between(s.alarm.onset, day)
		if e <= 0 || e > nested*expected || e >= least || x-e < (seen-expected)/2 {
			continue
		}
		if inside, outside := x/e-1, (seen-x)/(expected-e)-1; outside < inside/2 {
			best, least = part.Key, e
		}
	}
	return best
}
