package breakpoint

import "parcours/pipeline/event"

var coreFailure = Kind{
	ID:       "core_failure",
	Severity: 4,
	Rule:     "A service that is owed failed.",
	OutOf:    "orders due, payments, appointments",
	Clears:   []string{event.OrderDelivered},
	detect:   detectCoreFailure,
}

func detectCoreFailure(*scope) {}
