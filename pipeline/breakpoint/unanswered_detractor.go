package breakpoint

import "parcours/pipeline/event"

var unansweredDetractor = Kind{
	ID:       "unanswered_detractor",
	Severity: 2,
	Rule:     "A detractor met silence.",
	OutOf:    "detractors",
	Clears:   []string{event.OutreachSent, event.MessageReplied, event.ContactStarted},
	Witness:  true,
	detect:   detectUnansweredDetractor,
}

func detectUnansweredDetractor(*scope) {}
