package pipeline_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/churn"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// midnight is the nth after the first.
func midnight(n int) event.Instant { return firstMidnight.Add(time.Duration(n) * 24 * time.Hour) }

// looks are the customers that a census gives, in order.
func looks(t *testing.T, c *pipeline.Census) (list []string) {
	t.Helper()
	if err := c.Each(func(customer string, _ *churn.Standing, _ churn.Last) error {
		list = append(list, customer)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return list
}

// ticked moves the clock.
func (f *scores) ticked(at event.Instant) {
	f.apply(event.Event{ID: at.String(), Source: "/clock", Type: event.ClockTicked, At: at}, pipeline.All)
}

// meets folds an event of a customer.
func (f *scores) meets(customer, typ string, at event.Instant) {
	e := event.Event{ID: fmt.Sprint(typ, customer, at), Source: "/test", Type: typ, At: at, Home: customer}
	e.Data.Customer = customer
	f.apply(e, f.partition.Number)
}

// TestCensusDue: as of a midnight those are looked at about whom something came or with whom something fell due since the one that
// was scored last, and a seventh of the others, each once in seven days, also where midnights were left out; and the same out of
// the state.
func TestCensusDue(t *testing.T) {
	const n = 70
	f := newScores(t, 0)
	for i := range n {
		f.started(pseudonym(i))
	}
	f.ticked(midnight(20))
	if got := looks(t, f.partition.CensusDue(midnight(20))); len(got) != n {
		t.Errorf("%d are looked at the first time", len(got))
	}
	f.over(midnight(20))
	seen := map[string]int{}
	for day := 21; day < 28; day++ {
		f.ticked(midnight(day))
		due := looks(t, f.partition.CensusDue(midnight(day)))
		f.restored()
		if again := looks(t, f.partition.CensusDue(midnight(day))); !slices.Equal(due, again) {
			t.Errorf("as of %s %v, out of the state %v", midnight(day), due, again)
		}
		if len(due) == n {
			t.Errorf("all are looked at as of %s", midnight(day))
		}
		for _, customer := range due {
			seen[customer]++
		}
		f.over(midnight(day))
	}
	for i := range n {
		if seen[pseudonym(i)] != 1 {
			t.Errorf("%d was looked at %d times in seven days", i, seen[pseudonym(i)])
		}
	}

	f.ticked(midnight(30))
	within := looks(t, f.partition.CensusDue(midnight(30)))
	if len(within) < n/5 || len(within) > n*2/3 {
		t.Errorf("%d of %d are looked at after three days", len(within), n)
	}
	f.ticked(midnight(34))
	if got := looks(t, f.partition.CensusDue(midnight(34))); len(got) != n {
		t.Errorf("%d are looked at after a week", len(got))
	}
	f.over(midnight(34))

	f.ticked(midnight(35))
	quiet := looks(t, f.partition.CensusDue(midnight(35)))
	var touched []string
	for i := range 10 {
		if customer := pseudonym(i); !slices.Contains(quiet, customer) {
			touched = append(touched, customer)
			f.meets(customer, event.ContractRenewalDue, midnight(35)-event.Instant(i)-1)
		}
	}
	want := slices.Sorted(slices.Values(append(slices.Clone(quiet), touched...)))
	if got := looks(t, f.partition.CensusDue(midnight(35))); !slices.Equal(slices.Sorted(slices.Values(got)), want) || len(touched) == 0 {
		t.Errorf("got %v, want %v", got, want)
	}
	f.over(midnight(35))
	raised, last := len(f.all.Rows.ChurnSignals), 35
	for ; len(f.all.Rows.ChurnSignals) == raised && last < 100; last++ { // a renewal without contact, some days later
		f.over(midnight(last))
		f.ticked(midnight(last + 1))
	}
	if got := looks(t, f.partition.CensusDue(midnight(last))); slices.ContainsFunc(touched, func(c string) bool { return !slices.Contains(got, c) }) {
		t.Errorf("as of %s, when something fell due with %v, these are looked at: %v", midnight(last), touched, got)
	}
}

// TestJudgedOtherwise: everybody is looked at where nothing was scored yet, and where another model or rule book comes into force.
func TestJudgedOtherwise(t *testing.T) {
	f := newScores(t, 0)
	f.started(pseudonym(1))
	check := func(day int, want bool) {
		t.Helper()
		if got := f.partition.JudgedOtherwise(midnight(day)); got != want {
			t.Errorf("day %d: %v", day, got)
		}
	}
	f.ticked(midnight(1))
	check(1, true)
	f.over(midnight(1))
	check(2, false)
	p, err := churn.PublicationOf(modelOf(t, 0.5), midnight(3))
	if err != nil {
		t.Fatal(err)
	}
	f.apply(p.Event(midnight(1)), pipeline.All)
	check(2, false)
	check(3, true)
	f.over(midnight(3))
	check(4, false)
	f.restored()
	check(4, false)
	f.partition.Book = f.partition.Book.With(rules.Default(), midnight(5), 7)
	check(4, false)
	check(5, true)
	f.over(midnight(5))
	check(6, false)
}

// decaying are customers of whom something was heard once, in the week before the first midnight, and never again.
func decaying(t *testing.T) *scores {
	f := newScores(t, 0)
	for i := range 60 {
		f.started(pseudonym(i))
	}
	for i := range 60 {
		for n := range i % 4 {
			f.meets(pseudonym(i), event.ComplaintFiled, firstMidnight+event.Instant(i*1000+n))
		}
	}
	return f
}

// scoreDay scores those who are due as of a midnight, and gives the ids of what was told.
func (f *scores) scoreDay(asOf event.Instant) (told []string) {
	f.t.Helper()
	f.ticked(asOf)
	s := churn.Scorer{Model: churn.Prior(churn.AllFeatures()), AsOf: asOf, Parameters: churn.ParametersOf(f.partition.Book)}
	var list []churn.Telling
	if err := f.partition.CensusDue(asOf).Each(func(customer string, standing *churn.Standing, last churn.Last) error {
		if t, tell := s.Look(customer, standing, last); tell {
			list = append(list, t)
		}
		return nil
	}); err != nil {
		f.t.Fatal(err)
	}
	for i := range list {
		told = append(told, string(event.AppendLog(nil, new(list[i].Event()))))
		f.tell(list[i])
	}
	f.over(asOf)
	return told
}

// untold are the customers of whom something would be told if everybody was looked at.
func (f *scores) untold(asOf event.Instant) (list []string) {
	f.t.Helper()
	s := churn.Scorer{Model: churn.Prior(churn.AllFeatures()), AsOf: asOf, Parameters: churn.ParametersOf(f.partition.Book)}
	if err := f.partition.Census().Each(func(customer string, standing *churn.Standing, last churn.Last) error {
		if _, tell := s.Look(customer, standing, last); tell {
			list = append(list, customer)
		}
		return nil
	}); err != nil {
		f.t.Fatal(err)
	}
	return list
}

// TestToldWithinSevenDays: nobody looks at customers of whom nothing is heard, but when their score has moved enough to be told, it
// is within seven days.
func TestToldWithinSevenDays(t *testing.T) {
	f := decaying(t)
	waits := map[string]int{} // days for which it has been so
	late, told := 0, 0
	for day := 1; day < 120; day++ {
		told += len(f.scoreDay(midnight(day)))
		now := f.untold(midnight(day))
		for customer := range waits {
			if !slices.Contains(now, customer) {
				delete(waits, customer)
			}
		}
		for _, customer := range now {
			waits[customer]++
			late++
			if waits[customer] >= pipeline.LookEvery {
				t.Fatalf("as of %s: %s was not told for %d days", midnight(day), customer, waits[customer])
			}
		}
	}
	if late == 0 || told < 60+45 { // everybody once, and who complained at least once more
		t.Errorf("%d were told; %d times a customer had to wait", told, late)
	}
}

// TestScoringRestarted: a process that starts anew between two days, and one that is asked twice, tells the same, to the byte.
func TestScoringRestarted(t *testing.T) {
	through, restarted := decaying(t), decaying(t)
	told := 0
	for day := 1; day < 60; day++ {
		if day == 20 {
			for _, f := range []*scores{through, restarted} {
				f.meets(pseudonym(3), event.ContractCancelRequested, midnight(19)+5)
			}
		}
		restarted.restored()
		want, got := through.scoreDay(midnight(day)), restarted.scoreDay(midnight(day))
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("as of %s: %q, and without a restart %q", midnight(day), got, want)
		}
		told += len(got)
	}
	if told <= 60 {
		t.Errorf("%d were told", told)
	}
}
