package aggregate

import (
	"context"
	"fmt"

	"parcours/pipeline"
	"parcours/pipeline/churn"
	"parcours/pipeline/event"
)

// PublishModel puts a model into the log, where it scores from a moment on, and gives its position. It refuses one that cannot be
// read back or is too large for the log, and a moment that is not later than clock, the furthest of all clocks: what was scored
// stays as it was told. at is when it is published.
func PublishModel(ctx context.Context, log pipeline.Appender, m *churn.Model, from, clock, at event.Instant) (position uint64, err error) {
	p, err := churn.PublicationOf(m, from)
	if err != nil {
		return 0, fmt.Errorf("publish model %s: %w", m.Version, err)
	}
	switch {
	case from <= clock:
		return 0, fmt.Errorf("publish model %s from %s on: the clocks have come to %s already, and what was scored stays as it was told; expected a later moment",
			m.Version, from, clock)
	case !Scorable(startOfDay(from)):
		return 0, fmt.Errorf("publish model %s from %s on: expected a moment from 1900 to 2259", m.Version, from)
	}
	out := log.Append(ctx, []pipeline.Entry{ModelEntry(&p, at)})[0]
	if out.Err != nil {
		return 0, fmt.Errorf("publish model %s: %w", m.Version, out.Err)
	}
	return out.Position, nil
}

// ModelEntry is a model on its way into the log, where every partition sees it; at is when it is published.
func ModelEntry(p *churn.Publication, at event.Instant) pipeline.Entry {
	e := p.Event(at)
	return pipeline.Entry{MsgID: event.MessageID(e.Source, e.ID), Partition: pipeline.All, Family: e.Type, Type: e.Type, Body: event.AppendLog(nil, &e)}
}
