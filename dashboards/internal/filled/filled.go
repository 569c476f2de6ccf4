// Package filled gives tests two ClickHouse servers: one with tables and no row, and one filled by a made-up company through the
// whole pipeline: door, log, fold, tables. A package that uses it says in its TestMain: os.Exit(filled.Main(m)).
package filled

import (
	"bytes"
	"context"
	_ "embed" // the rule book
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"parcours/pipeline/clickhouse"
	"parcours/pipeline/embedded"
)

// Company is what the made-up company left.
type Company struct {
	Store  *clickhouse.Store
	Events string // file of what it sent, NDJSON
	Truth  string // file of what truly happened (docs/simulator.md)
	Rules  string // file of its rule book
}

// The period in which figures are ripe and rows are due. The company begins on 1 January 2024 and ends on 6 March 2025, so that journeys
// of January 2025 have matured and January 2024 lies a year before them.
var (
	From  = time.Date(2024, 9, 1, 0, 0, 0, 0, time.UTC)
	To    = time.Date(2025, 3, 8, 0, 0, 0, 0, time.UTC)
	Month = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC) // the last matured
)

// flags of the company: few customers for long, since complaints take two months to mature and a year must lie between two months.
// What changed near the end is for alerts.
var flags = []string{"--customers", "160", "--days", "430", "--seed", "7", "--shifts", "385:refused_contact:7"}

// changed are the settings of the company leavers that are others here: more needs, so that few customers give many journeys, and less that is no journey.
var changed = []string{"needs_per_year: 5.5", "needs_per_year: 9", "visits: 2", "visits: 0.5", "p_busy: 0.04", "p_busy: 0.12"}

//go:embed rules.yaml
var rules []byte

// actions are what the company did about it: the simulator launches none.
const actions = `{"specversion":"1.0","id":"action-1","source":"/plans","type":"action.launched","time":"2024-12-02T09:00:00Z","data":{"silo":"customer_service","activity":"callback within the hour"}}
{"specversion":"1.0","id":"action-2","source":"/plans","type":"action.launched","time":"2025-01-22T09:00:00Z","data":{"silo":"it","activity":"line test rewritten"}}
`

var (
	folder  string // of this run of the tests
	closers []func()
)

// Main runs the tests of a package, and puts away what they used.
func Main(m *testing.M) int {
	embedded.RunChild()
	var err error
	if folder, err = os.MkdirTemp("", "parcours-filled-"); err != nil {
		panic(err)
	}
	code := m.Run()
	for _, c := range closers {
		c()
	}
	_ = os.RemoveAll(folder)
	return code
}

var (
	empty = sync.OnceValues(func() (*clickhouse.Store, error) {
		s, err := open(filepath.Join(folder, "empty"))
		if err != nil {
			return nil, err
		}
		return s, s.Migrate(context.Background())
	})
	full = sync.OnceValues(fill)
)

// Empty is a database as a new installation has it.
func Empty(t testing.TB) *clickhouse.Store {
	t.Helper()
	s, err := empty()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Full is the database of the made-up company; the first call fills it.
func Full(t testing.TB) *Company {
	t.Helper()
	c, err := full()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// open starts a ClickHouse and connects to it.
func open(dir string) (*clickhouse.Store, error) {
	server, err := embedded.StartClickHouse(context.Background(), embedded.ClickHouseConfig{Dir: dir}, zerolog.Nop())
	if err != nil {
		return nil, err
	}
	closers = append(closers, func() { _ = server.Close() })
	return clickhouse.Open(context.Background(), clickhouse.Config{Addr: server.Addr()}, zerolog.Nop())
}

// fill plays the company through `parcours import`, as an operator would, and opens the tables that it made.
func fill() (*Company, error) {
	in := func(name string) string { return filepath.Join(folder, name) }
	c := &Company{Events: in("events.ndjson"), Truth: in("truth.ndjson"), Rules: in("rules.yaml")}
	company, err := os.ReadFile(filepath.Join(module(), "pipeline/simulate/companies/leavers.yaml"))
	if err != nil {
		return nil, err
	}
	for name, text := range map[string][]byte{in("company.yaml"): []byte(strings.NewReplacer(changed...).Replace(string(company))), c.Rules: rules} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			return nil, err
		}
	}
	if err := look("go.mod", "go.sum", "cmd", "dashboards", "pipeline", "schemas"); err != nil {
		return nil, err
	}
	if err := run(module(), "go", "build", "-o", in("parcours"), "./cmd/parcours"); err != nil {
		return nil, err
	}
	simulate := append([]string{"simulate", "--company", in("company.yaml"), "-o", c.Events, "--truth", c.Truth}, flags...)
	if err := run(folder, in("parcours"), simulate...); err != nil {
		return nil, err
	}
	if err := add(c.Events, actions); err != nil {
		return nil, err
	}
	if err := run(folder, in("parcours"), "import", "--sort", "--data", in("data"), "--rules", c.Rules, c.Events); err != nil {
		return nil, err
	}
	c.Store, err = open(in("data/clickhouse"))
	return c, err
}

// look opens what the binary is built of: files, and folders with all that is in them. `go test` repeats an old result until a file is
// another that the test itself has opened or that is in its own binary, and knows nothing of what `go build` reads: a fold that is wrong
// would go unseen.
func look(paths ...string) error {
	for _, f := range paths {
		if err := filepath.WalkDir(filepath.Join(module(), f), func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
			return err
		}
	}
	return nil
}

func add(file, text string) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

func run(dir, command string, args ...string) error {
	cmd := exec.CommandContext(context.Background(), command, args...)
	cmd.Dir = dir
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, said.String())
	}
	return nil
}

// module is the folder of go.mod.
func module() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	return dir
}
