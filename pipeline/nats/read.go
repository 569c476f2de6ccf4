package nats

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

const (
	batchMost    = 1024     // messages in one answer of Next
	queueMost    = 4 * 1024 // messages read ahead
	queueBytes   = 32 << 20 // or as many bytes
	pullMost     = 2048     // messages asked for at a time
	pullBytes    = 16 << 20
	heartbeat    = 5 * time.Second // silence of twice this makes a reader begin again
	resumeFirst  = 50 * time.Millisecond
	resumeLongst = 5 * time.Second
)

// Head is the position of the last message stored in EVENTS, 0 for none.
func (b *Bus) Head(ctx context.Context) (uint64, error) {
	stream, err := b.api.Stream(ctx, streamEvents)
	if err != nil {
		return 0, fmt.Errorf("head of the log: %w", logError(err))
	}
	return stream.CachedInfo().State.LastSeq, nil
}

// Read starts an ordered reader of EVENTS at a position (0 and 1 are the first), by one consumer without filter or
// acknowledgements. It comes back by itself, at the position after the last one it gave, when the server restarts or the
// connection is lost; Next then gives nothing for a while. It ends with ctx, with Close, and with an error when EVENTS is
// gone or the connection is closed for good.
func (b *Bus) Read(ctx context.Context, from uint64) (pipeline.Reader, error) {
	return b.read(ctx, streamEvents, from, nil, entryOf)
}

func entryOf(m jetstream.Msg, meta *jetstream.MsgMetadata) pipeline.Message {
	return pipeline.Message{
		Position:  meta.Sequence.Stream,
		Partition: partitionOf(m.Subject(), subjectEvents),
		Type:      m.Headers().Get(headerType),
		StoredAt:  event.InstantOf(meta.Timestamp),
		Body:      m.Data(),
	}
}

// reader reads one stream ahead into a queue, in a goroutine of its own, until its context ends.
type reader struct {
	bus      *Bus
	stream   string
	subjects []string // the filter; none for the whole stream
	message  func(jetstream.Msg, *jetstream.MsgMetadata) pipeline.Message
	next     uint64 // the position to go on at; only the goroutine uses it

	cancel context.CancelFunc
	queue  queue
	given  []pipeline.Message // what Next gave last, used again
}

