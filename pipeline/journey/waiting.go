package journey

import (
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// Waiting is elapsed time of a journey by whom was waited for. The three never overlap.
type Waiting struct {
	OnCustomer time.Duration
	OnPartner  time.Duration
	OnCompany  time.Duration
}

// Waiting cuts the journey at its steps, up to the last one, and gives each stretch between two of them to one party: to the
// customer while a case waits on the customer, else to a partner while a case waits on one, else to the company while it
// owes something (an open case, a complaint, a promise, an unanswered message, an order; an appointment until it passes) or
// the customer is in a queue. Once the customer is lost nobody is waited for.
//
// A case waits from case.waiting until the company works on it or a message about it comes. Work done meanwhile is not taken
// off: minutes are known, and not when they were. What is still waited for at the last step counts once the next one comes.
func (j *Journey) Waiting(book *rules.Book) (w Waiting) {
	var s state
	queues := j.queues()
	for i, e := range j.Steps {
		s.step(e, book)
		if i+1 == len(j.Steps) || s.lostAt != 0 {
			continue
		}
		next := j.Steps[i+1].At
		switch stretch := next.Sub(e.At); {
		case s.waitsOn("customer"):
			w.OnCustomer += stretch
		case s.waitsOn("partner"):
			w.OnPartner += stretch
		case s.owesNow() || queued(queues, e.At, next):
			w.OnCompany += stretch
		default:
			w.OnCompany += s.appointedUntil(e.At, next).Sub(e.At)
		}
	}
	return w
}

// queues are the waits of inbound contacts of which the beginning is known.
func (j *Journey) queues() (list []Wait) {
	for _, c := range j.Contacts {
		for _, w := range c.inboundWaits() {
			if w.Known {
				list = append(list, w)
			}
		}
	}
	return list
}

// queued says whether a stretch between two steps lies in a queue, which begins and ends with a step.
func queued(queues []Wait, from, to event.Instant) bool {
	for i := range queues {
		if q := &queues[i]; q.Since <= from && to <= q.At.At {
			return true
		}
	}
	return false
}

// waitsOn says whether an open case waits on somebody.
func (s *state) waitsOn(whom string) bool {
	for i := range s.cases {
		if s.cases[i].open && s.cases[i].waitingOn == whom {
			return true
		}
	}
	return false
}

// appointedUntil is when the last appointment passes that is to come, and no later than the next step.
func (s *state) appointedUntil(from, next event.Instant) event.Instant {
	until := from
	for _, due := range s.appointments {
		until = max(until, min(due, next))
	}
	return until
}

// Wait is one wait of a contact for somebody to answer, whether it was answered or the customer gave up.
type Wait struct {
	Seconds float64
	At      *event.Event  // the answer, the giving up, or the end that tells how long it was
	Since   event.Instant // when it began, where Known
	Known   bool
}

// Waits are those of an answered or abandoned contact, in order. The wait of an answer or of giving up is its own wait_s,
// else the time since the last contact.queued after the answer before it, else, for the first one, since contact.started.
// Where none of them has a wait, wait_s of contact.ended counts, if the contact was answered or talk_s is more than 0.
func (c *Contact) Waits() (list []Wait) {
	q := queue{}
	for _, e := range c.Steps {
		switch e.Type {
		case event.ContactStarted, event.ContactQueued:
			q.enter(e)
		case event.ContactAnswered, event.ContactAbandoned:
			if w := q.leave(e); w.Known || e.Data.WaitS != nil {
				list = append(list, w)
			}
		case event.ContactEnded:
			if len(list) == 0 && e.Data.WaitS != nil && (q.answered || seconds(e.Data.TalkS) > 0) {
				list = append(list, Wait{Seconds: *e.Data.WaitS, At: e})
			}
		}
	}
	return list
}

// queue is where a contact stands while its events are read.
type queue struct {
	since    event.Instant
	waiting  bool // since says when that began
	answered bool
}

// enter: being queued begins a wait anew; a start does before anything else has happened only.
func (q *queue) enter(e *event.Event) {
	if e.Type == event.ContactQueued || !q.waiting && !q.answered {
		q.since, q.waiting = e.At, true
	}
}

// leave ends the wait by an answer, or by giving up.
func (q *queue) leave(e *event.Event) Wait {
	w := Wait{At: e, Since: q.since, Known: q.waiting}
	switch {
	case e.Data.WaitS != nil:
		w.Seconds = *e.Data.WaitS
	case w.Known:
		w.Seconds = e.At.Sub(q.since).Seconds()
	}
	q.waiting = false
	q.answered = q.answered || e.Type == event.ContactAnswered
	return w
}

// inboundWaits are the waits of a contact that the customer began.
func (c *Contact) inboundWaits() []Wait {
	if !c.Inbound {
		return nil
	}
	return c.Waits()
}

// QueueWait is how long the customer waited for somebody, in seconds: the sum of the waits of inbound contacts.
func (j *Journey) QueueWait() (sum float64) {
	for _, c := range j.Contacts {
		for _, w := range c.inboundWaits() {
			sum += w.Seconds
		}
	}
	return sum
}
