package main

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"parcours/cmd/internal/service"
	"parcours/pipeline/churn"
	"parcours/pipeline/event"
	"parcours/pipeline/nats"
	"parcours/pipeline/simulate"
)

// leavers imports a company whose customers come and go, with the rules that name its segments, and gives the directory and the truth.
func leavers(t *testing.T, customers, days int) (dir, truth string) {
	t.Helper()
	parameters, err := simulate.Company("leavers")
	if err != nil {
		t.Fatal(err)
	}
	sim := simulate.New(simulate.Config{Customers: customers, Days: days, Parameters: parameters})
	var sent, happened bytes.Buffer
	if err := sim.WriteNDJSON(&sent, nil); err != nil {
		t.Fatal(err)
	}
	if err := sim.WriteTruth(&happened); err != nil {
		t.Fatal(err)
	}
	dir = dataDir(t)
	must(t, "import", "--data", dir, "--rules", "../../pipeline/simulate/rules/leavers.yaml", tempFile(t, "events.ndjson", sent.String()))
	return dir, tempFile(t, "truth.ndjson", happened.String())
}

// TestChurn: a company of ten months. The model is learnt, judged beside the truth and published; controls break bounds; the
// tables have the figures; and a customer's page says what is known. The directory is at work meanwhile: a log and tables that are there
// need not be started for each of its twenty commands.
func TestChurn(t *testing.T) {
	dir, truth := leavers(t, 1500, 300)
	defer up(t, dir, "--clock", "log").stop(t, syscall.SIGTERM)
	before := lastLine[struct{ Customers []shownCall }](t, must(t, "churn", "explain", "--data", dir, "--json", "--most", "3"))
	if len(before.Customers) != 3 || !before.Customers[0].Prior || before.Customers[0].Rank != 1 || len(before.Customers[0].Reasons) == 0 {
		t.Fatalf("whom to call, before anything was learnt: %+v", before)
	}
	checkEvaluation(t, dir, truth)
	dry := lastLine[trained](t, must(t, "churn", "train", "--data", dir, "--dry-run", "--json"))
	if !dry.Trained || dry.Published != nil || len(dry.Quality) == 0 || len(dry.Coefficients) == 0 || dry.Losses < 20 || len(dry.Projection) == 0 {
		t.Fatalf("a dry run: %+v", dry)
	}
	if n := sqlCSV(t, dir, "SELECT count() FROM cx.model_quality_v"); n != "0" {
		t.Errorf("a dry run stored %s figures", n)
	}
	r := lastLine[trained](t, must(t, "churn", "train", "--data", dir, "--json"))
	if r.Published == nil || r.Model != dry.Model || r.Published.Position == 0 || r.Published.Mode != nats.ModeLog || r.Published.First <= r.Published.From {
		t.Fatalf("published: %+v", r)
	}
	off := sqlCSV(t, dir, "SELECT count(), countIf(abs(q.auc - r.auc) > 1e-6 OR abs(q.brier - r.brier) > 1e-6 OR abs(q.observed_expected - r.oe) > 1e-6 OR abs(q.ece - r.ece) > 1e-6) FROM cx.model_quality_v AS q "+
		"INNER JOIN cx.model_recomputed_v AS r ON r.model = q.model AND r.horizon = q.horizon AND r.segment = q.segment")
	if n, wrong, _ := strings.Cut(off, ","); n == "0" || wrong != "0" {
		t.Errorf("of %s rows of quality, %s are recomputed otherwise", n, wrong)
	}
	if psi := sqlCSV(t, dir, "SELECT any(round(psi, 9)) FROM cx.model_quality_v WHERE psi IS NOT NULL"); r.Drift == nil || psi != strconv.FormatFloat(math.Round(*r.Drift*1e9)/1e9, 'f', -1, 64) {
		t.Errorf("drift as stored %s, as said %v", psi, r.Drift)
	}
	checkPages(t, dir, before.Customers[0].Customer)
}

