//go:build unix

package pipeline_test

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/churn"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
	"parcours/pipeline/simulate"
)

// BenchmarkScoring folds the events of a day, and scores customers as of its end as the owner does: from copies, told as messages
// of the log, which are folded too; events and messages are read from the log both. It reports how much more processor time that
// takes than the fold of the events alone (ratio), which share of the fold's throughput so is lost to it, and the time a customer: in two made-up companies, whose customers have some 0.22 and
// 0.1 events a day, with the prior and with a model that was trained there; and with calls at random. Everybody has a contract.
// Run it for whole weeks (-benchtime 14x), since customers who meet with nothing are looked at once in one.
func BenchmarkScoring(b *testing.B) {
	for _, company := range []string{"default", "leavers"} {
		b.Run(company+" by the prior", func(b *testing.B) { benchmarkCompany(b, company, 45, false) })
		b.Run(company+" by a trained model", func(b *testing.B) { benchmarkCompany(b, company, 195, true) })
	}
	for _, perDay := range []float64{0.25, 0.5} {
		b.Run(fmt.Sprintf("%v calls a customer and day", perDay), func(b *testing.B) {
			const customers = 10_000
			f := newScoringBench(customers, rules.Default())
			f.contracts(b, firstMidnight)
			day := func(from event.Instant) [][]byte { return f.calls(from, customers, perDay) }
			benchmarkScoring(b, f, f.history(b, firstMidnight, 45, false, day), day)
		})
	}
}

// benchmarkCompany scores the customers of a company when it has been watched for so many days.
func benchmarkCompany(b *testing.B, company string, days int, trained bool) {
	f, start, day := companyBench(b, company, 6000)
	benchmarkScoring(b, f, f.history(b, start, days, trained, day), day)
}

// companyBench is that of the customers of a company, from its first day on.
func companyBench(b testing.TB, company string, customers int) (f *scoringBench, start event.Instant, day func(from event.Instant) [][]byte) {
	parameters, err := simulate.Company(company)
	if err != nil {
		b.Fatal(err)
	}
	book := rules.Default()
	if of := simulate.Rules(company); of != nil {
		if book, err = rules.Parse(company, of); err != nil {
			b.Fatal(err)
		}
	}
	next, stop := iter.Pull(simulate.New(simulate.Config{Customers: customers, Days: 400, Seed: 1, Start: simulate.DefaultStart, Parameters: parameters}).Events())
	b.Cleanup(stop)
	f, start = newScoringBench(customers, book), event.InstantOf(simulate.DefaultStart)
	if company == "default" { // which knows of none
		f.contracts(b, start)
	}
	return f, start, companyDays(next)
}

// history folds so many days, the last of which are scored: by the prior, or by a model that is trained when they begin.
func (f *scoringBench) history(b testing.TB, at event.Instant, days int, trained bool, day func(from event.Instant) [][]byte) event.Instant {
	const scored, month = 15, 30 // days
	var rows []churn.Row
	for i := range days {
		f.foldAll(b, day(at))
		at = at.Add(24 * time.Hour)
		switch left := days - scored - i - 1; {
		case left < 0:
			f.tick(b, at)
			f.score(b, at)
		case trained && left%month == 0:
			rows = f.landmark(b, rows, at)
			if left == 0 {
				f.train(b, rows, at)
			}
		}
	}
	return at
}

