package reference

import (
	"slices"
	"time"

	"parcours/pipeline/event"
)

// contact is all events with one contact id, or one event by itself.
type contact struct {
	id     string
	events []*event.Event
	block  *block
}

// block is what joins a journey as a whole: a contact or an event, and with it all of the cases that it names, since a case is
// never split.
type block struct {
	contact
	contacts []*contact // in order of their first events
	journey  *journey   // nil for a visit, and for what joins nothing
}

// journey is the one that a contact is in, nil for none.
func (c *contact) journey() *journey {
	if c.block == nil {
		return nil
	}
	return c.block.journey
}

func (c *contact) first() *event.Event { return c.events[0] }

func (c *contact) start() event.Instant { return c.events[0].At }

func (c *contact) last() event.Instant { return c.events[len(c.events)-1].At }

func family(e *event.Event) string { return event.SpecOf(e.Type).Family }

// meeting says whether an event is of family contact or message.
func meeting(e *event.Event) bool { return family(e) == "contact" || family(e) == "message" }

// assisted says whether an event is a meeting with a person.
func assisted(e *event.Event) bool { return meeting(e) && e.Data.Channel.Assisted() }

func (c *contact) has(is func(*event.Event) bool) bool { return slices.ContainsFunc(c.events, is) }

// withSomebody: it holds an event of family contact or message, or bot.answered. An event without a contact id is a
// contact only where it is of family contact or message.
func (c *contact) withSomebody() bool {
	return c.has(func(e *event.Event) bool { return meeting(e) || c.id != "" && e.Type == event.BotAnswered })
}

// isContact says whether it is an interaction at all, rather than an event by itself.
func (c *contact) isContact() bool { return c.id != "" || meeting(c.first()) }

// inbound: what its events say; where they say nothing, unless the company wrote first.
func (c *contact) inbound() bool {
	for _, e := range c.events {
		if e.Data.Direction != "" {
			return e.Data.Direction == event.In
		}
	}
	return c.first().Type != event.MessageReplied && c.first().Type != event.OutreachSent
}

// outgoing says whether the company began it.
func (c *contact) outgoing() bool {
	for _, e := range c.events {
		if e.Data.Direction != "" {
			return e.Data.Direction != event.In
		}
	}
	return false
}

// substance says whether an event can be what a contact ends with.
func substance(e *event.Event) bool {
	switch e.Type {
	case event.SurveySent, event.SurveyAnswered, event.PraiseReceived, event.IncivilityReported,
		event.OutreachSent, event.OutreachAnswered, event.PromiseMade, event.PromiseKept:
		return false
	}
	return true
}

// end is the event with which it ends, nil where it holds nothing of substance.
func (c *contact) end() *event.Event {
	for i := len(c.events) - 1; i >= 0; i-- {
		if substance(c.events[i]) {
			return c.events[i]
		}
	}
	return nil
}

// hadEnded says whether it was over before a moment; a thread of messages only if its last message was answered.
func (c *contact) hadEnded(at event.Instant) bool {
	end := c.end()
	if end == nil || end.At >= at {
		return false
	}
	owing := false
	for _, e := range c.events {
		switch {
		case e.Type == event.MessageReceived:
			owing = true
		case answersMessages(e):
			owing = false
		}
	}
	return !owing
}

// answersMessages: a reply, or somebody who answers on an assisted channel or on none.
func answersMessages(e *event.Event) bool {
	return e.Type == event.MessageReplied || e.Type == event.ContactAnswered && (e.Data.Channel == "" || e.Data.Channel.Assisted())
}

// reason is the last one stated in it.
func (c *contact) reason() string {
	for i := len(c.events) - 1; i >= 0; i-- {
		if r := c.events[i].Data.Reason; r != "" {
			return r
		}
	}
	return ""
}

func (c *contact) family() string { return event.ReasonFamily(c.reason()) }

// customer is the one it names, "" for nobody.
func (c *contact) customer() string {
	for _, e := range c.events {
		if e.Data.Customer != "" {
			return e.Data.Customer
		}
	}
	return ""
}

// one says whether two may be the same customer: they are not when two are named.
func one(a, b string) bool { return a == "" || b == "" || a == b }

// reason is by which a block joins: that of the first of its contacts which states one, else the last one stated at all.
func (b *block) reason() string {
	for _, c := range b.contacts {
		if r := c.reason(); c.isContact() && event.ReasonFamily(r) != "" {
			return r
		}
	}
	reason := ""
	for _, e := range b.events {
		if r := e.Data.Reason; event.ReasonFamily(r) != "" {
			reason = r
		}
	}
	return reason
}

func (b *block) family() string { return event.ReasonFamily(b.reason()) }

// cases are those it names which can join anything.
func (c *contact) cases(container func(string) bool) (list []string) {
	for _, e := range c.events {
		if id := e.Data.Case; id != "" && !container(id) && !slices.Contains(list, id) {
			list = append(list, id)
		}
	}
	return list
}

// blocksOf puts contacts together that join journeys as one, in order of their first events: those of one case, and what each
// of them names besides.
func blocksOf(contacts []*contact, container func(string) bool) (list []*block) {
	cases := map[string]*block{}
	for _, c := range contacts {
		c.block = &block{contact: contact{id: c.id}}
		for _, id := range c.cases(container) {
			if other := cases[id]; other != nil && other != c.block {
				replace(contacts, cases, c.block, other)
			}
			cases[id] = c.block
		}
	}
	for _, c := range contacts {
		if len(c.block.events) == 0 {
			list = append(list, c.block)
		}
		c.block.events = append(c.block.events, c.events...)
		c.block.contacts = append(c.block.contacts, c)
	}
	for _, b := range list {
		slices.SortFunc(b.events, event.Compare)
	}
	return list
}

// replace puts all that is in one block into another.
func replace(contacts []*contact, cases map[string]*block, by, old *block) {
	for _, c := range contacts {
		if c.block == old {
			c.block = by
		}
	}
	for id, b := range cases {
		if b == old {
			cases[id] = by
		}
	}
}

// contactsOf cuts a history into contacts, in order of their first events. A contact id that is taken up after a silence
// beyond reach is another contact.
func contactsOf(events []*event.Event, reach time.Duration) (list []*contact) {
	known := map[string]*contact{}
	for _, e := range events {
		id := e.Data.Contact
		c := known[id]
		if id == "" || c == nil || e.At.Sub(c.last()) > reach {
			c = &contact{id: id}
			list = append(list, c)
			known[id] = c
		}
		c.events = append(c.events, e)
	}
	return list
}
