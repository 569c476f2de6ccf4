package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	natsclient "github.com/nats-io/nats.go"
)

// answer is what the door says.
type doorAnswer struct {
	Status     int
	Accepted   int `json:"accepted"`
	Duplicates int `json:"duplicates"`
	Refused    []struct {
		Index    int    `json:"index"`
		ID       string `json:"id"`
		Field    string `json:"field"`
		Expected string `json:"expected"`
		Status   int    `json:"status"`
	} `json:"refused"`
}

func (p *upProcess) post(t *testing.T, contentType, body string, headers ...string) doorAnswer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.addresses.Ingest+"/v1/events", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	a := doorAnswer{Status: res.StatusCode}
	raw, err := io.ReadAll(res.Body)
	if err == nil {
		err = json.Unmarshal(raw, &a)
	}
	if err != nil {
		t.Fatalf("the door answered %d and %q: %v", res.StatusCode, raw, err)
	}
	return a
}

// count asks the process's own ClickHouse.
func (p *upProcess) count(t *testing.T, query string) string {
	t.Helper()
	res, err := http.Post("http://"+p.addresses.ClickHouse+"/", "text/plain", strings.NewReader(query)) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(raw))
}

func ago(d time.Duration) string { return time.Now().Add(-d).UTC().Format(time.RFC3339Nano) }

