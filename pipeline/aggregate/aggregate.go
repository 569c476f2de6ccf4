// Package aggregate is the loop that owns partitions: it reads the log, folds, inserts rows and tells JOURNEYS.
//
// What fails, and what then: the log is away - the reader comes back by itself, the loop waits. ClickHouse is away or
// slow - Insert waits, the loop waits behind it, nothing is told before its rows are in. JOURNEYS refuses because another
// owner writes - the loop stops with pipeline.ErrFenced. The process is killed - the next one folds the log again from
// its start and neither inserts nor tells what is already there: the frontier and the tail of JOURNEYS say how far that is.
package aggregate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/rs/zerolog"

	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// Dependencies are what the loop works with.
type Dependencies struct {
	Log        pipeline.Log
	Appender   pipeline.Appender // for ticks; may be nil in log mode
	Store      pipeline.Store
	Teller     pipeline.Teller
	Rejecter   pipeline.Rejecter
	Book       *rules.Book
	Partitions int
	Wall       bool             // clock mode of the deployment: ticks follow real time
	Now        func() time.Time // for ticks
	Logger     zerolog.Logger
	Metrics    *Metrics
}

// Aggregator owns all partitions of one log in one process.
type Aggregator struct {
	Dependencies
	config     Config
	generation uint32
	partitions []*pipeline.Partition
	stored     []uint64 // per partition: the position up to which rows are in
	told       []mark   // per partition: the last message told
	ticked     []time.Time
	looked     time.Time // when it was last seen whether a tick is due
	position   uint64    // of the last message read
	batch      *batch
	inserts    chan *batch
	delivered  chan struct{} // closed when nothing more is delivered
	ready      atomic.Bool
	delivering atomic.Int64 // when the batch under way was handed over, Unix nanoseconds; 0 for none
}

// mark is a place in the messages of a partition.
type mark struct {
	position uint64
	ordinal  uint32
}

func (m mark) before(t *pipeline.Told) bool {
	return t.Position > m.position || t.Position == m.position && t.Ordinal > m.ordinal
}

// New makes an aggregator; Run starts it.
func New(config Config, d Dependencies) (*Aggregator, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("aggregator: %w", err)
	}
	a := &Aggregator{Dependencies: d, config: config, inserts: make(chan *batch), delivered: make(chan struct{})}
	for p := range d.Partitions {
		a.partitions = append(a.partitions, pipeline.NewPartition(p, d.Book))
	}
	a.stored = make([]uint64, d.Partitions)
	a.told = make([]mark, d.Partitions)
	a.ticked = make([]time.Time, d.Partitions)
	return a, nil
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
// told if that takes no longer than stopping.
func (a *Aggregator) Run(ctx context.Context) error {
	head, reader, err := a.start(ctx)
	if err != nil {
		return outcome(ctx, ctx, err)
	}
	defer reader.Close()
	a.Logger.Info().Uint64("head", head).Int("partitions", a.Partitions).Uint32("generation", a.generation).
		Str("rules", a.Book.Version()).Msg("folding the log from its start")
	return a.loop(ctx, reader, head)
}

// start claims the partitions and begins to read. A log that ends before what is stored or told already is not the log
// they came from (it was lost in part, or replaced): to go on would let new events vanish behind the frontier.
func (a *Aggregator) start(ctx context.Context) (head uint64, reader pipeline.Reader, err error) {
	if err := a.claim(ctx); err != nil {
		return 0, nil, fmt.Errorf("aggregator: %w", err)
	}
	if head, err = a.Log.Head(ctx); err != nil {
		return 0, nil, fmt.Errorf("aggregator: %w", err)
	}
	for p := range a.partitions {
		if known := max(a.stored[p], a.told[p].position); known > head {
			return 0, nil, fmt.Errorf("aggregator: partition %d: %w (position %d is known, the log ends at %d)", p, ErrLogShorter, known, head)
		}
	}
	if reader, err = a.Log.Read(ctx, 1); err != nil {
		return 0, nil, fmt.Errorf("aggregator: %w", err)
	}
	return head, reader, nil
}

// ErrLogShorter means that the log does not reach as far as the tables or JOURNEYS do.
var ErrLogShorter = errors.New("the log ends before what the tables or JOURNEYS already hold: events were lost, or this is another log; " +
	"restore the log, or start with an empty database and empty streams")

