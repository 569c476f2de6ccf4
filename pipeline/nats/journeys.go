package nats

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/nats-io/nats.go/jetstream"

	"parcours/pipeline"
)

// The second token of a message that says that a fact no longer holds, and the member of its data that says when it was
// told.
const (
	tokenRetracted = "retracted"
	memberPosition = "position"
)

// The first tokens of what is told of alerts and of churn signals.
const (
	groupAlert = "alert"
	groupChurn = "churn"
)

// The members of the data of a churn signal that name it, and that say why it ended.
const (
	memberSignal = "signal_id"
	memberWhy    = "why"
)

// JourneysDigest sums up what product teams were told, and gives how many facts that is: the same for two JOURNEYS that
// leave a subscriber knowing the same. It reads the stream of each partition, one after the other, to where it ends when
// its turn comes.
//
// A fact is a journey, a breakpoint, an alert or a churn signal as one reason family hears of it: (journey, id, family),
// (breakpoint, kind, id, family), (alert, kind, id, family) or (churn, kind, id, family), in one partition, since only there an
// order is promised. Of each fact the last message counts, and of it only
// `data` and the words that key it, not its type: how many journey.stepped there are, and whether the last one said stepped
// or closed, depends on how the owner's flushes cut the log. `owner.claimed` does not count.
//
// The digest is the sum, modulo 2^64, of xxhash64 over the canonical JSON of `data` (members in order, numbers as they were
// written), the kind and the family. Exact, a fact that was retracted counts too, as retracted. Net, it does not, nor
// does an alert or a churn signal as known, and `position` is left out of `data`.
//
// It holds 16 bytes and the overhead of a map for each fact. Facts are told apart by 64 bits of their key: among ten
// million the chance that two are taken for one is 3 in a million.
func (b *Bus) JourneysDigest(ctx context.Context, net bool) (count, digest uint64, err error) {
	for p := 0; ; p++ {
		d := journeysDigest{net: net, facts: map[uint64]uint64{}}
		err := b.digestPartition(ctx, p, &d)
		if errors.Is(err, jetstream.ErrStreamNotFound) && p > 0 {
			return count, digest, nil
		}
		if err != nil {
			return 0, 0, fmt.Errorf("digest of %s: %w", journeysStream(p), err)
		}
		count += uint64(len(d.facts))
		for _, h := range d.facts {
			digest += h
		}
	}
}

// digestPartition reads a partition's stream up to the message that is its last one now.
func (b *Bus) digestPartition(ctx context.Context, partition int, d *journeysDigest) error {
	stream, err := b.api.Stream(ctx, journeysStream(partition))
	if err != nil {
		return logError(err)
	}
	end, err := lastStored(ctx, stream, partition)
	if err != nil || end == 0 {
		return err
	}
	r, err := b.read(ctx, journeysStream(partition), 1, nil, toldOf)
	if err != nil {
		return err
	}
	defer r.Close()
	for at := uint64(0); at < end; {
		messages, err := r.Next(ctx, heartbeat)
		if err != nil {
			return err
		}
		for i := range messages {
			at = messages[i].Position
			if at > end {
				break
			}
			if err := d.add(&messages[i]); err != nil {
				return fmt.Errorf("sequence %d: %w", at, err)
			}
		}
		if len(messages) > 0 {
			continue
		}
		last, err := lastStored(ctx, stream, partition) // the message that was the last one may have been erased
		if err != nil {
			return err
		}
		end = min(end, last)
	}
	return nil
}

// lastStored is the sequence of the last message that is there, 0 for none.
func lastStored(ctx context.Context, stream jetstream.Stream, partition int) (uint64, error) {
	m, err := stream.GetLastMsgForSubject(ctx, everything(journeysPrefix(partition)))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, logError(err)
	}
	return m.Sequence, nil
}

// journeysDigest knows the last state of each fact of one partition.
type journeysDigest struct {
	net   bool
	facts map[uint64]uint64 // hash of the key -> hash of the last message
}

func (d *journeysDigest) add(m *pipeline.Message) error {
	if m.Type == claimTokens {
		return nil
	}
	kind, family, retracted, err := factTokens(m.Type)
	if err != nil {
		return err
	}
	data, err := factData(m.Body)
	if err != nil {
		return err
	}
	group, rest, _ := strings.Cut(kind, ".")
	if d.net && (group == groupAlert || group == groupChurn && slices.Contains(pipeline.SignalsAsKnown(), rest)) {
		return nil // as known: decided once, by what was in the log when it was
	}
	member := group + "_id"
	if group == groupChurn {
		member, retracted = memberSignal, data[memberWhy] == pipeline.SignalRetracted
	}
	id, ok := data[member].(string)
	if !ok {
		return fmt.Errorf("%s has no %s", m.Type, member)
	}
	key := hashOf([]byte(id), kind, family)
	if d.net {
		if retracted {
			delete(d.facts, key)
			return nil
		}
		delete(data, memberPosition)
	}
	canonical, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("write its data: %w", err)
	}
	words := []string{kind, family}
	if retracted {
		words = append(words, tokenRetracted)
	}
	d.facts[key] = hashOf(canonical, words...)
	return nil
}

// factTokens takes the subject behind the partition apart: `journey.stepped.billing` is the kind `journey`,
// `breakpoint.detected.repeat_contact.billing` the kind `breakpoint.repeat_contact`, both of the family `billing`.
func factTokens(subject string) (kind, family string, retracted bool, err error) {
	t := strings.Split(subject, ".")
	if len(t) < 3 {
		return "", "", false, fmt.Errorf("%s tells no fact", subject)
	}
	last := len(t) - 1
	return strings.Join(append(t[:1:1], t[2:last]...), "."), t[last], t[1] == tokenRetracted, nil
}

// factData reads `data`, leaving numbers as they were written.
func factData(body []byte) (map[string]any, error) {
	var message struct {
		Data map[string]any `json:"data"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&message); err != nil {
		return nil, fmt.Errorf("read its data: %w", err)
	}
	return message.Data, nil
}

// hashOf hashes words of which none holds a zero byte.
func hashOf(first []byte, words ...string) uint64 {
	h := xxhash.New()
	_, _ = h.Write(first) // it never fails
	for _, w := range words {
		_, _ = h.Write([]byte{0})
		_, _ = h.WriteString(w)
	}
	return h.Sum64()
}
