// Package mapping turns the rows of a CSV file into channel events: a page of YAML says which column is what. It reads
// from an io.Reader and computes; it opens no file and no connection. examples/README.md shows how to write a mapping.
package mapping

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"parcours/pipeline/event"
)

// Mapping says what each column of a CSV file means. It is checked when loaded and never changes: one Mapping may read
// many files at once.
type Mapping struct {
	source    string
	typ       *rule
	time      *rule
	clock     *clock
	id        *rule // nil: made of the row number
	subject   *rule // nil: none
	fields    []field
	columns   []string // that are read, each once
	delimiter rune
	encoding  string
	sort      bool
}

// field is one entry of `data`: where it comes from and where it goes.
type field struct {
	name string
	rule *rule
	set  setter
}

// Source is the CloudEvents source of every event of the file.
func (m *Mapping) Source() string { return m.source }

// InFileOrder is the mapping with `sort: false`, whatever it says: for who only looks, and need not hold the file.
func (m *Mapping) InFileOrder() *Mapping {
	c := *m
	c.sort = false
	return &c
}

// page is a mapping as it is written.
type page struct {
	// Source names the file or system in every event (CloudEvents source); ids are unique within it. Required.
	Source text `yaml:"source"`
	// Type is the event type: a constant, or a column with a table of values. Default step.performed.
	Type *rule `yaml:"type"`
	// Time says when it happened. Required.
	Time *timePage `yaml:"time"`
	// ID is the event's id where the file has one; default: row-<row number>.
	ID *rule `yaml:"id"`
	// Subject is the CloudEvents subject.
	Subject *rule `yaml:"subject"`
	// Data are the fields of product.md, by name.
	Data dataPage `yaml:"data"`
	// Delimiter between cells: one character, default a comma; `\t` is a tab.
	Delimiter text `yaml:"delimiter"`
	// Encoding of the file: utf-8 (default), latin1 or windows-1252.
	Encoding text `yaml:"encoding"`
	// Sort by time before anything is given out. Default true; false for a file that is sorted, or too big to hold.
	Sort *bool `yaml:"sort"`
}

// timePage is the entry `time`.
type timePage struct {
	line     int
	Column   string   `yaml:"column"`
	Formats  []string `yaml:"formats"`  // default rfc3339; the first that fits counts
	Timezone string   `yaml:"timezone"` // IANA name, for formats without an offset
}

// UnmarshalYAML keeps the line for later errors.
func (t *timePage) UnmarshalYAML(node ast.Node) error {
	type plain timePage
	err := yaml.NodeToValue(node, (*plain)(t), yaml.Strict())
	t.line = lineOf(node)
	return err
}

// dataPage is the entry `data`: a rule a field, an identifier under `identifiers.<kind>`.
type dataPage struct{ fields map[string]*rule }

// UnmarshalYAML reads the fields by name.
func (d *dataPage) UnmarshalYAML(node ast.Node) error {
	d.fields = map[string]*rule{}
	return eachEntry("data", node, func(name string, line int, value ast.Node) error {
		if name == identifiersField {
			return d.readIdentifiers(value)
		}
		if _, known := setters[name]; !known {
			return faultf(line, "data.%s: no such field (known: %s, %s.<kind>)", name, strings.Join(knownFields(), ", "), identifiersField)
		}
		return d.read(name, value)
	})
}

func (d *dataPage) readIdentifiers(node ast.Node) error {
	return eachEntry(identifiersField, node, func(kind string, line int, value ast.Node) error {
		if !isKind(kind) {
			return faultf(line, "identifiers.%s: expected a kind in lower case, like customer or email", kind)
		}
		return d.read(identifiersField+"."+kind, value)
	})
}

// isKind says whether the door takes a word for a kind of identifier.
func isKind(word string) bool {
	e := event.Event{ID: "1", Source: "/", Type: event.StepPerformed}
	e.Data.Identifiers = event.Identifiers{{Kind: word, Value: "1"}}
	return event.Check(&e, event.Limits{}) == nil
}

func (d *dataPage) read(name string, node ast.Node) error {
	r := &rule{}
	if err := r.UnmarshalYAML(node); err != nil {
		return err
	}
	d.fields[name] = r
	return nil
}

