package main

import (
	"strings"
	"testing"
	"time"

	"parcours/pipeline/event"
	"parcours/pipeline/nats"
	"parcours/pipeline/rules"
)

// TestRulesFrom: a book holds from behind every clock; where clocks follow real time, from far enough ahead of it that events
// on their way find it there.
func TestRulesFrom(t *testing.T) {
	now := time.Date(2026, 10, 3, 12, 0, 30, 0, time.UTC)
	clock := event.InstantOf(now.Add(-time.Minute))
	check := func(what, from string, clock event.Instant, mode string, want event.Instant, fails bool) {
		t.Helper()
		got, err := (&RulesPublishCommand{From: from}).from(rules.Default(), clock, mode, now)
		if (err != nil) != fails || !fails && got != want {
			t.Errorf("%s: %s, %v; expected %s", what, got, err, want)
		}
		if fails && exitCode(err) != 2 {
			t.Errorf("%s: exit code %d", what, exitCode(err))
		}
	}
	at := func(text string) event.Instant {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return event.InstantOf(at)
	}
	check("log time", "", clock, nats.ModeLog, clock+1, false)
	check("real time", "", clock, nats.ModeWall, at("2026-10-03T12:10:00Z"), false)
	check("a clock that is ahead", "", at("2026-10-03T14:00:00Z"), nats.ModeWall, at("2026-10-03T14:00:00Z")+1, false)
	check("no event yet", "", noClockYet, nats.ModeWall, rules.Beginning, false)
	check("a day in Paris", "2026-10-05", clock, nats.ModeWall, at("2026-10-04T22:00:00Z"), false)
	check("a time", "2026-10-05T08:00:00+02:00", clock, nats.ModeLog, at("2026-10-05T06:00:00Z"), false)
	check("the clock itself", clock.String(), clock, nats.ModeLog, 0, true)
	check("a word", "tomorrow", clock, nats.ModeLog, 0, true)
}

// TestRulesSameBook: a book is the same as what is in force from its moment on, unless it puts aside what is planned.
func TestRulesSameBook(t *testing.T) {
	book := func(window string) *rules.Book {
		b, err := rules.Parse(window, []byte("breakpoints: {repeat_contact: {within: "+window+"}}\n"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first, second, third := book("6d"), book("3d"), book("2d")
	inForce := first.With(second, 1000, 1).With(third, 3000, 2)
	for what, c := range map[string]struct {
		book *rules.Book
		from event.Instant
		want bool
	}{
		"what is planned last, sooner":  {third, 2000, false},
		"what is planned last, then":    {third, 3000, true},
		"what is planned last, later":   {third, 4000, true},
		"what holds then, in its place": {second, 2000, false},
		"what held before":              {first, 4000, false},
		"what is planned next, sooner":  {second, 500, false},
	} {
		if got := changesNothing(inForce, c.book, c.from); got != c.want {
			t.Errorf("%s: changes nothing: %v", what, got)
		}
	}
	if !changesNothing(first.With(second, 1000, 1), second, 2000) {
		t.Error("the same book again changes nothing")
	}
}

// TestRulesPublishedAhead: in a log that keeps its own time a published book waits for what happens; publish says so, and show
// says which book it prints.
func TestRulesPublishedAhead(t *testing.T) {
	dir := dataDir(t)
	must(t, "import", "--data", dir, tempFile(t, "events.ndjson", strings.Join(toldHistory(), "\n")))
	book := tempFile(t, "mine.yaml", "breakpoints: {repeat_contact: {within: 2d}}\n")
	out := must(t, "rules", "publish", book, "--data", dir)
	if !strings.Contains(out, "Nothing that has come so far changes by it") || !strings.Contains(out, "rebuild --data "+dir+" --rules "+book) {
		t.Errorf("publish says %q", out)
	}
	read, err := readBook(book)
	if err != nil {
		t.Fatal(err)
	}
	waits := "# The book printed is the one in force; version " + read.Version() + " holds from 2026-03-20T10:00:00.001Z on, and nothing"
	shown := must(t, "rules", "show", "--data", dir)
	if again, err := rules.Parse("shown", []byte(shown)); err != nil || again.Version() != rules.Default().Version() || !strings.Contains(shown, waits) {
		t.Errorf("show prints (%v):\n%.500s", err, shown)
	}
	must(t, "import", "--data", dir, tempFile(t, "more.ndjson", strings.Join(call("new", "A-1", "2026-03-21T09:00:00Z", "2026-03-21T09:10:00Z", "billing.dispute"), "\n")))
	shown = must(t, "rules", "show", "--data", dir)
	if again, err := rules.Parse("shown", []byte(shown)); err != nil || again.Version() != read.Version() || strings.Contains(shown, "nothing that happened then") {
		t.Errorf("after an event of then, show prints (%v):\n%.500s", err, shown)
	}
}
