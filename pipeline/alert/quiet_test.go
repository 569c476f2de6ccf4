package alert_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"parcours/pipeline/alert"
	"parcours/pipeline/rules"
)

// world is a made-up company for the engine alone: rates are known, and everything else is as unkind as in a real one.
type world struct {
	seed  uint64
	days  int
	kinds int
	rough float64                                  // how much more than chance days differ: 1 for as much as is likely
	flat  bool                                     // every day is like the others
	aDay  func(kind int) float64                   // opportunities
	rise  func(kind, day int, c alert.Key) float64 // of the rate; nil for 1
}

const (
	families, units, channels = 8, 9, 4
	silos                     = 4
)

// monday is the first day of every world.
const monday alert.Date = 20458 // 2026-01-05

// delaysOf are the days from opportunity to detection of a kind.
func delaysOf(kind int) []float64 {
	switch kind % 4 {
	case 0:
		return []float64{1}
	case 1:
		return []float64{0.3, 0.2, 0.15, 0.1, 0.1, 0.1, 0.05}
	case 2:
		return []float64{0.2, 0.8}
	}
	return []float64{0.6, 0.4}
}

var rates = [4]float64{0.1, 0.25, 0.05, 0.4}

// poisson draws a count: by multiplication where it is small, by the normal law (rounded) where it is large.
func poisson(rng *rand.Rand, mean float64) int {
	if mean > 60 {
		return int(math.Max(0, math.Round(mean+math.Sqrt(mean)*rng.NormFloat64())))
	}
	n, limit := 0, math.Exp(-mean)
	for p := rng.Float64(); p > limit; n++ {
		p *= rng.Float64()
	}
	return n
}

// gamma draws a factor with mean 1 and the variance given (Marsaglia and Tsang 2000).
func gamma(rng *rand.Rand, variance float64) float64 {
	d := 1/variance - 1./3
	for {
		x := rng.NormFloat64()
		v := 1 + x/math.Sqrt(9*d)
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(rng.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v * variance
		}
	}
}

var weekdays = [7]float64{1.2, 1.05, 1, 1, 0.95, 0.5, 0.25} // from Monday

func (w world) busy(day int) float64 {
	if w.flat {
		return 1
	}
	f := weekdays[day%7] * (1 + 0.2*math.Cos(2*math.Pi*float64(day)/365))
	switch {
	case day%61 == 47, day%61 == 48:
		f *= 2 // a campaign
	case day%37 == 30:
		f = 0 // a public holiday
	}
	return f
}

func name(what string, n int) string { return fmt.Sprintf("%s-%d", what, n) }

// counts makes up all days.
func (w world) counts() alert.Counts {
	counts := alert.Counts{First: monday, Last: monday + alert.Date(w.days-1)}
	for kind := range w.kinds {
		w.kind(kind, &counts)
	}
	return counts
}

func (w world) kind(kind int, counts *alert.Counts) {
	rng := rand.New(rand.NewPCG(w.seed, uint64(kind)))
	delay := delaysOf(kind)
	rate := rates[kind%4]
	key := alert.Key{Kind: name("kind", kind)}
	lags := map[[2]int]uint64{}
	late := map[alert.Key][]uint64{}
	for day := range w.days {
		shock := gamma(rng, 1e-9+0.004*w.rough)
		for u := range units {
			own := gamma(rng, 1e-9+0.01*w.rough)
			for f := range families {
				for c := range channels {
					key.ReasonFamily, key.Unit, key.Silo, key.Channel = name("family", f), name("unit", u), name("silo", u%silos), name("channel", c)
					share := float64(u+1) / 45 * float64(f+1) / 36 * float64(c+1) / 10
					n := poisson(rng, w.aDay(kind)*share*w.busy(day))
					p := rate * shock * own
					if w.rise != nil {
						p *= w.rise(kind, day, key)
					}
					row := late[key]
					if row == nil {
						row = make([]uint64, w.days+len(delay))
						late[key] = row
					}
					for range poisson(rng, float64(n)*p) {
						lag, x := 0, rng.Float64()
						for x -= delay[0]; x > 0 && lag < len(delay)-1; x -= delay[lag] {
							lag++
						}
						row[day+lag]++
						lags[[2]int{day + lag, lag}]++
					}
					if n > 0 || row[day] > 0 {
						counts.Cells = append(counts.Cells, alert.Cell{Key: key, Day: monday + alert.Date(day), Opportunities: uint64(n), Detected: row[day]})
					}
				}
			}
		}
	}
	for day := range w.days {
		for lag := range delay {
			if n := lags[[2]int{day, lag}]; n > 0 {
				counts.Lags = append(counts.Lags, alert.Lag{Kind: key.Kind, Day: monday + alert.Date(day), Days: int32(lag), Count: n})
			}
		}
	}
}

func parameters() alert.Parameters { return alert.ParametersOf(rules.Default()) }

// sizes: the smallest kind has 300 opportunities a day, the largest 6000.
func sizes(kind int) float64 { return 300 * float64(kind+1) }

