package event

import (
	"bytes"

	"github.com/segmentio/encoding/json"
)

// maxDepth is how deep objects and arrays may stand in each other: the parser recurses, a body of 500,000 brackets must not.
const maxDepth = 32

// walk goes once over JSON that json.Valid has accepted. It checks no syntax, and between two tokens takes commas and colons
// for white space. Against decoding into a struct it gains three things for less than twice the time: the names of unknown
// fields are seen, of a repeated key the last one wins whatever its value, and what is wrong is known with its path.
type walk struct {
	body    []byte
	pos     int  // a place in body, not the rest of it: to move a pointer costs a write barrier
	escapes bool // there is a backslash somewhere
}

func walkOf(body []byte) walk {
	return walk{body: body, escapes: bytes.IndexByte(body, '\\') >= 0}
}

// at says whether the next value begins with c: a quote, a brace, a bracket. It passes white space, commas and colons.
func (w *walk) at(c byte) bool {
	for w.pos < len(w.body) {
		switch next := w.body[w.pos]; next {
		case ' ', '\t', '\n', '\r', ',', ':':
			w.pos++
		default:
			return next == c
		}
	}
	return false
}

// enter goes into the object or array that at has found.
func (w *walk) enter() { w.pos++ }

// key gives the next key of an object, unescaped; at the end it leaves the object and gives false. The value must be taken
// before the next call. The key may alias the body.
func (w *walk) key() (key []byte, more bool) {
	if !w.at('"') {
		w.leave()
		return nil, false
	}
	return w.unquote(w.next(w.stringLen(w.body[w.pos:]))), true
}

// element gives the next raw element of an array; at the end it leaves the array and gives false.
func (w *walk) element() (raw []byte, more bool) {
	if w.at(']') || w.pos == len(w.body) {
		w.leave()
		return nil, false
	}
	return w.value(), true
}

func (w *walk) leave() { w.pos = min(w.pos+1, len(w.body)) }

// value gives the next value raw and goes past it. It aliases the body.
func (w *walk) value() []byte {
	w.at(0)
	return w.next(w.valueLen(w.body[w.pos:]))
}

// next gives n bytes and goes past them.
func (w *walk) next(n int) []byte {
	raw := w.body[w.pos : w.pos+n]
	w.pos += n
	return raw
}

// valueLen is the length of the value that b begins with.
func (w *walk) valueLen(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	switch b[0] {
	case '"':
		return w.stringLen(b)
	case '{', '[':
		return w.nestedLen(b)
	}
	for i, c := range b {
		switch c {
		case ',', '}', ']', ' ', '\t', '\n', '\r':
			return i
		}
	}
	return len(b)
}

// stringLen is the length of the string that b begins with, quotes included.
func (w *walk) stringLen(b []byte) int {
	for end := 1; end < len(b); end++ {
		next := bytes.IndexByte(b[end:], '"')
		if next < 0 {
			break
		}
		if end += next; !w.escapes || !escaped(b[1:end]) {
			return end + 1
		}
	}
	return len(b)
}

// escaped says whether what follows text is escaped: an odd number of backslashes ends it.
func escaped(text []byte) bool {
	n := len(text)
	for n > 0 && text[n-1] == '\\' {
		n--
	}
	return (len(text)-n)%2 == 1
}

// nestedLen is the length of the object or array that b begins with.
func (w *walk) nestedLen(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		if !nesting[b[i]] { // nearly all
			continue
		}
		switch b[i] {
		case '"':
			i += w.stringLen(b[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(b)
}

// nesting are the bytes that begin and end a value that has parts, and a text.
var nesting = [256]bool{'"': true, '{': true, '[': true, '}': true, ']': true}

// unquote gives the text of a raw string; it aliases it where nothing is escaped. Half a surrogate pair becomes U+FFFD.
func (w *walk) unquote(raw []byte) []byte {
	inner := raw[1 : len(raw)-1]
	if !w.escapes || bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	return json.AppendUnescape(nil, raw, 0)
}

// tooDeep says whether a body, valid or not, nests deeper than maxDepth. Most bodies have too few brackets to try.
func tooDeep(body []byte) bool {
	if bytes.Count(body, []byte{'{'})+bytes.Count(body, []byte{'['}) <= maxDepth {
		return false
	}
	w, depth := walkOf(body), 0
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '"':
			i += w.stringLen(body[i:]) - 1
		case '{', '[':
			if depth++; depth > maxDepth {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}

func isNull(raw []byte) bool   { return len(raw) == 0 || raw[0] == 'n' }
func isString(raw []byte) bool { return len(raw) > 1 && raw[0] == '"' }
func isNumber(raw []byte) bool {
	return len(raw) > 0 && (raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9')
}
