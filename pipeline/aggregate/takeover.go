package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"parcours/pipeline"
)

// takeover is what the pointer `rebuild` says: which generation is folded beside the one in force, and how far that is.
//
//	building   somebody folds it, and says so again every few seconds
//	ready      its rows and its checkpoints are whole up to Position: the owner may take it over
//	switching  the owner has stopped at At, and goes on in the new generation from there
//
// Whatever happens, at most one of them exists, and readers see the generation in force until one insert names another.
type takeover struct {
	Generation pipeline.Generation `json:"generation"`
	State      string              `json:"state"`
	Position   uint64              `json:"position,omitempty"`
	At         uint64              `json:"at,omitempty"`

	revision uint64
	setAt    time.Time
}

const takeoverKey = "rebuild"

// The states of a takeover.
const (
	stateBuilding  = "building"
	stateReady     = "ready"
	stateSwitching = "switching"
)

// buildingFor is how long somebody who builds may be silent before he is taken for dead.
const buildingFor = time.Minute

// readTakeover gives what the pointer says; nil for nothing.
func readTakeover(ctx context.Context, c pipeline.Checkpoints) (*takeover, error) {
	p, err := c.Pointer(ctx, takeoverKey)
	if err != nil || p.Revision == 0 {
		return nil, err
	}
	t := &takeover{revision: p.Revision, setAt: p.SetAt.Time()}
	if err := json.Unmarshal(p.Value, t); err != nil {
		return nil, fmt.Errorf("read pointer %s: %w", takeoverKey, err)
	}
	return t, nil
}

// writeWithin is how long setting the pointer may take.
const writeWithin = 10 * time.Second

// write sets the pointer, on condition that nobody else has. An interrupt does not cut it short: nobody would know then
// whether it was set, and what it says would be left behind.
func (t *takeover) write(ctx context.Context, c pipeline.Checkpoints) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	value, err := json.Marshal(t)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeWithin)
	defer cancel()
	revision, err := c.Point(ctx, takeoverKey, value, t.revision)
	if err == nil {
		t.revision = revision
	}
	return err
}

func (t *takeover) remove(ctx context.Context, c pipeline.Checkpoints) error {
	return c.Unpoint(ctx, takeoverKey, t.revision)
}

// abandoned says whether whoever builds it seems to be dead.
func (t *takeover) abandoned(now time.Time, alone bool) bool {
	return t.State == stateBuilding && (alone || now.Sub(t.setAt) > buildingFor)
}

// open finds the generation in force, tidies up after what was interrupted, and restores the state. Where this process
// folds otherwise, it folds a new generation first; where one is ready that the old state cannot lead to, it is taken
// over as it is.
func (a *Aggregator) open(ctx context.Context, head uint64) error {
	if err := a.claim(ctx); err != nil {
		return err
	}
	current, err := a.inForce(ctx)
	if err != nil {
		return err
	}
	if err := a.pending(ctx, current); err != nil {
		return err
	}
	if err := tidy(ctx, &a.Dependencies, current.Number, 0, a.Alone); err != nil {
		return err
	}
	if err := a.inserted(ctx, current.Number); err != nil {
		return err
	}
	if err := a.heard(ctx, current.Number); err != nil {
		return err
	}
	if err = a.latest(ctx, current); err == nil {
		a.lane, err = openLane(ctx, &a.Dependencies, current, false)
	}
	if err == nil {
		err = a.known(ctx, head)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pipeline.ErrOtherFold) && a.takeover == nil:
		if err := a.refound(ctx, current); err != nil {
			return err
		}
	case a.takeover == nil:
		return err
	}
	return a.replace(ctx, current)
}

// founded is what the pointer of a generation says, for as long as it has rows: what it is, should the tables be lost, and
// the position at which it took over. All that was told up to there was told before it.
type founded struct {
	Generation pipeline.Generation `json:"generation"`
	At         uint64              `json:"at"`
}

const foundedPrefix = "generation."

func foundedKey(generation uint32) string { return fmt.Sprint(foundedPrefix, generation) }