// claim finds out what is stored and told already, and becomes the owner.
func (a *Aggregator) claim(ctx context.Context) (err error) {
	current, err := a.Store.Current(ctx)
	if err != nil {
		return err
	}
	a.generation = current.Number
	frontier, err := a.Store.Frontier(ctx, a.generation)
	if err != nil {
		return err
	}
	for p := range a.partitions {
		a.stored[p] = frontier[p]
		position, ordinal, err := a.Teller.Claim(ctx, p)
		if err != nil {
			return err
		}
		a.told[p] = mark{position, ordinal}
	}
	return nil
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
		end(a.deliver(delivery))
		close(a.delivered)
	}()
	reading, stopReading := context.WithCancel(ctx)
	defer context.AfterFunc(delivery, stopReading)() // nobody folds what nobody delivers
	defer stopReading()
	a.batch = newBatch(a.Partitions)
	var err error
	for err == nil {
		err = a.turn(reading, delivery, reader, head)
	}
	if ctx.Err() != nil && a.batch.position != 0 {
		_ = a.hand(delivery) // its failure is the delivery's, which is told below
	}
	close(a.inserts)
	<-a.delivered
	return outcome(ctx, delivery, err)
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
		a.fold(&messages[i])
	}
	if a.position >= head && !a.ready.Load() {
		a.ready.Store(true)
		a.Logger.Info().Uint64("position", a.position).Msg("caught up with the log")
	}
	if a.due(len(messages)) {
		if err := a.hand(delivery); err != nil {
			return err
		}
	}
	a.tick(ctx)
	return nil
}

// due says whether the batch should go.
func (a *Aggregator) due(read int) bool {
	b := a.batch
	return b.position != 0 && (read == 0 || b.rows() >= a.config.FlushRows || time.Since(b.began) >= a.config.FlushEvery)
}

// hand gives the batch to the delivering goroutine, waiting for the one before.
func (a *Aggregator) hand(delivery context.Context) error {
	a.frontier(a.batch)
	a.batch.compact()
	select {
	case a.inserts <- a.batch:
		a.batch = newBatch(a.Partitions)
		return nil
	case <-delivery.Done():
		return context.Cause(delivery)
	}
}

// frontier adds, after all rows, how far each partition has come.
func (a *Aggregator) frontier(b *batch) {
	b.changes.Rows.Generation = a.generation
	for p, part := range a.partitions {
		if a.position > a.stored[p] {
			b.changes.Rows.Frontier = append(b.changes.Rows.Frontier,
				pipeline.FrontierRow{Partition: p, Position: a.position, Clock: part.Clock()})
		}
	}
}

// fold applies one message to the partitions that see it. What is stored or told already is folded in silence.
func (a *Aggregator) fold(m *pipeline.Message) {
	a.position = m.Position
	if a.batch.position == 0 {
		a.batch.began = time.Now()
	}
	a.batch.position = m.Position
	a.Metrics.folded(m)
	e, err := event.DecodeLog(m.Body)
	if err != nil {
		a.setAsideOne(m, ReasonUndecodable)
		return
	}
	if m.Partition >= len(a.partitions) {
		a.setAsideOne(m, ReasonUndecodable)
		return
	}
	if m.Partition != pipeline.All {
		a.apply(m.Partition, m, &e)
		return
	}
	for p := range a.partitions {
		a.apply(p, m, &e)
	}
}

// setAsideOne sets a message aside, unless an earlier run has.
func (a *Aggregator) setAsideOne(m *pipeline.Message, reason string) {
	if m.Position > slices.Min(a.stored) {
		a.batch.changes.SetAside = append(a.batch.changes.SetAside, pipeline.SetAside{Position: m.Position, Reason: reason})
	}
}

// ReasonUndecodable is that of a message in EVENTS that is no event, or of a partition that the log does not have.
const ReasonUndecodable = "undecodable"

func (a *Aggregator) apply(p int, m *pipeline.Message, e *event.Event) {
	c := &a.batch.scratch
	*c = pipeline.Changes{Rows: pipeline.Rows{
		Events: c.Rows.Events[:0], Journeys: c.Rows.Journeys[:0], Steps: c.Rows.Steps[:0],
		Breakpoints: c.Rows.Breakpoints[:0], Aliases: c.Rows.Aliases[:0],
	}, Told: c.Told[:0], SetAside: c.SetAside[:0]}
	a.partitions[p].Apply(m, e, c)
	if m.Position > a.stored[p] {
		a.batch.take(c)
	}
	for i := range c.Told {
		if a.told[p].before(&c.Told[i]) {
			a.batch.tell(p, c.Told[i])
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
	}
	return nil
}

func (a *Aggregator) deliverOne(ctx context.Context, b *batch) error {
	if err := a.setAside(ctx, b); err != nil {
		return err
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
		a.Logger.Warn().Uint64("position", s.Position).Str("reason", s.Reason).Str("source", s.Source).Msg("event set aside")
		list = append(list, pipeline.Rejection{
			Reason: s.Reason, Source: s.Source, Field: "id", SeenAt: event.InstantOf(a.Now()), Position: s.Position,
			Expected: fmt.Sprintf("an event that the fold can use; see position %d of EVENTS", s.Position),
		})
	}
	_, err := backoff.Retry(ctx, func() (bool, error) { return true, a.Rejecter.Reject(ctx, list) }, backoff.WithMaxElapsedTime(0))
	return err
}
