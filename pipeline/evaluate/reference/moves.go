package reference

import (
	"slices"

	"parcours/pipeline/event"
)

// pingPongs finds channel_ping_pong: sent from an assisted channel to another, and back.
func (h *history) pingPongs() {
	for _, j := range h.journeys {
		if step := h.pingPong(j); step != nil {
			h.add(step.At, step, j.events()[0], "sent back to "+string(step.Data.Channel), h.of[step].since(step)...)
		}
	}
}

// trail is the way of a customer who is sent from channel to channel.
type trail struct {
	at       event.Channel
	left     []event.Channel
	switches int
}

// to goes on on a channel, and says whether that brings the customer back.
func (t *trail) to(c event.Channel, least int) bool {
	if c == t.at {
		return false
	}
	t.left = append(t.left, t.at)
	t.at = c
	t.switches++
	return t.switches >= least && slices.Contains(t.left, c)
}

func (h *history) pingPong(j *journey) *event.Event {
	var t trail
	var before *contact
	for _, c := range j.contacts {
		if firstAssisted(c) == nil || !c.inbound() {
			continue
		}
		if before == nil || !h.sent(before, c) {
			t = trail{at: firstAssisted(c).Data.Channel}
		}
		if step := h.within(c, &t); step != nil {
			return step
		}
		before = c
	}
	return nil
}

// sent says whether a contact goes on with the path of the one before.
func (h *history) sent(before, c *contact) bool {
	return before.end() != nil && before.end().At < c.start() && c.start().Sub(before.end().At) <= value(h.rules(before.end().At).SentBack, place(c.reason(), before.end())) &&
		c.reason() == before.reason() && c.family() != "" && one(before.customer(), c.customer())
}

// within follows a contact through its transfers.
func (h *history) within(c *contact, t *trail) *event.Event {
	begun, transferred := false, false
	for _, e := range c.events {
		switch {
		case assisted(e) && (!begun || transferred) && e.Data.Channel != t.at:
			if t.to(e.Data.Channel, value(h.rules(c.start()).Switches, place(c.reason(), e))) {
				return e
			}
			transferred = false
		case assisted(e) && e.Data.Channel != t.at: // another channel, and nobody sent the customer there
			*t = trail{at: e.Data.Channel}
		}
		begun = begun || assisted(e)
		transferred = transferred || e.Type == event.ContactTransferred
	}
	return nil
}

// handoffs finds silo_handoff: moved across silos more than is normal, or back to one already left.
func (h *history) handoffs() {
	for _, j := range h.journeys {
		h.handoff(j)
	}
}

// holding is where a journey is held.
type holding struct {
	silo  string
	by    *event.Event // the last step there
	left  []string
	moves int
}

func (h *history) handoff(j *journey) {
	var at holding
	events := j.events()
	most := h.path(j.reason(events[len(events)-1].At), events[0].At).Handoffs
	for _, e := range events {
		if !meeting(e) && family(e) != "case" {
			continue
		}
		if c := h.of[e]; c.first() == e && c.inbound() && (c.id != "" || meeting(e)) {
			at.silo, at.left = "", nil
		}
		if h.moved(&at, e.Data.Silo, e, most) {
			h.add(e.At, at.by, events[0], "moved to "+e.Data.Silo, h.of[e].since(e)...)
			return
		}
		if e.Data.Silo != "" {
			at.silo, at.by = e.Data.Silo, e
		}
		if e.Type != event.ContactTransferred {
			continue
		}
		at.by = e
		if h.moved(&at, e.Data.ToSilo, e, most) {
			h.add(e.At, e, events[0], "sent to "+e.Data.ToSilo, h.of[e].since(e)...)
			return
		}
		if e.Data.ToSilo != "" {
			at.silo = e.Data.ToSilo
		}
	}
}

// moved counts a move to a silo, and says whether it is one too many.
func (h *history) moved(at *holding, silo string, e *event.Event, most int) bool {
	if silo == "" || at.silo == "" || silo == at.silo {
		return false
	}
	at.moves++
	back := slices.Contains(at.left, silo) && family(e) != "case" // a case that comes back with its answer is no return
	at.left = append(at.left, at.silo)
	return at.moves > most || back
}