func (b *Bus) read(ctx context.Context, stream string, from uint64, subjects []string,
	message func(jetstream.Msg, *jetstream.MsgMetadata) pipeline.Message) (*reader, error) {
	if _, err := b.api.Stream(ctx, stream); err != nil {
		return nil, fmt.Errorf("read %s: %w", stream, logError(err))
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &reader{bus: b, stream: stream, subjects: subjects, message: message, next: max(from, 1), cancel: cancel, queue: newQueue()}
	go r.run(ctx)
	return r, nil
}

// Next gives what has come, at most 1024 messages.
func (r *reader) Next(ctx context.Context, wait time.Duration) ([]pipeline.Message, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		var err error
		if r.given, err = r.queue.take(r.given[:0], batchMost); len(r.given) > 0 || err != nil {
			return r.given, err
		}
		select {
		case <-r.queue.filled:
		case <-timer.C:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Close ends the reader; a Next that waits gives pipeline's error of a closed reader.
func (r *reader) Close() { r.cancel() }

// run consumes, and begins again behind the last message queued whenever the consumer is lost.
func (r *reader) run(ctx context.Context) {
	pause := resumeFirst
	for {
		before := r.next
		err := r.consume(ctx)
		if end := r.ended(ctx, err); end != nil {
			r.queue.end(end)
			return
		}
		if pause = min(2*pause, resumeLongst); r.next != before {
			pause = resumeFirst
		}
		r.bus.meter.resumed.Inc()
		r.bus.log.Warn().Err(err).Str("stream", r.stream).Uint64("position", r.next).Msg("reading begins again")
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// ended says why there is no point in going on, nil when there is.
func (r *reader) ended(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("read %s: %w", r.stream, ctx.Err())
	case r.bus.conn.IsClosed(), errors.Is(err, jetstream.ErrStreamNotFound):
		return fmt.Errorf("read %s: %w", r.stream, err)
	}
	return nil
}

// consume reads with one ordered consumer until it fails. The client would try for ever by itself, without regard to ctx
// and ten seconds apart: it gets one attempt.
func (r *reader) consume(ctx context.Context) error {
	c, err := r.bus.api.OrderedConsumer(ctx, r.stream, jetstream.OrderedConsumerConfig{
		FilterSubjects: r.subjects, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: r.next, MaxResetAttempts: 1,
		InactiveThreshold: time.Minute})
	if err != nil {
		return err
	}
	messages, err := c.Messages(jetstream.PullMaxMessagesWithBytesLimit(pullMost, pullBytes), jetstream.PullHeartbeat(heartbeat))
	if err != nil {
		return err
	}
	defer messages.Stop()
	stop := context.AfterFunc(ctx, messages.Stop)
	defer stop()
	for {
		m, err := messages.Next()
		if err != nil {
			return err
		}
		if err := r.put(ctx, m); err != nil {
			return err
		}
	}
}

func (r *reader) put(ctx context.Context, m jetstream.Msg) error {
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	if meta.Sequence.Stream < r.next {
		return fmt.Errorf("position %d came after %d", meta.Sequence.Stream, r.next-1)
	}
	if err := r.queue.put(ctx, r.message(m, meta)); err != nil {
		return err
	}
	r.next = meta.Sequence.Stream + 1
	r.bus.meter.read.Inc()
	return nil
}

// queue holds messages between the goroutine that reads ahead and the one that asks, bounded by number and bytes.
type queue struct {
	filled chan struct{} // holds one token while there may be something to take
	room   chan struct{} // holds one token while there may be room

	mu    sync.Mutex
	items []pipeline.Message
	bytes int
	err   error
}

func newQueue() queue {
	return queue{filled: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// put waits for room and adds one.
func (q *queue) put(ctx context.Context, m pipeline.Message) error {
	for !q.add(m) {
		select {
		case <-q.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (q *queue) add(m pipeline.Message) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) > 0 && (len(q.items) >= queueMost || q.bytes+len(m.Body) > queueBytes) {
		return false
	}
	q.items = append(q.items, m)
	q.bytes += len(m.Body)
	signal(q.filled)
	return true
}

// take moves at most n messages to the end of `to`; the error of the end comes when nothing is left.
func (q *queue) take(to []pipeline.Message, n int) ([]pipeline.Message, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		return to, q.err
	}
	n = min(n, len(q.items))
	for i := range q.items[:n] {
		q.bytes -= len(q.items[i].Body)
	}
	to = append(to, q.items[:n]...)
	q.items = append(q.items[:0], q.items[n:]...)
	if len(q.items) > 0 || q.err != nil {
		signal(q.filled)
	}
	signal(q.room)
	return to, nil
}

func (q *queue) end(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.err = err
	signal(q.filled)
}

// MessageID is the message id at a position of EVENTS; the type for one that was written without (the first). "" where
// the log holds nothing there.
func (b *Bus) MessageID(ctx context.Context, position uint64) (string, error) {
	stream, err := b.api.Stream(ctx, streamEvents)
	if err != nil {
		return "", fmt.Errorf("read position %d of the log: %w", position, logError(err))
	}
	m, err := stream.GetMsg(ctx, position)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("read position %d of the log: %w", position, logError(err))
	}
	if id := m.Header.Get(nats.MsgIdHdr); id != "" {
		return id, nil
	}
	return m.Header.Get(headerType), nil
}

// Account says which positions EVENTS holds: it asks the server for every sequence that is missing.
func (b *Bus) Account(ctx context.Context) (pipeline.LogAccount, error) {
	stream, err := b.api.Stream(ctx, streamEvents)
	if err != nil {
		return pipeline.LogAccount{}, fmt.Errorf("account for the log: %w", logError(err))
	}
	info, err := stream.Info(ctx, jetstream.WithDeletedDetails(true))
	if err != nil {
		return pipeline.LogAccount{}, fmt.Errorf("account for the log: %w", logError(err))
	}
	state := info.State
	before := min(max(state.FirstSeq, 1)-1, state.LastSeq)
	erased := make([]uint64, 0, before+uint64(len(state.Deleted)))
	for position := uint64(1); position <= before; position++ {
		erased = append(erased, position)
	}
	erased = append(erased, state.Deleted...)
	slices.Sort(erased)
	return pipeline.LogAccount{Last: state.LastSeq, Erased: erased}, nil
}
