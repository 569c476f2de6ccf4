package churn

import (
	"math"
	"math/rand/v2"
	"testing"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

// TestSilencesByChance: of customers who stay, the share of silences that are said to be too long is about the one that the
// rules state where uses come by pure chance, and never more than twice that where they come more regularly; nobody who
// comes like clockwork is ever said to be silent.
func TestSilencesByChance(t *testing.T) {
	p := ParametersOf(rules.Default())
	for _, c := range []struct{ shape, least, most float64 }{
		{1, 0.7, 1.3}, {2, 0.1, 1}, {4, 0.05, 1}, {16, 0, 0.02}, {1000, 0, 0},
	} {
		for _, mean := range []float64{3, 10, 30} {
			alarms, silences := 0, 0
			for seed := range uint64(1000) {
				rng := rand.New(rand.NewPCG(seed, 1))
				a, n := silences60(rng, p, func() float64 { return gamma(rng, c.shape) * mean / c.shape })
				alarms, silences = alarms+a, silences+n
			}
			share := float64(alarms) / float64(silences) / p.Silence.Share
			if share < c.least || share > c.most {
				t.Errorf("shape %v, a use each %v days: %d of %d silences too long, %.2f of what the rules say", c.shape, mean, alarms, silences, share)
			}
		}
	}
}

// silences60 follows a customer through 60 uses, and counts the silences that could be judged and those said to be too long.
func silences60(rng *rand.Rand, p *Parameters, gap func() float64) (alarms, silences int) {
	var c core
	c.begin()
	for now := 100 * rng.Float64(); c.use.count < 60; now += gap() {
		at := event.Instant(now * float64(dayMillis))
		before := c.use.count
		c.apply(&Fact{At: at, What: ServiceUsed, Amount: math.NaN()}, p)
		if c.use.count > before && c.use.count > p.Silence.Gaps+2 {
			silences++
		}
	}
	for i := range c.signals {
		if c.signals[i].Kind == Silence {
			alarms++
		}
	}
	return alarms, silences
}

// TestSilenceFound: who stops is found, after seven gaps or so where uses come by chance and three where they come regularly.
func TestSilenceFound(t *testing.T) {
	p := ParametersOf(rules.Default())
	for _, c := range []struct{ shape, gaps float64 }{{1, 8}, {16, 4.5}, {1000, 3.2}} {
		for seed := range uint64(200) {
			rng := rand.New(rand.NewPCG(seed, 2))
			var s Standing
			now, sum, last := 0.0, 0.0, 0.0
			for range 40 {
				s.Add(Fact{At: event.Instant(now * float64(dayMillis)), What: ServiceUsed, ID: idOf(int(now * 1e6)), Amount: math.NaN()})
				last = now
				step := 10 * gamma(rng, c.shape) / c.shape
				now, sum = now+step, sum+step
			}
			state := s.State(event.Instant(last*float64(dayMillis)), p)
			due := state.NextDue()
			if due == journey.Never {
				t.Fatalf("shape %v, seed %d: nothing is due", c.shape, seed)
			}
			state = s.State(due, p)
			found := state.Signals()[len(state.Signals())-1]
			if after := float64(due)/float64(dayMillis) - last; found.Kind != Silence || !found.Open() || found.RaisedAt != due || after > 30*c.gaps {
				t.Errorf("shape %v, seed %d: %+v after %v days", c.shape, seed, found, after)
			}
			if c.shape == 1000 && float64(due)/float64(dayMillis)-last > 10*c.gaps+1 {
				t.Errorf("regular: %v days", float64(due)/float64(dayMillis)-last)
			}
		}
	}
}

// TestPredictiveLimit holds the limits to the tables of the F distribution.
func TestPredictiveLimit(t *testing.T) {
	for _, c := range []struct {
		k, n    int
		p, want float64
	}{
		{1, 8, 0.005, 7.51382}, {1, 10, 0.05, 3.49283}, {1, 10, 0.01, 5.84893}, // F(2, 2n)
		{2, 10, 0.05, 2.60597}, {2, 10, 0.01, 3.82829}, // F(4, 40)
		{4, 10, 0.05, 2.05637}, {4, 10, 0.01, 2.74149}, // F(8, 80), rounded tables: 2.06, 2.74
	} {
		if got := predictiveLimit(c.k, c.n, c.p); math.Abs(got-c.want) > 2e-3 {
			t.Errorf("k %d, n %d, p %v: %v, expected %v", c.k, c.n, c.p, got, c.want)
		}
	}
}

// TestSeason: a silence in a month in which little is used counts less.
func TestSeason(t *testing.T) {
	book, err := rules.Parse("t", []byte("churn: {silence: {season: {august: 0.5}}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	even, quiet := ParametersOf(rules.Default()), ParametersOf(book)
	on := func(text string) day { return dayOf(at(t, text)) }
	if got := quiet.elapsed(on("2026-07-30"), on("2026-09-03")); got != 2+31*0.5+2 {
		t.Errorf("2 days of July, August and 2 of September: %v", got)
	}
	for limit := 0.5; limit < 80; limit += 0.7 {
		for _, p := range []*Parameters{even, quiet} {
			from := on("2026-07-20")
			d, found := p.beyond(from, limit)
			if !found || p.elapsed(from, d) <= limit || p.elapsed(from, d-1) > limit {
				t.Errorf("limit %v: day %d after, %v", limit, d-from, found)
			}
		}
	}
	if _, found := even.beyond(0, 1e7); found {
		t.Error("a silence of ten thousand years was foreseen")
	}
}

// gamma draws from the gamma law of a shape of 1 or more and scale 1 (Marsaglia and Tsang 2000).
func gamma(rng *rand.Rand, shape float64) float64 {
	d := shape - 1.0/3
	for {
		x := rng.NormFloat64()
		v := math.Pow(1+x/math.Sqrt(9*d), 3)
		if v > 0 && math.Log(rng.Float64()) < 0.5*x*x+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}
