package breakpoint_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/rules"
	"parcours/pipeline/scenario"
)

// arrivals are the events in order of time, or each as late as is allowed at most.
func arrivals(r *rand.Rand, events []*event.Event, book *rules.Book, late bool) []*event.Event {
	if !late {
		return events
	}
	at := map[*event.Event]event.Instant{}
	for _, e := range events {
		at[e] = e.At
		switch r.IntN(3) {
		case 0:
			at[e] = e.At.Add(time.Duration(r.Int64N(int64(book.Lateness))))
		case 1:
			at[e] = e.At.Add(book.Lateness)
		}
	}
	list := slices.Clone(events)
	slices.SortStableFunc(list, func(a, b *event.Event) int { return int(at[a] - at[b]) })
	return list
}

func earliest(events []*event.Event) event.Instant {
	return slices.MinFunc(events, func(a, b *event.Event) int { return int(a.At - b.At) }).At
}

// kindsOfEvent are the types of a life, the common ones more than once.
var kindsOfEvent = []string{
	event.ContactStarted, event.ContactStarted, event.ContactAnswered, event.ContactTransferred, event.ContactEnded,
	event.ContactEnded, event.ContactAbandoned, event.MessageReceived, event.MessageReceived, event.MessageReplied,
	event.MessageReplied, event.FormStarted, event.FormFailed, event.FormSubmitted, event.SearchPerformed, event.PageViewed,
	event.PageViewed, event.BotAnswered, event.CaseOpened, event.CaseWaiting, event.CaseResumed, event.CaseResolved, event.CaseReopened,
	event.ComplaintFiled, event.ComplaintAcknowledged, event.ComplaintAnswered, event.ComplaintEscalated, event.SurveySent,
	event.SurveyAnswered, event.PromiseMade, event.PromiseKept, event.OrderPlaced, event.OrderDelivered, event.AppointmentMade,
	event.AppointmentMissed, event.StepPerformed, event.InformationRepeated, event.ContractCancelled, event.OutreachSent,
	event.CustomerConsented,
	event.ContactQueued, event.ContactQueued, event.ContactAnswered, event.ContactRefused, event.CaseClosed, event.FormStarted,
}

// voicesAndServices are further types of a life: what is owed, what the customer says of it, and work inside.
var voicesAndServices = []string{
	event.SurveyAnswered, event.SurveyAnswered, event.IncivilityReported, event.IncidentStarted, event.TransactionCompleted,
	event.PaymentFailed, event.AppointmentMissed, event.StepPerformed, event.ApprovalRequested, "invoice.checked",
	event.InformationRepeated, event.ComplaintFiled, event.ComplaintEscalated, event.OutreachSent,
}

// someTypes are those of one life. What is owed for ever links journeys far apart: most lives know little of it.
func someTypes(r *rand.Rand) []string {
	part, owed := 2+r.IntN(9), r.IntN(3)
	var list []string
	for i, typ := range slices.Concat(kindsOfEvent, voicesAndServices) {
		if i < 3 || r.IntN(10) < part && (!owes(typ) || r.IntN(4) < owed) {
			list = append(list, typ)
		}
	}
	return list
}

func owes(typ string) bool {
	switch typ {
	case event.MessageReceived, event.ComplaintFiled, event.ComplaintEscalated, event.PromiseMade, event.OrderPlaced, event.AppointmentMade:
		return true
	}
	return false
}

// silence is the time to the next event: most within the windows, some at their edges, and at those of reach and horizon.
func silence(r *rand.Rand) time.Duration {
	within := func(from, to time.Duration) time.Duration {
		return (from + time.Duration(r.Int64N(int64(to-from)))).Truncate(time.Second)
	}
	switch n := r.IntN(100); {
	case n < 8:
		return 0
	case n < 40:
		return within(0, 6*time.Hour)
	case n < 55:
		return within(6*time.Hour, 3*rules.Day)
	case n < 70:
		return within(3*rules.Day, 9*rules.Day)
	case n < 86:
		return within(9*rules.Day, 60*rules.Day)
	case n < 95:
		return within(60*rules.Day, 80*rules.Day)
	}
	return within(80*rules.Day, 500*rules.Day)
}

// years is a random life of one home over years.
func years(r *rand.Rand) []*event.Event {
	at := event.InstantOf(time.Date(2023, 3, 1, 8, 0, 0, 0, time.UTC))
	end := at.Add(time.Duration(2+r.IntN(2)) * 365 * rules.Day)
	most := 10 + r.IntN(90)
	l := life{r: r, types: someTypes(r), ids: 3 + r.IntN(3)*r.IntN(20)}
	if r.IntN(3) == 0 {
		l.others = []string{"c2"}
	}
	var list []*event.Event
	for len(list) == 0 || len(list) < most && at < end {
		list = append(list, l.event(len(list), at))
		if r.IntN(30) == 0 {
			list = append(list, l.episode(len(list), at)...)
		}
		at = at.Add(silence(r))
	}
	slices.SortFunc(list, inOrder)
	return list
}

