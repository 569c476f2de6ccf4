package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"parcours/pipeline"
	"parcours/pipeline/rules"
)

// eventLine is an event of source /told as NDJSON; data are members of its data.
func eventLine(id, typ, at, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/told","type":%q,"time":%q,"data":{%s}}`, id, typ, at, data)
}

// call is a phone call that begins without a reason and states it at its end.
func call(id, customer, start, end, reason string) []string {
	who := fmt.Sprintf(`"identifiers":{"customer":%q},"contact":%q,"channel":"phone","direction":"in","silo":"customer_service","unit":"lyon","agent":"a-17"`, customer, "k-"+id)
	return []string{eventLine(id+"-start", "contact.started", start, who), eventLine(id+"-end", "contact.ended", end, who+fmt.Sprintf(`,"reason":%q,"talk_s":600`, reason))}
}

// toldHistory is what the tests of journey, event and tail are told of: a customer who calls again for the same reason, the
// second call beginning a journey of its own until its reason is known, and again much later; and another one's case.
func toldHistory() []string {
	var all []string
	all = append(all, call("first", "A-1", "2026-03-02T09:00:00Z", "2026-03-02T09:10:00Z", "billing.dispute")...)
	all = append(all, call("again", "A-1", "2026-03-04T09:00:00Z", "2026-03-04T09:10:00Z", "billing.dispute")...)
	all = append(all, call("much-later", "A-1", "2026-03-20T09:00:00Z", "2026-03-20T09:10:00Z", "billing.dispute")...)
	return append(all, eventLine("case-open", "case.opened", "2026-03-20T10:00:00Z", `"identifiers":{"customer":"B-1"},"case":"case-1","reason":"delivery.late","silo":"logistics"`))
}

// follows posts events one by one and waits until all of the log is in the tables.
func (p *upProcess) follows(t *testing.T, dir string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if a := p.post(t, structured, l); a.Accepted+a.Duplicates != 1 {
			t.Fatalf("%s: %+v", l, a)
		}
	}
	eventually(t, 20*time.Second, "everything is folded", func() bool {
		face := lastLine[clockFace](t, must(t, "clock", "show", "--data", dir, "--json"))
		for _, c := range face.Partitions {
			if c.Position < face.Head {
				return false
			}
		}
		return len(face.Partitions) > 0
	})
}

