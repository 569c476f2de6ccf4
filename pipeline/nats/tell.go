package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

const (
	claimTokens  = "owner.claimed"
	claimSource  = "/parcours/aggregator"
	settleRounds = 4 // refusals in a row that the tail does not explain
)

// owner is what this process knows of a partition it owns. Its lock makes Tell and Claim of one partition follow each other.
type owner struct {
	mu        sync.Mutex
	partition int
	claimed   bool
	stream    jetstream.Stream
	sequence  uint64         // of the stream's last message, as far as we know
	place     pipeline.Place // of the last message told
}

func (b *Bus) owner(partition int) *owner {
	b.mu.Lock()
	defer b.mu.Unlock()
	o, ok := b.owners[partition]
	if !ok {
		o = &owner{partition: partition}
		b.owners[partition] = o
	}
	return o
}

// Claim makes the caller the owner of a partition, by one conditional message `owner.claimed` behind the last one in the
// partition's stream: from then on every write of an earlier owner is refused, since it expects another last sequence.
// It gives the place of the last message told, zero for none; `owner.claimed` repeats it, so that the stream's tail always
// tells. Of several claimants the last one owns. While an owner writes without a pause the stream's
// end moves on before it can be claimed: Claim tries for AckTimeout, and gives ErrLogBusy then.
func (b *Bus) Claim(ctx context.Context, partition int) (pipeline.Place, error) {
	o := b.owner(partition)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.claimed = false
	var err error
	if o.stream, err = b.api.Stream(ctx, journeysStream(partition)); err != nil {
		return pipeline.Place{}, fmt.Errorf("claim partition %d: %w", partition, logError(err))
	}
	ctx, cancel := context.WithTimeout(ctx, b.cfg.AckTimeout)
	defer cancel()
	for err = b.tryClaim(ctx, o); wrongLastSequence(err) && ctx.Err() == nil; {
		err = b.tryClaim(ctx, o) // somebody wrote in between
	}
	if wrongLastSequence(err) {
		return pipeline.Place{}, fmt.Errorf("claim partition %d: %w: %w", partition, pipeline.ErrLogBusy, err)
	}
	if err != nil {
		return pipeline.Place{}, fmt.Errorf("claim partition %d: %w", partition, logError(err))
	}
	o.claimed = true
	return o.place, nil
}

// tryClaim reads where the stream ends before it reads its last message: when a message comes in between, the claim
// expects too little and is refused.
func (b *Bus) tryClaim(ctx context.Context, o *owner) error {
	info, err := o.stream.Info(ctx)
	if err != nil {
		return err
	}
	if o.place, err = lastTold(ctx, o); err != nil {
		return err
	}
	ack, err := b.api.PublishMsg(ctx, claimMessage(o), jetstream.WithExpectLastSequence(info.State.LastSeq))
	if err != nil {
		return err
	}
	o.sequence = ack.Sequence
	return nil
}

func lastTold(ctx context.Context, o *owner) (pipeline.Place, error) {
	last, err := o.stream.GetLastMsgForSubject(ctx, everything(journeysPrefix(o.partition)))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return pipeline.Place{}, nil
	}
	if err != nil {
		return pipeline.Place{}, err
	}
	return placeOf(last.Header)
}

// placeOf reads the place of a message; one without a generation was told by the first.
func placeOf(h nats.Header) (place pipeline.Place, err error) {
	if place.Position, err = strconv.ParseUint(h.Get(headerPosition), 10, 64); err != nil {
		return place, fmt.Errorf("header %s: %w", headerPosition, err)
	}
	ordinal, err := strconv.ParseUint(h.Get(headerOrdinal), 10, 32)
	if err != nil {
		return place, fmt.Errorf("header %s: %w", headerOrdinal, err)
	}
	generation := uint64(1)
	if told := h.Get(headerGeneration); told != "" {
		if generation, err = strconv.ParseUint(told, 10, 32); err != nil {
			return place, fmt.Errorf("header %s: %w", headerGeneration, err)
		}
	}
	place.Ordinal, place.Generation = uint32(ordinal), uint32(generation)
	return place, nil
}

