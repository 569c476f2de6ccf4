package breakpoint

import (
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

var coreFailure = Kind{
	ID:       "core_failure",
	Severity: 4,
	Rule:     "A service that is owed failed.",
	OutOf:    "orders due, payments, appointments",
	Clears:   []string{event.OrderDelivered},
	detect:   detectCoreFailure,
}

// byCompany says whose fault it was that a payment failed or an appointment was missed.
const byCompany = "company"

// detectCoreFailure judges the orders, payments and appointments of each journey, where what they are about is owed, and
// lists the incidents.
func detectCoreFailure(s *scope) {
	for _, j := range s.history.Journeys {
		if !j.Types.Any(owing) {
			continue
		}
		var owed owedServices
		for _, e := range j.Steps {
			owed.take(s, j, e)
		}
		for i := range owed.orders {
			s.judgeOrder(j, &owed.orders[i])
		}
		for i := range owed.appointments {
			s.judgeAppointment(j, &owed.appointments[i])
		}
	}
	for _, e := range s.history.Apart() {
		if e.Type == event.IncidentStarted {
			s.addIncident(e)
		}
	}
}

// owing are the types that say that a service is owed, or was.
var owing = event.TypesOf(event.OrderPlaced, event.AppointmentMade, event.AppointmentMissed, event.PaymentFailed, event.TransactionCompleted)

// owedServices are the orders and appointments of a journey, in order.
type owedServices struct {
	orders       []owedOrder
	appointments []owedAppointment
}

type owedOrder struct {
	placed    *event.Event
	delivered *event.Event // nil while it is not
}

type owedAppointment struct {
	made   *event.Event // nil where only the miss is known
	missed *event.Event // nil where it was not
}

// take notes a step; a payment is judged at once.
func (o *owedServices) take(s *scope, j *journey.Journey, e *event.Event) {
	switch e.Type {
	case event.OrderPlaced:
		o.orders = append(o.orders, owedOrder{placed: e})
	case event.OrderDelivered:
		o.deliver(e)
	case event.AppointmentMade:
		o.appointments = append(o.appointments, owedAppointment{made: e})
	case event.AppointmentMissed:
		o.miss(e)
	case event.PaymentFailed, event.TransactionCompleted:
		s.judgePayment(j, e)
	}
}

// deliver gives a delivery to the oldest order that still waits for one: one of the same case, or, where none is named, of
// the same product.
func (o *owedServices) deliver(e *event.Event) {
	for i := range o.orders {
		if order := &o.orders[i]; order.delivered == nil && journey.OfOrder(order.placed, e) {
			order.delivered = e
			return
		}
	}
}

// miss finds the appointment of the same case that was missed: the last one due by then, else the next one due.
func (o *owedServices) miss(e *event.Event) {
	var found *owedAppointment
	for i := range o.appointments {
		a := &o.appointments[i]
		if a.missed == nil && sameCase(a.made, e) && (found == nil || a.nearer(found, e.At)) {
			found = a
		}
	}
	if found == nil {
		o.appointments = append(o.appointments, owedAppointment{missed: e})
		return
	}
	found.missed = e
}

// nearer says whether an appointment is more likely than another to be the one that was missed at an instant.
func (a *owedAppointment) nearer(other *owedAppointment, at event.Instant) bool {
	x, y := a.due(), other.due()
	if x <= at && y <= at {
		return x >= y
	}
	return x < y
}

// due is when the appointment was to be; where that is not known, when it was made, or else missed.
func (a *owedAppointment) due() event.Instant {
	switch {
	case a.made == nil:
		return a.missed.At
	case a.made.Data.Due == 0:
		return a.made.At
	}
	return a.made.Data.Due
}

// judgeOrder: nothing is known of an order without a due date, nor of one that was due before it was placed.
func (s *scope) judgeOrder(j *journey.Journey, order *owedOrder) {
	due := order.placed.Data.Due
	if due < order.placed.At {
		return
	}
	o, counts := s.owedChance(j, order.placed, Opportunity{At: due, MaturesAt: due})
	switch {
	case !counts || order.delivered != nil && order.delivered.At <= due:
	case s.clock > due:
		s.addLateOrder(o, j, order)
	default:
		s.due(j, due)
	}
}

// owedChance is an opportunity of a service that is owed: none where the reason is periphery.
func (s *scope) owedChance(j *journey.Journey, e *event.Event, o Opportunity) (chance, bool) {
	o.Reason = reasonAt(j, e)
	if !s.rules(o.At).Core(o.Reason) {
		return chance{}, false
	}
	return s.opportunity(j, e, o)
}

func (s *scope) addLateOrder(o chance, j *journey.Journey, order *owedOrder) {
	placed := order.placed
	b := Breakpoint{Origin: placed, OccurredAt: placed.Data.Due, Evidence: []*event.Event{placed}}
	came := event.Instant(0)
	if order.delivered != nil {
		b.Evidence, came = append(b.Evidence, order.delivered), order.delivered.At
	}
	b.avoidable = chasers(j, placed.Data.Due, came)
	s.add(o, b, placed.Source, placed.ID)
}

func (s *scope) judgePayment(j *journey.Journey, e *event.Event) {
	o, counts := s.owedChance(j, e, Opportunity{At: e.At, MaturesAt: e.At})
	if counts && e.Type == event.PaymentFailed && e.Data.By == byCompany {
		s.addFailedService(o, j, e, e)
	}
}

// judgeAppointment: one that was made without a date is known only when it is missed.
func (s *scope) judgeAppointment(j *journey.Journey, a *owedAppointment) {
	begins, at := a.made, a.due()
	switch {
	case begins == nil:
		begins = a.missed
	case begins.Data.Due == 0 && a.missed == nil:
		return
	case begins.Data.Due == 0:
		at = a.missed.At
	}
	matures := at
	if a.missed != nil {
		matures = max(at, a.missed.At)
	}
	o, counts := s.owedChance(j, begins, Opportunity{At: at, MaturesAt: matures})
	if counts && a.missed != nil && a.missed.Data.By == byCompany {
		s.addFailedService(o, j, begins, a.missed)
	}
}

// addFailedService: what failed made the customer come back, for as long as a contact can be a repeat.
func (s *scope) addFailedService(o chance, j *journey.Journey, origin, e *event.Event) {
	window := s.rules(e.At).Repeat.Of(where(e, reasonAt(j, e)))
	b := Breakpoint{Origin: origin, OccurredAt: e.At, Evidence: evidence(origin, e)}
	for _, c := range j.Inbound {
		if e.Before(c.First()) && c.Start.Sub(e.At) <= window {
			b.avoidable = append(b.avoidable, c.Steps...)
		}
	}
	s.add(o, b, e.Source, e.ID)
}

// addIncident: one breakpoint of no journey, however many customers it reached.
func (s *scope) addIncident(e *event.Event) {
	book := s.rules(e.At)
	if !book.Measured(s.kind.ID, e.Source) || !book.Core(e.Data.Reason) {
		return
	}
	s.keep(Breakpoint{
		Origin: e, OccurredAt: e.At, OpportunityAt: e.At, Reason: e.Data.Reason, Evidence: []*event.Event{e},
	}, e.Source, e.ID)
}
