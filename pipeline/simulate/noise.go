package simulate

import (
	"fmt"

	"parcours/pipeline/event"
)

// source is one system that sends.
type source struct{ system, name, prefix string }

func system(name, prefix string) source { return source{name, "/sim/" + name, prefix} }

// The systems of a company.
var (
	telephony  = system("telephony", "tel")
	mailbox    = system("mail", "mail")
	chats      = system("chat", "chat")
	texts      = system("messaging", "txt")
	stores     = system("stores", "shop")
	web        = system("web", "web")
	app        = system("app", "app")
	bot        = system("bot", "bot")
	crm        = system("crm", "crm")
	backoffice = system("backoffice", "bo")
	partner    = system("partner", "par")
	orders     = system("orders", "ord")
	payments   = system("payments", "pay")
	planning   = system("planning", "plan")
	contracts  = system("contracts", "con")
	network    = system("network", "net")
	surveys    = system("surveys", "srv")
)

// systems finds one by its name.
var systems = func() map[string]source {
	m := map[string]source{}
	for _, s := range []source{
		telephony, mailbox, chats, texts, stores, web, app, bot, crm, backoffice, partner, orders, payments, planning,
		contracts, network, surveys,
	} {
		m[s.system] = s
	}
	return m
}()

// Happened is an event as it truly happened.
type Happened struct {
	Event  event.Event
	Lost   []string // the fields of data that the sent copy lacks; `customer` for the identifiers
	Unsent bool     // no system ever sends it
}

func (h *Happened) comes() event.Instant    { return h.Event.At }
func (h *Happened) ahead(of *Happened) bool { return h.Event.Before(&of.Event) }
func (x sent) comes() event.Instant         { return x.arrives }
func (x sent) ahead(sent) bool              { return false }

// sent is an event on its way to us.
type sent struct {
	event   *event.Event
	arrives event.Instant
}

// tell notes an event that happens now, and sends what the system sends of it.
func (st *story) tell(from source, typ string, d event.Data) {
	if st.now >= st.end {
		st.cut = true
		return
	}
	e := &event.Event{
		ID: fmt.Sprintf("%s-%09d", from.prefix, st.ids.next(from.system)), Source: from.name, Type: typ, At: st.now, Data: d,
	}
	st.need.Events++
	st.need.EndedAt = max(st.need.EndedAt, st.now)
	h := &Happened{Event: *e, Unsent: st.parameters.never(from.system, typ)}
	st.spoil(from, e)
	st.complete(&h.Event.Data)
	h.Lost = lost(&h.Event.Data, &e.Data)
	st.told = append(st.told, h)
	if h.Unsent {
		st.need.Noise.Unsent++
		return
	}
	st.send(e)
}

// complete makes of what a system knew what was true.
func (st *story) complete(d *event.Data) {
	if st.need.Reason != "" {
		d.Reason = st.need.Reason
	}
	if d.Identifiers.Get("customer") == "" {
		d.Identifiers = st.who
	}
}

// spoil takes away what the system does not say, or did not this time.
func (st *story) spoil(from source, e *event.Event) {
	p, d := &st.parameters.Noise, &e.Data
	if st.parameters.without(from.system, "resolved") {
		d.Resolved = nil
	}
	if st.parameters.without(from.system, "wait_s") {
		d.WaitS = nil
	}
	if st.by(p.PNoChannel) && d.Channel != "" {
		d.Channel = ""
		st.need.Noise.NoField++
	}
	if st.by(p.PNoUnit) && d.Unit != "" {
		d.Unit = ""
		st.need.Noise.NoField++
	}
}

// lost lists what was true and was not sent.
func lost(truth, sent *event.Data) (fields []string) {
	if truth.Identifiers.Get("customer") != sent.Identifiers.Get("customer") {
		fields = append(fields, "customer")
	}
	if truth.Reason != sent.Reason {
		fields = append(fields, "reason")
	}
	if truth.Channel != sent.Channel {
		fields = append(fields, "channel")
	}
	if truth.Unit != sent.Unit {
		fields = append(fields, "unit")
	}
	if truth.Resolved != sent.Resolved {
		fields = append(fields, "resolved")
	}
	if truth.WaitS != sent.WaitS {
		fields = append(fields, "wait_s")
	}
	return fields
}

// send puts an event on its way: at once, late, and sometimes again.
func (st *story) send(e *event.Event) {
	p := &st.parameters.Noise
	arrives := e.At
	switch {
	case st.by(p.PLate):
		st.need.Noise.Late++
		arrives = arrives.Add(st.span(p.Late))
	case st.by(p.PVeryLate):
		st.need.Noise.Late++
		arrives = arrives.Add(st.span(p.VeryLate))
	}
	st.sent = append(st.sent, sent{event: e, arrives: arrives})
	if st.by(p.PCopy) {
		st.need.Noise.Copies++
		st.sent = append(st.sent, sent{event: e, arrives: arrives.Add(st.span(p.Late))})
	}
}
