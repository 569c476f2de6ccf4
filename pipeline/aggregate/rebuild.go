package aggregate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"parcours/pipeline"
)

// RebuildOptions say what is rebuilt.
type RebuildOptions struct {
	// Admit takes all events up to the head of the log in order of time, so that none of them is late any more.
	Admit bool
	// Restated is the position in the log of the rule book by which history is judged from now on; 0 for the one that the
	// generation in force began with.
	Restated uint64
	// Progress hears how far the fold has come, about once a second.
	Progress func(position, head uint64)
}

// ErrRebuilding means that a rebuild is under way already, or waits to be taken over.
var ErrRebuilding = errors.New("a rebuild is under way")

// Rebuild folds the log from its start into a new generation, beside the one in force, and leaves it ready to be taken
// over by whoever owns the partitions: it tells nothing, and nobody reads its rows until then. Rows of cx.events that the
// log does not lead to are removed, and those that are missing come back. Interrupted, it leaves nothing behind; killed,
// the next start of an aggregator or the next rebuild removes what it left.
func Rebuild(ctx context.Context, config Config, d Dependencies, o RebuildOptions) (pipeline.Generation, error) {
	t, err := beginRebuild(ctx, &d, o)
	if err != nil {
		return pipeline.Generation{}, fmt.Errorf("rebuild: %w", err)
	}
	r := &rebuild{Dependencies: &d, config: config, takeover: t, progress: o.Progress}
	if err := r.run(ctx); err != nil {
		r.undo(context.WithoutCancel(ctx))
		return pipeline.Generation{}, fmt.Errorf("rebuild: %w", err)
	}
	return t.Generation, nil
}

// beginRebuild takes the pointer, and with it a number that no generation had before.
func beginRebuild(ctx context.Context, d *Dependencies, o RebuildOptions) (*takeover, error) {
	before, err := readTakeover(ctx, d.Checkpoints)
	if err != nil {
		return nil, err
	}
	current, err := d.Store.Current(ctx)
	if err != nil {
		return nil, err
	}
	t := &takeover{State: stateBuilding}
	number := current.Number
	if before != nil {
		if !before.abandoned(d.Now(), d.Alone) && before.Generation.Number > current.Number {
			return nil, fmt.Errorf("%w: generation %d is %s (where its process was killed: %s after its last sign of life, at %s, another may begin)",
				ErrRebuilding, before.Generation.Number, before.State, buildingFor, before.setAt.UTC().Format(time.TimeOnly))
		}
		t.revision, number = before.revision, max(number, before.Generation.Number)
	}
	numbers, err := d.Store.Generations(ctx)
	if err != nil {
		return nil, err
	}
	for _, g := range numbers {
		number = max(number, g)
	}
	last, err := lastFounded(ctx, d.Checkpoints)
	if err != nil {
		return nil, err
	}
	admitted := current.Admitted
	if o.Admit {
		if admitted, err = d.Log.Head(ctx); err != nil {
			return nil, err
		}
	}
	base, err := baseFor(ctx, d, current, o.Restated)
	if err != nil {
		return nil, err
	}
	t.Generation = wanted(base, admitted)
	if t.Generation.Number, err = reserve(ctx, d.Checkpoints, max(number, last.Generation.Number)+1); err != nil {
		return nil, err
	}
	if err := t.write(ctx, d.Checkpoints); errors.Is(err, pipeline.ErrMoved) {
		return nil, fmt.Errorf("%w: somebody else has just begun one", ErrRebuilding)
	} else if err != nil {
		return nil, err
	}
	return t, nil
}

// baseFor is what a rebuild begins with.
func baseFor(ctx context.Context, d *Dependencies, current pipeline.Generation, restated uint64) (Base, error) {
	if restated != 0 {
		return restatedAt(ctx, d, restated)
	}
	return successor(ctx, d, current)
}

// highestKey is the pointer that holds the highest number that was ever given to a generation. It is never removed.
const highestKey = "highest"

// reserve gives a number that nobody had and nobody else gets, and is at least so large.
func reserve(ctx context.Context, c pipeline.Checkpoints, least uint32) (uint32, error) {
	for {
		p, err := c.Pointer(ctx, highestKey)
		if err != nil {
			return 0, err
		}
		highest := uint64(0)
		if p.Revision != 0 {
			if highest, err = strconv.ParseUint(string(p.Value), 10, 32); err != nil {
				return 0, fmt.Errorf("read pointer %s: %w", highestKey, err)
			}
		}
		number := max(least, uint32(highest)+1)
		_, err = c.Point(ctx, highestKey, strconv.AppendUint(nil, uint64(number), 10), p.Revision)
		if !errors.Is(err, pipeline.ErrMoved) {
			return number, err
		}
	}
}