// Load reads and checks a mapping. Every error names the line and what was expected there.
func Load(document []byte) (*Mapping, error) {
	p, err := readPage(document)
	if err != nil {
		return nil, faultOf(err)
	}
	m, err := compile(p)
	if err != nil {
		return nil, faultOf(err)
	}
	return m, nil
}

// compile checks a page and makes a Mapping of it.
func compile(p *page) (*Mapping, error) {
	m := &Mapping{source: p.Source.value, typ: p.Type, id: p.ID, subject: p.Subject, sort: p.Sort == nil || *p.Sort}
	if m.typ == nil {
		m.typ = constant("step.performed")
	}
	steps := []func(*page) error{m.checkSource, m.compileTime, m.compileFields, m.compileShape, m.checkEnvelope, m.placeColumns}
	for _, step := range steps {
		if err := step(p); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *Mapping) checkSource(p *page) error {
	if m.source == "" {
		return faultf(max(p.Source.line, 1), "source: missing (expected a name for this file or system, like /import/helpdesk)")
	}
	if strings.ContainsAny(m.source, " \t\n") {
		return faultf(p.Source.line, "source: expected no blanks")
	}
	return nil
}

func (m *Mapping) compileTime(p *page) error {
	if p.Time == nil {
		return faultf(1, "time: missing (expected {column, formats, timezone})")
	}
	if p.Time.Column == "" {
		return faultf(p.Time.line, "time: expected a column")
	}
	var err error
	m.time = &rule{line: p.Time.line, Column: p.Time.Column, Trim: true}
	m.clock, err = newClock(p.Time.Formats, p.Time.Timezone)
	if err != nil {
		return faultf(p.Time.line, "time: %v", err)
	}
	return nil
}

// compileFields puts the fields in alphabetical order, so that of two faults in a row always the same is named.
func (m *Mapping) compileFields(p *page) error {
	for _, name := range slices.Sorted(maps.Keys(p.Data.fields)) {
		r := p.Data.fields[name]
		if err := r.check(name); err != nil {
			return err
		}
		set, ok := setters[name]
		if kind, isIdentifier := strings.CutPrefix(name, identifiersField+"."); isIdentifier {
			set, ok = identifierSetter(kind), true
			if len(r.Values.pairs) > 0 {
				return faultf(r.line, "%s: an identifier takes no table of values", name)
			}
		}
		if !ok {
			return faultf(r.line, "data.%s: no such field", name)
		}
		if r.Split != "" && name != "products" && name != "places" {
			return faultf(r.line, "data.%s: split is for products and places, which are lists", name)
		}
		m.fields = append(m.fields, field{name: name, rule: r, set: set})
	}
	return nil
}

func (m *Mapping) compileShape(p *page) error {
	m.delimiter = ','
	if d := strings.ReplaceAll(p.Delimiter.value, `\t`, "\t"); d != "" {
		r, size := utf8.DecodeRuneInString(d)
		if size != len(d) || strings.ContainsRune("\"\r\n", r) {
			return faultf(p.Delimiter.line, "delimiter: expected one character")
		}
		m.delimiter = r
	}
	m.encoding = strings.ToLower(p.Encoding.value)
	if _, ok := encodings[m.encoding]; !ok {
		return faultf(p.Encoding.line, "encoding: expected utf-8, latin1 or windows-1252")
	}
	return nil
}

func (m *Mapping) checkEnvelope(*page) error {
	for name, r := range map[string]*rule{"type": m.typ, "id": m.id, "subject": m.subject} {
		if r == nil {
			continue
		}
		if err := r.check(name); err != nil {
			return err
		}
	}
	if m.id != nil && m.id.Column == "" {
		return faultf(m.id.line, "id: expected a column (a constant id would make every row but the first a copy)")
	}
	return nil
}

// placeColumns lists the columns that the mapping reads, each once, and tells each rule the place of its own.
func (m *Mapping) placeColumns(*page) error {
	for _, r := range m.rules() {
		if r == nil || r.Column == "" {
			continue
		}
		if r.slot = slices.Index(m.columns, r.Column); r.slot < 0 {
			r.slot = len(m.columns)
			m.columns = append(m.columns, r.Column)
		}
	}
	return nil
}

// rules lists all of them; nil where there is none.
func (m *Mapping) rules() []*rule {
	all := []*rule{m.time, m.typ, m.id, m.subject}
	for _, f := range m.fields {
		all = append(all, f.rule)
	}
	return all
}
