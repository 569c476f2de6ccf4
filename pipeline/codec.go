package pipeline

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"

	"parcours/pipeline/event"
)

// packer writes the compact form of state: variable-length integers, words by their number in a dictionary.
type packer struct {
	b    []byte
	dict *dictionary
}

func (p *packer) uint(v uint64)            { p.b = binary.AppendUvarint(p.b, v) }
func (p *packer) int(v int64)              { p.b = binary.AppendVarint(p.b, v) }
func (p *packer) fixed(v uint64)           { p.b = binary.LittleEndian.AppendUint64(p.b, v) }
func (p *packer) byte(v byte)              { p.b = append(p.b, v) }
func (p *packer) at(t, base event.Instant) { p.int(int64(t - base)) }

func (p *packer) bit(v bool) {
	if v {
		p.byte(1)
		return
	}
	p.byte(0)
}

func (p *packer) text(s string) {
	p.uint(uint64(len(s)))
	p.b = append(p.b, s...)
}

func (p *packer) word(s string) {
	n := p.dict.number(s)
	p.uint(n)
	if n == 0 {
		p.text(s)
	}
}

func (p *packer) words(list []string) {
	p.uint(uint64(len(list)))
	for _, s := range list {
		p.word(s)
	}
}

// id writes an identifier of journey.ID in half its length, and any other as it is.
func (p *packer) id(s string) {
	var raw [idBytes]byte
	if len(s) == hex.EncodedLen(idBytes) {
		if _, err := hex.Decode(raw[:], []byte(s)); err == nil && hex.EncodeToString(raw[:]) == s {
			p.byte(1)
			p.b = append(p.b, raw[:]...)
			return
		}
	}
	p.byte(0)
	p.text(s)
}

const idBytes = 16

// number writes a measure: whole numbers short, others as their bits.
func (p *packer) number(v float64) {
	whole := int64(v)
	if math.Abs(v) < 1<<52 && math.Float64bits(float64(whole)) == math.Float64bits(v) {
		p.uint(uint64(whole<<1^whole>>63) << 1)
		return
	}
	p.uint(1)
	p.fixed(math.Float64bits(v))
}

// errCorrupt means that a piece of state is not what a packer wrote.
var errCorrupt = errors.New("the state is corrupt")

// unpacker reads what a packer wrote. Texts share the memory of what is read. Its first error stays.
type unpacker struct {
	s    string
	dict *dictionary
	err  error
}

func (u *unpacker) fail() {
	u.err = errCorrupt
	u.s = ""
}

func (u *unpacker) uint() uint64 {
	var v uint64
	for i := 0; i < len(u.s) && i < binary.MaxVarintLen64; i++ {
		b := u.s[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			u.s = u.s[i+1:]
			return v
		}
	}
	u.fail()
	return 0
}

func (u *unpacker) int() int64 {
	v := u.uint()
	return int64(v>>1) ^ -int64(v&1)
}

func (u *unpacker) at(base event.Instant) event.Instant { return base + event.Instant(u.int()) }

func (u *unpacker) take(n uint64) string {
	if n > uint64(len(u.s)) {
		u.fail()
		return ""
	}
	s := u.s[:n]
	u.s = u.s[n:]
	return s
}

func (u *unpacker) fixed() uint64 {
	s := u.take(8)
	if len(s) < 8 {
		return 0
	}
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func (u *unpacker) byte() byte {
	s := u.take(1)
	if s == "" {
		return 0
	}
	return s[0]
}

func (u *unpacker) bit() bool { return u.byte() == 1 }

func (u *unpacker) text() string { return u.take(u.uint()) }

func (u *unpacker) word() string {
	n := u.uint()
	switch {
	case n == 0:
		return u.text()
	case n > uint64(len(u.dict.words)):
		u.fail()
		return ""
	}
	return u.dict.words[n-1]
}

// count reads the length of a list whose items take at least one byte each.
func (u *unpacker) count() int {
	n := u.uint()
	if n > uint64(len(u.s)) {
		u.fail()
		return 0
	}
	return int(n)
}

func (u *unpacker) words() []string {
	n := u.count()
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = u.word()
	}
	return list
}

func (u *unpacker) id() string {
	if u.byte() == 1 {
		return hex.EncodeToString([]byte(u.take(idBytes)))
	}
	return u.text()
}

func (u *unpacker) number() float64 {
	v := u.uint()
	if v&1 == 1 {
		return math.Float64frombits(u.fixed())
	}
	v >>= 1
	return float64(int64(v>>1) ^ -int64(v&1))
}
