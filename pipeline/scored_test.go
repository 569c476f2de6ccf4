package pipeline_test

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/churn"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

var firstMidnight = firstDay.Start()

// scores folds messages about customers.
type scores struct {
	t         *testing.T
	partition *pipeline.Partition
	position  uint64
	all       pipeline.Changes
}

func newScores(t *testing.T, number int) *scores {
	return &scores{t: t, partition: pipeline.NewPartition(pipeline.Setup{Number: number, Book: rules.Default()})}
}

func (f *scores) apply(e event.Event, to int) (c pipeline.Changes) {
	f.t.Helper()
	f.position++
	m := pipeline.Message{Position: f.position, Partition: to, Type: e.Type, StoredAt: e.At}
	if err := f.partition.Apply(&m, &e, &c); err != nil {
		f.t.Fatal(err)
	}
	f.all.Rows.Scores = append(f.all.Rows.Scores, c.Rows.Scores...)
	f.all.Rows.ChurnSignals = append(f.all.Rows.ChurnSignals, c.Rows.ChurnSignals...)
	f.all.Rows.ScoredDays = append(f.all.Rows.ScoredDays, c.Rows.ScoredDays...)
	f.all.Rows.Models = append(f.all.Rows.Models, c.Rows.Models...)
	return c
}

func (f *scores) tell(t churn.Telling) pipeline.Changes {
	return f.apply(t.Event(), f.partition.Number)
}

func (f *scores) over(asOf event.Instant) pipeline.Changes {
	day := churn.ScoredDay{AsOf: asOf, Model: "m", Scored: 2, Told: 1}
	return f.apply(day.Event(), pipeline.All)
}

// started begins a contract.
func (f *scores) started(customer string) {
	e := event.Event{ID: "start" + customer, Source: "/test", Type: event.ContractStarted, At: firstMidnight - 5, Home: customer}
	e.Data.Customer = customer
	f.apply(e, f.partition.Number)
}

// balanced compares the digests of the fold with the rows that tables would show.
func (f *scores) balanced() {
	f.t.Helper()
	rows, sums := map[string]uint64{}, map[string]uint64{}
	add := func(table string, content, position uint64) {
		rows[table]++
		sums[table] += pipeline.RowDigest(content, position)
	}
	for i := range f.all.Rows.Scores {
		add("churn_scores", f.all.Rows.Scores[i].Content(), f.all.Rows.Scores[i].Position)
	}
	for i := range f.all.Rows.ScoredDays {
		add("scored_days", f.all.Rows.ScoredDays[i].Content(), f.all.Rows.ScoredDays[i].Position)
	}
	for i := range f.all.Rows.Models {
		add("models", f.all.Rows.Models[i].Content(), f.all.Rows.Models[i].Position)
	}
	var r pipeline.Rows
	f.partition.Account(&r)
	for _, d := range r.Digests {
		if n, known := rows[d.Table]; known && (n != d.Rows || sums[d.Table] != d.Digest) {
			f.t.Errorf("%s: %d rows, %d; the fold says %d, %d", d.Table, n, sums[d.Table], d.Rows, d.Digest)
		}
	}
}

// restored is the same partition out of its state.
func (f *scores) restored() {
	f.t.Helper()
	var state bytes.Buffer
	if err := f.partition.Snapshot().Write(&state); err != nil {
		f.t.Fatal(err)
	}
	again, err := pipeline.Restore(pipeline.Setup{Number: f.partition.Number, Book: rules.Default()}, &state)
	if err != nil {
		f.t.Fatal(err)
	}
	f.partition = again
}