// TestJourneyShow: one journey by its id, by how it begins, by its breakpoint, by the id that gave way to it; another by its
// case; each told in full, the same where nobody holds the directory.
func TestJourneyShow(t *testing.T) {
	dir := dataDir(t)
	p := up(t, dir, "--clock", "log")
	p.follows(t, dir, toldHistory()...)
	list := lastLine[journeyList](t, must(t, "journey", "list", "--data", dir, "--json", "--reason", "billing")).Journeys
	if len(list) != 2 || list[0].Cut != "gap" || list[1].Breakpoints != 1 {
		t.Fatalf("journeys about billing: %+v", list)
	}
	later, broken := list[0], list[1]
	show := func(id string) shownJourney {
		return lastLine[shownJourney](t, must(t, "journey", "show", "--data", dir, "--json", id))
	}
	check := func() {
		t.Helper()
		s := show(broken.JourneyID)
		if len(s.Steps) != 4 || len(s.Breakpoints) != 1 || s.Journey.CustomerID == "" || s.Right.Position != s.Right.Head {
			t.Fatalf("shown: %+v", s)
		}
		b := s.Breakpoints[0]
		if b.Kind != "repeat_contact" || b.Rule != kindOf("repeat_contact").Rule || b.OriginStep != 2 || b.Severity != 3 || b.Cost <= 0 ||
			fmt.Sprint(b.Evidence) != "[{first-end  2} {again-start  3}]" {
			t.Errorf("breakpoint: %+v", b)
		}
		if fmt.Sprint(s.Steps[1].OriginOf, s.Steps[2].Evidence, s.Steps[2].OriginOf) != fmt.Sprintf("[%[1]s] [%[1]s] []", b.BreakpointID) ||
			s.Steps[2].Elapsed != (48*time.Hour-10*time.Minute).Milliseconds() {
			t.Errorf("steps: %+v", s.Steps)
		}
		for _, id := range []string{broken.JourneyID[:6], b.BreakpointID, b.BreakpointID[:8]} {
			if other := show(id); other.Journey.JourneyID != broken.JourneyID || (other.Breakpoint == "") != (id == broken.JourneyID[:6]) {
				t.Errorf("%s shows %+v", id, other.Journey)
			}
		}
		gave := sqlCSV(t, dir, "SELECT old_id FROM cx.aliases_v WHERE new_id = '"+broken.JourneyID+"'")
		if s := show(gave); s.Journey.JourneyID != broken.JourneyID || len(s.TookOver) != 1 || s.TookOver[0] != gave {
			t.Errorf("%s, which gave way, shows %+v", gave, s)
		}
		if s := show(later.JourneyID); s.Before == nil || s.Before.JourneyID != broken.JourneyID || s.Before.Gap != int64((16*24*time.Hour-10*time.Minute).Seconds()) {
			t.Errorf("the one before: %+v", s.Before)
		}
		if s := show("case-1"); s.Open == nil || fmt.Sprintf("%q %s", s.Open.Owed, s.Open.Until) != `["case case-1 is open"] ` {
			t.Errorf("what keeps case-1 open: %+v", s.Open)
		}
		if s := show(later.JourneyID); s.Open == nil || fmt.Sprintf("%q %s", s.Open.Owed, s.Open.Until) != "[] 2026-03-27T09:10:00.000Z" {
			t.Errorf("what keeps the later one open: %+v", s.Open)
		}
		if s := show("case-1"); s.Journey.Reason != "delivery.late" || fmt.Sprint(s.Journey.Cases) != "[case-1]" {
			t.Errorf("case-1 shows %+v", s.Journey)
		}
	}
	check()
	p.stop(t, syscall.SIGTERM)
	check()

	told := must(t, "journey", "show", "--data", dir, later.JourneyID)
	for _, want := range []string{"had been silent for 15 d 23 h", "and 7 d are allowed", short(broken.JourneyID), "Europe/Paris", "(illustrative)", "the end of the log", "did not break",
		"open: nothing is owed, and a repeat could still come until 2026-03-27 10:10:00"} {
		if !strings.Contains(told, want) {
			t.Errorf("the text does not say %q:\n%s", want, told)
		}
	}
	told = must(t, "journey", "show", "--data", dir, broken.JourneyID)
	for _, want := range []string{"2026-03-02 10:10:00", "+1 d 23 h", "B1*", kindOf("repeat_contact").Rule, "step 2 (first-end), step 3 (again-start)",
		"customer_service, unit lyon, on phone", "forced another contact", "had no other in the", "2 contacts, 0 changes of unit, 0 of silo"} {
		if !strings.Contains(told, want) {
			t.Errorf("the text does not say %q:\n%s", want, told)
		}
	}
	if strings.Contains(told, "\x1b") || strings.Contains(told, "A-1") || strings.Contains(told, "a-17") {
		t.Errorf("colours where there is no terminal, or what is personal:\n%s", told)
	}
}

