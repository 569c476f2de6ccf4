package aggregate

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"crypto/rand"

	"parcours/pipeline/event"
)

// archive is a pipeline.Archive on disk: what was put in since the last seal is in memory, all else lies in runs, which
// are never changed. A checkpoint names the runs that belong to it; they are objects beside the state, and are fetched when
// they are first looked into. Of several runs the youngest that knows a key is right.
//
// One goroutine folds (Park, Parked, Settle, Settled, seal), another saves (compact).
type archive struct {
	dir  string                                   // for the runs' local copies
	load func(name string) (io.ReadCloser, error) // fetches a run; nil where nothing was ever saved

	groups map[uint64]string
	finals map[uint64]event.Instant
	bytes  int // of groups and finals, about

	mu   sync.RWMutex
	runs []*run // oldest first
}

// spillBytes is how much may wait in memory for a seal.
const spillBytes = 8 << 20

// What a final event takes on disk, and about what in memory.
const (
	finalBytes    = 16
	finalInMemory = 48
)

// newArchive makes an archive of runs that were saved earlier, oldest first.
func newArchive(dir string, saved []RunName, load func(string) (io.ReadCloser, error)) *archive {
	a := &archive{dir: dir, load: load, groups: map[uint64]string{}, finals: map[uint64]event.Instant{}}
	for _, n := range saved {
		a.runs = append(a.runs, &run{RunName: n, path: filepath.Join(dir, filepath.Base(n.Name)), saved: true})
	}
	return a
}

// Park implements pipeline.Archive.
func (a *archive) Park(keys []uint64, group string) error {
	for _, k := range keys {
		a.groups[k] = group
	}
	a.bytes += len(group) + len(keys)*groupRecord
	return a.spill()
}

// Settle implements pipeline.Archive.
func (a *archive) Settle(print uint64, at event.Instant) error {
	a.finals[print] = at
	a.bytes += finalInMemory
	return a.spill()
}

// Parked implements pipeline.Archive.
func (a *archive) Parked(key uint64) (string, error) {
	if g, known := a.groups[key]; known {
		return g, nil
	}
	var found string
	err := a.look(func(r *run) (bool, error) {
		var err error
		found, err = r.group(key)
		return found != "", err
	})
	return found, err
}

// Settled implements pipeline.Archive.
func (a *archive) Settled(print uint64) (at event.Instant, known bool, err error) {
	if at, known = a.finals[print]; known {
		return at, true, nil
	}
	err = a.look(func(r *run) (bool, error) {
		at, known, err = r.final(print)
		return known, err
	})
	return at, known, err
}

// look asks the runs, youngest first, until one knows.
func (a *archive) look(ask func(*run) (bool, error)) error {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for i := len(a.runs) - 1; i >= 0; i-- {
		if err := a.runs[i].open(a.load); err != nil {
			return err
		}
		if known, err := ask(a.runs[i]); err != nil || known {
			return err
		}
	}
	return nil
}

func (a *archive) spill() error {
	if a.bytes < spillBytes {
		return nil
	}
	return a.flush()
}

// flush moves what waits in memory into a run.
func (a *archive) flush() error {
	if len(a.groups) == 0 && len(a.finals) == 0 {
		return nil
	}
	w, err := createRun(a.dir)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	r, err := w.write(contentsOf(a.groups, a.finals))
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	a.mu.Lock()
	a.runs = append(a.runs, r)
	a.mu.Unlock()
	clear(a.groups)
	clear(a.finals)
	a.bytes = 0
	return nil
}

// seal gives the runs that hold all that was put in so far.
func (a *archive) seal() ([]*run, error) {
	if err := a.flush(); err != nil {
		return nil, err
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	return slices.Clone(a.runs), nil
}

// compact merges young runs that together are as large as the one before them, so that there are few.
func (a *archive) compact() error {
	for {
		a.mu.RLock()
		n := len(a.runs)
		due := n >= 2 && a.runs[n-1].Bytes*2 > a.runs[n-2].Bytes
		a.mu.RUnlock()
		if !due {
			return nil
		}
		if err := a.merge(n - 2); err != nil {
			return fmt.Errorf("archive: %w", err)
		}
	}
}

// merge makes one run of two neighbours, i and i+1. Runs are only ever added behind them meanwhile.
func (a *archive) merge(i int) error {
	a.mu.RLock()
	if i+1 >= len(a.runs) {
		a.mu.RUnlock()
		return nil
	}
	older, younger := a.runs[i], a.runs[i+1]
	a.mu.RUnlock()
	for _, r := range []*run{older, younger} {
		if err := r.open(a.load); err != nil {
			return err
		}
	}
	w, err := createRun(a.dir)
	if err != nil {
		return err
	}
	merged, err := w.write(mergedContents(older, younger))
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if i+1 >= len(a.runs) || a.runs[i] != older { // closed meanwhile
		return merged.remove()
	}
	a.runs = slices.Replace(a.runs, i, i+2, merged)
	return errors.Join(older.remove(), younger.remove())
}

// close removes the local copies.
func (a *archive) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.runs {
		_ = r.remove() // a copy of what was saved, or of what the log gives again
	}
	a.runs = nil
}

