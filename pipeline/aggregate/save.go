package aggregate

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/klauspost/compress/s2"

	"parcours/pipeline"
)

// saver writes checkpoints: for each partition the runs of its archive that are not saved yet, its state, and last the
// pointer that names them. What the pointer no longer names is deleted then.
type saver struct {
	deps *Dependencies
}

func newSaver(d *Dependencies) *saver { return &saver{d} }

// save writes a snapshot. After an error some partitions may have the new checkpoint and others the old one: each is whole.
func (s *saver) save(ctx context.Context, snap *snapshot) error {
	ids := map[uint64]string{} // "" for a message that was erased
	for p, state := range snap.states {
		at := state.Position()
		if _, known := ids[at]; !known {
			id, err := s.deps.Log.MessageID(ctx, at)
			if err != nil {
				return err
			}
			ids[at] = id
		}
		if err := s.savePartition(ctx, snap, p, ids[at]); err != nil {
			return fmt.Errorf("checkpoint of partition %d at position %d: %w", p, at, err)
		}
	}
	return nil
}

func (s *saver) savePartition(ctx context.Context, snap *snapshot, p int, messageID string) error {
	g := snap.lane.generation.Number
	key, prefix := checkpointKey(g, p), objectPrefix(g, p)
	pointer, err := s.deps.Checkpoints.Pointer(ctx, key)
	if err != nil {
		return err
	}
	var before checkpoint
	if pointer.Revision != 0 {
		if err := json.Unmarshal(pointer.Value, &before); err != nil {
			return fmt.Errorf("read pointer %s: %w", key, err)
		}
	}
	at := snap.states[p].Position()
	if before.Position == at && !snap.lane.redo[p] {
		return nil
	}
	now := checkpoint{Position: at, MessageID: messageID, State: prefix + "state-" + strconv.FormatUint(at, 10) + "-" + rand.Text()[:8]}
	for _, r := range snap.runs[p] {
		named := slices.ContainsFunc(before.Runs, func(n RunName) bool { return n.Name == r.Name })
		if err := s.saveRun(ctx, prefix, r, named); err != nil {
			return err
		}
		now.Runs = append(now.Runs, r.RunName)
	}
	if err := s.saveState(ctx, now.State, snap.states[p]); err != nil {
		return err
	}
	value, err := json.Marshal(now)
	if err != nil {
		return err
	}
	if _, err := s.deps.Checkpoints.Point(ctx, key, value, pointer.Revision); err != nil {
		if errors.Is(err, pipeline.ErrMoved) {
			err = fmt.Errorf("%w: %w", pipeline.ErrFenced, err)
		}
		return err
	}
	snap.lane.redo[p] = false
	s.forget(ctx, prefix, before, now)
	return snap.lane.archives[p].compact()
}

// saveRun saves a run, unless it is saved and a pointer names it: what no pointer names may have been swept.
func (s *saver) saveRun(ctx context.Context, prefix string, r *run, named bool) error {
	if r.saved && named {
		return nil
	}
	if err := s.deps.Checkpoints.Save(ctx, prefix+r.Name, io.NewSectionReader(r.file, 0, r.Bytes)); err != nil {
		return err
	}
	r.saved = true
	return nil
}

// saveState writes a state, compressed, as it is read.
func (s *saver) saveState(ctx context.Context, name string, state *pipeline.Snapshot) error {
	in, out := io.Pipe()
	go func() {
		w := s2.NewWriter(out, s2.WriterConcurrency(1))
		err := state.Write(w)
		if err == nil {
			err = w.Close()
		}
		_ = out.CloseWithError(err)
	}()
	err := s.deps.Checkpoints.Save(ctx, name, in)
	_ = in.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // ends the writer where the reader gave up
	return err
}

// forget deletes what a checkpoint named and its successor does not. What is left by a failure, the next sweep takes.
func (s *saver) forget(ctx context.Context, prefix string, before, now checkpoint) {
	named := map[string]bool{now.State: true}
	for _, r := range now.Runs {
		named[prefix+r.Name] = true
	}
	old := []string{before.State}
	for _, r := range before.Runs {
		old = append(old, prefix+r.Name)
	}
	for _, name := range old {
		if name != "" && !named[name] {
			if err := s.deps.Checkpoints.Delete(ctx, name); err != nil {
				s.deps.Logger.Debug().Err(err).Str("object", name).Msg("an old checkpoint is left for the sweep")
			}
		}
	}
}

// sweepAge is how old what nobody points to must be before it is swept: somebody may be about to.
const sweepAge = 10 * time.Minute

// sweep removes objects that no pointer names.
func sweep(ctx context.Context, c pipeline.Checkpoints, age time.Duration) (int, error) {
	pointers, err := c.Pointers(ctx, checkpointPrefix)
	if err != nil {
		return 0, err
	}
	named := map[string]bool{}
	for _, p := range pointers {
		names, err := namedBy(p)
		if err != nil {
			return 0, err
		}
		for _, name := range names {
			named[name] = true
		}
	}
	return c.Sweep(ctx, func(name string) bool { return named[name] }, age)
}

// namedBy gives the names of the objects of a checkpoint.
func namedBy(p pipeline.Pointer) ([]string, error) {
	var at checkpoint
	if err := json.Unmarshal(p.Value, &at); err != nil {
		return nil, fmt.Errorf("read pointer %s: %w", p.Key, err)
	}
	names, prefix := []string{at.State}, prefixOf(p.Key)
	for _, r := range at.Runs {
		names = append(names, prefix+r.Name)
	}
	return names, nil
}

// prefixOf is the prefix of the objects that a checkpoint's pointer names.
func prefixOf(key string) string {
	var g uint32
	var p int
	_, _ = fmt.Sscanf(key, checkpointPrefix+"%d.%d", &g, &p)
	return objectPrefix(g, p)
}

// dropGeneration removes what is left of a generation: its checkpoints first, so that nobody goes on with it. Objects of it
// that no pointer names yet are left for the sweep, which waits until nobody can be about to point to them.
func dropGeneration(ctx context.Context, d *Dependencies, g uint32) error {
	pointers, err := d.Checkpoints.Pointers(ctx, generationPrefix(g))
	if err != nil {
		return err
	}
	for _, p := range pointers {
		if err := dropCheckpoint(ctx, d.Checkpoints, p); err != nil {
			return err
		}
	}
	return d.Store.Drop(ctx, g)
}

// dropCheckpoint removes a pointer, and then the objects that it named.
func dropCheckpoint(ctx context.Context, c pipeline.Checkpoints, p pipeline.Pointer) error {
	names, err := namedBy(p)
	if err != nil {
		return err
	}
	if err := c.Unpoint(ctx, p.Key, p.Revision); err != nil {
		return err
	}
	for _, name := range names {
		if err := c.Delete(ctx, name); err != nil {
			return err
		}
	}
	return nil
}
