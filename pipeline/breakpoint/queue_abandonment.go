package breakpoint

import (
	"cmp"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

var queueAbandonment = Kind{
	ID:       "queue_abandonment",
	Severity: 3,
	Rule:     "The customer gave up in the queue.",
	OutOf:    "queued contacts, short abandons left out",
	detect:   detectQueueAbandonment,
}

// detectQueueAbandonment looks for the first abandon of each contact that the customer made, other than short ones.
func detectQueueAbandonment(s *scope) {
	for _, j := range s.history.Journeys {
		for _, c := range j.Contacts {
			if !c.Inbound || !c.Types.Any(ofQueues) {
				continue
			}
			q := s.queueing(j, c)
			if q.first == nil {
				continue
			}
			o, measured := s.opportunity(j, q.first, Opportunity{
				At: q.first.At, MaturesAt: max(q.first.At, c.End), Reason: c.Reason, Channel: cmp.Or(q.first.Data.Channel, c.Channel),
			})
			if measured && q.abandon != nil {
				s.addAbandon(o, j, c, q)
			}
		}
	}
}

var ofQueues = event.TypesOf(event.ContactQueued, event.ContactAbandoned)

// queueing is what a contact says about its queue.
type queueing struct {
	first   *event.Event // the opportunity; nil where the contact is none
	abandon *event.Event // after more than a short wait; nil for none
	since   *event.Event // since when the customer had waited then; nil where no event says it
}

// queueing reads a contact. Who left at once had not begun to wait: such a contact is no opportunity.
func (s *scope) queueing(j *journey.Journey, c *journey.Contact) (q queueing) {
	short := false
	for i, e := range c.Steps {
		switch e.Type {
		case event.ContactQueued:
			q.first = cmp.Or(q.first, e)
		case event.ContactAbandoned:
			since := waitedSince(c, i)
			length, known := waited(e, since)
			if !known {
				continue
			}
			at := cmp.Or(q.first, e)
			if length > s.rules(at.At).ShortAbandon.Of(queuePlace(j, c, at)) {
				q.first, q.abandon, q.since = at, e, since
				return q
			}
			short = true
		}
	}
	if short {
		q.first = nil
	}
	return q
}

// queuePlace is where the rule asks for its exceptions.
func queuePlace(j *journey.Journey, c *journey.Contact, e *event.Event) rules.Where {
	return rules.Where{Reason: cmp.Or(c.Reason, j.Reason), Channel: cmp.Or(e.Data.Channel, c.Channel), Unit: e.Data.Unit}
}

func (s *scope) addAbandon(o chance, j *journey.Journey, c *journey.Contact, q queueing) {
	origin := q.abandon
	if q.since != nil && q.since.Type == event.ContactQueued {
		origin = q.since
	}
	s.add(o, Breakpoint{
		Origin:     origin,
		OccurredAt: q.abandon.At,
		Silo:       cmp.Or(origin.Data.Silo, q.abandon.Data.Silo),
		Unit:       cmp.Or(origin.Data.Unit, q.abandon.Data.Unit),
		Channel:    cmp.Or(origin.Data.Channel, c.Channel),
		Evidence:   evidence(origin, q.abandon),
		avoidable:  s.followedSteps(j, c),
	}, c.Key())
}
