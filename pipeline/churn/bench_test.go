package churn

import (
	"math/rand/v2"
	"testing"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// twentyFacts is a customer of whom twenty things are known: a contract, uses, contacts, an answer, and two breakpoints.
func twentyFacts() (facts []Fact) {
	rng := rand.New(rand.NewPCG(1, 7))
	facts = []Fact{{At: oneDay, What: ContractStarted, ID: idOf(0), Name: "fibre", Amount: 240}}
	for i := 1; i < 20; i++ {
		f := Fact{At: oneDay*event.Instant(i)*9 + event.Instant(rng.IntN(int(oneDay))), What: ServiceUsed, ID: "/shop/orders " + idOf(i), Amount: 12.5}
		switch i {
		case 4, 9, 12, 17:
			f.What, f.ID = ContactMade, "call-00000"+idOf(i)
		case 13:
			f.What, f.Amount = SurveyNPS, 0.7
		case 10, 18:
			f.What, f.Name, f.Family, f.Weight, f.ID = Broken, "long_wait", "billing", 2, "0123456789abcdef0123456789abcdef"
		}
		facts = append(facts, f)
	}
	return facts
}

// BenchmarkStanding is what the fold does with one event of a customer: unpack, add, settle, look before and after, pack.
func BenchmarkStanding(b *testing.B) {
	p := ParametersOf(rules.Default())
	var s Standing
	facts := twentyFacts()
	for _, f := range facts {
		s.Add(f)
	}
	last := facts[len(facts)-1].At
	s.Settle(last-5*oneDay, p)
	packed := s.Append(nil)
	s.Settle(last+lateness, p)
	settled := s.Append(nil)
	b.Logf("a customer with 20 facts takes %d bytes, settled %d", len(packed), len(settled))
	next := Fact{At: last + 2*oneDay, What: ServiceUsed, ID: "/shop/orders next", Amount: 10}
	b.Run("add+state", func(b *testing.B) {
		s, _ := ReadStanding(packed)
		b.ReportAllocs()
		for b.Loop() {
			s.Add(next)
			state := s.State(next.At, p)
			_ = state.NextDue()
		}
	})
	b.Run("event", func(b *testing.B) {
		var buf []byte
		b.ReportAllocs()
		for b.Loop() {
			s, _ := ReadStanding(packed)
			before := s.State(next.At, p)
			s.Add(next)
			s.Settle(next.At-lateness, p)
			after := s.State(next.At, p)
			_ = before.NextDue() + after.NextDue()
			buf = s.Append(buf[:0])
		}
		b.ReportMetric(float64(len(buf)), "bytes")
	})
	b.Run("day", func(b *testing.B) { // scoring
		names := AllFeatures()
		x := make([]float64, 0, names.Len())
		b.ReportAllocs()
		for b.Loop() {
			s, _ := ReadStanding(settled)
			state := s.State(next.At+10*oneDay, p)
			x = state.AppendFeatures(x[:0], names)
		}
	})
	b.Run("features", func(b *testing.B) {
		names := AllFeatures()
		x := make([]float64, 0, names.Len())
		state := s.State(next.At+10*oneDay, p)
		for b.Loop() {
			x = state.AppendFeatures(x[:0], names)
		}
	})
}
