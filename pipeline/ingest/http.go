package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/semaphore"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// ReplayHeader marks a request whose events were taken out of REJECTED: what of them is refused again is answered, and not
// kept a second time. A replay writes no system types, whosever key it carries.
const ReplayHeader = "Parcours-Replay"

// Handler takes events over HTTP: `POST /v1/events`, in the CloudEvents modes binary, structured and batch, or as NDJSON.
//
//	202  every accepted event is stored in the log; refused ones, if any, are listed
//	422  nothing was accepted and something refused
//	400  nothing in the request (an empty array is a batch of none: 202)
//	401  no key, or a wrong one
//	405  not a POST
//	413  more bytes than allowed; of a request that does not say its length, what came before is stored all the same
//	415  a content type or encoding that is not understood
//	429  come again: too much at once, here or in the log
//	503  come again: the log is away, or what was refused could not be kept
//	507  the log is full: an operator has to make room
//
// Every answer has accepted, duplicates and refused; from 400 on it is also a problem after RFC 9457. Whatever the answer,
// the same request may be sent again: what is stored counts as duplicate.
type Handler struct {
	cfg      Config
	door     *Door
	keys     keyring
	requests *semaphore.Weighted
	inFlight *semaphore.Weighted
	log      zerolog.Logger
}

// NewHandler puts HTTP before a door.
func NewHandler(cfg Config, door *Door, log zerolog.Logger) (*Handler, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Handler{cfg: cfg, door: door, keys: newKeyring(cfg.Keys), log: log,
		requests: semaphore.NewWeighted(cfg.MaxRequests), inFlight: semaphore.NewWeighted(cfg.MaxInFlight)}, nil
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	a := h.serve(w, r)
	a.write(w)
	status := a.Status
	if status == 0 {
		status = http.StatusAccepted
	}
	h.door.Metrics.requests.WithLabelValues(strconv.Itoa(status)).Observe(time.Since(began).Seconds())
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) *answer {
	a := &answer{}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return a.wrong(http.StatusMethodNotAllowed, "method", "Events are sent with POST", "expected POST")
	}
	origin, ok := h.keys.admit(r)
	if !ok {
		w.Header().Set("WWW-Authenticate", "Bearer")
		return a.wrong(http.StatusUnauthorized, "unauthorized", "No valid API key",
			"expected Authorization: Bearer KEY, or X-API-Key: KEY")
	}
	if r.ContentLength > h.cfg.MaxBody {
		return h.tooLarge(a)
	}
	release, ok := h.admit(r)
	if !ok {
		return h.busy(a)
	}
	defer release()
	if r.Header.Get(ReplayHeader) != "" { // whoever replays speaks for those who were refused: no operator
		origin.Replay, origin.Operator = true, false
	}
	return h.take(w, r, origin, a)
}

// admit holds a place for a request and the memory it may need; it waits for neither.
func (h *Handler) admit(r *http.Request) (release func(), ok bool) {
	if !h.requests.TryAcquire(1) {
		return nil, false
	}
	need := h.cfg.inMemory()
	if r.Header.Get("Content-Encoding") != "" {
		need += zstdWindow
	} else if r.ContentLength >= 0 {
		need = min(need, 1+r.ContentLength)
	}
	if !h.inFlight.TryAcquire(need) {
		h.requests.Release(1)
		return nil, false
	}
	return func() {
		h.inFlight.Release(need)
		h.requests.Release(1)
	}, true
}

// take reads the request to its end, chunk by chunk.
func (h *Handler) take(w http.ResponseWriter, r *http.Request, origin Origin, a *answer) *answer {
	// A server that knows no deadlines (a recorder in a test) does without.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.cfg.ReadTimeout))
	body, err := h.body(w, r)
	if err != nil {
		w.Header().Set("Accept-Encoding", "gzip, zstd")
		return a.wrong(http.StatusUnsupportedMediaType, "content-encoding", "The content encoding is not understood", "expected gzip, zstd or none")
	}
	defer body.Close()
	from, err := h.source(r, body)
	if err != nil {
		w.Header().Set("Accept", acceptedTypes)
		return a.wrong(http.StatusUnsupportedMediaType, "content-type", "The content type is not understood", "expected one of "+acceptedTypes)
	}
	return h.chunks(r.Context(), rowsOf(r.Header.Get(RowsHeader)).with(from), origin, a)
}

