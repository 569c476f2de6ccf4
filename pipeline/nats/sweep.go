package nats

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"parcours/pipeline"
)

// Sweep removes from CHECKPOINTS the objects for which keep says no, and the parts of uploads that never ended; marks of
// objects that another client deleted, and of pointers that were removed, go too, uncounted. All of them only when older
// than age, by the server's clock: an object since it was saved, an upload since its last part. With the age 0 nothing
// may be under way: an upload that ends while Sweep looks could lose its parts. After an error some are removed.
func (b *Bus) Sweep(ctx context.Context, keep func(name string) bool, age time.Duration) (int, error) {
	stream, err := b.api.Stream(ctx, streamStates)
	if err != nil {
		return 0, fmt.Errorf("sweep: %w", logError(err))
	}
	s := sweep{bus: b, stream: stream, keep: keep, named: map[string]bool{}}
	err = s.run(ctx, age)
	if err == nil {
		err = b.sweepPointers(ctx, s.before)
	}
	if err != nil {
		return s.removed, fmt.Errorf("sweep: %w", err)
	}
	return s.removed, nil
}

type sweep struct {
	bus     *Bus
	stream  jetstream.Stream
	keep    func(name string) bool
	before  time.Time       // what is younger stays
	named   map[string]bool // subjects of the parts of objects that stay
	removed int
}

// run lists the parts before the objects: an upload that ends in between is named by its object.
func (s *sweep) run(ctx context.Context, age time.Duration) error {
	uploads, now, err := s.subjects(ctx, subjectParts)
	if err != nil {
		return err
	}
	s.before = now.Add(-age)
	objects, _, err := s.subjects(ctx, subjectObjects)
	if err != nil {
		return err
	}
	for subject := range objects {
		if err := s.object(ctx, subject); err != nil {
			return err
		}
	}
	for subject := range uploads {
		if s.named[subject] {
			continue
		}
		if err := s.upload(ctx, subject); err != nil {
			return err
		}
	}
	return nil
}

func (s *sweep) subjects(ctx context.Context, prefix string) (map[string]uint64, time.Time, error) {
	info, err := s.stream.Info(ctx, jetstream.WithSubjectFilter(everything(prefix)))
	if err != nil {
		return nil, time.Time{}, logError(err)
	}
	return info.State.Subjects, info.TimeStamp, nil
}

func (s *sweep) object(ctx context.Context, subject string) error {
	o, err := s.bus.lastObject(ctx, subject)
	if errors.Is(err, pipeline.ErrNoObject) { // deleted meanwhile
		return nil
	}
	if err != nil {
		return err
	}
	young := o.ModTime.After(s.before)
	if !o.Deleted && (young || s.keep(o.Name)) {
		s.named[o.parts()] = true
		return nil
	}
	if young {
		return nil
	}
	if err := remove(ctx, s.stream, o); err != nil {
		return fmt.Errorf("%q: %w", o.Name, err)
	}
	s.named[o.parts()] = true // nothing is left of them
	if !o.Deleted {
		s.removed++
	}
	return nil
}

func (s *sweep) upload(ctx context.Context, subject string) error {
	last, err := s.bus.askLeader(ctx, messageGet{LastFor: subject})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	if err != nil {
		return logError(err)
	}
	if last.Time.After(s.before) {
		return nil
	}
	if err := purge(ctx, s.stream, subject, jetstream.WithPurgeSequence(last.Sequence+1)); err != nil {
		return fmt.Errorf("the parts on %s: %w", subject, err)
	}
	s.removed++
	return nil
}
