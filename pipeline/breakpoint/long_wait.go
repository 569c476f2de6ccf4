package breakpoint

import "parcours/pipeline/event"

var longWait = Kind{
	ID:       "long_wait",
	Severity: 2,
	Rule:     "A contact is answered after its channel's limit.",
	OutOf:    "answered contacts",
	Clears:   []string{event.ContactAnswered},
	detect:   detectLongWait,
}

func detectLongWait(*scope) {}
