package pipeline_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// world applies messages to a partition and keeps what a reader of the tables and of JOURNEYS would see.
type world struct {
	partition   *pipeline.Partition
	position    uint64
	journeys    map[string]pipeline.JourneyRow
	steps       map[string]pipeline.StepRow
	breakpoints map[string]pipeline.BreakpointRow
	told        map[string]string // journey or breakpoint -> type of the last message
	aliases     map[string]string // id that gave way -> the one that took over
	log         []string          // every row and message in order, with positions
}

func newWorld() *world {
	return &world{
		partition: pipeline.NewPartition(0, rules.Default()), journeys: map[string]pipeline.JourneyRow{},
		steps: map[string]pipeline.StepRow{}, breakpoints: map[string]pipeline.BreakpointRow{}, told: map[string]string{},
		aliases: map[string]string{},
	}
}

func (w *world) apply(e *event.Event) {
	w.position++
	var c pipeline.Changes
	m := pipeline.Message{Position: w.position, StoredAt: e.At, Type: e.Type}
	w.partition.Apply(&m, e, &c)
	for _, r := range c.Rows.Journeys {
		keep(w.journeys, r.JourneyID, r, r.Deleted)
		w.log = append(w.log, fmt.Sprintf("%+v", r))
	}
	for _, r := range c.Rows.Steps {
		keep(w.steps, r.Source+" "+r.EventID, r, r.Deleted)
		w.log = append(w.log, fmt.Sprintf("%+v", r))
	}
	for _, r := range c.Rows.Breakpoints {
		keep(w.breakpoints, r.BreakpointID, r, r.Deleted)
		w.log = append(w.log, fmt.Sprintf("%+v", r))
	}
	for _, t := range c.Told {
		w.told[t.About] = t.Type
		w.log = append(w.log, fmt.Sprintf("%d.%d %s %s", t.Position, t.Ordinal, t.ID, t.Body))
	}
}

func keep[R any](m map[string]R, key string, r R, deleted bool) {
	if deleted {
		delete(m, key)
		return
	}
	m[key] = r
}

