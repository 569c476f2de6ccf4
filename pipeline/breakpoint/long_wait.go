package breakpoint

import (
	"cmp"
	"slices"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

var longWait = Kind{
	ID:        "long_wait",
	Severity:  2,
	Rule:      "A contact is answered after its channel's limit.",
	OutOf:     "inbound contacts with a known wait on a channel with a limit",
	Clears:    []string{event.ContactAnswered},
	Uncharged: true,
	detect:    detectLongWait,
}

// detectLongWait looks at the waits of each contact that the customer made. One breakpoint a contact, at the first answer
// beyond its limit.
func detectLongWait(s *scope) {
	for _, j := range s.history.Journeys {
		for _, c := range j.Contacts {
			if c.Inbound && c.Types.Any(tellingWait) {
				s.longWaitOf(j, c)
			}
		}
	}
}

var tellingWait = event.TypesOf(event.ContactAnswered, event.ContactEnded)

// longWaitOf takes the first wait on a channel that has a limit as the contact's opportunity.
func (s *scope) longWaitOf(j *journey.Journey, c *journey.Contact) {
	waits := waitsOf(c)
	for i, w := range waits {
		book := s.rules(w.told.At)
		if book.WaitLimit.Of(w.place(j, c)) == 0 {
			continue
		}
		o, measured := s.opportunity(j, w.told, w.opportunity(c))
		if k := slices.IndexFunc(waits[i:], func(w wait) bool { return w.beyond(j, c, book) }); measured && k >= 0 {
			s.addLongWait(o, c, waits[i+k])
		}
		return
	}
}

// beyond says whether a wait is longer than its channel's limit.
func (w *wait) beyond(j *journey.Journey, c *journey.Contact, book *rules.Book) bool {
	limit := book.WaitLimit.Of(w.place(j, c))
	return limit > 0 && w.length > limit
}

// wait is how long a customer stood in a queue until he was answered.
type wait struct {
	length time.Duration
	since  *event.Event // with which it began; nil where no event says it
	told   *event.Event // the answer, or the end of the contact where only that tells the wait
}

// waitsOf lists the waits of a contact that are known.
func waitsOf(c *journey.Contact) []wait {
	var answers, ends []wait
	answered := false
	for i, e := range c.Steps {
		switch e.Type {
		case event.ContactAnswered:
			answered = true
			answers = appendWait(answers, c, i)
		case event.ContactEnded:
			if e.Data.WaitS != nil && (answered || e.Data.TalkS != nil && *e.Data.TalkS > 0) {
				ends = appendWait(ends, c, i)
			}
		}
	}
	if len(answers) > 0 {
		return answers
	}
	return ends[:min(1, len(ends))] // the end tells the wait of the whole contact
}

func appendWait(list []wait, c *journey.Contact, i int) []wait {
	e, since := c.Steps[i], waitedSince(c, i)
	if length, known := waited(e, since); known {
		list = append(list, wait{length, since, e})
	}
	return list
}

// waitedSince is the event since which a customer waited at a step of his contact: the last contact.queued after the answer
// before it; where nobody had answered, the last contact.started. nil for none.
func waitedSince(c *journey.Contact, step int) (since *event.Event) {
	for i := step - 1; i >= 0; i-- {
		switch e := c.Steps[i]; e.Type {
		case event.ContactQueued:
			return e
		case event.ContactAnswered:
			return nil
		case event.ContactStarted:
			if since == nil {
				since = e
			}
		}
	}
	return since
}

// waited is how long: what the event says, else the time since the wait began.
func waited(e, since *event.Event) (length time.Duration, known bool) {
	switch {
	case e.Data.WaitS != nil:
		return time.Duration(*e.Data.WaitS * float64(time.Second)), true
	case since != nil:
		return e.At.Sub(since.At), true
	}
	return 0, false
}

// origin is where the customer waited, as far as it is known.
func (w *wait) origin() *event.Event { return cmp.Or(w.since, w.told) }

// unit and silo are those of the queue.
func (w *wait) unit() string { return cmp.Or(w.origin().Data.Unit, w.told.Data.Unit) }
func (w *wait) silo() string { return cmp.Or(w.origin().Data.Silo, w.told.Data.Silo) }

func (w *wait) channel(c *journey.Contact) event.Channel {
	return cmp.Or(w.told.Data.Channel, c.Channel)
}

// place is where a rule asks for its exceptions: the reason and the channel of the contact, and the queue's unit.
func (w *wait) place(j *journey.Journey, c *journey.Contact) rules.Where {
	return rules.Where{Reason: cmp.Or(c.Reason, j.Reason), Channel: w.channel(c), Unit: w.unit()}
}

func (w *wait) opportunity(c *journey.Contact) Opportunity {
	return Opportunity{
		At: w.told.At, MaturesAt: max(w.told.At, c.End), Reason: c.Reason, Silo: w.silo(), Unit: w.unit(), Channel: w.channel(c),
	}
}

func (s *scope) addLongWait(o chance, c *journey.Contact, w wait) {
	s.add(o, Breakpoint{
		Origin:     w.origin(),
		OccurredAt: w.told.At,
		Silo:       w.silo(),
		Unit:       w.unit(),
		Channel:    w.channel(c),
		Evidence:   evidence(w.origin(), w.told),
	}, c.Key())
}
