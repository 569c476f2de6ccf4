package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"parcours/cmd/internal/service"
)

// TestDemo: the report agrees with SQL, the same seed gives the same figures, other parameters are refused.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	args := []string{"demo", "--customers", "500", "--days", "30", "--seed", "7", "--exit", "--json"}
	first := lastLine[report](t, must(t, append(args, "--data", dir)...))
	if first.Events <= 2000 || first.Journeys <= 300 || len(first.Breakpoints) < 10 || first.Rejected != 0 || first.Data != dir {
		t.Errorf("unexpected report: %+v", first)
	}
	if first.Seconds <= 0 || first.EventsPerSecond <= 0 || first.Customers == 0 {
		t.Errorf("a figure is missing: %+v", first)
	}
	var answer struct {
		Data []struct {
			Kind string `json:"kind"`
			N    uint64 `json:"n"`
		} `json:"data"`
	}
	out := must(t, "sql", "--data", dir, "--format", "JSON", "SELECT kind, count() AS n FROM cx.breakpoints_v GROUP BY kind")
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatal(err)
	}
	bySQL := map[string]uint64{}
	for _, row := range answer.Data {
		bySQL[row.Kind] = row.N
	}
	if !maps.Equal(bySQL, first.Breakpoints) {
		t.Errorf("the report says %v, SQL says %v", first.Breakpoints, bySQL)
	}
	second := lastLine[report](t, must(t, append(args, "--data", t.TempDir())...))
	if second.Events != first.Events || second.Journeys != first.Journeys || !maps.Equal(second.Breakpoints, first.Breakpoints) {
		t.Errorf("the same seed gave %+v, then %+v", first, second)
	}
	again := lastLine[report](t, must(t, append(args, "--data", dir)...))
	if again.Events != first.Events || again.Seconds != first.Seconds {
		t.Errorf("run again on its directory, the demo says %+v", again)
	}
	_, errOut, code := parcours(t, "demo", "--customers", "500", "--days", "30", "--seed", "8", "--exit", "--data", dir)
	if code != 2 || !strings.Contains(errOut, "--seed 7") {
		t.Errorf("a directory made with another seed: exit %d, %s", code, errOut)
	}
}

// TestDemoReadable: without --json a person gets a report; it says why there is no month to tell yet, and so does the brief, in its language.
func TestDemoReadable(t *testing.T) {
	dir := t.TempDir()
	out := must(t, "demo", "--customers", "100", "--days", "20", "--exit", "--data", dir)
	for _, want := range []string{"journeys", "repeat_contact", "owner", "Three queries worth trying", "parcours sql --data",
		"show no month. No month can be told yet: the figures of a month ripen 31 days after its end", "The first, January 2026, can be told when the log has come to 4 March 2026; it has come to 24 January 2026."} {
		if !strings.Contains(out, want) {
			t.Errorf("the report does not say %q:\n%s", want, out)
		}
	}
	for lang, says := range map[string]string{"fr": "Le premier, janvier 2026, pourra l'être quand le journal en sera au 4 mars 2026", "en": "when the log has come to 4 March 2026"} {
		if _, errOut, code := parcours(t, "brief", "--data", dir, "--lang", lang, "--out", "-"); code != service.Impaired || !strings.Contains(errOut, says) {
			t.Errorf("brief in %s: exit %d, %s", lang, code, errOut)
		}
	}
}

// TestSimulate: the same seed gives the same bytes, and what it writes can be imported whole.
func TestSimulate(t *testing.T) {
	args := []string{"simulate", "--customers", "40", "--days", "15", "--seed", "3"}
	one := must(t, args...)
	if two := must(t, args...); one != two {
		t.Error("the same seed wrote other bytes")
	}
	dir := t.TempDir()
	file := tempFile(t, "events.ndjson", one)
	r := lastLine[imported](t, must(t, "import", "--data", dir, "--json", file))
	lines := strings.Count(one, "\n")
	if r.Rows != lines || r.Refused != 0 || r.Accepted+r.Duplicates != lines {
		t.Errorf("%d lines were imported as %+v", lines, r)
	}
	if got, want := sqlCSV(t, dir, "SELECT count() FROM cx.journeys_v WHERE journey_id IN (SELECT journey_id FROM cx.journey_steps_v)"),
		sqlCSV(t, dir, "SELECT count() FROM cx.journeys_v"); got != want || got == "0" {
		t.Errorf("%s of %s journeys have steps", got, want)
	}
}

// TestSimulateTruth: the truth stands beside the events, of the company asked for; asking for it changes no event.
func TestSimulateTruth(t *testing.T) {
	truth := filepath.Join(t.TempDir(), "truth.ndjson")
	args := []string{"simulate", "--customers", "40", "--days", "15", "--seed", "3", "--company"}
	bank := must(t, append(args, "bank", "--truth", truth)...)
	if bank != must(t, append(args, "bank")...) || bank == must(t, append(args, "default")...) {
		t.Error("the company is not the one asked for, or the truth changes it")
	}
	raw, err := os.ReadFile(truth)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	if want := `{"record":"company","seed":3,"start":"2026-01-05T00:00:00.000Z","days":15,"customers":40,"company":"bank"}`; first != want {
		t.Errorf("the truth begins with\n%s\nexpected\n%s", first, want)
	}
	sent := map[string]bool{}
	for line := range strings.Lines(bank) {
		id, _, _ := strings.Cut(line, `,"type"`)
		sent[id] = true
	}
	if told := strings.Count(string(raw), `"unsent":false}`); told != len(sent) || !strings.Contains(string(raw), `{"record":"need"`) {
		t.Errorf("%d different events were sent, the truth knows %d", len(sent), told)
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "pipeline", "simulate", "companies", "bank.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if must(t, append(args, tempFile(t, "own.yaml", string(page)))...) != bank {
		t.Error("the same page in a file is another company")
	}
}

