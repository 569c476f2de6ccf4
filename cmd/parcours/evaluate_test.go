package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"parcours/cmd/internal/service"
	"parcours/pipeline/evaluate"
	"parcours/pipeline/evaluate/reference"
	"parcours/pipeline/simulate"
)

// knownCompany writes the events of the made-up company, and its truth.
func knownCompany(t *testing.T, customers, days int) (events, truth string) {
	t.Helper()
	sim := simulate.New(simulate.Config{Customers: customers, Days: days})
	var sent, happened bytes.Buffer
	if err := sim.WriteNDJSON(&sent, nil); err != nil {
		t.Fatal(err)
	}
	if err := sim.WriteTruth(&happened); err != nil {
		t.Fatal(err)
	}
	return tempFile(t, "events.ndjson", sent.String()), tempFile(t, "truth.ndjson", happened.String())
}

// TestEvaluate: what the tables of a made-up company say is what the reference finds in its truth.
func TestEvaluate(t *testing.T) {
	events, truth := knownCompany(t, 300, 40)
	dir := dataDir(t)
	must(t, "import", "--data", dir, events)
	out := must(t, "evaluate", "--data", dir, "--truth", truth, "--json")
	r := lastLine[evaluate.Report](t, out)
	for _, kind := range reference.Kinds() {
		a, ok := r.Kinds[kind]
		if _, too := r.KindsAsHappened[kind]; !ok || !too {
			t.Errorf("%s is not in the report", kind)
		}
		if missed := float64(a.Truth) * (1 - a.Recall); a.Precision*float64(a.Found) < 0.98*float64(a.Found)-1 || missed > 0.02*float64(a.Truth)+1 {
			t.Errorf("%s: %+v", kind, a)
		}
	}
	if n := r.Need; n.Failures == 0 || n.Breakpoints == 0 || n.Found == 0 || n.Found > n.Failures || n.Cried > n.Breakpoints || n.Hidden == 0 {
		t.Errorf("the need: %+v", n)
	}
	if n := r.Need.ByKind["repeat_contact"]; n.Cried == n.Breakpoints || n.RecallOfHurting < 0.5 {
		t.Errorf("returns that were planted: %+v", n)
	}
	if r.Alerts.Shifts == nil || r.Alerts.Raised == nil {
		t.Errorf("the alerts: %+v", r.Alerts)
	}
	text := must(t, "evaluate", "--data", dir, "--truth", truth, "--show", "repeat_contact")
	for _, want := range []string{"repeat_contact: ", "Agreement with the rule", "Agreement with the need", "precision, as happened", "changes of a rate were planted"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

// TestEvaluateShows: a breakpoint that the tables lack is shown with the events around it, and one that they made up too.
func TestEvaluateShows(t *testing.T) {
	_, truth := knownCompany(t, 60, 20)
	dir := dataDir(t)
	other, _ := knownCompany(t, 30, 20)
	must(t, "import", "--data", dir, other) // half of the company
	out := must(t, "evaluate", "--data", dir, "--truth", truth, "--show", "channel_failover", "--most", "1")
	if !strings.Contains(out, "missed channel_failover at ") || !strings.Contains(out, "\n    2026-") {
		t.Errorf("nothing is shown:\n%s", out)
	}
}

// TestEvaluateRefuses: a file that is no truth, and a kind that is none.
func TestEvaluateRefuses(t *testing.T) {
	dir := dataDir(t)
	events, truth := knownCompany(t, 30, 20)
	must(t, "import", "--data", dir, events)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--truth", events}, `record "": expected company, event`},
		{[]string{"--truth", truth, "--show", "bad_luck"}, "expected one of repeat_contact"},
	} {
		if _, errOut, code := parcours(t, append([]string{"evaluate", "--data", dir}, c.args...)...); code == 0 || !strings.Contains(errOut, c.want) {
			t.Errorf("%v: exit %d, %s", c.args, code, errOut)
		}
	}
}

// TestEvaluateKnowsItsTruth: the truth of another company is refused; where only a part of its events is there, that is said;
// where all are, nothing is.
func TestEvaluateKnowsItsTruth(t *testing.T) {
	events, truth := knownCompany(t, 30, 20)
	_, of := knownCompany(t, 60, 20)
	bank := filepath.Join(t.TempDir(), "bank.ndjson")
	must(t, "simulate", "--company", "bank", "--customers", "30", "--days", "20", "--truth", bank)
	dir := dataDir(t)
	must(t, "import", "--data", dir, events)
	for _, c := range []struct {
		truth string
		code  int
		want  string
	}{
		{bank, service.Misused, "of the events of " + bank + " are in " + dir},
		{of, service.Done, "Only "},
		{truth, service.Done, ""},
	} {
		_, errOut, code := parcours(t, "evaluate", "--data", dir, "--truth", c.truth)
		if code != c.code || !strings.Contains(errOut, c.want) || c.want == "" && errOut != "" {
			t.Errorf("%s: exit %d, %s", c.truth, code, errOut)
		}
	}
}
