package breakpoint

import (
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// Clearings lists, for the kinds that break when something does not come, what begins each of their clocks and what would
// clear it. A source whose clocks nobody ever clears cannot be measured (product.md): `rules suggest` looks for those.
func Clearings() []rules.Clearing {
	ended := []string{event.CaseResolved, event.CaseClosed}
	clearing := func(kind string, clears []string, begins ...string) rules.Clearing {
		return rules.Clearing{Kind: kind, Begins: begins, Clears: clears}
	}
	stalls := clearing(stalledCase.ID, ended)
	stalls.OfCase = true
	return []rules.Clearing{
		clearing(formAbandonment.ID, []string{event.FormSubmitted}, event.FormStarted),
		clearing(slaBreach.ID, []string{event.MessageReplied, event.ContactAnswered}, event.MessageReceived),
		clearing(slaBreach.ID, ended, event.CaseOpened),
		clearing(slaBreach.ID, []string{event.ComplaintAnswered}, event.ComplaintFiled),
		clearing(brokenPromise.ID, []string{event.PromiseKept, event.MessageReplied, event.OrderDelivered, event.CaseResolved, event.ContactAnswered},
			event.PromiseMade),
		stalls,
		clearing(stalledCase.ID, ended, event.CaseOpened),
		clearing(coreFailure.ID, []string{event.OrderDelivered}, event.OrderPlaced),
		clearing(unansweredDetractor.ID, []string{event.OutreachSent, event.MessageReplied, event.ContactStarted}, event.SurveyAnswered),
	}
}
