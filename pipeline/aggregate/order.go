package aggregate

import (
	"bufio"
	"container/heap"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// foldInOrderOfTime folds the part of the log that was admitted, up to a position, as if it had come in order of time: its
// messages are sorted on disk, and each has its place in that order for position, since versions must grow. Rows settle at
// places that are not beyond the last admitted position, and what comes later goes on behind it.
func foldInOrderOfTime(ctx context.Context, d *Dependencies, config Config, l *lane, to uint64, folded *positions, heard heard) error {
	s := &sorter{dir: l.dir}
	defer s.remove()
	reader, err := d.Log.Read(ctx, 1)
	if err != nil {
		return err
	}
	defer reader.Close()
	err = readTo(ctx, d.Log, reader, 0, to, s.add, func(ctx context.Context, position, head uint64) error {
		return said(ctx, heard, position/2, head) // the other half is the fold
	})
	if err != nil {
		return err
	}
	in := newInserter(ctx, d, l, config.FlushRows, folded)
	place := uint64(0)
	err = s.sorted(func(m *pipeline.Message) error {
		place++
		m.Log, m.Position = m.Position, place
		if err := l.apply(m, in.took); err != nil {
			return err
		}
		if place%100_000 == 0 {
			if err := said(ctx, heard, to/2+place/2, to); err != nil {
				return err
			}
		}
		return errors.Join(in.flush(place, false), ctx.Err())
	})
	if err == nil {
		err = in.flush(to, true)
	}
	return errors.Join(err, in.finish())
}

func said(ctx context.Context, heard heard, position, head uint64) error {
	if heard == nil {
		return nil
	}
	return heard(ctx, position, head)
}

// sorter puts messages in order of time on disk: sorted pieces, merged at the end.
type sorter struct {
	dir    string
	piece  []sortable
	bytes  int
	pieces []string
}

// sortable is a message with what it is ordered by.
type sortable struct {
	At                   event.Instant
	Sequence, Source, ID string
	Message              pipeline.Message
}

// pieceBytes is how much is sorted in memory.
const pieceBytes = 64 << 20

// before orders as the fold orders the events of a customer; copies of one event as they stand in the log.
func (a *sortable) before(b *sortable) int {
	x := event.Event{At: a.At, Sequence: a.Sequence, Source: a.Source, ID: a.ID}
	y := event.Event{At: b.At, Sequence: b.Sequence, Source: b.Source, ID: b.ID}
	switch {
	case x.Before(&y):
		return -1
	case y.Before(&x):
		return 1
	case a.Message.Position < b.Message.Position:
		return -1
	}
	return 1
}

// add takes a message; one that is no event has no time and comes first.
func (s *sorter) add(m *pipeline.Message) error {
	item := sortable{Message: *m}
	item.Message.Body = slices.Clone(m.Body)
	if e, err := event.DecodeLog(m.Body); err == nil {
		item.At, item.Sequence, item.Source, item.ID = e.At, e.Sequence, e.Source, e.ID
	}
	s.piece = append(s.piece, item)
	if s.bytes += len(m.Body) + 200; s.bytes < pieceBytes {
		return nil
	}
	return s.spill()
}

// spill writes the piece in memory, sorted.
func (s *sorter) spill() error {
	slices.SortFunc(s.piece, func(a, b sortable) int { return a.before(&b) })
	name := filepath.Join(s.dir, fmt.Sprintf("sorted-%d", len(s.pieces)))
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	s.pieces = append(s.pieces, name)
	buffered := bufio.NewWriterSize(file, 1<<16)
	w := gob.NewEncoder(buffered)
	for i := range s.piece {
		if err = w.Encode(&s.piece[i]); err != nil {
			break
		}
	}
	s.piece, s.bytes = nil, 0
	return errors.Join(err, buffered.Flush(), file.Close())
}

// sorted gives every message in order of time.
func (s *sorter) sorted(each func(*pipeline.Message) error) error {
	if err := s.spill(); err != nil {
		return err
	}
	var h pieceHeap
	for _, name := range s.pieces {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		p := &sortedPiece{r: gob.NewDecoder(bufio.NewReaderSize(file, 1<<16))}
		switch err := p.next(); {
		case errors.Is(err, io.EOF):
		case err != nil:
			return err
		default:
			h = append(h, p)
		}
	}
	heap.Init(&h)
	for len(h) > 0 {
		m := h[0].head.Message
		if err := each(&m); err != nil {
			return err
		}
		switch err := h[0].next(); {
		case errors.Is(err, io.EOF):
			heap.Pop(&h)
		case err != nil:
			return err
		default:
			heap.Fix(&h, 0)
		}
	}
	return nil
}

func (s *sorter) remove() {
	for _, name := range s.pieces {
		_ = os.Remove(name) // in a folder that goes as a whole
	}
}

// sortedPiece is a piece being merged.
type sortedPiece struct {
	r    *gob.Decoder
	head sortable
}

func (p *sortedPiece) next() error {
	p.head = sortable{}
	return p.r.Decode(&p.head)
}

type pieceHeap []*sortedPiece

func (h pieceHeap) Len() int           { return len(h) }
func (h pieceHeap) Less(i, j int) bool { return h[i].head.before(&h[j].head) < 0 }
func (h pieceHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *pieceHeap) Push(x any)        { *h = append(*h, x.(*sortedPiece)) }
func (h *pieceHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
