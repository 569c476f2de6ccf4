package breakpoint_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"parcours/pipeline/breakpoint"
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