func claimMessage(o *owner) *nats.Msg {
	id := nuid.Next()
	body, err := json.Marshal(map[string]any{"specversion": "1.0", "id": id, "source": claimSource, "type": claimTokens,
		"data": map[string]int{"partition": o.partition}})
	if err != nil {
		panic(err) // strings and numbers only
	}
	return toldMessage(journeysPrefix(o.partition)+"."+claimTokens, id, o.place, body)
}

func toldMessage(subject, id string, place pipeline.Place, body []byte) *nats.Msg {
	return &nats.Msg{Subject: subject, Data: body, Header: nats.Header{
		nats.MsgIdHdr:     {id},
		headerGeneration:  {strconv.FormatUint(uint64(place.Generation), 10)},
		headerPosition:    {strconv.FormatUint(place.Position, 10)},
		headerOrdinal:     {strconv.FormatUint(uint64(place.Ordinal), 10)},
		headerContentType: {contentCloudEvent},
	}}
}

// messageID is one telling: the same fact told again at a later position (retracted, then found again) is another
// message, which JetStream must not drop as a copy, neither in the partition's stream nor in the one that gathers them.
func messageID(partition int, t *pipeline.Told) string {
	return headerValue(t.ID) + "@" + strconv.Itoa(partition) + "." + strconv.FormatUint(uint64(t.Generation), 10) + "." +
		strconv.FormatUint(t.Position, 10) + "." +
		strconv.FormatUint(uint64(t.Ordinal), 10)
}

// Tell stores messages of one claimed partition in their order, in atomic batches, each expecting the stream to end with
// the one before it, and each sent when the one before it has been acknowledged. Messages sent one by one without waiting
// would not be fenced, whatever each expects by sequence: of those on their way when another owner claims, one is refused,
// and the next finds the claim at the very sequence where it expects that one (tried: it is stored, on one replica and on
// three). Expecting the last message id as well holds on one replica, and stops the stream for good on three (2.15.2).
//
// The Place must grow from message to message; those not beyond what the stream holds are not told again, so
// that after an error, when a prefix may be stored, the same call may be repeated. ErrFenced: claim again or stop.
func (b *Bus) Tell(ctx context.Context, partition int, messages []pipeline.Told) error {
	o := b.owner(partition)
	o.mu.Lock()
	defer o.mu.Unlock()
	rest, err := o.untold(messages)
	if err != nil {
		return fmt.Errorf("tell partition %d: %w", partition, err)
	}
	b.meter.repeated.Add(float64(len(messages) - len(rest)))
	if err := b.tellAll(ctx, o, rest); err != nil {
		return fmt.Errorf("tell partition %d: %w", partition, err)
	}
	return nil
}

func (o *owner) untold(messages []pipeline.Told) ([]pipeline.Told, error) {
	if !o.claimed {
		return nil, fmt.Errorf("not claimed: %w", pipeline.ErrFenced)
	}
	known := 0
	for i := range messages {
		m := &messages[i]
		if i > 0 && !messages[i-1].Before(m.Place) {
			return nil, fmt.Errorf("message %d stands at (%d, %d, %d), not beyond the one before it", i, m.Generation, m.Position, m.Ordinal)
		}
		if !o.place.Before(m.Place) {
			known = i + 1
		}
	}
	return messages[known:], nil
}

// tellAll sends what is left until nothing is. A refusal is explained by the stream's tail: our own messages there (an
// answer was lost) count as told; anything else there is another owner's.
func (b *Bus) tellAll(ctx context.Context, o *owner, rest []pipeline.Told) error {
	for unexplained := 0; len(rest) > 0; {
		n, err := b.store(ctx, o, rest)
		if rest = o.advance(rest, n); err == nil {
			continue
		}
		if !refused(err) {
			return err
		}
		if n, err = b.ownTail(ctx, o, rest); err != nil {
			return err
		}
		if rest = o.advance(rest, n); n > 0 {
			unexplained = 0
		} else if unexplained++; unexplained == settleRounds { // the last message was erased: a new claim sets it right
			return o.lost(b, o.sequence)
		}
	}
	return nil
}

// advance counts the first n as told.
func (o *owner) advance(rest []pipeline.Told, n int) []pipeline.Told {
	if n > 0 {
		o.sequence += uint64(n)
		o.place = rest[n-1].Place
	}
	return rest[n:]
}

// batchLargest is how many messages are stored at once; JetStream's own limit is 1,000.
const batchLargest = 500

