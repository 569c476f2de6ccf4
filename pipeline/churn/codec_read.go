package churn

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/bits"
	"strings"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

// reader reads what a writer wrote; once it failed it gives zeros.
type reader struct {
	s      string
	base   event.Instant
	failed bool
	bare   bool // ids of evidence stay as they are packed
	room   *lists
	ids    strings.Builder // texts of ids, those of a list in one piece
}

func (r *reader) fail() { r.s, r.failed = "", true }

// uint reads a number of variable length, seven bits a byte: one of up to eight bytes at once.
func (r *reader) uint() uint64 {
	if len(r.s) < 8 {
		return r.uintByByte()
	}
	v := eight(r.s)
	last := bits.TrailingZeros64(^v & 0x8080808080808080) // the bit that says of the last byte that it is
	if last == 64 {
		return r.uintByByte()
	}
	r.s = r.s[last/8+1:]
	v &= 1<<last - 1
	if last < 8 {
		return v
	}
	v = v&0x007f007f007f007f | v>>1&0x3f803f803f803f80
	v = v&0x00003fff00003fff | v>>2&0x0fffc0000fffc000
	return v&0x000000000fffffff | v>>4&0x00fffffff0000000
}

func (r *reader) uintByByte() (v uint64) {
	for i := 0; i < len(r.s) && i < binary.MaxVarintLen64; i++ {
		b := r.s[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.s = r.s[i+1:]
			return v
		}
	}
	r.fail()
	return 0
}

func (r *reader) int() int64 { return unzigzag(r.uint()) }

