package pipeline_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// connected: each step names the one before it in its journey, and only a step of a journey does.
func (w *world) connected(t *testing.T, seed uint64) {
	t.Helper()
	journeys := map[string][]pipeline.StepRow{}
	for _, r := range w.steps {
		if r.Placement != "journey" && (r.Follows() || r.FromChannel+r.FromSilo != "" || r.DelayS != 0) {
			t.Fatalf("seed %d: a %s follows a step: %+v", seed, r.Placement, r)
		}
		journeys[r.JourneyID] = append(journeys[r.JourneyID], r)
	}
	delete(journeys, "")
	for id, steps := range journeys {
		slices.SortFunc(steps, func(a, b pipeline.StepRow) int { return cmp.Compare(a.Step, b.Step) })
		before := pipeline.StepRow{At: steps[0].At}
		for i, r := range steps {
			if r.Step != uint32(i+1) || r.FromActivity != before.Activity || r.FromChannel != before.Channel || r.FromSilo != before.Silo ||
				math.Abs(r.DelayS-r.At.Sub(before.At).Seconds()) > 1e-9 {
				t.Fatalf("seed %d: journey %s: step %d follows another than the one before it:\n%+v\n%+v", seed, id, i+1, before, r)
			}
			before = r
		}
	}
}

// charged counts the steps that breakpoints were charged for: each is a step of a journey, charged once, and the costs of
// the steps are those of the breakpoints.
func (w *world) charged(t *testing.T, seed uint64) int {
	t.Helper()
	seen := map[string]string{}
	for _, b := range w.breakpoints {
		sum := 0.0
		for _, name := range b.Charged {
			step, is := w.steps[name]
			if !is || step.JourneyID == "" || seen[name] != "" {
				t.Fatalf("seed %d: %s of %s is no step, or charged to %s as well", seed, name, b.BreakpointID, seen[name])
			}
			seen[name] = b.BreakpointID
			sum += step.Cost
		}
		if math.Abs(sum-b.Cost) > 1e-9 {
			t.Fatalf("seed %d: %s %s costs %v, its steps %v", seed, b.Kind, b.BreakpointID, b.Cost, sum)
		}
	}
	return len(seen)
}

// TestAStepComesBetween: an earlier step that comes later changes the row of the next one, and of no other but by its number.
func TestAStepComesBetween(t *testing.T) {
	start := event.InstantOf(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	step := func(id string, minute int, channel event.Channel, silo string) *event.Event {
		e := &event.Event{ID: id, Source: "/s", Type: event.StepPerformed, Home: "c1", At: start.Add(time.Duration(minute)*time.Minute + 250*time.Millisecond)}
		e.Data = event.Data{Customer: "c1", Case: "A", Activity: "do " + id, Channel: channel, Silo: silo}
		return e
	}
	w := newWorld()
	w.apply(step("a", 0, event.Phone, "it"))
	w.apply(step("c", 10, event.Email, ""))
	w.apply(step("d", 15, "", "finance"))
	check := func(want ...string) {
		t.Helper()
		var got []string
		for _, id := range []string{"a", "b", "c", "d"} {
			if r, is := w.steps["/s "+id]; is {
				got = append(got, fmt.Sprintf("%d %s<%s %s %s %v @%d", r.Step, id, r.FromActivity, r.FromChannel, r.FromSilo, r.DelayS, r.Position))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	check("1 a<   0 @1", "2 c<do a phone it 600 @2", "3 d<do c email  300 @3")
	w.apply(step("b", 7, event.Chat, "it"))
	check("1 a<   0 @1", "2 b<do a phone it 420 @4", "3 c<do b chat it 180 @4", "4 d<do c email  300 @4")
	w.apply(step("0", -1, "", "it"))
	check("2 a<do 0  it 60 @5", "3 b<do a phone it 420 @5", "4 c<do b chat it 180 @5", "5 d<do c email  300 @5")
}