// found writes down where a generation takes over.
func (a *Aggregator) found(ctx context.Context, g pipeline.Generation, at uint64) error {
	value, err := json.Marshal(founded{g, at})
	if err != nil {
		return err
	}
	p, err := a.Checkpoints.Pointer(ctx, foundedKey(g.Number))
	if err != nil {
		return err
	}
	_, err = a.Checkpoints.Point(ctx, foundedKey(g.Number), value, p.Revision)
	return err
}

// lastFounded is the youngest generation that took over; zero for none.
func lastFounded(ctx context.Context, c pipeline.Checkpoints) (last founded, err error) {
	pointers, err := c.Pointers(ctx, foundedPrefix)
	if err != nil {
		return last, err
	}
	for _, p := range pointers {
		var f founded
		if err := json.Unmarshal(p.Value, &f); err != nil {
			return last, fmt.Errorf("read pointer %s: %w", p.Key, err)
		}
		if f.Generation.Number > last.Generation.Number {
			last = f
		}
	}
	return last, nil
}

// heard sets the places up to which nothing is told again: what the tail of JOURNEYS says, or, where the generation has
// told nothing yet, where it took over.
func (a *Aggregator) heard(ctx context.Context, generation uint32) error {
	last, err := lastFounded(ctx, a.Checkpoints)
	if err != nil || last.Generation.Number != generation {
		return err
	}
	for p := range a.told {
		if end := endOf(generation, last.At); a.told[p].Before(end) {
			a.told[p] = end
		}
	}
	return nil
}

// latest says whether a younger generation has begun to tell its difference than the tables show: they come from a backup, or
// it could not be taken over to the end. What the older one told would come behind it; only a new one can go on.
func (a *Aggregator) latest(ctx context.Context, current pipeline.Generation) error {
	last, err := lastFounded(ctx, a.Checkpoints)
	if err == nil && last.Generation.Number > current.Number && a.takeover == nil {
		err = fmt.Errorf("generation %d is in force, and %d has taken over already: %w", current.Number, last.Generation.Number, pipeline.ErrOtherFold)
	}
	return err
}

// endOf is behind everything that is told at a position.
func endOf(generation uint32, position uint64) pipeline.Place {
	return pipeline.Place{Generation: generation, Position: position, Ordinal: math.MaxUint32}
}

// inForce is the generation that views read. That of a new database is what this process folds; where the database was
// lost, it is what was in force before, since JOURNEYS goes on.
func (a *Aggregator) inForce(ctx context.Context) (pipeline.Generation, error) {
	current, err := a.Store.Current(ctx)
	if err != nil || current.Fold != "" {
		return current, err
	}
	frontier, err := a.Store.Frontier(ctx, current.Number)
	if err != nil || len(frontier) > 0 {
		return current, err // made before versions were kept
	}
	last, err := lastFounded(ctx, a.Checkpoints)
	if err != nil {
		return current, err
	}
	fresh := last.Generation
	if fresh.Number == 0 {
		base, err := first(ctx, &a.Dependencies)
		if err != nil {
			return current, err
		}
		fresh = wanted(base, 0)
		fresh.Number = current.Number
		if err := a.found(ctx, fresh, 0); err != nil { // the log may say another book by the time that the tables are lost
			return current, err
		}
	}
	return fresh, a.Store.Switch(ctx, fresh)
}

// pending reads whether a generation waits to take over.
func (a *Aggregator) pending(ctx context.Context, current pipeline.Generation) error {
	t, err := readTakeover(ctx, a.Checkpoints)
	if err != nil || t == nil || t.State == stateBuilding {
		return err
	}
	if t.Generation.Number <= current.Number { // it was switched to, and what came after was cut short
		return a.withdraw(ctx, t)
	}
	switch _, err := able(ctx, &a.Dependencies, t.Generation); {
	case errors.Is(err, pipeline.ErrOtherFold) || errors.Is(err, ErrLogOther):
		a.Logger.Warn().Uint32("generation", t.Generation.Number).Msg("a generation that waits was folded otherwise than this process does: it is dropped")
		return a.withdraw(ctx, t)
	case err != nil:
		return err
	}
	a.takeover = t
	return nil
}

// withdraw removes a takeover; that somebody else has is as good.
func (a *Aggregator) withdraw(ctx context.Context, t *takeover) error {
	err := t.remove(ctx, a.Checkpoints)
	if errors.Is(err, pipeline.ErrMoved) {
		return nil
	}
	return err
}

