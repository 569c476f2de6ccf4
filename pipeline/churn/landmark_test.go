package churn_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"parcours/pipeline/churn"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

func onDay(day string) event.Instant {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return event.InstantOf(at)
}

func aFact(day string, what churn.What, name string) churn.Fact {
	f := churn.Fact{At: onDay(day), What: what, ID: "s " + day + name, Name: name, Amount: math.NaN()}
	if what == churn.Broken {
		f.Weight = 3
	}
	return f
}

func amountOf(f churn.Fact, amount float64) churn.Fact {
	f.Amount = amount
	return f
}

func landmarks(from, until string) churn.Landmarks {
	return churn.Landmarks{At: churn.Monthly(onDay(from), onDay(until)), Known: onDay(until), Parameters: churn.ParametersOf(rules.Default()), Features: churn.AllFeatures()}
}

// TestRows: who is at risk when, and what became of it.
func TestRows(t *testing.T) {
	started := amountOf(aFact("2025-01-10", churn.ContractStarted, "fibre"), 100)
	captive := started
	captive.Flag = true
	for name, c := range map[string]struct {
		facts []churn.Fact
		want  []string // landmark, days of follow-up, and whether lost
	}{
		"stays":                 {[]churn.Fact{started}, []string{"2025-02-01 120", "2025-03-01 92", "2025-04-01 61", "2025-05-01 31", "2025-06-01 0"}},
		"leaves":                {[]churn.Fact{started, aFact("2025-04-11", churn.ContractEnded, "customer")}, []string{"2025-02-01 69 lost", "2025-03-01 41 lost", "2025-04-01 10 lost"}},
		"asks, and leaves":      {[]churn.Fact{started, aFact("2025-03-20", churn.ContractAsked, ""), aFact("2025-04-11", churn.ContractEnded, "customer")}, []string{"2025-02-01 69 lost", "2025-03-01 41 lost", "2025-04-01 10 lost"}},
		"is ended":              {[]churn.Fact{started, aFact("2025-04-11", churn.ContractEnded, "company")}, []string{"2025-02-01 69", "2025-03-01 41", "2025-04-01 10"}},
		"leaves and comes back": {[]churn.Fact{started, aFact("2025-02-11", churn.ContractEnded, "customer"), aFact("2025-04-15", churn.ContractStarted, "fibre")}, []string{"2025-02-01 10 lost", "2025-05-01 31", "2025-06-01 0"}},
		"on the landmark":       {[]churn.Fact{started, aFact("2025-04-01", churn.ContractEnded, "customer")}, []string{"2025-02-01 59 lost", "2025-03-01 31 lost"}},
		"loses its value":       {[]churn.Fact{started, amountOf(aFact("2025-02-10", churn.ContractValued, "fibre"), 20)}, []string{"2025-02-01 99 lost", "2025-03-01 71 lost", "2025-04-01 40 lost", "2025-05-01 10 lost"}},
		"value comes back":      {[]churn.Fact{started, amountOf(aFact("2025-02-10", churn.ContractValued, "fibre"), 20), amountOf(aFact("2025-05-10", churn.ContractValued, "fibre"), 90)}, []string{"2025-02-01 120", "2025-03-01 92", "2025-04-01 61", "2025-05-01 31", "2025-06-01 0"}},
		"cannot leave":          {[]churn.Fact{captive, aFact("2025-04-11", churn.ContractEnded, "customer")}, nil},
		"no contract":           {[]churn.Fact{aFact("2025-01-10", churn.ComplaintFiled, "")}, nil},
		"objects":               {[]churn.Fact{started, aFact("2025-05-10", churn.RightObjected, "scoring")}, nil},
		"objected, and consents": {[]churn.Fact{started, aFact("2025-02-10", churn.RightObjected, "scoring"), aFact("2025-03-10", churn.RightConsented, "scoring")},
			[]string{"2025-02-01 120", "2025-04-01 61", "2025-05-01 31", "2025-06-01 0"}},
	} {
		l := landmarks("2025-01-01", "2025-06-01")
		var got []string
		for _, r := range l.Rows(nil, "c1", c.facts) {
			text := fmt.Sprintf("%s %.0f", r.At.Time().Format(time.DateOnly), r.FollowUp)
			if r.Lost {
				text += " lost"
			}
			got = append(got, text)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("who %s: %q, want %q", name, got, c.want)
		}
	}
}

