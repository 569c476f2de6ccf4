package breakpoint

import "parcours/pipeline/event"

var formAbandonment = Kind{
	ID:       "form_abandonment",
	Severity: 2,
	Rule:     "A service form was neither submitted nor resumed, with an error or a contact after it.",
	OutOf:    "service forms started",
	Clears:   []string{event.FormSubmitted},
	detect:   detectFormAbandonment,
}

func detectFormAbandonment(*scope) {}