func checkEvaluation(t *testing.T, dir, truth string) {
	t.Helper()
	out, errOut, code := parcours(t, "churn", "evaluate", "--data", dir, "--truth", truth, "--outcomes", "3", "--controls", "--json")
	if code != service.Done && code != service.Wrong {
		t.Fatalf("evaluate: exit %d\n%s", code, errOut)
	}
	r := lastLine[churnEvaluation](t, out)
	if (len(r.Failures) == 0) != (code == service.Done) || len(r.Quality) == 0 || r.Prior {
		t.Fatalf("exit %d: %+v", code, r)
	}
	if n := len(r.NotJudged); r.Passed || n == 0 || r.NotJudged[n-1].Horizon != 365 || !strings.Contains(r.NotJudged[n-1].Why, "days only") {
		t.Errorf("a year cannot be judged here: passed %t, not judged %+v", r.Passed, r.NotJudged)
	}
	for _, c := range r.Controls {
		if !c.Fails && c.Name != "the truth itself, which must not" { // of few losses the truth too may be out of bounds by chance
			t.Errorf("control %q is within all bounds", c.Name)
		}
	}
	q := r.Quality[0]
	if len(r.Controls) != 3 || q.Horizon != 30 || q.Segment != "" || q.Losses < 5 || q.AUC.Value == nil || *q.AUC.Value < 0.6 || q.Best == nil || *q.Best < *q.AUC.Value-0.15 {
		t.Errorf("controls %+v, quality %+v", r.Controls, q)
	}
	planted := map[string]int{}
	for _, c := range r.Causes {
		planted[c.Planted]++
	}
	if planted["cause"] == 0 || planted["confounded"] != 1 || planted["harmless"] < 5 {
		t.Errorf("planted: %v", planted)
	}
	if _, errOut, code := parcours(t, "churn", "evaluate", "--data", dir, "--outcomes", "0"); code != service.Misused {
		t.Errorf("--outcomes 0: exit %d, %s", code, errOut)
	}
}

// TestOutcomesOfAShortLog: more months of outcomes than the log allows are not taken in silence: the dates are named.
func TestOutcomesOfAShortLog(t *testing.T) {
	day := func(text string) event.Instant {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return event.InstantOf(at)
	}
	l := &learning{begin: day("2025-07-20"), known: day("2026-11-18")}
	if at, short := l.split(3); at != day("2026-08-01") || short != "" {
		t.Errorf("3 months: %s, %q", at, short)
	}
	for _, months := range []int{9, 12, 60} {
		at, short := l.split(months)
		if at != day("2026-06-01") {
			t.Errorf("%d months: split at %s", months, at)
		}
		r := churnEvaluation{Warnings: []string{short}}
		var out strings.Builder
		r.print(&out)
		for _, says := range []string{fmt.Sprintf("Mind: --outcomes %d:", months), "2025-07-20", "2026-11-18", "since 2026-06-01 (5.6 months)"} {
			if !strings.Contains(out.String(), says) {
				t.Errorf("%d months: %q is not in\n%s", months, says, out.String())
			}
		}
	}
}

// TestEvaluationSays: what is out of bounds, what is within, and what could not be judged, to a person.
func TestEvaluationSays(t *testing.T) {
	year := []churn.Unjudged{{Horizon: 365, Why: "no year has passed"}}
	for _, c := range []struct {
		r         churnEvaluation
		says, not string
		code      int
	}{
		{churnEvaluation{Passed: true}, "All figures are within their bounds.", "Not judged", service.Done},
		{churnEvaluation{NotJudged: year}, "Not judged: 365 days, since no year has passed.", "All figures", service.Done},
		{churnEvaluation{Prior: true, Why: tooFew(&churn.TooFewError{Losses: 7, Least: 30}), Passed: true}, "The prior score: too few have left to learn from (7 customers were lost, 30 are needed)", "Mind", service.Done},
		{churnEvaluation{NotJudged: year, Failures: []string{"30 days"}}, "Out of bounds: 30 days.", "within their bounds", service.Wrong},
	} {
		var out strings.Builder
		c.r.print(&out)
		if text := out.String(); !strings.Contains(text, c.says) || strings.Contains(text, c.not) {
			t.Errorf("%+v:\n%s", c.r, text)
		}
		var as coded
		if err := c.r.verdict(); (err == nil) != (c.code == service.Done) || err != nil && (!errors.As(err, &as) || as.code != c.code) {
			t.Errorf("%+v: %v", c.r, err)
		}
	}
}

