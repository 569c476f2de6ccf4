package ingest_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/pipeline/ingest"
)

func TestLayouts(t *testing.T) {
	pretty := "{\n  \"specversion\": \"1.0\", \"id\": \"%s\", \"source\": \"/crm\",\n  \"type\": \"a\", \"time\": \"2026-10-03T09:14:22Z\"\n}\n"
	one := func(id string) string { return ev(id, "9001", "") }
	s := newSite(t)
	take := func(name, content, body string, want int) {
		t.Helper()
		if r := s.post(content, body); r.code != http.StatusAccepted || r.counts() != [3]int{want, 0, 0} {
			t.Errorf("%s: %d %s", name, r.code, r.raw)
		}
	}
	take("structured", structured, one("s1"), 1)
	take("structured with charset", structured+"; charset=UTF-8", one("s2"), 1)
	take("structured with a mark", structured, "\xef\xbb\xbf"+one("s3"), 1)
	take("batch", batch, "["+one("b1")+",\n"+one("b2")+"]\n", 2)
	take("empty batch", batch, " [ ] ", 0)
	take("lines", ndjson, one("n1")+"\n\n"+one("n2")+"\r\n"+one("n3"), 3)
	take("jsonl", "application/jsonl", one("j1")+"\n", 1)
	take("array as lines", ndjson, "\n["+one("a1")+"]", 1)
	take("json object", "application/json", one("o1"), 1)
	take("json written wide", "application/json", fmt.Sprintf(pretty, "w1"), 1)
	take("json objects", "application/json", fmt.Sprintf(pretty, "w2")+fmt.Sprintf(pretty, "w3"), 2)
	take("json array", "application/json; charset=utf-8", "["+one("ja")+"]", 1)
	if got := len(s.stored()); got != 15 {
		t.Errorf("%d events stored, want 15", got)
	}
}

// Binary mode: attributes in headers, percent-encoded and quoted, data in the body.
func TestBinary(t *testing.T) {
	s := newSite(t)
	r := s.post("application/json", `{"channel":"phone","identifiers":{"customer":"9001"}}`, "ce-specversion", "1.0", "ce-id", "b%C3%A9%20%25",
		"ce-source", `"/c\rm"`, "ce-type", "contact.ended", "ce-time", "2026-10-03T09:14:22.123Z", "ce-subject", "100%", "ce-traceparent", "00-1",
		"ce-sequence", "7")
	if r.code != http.StatusAccepted || r.Accepted != 1 {
		t.Fatalf("%d %s", r.code, r.raw)
	}
	e := s.stored()[0]
	if e.ID != "bé %" || e.Source != "/crm" || e.Subject != "100%" || e.Sequence != "7" || e.Data.Channel != event.Phone || e.Data.Customer == "" {
		t.Errorf("%+v", e)
	}
	if r := s.post("", "", "ce-specversion", "1.0", "ce-id", "no data", "ce-source", "/x", "ce-type", "a", "ce-time", "2026-10-03T09:14:22Z"); r.Accepted != 1 {
		t.Errorf("without data: %s", r.raw)
	}
	r = s.post("text/plain", "hello", "ce-specversion", "1.0", "ce-id", "1", "ce-source", "/x", "ce-type", "a", "ce-time", "2026-10-03T09:14:22Z")
	if r.code != http.StatusUnprocessableEntity || r.Refused[0].Field != "datacontenttype" {
		t.Errorf("text: %s", r.raw)
	}
	if kept := s.rejected(); len(kept) != 1 || !bytes.HasSuffix(kept[0].Sealed, []byte("}\nhello")) || !bytes.Contains(kept[0].Sealed, []byte("text/plain")) {
		t.Errorf("kept: %s", kept[0].Sealed)
	}
}

