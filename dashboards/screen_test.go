package dashboards

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"parcours/dashboards/words"
)

// screen is a dashboard as Grafana reads it: what the tests look at.
type screen struct {
	UID        string
	Title      string
	Panels     []panel
	Templating struct{ List []offer }

	name     string
	language words.Language
	text     string // the JSON
}

// panel is one of a screen; a row holds others.
type panel struct {
	Type        string
	Title       string
	Description string
	GridPos     struct{ H, W, X, Y int }
	Targets     []Query
	Panels      []panel
	Datasource  struct{ UID string }
}

// offer is a variable.
type offer struct {
	Name, Type, Label string
	Multi, IncludeAll bool
	AllowCustomValue  bool
	SkipURLSync       bool
	Hide              int
	Query             json.RawMessage
	Current           struct{ Value json.RawMessage }
}

// sql of the variable's query; empty for one that asks nothing.
func (o offer) sql() string {
	var q struct{ RawSQL string }
	_ = json.Unmarshal(o.Query, &q) // a text is no query
	return q.RawSQL
}

func (s screen) String() string { return string(s.language) + "/" + s.name }

// flat are all panels but rows.
func (s screen) flat() (all []panel) {
	for _, p := range s.Panels {
		if p.Type != "row" {
			all = append(all, p)
		}
		all = append(all, p.Panels...)
	}
	return all
}

// screens are all dashboards in all languages.
func screens(t *testing.T) (all []screen) {
	t.Helper()
	for _, l := range words.Languages() {
		for _, d := range All() {
			text, err := d.JSON(l)
			if err != nil {
				t.Fatal(err)
			}
			s := screen{name: d.Name, language: l, text: string(text)}
			if err := json.Unmarshal(text, &s); err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
	}
	return all
}

// eachText calls f with every text in a JSON value, and the key it stands under.
func eachText(value any, key string, f func(key, text string)) {
	switch v := value.(type) {
	case string:
		f(key, v)
	case []any:
		for _, e := range v {
			eachText(e, key, f)
		}
	case map[string]any:
		for k, e := range v {
			eachText(e, k, f)
		}
	}
}

// texts calls f with every text of a screen.
func (s screen) texts(t *testing.T, f func(key, text string)) {
	t.Helper()
	var tree any
	if err := json.Unmarshal([]byte(s.text), &tree); err != nil {
		t.Fatal(err)
	}
	eachText(tree, "", f)
}

// quoted is a text or a name in quotes, in which a backslash may hold an apostrophe.
var quoted = regexp.MustCompile("'(?:[^'\\\\]|\\\\.)*'|`[^`]*`")

// views are the views that a query reads: words that end in _v, outside quotes.
func views(sql string) (names []string) {
	seen := map[string]bool{}
	for _, part := range quoted.Split(sql, -1) {
		for _, w := range strings.FieldsFunc(part, func(r rune) bool {
			return r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		}) {
			if strings.HasSuffix(w, "_v") && !seen[w] {
				seen[w] = true
				names = append(names, w)
			}
		}
	}
	return names
}

// problem collects what is wrong with a panel, under its name.
func problem(t *testing.T, s screen, p panel, format string, args ...any) {
	t.Helper()
	t.Errorf("%s, panel %q: %s", s, p.Title, fmt.Sprintf(format, args...))
}
