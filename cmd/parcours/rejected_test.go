package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"parcours/pipeline/event"
)

const structured = "application/cloudevents+json"

// soon is an event whose time lies so far ahead that the door refuses it for a little while.
func soon(id string, in time.Duration) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/soon","type":"contact.started","time":%q,"data":{"identifiers":{"customer":"SOON-1"},"channel":"phone"}}`,
		id, time.Now().Add(5*time.Minute+in).UTC().Format(time.RFC3339Nano))
}

// TestRejectedThroughTheHolder: what was refused because its time was ahead is listed, shown and, when its time has come,
// replayed: accepted, then a duplicate. What is refused again is kept once.
func TestRejectedThroughTheHolder(t *testing.T) {
	dir := dataDir(t)
	p := up(t, dir)
	early := soon("early", 3*time.Second)
	p.post(t, structured, early)
	p.post(t, "application/json", `{"channel":"phone"}`, "Ce-Specversion", "1.0", "Ce-Id", "binary", "Ce-Source", "/soon", "Ce-Type", "contact.ended",
		"Ce-Time", time.Now().Add(5*time.Minute+3*time.Second).UTC().Format(time.RFC3339Nano))
	p.post(t, structured, `{"specversion":"1.0","id":"fax","source":"/fax","type":"contact.started","time":"2026-03-02T10:00:00Z","data":{"channel":"fax"}}`)
	p.post(t, structured, `{"specversion":"1.0","id":"long","source":"/long","type":"contact.started","time":"2026-03-02T10:00:00Z","data":{"channel":"fax","x":"`+strings.Repeat("x", 70_000)+`"}}`)
	list := lastLine[rejectionList](t, must(t, "rejected", "list", "--data", dir, "--json"))
	if len(list.Rejected) != 4 || list.Rejected[0].Number != 4 || list.Counts["bad_time"] != 2 || list.Counts["unknown_value"] != 2 {
		t.Fatalf("listed: %+v", list)
	}
	out, errOut, code := parcours(t, "rejected", "show", "--data", dir, "1")
	if code != 0 || !strings.Contains(out, "\n"+early+"\n") || !strings.Contains(errOut, "raw identifiers") {
		t.Errorf("show: exit %d, %s\n%s", code, out, errOut)
	}
	if out := must(t, "rejected", "show", "--data", dir, "4"); !strings.Contains(out, "truncated: the first 65536 of") {
		t.Errorf("show of a long one: %s", out[len(out)-200:])
	}
	out, _, _ = parcours(t, "rejected", "replay", "--data", dir, "--source", "/soon", "--dry-run", "--json", "--since", "1h")
	if dry := lastLine[replayed](t, out); len(dry.Events) != 2 {
		t.Errorf("dry run: %+v", dry)
	}
	eventually(t, 30*time.Second, "the time has come", func() bool {
		_, _, code := parcours(t, "rejected", "replay", "--data", dir, "--source", "/soon", "--dry-run")
		return code == 0
	})
	first := lastLine[replayed](t, must(t, "rejected", "replay", "--data", dir, "--json"))
	if first.Outcomes["accepted"] != 2 || first.Outcomes["refused"] != 1 || first.Outcomes["cannot be replayed"] != 1 {
		t.Errorf("replayed: %+v", first)
	}
	second := lastLine[replayed](t, must(t, "rejected", "replay", "--data", dir, "--json", "1", "2", "99"))
	if second.Outcomes["duplicate"] != 2 || second.Outcomes["cannot be replayed"] != 1 {
		t.Errorf("replayed again: %+v", second)
	}
	if out, _, code := parcours(t, "rejected", "replay", "--data", dir, "--reason", "unknown_value"); code != 1 || !strings.Contains(out, "3 refused: data.channel: unknown_value") {
		t.Errorf("replay of what is still wrong: exit %d, %s", code, out)
	}
	if got := p.count(t, "SELECT groupArray(id) FROM (SELECT id FROM cx.events_v WHERE source = '/soon' ORDER BY id)"); got != "['binary','early']" {
		t.Errorf("events: %s", got)
	}
	if again := lastLine[rejectionList](t, must(t, "rejected", "list", "--data", dir, "--json")); len(again.Rejected) != 4 {
		t.Errorf("a replay has put something into REJECTED: %+v", again.Counts)
	}
	p.stop(t, syscall.SIGTERM)
}

