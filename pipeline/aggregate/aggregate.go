// Package aggregate is the loop that owns partitions: it reads the log, folds, inserts rows, tells JOURNEYS and saves
// checkpoints; and it folds new generations beside the one that people read.
//
// What fails, and what then: the log is away - the reader comes back by itself, the loop waits. ClickHouse is away or
// slow - Insert waits, the loop waits behind it, nothing is told before its rows are in. JOURNEYS refuses because another
// owner writes - the loop stops with pipeline.ErrFenced. The process is killed - the next one restores the last
// checkpoint, folds what came since and neither inserts nor tells what is already there: the frontier and the tail of
// JOURNEYS say how far that is. A checkpoint cannot be written - it is tried again later, and a restart takes longer.
package aggregate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/rs/zerolog"

	"parcours/pipeline"
	"parcours/pipeline/alert"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// Dependencies are what the loop works with.
type Dependencies struct {
	Log         pipeline.Log
	Appender    pipeline.Appender // for ticks; may be nil in log mode
	Store       pipeline.Store
	Auditor     pipeline.Auditor
	Analyst     pipeline.Analyst     // of closed days; nil: none is looked at
	Watch       Watch                // nil: alert.Watch
	Losses      pipeline.Losses      // of associated losses; nil where none are estimated
	Snapshots   pipeline.Snapshotter // of views; nil: none are taken
	Teller      pipeline.Teller
	Rejecter    pipeline.Rejecter
	Checkpoints pipeline.Checkpoints
	Book        *rules.Book // of generations for which the log states no other
	Partitions  int
	Wall        bool             // clock mode of the deployment: ticks follow real time
	Now         func() time.Time // for ticks
	Alone       bool             // nobody else can have been at work on this log until now: a rebuild under way was killed
	Scratch     string           // folder for local copies of what has left memory; "" for the system's
	Logger      zerolog.Logger
	Metrics     *Metrics
}

// Watch closes days, as alert.Watch does.
type Watch func(counts alert.Counts, open []alert.Alert, from alert.Date, p alert.Parameters) []alert.Closing

// Aggregator owns all partitions of one log in one process.
type Aggregator struct {
	Dependencies
	config     Config
	lane       *lane
	stored     []pipeline.FrontierRow // per partition: how far rows are in
	told       []pipeline.Place       // per partition: the last message told
	aside      map[string]uint64      // by reason: the position up to which messages were set aside
	ticked     []time.Time
	looked     time.Time // when it was last seen whether a tick is due
	position   uint64    // of the last message read
	batch      *batch
	inserts    chan *batch
	delivered  chan struct{} // closed when nothing more is delivered
	saves      chan *snapshot
	saving     sync.Mutex   // held while a snapshot is saved
	saveTook   atomic.Int64 // how long the last one took, nanoseconds
	saved      time.Time    // when the last snapshot was taken
	takeover   *takeover    // a generation that is to take over; nil for none
	asked      time.Time    // when it was last asked for
	ready      atomic.Bool
	handed     <-chan struct{} // closed when the last batch that was given to be delivered is; nil for none
	duty       duty            // what is done once a day
	delivering atomic.Int64    // when the batch under way was handed over, Unix nanoseconds; 0 for none
}

// New makes an aggregator; Run starts it.
func New(config Config, d Dependencies) (*Aggregator, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("aggregator: %w", err)
	}
	return &Aggregator{
		Dependencies: d, config: config, stored: make([]pipeline.FrontierRow, d.Partitions), told: make([]pipeline.Place, d.Partitions),
		ticked: make([]time.Time, d.Partitions), inserts: make(chan *batch), delivered: make(chan struct{}), saves: make(chan *snapshot, 1),
	}, nil
}

// Ready says why the loop does not do its work: it has not yet folded what the log held when it started, or ClickHouse or
// JOURNEYS have not taken what it found for a while. nil when it does.
func (a *Aggregator) Ready() error {
	if !a.ready.Load() {
		return errors.New("the aggregator has not caught up with the log")
	}
	if waits := a.waits(); waits > a.config.StalledAfter {
		return fmt.Errorf("the aggregator has waited %s for ClickHouse or JOURNEYS to take what it found", waits.Round(time.Second))
	}
	return nil
}

// waits is how long the batch under way has been.
func (a *Aggregator) waits() time.Duration {
	began := a.delivering.Load()
	if began == 0 {
		return 0
	}
	return time.Since(time.Unix(0, began))
}

// Run folds until ctx ends or something cannot be mended by waiting. When ctx ends, what has been folded is inserted and
// told, and a checkpoint saved, if that takes no longer than stopping.
func (a *Aggregator) Run(ctx context.Context) error {
	head, reader, err := a.start(ctx)
	if a.lane != nil {
		defer func() { a.lane.close() }()
	}
	if err != nil {
		return outcome(ctx, ctx, err)
	}
	defer reader.Close()
	return a.loop(ctx, reader, head)
}

