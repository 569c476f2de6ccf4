package breakpoint_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"parcours/pipeline/breakpoint"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
	"parcours/pipeline/scenario"
)

// TestHistoriesRetired: journeys that leave memory when they are old, and come back with their cases, end where one straight
// fold of everything ends; in order of time, and with events as late as is allowed.
func TestHistoriesRetired(t *testing.T) {
	const histories = 600
	tests, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	book := rules.Default()
	var left, back int
	found := map[string]int{}
	for seed := uint64(1); seed <= histories; seed++ {
		r := rand.New(rand.NewPCG(seed, 11))
		events := years(r)
		end := events[len(events)-1].At.Add(time.Duration(3+r.IntN(120)) * rules.Day)
		want := straightFacts(events, end, book)
		countKinds(found, want)
		for _, late := range []bool{false, true} {
			m := &memory{book: book, clock: events[0].At, parked: map[string]*parked{}}
			list := arrivals(r, events, book, late)
			for i, e := range list {
				if r.IntN(3) == 0 {
					m.tick(earliest(list[i:]).Add(book.Lateness))
				}
				m.apply(e)
			}
			m.tick(end)
			if got := m.facts(); got != want {
				t.Fatalf("seed %d, late %t: retired in between it ends elsewhere.\nuntil %s, script:\n%s\n%s", seed, late, end,
					lines(tests, events), differences(want, got))
			}
			left, back = left+m.left, back+m.back
		}
	}
	t.Logf("%d groups left memory, %d came back", left, back)
	if left < 4*histories || back < histories {
		t.Errorf("%d groups left memory and %d came back: too few to say anything", left, back)
	}
	t.Logf("found %v", found)
	for _, k := range oftenFound {
		if found[k] < histories/20 {
			t.Errorf("%s was found %d times: too few to say anything", k, found[k])
		}
	}
}

// oftenFound are kinds that the random histories must show.
var oftenFound = []string{
	"repeat_contact", "channel_failover", "channel_ping_pong", "silo_handoff", "long_wait", "refused_contact",
	"queue_abandonment", "form_abandonment", "sla_breach", "broken_promise", "stalled_case", "reopened_case",
}

// countKinds counts the breakpoints of each kind among facts.
func countKinds(found map[string]int, facts string) {
	for _, line := range strings.Split(facts, "\n") {
		if rest, ok := strings.CutPrefix(line, "breakpoint "); ok {
			found[strings.Fields(rest)[1]]++
		}
	}
}

// TestHistoriesRetiredScript: what a failing seed prints is a scenario that reads back as the same history.
func TestHistoriesRetiredScript(t *testing.T) {
	tests, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	book := rules.Default()
	for seed := uint64(1); seed <= 20; seed++ {
		events := years(rand.New(rand.NewPCG(seed, 11)))
		read, end, err := tests.History(lines(tests, events), "")
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		want, got := straightFacts(events, end, book), straightFacts(read, end, book)
		if got != want {
			t.Fatalf("seed %d: the script reads as another history\n%s", seed, differences(want, got))
		}
	}
}

// TestHistoriesFindKinds: the histories hold the kinds that they are there to prove, each many times.
func TestHistoriesFindKinds(t *testing.T) {
	const histories, enough = 600, 50
	book := rules.Default()
	found, counted, chances := map[string]int{}, map[string]int{}, map[string]int{}
	for seed := uint64(1); seed <= histories; seed++ {
		events := years(rand.New(rand.NewPCG(seed, 11)))
		end := events[len(events)-1].At.Add(100 * rules.Day)
		f := breakpoint.Detect(journey.Fold(events, nil, end, book), end, book)
		for i := range f.Breakpoints {
			found[f.Breakpoints[i].Kind]++
			if f.Breakpoints[i].Counted {
				counted[f.Breakpoints[i].Kind]++
			}
			if f.Breakpoints[i].Journey == nil {
				found["incident"]++
			}
		}
		for _, list := range f.Opportunities {
			for i := range list {
				if list[i].Broken {
					chances[list[i].Kind]++
				}
			}
		}
	}
	for _, kind := range []string{
		"process_loop", "repeated_information", "core_failure", "complaint_escalation", "detractor", "unanswered_detractor",
		"tension", "unresolved_end", "incident",
	} {
		t.Logf("%s: %d times", kind, found[kind])
		if found[kind] < enough {
			t.Errorf("%s was found %d times, expected %d at least", kind, found[kind], enough)
		}
		if counted[kind] > chances[kind] || counted[kind] < chances[kind] && kind != "unresolved_end" || counted[kind] == 0 && kind != "incident" {
			t.Errorf("%s was found %d times, counted %d times, and %d opportunities broke", kind, found[kind], counted[kind], chances[kind])
		}
	}
}

