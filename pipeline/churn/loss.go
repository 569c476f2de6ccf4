package churn

import (
	"slices"

	"parcours/pipeline/event"
)

// Ending is an end of a customer's contract.
type Ending struct {
	At event.Instant // the contract.cancelled; of a loss by value, when the value had been down for long enough: known at once
	// Lost says that it is a loss by the definition of the segment (rules.Loss): of the customer's own will. Any other ending
	// (by the company, a death, a fraud) only ends what is known.
	Lost bool
}

// Endings are those that facts of one customer, in any order, tell of until a moment, that one included, in order of time.
// What labels are made of is so what the signals were cleared by.
func Endings(facts []Fact, until event.Instant, p *Parameters) (list []Ending) {
	facts = slices.Clone(facts)
	slices.SortStableFunc(facts, func(a, b Fact) int { return a.compare(&b) })
	var c core
	note := func() {
		if k := &c.contract; k.left && (len(list) == 0 || list[len(list)-1].At != k.leftAt) {
			list = append(list, Ending{k.leftAt, k.lost})
		}
	}
	for i := range facts {
		if facts[i].At > until {
			break
		}
		c.advance(facts[i].At-1, p)
		note()
		c.apply(&facts[i], p)
		note()
	}
	c.advance(until, p)
	note()
	return list
}