// RunName is a run as a checkpoint names it.
type RunName struct {
	Name   string `json:"name"` // of the object
	Bytes  int64  `json:"bytes"`
	Finals int64  `json:"finals"`
	Groups int64  `json:"groups"`
}

// run is a sorted, immutable part of an archive: the final events (fingerprint, time), an index of the groups (key, offset,
// length), and the groups.
type run struct {
	RunName
	path  string
	saved bool // as an object; read and written by who saves
	once  sync.Mutex
	file  *os.File
}

const groupRecord = 24

// open makes sure that there is a local copy.
func (r *run) open(load func(string) (io.ReadCloser, error)) error {
	r.once.Lock()
	defer r.once.Unlock()
	if r.file != nil {
		return nil
	}
	if load == nil {
		return fmt.Errorf("run %s is nowhere", r.Name)
	}
	in, err := load(r.Name)
	if err != nil {
		return fmt.Errorf("fetch run %s: %w", r.Name, err)
	}
	defer in.Close()
	file, err := os.Create(r.path)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, in); err != nil {
		return errors.Join(fmt.Errorf("fetch run %s: %w", r.Name, err), file.Close(), os.Remove(r.path))
	}
	r.file = file
	return nil
}

func (r *run) remove() error {
	r.once.Lock()
	defer r.once.Unlock()
	if r.file == nil {
		return nil
	}
	err := errors.Join(r.file.Close(), os.Remove(r.path))
	r.file = nil
	return err
}

// final finds a fingerprint.
func (r *run) final(print uint64) (event.Instant, bool, error) {
	record, err := r.search(0, r.Finals, finalBytes, print)
	if record == nil || err != nil {
		return 0, false, err
	}
	return event.Instant(binary.LittleEndian.Uint64(record[8:])), true, nil
}

// group finds a group; "" for none.
func (r *run) group(key uint64) (string, error) {
	record, err := r.search(r.Finals*finalBytes, r.Groups, groupRecord, key)
	if record == nil || err != nil {
		return "", err
	}
	b := make([]byte, binary.LittleEndian.Uint64(record[16:]))
	_, err = r.file.ReadAt(b, r.data()+int64(binary.LittleEndian.Uint64(record[8:])))
	return string(b), err
}

func (r *run) data() int64 { return r.Finals*finalBytes + r.Groups*groupRecord }

// search finds the record of a key among n sorted ones; nil for none.
func (r *run) search(from, n, size int64, key uint64) ([]byte, error) {
	var record [groupRecord]byte
	low, high := int64(0), n
	for low < high {
		mid := (low + high) / 2
		if _, err := r.file.ReadAt(record[:size], from+mid*size); err != nil {
			return nil, fmt.Errorf("read run %s: %w", r.Name, err)
		}
		switch at := binary.LittleEndian.Uint64(record[:]); {
		case at == key:
			return record[:size], nil
		case at < key:
			low = mid + 1
		default:
			high = mid
		}
	}
	return nil, nil
}

// contents are what a run is made of, in order of keys.
type contents struct {
	finals func(yield func(print uint64, at event.Instant) error) error
	groups func(yield func(key uint64, group string) error) error
}