// TestHistoriesRetiredCorners: what chance finds seldom. In each the second last thing that happens lets something leave,
// and the last changes what was placed long before.
func TestHistoriesRetiredCorners(t *testing.T) {
	tests, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	book := rules.Default()
	for name, text := range map[string]string{
		"a reply turns out to answer a message of two months before": `
			2024-01-01 10:00 message.received reason=billing.dispute
			2024-03-01 10:00 message.replied contact=k reason=delivery.late
			2024-03-25 10:00 contact.started reason=technical.fault
			2024-05-05 10:00 contact.ended contact=k reason=billing.dispute`,
		"a journey that left turns out to have become another customer's": `
			2023-11-01 10:00 case.opened customer=- case=B reason=billing.dispute
			2023-12-30 10:00 contact.started customer=c2 contact=k
			2024-01-01 10:00 message.received reason=billing.dispute
			2024-02-20 10:00 contact.answered customer=c2 contact=k
			2024-03-03 10:00 contact.ended customer=c2 contact=k case=B`,
		"a page view turns out to count, for a contact a day after it, in a journey a week before it": `
			2024-01-01 10:00 contact.started reason=billing.dispute
			2024-01-08 09:00 page.viewed reason=billing.dispute
			2024-01-09 08:00 survey.sent contact=k
			2024-03-19 10:00 customer.consented
			2024-03-20 10:00 contact.ended contact=k reason=delivery.late`,
		"a complaint of a case that comes back was answered between, too late to be known": `
			2024-01-01 10:00 complaint.filed case=A reason=billing.dispute
			2024-06-01 10:00 complaint.answered reason=billing.dispute
			2024-12-01 10:00 case.closed case=A`,
		"two old cases meet in one contact": `
			2024-01-01 10:00 complaint.filed case=A reason=billing.dispute
			2024-06-01 10:00 case.opened case=B reason=billing.dispute
			2024-07-15 10:00 complaint.answered reason=billing.dispute
			2025-06-01 10:00 contact.started contact=k case=B reason=billing.dispute
			2025-06-02 10:00 contact.ended contact=k case=A reason=delivery.late`,
		"a detractor of a case that comes back was answered by what is in no journey": `
			2024-01-01 10:00 contact.started contact=k case=A reason=billing.dispute
			2024-01-01 10:10 survey.answered contact=k case=A kind=transactional nps=2
			2024-01-03 20:00 outreach.sent reason=delivery.late
			2024-05-01 10:00 customer.consented
			2024-06-01 10:00 contact.started contact=k2 case=A reason=billing.dispute`,
		"two detractors of cases that come back were answered by the same word": `
			2024-01-01 10:00 contact.started contact=k case=A reason=billing.dispute
			2024-01-01 10:10 survey.answered contact=k case=A kind=transactional nps=2
			2024-01-03 20:00 outreach.sent contact=o reason=delivery.late
			2024-01-11 10:00 contact.started contact=k2 case=B reason=technical.fault
			2024-01-11 10:10 survey.answered contact=k2 case=B kind=transactional nps=2
			2024-05-01 10:00 customer.consented
			2024-06-01 10:00 case.closed case=B
			2024-06-02 10:00 case.closed case=A`,
		"an incident leaves, while a case waits": `
			2024-01-01 10:00 incident.started reason=network.outage
			2024-01-01 11:00 contact.started contact=k case=A reason=network.outage
			2024-06-01 10:00 incident.started reason=network.outage
			2024-12-01 10:00 case.closed case=A`,
		"a contact id is taken up again within one case": `
			2024-01-01 10:00 contact.started contact=k case=A reason=billing.dispute
			2024-02-20 10:00 step.performed case=A
			2024-04-20 10:00 contact.started contact=k case=A reason=billing.dispute
			2025-04-20 10:00 contact.started contact=k case=A reason=billing.dispute`,
	} {
		events, end, err := tests.History(text, "")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		m := &memory{book: book, clock: events[0].At, parked: map[string]*parked{}}
		for _, e := range events {
			m.apply(e)
		}
		if want, got := straightFacts(events, end, book), m.facts(); got != want {
			t.Errorf("%s:\n%s", name, differences(want, got))
		}
	}
}

