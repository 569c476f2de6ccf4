package reference

import "parcours/pipeline/event"

// internal says whether an event is a step of work inside.
func internal(e *event.Event) bool {
	switch e.Type {
	case event.StepPerformed, event.ApprovalRequested, event.ApprovalGiven:
		return true
	}
	return family(e) == event.FamilyOther
}

// loops finds process_loop: the same step again and again in a silo, not in a row; once a journey.
func (h *history) loops() {
	for _, j := range h.journeys {
		events := j.events()
		about := j.reason(events[len(events)-1].At)
		normal := h.path(about, events[0].At).Loops
		times := map[[2]string]int{}
		var before [2]string
		var opportunity *event.Event
		for _, e := range events {
			if !internal(e) {
				continue
			}
			opportunity = first(opportunity, events[0])
			step := [2]string{e.Activity(), e.Data.Silo}
			if step == before {
				continue
			}
			before = step
			times[step]++
			if times[step] >= value(h.rules(events[0].At).LoopTimes, place(about, e)) && times[step] > normal {
				h.add(e.At, e, opportunity, "again: "+e.Activity(), alike(events, e)...)
				break
			}
		}
	}
}

// repetitions finds repeated_information: the second time in a journey, and for each further contact those after it.
func (h *history) repetitions() {
	for _, j := range h.journeys {
		said := 0
		told := map[*contact]bool{}
		for _, e := range j.events() {
			if e.Type != event.InformationRepeated {
				continue
			}
			said++
			c, opportunity := h.heardIn(j, e), e
			if c != nil {
				opportunity = c.first()
			}
			if said < value(h.rules(opportunity.At).RepeatedTimes, place(h.reasonOf(j, e), e)) || c != nil && told[c] {
				continue
			}
			if c != nil {
				told[c] = true
			}
			h.add(e.At, e, opportunity, "said again", h.saidSince(j, c, e)...)
		}
	}
}

// heardIn is the inbound contact that an event is part of, else the last one begun before it; nil for none.
func (h *history) heardIn(j *journey, e *event.Event) *contact {
	if c := h.of[e]; c.inbound() && c.withSomebody() {
		return c
	}
	return j.inboundBefore(e)
}

// coreFailures finds core_failure: what is owed failed.
func (h *history) coreFailures() {
	for _, j := range h.journeys {
		events := j.events()
		h.lateOrders(j, events)
		h.missedAppointments(j, events)
		for _, e := range events {
			if e.Type == event.PaymentFailed && e.Data.By == "company" && h.isOwed(j, e) {
				h.add(e.At, e, e, "payment failed", h.cameBack(j, e)...)
			}
		}
	}
	for _, e := range h.events {
		if e.Type == event.IncidentStarted && !h.periphery(e.Data.Reason, e.At) {
			h.add(e.At, e, e, "incident")
		}
	}
}

// isOwed says whether what an event of a journey is about is a service that is owed.
func (h *history) isOwed(j *journey, e *event.Event) bool {
	return !h.periphery(h.reasonOf(j, e), e.At)
}

// missedAppointments gives each miss to one appointment.
func (h *history) missedAppointments(j *journey, events []*event.Event) {
	var made []*debt
	for _, e := range events {
		if e.Type == event.AppointmentMade {
			made = append(made, h.debtOf(e))
		}
		if e.Type != event.AppointmentMissed {
			continue
		}
		origin := e
		if d := missedOf(made, e); d != nil {
			d.settled, origin = true, d.from
		}
		if e.Data.By == "company" && h.isOwed(j, origin) {
			h.add(e.At, origin, origin, "appointment missed", h.cameBack(j, e)...)
		}
	}
}

// lateOrders gives each delivery to one order, the oldest first: by case, else by product.
func (h *history) lateOrders(j *journey, events []*event.Event) {
	delivered := map[*event.Event]*event.Event{}
	for i, e := range events {
		if e.Type != event.OrderDelivered {
			continue
		}
		for _, o := range events[:i] {
			if o.Type == event.OrderPlaced && delivered[o] == nil && sameThing(&o.Data, &e.Data) && one(o.Data.Customer, e.Data.Customer) {
				delivered[o] = e
				break
			}
		}
	}
	for _, o := range events {
		if o.Type == event.OrderPlaced && o.Data.Due != 0 && o.Data.Due >= o.At && h.isOwed(j, o) {
			h.late(o, o.Data.Due, delivered[o], "order")
		}
	}
}