// start finds the generation in force, restores it, claims the partitions and begins to read behind what is folded. A log
// that ends before what is stored or told already is not the log they came from (it was lost in part, or replaced): to go
// on would let new events vanish behind the frontier.
func (a *Aggregator) start(ctx context.Context) (head uint64, reader pipeline.Reader, err error) {
	if head, err = a.Log.Head(ctx); err != nil {
		return 0, nil, fmt.Errorf("aggregator: %w", err)
	}
	if err := a.open(ctx, head); err != nil {
		return 0, nil, fmt.Errorf("aggregator: %w", err)
	}
	a.position = a.lane.position()
	a.saved = time.Now()
	if reader, err = a.Log.Read(ctx, a.position+1); err != nil {
		return 0, nil, fmt.Errorf("aggregator: %w", err)
	}
	a.Logger.Info().Uint64("head", head).Uint64("checkpoint", a.position).Int("partitions", a.Partitions).
		Uint32("generation", a.lane.generation.Number).Str("rules", a.lane.generation.Rules).Msg("folding the log")
	return head, reader, nil
}

// ErrLogShorter means that the log does not reach as far as the tables or JOURNEYS do.
var ErrLogShorter = errors.New("the log ends before what the tables or JOURNEYS already hold: events were lost, or this is another log; " +
	"restore the log, or run `parcours rebuild`, which folds the log as it is now")

// known says whether the log reaches as far as what was made of it, and holds there what it was made of.
func (a *Aggregator) known(ctx context.Context, head uint64) error {
	for p, at := range a.stored {
		known := at.Position
		if a.told[p].Generation == a.lane.generation.Number {
			known = max(known, a.told[p].Position)
		}
		if known > head {
			return fmt.Errorf("partition %d: %w (position %d is known, the log ends at %d)", p, ErrLogShorter, known, head)
		}
		if at.Position == 0 {
			continue
		}
		if err := a.lane.trust(ctx, &a.Dependencies, p, at.Position, at.MessageID, head); err != nil {
			return err
		}
	}
	return nil
}

// claim becomes the owner, and finds out what is told already.
func (a *Aggregator) claim(ctx context.Context) (err error) {
	for p := range a.told {
		if a.told[p], err = a.Teller.Claim(ctx, p); err != nil {
			return err
		}
	}
	a.aside = map[string]uint64{}
	for _, reason := range pipeline.SetAsideReasons() {
		if a.aside[reason], err = a.Rejecter.LastSetAside(ctx, []string{reason}); err != nil {
			return err
		}
	}
	return nil
}

// inserted finds out what rows of a generation are in already.
func (a *Aggregator) inserted(ctx context.Context, generation uint32) error {
	frontier, err := a.Store.Frontier(ctx, generation)
	for p := range a.stored {
		a.stored[p] = frontier[p]
	}
	return err
}

// loop folds in one goroutine while another inserts and tells the batch before. When ctx ends, the last batch still has
// StopWithin to be delivered; what is not in by then the next start folds again.
func (a *Aggregator) loop(ctx context.Context, reader pipeline.Reader, head uint64) error {
	delivery, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(nil)
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(a.config.StopWithin, func() { end(errStopped) })
	})
	defer stop()
	go func() {
		if err := a.deliver(delivery); err != nil {
			end(err)
		}
		close(a.delivered)
	}()
	savings := make(chan struct{})
	go func() {
		defer close(savings)
		if err := a.save(delivery); err != nil {
			end(err)
		}
	}()
	reading, stopReading := context.WithCancel(ctx)
	defer context.AfterFunc(delivery, stopReading)() // nobody folds what nobody delivers
	defer stopReading()
	a.batch = newBatch(a.Partitions)
	var err error
	for err == nil {
		err = a.turn(reading, delivery, reader, head)
	}
	stopReading()
	if ctx.Err() != nil {
		a.leave(delivery)
	}
	close(a.inserts)
	<-a.delivered
	close(a.saves)
	<-savings
	a.restDays()
	return outcome(ctx, delivery, err)
}

// leave hands on what was folded last and waits until everything folded is delivered; then it hands on the state, so that the
// next start has nothing to fold again. A failure is the delivery's, which is told by it.
func (a *Aggregator) leave(delivery context.Context) {
	if a.batch.position != 0 && a.hand(delivery) != nil {
		return
	}
	if a.handed != nil {
		select {
		case <-a.handed:
		case <-delivery.Done():
			return
		}
	}
	if s, err := a.snapshot(); err == nil {
		select {
		case a.saves <- s:
		case <-delivery.Done():
		}
	}
}

