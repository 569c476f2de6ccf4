package alert_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"parcours/pipeline/alert"
)

// shop is a small company: one kind, three units of one silo, a hundred opportunities a day each, of which a tenth break on the
// day; times says how many times as many, by unit and day.
func shop(seed uint64, days int, times func(unit, day int) float64) alert.Counts {
	rng := rand.New(rand.NewPCG(seed, 7))
	counts := alert.Counts{First: monday, Last: monday + alert.Date(days-1)}
	for day := range days {
		at := monday + alert.Date(day)
		for u := range 3 {
			n := uint64(poisson(rng, 20*times(u, day)))
			counts.Cells = append(counts.Cells, alert.Cell{Key: alert.Key{Kind: "long_wait", Silo: "service", Unit: name("unit", u), Channel: "phone"},
				Day: at, Opportunities: 200, Detected: n})
			counts.Lags = append(counts.Lags, alert.Lag{Kind: "long_wait", Day: at, Count: n})
		}
	}
	return counts
}

// told lists what closings raised and cleared.
func told(closings []alert.Closing) (raised []alert.Alert, cleared []string) {
	for _, c := range closings {
		raised = append(raised, c.Raised...)
		for _, x := range c.Cleared {
			cleared = append(cleared, x.Why)
		}
	}
	return raised, cleared
}

func watched(counts alert.Counts) ([]alert.Alert, []string) {
	return told(alert.Watch(counts, nil, counts.First, parameters()))
}

func between(unit, from, to int, factor float64) func(int, int) float64 {
	return func(u, day int) float64 {
		if (unit < 0 || u == unit) && day >= from && day < to {
			return factor
		}
		return 1
	}
}

// TestAll: what rises everywhere is one alert, of the kind, with its day and its factor; it ends when it is over.
func TestAll(t *testing.T) {
	raised, cleared := watched(shop(1, 160, between(-1, 80, 110, 1.8)))
	if len(raised) != 1 || len(cleared) != 1 || cleared[0] != "usual_again" {
		t.Fatalf("%+v, %v", raised, cleared)
	}
	a, all := raised[0], alert.Key{Kind: "long_wait"}
	if a.Key != all || a.Where != all || a.Since != monday+80 || a.RaisedOn > monday+82 || a.Low > 1.8 || a.High < 1.8 || a.Factor < a.Low {
		t.Errorf("%+v", a)
	}
}

// TestOneUnit: what rises in one unit is one alert, which says where; a later rise of another unit is another.
func TestOneUnit(t *testing.T) {
	both := func(u, day int) float64 {
		return between(1, 80, 150, 2.5)(u, day) * between(2, 100, 150, 2.5)(u, day)
	}
	raised, _ := watched(shop(2, 130, both))
	if len(raised) != 2 || raised[0].Where.Unit != "unit-1" || raised[1].Where.Unit != "unit-2" || raised[1].RaisedOn < monday+100 {
		t.Errorf("%+v", raised)
	}
	for i, from := range []alert.Date{80, 100} {
		if d := raised[i].Since - monday - from; d < -2 || d > 1 {
			t.Errorf("alert %d began %+d days from it", i, d)
		}
	}
}

// TestParentBeyond: an open alert of a unit speaks for the kind as long as the kind's excess is the unit's; a kind that rises well
// beyond it is another alert.
func TestParentBeyond(t *testing.T) {
	unit := alert.Key{Kind: "long_wait", Unit: "unit-1"}
	open := []alert.Alert{{ID: "unit", Key: unit, Where: unit, RaisedOn: monday + 80, Since: monday + 80}}
	for _, beyond := range []float64{1, 3} {
		counts := shop(3, 130, func(u, day int) float64 {
			if u == 1 {
				return between(1, 80, 150, 2.5)(u, day)
			}
			return between(u, 100, 150, beyond)(u, day)
		})
		raised, _ := told(alert.Watch(counts, open, monday+81, parameters()))
		if (len(raised) == 0) != (beyond == 1) || beyond > 1 && (raised[0].Unit != "" || raised[0].RaisedOn < monday+100) {
			t.Errorf("x %g: %+v", beyond, raised)
		}
	}
}

// TestNewUsual: what stays becomes usual, and is not told again; other rules end an alert.
func TestNewUsual(t *testing.T) {
	counts := shop(4, 260, between(-1, 80, 999, 1.8))
	if raised, cleared := watched(counts); len(raised) != 1 || !slices.Equal(cleared, []string{"new_usual"}) {
		t.Errorf("%+v, %v", raised, cleared)
	}
	counts.Rules = []alert.Date{monday + 95}
	if raised, cleared := watched(counts); len(raised) != 1 || !slices.Equal(cleared, []string{"rules"}) {
		t.Errorf("other rules: %+v, %v", raised, cleared)
	}
}

