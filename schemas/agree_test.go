package schemas_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"parcours/pipeline/event"
	"parcours/schemas"
)

const base = "https://schemas.parcours.example/"

// received is when the examples were received.
const received event.Instant = 1_791_104_400_000 // 2026-10-04T09:00:00Z

// compiled holds every schema, format asserted, under its path in schemas.Channel.
func compiled(t testing.TB) map[string]*jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	var paths []string
	for _, pattern := range [...]string{"channel/*.json", "channel/system/*.json"} {
		found, err := fs.Glob(schemas.Channel, pattern)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	for _, name := range paths {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(read(t, name)))
		if err != nil {
			t.Fatal(name, err)
		}
		if err := c.AddResource(base+name, doc); err != nil {
			t.Fatal(name, err)
		}
	}
	all := make(map[string]*jsonschema.Schema)
	for _, name := range paths {
		s, err := c.Compile(base + name)
		if err != nil {
			t.Fatal(name, err)
		}
		all[name] = s
	}
	return all
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := fs.ReadFile(schemas.Channel, name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func examples(t testing.TB) []string {
	t.Helper()
	names, err := fs.Glob(schemas.Channel, "channel/examples/*/*.json")
	if err != nil || len(names) < 200 {
		t.Fatalf("%d examples, %v", len(names), err)
	}
	return names
}

// validate says what the schema of its type makes of a body.
func validate(all map[string]*jsonschema.Schema, body []byte) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	typ := ""
	if o, ok := doc.(map[string]any); ok {
		typ, _ = o["type"].(string)
	}
	return all[schemas.ChannelFor(typ)].Validate(doc)
}

// Decoder and schema say the same of every example, and its file name says what.
func TestAgreeOnExamples(t *testing.T) {
	all := compiled(t)
	for _, name := range examples(t) {
		body := read(t, name)
		valid := strings.HasPrefix(path.Base(name), "valid-")
		err := validate(all, body)
		if (err == nil) != valid {
			t.Errorf("%s: the schema says %v", name, err)
		}
		e, _, r := event.Decode(body, event.Limits{Now: received, Operator: true})
		if (r == nil) != valid {
			t.Errorf("%s: the decoder says %v", name, r)
		}
		if r == nil && path.Base(path.Dir(name)) != e.Type && schemas.ChannelFor(e.Type) != "channel/activity.v1.json" {
			t.Errorf("%s holds a %s", name, e.Type)
		}
	}
}

// palette is what a mistaken sender may put anywhere.
var palette = []any{nil, true, false, 0, 1, -1, 0.5, 7, 11, 101, 1e10, "", "x", "phone", "In", "in", "service", "relational",
	"customer", "a.b", "a..b", "a b", "A_-.9", "tab\there", "del\x7f", "1.0", "text/json", "application/json;v=1", "a/b+JSON", "json",
	strings.Repeat("y", 512), strings.Repeat("y", 513), strings.Repeat("y", 1024), strings.Repeat("y", 1025),
	"2026-10-03T09:14:22Z", "2026-10-03T09:14:22.1+14:00", "2026-10-03T24:00:00Z", "2026-10-03T09:14Z", "2026-10-3T09:14:22Z",
	"2026-10-03T09:14:22.Z", "2026-10-03 09:14:22Z", "2026-13-03T09:14:22Z", "2024-02-29T00:00:00-00:00", "2025-02-29T00:00:00Z",
	"1899-06-01T00:00:00Z", "2298-06-01T00:00:00+02:00", "02026-10-03T09:14:22Z", "2026-10-03T09:14:22+2:00", "2026-10-03T09:14:22+02:0",
	[]any{}, []any{"x"}, []any{""}, []any{1}, []any{nil}, map[string]any{}, map[string]any{"email": "x"}, map[string]any{"email": ""},
	map[string]any{"email": nil, "X": "y"}, map[string]any{"email": 1}, map[string]any{"a_9": "x"}, map[string]any{"case": "x"}}

