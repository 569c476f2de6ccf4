package main

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

// question is one query of a panel or a variable, or a baseline.
type question struct {
	dashboard, panel, sql string
	times                 []time.Duration
	cpu                   time.Duration // of the server, in all rounds
	rows                  int
	err                   error
}

// at is the time that a share of the rounds does not exceed.
func (q *question) at(share float64) time.Duration {
	if len(q.times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(q.times))
	return sorted[max(int(math.Ceil(share*float64(len(sorted))))-1, 0)]
}

const baseline = "(baseline)"

// baselines are what nothing of ours can be faster than: what a question costs, and what it costs to look at every event.
func baselines() []*question {
	return []*question{
		{dashboard: baseline, panel: "SELECT 1", sql: "SELECT 1"},
		{dashboard: baseline, panel: "all rows of events counted by type", sql: "SELECT type, count() FROM events GROUP BY type"},
	}
}

// measure asks everything that is asked when the screens are opened, one query at a time, screen after screen, and that so many times.
func (b *bench) measure() error {
	screens, err := b.screens()
	if err != nil {
		return err
	}
	end, err := b.end()
	if err != nil {
		return err
	}
	list := baselines()
	for _, s := range screens {
		asked, err := b.questions(s, end)
		if err != nil {
			return err
		}
		list = append(list, asked...)
	}
	load := loadAverage()
	for round := range b.rounds + 1 {
		for _, q := range list {
			if q.at(1) <= hopeless {
				b.ask(q, round > 0)
			}
		}
		if err := b.ctx.Err(); err != nil {
			return err
		}
	}
	return b.report(list, end, load)
}

// end is the day on which the tables end.
func (b *bench) end() (time.Time, error) {
	rows, err := b.rows("SELECT toUnixTimestamp(toDateTime(max(clock))) FROM frontier_v")
	if err != nil {
		return time.Time{}, err
	}
	var at int64
	_, err = fmt.Sscan(rows[0][0], &at)
	return time.Unix(at, 0).UTC(), err
}

// hopeless is a time after which a question is not asked again: it will not come within the limit.
const hopeless = 10 * time.Second

// ask puts a question once. A failure stays with the question.
func (b *bench) ask(q *question, counts bool) {
	var out bytes.Buffer
	begun, before := time.Now(), b.cpu()
	err := b.store.Query(b.ctx, q.sql, "JSONCompactEachRow", &out, true, nil)
	took := time.Since(begun)
	if err != nil {
		q.err = err
		return
	}
	q.rows = bytes.Count(out.Bytes(), []byte("\n"))
	if counts || took > hopeless {
		q.times, q.cpu = append(q.times, took), q.cpu+b.cpu()-before
	}
}

// report prints the tables, and is an error where a question failed or took too long.
func (b *bench) report(list []*question, end time.Time, load string) error {
	size, err := b.rows("SELECT (SELECT count() FROM events_v), (SELECT count() FROM journeys_v)")
	if err != nil {
		return err
	}
	fmt.Printf("%s events, %s journeys. Each query of each panel and variable as somebody gets it who opens the screen on %s: the period that it opens with, everything chosen.\n"+
		"Macros expanded as the data source does, asked over HTTP, one query at a time, %d times after once to warm up; from the question to the last byte. %d cores; load %s before, %s after.\n\n",
		size[0][0], size[0][1], end.Format(time.DateOnly), b.rounds, runtime.NumCPU(), load, loadAverage())
	if err := b.reportCopies(); err != nil {
		return err
	}
	slices.SortStableFunc(list, func(x, y *question) int {
		return cmp.Or(cmp.Compare(y.at(0.95), x.at(0.95)), strings.Compare(x.dashboard+x.panel, y.dashboard+y.panel))
	})
	t := table.NewWriter()
	t.AppendHeader(table.Row{"dashboard", "panel", "rows", "p50 ms", "p95 ms", "longest ms", "cpu ms", "error"})
	var slow, failed int
	for _, q := range list {
		said := ""
		if q.err != nil {
			said, failed = q.err.Error(), failed+1
		}
		if q.dashboard != baseline && q.at(0.95) > b.limit {
			slow++
		}
		t.AppendRow(table.Row{q.dashboard, q.panel, q.rows, milliseconds(q.at(0.5)), milliseconds(q.at(0.95)), milliseconds(q.at(1)), milliseconds(q.cpu / time.Duration(max(len(q.times), 1))), said})
	}
	fmt.Println(t.Render())
	if b.csv != "" {
		if err := os.WriteFile(b.csv, []byte(t.RenderCSV()+"\n"), 0o644); err != nil {
			return err
		}
	}
	if slow+failed > 0 {
		return fmt.Errorf("%d of %d queries take longer than %v, %d failed", slow, len(list), b.limit, failed)
	}
	fmt.Printf("All %d queries of panels and variables answer within %v (p95).\n", len(list)-len(baselines()), b.limit)
	return nil
}

// reportCopies says what copies of views cost, each once a day.
func (b *bench) reportCopies() error {
	copies, err := b.rows("SELECT name, rows, took_ms FROM snapshots_v ORDER BY took_ms DESC")
	if err != nil {
		return err
	}
	t := table.NewWriter()
	t.AppendHeader(table.Row{"copy of", "rows", "took ms"})
	var all int
	for _, c := range copies {
		var took int
		if _, err := fmt.Sscan(c[2], &took); err != nil {
			return err
		}
		all += took
		t.AppendRow(table.Row{c[0] + "_v", c[1], took})
	}
	t.AppendFooter(table.Row{"all, once a day", "", all})
	fmt.Println(t.Render())
	return nil
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.1f", d.Seconds()*1000) }

// loadAverage is that of the last minute, as the kernel says it; empty where it says none.
func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg") // not on every system
	one, _, _ := strings.Cut(string(text), " ")
	return one
}

// cpu is what the server has computed so far, on all cores: it says what a query costs where others load the machine too. To 10 ms; 0
// where the system does not say it.
func (b *bench) cpu() time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", b.pid))
	_, after, _ := strings.Cut(string(text), ") ")
	var user, system int64
	if f := strings.Fields(after); len(f) > 12 {
		_, _ = fmt.Sscan(f[11]+" "+f[12], &user, &system)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}
