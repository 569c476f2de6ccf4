package rules

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// field is one key of the document: how it is read into a book, and how a book shows it.
type field struct {
	key      string
	doc      string // what it means, in a sentence
	expected string // form and unit of its value
	read     func(r *reader, at string, n *node, b *Book)
	show     func(b *Book) *node // nil where there is nothing to show
	fields   []field             // of a group
}

// value reads a plain value.
func value[T any](r *reader, at string, n *node, c codec[T]) (v T, ok bool) {
	if n.form != plain {
		r.fault(n.line, at, "expected %s, not %s", c.expected, formNames[n.form])
		return v, false
	}
	if v, ok = c.parse(n.text); !ok {
		r.fault(n.line, at, "%q: expected %s", n.text, c.expected)
	}
	return v, ok
}

// single is a key with one plain value.
func single[T any](key, doc string, c codec[T], in func(*Book) *T) field {
	return field{key: key, doc: doc, expected: c.name(),
		read: func(r *reader, at string, n *node, b *Book) {
			if v, ok := value(r, at, n, c); ok {
				*in(b) = v
			}
		},
		show: func(b *Book) *node { return plainNode(c.print(*in(b))) },
	}
}

// many is a key with a list of plain values, each once.
func many[T cmp.Ordered](key, doc string, c codec[T], in func(*Book) *[]T) field {
	return field{key: key, doc: doc, expected: "a list; each " + c.name(),
		read: func(r *reader, at string, n *node, b *Book) {
			if list, ok := values(r, at, n, c); ok {
				*in(b) = list
			}
		},
		show: func(b *Book) *node { return shownList(*in(b), c) },
	}
}

func shownList[T any](list []T, c codec[T]) *node {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = c.print(v)
	}
	return listNode(texts)
}

func values[T cmp.Ordered](r *reader, at string, n *node, c codec[T]) (all []T, ok bool) {
	if ok = r.expect(at, n, list); !ok {
		return nil, false
	}
	for _, item := range n.list {
		v, fits := value(r, at, item, c)
		if ok = ok && fits; !fits {
			continue
		}
		r.lines[at+"["+c.print(v)+"]"] = item.line
		if slices.Contains(all, v) {
			r.fault(item.line, at, "%q stands there twice", item.text)
			ok = false
		}
		all = append(all, v)
	}
	return all, ok
}

// named is a key with plain values under names; ~ removes one that the default has.
func named[K ~string, T any](key, doc string, k codec[K], c codec[T], in func(*Book) *map[K]T) field {
	return keyed(key, doc, c.name()+", under "+k.name(), k, in,
		func(r *reader, at string, n *node, _ T, _ *Book) (T, bool) { return value(r, at, n, c) },
		func(v T) *node { return plainNode(c.print(v)) })
}

// keyed is a key with something under names; ~ removes one that the default has.
func keyed[K ~string, T any](key, doc, expected string, k codec[K], in func(*Book) *map[K]T,
	read func(r *reader, at string, n *node, before T, b *Book) (T, bool), show func(T) *node) field {
	return field{key: key, doc: doc, expected: expected,
		read: func(r *reader, at string, n *node, b *Book) {
			if !r.expect(at, n, mapping) {
				return
			}
			m := maps.Clone(*in(b))
			if m == nil {
				m = map[K]T{}
			}
			for _, e := range n.entries {
				r.keyedEntry(join(at, e.key), e, k.expected, func() (fits bool) { _, fits = k.parse(e.key); return fits }, func() {
					if e.value.form == nothing {
						delete(m, K(e.key))
					} else if v, ok := read(r, join(at, e.key), e.value, m[K(e.key)], b); ok {
						m[K(e.key)] = v
					}
				})
			}
			*in(b) = m
		},
		show: func(b *Book) *node {
			n := &node{form: mapping}
			for _, name := range slices.Sorted(maps.Keys(*in(b))) {
				n.add(string(name), "", show((*in(b))[name]))
			}
			return n
		},
	}
}

// keyedEntry reads one entry if its name fits.
func (r *reader) keyedEntry(at string, e entry, expected string, fits func() bool, read func()) {
	r.lines[at] = e.line
	if !fits() {
		r.fault(e.line, at, "%q: expected %s", e.key, expected)
		return
	}
	read()
}

// group is a key with keys of its own.
func group(key, doc string, fields ...field) field {
	return field{key: key, doc: doc, fields: fields,
		read: func(r *reader, at string, n *node, b *Book) { r.group(at, n, fields, b) },
		show: func(b *Book) *node { return showFields(fields, b) },
	}
}

func showFields(fields []field, b *Book) *node {
	n := &node{form: mapping}
	for i := range fields {
		n.add(fields[i].key, fields[i].doc, fields[i].show(b))
	}
	return n
}

// param is one figure of a rule, which can have exceptions.
type param struct {
	field
	except     func(r *reader, at string, n *node, where Where, b *Book)
	exceptions func(b *Book) []shownException
}

type shownException struct {
	where Where
	text  string
}

// figure is a parameter of a rule.
func figure[T any](key, doc string, c codec[T], in func(*Book) *Param[T]) param {
	return param{
		field: single(key, doc, c, func(b *Book) *T { return &in(b).Default }),
		except: func(r *reader, at string, n *node, where Where, b *Book) {
			p := in(b)
			if n.form == nothing {
				p.Except = without(p.Except, where)
			} else if v, ok := value(r, at, n, c); ok {
				p.Except = append(without(p.Except, where), Exception[T]{where, v})
				slices.SortStableFunc(p.Except, func(a, b Exception[T]) int { return a.compare(b.Where) })
			}
		},
		exceptions: func(b *Book) (list []shownException) {
			for _, e := range in(b).Except {
				list = append(list, shownException{e.Where, c.print(e.Value)})
			}
			return list
		},
	}
}