// net is what two folds of the same events must share: everything but positions and the key time of cases.
func (w *world) net() string {
	var lines []string
	for _, r := range w.journeys {
		r.Position, r.KeyTime = 0, 0
		lines = append(lines, fmt.Sprintf("%+v", r))
	}
	for _, r := range w.steps {
		r.Position = 0
		lines = append(lines, fmt.Sprintf("%+v", r))
	}
	for _, r := range w.breakpoints {
		r.Position = 0
		lines = append(lines, fmt.Sprintf("%+v", r))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// history is a random life of a few customers, in order of time.
func history(r *rand.Rand) []*event.Event {
	start := event.InstantOf(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
	types := []string{
		event.ContactStarted, event.ContactAnswered, event.ContactTransferred, event.ContactEnded, event.ContactAbandoned,
		event.MessageReceived, event.MessageReplied, event.FormStarted, event.FormFailed, event.FormSubmitted,
		event.SearchPerformed, event.PageViewed, event.CaseOpened, event.CaseWaiting, event.CaseResumed, event.CaseResolved,
		event.CaseReopened, event.ComplaintFiled, event.ComplaintAcknowledged, event.ComplaintAnswered, event.SurveyAnswered,
		event.PromiseMade, event.PromiseKept, event.OrderPlaced, event.OrderDelivered, event.StepPerformed,
		event.ContractCancelled, event.OutreachSent,
	}
	var list []*event.Event
	for i := range 5 + r.IntN(40) {
		at := start + event.Instant(r.Int64N(int64(20*24*time.Hour/time.Millisecond)))
		if r.IntN(8) == 0 && len(list) > 0 {
			at = list[len(list)-1].At // equal times are common in real logs
		}
		list = append(list, randomEvent(r, i, types[r.IntN(len(types))], at))
	}
	slices.SortFunc(list, func(a, b *event.Event) int {
		if a.Before(b) {
			return -1
		}
		return 1
	})
	return list
}

func randomEvent(r *rand.Rand, i int, typ string, at event.Instant) *event.Event {
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	e := &event.Event{ID: fmt.Sprintf("e%d", i), Source: pick("/a", "/b"), Type: typ, At: at, Home: pick("h1", "h1", "h2")}
	e.Data.Customer = pick(e.Home, e.Home, "")
	e.Data.Contact = pick("", "", e.Home+"k1", e.Home+"k2", e.Home+"k3")
	e.Data.Reason = pick("", "billing.dispute", "billing.question", "delivery.late", "unknown")
	e.Data.Channel = event.Channel(pick("", "phone", "email", "messaging", "web", "chat"))
	e.Data.Silo = pick("", "customer_service", "finance", "logistics")
	e.Data.Unit = pick("", "u1", "u2")
	if strings.HasPrefix(typ, "case.") || r.IntN(5) == 0 {
		e.Data.Case = e.Home + pick("A", "B")
	}
	switch typ {
	case event.ContactTransferred:
		e.Data.ToSilo = pick("finance", "logistics", "it")
	case event.ContactEnded, event.SurveyAnswered:
		resolved := r.IntN(2) == 0
		e.Data.Resolved = &resolved
	case event.CaseWaiting:
		e.Data.On = pick("customer", "partner")
	case event.PromiseMade, event.PromiseKept:
		e.Data.Promise = pick("p1", "p2")
	}
	return e
}

func tick(at event.Instant) *event.Event {
	return &event.Event{ID: at.String(), Source: "/tick", Type: event.ClockTicked, At: at}
}

// TestHistories: any order of arrival, any copies and any ticks end where one straight fold ends.
func TestHistories(t *testing.T) {
	const histories = 1000
	for seed := uint64(1); seed <= histories; seed++ {
		r := rand.New(rand.NewPCG(seed, 7))
		events := history(r)
		end := tick(events[len(events)-1].At.Add(12 * 24 * time.Hour))
		want := straight(events, end)
		if got := disturbed(r, events, end); got.net() != want.net() {
			t.Fatalf("seed %d: a disturbed order ends elsewhere.\nscript:\n%s\nwant:\n%s\n\ngot:\n%s", seed, script(events), want.net(), got.net())
		}
	}
}

func straight(events []*event.Event, end *event.Event) *world {
	w := newWorld()
	for _, e := range events {
		w.apply(e)
	}
	w.apply(end)
	return w
}

// disturbed sends the events in a random order, with copies and with ticks in between.
func disturbed(r *rand.Rand, events []*event.Event, end *event.Event) *world {
	shuffled := slices.Clone(events)
	r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	w := newWorld()
	for _, e := range shuffled {
		w.apply(e)
		if r.IntN(4) == 0 {
			again := *shuffled[r.IntN(len(shuffled))]
			w.apply(&again)
		}
		if r.IntN(4) == 0 {
			w.apply(tick(e.At.Add(time.Duration(r.IntN(48)) * time.Hour)))
		}
	}
	for _, e := range events { // what a copy brought early comes again
		w.apply(e)
	}
	w.apply(end)
	return w
}

// script prints a history as a scenario ready to paste.
func script(events []*event.Event) string {
	var b strings.Builder
	for _, e := range events {
		d := &e.Data
		fmt.Fprintf(&b, "%s %s id=%s source=%s customer=%s", e.At.Time().Format("2006-01-02 15:04:05"), e.Type, e.ID, e.Source, e.Home)
		for _, f := range [][2]string{{"contact", d.Contact}, {"case", d.Case}, {"reason", d.Reason}, {"channel", string(d.Channel)},
			{"silo", d.Silo}, {"to_silo", d.ToSilo}, {"on", d.On}, {"promise", d.Promise}} {
			if f[1] != "" {
				fmt.Fprintf(&b, " %s=%s", f[0], f[1])
			}
		}
		if d.Resolved != nil {
			fmt.Fprintf(&b, " resolved=%t", *d.Resolved)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestSameLogSameRows: two folds of one log agree byte for byte, positions included.
func TestSameLogSameRows(t *testing.T) {
	for seed := uint64(1); seed <= 100; seed++ {
		r := rand.New(rand.NewPCG(seed, 8))
		events := history(r)
		end := tick(events[len(events)-1].At.Add(12 * 24 * time.Hour))
		one := disturbed(rand.New(rand.NewPCG(seed, 9)), events, end)
		two := disturbed(rand.New(rand.NewPCG(seed, 9)), events, end)
		if !reflect.DeepEqual(one.log, two.log) {
			t.Fatalf("seed %d: two folds of one log differ", seed)
		}
	}
}

// TestKeysAndVersions: at most one row per key and position, key times never move, and what is told last agrees with what
// is readable.
func TestKeysAndVersions(t *testing.T) {
	for seed := uint64(1); seed <= 200; seed++ {
		r := rand.New(rand.NewPCG(seed, 10))
		events := history(r)
		r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		w := newWorld()
		keyTimes := map[string]event.Instant{}
		for _, e := range events {
			w.position++
			var c pipeline.Changes
			w.partition.Apply(&pipeline.Message{Position: w.position, StoredAt: e.At}, e, &c)
			w.position--
			seen := map[string]bool{}
			for _, row := range c.Rows.Journeys {
				if seen[row.JourneyID] {
					t.Fatalf("seed %d: journey %s has two rows at position %d", seed, row.JourneyID, row.Position)
				}
				seen[row.JourneyID] = true
				if at, ok := keyTimes[row.JourneyID]; ok && at != row.KeyTime {
					t.Fatalf("seed %d: the key time of journey %s moved", seed, row.JourneyID)
				}
				keyTimes[row.JourneyID] = row.KeyTime
			}
			w.record(&c)
		}
		w.agrees(t, seed)
	}
}

func (w *world) record(c *pipeline.Changes) {
	w.position++
	for _, r := range c.Rows.Aliases {
		w.aliases[r.OldID] = r.NewID
	}
	for _, r := range c.Rows.Journeys {
		keep(w.journeys, r.JourneyID, r, r.Deleted)
	}
	for _, r := range c.Rows.Breakpoints {
		keep(w.breakpoints, r.BreakpointID, r, r.Deleted)
	}
	for _, m := range c.Told {
		w.told[m.About] = m.Type
	}
}

// agrees: a journey or breakpoint told and not retracted is readable, and the other way round.
func (w *world) agrees(t *testing.T, seed uint64) {
	t.Helper()
	for about, typ := range w.told {
		_, journey := w.journeys[about]
		_, breakpoint := w.breakpoints[about]
		retracted := typ == pipeline.JourneyRetracted || typ == pipeline.BreakpointRetracted
		if retracted == (journey || breakpoint) {
			t.Fatalf("seed %d: %s was told last as %s, and readable is %t", seed, about, typ, journey || breakpoint)
		}
	}
	for old, now := range w.aliases {
		if _, alive := w.journeys[old]; alive != (old == now) {
			t.Fatalf("seed %d: %s leads to %s, and is readable itself: %t", seed, old, now, alive)
		}
	}
	for id := range w.journeys {
		if w.told[id] == "" {
			t.Fatalf("seed %d: journey %s is readable and was never told", seed, id)
		}
	}
}

// TestReusedID: the same id with another time is set aside; the first copy stands.
func TestReusedID(t *testing.T) {
	w := newWorld()
	first := &event.Event{ID: "1", Source: "/a", Type: event.ContactStarted, At: 1000, Home: "h"}
	second := *first
	second.At = 2000
	w.apply(first)
	var c pipeline.Changes
	w.partition.Apply(&pipeline.Message{Position: 2, StoredAt: 2000}, &second, &c)
	if len(c.SetAside) != 1 || c.SetAside[0].Reason != pipeline.ReasonIDReused || len(c.Rows.Events) != 0 {
		t.Fatalf("expected the second to be set aside as %s, got %+v", pipeline.ReasonIDReused, c)
	}
	if counts := w.partition.Counts(); counts.First != 1 || counts.Reused != 1 {
		t.Fatalf("counts are %+v", counts)
	}
}

// TestTicks: a tick that goes back, or lies more than a minute beyond the moment it was stored, changes nothing.
func TestTicks(t *testing.T) {
	w := newWorld()
	w.apply(&event.Event{ID: "1", Source: "/a", Type: event.ContactStarted, At: 1_000_000, Home: "h"})
	for _, c := range []struct {
		name         string
		at, storedAt event.Instant
		want         event.Instant
	}{
		{"back", 500_000, 2_000_000, 1_000_000},
		{"a minute beyond", 1_160_000, 1_100_000, 1_160_000},
		{"more than a minute beyond", 1_260_001, 1_200_000, 1_160_000},
	} {
		w.partition.Apply(&pipeline.Message{Position: 9, StoredAt: c.storedAt}, tick(c.at), &pipeline.Changes{})
		if got := w.partition.Clock(); got != c.want {
			t.Errorf("%s: the clock is %d, expected %d", c.name, got, c.want)
		}
	}
}