// refound folds the log anew, since this process folds otherwise than the one that made the generation in force. While
// another process does so, or seems to (it may have been killed), this one waits.
func (a *Aggregator) refound(ctx context.Context, current pipeline.Generation) error {
	a.Logger.Info().Uint32("generation", current.Number).Str("fold", current.Fold).Str("rules", current.Rules).
		Msg("folding a new generation beside the one in force, which stays readable")
	_, err := backoff.Retry(ctx, func() (pipeline.Generation, error) {
		g, err := Rebuild(ctx, a.config, a.Dependencies, RebuildOptions{Progress: func(position, head uint64) {
			a.Logger.Info().Uint64("position", position).Uint64("head", head).Msg("folding a new generation")
		}})
		if err != nil && !errors.Is(err, ErrRebuilding) {
			err = backoff.Permanent(err)
		}
		return g, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(time.Second)), backoff.WithMaxElapsedTime(2*buildingFor))
	if err != nil {
		return err
	}
	return a.pending(ctx, current)
}

// replace goes over to a generation that is ready, from where the old one's rows and messages have come, as far as the log
// still goes.
func (a *Aggregator) replace(ctx context.Context, current pipeline.Generation) error {
	if a.lane != nil {
		a.lane.close()
		a.lane = nil
	}
	if a.takeover == nil {
		return fmt.Errorf("generation %d: %w", current.Number, pipeline.ErrOtherFold)
	}
	next, err := openLane(ctx, &a.Dependencies, a.takeover.Generation, true)
	if err != nil {
		return a.spoilt(ctx, err)
	}
	head, err := a.Log.Head(ctx)
	if err != nil {
		next.close()
		return err
	}
	if a.takeover.At > head {
		next.close()
		return a.spoilt(ctx, ErrLogShorter)
	}
	if a.takeover.At == 0 {
		at := max(next.position(), a.takeover.Position)
		for p := range a.stored {
			at = max(at, a.stored[p].Position)
		}
		a.takeover.State, a.takeover.At = stateSwitching, min(at, head)
		if err := a.takeover.write(ctx, a.Checkpoints); err != nil {
			next.close()
			return err
		}
	}
	return a.switchTo(ctx, current.Number, next, a.takeover.At)
}

// spoilt withdraws a takeover that cannot be opened, and gives the reason back.
func (a *Aggregator) spoilt(ctx context.Context, cause error) error {
	if errors.Is(cause, pipeline.ErrLogAway) || ctx.Err() != nil {
		return cause
	}
	t := a.takeover
	a.takeover = nil
	a.Logger.Warn().Err(cause).Uint32("generation", t.Generation.Number).Msg("a generation that waits cannot be opened: it is dropped")
	return errors.Join(cause, a.withdraw(ctx, t))
}

// lookEvery is how often the loop asks whether a generation waits.
const lookEvery = time.Second

// look takes over a generation that is ready, once this one has come as far.
func (a *Aggregator) look(ctx, delivery context.Context) error {
	if a.takeover == nil && time.Since(a.asked) < lookEvery {
		return nil
	}
	a.asked = time.Now()
	if a.takeover == nil {
		if err := a.pending(ctx, a.lane.generation); err != nil || a.takeover == nil {
			if err != nil && ctx.Err() == nil {
				a.Logger.Warn().Err(err).Msg("cannot see whether a generation waits")
				err = nil
			}
			return err
		}
	}
	if a.takeover.At == 0 && a.ready.Load() && a.position >= a.takeover.Position {
		return a.adopt(ctx, delivery)
	}
	if a.takeover.At != 0 && a.position >= a.takeover.At {
		return a.adopt(ctx, delivery)
	}
	return nil
}

// giveWay takes over before a message is folded behind the position at which that was decided.
func (a *Aggregator) giveWay(ctx, delivery context.Context, next uint64) error {
	if a.takeover == nil || a.takeover.At == 0 || next <= a.takeover.At {
		return nil
	}
	return a.adopt(ctx, delivery)
}