// rebuild is one under way.
type rebuild struct {
	*Dependencies
	config   Config
	takeover *takeover
	progress func(position, head uint64)
	saved    noted
}

// noted notes what is saved, so that it can be taken back before a pointer names it.
type noted struct {
	pipeline.Checkpoints
	names []string
}

// Save implements pipeline.Checkpoints.
func (n *noted) Save(ctx context.Context, name string, r io.Reader) error {
	n.names = append(n.names, name)
	return n.Checkpoints.Save(ctx, name, r)
}

// run folds, while it says all the time that it is alive; then it says that the generation is ready. Where somebody took
// it for dead, it gives up.
func (r *rebuild) run(ctx context.Context) error {
	alive, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	still := make(chan struct{})
	go func() {
		defer close(still)
		r.beat(alive, giveUp)
	}()
	position, err := r.fold(alive)
	lost := context.Cause(alive)
	giveUp(nil)
	<-still
	switch {
	case lost != nil && ctx.Err() == nil:
		return lost
	case err != nil:
		return err
	}
	r.takeover.State, r.takeover.Position = stateReady, position
	return r.takeover.write(ctx, r.Checkpoints)
}

const beatEvery = 5 * time.Second

// beat sets the pointer again and again, so that nobody takes the rebuild for dead.
func (r *rebuild) beat(ctx context.Context, giveUp context.CancelCauseFunc) {
	ticks := time.NewTicker(beatEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		if err := r.takeover.write(ctx, r.Checkpoints); errors.Is(err, pipeline.ErrMoved) && !r.own(ctx) {
			giveUp(fmt.Errorf("%w: somebody took this one for dead", ErrRebuilding))
			return
		}
	}
}

// own says whether the pointer is this rebuild's after all: an answer to an earlier beat was lost.
func (r *rebuild) own(ctx context.Context) bool {
	now, err := readTakeover(ctx, r.Checkpoints)
	if err != nil || now == nil || now.Generation.Number != r.takeover.Generation.Number || now.State != stateBuilding {
		return err != nil && ctx.Err() == nil // not known: the next beat asks again
	}
	r.takeover.revision = now.revision
	return true
}

// fold tidies up after others, folds to the head, mends cx.events and saves the state; it gives the position it has come to.
func (r *rebuild) fold(ctx context.Context) (uint64, error) {
	current, err := r.Store.Current(ctx)
	if err != nil {
		return 0, err
	}
	if err := tidy(ctx, r.Dependencies, current.Number, r.takeover.Generation.Number, false); err != nil {
		return 0, err
	}
	l, err := newLane(ctx, r.Dependencies, r.takeover.Generation)
	if err != nil {
		return 0, err
	}
	defer l.close()
	folded := &positions{}
	if admitted := r.takeover.Generation.Admitted; admitted > 0 {
		if err := foldInOrderOfTime(ctx, r.Dependencies, r.config, l, admitted, folded, r.heard); err != nil {
			return 0, err
		}
	}
	if err := r.catchUp(ctx, l, folded); err != nil {
		return 0, err
	}
	if err := mendEvents(ctx, r.Dependencies, l.generation.Number, l.position(), folded); err != nil {
		return 0, err
	}
	s, err := l.snapshot()
	if err != nil {
		return 0, err
	}
	d := *r.Dependencies
	r.saved.Checkpoints, d.Checkpoints = d.Checkpoints, &r.saved
	return l.position(), newSaver(&d).save(ctx, s)
}

// nearEnough is how many messages are left to the owner, who folds them when he takes over: while events keep coming, there
// are always some more.
const nearEnough = 10_000

// catchUp folds to the head, and again to where that is then, until it is near.
func (r *rebuild) catchUp(ctx context.Context, l *lane, folded *positions) error {
	for {
		head, err := r.Log.Head(ctx)
		if err != nil {
			return err
		}
		if err := foldTo(ctx, r.Dependencies, r.config, l, head, folded, r.heard); err != nil {
			return err
		}
		now, err := r.Log.Head(ctx)
		if err != nil || now <= head+nearEnough {
			return err
		}
	}
}

func (r *rebuild) heard(_ context.Context, position, head uint64) error {
	if r.progress != nil {
		r.progress(position, head)
	}
	return nil
}

// undoWithin is how long an interrupted rebuild cleans up after itself.
const undoWithin = 30 * time.Second

// undo removes what the rebuild has written, as far as it can, and the pointer last; nothing if that is somebody else's.
func (r *rebuild) undo(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, undoWithin)
	defer cancel()
	if err := r.takeover.write(ctx, r.Checkpoints); errors.Is(err, pipeline.ErrMoved) {
		return // somebody took it for dead, and cleans up
	}
	err := dropGeneration(ctx, r.Dependencies, r.takeover.Generation.Number)
	for _, name := range r.saved.names {
		err = errors.Join(err, r.Checkpoints.Delete(ctx, name))
	}
	if err == nil {
		err = r.takeover.remove(ctx, r.Checkpoints)
	}
	if err != nil {
		r.Logger.Warn().Err(err).Uint32("generation", r.takeover.Generation.Number).
			Msg("the next start of an aggregator removes what the rebuild left")
	}
}

