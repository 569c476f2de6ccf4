package churn

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
)

// standingFormat is the first byte of a packed Standing.
const standingFormat = 1

// ErrStanding means that bytes are not a Standing that Append wrote.
var ErrStanding = errors.New("no standing of a customer")

// Append writes a Standing in a compact form: equal standings give equal bytes. An empty one that was settled keeps up to where.
func (s *Standing) Append(b []byte) []byte {
	w := writer{b: append(b, standingFormat)}
	w.bit(s.begun)
	if s.begun {
		w.int(int64(s.settled))
	}
	w.base = s.settled
	w.core(&s.core)
	w.uint(uint64(len(s.recent)))
	for i := range s.recent {
		w.fact(&s.recent[i])
	}
	return w.b
}

// ReadStanding reads what Append wrote; texts share no memory with b. The error is ErrStanding.
func ReadStanding(b []byte) (Standing, error) { return StandingIn(string(b)) }

// StandingIn reads what Append wrote; texts share memory with it. The error is ErrStanding.
func StandingIn(packed string) (s Standing, err error) {
	r := reader{s: packed, room: &lists{}}
	if !r.standing(&s) {
		return Standing{}, fmt.Errorf("read a standing: %w", ErrStanding)
	}
	return s, nil
}

// Room is memory into which standings are read one after the other, to be scored: so a look at one costs little. It is not for
// several goroutines. The zero value is ready.
type Room struct {
	standing Standing
	lists
}

type lists struct {
	values   []value
	objected []string
	sums     []sum
	contacts []contactSeen
	evidence []Evidence
	signals  []Signal
	facts    []Fact
}

// StandingIn is StandingIn into the room: it is valid until the next one is read. Ids of breakpoints and of other evidence stay as
// they are packed, which is enough to tell them apart; all else is the same.
func (m *Room) StandingIn(packed string) (*Standing, error) {
	r := reader{s: packed, bare: true, room: &m.lists}
	m.standing = Standing{}
	if !r.standing(&m.standing) {
		return nil, fmt.Errorf("read a standing: %w", ErrStanding)
	}
	return &m.standing, nil
}

// SettledIn reads no more than what Settled says of a Standing that Append wrote. The error is ErrStanding.
func SettledIn(packed string) (settled event.Instant, any bool, err error) {
	var s Standing
	r := reader{s: packed}
	if r.head(&s); r.failed {
		return 0, false, fmt.Errorf("read a standing: %w", ErrStanding)
	}
	return s.settled, s.begun, nil
}

// writer writes numbers of variable length; times as the distance to what is settled.
type writer struct {
	b    []byte
	base event.Instant
}

func (w *writer) uint(v uint64) { w.b = binary.AppendUvarint(w.b, v) }
func (w *writer) int(v int64)   { w.b = binary.AppendVarint(w.b, v) }
func (w *writer) byte(v byte)   { w.b = append(w.b, v) }

func (w *writer) bit(v bool) {
	if v {
		w.byte(1)
	} else {
		w.byte(0)
	}
}

func (w *writer) text(s string) {
	w.uint(uint64(len(s)))
	w.b = append(w.b, s...)
}

// at writes a moment: 0 for unset, 1 for Never, else the distance to the base.
func (w *writer) at(t event.Instant) {
	switch t {
	case unset:
		w.uint(0)
	case journey.Never:
		w.uint(1)
	default:
		d := int64(t - w.base)
		w.uint(uint64(d<<1^d>>63) + 2)
	}
}

// number writes whole numbers short, others as their bits.
func (w *writer) number(v float64) {
	if whole := int64(v); math.Abs(v) < 1<<52 && math.Float64bits(float64(whole)) == math.Float64bits(v) {
		w.uint(uint64(whole<<1^whole>>63)<<1 + 1)
		return
	}
	w.uint(0)
	w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(v))
}

// id writes an identifier of journey.ID in half its length, and any other as it is.
func (w *writer) id(s string) {
	var raw [16]byte
	if len(s) == 2*len(raw) {
		var text [2 * len(raw)]byte
		copy(text[:], s)
		if _, err := hex.Decode(raw[:], text[:]); err == nil && strings.ToLower(s) == s {
			w.uint(0)
			w.b = append(w.b, raw[:]...)
			return
		}
	}
	w.uint(uint64(len(s)) + 1)
	w.b = append(w.b, s...)
}

func (w *writer) fact(f *Fact) {
	w.at(f.At)
	w.byte(byte(f.What))
	w.id(f.ID)
	w.kind(f.Name)
	w.text(f.Family)
	w.amount(f.Amount)
	w.byte(f.Weight)
	w.bit(f.Flag)
}

// amount writes a number that is often NaN.
func (w *writer) amount(v float64) {
	w.bit(!math.IsNaN(v))
	if !math.IsNaN(v) {
		w.number(v)
	}
}

// kind writes a text that is often a kind of breakpoint.
func (w *writer) kind(s string) {
	if n, known := kindNumbers[s]; known {
		w.uint(uint64(n)<<1 + 1)
		return
	}
	w.uint(uint64(len(s)) << 1)
	w.b = append(w.b, s...)
}