// TestRejectedOfAFreeDirectory: rows of files, filters, what was set aside from the log; replayed by its own door.
func TestRejectedOfAFreeDirectory(t *testing.T) {
	dir := dataDir(t)
	line := func(id, source, at, channel string) string {
		return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":%q,"type":"contact.started","time":%q,"data":{"channel":%q}}`, id, source, at, channel)
	}
	p := up(t, dir, "--clock", "log", "--duplicate-window", "100ms")
	for _, at := range []string{"2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z"} {
		eventually(t, 30*time.Second, "the log no longer knows the id", func() bool {
			a := p.post(t, structured, line("1", "/good", at, "phone"))
			return a.Accepted == 1
		})
	}
	eventually(t, 30*time.Second, "one set aside", func() bool { return p.count(t, "SELECT count() FROM cx.rejected_v") == "1" })
	p.stop(t, syscall.SIGTERM)
	file := tempFile(t, "events.ndjson", strings.Join([]string{
		line("1", "/good", "2026-03-02T10:00:00Z", "phone"), line("2", "/bad", "2026-03-02T10:00:00Z", "fax"), "{broken",
		"", soon("4", 6*time.Second)}, "\n"))
	must(t, "import", "--data", dir, file)
	list := lastLine[rejectionList](t, must(t, "rejected", "list", "--data", dir, "--json"))
	rows := map[string]uint64{}
	for _, l := range list.Rejected {
		rows[l.Reason] = l.Row
	}
	if len(rows) != 4 || rows["unknown_value"] != 2 || rows["broken_json"] != 3 || rows["bad_time"] != 5 {
		t.Errorf("listed: %+v", list)
	}
	byReason := func(reason string) listed {
		return lastLine[rejectionList](t, must(t, "rejected", "list", "--data", dir, "--json", "--reason", reason, "--since", "1d")).Rejected[0]
	}
	aside := byReason("id_reused")
	out := must(t, "rejected", "show", "--data", dir, fmt.Sprint(aside.Number))
	if aside.Position == 0 || !strings.Contains(out, fmt.Sprintf("position %d", aside.Position)) || !strings.Contains(out, "/good") || !strings.Contains(out, "contact.started") {
		t.Errorf("set aside: %+v\n%s", aside, out)
	}
	if out := must(t, "rejected", "list", "--data", dir, "--source", "/bad"); !strings.Contains(out, "row 2") || !strings.Contains(out, "1 in all, 1 shown. unknown_value 1") {
		t.Errorf("list: %s", out)
	}
	if out := must(t, "rejected", "list", "--data", dir, "--since", "2099-01-01"); !strings.Contains(out, "0 in all") {
		t.Errorf("list: %s", out)
	}
	if out := must(t, "rejected", "list", "--data", dir, "--limit", "1"); !strings.Contains(out, "4 in all, 1 shown.") {
		t.Errorf("list: %s", out)
	}
	early := fmt.Sprint(byReason("bad_time").Number)
	eventually(t, 30*time.Second, "the time has come", func() bool {
		_, _, code := parcours(t, "rejected", "replay", "--data", dir, "--dry-run", early)
		return code == 0
	})
	r := lastLine[replayed](t, must(t, "rejected", "replay", "--data", dir, "--json", early, fmt.Sprint(aside.Number)))
	if r.Outcomes["accepted"] != 1 || r.Outcomes["cannot be replayed"] != 1 {
		t.Errorf("replayed: %+v", r)
	}
	if got := sqlCSV(t, dir, "SELECT count() FROM cx.events_v WHERE source = '/soon'"); got != "1" {
		t.Errorf("the replayed event stands %s times in the tables", got)
	}
	if err := os.Rename(filepath.Join(dir, "operator.key"), filepath.Join(dir, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	if _, errOut, code := parcours(t, "rejected", "show", "--data", dir, early); code != 2 || !strings.Contains(errOut, "--operator-key") {
		t.Errorf("without the key: exit %d, %s", code, errOut)
	}
	shown := lastLine[shownRejection](t, must(t, "rejected", "show", "--data", dir, early, "--json", "--operator-key", filepath.Join(dir, "elsewhere")))
	if shown.Body == nil || !json.Valid([]byte(*shown.Body)) || shown.Row != 5 {
		t.Errorf("shown: %+v", shown)
	}
}

// TestRejectedMisused: an unknown reason lists the known ones; a directory without a log is not made.
func TestRejectedMisused(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"list", "--reason", "bad_tim"}, "id_reused"},
		{[]string{"list", "--since", "yesterday"}, "2026-03-02"},
		{[]string{"list"}, "there is no log"},
		{[]string{"show", "1"}, "there is no log"},
		{[]string{"replay", "1", "--dry-run"}, "operator key"},
	} {
		_, errOut, code := parcours(t, append(append([]string{"rejected"}, c.args...), "--data", dir)...)
		if code != 2 || !strings.Contains(errOut, c.want) {
			t.Errorf("%v: exit %d, expected 2 and %q:\n%s", c.args, code, c.want, errOut)
		}
	}
	if exists(filepath.Join(dir, natsFolder)) {
		t.Error("a log was made")
	}
}

// TestEveryReasonIsListed: what any part says stands in the closed list, and in the page about it.
func TestEveryReasonIsListed(t *testing.T) {
	var names []string
	for _, r := range event.Reasons() {
		names = append(names, r.Name)
	}
	for _, reason := range []string{event.ReasonUndecodable, event.ReasonIDReused, reasonOf("time"), reasonOf("x")} {
		if !slices.Contains(names, reason) {
			t.Errorf("%s is not in event.Reasons", reason)
		}
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "rejected.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range event.Reasons() {
		if !strings.Contains(string(page), "| `"+r.Name+"` | "+r.Meaning+" |") {
			t.Errorf("docs/rejected.md does not say: | `%s` | %s |", r.Name, r.Meaning)
		}
	}
}
