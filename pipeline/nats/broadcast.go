package nats

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// Broadcasts implements pipeline.Log. It asks once a message: there are few of them.
func (b *Bus) Broadcasts(ctx context.Context, typ string) (list []pipeline.Message, err error) {
	stream, err := b.api.Stream(ctx, streamEvents)
	if err != nil {
		return nil, fmt.Errorf("look for %s in the log: %w", typ, logError(err))
	}
	subject := entrySubject(&pipeline.Entry{Partition: pipeline.All, Family: typ})
	for next := uint64(1); ; {
		m, err := stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject(subject))
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			return list, nil
		case err != nil:
			return nil, fmt.Errorf("look for %s in the log: %w", typ, logError(err))
		}
		list = append(list, pipeline.Message{
			Position: m.Sequence, Partition: pipeline.All, Type: m.Header.Get(headerType), StoredAt: event.InstantOf(m.Time), Body: m.Data,
		})
		next = m.Sequence + 1
	}
}