func (w *writer) core(c *core) {
	w.bit(c.begun)
	if !c.begun {
		return
	}
	w.at(c.seen)
	w.contract(&c.contract)
	w.uint(uint64(len(c.objected)))
	for _, s := range c.objected {
		w.text(s)
	}
	w.uint(uint64(len(c.sums)))
	for i := range c.sums {
		s := &c.sums[i]
		w.byte(s.number)
		w.at(s.at)
		for _, v := range s.halved {
			w.number(v)
		}
	}
	w.use(&c.use)
	for _, a := range c.answers {
		w.bit(a.given)
		if a.given {
			w.at(a.at)
			w.number(a.score)
		}
	}
	w.uint(uint64(len(c.contacts)))
	for _, s := range c.contacts {
		w.b = binary.LittleEndian.AppendUint32(w.b, s.hash)
		w.at(s.first)
	}
	w.uint(uint64(len(c.recent)))
	for i := range c.recent {
		w.evidence(&c.recent[i])
	}
	w.number(c.weight)
	if c.weight != 0 {
		w.at(c.weighed)
	}
	w.uint(uint64(len(c.signals)))
	for i := range c.signals {
		w.signal(&c.signals[i])
	}
}

// contract writes what a contract says; most are worth what they were when they started, and wait for nothing.
func (w *writer) contract(k *contract) {
	plain, waits := k.plain(), k.warn != journey.Never
	w.byte(bits8(k.inForce, k.captive, k.left, k.lost, plain, waits))
	w.at(k.started)
	w.text(k.product)
	w.amount(k.margin)
	w.at(k.gone)
	if !plain {
		w.uint(uint64(len(k.values)))
		for _, v := range k.values {
			w.text(v.product)
			w.amount(v.first)
			w.amount(v.now)
		}
		w.amount(k.high)
	}
	if k.left {
		w.at(k.leftAt)
	}
	if waits {
		w.id(k.renewing)
		w.at(k.renewal)
		w.at(k.warn)
	}
}

// plain says whether there is one contract, and its value never changed.
func (k *contract) plain() bool {
	same := func(v float64) bool { return math.Float64bits(v) == math.Float64bits(k.margin) }
	return len(k.values) == 1 && k.values[0].product == k.product && same(k.values[0].first) && same(k.values[0].now) && same(k.high)
}

func bits8(flags ...bool) (b byte) {
	for i, f := range flags {
		if f {
			b |= 1 << i
		}
	}
	return b
}

// use writes the days with use backwards, each as the distance to the one before; of many in a year, a bit a day.
func (w *writer) use(u *use) {
	w.uint(uint64(u.count))
	if u.count == 0 {
		return
	}
	w.int(int64(u.first))
	w.int(int64(u.last - u.first))
	inYear := u.within(u.last, yearDays)
	w.uint(uint64(inYear))
	if inYear > sparse {
		for _, v := range u.year {
			w.b = binary.LittleEndian.AppendUint64(w.b, v)
		}
	} else {
		u.days(func(distance int) { w.uint(uint64(distance)) })
	}
	for i := u.ringed() - inYear - 1; i >= 0; i-- { // those of the ring that lie further back
		w.int(int64(u.last - u.ring[i]))
	}
	w.bit(u.silent != journey.Never || u.lastFact != "" || u.limit != 0)
	if u.silent != journey.Never || u.lastFact != "" || u.limit != 0 {
		w.id(u.lastFact)
		w.at(u.silent)
		w.number(u.limit)
	}
	w.number(u.spent)
	w.uint(uint64(u.spends)<<1 + uint64(bits8(u.spentToday)))
}

// sparse is up to how many days of a year with use are written one by one.
const sparse = 40

// days gives the days of the year with use, the last first: how many days each lies before the one before.
func (u *use) days(found func(distance int)) {
	before := 0
	for i, v := range u.year {
		for ; v != 0; v &= v - 1 {
			n := 64*i + bits.TrailingZeros64(v)
			found(n - before)
			before = n
		}
	}
}

func (w *writer) evidence(e *Evidence) {
	w.id(e.ID)
	w.at(e.At)
	w.kind(e.Kind)
	w.text(e.Family)
	w.byte(e.Severity)
}

func (w *writer) signal(s *Signal) {
	w.code(signalKinds[:], s.Kind)
	w.at(s.RaisedAt)
	w.at(s.ClearedAt)
	w.code(endings[:], s.ClearedWhy)
	w.uint(uint64(len(s.Evidence)))
	for _, id := range s.Evidence {
		w.id(id)
	}
	w.amount(s.Value)
	w.amount(s.Limit)
	w.at(s.due)
	w.text(s.product)
}

// What a signal of the fold can be, and how it can end. They are packed by their number here.
var (
	signalKinds = [...]string{CancelRequested, PortabilityRequested, RenewalDue, ValueCut, Silence, Experience}
	endings     = [...]string{"", Retained, Lost, Returned, Faded, Lapsed, Restored, Objected}
)

// code writes one of a list.
func (w *writer) code(list []string, s string) { w.byte(byte(slices.Index(list, s))) }
