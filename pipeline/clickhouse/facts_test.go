package clickhouse_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/churn"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/event"
	"parcours/pipeline/ingest"
	"parcours/pipeline/rules"
	"parcours/pipeline/simulate"
)

// factsOf reads the facts of everybody, or of one customer.
func factsOf(t *testing.T, s *clickhouse.Store, w clickhouse.FactsWanted) (customers []string, facts map[string][]churn.Fact) {
	t.Helper()
	facts = map[string][]churn.Fact{}
	err := s.Facts(t.Context(), w, func(customer string, list []churn.Fact) error {
		customers = append(customers, customer)
		facts[customer] = slices.Clone(list)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return customers, facts
}

// TestFacts: each event that says something, and each breakpoint at its detected_at; not what came late, nor what lies in
// somebody else's case.
func TestFacts(t *testing.T) {
	h := &history{}
	margin, nps := 120.0, 3.0
	started := h.event(event.ContractStarted, "c1", on("2025-01-10"), event.Data{Product: "fibre", AnnualMargin: &margin, Captive: true})
	h.event(event.PageViewed, "c1", on("2025-01-11"), event.Data{})
	h.event(event.ContactStarted, "c1", on("2025-02-01"), event.Data{Contact: "k1", Direction: event.In, Reason: "billing.dispute"})
	h.event(event.ContactEnded, "c1", on("2025-02-02"), event.Data{Contact: "k1", Direction: event.In, Reason: "billing.dispute"})
	answered := h.event(event.SurveyAnswered, "c1", on("2025-02-03"), event.Data{NPS: &nps})
	broke := h.broke("repeat_contact", "c1", "billing.dispute", on("2025-02-02"), on("2025-02-04"))
	late := h.event(event.ComplaintFiled, "c1", on("2025-02-05"), event.Data{})
	h.rows.Steps = append(h.rows.Steps, pipeline.StepRow{At: on("2025-02-05"), Source: "s", EventID: late, Position: h.number(), Placement: "late", Type: event.ComplaintFiled, CustomerID: "c1"})
	h.event(event.CaseOpened, "c2", on("2025-02-06"), event.Data{Case: "A"})
	h.event(event.ComplaintFiled, "c1", on("2025-02-07"), event.Data{Case: "A"}) // lies with c2
	own := h.event(event.ComplaintFiled, "c2", on("2025-02-08"), event.Data{Case: "A"})
	h.event(event.ContactStarted, "c3", on("2025-02-09"), event.Data{Contact: "k2"})
	h.event(event.CaseOpened, "", on("2025-02-10"), event.Data{Contact: "k2", Case: "B"}) // the first event of its contact named c3
	third := h.event(event.ComplaintFiled, "c3", on("2025-02-11"), event.Data{Case: "B"})
	h.event(event.CaseOpened, "", on("2025-02-12"), event.Data{Case: "C"}) // its own home
	h.event(event.ComplaintFiled, "c3", on("2025-02-13"), event.Data{Case: "C"})
	gone := h.event(event.ContractCancelled, "c2", on("2025-02-14"), event.Data{})
	s := store(t)
	insert(t, s, &h.rows)
	customers, facts := factsOf(t, s, clickhouse.FactsWanted{})
	if !slices.Equal(customers, []string{"c1", "c2", "c3"}) {
		t.Fatalf("customers %v", customers)
	}
	nan := math.NaN()
	want := map[string][]churn.Fact{
		"c1": {
			{At: on("2025-01-10"), What: churn.ContractStarted, ID: "s " + started, Name: "fibre", Amount: 120, Flag: true},
			{At: on("2025-02-01"), What: churn.ContactMade, ID: "k1", Family: "billing", Amount: nan},
			{At: on("2025-02-02"), What: churn.ContactMade, ID: "k1", Family: "billing", Amount: nan},
			{At: on("2025-02-03"), What: churn.SurveyNPS, ID: "s " + answered, Amount: 0.3},
			{At: on("2025-02-04"), What: churn.Broken, ID: broke.BreakpointID, Name: "repeat_contact", Family: "billing", Amount: nan, Weight: 3},
		},
		"c2": {
			{At: on("2025-02-08"), What: churn.ComplaintFiled, ID: "s " + own, Amount: nan},
			{At: on("2025-02-14"), What: churn.ContractEnded, ID: "s " + gone, Name: "customer", Amount: nan},
		},
		"c3": {
			{At: on("2025-02-09"), What: churn.ContactMade, ID: "k2", Amount: nan},
			{At: on("2025-02-11"), What: churn.ComplaintFiled, ID: "s " + third, Amount: nan},
		},
	}
	same := func(a, b churn.Fact) bool {
		if math.IsNaN(a.Amount) && math.IsNaN(b.Amount) {
			a.Amount, b.Amount = 0, 0
		}
		return a == b
	}
	for _, c := range customers {
		if !slices.EqualFunc(facts[c], want[c], same) {
			t.Errorf("facts of %s\n%+v\nwant\n%+v", c, facts[c], want[c])
		}
	}
	if _, one := factsOf(t, s, clickhouse.FactsWanted{Customer: "c1", Until: on("2025-02-03")}); len(one) != 1 || len(one["c1"]) != 4 {
		t.Errorf("of c1 until 3 February: %+v", one)
	}
}

// TestFactsOfWhatWasTakenBack: a breakpoint that is known stays so when it is taken back or reads differently, by its last
// version, whatever was merged; one that is not known is not there. Of nothing that was taken back a view says anything.
func TestFactsOfWhatWasTakenBack(t *testing.T) {
	h, s := &history{}, store(t)
	for i, kind := range []string{"repeat_contact", "unresolved_end", "long_wait", "sla_breach"} {
		day := on("2025-02-01").Add(time.Duration(i) * 24 * time.Hour)
		h.broke(kind, "c1", "billing.dispute", day, day.Add(time.Hour))
	}
	insert(t, s, &h.rows)
	before := slices.Clone(h.rows.Breakpoints)
	version := func(r pipeline.BreakpointRow, change func(*pipeline.BreakpointRow)) {
		change(&r)
		r.Position = h.number()
		insert(t, s, &pipeline.Rows{Generation: 1, Breakpoints: []pipeline.BreakpointRow{r}})
	}
	takeBack := func(r *pipeline.BreakpointRow) { r.Deleted, r.RetractedAt = true, on("2025-06-01") }
	version(before[0], func(r *pipeline.BreakpointRow) {
		r.ReasonFamily, r.DetectedAt, r.CustomerID = "delivery", on("2025-06-01"), "c2"
	})
	version(before[1], takeBack)
	version(before[2], func(r *pipeline.BreakpointRow) { takeBack(r); r.Known = pipeline.KnownRow{} })
	version(before[3], takeBack)
	version(before[3], func(*pipeline.BreakpointRow) {}) // it is back
	for _, merged := range []string{"", "OPTIMIZE TABLE cx.breakpoints FINAL"} {
		if merged != "" {
			if err := s.Conn().Exec(t.Context(), merged); err != nil {
				t.Fatal(err)
			}
		}
		_, facts := factsOf(t, s, clickhouse.FactsWanted{})
		var got []string
		for _, f := range facts["c1"] {
			got = append(got, fmt.Sprint(f.ID, " ", f.At, " ", f.Family, " ", f.Weight))
		}
		want := []string{"b1 2025-02-01T01:00:00.000Z billing 3", "b2 2025-02-02T01:00:00.000Z billing 3", "b4 2025-02-04T01:00:00.000Z billing 3"}
		if !slices.Equal(got, want) || len(facts) != 1 {
			t.Errorf("%q: facts %v, want %v", merged, got, want)
		}
		equal(t, s, "SELECT kind FROM cx.breakpoints_v ORDER BY kind", "repeat_contact", "sla_breach")
	}
	if _, early := factsOf(t, s, clickhouse.FactsWanted{Customer: "c1", Until: on("2025-02-02").Add(time.Hour)}); len(early["c1"]) != 2 {
		t.Errorf("until 2 February: %+v", early)
	}
}

// TestLateObjection: who objects is in nothing, however late they are heard, and whosever case it is said in, until they consent again, in
// whosever case: as contracts_v has it, and the fold.
func TestLateObjection(t *testing.T) {
	h := &history{}
	for _, customer := range []string{"c1", "c2", "c3", "c4"} {
		h.event(event.ContractStarted, customer, on("2025-01-10"), event.Data{})
	}
	late := h.event(event.CustomerObjected, "c1", on("2025-02-05"), event.Data{To: "scoring"})
	h.rows.Steps = append(h.rows.Steps, pipeline.StepRow{At: on("2025-02-05"), Source: "s", EventID: late, Position: h.number(), Placement: "late", Type: event.CustomerObjected, CustomerID: "c1"})
	h.event(event.CaseOpened, "c3", on("2025-02-06"), event.Data{Case: "A"})
	h.event(event.CustomerObjected, "c2", on("2025-02-07"), event.Data{Case: "A", To: "scoring"}) // the case lies with c3
	h.event(event.CustomerObjected, "c4", on("2025-02-05"), event.Data{To: "scoring"})
	h.event(event.CustomerConsented, "c4", on("2025-02-07"), event.Data{Case: "A", To: "scoring"})
	s := store(t)
	insert(t, s, &h.rows)
	_, facts := factsOf(t, s, clickhouse.FactsWanted{})
	l := churn.Landmarks{At: []event.Instant{on("2025-02-01")}, Known: on("2025-03-01"), Parameters: churn.ParametersOf(rules.Default()), Features: churn.AllFeatures()}
	for customer, rows := range map[string]int{"c1": 0, "c2": 0, "c3": 1, "c4": 1} {
		if got := l.Rows(nil, customer, facts[customer]); len(got) != rows || l.Objected(facts[customer]) != (rows == 0) {
			t.Errorf("%s: %d rows, out of %+v", customer, len(got), facts[customer])
		}
	}
}

// TestFactsAreThoseOfTheFold: a company lives in four parts, with events that come too late, cases that begin without a
// customer, and cases that come back months later and take breakpoints with them. At the end of each part the partition's standings
// give the features of everybody as of where it is settled; what the tables say at the very end gives the same, to the last
// bit, and what stands there at the very end does not.
func TestFactsAreThoseOfTheFold(t *testing.T) {
	f := newFolding(t)
	features := churn.AllFeatures()
	parameters := churn.ParametersOf(rules.Default())
	want := map[event.Instant]map[string][]float64{}
	for range 4 {
		f.live(t, len(f.events)/4)
		at, of := f.clock.Add(-30*24*time.Hour), map[string][]float64{}
		err := f.partition.Standings(func(customer string, s *churn.Standing) error {
			if settled, any := s.Settled(); any && settled > at {
				at = settled
			}
			return nil
		})
		if err == nil {
			err = f.partition.Standings(func(customer string, s *churn.Standing) error {
				state := s.State(at, parameters)
				of[customer] = state.Features(features)
				return nil
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		want[at] = of
	}
	f.finish(t)
	s := store(t)
	insert(t, s, f.rows)
	_, facts := factsOf(t, s, clickhouse.FactsWanted{})
	stand := map[string]bool{}
	for _, id := range lines(t, s, "SELECT breakpoint_id FROM cx.breakpoints_v") {
		stand[id] = true
	}
	takenBack := func(f churn.Fact) bool { return f.What == churn.Broken && !stand[f.ID] }
	compared, leaks, facets := 0, 0, map[int]bool{}
	for at, of := range want {
		for customer, list := range facts {
			got := featuresOf(list, at, parameters, features)
			if got == nil {
				continue
			}
			if !slices.Equal(featuresOf(slices.DeleteFunc(slices.Clone(list), takenBack), at, parameters, features), of[customer]) {
				leaks++
			}
			for i, v := range got {
				facets[i] = facets[i] || v != 0
			}
			if !slices.Equal(got, of[customer]) {
				t.Fatalf("%s as of %s: %s", customer, at, differ(features, got, of[customer]))
			}
			compared++
		}
	}
	t.Logf("%d standings compared, %d by what stands differ, %d features said something, %d events came late, %d lay with somebody else", compared, leaks, len(facets), f.late, f.elsewhere)
	if compared < 1000 || leaks < 10 || len(facets) < 60 || f.late < 50 || f.elsewhere < 10 {
		t.Errorf("too few to say anything")
	}
}

// featuresOf are those of a customer as of a moment; nil for one of whom nothing is known by then.
func featuresOf(facts []churn.Fact, at event.Instant, p *churn.Parameters, features *churn.Features) []float64 {
	var standing churn.Standing
	for _, fact := range facts {
		if fact.At <= at {
			standing.Add(fact)
		}
	}
	if standing.Empty() {
		return nil
	}
	state := standing.State(at, p)
	return state.Features(features)
}

// comeBack adds customers whom nobody answers in the first days, and whose cases come back in the last ones.
func comeBack(events []event.Event, customers int) []event.Event {
	const day = 24 * time.Hour
	first, last := events[0].At, events[len(events)-1].At
	for i := range customers {
		data := event.Data{
			Identifiers: []event.Identifier{{Kind: "customer", Value: fmt.Sprint("back", i)}}, Case: fmt.Sprint("back", i), Contact: fmt.Sprint("back", i),
			Direction: event.In, Channel: event.Phone, Silo: "customer_service", Reason: "billing.dispute",
		}
		at := first.Add(time.Duration(i) * day / 4)
		for n, typ := range []string{event.ContactStarted, event.ContactAbandoned, event.CaseReopened} {
			e := event.Event{ID: fmt.Sprint("back", i, n), Source: "back", Type: typ, At: at.Add(time.Duration(n) * time.Minute), Data: data}
			e.Data.Identifiers = slices.Clone(data.Identifiers)
			if typ == event.CaseReopened {
				e.At, e.Data.Contact, e.Data.Direction = last.Add(-time.Duration(i)*time.Hour), "", ""
			}
			events = append(events, e)
		}
	}
	return events
}

func differ(features *churn.Features, got, want []float64) string {
	if len(want) == 0 {
		return "the partition knows nothing"
	}
	text := ""
	for i, name := range features.Names() {
		if got[i] != want[i] {
			text += fmt.Sprintf("%s: %v, the partition has %v; ", name, got[i], want[i])
		}
	}
	return text
}

// folding is a company's log on its way through a partition.
type folding struct {
	partition       *pipeline.Partition
	events          []event.Event
	rows            *pipeline.Rows
	position        uint64
	clock           event.Instant
	late, elsewhere int
}

func newFolding(t *testing.T) *folding {
	t.Helper()
	f := &folding{partition: pipeline.NewPartition(pipeline.Setup{Book: rules.Default()}), rows: &pipeline.Rows{}, clock: math.MinInt64}
	pseudonyms, homes := ingest.NewPseudonymiser(ingest.KeyFromSeed("facts")), ingest.NewHomes()
	cases, n := map[string]bool{}, 0
	var delayed []event.Event
	lived := comeBack(slices.Collect(simulate.New(simulate.Config{Customers: 300, Days: 100}).Events()), 20)
	slices.SortStableFunc(lived, func(a, b event.Event) int { return cmp.Compare(a.At, b.At) })
	for _, e := range lived {
		for len(delayed) > 0 && delayed[0].At.Add(5*24*time.Hour) < e.At {
			f.events = append(f.events, delayed[0])
			delayed = delayed[1:]
		}
		e.Data.Identifiers = slices.Clone(e.Data.Identifiers) // events of one customer share them
		if c := e.Data.Case; c != "" && !cases[c] {
			if cases[c] = true; len(cases)%5 == 0 {
				e.Data.Identifiers, e.Data.Contact = nil, "" // who it is about is said later
			}
		}
		if n++; n%97 == 0 {
			delayed = append(delayed, e)
			continue
		}
		f.events = append(f.events, e)
	}
	for i := range f.events {
		e := &f.events[i]
		pseudonyms.Apply(e)
		e.Home = homes.Of(e)
		if c := e.Data.Customer; c != "" && c != e.Home {
			f.elsewhere++
		}
	}
	return f
}

// live folds the next events.
func (f *folding) live(t *testing.T, n int) {
	t.Helper()
	for range n {
		f.apply(t, &f.events[f.position])
	}
}

func (f *folding) apply(t *testing.T, e *event.Event) {
	t.Helper()
	f.position++
	var changes pipeline.Changes
	if err := f.partition.Apply(&pipeline.Message{Position: f.position, StoredAt: e.At}, e, &changes); err != nil {
		t.Fatal(err)
	}
	if e.At.Add(72*time.Hour) < f.clock {
		f.late++
	}
	f.clock = max(f.clock, e.At)
	r := &changes.Rows
	f.rows.Events, f.rows.Steps = append(f.rows.Events, r.Events...), append(f.rows.Steps, r.Steps...)
	f.rows.Breakpoints, f.rows.Journeys = append(f.rows.Breakpoints, r.Breakpoints...), append(f.rows.Journeys, r.Journeys...)
}

// finish folds what is left, and lets time pass.
func (f *folding) finish(t *testing.T) {
	t.Helper()
	f.live(t, len(f.events)-int(f.position))
	f.apply(t, &event.Event{Source: "t", ID: "t", Type: event.ClockTicked, At: f.clock.Add(time.Hour)})
	f.partition.Account(f.rows)
}
