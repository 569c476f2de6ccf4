package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
	"parcours/pipeline/simulate"
)

// BenchmarkFold folds the events of a made-up company, beside the bare work of filing them by customer in order.
func BenchmarkFold(b *testing.B) {
	events := company()
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			homes := map[string][]*event.Event{}
			for _, e := range events {
				homes[e.Home] = append(homes[e.Home], e)
			}
		}
		perEvent(b, len(events))
	})
	b.Run("fold", func(b *testing.B) {
		for b.Loop() {
			fold(events)
		}
		perEvent(b, len(events))
	})
}

// BenchmarkFoldCustomers says what it costs to know the customers: the events of a made-up company folded with that and
// without, in turns, so that both meet the same machine. Without, each event stands in a home that is no customer's.
func BenchmarkFoldCustomers(b *testing.B) {
	with := company()
	without := make([]*event.Event, len(with))
	for i, e := range with {
		other := *e
		if other.Home != "" {
			other.Home = "home of " + e.Home
		}
		without[i] = &other
	}
	var known, unknown time.Duration
	for b.Loop() {
		began := time.Now()
		fold(without)
		between := time.Now()
		fold(with)
		known, unknown = known+time.Since(between), unknown+between.Sub(began)
	}
	b.ReportMetric(100*(known.Seconds()/unknown.Seconds()-1), "%more")
	b.ReportMetric(float64(known.Nanoseconds())/float64(b.N*len(with)), "ns/event")
}

// BenchmarkBusyCustomer folds one customer of a help desk with many cases, each event of which folds him anew.
func BenchmarkBusyCustomer(b *testing.B) {
	for _, cases := range []int{10, 100, 400} {
		events := busy(cases)
		b.Run(fmt.Sprintf("cases=%d", cases), func(b *testing.B) {
			for b.Loop() {
				fold(events)
			}
			perEvent(b, len(events))
		})
	}
}

func perEvent(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
}

func fold(events []*event.Event) {
	p := pipeline.NewPartition(pipeline.Setup{Book: rules.Default()})
	var c pipeline.Changes
	for i, e := range events {
		c = pipeline.Changes{}
		if err := p.Apply(&pipeline.Message{Position: uint64(i + 1), StoredAt: e.At}, e, &c); err != nil {
			panic(err)
		}
	}
}

func company() []*event.Event {
	var list []*event.Event
	for e := range simulate.New(simulate.Config{Customers: 500, Days: 60, Seed: 1}).Events() {
		e.Data.Customer = e.Data.Identifiers.Get("customer")
		e.Home = e.Data.Customer
		list = append(list, &e)
	}
	return list
}

func busy(cases int) []*event.Event {
	start := event.InstantOf(time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC))
	var list []*event.Event
	for i := range cases * 5 {
		e := &event.Event{ID: fmt.Sprint(i), Source: "/desk", Type: event.StepPerformed, Home: "h", At: start.Add(time.Duration(i) * time.Hour)}
		e.Data.Customer, e.Data.Case, e.Data.Activity = "h", fmt.Sprint("case", i/7+i%3), fmt.Sprint("activity", i%5)
		list = append(list, e)
	}
	return list
}

// BenchmarkBusyCaller folds one customer who calls every hour about four things: few journeys of many contacts.
func BenchmarkBusyCaller(b *testing.B) {
	for _, calls := range []int{250, 500, 1000} {
		start := event.InstantOf(time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC))
		var events []*event.Event
		for i := range calls {
			e := &event.Event{ID: fmt.Sprint(i), Source: "/calls", Type: event.ContactStarted, Home: "h", At: start.Add(time.Duration(i) * time.Hour)}
			e.Data.Customer, e.Data.Reason = "h", []string{"billing.a", "delivery.b", "technical.c", "contract.d"}[i%4]
			events = append(events, e)
		}
		b.Run(fmt.Sprintf("calls=%d", calls), func(b *testing.B) {
			for b.Loop() {
				fold(events)
			}
			perEvent(b, len(events))
		})
	}
}