func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// length is a number of things that follow, each of a byte at least.
func (r *reader) length() int {
	n := r.uint()
	if n > uint64(len(r.s)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) take(n uint64) string {
	if n > uint64(len(r.s)) {
		r.fail()
		return ""
	}
	s := r.s[:n]
	r.s = r.s[n:]
	return s
}

func (r *reader) byte() byte {
	if s := r.take(1); s != "" {
		return s[0]
	}
	return 0
}

func (r *reader) bit() bool { return r.byte() == 1 }

// four reads 32 bits.
func (r *reader) four() uint32 {
	s := r.take(4)
	if s == "" {
		return 0
	}
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// eight reads 64 bits.
func (r *reader) eight() uint64 {
	if s := r.take(8); s != "" {
		return eight(s)
	}
	return 0
}

// eight are the first 64 bits.
func eight(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func (r *reader) text() string { return r.take(r.uint()) }

func (r *reader) at() event.Instant {
	switch v := r.uint(); v {
	case 0:
		return unset
	case 1:
		return journey.Never
	default:
		return r.base + event.Instant(unzigzag(v-2))
	}
}

func (r *reader) number() float64 {
	if v := r.uint(); v != 0 {
		return float64(unzigzag(v >> 1))
	}
	return math.Float64frombits(r.eight())
}

func (r *reader) amount() float64 {
	if r.bit() {
		return r.number()
	}
	return math.NaN()
}

func (r *reader) id() string {
	n := r.uint()
	if n > 0 {
		return r.take(n - 1)
	}
	var raw [16]byte
	var text [idText]byte
	copy(raw[:], r.take(uint64(len(raw))))
	hex.Encode(text[:], raw[:])
	r.expect(1)
	_, _ = r.ids.Write(text[:])
	return r.ids.String()[r.ids.Len()-idText:]
}

// evident reads the id of a breakpoint, or of other evidence. A bare one is as it is packed: two are the same if their ids are.
func (r *reader) evident() string {
	if !r.bare {
		return r.id()
	}
	before := r.s
	if n := r.uint(); n > 0 {
		r.take(n - 1)
	} else {
		r.take(idText / 2)
	}
	return before[:len(before)-len(r.s)]
}

// idText is the length of an identifier of journey.ID.
const idText = 32

// expect makes room for ids that follow.
func (r *reader) expect(ids int) {
	if r.ids.Cap()-r.ids.Len() < idText*ids {
		r.ids = strings.Builder{}
		r.ids.Grow(idText * ids)
	}
}

func (r *reader) kind() string {
	n := r.uint()
	if n&1 == 0 {
		return r.take(n >> 1)
	}
	if n>>1 >= uint64(len(kindNames)) {
		r.fail()
		return ""
	}
	return kindNames[n>>1]
}

// head reads the format, and up to where a Standing is settled.
func (r *reader) head(s *Standing) {
	if r.byte() != standingFormat {
		r.fail()
	}
	if s.begun = r.bit(); s.begun {
		s.settled = event.Instant(r.int())
	}
	r.base = s.settled
}

func (r *reader) fact(f *Fact) {
	f.At, f.What = r.at(), What(r.byte())
	if f.What == Broken {
		f.ID = r.evident()
	} else {
		f.ID = r.id()
	}
	f.Name, f.Family, f.Amount, f.Weight, f.Flag = r.kind(), r.text(), r.amount(), r.byte(), r.bit()
}

// standing reads what Append wrote, and nothing behind it.
func (r *reader) standing(s *Standing) bool {
	r.head(s)
	r.core(&s.core)
	if n := r.length(); n > 0 {
		s.recent = list(&r.room.facts, n)
		for i := range s.recent {
			r.fact(&s.recent[i])
		}
	}
	return !r.failed && r.s == ""
}

// list gives a list of n in room that is kept for the next one; nil for an empty one. There is room for a few more.
func list[T any](room *[]T, n int) []T {
	const more = 2
	if n == 0 {
		return nil
	}
	if n > cap(*room) {
		*room = make([]T, n, n+more)
	}
	return (*room)[:n]
}

func (r *reader) core(c *core) {
	if c.begun = r.bit(); !c.begun {
		return
	}
	c.seen = r.at()
	r.contract(&c.contract)
	c.objected = list(&r.room.objected, r.length())
	for i := range c.objected {
		c.objected[i] = r.text()
	}
	c.sums = list(&r.room.sums, r.length())
	for i := range c.sums {
		r.sum(&c.sums[i])
	}
	r.use(&c.use)
	for i := range c.answers {
		if r.bit() {
			c.answers[i] = answer{true, r.at(), r.number()}
		}
	}
	r.lately(c)
}

func (r *reader) sum(s *sum) {
	s.number, s.at = r.byte(), r.at()
	if s.number >= sumNumbers {
		r.fail()
		s.number = 0
	}
	for i := range s.halved {
		s.halved[i] = r.number()
	}
}

// lately reads what is remembered for a while alone.
func (r *reader) lately(c *core) {
	c.contacts = list(&r.room.contacts, r.length())
	for i := range c.contacts {
		c.contacts[i] = contactSeen{r.four(), r.at()}
	}
	c.recent = list(&r.room.evidence, r.length())
	if !r.bare {
		r.expect(len(c.recent))
	}
	for i := range c.recent {
		c.recent[i] = Evidence{r.evident(), r.at(), r.kind(), r.text(), r.byte()}
	}
	if c.weight = r.number(); c.weight != 0 {
		c.weighed = r.at()
	}
	c.signals = list(&r.room.signals, r.length())
	for i := range c.signals {
		c.signals[i] = r.signal()
	}
}

func (r *reader) contract(k *contract) {
	b := r.byte()
	*k = newContract()
	k.inForce, k.captive, k.left, k.lost = b&1 != 0, b&2 != 0, b&4 != 0, b&8 != 0
	k.started, k.product, k.margin, k.gone = r.at(), r.text(), r.amount(), r.at()
	if b&16 != 0 {
		k.values, k.high = list(&r.room.values, 1), k.margin
		k.values[0] = value{k.product, k.margin, k.margin}
	} else {
		k.values = list(&r.room.values, r.length())
		for i := range k.values {
			k.values[i] = value{r.text(), r.amount(), r.amount()}
		}
		k.high = r.amount()
	}
	if k.left {
		k.leftAt = r.at()
	}
	if b&32 != 0 {
		k.renewing, k.renewal, k.warn = r.id(), r.at(), r.at()
	}
}

func (r *reader) use(u *use) {
	u.silent = journey.Never
	if u.count = int(r.uint()); u.count == 0 {
		return
	}
	u.first = day(r.int())
	u.last = u.first + day(r.int())
	inYear := int(r.uint())
	r.year(u, inYear)
	n := u.ringed()
	i, d := n, u.last
	u.days(func(distance int) {
		if d -= day(distance); i > 0 {
			i--
			u.ring[i] = d
		}
	})
	for i := n - inYear - 1; i >= 0; i-- {
		u.ring[i] = u.last - day(r.int())
	}
	if r.bit() {
		u.lastFact, u.silent, u.limit = r.id(), r.at(), r.number()
	}
	u.spent = r.number()
	spends := r.uint()
	u.spends, u.spentToday = int(spends>>1), spends&1 != 0
}

// year reads the days with use of a year.
func (r *reader) year(u *use, n int) {
	if n > sparse {
		for i := range u.year {
			u.year[i] = r.eight()
		}
		return
	}
	bit := uint64(0)
	for range n {
		if bit += r.uint(); bit >= yearDays {
			r.fail()
			return
		}
		u.year[bit/64] |= 1 << (bit % 64)
	}
}

func (r *reader) signal() Signal {
	s := Signal{Kind: r.code(signalKinds[:]), RaisedAt: r.at(), ClearedAt: r.at(), ClearedWhy: r.code(endings[:])}
	if n := r.length(); n > 0 {
		s.Evidence = make([]string, n)
		for i := range s.Evidence {
			s.Evidence[i] = r.evident()
		}
	}
	s.Value, s.Limit, s.due, s.product = r.amount(), r.amount(), r.at(), r.text()
	return s
}

func (r *reader) code(list []string) string {
	i := int(r.byte())
	if i >= len(list) {
		r.fail()
		return ""
	}
	return list[i]
}
