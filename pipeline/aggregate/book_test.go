package aggregate_test

import (
	"context"
	"errors"
	"testing"

	"github.com/rs/zerolog"

	"parcours/pipeline"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
	"parcours/pipeline/rules"
)

func bookOf(t *testing.T, document string) *rules.Book {
	t.Helper()
	book, err := rules.Parse("test", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return book
}

// published puts a publication into the log.
func (s *site) published(p rules.Publication) uint64 {
	s.t.Helper()
	out := s.bus.Append(s.t.Context(), []pipeline.Entry{aggregate.PublicationEntry(&p, event.Instant(s.now.Add(1)))})[0]
	if out.Err != nil {
		s.t.Fatal(out.Err)
	}
	return out.Position
}

func (s *site) repeats() uint64 {
	s.t.Helper()
	return s.count("SELECT count() FROM cx.breakpoints_v WHERE kind = 'repeat_contact'")
}

// loseCheckpoints leaves no pointer to a state.
func (s *site) loseCheckpoints() {
	s.t.Helper()
	pointers, err := s.bus.Pointers(s.t.Context(), "checkpoint.")
	for _, p := range pointers {
		err = errors.Join(err, s.bus.Unpoint(s.t.Context(), p.Key, p.Revision))
	}
	if err != nil || len(pointers) == 0 {
		s.t.Fatal(len(pointers), err)
	}
}

const (
	seldom = "breakpoints: {repeat_contact: {within: 1h}}"  // no contact of life comes back as soon as that
	mid    = "breakpoints: {repeat_contact: {within: 5h}}"  // the next one does
	longer = "breakpoints: {repeat_contact: {within: 20d}}" // no generation of the default could hold it
)

// TestRestated: a generation begins with the book that the log says, and whoever opens it finds it there: after a restart,
// with tables or pointers lost, and in an audit. What was published before it counts for nothing in it, what is published
// later holds.
func TestRestated(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	s.append(1, life(0, 4)...)
	s.published(rules.Publish(bookOf(t, seldom), monday.Add(19*60*60*1e9)))
	s.append(1, life(4, 4)...)
	s.folded(s.deps())
	if n := s.repeats(); n != 4 { // after contacts 0 to 3; those that end later are judged otherwise
		t.Errorf("%d repeats, expected those of contacts before the publication: 4", n)
	}
	at := s.published(rules.Restate(bookOf(t, longer)))
	s.folded(s.deps())
	if n, g := s.repeats(), s.current(); n != 4 || g != 1 {
		t.Errorf("a book that restates history changed the generation in force: %d repeats, generation %d", n, g)
	}
	s.loseTables()
	s.folded(s.deps())
	if n, g := s.repeats(), s.current(); n != 4 || g != 1 {
		t.Errorf("with the tables lost, a book whose rebuild never came is in force: %d repeats, generation %d", n, g)
	}
	_, stop, _ := s.start(nil)
	s.rebuilt(s.deps(), aggregate.RebuildOptions{Restated: at})
	if n := s.repeats(); n != 7 {
		t.Errorf("%d repeats, expected all but the first: 7", n)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	s.verified(s.deps())
	s.published(rules.Publish(bookOf(t, seldom+"\ncurrency: CHF"), monday.Add(100*60*60*1e9)))
	s.append(1, life(20, 4)...)
	s.folded(s.deps())
	before, facts := s.checksum(false), s.facts()
	for what, lose := range map[string]func(){"nothing": func() {}, "the tables": s.loseTables, "the checkpoints": s.loseCheckpoints} {
		lose()
		s.folded(s.deps())
		if s.checksum(false) != before || s.facts() != facts || s.current() != 2 {
			t.Errorf("%s lost: generation %d, the tables are as before: %t", what, s.current(), s.checksum(false) == before)
		}
		s.verified(s.deps())
	}
	_, stop, _ = s.start(nil)
	s.rebuilt(s.deps(), aggregate.RebuildOptions{})
	if s.checksum(false) != before {
		t.Error("a rebuild that names no book does not keep the one in force")
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	d := s.deps()
	book, err := aggregate.InForceNow(t.Context(), &d)
	if err != nil || book.Version() != bookOf(t, longer).Version() || len(book.Later()) != 1 {
		t.Errorf("in force: %v, %v", book, err)
	}
}

// TestRestatedFirst: a log that begins with a book is judged by it, without a rebuild.
func TestRestatedFirst(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	s.published(rules.Restate(bookOf(t, mid)))
	s.append(1, life(0, 4)...)
	s.folded(s.deps())
	if n := s.count("SELECT countIf(rules_version != '" + bookOf(t, mid).Version() + "') FROM cx.journeys_v"); n != 0 || s.repeats() != 3 || s.current() != 1 {
		t.Errorf("%d journeys judged otherwise, %d repeats, generation %d", n, s.repeats(), s.current())
	}
	s.loseTables()
	s.folded(s.deps())
	if s.repeats() != 3 {
		t.Errorf("%d repeats after the tables were lost", s.repeats())
	}
	s.verified(s.deps())
}

// TestRestatedElsewhere: a book that is not where the rebuild looks for it is no reason to fold by another one.
func TestRestatedElsewhere(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	s.append(1, life(0, 2)...)
	s.folded(s.deps())
	at := s.published(rules.Publish(bookOf(t, mid), monday.Add(1e15)))
	for _, position := range []uint64{1, at, 9999} {
		if _, err := aggregate.Rebuild(t.Context(), aggregate.Default(), s.deps(), aggregate.RebuildOptions{Restated: position}); !errors.Is(err, aggregate.ErrLogOther) {
			t.Errorf("position %d: %v", position, err)
		}
	}
	if left := s.traces(2); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestWhatIf: a fold with another book, of a log with late events that were admitted, lands in a database of its own and
// nowhere else; one that is interrupted is not read, and the next takes its place.
func TestWhatIf(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	s.append(1, life(20, 3)...)
	s.published(rules.Publish(bookOf(t, "currency: CHF"), monday.Add(1e15)))
	s.append(1, life(0, 3)...) // late
	_, stop, _ := s.start(nil)
	s.settled()
	s.rebuilt(s.deps(), aggregate.RebuildOptions{Admit: true})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	before, pointers, objects := s.checksum(false), s.pointed(), len(s.objects())
	current, err := s.store.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fold := func(ctx context.Context, document string) *clickhouse.Store {
		beside, err := s.store.WhatIf(t.Context(), "cx_whatif", "a remark's end")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = beside.Close() })
		d := s.deps()
		d.Store = beside
		_, err = aggregate.WhatIf(ctx, aggregate.Default(), d, aggregate.WhatIfOptions{Book: bookOf(t, document), Admitted: current.Admitted})
		if (err != nil) != (ctx.Err() != nil) {
			t.Fatal(err)
		}
		return beside
	}
	count := func(where string) uint64 { return s.count("SELECT count() FROM cx_whatif." + where) }
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	if g, err := fold(interrupted, mid).Current(t.Context()); err != nil || g.Fold != "" || count("breakpoints_v") != 0 {
		t.Errorf("interrupted: %+v, %v", g, err)
	}
	for document, repeats := range map[string]uint64{mid: 4, seldom: 0, longer: 5} {
		if g, err := fold(t.Context(), document).Current(t.Context()); err != nil || g.Rules != bookOf(t, document).Version() || g.Admitted != current.Admitted {
			t.Errorf("%s: %+v, %v", document, g, err)
		}
		if n := count("breakpoints_v WHERE kind = 'repeat_contact'"); n != repeats || count("events_v") != 18 {
			t.Errorf("%s: %d repeats, expected %d; %d events", document, n, repeats, count("events_v"))
		}
	}
	if s.checksum(false) != before || len(s.pointed()) != len(pointers) || len(s.objects()) != objects {
		t.Error("what people read, or what the owner keeps, has changed")
	}
	s.verified(s.deps())
	if remark, err := s.store.WhatIfRemark(t.Context(), "cx_whatif"); err != nil || remark != "a remark's end" {
		t.Errorf("remark %q, %v", remark, err)
	}
	for _, database := range []string{"cx", "system", "default"} {
		if _, err := s.store.WhatIf(t.Context(), database, ""); !errors.Is(err, clickhouse.ErrNotWhatIf) {
			t.Errorf("%s was taken for a what-if: %v", database, err)
		}
	}
	if err := s.store.DropWhatIf(t.Context(), "cx_whatif"); err != nil || s.count("SELECT count() FROM system.databases WHERE name = 'cx_whatif'") != 0 {
		t.Errorf("drop: %v", err)
	}
	if _, err := clickhouse.Open(t.Context(), clickhouse.Config{Addr: s.tables.Addr(), Database: "a-b"}, zerolog.Nop()); err == nil {
		t.Error("a name that is none")
	}
}
