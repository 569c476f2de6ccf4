package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"parcours/cmd/internal/service"
	"parcours/pipeline/aggregate"
	"parcours/pipeline/event"
	"parcours/pipeline/ingest"
	"parcours/pipeline/nats"
	"parcours/pipeline/simulate"
)

// DemoCommand plays a made-up company through the whole pipeline.
type DemoCommand struct {
	CompanyFlags
	Data    string `help:"Data directory to keep; without it, a new one under the temporary directory." type:"path" placeholder:"DIR"`
	Library string `name:"libchdb" help:"Path of libchdb.so; else PARCOURS_LIBCHDB, else the user cache directory." placeholder:"FILE" env:"-"`
	Memory  uint64 `name:"clickhouse-memory" help:"Most bytes the embedded ClickHouse may use." default:"2147483648"`
	Rules   string `help:"Rule book of a new directory, in force from the beginning." type:"existingfile" placeholder:"FILE" env:"-"`
	Exit    bool   `help:"Stop when everything is in the tables, instead of serving on."`
	JSON    bool   `name:"json" help:"Print one JSON object as the last line of standard output, all else on standard error."`

	Listen           string `help:"Address of the HTTP door and of the page; port 0 picks a free one." default:"127.0.0.1:0"`
	NATSListen       string `name:"nats-listen" help:"Address of the embedded NATS." default:"127.0.0.1:0"`
	ClickHouseListen string `name:"clickhouse-listen" help:"Address of the embedded ClickHouse (HTTP)." default:"127.0.0.1:0"`
}

// Run simulates, folds, reports, and serves on unless told to exit.
func (c *DemoCommand) Run(common *service.Common, s *streams) error {
	ctx, stop := service.Interruptible()
	defer stop()
	sim, err := c.simulator()
	if err != nil {
		return err
	}
	mark, err := c.directory()
	if err != nil {
		return err
	}
	n, err := startNode(ctx, c.config(), common.Logger(zerolog.WarnLevel))
	if err != nil {
		return stopped(ctx, err)
	}
	defer n.close()
	if err := n.play(ctx, sim, mark, s.err); err != nil {
		return fmt.Errorf("demo in %s: %w", c.Data, err)
	}
	r, err := n.report(ctx, mark.Seconds)
	if err != nil {
		return err
	}
	return c.conclude(ctx, n, r, s)
}

// conclude prints the report and serves on, or not.
func (c *DemoCommand) conclude(ctx context.Context, n *node, r *report, s *streams) error {
	text := s.out
	if c.JSON {
		text = s.err
	}
	r.print(text, n.store.Database())
	if c.JSON {
		if err := json.NewEncoder(s.out).Encode(r); err != nil {
			return err
		}
	}
	if c.Exit {
		fmt.Fprintf(text, "\nThe data stays in %s:\n  parcours sql --data %s \"SELECT kind, count() FROM cx.breakpoints_v GROUP BY kind\"\n", c.Data, c.Data)
		return nil
	}
	return n.serve(ctx, c.Listen, text)
}

func (c *DemoCommand) config() nodeConfig {
	return nodeConfig{
		dir: c.Data, command: "demo", mode: nats.ModeLog, nats: guest(), door: ingest.Defaults(),
		aggregate: aggregate.Default(), natsAddr: c.NATSListen, tablesAddr: c.ClickHouseListen, library: c.Library,
		memory: c.Memory, seed: &c.Seed, rules: c.Rules,
	}
}

// demoMark is the file that says what a directory was made with.
type demoMark struct {
	path string
	CompanyFlags
	Done    bool    // everything has been sent, and is in the tables
	Seconds float64 // that it took
}

const demoFile = "demo.json"

// directory makes or finds the data directory; one made with other parameters is refused.
func (c *DemoCommand) directory() (*demoMark, error) {
	if c.Data == "" {
		dir, err := os.MkdirTemp("", "parcours-demo-")
		if err != nil {
			return nil, err
		}
		c.Data = dir
	}
	c.CompanyFlags = c.dated()
	mark := &demoMark{path: filepath.Join(c.Data, demoFile), CompanyFlags: c.CompanyFlags}
	raw, err := os.ReadFile(mark.path)
	if errors.Is(err, fs.ErrNotExist) {
		if exists(filepath.Join(c.Data, natsFolder)) {
			return nil, misused("%s holds data that no demo made: choose another --data", c.Data)
		}
		return mark, nil
	}
	if err != nil {
		return nil, err
	}
	made := demoMark{CompanyFlags: CompanyFlags{Company: simulate.DefaultCompany}} // older demos knew no other
	if err := json.Unmarshal(raw, &made); err != nil {
		return nil, fmt.Errorf("%s: %w", mark.path, err)
	}
	if made.CompanyFlags != c.CompanyFlags {
		return nil, misused("%s was made with --company %s --customers %d --days %d --seed %d --start %s: give the same, or another --data", c.Data,
			made.Company, made.Customers, made.Days, made.Seed, made.Start)
	}
	mark.Done, mark.Seconds = made.Done, made.Seconds
	return mark, nil
}

func (m *demoMark) write() error {
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return os.WriteFile(m.path, raw, 0o600)
}

// play sends the company's events through the door and waits until the tables are complete. An interrupted play is sent
// again from its start: what is there already counts as a copy. A finished one only waits for the tables.
func (n *node) play(ctx context.Context, sim *simulate.Simulator, mark *demoMark, progressTo io.Writer) error {
	if mark.Done {
		return n.finish(ctx)
	}
	if err := mark.write(); err != nil {
		return err
	}
	began := time.Now()
	bar := newProgress(progressTo, "demo", "events")
	sent := 0
	err := send(ctx, n.door, sim.Events(), func(k int) { sent += k; bar.at(sent, 0) })
	bar.done()
	if err != nil {
		return err
	}
	filling := newWait(progressTo, "filling the tables", "messages folded", folding(ctx, n.bus, n.store))
	err = n.finish(ctx)
	filling.done()
	if err != nil {
		return err
	}
	mark.Done, mark.Seconds = true, time.Since(began).Seconds()
	return mark.write()
}

// sendBatch is how many events go through the door at a time.
const sendBatch = 1000

// send puts events through the door.
func send(ctx context.Context, door *ingest.Door, events iter.Seq[event.Event], sent func(int)) error {
	batch := make([]ingest.Raw, 0, sendBatch)
	flush := func() error {
		res := door.Accept(ctx, batch, ingest.Origin{Name: "demo"})
		if res.Err != nil {
			return res.Err
		}
		sent(len(batch))
		batch = batch[:0]
		return nil
	}
	for e := range events {
		batch = append(batch, ingest.Raw{Body: event.AppendLog(nil, &e)})
		if len(batch) == sendBatch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}
