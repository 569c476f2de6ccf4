package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"parcours/pipeline"
	"parcours/schemas"
)

// tailed runs tail to its end and gives its lines.
func tailed(t *testing.T, dir string, args ...string) (list []tailLine) {
	t.Helper()
	out := must(t, append([]string{"tail", "--data", dir, "--no-follow", "--json"}, args...)...)
	if strings.Contains(out, "a-17") || strings.Contains(out, "A-1") {
		t.Errorf("tail %v prints what is personal:\n%s", args, out)
	}
	for text := range strings.Lines(out) {
		var l tailLine
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		list = append(list, l)
	}
	return list
}

// kinds counts lines by stream.
func kinds(list []tailLine) map[string]int {
	counts := map[string]int{}
	for _, l := range list {
		counts[l.Stream]++
	}
	return counts
}

// TestTailFilters: each filter alone and some together, on a directory that is held and on the same that is not.
func TestTailFilters(t *testing.T) {
	dir := dataDir(t)
	p := up(t, dir, "--clock", "log")
	p.follows(t, dir, toldHistory()...)
	caller := p.count(t, "SELECT any(customer_id) FROM cx.journeys_v WHERE case_id = ''")
	customer := p.count(t, "SELECT any(customer_id) FROM cx.journeys_v WHERE case_id != ''")
	check := func() {
		t.Helper()
		all := tailed(t, dir, "--from-start")
		if n := kinds(all); n["event"] != 7 || n["breakpoint"] != 1 || n["journey"] < 6 {
			t.Errorf("everything: %v", n)
		}
		if !slices.IsSortedFunc(all, func(a, b tailLine) int { return strings.Compare(a.StoredAt, b.StoredAt) }) {
			t.Error("the lines are not in the order of storing")
		}
		for _, c := range []struct {
			args []string
			want map[string]int
		}{
			{[]string{"--events"}, map[string]int{"event": 7}},
			{[]string{"--events", "--channel", "phone"}, map[string]int{"event": 6}},
			{[]string{"--events", "--type", "contact.ended"}, map[string]int{"event": 3}},
			{[]string{"--type", "contact"}, map[string]int{"event": 6}},
			{[]string{"--events", "--channel", "phone", "--type", "case.opened"}, map[string]int{}},
			{[]string{"--events", "--reason", "delivery"}, map[string]int{"event": 1}},
			{[]string{"--events", "--customer", customer[:10]}, map[string]int{"event": 1}},
			{[]string{"--events", "--type", "log.opened"}, map[string]int{"event": 1}},
			{[]string{"--breakpoints"}, map[string]int{"breakpoint": 1}},
			{[]string{"--kind", "repeat_contact", "--reason", "billing"}, map[string]int{"breakpoint": 1}},
			{[]string{"--kind", "repeat_contact", "--reason", "delivery"}, map[string]int{}},
			{[]string{"--kind", "sla_breach"}, map[string]int{}},
			{[]string{"--breakpoints", "--channel", "phone"}, map[string]int{"breakpoint": 1}},
			{[]string{"--breakpoints", "--channel", "email"}, map[string]int{}},
			{[]string{"--journeys", "--type", "journey.retracted"}, map[string]int{"journey": 3}},
			{[]string{"--journeys", "--type", "journey.retracted", "--customer", caller}, map[string]int{"journey": 3}},
			{[]string{"--journeys", "--type", "journey.retracted", "--customer", customer}, map[string]int{}},
			{[]string{"--journeys", "--reason", "delivery"}, map[string]int{"journey": 1}},
			{[]string{"--journeys", "--breakpoints", "--customer", customer}, map[string]int{"journey": 1}},
			{[]string{"--since", "2099-01-01"}, map[string]int{}},
			{[]string{"-n", "3"}, map[string]int{"": 3}},
		} {
			got := kinds(tailed(t, dir, c.args...))
			if n, any := c.want[""]; any {
				sum := 0
				for _, k := range got {
					sum += k
				}
				got, c.want = map[string]int{"": sum}, map[string]int{"": n}
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("tail %v prints %v, expected %v", c.args, got, c.want)
			}
		}
		if since := tailed(t, dir, "--since", "1h"); len(since) != len(all) {
			t.Errorf("since an hour: %d lines of %d", len(since), len(all))
		}
		if last := tailed(t, dir, "-n", "3"); last[2].StoredAt != all[len(all)-1].StoredAt {
			t.Errorf("the last line is %+v", last[2])
		}
		middle, err := time.Parse(time.RFC3339Nano, all[len(all)/2].StoredAt)
		if err != nil {
			t.Fatal(err)
		}
		if got := tailed(t, dir, "--since", middle.Format(time.RFC3339Nano)); len(got) == 0 || len(got) >= len(all) || got[0].StoredAt < all[len(all)/2].StoredAt {
			t.Errorf("since the middle, %s: %d lines of %d", middle, len(got), len(all))
		}
	}
	check()
	text := must(t, "tail", "--data", dir, "--breakpoints", "--no-follow")
	for _, want := range []string{"2026-03-04 10:10:00 breakpoint", "repeat_contact", "billing.dispute", "severity 3", "customer_service/lyon"} {
		if !strings.Contains(text, want) {
			t.Errorf("for a reader, no %q: %s", want, text)
		}
	}
	p.stop(t, syscall.SIGTERM)
	check()
	if out := must(t, "tail", "--data", dir, "--from-start"); strings.Count(out, "\n") < 14 { // nobody holds it: it ends by itself
		t.Errorf("what there is: %s", out)
	}
}

