package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
	"parcours/pipeline/rules"
)

// RulesCommand works on the rule book.
type RulesCommand struct {
	Check   RulesCheckCommand   `cmd:"" help:"Say everything that is wrong with rule books, by file and line."`
	Show    RulesShowCommand    `cmd:"" help:"Print a whole rule book: the default, a file laid over it, or what is in force."`
	Diff    RulesDiffCommand    `cmd:"" help:"Say at which keys two rule books differ."`
	Publish RulesPublishCommand `cmd:"" help:"Put a rule book into the log, in force from some moment on."`
	Suggest RulesSuggestCommand `cmd:"" help:"Propose normal paths, gaps, container cases and what cannot be measured, from what the log shows."`
	Compare RulesCompareCommand `cmd:"" help:"Say which breakpoints a rule book would make appear and disappear, and what that is worth."`
}

// readBook reads a rule book from a file.
func readBook(path string) (*rules.Book, error) {
	document, err := os.ReadFile(path)
	if err != nil {
		return nil, coded{err, service.Misused}
	}
	book, err := rules.Parse(path, document)
	if err != nil {
		return nil, coded{err, service.Wrong}
	}
	return book, nil
}

// bookInForce is the book of the generation that people read, with those that were published since.
func bookInForce(ctx context.Context, bus *nats.Bus, store *clickhouse.Store) (*rules.Book, error) {
	return aggregate.InForceNow(ctx, &aggregate.Dependencies{Log: bus, Store: store, Book: rules.Default(), Logger: zerolog.Nop()})
}

// bookAtClock is bookInForce, and of its books the one that holds at the furthest clock of the tables.
func bookAtClock(ctx context.Context, bus *nats.Bus, store *clickhouse.Store) (all, now *rules.Book, err error) {
	if all, err = bookInForce(ctx, bus, store); err != nil {
		return nil, nil, err
	}
	clocks, err := partitionClocks(ctx, store)
	clock := rules.Beginning
	for _, p := range clocks {
		clock = max(clock, p.at)
	}
	return all, all.At(clock), err
}

// RulesCheckCommand checks files.
type RulesCheckCommand struct {
	Files []string `arg:"" help:"Rule books (YAML)." type:"existingfile"`
}

// Help is shown by --help.
func (*RulesCheckCommand) Help() string {
	return `Every fault of every file, one a line, with what was expected; exit code 1 where there is one.

  parcours rules check rules.yaml`
}

// Run checks.
func (c *RulesCheckCommand) Run(_ *service.Common, s *streams) error {
	var wrong int
	for _, path := range c.Files {
		book, err := readBook(path)
		switch {
		case err != nil && exitCode(err) == service.Wrong:
			wrong++
			fmt.Fprintln(s.out, err)
		case err != nil:
			return err
		default:
			fmt.Fprintf(s.out, "%s: in order; version %s, %s from the default\n", path, book.Version(), keysDiffer(len(rules.Diff(rules.Default(), book))))
		}
	}
	if wrong > 0 {
		return coded{fmt.Errorf("%d of %d rule books cannot be used", wrong, len(c.Files)), service.Wrong}
	}
	return nil
}

// bookFlags find the book in force in a directory.
type bookFlags struct {
	Data    string `help:"Data directory whose book in force is meant." type:"path" placeholder:"DIR" env:"-"`
	Library string `name:"libchdb" help:"Path of libchdb.so; else PARCOURS_LIBCHDB, else the user cache directory." placeholder:"FILE" env:"-"`
	Memory  uint64 `name:"clickhouse-memory" help:"Most bytes the embedded ClickHouse may use." default:"2147483648"`
}

// source names a book, and says from when on it holds where that is known.
type source struct {
	name string
	book *rules.Book
	note string
}

// find reads a book by what a command line calls it: default, a file, or a directory for what is in force there.
func (f bookFlags) find(ctx context.Context, name string, log zerolog.Logger) (source, error) {
	switch {
	case name == "default":
		return source{name: name, book: rules.Default()}, nil
	case exists(name):
		return f.inForce(ctx, name, log)
	}
	book, err := readBook(name)
	return source{name: name, book: book}, err
}