// What binary mode keeps aside can be sent again as a structured event: the same one.
func TestKeptAndSentAgain(t *testing.T) {
	s := newSite(t)
	headers := []string{"ce-specversion", "1.0", "ce-id", "b%C3%A9%20%25", "ce-source", "/crm", "ce-type", "contact.ended",
		"ce-time", "2026-10-03T12:05:01Z", "ce-subject", "100%", "ce-sequence", "7", "ce-traceparent", "00-1"}
	r := s.post("application/json; charset=utf-8", "{\"channel\":\"phone\",\n\"identifiers\":{\"customer\":\"9001\"}}", headers...)
	kept := s.rejected()
	if r.code != http.StatusUnprocessableEntity || len(kept) != 1 || kept[0].Reason != event.ReasonBadTime {
		t.Fatalf("%d %s: %+v", r.code, r.raw, kept)
	}
	again := string(ingest.Structured(kept[0].Sealed))
	for range 2 {
		if r := s.post("application/cloudevents+json", again, ingest.ReplayHeader, "1"); r.code != http.StatusUnprocessableEntity {
			t.Errorf("replayed too early: %d %s", r.code, r.raw)
		}
	}
	if len(s.rejected()) != 1 {
		t.Error("what was refused again was kept again")
	}
	again = strings.Replace(again, "12:05:01", "12:04:59", 1)
	if r := s.post("application/cloudevents+json", again, ingest.ReplayHeader, "1"); r.Accepted != 1 {
		t.Fatalf("%d %s", r.code, r.raw)
	}
	e := s.stored()[0]
	if e.ID != "bé %" || e.Source != "/crm" || e.Subject != "100%" || e.Sequence != "7" || e.Data.Channel != event.Phone || e.Data.Customer == "" {
		t.Errorf("%+v", e)
	}
	for _, body := range []string{"", "hello", ev("1", "2", ""), "{\"a\":1}\n{\"b\":2}", "{\"SpecVersion\":\"1.0\"}\n{}"} {
		if got := string(ingest.Structured([]byte(body))); got != body {
			t.Errorf("%q became %q", body, got)
		}
	}
}

// The row of an imported file is kept with what is refused of it.
func TestRow(t *testing.T) {
	s := newSite(t)
	s.door.Accept(t.Context(), []ingest.Raw{{Body: []byte("{}"), Row: 17}}, ingest.Origin{Name: "test"})
	s.post("application/x-ndjson", "{}\n"+ev("1", "9001", "")+"\n\n[]\n{\n{}\n", ingest.RowsHeader, "5,7-8,2")
	s.post("application/x-ndjson", "{}", ingest.RowsHeader, "1-99999999999999999999")
	var rows []uint64
	for _, kept := range s.rejected() {
		rows = append(rows, kept.Row)
	}
	if text := ingest.RowsText([]uint64{2, 5, 6, 7, 9, 3}); text != "2,5-7,9,3" {
		t.Errorf("written as %q", text)
	}
	if !slices.Equal(rows, []uint64{17, 5, 8, 2, 0, 0}) {
		t.Errorf("rows %v", rows)
	}
}

