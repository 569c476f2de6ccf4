package pipeline

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"parcours/pipeline/event"
	"parcours/pipeline/journey"
	"parcours/pipeline/rules"
)

// stateFormat is the version of the binary form of a state. A reader knows this one alone: a state of another is no loss,
// since the log gives it again.
const stateFormat = 6

// stateMagic begins every state.
const stateMagic = "parcours state\n"

// Snapshot is the state of a partition at one position. Taking one copies references only; it does not change while the
// fold goes on, and can be written meanwhile.
type Snapshot struct {
	partition  int
	fold       string
	rules      string
	restated   uint64
	books      []published
	days       closedDays
	models     []publishedModel
	scored     scoredDays
	tz         string
	admitted   uint64
	clock      event.Instant
	wall       bool
	position   uint64
	words      []string
	slots      []slot
	customers  []slot
	late       map[uint64]event.Instant
	tally      tally
	ledger     []LedgerRow
	quarantine uint64
}

// Snapshot takes the state as it is now. What the archive holds is not part of it.
func (p *Partition) Snapshot() *Snapshot {
	return &Snapshot{
		partition: p.Number, fold: FoldVersion, rules: p.Book.Version(), restated: p.Restated,
		books: slices.Clone(p.books), days: p.days.clone(), models: slices.Clone(p.models), scored: p.scored, tz: rules.TZVersion, admitted: p.Admitted,
		clock: p.clock, wall: p.wall, position: p.position, words: p.dict.words[:len(p.dict.words):len(p.dict.words)],
		slots: slices.Clone(p.slots), customers: slices.Clone(p.customers.slots), late: maps.Clone(p.late), tally: p.tally, ledger: slices.Clone(p.ledger.ranges),
		quarantine: p.counts.Quarantined,
	}
}

// Position is that of the snapshot.
func (s *Snapshot) Position() uint64 { return s.position }

// stateWriter writes pieces with their lengths.
type stateWriter struct {
	w   *bufio.Writer
	p   packer
	err error
}

// flush sends what has been packed.
func (s *stateWriter) flush() {
	if s.err == nil {
		_, s.err = s.w.Write(s.p.b)
	}
	s.p.b = s.p.b[:0]
}

// Write writes the state in its binary form: the head, the dictionary, the late fingerprints, the open accounts, and
// each home and each customer packed.
func (s *Snapshot) Write(out io.Writer) error {
	w := &stateWriter{w: bufio.NewWriterSize(out, 1<<16), p: packer{dict: newDictionary(nil)}}
	w.p.b = append(w.p.b, stateMagic...)
	w.p.uint(stateFormat)
	w.p.uint(uint64(s.partition))
	w.p.text(s.fold)
	w.p.text(s.rules)
	w.p.uint(s.restated)
	w.p.text(s.tz)
	w.p.uint(s.admitted)
	w.p.int(int64(s.clock))
	w.p.bit(s.wall)
	w.p.uint(s.position)
	w.p.uint(s.quarantine)
	for _, t := range s.tally {
		w.p.uint(t.rows)
		w.p.fixed(t.digest)
	}
	s.writeBooks(w)
	s.days.write(w)
	s.writeModels(w)
	s.writeLists(w)
	writeSlots(w, s.slots)
	writeSlots(w, s.customers)
	w.p.b = append(w.p.b, stateMagic...)
	w.flush()
	return errors.Join(w.err, w.w.Flush())
}

func (s *Snapshot) writeLists(w *stateWriter) {
	w.p.uint(uint64(len(s.words)))
	for _, word := range s.words {
		w.p.text(word)
	}
	w.flush()
	w.p.uint(uint64(len(s.late)))
	for _, print := range slices.Sorted(maps.Keys(s.late)) {
		w.p.fixed(print)
		w.p.int(int64(s.late[print]))
	}
	w.flush()
	w.p.uint(uint64(len(s.ledger)))
	for _, r := range s.ledger {
		for _, v := range [...]uint64{r.Range, r.First, r.Copies, r.Late, r.SetAside, r.Forwarded, r.System, r.Broadcast, r.Digest} {
			w.p.uint(v)
		}
	}
	w.flush()
}

// writeSlots writes those that are in use.
func writeSlots(w *stateWriter, slots []slot) {
	used := 0
	for i := range slots {
		if slots[i].packed != "" {
			used++
		}
	}
	w.p.uint(uint64(used))
	for i := range slots {
		if slots[i].packed == "" {
			continue
		}
		w.p.int(int64(slots[i].due))
		w.p.text(slots[i].packed)
		w.flush()
	}
}

// ErrOtherFold means that a state was made by other rules, another version of the fold or other time zones: only a fold from
// the start of the log gives what this process would make of it.
var ErrOtherFold = errors.New("the state was made by another version of the fold or of the rules")

// stateReader reads pieces.
type stateReader struct {
	r   *bufio.Reader
	err error
}

func (s *stateReader) uint() uint64 {
	if s.err != nil {
		return 0
	}
	v, err := binary.ReadUvarint(s.r)
	s.err = err
	return v
}

func (s *stateReader) int() int64 {
	v := s.uint()
	return int64(v>>1) ^ -int64(v&1)
}

