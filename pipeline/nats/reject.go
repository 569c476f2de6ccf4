package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// rejected is a rejection as REJECTED holds it.
type rejected struct {
	Reason   string `json:"reason"`
	Source   string `json:"source,omitempty"`
	Field    string `json:"field,omitempty"`
	Expected string `json:"expected,omitempty"`
	Bytes    int    `json:"bytes"`
	SHA256   string `json:"sha256"`
	Sealed   []byte `json:"sealed"` // base64
	SeenAt   string `json:"seen_at"`
	Position uint64 `json:"position,omitempty"`
	Row      uint64 `json:"row,omitempty"`
}

// Reject stores rejections in REJECTED under `cx.rejected.<reason>`. After an error some may be stored; again is harmless
// but counts again, unless it has a Position: then JetStream itself drops a second one within its duplicate window, and
// LastSetAside tells for longer.
func (b *Bus) Reject(ctx context.Context, rejections []pipeline.Rejection) error {
	sent := make([]jetstream.PubAckFuture, 0, len(rejections))
	var failed error
	for i := range rejections {
		m, err := rejectedMessage(&rejections[i])
		if err != nil {
			return err
		}
		f, err := b.sendOne(ctx, b.apart, m, b.sendOptions())
		if err != nil {
			failed = err
			break
		}
		sent = append(sent, f)
	}
	for _, f := range sent {
		if o := await(ctx, f); o.Err != nil {
			failed = o.Err
			continue
		}
		b.meter.rejected.Inc()
	}
	if failed != nil {
		return fmt.Errorf("keep %d rejections: %w", len(rejections), failed)
	}
	return nil
}

func rejectedMessage(r *pipeline.Rejection) (*nats.Msg, error) {
	body, err := json.Marshal(rejected{Reason: r.Reason, Source: r.Source, Field: r.Field, Expected: r.Expected,
		Bytes: r.Bytes, SHA256: r.SHA256, Sealed: r.Sealed, SeenAt: r.SeenAt.String(), Position: r.Position, Row: r.Row})
	if err != nil {
		return nil, fmt.Errorf("write a rejection: %w", err)
	}
	m := &nats.Msg{Subject: rejectedSubject(r.Reason), Data: body, Header: nats.Header{headerContentType: {"application/json"}}}
	if r.Position > 0 {
		position := strconv.FormatUint(r.Position, 10)
		m.Header.Set(headerPosition, position)
		m.Header.Set(nats.MsgIdHdr, "aside-"+position+"-"+token(r.Reason))
	}
	return m, nil
}

// LastSetAside gives the highest Position among the last rejections that REJECTED keeps for each of these reasons, 0 for
// none: what it kept before has expired, or was never there. Only the last one of a reason counts: a reason that is also
// given without a position, or out of order, tells nothing.
func (b *Bus) LastSetAside(ctx context.Context, reasons []string) (uint64, error) {
	stream, err := b.api.Stream(ctx, streamRejected)
	if err != nil {
		return 0, fmt.Errorf("last set aside: %w", logError(err))
	}
	var highest uint64
	for _, reason := range reasons {
		position, err := lastSetAside(ctx, stream, reason)
		if err != nil {
			return 0, fmt.Errorf("last set aside as %s: %w", reason, err)
		}
		highest = max(highest, position)
	}
	return highest, nil
}

func lastSetAside(ctx context.Context, stream jetstream.Stream, reason string) (uint64, error) {
	m, err := stream.GetLastMsgForSubject(ctx, rejectedSubject(reason))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return 0, nil
	case err != nil:
		return 0, logError(err)
	}
	position := m.Header.Get(headerPosition)
	if position == "" {
		return 0, nil
	}
	return strconv.ParseUint(position, 10, 64)
}

// Rejected gives one message of REJECTED by its sequence there, in the shape of ReadRejected; pipeline.ErrNoObject when it
// has expired or never was.
func (b *Bus) Rejected(ctx context.Context, sequence uint64) (pipeline.Message, error) {
	stream, err := b.api.Stream(ctx, streamRejected)
	if err != nil {
		return pipeline.Message{}, fmt.Errorf("read rejection %d: %w", sequence, logError(err))
	}
	m, err := stream.GetMsg(ctx, max(sequence, 1))
	switch {
	case sequence == 0, errors.Is(err, jetstream.ErrMsgNotFound):
		return pipeline.Message{}, fmt.Errorf("read rejection %d: %w", sequence, pipeline.ErrNoObject)
	case err != nil:
		return pipeline.Message{}, fmt.Errorf("read rejection %d: %w", sequence, logError(err))
	}
	return rejectedEntry(m.Subject, m.Sequence, m.Time, m.Data), nil
}

func rejectedEntry(subject string, sequence uint64, storedAt time.Time, body []byte) pipeline.Message {
	return pipeline.Message{Position: sequence, Type: strings.TrimPrefix(subject, subjectRejected+"."),
		StoredAt: event.InstantOf(storedAt), Body: body}
}

// ReadRejected reads REJECTED from a sequence on (1 is the first kept): Position is the sequence in REJECTED, Type the
// reason, Partition means nothing, Body is for DecodeRejected.
func (b *Bus) ReadRejected(ctx context.Context, from uint64) (pipeline.Reader, error) {
	return b.read(ctx, streamRejected, from, nil, func(m jetstream.Msg, meta *jetstream.MsgMetadata) pipeline.Message {
		return rejectedEntry(m.Subject(), meta.Sequence.Stream, meta.Timestamp, m.Data())
	})
}

// DecodeRejected reads the body of a message of REJECTED.
func DecodeRejected(body []byte) (pipeline.Rejection, error) {
	var r rejected
	if err := json.Unmarshal(body, &r); err != nil {
		return pipeline.Rejection{}, fmt.Errorf("read a rejection: %w", err)
	}
	seen, err := time.Parse(event.TimeLayout, r.SeenAt)
	if err != nil {
		return pipeline.Rejection{}, fmt.Errorf("read a rejection: %w", err)
	}
	return pipeline.Rejection{Reason: r.Reason, Source: r.Source, Field: r.Field, Expected: r.Expected, Bytes: r.Bytes,
		SHA256: r.SHA256, Sealed: r.Sealed, SeenAt: event.InstantOf(seen), Position: r.Position, Row: r.Row}, nil
}

// RejectedCount gives, by reason, how many rejections REJECTED keeps now.
func (b *Bus) RejectedCount(ctx context.Context) (map[string]uint64, error) {
	stream, err := b.api.Stream(ctx, streamRejected)
	if err != nil {
		return nil, fmt.Errorf("count rejections: %w", logError(err))
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(everything(subjectRejected)))
	if err != nil {
		return nil, fmt.Errorf("count rejections: %w", logError(err))
	}
	counts := make(map[string]uint64, len(info.State.Subjects))
	for subject, n := range info.State.Subjects {
		counts[strings.TrimPrefix(subject, subjectRejected+".")] = n
	}
	return counts, nil
}