// source gives the events of a request one after the other, io.EOF behind the last.
type source func() (Raw, error)

func (h *Handler) chunks(ctx context.Context, next source, origin Origin, a *answer) *answer {
	for seen := 0; ; {
		chunk, end := h.chunk(next, h.cfg.MaxEvents-seen)
		if len(chunk) > 0 {
			res := h.door.Accept(ctx, chunk, origin)
			a.add(res, seen)
			seen += len(chunk)
			if res.Err != nil {
				return h.failed(a, res.Err, origin)
			}
		}
		switch {
		case errors.Is(end, errTooLarge):
			return h.tooLarge(a)
		case errors.Is(end, io.EOF) && seen == 0:
			return a.wrong(http.StatusBadRequest, "empty", "There is no event in the request", "expected at least one event")
		case end != nil:
			return a.finish()
		}
	}
}

// chunk reads events until there is enough for one pass through the door, or no more; the error says why there are no
// more. What goes beyond the allowed number of events is one broken piece.
func (h *Handler) chunk(next source, room int) ([]Raw, error) {
	var chunk []Raw
	for size := 0; len(chunk) < h.cfg.ChunkEvents && size < h.cfg.ChunkBytes; {
		raw, err := next()
		if errors.Is(err, io.EOF) || errors.Is(err, errTooLarge) || errors.Is(err, errNoEvents) {
			return chunk, err
		}
		if len(chunk) == room {
			return append(chunk, h.tooMany(raw)), io.EOF
		}
		chunk = append(chunk, raw)
		if size += len(raw.Body); err != nil {
			return chunk, io.EOF // the piece says that the body could not be read on
		}
	}
	return chunk, nil
}

func (h *Handler) tooMany(first Raw) Raw {
	whole := first.whole()
	return Raw{Body: whole, Row: first.Row, Broken: &Broken{Bytes: len(whole), SHA256: digest(whole), Refusal: event.Refusal{
		Reason: event.ReasonTooMany, Expected: fmt.Sprintf("at most %d events in a request: this one and all behind it were not read", h.cfg.MaxEvents)}}}
}

// finish is the answer to a request that was read to its end and stored.
func (a *answer) finish() *answer {
	if a.Accepted > 0 || a.RefusedCount == 0 {
		return a
	}
	return a.wrong(http.StatusUnprocessableEntity, "refused", "No event was accepted", fmt.Sprintf("%d refused: see refused", a.RefusedCount))
}

func (h *Handler) tooLarge(a *answer) *answer {
	return a.wrong(http.StatusRequestEntityTooLarge, "body-too-large", "The request is too large",
		fmt.Sprintf("expected at most %d bytes, as sent and decompressed", h.cfg.MaxBody))
}

func (h *Handler) busy(a *answer) *answer {
	a.retryAfter = h.retryAfter()
	return a.wrong(http.StatusTooManyRequests, "busy", "Too much at once", "expected to be sent again later")
}

func (h *Handler) retryAfter() int { return max(1, int(h.cfg.RetryAfter/time.Second)) }

// failed is the answer when not everything is stored.
func (h *Handler) failed(a *answer, err error, origin Origin) *answer {
	h.log.Warn().Err(err).Str("key", origin.Name).Int("accepted", a.Accepted).Msg("a batch was not stored whole")
	switch {
	case errors.Is(err, pipeline.ErrLogBusy):
		return h.busy(a)
	case errors.Is(err, pipeline.ErrLogFull):
		return a.wrong(http.StatusInsufficientStorage, "log-full", "The log is full", "expected to be sent again when an operator has made room")
	}
	a.retryAfter = h.retryAfter()
	return a.wrong(http.StatusServiceUnavailable, "log-away", "The log is away", "expected to be sent again: not everything is stored")
}