// TestPublishedSaysWhen: whoever publishes a model is told as of which midnight it scores first, and what that waits for.
func TestPublishedSaysWhen(t *testing.T) {
	midnight := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		from  time.Time
		first string
	}{
		{midnight, "2026-03-02T00:00:00"}, {midnight.Add(time.Millisecond), "2026-03-03T00:00:00"}, {midnight.Add(-time.Millisecond), "2026-03-02T00:00:00"}, {midnight.Add(24*time.Hour - 1e6), "2026-03-03T00:00:00"},
	} {
		for mode, says := range map[string]string{nats.ModeLog: "keeps its own time, so that they come with events", nats.ModeWall: "when the clocks have passed that midnight"} {
			var out strings.Builder
			r := trained{Trained: true, Published: publishedAs(7, event.InstantOf(c.from), mode)}
			r.print(&out, false)
			if !strings.Contains(out.String(), "as of "+c.first) || !strings.Contains(out.String(), says) || !strings.Contains(out.String(), "Nothing is scored with it yet") {
				t.Errorf("from %s in mode %s: first %s\n%s", c.from, mode, r.Published.First, out.String())
			}
		}
	}
}

// checkPages: the page of a customer in two languages, by a prefix and by an identifier; of one who left, of a captive one, and of
// nobody.
func checkPages(t *testing.T, dir, customer string) {
	t.Helper()
	page := lastLine[shownCustomer](t, must(t, "churn", "explain", "--data", dir, "--json", customer[:12]))
	if page.Customer != customer || page.Objected || !page.InForce || page.Score == nil || !page.Score.Told || !page.Score.Prior || len(page.Score.Within) != 3 || len(page.Timeline) == 0 ||
		len(page.History) == 0 || page.Score.ValueAtRisk == nil || page.Segment == "" {
		t.Errorf("page: %+v", page)
	}
	for i, w := range page.Score.Within {
		if w.P == nil || *w.P <= 0 || *w.Low > *w.P || *w.High < *w.P || i > 0 && *w.P < *page.Score.Within[i-1].P {
			t.Errorf("within %d days: %+v", w.Days, w)
		}
	}
	for language, said := range map[string][2]string{"en": {"contract started", "a prior score"}, "fr": {"contrat commencé", "un score a priori"}} {
		text := must(t, "churn", "explain", "--data", dir, "--lang", language, "--most", "500", customer)
		if !strings.Contains(text, said[0]) || !strings.Contains(text, said[1]) {
			t.Errorf("in %s: %s", language, text)
		}
	}
	left := sqlCSV(t, dir, "SELECT customer_id FROM cx.losses_v WHERE lost AND why = 'cancelled' AND customer_id IN (SELECT customer_id FROM cx.customers_v WHERE lost_at IS NOT NULL) ORDER BY customer_id LIMIT 1")
	if text := must(t, "churn", "explain", "--data", dir, left); !strings.Contains(text, "lost on ") || !strings.Contains(text, "There is no score") {
		t.Errorf("who left:\n%s", text)
	}
	captive := sqlCSV(t, dir, "SELECT customer_id FROM cx.churn_scores_v WHERE captive ORDER BY voice_risk DESC, customer_id LIMIT 1")
	if text := must(t, "churn", "explain", "--data", dir, captive); !strings.Contains(text, "voice risk") || strings.Contains(text, "365 days  ") {
		t.Errorf("a captive customer:\n%s", text)
	}
	for asked, want := range map[string]int{"c00000000000f": service.Wrong, "c0": service.Misused, "4711": service.Misused, "customer=nobody": service.Wrong} {
		if _, errOut, code := parcours(t, "churn", "explain", "--data", dir, asked); code != want || !strings.Contains(errOut, "customers_v") {
			t.Errorf("%s: exit %d, %s", asked, code, errOut)
		}
	}
}

