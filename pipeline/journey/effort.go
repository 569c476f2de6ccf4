package journey

import (
	"math"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// What product.md 7 counts for how hard the company made it.
const (
	pointsContact  = 3 // for each inbound contact with somebody after the first
	pointsTransfer = 2
	pointsRepeated = 2 // for each information.repeated
	pointsChannel  = 1 // for each change of channel
	pointsWaited   = 1 // for each whole waitedUnit of waiting beyond target

	waitedUnit  = 10 * time.Minute
	effortScale = 10
)

// Effort is the effort index, 0 to 100: 100 (1 - exp(-points / 10)), to six decimals, so that all machines agree.
func (j *Journey) Effort(book *rules.Book) float64 {
	effort := 100 * (1 - math.Exp(-float64(j.EffortPoints(book))/effortScale))
	return math.Round(effort*1e6) / 1e6
}

// EffortPoints are 3 an extra contact, 2 a transfer, 2 an information repeated, 1 a channel change, and 1 for each whole 10
// minutes waited beyond target, all waits of the journey together. Contacts, transfers and waits are those of inbound
// contacts with somebody. The target of a wait is the limit of its channel in the rules of its moment; a channel that has
// none has no target.
func (j *Journey) EffortPoints(book *rules.Book) int {
	contacts, points := 0, pointsChannel*j.channelChanges()
	beyond := 0.0 // seconds
	for _, c := range j.Contacts {
		if !c.Inbound || !c.WithSomebody() {
			continue
		}
		contacts++
		for _, e := range c.Steps {
			if e.Type == event.ContactTransferred {
				points += pointsTransfer
			}
		}
		beyond += c.waitedBeyond(book)
	}
	for _, e := range j.Steps {
		if e.Type == event.InformationRepeated {
			points += pointsRepeated
		}
	}
	points += pointsContact * max(0, contacts-1)
	return points + pointsWaited*int(beyond/waitedUnit.Seconds())
}

// waitedBeyond is how long the contact waited beyond the limits of its channel, in seconds.
func (c *Contact) waitedBeyond(book *rules.Book) (sum float64) {
	for _, w := range c.Waits() {
		channel := w.At.Data.Channel
		if channel == "" {
			channel = c.Channel
		}
		at := rules.Where{Reason: c.Reason, Channel: channel, Unit: w.At.Data.Unit}
		if limit := book.At(w.At.At).WaitLimit.Of(at); limit > 0 {
			sum += max(0, w.Seconds-limit.Seconds())
		}
	}
	return sum
}

// channelChanges counts how often the customer went on on another channel: between one step of self-service, of a
// conversation, or message of the customer's to the next. Steps without a channel and contacts of the company's are passed over.
func (j *Journey) channelChanges() int {
	outbound := j.outbound()
	return int(changes(j.Steps, func(e *event.Event) string {
		switch event.SpecOf(e.Type).Family {
		case "contact", "selfservice":
		default:
			if e.Type != event.MessageReceived {
				return ""
			}
		}
		if outbound[e] {
			return ""
		}
		return string(e.Data.Channel)
	}))
}

// outbound are the steps of contacts that the company began; nil where there is none.
func (j *Journey) outbound() (steps map[*event.Event]bool) {
	for _, c := range j.Contacts {
		if c.Inbound {
			continue
		}
		if steps == nil {
			steps = map[*event.Event]bool{}
		}
		for _, e := range c.Steps {
			steps[e] = true
		}
	}
	return steps
}
