package breakpoint

import (
	"slices"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

var channelPingPong = Kind{
	ID:       "channel_ping_pong",
	Severity: 2,
	Rule:     "The customer is sent between assisted channels and back.",
	OutOf:    "journeys with two or more assisted contacts, or one that was transferred",
	detect:   detectChannelPingPong,
}

// detectChannelPingPong follows the assisted channels along each journey. One breakpoint a journey, at the first switch that
// brings the customer back.
func detectChannelPingPong(s *scope) {
	for _, j := range s.history.Journeys {
		contacts := assistedContacts(j)
		if !maySwitch(contacts) {
			continue
		}
		if o, measured := s.ofJourneySince(j, couldSwitch(contacts)); measured {
			s.followChannels(o, j, contacts)
		}
	}
}

// assistedContacts are the assisted contacts that the customer made in a journey, in order.
func assistedContacts(j *journey.Journey) (list []*journey.Contact) {
	for _, c := range j.Contacts {
		if c.Inbound && slices.ContainsFunc(c.Steps, isAssisted) {
			list = append(list, c)
		}
	}
	return list
}

// maySwitch says whether there are two contacts, or one that was transferred.
func maySwitch(contacts []*journey.Contact) bool {
	return len(contacts) > 1 || len(contacts) == 1 &&
		slices.ContainsFunc(contacts[0].Steps, func(e *event.Event) bool { return e.Type == event.ContactTransferred })
}

// couldSwitch is when there were two contacts, or one had been transferred.
func couldSwitch(contacts []*journey.Contact) event.Instant {
	at := journey.Never
	if len(contacts) > 1 {
		at = max(first(contacts[0].Steps, isAssisted).At, first(contacts[1].Steps, isAssisted).At)
	}
	if sent := first(contacts[0].Steps, func(e *event.Event) bool { return e.Type == event.ContactTransferred }); sent != nil {
		at = min(at, sent.At)
	}
	return at
}

func (s *scope) followChannels(o chance, j *journey.Journey, contacts []*journey.Contact) {
	at := where(j.Steps[0], j.Reason)
	book := s.rules(j.Start())
	p := channelPath{least: book.Switches.Of(at), within: book.SentBack.Of(at)}
	for i, c := range contacts {
		var before *journey.Contact
		if i > 0 {
			before = contacts[i-1]
		}
		if p.follow(before, c) {
			s.add(o, Breakpoint{
				Origin:     p.arrived,
				OccurredAt: p.arrived.At,
				DetectedAt: p.known,
				Evidence:   []*event.Event{p.arrivedBefore, p.arrived},
				avoidable:  after(j, p.arrived),
			}, j.ID)
			return
		}
	}
}

// channelPath is the sequence of assisted channels on which the customer was sent on. Where nobody sent him it begins anew.
type channelPath struct {
	least  int           // switches
	within time.Duration // from the end of a contact to the next

	left     []event.Channel
	now      event.Channel
	switches int
	arrived  *event.Event // the first step on the channel of the last switch
	known    event.Instant

	arrivedBefore *event.Event // that of the switch before
}

// follow takes a contact, the one before it being nil for the first, and says whether it brings the customer back.
func (p *channelPath) follow(before, c *journey.Contact) bool {
	reached, transferred := false, false
	for _, e := range c.Steps {
		if isAssisted(e) {
			sent := transferred
			if !reached {
				sent, reached = p.goesOn(before, c, e), true
				if !sent {
					p.begin(e)
				}
			}
			if e.Data.Channel != p.now {
				transferred = false
				if p.move(e, sent) {
					return true
				}
			}
		}
		transferred = reached && (transferred || e.Type == event.ContactTransferred)
	}
	return false
}

// goesOn says whether a contact, which reaches a person at e, goes on with the one before: for the same full reason, soon
// after its end.
func (p *channelPath) goesOn(before, c *journey.Contact, e *event.Event) bool {
	if before == nil || before.Reason != c.Reason || event.ReasonFamily(c.Reason) == "" || !oneCustomer(before.First(), c.First()) {
		return false
	}
	if gap := e.At.Sub(before.End); gap < 0 || gap > p.within {
		return false
	}
	p.known = max(p.known, before.ReasonAt, c.ReasonAt)
	return true
}

func (p *channelPath) begin(e *event.Event) {
	*p = channelPath{least: p.least, within: p.within, now: e.Data.Channel}
}

// move is a change of channel; a customer who changed by himself was not sent.
func (p *channelPath) move(e *event.Event, sent bool) bool {
	if !sent {
		p.begin(e)
		return false
	}
	p.left = append(p.left, p.now)
	p.now = e.Data.Channel
	p.switches++
	p.arrivedBefore, p.arrived = p.arrived, e
	return p.switches >= p.least && slices.Contains(p.left, p.now)
}