// life draws events that go on with what was before: the same contact, case and reason more often than not.
type life struct {
	r       *rand.Rand
	types   []string
	ids     int // how many contacts and cases there are: few are taken up again and again
	others  []string
	contact string
	cases   string
	reason  string
	working bool // work inside comes in a row
}

func (l *life) pick(values ...string) string { return values[l.r.IntN(len(values))] }

func (l *life) event(i int, at event.Instant) *event.Event {
	l.goOn()
	typ := l.types[l.r.IntN(len(l.types))]
	if l.working = l.working && l.r.IntN(8) > 0 || typ == event.StepPerformed; l.working {
		typ = l.pick(event.StepPerformed, event.StepPerformed, event.StepPerformed, typ)
	}
	e := &event.Event{ID: fmt.Sprintf("e%d", i), Source: l.pick("/a", "/b"), Type: typ, At: at, Home: "home"}
	d := &e.Data
	d.Customer = l.pick("c1", "c1", "c1", "")
	if len(l.others) > 0 && l.r.IntN(4) == 0 {
		d.Customer = l.pick(l.others...)
	}
	d.Contact = l.pick(l.contact, l.contact, "")
	d.Reason = l.pick(l.reason, l.reason, "", "billing.dispute", "unknown")
	d.Channel = event.Channel(l.pick("", "phone", "email", "messaging", "web", "chat"))
	d.Silo = l.pick("", "customer_service", "finance", "logistics")
	d.Unit = l.pick("", "u1", "u2")
	if strings.HasPrefix(typ, "case.") || l.r.IntN(6) == 0 {
		d.Case = l.cases
	}
	l.details(e)
	l.voices(e)
	l.services(e)
	l.contactDetails(e)
	return e
}

// voices are the fields of what a customer says, and of who turns to him.
func (l *life) voices(e *event.Event) {
	d := &e.Data
	score := func(most int) *float64 { v := float64(1 + l.r.IntN(most)); return &v }
	switch e.Type {
	case event.SurveyAnswered:
		d.Kind = l.pick("transactional", "transactional", "relational", "")
		switch scale := float64(10); l.r.IntN(5) {
		case 0:
			d.NPS = score(10)
		case 1:
			d.CSAT = score(5)
		case 2:
			d.CSAT, d.CSATScale = score(10), &scale
		case 3:
			d.CES = score(7)
		}
	case event.ComplaintEscalated:
		d.To = l.pick("", "management", "mediator", "authority", "court")
	case event.ContactStarted, event.OutreachSent:
		d.Direction = event.Direction(l.pick("", "", "in", "out", "callback"))
	}
}

// services are the fields of what is owed, and of work inside.
func (l *life) services(e *event.Event) {
	d := &e.Data
	switch e.Type {
	case event.OrderPlaced:
		if l.r.IntN(3) > 0 {
			d.Due = e.At.Add(time.Duration(l.r.IntN(20)-1) * rules.Day)
		}
	case event.PaymentFailed:
		d.By = l.pick("", "customer", "company", "company")
	case event.StepPerformed, event.ApprovalRequested:
		d.Activity, d.Silo, d.Case = l.pick("check", "pay"), l.pick("finance", "finance", ""), l.cases
	}
}

func (l *life) goOn() {
	if l.contact == "" || l.r.IntN(3) == 0 {
		l.contact = fmt.Sprintf("k%d", l.r.IntN(l.ids))
	}
	if l.cases == "" || l.r.IntN(6) == 0 {
		l.cases = fmt.Sprintf("C%d", l.r.IntN(l.ids))
	}
	if l.reason == "" || l.r.IntN(5) == 0 {
		l.reason = l.pick("billing.dispute", "billing.question", "delivery.late", "technical.fault")
	}
}

// details are what a type needs.
func (l *life) details(e *event.Event) {
	d := &e.Data
	switch e.Type {
	case event.ContactTransferred:
		d.ToSilo = l.pick("finance", "logistics", "it")
	case event.ContactStarted, event.ContactAnswered:
		d.Direction = event.Direction(l.pick("", "", "", "in", "callback"))
	case event.ContactEnded, event.SurveyAnswered:
		if e.Type == event.SurveyAnswered || l.r.IntN(2) == 0 {
			resolved := l.r.IntN(2) == 0
			d.Resolved = &resolved
		}
	case event.CaseWaiting:
		d.On = l.pick("customer", "partner")
	case event.PromiseMade, event.PromiseKept:
		d.Promise, d.Due = l.pick("p1", "p2"), e.At.Add(2*rules.Day)
		if e.Type == event.PromiseMade {
			d.Act = l.pick("", "callback", "reply", "delivery", "resolution")
		}
	case event.OrderPlaced, event.OrderDelivered:
		d.Product = l.pick("x", "y")
	case event.AppointmentMade:
		d.Due = e.At.Add(time.Duration(1+l.r.IntN(300)) * rules.Day)
	case event.FormStarted, event.FormFailed, event.FormSubmitted:
		d.Form = "f"
	case event.AppointmentMissed:
		d.By = l.pick("customer", "company")
	case event.ComplaintFiled:
		d.Regime = l.pick("", "payment")
	}
}

