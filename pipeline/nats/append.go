package nats

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parcours/pipeline"
)

// Append stores entries in EVENTS, all on their way at once, at most MaxPending unanswered, and waits for every answer.
// Entries of one call are stored in their order. An entry at fault (too large) fails alone; when the log is away, busy or
// full for one, those not yet sent get the same error, those already sent have their own outcome. An entry with an
// error may still have been stored (the answer was lost): append it again, its message id makes that harmless.
func (b *Bus) Append(ctx context.Context, entries []pipeline.Entry) []pipeline.Outcome {
	began := time.Now()
	out := make([]pipeline.Outcome, len(entries))
	sent := b.send(ctx, entries, out)
	for i, f := range sent {
		if f != nil {
			out[i] = await(ctx, f)
		}
	}
	b.meter.append.Observe(time.Since(began).Seconds())
	for i := range out {
		b.meter.appended.WithLabelValues(outcomeLabel(&out[i])).Inc()
	}
	return out
}

// send puts the entries on their way; one that could not be sent has its error in out and no future.
func (b *Bus) send(ctx context.Context, entries []pipeline.Entry, out []pipeline.Outcome) []jetstream.PubAckFuture {
	sent := make([]jetstream.PubAckFuture, len(entries))
	options := b.sendOptions()
	for i := range entries {
		f, err := b.sendOne(ctx, b.events, entryMessage(&entries[i]), options)
		if sent[i] = f; err == nil {
			continue
		}
		out[i].Err = err
		if !stops(err) {
			continue
		}
		for j := i + 1; j < len(entries); j++ {
			out[j].Err = err
		}
		break
	}
	return sent
}

// No retries behind our back: a message sent again after its successors would be stored out of order.
func (b *Bus) sendOptions() []jetstream.PublishOpt {
	return []jetstream.PublishOpt{jetstream.WithRetryAttempts(0), jetstream.WithStallWait(b.cfg.StallWait)}
}

func (b *Bus) sendOne(ctx context.Context, js jetstream.JetStream, m *nats.Msg, opts []jetstream.PublishOpt) (jetstream.PubAckFuture, error) {
	if err := ctx.Err(); err != nil {
		return nil, logError(err)
	}
	f, err := js.PublishMsgAsync(m, opts...)
	return f, logError(err)
}

func await(ctx context.Context, f jetstream.PubAckFuture) pipeline.Outcome {
	select {
	case ack := <-f.Ok():
		return pipeline.Outcome{Position: ack.Sequence, Duplicate: ack.Duplicate}
	case err := <-f.Err():
		return pipeline.Outcome{Err: logError(err)}
	case <-ctx.Done():
		return pipeline.Outcome{Err: logError(ctx.Err())}
	}
}

func entryMessage(e *pipeline.Entry) *nats.Msg {
	return &nats.Msg{Subject: entrySubject(e), Data: e.Body, Header: nats.Header{
		nats.MsgIdHdr:     {e.MsgID},
		headerType:        {headerValue(e.Type)},
		headerContentType: {contentCloudEvent},
	}}
}

// headerValue keeps a value on its line.
func headerValue(s string) string {
	if strings.ContainsAny(s, "\r\n") {
		return strings.NewReplacer("\r", " ", "\n", " ").Replace(s)
	}
	return s
}

// Error codes of JetStream that its client does not name.
const (
	codeAccountLimits   jetstream.ErrorCode = 10002 // resource limits exceeded for account
	codeNoResources     jetstream.ErrorCode = 10023 // insufficient resources
	codeMemoryExceeded  jetstream.ErrorCode = 10028
	codeStorageExceeded jetstream.ErrorCode = 10047 // insufficient storage resources available
	codeStoreFailed     jetstream.ErrorCode = 10077 // its description tells why
	codeBatchDuplicate  jetstream.ErrorCode = 10201 // an atomic batch holds a message id that is stored
	codeBatchIncomplete jetstream.ErrorCode = 10176 // messages of an atomic batch were lost on the way
)

// wrongLastSequence: the stream does not end where the writer thought (one code on one replica, another on several).
func wrongLastSequence(err error) bool {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return false
	}
	return api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant
}

// refused: a batch does not stand where it was meant to, or a copy of it stands there already.
func refused(err error) bool {
	var api *jetstream.APIError
	return wrongLastSequence(err) || errors.As(err, &api) && api.ErrorCode == codeBatchDuplicate
}

// logError tells what an error means to whoever appends: away, busy, full, or (left as it is) a fault of the message.
func logError(err error) error {
	var api *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &api):
		return apiError(api, err)
	case errors.Is(err, jetstream.ErrTooManyStalledMsgs):
		return fmt.Errorf("%w: %w", pipeline.ErrLogBusy, err)
	case errors.Is(err, nats.ErrMaxPayload), errors.Is(err, nats.ErrBadSubject), errors.Is(err, nats.ErrBadHeaderMsg):
		return err
	default: // no responders, time passed, disconnected, closed: nobody answered
		return fmt.Errorf("%w: %w", pipeline.ErrLogAway, err)
	}
}

func apiError(api *jetstream.APIError, err error) error {
	switch api.ErrorCode {
	case codeAccountLimits, codeNoResources, codeMemoryExceeded, codeStorageExceeded:
		return fmt.Errorf("%w: %w", pipeline.ErrLogFull, err)
	case codeStoreFailed:
		return storeError(api.Description, err)
	}
	if api.Code == http.StatusTooManyRequests {
		return fmt.Errorf("%w: %w", pipeline.ErrLogBusy, err)
	}
	if api.Code >= http.StatusInternalServerError || api.ErrorCode == codeBatchIncomplete {
		return fmt.Errorf("%w: %w", pipeline.ErrLogAway, err)
	}
	return err
}

func storeError(why string, err error) error {
	switch {
	case strings.HasPrefix(why, "maximum "), strings.Contains(why, "no space left"):
		return fmt.Errorf("%w: %w", pipeline.ErrLogFull, err)
	case strings.Contains(why, "message too large"):
		return err
	}
	return fmt.Errorf("%w: %w", pipeline.ErrLogAway, err)
}

// stops says whether entries after one with this error need not be tried.
func stops(err error) bool {
	return errors.Is(err, pipeline.ErrLogAway) || errors.Is(err, pipeline.ErrLogBusy) || errors.Is(err, pipeline.ErrLogFull)
}

func outcomeLabel(o *pipeline.Outcome) string {
	switch {
	case o.Err == nil && o.Duplicate:
		return "duplicate"
	case o.Err == nil:
		return "stored"
	case errors.Is(o.Err, pipeline.ErrLogAway):
		return "away"
	case errors.Is(o.Err, pipeline.ErrLogBusy):
		return "busy"
	case errors.Is(o.Err, pipeline.ErrLogFull):
		return "full"
	}
	return "fault"
}
