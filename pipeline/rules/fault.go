package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing that is wrong with a rule book.
type Fault struct {
	File    string
	Line    int
	Key     string // path of the key, breakpoints.repeat_contact.within; "" for the whole document
	Message string // what is wrong, and what was expected
}

// Error gives file:line, key and message.
func (f Fault) Error() string {
	at := fmt.Sprintf("%s:%d: ", f.File, f.Line)
	if f.Key != "" {
		at += f.Key + ": "
	}
	return at + f.Message
}

// Faults are all that is wrong with a rule book, in the order of its lines.
type Faults []Fault

// Error gives one a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i := range f {
		lines[i] = f[i].Error()
	}
	return strings.Join(lines, "\n")
}

func (f Faults) sorted() Faults {
	slices.SortStableFunc(f, func(a, b Fault) int { return cmp.Compare(a.Line, b.Line) })
	return f
}

// reader lays a document over a book, and gathers what is wrong with it.
type reader struct {
	name   string
	faults Faults
	lines  map[string]int // where each key stands
	asked  []Fault        // reasons named by exceptions: Message is the reason
}

func (r *reader) fault(line int, key, format string, args ...any) {
	r.faults = append(r.faults, Fault{r.name, line, key, fmt.Sprintf(format, args...)})
}

// faultAt is a fault of what was read before: at the first of the keys that the document states, else above them.
func (r *reader) faultAt(keys []string, format string, args ...any) {
	line := 1
	for _, key := range keys {
		if at, ok := r.lines[key]; ok {
			line = at
			break
		}
	}
	r.fault(line, keys[0], format, args...)
}

// expect says whether a node has a form.
func (r *reader) expect(at string, n *node, f form) bool {
	if n.form != f {
		r.fault(n.line, at, "expected %s, not %s", formNames[f], formNames[n.form])
	}
	return n.form == f
}

// group reads the keys of a mapping, each by its field; what no field knows is a fault.
func (r *reader) group(at string, n *node, fields []field, b *Book) {
	if !r.expect(at, n, mapping) {
		return
	}
	for _, e := range n.entries {
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == e.key })
		if i < 0 {
			r.fault(e.line, join(at, e.key), "there is no such key; expected %s", keysOf(fields))
			continue
		}
		r.lines[join(at, e.key)] = e.line
		fields[i].read(r, join(at, e.key), e.value, b)
	}
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

// keysOf lists the keys of some fields, in words.
func keysOf(fields []field) string {
	keys := make([]string, len(fields))
	for i := range fields {
		keys[i] = fields[i].key
	}
	return oneOf(keys)
}

// oneOf is a list in words.
func oneOf(list []string) string {
	if len(list) == 1 {
		return list[0]
	}
	return "one of " + strings.Join(list, ", ")
}
