package main

import (
	"bytes"
	"compress/gzip"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"parcours/pipeline/readiness"
)

var updateReadiness = flag.Bool("update-readiness", false, "write testdata/readiness.txt anew")

// canary is a value that no report may show.
const canary = "Q7canary"

// ofTwoSystems is a file of two sources with most of what can be wrong in one.
const ofTwoSystems = `{"specversion":"1.0","id":"1","source":"/phone","type":"contact.started","time":"2026-03-02T10:00:00Z","data":{"identifiers":{"customer":"` + canary + `1"},"contact":"k1","direction":"in","channel":"phone","unit":"` + canary + `"}}
{"specversion":"1.0","id":"2","source":"/phone","type":"contact.ended","time":"2026-03-02T10:09:00Z","data":{"identifiers":{"customer":"` + canary + `1"},"contact":"k1","channel":"phone","reason":"billing.dispute","talk_s":300,"waited":12}}
{"specversion":"1.0","id":"3","source":"/phone","type":"contact.started","time":"2026-03-04T10:00:00Z","data":{"identifiers":{"customer":"` + canary + `1"},"contact":"k2","direction":"in","channel":"phone"}}
{"specversion":"1.0","id":"4","source":"/phone","type":"contact.ended","time":"2026-03-04T10:09:00Z","data":{"contact":"k2","channel":"phone","reason":"unknown","talk_s":60}}
{"specversion":"1.0","id":"4","source":"/phone","type":"contact.ended","time":"2026-03-04T10:09:00Z","data":{"contact":"k2","channel":"phone","reason":"unknown","talk_s":60}}
{"specversion":"1.0","id":"5","source":"/phone","type":"contact.ended","time":"2026-03-04T10:09:00Z","data":{"contact":"k3","channel":"` + canary + `"}}
{"specversion":"1.0","id":"1","source":"/crm","type":"case.opened","time":"2026-03-02T10:05:00Z","data":{"identifiers":{"customer":"` + canary + `1"},"case":"` + canary + `9","reason":"billing.dispute"}}
{"specversion":"1.0","id":"2","source":"/crm","type":"step.performed","time":"2026-03-20T10:05:00Z","data":{"case":"` + canary + `9","activity":"file checked"}}
{"specversion":"1.0","id":"3","source":"/crm","type":"step.performed","time":"2026-03-05T10:05:00Z","data":{"case":"` + canary + `9","activity":"file taken up"}}
{"specversion":"1.0","id":"4","source":"` + canary + `","type":"case.opened","time":"` + canary + `"}
` + canary + `
`