// errStopped ends a delivery that took longer than stopping may.
var errStopped = errors.New("stopped before everything was delivered")

// outcome is the error of a run: that an asked-for stop cut something short is none.
func outcome(ctx, delivery context.Context, err error) error {
	if cause := context.Cause(delivery); cause != nil && !errors.Is(cause, context.Canceled) && !errors.Is(cause, errStopped) {
		return cause
	}
	select {
	case <-ctx.Done():
		return nil
	default:
		return err
	}
}

// turn reads once, folds, and hands on the batch when it is full, old, or nothing more comes.
func (a *Aggregator) turn(ctx, delivery context.Context, reader pipeline.Reader, head uint64) error {
	messages, err := reader.Next(ctx, a.config.FlushIdle)
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	for i := range messages {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := a.giveWay(ctx, delivery, messages[i].Position); err != nil {
			return err
		}
		if err := a.fold(&messages[i]); err != nil {
			return err
		}
	}
	if len(messages) == 0 && a.position < head && !a.ready.Load() { // the last ones may have been erased
		end, err := lastHeld(ctx, a.Log, head)
		if err != nil && !comesBack(err) {
			return err
		}
		if err == nil && a.position >= end {
			a.position = head
		}
	}
	if a.position >= head && !a.ready.Load() {
		a.ready.Store(true)
		a.Logger.Info().Uint64("position", a.position).Msg("caught up with the log")
	}
	if err := a.look(ctx, delivery); err != nil {
		return err
	}
	if a.due(len(messages)) {
		if err := a.hand(delivery); err != nil {
			return err
		}
	}
	a.tick(ctx)
	a.lookAtDays(ctx, len(messages))
	return nil
}

// due says whether the batch should go.
func (a *Aggregator) due(read int) bool {
	b := a.batch
	return b.position != 0 && (read == 0 || b.rows() >= a.config.FlushRows || time.Since(b.began) >= a.config.FlushEvery)
}

// hand gives the batch to the delivering goroutine, waiting for the one before.
func (a *Aggregator) hand(delivery context.Context) error {
	if err := a.complete(); err != nil {
		return err
	}
	select {
	case a.inserts <- a.batch:
		a.handed, a.batch = a.batch.done, newBatch(a.Partitions)
		return nil
	case <-delivery.Done():
		return context.Cause(delivery)
	}
}

// complete adds, after all rows, how far each partition has come and what it has counted; and, when it is time, the state.
func (a *Aggregator) complete() (err error) {
	b := a.batch
	a.lane.pass(a.position)
	b.changes.Rows.Generation = a.lane.generation.Number
	for p, part := range a.lane.partitions {
		if part.Position() > a.stored[p].Position {
			part.Account(&b.changes.Rows)
		}
	}
	b.compact()
	if time.Since(a.saved) >= max(a.config.CheckpointEvery, saveShare*time.Duration(a.saveTook.Load())) {
		b.state, err = a.snapshot()
	}
	return err
}

// saveShare keeps the saving of a large state to a twentieth of the time.
const saveShare = 20

// identify adds to each frontier the id of the message that the log holds there, by which another log is known. While the
// log is away it tries again.
func identify(ctx context.Context, log pipeline.Log, rows *pipeline.Rows) (err error) {
	ids := map[uint64]string{}
	for i := range rows.Frontier {
		f := &rows.Frontier[i]
		if _, known := ids[f.Position]; !known {
			if ids[f.Position], err = messageID(ctx, log, f.Position); err != nil {
				return err
			}
		}
		f.MessageID = ids[f.Position]
	}
	return nil
}

func messageID(ctx context.Context, log pipeline.Log, position uint64) (string, error) {
	return backoff.Retry(ctx, func() (string, error) {
		id, err := log.MessageID(ctx, position)
		if err != nil && !comesBack(err) {
			err = backoff.Permanent(err)
		}
		return id, err
	}, backoff.WithMaxElapsedTime(0))
}

func (a *Aggregator) snapshot() (*snapshot, error) {
	a.saved = time.Now()
	return a.lane.snapshot()
}

// fold applies one message to the partitions that see it. What is stored or told already is folded in silence.
func (a *Aggregator) fold(m *pipeline.Message) error {
	a.position = m.Position
	if a.batch.position == 0 {
		a.batch.began = time.Now()
	}
	a.batch.position = m.Position
	a.Metrics.folded(m)
	return a.lane.apply(m, a.took)
}

