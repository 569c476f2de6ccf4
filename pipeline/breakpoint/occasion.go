package breakpoint

import (
	"cmp"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

// occasion is an opportunity of a kind that is out of the contacts of a journey: one of them, or, where none had begun, the
// event itself that breaks.
type occasion struct {
	contact  *journey.Contact // nil for an event without one
	chance   chance
	measured bool
}

// occasions are those of the contacts of a journey, in order.
type occasions []*occasion

// contactsOf notes an opportunity of the kind for each inbound contact with somebody of a journey, at its start.
func (s *scope) contactsOf(j *journey.Journey) (list occasions) {
	if len(j.Inbound) == 0 {
		return nil
	}
	room := make([]occasion, len(j.Inbound))
	list = make(occasions, len(j.Inbound))
	for i, c := range j.Inbound {
		o, measured := s.opportunity(j, c.First(), Opportunity{
			At: c.Start, MaturesAt: max(c.End, c.Start.Add(s.rules(c.Start).Matures.Journey)), Reason: cmp.Or(c.Reason, j.Reason), Channel: c.Channel,
		})
		room[i] = occasion{c, o, measured}
		list[i] = &room[i]
	}
	return list
}

// before is the contact to which an event falls: the last one begun before it.
func (list occasions) before(e *event.Event) *occasion {
	found := &occasion{}
	for _, o := range list {
		if o.contact.First() == e || o.contact.First().Before(e) {
			found = o
		}
	}
	return found
}

// during is the contact that an event is part of; where it is part of none of them, that to which it falls.
func (list occasions) during(j *journey.Journey, e *event.Event) *occasion {
	if c := j.ContactOf(e); c != nil {
		for _, o := range list {
			if o.contact == c {
				return o
			}
		}
	}
	return list.before(e)
}

// at is the moment of the opportunity that an event takes.
func (o *occasion) at(e *event.Event) event.Instant {
	if o.contact == nil {
		return e.At
	}
	return o.contact.Start
}

// stillCounts says whether an event that breaks is to be told: that it is measured there. Where no contact had begun before
// it, the event is an opportunity of its own.
func (s *scope) stillCounts(o *occasion, j *journey.Journey, e *event.Event) bool {
	if o.contact == nil {
		o.chance, o.measured = s.opportunity(j, e, Opportunity{At: e.At, MaturesAt: e.At, Reason: reasonAt(j, e)})
	}
	return o.measured
}

// noUnit lets an opportunity name no unit: only where it breaks it is known whose it was, and the unit that its event names
// may be that of the recorder.
func (s *scope) noUnit(c chance) { s.found.Opportunities[c.journey][c.index].Unit = "" }

// blame gives a breakpoint its origin: the step before what was recorded, by another unit than recorded it or the others.
// Where there is none, nobody's unit is named, and the silo is the one that owns the reason.
func (s *scope) blame(c chance, b *Breakpoint, j *journey.Journey, recorded *event.Event, others ...*event.Event) {
	if b.Origin = stepBefore(j, recorded, others...); b.Origin != nil {
		return
	}
	o := &s.found.Opportunities[c.journey][c.index]
	b.Origin, b.noUnit = recorded, true
	b.Silo = s.rules(o.At).OwnerOf("", event.ReasonFamily(o.stated))
}