// TestUsage: what is used wrongly says so with exit 2.
func TestUsage(t *testing.T) {
	empty := t.TempDir()
	mapping, err := os.ReadFile(filepath.Join("..", "..", "examples", "helpdesk_italian.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	helpdesk := string(mapping)
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown flag", []string{"up", "--nope"}, "--nope"},
		{"unknown command", []string{"fly"}, "fly"},
		{"no query", []string{"sql", "--data", t.TempDir()}, "no query"},
		{"no directory", []string{"sql", "--data", "/nowhere/at/all", "SELECT 1"}, "no such directory"},
		{"a directory that holds nothing", []string{"sql", "--data", empty, "SELECT 1"}, "there is no log"},
		{"no file", []string{"readiness", "/nowhere/at/all.csv"}, "parcours: /nowhere/at/all.csv: no such file"},
		{"no file of a flag", []string{"readiness", "--mapping", "/nowhere/at/all.yaml", "x"}, "--mapping: /nowhere/at/all.yaml: no such file"},
		{"a file and a directory", []string{"readiness", "--data", empty, tempFile(t, "e.ndjson", "{}")}, "one of the two is wanted"},
		{"NDJSON with a mapping", []string{"readiness", "--mapping", tempFile(t, "m.yaml", helpdesk), tempFile(t, "e.log", "\ufeff \n{\"id\":1}")}, "looks like NDJSON"},
		{"mapping for NDJSON", []string{"import", "--format", "ndjson", "--mapping", tempFile(t, "m.yaml", "a: b"), tempFile(t, "e.ndjson", "{}")}, "no --mapping"},
		{"CSV without mapping", []string{"import", "--format", "csv", tempFile(t, "e.csv", "a")}, "needs --mapping"},
		{"open to the world without a key", []string{"up", "--listen", "0.0.0.0:0", "--data", t.TempDir()}, "--api-keys"},
		{"no key in the key file", []string{"up", "--api-keys", tempFile(t, "k.yaml", "# none\n"), "--data", t.TempDir()}, "holds no key"},
		{"bad start", []string{"simulate", "--start", "tomorrow"}, "expected a date"},
		{"unknown company", []string{"simulate", "--company", "nobody"}, "expected one of bank, default"},
		{"broken company", []string{"simulate", "--company", tempFile(t, "o.yaml", "name: own\ncolour: red\n")}, "colour"},
		{"truth over the events", []string{"simulate", "-o", "both.ndjson", "--truth", "both.ndjson"}, "expected two files"},
		{"unknown setting", []string{"simulate", "--config", tempFile(t, "c.yaml", "custommers: 3")}, "custommers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, errOut, code := parcours(t, c.args...)
			if code != 2 || !strings.Contains(errOut, c.want) {
				t.Errorf("exit %d, expected 2 and %q:\n%s", code, c.want, errOut)
			}
		})
	}
	if left, err := os.ReadDir(empty); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestSettings: flag before environment before file before default.
func TestSettings(t *testing.T) {
	file := tempFile(t, "c.yaml", "customers: 7\nsimulate:\n  days: 9\n")
	count := func(env string, args ...string) int {
		cmd := command(t, append([]string{"simulate", "--config", file}, args...)...)
		if env != "" {
			cmd.Env = append(cmd.Env, env)
		}
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(out), "\n")
	}
	same := func(args ...string) int {
		return strings.Count(must(t, append([]string{"simulate"}, args...)...), "\n")
	}
	if got, want := count(""), same("--customers", "7", "--days", "9"); got != want {
		t.Errorf("file: %d events, expected %d", got, want)
	}
	nested := tempFile(t, "n.yaml", "rejected:\n  data: "+filepath.Join(t.TempDir(), "of-rejected")+"\n")
	if _, errOut, code := parcours(t, "rejected", "list", "--config", nested); code != 2 || !strings.Contains(errOut, "of-rejected: there is no log") {
		t.Errorf("a section of a verb with verbs below: exit %d, %s", code, errOut)
	}
	if got, want := count("PARCOURS_CUSTOMERS=20"), same("--customers", "20", "--days", "9"); got != want {
		t.Errorf("environment over file: %d events, expected %d", got, want)
	}
	if got, want := count("PARCOURS_CUSTOMERS=20", "--customers", "30"), same("--customers", "30", "--days", "9"); got != want {
		t.Errorf("flag over environment: %d events, expected %d", got, want)
	}
}

// TestUpOnDemo: a directory that a demo has filled can be served, and takes more events.
func TestUpOnDemo(t *testing.T) {
	dir := t.TempDir()
	must(t, "demo", "--data", dir, "--customers", "50", "--days", "10", "--seed", "3", "--exit")
	p := up(t, dir)
	if n := p.count(t, "SELECT count() > 0 FROM cx.journeys_v"); n != "1" {
		t.Errorf("no journeys are there: %s", n)
	}
	p.stop(t, syscall.SIGTERM)
	if r := verified(t, dir); r.First == 0 {
		t.Errorf("verify says %+v", r)
	}
}
