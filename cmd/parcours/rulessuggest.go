package main

import (
	"context"
	"os"

	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline/breakpoint"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/rules"
)

// RulesSuggestCommand proposes what to write into a rule book.
type RulesSuggestCommand struct {
	DirectoryFlags
	Output string `help:"File to write; - for standard output." short:"o" default:"-" placeholder:"FILE"`
}

// Help is shown by --help.
func (*RulesSuggestCommand) Help() string {
	return `Prints a rule book of your own: what is in force, and what the log suggests, with the reason of each line above. A log shows
what happens and not what ought to: read it, keep what you agree with, and judge all of history by it.

  parcours rules suggest --data DIR -o rules.yaml
  parcours rebuild --data DIR --rules rules.yaml --into cx_whatif
  parcours rules compare cx cx_whatif --data DIR`
}

// Run prints it.
func (c *RulesSuggestCommand) Run(common *service.Common, s *streams) error {
	ctx, stop := service.Interruptible()
	defer stop()
	d, err := openDirectory(c.DirectoryFlags, common.Logger(zerolog.WarnLevel))
	if err != nil {
		return err
	}
	defer d.close()
	store, err := d.readable(ctx)
	if err != nil {
		return err
	}
	book, err := bookInForce(ctx, d.bus, store)
	if err != nil {
		return err
	}
	suggestion, err := suggest(ctx, store, book)
	if err != nil {
		return err
	}
	document, err := suggestion.Document(book)
	if err != nil {
		return err
	}
	if c.Output != "-" {
		return os.WriteFile(c.Output, document, 0o644)
	}
	_, err = s.out.Write(document)
	return err
}

// suggest looks at what the tables show.
func suggest(ctx context.Context, store *clickhouse.Store, book *rules.Book) (rules.Suggestion, error) {
	observed, err := store.Observed(ctx, breakpoint.Clearings())
	if err != nil {
		return rules.Suggestion{}, err
	}
	return book.Suggest(observed), nil
}
