package dashboards

import (
	"bytes"
	"os"
	"slices"
	"testing"
	"time"

	"parcours/dashboards/internal/filled"
	"parcours/pipeline/evaluate/reference"
	"parcours/pipeline/event"
	"parcours/pipeline/ingest"
	"parcours/pipeline/rules"
)

// The two figures out of journeys are recounted by the reference (docs/evaluate.md) from the raw events: it makes journeys, finds
// what broke in them and charges their steps from the documents alone, and shares no code with the fold, nor with a view.

// lives reads what the made-up company sent as the door reads it, each event once, by the home of its customer, and says when the
// last of it happened.
func lives(t *testing.T, file string) (homes map[string][]*event.Event, first, last event.Instant) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []*event.Event
	pseudonyms, known := ingest.NewPseudonymiser(ingest.KeyFromSeed("figures")), ingest.NewHomes()
	for line := range bytes.Lines(raw) {
		e, _, refused := event.Decode(bytes.TrimSpace(line), event.Limits{Now: event.InstantOf(filled.To)})
		if refused != nil {
			t.Fatal(refused)
		}
		pseudonyms.Apply(&e)
		all = append(all, &e)
	}
	slices.SortFunc(all, event.Compare)
	all = slices.CompactFunc(all, func(a, b *event.Event) bool { return a.Source == b.Source && a.ID == b.ID })
	homes = map[string][]*event.Event{}
	for _, e := range all {
		home := known.Of(e)
		homes[home] = append(homes[home], e)
	}
	return homes, all[0].At, all[len(all)-1].At
}

// judged are the journeys of the made-up company that ended, as the reference makes them of the raw events.
func judged(t *testing.T) (ended []reference.Journey, book *rules.Book) {
	t.Helper()
	c := filled.Full(t)
	text, err := os.ReadFile(c.Rules)
	if err != nil {
		t.Fatal(err)
	}
	if book, err = rules.Parse("rules.yaml", text); err != nil {
		t.Fatal(err)
	}
	homes, first, last := lives(t, c.Events)
	judge, err := reference.New(book, first, last)
	if err != nil {
		t.Fatal(err)
	}
	for _, events := range homes {
		for _, j := range judge.Journeys(events, last) {
			if j.Outcome != "open" {
				ended = append(ended, j)
			}
		}
	}
	return ended, book
}

// serious says whether something broke in a journey, of severity 3 or more, until its figure matured.
func serious(j reference.Journey, matures time.Duration) bool {
	return slices.ContainsFunc(j.Breakpoints, func(b reference.Breakpoint) bool {
		return b.Severity >= 3 && b.At <= j.Ended.Add(matures)
	})
}

// TestJourneysByReference: journeys that ended, less those with a breakpoint of severity 3 before their figure matured. No window
// that links journeys is as long as a month in the rule book of the company, so that 28 days are how long that takes.
func TestJourneysByReference(t *testing.T) {
	ended, book := judged(t)
	m := monthly{}
	for _, j := range ended {
		m.count(j.Ended.Time(), !serious(j, book.Matures.Journey))
	}
	same(t, "journeys_without_serious_breakpoint", m)
}

// TestAvoidableCostByReference: what is charged to breakpoints, out of what journeys cost.
func TestAvoidableCostByReference(t *testing.T) {
	type sums struct{ avoidable, cost, n float64 }
	ended, _ := judged(t)
	months := map[string]sums{}
	for _, j := range ended {
		m := months[j.Ended.Time().Format("2006-01")]
		m.n, m.cost = m.n+1, m.cost+j.Cost
		for _, b := range j.Breakpoints {
			m.avoidable += b.Cost
		}
		months[j.Ended.Time().Format("2006-01")] = m
	}
	for month, got := range known(t, "avoidable_cost") {
		want := months[month]
		if got.n != want.n || !near(got.amount, want.avoidable, 1e-6) || !near(got.value, want.avoidable/want.cost, 1e-9) {
			t.Errorf("%s: %v, which is %v, of %v journeys; the reference says %v, %v, %v", month, got.amount, got.value, got.n,
				want.avoidable, want.avoidable/want.cost, want.n)
		}
	}
}
