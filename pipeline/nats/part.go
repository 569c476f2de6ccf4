package nats

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// AnyPartition stands in a Part for all of them, and for what all of them see.
const AnyPartition = -2

// Part is a part of the log that one subject names: a consumer with several is many times slower than one with none.
type Part struct {
	Partition int    // pipeline.All for what every partition sees; AnyPartition
	Channel   string // "" for any; not for pipeline.All
	Family    string // "" for any; for pipeline.All the type
}

func (p Part) subject() string {
	partition := "*"
	switch {
	case p.Partition == pipeline.All && p.Family != "":
		return entrySubject(&pipeline.Entry{Partition: pipeline.All, Family: p.Family})
	case p.Partition == pipeline.All:
		return everything(subjectEvents + "." + tokenAll)
	case p.Partition != AnyPartition:
		partition = strconv.Itoa(p.Partition)
	}
	subject := subjectEvents + "." + partition
	switch {
	case p.Channel == "" && p.Family == "":
		return everything(subject)
	case p.Family == "":
		return everything(subject + "." + token(p.Channel))
	case p.Channel == "":
		return subject + ".*." + token(p.Family)
	}
	return subject + "." + tokens(p.Channel, p.Family)
}

// whole says whether the part is all of the log: it is read without a filter.
func (p Part) whole() bool { return p == Part{Partition: AnyPartition} }

// ReadPart is Read for a part of the log: positions in between are passed over.
func (b *Bus) ReadPart(ctx context.Context, p Part, from uint64) (pipeline.Reader, error) {
	if p.whole() {
		return b.Read(ctx, from)
	}
	return b.read(ctx, streamEvents, from, []string{p.subject()}, entryOf)
}

// HeadOf is the position of the last message of a part of the log, 0 for none.
func (b *Bus) HeadOf(ctx context.Context, p Part) (uint64, error) {
	if p.whole() {
		return b.Head(ctx)
	}
	return b.lastOn(ctx, streamEvents, p.subject())
}

// JourneysHead is the sequence in JOURNEYS of the last message that a filter lets pass (see ReadJourneys), 0 for none.
func (b *Bus) JourneysHead(ctx context.Context, filter string) (uint64, error) {
	subject := everything(subjectJourneys)
	if filter != "" {
		subject = subjectJourneys + "." + filter
	}
	return b.lastOn(ctx, streamJourneys, subject)
}

// JourneysGathered says whether JOURNEYS holds all that its partitions hold: it gathers from them, and after a start it
// needs a moment.
func (b *Bus) JourneysGathered(ctx context.Context) (bool, error) {
	all, err := b.api.Stream(ctx, streamJourneys)
	if err != nil {
		return false, fmt.Errorf("look at %s: %w", streamJourneys, logError(err))
	}
	have, want := all.CachedInfo().State.Msgs, uint64(0)
	for p := 0; ; p++ {
		own, err := b.api.Stream(ctx, journeysStream(p))
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return have >= want, nil
		}
		if err != nil {
			return false, fmt.Errorf("look at %s: %w", journeysStream(p), logError(err))
		}
		want += own.CachedInfo().State.Msgs
	}
}

// lastOn is the sequence of the last message on a subject, which may have wildcards; 0 for none.
func (b *Bus) lastOn(ctx context.Context, name, subject string) (uint64, error) {
	stream, err := b.api.Stream(ctx, name)
	if err != nil {
		return 0, fmt.Errorf("find the end of %s: %w", name, logError(err))
	}
	m, err := stream.GetLastMsgForSubject(ctx, subject)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("find the end of %s: %w", name, logError(err))
	}
	return m.Sequence, nil
}

// At gives the message at a position of EVENTS as Read would; found is false where the log holds none there, because it
// ends before or because it was erased. The body is the caller's.
func (b *Bus) At(ctx context.Context, position uint64) (m pipeline.Message, found bool, err error) {
	stream, err := b.api.Stream(ctx, streamEvents)
	if err != nil {
		return m, false, fmt.Errorf("read position %d of the log: %w", position, logError(err))
	}
	raw, err := stream.GetMsg(ctx, max(position, 1))
	switch {
	case position == 0, errors.Is(err, jetstream.ErrMsgNotFound):
		return m, false, nil
	case err != nil:
		return m, false, fmt.Errorf("read position %d of the log: %w", position, logError(err))
	}
	return pipeline.Message{Position: raw.Sequence, Partition: partitionOf(raw.Subject, subjectEvents), Type: raw.Header.Get(headerType),
		StoredAt: event.InstantOf(raw.Time), Body: raw.Data}, true, nil
}

// EventsSince is the position of the first message of the log that was stored at a moment or later; behind the last one
// where there is none.
func (b *Bus) EventsSince(ctx context.Context, at time.Time) (uint64, error) {
	return b.since(ctx, streamEvents, at)
}

// JourneysSince is the same of JOURNEYS.
func (b *Bus) JourneysSince(ctx context.Context, at time.Time) (uint64, error) {
	return b.since(ctx, streamJourneys, at)
}

func (b *Bus) since(ctx context.Context, name string, at time.Time) (uint64, error) {
	failed := func(err error) error {
		return fmt.Errorf("find %s in %s: %w", at.Format(time.RFC3339), name, logError(err))
	}
	stream, err := b.api.Stream(ctx, name)
	if err != nil {
		return 0, failed(err)
	}
	end := stream.CachedInfo().State.LastSeq
	c, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartTimePolicy,
		OptStartTime: &at, MaxResetAttempts: 1, HeadersOnly: true, InactiveThreshold: time.Minute})
	if err != nil {
		return 0, failed(err)
	}
	batch, err := c.FetchNoWait(1)
	if err != nil {
		return 0, failed(err)
	}
	m, any := <-batch.Messages()
	if err := batch.Error(); !any && err != nil {
		return 0, failed(err)
	}
	if !any {
		return end + 1, nil
	}
	meta, err := m.Metadata()
	if err != nil {
		return 0, failed(err)
	}
	return meta.Sequence.Stream, nil
}
