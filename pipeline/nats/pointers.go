package nats

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

func (b *Bus) leases(ctx context.Context) (jetstream.KeyValue, error) {
	kv, err := b.api.KeyValue(ctx, bucketLeases)
	return kv, leaseError(err)
}

// leaseError tells what an error of LEASES means; somebody was there before is pipeline.ErrMoved.
func leaseError(err error) error {
	switch {
	case wrongLastSequence(err), errors.Is(err, jetstream.ErrKeyRevisionMismatch), errors.Is(err, jetstream.ErrKeyExists):
		return fmt.Errorf("%w: %w", pipeline.ErrMoved, err)
	case errors.Is(err, jetstream.ErrInvalidKey), errors.Is(err, jetstream.ErrBucketNotFound), errors.Is(err, jetstream.ErrBadBucket):
		return err
	}
	return logError(err)
}

// Pointer gives the value of a key in LEASES as its leader knows it (or a replica that may lag, where an operator made LEASES
// to allow direct gets: Point then gives ErrMoved). A key is made of letters, digits and `.`, `_`, `-`, `/`, `=`.
func (b *Bus) Pointer(ctx context.Context, key string) (pipeline.Pointer, error) {
	kv, err := b.leases(ctx)
	if err != nil {
		return pipeline.Pointer{}, fmt.Errorf("read pointer %s: %w", key, err)
	}
	entry, err := kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return pipeline.Pointer{Key: key}, nil
	}
	if err != nil {
		return pipeline.Pointer{}, fmt.Errorf("read pointer %s: %w", key, leaseError(err))
	}
	return pointerOf(entry), nil
}

func pointerOf(e jetstream.KeyValueEntry) pipeline.Pointer {
	return pipeline.Pointer{Key: e.Key(), Value: e.Value(), Revision: e.Revision(), SetAt: event.InstantOf(e.Created())}
}

// Point sets the value of a key on condition that its revision is still the given one (0: there is none, or it was
// removed). A revision never comes back. After pipeline.ErrLogAway it may have been set: read it.
func (b *Bus) Point(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	kv, err := b.leases(ctx)
	if err != nil {
		return 0, fmt.Errorf("set pointer %s: %w", key, err)
	}
	var set uint64
	if revision == 0 {
		set, err = kv.Create(ctx, key, value)
	} else {
		set, err = kv.Update(ctx, key, value, revision)
	}
	if err != nil {
		return 0, fmt.Errorf("set pointer %s from revision %d: %w", key, revision, leaseError(err))
	}
	return set, nil
}

// Unpoint removes a key on condition that its revision is still the given one. With revision 0 there is nothing to remove:
// it is ErrMoved when there is something.
func (b *Bus) Unpoint(ctx context.Context, key string, revision uint64) error {
	if revision == 0 {
		return b.unpointNothing(ctx, key)
	}
	kv, err := b.leases(ctx)
	if err == nil {
		err = leaseError(kv.Delete(ctx, key, jetstream.LastRevision(revision)))
	}
	if err != nil {
		return fmt.Errorf("remove pointer %s at revision %d: %w", key, revision, err)
	}
	return nil
}

// To the client, revision 0 means on no condition.
func (b *Bus) unpointNothing(ctx context.Context, key string) error {
	p, err := b.Pointer(ctx, key)
	if err == nil && p.Revision != 0 {
		err = fmt.Errorf("remove pointer %s: it is at revision %d: %w", key, p.Revision, pipeline.ErrMoved)
	}
	return err
}

// Pointers lists the keys of LEASES that begin with a prefix, in order of their bytes; "" lists all.
func (b *Bus) Pointers(ctx context.Context, prefix string) ([]pipeline.Pointer, error) {
	entries, err := b.entries(ctx, jetstream.IgnoreDeletes())
	if err != nil {
		return nil, fmt.Errorf("list pointers %s: %w", prefix, err)
	}
	var list []pipeline.Pointer
	for key, e := range entries {
		if strings.HasPrefix(key, prefix) {
			list = append(list, pointerOf(e))
		}
	}
	slices.SortFunc(list, func(a, b pipeline.Pointer) int { return strings.Compare(a.Key, b.Key) })
	return list, nil
}

// entries reads the last entry of every key of LEASES.
func (b *Bus) entries(ctx context.Context, opts ...jetstream.WatchOpt) (map[string]jetstream.KeyValueEntry, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.AckTimeout)
	defer cancel()
	kv, err := b.leases(ctx)
	if err != nil {
		return nil, err
	}
	w, err := kv.WatchAll(ctx, opts...)
	if err != nil {
		return nil, leaseError(err)
	}
	defer func() { _ = w.Stop() }() // it ends with ctx anyway
	entries := map[string]jetstream.KeyValueEntry{}
	for {
		select {
		case e, open := <-w.Updates():
			if !open {
				return nil, leaseError(errors.Join(jetstream.ErrConnectionClosed, ctx.Err()))
			}
			if e == nil { // the end of what was there
				return entries, nil
			}
			entries[e.Key()] = e
		case <-ctx.Done():
			return nil, leaseError(ctx.Err())
		}
	}
}

// sweepPointers removes the marks of pointers removed before a time. A key that was set again meanwhile stays.
func (b *Bus) sweepPointers(ctx context.Context, before time.Time) error {
	entries, err := b.entries(ctx, jetstream.MetaOnly())
	if err != nil {
		return err
	}
	stream, err := b.api.Stream(ctx, streamLeases)
	if err != nil {
		return logError(err)
	}
	for key, e := range entries {
		if e.Operation() == jetstream.KeyValuePut || e.Created().After(before) {
			continue
		}
		if err := purge(ctx, stream, subjectLeases+"."+key, jetstream.WithPurgeSequence(e.Revision()+1)); err != nil {
			return fmt.Errorf("the mark of pointer %s: %w", key, err)
		}
	}
	return nil
}