// special types have rules of their own; the others are tried with fewer fields.
var special = map[string]bool{event.ContactEnded: true, event.ContactTransferred: true, event.FormStarted: true,
	event.CaseOpened: true, event.ComplaintEscalated: true, event.PromiseMade: true, event.SurveyAnswered: true,
	event.LogOpened: true, event.ClockModeChanged: true}

// Decoder and schema say the same of every valid example with any of its values, or any field at all, replaced.
func TestAgreeOnMutations(t *testing.T) {
	all := compiled(t)
	tried, accepted := 0, 0
	try := func(doc any) {
		body, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		_, _, r := event.Decode(body, event.Limits{Now: received, Operator: true})
		if tried++; r == nil {
			accepted++
		}
		if err := validate(all, body); (r == nil) != (err == nil) && !beyond(body, r) {
			t.Errorf("the decoder says %v, the schema %v, of %s", r, err, body)
		}
	}
	for _, name := range examples(t) {
		if !strings.HasPrefix(path.Base(name), "valid-") {
			continue
		}
		var doc map[string]any
		if err := json.Unmarshal(read(t, name), &doc); err != nil {
			t.Fatal(err)
		}
		data, _ := doc["data"].(map[string]any)
		if special[doc["type"].(string)] {
			mutate(doc, []string{"subject", "sequence", "datacontenttype", "dataschema", "data", "data_base64", "home"}, try, doc)
		}
		if data != nil && path.Base(name) == "valid-typical.json" && special[doc["type"].(string)] {
			mutate(data, fieldNames(t), try, doc)
		} else {
			mutate(data, nil, try, doc)
		}
	}
	t.Logf("%d tried, %d accepted", tried, accepted)
	if tried < 10_000 || accepted < tried/10 || accepted > tried*9/10 {
		t.Errorf("a weak test: %d tried, %d accepted", tried, accepted)
	}
}

// mutate replaces each member of o, and each of more, by each value of the palette, and leaves it out.
func mutate(o map[string]any, more []string, try func(any), doc any) {
	names := append([]string(nil), more...)
	for name := range o {
		names = append(names, name)
	}
	for _, name := range names {
		was, there := o[name]
		for _, v := range palette {
			o[name] = v
			try(doc)
		}
		delete(o, name)
		try(doc)
		if there {
			o[name] = was
		}
	}
}

// fieldNames are all that data.v1.json knows.
func fieldNames(t *testing.T) []string {
	var doc struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(read(t, "channel/data.v1.json"), &doc); err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range doc.Properties {
		names = append(names, name)
	}
	return names
}

// What a schema cannot say, and the decoder does.
func TestBeyondSchemas(t *testing.T) {
	all := compiled(t)
	tell := func(why, body string) {
		t.Helper()
		if err := validate(all, []byte(body)); err != nil {
			t.Errorf("%s: the schema can say it: %v", why, err)
		}
		if _, _, r := event.Decode([]byte(body), event.Limits{Now: received}); r == nil {
			t.Errorf("%s: accepted", why)
		}
	}
	with := func(attributes, data string) string {
		return `{"specversion":"1.0","id":"1","source":"/s",` + attributes + `,"data":{` + data + `}}`
	}
	usual := `"type":"promise.made","time":"2026-10-03T09:14:22Z"`
	tell("more than 5 minutes ahead", with(`"type":"a","time":"2026-10-04T09:05:01Z"`, ``))
	tell("1900 by its own clock, 1899 in UTC", with(`"type":"a","time":"1900-01-01T00:30:00+01:00"`, ``))
	tell("2299 by its own clock, 2300 in UTC", with(usual, `"promise":"p","due":"2299-12-31T23:30:00-01:00"`))
	tell("due at the instant that stands for none", with(usual, `"promise":"p","due":"1970-01-01T00:00:00Z"`))
	tell("a score above the scale that is given", with(`"type":"survey.answered","time":"2026-10-03T09:14:22Z"`,
		`"csat":9,"csat_scale":7`))
	tell("too many bytes in not too many characters", with(`"type":"a","time":"2026-10-03T09:14:22Z"`,
		`"unit":"`+strings.Repeat("é", 300)+`"`))
	tell("a repeated key that is wrong the first time", with(`"type":"a","time":"2026-10-03T09:14:22Z"`,
		`"unit":1,"unit":"a"`))
	tell("nested too deep", with(`"type":"a","time":"2026-10-03T09:14:22Z"`,
		`"x":`+strings.Repeat("[", 40)+strings.Repeat("]", 40)))
	tell("too big", with(`"type":"a","time":"2026-10-03T09:14:22Z"`, `"x":"`+strings.Repeat("x", event.DefaultMaxBytes)+`"`))
	tell("a type of operators", with(`"type":"clock.ticked","time":"2026-10-03T09:14:22Z"`, ``))
}