// adopt ends the fold of this generation and goes on in the one that waits. Where it ends is decided once and written
// down, so that whoever has to do it again does it there.
func (a *Aggregator) adopt(ctx, delivery context.Context) error {
	if err := a.drain(delivery); err != nil {
		return err
	}
	t := a.takeover
	next, err := openLane(ctx, &a.Dependencies, t.Generation, true)
	if err != nil {
		decided := t.At != 0
		if err := a.spoilt(ctx, err); a.takeover != nil || decided {
			return err // the next start folds a new one: this one may have begun to tell
		}
		return a.latest(ctx, a.lane.generation) // this one goes on, where it may
	}
	if t.At == 0 {
		t.State, t.At = stateSwitching, a.position
		if err := t.write(ctx, a.Checkpoints); err != nil {
			next.close()
			if errors.Is(err, pipeline.ErrMoved) {
				a.takeover = nil // withdrawn
				return nil
			}
			return err
		}
	}
	old := a.lane
	a.saving.Lock() // waits for a checkpoint under way
	old.over = true
	a.saving.Unlock()
	if err := a.switchTo(ctx, old.generation.Number, next, t.At); err != nil {
		return err
	}
	old.close()
	return nil
}

// drain waits until everything folded is in the tables and told.
func (a *Aggregator) drain(delivery context.Context) error {
	last := a.batch
	if last.position == 0 { // wait for the one under way all the same
		last.position = a.position
	}
	if err := a.hand(delivery); err != nil {
		return err
	}
	select {
	case <-last.done:
		return nil
	case <-delivery.Done():
		return context.Cause(delivery)
	}
}

// switchTo brings the new generation to a position, tells those who follow JOURNEYS the difference, and then lets every
// reader see it, by one insert.
func (a *Aggregator) switchTo(ctx context.Context, old uint32, next *lane, at uint64) error {
	if err := foldTo(ctx, &a.Dependencies, a.config, next, at, nil, nil); err != nil {
		next.close()
		return err
	}
	if err := a.found(ctx, next.generation, at); err != nil {
		next.close()
		return err
	}
	if err := a.tellDifference(ctx, old, next, at); err != nil {
		next.close()
		return err
	}
	if err := a.Store.Switch(ctx, next.generation); err != nil {
		next.close()
		return err
	}
	a.Logger.Info().Uint32("generation", next.generation.Number).Uint64("position", at).Msg("another generation is in force")
	a.lane = next
	a.duty.any = false // what is computed of a generation is due again
	for p := range a.stored {
		a.stored[p] = pipeline.FrontierRow{Partition: p, Position: max(next.partitions[p].Position(), at)}
		a.told[p] = endOf(next.generation.Number, at)
	}
	a.saved = time.Time{} // a checkpoint soon
	taken := a.takeover
	a.takeover = nil
	if err := tidy(ctx, &a.Dependencies, next.generation.Number, 0, false); err != nil && ctx.Err() == nil {
		a.Logger.Warn().Err(err).Msg("what is left of old generations is left for the next start")
	}
	return a.withdraw(ctx, taken)
}

// InForce says whether a generation that was rebuilt is what views read, and nothing is left to do for it.
func InForce(ctx context.Context, d *Dependencies, g pipeline.Generation) (bool, error) {
	current, err := d.Store.Current(ctx)
	if err != nil {
		return false, err
	}
	if current.Number < g.Number {
		return false, waits(ctx, d, g)
	}
	t, err := readTakeover(ctx, d.Checkpoints)
	return t == nil || t.Generation.Number != g.Number, err
}

// waits says whether a generation still waits to be taken over.
func waits(ctx context.Context, d *Dependencies, g pipeline.Generation) error {
	t, err := readTakeover(ctx, d.Checkpoints)
	if err != nil || t != nil && t.Generation.Number == g.Number {
		return err
	}
	current, err := d.Store.Current(ctx) // it may have been taken over meanwhile
	if err == nil && current.Number < g.Number {
		err = ErrNotTaken
	}
	return err
}

// ErrNotTaken means that whoever owns the partitions has dropped a generation instead of taking it over.
var ErrNotTaken = errors.New("the aggregator has dropped the new generation: it folds otherwise than this version, or cannot open it")

// toldAtOnce is how many messages of a difference are told together.
const toldAtOnce = 1000