// memory holds a home as an owner does who lets old journeys go.
type memory struct {
	book  *rules.Book
	clock event.Instant
	live  []*event.Event
	past  []journey.Past

	parked map[string]*parked // by each of its cases
	final  []string           // facts of what left for good
	now    []string           // facts of what is in memory
	left   int
	back   int
}

// parked is a group that a case may bring back.
type parked struct {
	events []*event.Event
	past   []journey.Past
	cases  []string
	facts  []string
}

func (m *memory) apply(e *event.Event) {
	if p := m.parked[e.Data.Case]; p != nil {
		m.unpark(p)
	}
	m.live = append(m.live, e)
	slices.SortFunc(m.live, inOrder)
	m.clock = max(m.clock, e.At)
	m.settle()
}

// tick moves the clock: as far as the events to come allow, so that all leaves that may.
func (m *memory) tick(at event.Instant) {
	m.clock = max(m.clock, at)
	m.settle()
}

func (m *memory) unpark(p *parked) {
	for _, c := range p.cases {
		delete(m.parked, c)
	}
	for _, e := range p.events {
		if !slices.Contains(m.live, e) { // what lies beside a group may still be there
			m.live = append(m.live, e)
		}
	}
	m.past = append(m.past, p.past...)
	m.back++
}

// settle folds what is in memory and lets go what may leave.
func (m *memory) settle() {
	h := journey.Fold(m.live, m.past, m.clock, m.book)
	findings := breakpoint.Detect(h, m.clock, m.book)
	due := findings.Due
	gone := map[*event.Event]bool{}
	var past []journey.Past
	for _, g := range journey.Retire(h, due, m.clock, m.book) {
		m.retire(&h, &g, findings)
		past = append(past, journey.PastOf(g.Journeys)...)
		for _, e := range append(g.Events(), g.Loose...) {
			gone[e] = true
		}
	}
	m.live = slices.DeleteFunc(m.live, func(e *event.Event) bool { return gone[e] })
	m.past = journey.Prune(append(m.past, past...), m.live, m.book)
	m.now = m.factsOf(h, findings, func(e *event.Event) bool { return !gone[e] })
}

func (m *memory) retire(h *journey.History, g *journey.Group, found breakpoint.Findings) {
	in := map[*event.Event]bool{}
	for _, e := range append(g.Events(), g.Loose...) {
		in[e] = true
	}
	facts := m.factsOf(*h, found, func(e *event.Event) bool { return in[e] })
	if len(g.Journeys) > 0 {
		m.left++
	}
	if len(g.Cases) == 0 {
		m.final = append(m.final, facts...)
		return
	}
	p := &parked{g.Kept(), h.PastFor(g, m.past, m.book), g.Cases, facts}
	for _, c := range g.Cases {
		m.parked[c] = p
	}
}

