package reference_test

import (
	"math"
	"testing"

	"parcours/pipeline/evaluate/reference"
	"parcours/pipeline/scenario"
)

// journeysOf are those of a script, long after it.
func journeysOf(t *testing.T, text string) []reference.Journey {
	t.Helper()
	script, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	events, clock, err := script.History(text, "2026-06-01T00:00")
	if err != nil {
		t.Fatal(err)
	}
	judge, err := decade()
	if err != nil {
		t.Fatal(err)
	}
	return judge.Journeys(events, clock)
}

// TestPrices: what one step costs, computed by hand with the minutes and rates of the book that ships.
func TestPrices(t *testing.T) {
	for _, c := range []struct {
		step string
		want float64
	}{
		{"contact.ended channel=phone silo=finance talk_s=600 hold_s=60 wrap_s=60", 12. / 60 * 50},
		{"contact.ended channel=phone silo=finance talk_s=0", 0},
		{"contact.ended channel=phone reason=technical.fault", 7. / 60 * 55}, // no durations; the silo of the reason
		{"contact.ended channel=store", 12. / 60 * 32},                       // of nobody: the silo of last resort
		{"message.replied channel=email silo=legal", 6. / 60 * 32},           // a silo without a rate
		{"contact.ended silo=finance", 0},                                    // of no channel, no minutes are usual
		{"step.performed activity=check silo=it", 5. / 60 * 55},
		{"approval.given silo=risk_compliance", 5. / 60 * 60},
		{"contact.answered channel=phone silo=finance talk_s=600", 0}, // it lies on the end
		{"case.opened case=A silo=it", 0},
	} {
		if got := journeysOf(t, "2026-03-02 10:00 "+c.step)[0].Cost; math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s costs %v, expected %v", c.step, got, c.want)
		}
	}
	said := "2026-03-02 10:00 contact.started contact=k1 channel=phone\n2026-03-02 10:01 information.repeated contact=k1 silo=logistics"
	if got, want := journeysOf(t, said)[0].Cost, 2./60*34; math.Abs(got-want) > 1e-9 {
		t.Errorf("what is said again costs %v, expected %v", got, want)
	}
}

// TestChargedOnce: a call that chases an order and a promise which were due at one instant, and is a repeat as well, is charged to
// the order: the earliest explains it, and of equals that which the book puts first.
func TestChargedOnce(t *testing.T) {
	found := map[string]float64{}
	for _, j := range journeysOf(t, `
2026-03-02 10:00 contact.started contact=k1 channel=phone silo=customer_service reason=delivery.late
2026-03-02 10:01 promise.made contact=k1 promise=p1 due=2026-03-04T12:00
2026-03-02 10:02 order.placed contact=k1 product=sofa due=2026-03-04T12:00
2026-03-02 10:10 contact.ended contact=k1 channel=phone silo=customer_service reason=delivery.late talk_s=600
2026-03-05 10:00 contact.started contact=k2 channel=phone silo=customer_service reason=delivery.late
2026-03-05 10:10 contact.ended contact=k2 channel=phone silo=customer_service reason=delivery.late talk_s=600`) {
		for _, b := range j.Breakpoints {
			found[b.Kind] += b.Cost
		}
	}
	want := map[string]float64{"core_failure": 10. / 60 * 32, "broken_promise": 0, "repeat_contact": 0}
	for kind, cost := range want {
		if got, ok := found[kind]; !ok || math.Abs(got-cost) > 1e-9 {
			t.Errorf("%s is charged %v (found: %v), expected %v", kind, got, ok, cost)
		}
	}
}