func without[T any](list []Exception[T], where Where) (left []Exception[T]) {
	for _, e := range list {
		if e.Where != where {
			left = append(left, e)
		}
	}
	return left
}

const exceptKey = "except"

// rule is a group of parameters with exceptions from them.
func rule(key, doc string, params ...param) field {
	fields := make([]field, len(params), len(params)+1)
	for i := range params {
		fields[i] = params[i].field
	}
	fields = append(fields, field{key: exceptKey, expected: "a list of exceptions, such as {reason: billing, channel: phone, unit: lyon, " +
		params[0].key + ": ...}; ~ for a figure takes back an exception of the default",
		read: func(r *reader, at string, n *node, b *Book) { r.exceptions(at, n, params, b) },
		show: func(b *Book) *node { return showExceptions(params, b) },
	})
	return group(key, doc, fields...)
}

// exceptions reads a list of them. Of two that fit, the one that says more precisely what it is for holds.
func (r *reader) exceptions(at string, n *node, params []param, b *Book) {
	if !r.expect(at, n, list) {
		return
	}
	seen := map[string]bool{}
	for _, item := range n.list {
		if !r.expect(at, item, mapping) {
			continue
		}
		where, ok := r.where(at, item)
		if !ok {
			continue
		}
		r.exception(at, item, where, params, b, seen)
	}
}

func (r *reader) exception(at string, item *node, where Where, params []param, b *Book, seen map[string]bool) {
	figures := 0
	for _, e := range item.entries {
		if slices.Contains(whereKeys, e.key) {
			continue
		}
		figures++
		i := slices.IndexFunc(params, func(p param) bool { return p.key == e.key })
		if i < 0 {
			expected := slices.Clone(whereKeys)
			for i := range params {
				expected = append(expected, params[i].key)
			}
			r.fault(e.line, join(at, e.key), "there is no such key; expected %s", oneOf(expected))
		} else if name := where.String() + "." + e.key; seen[name] {
			r.fault(e.line, join(at, e.key), "there is an exception for %s already", where)
		} else {
			seen[name] = true
			params[i].except(r, join(at, e.key), e.value, where, b)
		}
	}
	if figures == 0 {
		r.fault(item.line, at, "an exception that says no other figure; expected %s", params[0].key)
	}
}

var whereKeys = []string{"reason", "channel", "unit"}

// where reads what an exception is for.
func (r *reader) where(at string, item *node) (w Where, ok bool) {
	before := len(r.faults)
	if n := item.get("reason"); n != nil {
		var ok bool
		if w.Reason, ok = value(r, join(at, "reason"), n, reasons); ok {
			r.asked = append(r.asked, Fault{r.name, n.line, join(at, "reason"), w.Reason})
		}
	}
	if n := item.get("channel"); n != nil {
		w.Channel, _ = value(r, join(at, "channel"), n, channels)
	}
	if n := item.get("unit"); n != nil {
		w.Unit, _ = value(r, join(at, "unit"), n, anyText)
	}
	if len(r.faults) == before && w == (Where{}) {
		r.fault(item.line, at, "expected what the exception is for: %s, or several of them", strings.Join(whereKeys, ", "))
	}
	return w, len(r.faults) == before
}

// showExceptions gives one entry for each place, named by it.
func showExceptions(params []param, b *Book) *node {
	figures := map[Where][]entry{}
	for i := range params {
		for _, e := range params[i].exceptions(b) {
			figures[e.where] = append(figures[e.where], entry{key: params[i].key, value: plainNode(e.text)})
		}
	}
	if len(figures) == 0 {
		return nil
	}
	n := &node{form: mapping, excepts: true}
	for _, w := range slices.SortedFunc(maps.Keys(figures), Where.compare) {
		item := &node{form: mapping, flow: true}
		if w.Reason != "" {
			item.add("reason", "", plainNode(w.Reason))
		}
		if w.Channel != "" {
			item.add("channel", "", plainNode(string(w.Channel)))
		}
		if w.Unit != "" {
			item.add("unit", "", plainNode(w.Unit))
		}
		item.entries = append(item.entries, figures[w]...)
		n.add(w.String(), "", item)
	}
	return n
}

// compare orders exceptions: a unit's before a full reason's before a family's before a channel's.
func (w Where) compare(v Where) int {
	return cmp.Or(-cmp.Compare(w.precise(), v.precise()), cmp.Compare(w.Unit, v.Unit), cmp.Compare(w.Reason, v.Reason), cmp.Compare(w.Channel, v.Channel))
}

func (w Where) precise() (n int) {
	if w.Unit != "" {
		n += 8
	}
	if strings.Contains(w.Reason, ".") {
		n += 4
	}
	if w.Reason != "" {
		n += 2
	}
	if w.Channel != "" {
		n++
	}
	return n
}

// String gives reason, channel and unit, as far as they are given.
func (w Where) String() string {
	var parts []string
	for i, v := range []string{w.Reason, string(w.Channel), w.Unit} {
		if v != "" {
			parts = append(parts, whereKeys[i]+" "+v)
		}
	}
	return strings.Join(parts, ", ")
}