// TestReadinessOfAFile: the report of a small file, read by a person once; and no value of it anywhere.
func TestReadinessOfAFile(t *testing.T) {
	file := tempFile(t, "two.ndjson", ofTwoSystems)
	out, errOut, code := parcours(t, "readiness", file)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, errOut)
	}
	golden := filepath.Join("testdata", "readiness.txt")
	if *updateReadiness {
		if err := os.WriteFile(golden, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out != string(want) {
		t.Errorf("the report is not that of %s (-update-readiness writes it):\n%s", golden, out)
	}
	json, shown, _ := parcours(t, "readiness", "--json", "--source", "/crm", file)
	if all := out + errOut + json + shown; strings.Contains(strings.ToLower(all), strings.ToLower(canary)) {
		t.Errorf("a value of the file is shown:\n%s", all)
	}
	r := lastLine[readiness.Report](t, json)
	if r.File.Rows != 11 || r.All.Events != 7 || r.File.Duplicates != 1 || r.File.Late != 1 || len(r.File.Refused) != 3 || r.File.Dropped["data.waited"] != 1 {
		t.Errorf("of the file: %+v, %d events", r.File, r.All.Events)
	}
	if r.Loaded != nil || len(r.Sources) != 2 || r.Sources["/crm"].Kinds["stalled_case"].Verdict != readiness.Not {
		t.Errorf("sources %v, loaded %v", r.Sources, r.Loaded)
	}
	if !strings.Contains(shown, "/crm: 3 events") {
		t.Errorf("--source /crm shows\n%s", shown)
	}
	sample := lastLine[readiness.Report](t, must(t, "readiness", "--json", "--rows", "4", file))
	if sample.File.Rows != 4 || !sample.File.Sample || sample.All.Events != 4 {
		t.Errorf("a sample: %+v", sample.File)
	}
}

// TestReadinessOfFileAndTablesAgree: the same events say the same, in a file and loaded; and of a company in which all kinds of
// failure happen all of them can be found.
func TestReadinessOfFileAndTablesAgree(t *testing.T) {
	file := tempFile(t, "company.ndjson", must(t, "simulate", "--customers", "300", "--days", "120", "--seed", "7"))
	dir := dataDir(t)
	must(t, "import", "--data", dir, "--sort", file)
	of := lastLine[readiness.Report](t, must(t, "readiness", "--json", file))
	loaded := lastLine[readiness.Report](t, must(t, "readiness", "--json", "--data", dir))
	if of.File == nil || loaded.Loaded == nil || of.Loaded != nil || loaded.File != nil {
		t.Errorf("what only a file and what only tables know: %v %v, %v %v", of.File, of.Loaded, loaded.File, loaded.Loaded)
	}
	if !reflect.DeepEqual(of.All, loaded.All) {
		t.Errorf("all together: of the file\n%+v\nof the tables\n%+v", of.All, loaded.All)
	}
	if !reflect.DeepEqual(of.Sources, loaded.Sources) {
		t.Error("the sources are not judged alike")
	}
	for id, f := range of.All.Kinds {
		if f.Verdict != readiness.Supported {
			t.Errorf("%s of a company in which it happens: %s (%s)", id, f.Verdict, f.Why)
		}
	}
	checkFound(t, dir, &loaded)
}

// checkFound holds verdicts against what was found: a kind that can find nothing found nothing, one that is supported had
// opportunities, or may have (an incident is none).
func checkFound(t *testing.T, dir string, r *readiness.Report) {
	t.Helper()
	found := strings.Split(sqlCSV(t, dir, "SELECT DISTINCT kind FROM cx.breakpoints_v"), "\n")
	chances := strings.Split(sqlCSV(t, dir, "SELECT DISTINCT kind FROM cx.opportunities_v"), "\n")
	for id, f := range r.All.Kinds {
		uncleared := strings.Contains(f.Why, "Nothing would clear it")
		if f.Verdict == readiness.Not && slices.Contains(found, id) != uncleared {
			t.Errorf("%s is not supported (%s), and found: %t", id, f.Why, slices.Contains(found, id))
		}
		if f.Verdict != readiness.Not && !slices.Contains(chances, id) {
			t.Errorf("%s is %s, and has no opportunity", id, f.Verdict)
		}
		if strings.Contains(f.Why, "would read 0 %") && !slices.Contains(chances, id) {
			t.Errorf("%s has no rate, and is said to read 0 %%", id)
		}
	}
}

// TestReadinessOfABrokenFile: what could be read is told, then why no more; nothing readable is an error alone.
func TestReadinessOfABrokenFile(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	for range 2000 {
		if _, err := w.Write([]byte(ofTwoSystems)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file := tempFile(t, "broken.ndjson.gz", packed.String()[:packed.Len()/2])
	out, errOut, code := parcours(t, "readiness", file)
	if code != 3 || !strings.Contains(out, "could not be read to its end") || !strings.Contains(out, "Kinds of breakpoint") || !strings.Contains(errOut, "after row") {
		t.Errorf("exit %d, %s\n%s", code, errOut, out)
	}
	if out, errOut, code := parcours(t, "readiness", tempFile(t, "none.ndjson.gz", "no gzip")); code != 3 || out != "" || errOut == "" {
		t.Errorf("no gzip: exit %d, %q, %s", code, out, errOut)
	}
	if out := must(t, "readiness", tempFile(t, "empty.ndjson", "")); !strings.Contains(out, "nothing can be said") {
		t.Errorf("an empty file: %s", out)
	}
}

func TestReadinessMisused(t *testing.T) {
	file := tempFile(t, "two.ndjson", ofTwoSystems)
	for _, args := range [][]string{
		{tempFile(t, "log.csv", "a,b\n1,2\n")}, {"--rows", "-1", file}, {"--source", "/nobody", file}, {"--rows", "3", "--data", t.TempDir()},
		{"--data", filepath.Join(t.TempDir(), "none")},
	} {
		if out, errOut, code := parcours(t, append([]string{"readiness"}, args...)...); code != 2 || errOut == "" || out != "" {
			t.Errorf("%v: exit %d, %s%s", args, code, out, errOut)
		}
	}
}

// realVerdicts are what the public logs can support: other kinds can find nothing.
var realVerdicts = map[string]struct {
	kinds, figures map[string]readiness.Verdict // all others are not supported
	why            map[string]string            // a part of the sentence
	first          string                       // that would help most
}{
	"receipt_wabo": {
		kinds:   map[string]readiness.Verdict{"process_loop": readiness.Supported},
		figures: map[string]readiness.Verdict{"paths": readiness.Supported, "handoffs": readiness.Partly, "cost": readiness.Partly, "waiting_working": readiness.Partly},
		why: map[string]string{"stalled_case": "Nothing would clear it: no case.resolved or case.closed", "handoffs": "named on 77 % of events",
			"repeat_contact": "No contact that the customer made", "silo_handoff": "No contact, message or case. Its rate would read 0 %", "sla_breach": "nor case.opened",
			"alerts": "out of at most 3.0 a day"},
		first: "contacts",
	},
	"bpic2013_incidents": {
		kinds:   map[string]readiness.Verdict{"process_loop": readiness.Supported, "stalled_case": readiness.Supported},
		figures: map[string]readiness.Verdict{"paths": readiness.Supported, "handoffs": readiness.Supported, "cost": readiness.Partly, "waiting_working": readiness.Partly, "alerts": readiness.Partly},
		why: map[string]string{"reopened_case": "case.reopened never comes", "silo_handoff": "names its silo", "sla_breach": "nor case.opened",
			"first_contact_resolution_any": "No contact of a customer ever ends", "alerts": "out of at most 9.6 a day"},
		first: "contacts",
	},
	"helpdesk_italian": {
		kinds:   map[string]readiness.Verdict{"process_loop": readiness.Supported, "stalled_case": readiness.Partly},
		figures: map[string]readiness.Verdict{"paths": readiness.Supported, "handoffs": readiness.Supported, "cost": readiness.Partly, "waiting_working": readiness.Partly},
		why: map[string]string{"stalled_case": "No case.waiting says on whom", "unresolved_end": "Nothing in it would say that a journey ended unresolved",
			"associated_loss": "Nobody is ever said to leave", "alerts": "out of at most 3.2 a day"},
		first: "contacts",
	},
}

// checkReadiness: of a public log it says, truthfully, how little it supports, and why; a file and what is loaded alike.
func checkReadiness(t *testing.T, name, dir, mapping, file string) {
	t.Helper()
	r := lastLine[readiness.Report](t, must(t, "readiness", "--json", "--mapping", mapping, file))
	loaded := lastLine[readiness.Report](t, must(t, "readiness", "--json", "--data", dir))
	if !reflect.DeepEqual(r.All, loaded.All) || !reflect.DeepEqual(r.Sources, loaded.Sources) {
		t.Error("the file and what is loaded are not judged alike")
	}
	want := realVerdicts[name]
	for id, f := range r.All.Kinds {
		if v := orNot(want.kinds[id]); f.Verdict != v {
			t.Errorf("%s: %s (%s), expected %s", id, f.Verdict, f.Why, v)
		}
	}
	for id, f := range r.All.Figures {
		if v := orNot(want.figures[id]); f.Verdict != v {
			t.Errorf("%s: %s (%s), expected %s", id, f.Verdict, f.Why, v)
		}
	}
	for id, part := range want.why {
		if f, ok := r.All.Kinds[id]; !strings.Contains(f.Why, part) && (ok || !strings.Contains(r.All.Figures[id].Why, part)) {
			t.Errorf("%s: %q, expected %q in it", id, f.Why+r.All.Figures[id].Why, part)
		}
	}
	if r.All.Helps[0].Name != want.first || r.File.Rows != r.All.Events || len(r.File.Refused) != 0 {
		t.Errorf("would help most: %+v; of the file: %+v", r.All.Helps, r.File)
	}
	checkFound(t, dir, &loaded)
}

func orNot(v readiness.Verdict) readiness.Verdict {
	if v == "" {
		return readiness.Not
	}
	return v
}
