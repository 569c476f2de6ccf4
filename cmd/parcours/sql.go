package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline/clickhouse"
	"parcours/pipeline/embedded"
)

// SQLCommand runs a query.
type SQLCommand struct {
	DirectoryFlags
	ClickHouse service.ClickHouseFlags `embed:"" group:"Tables (ClickHouse)"`
	Format     string                  `help:"table, JSON, CSV, or any other format of ClickHouse." default:"table" env:"PARCOURS_SQL_FORMAT"`
	Readonly   bool                    `help:"Refuse whatever changes something."`
	Param      map[string]string       `help:"Value of a {name:Type} in the query." short:"p" placeholder:"NAME=VALUE"`
	Query      string                  `arg:"" optional:"" help:"The query; without it, standard input."`
}

// Help is shown by --help.
func (*SQLCommand) Help() string {
	return `Views carry the suffix _v: cx.events_v, cx.journeys_v, cx.journey_steps_v, cx.breakpoints_v, cx.data_dictionary_v.

  parcours sql --data DIR "SELECT kind, count() FROM cx.breakpoints_v GROUP BY kind"
  parcours sql --data DIR --format CSV "SELECT * FROM cx.journeys_v LIMIT 10"

A directory that "parcours up" holds is queried through it.`
}

// formats are the short names; what is not here is a name of ClickHouse's own.
var formats = map[string]string{"table": "PrettyCompactMonoBlock", "json": "JSON", "csv": "CSVWithNames"}

// Run prints the answer.
func (c *SQLCommand) Run(common *service.Common, s *streams) error {
	query, err := c.query(s.in)
	if err != nil {
		return err
	}
	ctx, stop := service.Interruptible()
	defer stop()
	log := common.Logger(zerolog.WarnLevel)
	config, err := c.ClickHouse.Config(nil)
	if err != nil {
		return err
	}
	if config.Addr == "" {
		addr, release, err := c.tables(log)
		if err != nil {
			return err
		}
		defer release()
		config.Addr = addr
		if a, err := embedded.ReadAddresses(c.Data); err == nil && config.Username == "" {
			config.Username = a.ClickHouseUser
		}
	}
	store, err := clickhouse.Open(ctx, config, log)
	if err != nil {
		return err
	}
	defer store.Close()
	return readable(store.Query(ctx, query, c.format(s.out), s.out, c.Readonly, c.Param))
}

// expectedList is what ClickHouse lists behind a syntax error: everything that could stand there, some hundred words.
var expectedList = regexp.MustCompile(`(?s)Expected one of: (.*?)\. \(SYNTAX_ERROR\)`)

// expectedMost is how many of them are said.
const expectedMost = 8

// readable shortens what ClickHouse says of a syntax error.
func readable(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	found := expectedList.FindStringSubmatchIndex(text)
	if found == nil {
		return err
	}
	list := strings.Split(text[found[2]:found[3]], ", ")
	if len(list) <= expectedMost {
		return err
	}
	short := strings.Join(list[:expectedMost], ", ") + fmt.Sprintf(" and %d more", len(list)-expectedMost)
	return shortened{err, text[:found[2]] + short + text[found[3]:]}
}

// shortened says an error in fewer words.
type shortened struct {
	error
	text string
}

// Error gives the fewer words.
func (s shortened) Error() string { return s.text }

func (s shortened) Unwrap() error { return s.error }

func (c *SQLCommand) query(in io.Reader) (string, error) {
	if c.Query != "" {
		return c.Query, nil
	}
	raw, err := io.ReadAll(in)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(string(raw)) == "" {
		return "", misused("no query: give one as an argument or on standard input")
	}
	return string(raw), nil
}

func (c *SQLCommand) format(out io.Writer) string {
	name, ok := formats[strings.ToLower(c.Format)]
	if !ok {
		return c.Format
	}
	if f, isFile := out.(*os.File); name == formats["table"] && (!isFile || !service.Terminal(f)) {
		return "PrettyCompactNoEscapesMonoBlock"
	}
	return name
}

// hasTables refuses a directory in which nothing was ever stored: a query must not begin one.
func hasTables(dir string) error {
	if exists(filepath.Join(dir, tablesFolder)) {
		return nil
	}
	if _, err := embedded.ReadAddresses(dir); err == nil {
		return nil // its tables may be elsewhere
	}
	if exists(filepath.Join(dir, natsFolder)) {
		return misused("--data %s: there is a log and no tables (parcours up fills them from it)", dir)
	}
	return noLog(dir)
}

// tables finds the ClickHouse of the directory: the one of the process that holds it, else one started for this query.
func (c *SQLCommand) tables(log zerolog.Logger) (addr string, release func(), err error) {
	if !exists(c.Data) {
		return "", nil, misused("--data %s: no such directory (parcours demo or parcours import makes one)", c.Data)
	}
	if err := hasTables(c.Data); err != nil {
		return "", nil, err
	}
	lock, err := embedded.LockDirectory(c.Data)
	var held *embedded.HeldError
	if errors.As(err, &held) {
		if held.Addresses.ClickHouse == "" {
			return "", nil, err
		}
		return held.Addresses.ClickHouse, func() {}, nil
	}
	if err != nil {
		return "", nil, err
	}
	ctx, stop := service.Interruptible()
	defer stop()
	server, err := startTables(ctx, nodeConfig{dir: c.Data, library: c.Library, memory: c.Memory}, log)
	if err != nil {
		_ = lock.Release()
		return "", nil, err
	}
	return server.Addr(), func() {
		_ = server.Close()
		_ = lock.Release()
	}, nil
}
