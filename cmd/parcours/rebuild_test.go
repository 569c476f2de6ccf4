package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// ask gives the answer of the process's own ClickHouse; it may be called from any goroutine.
func (p *upProcess) ask(query string) (string, error) {
	res, err := http.Post("http://"+p.addresses.ClickHouse+"/", "text/plain", strings.NewReader(query)) //nolint:noctx // a test
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK {
		err = errors.Join(err, fmt.Errorf("status %d: %s", res.StatusCode, raw))
	}
	return strings.TrimSpace(string(raw)), err
}

// everything is every readable row of the facts, in one query, order aside.
const everything = "SELECT (SELECT (count(), sum(cityHash64(toString(tuple(*))))) FROM cx.journeys_v), (SELECT (count(), sum(cityHash64(toString(tuple(*))))) FROM cx.breakpoints_v), " +
	"(SELECT (count(), sum(cityHash64(toString(tuple(*))))) FROM cx.journey_steps_v)"

// watch asks again and again until it is stopped, which gives how often; every answer must be the one expected.
func (p *upProcess) watch(t *testing.T, query, want string) (stop func() (asked int)) {
	t.Helper()
	var group sync.WaitGroup
	end, asked := make(chan struct{}), 0
	group.Go(func() {
		for ; ; asked++ {
			got, err := p.ask(query)
			if err != nil || got != want {
				t.Errorf("answer %d: %s %v, expected %s", asked, got, err, want)
				return
			}
			select {
			case <-end:
				return
			default:
			}
		}
	})
	return func() int { close(end); group.Wait(); return asked }
}

// generations are those that have rows, and the current one.
func (p *upProcess) generations(t *testing.T) string {
	t.Helper()
	return p.count(t, "SELECT arraySort(groupUniqArray(generation)), (SELECT argMax(generation, (switched_at, generation)) FROM cx.generation) "+
		"FROM (SELECT generation FROM cx.journeys UNION ALL SELECT generation FROM cx.journey_steps UNION ALL SELECT generation FROM cx.breakpoints "+
		"UNION ALL SELECT generation FROM cx.aliases UNION ALL SELECT generation FROM cx.ledger UNION ALL SELECT generation FROM cx.digests "+
		"UNION ALL SELECT generation FROM cx.frontier)")
}

// TestRebuildUnseen: who asks while the log is folded anew sees no difference, at no moment; the generation before the
// current one is kept, those before it are gone; and what comes in meanwhile is in the new one.
func TestRebuildUnseen(t *testing.T) {
	dir := dataDir(t)
	p := up(t, dir, "--clock", "log")
	lines := strings.SplitAfter(strings.TrimSpace(must(t, "simulate", "--customers", "300", "--days", "60", "--seed", "4")), "\n")
	old, more := lines[:len(lines)/3], lines[len(lines)/3:]
	must(t, "import", "--data", dir, tempFile(t, "old.ndjson", strings.Join(old, "")))
	before, want := sums(t, dir, "--exact", true), p.count(t, everything)
	if got := p.generations(t); got != "[1]\t1" {
		t.Fatalf("generations %s", got)
	}
	stop := p.watch(t, everything, want)
	for _, kept := range []string{"[1,2]\t2", "[2,3]\t3"} {
		must(t, "rebuild", "--data", dir)
		if got := p.generations(t); got != kept {
			t.Errorf("generations and the current one: %s, expected %s", got, kept)
		}
		if after := sums(t, dir, "--exact", true); after != before {
			t.Errorf("after a rebuild\n%s\nbefore\n%s", after, before)
		}
	}
	if asked := stop(); asked < 20 {
		t.Errorf("asked only %d times", asked)
	}

	posted := make(chan int)
	rebuilt := make(chan struct{})
	go func() {
		posted <- p.postWhile(t, more, 4, rebuilt)
	}()
	must(t, "rebuild", "--data", dir)
	close(rebuilt)
	n := <-posted
	if n == 0 || n == len(more) {
		t.Errorf("%d of %d events came during the rebuild, expected that it ends while they come", n, len(more))
	}
	must(t, "import", "--data", dir, tempFile(t, "rest.ndjson", strings.Join(more[n:], ""))) // returns when the tables are complete
	if r := verified(t, dir, "--ids"); r.Generation.Number != 4 || int(r.First+r.Copies) < len(lines)-100 {
		t.Errorf("of %d lines, verify says %+v", len(lines), r)
	}
	during := sums(t, dir, "--exact", true)
	must(t, "rebuild", "--data", dir)
	if after := sums(t, dir, "--exact", true); after != during {
		t.Errorf("folded from nothing\n%s\ntaken over while events came in\n%s", after, during)
	}
	p.stop(t, syscall.SIGTERM)
}

// postWhile posts lines, one after the other, from the first rows of a generation on until something is over, and gives how
// many it has posted.
func (p *upProcess) postWhile(t *testing.T, lines []string, generation int, over <-chan struct{}) (posted int) {
	pace := time.NewTicker(3 * time.Millisecond)
	defer pace.Stop()
	for begun := false; posted < len(lines); {
		select {
		case <-over:
			return posted
		case <-pace.C:
		}
		if !begun {
			rows, err := p.ask(fmt.Sprint("SELECT count() FROM cx.journeys WHERE generation = ", generation))
			if err != nil {
				t.Error(err)
				return 0
			}
			begun = rows != "0"
			continue
		}
		res, err := http.Post(p.addresses.Ingest+"/v1/events", "application/x-ndjson", strings.NewReader(lines[posted])) //nolint:noctx // a test
		if err != nil {
			t.Error(err)
			return posted
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusAccepted {
			t.Errorf("the door answered %d", res.StatusCode)
			return posted
		}
		posted++
	}
	return posted
}
