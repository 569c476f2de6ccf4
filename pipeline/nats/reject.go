package nats

import (
	"context"
	"encoding/json"
	"fmt"
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
}

// Reject stores rejections in REJECTED under `cx.rejected.<reason>`. After an error some may be stored; again is harmless
// but counts again.
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
		Bytes: r.Bytes, SHA256: r.SHA256, Sealed: r.Sealed, SeenAt: r.SeenAt.String()})
	if err != nil {
		return nil, fmt.Errorf("write a rejection: %w", err)
	}
	return &nats.Msg{Subject: rejectedSubject(r.Reason), Data: body, Header: nats.Header{headerContentType: {"application/json"}}}, nil
}

// ReadRejected reads REJECTED from a sequence on (1 is the first kept): Position is the sequence in REJECTED, Type the
// reason, Partition means nothing, Body is for DecodeRejected.
func (b *Bus) ReadRejected(ctx context.Context, from uint64) (pipeline.Reader, error) {
	return b.read(ctx, streamRejected, from, nil, func(m jetstream.Msg, meta *jetstream.MsgMetadata) pipeline.Message {
		return pipeline.Message{Position: meta.Sequence.Stream, Type: strings.TrimPrefix(m.Subject(), subjectRejected+"."),
			StoredAt: event.InstantOf(meta.Timestamp), Body: m.Data()}
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
		SHA256: r.SHA256, Sealed: r.Sealed, SeenAt: event.InstantOf(seen)}, nil
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
