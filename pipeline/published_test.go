package pipeline_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// stricter is a book that finds less, and that can follow the default.
const stricter = `
breakpoints:
  repeat_contact: {within: 36h}
  channel_failover: {within: 1h}
  sla_breach: {except: [{channel: email, message: 3 working days}]}
reasons: {billing: {normal_path: {handoffs: 1}}}
journeys: {inactivity_gap: {default: 2d}, containers: [h1A], case_after_contact: 1h}
silos: {hourly_rates: {finance: 500}}
units: {u1: sundays}
calendars: {sundays: {open: {sunday: 09:00-12:00}}}
`

func bookOf(t *testing.T, document string) *rules.Book {
	t.Helper()
	book, err := rules.Parse("test", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return book
}

func publication(b *rules.Book, from event.Instant) *event.Event {
	p := rules.Publish(b, from)
	e := p.Event(from)
	return &e
}

// versions is net with the rules version of each row.
func (w *world) versions() string {
	var lines []string
	for id, r := range w.journeys {
		lines = append(lines, id+" "+r.RulesVersion)
	}
	for id, r := range w.breakpoints {
		lines = append(lines, id+" "+r.RulesVersion)
	}
	slices.Sort(lines)
	return w.net() + "\n" + strings.Join(lines, "\n")
}

// arrived are events in a random order within the lateness bound.
func arrived(r *rand.Rand, events []*event.Event) []*event.Event {
	at := map[*event.Event]event.Instant{}
	for _, e := range events {
		at[e] = e.At.Add(time.Duration(r.Int64N(int64(rules.Default().Lateness))))
	}
	list := slices.Clone(events)
	slices.SortStableFunc(list, func(a, b *event.Event) int { return int(at[a] - at[b]) })
	return list
}

// TestPublished: a book that is published while the log goes on is judged by from its moment on, and the same comes out of
// a fold that never stopped, of one that crashed, and of one from the start; and of any order of arrival.
func TestPublished(t *testing.T) {
	book := bookOf(t, stricter)
	var under, before int
	for seed := uint64(1); seed <= 120; seed++ {
		r := rand.New(rand.NewPCG(seed, 11))
		events := history(r)
		end := tick(events[len(events)-1].At.Add(12 * 24 * time.Hour))
		middle := r.IntN(len(events))
		from := events[middle].At + 1 + event.Instant(r.Int64N(3*24*3600_000))
		sequence := slices.Insert(slices.Clone(events), middle+1, publication(book, from))

		live, crashed, again := newWorld(), newWorld(), newWorld()
		live.straight(sequence, end)
		again.straight(sequence, end)
		for _, e := range append(sequence, end) {
			crashed.apply(e)
			switch r.IntN(6) {
			case 0:
				crashed.save(t)
			case 1:
				crashed.crash(t)
			}
		}
		if !slices.Equal(live.log, again.log) || !slices.Equal(live.log, crashed.log) {
			t.Fatalf("seed %d: another fold of the same log says something else", seed)
		}
		for _, w := range []*world{live, crashed, again} {
			w.accounted(t, seed)
		}
		other := newWorld()
		other.straight(append([]*event.Event{publication(book, from)}, arrived(r, events)...), end)
		if live.versions() != other.versions() {
			t.Fatalf("seed %d: another order of arrival ends elsewhere.\nscript:\n%s\n%s", seed, script(events), diff(live.versions(), other.versions()))
		}
		for _, b := range live.breakpoints {
			if b.RulesVersion == book.Version() {
				under++
			} else {
				before++
			}
			if late := b.OpportunityAt >= from; late != (b.RulesVersion == book.Version()) {
				t.Fatalf("seed %d: opportunity at %s, rules %s from %s on", seed, b.OpportunityAt, b.RulesVersion, from)
			}
		}
	}
	if under < 40 || before < 40 {
		t.Errorf("a weak test: %d breakpoints under the new book, %d under the old one", under, before)
	}
}

// TestPublishedBehind: what lies behind the clock is never judged anew; a book that comes too late holds from the next moment
// on, and one that cannot be taken changes nothing and is reported once.
func TestPublishedBehind(t *testing.T) {
	start := event.InstantOf(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
	w := newWorld()
	w.apply(tick(start))
	w.apply(publication(bookOf(t, "currency: CHF"), start-1000))
	if a, b := w.partition.Book.At(start), w.partition.Book.At(start+1); a.Currency != "EUR" || b.Currency != "CHF" {
		t.Errorf("%s, and then %s", a.Currency, b.Currency)
	}
	restated := rules.Restate(bookOf(t, "currency: USD"))
	restating := restated.Event(start)
	w.apply(&restating)
	if got := w.partition.Book.At(start + 2).Currency; got != "CHF" {
		t.Errorf("a book that restates history changed a fold under way: %s", got)
	}
	broken := publication(bookOf(t, "currency: USD"), start)
	broken.Data.Extra[2].JSON = `"currency: dollars"`
	for what, e := range map[string]*event.Event{
		"a book that looks further":     publication(bookOf(t, "breakpoints: {repeat_contact: {within: 90d}}"), start),
		"a book that cannot be read":    broken,
		"a book without a text":         {ID: "x", Source: "/x", Type: event.RulesPublished, At: start},
		"a book whose moment is a word": {ID: "y", Source: "/x", Type: event.RulesPublished, At: start, Data: event.Data{Extra: []event.ExtraField{{Name: "effective_from", JSON: `"soon"`}}}},
	} {
		for number := range 2 {
			p := pipeline.NewPartition(pipeline.Setup{Number: number, Book: rules.Default()})
			var c pipeline.Changes
			if err := p.Apply(&pipeline.Message{Position: 1, Partition: pipeline.All}, e, &c); err != nil || len(p.Book.Later()) != 0 {
				t.Errorf("%s: %v, %d books", what, err, len(p.Book.Later()))
			}
			if len(c.SetAside) != 1-number || number == 0 && c.SetAside[0].Field != "data.rules" {
				t.Errorf("%s, partition %d: %v", what, number, c.SetAside)
			}
		}
	}
}

// TestPublishedDue: a due date ahead of the clock is looked at by the rules of its own moment, also where they were published
// after the event that set it.
func TestPublishedDue(t *testing.T) {
	start := event.InstantOf(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
	mail := &event.Event{ID: "m", Source: "/a", Type: event.MessageReceived, At: start, Home: "h1",
		Data: event.Data{Customer: "h1", Channel: event.Email, Contact: "k", Direction: event.In, Reason: "billing.dispute"}}
	due := map[string]string{}
	for what, order := range map[string][]*event.Event{
		"before": {publication(bookOf(t, stricter), start+1), mail}, "after": {mail, publication(bookOf(t, stricter), start+1)},
	} {
		w := newWorld()
		w.straight(order, tick(start.Add(20*24*time.Hour)))
		due[what] = w.versions()
	}
	if due["before"] != due["after"] || !strings.Contains(due["after"], "sla_breach") {
		t.Errorf("published before:\n%s\nafter:\n%s", due["before"], due["after"])
	}
}

// TestPublishedEvent: a publication goes through the log as it is.
func TestPublishedEvent(t *testing.T) {
	for _, p := range []rules.Publication{rules.Publish(bookOf(t, stricter), 1_772_000_000_000), rules.Restate(bookOf(t, stricter)), rules.Publish(rules.Default(), rules.Beginning)} {
		e := p.Event(1_772_000_000_001)
		back, err := event.DecodeLog(event.AppendLog(nil, &e))
		if err != nil {
			t.Fatal(err)
		}
		got, err := rules.ReadPublication(&back)
		if err != nil || got.From != p.From || got.Restates != p.Restates || got.Text != p.Text || got.Book.Version() != p.Book.Version() {
			t.Errorf("%v: %s", err, fmt.Sprint(got.From, got.Restates))
		}
	}
}