// inForce gives the book in force at the clock of a directory, and says what else was or will be.
func (f bookFlags) inForce(ctx context.Context, dir string, log zerolog.Logger) (source, error) {
	d, err := openDirectory(DirectoryFlags{Data: dir, Library: f.Library, Memory: f.Memory}, log)
	if err != nil {
		return source{}, err
	}
	defer d.close()
	store, err := d.tables(ctx)
	if err != nil {
		return source{}, err
	}
	all, err := bookInForce(ctx, d.bus, store)
	if err != nil {
		return source{}, err
	}
	now, err := furthest(ctx, d.bus, store)
	if err != nil {
		return source{}, err
	}
	note := fmt.Sprintf("# In force in %s. Judged by version %s from the beginning on", dir, all.Version())
	for _, p := range all.Later() {
		note += fmt.Sprintf(",\n# by version %s from %s on (position %d of the log)", p.Book.Version(), moment(p.From), p.Position)
	}
	return source{"in force in " + dir, all.At(now), note + ".\n" + notYet(all, now)}, nil
}

// notYet says of books that hold from a moment on to which no clock has come that they are not what is printed.
func notYet(all *rules.Book, now event.Instant) (note string) {
	for _, p := range all.Later() {
		if p.From > now {
			note += fmt.Sprintf("# The book printed is the one in force; version %s holds from %s on, and nothing that happened then has come yet.\n",
				p.Book.Version(), moment(p.From))
		}
	}
	return note
}

// moment writes the moment from which a book holds.
func moment(from event.Instant) string {
	if from == rules.Beginning {
		return "the beginning"
	}
	return from.String()
}

// RulesShowCommand prints a book.
type RulesShowCommand struct {
	bookFlags
	Effective bool   `help:"Print the whole book as it holds (the default); with --no-effective only what differs from the default." default:"true" negatable:"" env:"-"`
	File      string `arg:"" optional:"" help:"A rule book, laid over the default." type:"existingfile"`
}

// Help is shown by --help.
func (*RulesShowCommand) Help() string {
	return `What is printed is a rule book itself: read again, it has the same version.

  parcours rules show                        # the default
  parcours rules show rules.yaml             # a file, laid over it
  parcours rules show --data DIR             # what is in force there
  parcours rules show --no-effective FILE    # only what differs from the default`
}

// Run prints.
func (c *RulesShowCommand) Run(common *service.Common, s *streams) error {
	ctx, stop := service.Interruptible()
	defer stop()
	name := "default"
	switch {
	case c.Data != "" && c.File != "":
		return misused("a file, or --data: not both")
	case c.Data != "":
		if !exists(c.Data) {
			return misused("--data %s: no such directory", c.Data)
		}
		name = c.Data
	case c.File != "":
		name = c.File
	}
	found, err := c.find(ctx, name, common.Logger(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	document := found.book.Document()
	if !c.Effective {
		document = found.book.Overlay(rules.Default())
	}
	_, err = io.WriteString(s.out, found.note+"# Version "+found.book.Version()+"\n"+string(document))
	return err
}

// RulesDiffCommand compares two books.
type RulesDiffCommand struct {
	bookFlags
	A string `arg:"" help:"default, a file, or a data directory (what is in force there)."`
	B string `arg:"" optional:"" help:"Another; with --data, what is in force there is A, and A is B."`
}

// Help is shown by --help.
func (*RulesDiffCommand) Help() string {
	return `  parcours rules diff default rules.yaml
  parcours rules diff rules.yaml --data DIR    # from what is in force to the file`
}

// Run compares. Exit code 0 also where they differ.
func (c *RulesDiffCommand) Run(common *service.Common, s *streams) error {
	ctx, stop := service.Interruptible()
	defer stop()
	names := []string{c.A, c.B}
	switch {
	case c.B != "" && c.Data != "":
		return misused("two books, or one and --data: not both")
	case c.B == "" && c.Data == "":
		return misused("expected two books, or one and --data DIR")
	case c.B == "":
		names = []string{c.Data, c.A}
	}
	var found [2]source
	for i, name := range names {
		var err error
		if found[i], err = c.find(ctx, name, common.Logger(zerolog.WarnLevel)); err != nil {
			return err
		}
	}
	printDiff(s.out, found[0], found[1])
	return nil
}

func printDiff(out io.Writer, a, b source) {
	list := rules.Diff(a.book, b.book)
	if len(list) == 0 {
		fmt.Fprintf(out, "%s and %s say the same (version %s).\n", a.name, b.name, a.book.Version())
		return
	}
	t := newTable(out, keysDiffer(len(list)), "key", a.name+" ("+a.book.Version()+")", b.name+" ("+b.book.Version()+")")
	for _, d := range list {
		t.AppendRow(table.Row{d.Key, orDash(d.A), orDash(d.B)})
	}
	t.Render()
}

func keysDiffer(n int) string {
	if n == 1 {
		return "1 key differs"
	}
	return fmt.Sprintf("%d keys differ", n)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// errSameBook means that a book would change nothing.
var errSameBook = errors.New("this is what is in force already: nothing was published")
