package breakpoint

import "parcours/pipeline/event"

var brokenPromise = Kind{
	ID:       "broken_promise",
	Severity: 4,
	Rule:     "A promise was neither kept nor performed when due.",
	OutOf:    "promises due",
	Clears:   []string{event.PromiseKept, event.MessageReplied, event.OrderDelivered, event.CaseResolved, event.ContactAnswered},
	detect:   detectBrokenPromise,
}

func detectBrokenPromise(*scope) {}