func (m *memory) facts() string {
	list := append(slices.Clone(m.final), m.now...)
	seen := map[*parked]bool{}
	for _, p := range m.parked {
		if !seen[p] {
			seen[p] = true
			list = append(list, p.facts...)
		}
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}

func straightFacts(events []*event.Event, clock event.Instant, book *rules.Book) string {
	h := journey.Fold(events, nil, clock, book)
	m := memory{book: book}
	list := m.factsOf(h, breakpoint.Detect(h, clock, book), func(*event.Event) bool { return true })
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// factsOf writes everything that is said of the journeys, breakpoints and visits among some events.
func (m *memory) factsOf(h journey.History, findings breakpoint.Findings, among func(*event.Event) bool) (list []string) {
	found := findings.Breakpoints
	for i, j := range h.Journeys {
		if !among(j.Steps[0]) {
			continue
		}
		list = append(list, fmt.Sprintf("journey %s: %s %q %q %s %s %s at %s escalated=%t cases=%v handoffs=%d/%d steps=%v contacts=%v", j.ID,
			j.CustomerID, j.ReasonFamily, j.Reason, j.Cut, j.Outcome, j.Basis, j.EndedAt, j.Escalated, j.Cases, j.Handoffs(), j.SiloHandoffs(),
			names(j.Steps), contactsOf(j)))
		list = append(list, m.measuresOf(j), fmt.Sprintf("opportunities %s: %v", j.ID, findings.Opportunities[i]))
		for _, c := range findings.Contacts[i] {
			list = append(list, fmt.Sprintf("contact of %s: %v, %s", j.ID, saidOf(c), fmt.Sprint(c.At, c.MaturesAt, c.Reason, c.Silo, c.Unit, c.Channel)))
		}
	}
	for i := range found {
		if b, in := &found[i], placeOf(&found[i]); among(in.Steps[0]) {
			list = append(list, fmt.Sprintf("breakpoint %s: %s %d in %s, origin %s, at %s %s %s, %s %s %s %q, evidence %v, cost %.6f", b.ID, b.Kind,
				b.Severity, in.ID, b.Origin.ID, b.OccurredAt, b.DetectedAt, b.OpportunityAt, b.Silo, b.Unit, b.Channel, b.Reason,
				names(b.Evidence), b.Cost))
		}
	}
	for _, e := range h.Visits {
		if among(e) {
			list = append(list, "visit "+e.ID)
		}
	}
	return list
}

// placeOf is the journey of a breakpoint; an incident is of none, and leaves with its own event.
func placeOf(b *breakpoint.Breakpoint) *journey.Journey {
	if b.Journey == nil {
		return &journey.Journey{ID: "none", Steps: []*event.Event{b.Origin}}
	}
	return b.Journey
}

// measuresOf is what a journey took.
func (m *memory) measuresOf(j *journey.Journey) string {
	mean, signals := j.Sentiment()
	repeats, redos := j.Again()
	return fmt.Sprintf("measures %s: waited %v, queued %g, worked %g, cost %g, effort %g, sentiment %g of %d, again %d/%d, runs %v, value %g",
		j.ID, j.Waiting(m.book), j.QueueWait(), j.Working(m.book), j.Cost(m.book), j.Effort(m.book), mean, signals, repeats, redos,
		j.Runs(), j.Value())
}

func contactsOf(j *journey.Journey) (list []string) {
	for _, c := range j.Contacts {
		list = append(list, fmt.Sprintf("%s %s..%s %q %t %v", c.Key(), c.Start, c.End, c.Reason, c.Inbound, names(c.Steps)))
	}
	return list
}

func names(steps []*event.Event) (list []string) {
	for _, e := range steps {
		list = append(list, e.ID)
	}
	return list
}

func differences(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	var text strings.Builder
	for _, line := range a {
		if !slices.Contains(b, line) {
			text.WriteString("want " + line + "\n")
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			text.WriteString("got  " + line + "\n")
		}
	}
	return text.String()
}

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