// builder makes the rows of a customer.
type builder func(l *churn.Landmarks, customer string, facts []churn.Fact) []churn.Row

// TestNothingFromTheFuture: one fact of each sort, moved from before a landmark to a millisecond after it, changes no feature as
// of the landmark; the same facts before it do. A builder that reads the standing as of the end of the outcome is caught.
func TestNothingFromTheFuture(t *testing.T) {
	started := amountOf(aFact("2025-01-10", churn.ContractStarted, "fibre"), 100)
	var list []churn.Fact
	for what := churn.ContractRenewal; what <= churn.Broken; what++ {
		switch what {
		case churn.ContractEnded, churn.RightObjected, churn.RightConsented, churn.ContractKept:
			continue // after these there is no row, or nothing to see
		}
		f := aFact("2025-05-20", what, "repeat_contact")
		if what == churn.ContractValued {
			f.Name, f.Amount = "fibre", 50
		}
		if what >= churn.SurveyNPS && what <= churn.SurveyCES {
			f.Amount = 0.2
		}
		list = append(list, f)
	}
	landmark := onDay("2025-06-01")
	honest := func(l *churn.Landmarks, customer string, facts []churn.Fact) []churn.Row {
		return l.Rows(nil, customer, facts)
	}
	// leaky looks a month ahead of its landmark.
	leaky := func(l *churn.Landmarks, customer string, facts []churn.Fact) []churn.Row {
		rows := l.Rows(nil, customer, facts)
		for i := range rows {
			var s churn.Standing
			for _, f := range facts {
				s.Add(f)
			}
			state := s.State(rows[i].At.Add(30*24*time.Hour), l.Parameters)
			rows[i].X = state.Features(l.Features)
		}
		return rows
	}
	for _, f := range list {
		facts := []churn.Fact{started, f}
		if leaks(honest, started, f, landmark) {
			t.Errorf("fact %d is seen before it is known", f.What)
		}
		if f.What != churn.ContractRenewal && !leaks(leaky, started, f, landmark) { // a renewal is a signal a month later
			t.Errorf("fact %d: a builder that looks ahead was not caught", f.What)
		}
		l := landmarks("2025-01-01", "2026-01-01")
		with, without := rowAt(l.Rows(nil, "c1", facts), landmark), rowAt(l.Rows(nil, "c1", facts[:1]), landmark)
		if slices.Equal(with.X, without.X) {
			t.Errorf("fact %d is not seen at all: the test says nothing of it", f.What)
		}
	}
	// The outcome: a contract that ends tomorrow looks as one that never does.
	l := landmarks("2025-01-01", "2026-01-01")
	ends, stays := rowAt(l.Rows(nil, "c1", append([]churn.Fact{started}, aFact("2025-06-02", churn.ContractEnded, "customer"))), landmark), rowAt(l.Rows(nil, "c1", []churn.Fact{started}), landmark)
	if !ends.Lost || stays.Lost || !slices.Equal(ends.X, stays.X) {
		t.Errorf("a loss tomorrow: lost %t, and features differ: %t", ends.Lost, !slices.Equal(ends.X, stays.X))
	}
}

// leaks says whether a fact that happens just after a landmark changes what a row of the landmark looks at.
func leaks(build builder, started, f churn.Fact, landmark event.Instant) bool {
	l := landmarks("2025-01-01", "2026-01-01")
	later := f
	later.At = landmark + 1
	with, without := rowAt(build(&l, "c1", []churn.Fact{started, later}), landmark), rowAt(build(&l, "c1", []churn.Fact{started}), landmark)
	return !slices.Equal(with.X, without.X)
}

func rowAt(rows []churn.Row, at event.Instant) churn.Row {
	i := slices.IndexFunc(rows, func(r churn.Row) bool { return r.At == at })
	if i < 0 {
		return churn.Row{}
	}
	return rows[i]
}
