package nats

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parcours/pipeline"
	"parcours/pipeline/event"
)

// Clock modes of a deployment, as `log.opened` tells them.
const (
	ModeWall = "wall" // ticks follow real time
	ModeLog  = "log"  // time moves only with events
)

// The first message of every log.
const (
	openedSource = "/parcours/log"
	openedID     = "log.opened"
)

// LogInfo is what the log says of itself: its partitions, for good, and its clock mode.
type LogInfo struct {
	Partitions int
	Mode       string // ModeWall or ModeLog, as it is now
	Opened     string // the mode with which the log was opened
}

// Provision makes the streams that are missing and gives what the log says of itself. A new log is opened with the
// partitions of the Config and the given mode ("" means ModeWall); a log that exists keeps its own, whatever is wanted here:
// compare the answer with what was wanted. Any number of processes may provision at once: they agree.
func (b *Bus) Provision(ctx context.Context, mode string) (LogInfo, error) {
	if mode == "" {
		mode = ModeWall
	}
	if mode != ModeWall && mode != ModeLog {
		return LogInfo{}, fmt.Errorf("provision: mode %q, expected %s or %s", mode, ModeWall, ModeLog)
	}
	if err := b.makeStreams(ctx, b.eventsStream(), b.rejectedStream(), b.statesStream(), b.leasesStream()); err != nil {
		return LogInfo{}, err
	}
	if err := b.open(ctx, LogInfo{Partitions: b.cfg.Partitions, Mode: mode}); err != nil {
		return LogInfo{}, err
	}
	info, err := b.Info(ctx)
	if err != nil {
		return LogInfo{}, err
	}
	return info, b.makeStreams(ctx, b.journeysStreams(info.Partitions)...)
}

func (b *Bus) makeStreams(ctx context.Context, streams ...jetstream.StreamConfig) error {
	for _, s := range streams {
		if b.cfg.KeepStreams {
			if _, err := b.api.Stream(ctx, s.Name); err == nil {
				continue
			}
		}
		if _, err := b.api.CreateOrUpdateStream(ctx, s); err != nil {
			return fmt.Errorf("provision stream %s: %w", s.Name, err)
		}
	}
	return nil
}

// stream is what all streams share: on disk, and full means refusing, never forgetting.
func (b *Bus) stream(name, about string, subjects ...string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: name, Description: about, Subjects: subjects,
		Storage: jetstream.FileStorage, Replicas: b.cfg.Replicas,
		Discard: jetstream.DiscardNew, Duplicates: b.cfg.DuplicateWindow,
		MaxBytes: -1, MaxMsgs: -1, MaxMsgsPerSubject: -1, MaxConsumers: -1, MaxMsgSize: -1,
		AllowDirect: false, // a direct get may be answered by a replica that lags: an owner would claim behind an old tail
	}
}

func (b *Bus) eventsStream() jetstream.StreamConfig {
	s := b.stream(streamEvents, "the log: channel events, pseudonymised", everything(subjectEvents))
	if b.cfg.MaxBytes > 0 {
		s.MaxBytes = b.cfg.MaxBytes
	}
	return s
}

func (b *Bus) rejectedStream() jetstream.StreamConfig {
	s := b.stream(streamRejected, "what could not be understood, sealed for the operator", everything(subjectRejected))
	s.MaxAge = b.cfg.RejectedMaxAge
	if b.cfg.RejectedMaxBytes > 0 {
		s.MaxBytes = b.cfg.RejectedMaxBytes
	}
	return s
}

// statesStream is an object store to every client of JetStream.
func (b *Bus) statesStream() jetstream.StreamConfig {
	s := b.stream(streamStates, "states of the fold", everything(subjectParts), everything(subjectObjects))
	s.AllowRollup = true // what an object is replaces what it was
	s.AllowDirect = true // for the parts; what an object is, its leader is asked (objects.go)
	return s
}

// leasesStream is a key-value store, without history, to every client of JetStream.
func (b *Bus) leasesStream() jetstream.StreamConfig {
	s := b.stream(streamLeases, "who owns what, and which state is the current one", everything(subjectLeases))
	s.MaxMsgsPerSubject, s.AllowRollup, s.DenyDelete = 1, true, true
	return s
}

// journeysStreams are one stream for each partition, which its owner writes alone, and one that gathers them for readers.
func (b *Bus) journeysStreams(partitions int) []jetstream.StreamConfig {
	all := b.stream(streamJourneys, "what we tell product teams: all partitions")
	streams := make([]jetstream.StreamConfig, 0, partitions+1)
	for p := range partitions {
		name := journeysStream(p)
		own := b.stream(name, "what we tell product teams: one partition", everything(journeysPrefix(p)))
		own.AllowAtomicPublish = true // how its owner writes, fenced
		streams = append(streams, own)
		all.Sources = append(all.Sources, &jetstream.StreamSource{Name: name})
	}
	return append(streams, all)
}

// open writes the first message of the log if there is none.
func (b *Bus) open(ctx context.Context, want LogInfo) error {
	_, err := b.api.PublishMsg(ctx, openedMessage(want), jetstream.WithExpectLastSequence(0))
	if err != nil && !wrongLastSequence(err) {
		return fmt.Errorf("open the log: %w", logError(err))
	}
	return nil
}

// openedMessage is the same for every process that wants the same: its time is the epoch, so that it never moves a clock.
// It has no message id: the expected sequence is what makes it the only one.
func openedMessage(l LogInfo) *nats.Msg {
	e := event.Event{ID: openedID, Source: openedSource, Type: event.LogOpened,
		Data: event.Data{Mode: l.Mode, Partitions: l.Partitions}}
	entry := pipeline.Entry{MsgID: event.MessageID(openedSource, openedID), Partition: pipeline.All, Family: event.LogOpened,
		Type: event.LogOpened, Body: event.AppendLog(nil, &e)}
	return entryMessage(&entry)
}

func readOpened(body []byte) (LogInfo, error) {
	e, err := event.DecodeLog(body)
	if err != nil {
		return LogInfo{}, fmt.Errorf("position 1 of the log is no event of Parcours: %w", err)
	}
	l := LogInfo{Partitions: e.Data.Partitions, Mode: e.Data.Mode, Opened: e.Data.Mode}
	known := l.Mode == ModeWall || l.Mode == ModeLog
	if e.Type != event.LogOpened || l.Partitions < 1 || l.Partitions > maxPartitions || !known {
		return LogInfo{}, fmt.Errorf("position 1 of the log is a %s of %d partitions in mode %q, expected %s",
			e.Type, l.Partitions, l.Mode, event.LogOpened)
	}
	return l, nil
}