// heard is told how far a fold has come.
type heard func(ctx context.Context, position, head uint64) error

// inserter inserts batches of rows in a goroutine, in their order, while the next is folded.
type inserter struct {
	store  pipeline.Store
	log    pipeline.Log
	lane   *lane
	most   int
	rows   pipeline.Rows
	folded *positions // of the events inserted; nil where nobody asks
	queue  chan *pipeline.Rows
	group  *errgroup.Group
	ctx    context.Context
	closed bool
}

func newInserter(ctx context.Context, d *Dependencies, l *lane, most int, folded *positions) *inserter {
	group, ctx := errgroup.WithContext(ctx)
	in := &inserter{store: d.Store, log: d.Log, lane: l, folded: folded, most: most, queue: make(chan *pipeline.Rows), group: group, ctx: ctx}
	group.Go(func() error {
		for rows := range in.queue {
			if err := identify(ctx, in.log, rows); err != nil {
				return err
			}
			if err := in.store.Insert(ctx, rows); err != nil {
				return err
			}
		}
		return nil
	})
	return in
}

// took keeps what one message changed.
func (in *inserter) took(_ int, c *pipeline.Changes) {
	addRows(&in.rows, &c.Rows)
	if in.folded != nil {
		for i := range c.Rows.Events {
			in.folded.add(c.Rows.Events[i].Position)
		}
	}
}

// flush hands on the rows so far when there are enough.
func (in *inserter) flush(position uint64, all bool) error {
	if !all && rowsIn(&in.rows) < in.most {
		return nil
	}
	rows := in.rows
	in.rows = pipeline.Rows{}
	rows.Generation = in.lane.generation.Number
	if all {
		in.lane.pass(position)
		for _, p := range in.lane.partitions {
			p.Account(&rows)
		}
	}
	select {
	case in.queue <- &rows:
		return nil
	case <-in.ctx.Done():
		return in.close()
	}
}

// close waits until all is in.
func (in *inserter) close() error {
	if !in.closed {
		in.closed = true
		close(in.queue)
	}
	if err := in.group.Wait(); err != nil {
		return err
	}
	return context.Cause(in.ctx)
}

func (in *inserter) finish() error {
	if !in.closed {
		in.closed = true
		close(in.queue)
	}
	return in.group.Wait()
}

// foldTo folds a lane up to a position and inserts its rows. It tells nothing and sets nothing aside.
func foldTo(ctx context.Context, d *Dependencies, config Config, l *lane, to uint64, folded *positions, heard heard) error {
	from := l.position()
	if from >= to {
		return nil
	}
	reader, err := d.Log.Read(ctx, from+1)
	if err != nil {
		return err
	}
	defer reader.Close()
	in := newInserter(ctx, d, l, config.FlushRows, folded)
	err = readTo(ctx, d.Log, reader, from, to, func(m *pipeline.Message) error {
		if err := l.apply(m, in.took); err != nil {
			return err
		}
		return in.flush(m.Position, false)
	}, heard)
	if err == nil {
		err = in.flush(to, true)
	}
	return errors.Join(err, in.finish())
}

const readWait = 200 * time.Millisecond

// lastHeld is the last position up to another that the log still holds a message at, 0 for none.
func lastHeld(ctx context.Context, log pipeline.Log, to uint64) (uint64, error) {
	account, err := log.Account(ctx)
	if err != nil {
		return 0, err
	}
	to = min(to, account.Last)
	for i := len(account.Erased) - 1; i >= 0 && to > 0; i-- {
		if account.Erased[i] == to {
			to--
		}
	}
	return to, nil
}

// readTo reads every message up to a position; those that were erased are passed over.
func readTo(ctx context.Context, log pipeline.Log, reader pipeline.Reader, from, to uint64, each func(*pipeline.Message) error, heard heard) error {
	at, spoke := from, time.Now()
	for at < to {
		messages, err := reader.Next(ctx, readWait)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if len(messages) == 0 {
			if end, err := lastHeld(ctx, log, to); err == nil && at >= end {
				return nil
			}
		}
		for i := range messages {
			if messages[i].Position > to {
				return nil
			}
			if err := each(&messages[i]); err != nil {
				return err
			}
			at = messages[i].Position
		}
		if heard != nil && time.Since(spoke) > time.Second {
			spoke = time.Now()
			if err := heard(ctx, at, to); err != nil {
				return err
			}
		}
	}
	return nil
}
