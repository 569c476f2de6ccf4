package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

const fuzzMost = 64

// split cuts a whole body.
func split(t testing.TB, body []byte, l layout) []Raw {
	t.Helper()
	s := newSplitter(bytes.NewReader(body), l, fuzzMost)
	var all []Raw
	for range len(body) + 3 {
		raw, err := s.next()
		if errors.Is(err, io.EOF) || errors.Is(err, errNoEvents) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, raw)
	}
	t.Fatalf("%d pieces of %d bytes, and no end", len(all), len(body))
	return nil
}

// FuzzSplitter: it ends, keeps to its bounds, loses no byte of an event, and agrees with encoding/json on every array that
// is one.
func FuzzSplitter(f *testing.F) {
	for _, seed := range []string{``, `[]`, `[ ]`, `[{"a":"]"},{"b":"\"]"}]`, `{"a":1}` + "\n" + `{"b":[2]}`, `[1,2`, `[,]`, `] x`, `{"a":`,
		"\xef\xbb\xbf[1]", `[{"a":{"b":[1,2,{"c":"}"}]}}, 3 ] z`, strings.Repeat("x", 200), "[" + strings.Repeat("y", 200) + "]"} {
		for l := oneEvent; l <= objects; l++ {
			f.Add([]byte(seed), int(l))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, n int) {
		l := layout(uint(n) % 4)
		pieces := split(t, body, l)
		total := 0
		for _, p := range pieces {
			total += len(p.Body)
			if p.Broken == nil && len(p.Body) > fuzzMost || p.Broken != nil && (p.Broken.Bytes < len(p.Body) && p.Broken.Bytes <= fuzzMost || len(p.Broken.SHA256) != 64) {
				t.Fatalf("%q gives %q, %+v", body, p.Body, p.Broken)
			}
		}
		if total > len(body) {
			t.Fatalf("%d bytes of %d", total, len(body))
		}
		var want []json.RawMessage
		if l != array || json.Unmarshal(body, &want) != nil || want == nil {
			return
		}
		if len(pieces) != len(want) {
			t.Fatalf("%q gives %d pieces, want %d", body, len(pieces), len(want))
		}
		for i := range want {
			if got := bytes.TrimSpace(pieces[i].Body); pieces[i].Broken == nil && !bytes.Equal(got, want[i]) {
				t.Fatalf("%q: piece %d is %q, want %q", body, i, got, want[i])
			}
		}
	})
}

// FuzzHeaderText: any header's value decodes to something no longer than itself.
func FuzzHeaderText(f *testing.F) {
	for _, seed := range []string{"", "%", "%4", "%41", `"a\"b"`, `"`, "%zz%e2%82%ac"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, v string) {
		if got := headerText(v); len(got) > len(v) {
			t.Fatalf("%q gives %q", v, got)
		}
	})
}

func TestDroppedNamesAreBounded(t *testing.T) {
	m := &Metrics{names: map[string]bool{}}
	for i := range 500 {
		m.label(strings.Repeat("x", i%120+1))
	}
	for _, personal := range []string{"data.?", "data.0612345678"} {
		if got := m.label(personal); got != "other" {
			t.Errorf("%s has a label of its own", personal)
		}
	}
	if len(m.names) > droppedNames || m.label("x") != "x" {
		t.Errorf("%d names", len(m.names))
	}
}

func TestConfigNames(t *testing.T) {
	if err := Defaults().Validate(); err != nil {
		t.Error(err)
	}
	c := Defaults()
	c.Keys = []APIKey{{Name: "short", Key: "secret"}, {Key: "0123456789abcdef"}, {Name: "both", Key: "0123456789abcdef", SHA256: "00"}, {Name: "hex", SHA256: "zz"}}
	err := c.Validate()
	for _, want := range []string{"key short", "keys[1]", "key both", "key hex"} {
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