// TestTailFollows: what comes is printed when it comes, until an interrupt, which is no failure.
func TestTailFollows(t *testing.T) {
	dir := dataDir(t)
	p := up(t, dir, "--clock", "log")
	history := toldHistory()
	p.follows(t, dir, history[:3]...)
	cmd := command(t, "tail", "--data", dir, "--type", "contact", "--events", "-n", "1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	next := func() string {
		if !lines.Scan() {
			t.Fatalf("tail has ended: %v", lines.Err())
		}
		return lines.Text()
	}
	if got := next(); !strings.Contains(got, "again-start") {
		t.Errorf("the last one that was there: %s", got)
	}
	p.post(t, structured, history[6]) // a case: not asked for
	p.post(t, structured, history[3])
	if got := next(); !strings.Contains(got, "again-end") || strings.Contains(got, "\x1b") {
		t.Errorf("what came: %s", got)
	}
	began := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	both := command(t, "tail", "--data", dir, "-n", "0", "--json")
	found, err := both.StdoutPipe()
	if err == nil {
		err = both.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	// It prints nothing of what was there before it was started: what is told of the last post may still come.
	stop := make(chan struct{})
	posted := make(chan struct{})
	go func() {
		defer close(posted)
		for i := 0; ; i++ {
			p.post(t, structured, eventLine(fmt.Sprintf("live-%d", i), "contact.started", "2026-03-21T09:00:00Z", fmt.Sprintf(`"identifiers":{"customer":"L-%d"},"channel":"chat"`, i)))
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	streams := map[string]bool{}
	for live := bufio.NewScanner(found); len(streams) < 2 && live.Scan(); {
		var l tailLine
		if err := json.Unmarshal(live.Bytes(), &l); err != nil || l.StoredAt < began {
			t.Fatalf("%s: %v", live.Text(), err)
		}
		streams[l.Stream] = true
	}
	close(stop)
	<-posted
	if !streams["event"] || !streams["journey"] {
		t.Errorf("live: %v", streams)
	}
	if err := both.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, found)
	_, _ = io.Copy(io.Discard, out)
	if err := both.Wait(); err != nil {
		t.Errorf("ended by a signal: %v", err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("interrupted: %v", err)
	}
	p.stop(t, syscall.SIGTERM)
}

// TestTailMisused: what cannot be asked for is said.
func TestTailMisused(t *testing.T) {
	dir := t.TempDir()
	for want, args := range map[string][]string{
		"sla_breach":         {"--kind", "sla"},
		"phone":              {"--channel", "fax"},
		"as billing":         {"--reason", "billing.dispute"},
		"leave out --events": {"--kind", "sla_breach", "--events"},
		"2026-03-02":         {"--since", "yesterday"},
		"can't be used":      {"--since", "1h", "--from-start"},
		"there is no log":    {},
	} {
		_, errOut, code := parcours(t, append([]string{"tail", "--data", dir}, args...)...)
		if code != 2 || !strings.Contains(errOut, want) {
			t.Errorf("tail %v: exit %d, expected 2 and %q: %s", args, code, want, errOut)
		}
	}
}

// TestTailAlerts: alerts are lines of their own, which their kind and reason family choose, and no customer.
func TestTailAlerts(t *testing.T) {
	body := func(typ string) []byte {
		b, err := schemas.Journey.ReadFile("journey/examples/" + typ + ".json")
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	lines := func(f TailFilter) (list []string) {
		filter, err := f.filter()
		if err != nil {
			t.Fatal(err)
		}
		filter.family = f.Reason
		tail := &tail{filter: filter, theirs: map[string]bool{}}
		for _, typ := range []string{"alert.raised", "alert.cleared"} {
			l, err := tail.toldLine(&pipeline.Message{Type: typ + ".long_wait.billing", Body: body(typ)})
			if err != nil {
				t.Fatal(err)
			}
			if l != nil {
				list = append(list, l.text(paint{}, time.UTC))
			}
		}
		return list
	}
	want := []string{
		"2026-03-06 00:00:00 alert      alert.raised          long_wait  billing  58 instead of 36.4  factor 1.59  since 2026-03-03  alert 7d0c44b1e98a",
		"2026-03-20 00:00:00 alert      alert.cleared         long_wait  billing  usual_again  raised on 2026-03-05  alert 7d0c44b1e98a",
	}
	for _, c := range []struct {
		filter TailFilter
		want   []string
	}{
		{TailFilter{}, want}, {TailFilter{Alerts: true}, want}, {TailFilter{Kind: "long_wait"}, want}, {TailFilter{Alerts: true, Reason: "billing"}, want},
		{TailFilter{Type: "alert.cleared"}, want[1:]},
		{TailFilter{Kind: "detractor"}, nil}, {TailFilter{Breakpoints: true}, nil}, {TailFilter{Journeys: true}, nil}, {TailFilter{Reason: "delivery"}, nil},
		{TailFilter{Customer: "c5"}, nil}, {TailFilter{Alerts: true, Channel: "email"}, nil},
	} {
		if got := lines(c.filter); !slices.Equal(got, c.want) {
			t.Errorf("%+v:\n%q, want\n%q", c.filter, got, c.want)
		}
	}
}

// TestTailChurn: churn signals are lines of their own, which their kind and their customer choose.
func TestTailChurn(t *testing.T) {
	lines := func(f TailFilter) (list []string) {
		filter, err := f.filter()
		if err != nil {
			t.Fatal(err)
		}
		filter.family = f.Reason
		tail := &tail{filter: filter, theirs: map[string]bool{}}
		for _, typ := range []string{"churn.signalled", "churn.cleared"} {
			body, err := schemas.Journey.ReadFile("journey/examples/" + typ + ".json")
			if err != nil {
				t.Fatal(err)
			}
			l, err := tail.toldLine(&pipeline.Message{Type: typ + ".silence.all", Body: body})
			if err != nil {
				t.Fatal(err)
			}
			if l != nil {
				list = append(list, l.text(paint{}, time.UTC))
			}
		}
		return list
	}
	want := []string{
		"2026-05-04 00:00:00 churn      churn.signalled       silence  61 against 58.4  standard  customer c5b0f6e1a94d  signal 4f0e7a9b2c61",
		"2026-05-19 17:40:12 churn      churn.cleared         silence  returned  raised at 2026-05-04T00:00:00.000Z  customer c5b0f6e1a94d  signal 4f0e7a9b2c61",
	}
	for _, c := range []struct {
		filter TailFilter
		want   []string
	}{
		{TailFilter{}, want}, {TailFilter{Churn: true}, want}, {TailFilter{Kind: "silence"}, want}, {TailFilter{Customer: "c5b0"}, want},
		{TailFilter{Type: "churn.cleared"}, want[1:]},
		{TailFilter{Kind: "detractor"}, nil}, {TailFilter{Alerts: true}, nil}, {TailFilter{Journeys: true}, nil}, {TailFilter{Reason: "delivery"}, nil},
		{TailFilter{Customer: "c6"}, nil}, {TailFilter{Churn: true, Channel: "email"}, nil},
	} {
		if got := lines(c.filter); !slices.Equal(got, c.want) {
			t.Errorf("%+v:\n%q, want\n%q", c.filter, got, c.want)
		}
	}
}

// TestTailSubjects: of JOURNEYS one filter is read that lets through all that is asked for.
func TestTailSubjects(t *testing.T) {
	for want, f := range map[string]TailFilter{
		"":                            {},
		"*.journey.*.*":               {Journeys: true},
		"*.journey.*.billing":         {Journeys: true, Reason: "billing"},
		"*.breakpoint.*.*.*":          {Breakpoints: true},
		"*.alert.*.*.billing":         {Alerts: true, Reason: "billing"},
		"*.alert.*.long_wait.*":       {Alerts: true, Kind: "long_wait"},
		"*.*.*.long_wait.billing":     {Kind: "long_wait", Reason: "billing"},
		"*.breakpoint.*.detractor.*":  {Breakpoints: true, Kind: "detractor"},
		"*.*.*.*.*":                   {Breakpoints: true, Alerts: true},
		"*.churn.*.*.*":               {Churn: true},
		"*.churn.*.silence.*":         {Churn: true, Kind: "silence"},
		"*.*.*.risk.*":                {Churn: true, Alerts: true, Kind: "risk"},
		"*.breakpoint.*.*.insurances": {Breakpoints: true, Reason: "insurances"},
	} {
		filter, err := f.filter()
		if err != nil {
			t.Fatal(err)
		}
		filter.family = f.Reason
		if got := filter.subject(); got != want {
			t.Errorf("%+v: %q, want %q", f, got, want)
		}
	}
}