// landmark adds the rows of customers as of a moment that the clock has reached.
func (f *scoringBench) landmark(b testing.TB, rows []churn.Row, at event.Instant) []churn.Row {
	features := churn.AllFeatures()
	err := f.partition.Census().Each(func(customer string, standing *churn.Standing, _ churn.Last) error {
		if state := standing.State(at, f.parameters); state.Contract().InForce {
			rows = append(rows, churn.RowOf(customer, &state, f.parameters, features))
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return rows
}

// train puts a model in force that has learnt from rows what became of contracts. Where none ends, that is drawn, by twice the
// risk that the prior gives: what scoring costs hangs on how many features weigh, not on what is true of them.
func (f *scoringBench) train(b testing.TB, rows []churn.Row, until event.Instant) {
	ended := f.ended(b, until)
	prior, gone := f.model, map[string]bool{}
	kept := rows[:0]
	for _, r := range rows {
		if gone[r.Customer] || r.Captive {
			continue
		}
		r.FollowUp = until.Sub(r.At).Hours() / 24
		if k, is := ended[r.Customer]; is {
			r.Lost, r.FollowUp = k.Lost, k.LeftAt.Sub(r.At).Hours()/24
		} else if s := prior.Score(&r); len(ended) == 0 && r.FollowUp > 30 && f.rng.Float64() < 2*s.P[0] {
			r.Lost, r.FollowUp, gone[r.Customer] = true, 30*f.rng.Float64(), true
		}
		kept = append(kept, r)
	}
	var err error
	if f.model, _, err = churn.Train(kept, churn.AllFeatures(), until, f.options); err != nil {
		b.Fatal(err)
	}
}

// ended are the contracts that have.
func (f *scoringBench) ended(b testing.TB, until event.Instant) map[string]churn.Contract {
	ended := map[string]churn.Contract{}
	err := f.partition.Census().Each(func(customer string, standing *churn.Standing, _ churn.Last) error {
		if state := standing.State(until, f.parameters); state.Contract().Left {
			ended[customer] = state.Contract()
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return ended
}

// benchmarkScoring is fed with the events of one day after the other.
func benchmarkScoring(b *testing.B, f *scoringBench, at event.Instant, day func(from event.Instant) [][]byte) {
	f.told, f.looked = 0, 0
	var alone, scoring time.Duration
	events := 0
	for b.Loop() {
		messages := day(at)
		events += len(messages)
		began := processorTime(b)
		f.foldAll(b, messages)
		at = at.Add(24 * time.Hour)
		f.tick(b, at) // time passes, and what is due falls due, whether anybody is scored or not
		folded := processorTime(b)
		f.score(b, at)
		alone, scoring = alone+folded-began, scoring+processorTime(b)-folded
	}
	customers := float64(b.N * f.customers)
	b.ReportMetric(float64(alone+scoring)/float64(alone), "ratio")
	b.ReportMetric(float64(scoring)/float64(alone+scoring), "throughput-lost")
	b.ReportMetric(float64(scoring.Nanoseconds())/customers, "ns/customer")
	b.ReportMetric(float64(alone.Nanoseconds())/float64(events), "ns/event")
	b.ReportMetric(float64(events)/customers, "events/customer")
	b.ReportMetric(float64(f.told)/customers, "told/customer")
	b.ReportMetric(float64(f.looked)/customers, "looked/customer")
}

// processorTime is what the process has taken so far, the collector included: it does not depend on what else the machine does.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

type scoringBench struct {
	rng        *rand.Rand
	partition  *pipeline.Partition
	parameters *churn.Parameters
	model      *churn.Model
	options    churn.Options // of its training
	position   uint64
	changes    pipeline.Changes // of a message, overwritten by the next one, as by the owner
	customers  int
	n          int
	told       int
	looked     int
}

func newScoringBench(customers int, book *rules.Book) *scoringBench {
	return &scoringBench{
		rng: rand.New(rand.NewPCG(1, 2)), customers: customers, partition: pipeline.NewPartition(pipeline.Setup{Book: book}),
		parameters: churn.ParametersOf(book), model: churn.Prior(churn.AllFeatures()),
	}
}

// contracts begins one of everybody.
func (f *scoringBench) contracts(b testing.TB, at event.Instant) {
	for i := range f.customers {
		margin := float64(100 + i%400)
		e := event.Event{ID: fmt.Sprint("start", i), Source: "/test", Type: event.ContractStarted, At: at, Home: pseudonym(i)}
		e.Data.Customer, e.Data.AnnualMargin = pseudonym(i), &margin
		f.fold(b, event.AppendLog(nil, &e))
	}
}

// companyDays reads the events of a company day by day; those of its customers are those of the pseudonyms, in the order in which
// they come.
func companyDays(next func() (event.Event, bool)) func(from event.Instant) [][]byte {
	names := map[string]string{}
	return func(from event.Instant) (messages [][]byte) {
		for {
			e, any := next()
			if !any {
				return messages
			}
			name := e.Data.Identifiers.Get("customer")
			if name != "" && names[name] == "" {
				names[name] = pseudonym(len(names))
			}
			e.Data.Customer, e.Home, e.Data.Identifiers = names[name], names[name], nil
			if messages = append(messages, event.AppendLog(nil, &e)); e.At >= from.Add(24*time.Hour) {
				return messages
			}
		}
	}
}

func pseudonym(i int) string { return fmt.Sprintf("c%032x", i) }

// fold takes in a message of the log.
func (f *scoringBench) fold(b testing.TB, body []byte) {
	e, err := event.DecodeLog(body)
	if err != nil {
		b.Fatal(err)
	}
	f.position++
	r := &f.changes.Rows
	f.changes = pipeline.Changes{Rows: pipeline.Rows{
		Events: r.Events[:0], Journeys: r.Journeys[:0], Steps: r.Steps[:0], Breakpoints: r.Breakpoints[:0], Aliases: r.Aliases[:0],
		Scores: r.Scores[:0],
	}, Told: f.changes.Told[:0], SetAside: f.changes.SetAside[:0]}
	if err := f.partition.Apply(&pipeline.Message{Position: f.position, Type: e.Type, StoredAt: e.At}, &e, &f.changes); err != nil {
		b.Fatal(err)
	}
}

func (f *scoringBench) foldAll(b testing.TB, messages [][]byte) {
	for _, m := range messages {
		f.fold(b, m)
	}
}

// calls are those of customers drawn, spread over a day.
func (f *scoringBench) calls(from event.Instant, customers int, perCustomer float64) (messages [][]byte) {
	n := int(float64(customers) * perCustomer)
	for i := range n {
		f.n++
		at := from + event.Instant(i*86_400_000/n)
		e := event.Event{ID: fmt.Sprint("e", f.n), Source: "/test", Type: event.ContactStarted, At: at}
		e.Data.Customer = pseudonym(f.rng.IntN(customers))
		e.Home, e.Data.Contact, e.Data.Channel, e.Data.Reason = e.Data.Customer, fmt.Sprint("k", f.n), event.Phone, reasons[f.rng.IntN(len(reasons))]
		messages = append(messages, event.AppendLog(nil, &e))
	}
	return messages
}

var reasons = []string{"billing.dispute", "delivery.late", "technical.outage", "account.access", "contract.terms", "product.information"}

// tick says that the clock has reached a midnight.
func (f *scoringBench) tick(b testing.TB, at event.Instant) {
	tick := event.Event{ID: at.String(), Source: "/test", Type: event.ClockTicked, At: at}
	f.fold(b, event.AppendLog(nil, &tick))
}

// score scores as of a midnight that the clock has reached.
func (f *scoringBench) score(b testing.TB, asOf event.Instant) {
	s := churn.Scorer{Model: f.model, AsOf: asOf, Parameters: f.parameters}
	var told [][]byte
	err := f.partition.CensusDue(asOf).Each(func(customer string, standing *churn.Standing, last churn.Last) error {
		f.looked++
		if t, tell := s.Look(customer, standing, last); tell {
			e := t.Event()
			told = append(told, event.AppendLog(nil, &e))
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	day := churn.ScoredDay{AsOf: asOf, Model: s.Model.Version, Scored: s.Scored, Told: len(told)}
	over := day.Event()
	f.foldAll(b, append(told, event.AppendLog(nil, &over)))
	f.told += len(told)
}
