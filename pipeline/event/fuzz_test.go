package event_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"parcours/pipeline/event"
)

// canary stands in values; it must never come out in a refusal.
const canary = "canary4711"

func exampleBodies(t testing.TB) [][]byte {
	t.Helper()
	paths, err := filepath.Glob("../../schemas/channel/examples/*/*.json")
	if err != nil || len(paths) < 200 {
		t.Fatalf("%d examples, %v", len(paths), err)
	}
	var all [][]byte
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, raw)
	}
	return all
}

// reasons is the closed list; ingest has a subject for each.
var reasons = []string{event.ReasonBrokenJSON, event.ReasonNotCloudEvent, event.ReasonMissingField, event.ReasonWrongType,
	event.ReasonUnknownValue, event.ReasonBadValue, event.ReasonBadTime, event.ReasonTooBig, event.ReasonTooDeep,
	event.ReasonSystemType}

// schemaField is a field that the schemas name, as a refusal may name it.
var schemaField = regexp.MustCompile(`^(data(\.identifiers\.(account|contract|cookie|customer|device|email|loyalty|phone))?|` +
	`id|source|type|time|subject|sequence|home|specversion|datacontenttype|data_base64|data\.[a-z_]{2,13})?$`)

// quiet fails where a refusal is not of the closed lists, or tells a value.
func quiet(t *testing.T, raw []byte, r *event.Refusal) {
	t.Helper()
	if !slices.Contains(reasons, r.Reason) || !schemaField.MatchString(r.Field) || r.Expected == "" {
		t.Errorf("%q: a refusal out of the lists: %+v", raw, r)
	}
	if strings.Contains(r.Error(), canary) || strings.Contains(r.Error(), "4711") {
		t.Errorf("%q: a value comes out: %v", raw, r)
	}
}

// No refusal tells a value: the canary takes the place of every value, and of every key, of every example in turn.
func TestRefusalsTellNoValue(t *testing.T) {
	lim := event.Limits{Now: now, Operator: true}
	refused := 0
	try := func(doc any) {
		raw, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if _, dropped, r := event.Decode(raw, lim); r != nil {
			refused++
			quiet(t, raw, r)
		} else if strings.Contains(strings.Join(dropped, " "), "@") {
			t.Errorf("%s: dropped %q", raw, dropped)
		}
		if _, err := event.DecodeLog(raw); err != nil && strings.Contains(err.Error(), "4711") {
			t.Errorf("%s: %v", raw, err)
		}
	}
	for _, raw := range exampleBodies(t) {
		var doc any
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatal(err)
		}
		plant(doc, func() { try(doc) })
		if _, _, r := event.Decode(slices.Concat(raw[:len(raw)-3], []byte(canary)), lim); r == nil {
			t.Errorf("%s with a tail: accepted", raw)
		} else {
			quiet(t, raw, r)
		}
	}
	if refused < 3000 {
		t.Errorf("only %d refusals tried", refused)
	}
}

// plant puts canaries into every place of a document, one after the other.
func plant(doc any, try func()) {
	canaries := []any{canary, 4711.4711, map[string]any{canary: canary}, []any{canary}, true, canary + "\n",
		strings.Repeat(canary, 200), "2026-10-03T09:14:22" + canary}
	switch at := doc.(type) {
	case map[string]any:
		keys := make([]string, 0, len(at))
		for k := range at {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			was := at[k]
			plant(was, try)
			for _, c := range canaries {
				at[k] = c
				try()
			}
			delete(at, k)
			at[canary+"@"+k] = was
			try()
			delete(at, canary+"@"+k)
			at[k] = was
		}
	case []any:
		for i, was := range at {
			plant(was, try)
			for _, c := range canaries {
				at[i] = c
				try()
			}
			at[i] = was
		}
	}
}

// FuzzDecode: nothing panics; what is accepted goes through the log unchanged and is accepted again; what is refused is
// refused quietly. That decoder and schemas agree is FuzzAgree in package schemas.
func FuzzDecode(f *testing.F) {
	for _, raw := range exampleBodies(f) {
		f.Add(raw)
		f.Add(bytes.ReplaceAll(raw, []byte("lyon-2"), []byte(canary)))
		f.Add(bytes.ReplaceAll(raw, []byte("C-40017"), []byte(canary)))
	}
	allow := func(string) map[string]bool {
		return map[string]bool{"x": true, "escalation_level": true, "nested": true, "rules": true, canary: true}
	}
	f.Fuzz(func(t *testing.T, was []byte) {
		raw := bytes.Clone(was)
		lim := event.Limits{Now: now, Operator: true, Allow: allow}
		e, _, r := event.Decode(raw, lim)
		_, logErr := event.DecodeLog(raw)
		if !bytes.Equal(was, raw) {
			t.Fatal("the body was changed")
		}
		if logErr != nil && strings.Contains(logErr.Error(), canary) {
			t.Errorf("a value comes out: %v", logErr)
		}
		if r != nil {
			quiet(t, raw, r)
			return
		}
		if !json.Valid(raw) || !utf8.Valid(raw) {
			t.Fatalf("%q is not JSON and was accepted", raw)
		}
		clear(raw)
		throughTheLog(t, &e, lim)
	})
}

func throughTheLog(t *testing.T, e *event.Event, lim event.Limits) {
	t.Helper()
	once := event.AppendLog(nil, e)
	back, err := event.DecodeLog(once)
	if err != nil || !reflect.DeepEqual(back, *e) {
		t.Fatalf("wrote %s\nread  %s\n%v", once, event.AppendLog(nil, &back), err)
	}
	again, _, r := event.Decode(once, lim)
	if r != nil || !reflect.DeepEqual(again, *e) {
		t.Fatalf("wrote %s\nread again %s\n%v", once, event.AppendLog(nil, &again), r)
	}
	if r := event.Check(&back, lim); r != nil || !reflect.DeepEqual(back, *e) {
		t.Fatalf("%s is refused, or changed, when checked again: %v", once, r)
	}
}