// FuzzAgree asks decoder and schema about anything; they may differ only where TestBeyondSchemas says so.
func FuzzAgree(f *testing.F) {
	for _, name := range examples(f) {
		f.Add(read(f, name))
	}
	all := compiled(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _, r := event.Decode(body, event.Limits{Now: received, Operator: true})
		err := validate(all, body)
		if (r == nil) == (err == nil) || beyond(body, r) {
			return
		}
		t.Errorf("the decoder says %v, the schema %v, of %q", r, err, body)
	})
}

var (
	// A number whose decimals, or whose power of ten, a float64 may not tell from a limit.
	fine = regexp.MustCompile(`[0-9.]{16}|[0-9][eE]`)
	// A time that a schema takes for one of 1900 to 2299 by its own clock; and the instant that stands for none.
	border = regexp.MustCompile(`19(00-01-01|70-01-01)|1969-12-31|2299-12-31`)
	// As many bytes as characters.
	ascii = regexp.MustCompile(`^([\x00-\x5b\x5d-\x7f]|\\[^u])*$`)
)

// beyond says whether a difference is one that no schema can avoid.
func beyond(body []byte, r *event.Refusal) bool {
	if repeats(body) || fine.Match(body) || border.Match(body) {
		return true
	}
	if r == nil {
		return bytes.Contains(body, []byte("identifiers")) && bytes.Count(body, []byte("null")) > 60 // nulls are no identifiers
	}
	switch {
	case r.Reason == event.ReasonTooDeep, r.Reason == event.ReasonTooBig:
		return true
	case r.Reason == event.ReasonBadTime && r.Field == "time":
		return strings.Contains(r.Expected, "ahead")
	case r.Field == "data.csat", r.Field == "data.ces":
		return bytes.Contains(body, []byte("_scale"))
	case r.Reason == event.ReasonBadValue:
		return strings.Contains(r.Expected, "bytes") && !ascii.Match(body)
	case r.Reason == event.ReasonBrokenJSON:
		return !validUTF8(body)
	}
	return r.Field == "data.mode" || r.Field == "data.partitions" || r.Field == "data.customer" // of operators
}

func validUTF8(body []byte) bool { return strings.ToValidUTF8(string(body), "") == string(body) }

// repeats says whether some object has a key twice.
func repeats(body []byte) bool {
	d := json.NewDecoder(bytes.NewReader(body))
	var keys []map[string]bool // nil for an array
	key := false               // the next string is a key
	for {
		tok, err := d.Token()
		if err != nil {
			return !errors.Is(err, io.EOF)
		}
		switch v := tok.(type) {
		case json.Delim:
			switch v {
			case '{':
				keys = append(keys, map[string]bool{})
			case '[':
				keys = append(keys, nil)
			default:
				keys = keys[:len(keys)-1]
			}
			key = len(keys) > 0 && keys[len(keys)-1] != nil
			continue
		case string:
			if key {
				if keys[len(keys)-1][v] {
					return true
				}
				keys[len(keys)-1][v] = true
				key = false
				continue
			}
		}
		key = len(keys) > 0 && keys[len(keys)-1] != nil
	}
}
