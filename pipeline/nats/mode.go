package nats

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// Info is what a log that exists says of itself now. It makes and writes nothing.
func (b *Bus) Info(ctx context.Context) (LogInfo, error) {
	stream, err := b.api.Stream(ctx, streamEvents)
	if err != nil {
		return LogInfo{}, fmt.Errorf("read what the log says of itself: %w", logError(err))
	}
	first, err := stream.GetMsg(ctx, 1)
	if err != nil {
		return LogInfo{}, fmt.Errorf("read position 1 of the log, which says its partitions and mode: %w", err)
	}
	info, err := readOpened(first.Data)
	if err != nil {
		return LogInfo{}, err
	}
	changed := modeEntry(ModeWall, 0)
	last, err := stream.GetLastMsgForSubject(ctx, entrySubject(&changed))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return info, nil
	case err != nil:
		return LogInfo{}, fmt.Errorf("read the clock mode of the log: %w", logError(err))
	}
	if info.Mode, err = readMode(last.Data); err != nil {
		return LogInfo{}, fmt.Errorf("position %d of the log: %w", last.Sequence, err)
	}
	return info, nil
}

// ChangeMode tells the log that its clock mode is another from here on, and gives the position of the message. Who says
// the same twice within a second says it once.
func (b *Bus) ChangeMode(ctx context.Context, mode string, at time.Time) (position uint64, err error) {
	if mode != ModeWall && mode != ModeLog {
		return 0, fmt.Errorf("change the clock mode to %q: expected %s or %s", mode, ModeWall, ModeLog)
	}
	out := b.Append(ctx, []pipeline.Entry{modeEntry(mode, event.InstantOf(at.Truncate(time.Second)))})[0]
	if out.Err != nil {
		return 0, fmt.Errorf("change the clock mode: %w", out.Err)
	}
	return out.Position, nil
}

// modeEntry is seen by every partition at one position.
func modeEntry(mode string, at event.Instant) pipeline.Entry {
	e := event.Event{ID: event.ClockModeChanged + "." + mode + "." + at.String(), Source: openedSource, Type: event.ClockModeChanged, At: at,
		Data: event.Data{Mode: mode}}
	return pipeline.Entry{MsgID: event.MessageID(e.Source, e.ID), Partition: pipeline.All, Family: e.Type, Type: e.Type,
		Body: event.AppendLog(nil, &e)}
}

func readMode(body []byte) (string, error) {
	e, err := event.DecodeLog(body)
	if err != nil {
		return "", err
	}
	if e.Type != event.ClockModeChanged || e.Data.Mode != ModeWall && e.Data.Mode != ModeLog {
		return "", fmt.Errorf("a %s to mode %q, expected %s to %s or %s", e.Type, e.Data.Mode, event.ClockModeChanged, ModeWall, ModeLog)
	}
	return e.Data.Mode, nil
}