func lastOf(t *testing.T, p *pipeline.Partition, customer string) (last churn.Last) {
	t.Helper()
	err := p.Census().Each(func(c string, _ *churn.Standing, l churn.Last) error {
		if c == customer {
			last = l
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return last
}

// tellingOf is of a customer with a contract.
func tellingOf(customer string, asOf event.Instant, p float64) (t churn.Telling) {
	none := math.NaN()
	t.Customer, t.AsOf, t.Model, t.Segment, t.Margin, t.P = customer, asOf, "m", "standard", 100, [3]float64{p / 10, p / 4, p}
	t.Low, t.High, t.Base, t.ValueAtRisk, t.ValueAtRiskBase = t.P, t.P, t.P, 5, 4
	t.VoiceRisk, t.ExpectedUses, t.Reasons = none, none, []churn.Reason{{Feature: "tenure", Value: 2, Weight: 1}}
	return t
}

// TestScoreOnce: the first message about a customer and a midnight stands, and nothing is said as of a day that is over; what was
// told last, and the signals that it raised, are in the state.
func TestScoreOnce(t *testing.T) {
	const customer = "c0123456789abcdef0123456789abcdef"
	f := newScores(t, 3)
	f.started(customer)
	told := tellingOf(customer, firstMidnight, 0.5)
	told.Raised = []churn.Raising{{Kind: churn.Risk, Value: 0.5, Limit: 0.2, Evidence: []string{"tenure"}}}
	c := f.tell(told)
	if len(c.Rows.Scores) != 1 || len(c.Rows.ChurnSignals) != 1 || len(c.Told) != 1 || len(c.SetAside) != 0 {
		t.Fatalf("%+v", c)
	}
	row, signal := c.Rows.Scores[0], c.Rows.ChurnSignals[0]
	if row.CustomerID != customer || row.P[2] != 0.5 || row.Position != 2 || row.Partition != 3 || row.Ended != "" || !math.IsNaN(row.VoiceRisk) {
		t.Errorf("%+v", row)
	}
	if signal.Kind != churn.Risk || signal.RaisedAt != firstMidnight || signal.Value != 0.5 || signal.Limit != 0.2 || signal.ClearedWhy != "" ||
		!strings.HasPrefix(strings.Join(c.Told[0].Tokens, "."), "churn.signalled.risk") {
		t.Errorf("%+v %v", signal, c.Told[0].Tokens)
	}
	want := churn.Last{}.After(&told)
	f.restored()
	if last := lastOf(t, f.partition, customer); fmt.Sprint(last) != fmt.Sprint(want) || !last.Open.Has(churn.Risk) || last.P != 0.5 || last.Voice == last.Voice {
		t.Errorf("%+v, want %+v", last, want)
	}
	for _, asOf := range []event.Instant{firstMidnight, firstMidnight.Add(-24 * time.Hour)} {
		if c := f.tell(tellingOf(customer, asOf, 0.9)); !nothing(c) {
			t.Errorf("as of %s: %+v", asOf, c)
		}
	}
	if c := f.over(firstMidnight); len(c.Rows.ScoredDays) != 0 {
		t.Error("a partition other than 0 keeps scored days")
	}
	if c := f.tell(tellingOf("cffffffffffffffffffffffffffffffff", firstMidnight, 0.9)); !nothing(c) {
		t.Errorf("as of a day that is over: %+v", c)
	}
	end := churn.Telling{Ended: churn.EndedNoContract, Cleared: []churn.Clearing{{Kind: churn.Risk, Why: churn.Lost}}}
	end.Customer, end.AsOf = customer, firstMidnight.Add(24*time.Hour)
	c = f.tell(end)
	if len(c.Rows.Scores) != 1 || c.Rows.Scores[0].Ended != "no_contract" || !math.IsNaN(c.Rows.Scores[0].P[0]) || len(c.Rows.ChurnSignals) != 1 ||
		c.Rows.ChurnSignals[0].ClearedWhy != churn.Lost || c.Rows.ChurnSignals[0].Value != 0.5 {
		t.Errorf("%+v", c)
	}
	f.restored()
	if c := f.tell(end); !nothing(c) || lastOf(t, f.partition, customer).Known {
		t.Errorf("ended twice: %+v", c)
	}
	f.balanced()
}

// TestScoreOfObjector: who objects while scores are on their way is not scored, and has no signal; that it ended is told all the
// same. Nor does a captive customer get a probability, whoever says so.
func TestScoreOfObjector(t *testing.T) {
	const customer = "c0123456789abcdef0123456789abcdef"
	f := newScores(t, 3)
	f.started(customer)
	captive := tellingOf(customer, firstMidnight, 0.5)
	captive.Captive = true
	if c := f.tell(captive); len(c.Rows.Scores) != 0 || len(c.SetAside) != 1 {
		t.Errorf("a captive customer: %+v", c)
	}
	f.tell(tellingOf(customer, firstMidnight.Add(-24*time.Hour), 0.5))
	objected := event.Event{ID: "o", Source: "/test", Type: event.CustomerObjected, At: firstMidnight + 1, Home: customer}
	objected.Data.Customer = customer
	f.apply(objected, 3)
	told := tellingOf(customer, firstMidnight, 0.5)
	told.Raised = []churn.Raising{{Kind: churn.Risk, Value: 0.5, Limit: 0.2}}
	if c := f.tell(told); !nothing(c) {
		t.Errorf("%+v", c)
	}
	end := churn.Telling{Ended: churn.EndedObjected}
	end.Customer, end.AsOf = customer, firstMidnight.Add(24*time.Hour)
	if c := f.tell(end); len(c.Rows.Scores) != 1 || lastOf(t, f.partition, customer).Known {
		t.Errorf("ended: %+v", c)
	}
	f.balanced()
}

func nothing(c pipeline.Changes) bool {
	return len(c.Rows.Scores)+len(c.Rows.ChurnSignals)+len(c.Rows.ScoredDays)+len(c.Rows.Models)+len(c.Told)+len(c.SetAside) == 0
}

// TestScoreUnreadable: it is reported by the partition that sees it, and changes nothing.
func TestScoreUnreadable(t *testing.T) {
	f := newScores(t, 3)
	e := event.Event{ID: "x", Source: "/x", Type: event.ChurnScored, At: 5}
	if c := f.apply(e, 3); len(c.SetAside) != 1 || c.SetAside[0].Reason != event.ReasonUndecodable || len(c.Rows.Scores) != 0 {
		t.Errorf("%+v", c)
	}
	if counts := f.partition.Counts(); counts.System != 1 || counts.SetAside != 0 {
		t.Errorf("%+v", counts)
	}
	e.Type = event.DayScored
	if c := f.apply(e, pipeline.All); len(c.SetAside) != 0 { // partition 0 reports
		t.Errorf("%+v", c)
	}
}

// modelOf is the prior under another name: readable, and none that was trained.
func modelOf(t *testing.T, weight float64) *churn.Model {
	t.Helper()
	m := churn.Prior(churn.AllFeatures())
	m.Prior, m.Rows = false, int(1000*weight)
	for g := range m.Months {
		m.Months[g].Intercept += weight
	}
	return m.Versioned()
}

// TestModels: of the models in force at a moment the one published last holds; one that comes behind the clock holds from the next
// moment on; those that can score no later day are let go; all are in the state and in rows.
func TestModels(t *testing.T) {
	f := newScores(t, 0)
	day := func(n int) event.Instant { return firstMidnight.Add(time.Duration(n) * 24 * time.Hour) }
	publish := func(m *churn.Model, from event.Instant) pipeline.Changes {
		p, err := churn.PublicationOf(m, from)
		if err != nil {
			t.Fatal(err)
		}
		return f.apply(p.Event(firstMidnight), pipeline.All)
	}
	a, b, c := modelOf(t, 0.1), modelOf(t, 0.2), modelOf(t, 0.3)
	f.started("c0123456789abcdef0123456789abcdef")
	first := publish(a, day(-30)) // behind the clock
	publish(b, day(5))
	if len(first.Rows.Models) != 1 || first.Rows.Models[0].Version != a.Version || first.Rows.Models[0].EffectiveFrom != firstMidnight-4 {
		t.Errorf("%+v", first.Rows.Models)
	}
	in := func(at event.Instant) string {
		if m := f.partition.ModelAt(at); m != nil {
			return m.Version
		}
		return "prior"
	}
	check := func(want ...string) {
		t.Helper()
		if got := []string{in(day(-1)), in(day(0)), in(day(4)), in(day(5)), in(day(9))}; !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	check("prior", a.Version, a.Version, b.Version, b.Version)
	f.restored()
	check("prior", a.Version, a.Version, b.Version, b.Version)
	publish(c, day(3)) // in the place of b
	check("prior", a.Version, c.Version, c.Version, c.Version)
	f.over(day(3))
	check("prior", "prior", c.Version, c.Version, c.Version)
	f.balanced()
	broken := event.Event{ID: "x", Source: "/x", Type: event.ModelPublished, At: 5}
	if got := f.apply(broken, pipeline.All); len(got.SetAside) != 1 || got.SetAside[0].Field != "data.model" || len(got.Rows.Models) != 0 {
		t.Errorf("%+v", got)
	}
	if asOf, any := f.partition.Scored(); !any || asOf != day(3) {
		t.Errorf("%s %v", asOf, any)
	}
}

// TestSignalsAfterConsent: an objection ends the signals that scores raised, and nothing of them is remembered: after a new consent
// one that is raised again is told again, and one that is gone is not.
func TestSignalsAfterConsent(t *testing.T) {
	const customer = "c0123456789abcdef0123456789abcdef"
	f := newScores(t, 3)
	f.started(customer)
	told := tellingOf(customer, firstMidnight.Add(-24*time.Hour), 0.5)
	told.Raised = []churn.Raising{{Kind: churn.Risk, Value: 0.5, Limit: 0.2}}
	if c := f.tell(told); len(c.Rows.ChurnSignals) != 1 || !lastOf(t, f.partition, customer).Open.Has(churn.Risk) {
		t.Fatalf("%+v", c)
	}
	says := func(id, eventType string, at event.Instant) pipeline.Changes {
		e := event.Event{ID: id, Source: "/test", Type: eventType, At: at, Home: customer}
		e.Data.Customer, e.Data.To = customer, "scoring"
		return f.apply(e, 3)
	}
	if c := says("o", event.CustomerObjected, firstMidnight-3); len(c.Rows.ChurnSignals) != 1 || c.Rows.ChurnSignals[0].ClearedWhy != churn.Objected {
		t.Fatalf("objected: %+v", c.Rows.ChurnSignals)
	}
	says("k", event.CustomerConsented, firstMidnight-2)
	f.restored()
	last, th := lastOf(t, f.partition, customer), &rules.Default().Churn.Told
	for p, raised := range map[float64]int{0.5: 1, 0.01: 0} {
		s := tellingOf(customer, firstMidnight, p).Score
		s.Base = [3]float64{0.01, 0.02, 0.05}
		if again, _ := churn.Decide(&s, last, th); len(again.Raised) != raised || len(again.Cleared) != 0 {
			t.Errorf("at %v: raised %v, cleared %v", p, again.Raised, again.Cleared)
		}
	}
	s := tellingOf(customer, firstMidnight, 0.5).Score
	s.Base = [3]float64{0.01, 0.02, 0.05}
	again, _ := churn.Decide(&s, last, th)
	if c := f.tell(again); len(c.Rows.ChurnSignals) != 1 || c.Rows.ChurnSignals[0].ClearedWhy != "" {
		t.Errorf("raised again: %+v", c.Rows.ChurnSignals)
	}
	f.balanced()
}