// store puts the first messages of rest into the stream as one atomic batch, which stands right behind the last sequence
// we know or nowhere, and gives how many.
func (b *Bus) store(ctx context.Context, o *owner, rest []pipeline.Told) (int, error) {
	n := min(len(rest), batchLargest)
	batch := nuid.Next()
	for i := range rest[:n-1] {
		if err := b.conn.PublishMsg(o.batched(batch, rest, i)); err != nil {
			return 0, logError(err)
		}
	}
	last := o.batched(batch, rest, n-1)
	if n > 1 {
		last.Header.Set(headerBatchCommit, "1")
	} else { // a batch of one is a message
		last.Header.Del(headerBatchID)
		last.Header.Del(headerBatchSequence)
	}
	ctx, cancel := context.WithTimeout(ctx, b.cfg.AckTimeout)
	defer cancel()
	ack, err := b.api.PublishMsg(ctx, last, jetstream.WithRetryAttempts(0))
	if err != nil {
		return 0, logError(err)
	}
	if want := o.sequence + uint64(n); ack.Sequence != want {
		return 0, fmt.Errorf("a message meant for sequence %d is at %d", want, ack.Sequence)
	}
	b.meter.told.Add(float64(n))
	return n, nil
}

// JetStream's headers of an atomic batch (server 2.12 and later), which its client does not name.
const (
	headerBatchID       = "Nats-Batch-Id"
	headerBatchSequence = "Nats-Batch-Sequence"
	headerBatchCommit   = "Nats-Batch-Commit"
)

// batched is message i of a batch; the first says where the batch must stand.
func (o *owner) batched(batch string, rest []pipeline.Told, i int) *nats.Msg {
	m := &rest[i]
	msg := toldMessage(journeysPrefix(o.partition)+"."+tokens(m.Tokens...), messageID(o.partition, m), m.Place, m.Body)
	msg.Header.Set(headerBatchID, batch)
	msg.Header.Set(headerBatchSequence, strconv.Itoa(i+1))
	if i == 0 {
		msg.Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(o.sequence, 10))
	}
	return msg
}

// ownTail gives how many messages stand behind the last sequence we know, if they are the first of rest; else ErrFenced.
func (b *Bus) ownTail(ctx context.Context, o *owner, rest []pipeline.Told) (int, error) {
	info, err := o.stream.Info(ctx)
	if err != nil {
		return 0, logError(err)
	}
	n := 0
	for seq := o.sequence + 1; seq <= info.State.LastSeq; seq++ {
		own, err := o.holds(ctx, seq, rest[min(n, len(rest)):])
		if err != nil {
			return 0, logError(err)
		}
		if !own {
			return 0, o.lost(b, seq)
		}
		n++
	}
	return n, nil
}

func (o *owner) lost(b *Bus, sequence uint64) error {
	o.claimed = false
	b.meter.fenced.Inc()
	return fmt.Errorf("sequence %d of %s is not ours: %w", sequence, journeysStream(o.partition), pipeline.ErrFenced)
}

func (o *owner) holds(ctx context.Context, seq uint64, rest []pipeline.Told) (bool, error) {
	if len(rest) == 0 {
		return false, nil
	}
	m, err := o.stream.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return m.Header.Get(nats.MsgIdHdr) == messageID(o.partition, &rest[0]), nil
}

// ReadJourneys reads what product teams are told, from a sequence of JOURNEYS on (1 is the first). A filter such as
// `*.breakpoint.detected.>` stands behind `cx.journeys.`; "" reads everything. Position is the sequence in JOURNEYS, Type
// the subject behind the partition.
func (b *Bus) ReadJourneys(ctx context.Context, from uint64, filter string) (pipeline.Reader, error) {
	var subjects []string
	if filter != "" {
		subjects = []string{subjectJourneys + "." + filter}
	}
	return b.read(ctx, streamJourneys, from, subjects, toldOf)
}

func toldOf(m jetstream.Msg, meta *jetstream.MsgMetadata) pipeline.Message {
	_, rest, _ := strings.Cut(strings.TrimPrefix(m.Subject(), subjectJourneys+"."), ".")
	return pipeline.Message{
		Position:  meta.Sequence.Stream,
		Partition: partitionOf(m.Subject(), subjectJourneys),
		Type:      rest,
		StoredAt:  event.InstantOf(meta.Timestamp),
		Body:      m.Data(),
	}
}