// TestOtherParameters: an alert that would not stand had the days before always been watched for as they are now is cleared for that,
// and its rate is not said to be usual again.
func TestOtherParameters(t *testing.T) {
	counts := shop(1, 130, between(-1, 80, 999, 1.6))
	first := counts
	first.Last = monday + 99
	open, _ := told(alert.Watch(first, nil, first.First, parameters()))
	if len(open) != 1 {
		t.Fatalf("%+v", open)
	}
	for name, change := range map[string]func(*alert.Parameters){
		"a larger shift":     func(p *alert.Parameters) { p.Shift = 3 },
		"more a day":         func(p *alert.Parameters) { p.LeastADay = 100 },
		"a baseline not yet": func(p *alert.Parameters) { p.AtLeast, p.Baseline = 120, 120 },
	} {
		p := parameters()
		change(&p)
		closings := alert.Watch(counts, open, monday+100, p)
		if _, cleared := told(closings); len(closings[0].Cleared) != 1 || !slices.Equal(cleared, []string{"rules"}) {
			t.Errorf("%s: %v", name, cleared)
		}
	}
	if raised, cleared := told(alert.Watch(counts, open, monday+100, parameters())); len(raised) != 0 || len(cleared) != 0 {
		t.Errorf("the same: %+v, %v", raised, cleared)
	}
}

// rare is one series of a thousand opportunities a day, with breakpoints by day.
func rare(seed uint64, days int, mean func(day int) float64) alert.Counts {
	rng := rand.New(rand.NewPCG(seed, 3))
	counts := alert.Counts{First: monday, Last: monday + alert.Date(days-1)}
	for day := range days {
		at, n := monday+alert.Date(day), uint64(poisson(rng, mean(day)))
		counts.Cells = append(counts.Cells, alert.Cell{Key: alert.Key{Kind: "long_wait", Silo: "service", Unit: "one"}, Day: at, Opportunities: 1000, Detected: n})
		counts.Lags = append(counts.Lags, alert.Lag{Kind: "long_wait", Day: at, Count: n})
	}
	return counts
}

// TestRareBecomesFrequent: what has too few breakpoints a day for its own rate is told when it has many, at once and for good.
func TestRareBecomesFrequent(t *testing.T) {
	for _, usual := range []float64{0, 1, 5, 7} {
		for seed := range uint64(10) {
			counts := rare(seed, 260, func(day int) float64 {
				if day < 100 {
					return usual
				}
				return 100
			})
			raised, cleared := watched(counts)
			if len(raised) != 1 || raised[0].RaisedOn > monday+103 || raised[0].Since < monday+97 || !slices.Equal(cleared, []string{"new_usual"}) {
				t.Errorf("seed %d, from %g a day: %+v, %v", seed, usual, raised, cleared)
			}
		}
	}
}

// TestRareUnit: a unit where next to nothing broke, of a kind that breaks often elsewhere, is one alert that says where.
func TestRareUnit(t *testing.T) {
	for seed := range uint64(6) {
		raised, _ := watched(shop(seed, 106, func(u, day int) float64 {
			switch {
			case u != 1:
				return 1
			case day < 100:
				return 0.01
			}
			return 4
		}))
		if len(raised) != 1 || raised[0].RaisedOn > monday+103 || raised[0].Where.Unit != "unit-1" {
			t.Errorf("seed %d: %+v", seed, raised)
		}
	}
}

// TestYoungRise: a rise before anything was watched is in no baseline, and is not told weeks later as if it were new.
func TestYoungRise(t *testing.T) {
	late, all := 0, 0
	for seed := range uint64(20) {
		for _, at := range []int{10, 20, 30, 40} {
			raised, _ := watched(rare(seed, 150, func(day int) float64 {
				if day < at {
					return 20
				}
				return 60
			}))
			all++
			if slices.ContainsFunc(raised, func(a alert.Alert) bool { return int(a.Since-monday) > at+10 }) {
				late++
			}
		}
	}
	t.Logf("%d of %d have an alert whose day lies more than 10 days after it", late, all)
	if late*20 > all {
		t.Errorf("%d of %d have an alert whose day lies more than 10 days after it", late, all)
	}
}

// TestNoFlapping: a rate that hovers between the two limits is told a few times in a year and no more.
func TestNoFlapping(t *testing.T) {
	for seed := range uint64(4) {
		raised, _ := watched(shop(seed, 420, func(_, day int) float64 {
			if day < 60 {
				return 1
			}
			return 1.2 + 0.05*float64(day%2)
		}))
		if len(raised) > 3 {
			t.Errorf("seed %d: %d alerts", seed, len(raised))
		}
	}
}