func contentsOf(groups map[uint64]string, finals map[uint64]event.Instant) contents {
	return contents{
		finals: func(yield func(uint64, event.Instant) error) error {
			for _, print := range slices.Sorted(maps.Keys(finals)) {
				if err := yield(print, finals[print]); err != nil {
					return err
				}
			}
			return nil
		},
		groups: func(yield func(uint64, string) error) error {
			for _, key := range slices.Sorted(maps.Keys(groups)) {
				if err := yield(key, groups[key]); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// mergedContents are those of two runs, of which the younger is right.
func mergedContents(older, younger *run) contents {
	return contents{
		finals: func(yield func(uint64, event.Instant) error) error {
			return mergeRecords(older.records(0, older.Finals, finalBytes), younger.records(0, younger.Finals, finalBytes),
				func(_ *run, record []byte) error {
					return yield(binary.LittleEndian.Uint64(record), event.Instant(binary.LittleEndian.Uint64(record[8:])))
				})
		},
		groups: func(yield func(uint64, string) error) error {
			return mergeRecords(older.records(older.Finals*finalBytes, older.Groups, groupRecord),
				younger.records(younger.Finals*finalBytes, younger.Groups, groupRecord),
				func(from *run, record []byte) error {
					key := binary.LittleEndian.Uint64(record)
					group, err := from.group(key)
					if err != nil {
						return err
					}
					return yield(key, group)
				})
		},
	}
}

// records reads fixed records one after the other.
type records struct {
	run  *run
	r    *bufio.Reader
	left int64
	b    []byte
}

func (r *run) records(from, n, size int64) *records {
	return &records{r, bufio.NewReaderSize(io.NewSectionReader(r.file, from, n*size), 1<<16), n, make([]byte, size)}
}

// next gives the next record, or nil at the end.
func (r *records) next() ([]byte, error) {
	if r.left == 0 {
		return nil, nil
	}
	r.left--
	_, err := io.ReadFull(r.r, r.b)
	return r.b, err
}

// mergeRecords gives the records of both in order of keys; of one key that of the younger.
func mergeRecords(older, younger *records, yield func(*run, []byte) error) error {
	a, err := older.next()
	if err != nil {
		return err
	}
	b, err := younger.next()
	if err != nil {
		return err
	}
	for a != nil || b != nil {
		order := 0
		switch {
		case a == nil:
			order = 1
		case b == nil:
			order = -1
		default:
			order = cmp.Compare(binary.LittleEndian.Uint64(a), binary.LittleEndian.Uint64(b))
		}
		if order < 0 {
			err = yield(older.run, a)
		} else {
			err = yield(younger.run, b)
		}
		if err == nil && order <= 0 {
			a, err = older.next()
		}
		if err == nil && order >= 0 {
			b, err = younger.next()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// runWriter writes a run: its three parts in files of their own, joined at the end.
type runWriter struct {
	path  string
	parts [3]*os.File
	bufs  [3]*bufio.Writer
}

func createRun(dir string) (*runWriter, error) {
	w := &runWriter{path: filepath.Join(dir, "run-"+rand.Text())}
	for i := range w.parts {
		file, err := os.Create(fmt.Sprintf("%s.%d", w.path, i))
		if err != nil {
			w.abandon()
			return nil, err
		}
		w.parts[i], w.bufs[i] = file, bufio.NewWriterSize(file, 1<<16)
	}
	return w, nil
}

func (w *runWriter) abandon() {
	for _, file := range w.parts {
		if file != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}
}

func (w *runWriter) write(c contents) (*run, error) {
	defer w.abandon()
	r := &run{path: w.path, RunName: RunName{Name: filepath.Base(w.path)}}
	err := c.finals(func(print uint64, at event.Instant) error {
		r.Finals++
		return w.record(0, print, uint64(at))
	})
	if err != nil {
		return nil, err
	}
	offset := uint64(0)
	err = c.groups(func(key uint64, group string) error {
		r.Groups++
		if err := w.record(1, key, offset, uint64(len(group))); err != nil {
			return err
		}
		offset += uint64(len(group))
		_, err := w.bufs[2].WriteString(group)
		return err
	})
	if err != nil {
		return nil, err
	}
	r.Bytes = r.data() + int64(offset)
	return r, w.join(r)
}

func (w *runWriter) record(part int, values ...uint64) error {
	var b [groupRecord]byte
	for i, v := range values {
		binary.LittleEndian.PutUint64(b[8*i:], v)
	}
	_, err := w.bufs[part].Write(b[:8*len(values)])
	return err
}

// join makes one file of the parts.
func (w *runWriter) join(r *run) error {
	file, err := os.Create(w.path)
	if err != nil {
		return err
	}
	for i, part := range w.parts {
		err = errors.Join(err, w.bufs[i].Flush())
		if err == nil {
			_, err = part.Seek(0, io.SeekStart)
		}
		if err == nil {
			_, err = io.Copy(file, part)
		}
	}
	if err != nil {
		return errors.Join(err, file.Close(), os.Remove(w.path))
	}
	r.file = file
	return nil
}
