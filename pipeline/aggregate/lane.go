package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/klauspost/compress/s2"
	"golang.org/x/sync/errgroup"

	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// lane is one fold of the log on its way: the partitions of one generation, and what they keep on disk.
type lane struct {
	generation pipeline.Generation
	base       Base
	partitions []*pipeline.Partition
	archives   []*archive
	dir        string // of the archives' local copies
	scratch    pipeline.Changes
	redo       []bool // partitions whose checkpoint is of no use and must be saved anew; used by who saves
	over       bool   // another generation has taken its place: its state is not saved any more; guarded by who saves
}

// wanted is what a fold by this process is made with; the number is for whoever makes it.
func wanted(base Base, admitted uint64) pipeline.Generation {
	return pipeline.Generation{Fold: pipeline.FoldVersion, Rules: base.name(), Admitted: admitted, TZData: rules.TZVersion}
}

// same says whether two generations fold alike.
func same(a, b pipeline.Generation) bool {
	a.Number, b.Number = 0, 0
	return a == b
}

// checkpoint is what a pointer says of a partition's state.
type checkpoint struct {
	Position  uint64    `json:"position"`
	MessageID string    `json:"message_id"` // of the log at that position
	State     string    `json:"state"`      // name of the object
	Runs      []RunName `json:"runs"`       // of the archive, oldest first
}

// checkpointPrefix begins the keys of all checkpoints.
const checkpointPrefix = "checkpoint."

func checkpointKey(generation uint32, partition int) string {
	return fmt.Sprintf("%s%d.%d", checkpointPrefix, generation, partition)
}

// generationPrefix begins the keys of the checkpoints of one generation.
func generationPrefix(generation uint32) string {
	return fmt.Sprintf("%s%d.", checkpointPrefix, generation)
}

// objectPrefix begins the names of the objects of a partition in a generation.
func objectPrefix(generation uint32, partition int) string {
	return fmt.Sprintf("g%d/p%d/", generation, partition)
}

// ErrLogOther means that the log is not the one that a checkpoint was made of.
var ErrLogOther = errors.New("the log does not hold what a checkpoint was made of: the last events were lost (a power cut), or this is " +
	"another log; `parcours rebuild` folds the log as it is now")

// newLane begins a fold from nothing.
func newLane(ctx context.Context, d *Dependencies, g pipeline.Generation) (*lane, error) {
	base, err := baseOf(ctx, d, g)
	if err != nil {
		return nil, err
	}
	return laneFrom(d, g, base)
}

func laneFrom(d *Dependencies, g pipeline.Generation, base Base) (*lane, error) {
	l, err := emptyLane(d, g, base)
	if err != nil {
		return nil, err
	}
	for p := range d.Partitions {
		l.begin(p)
	}
	return l, nil
}

func emptyLane(d *Dependencies, g pipeline.Generation, base Base) (*lane, error) {
	dir, err := os.MkdirTemp(d.Scratch, "parcours-fold-")
	if err != nil {
		return nil, fmt.Errorf("make room for what leaves memory: %w", err)
	}
	return &lane{generation: g, base: base, dir: dir, partitions: make([]*pipeline.Partition, d.Partitions), archives: make([]*archive, d.Partitions), redo: make([]bool, d.Partitions)}, nil
}

func (l *lane) setup(p int) pipeline.Setup {
	return pipeline.Setup{Number: p, Book: l.base.Book, Restated: l.base.Restated, Archive: l.archives[p], Admitted: l.generation.Admitted}
}

