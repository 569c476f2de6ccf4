package rules

import (
	"crypto/sha256"
	_ "embed" // the default rule book
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// defaultName is how messages call the book that ships.
const defaultName = "default.yaml"

//go:embed default.yaml
var defaultText []byte

var shipped = sync.OnceValue(func() *Book {
	b, err := parse(defaultName, defaultText, &Book{Paths: map[string]Path{}, OwnerSilo: map[string]string{}})
	if err != nil {
		panic(fmt.Sprintf("the default rule book is broken: %v", err)) // a programming error: a test holds it
	}
	return b
})

// Default is the rule book that ships, default.yaml: product.md's defaults and illustrative rates. Each call gives another
// copy; whoever changes one changes neither its version nor its calendars.
func Default() *Book { return shipped().clone() }

// Parse reads a rule book. The document states what differs from the default: a plain value or a list takes the place of the
// default's; what stands under names (reasons, rates, units ...) is laid over it, and ~ removes a name. An exception takes the
// place of the one for the same reason, channel and unit. The error is Faults: everything that is wrong, each with its line.
func Parse(name string, document []byte) (*Book, error) { return parse(name, document, Default()) }

func parse(name string, document []byte, b *Book) (*Book, error) {
	n, err := readDocument(name, document)
	if err != nil {
		return nil, err
	}
	r := &reader{name: name, lines: map[string]int{}}
	r.group("", n, schema(), b)
	if len(r.faults) == 0 {
		r.check(b)
	}
	if len(r.faults) > 0 {
		return nil, r.faults.sorted()
	}
	return b.prepare()
}

// prepare computes what is derived from the book: its calendars, its version, and how far its windows reach.
func (b *Book) prepare() (_ *Book, err error) {
	if b.calendar, err = newCalendar(&b.OpeningTimes); err != nil {
		return nil, err
	}
	b.calendars = map[string]*Calendar{}
	for name, times := range b.Calendars {
		if b.calendars[name], err = newCalendar(&times); err != nil {
			return nil, err
		}
	}
	b.containers = map[string]bool{}
	for _, c := range b.Containers {
		b.containers[c] = true
	}
	b.near, b.horizon = b.nearest(), b.furthest()
	b.version, b.later = b.hash(), nil
	return b, nil
}

// hash is of what the book says, key by key, and of the time zones by which its hours are read.
func (b *Book) hash() string {
	return b.hashOf(func(string) bool { return true })
}

// hashOf is the same of some of its keys.
func (b *Book) hashOf(counts func(key string) bool) string {
	var text strings.Builder
	for _, l := range flatten("", b.shown(), nil) {
		if counts(l.key) {
			fmt.Fprintf(&text, "%s: %s\n", l.key, l.text)
		}
	}
	sum := sha256.Sum256([]byte(text.String() + TZVersion))
	return hex.EncodeToString(sum[:6])
}

// shown is the whole book as a document.
func (b *Book) shown() *node { return showFields(schema(), b) }

// Document writes the whole book, with comments: Parse makes of it a book of the same version. What the default has and the
// book has not stands there as ~.
func (b *Book) Document() []byte {
	n := b.shown()
	n.addGone(shipped().shown())
	return print(header, n)
}

// Overlay writes what b says otherwise than base, with comments: a partial rules.yaml. Where base is the default, Parse makes
// of it a book that says what b says, also where b's fields were changed by hand.
func (b *Book) Overlay(base *Book) []byte {
	n := b.shown().without(base.shown())
	if n == nil {
		return print("This book says what the default says.", &node{form: mapping})
	}
	return print("", n)
}

func print(header string, n *node) []byte {
	var p printer
	if header != "" {
		p.comment(header, "")
		p.WriteByte('\n')
	}
	p.print(n, "")
	return []byte(p.String())
}

// leaf is a key and what stands there.
type leaf struct{ key, text string }

// flatten lists every value of a document by the path of its key, sorted.
func flatten(at string, n *node, list []leaf) []leaf {
	if n.form != mapping {
		text, _ := inline(n)
		return append(list, leaf{at, text})
	}
	if len(n.entries) == 0 && at != "" {
		list = append(list, leaf{at, emptyGroup})
	}
	for _, e := range n.entries {
		key := join(at, e.key)
		if n.excepts {
			key = at + "[" + e.key + "]"
			e.value = e.value.figures() // what it is for is in its key
		}
		list = flatten(key, e.value, list)
	}
	return list
}

// figures are those of an exception, without what it is for.
func (n *node) figures() *node {
	left := &node{form: mapping}
	for _, e := range n.entries {
		if !slices.Contains(whereKeys, e.key) {
			left.entries = append(left.entries, e)
		}
	}
	return left
}

// without leaves what another document does not say likewise; nil for nothing. What only the other has is to go.
func (n *node) without(base *node) *node {
	if n.form != mapping || base.form != mapping {
		a, _ := inline(n)
		if b, _ := inline(base); a == b && n.form == base.form {
			return nil
		}
		return n
	}
	left := &node{form: mapping, flow: n.flow, excepts: n.excepts}
	for _, e := range n.entries {
		value := e.value
		if before := base.get(e.key); before != nil {
			value = e.value.without(before)
			if value != nil && n.excepts {
				value = value.withPlace(e.value)
			}
		}
		left.add(e.key, e.doc, value)
	}
	for _, e := range base.entries {
		if n.get(e.key) == nil {
			left.add(e.key, "", e.value.gone(n.excepts || base.excepts))
		}
	}
	if len(left.entries) == 0 {
		return nil
	}
	return left
}

// addGone adds what only another document has, as gone.
func (n *node) addGone(base *node) {
	if n.form != mapping || base.form != mapping {
		return
	}
	for _, e := range base.entries {
		if mine := n.get(e.key); mine == nil {
			n.add(e.key, "", e.value.gone(n.excepts || base.excepts))
		} else {
			mine.addGone(e.value)
		}
	}
}

// withPlace puts what an exception is for before its figures.
func (n *node) withPlace(whole *node) *node {
	placed := &node{form: mapping, flow: true}
	for _, e := range whole.entries {
		if slices.Contains(whereKeys, e.key) {
			placed.entries = append(placed.entries, e)
		}
	}
	placed.entries = append(placed.entries, n.entries...)
	return placed
}

// gone says that something is to go: of an exception, each of its figures.
func (n *node) gone(exception bool) *node {
	switch {
	case n.excepts:
		all := &node{form: mapping, excepts: true}
		for _, e := range n.entries {
			all.add(e.key, "", e.value.gone(true))
		}
		return all
	case exception && n.form == mapping:
		item := &node{form: mapping, flow: true}
		for _, e := range n.entries {
			if !slices.Contains(whereKeys, e.key) {
				e.value = &node{form: nothing}
			}
			item.entries = append(item.entries, e)
		}
		return item
	}
	return &node{form: nothing}
}

// Difference is one key at which two books differ; "" where one does not have it.
type Difference struct{ Key, A, B string }

// Diff lists where two books differ, in the order of the document.
func Diff(a, b *Book) (list []Difference) {
	for _, d := range differences(a, b) {
		if !d.filled(a, b) {
			list = append(list, d)
		}
	}
	return list
}

// filled says whether a key is there on both sides, empty on one of them: what fills it on the other is a difference of its
// own.
func (d *Difference) filled(a, b *Book) bool {
	holds := func(book *Book) bool {
		return slices.ContainsFunc(flatten("", book.shown(), nil), func(l leaf) bool {
			return strings.HasPrefix(l.key, d.Key+".") || strings.HasPrefix(l.key, d.Key+"[")
		})
	}
	return d.A == emptyGroup && d.B == "" && holds(b) || d.B == emptyGroup && d.A == "" && holds(a)
}

// emptyGroup stands for a key that holds other keys, and none here.
const emptyGroup = "{}"

func differences(a, b *Book) (list []Difference) {
	first, second := flatten("", a.shown(), nil), flatten("", b.shown(), nil)
	other := map[string]string{}
	for _, l := range second {
		other[l.key] = l.text
	}
	mine := map[string]bool{}
	for _, l := range first {
		mine[l.key] = true
		if other[l.key] != l.text {
			list = append(list, Difference{l.key, l.text, other[l.key]})
		}
	}
	for _, l := range second {
		if !mine[l.key] {
			list = append(list, Difference{l.key, "", l.text})
		}
	}
	return list
}

// Key is one key of a rule book.
type Key struct {
	Name     string // its path
	Default  string // "" where it holds more than a line
	Expected string // form and unit
	Doc      string
}

// Keys lists all of them, in the order of the document.
func Keys() []Key { return keysUnder("", schema(), Default(), nil) }

func keysUnder(at string, fields []field, b *Book, list []Key) []Key {
	for i := range fields {
		f := &fields[i]
		if f.fields != nil {
			list = append(list, Key{Name: join(at, f.key), Doc: f.doc})
			list = keysUnder(join(at, f.key), f.fields, b, list)
			continue
		}
		text := ""
		if n := f.show(b); n != nil && n.form != mapping {
			text, _ = inline(n)
		}
		list = append(list, Key{join(at, f.key), text, f.expected, f.doc})
	}
	return list
}
