package breakpoint_test

import (
	"math"
	"strings"
	"testing"

	"parcours/pipeline/breakpoint"
	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
	"parcours/pipeline/scenario"
)

// TestChargedOnce: where breakpoints of several kinds explain one step, the earliest is charged; of two at one instant the
// one that comes first in the precedence of the rules. The others still hold, and cost what is left for them.
func TestChargedOnce(t *testing.T) {
	script, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	check := func(name, history string, want ...string) {
		t.Helper()
		events, clock, err := script.History(strings.TrimSpace(history), "")
		if err != nil {
			t.Fatal(err)
		}
		book := rules.Default()
		if got := charges(t, breakpoint.Detect(journey.Fold(events, nil, clock, book), clock, book), book); got != strings.Join(want, "\n") {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, strings.Join(want, "\n"))
		}
	}
	check("the promise was due before the customer came back", `
2026-03-02 10:00 contact.started contact=k1 channel=phone silo=customer_service
2026-03-02 10:05 promise.made promise=p1 due=2026-03-03T12:00 act=callback contact=k1 channel=phone silo=customer_service
2026-03-02 10:10 contact.ended contact=k1 channel=phone silo=customer_service reason=billing.dispute talk_s=600
2026-03-04 09:00 contact.started contact=k2 channel=phone silo=customer_service reason=billing.dispute
2026-03-04 09:10 contact.ended contact=k2 channel=phone silo=customer_service reason=billing.dispute talk_s=450`,
		"broken_promise: e5", "repeat_contact:")
	check("back after a form, three kinds, two of them at one instant: the failover comes first", `
2026-03-02 10:00 contact.started contact=k1 channel=phone silo=customer_service
2026-03-02 10:10 contact.ended contact=k1 channel=phone silo=customer_service reason=billing.dispute talk_s=600
2026-03-04 08:50 form.started form=refund kind=service channel=web reason=billing.dispute
2026-03-04 09:00 contact.started contact=k2 channel=phone silo=customer_service reason=billing.dispute
2026-03-04 09:10 contact.ended contact=k2 channel=phone silo=customer_service reason=billing.dispute talk_s=450
2026-03-05 09:00 contact.started contact=k3 channel=phone silo=customer_service reason=billing.dispute
2026-03-05 09:10 contact.ended contact=k3 channel=phone silo=customer_service reason=billing.dispute talk_s=300`,
		"channel_failover: e5", "repeat_contact:", "form_abandonment:", "repeat_contact: e7")
}

// charges writes what each breakpoint was charged for, after checking that its cost is theirs and that no step comes twice.
func charges(t *testing.T, found breakpoint.Findings, book *rules.Book) string {
	t.Helper()
	var list []string
	seen := map[*event.Event]string{}
	for _, b := range found.Breakpoints {
		line, cost := b.Kind+":", 0.0
		for _, e := range b.Charged {
			if was := seen[e]; was != "" {
				t.Errorf("%s is charged to %s and to %s", e.ID, was, b.Kind)
			}
			seen[e] = b.Kind
			line, cost = line+" "+e.ID, cost+journey.StepCost(e, book)
		}
		if math.Abs(cost-b.Cost) > 1e-9 {
			t.Errorf("%s costs %v, its steps %v", b.Kind, b.Cost, cost)
		}
		list = append(list, line)
	}
	return strings.Join(list, "\n")
}