// openLane restores a generation from its checkpoints. A partition without one begins from nothing, and so does one whose
// checkpoint cannot be read, or is ahead of the tables (which were lost, or come from a backup): the log gives it again.
// Whole asks for every checkpoint, of a generation that is ready. ErrOtherFold says that this process folds otherwise,
// ErrLogOther that the log is another.
func openLane(ctx context.Context, d *Dependencies, g pipeline.Generation, whole bool) (*lane, error) {
	base, err := able(ctx, d, g)
	if err != nil {
		return nil, err
	}
	l, err := emptyLane(d, g, base)
	if err != nil {
		return nil, err
	}
	from, err := l.beginnings(ctx, d)
	if err != nil {
		l.close()
		return nil, err
	}
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for p := range d.Partitions {
		group.Go(func() error {
			err := l.restore(ctx, d, p, from)
			switch {
			case err == nil || whole || from.final(err) || ctx.Err() != nil:
				return err
			case g.Admitted > 0: // only a rebuild folds in order of time
				return fmt.Errorf("%w: %w", pipeline.ErrOtherFold, err)
			}
			d.Logger.Warn().Err(err).Int("partition", p).Msg("a checkpoint is of no use: folding the partition from the start of the log")
			l.begin(p)
			l.redo[p] = true
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// beginnings is what checkpoints are compared with.
type beginnings struct {
	head     uint64
	frontier map[int]pipeline.FrontierRow
}

func (l *lane) beginnings(ctx context.Context, d *Dependencies) (b beginnings, err error) {
	if b.head, err = d.Log.Head(ctx); err != nil {
		return b, err
	}
	b.frontier, err = d.Store.Frontier(ctx, l.generation.Number)
	return b, err
}

// final says whether a fold from the start of the log would not mend an error, or must not.
func (b beginnings) final(err error) bool {
	return errors.Is(err, pipeline.ErrLogAway) || errors.Is(err, ErrLogOther) || errors.Is(err, pipeline.ErrOtherFold)
}

// begin makes a partition that has folded nothing.
func (l *lane) begin(p int) {
	l.archives[p] = newArchive(l.dir, nil, nil)
	l.partitions[p] = pipeline.NewPartition(l.setup(p))
}

// The reasons why a checkpoint is of no use, besides that it cannot be read.
var (
	errNoCheckpoint = errors.New("there is none")
	errAhead        = errors.New("it is ahead of the tables, which were lost or come from a backup")
)

// restore reads the checkpoint of a partition.
func (l *lane) restore(ctx context.Context, d *Dependencies, p int, from beginnings) error {
	pointer, err := d.Checkpoints.Pointer(ctx, checkpointKey(l.generation.Number, p))
	if err != nil {
		return err
	}
	var c checkpoint
	if pointer.Revision != 0 {
		if err := json.Unmarshal(pointer.Value, &c); err != nil {
			return fmt.Errorf("read pointer %s: %w", pointer.Key, err)
		}
	}
	l.archives[p] = newArchive(l.dir, c.Runs, func(name string) (io.ReadCloser, error) {
		return d.Checkpoints.Load(ctx, objectPrefix(l.generation.Number, p)+name)
	})
	switch {
	case c.State == "" && len(from.frontier) == 0 && l.generation.Admitted == 0:
		l.begin(p) // nothing was folded yet
		return nil
	case c.State == "":
		return fmt.Errorf("checkpoint of partition %d: %w", p, errNoCheckpoint)
	case c.Position > from.frontier[p].Position:
		return fmt.Errorf("checkpoint of partition %d at position %d: %w", p, c.Position, errAhead)
	}
	if err := l.trust(ctx, d, p, c.Position, c.MessageID, from.head); err != nil {
		return err
	}
	in, err := d.Checkpoints.Load(ctx, c.State)
	if err != nil {
		return fmt.Errorf("partition %d: %w", p, err)
	}
	defer in.Close()
	l.partitions[p], err = pipeline.Restore(l.setup(p), s2.NewReader(in))
	return err
}

// trust compares the log with the message that stood at a position. One that was erased since says nothing.
func (l *lane) trust(ctx context.Context, d *Dependencies, p int, position uint64, messageID string, head uint64) error {
	id, err := d.Log.MessageID(ctx, position)
	switch {
	case err != nil:
		return err
	case position > head:
		return fmt.Errorf("partition %d: %w (it ends at %d, before position %d)", p, ErrLogOther, head, position)
	case id != "" && messageID != "" && id != messageID:
		return fmt.Errorf("partition %d: %w (another message at position %d)", p, ErrLogOther, position)
	}
	return nil
}

// position is that up to which every partition has folded.
func (l *lane) position() uint64 {
	least := l.partitions[0].Position()
	for _, p := range l.partitions {
		least = min(least, p.Position())
	}
	return least
}

// pass notes that the log has been read up to a position.
func (l *lane) pass(position uint64) {
	for _, p := range l.partitions {
		p.Pass(position)
	}
}

// apply folds one message in the partitions that see it and have not, and gives what changed, one partition after the
// other. What is given is overwritten by the next.
func (l *lane) apply(m *pipeline.Message, took func(p int, c *pipeline.Changes)) error {
	e, err := event.DecodeLog(m.Body)
	if err != nil || m.Partition >= len(l.partitions) { // whoever wrote it, it is no event of this log: one partition answers for it
		return l.one(max(m.Partition, 0)%len(l.partitions), m, nil, took)
	}
	if m.Partition != pipeline.All {
		return l.one(m.Partition, m, &e, took)
	}
	for p := range l.partitions {
		if err := l.one(p, m, &e, took); err != nil {
			return err
		}
	}
	return nil
}

func (l *lane) one(p int, m *pipeline.Message, e *event.Event, took func(int, *pipeline.Changes)) error {
	if m.Position <= l.partitions[p].Position() {
		return nil
	}
	c := &l.scratch
	r := &c.Rows
	*c = pipeline.Changes{Rows: pipeline.Rows{
		Events: r.Events[:0], Journeys: r.Journeys[:0], Steps: r.Steps[:0], Breakpoints: r.Breakpoints[:0], Aliases: r.Aliases[:0],
		Scores: r.Scores[:0],
	}, Told: c.Told[:0], SetAside: c.SetAside[:0]}
	if err := l.partitions[p].Apply(m, e, c); err != nil {
		return fmt.Errorf("fold position %d: %w", m.LogPosition(), err)
	}
	took(p, c)
	return nil
}

// snapshot is the state of a lane at one position, to be saved while the fold goes on.
type snapshot struct {
	lane     *lane
	position uint64
	states   []*pipeline.Snapshot
	runs     [][]*run
}

// snapshot takes it. It costs the copy of three words a home and of the late fingerprints, and the writing of what has left
// memory since the last one.
func (l *lane) snapshot() (*snapshot, error) {
	s := &snapshot{lane: l, position: l.position()}
	for p, part := range l.partitions {
		runs, err := l.archives[p].seal()
		if err != nil {
			return nil, err
		}
		s.states, s.runs = append(s.states, part.Snapshot()), append(s.runs, runs)
	}
	return s, nil
}

func (l *lane) close() {
	for _, a := range l.archives {
		if a != nil {
			a.close()
		}
	}
	_ = os.RemoveAll(l.dir) // copies
}

// generationOf reads the generation in the name of an object or the key of a checkpoint; 0 for none.
func generationOf(name string) uint32 {
	var g uint32
	var p int
	switch {
	case strings.HasPrefix(name, checkpointPrefix):
		_, _ = fmt.Sscanf(name, checkpointPrefix+"%d.%d", &g, &p)
	case strings.HasPrefix(name, foundedPrefix):
		_, _ = fmt.Sscanf(name, foundedPrefix+"%d", &g)
	default:
		_, _ = fmt.Sscanf(name, "g%d/p%d/", &g, &p)
	}
	return g
}