// TestFourWays: binary, structured and batch by the unmodified CloudEvents SDK, NDJSON by hand; a row within two seconds; a
// plain NATS subscriber hears of the journey.
func TestFourWays(t *testing.T) {
	p := up(t, t.TempDir())
	conn, err := natsclient.Connect(p.addresses.NATS)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	heard, err := conn.SubscribeSync("cx.journeys.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	sendBySDK(t, p)
	if a := p.post(t, "application/x-ndjson", line4(ago(time.Second))+"\n"); a.Status != 202 || a.Accepted != 1 {
		t.Fatalf("NDJSON: %+v", a)
	}
	eventually(t, 2*time.Second, "five events in one journey of two contacts with a repeat", func() bool {
		return p.count(t, "SELECT (SELECT count() FROM cx.events_v), (SELECT (count(), sum(steps)) FROM cx.journeys_v), (SELECT groupArray(kind) FROM cx.breakpoints_v)") ==
			"5\t(1,5)\t['repeat_contact']"
	})
	listen(t, heard, "journey.opened", "breakpoint.detected")
	p.stop(t, syscall.SIGTERM)
}

// listen reads messages until each type was heard.
func listen(t *testing.T, heard *natsclient.Subscription, types ...string) {
	t.Helper()
	missing := map[string]bool{}
	for _, typ := range types {
		missing[typ] = true
	}
	for len(missing) > 0 {
		m, err := heard.NextMsg(5 * time.Second)
		if err != nil {
			t.Fatalf("still not heard: %v: %v", missing, err)
		}
		var e struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal(m.Data, &e); err != nil {
			t.Fatalf("%s: %v", m.Subject, err)
		}
		delete(missing, e.Type)
	}
}

func line4(at string) string {
	return `{"specversion":"1.0","id":"4","source":"/sdk","type":"contact.ended","time":"` + at + `","data":{"identifiers":{"customer":"SDK-1"},"contact":"k2","channel":"phone","reason":"billing.dispute","resolved":true}}`
}

func sendBySDK(t *testing.T, p *upProcess) {
	t.Helper()
	client, err := cloudevents.NewClientHTTP(cloudevents.WithTarget(p.addresses.Ingest + "/v1/events"))
	if err != nil {
		t.Fatal(err)
	}
	event := func(id, typ, contact string, at time.Duration) cloudevents.Event {
		e := cloudevents.NewEvent()
		e.SetID(id)
		e.SetSource("/sdk")
		e.SetType(typ)
		e.SetTime(time.Now().Add(-at))
		err := e.SetData(cloudevents.ApplicationJSON, map[string]any{
			"identifiers": map[string]string{"customer": "SDK-1"}, "contact": contact, "channel": "phone", "reason": "billing.dispute",
		})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	if res := client.Send(cloudevents.WithEncodingBinary(t.Context()), event("1", "contact.started", "k1", time.Hour)); !cloudevents.IsACK(res) {
		t.Fatalf("binary: %v", res)
	}
	if res := client.Send(cloudevents.WithEncodingStructured(t.Context()), event("2", "contact.ended", "k1", 50*time.Minute)); !cloudevents.IsACK(res) {
		t.Fatalf("structured: %v", res)
	}
	batch := []cloudevents.Event{event("3", "contact.started", "k2", 10*time.Minute), event("3b", "contact.answered", "k2", 9*time.Minute)}
	req, err := cehttp.NewHTTPRequestFromEvents(t.Context(), p.addresses.Ingest+"/v1/events", batch)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusAccepted {
		t.Fatalf("batch: %d", res.StatusCode)
	}
}

// TestBadInput: each kind of bad input gets its answer, and the good events beside it are stored.
func TestBadInput(t *testing.T) {
	keys := tempFile(t, "keys.yaml", "- name: crm\n  key: a-key-of-sixteen-and-more\n")
	p := up(t, t.TempDir(), "--api-keys", keys)
	key := []string{"Authorization", "Bearer a-key-of-sixteen-and-more"}
	good := func(id string) string {
		return `{"specversion":"1.0","id":"` + id + `","source":"/good","type":"contact.started","time":"` + ago(time.Minute) + `","data":{"channel":"phone"}}`
	}
	const batch = "application/cloudevents-batch+json"
	at := ago(time.Minute)
	for i, c := range []struct{ name, bad, field string }{
		{"missing id", `{"specversion":"1.0","source":"/bad","type":"contact.started","time":"` + at + `"}`, "id"},
		{"unknown channel", `{"specversion":"1.0","id":"b2","source":"/bad","type":"contact.started","time":"` + at + `","data":{"channel":"fax"}}`, "data.channel"},
		{"wrong JSON type", `{"specversion":"1.0","id":"b3","source":"/bad","type":"contact.ended","time":"` + at + `","data":{"wait_s":"long"}}`, "data.wait_s"},
		{"year 2099", `{"specversion":"1.0","id":"b4","source":"/bad","type":"contact.started","time":"2099-01-01T00:00:00Z"}`, "time"},
		{"system type", `{"specversion":"1.0","id":"b5","source":"/bad","type":"clock.ticked","time":"` + at + `"}`, "type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			mixed := p.post(t, batch, "["+good(fmt.Sprint("g", i))+","+c.bad+"]", key...)
			if mixed.Status != 202 || mixed.Accepted != 1 || len(mixed.Refused) != 1 || mixed.Refused[0].Field != c.field || mixed.Refused[0].Index != 1 {
				t.Errorf("mixed: %+v", mixed)
			}
			alone := p.post(t, "application/cloudevents+json", c.bad, key...)
			if alone.Status != 422 || len(alone.Refused) != 1 || alone.Refused[0].Expected == "" {
				t.Errorf("alone: %+v", alone)
			}
		})
	}
	if a := p.post(t, "application/cloudevents+json", `{"specversion": "1.0", "id`, key...); a.Status != 422 {
		t.Errorf("truncated JSON: %+v", a)
	}
	if a := p.post(t, "application/json", strings.Repeat(" ", 50<<20), key...); a.Status != 413 {
		t.Errorf("50 MB: %+v", a)
	}
	if a := p.post(t, batch, "["+good("x")+"]", "Authorization", "Bearer wrong"); a.Status != 401 {
		t.Errorf("wrong key: %+v", a)
	}
	eventually(t, 2*time.Second, "the good events", func() bool { return p.count(t, "SELECT count() FROM cx.events_v WHERE source = '/good'") == "5" })
	if got := p.count(t, "SELECT count() FROM cx.events_v WHERE source = '/bad'"); got != "0" {
		t.Errorf("%s bad events were stored", got)
	}
	eventually(t, 30*time.Second, "what was refused", func() bool { return p.count(t, "SELECT count() FROM cx.rejected_v") == "11" })
}

// TestThrice: the same batch three times, the last after a restart, counts once.
func TestThrice(t *testing.T) {
	dir := t.TempDir()
	body := must(t, "simulate", "--customers", "20", "--days", "10", "--seed", "5")
	var first string
	p := up(t, dir, "--duplicate-window", "100ms") // so that the fold has to know the copies
	for round := range 3 {
		if round == 2 {
			p.stop(t, syscall.SIGKILL)
			p = up(t, dir, "--duplicate-window", "100ms")
		}
		if a := p.post(t, "application/x-ndjson", body); a.Status != 202 || len(a.Refused) != 0 {
			t.Fatalf("round %d: %+v", round, a)
		}
		must(t, "import", "--data", dir, tempFile(t, "empty.ndjson", "")) // returns when the tables are complete
		now := tables(t, dir)
		if round > 0 && now != first {
			t.Fatalf("round %d: the tables have changed", round)
		}
		first = now
	}
	if strings.Count(first, "\n") < 50 {
		t.Fatalf("nothing was there to compare:\n%s", first)
	}
}

// TestHeldDirectory: sql and import work through the process that holds the directory; a second up is refused.
func TestHeldDirectory(t *testing.T) {
	dir := t.TempDir()
	p := up(t, dir, "--clock", "log") // which takes history
	_, errOut, code := parcours(t, "up", "--data", dir, "--listen", "127.0.0.1:0")
	if code != 3 || !strings.Contains(errOut, "in use by process") {
		t.Errorf("a second up: exit %d, %s", code, errOut)
	}
	file := tempFile(t, "events.ndjson", must(t, "simulate", "--customers", "20", "--days", "10")+"{broken\n")
	r := lastLine[imported](t, must(t, "import", "--data", dir, "--json", file))
	if r.Refused != 1 || r.Accepted < 50 {
		t.Errorf("imported: %+v", r)
	}
	if list := lastLine[rejectionList](t, must(t, "rejected", "list", "--data", dir, "--json")); len(list.Rejected) != 1 || list.Rejected[0].Row != uint64(r.Rows) {
		t.Errorf("of %d rows: %+v", r.Rows, list)
	}
	if got, want := sqlCSV(t, dir, "SELECT count() FROM cx.events_v"), p.count(t, "SELECT count() FROM cx.events_v"); got != want || got == "0" {
		t.Errorf("sql through the holder says %s, ClickHouse %s", got, want)
	}
	_, errOut, code = parcours(t, "sql", "--data", dir, "--readonly", "DROP TABLE cx.events")
	if code == 0 {
		t.Error("--readonly let a DROP through")
	}
	if p.count(t, "SELECT count() > 0 FROM cx.events_v") != "1" {
		t.Errorf("the events are gone: %s", errOut)
	}
	p.stop(t, syscall.SIGTERM)
}

// TestPage: the first look, health and metrics.
func TestPage(t *testing.T) {
	p := up(t, t.TempDir())
	if a := p.post(t, "application/cloudevents+json", `{"specversion":"1.0","id":"1","source":"/p","type":"contact.started","time":"`+ago(time.Minute)+`","data":{"channel":"fax"}}`); a.Status != 422 {
		t.Fatalf("%+v", a)
	}
	for path, want := range map[string]string{
		"/healthz": "ok", "/readyz": "ready", "/metrics": "# HELP parcours_aggregator_position", "/": "curl -sS " + p.addresses.Ingest,
	} {
		if got := get(t, p.addresses.Ingest+path); !strings.Contains(got, want) {
			t.Errorf("%s does not say %q:\n%s", path, want, got)
		}
	}
	eventually(t, 30*time.Second, "the refusal on the page", func() bool {
		return strings.Contains(get(t, p.addresses.Ingest+"/"), "data.channel")
	})
}

func get(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestNoRawIdentifier: nothing by which a customer is known is found in the directory or in the logs, accepted or refused.
func TestNoRawIdentifier(t *testing.T) {
	dir := t.TempDir()
	p := up(t, dir, "--log-level", "trace")
	secrets := []string{"Zdenka.Raw@example.org", "+33612345678", "RAWCUSTOMER-998877", "raw-cookie-abcdef"}
	ids := fmt.Sprintf(`"identifiers":{"email":%q,"phone":%q,"customer":%q,"cookie":%q}`, secrets[0], secrets[1], secrets[2], secrets[3])
	at := ago(time.Minute)
	for i, data := range []string{
		`{` + ids + `,"channel":"phone","contact":"call RAWCUSTOMER-998877","unit":"for zdenka.raw@example.org"}`,
		`{` + ids + `,"channel":"fax"}`,
		`{` + ids + `,"wait_s":"+33612345678"}`,
		`{` + ids + `,"channel":"phone","note":"RAWCUSTOMER-998877"}`,
	} {
		body := fmt.Sprintf(`{"specversion":"1.0","id":"%d-RAWCUSTOMER-998877","source":"/s","type":"contact.ended","time":%q,"subject":"RAWCUSTOMER-998877","data":%s}`, i, at, data)
		p.post(t, "application/cloudevents+json", body)
		p.post(t, "application/cloudevents+json", body[:len(body)-4]) // truncated
	}
	eventually(t, 30*time.Second, "the good ones stored, the others refused", func() bool {
		return p.count(t, "SELECT (SELECT count() FROM cx.events_v), (SELECT count() FROM cx.rejected_v)") == "2\t6"
	})
	rows := p.count(t, "SELECT * FROM cx.events_v FORMAT TSV") + p.count(t, "SELECT * FROM cx.rejected_v FORMAT TSV")
	p.stop(t, syscall.SIGTERM)
	if err := os.WriteFile(filepath.Join(dir, "canary"), []byte(secrets[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	found := scan(t, dir, secrets)
	if len(found) != 1 || !strings.HasSuffix(found[0], "canary: "+secrets[0]) {
		t.Errorf("expected the canary and nothing else, found %v", found)
	}
	for _, s := range secrets {
		if low := strings.ToLower(s); strings.Contains(strings.ToLower(p.log.String()), low) || strings.Contains(strings.ToLower(rows), low) {
			t.Errorf("%s stands in the logs or in a row", s)
		}
	}
}

// scan looks for the words in every file, in either case.
func scan(t *testing.T, dir string, words []string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, w := range words {
			if bytes.Contains(bytes.ToLower(raw), []byte(strings.ToLower(w))) {
				found = append(found, path+": "+w)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
