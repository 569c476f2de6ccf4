package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// traceOf runs event trace, which must find something.
func traceOf(t *testing.T, dir string, args ...string) trace {
	t.Helper()
	return lastLine[trace](t, must(t, append([]string{"event", "trace", "--data", dir, "--json"}, args...)...))
}

// became is the state of the one event that a trace finds.
func became(t *testing.T, dir string, args ...string) tracedEvent {
	t.Helper()
	found := traceOf(t, dir, args...)
	if len(found.Events) != 1 {
		t.Fatalf("event trace %v finds %d events: %+v", args, len(found.Events), found)
	}
	return found.Events[0]
}

// appended puts an event into the log of a directory that nobody holds, and gives its position: the fold has not seen it.
func appended(t *testing.T, dir string, e *event.Event, msgID string) uint64 {
	t.Helper()
	d, err := openDirectory(DirectoryFlags{Data: dir}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	out := d.bus.Append(t.Context(), []pipeline.Entry{{MsgID: msgID, Partition: 3, Channel: "phone", Family: "contact", Type: e.Type, Body: event.AppendLog(nil, e)}})
	if out[0].Err != nil {
		t.Fatal(out[0].Err)
	}
	return out[0].Position
}

// TestEventTrace: each thing that an event can have become.
func TestEventTrace(t *testing.T) {
	dir := dataDir(t)
	p := up(t, dir, "--clock", "log", "--duplicate-window", "100ms")
	var machine []string // consents, which the fold passes over quickly, and one contact too many
	for i := range 2000 {
		machine = append(machine, eventLine(fmt.Sprintf("machine-%d", i), "customer.consented", "2026-03-01T10:00:00Z", `"identifiers":{"customer":"MACHINE"},"to":"mail"`))
	}
	machine = append(machine, eventLine("machine", "contact.started", "2026-03-01T10:00:00Z", `"identifiers":{"customer":"MACHINE"},"channel":"phone"`))
	must(t, "import", "--data", dir, tempFile(t, "machine.ndjson", strings.Join(machine, "\n")))
	p.follows(t, dir, toldHistory()...)
	p.follows(t, dir,
		eventLine("looks", "page.viewed", "2026-03-20T10:00:00Z", `"identifiers":{"customer":"C-1"},"channel":"web"`),
		eventLine("alone", "survey.answered", "2026-03-20T10:01:00Z", `"identifiers":{"customer":"D-1"},"nps":3,"kind":"relational"`),
		eventLine("apart", "incident.started", "2026-03-20T10:02:00Z", `"products":["fibre"]`),
		eventLine("too-late", "contact.started", "2026-03-02T09:00:00Z", `"identifiers":{"customer":"A-1"},"channel":"phone"`),
		strings.Replace(eventLine("looks", "contact.started", "2026-03-20T10:03:00Z", `"identifiers":{"customer":"F-1"},"channel":"phone"`), "/told", "/other", 1))
	again := toldHistory()[1]
	eventually(t, 30*time.Second, "the log no longer knows the id", func() bool { return p.post(t, structured, again).Accepted == 1 })
	used := eventLine("again-end", "contact.ended", "2026-03-04T09:11:00Z", `"identifiers":{"customer":"A-1"},"channel":"phone"`)
	eventually(t, 30*time.Second, "the log no longer knows the id", func() bool { return p.post(t, structured, used).Accepted == 1 })
	p.follows(t, dir)
	p.post(t, structured, eventLine("fax", "contact.started", "2026-03-20T10:00:00Z", `"channel":"fax"`))
	eventually(t, 30*time.Second, "what was set aside is in its table", func() bool { return p.count(t, "SELECT count() FROM cx.rejected_v WHERE reason = 'id_reused'") == "1" })

	states := func() {
		t.Helper()
		for id, want := range map[string]string{"alone": stateAlone, "apart": stateApart, "too-late": stateLate, "machine": stateQuarantined, "machine-7": stateApart, "first-end": stateJourney} {
			if got := became(t, dir, id); got.State != want || got.Why == "" || len(got.Log) == 0 || !got.InTables {
				t.Errorf("%s became %+v, expected %s", id, got, want)
			}
		}
		late := became(t, dir, "too-late")
		least, most := (18*24*time.Hour + 10*time.Minute).Seconds(), (18*24*time.Hour + 63*time.Minute).Seconds() // by who shares the partition
		if late.Late == nil || float64(late.Late.Behind) < least || float64(late.Late.Behind) > most || late.Late.Allowed != 72*3600 || !strings.Contains(late.Why, "--admit-late") {
			t.Errorf("late: %+v, %s", late.Late, late.Why)
		}
		two := traceOf(t, dir, "looks")
		if len(two.Events) != 2 || two.Events[0].State != stateJourney || two.Events[0].Source != "/other" || two.Events[1].State != stateVisit {
			t.Errorf("of two sources: %+v", two.Events)
		}
		if one := became(t, dir, "looks", "--source", "/told"); one.State != stateVisit {
			t.Errorf("of one source: %+v", one)
		}
	}
	states()
	p.stop(t, syscall.SIGTERM)
	states()

	// In a journey, and evidence; its copy is found only by reading the log, and is said not to have been looked for.
	known := became(t, dir, "first-end")
	if known.Journey == nil || known.Journey.Step != 2 || known.Journey.Steps != 4 || len(known.Breakpoints) != 1 || known.Breakpoints[0].As != "origin and evidence" {
		t.Errorf("first-end: %+v", known)
	}
	if known.CopiesSure || len(known.Log) != 1 || !strings.Contains(known.Copies, "--scan") {
		t.Errorf("copies without reading: %+v, %s", known.Log, known.Copies)
	}
	for _, how := range [][]string{{"--scan"}, {"--scan", "--everywhere"}} {
		known = became(t, dir, append(how, "first-end")...)
		if !known.CopiesSure || len(known.Log) != 2 || known.Log[0].Position >= known.Log[1].Position || known.Log[0].Partition != known.Log[1].Partition {
			t.Errorf("copies by %v: %+v, %s", how, known.Log, known.Copies)
		}
	}
	// The only copies are of first-end: who shares its partition (the directory's key says who) cannot be sure without reading.
	copied, sure := known.Log[0].Partition, 0
	for _, id := range []string{"machine", "alone", "looks", "too-late"} {
		other := traceOf(t, dir, "--source", "/told", id).Events[0]
		elsewhere := other.Log[0].Partition != copied
		if other.CopiesSure != elsewhere || strings.Contains(other.Copies, "no copy in partition") != elsewhere {
			t.Errorf("copies of %s, when partition %d has some: %+v", id, copied, other)
		}
		if elsewhere {
			sure++
		}
	}
	if sure == 0 {
		t.Error("all customers in one partition")
	}

	// The same id with another time.
	reused := traceOf(t, dir, "again-end")
	if len(reused.Events) != 2 || reused.Events[0].State != stateJourney || reused.Events[1].State != stateAside || reused.Events[1].Reason != "id_reused" {
		t.Errorf("reused: %+v", reused.Events)
	}
	// Refused: what can be told of a source.
	out, errOut, code := parcours(t, "event", "trace", "--data", dir, "--source", "/told", "fax")
	if code != 1 || !strings.Contains(out, "unknown_value 1") || !strings.Contains(out, "data.channel") || !strings.Contains(out, "rejected show") || !strings.Contains(errOut, "no event") {
		t.Errorf("refused: exit %d\n%s%s", code, out, errOut)
	}
	text := must(t, "event", "trace", "--data", dir, "first-end")
	if strings.Contains(text, "a-17") || strings.Contains(text, "A-1") || !strings.Contains(text, "step 2 of 4") {
		t.Errorf("for a reader:\n%s", text)
	}
}

// TestEventTraceOfTheLog: what is in the log and not in the tables: not folded yet, a copy of what is, no event at all, set
// aside as poisonous, missing; and what is asked for by its position.
func TestEventTraceOfTheLog(t *testing.T) {
	dir := dataDir(t)
	must(t, "import", "--data", dir, tempFile(t, "events.ndjson", strings.Join(toldHistory(), "\n")))
	waiting := &event.Event{ID: "waiting", Source: "/told", Type: event.ContactStarted, At: event.InstantOf(time.Date(2026, 3, 21, 9, 0, 0, 0, time.UTC)), Home: "c1",
		Data: event.Data{Customer: "c1", Channel: event.Phone, Agent: "a-17"}}
	at := appended(t, dir, waiting, "one")
	copied := appended(t, dir, waiting, "two")
	got := became(t, dir, "waiting")
	if got.State != statePending || got.InTables || fmt.Sprint(got.Log[0].Position, got.Log[1].Position) != fmt.Sprint(at, copied) || got.Customer != "c1" {
		t.Errorf("not folded: %+v", got)
	}
	if by := became(t, dir, "--position", fmt.Sprint(at)); by.ID != "waiting" || len(by.Log) != 2 {
		t.Errorf("by its position: %+v", by)
	}
	if by := became(t, dir, "--position", "1"); by.State != stateSystem || by.Type != event.LogOpened {
		t.Errorf("the first: %+v", by)
	}
	must(t, "sql", "--data", dir, fmt.Sprintf("INSERT INTO cx.rejected (seen_at, position, reason, source, event_position) VALUES (now64(3), 1, 'poisonous', '/told', %d)", at))
	if got := became(t, dir, "waiting"); got.State != stateAside || got.Reason != event.ReasonPoisonous || !strings.Contains(got.Why, "The fold failed on the event") {
		t.Errorf("poisonous: %+v", got)
	}
	must(t, "sql", "--data", dir, "ALTER TABLE cx.events DELETE WHERE id = 'first-end' SETTINGS mutations_sync = 2")
	if _, _, code := parcours(t, "event", "trace", "--data", dir, "first-end"); code != 1 {
		t.Errorf("what is not in the tables is found without reading the log: exit %d", code)
	}
	if got := became(t, dir, "first-end", "--scan"); got.State != stateMissing || !got.CopiesSure || !strings.Contains(got.Why, "verify") {
		t.Errorf("missing: %+v", got)
	}
	for want, args := range map[string][]string{"which event": {}, "not both": {"x", "--position", "1"}, "give both": {"x", "--everywhere"}} {
		if _, errOut, code := parcours(t, append([]string{"event", "trace", "--data", dir}, args...)...); code != 2 || !strings.Contains(errOut, want) {
			t.Errorf("%v: exit %d, %s", args, code, errOut)
		}
	}
	if _, errOut, code := parcours(t, "event", "trace", "--data", dir, "--position", "9999"); code != 1 || !strings.Contains(errOut, "holds nothing at position 9999") {
		t.Errorf("behind the end: exit %d, %s", code, errOut)
	}
	if _, errOut, code := parcours(t, "event", "trace", "--data", t.TempDir(), "x"); code != 2 || !strings.Contains(errOut, "there is no log") {
		t.Errorf("without a log: exit %d, %s", code, errOut)
	}
}

// TestEventTraceOfNoEvent: what stands in the log and is no event is told by its position.
func TestEventTraceOfNoEvent(t *testing.T) {
	dir := dataDir(t)
	must(t, "import", "--data", dir, tempFile(t, "events.ndjson", strings.Join(toldHistory(), "\n")))
	d, err := openDirectory(DirectoryFlags{Data: dir}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	out := d.bus.Append(t.Context(), []pipeline.Entry{{MsgID: "junk", Partition: 2, Channel: "phone", Family: "contact", Type: "contact.ended", Body: []byte("junk")}})
	d.close()
	if out[0].Err != nil {
		t.Fatal(out[0].Err)
	}
	at := fmt.Sprint(out[0].Position)
	if got := became(t, dir, "--position", at); got.State != statePending || got.ID != "" {
		t.Errorf("before it is folded: %+v", got)
	}
	p := up(t, dir)
	eventually(t, 20*time.Second, "it is set aside", func() bool { return p.count(t, "SELECT count() FROM cx.rejected_v") == "1" })
	if got := became(t, dir, "--position", at); got.State != stateAside || got.Reason != event.ReasonUndecodable {
		t.Errorf("folded: %+v", got)
	}
	if text := must(t, "event", "trace", "--data", dir, "--position", at); !strings.Contains(text, "without an id") || !strings.Contains(text, "no event") {
		t.Errorf("for a reader: %s", text)
	}
	p.stop(t, syscall.SIGTERM)
}