func (s *stateReader) bytes(n uint64) []byte {
	const most = 1 << 30
	if s.err == nil && n > most {
		s.err = errCorrupt
	}
	if s.err != nil {
		return nil
	}
	b := make([]byte, n)
	_, s.err = io.ReadFull(s.r, b)
	return b
}

func (s *stateReader) bit() bool {
	b := s.bytes(1)
	return len(b) == 1 && b[0] == 1
}

func (s *stateReader) text() string { return string(s.bytes(s.uint())) }

func (s *stateReader) fixed() uint64 {
	var b [8]byte
	if s.err == nil {
		_, s.err = io.ReadFull(s.r, b[:])
	}
	return binary.LittleEndian.Uint64(b[:])
}

// Restore makes a partition of what Snapshot.Write wrote. The setup must be the one it was folded with, and its archive
// hold what it held.
func Restore(s Setup, in io.Reader) (*Partition, error) {
	r := &stateReader{r: bufio.NewReaderSize(in, 1<<16)}
	p := NewPartition(s)
	if err := p.restoreHead(r); err != nil {
		return nil, fmt.Errorf("restore partition %d: %w", s.Number, err)
	}
	p.restoreBooks(r)
	p.days = readClosedDays(r)
	p.restoreModels(r)
	p.restoreLists(r)
	p.homes, p.slots = restoreSlots(r, &p.due)
	p.customers.index, p.customers.slots = restoreSlots(r, &p.customers.due)
	p.restoreGlances(r)
	if end := string(r.bytes(uint64(len(stateMagic)))); r.err == nil && end != stateMagic {
		r.err = errCorrupt
	}
	if r.err != nil {
		return nil, fmt.Errorf("restore partition %d: %w", s.Number, r.err)
	}
	return p, nil
}

func (p *Partition) restoreHead(r *stateReader) error {
	if string(r.bytes(uint64(len(stateMagic)))) != stateMagic || r.err != nil {
		return errors.Join(errCorrupt, r.err)
	}
	if format := r.uint(); format != stateFormat {
		return fmt.Errorf("%w (format %d, expected %d)", ErrOtherFold, format, stateFormat)
	}
	number := r.uint()
	fold, book, restated, tz, admitted := r.text(), r.text(), r.uint(), r.text(), r.uint()
	switch {
	case r.err != nil:
		return r.err
	case number != uint64(p.Number):
		return fmt.Errorf("%w: it is that of partition %d", errCorrupt, number)
	case fold != FoldVersion || book != p.Book.Version() || restated != p.Restated || tz != rules.TZVersion || admitted != p.Admitted:
		return fmt.Errorf("%w (fold %s, rules %s, time zones %s, admitted %d; here %s, %s, %s, %d)", ErrOtherFold,
			fold, book, tz, admitted, FoldVersion, p.Book.Version(), rules.TZVersion, p.Admitted)
	}
	p.clock = event.Instant(r.int())
	p.wall = r.bit()
	p.position = r.uint()
	p.counts.Quarantined = r.uint()
	for t := range p.tally {
		p.tally[t].rows, p.tally[t].digest = r.uint(), r.fixed()
	}
	return r.err
}

func (p *Partition) restoreLists(r *stateReader) {
	words := make([]string, 0, min(r.uint(), dictionaryMost))
	for range cap(words) {
		words = append(words, r.text())
	}
	p.dict = newDictionary(words)
	for n := r.uint(); n > 0 && r.err == nil; n-- {
		print := r.fixed()
		p.late[print] = event.Instant(r.int())
	}
	for n := r.uint(); n > 0 && r.err == nil; n-- {
		row := LedgerRow{Partition: p.Number}
		for _, v := range [...]*uint64{&row.Range, &row.First, &row.Copies, &row.Late, &row.SetAside, &row.Forwarded, &row.System, &row.Broadcast, &row.Digest} {
			*v = r.uint()
		}
		p.ledger.ranges = append(p.ledger.ranges, row)
	}
}

// restoreGlances looks at the customers once: what is seen of them is not part of the state.
func (p *Partition) restoreGlances(r *stateReader) {
	if r.err != nil {
		return
	}
	p.customers.glances = make([]glance, len(p.customers.slots))
	for i := range p.customers.slots {
		if p.customers.glances[i], r.err = glanceIn(p.customers.slots[i].packed, p.dict); r.err != nil {
			return
		}
	}
}

// restoreSlots reads homes or customers, each of which begins with its name, and queues what is due.
func restoreSlots(r *stateReader, queue *dueQueue) (index map[homeKey]int32, slots []slot) {
	n := r.uint()
	if r.err != nil {
		return nil, nil
	}
	index, slots = make(map[homeKey]int32, n), make([]slot, 0, n)
	for range n {
		due := event.Instant(r.int())
		packed := r.text()
		if r.err != nil {
			return nil, nil
		}
		head := unpacker{s: packed}
		name, _ := head.home()
		if head.err != nil {
			r.err = head.err
			return nil, nil
		}
		i := len(slots)
		slots = append(slots, slot{due: journey.Never, packed: packed})
		index[keyOf(name)] = int32(i)
		queue.set(slots, i, due)
	}
	return index, slots
}