// TestChurnOfThree: one whose contract began nobody knows when, one who cannot leave any more since a score was told, and one who has
// objected since.
func TestChurnOfThree(t *testing.T) {
	var began, used []string // in order of time: in one partition, what comes behind its clock would be late
	for i, typ := range []string{"contract.renewal_due", "contract.started", "contract.started"} {
		who := fmt.Sprintf(`"identifiers":{"customer":"T-%d"}`, i)
		began = append(began, eventLine(fmt.Sprint("of", i), typ, "2026-01-05T09:00:00Z", who))
		used = append(used, eventLine(fmt.Sprint("use", i), "service.used", "2026-03-10T12:00:00Z", who))
	}
	dir := dataDir(t)
	must(t, "import", "--data", dir, tempFile(t, "before.ndjson", strings.Join(append(began, used...), "\n")))
	if n := sqlCSV(t, dir, "SELECT count() FROM cx.customers_to_call_v"); n != "3" {
		t.Fatalf("%s to call", n)
	}
	must(t, "import", "--data", dir, tempFile(t, "since.ndjson", eventLine("captive", "contract.started", "2026-03-10T18:00:00Z", `"identifiers":{"customer":"T-1"},"captive":true`)+"\n"+
		eventLine("objected", "customer.objected", "2026-01-06T09:00:00Z", `"identifiers":{"customer":"T-2"},"to":"scoring"`)))
	if n := sqlCSV(t, dir, "SELECT count(), (SELECT count() FROM cx.churn_scores_v WHERE p365 IS NOT NULL) FROM cx.customers_to_call_v"); n != "1,1" {
		t.Errorf("to call, with a probability: %s", n)
	}
	page := func(i int) shownCustomer {
		return lastLine[shownCustomer](t, must(t, "churn", "explain", "--data", dir, "--json", fmt.Sprint("customer=T-", i)))
	}
	if p := page(0); !p.InForce || p.Started != "" || p.TenureDays != nil || p.Score == nil || len(p.Score.Within) != 3 {
		t.Errorf("of a contract that began nobody knows when: %+v", p)
	}
	if text := asksFor(t, service.Done, "customer=T-0\nmore\n", dir); !strings.Contains(text, "in force, nobody says since when") {
		t.Errorf("the same:\n%s", text)
	}
	if p := page(1); !p.Captive || p.Score == nil || p.Score.Told || len(p.Score.Within) != 0 || p.Score.VoiceRisk == nil || len(p.History) != 1 || p.History[0].P365 != nil || p.History[0].ValueAtRisk != nil {
		t.Errorf("who cannot leave any more: %+v %+v", p, p.Score)
	}
	if p := page(2); !p.Objected || p.Score != nil || len(p.Timeline)+len(p.History) != 0 {
		t.Errorf("who objected: %+v", p)
	}
}

// TestChurnOfFew: where hardly anybody left the prior stays, and nothing is published.
func TestChurnOfFew(t *testing.T) {
	dir, _ := leavers(t, 60, 60)
	r := lastLine[trained](t, must(t, "churn", "train", "--data", dir, "--json"))
	if r.Trained || r.Model != "prior" || r.Published != nil || !strings.Contains(r.Why, "the prior score stays") {
		t.Errorf("trained on hardly anything: %+v", r)
	}
	out, errOut, code := parcours(t, "churn", "evaluate", "--data", dir, "--json")
	if code != service.Done && code != service.Wrong {
		t.Fatalf("evaluate: exit %d\n%s", code, errOut)
	}
	few := regexp.MustCompile(`too few have left to learn from \(\d+ customers were lost, 30 are needed\)`)
	if e := lastLine[churnEvaluation](t, out); !e.Prior || !few.MatchString(e.Why) || !few.MatchString(r.Why) || len(e.Warnings) != 1 {
		t.Errorf("trained %q, judged %+v", r.Why, e)
	}
	if n := sqlCSV(t, dir, "SELECT (SELECT count() FROM cx.models_v) + (SELECT count() FROM cx.model_quality_v)"); n != "0" {
		t.Errorf("%s models or figures", n)
	}
}