// Every kind of bad input: which event, which field, what was expected; kept aside; never in the way of the others.
func TestRefusals(t *testing.T) {
	s := newSite(t, func(set *setting) { set.ingest.MaxEvent = 2000 })
	event := func(change, to string) string { return strings.Replace(ev("x1", "9001", `,"due":null`), change, to, 1) }
	cases := []struct{ name, body, reason, field, id string }{
		{"no JSON", `hello`, "broken-json", "", ""},
		{"broken", event(`"data"`, `"data`), "broken-json", "", ""},
		{"no object", `[1]`, "not-cloudevent", "", ""},
		{"specversion", event(`1.0`, `0.3`), "not-cloudevent", "specversion", "x1"},
		{"no id", event(`"id":"x1",`, ``), "missing-field", "id", ""},
		{"no source", event(`"source":"/crm",`, ``), "missing-field", "source", "x1"},
		{"no type", event(`"type":"contact.ended",`, ``), "missing-field", "type", "x1"},
		{"no time", event(`"time":"2026-10-03T09:14:22.123Z",`, ``), "missing-field", "time", "x1"},
		{"bad time", event(`2026-10-03T09:14:22.123Z`, `yesterday`), "bad-time", "time", "x1"},
		{"ahead", event(`2026-10-03T09`, `2026-10-04T09`), "bad-time", "time", "x1"},
		{"channel", event(`"phone"`, `"telex"`), "unknown-value", "data.channel", "x1"},
		{"direction", event(`"due":null`, `"direction":"up"`), "unknown-value", "data.direction", "x1"},
		{"wrong type", event(`"due":null`, `"unit":7`), "wrong-type", "data.unit", "x1"},
		{"bad value", event(`"due":null`, `"wait_s":-1`), "bad-value", "data.wait_s", "x1"},
		{"identifiers", event(`{"customer":"9001"}`, `"9001"`), "wrong-type", "data.identifiers", "x1"},
		{"deep", event(`"due":null`, `"x":`+strings.Repeat("[", 50)+strings.Repeat("]", 50)), "too-deep", "", ""},
		{"big", event(`"due":null`, `"x":"`+strings.Repeat("y", 2000)+`"`), "too-big", "", ""},
		{"system", event(`contact.ended`, `clock.ticked`), "system-type", "type", "x1"},
		{"log.opened", event(`contact.ended`, `log.opened`), "system-type", "type", "x1"},
		{"bytes behind", ev("x1", "9001", "") + "x", "broken-json", "", ""},
		{"not UTF-8", event(`"due":null`, "\"unit\":\"\xff\""), "broken-json", "", ""},
	}
	for _, c := range cases {
		r := s.post(structured, c.body)
		if r.code != http.StatusUnprocessableEntity || len(r.Refused) != 1 {
			t.Errorf("%s: %d %s", c.name, r.code, r.raw)
			continue
		}
		got := r.Refused[0]
		if got.Type != "/problems/"+c.reason || got.Field != c.field || got.ID != c.id || got.Expected == "" || got.Title == "" || got.Status != 422 {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	kept := s.rejected()
	if len(kept) != len(cases) || len(s.stored()) != 0 {
		t.Fatalf("%d kept, want %d; %d stored", len(kept), len(cases), len(s.stored()))
	}
	for i, k := range kept {
		if k.Bytes != len(cases[i].body) || !strings.HasPrefix(cases[i].body, string(k.Sealed)) || len(k.SHA256) != 64 {
			t.Errorf("%s: kept %d bytes, %q", cases[i].name, k.Bytes, k.Sealed)
		}
	}
}

func TestRequests(t *testing.T) {
	s := newSite(t, func(set *setting) { set.ingest.MaxBody = 5000 })
	for _, c := range []struct {
		name, method, content, body string
		header                      []string
		want                        int
	}{
		{"get", "GET", "", "", nil, 405},
		{"put", "PUT", structured, ev("1", "9001", ""), nil, 405},
		{"no type", "POST", "", "x", nil, 415},
		{"text", "POST", "text/plain", "x", nil, 415},
		{"latin", "POST", structured + "; charset=iso-8859-1", ev("1", "9001", ""), nil, 415},
		{"brotli", "POST", structured, "x", []string{"Content-Encoding", "br"}, 415},
		{"empty", "POST", structured, "", nil, 400},
		{"blank", "POST", structured, " \n", nil, 400},
		{"no lines", "POST", ndjson, "\n\n \n", nil, 400},
		{"empty json", "POST", "application/json", " ", nil, 400},
		{"empty batch body", "POST", batch, "", nil, 400},
		{"large", "POST", structured, strings.Repeat(" ", 5001), nil, 413},
	} {
		if r := s.send(c.method, c.content, strings.NewReader(c.body), c.header...); r.code != c.want {
			t.Errorf("%s: %d %s", c.name, r.code, r.raw)
		}
	}
	if r := s.send("GET", "", http.NoBody); r.header.Get("Allow") != "POST" {
		t.Errorf("Allow: %q", r.header.Get("Allow"))
	}
}

func TestMixedBatch(t *testing.T) {
	s := newSite(t)
	bad := strings.Replace(ev("bad", "9001", ""), `"phone"`, `"telex"`, 1)
	body := "[" + ev("m1", "9001", "") + "," + bad + ",{oops}," + ev("m1", "9001", "") + "," + ev("m2", "9002", "") + "]"
	r := s.post(batch, body)
	if r.code != http.StatusAccepted || r.counts() != [3]int{2, 1, 2} || r.Refused[0].Index != 1 || r.Refused[0].ID != "bad" || r.Refused[1].Index != 2 {
		t.Errorf("%d %s", r.code, r.raw)
	}
	r = s.post(batch, body)
	if r.code != http.StatusUnprocessableEntity || r.counts() != [3]int{0, 3, 2} {
		t.Errorf("again: %d %s", r.code, r.raw)
	}
	if got := s.stored(); len(got) != 2 {
		t.Errorf("%d stored", len(got))
	}
}

func TestDuplicatesThrice(t *testing.T) {
	s := newSite(t)
	body := ev("d1", "9001", "") + "\n" + ev("d2", "9001", "")
	for i, want := range [][3]int{{2, 0, 0}, {0, 2, 0}, {0, 2, 0}} {
		if r := s.post(ndjson, body); r.code != http.StatusAccepted || r.counts() != want {
			t.Errorf("time %d: %d %s", i+1, r.code, r.raw)
		}
	}
	if got := s.stored(); len(got) != 2 {
		t.Errorf("%d stored", len(got))
	}
}

// A body that breaks: what is whole before the break is taken, the rest is refused as one.
func TestBrokenBodies(t *testing.T) {
	for _, c := range []struct {
		name, content, body string
		accepted            int
		index               int
		rest                string
	}{
		{"inside an event", batch, "[" + ev("1", "9001", "") + "," + ev("2", "9001", "") + `,{"specversion":"1.0","id":"3`, 2, 2, `{"specversion":"1.0","id":"3`},
		{"behind an event", batch, "[" + ev("1", "9001", ""), 1, 1, ""},
		{"behind a comma", batch, "[" + ev("1", "9001", "") + ",", 1, 1, ""},
		{"behind the array", batch, "[" + ev("1", "9001", "") + "] x", 1, 1, " x"},
		{"no array", batch, ev("1", "9001", ""), 0, 0, ev("1", "9001", "")},
		{"an open object", "application/json", ev("1", "9001", "") + `{"id":`, 1, 1, `{"id":`},
		{"half a line", ndjson, ev("1", "9001", "") + "\n" + `{"id":` + "\n" + ev("2", "9001", ""), 2, 1, `{"id":`},
	} {
		s := newSite(t)
		r := s.post(c.content, c.body)
		if r.Accepted != c.accepted || r.Count != 1 || r.Refused[0].Index != c.index {
			t.Errorf("%s: %d %s", c.name, r.code, r.raw)
			continue
		}
		if kept := s.rejected(); len(kept) != 1 || string(kept[0].Sealed) != c.rest {
			t.Errorf("%s: kept %q", c.name, kept[0].Sealed)
		}
	}
}

func TestEventLimits(t *testing.T) {
	s := newSite(t, func(set *setting) { set.ingest.MaxEvent, set.ingest.MaxEvents = 100_000, 3 })
	big := ev("big", "9001", `,"x":"`+strings.Repeat("y", 100_000)+`"`)
	r := s.post(ndjson, ev("1", "9001", "")+"\n"+big+"\n"+ev("2", "9001", "")+"\n"+ev("3", "9001", "")+"\n"+ev("4", "9001", ""))
	if r.code != http.StatusAccepted || r.counts() != [3]int{2, 0, 2} || r.Refused[0].Type != "/problems/too-big" || r.Refused[1].Type != "/problems/too-many" || r.Refused[1].Index != 3 {
		t.Errorf("%d %s", r.code, r.raw)
	}
	kept := s.rejected()
	if len(kept) != 2 || kept[0].Bytes != len(big) || len(kept[0].Sealed) != 64<<10 || string(kept[1].Sealed) != ev("3", "9001", "") {
		t.Errorf("%d kept", len(kept))
	}
}

func compressed(t testing.TB, encoding string, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if encoding == "zstd" {
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	}
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEncodings(t *testing.T) {
	for _, encoding := range []string{"gzip", "zstd"} {
		s := newSite(t, func(set *setting) { set.ingest.MaxBody = 1 << 20 })
		post := func(body []byte) reply {
			return s.send("POST", ndjson, bytes.NewReader(body), "Content-Encoding", encoding)
		}
		var many strings.Builder
		for i := range 3000 {
			many.WriteString(ev(fmt.Sprint(encoding, i), "9001", "") + "\n")
		}
		packed := compressed(t, encoding, []byte(many.String()))
		if r := post(packed); r.code != http.StatusAccepted || r.Accepted != 3000 {
			t.Errorf("%s: %d %.300s", encoding, r.code, r.raw)
		}
		if r := post(compressed(t, encoding, bytes.Repeat([]byte(" "), 300<<20))); r.code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s bomb: %d %s", encoding, r.code, r.raw)
		}
		if r := post(packed[:len(packed)/2]); r.code != http.StatusAccepted && r.code != http.StatusUnprocessableEntity || r.Count != 1 {
			t.Errorf("half of %s: %d %s", encoding, r.code, r.raw)
		}
		if r := post([]byte(many.String())); r.code != http.StatusUnprocessableEntity || r.Refused[0].Type != "/problems/broken-batch" {
			t.Errorf("not %s: %d %s", encoding, r.code, r.raw)
		}
	}
}

// A body whose length is not told beforehand is cut where it becomes too large; what came before is stored, and told.
func TestTooLargeUnderWay(t *testing.T) {
	s := newSite(t, func(set *setting) { set.ingest.MaxBody, set.ingest.ChunkEvents = 100_000, 10 })
	var many strings.Builder
	for i := range 1000 {
		many.WriteString(ev(fmt.Sprint("u", i), "9001", "") + "\n")
	}
	r := s.send("POST", ndjson, io.MultiReader(strings.NewReader(many.String())))
	if r.code != http.StatusRequestEntityTooLarge || r.Accepted == 0 || r.Accepted != len(s.stored()) {
		t.Errorf("%d %s, %d stored", r.code, r.raw, len(s.stored()))
	}
}

func TestKeys(t *testing.T) {
	const sender, operator = "a-key-of-a-channel", "a-key-of-an-operator"
	s := newSite(t, func(set *setting) {
		set.ingest.Keys = []ingest.APIKey{{Name: "crm", Key: sender},
			{Name: "operator", SHA256: "b85b5e9bb0d1f0f35f6bbd7b9ae2cd3ad1b1f6ff9e4d4e4b0fe9d0b3a7a9b0f1", Operator: false},
			{Name: "ops", Key: operator, Operator: true}}
	})
	system := strings.Replace(ev("tick", "9001", ""), "contact.ended", "clock.ticked", 1)
	for _, c := range []struct {
		name, header, value, body string
		want                      int
	}{
		{"none", "X-Nothing", "", ev("1", "9001", ""), 401},
		{"wrong", "Authorization", "Bearer nope", ev("1", "9001", ""), 401},
		{"basic", "Authorization", "Basic " + sender, ev("1", "9001", ""), 401},
		{"longer", "X-API-Key", sender + "x", ev("1", "9001", ""), 401},
		{"bearer", "Authorization", "bearer " + sender, ev("1", "9001", ""), 202},
		{"x-api-key", "X-API-Key", sender, ev("2", "9001", ""), 202},
		{"system by a channel", "X-API-Key", sender, system, 422},
		{"system by an operator", "X-API-Key", operator, system, 202},
		{"log.opened by an operator", "X-API-Key", operator, strings.Replace(ev("o", "9001", `,"mode":"wall","partitions":7`), "contact.ended", "log.opened", 1), 422},
		{"clock.mode_changed by an operator", "X-API-Key", operator, strings.Replace(ev("m", "9001", `,"mode":"wall"`), "contact.ended", "clock.mode_changed", 1), 422},
	} {
		if r := s.post(structured, c.body, c.header, c.value); r.code != c.want {
			t.Errorf("%s: %d %s", c.name, r.code, r.raw)
		}
	}
	if r := s.post(structured, system, "X-API-Key", operator, ingest.ReplayHeader, "1"); r.code != 422 {
		t.Errorf("a replay wrote a system type: %d %s", r.code, r.raw)
	}
	r, err := s.bus.Read(t.Context(), 4)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if m, err := r.Next(t.Context(), 1e10); err != nil || len(m) != 1 || m[0].Partition != pipeline.All || m[0].Type != "clock.ticked" {
		t.Errorf("system event: %+v, %v", m, err)
	}
}
