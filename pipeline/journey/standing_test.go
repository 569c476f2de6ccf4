package journey_test

import (
	"fmt"
	"testing"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
	"parcours/pipeline/scenario"
)

// TestStands: what keeps a journey open is named, with the clock up to which it does; one that has ended says so.
func TestStands(t *testing.T) {
	script, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ until, history, want string }{
		{"", "2026-03-02 10:00 contact.started contact=k1 channel=phone reason=billing.dispute\n2026-03-02 10:10 contact.ended contact=k1 channel=phone reason=billing.dispute",
			"open [] 0 0 [] 0 0 owes false until 2026-03-09T09:10:00.000Z"},
		{"", "2026-03-02 10:00 case.opened case=A reason=billing.dispute\n2026-03-02 11:00 promise.made case=A promise=p1 due=2026-03-04T10:00",
			"open [A] 0 1 [] 0 0 owes true until never"},
		{"", "2026-03-02 10:00 message.received contact=m1 channel=email reason=delivery.late\n2026-03-02 11:00 order.placed product=sofa due=2026-03-10T12:00",
			"open [] 0 0 [m1] 1 0 owes true until 2026-05-13T10:00:00.000Z"},
		{"", "2026-03-02 10:00 complaint.filed reason=delivery.late\n2026-03-02 11:00 appointment.made due=2026-03-10T12:00",
			"open [] 1 0 [] 0 1 owes true until 2026-03-10T11:00:00.000Z"},
		{"2026-03-20T00:00", "2026-03-02 10:00 contact.answered contact=k1 channel=phone reason=billing.dispute", "ended"},
	} {
		events, clock, err := script.History(c.history, c.until)
		if err != nil {
			t.Fatal(err)
		}
		s, open := journey.Stands(events, clock, event.ReasonFamily(events[0].Data.Reason), rules.Default())
		got := "ended"
		if open {
			until := s.Until.String()
			if s.Until == journey.Never {
				until = "never"
			}
			got = fmt.Sprintf("open %v %d %d %v %d %d owes %t until %s", s.Cases, s.Complaints, len(s.Promises), s.Messages, len(s.Orders), len(s.Appointments), s.Owes(), until)
		}
		if got != c.want {
			t.Errorf("%s\n%s\nexpected %s", c.history, got, c.want)
		}
	}
}