// TestBusyIsNoRise: twice the opportunities with twice the breakpoints raise nothing, nor does a closed day whose work comes the day
// after, nor a single bad day.
func TestBusyIsNoRise(t *testing.T) {
	counts := shop(5, 120, func(int, int) float64 { return 1 })
	for i := range counts.Cells {
		c := &counts.Cells[i]
		switch day := c.Day - monday; {
		case day >= 70 && day < 80:
			c.Opportunities, c.Detected = 2*c.Opportunities, 2*c.Detected
		case day == 90:
			c.Detected = 0
		case day == 91 || day == 100:
			c.Detected *= 2
		}
	}
	if raised, _ := watched(counts); len(raised) != 0 {
		t.Errorf("%+v", raised)
	}
}

// TestEmptyDays: nothing, one day, gaps, days without opportunities and kinds that vanish are all closed.
func TestEmptyDays(t *testing.T) {
	if c := alert.Watch(alert.Counts{First: monday, Last: monday - 1}, nil, monday, parameters()); len(c) != 0 {
		t.Errorf("no day: %+v", c)
	}
	open := []alert.Alert{{ID: "gone", Key: alert.Key{Kind: "tension"}, Where: alert.Key{Kind: "tension"}}}
	one := alert.Watch(alert.Counts{First: monday, Last: monday}, open, monday, parameters())
	if len(one) != 1 || len(one[0].Cleared) != 1 || one[0].Series != 0 || one[0].Raised == nil {
		t.Errorf("one day: %+v", one)
	}
	counts := shop(6, 200, func(int, int) float64 { return 1 })
	counts.Cells = slices.DeleteFunc(counts.Cells, func(c alert.Cell) bool { return c.Day%11 == 3 || c.Day > monday+120 })
	closings := alert.Watch(counts, nil, counts.First, parameters())
	if raised, _ := told(closings); len(closings) != 200 || len(raised) != 0 || closings[100].Watched != 6 || closings[100].Series != 6 {
		t.Errorf("%d closings, %+v, %+v", len(closings), closings[100], raised)
	}
}

// TestSplit: one call or many, cells in any order: the same closings.
func TestSplit(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 11))
		counts := shop(seed, 240, func(u, day int) float64 {
			f := between(int(seed%4)-1, 70+5*int(seed), 110, 2)(u, day) * between(1, 130, 170, 1.6)(u, day)
			if seed > 2 && u == 2 {
				return f * 0.05 * between(2, 75, 90, 40)(u, day) // watched for becoming frequent
			}
			return f
		})
		counts.Rules = []alert.Date{monday + 180}
		whole := alert.Watch(counts, nil, counts.First, parameters())
		if raised, cleared := told(whole); len(raised) == 0 || len(cleared) == 0 {
			t.Fatalf("seed %d: nothing to split", seed)
		}
		var parts []alert.Closing
		var open []alert.Alert
		for from := counts.First; from <= counts.Last; {
			part := counts
			part.Last = min(counts.Last, from+alert.Date(rng.IntN(9)))
			part.Cells, part.Lags = slices.Clone(counts.Cells), slices.Clone(counts.Lags)
			rng.Shuffle(len(part.Cells), func(i, j int) { part.Cells[i], part.Cells[j] = part.Cells[j], part.Cells[i] })
			rng.Shuffle(len(part.Lags), func(i, j int) { part.Lags[i], part.Lags[j] = part.Lags[j], part.Lags[i] })
			for _, c := range alert.Watch(part, open, from, parameters()) {
				parts = append(parts, c)
				open = append(slices.DeleteFunc(open, func(a alert.Alert) bool {
					return slices.ContainsFunc(c.Cleared, func(x alert.Cleared) bool { return x.ID == a.ID })
				}), c.Raised...)
			}
			from = part.Last + 1
		}
		if !reflect.DeepEqual(whole, parts) {
			a, _ := json.Marshal(whole)
			b, _ := json.Marshal(parts)
			t.Errorf("seed %d: in parts it is another:\n%s\n%s", seed, a, b)
		}
	}
}

// TestDates: days are those of UTC, also before 1970.
func TestDates(t *testing.T) {
	if monday.String() != "2026-01-05" || alert.DateOf(monday.Start()) != monday || alert.DateOf(monday.Start()-1) != monday-1 || alert.DateOf(-1) != -1 {
		t.Error(monday, alert.DateOf(-1))
	}
}

// BenchmarkWatch judges two years of some 500 series.
func BenchmarkWatch(b *testing.B) {
	counts := world{seed: 1, days: 730, kinds: 20, rough: 1, aDay: sizes}.counts()
	b.ResetTimer()
	for b.Loop() {
		alert.Watch(counts, nil, counts.Last, parameters())
	}
}
