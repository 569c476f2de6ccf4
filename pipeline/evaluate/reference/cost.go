package reference

import (
	"cmp"
	"slices"

	"parcours/pipeline/event"
)

// price is what a step costs: working minutes x the hourly rate of its silo, by the book of its moment.
func (h *history) price(e *event.Event) float64 {
	book := h.rules(e.At)
	rate, filled := book.HourlyRate[h.siloOf(e)]
	if !filled {
		rate = book.HourlyRate[book.Owner]
	}
	return rate * h.minutes(e) / 60
}

// minutes are those of work that lie on a step: of a contact on its end, of a reply on itself, as they were sent, or else those
// that are usual on the channel; of work inside and of what is said again so many as the book says.
func (h *history) minutes(e *event.Event) float64 {
	book := h.rules(e.At)
	switch {
	case e.Type == event.InformationRepeated:
		return book.RepeatMinutes
	case internal(e):
		return book.WorkMinutes
	case e.Type != event.ContactEnded && e.Type != event.MessageReplied:
		return 0
	}
	sent, worked := false, 0.0
	for _, part := range [...]*float64{e.Data.TalkS, e.Data.HoldS, e.Data.WrapS} {
		if part != nil {
			sent, worked = true, worked+*part
		}
	}
	if !sent {
		return book.DefaultMinutes[e.Data.Channel]
	}
	return worked / 60
}

// siloOf is the silo of a step: where it names none, that which the reason it states belongs to, else that of last resort.
func (h *history) siloOf(e *event.Event) string {
	book := h.rules(e.At)
	return cmp.Or(e.Data.Silo, book.OwnerSilo[event.ReasonFamily(e.Data.Reason)], book.Owner)
}

// charge gives each avoidable step of a home to the earliest breakpoint that explains it; of equals to the kind that comes first
// in the book, then to the earlier opportunity.
func (h *history) charge() {
	inTurn := slices.Clone(h.found)
	slices.SortStableFunc(inTurn, func(a, b *finding) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(h.precedence(a.Kind), h.precedence(b.Kind)), cmp.Compare(a.dated, b.dated), compare(a, b))
	})
	taken := map[*event.Event]bool{}
	for _, f := range inTurn {
		for _, e := range f.avoidable {
			if cost := h.price(e); cost > 0 && !taken[e] {
				taken[e] = true
				f.Cost += cost
				f.Charged = append(f.Charged, e)
			}
		}
		slices.SortFunc(f.Charged, event.Compare)
	}
}

// precedence is the place of a kind where two explain one step at the same instant; those that are not listed come last.
func (h *history) precedence(kind string) int {
	if i := slices.Index(h.judge.book.Precedence, kind); i >= 0 {
		return i
	}
	return len(catalogue)
}

// chasers are the steps of the inbound contacts with somebody, in the journey of what was due, that begin after it was and
// before it came (nil: never).
func (h *history) chasers(of *event.Event, due event.Instant, came *event.Event) (steps []*event.Event) {
	for _, c := range h.of[of].journey().inbound() {
		if c.start() > due && (came == nil || c.start() < came.At) {
			steps = append(steps, c.events...)
		}
	}
	return steps
}

// cameBack are the steps of the inbound contacts with somebody that begin after a failure, within the repeat window.
func (h *history) cameBack(j *journey, failure *event.Event) (steps []*event.Event) {
	window := value(h.rules(failure.At).Repeat, place(h.reasonOf(j, failure), failure))
	for _, c := range j.inbound() {
		if event.Compare(c.first(), failure) > 0 && c.start().Sub(failure.At) <= window {
			steps = append(steps, c.events...)
		}
	}
	return steps
}

// followed are the steps of the contact that followed one: the next that the customer began with somebody in its journey, within
// the repeat window after its end.
func (h *history) followed(c *contact) []*event.Event {
	j := c.journey()
	if j == nil {
		return nil
	}
	end := first(c.end(), c.first())
	for _, next := range j.inbound() {
		if event.Compare(next.first(), c.first()) > 0 {
			if next.start().Sub(end.At) <= value(h.rules(end.At).Repeat, place(c.reason(), end)) {
				return next.events
			}
			return nil
		}
	}
	return nil
}

// since are the steps of a contact from one of them on.
func (c *contact) since(e *event.Event) []*event.Event {
	return c.events[slices.Index(c.events, e):]
}

// toTheEnd are the steps of a case until it is resolved.
func toTheEnd(steps []*event.Event) []*event.Event {
	for i, e := range steps {
		if e.Type == event.CaseResolved || e.Type == event.CaseClosed {
			return steps[:i]
		}
	}
	return steps
}

// alike are a step of work inside and all later ones of the same activity and silo.
func alike(events []*event.Event, step *event.Event) (list []*event.Event) {
	for _, e := range events {
		if internal(e) && event.Compare(e, step) >= 0 && e.Activity() == step.Activity() && e.Data.Silo == step.Data.Silo {
			list = append(list, e)
		}
	}
	return list
}

// saidSince are what was said again in a contact from a step on; c is nil where it fell to none, and that is all.
func (h *history) saidSince(j *journey, c *contact, step *event.Event) (list []*event.Event) {
	for _, e := range j.events() {
		if e == step || c != nil && e.Type == event.InformationRepeated && event.Compare(e, step) > 0 && h.heardIn(j, e) == c {
			list = append(list, e)
		}
	}
	return list
}
