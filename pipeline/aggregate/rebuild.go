package aggregate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"parcours/pipeline"
)

// RebuildOptions say what is rebuilt.
type RebuildOptions struct {
	// Admit takes all events up to the head of the log in order of time, so that none of them is late any more.
	Admit bool
	// Progress hears how far the fold has come, about once a second.
	Progress func(position, head uint64)
}

// ErrRebuilding means that a rebuild is under way already, or waits to be taken over.
var ErrRebuilding = errors.New("a rebuild is under way")

// Rebuild folds the log from its start into a new generation, beside the one in force, and leaves it ready to be taken
// over by whoever owns the partitions: it tells nothing, and nobody reads its rows until then. Rows of cx.events that the
// log does not have are removed, and those that are missing come back. Interrupted, it leaves nothing behind; killed, the
// next start of an aggregator or the next rebuild removes what it left.
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

// beginRebuild takes the pointer, and with it the number of the new generation.
func beginRebuild(ctx context.Context, d *Dependencies, o RebuildOptions) (*takeover, error) {
	current, err := d.Store.Current(ctx)
	if err != nil {
		return nil, err
	}
	before, err := readTakeover(ctx, d.Checkpoints)
	if err != nil {
		return nil, err
	}
	t := &takeover{State: stateBuilding}
	if before != nil {
		if !before.abandoned(d.Now()) && before.Generation.Number != current.Number {
			return nil, fmt.Errorf("%w: generation %d is %s", ErrRebuilding, before.Generation.Number, before.State)
		}
		t.revision = before.revision
	}
	admitted := current.Admitted
	if o.Admit {
		if admitted, err = d.Log.Head(ctx); err != nil {
			return nil, err
		}
	}
	if err := tidy(ctx, d, current.Number, d.Now()); err != nil {
		return nil, err
	}
	numbers, err := d.Store.Generations(ctx)
	if err != nil {
		return nil, err
	}
	t.Generation = wanted(d.Book, admitted)
	t.Generation.Number = current.Number + 1
	for _, g := range numbers {
		t.Generation.Number = max(t.Generation.Number, g+1)
	}
	if before != nil && before.abandoned(d.Now()) {
		t.revision = 0 // tidy has removed it
	}
	return t, t.write(ctx, d.Checkpoints)
}

// rebuild is one under way.
type rebuild struct {
	*Dependencies
	config   Config
	takeover *takeover
	progress func(position, head uint64)
	beaten   time.Time
}

// run folds to the head, saves the state, and says that it is ready.
func (r *rebuild) run(ctx context.Context) error {
	l, err := newLane(r.Dependencies, r.takeover.Generation)
	if err != nil {
		return err
	}
	defer l.close()
	if admitted := r.takeover.Generation.Admitted; admitted > 0 {
		if err := foldInOrderOfTime(ctx, r.Dependencies, r.config, l, admitted, r.beat); err != nil {
			return err
		}
	}
	for {
		head, err := r.Log.Head(ctx)
		if err != nil {
			return err
		}
		if l.position() >= head {
			break
		}
		if err := foldTo(ctx, r.Dependencies, r.config, l, head, r.beat); err != nil {
			return err
		}
	}
	if err := mendEvents(ctx, r.Dependencies, l.generation.Number, l.position()); err != nil {
		return err
	}
	s, err := l.snapshot()
	if err != nil {
		return err
	}
	if err := newSaver(r.Dependencies).save(ctx, s); err != nil {
		return err
	}
	r.takeover.State, r.takeover.Position = stateReady, l.position()
	return r.takeover.write(ctx, r.Checkpoints)
}

const beatEvery = 5 * time.Second

// beat says that the rebuild is alive, and how far it is.
func (r *rebuild) beat(ctx context.Context, position, head uint64) error {
	if r.progress != nil {
		r.progress(position, head)
	}
	if time.Since(r.beaten) < beatEvery {
		return nil
	}
	r.beaten = time.Now()
	return r.takeover.write(ctx, r.Checkpoints)
}

// undoWithin is how long an interrupted rebuild cleans up after itself.
const undoWithin = 30 * time.Second

// undo removes what the rebuild has written, as far as it can.
func (r *rebuild) undo(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, undoWithin)
	defer cancel()
	err := dropGeneration(ctx, r.Dependencies, r.takeover.Generation.Number)
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
	lane   *lane
	most   int
	rows   pipeline.Rows
	queue  chan *pipeline.Rows
	group  *errgroup.Group
	ctx    context.Context
	closed bool
}

func newInserter(ctx context.Context, d *Dependencies, l *lane, most int) *inserter {
	group, ctx := errgroup.WithContext(ctx)
	in := &inserter{store: d.Store, lane: l, most: most, queue: make(chan *pipeline.Rows), group: group, ctx: ctx}
	group.Go(func() error {
		for rows := range in.queue {
			if err := in.store.Insert(ctx, rows); err != nil {
				return err
			}
		}
		return nil
	})
	return in
}

// took keeps what one message changed.
func (in *inserter) took(_ int, c *pipeline.Changes) { addRows(&in.rows, &c.Rows) }

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
func foldTo(ctx context.Context, d *Dependencies, config Config, l *lane, to uint64, heard heard) error {
	from := l.position()
	if from >= to {
		return nil
	}
	reader, err := d.Log.Read(ctx, from+1)
	if err != nil {
		return err
	}
	defer reader.Close()
	in := newInserter(ctx, d, l, config.FlushRows)
	err = readTo(ctx, reader, from, to, func(m *pipeline.Message) error {
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

// readTo reads every message up to a position; those that were erased are passed over.
func readTo(ctx context.Context, reader pipeline.Reader, from, to uint64, each func(*pipeline.Message) error, heard heard) error {
	at, spoke := from, time.Now()
	for at < to {
		messages, err := reader.Next(ctx, readWait)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
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
