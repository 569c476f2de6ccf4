package simulate

import (
	"fmt"
	"math/rand/v2"
	"time"

	"parcours/pipeline/event"
)

// story is one occasion being played: the events of one need, or of one visit. Its clock only goes forward; what is told
// of a moment beyond the end is lost.
type story struct {
	*Simulator
	rng  *rand.Rand
	ids  counters
	kind *NeedKind // nil for a visit
	from event.Instant
	now  event.Instant
	need Need
	sent []sent
	cut  bool // something happened beyond the end

	who     event.Identifiers // customer
	phone   event.Identifiers // customer and phone number
	mail    event.Identifiers // customer and e-mail address
	order   string            // case of the order the need is about
	attempt event.Instant     // of the last self-service attempt, 0 for none
	before  *contact          // the last assisted contact that ended
	moved   bool              // has been transferred
}

// play tells what came of an occasion.
func (s *Simulator) play(o occasion, ids counters) *story {
	number := int(o.customer)
	st := &story{Simulator: s, rng: s.chance(number, int(o.ordinal)), ids: ids, from: o.at, now: o.at}
	customer := event.Identifier{Kind: "customer", Value: fmt.Sprintf("%08d", 10_000_000+number)}
	st.who = event.Identifiers{customer}
	// +999 is no country: the numbers are nobody's. example.org is kept for examples.
	st.phone = event.Identifiers{customer, {Kind: "phone", Value: fmt.Sprintf("+999%08d", number)}}
	st.mail = event.Identifiers{customer, {Kind: "email", Value: fmt.Sprintf("customer.%d@example.org", number)}}
	st.need = Need{Customer: customer.Value, At: o.at}
	if o.kind == visit {
		st.browse()
		return st
	}
	st.kind = &s.parameters.Needs[o.kind]
	st.need.Reason = st.kind.Reason
	st.live()
	if st.cut {
		st.need.Ending = Unfinished
	}
	return st
}

// source is one system that sends.
type source struct{ name, prefix string }

// The systems of the company.
var (
	telephony = source{"/sim/telephony", "tel"}
	mailbox   = source{"/sim/mail", "mail"}
	chats     = source{"/sim/chat", "chat"}
	stores    = source{"/sim/stores", "shop"}
	web       = source{"/sim/web", "web"}
	app       = source{"/sim/app", "app"}
	bot       = source{"/sim/bot", "bot"}
	crm       = source{"/sim/crm", "crm"}
	orders    = source{"/sim/orders", "ord"}
	surveys   = source{"/sim/surveys", "srv"}
)

// tell sends an event that happens now.
func (st *story) tell(from source, typ string, d event.Data) {
	if st.now >= st.end {
		st.cut = true
		return
	}
	e := &event.Event{
		ID: fmt.Sprintf("%s-%09d", from.prefix, st.ids.next(from.name)), Source: from.name, Type: typ, At: st.now, Data: d,
	}
	st.need.Events++
	st.need.EndedAt = max(st.need.EndedAt, st.now)
	st.send(e)
}

// send puts an event on its way: at once, late, and sometimes again.
func (st *story) send(e *event.Event) {
	p := &st.parameters.Noise
	arrives := e.At
	if st.by(p.PLate) {
		st.need.Noise.Late++
		arrives = arrives.Add(st.span(p.Late))
	}
	st.sent = append(st.sent, sent{event: e, arrives: arrives})
	if st.by(p.PCopy) {
		st.need.Noise.Copies++
		st.sent = append(st.sent, sent{event: e, arrives: arrives.Add(st.span(p.Late))})
	}
}

// plant notes what went wrong, unless it would be after the end.
func (st *story) plant(kind string, at event.Instant, hidden bool) {
	if at < st.end {
		st.need.Planted = append(st.need.Planted, Plant{Kind: kind, At: at, Hidden: hidden})
	}
}

// by says yes with a probability.
func (st *story) by(p float64) bool { return st.rng.Float64() < p }

// span is a duration of whole seconds, the short ones more frequent: uniform below a uniform bound.
func (st *story) span(s Span) time.Duration {
	bound := st.rng.Int64N(int64((s.To-s.From)/time.Second) + 1)
	return s.From + time.Duration(st.rng.Int64N(bound+1))*time.Second
}

// pass lets time go by.
func (st *story) pass(d time.Duration) { st.now = st.now.Add(d) }

// work lets open time go by.
func (st *story) work(d time.Duration) { st.now = st.hours.after(st.now, d) }

// number names the next thing of a kind, like call-00000012.
func (st *story) number(kind string) string { return fmt.Sprintf("%s-%08d", kind, st.ids.next(kind)) }

// unit is one of two teams of a silo.
func (st *story) unit(silo string) string { return fmt.Sprintf("%s-%d", silo, 1+st.rng.IntN(2)) }

// agent is somebody of a unit.
func (st *story) agent(unit string) string {
	return fmt.Sprintf("%s-agent-%d", unit, 1+st.rng.IntN(st.parameters.Agents))
}

// beside plays a scene that runs beside this one, and comes back to now. What it tells is no reason for the need to be open.
func (st *story) beside(scene func()) {
	now, cut := st.now, st.cut
	scene()
	st.now, st.cut = now, cut
}
