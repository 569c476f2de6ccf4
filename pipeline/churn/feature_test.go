package churn

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// TestFeatures: what single facts do to what a model looks at.
func TestFeatures(t *testing.T) {
	names, p := AllFeatures(), ParametersOf(rules.Default())
	for name, c := range map[string]struct {
		facts, as string
		want      map[string]float64
	}{
		"nothing": {"2026-01-01 contact out", "2026-03-01", map[string]float64{"uses": 0, "tenure_known": 0, "margin_known": 0, "contacts:30d": 0}},
		"a breakpoint halves in 7, 30 and 90 days": {"2026-01-01 broke name=long_wait severity=2", "2026-01-31",
			map[string]float64{"long_wait:7d": 0.051271, "long_wait:30d": 0.5, "long_wait:90d": 0.793701, "broken_promise:90d": 0}},
		"two of them": {"2026-01-01 broke name=long_wait\n2026-01-31 broke name=long_wait", "2026-01-31", map[string]float64{"long_wait:30d": 1.5}},
		"effort":      {"2026-01-31 contact\n2026-01-31 contact", "2026-01-31", map[string]float64{"contacts:30d": 2, "effort": 25.918178}},
		"a contract": {"2025-01-31 started margin=99", "2026-01-31",
			map[string]float64{"tenure": 0.693147, "tenure_known": 1, "first_year": 0, "margin": 4.60517, "margin_known": 1, "contracts": 1, "anniversary:cos": 0.999991}},
		"worth less":      {"2026-01-01 started margin=100\n2026-01-02 valued value=70", "2026-01-31", map[string]float64{"value_lost": 0.3, "value_cut": 1}},
		"asked to cancel": {"2026-01-01 asked", "2026-01-31", map[string]float64{"cancel_requested": 1, "portability_requested": 0}},
		"and lapsed":      {"2026-01-01 asked", "2026-06-30", map[string]float64{"cancel_requested": 0}},
		"uses": {"2026-01-01 used\n2026-01-01 used\n2026-01-31 used", "2026-02-10",
			map[string]float64{"uses": 1.098612, "unused": 2.397895, "silence_share": 0, "use_trend": 0}},
		"a year ago": {"2026-01-01 used", "2027-01-01", map[string]float64{"uses": 0}},
		"a day less": {"2026-01-01 used", "2026-12-31", map[string]float64{"uses": 0.693147}},
	} {
		t.Run(name, func(t *testing.T) {
			var s Standing
			for _, f := range script(t, c.facts) {
				s.Add(f)
			}
			state := s.State(at(t, c.as), p)
			x := state.Features(names)
			for feature, want := range c.want {
				i := names.Number(feature)
				if i < 0 {
					t.Fatalf("there is no feature %s", feature)
				}
				if math.Abs(x[i]-want) > 1e-6 {
					t.Errorf("%s: %v, expected %v", feature, x[i], want)
				}
			}
		})
	}
}

// TestHalvings: all that is left of a sum, by one power, is what is left of each by its own, after whole days to the bit; at once it is the
// sum, and in the end nothing.
func TestHalvings(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 10))
	for range 1000 {
		s := sum{at: testStart, halved: [len(halvings)]float64{5 * random.Float64(), 50 * random.Float64(), 500 * random.Float64()}}
		if s.as(s.at) != s.halved {
			t.Fatalf("%v at once is %v", s.halved, s.as(s.at))
		}
		age, near := event.Instant(random.Int64N(3*365*dayMillis)), 1e-12
		if random.IntN(4) == 0 {
			age, near = age-age%event.Instant(dayMillis), 0
		}
		for d, v := range s.as(s.at + age) {
			if want := decayed(s.halved[d], age, halvings[d]); math.Abs(v-want) > near*want {
				t.Fatalf("%g, halved in %d days, after %d: %g, expected %g", s.halved[d], halvings[d], int64(age)/dayMillis, v, want)
			}
		}
		if left := s.as(s.at.Add(100_000 * 24 * time.Hour)); left != [len(halvings)]float64{} {
			t.Fatalf("after 270 years there is %v", left)
		}
	}
}

// TestFeatureNames: each once, in words, with a direction; those of one reason stand under one group; places say their values.
func TestFeatureNames(t *testing.T) {
	f := AllFeatures()
	names := f.Names()
	if len(names) != f.Len() || f.Number("no such") != -1 {
		t.Errorf("%d names of %d features", len(names), f.Len())
	}
	for i, name := range names {
		fr, en := f.Words(i)
		if f.Number(name) != i || fr == "" || en == "" || strings.Count(fr, "%s") != strings.Count(en, "%s") || f.Sign(i) < -1 || f.Sign(i) > 1 {
			t.Errorf("%s: number %d of %d, %q, %q, sign %d", name, f.Number(name), i, fr, en, f.Sign(i))
		}
		if group, _, _ := strings.Cut(name, ":"); f.Group(i) != group {
			t.Errorf("%s: group %s", name, f.Group(i))
		}
	}
	for _, kind := range rules.Kinds() {
		if i := f.Number(kind + ":30d"); i < 0 || f.Sign(i) != 1 {
			t.Errorf("%s is no feature that may only raise a risk", kind)
		}
	}
	if i := f.Number("unused"); f.Value(i, math.Log1p(20)) != 20 || f.Value(f.Number("effort"), 20) != 20 {
		t.Error("values are not as a person would say them")
	}
	if slices.Contains(names, "segment") || slices.Contains(names, "product") {
		t.Error("segment and product are none")
	}
}

// TestUses: distinct days after the first, as BG/NBD counts them, and what was spent on them.
func TestUses(t *testing.T) {
	p := ParametersOf(rules.Default())
	read := func(facts, as string) Uses {
		var s Standing
		for _, f := range script(t, facts) {
			s.Add(f)
		}
		state := s.State(at(t, as), p)
		return state.Uses()
	}
	if u := read("2026-01-01 asked", "2026-02-01"); u.Frequency != 0 || u.Age != 0 || !math.IsNaN(u.Spend) {
		t.Errorf("never there: %+v", u)
	}
	if u := read("2026-01-01 used value=9", "2026-02-01"); u.Frequency != 0 || u.Recency != 0 || u.Age != 31 || u.Recent != 1 || !math.IsNaN(u.Spend) {
		t.Errorf("there once: %+v", u)
	}
	u := read("2026-01-01 used value=9\n2026-01-04 used value=10\n2026-01-04 used value=2\n2026-01-08 used\n2026-01-10 used value=6", "2027-01-04")
	if want := (Uses{Frequency: 3, Recency: 9, Age: 368, Recent: 2, Spend: 9}); u != want {
		t.Errorf("%+v, expected %+v", u, want)
	}
}