// TestQuietYear: where nothing changes, next to nothing is raised, with weekdays, seasons, campaigns, holidays and more
// dispersion than chance has.
func TestQuietYear(t *testing.T) {
	for seed := range uint64(2) {
		counts := world{seed: seed, days: 365, kinds: 20, rough: 1, aDay: sizes}.counts()
		for _, days := range []int{56, 28} {
			p := parameters()
			p.Baseline = days
			raised, weeks, watched := 0, 0., 0
			for _, c := range alert.Watch(counts, nil, counts.First, p) {
				if raised += len(c.Raised); c.Watched > 0 {
					weeks += 1. / 7
				}
				watched = max(watched, c.Watched)
			}
			t.Logf("seed %d, a baseline of %d days: %d alerts, %.2f a week over %d series", seed, days, raised, float64(raised)/weeks, watched)
			if float64(raised) > weeks || watched < 400 {
				t.Errorf("seed %d, a baseline of %d days: %d alerts in %.0f weeks over %d series", seed, days, raised, weeks, watched)
			}
		}
	}
}

// part finds a series of a kind with a number of failures a day; false where it has none.
func part(kind int, least, most float64) (key alert.Key, found bool) {
	for n := range units {
		for _, of := range []struct {
			key   alert.Key
			parts int
		}{{alert.Key{Unit: name("unit", n)}, units}, {alert.Key{ReasonFamily: name("family", n)}, families}, {alert.Key{Channel: name("channel", n)}, channels}} {
			failures := rates[kind%4] * sizes(kind) * float64(n+1) / float64(of.parts*(of.parts+1)/2)
			if n < of.parts && failures >= least && failures < most {
				key, found = of.key, true
			}
		}
	}
	key.Kind = name("kind", kind)
	return key, found
}

// planted is a rise by half.
type planted struct {
	key  alert.Key
	day  int // of the opportunities
	late int // the median of the days until what they came to is detected
}

// found says how many days after it showed in what is detected an alert told a shift, never for not within a month.
func (s planted) found(closings []alert.Closing) int {
	from := monday + alert.Date(s.day)
	for _, c := range closings {
		for _, a := range c.Raised {
			if w := a.Where; a.Kind == s.key.Kind && c.Day >= from && c.Day < from+28 && (s.in(a.Key) || w == s.key) {
				return int(c.Day-from) - s.late
			}
		}
	}
	return never
}

// in says whether a series holds the shifted one.
func (s planted) in(k alert.Key) bool {
	var unit int
	if n, _ := fmt.Sscanf(s.key.Unit, "unit-%d", &unit); n == 1 && k == (alert.Key{Kind: k.Kind, Silo: name("silo", unit%silos)}) {
		return true
	}
	return k == s.key || k == alert.Key{Kind: k.Kind}
}

const never = 99

// plant gives kinds a rise by half: those detected by the day after in a series of 60 to 90 failures a day, the others in one of 10 to 15.
func (w *world) plant() map[int]planted {
	plan := map[int]planted{}
	for kind := range w.kinds {
		least, most := 10., 15.
		if many(kind) {
			least, most = 60, 90
		}
		if key, ok := part(kind, least, most); ok {
			plan[kind] = planted{key, 90 + (3*kind+int(w.seed%100))%27, []int{0, 2, 1, 0}[kind%4]}
		}
	}
	w.rise = func(kind, day int, c alert.Key) float64 {
		s, ok := plan[kind]
		if ok && day >= s.day && (s.key.Unit == c.Unit || s.key.ReasonFamily == c.ReasonFamily || s.key.Channel == c.Channel) {
			return 1.5
		}
		return 1
	}
	return plan
}

// many says whether a kind gets its rise in a series of many failures a day.
func many(kind int) bool { return kind%4 == 0 || kind%4 == 3 }

// within counts those found in time, and prints them.
func within(t *testing.T, what string, list []int, days int) (good int) {
	slices.Sort(list)
	for _, d := range list {
		if d <= days {
			good++
		}
	}
	t.Logf("%s: %d of %d within %d days, median %d: %v", what, good, len(list), days, list[len(list)/2], list)
	return good
}

// TestShiftsFound plants rises by half: in a quiet year of all series, and in a smaller company whose days are all alike.
func TestShiftsFound(t *testing.T) {
	for _, c := range []struct {
		world              world
		seeds              uint64
		large, small, both float64 // shares found in time, at least
	}{
		{world{days: 145, kinds: 20, rough: 1}, 4, 0.5, 0.7, 0.6},
		{world{days: 145, kinds: 6, rough: 0.2, flat: true}, 12, 0.9, 0.85, 0.9},
	} {
		var large, small []int
		watched := 0
		for seed := range c.seeds {
			w := c.world
			w.seed, w.aDay = 100+seed, sizes
			plan := w.plant()
			counts := w.counts()
			closings := alert.Watch(counts, nil, counts.First, parameters())
			watched = max(watched, closings[len(closings)-1].Watched)
			for kind := range w.kinds {
				switch s, ok := plan[kind]; {
				case ok && many(kind):
					large = append(large, s.found(closings))
				case ok:
					small = append(small, s.found(closings))
				}
			}
		}
		t.Logf("flat: %v, rough: %g, %d series watched", c.world.flat, c.world.rough, watched)
		found := within(t, "60 failures a day and more", large, 2)
		if float64(found) < c.large*float64(len(large)) {
			t.Errorf("%d of %d large ones found in time", found, len(large))
		}
		few := within(t, "10 failures a day and more", small, 10)
		if float64(few) < c.small*float64(len(small)) {
			t.Errorf("%d of %d small ones found in time", few, len(small))
		}
		if all := len(large) + len(small); float64(found+few) < c.both*float64(all) {
			t.Errorf("%d of %d found in time", found+few, all)
		}
	}
}