// TestJourneyNotFound: what is too short, unknown or ambiguous says what to do.
func TestJourneyNotFound(t *testing.T) {
	dir := dataDir(t)
	must(t, "import", "--data", dir, tempFile(t, "events.ndjson", strings.Join(toldHistory(), "\n")))
	must(t, "sql", "--data", dir, "INSERT INTO cx.journeys SELECT * REPLACE (concat('aaaaaa', substring(journey_id, 7)) AS journey_id) FROM cx.journeys WHERE deleted = 0")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"show", "abc"}, 2, "at least 6 characters"},
		{[]string{"show", "zzzzzzzz"}, 1, "parcours journey list"},
		{[]string{"show", "aaaaaa"}, 2, "more than one; give one of\n  journey aaaaaa"},
		{[]string{"list", "--kind", "repeat_contacts"}, 2, "channel_failover"},
		{[]string{"list", "--limit", "0"}, 2, "--limit 0"},
		{[]string{"list", "--since", "yesterday"}, 2, "2026-03-02"},
	} {
		_, errOut, code := parcours(t, append(append([]string{"journey"}, c.args...), "--data", dir)...)
		if code != c.code || !strings.Contains(errOut, c.want) {
			t.Errorf("%v: exit %d, expected %d and %q:\n%s", c.args, code, c.code, c.want, errOut)
		}
	}
	count := func(args ...string) int {
		return len(lastLine[journeyList](t, must(t, append([]string{"journey", "list", "--json", "--data", dir}, args...)...)).Journeys)
	}
	customer := sqlCSV(t, dir, "SELECT customer_id FROM cx.journeys_v WHERE case_id != '' LIMIT 1")
	for _, c := range []struct {
		want int
		args []string
	}{{6, nil}, {1, []string{"--kind", "repeat_contact"}}, {0, []string{"--reason", "billing.question"}}, {4, []string{"--since", "2026-03-20"}}, {1, []string{"--limit", "1"}}} {
		if got := count(c.args...); got != c.want {
			t.Errorf("journey list %v lists %d, expected %d", c.args, got, c.want)
		}
	}
	if count("--customer", customer[:8]) != 2 || count("--case", "case-1") != 2 || count("--reason", "delivery") != 2 {
		t.Error("of one customer, case or reason family there are not two")
	}
	if out := must(t, "journey", "list", "--data", dir, "--case", "none"); !strings.Contains(out, "No journey is like that") {
		t.Errorf("list of nothing: %s", out)
	}
	for _, args := range [][]string{{"tail", "--no-follow"}, {"journey", "list"}} {
		if _, errOut, code := parcours(t, append(args, "--data", dir, "--reason", "billin")...); code != 0 || !strings.Contains(errOut, "reason family billin") {
			t.Errorf("%v of a mistyped reason: exit %d, %s", args, code, errOut)
		}
	}
}

// TestLongJourney: the middle of a long journey is left out, but for what broke, unless all is asked for.
func TestLongJourney(t *testing.T) {
	s := &shownJourney{marks: map[int][]marked{50: {{1, true}}}, Steps: make([]shownStep, 200)}
	left := 0
	for i := range s.Steps {
		if s.isLeftOut(i, true) {
			t.Errorf("of all steps, %d is left out", i)
		}
		if s.isLeftOut(i, false) {
			left++
		}
	}
	if left != 200-2*stepsShown-1 || s.isLeftOut(50, false) {
		t.Errorf("%d steps are left out", left)
	}
	if s.Steps = s.Steps[:stepsWorthFolding-1]; s.isLeftOut(40, false) {
		t.Error("a journey that is not long is cut")
	}
}

// TestSpans: lengths of time, in their two largest units.
func TestSpans(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 900 * time.Millisecond: "0 s", 61 * time.Second: "1 min 1 s", 2 * time.Hour: "2 h", 49*time.Hour + 59*time.Minute: "2 d 1 h", -time.Minute: "-1 min",
	} {
		if got := span(d); got != want {
			t.Errorf("%s is %q, expected %q", d, got, want)
		}
	}
}

// TestPaint: colours only on a terminal, and never where NO_COLOR is set.
func TestPaint(t *testing.T) {
	if paintFor(&strings.Builder{}).on {
		t.Error("colours for what is no file")
	}
	if file, err := os.Create(t.TempDir() + "/out"); err != nil || paintFor(file).on {
		t.Errorf("colours for a file (%v)", err)
	}
	if got := (paint{on: true}).with("word", text.FgRed); got != "\x1b[31mword\x1b[0m" {
		t.Errorf("painted: %q", got)
	}
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Logf("no terminal to try: %v", err)
		return
	}
	defer terminal.Close()
	t.Setenv("TERM", "xterm")
	for value, want := range map[string]bool{"": true, "1": false, "0": false} {
		if t.Setenv("NO_COLOR", value); paintFor(terminal).on != want {
			t.Errorf("NO_COLOR=%q: colours %t", value, !want)
		}
	}
}

