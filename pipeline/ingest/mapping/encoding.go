package mapping

import (
	"io"
	"unicode/utf8"
)

// encodings gives for each encoding what turns it into UTF-8.
var encodings = map[string]func(io.Reader) io.Reader{
	"":             func(r io.Reader) io.Reader { return r },
	"utf-8":        func(r io.Reader) io.Reader { return r },
	"utf8":         func(r io.Reader) io.Reader { return r },
	"latin1":       func(r io.Reader) io.Reader { return &oneByte{in: r} },
	"iso-8859-1":   func(r io.Reader) io.Reader { return &oneByte{in: r} },
	"windows-1252": func(r io.Reader) io.Reader { return &oneByte{in: r, high: &windows1252} },
}

// windows1252 is what the bytes 0x80 to 0x9f mean there (WHATWG encoding standard, index windows-1252).
var windows1252 = [32]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8d, 'Ž', 0x8f,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9d, 'ž', 'Ÿ',
}

// oneByte reads an encoding of one byte a character as UTF-8.
type oneByte struct {
	in   io.Reader
	high *[32]rune // of the bytes 0x80 to 0x9f; nil: the same code points
	buf  [4096]byte
	out  []byte // read but not given yet
	err  error
}

// Read gives UTF-8.
func (o *oneByte) Read(p []byte) (int, error) {
	for len(o.out) == 0 {
		if o.err != nil {
			return 0, o.err
		}
		o.fill()
	}
	n := copy(p, o.out)
	o.out = o.out[n:]
	return n, nil
}

func (o *oneByte) fill() {
	var n int
	n, o.err = o.in.Read(o.buf[:])
	o.out = o.out[:0]
	for _, b := range o.buf[:n] {
		o.out = utf8.AppendRune(o.out, o.runeOf(b))
	}
}

func (o *oneByte) runeOf(b byte) rune {
	if o.high != nil && b >= 0x80 && b < 0xa0 {
		return o.high[b-0x80]
	}
	return rune(b)
}
