//go:build unix

package pipeline_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/churn"
	"parcours/pipeline/event"
)

// lookedLong is what is told as of a midnight, the long way: every customer is unpacked, and of each of them all is computed that a
// model says.
func (f *scoringBench) lookedLong(t *testing.T, asOf event.Instant) (told []string, scored, passed int) {
	th := &f.parameters.At(asOf).Told
	passed, err := pipeline.EachDue(f.partition, asOf, func(customer string, standing *churn.Standing, last churn.Last) {
		if settled, any := standing.Settled(); last.Told() && last.Day >= churn.DayOf(asOf) || any && settled > asOf+1 {
			return
		}
		state := standing.State(asOf, f.parameters)
		telling, tell := churn.End(customer, asOf, whyNot(f.model, &state), last)
		if telling.Ended == "" {
			scored++
			score := scoreLong(f.model, churn.RowOf(customer, &state, f.parameters, churn.AllFeatures()), state.Contract().InForce)
			telling, tell = churn.Decide(&score, last, th)
		}
		if tell {
			e := telling.Event()
			told = append(told, string(event.AppendLog(nil, &e)))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return told, scored, passed
}

// whyNot is why there is no score; "" where there is one.
func whyNot(m *churn.Model, state *churn.State) string {
	uses := state.Uses()
	switch contract := state.Contract(); {
	case state.Objected():
		return churn.EndedObjected
	case contract.Left:
		return churn.EndedNoContract
	case !contract.InForce && (m.Comeback == nil || uses.Age == 0 && uses.Recent == 0):
		return churn.EndedNothing
	}
	return ""
}

func scoreLong(m *churn.Model, row churn.Row, contract bool) churn.Score {
	if contract {
		return m.Score(&row)
	}
	s := m.Score(&churn.Row{Customer: row.Customer, At: row.At, Segment: row.Segment, Uses: row.Uses, Objected: true}) // nothing is said but
	s.Prior, s.Projection, s.ExpectedUses = false, [3]bool{}, m.Comeback.Expected(row.Uses, 365)
	return s
}

// lookedAt is what is told by Scorer.
func (f *scoringBench) lookedAt(t *testing.T, asOf event.Instant) (told []string, scored, passed int) {
	s := churn.Scorer{Model: f.model, AsOf: asOf, Parameters: f.parameters}
	census := f.partition.CensusDue(asOf)
	if err := census.Each(func(customer string, standing *churn.Standing, last churn.Last) error {
		if telling, tell := s.Look(customer, standing, last); tell {
			e := telling.Event()
			told = append(told, string(event.AppendLog(nil, &e)))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return told, s.Scored, census.Passed
}

// TestScoredTheLongWay: over a company, day by day, by the prior and by a model that was trained there, the same is told in the same
// order as where every customer is unpacked and all of every score computed, to the byte; as many are scored and passed over; and
// what the fold remembers of it, without unpacking anybody, is what packing each customer anew gives. Some objected, and one midnight
// in ten is left out.
func TestScoredTheLongWay(t *testing.T) {
	for company, customers := range map[string]int{"default": 600, "leavers": 1800} {
		t.Run(company, func(t *testing.T) {
			f, at, day := companyBench(t, company, customers)
			f.options.LeastLosses = 10 // few are lost of so few
			var rows []churn.Row
			told, ended := 0, 0
			for n := range 150 {
				f.foldAll(t, day(at))
				at = at.Add(24 * time.Hour)
				f.rights(t, n, at)
				if n >= 30 && n%15 == 0 && n <= 105 {
					rows = f.landmark(t, rows, at)
				}
				if n == 120 {
					f.train(t, rows, at)
				}
				if n < 60 || n%10 == 0 {
					continue
				}
				want, scored, passed := f.lookedLong(t, at)
				got, scoredNow, passedNow := f.lookedAt(t, at)
				if !slices.Equal(got, want) || scored != scoredNow || passed != passedNow {
					t.Fatalf("as of %s: %d told, %d scored, %d passed; the long way %d, %d, %d\n%q\n%q", at, len(got), scoredNow, passedNow, len(want), scored, passed, got, want)
				}
				f.score(t, at)
				if err := pipeline.CheckCustomers(f.partition); err != nil {
					t.Fatalf("as of %s: %v", at, err)
				}
				told, ended = told+len(got), ended+f.endings(t, got)
			}
			if told < 3*customers || ended == 0 || f.model.Prior {
				t.Errorf("%d told, %d of them ends, by %s", told, ended, f.model.Version)
			}
		})
	}
}

// rights lets a customer object, and another one consent again.
func (f *scoringBench) rights(t *testing.T, n int, at event.Instant) {
	for i, typ := range []string{event.CustomerObjected, event.CustomerConsented} {
		f.n++
		e := event.Event{ID: "right" + at.String(), Source: "/test", Type: typ, At: at - 1, Home: pseudonym((n + 200 - 30*i) % 200)}
		e.ID += typ
		e.Data.Customer, e.Data.To = e.Home, "profiling"
		f.fold(t, event.AppendLog(nil, &e))
	}
}

func (f *scoringBench) endings(t *testing.T, told []string) (n int) {
	for _, text := range told {
		e, err := event.DecodeLog([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		telling, err := churn.ReadTelling(&e)
		if err != nil || telling.Ended == "" && math.IsNaN(telling.P[2]) && math.IsNaN(telling.VoiceRisk) && math.IsNaN(telling.ExpectedUses) {
			t.Fatalf("%v: %s", err, text)
		}
		if telling.Ended != "" {
			n++
		}
	}
	return n
}
