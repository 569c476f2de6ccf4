package pipeline_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// failOn makes folds fail, as a defect would, on units for which it says so, until the test ends.
func failOn(t *testing.T, fails func([]*event.Event) bool) {
	t.Helper()
	pipeline.FailOn(func(events []*event.Event) {
		if fails(events) {
			panic("a defect")
		}
	})
	t.Cleanup(func() { pipeline.FailOn(nil) })
}

// TestPoison: an event on which the fold fails is set aside, and all else is as if it had never come, copies and restarts
// included.
func TestPoison(t *testing.T) {
	poisonous := func(e *event.Event) bool { return e.Type == event.SurveyAnswered }
	poisoned := 0
	for seed := uint64(1); seed <= 100; seed++ {
		events := history(rand.New(rand.NewPCG(seed, 11)))
		end := tick(events[len(events)-1].At.Add(12 * 24 * time.Hour))
		want, got := newWorld(), newWorld()
		want.straight(slices.DeleteFunc(slices.Clone(events), poisonous), end)
		failOn(t, func(events []*event.Event) bool { return slices.ContainsFunc(events, poisonous) })
		r, bad := rand.New(rand.NewPCG(seed, 12)), uint64(0)
		for _, e := range events {
			for range 1 + r.IntN(2) { // of a poisonous one each copy is set aside
				got.apply(e)
				if poisonous(e) {
					bad++
				}
			}
			switch r.IntN(8) {
			case 0:
				got.save(t)
			case 1:
				got.crash(t)
			}
		}
		got.apply(end)
		pipeline.FailOn(nil)
		if got.net() != want.net() {
			t.Fatalf("seed %d: what is poisonous changed something.\nscript:\n%s\n%s", seed, script(events), diff(want.net(), got.net()))
		}
		got.balanced(t, seed, bad)
		got.accounted(t, seed)
		poisoned += int(bad)
	}
	if poisoned < 100 {
		t.Fatalf("only %d events were poisonous", poisoned)
	}
}

// balanced: every message is accounted for once, so many of them as set aside.
func (w *world) balanced(t *testing.T, seed, setAside uint64) {
	t.Helper()
	var rows pipeline.Rows
	w.partition.Account(&rows)
	var sum, aside uint64
	for _, r := range rows.Ledger {
		sum += r.First + r.Copies + r.Late + r.SetAside + r.Forwarded + r.System + r.Broadcast
		aside += r.SetAside
	}
	if len(rows.Ledger) != 1 || sum != w.position || aside != setAside {
		t.Fatalf("seed %d: the ledger accounts for %d messages of %d, %d of them set aside, expected %d", seed, sum, w.position, aside, setAside)
	}
}

// TestPoisonousHome: a home on which the fold fails when something falls due is quarantined and reported, once; the others
// go on, and what comes for it is counted.
func TestPoisonousHome(t *testing.T) {
	start := event.InstantOf(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
	mail := func(home, id string, after time.Duration) *event.Event {
		e := &event.Event{ID: id, Source: "/a", Type: event.MessageReceived, At: start.Add(after), Home: home}
		e.Data.Customer, e.Data.Contact, e.Data.Channel, e.Data.Reason = home, home+id, event.Email, "billing.dispute"
		return e
	}
	want, got := newWorld(), newWorld()
	for _, id := range []string{"1", "2"} {
		want.apply(mail("good", id, time.Minute))
		got.apply(mail("good", id, time.Minute))
		got.apply(mail("bad", "b"+id, time.Minute))
	}
	if len(got.journeys) != 2*len(want.journeys) {
		t.Fatalf("%d journeys with the bad home, %d without", len(got.journeys), len(want.journeys))
	}
	failing := true
	failOn(t, func(events []*event.Event) bool { return failing && events[0].Home == "bad" })
	var reported []pipeline.SetAside
	see := func(e *event.Event) {
		got.position++
		c := got.fold(&pipeline.Message{Position: got.position, StoredAt: e.At, Type: e.Type}, e)
		got.see(c)
		reported = append(reported, c.SetAside...)
	}
	for _, e := range []*event.Event{tick(start.Add(5 * 24 * time.Hour)), mail("good", "3", 6*24*time.Hour), tick(start.Add(9 * 24 * time.Hour))} {
		want.apply(e)
		see(e)
	}
	failing = false // whatever comes for it now, the home stays where it is for this generation
	see(mail("bad", "b4", 6*24*time.Hour))
	see(mail("bad", "b4", 6*24*time.Hour))
	if len(reported) != 1 || reported[0].Reason != event.ReasonPoisonous || reported[0].Field != "home" || reported[0].Position != 5 {
		t.Errorf("reported: %+v", reported)
	}
	if len(want.breakpoints) == 0 || got.net() != want.net() {
		t.Errorf("what people see:\n%s", diff(want.net(), got.net()))
	}
	got.accounted(t, 0)
	if c := got.partition.Counts(); c.First != 6 || c.Copies != 1 || c.SetAside != 0 || c.System != 2 || c.Quarantined != 1 || c.Messages != 9 {
		t.Errorf("counted: %+v", c)
	}
}