// tellDifference tells what the new generation says otherwise than the old one. Its order is always the same, so that what
// was told before it was cut short is not told again.
func (a *Aggregator) tellDifference(ctx context.Context, old uint32, next *lane, at uint64) error {
	var c pipeline.Changes
	partition, ordinal := -1, uint32(0)
	flush := func() error {
		list := c.Told
		c.Told = nil
		for i := range list {
			list[i].Generation = next.generation.Number
		}
		for len(list) > 0 && !a.told[partition].Before(list[0].Place) {
			list = list[1:]
		}
		return a.tell(ctx, partition, list)
	}
	err := a.Store.Difference(ctx, old, next.generation.Number, func(d pipeline.Difference) error {
		if p := partitionOf(&d); p != partition {
			if partition >= 0 {
				if err := flush(); err != nil {
					return err
				}
			}
			partition, ordinal = p, 0
		}
		before := len(c.Told)
		next.partitions[partition].TellDifference(&d, next.generation.Number, at, ordinal, &c)
		ordinal += uint32(len(c.Told) - before)
		if len(c.Told) < toldAtOnce {
			return nil
		}
		return flush()
	})
	if err == nil && partition >= 0 {
		err = flush()
	}
	if err != nil {
		return fmt.Errorf("tell what generation %d says otherwise: %w", next.generation.Number, err)
	}
	return nil
}

// partitionOf is the partition that a difference is told in.
func partitionOf(d *pipeline.Difference) int {
	switch {
	case d.NewJourney != nil:
		return d.NewJourney.Partition
	case d.OldJourney != nil:
		return d.OldJourney.Partition
	case d.NewBreakpoint != nil:
		return d.NewBreakpoint.Partition
	case d.OldBreakpoint != nil:
		return d.OldBreakpoint.Partition
	case d.NewSignal != nil:
		return d.NewSignal.Partition
	}
	return d.OldSignal.Partition
}

// tidy drops what no rule keeps: generations of rebuilds that were interrupted, and those older than the one before the
// current one; and objects that nobody points to. Own is a generation that the caller builds, 0 for none.
func tidy(ctx context.Context, d *Dependencies, current, own uint32, alone bool) error {
	t, err := readTakeover(ctx, d.Checkpoints)
	if err != nil {
		return err
	}
	if t != nil && t.Generation.Number != own && t.abandoned(d.Now(), alone) {
		switch err := t.remove(ctx, d.Checkpoints); {
		case errors.Is(err, pipeline.ErrMoved): // it lives
		case err != nil:
			return err
		default:
			t = nil
		}
	}
	numbers, err := d.Store.Generations(ctx)
	if err != nil {
		return err
	}
	for _, g := range numbers {
		if g == current || g == previous(numbers, current) || t != nil && g == t.Generation.Number {
			continue
		}
		d.Logger.Info().Uint32("generation", g).Msg("dropping a generation that is no longer kept")
		if err := dropGeneration(ctx, d, g); err != nil {
			return err
		}
	}
	if err := dropPointers(ctx, d, current, numbers, t); err != nil {
		return err
	}
	_, err = sweep(ctx, d.Checkpoints, sweepAge)
	return err
}

// previous is the generation before the current one, 0 for none.
func previous(numbers []uint32, current uint32) (before uint32) {
	for _, g := range numbers {
		if g < current {
			before = max(before, g)
		}
	}
	return before
}

// dropPointers removes the checkpoints of generations that nobody goes on with.
func dropPointers(ctx context.Context, d *Dependencies, current uint32, numbers []uint32, t *takeover) error {
	pointers, err := d.Checkpoints.Pointers(ctx, "")
	if err != nil {
		return err
	}
	for _, p := range pointers {
		g := generationOf(p.Key)
		if g == 0 || g == current || t != nil && g == t.Generation.Number {
			continue
		}
		if strings.HasPrefix(p.Key, foundedPrefix) && (g > current || slices.Contains(numbers, g)) {
			continue
		}
		if err := d.Checkpoints.Unpoint(ctx, p.Key, p.Revision); err != nil && !errors.Is(err, pipeline.ErrMoved) {
			return err
		}
	}
	return nil
}
