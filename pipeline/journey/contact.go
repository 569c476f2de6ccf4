package journey

import (
	"cmp"
	"time"

	"parcours/pipeline/event"
)

// Contact is one interaction through all its transfers: one call, one chat, one visit, one e-mail thread; or, where a
// source names no contact, one event of such an interaction that stands for itself. What joins a journey is the contact.
type Contact struct {
	ID       string // "" for an event that stands for itself
	Steps    []*event.Event
	Start    event.Instant
	End      event.Instant // of its last event that is no afterthought (a survey does not prolong a call)
	Reason   string        // the last one stated in any of its events
	ReasonAt event.Instant // when that became known
	Inbound  bool
	Channel  event.Channel // of its first event that names one
	Types    event.Types   // of its steps
}

// Assisted says whether a person is there to answer: an assisted channel, or a contact or message without a channel.
func (c *Contact) Assisted() bool {
	for _, e := range c.Steps {
		if AssistedStep(e) {
			return true
		}
	}
	return false
}

// AssistedStep says whether an event is part of an interaction with a person.
func AssistedStep(e *event.Event) bool {
	switch event.SpecOf(e.Type).Family {
	case "contact", "message":
		return e.Data.Channel == "" || e.Data.Channel.Assisted()
	}
	return false
}

// Ended says whether the interaction was over at t: a thread of messages when it was answered, a conversation when its
// last event lies before t (sources that never send contact.ended exist).
func (c *Contact) Ended(t event.Instant) bool {
	if c.End > t {
		return false
	}
	asked, answered := false, false
	for _, e := range c.Steps {
		switch {
		case e.Type == event.MessageReceived:
			asked, answered = true, false
		case e.Type == event.MessageReplied || event.SpecOf(e.Type).Family == "contact":
			answered = true
		}
	}
	return !asked || answered
}

// First is the event that begins the contact.
func (c *Contact) First() *event.Event { return c.Steps[0] }

// Last is the event with which it ended.
func (c *Contact) Last() *event.Event {
	for i := len(c.Steps) - 1; i > 0; i-- {
		if c.Steps[i].At <= c.End && prolongs(c.Steps[i]) {
			return c.Steps[i]
		}
	}
	return c.Steps[0]
}

func (c *Contact) add(e *event.Event) {
	if len(c.Steps) == 0 {
		c.Start, c.Inbound = e.At, inbound(e)
	}
	if e.Data.Direction != "" && !c.directed() {
		c.Inbound = e.Data.Direction == event.In
	}
	c.Steps, c.Types = append(c.Steps, e), c.Types.With(e)
	if c.Channel == "" {
		c.Channel = e.Data.Channel
	}
	if prolongs(e) || len(c.Steps) == 1 {
		c.End = e.At
	}
	if e.Data.Reason != "" && e.Data.Reason != c.Reason {
		c.Reason, c.ReasonAt = e.Data.Reason, e.At
	}
}

// Stretches divides the contact where it was silent for longer than that: a thread that was taken up again, or an id. Each has
// the reason stated by then. Where it never was, the contact is the only one.
func (c *Contact) Stretches(silence time.Duration) []*Contact {
	if !c.silentFor(silence) {
		return []*Contact{c}
	}
	var list []*Contact
	for _, e := range c.Steps {
		n := len(list)
		if n == 0 || prolongs(e) && e.At.Sub(list[n-1].End) > silence {
			list, n = append(list, &Contact{ID: c.ID}), n+1
		}
		list[n-1].add(e)
	}
	for i, part := range list {
		part.Inbound, part.Channel = c.Inbound, cmp.Or(part.Channel, c.Channel)
		if i > 0 && part.Reason == "" {
			part.Reason, part.ReasonAt = list[i-1].Reason, list[i-1].ReasonAt
		}
	}
	return list
}

// silentFor says whether the interaction was ever silent for longer than that.
func (c *Contact) silentFor(silence time.Duration) bool {
	if c.End.Sub(c.Start) <= silence {
		return false
	}
	last := c.Start
	for _, e := range c.Steps[1:] {
		if prolongs(e) {
			if e.At.Sub(last) > silence {
				return true
			}
			last = e.At
		}
	}
	return false
}

// directed says whether an event so far has stated the direction.
func (c *Contact) directed() bool {
	for _, e := range c.Steps {
		if e.Data.Direction != "" {
			return true
		}
	}
	return false
}

// inbound is the direction of a contact that states none: customers call, companies reply.
func inbound(e *event.Event) bool {
	return e.Type != event.MessageReplied && e.Type != event.OutreachSent
}

// prolongs says whether an event is part of the interaction itself, not something said about it later.
func prolongs(e *event.Event) bool {
	switch event.SpecOf(e.Type).Family {
	case "voice", "outreach", "promise":
		return false
	}
	return true
}

// interaction says whether an event can be a contact at all.
func interaction(e *event.Event) bool {
	switch event.SpecOf(e.Type).Family {
	case "contact", "message":
		return true
	}
	return e.Data.Contact != ""
}

// within says whether at lies in [from, to + after].
func within(at, from, to event.Instant, after time.Duration) bool {
	return at >= from && at <= to.Add(after)
}

// WithSomebody says whether this is an interaction with a person or a bot, rather than self-service under a contact id.
func (c *Contact) WithSomebody() bool { return c.Types.Any(withSomebody) }

var withSomebody = event.TypesIn("contact") | event.TypesIn("message") | event.TypesOf(event.BotAnswered)

// Key names the contact among all others of its time, in a way that a late event of it does not change. An id taken up
// again beyond the book's reach gives the same key once more, so that a name made of it needs a time beside it: which of the
// two came first cannot be part of it, since the other may have left memory.
func (c *Contact) Key() string {
	e := c.First()
	if c.ID != "" {
		return ID("contact", e.Home, c.ID)
	}
	return ID("contact", e.Home, e.Source, e.ID)
}