// contactDetails are those of queues, forms and promises.
func (l *life) contactDetails(e *event.Event) {
	d := &e.Data
	switch e.Type {
	case event.ContactAnswered, event.ContactAbandoned, event.ContactEnded:
		d.WaitS = l.seconds(600)
		if e.Type == event.ContactEnded {
			d.TalkS = l.seconds(900)
		}
	case event.FormStarted:
		d.Kind = l.pick("service", "service", "service", "sales", "")
	case event.PromiseMade:
		d.Act = l.pick("callback", "reply", "delivery", "resolution", "")
		d.Due = e.At.Add(time.Duration(l.r.IntN(10*24)) * time.Hour)
	}
	if strings.HasPrefix(e.Type, "contact.") && l.r.IntN(8) == 0 {
		d.Direction = event.Direction(l.pick("in", "out", "callback"))
	}
}

// episode is a short story that chance seldom tells: some events of one reason within hours, the channel going to and fro.
func (l *life) episode(i int, at event.Instant) (list []*event.Event) {
	stories := [][]string{
		{event.ContactStarted, event.ContactEnded, event.ContactStarted, event.ContactEnded, event.ContactStarted},
		{event.ContactStarted, event.ContactTransferred, event.ContactAnswered, event.ContactTransferred, event.ContactAnswered},
		{event.FormStarted, event.FormFailed},
		{event.FormStarted, event.ContactStarted},
	}
	n := l.r.IntN(len(stories))
	for k, typ := range stories[n] {
		at = at.Add(time.Duration(l.r.IntN(8)) * time.Hour)
		e := l.event(i+k, at)
		e.Type, e.Data.Reason = typ, l.reason
		e.Data.Channel = []event.Channel{event.Phone, event.Phone, event.Chat, event.Chat}[k%4]
		e.Data.Contact = ""
		if n == 1 {
			e.Data.Contact = fmt.Sprintf("s%d", i)
		}
		l.details(e)
		l.contactDetails(e)
		list = append(list, e)
	}
	return list
}

// seconds are some, up to that many, or none said.
func (l *life) seconds(most int) *float64 {
	if l.r.IntN(2) == 0 {
		return nil
	}
	s := float64(l.r.IntN(most))
	return &s
}

func inOrder(a, b *event.Event) int {
	switch {
	case a.Before(b):
		return -1
	case b.Before(a):
		return 1
	}
	return 0
}

// lines prints a history as a scenario ready to paste.
func lines(tests *scenario.Script, events []*event.Event) string {
	var b strings.Builder
	for _, e := range events {
		d := &e.Data
		fmt.Fprintf(&b, "%s %s id=%s source=%s customer=%s", tests.Text(e.At), e.Type, e.ID, e.Source, or(d.Customer, "-"))
		for _, f := range [][2]string{
			{"contact", d.Contact}, {"case", d.Case}, {"reason", d.Reason}, {"channel", string(d.Channel)}, {"silo", d.Silo},
			{"unit", d.Unit}, {"to_silo", d.ToSilo}, {"on", d.On}, {"promise", d.Promise}, {"product", d.Product}, {"form", d.Form},
			{"by", d.By}, {"regime", d.Regime},
			{"kind", d.Kind}, {"to", d.To}, {"direction", string(d.Direction)}, {"activity", d.Activity}, {"act", d.Act},
			{"wait_s", figure(d.WaitS)}, {"talk_s", figure(d.TalkS)},
		} {
			if f[1] != "" {
				fmt.Fprintf(&b, " %s=%s", f[0], f[1])
			}
		}
		if d.Due != 0 {
			b.WriteString(" due=" + strings.Replace(tests.Text(d.Due), " ", "T", 1))
		}
		if d.Resolved != nil {
			fmt.Fprintf(&b, " resolved=%t", *d.Resolved)
		}
		for _, f := range []struct {
			name  string
			value *float64
		}{{"nps", d.NPS}, {"csat", d.CSAT}, {"csat_scale", d.CSATScale}, {"ces", d.CES}} {
			if f.value != nil {
				fmt.Fprintf(&b, " %s=%g", f.name, *f.value)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func figure(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(*v)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
