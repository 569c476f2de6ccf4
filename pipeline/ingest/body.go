package ingest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"parcours/pipeline/event"
)

// layout is how the events of a body follow each other.
type layout int

const (
	oneEvent layout = iota // the whole body
	array                  // a JSON array of events
	lines                  // one event a line; an array if it begins like one
	objects                // JSON objects one after the other; an array if it begins like one
)

// splitter cuts a body into events and holds one of them at a time. It checks no JSON: it counts brackets and minds
// strings; what it cuts wrongly the decoder refuses.
type splitter struct {
	r      *bufio.Reader
	layout layout
	most   int // bytes of an event
	began  bool
	closed bool // the array's bracket was read
	empty  bool // and nothing before it
	ended  bool // nothing is left to give
}

func newSplitter(r io.Reader, l layout, most int) *splitter {
	return &splitter{r: bufio.NewReaderSize(r, 64<<10), layout: l, most: most}
}

// errNoEvents ends an array of no events: unlike an empty body, it says so.
var errNoEvents = errors.New("an empty array")

// next gives the next piece, io.EOF (or errNoEvents) behind the last one. With any other error, which is the reader's, comes what was read
// of a piece until then, broken.
func (s *splitter) next() (Raw, error) {
	if s.ended {
		return Raw{}, io.EOF
	}
	if !s.began {
		s.began = true
		if piece, err := s.begin(); piece != nil || err != nil {
			return s.end(piece, err)
		}
	}
	switch s.layout {
	case array:
		return s.element()
	case lines:
		return s.line()
	case objects:
		return s.object()
	}
	p := s.piece()
	return s.end(p, p.rest(s.r))
}

// skip passes bytes that have been peeked at: it cannot fail.
func (s *splitter) skip(n int) { _, _ = s.r.Discard(n) }

// begin passes a byte order mark and, where there is one, the bracket of the array. A piece is what stands in its place.
func (s *splitter) begin() (*piece, error) {
	if mark, _ := s.r.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		s.skip(3)
	}
	if s.layout == oneEvent {
		return nil, nil
	}
	c, err := s.space()
	switch {
	case err != nil:
		return nil, err
	case c == '[':
		s.layout = array
		s.skip(1)
		if c, _ := s.space(); c == ']' { // what went wrong here goes wrong again in the next read
			s.closed, s.empty = true, true
			s.skip(1)
		}
	case s.layout == array:
		p := s.piece()
		p.note("a JSON array of events")
		return p, p.rest(s.r)
	}
	return nil, nil // an error will come again
}

// end gives the last piece, if there is anything in it.
func (s *splitter) end(p *piece, err error) (Raw, error) {
	s.ended = true
	if err != nil && !errors.Is(err, io.EOF) {
		if p == nil {
			p = s.piece()
		}
		p.note("a body that can be read to its end")
		return p.raw(), err
	}
	if p == nil || p.blank() && p.expected == "" {
		return Raw{}, io.EOF
	}
	return p.raw(), nil
}

// element reads one element of the array and the comma or bracket behind it.
func (s *splitter) element() (Raw, error) {
	if s.closed {
		return s.behind()
	}
	p := s.piece()
	for w := (walk{}); ; {
		c, err := s.r.ReadByte()
		switch {
		case errors.Is(err, io.EOF) && w.outside() && !p.blank():
			return p.raw(), nil // whole; that the array is not closed comes next
		case err != nil:
			p.note("a JSON array with a bracket at its end")
			return s.end(p, err)
		case w.outside() && (c == ',' || c == ']'):
			s.closed = c == ']'
			return p.raw(), nil
		}
		p.add(c)
		w.step(c)
	}
}

// behind reads what stands behind the array, where nothing should.
func (s *splitter) behind() (Raw, error) {
	p := s.piece()
	err := p.rest(s.r)
	if !p.blank() {
		p.note("nothing behind the array")
	} else if s.empty && err == nil {
		s.ended = true
		return Raw{}, errNoEvents
	}
	return s.end(p, err)
}