// TestEvidenceElsewhere: an event that shows a breakpoint and is a step of another journey is named with that; one that is a
// step of none, by its id alone.
func TestEvidenceElsewhere(t *testing.T) {
	s := &shownJourney{marks: map[int][]marked{}, Steps: []shownStep{{Step: 1, Source: "/a", EventID: "here"}, {Step: 2, Source: "/b", EventID: "here"}}}
	s.addBreakpoint(&pipeline.BreakpointRow{BreakpointID: "b", Kind: "repeat_contact", OriginEvent: "/b here", Evidence: []string{"here", "there", "nowhere"}},
		map[string]pipeline.StepRow{"there": {JourneyID: "0123456789abcdef", Step: 7}})
	words := evidenceWords(s.Breakpoints[0].Evidence)
	if words != "step 2 (here), there (step 7 of journey 0123456789ab), nowhere" {
		t.Errorf("evidence: %s", words)
	}
	if got := fmt.Sprint(s.marks); got != "map[0:[{1 false}] 1:[{1 true}]]" { // of two sources with one id, both show it, one is the origin
		t.Errorf("marks: %s", got)
	}
}

// TestCostWords: a breakpoint without a cost says why: a witness, a kind that is never charged, or that another explains its
// steps; where some of those before it share a contact with it, those are named alone.
func TestCostWords(t *testing.T) {
	book := rules.Default()
	x := &explainer{book: book, now: book}
	s := &shownJourney{marks: map[int][]marked{}, Steps: []shownStep{
		{Step: 1, EventID: "a", Contact: "k1"}, {Step: 2, EventID: "b", Contact: "k2"}, {Step: 3, EventID: "c", Contact: "k2"}}}
	for _, b := range []struct {
		kind, evidence string
		cost           float64
	}{{"channel_failover", "a", 0}, {"refused_contact", "a", 2}, {"queue_abandonment", "b", 3}, {"repeat_contact", "c", 0}, {"long_wait", "c", 0},
		{"tension", "c", 0}, {"reopened_case", "elsewhere", 0}, {"sla_breach", "b", 1}} {
		s.addBreakpoint(&pipeline.BreakpointRow{Kind: b.kind, Evidence: []string{b.evidence}, Cost: b.cost}, nil)
	}
	for i, want := range []string{"charged to an earlier breakpoint of another journey", "2.00 EUR (illustrative), avoidable", "3.00 EUR (illustrative), avoidable",
		"or is charged to B3 already", "none: a long_wait is never charged", "none: it is a witness", "or is charged to B2 or B3 already", "1.00 EUR (illustrative), avoidable"} {
		if got := x.costWords(s, i); !strings.HasSuffix(got, want) && !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, expected %q", s.Breakpoints[i].Kind, got, want)
		}
	}
}

// TestRemarkFamily: a family that is in no rule book of the directory is named, with those there are; one that only a later
// book has is known.
func TestRemarkFamily(t *testing.T) {
	later, err := rules.Parse("later", []byte("reasons: {gardening: {silo: it}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	book := rules.Default().With(later, 1000, 1)
	for reason, want := range map[string]string{
		"": "", "billing": "", "billing.dispute": "", "gardening": "",
		"billin": "No rule knows the reason family billin; the rule book has ", "billin.dispute": "No rule knows the reason family billin; ",
	} {
		var out strings.Builder
		remarkFamily(&out, book, reason)
		if got := out.String(); (got == "") != (want == "") || !strings.HasPrefix(got, want) || want != "" && !strings.Contains(got, "billing, ") {
			t.Errorf("%q: %q", reason, got)
		}
	}
}
