package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/nats"
	"parcours/pipeline/rules"
)

// books are the rule books that SQL shows, one a line: position, version, from, until.
func (s *site) books() string {
	s.t.Helper()
	rows, err := s.store.Conn().Query(s.t.Context(), "SELECT concat(toString(position), ' ', version, ' ', toString(effective_from), ' ', "+
		"ifNull(toString(effective_until), '')) FROM cx.rule_books_v ORDER BY effective_from")
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			s.t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// TestRuleBooks: SQL shows the books of the generation, each with the time in which it judges, whatever was lost or killed in
// between, and as many after a rebuild; one that another put aside before its time is not shown. An audit misses one.
func TestRuleBooks(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	hour := func(n int) rules.Publication {
		return rules.Publish(bookOf(t, fmt.Sprintf("targets: {hour: %d}", n)), monday.Add(time.Duration(n)*time.Hour))
	}
	base := "0 " + rules.Default().Version() + " 1900-01-01 00:00:00.000 "
	s.append(1, life(0, 4)...)
	s.folded(s.deps())
	if got := s.books(); got != base {
		t.Errorf("books\n%s\nexpected\n%s", got, base)
	}
	s.published(hour(500))
	second := hour(300)
	at := s.published(second)
	s.append(1, life(4, 4)...)
	s.folded(s.deps())
	from := strings.NewReplacer("T", " ", "Z", "").Replace(second.From.String())
	want := fmt.Sprintf("%s%s\n%d %s %s ", base, from, at, second.Book.Version(), from)
	check := func(what string) {
		t.Helper()
		if got := s.books(); got != want {
			t.Errorf("%s: books\n%s\nexpected\n%s", what, got, want)
		}
		if n := s.count("SELECT count() FROM cx.rule_books FINAL WHERE generation = (SELECT max(generation) FROM cx.rule_books)"); n != 3 {
			t.Errorf("%s: %d rows, expected 3", what, n)
		}
		s.verified(s.deps())
	}
	check("published")
	for what, lose := range map[string]func(){"nothing lost": func() {}, "the tables lost": s.loseTables, "the checkpoints lost": s.loseCheckpoints} {
		lose()
		s.folded(s.deps())
		check(what)
	}
	_, stop, _ := s.start(nil)
	s.rebuilt(s.deps(), aggregate.RebuildOptions{})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	check("rebuilt")
	if err := s.store.Conn().Exec(t.Context(), fmt.Sprintf("ALTER TABLE cx.rule_books DELETE WHERE position = %d SETTINGS mutations_sync = 1", at)); err != nil {
		t.Fatal(err)
	}
	report, err := aggregate.Verify(t.Context(), aggregate.Default(), s.deps(), aggregate.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	missing := aggregate.Problem{Table: "rule_books", Partition: pipeline.All, Key: second.Book.Version(), What: aggregate.RowMissing, Position: at}
	if p := report.Problems; len(p) != 1 || p[0] != missing {
		t.Errorf("an audit of tables without a book says %v", p)
	}
}

// killed inserts nothing, or all but how far it has come, where a rule book comes: as a process does that is killed there.
type killed struct {
	pipeline.Store
	half bool
}

var errKilled = errors.New("killed")

func (k killed) Insert(ctx context.Context, rows *pipeline.Rows) error {
	if len(rows.RuleBooks) == 0 {
		return k.Store.Insert(ctx, rows)
	}
	if k.half {
		part := *rows
		part.Frontier = nil
		if err := k.Store.Insert(ctx, &part); err != nil {
			return err
		}
	}
	return errKilled
}

// TestRuleBooksKilled: whoever comes after a kill finds the books in, or puts them in.
func TestRuleBooksKilled(t *testing.T) {
	s := newSite(t, nats.ModeLog)
	s.append(1, life(0, 4)...)
	die := func(half bool) {
		t.Helper()
		d := s.deps()
		d.Store = killed{s.store, half}
		_, _, ended := s.startWith(d, nil)
		if err := s.ending(ended); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
	}
	for _, half := range []bool{false, true} {
		die(half)
	}
	s.folded(s.deps())
	s.published(rules.Publish(bookOf(t, mid), monday.Add(300*time.Hour)))
	s.append(1, life(4, 4)...)
	for _, half := range []bool{false, true} {
		die(half)
	}
	s.folded(s.deps())
	if n := s.count("SELECT count() FROM cx.rule_books_v"); n != 2 {
		t.Errorf("%d books, expected 2", n)
	}
	s.verified(s.deps())
}