// line reads one line that is not empty.
func (s *splitter) line() (Raw, error) {
	for {
		p := s.piece()
		if err := p.line(s.r); err != nil {
			return s.end(p, err)
		}
		if !p.blank() {
			return p.raw(), nil
		}
	}
}

// object reads to the bracket that closes the first one; what begins otherwise is read as a line.
func (s *splitter) object() (Raw, error) {
	switch c, err := s.space(); {
	case err != nil:
		return s.end(nil, err)
	case c != '{':
		return s.line()
	}
	p := s.piece()
	for w := (walk{}); ; {
		c, err := s.r.ReadByte()
		if err != nil {
			p.note("a JSON object with a brace at its end")
			return s.end(p, err)
		}
		p.add(c)
		if w.step(c); w.outside() {
			return p.raw(), nil
		}
	}
}

// space passes white space and gives the character behind it, which stays.
func (s *splitter) space() (byte, error) {
	for {
		c, err := s.r.ReadByte()
		if err != nil {
			return 0, err
		}
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c, s.r.UnreadByte()
		}
	}
}

// walk knows whether a place in JSON is outside of all strings and brackets.
type walk struct {
	depth   int
	text    bool
	escaped bool
}

func (w *walk) outside() bool { return w.depth == 0 && !w.text }

func (w *walk) step(c byte) {
	switch {
	case w.escaped:
		w.escaped = false
	case w.text:
		w.escaped = c == '\\'
		w.text = c != '"'
	case c == '"':
		w.text = true
	case c == '{' || c == '[':
		w.depth++
	case (c == '}' || c == ']') && w.depth > 0:
		w.depth--
	}
}

// piece gathers the bytes of one event; of one that is too big, the beginning, the number and the hash.
type piece struct {
	buf      []byte
	most     int
	size     int
	sum      hash.Hash // nil while everything is in buf
	expected string    // what should have stood here; "" for an event
}

func (s *splitter) piece() *piece { return &piece{most: s.most} }

func (p *piece) add(c byte) {
	if p.sum == nil && p.size < p.most {
		p.buf = append(p.buf, c)
		p.size++
		return
	}
	_, _ = p.Write([]byte{c})
}

// Write never fails.
func (p *piece) Write(b []byte) (int, error) {
	if p.size += len(b); p.sum == nil && p.size <= p.most {
		p.buf = append(p.buf, b...)
		return len(b), nil
	}
	if p.sum == nil {
		p.sum = sha256.New()
		p.sum.Write(p.buf)
		p.buf = p.buf[:min(len(p.buf), sealedMost)]
	}
	p.buf = append(p.buf, b[:min(len(b), max(0, sealedMost-len(p.buf)))]...)
	return p.sum.Write(b)
}

// rest reads to the end, where it gives nil.
func (p *piece) rest(r io.Reader) error {
	_, err := io.Copy(p, r)
	return err
}

// line reads to the end of a line, which is left out.
func (p *piece) line(r *bufio.Reader) error {
	for {
		part, err := r.ReadSlice('\n')
		_, _ = p.Write(bytes.TrimSuffix(part, []byte{'\n'}))
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func (p *piece) blank() bool { return p.sum == nil && len(bytes.TrimSpace(p.buf)) == 0 }

// note says what should have stood here: the piece is no event.
func (p *piece) note(expected string) { p.expected = expected }

func (p *piece) raw() Raw {
	switch {
	case p.expected != "":
		return p.broken(event.ReasonBrokenBatch, p.expected)
	case p.sum != nil:
		return p.broken(event.ReasonTooBig, fmt.Sprintf("at most %d bytes", p.most))
	}
	return Raw{Body: p.buf}
}

func (p *piece) broken(reason, expected string) Raw {
	b := &Broken{Refusal: event.Refusal{Reason: reason, Expected: expected}, Bytes: p.size}
	if p.sum != nil {
		b.SHA256 = hex.EncodeToString(p.sum.Sum(nil))
	} else {
		b.SHA256 = digest(p.buf)
	}
	return Raw{Body: p.buf, Broken: b}
}