// took keeps what one message changed in one partition.
func (a *Aggregator) took(p int, c *pipeline.Changes) {
	if a.position > a.stored[p].Position {
		a.batch.take(c)
	}
	for i := range c.Told {
		t := c.Told[i]
		if t.Generation = a.lane.generation.Number; a.told[p].Before(t.Place) {
			a.batch.tell(p, t)
		}
	}
	for _, s := range c.SetAside {
		if s.Position > a.aside[s.Reason] {
			a.batch.changes.SetAside = append(a.batch.changes.SetAside, s)
		}
	}
}

// deliver inserts and tells batch after batch: rows first, so that who hears of a breakpoint can read it.
func (a *Aggregator) deliver(ctx context.Context) error {
	for b := range a.inserts {
		a.delivering.Store(time.Now().UnixNano())
		if err := a.deliverOne(ctx, b); err != nil {
			return err
		}
		a.delivering.Store(0)
		close(b.done)
		a.pass(b.state)
	}
	return nil
}

// pass gives a state to the goroutine that saves; while that one is busy, it is let go: a later one will do.
func (a *Aggregator) pass(s *snapshot) {
	if s == nil {
		return
	}
	select {
	case a.saves <- s:
	default:
	}
}

// save writes checkpoints, one after the other. Only that another owner has written one is a reason to stop.
func (a *Aggregator) save(ctx context.Context) error {
	saver := newSaver(&a.Dependencies)
	for s := range a.saves {
		began := time.Now()
		err := a.saveOne(ctx, saver, s)
		switch {
		case err == nil:
			a.saveTook.Store(int64(time.Since(began)))
			a.Metrics.saved(s.position, time.Since(began))
		case errors.Is(err, pipeline.ErrFenced):
			return fmt.Errorf("aggregator: %w", err)
		case ctx.Err() == nil:
			a.Logger.Warn().Err(err).Msg("no checkpoint was saved; the next restart takes longer")
		}
	}
	return nil
}

// saveOne saves a snapshot, unless its generation is over.
func (a *Aggregator) saveOne(ctx context.Context, saver *saver, s *snapshot) error {
	a.saving.Lock()
	defer a.saving.Unlock()
	if s.lane.over {
		return nil
	}
	err := saver.save(ctx, s)
	if err != nil { // what is not saved is merged all the same
		for _, archive := range s.lane.archives {
			err = errors.Join(err, archive.compact())
		}
	}
	return err
}

func (a *Aggregator) deliverOne(ctx context.Context, b *batch) error {
	if err := a.setAside(ctx, b); err != nil {
		return err
	}
	if err := identify(ctx, a.Log, &b.changes.Rows); err != nil {
		return fmt.Errorf("aggregator: %w", err)
	}
	began := time.Now()
	if err := a.Store.Insert(ctx, &b.changes.Rows); err != nil {
		return fmt.Errorf("aggregator: %w", err)
	}
	a.Metrics.inserted(b, time.Since(began))
	for p, messages := range b.told {
		if err := a.tell(ctx, p, messages); err != nil {
			return err
		}
	}
	return nil
}

// tell repeats until the messages are stored, ctx ends, or another owner is there. The teller knows what it has stored.
func (a *Aggregator) tell(ctx context.Context, p int, messages []pipeline.Told) error {
	if len(messages) == 0 {
		return nil
	}
	_, err := backoff.Retry(ctx, func() (bool, error) {
		err := a.Teller.Tell(ctx, p, messages)
		if err != nil && !comesBack(err) {
			return false, backoff.Permanent(fmt.Errorf("aggregator: %w", err))
		}
		return true, err
	}, backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, wait time.Duration) {
		a.Logger.Warn().Err(err).Int("partition", p).Dur("again_in", wait).Msg("JOURNEYS did not take messages")
	}))
	return err
}

// comesBack says whether waiting can mend an error of the log. Another owner, or a message that no server would take, it
// cannot.
func comesBack(err error) bool {
	return errors.Is(err, pipeline.ErrLogAway) || errors.Is(err, pipeline.ErrLogBusy) || errors.Is(err, pipeline.ErrLogFull)
}

// setAside keeps what could not be folded, with its reason.
func (a *Aggregator) setAside(ctx context.Context, b *batch) error {
	if len(b.changes.SetAside) == 0 {
		return nil
	}
	var list []pipeline.Rejection
	for _, s := range b.changes.SetAside {
		a.Logger.Warn().Err(s.Cause).Uint64("position", s.Position).Str("reason", s.Reason).Str("source", s.Source).Msg("event set aside")
		list = append(list, pipeline.Rejection{
			Reason: s.Reason, Source: s.Source, Field: s.Field, Expected: s.Expected, Position: s.Position, SeenAt: event.InstantOf(a.Now()),
		})
	}
	_, err := backoff.Retry(ctx, func() (bool, error) { return true, a.Rejecter.Reject(ctx, list) }, backoff.WithMaxElapsedTime(0))
	return err
}
