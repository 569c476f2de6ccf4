package aggregate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"parcours/pipeline"
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// Base is the rule book that a generation begins with.
type Base struct {
	Book *rules.Book
	// Restated is the position at which the log says that history is judged by it; 0 for the book of the process. What was
	// published up to there counts for nothing.
	Restated uint64
}

// name is what a generation says of its base: it leads whoever opens the generation to the same book.
func (b Base) name() string {
	if b.Restated == 0 {
		return b.Book.Version()
	}
	return b.Book.Version() + "@" + strconv.FormatUint(b.Restated, 10)
}

// nameOf reads it.
func nameOf(name string) (version string, restated uint64) {
	version, position, _ := strings.Cut(name, "@")
	restated, _ = strconv.ParseUint(position, 10, 64)
	return version, restated
}

// baseOf finds the book that a generation began with. ErrOtherFold says that this process reads another one there, ErrLogOther
// that the log holds none.
func baseOf(ctx context.Context, d *Dependencies, g pipeline.Generation) (Base, error) {
	version, restated := nameOf(g.Rules)
	base := Base{d.Book, restated}
	if restated != 0 {
		var err error
		if base, err = restatedAt(ctx, d, restated); err != nil {
			return base, err
		}
	}
	if base.Book.Version() != version {
		return base, fmt.Errorf("generation %d, rules %s, here %s: %w", g.Number, g.Rules, base.name(), pipeline.ErrOtherFold)
	}
	return base, nil
}

// restatedAt reads the book that restates history at a position of the log.
func restatedAt(ctx context.Context, d *Dependencies, position uint64) (Base, error) {
	list, err := d.Log.Broadcasts(ctx, event.RulesPublished)
	if err != nil {
		return Base{}, err
	}
	for i := range list {
		if list[i].Position == position {
			if book := restating(&list[i]); book != nil {
				return Base{book, position}, nil
			}
		}
	}
	return Base{}, fmt.Errorf("the rule book of position %d: %w", position, ErrLogOther)
}

// restating is the book of a message that restates history; nil for any other.
func restating(m *pipeline.Message) *rules.Book {
	e, err := event.DecodeLog(m.Body)
	if err != nil || e.Type != event.RulesPublished {
		return nil
	}
	p, err := rules.ReadPublication(&e)
	if err != nil || !p.Restates {
		return nil
	}
	return p.Book
}

// first is what the first generation of a log begins with: the last book that the log says history is judged by, else that
// of the process.
func first(ctx context.Context, d *Dependencies) (Base, error) {
	base := Base{Book: d.Book}
	list, err := d.Log.Broadcasts(ctx, event.RulesPublished)
	for i := range list {
		if book := restating(&list[i]); book != nil {
			base = Base{book, list[i].Position}
		}
	}
	return base, err
}

// successor is what a generation begins with that follows another one: the same, as this process reads it.
func successor(ctx context.Context, d *Dependencies, g pipeline.Generation) (Base, error) {
	_, restated := nameOf(g.Rules)
	switch {
	case g.Fold == "":
		return first(ctx, d)
	case restated == 0:
		return Base{Book: d.Book}, nil
	}
	base, err := restatedAt(ctx, d, restated)
	if errors.Is(err, ErrLogOther) {
		d.Logger.Warn().Str("rules", g.Rules).Msg("the log no longer holds the rule book of the generation in force")
		return first(ctx, d)
	}
	return base, err
}

// able gives the base of a generation, if this process folds as the one that made it did.
func able(ctx context.Context, d *Dependencies, g pipeline.Generation) (Base, error) {
	base, err := baseOf(ctx, d, g)
	if err == nil && !same(g, wanted(base, g.Admitted)) {
		err = fmt.Errorf("generation %d: %w", g.Number, pipeline.ErrOtherFold)
	}
	return base, err
}

// InForceNow gives the rule books of the generation in force: that of its beginning, with those published since.
func InForceNow(ctx context.Context, d *Dependencies) (*rules.Book, error) {
	g, err := d.Store.Current(ctx)
	if err != nil {
		return nil, err
	}
	base, err := successor(ctx, d, g)
	if err != nil {
		return nil, err
	}
	book := base.Book
	err = followers(ctx, d, base, func(position uint64, p *rules.Publication) { book = book.With(p.Book, p.From, position) })
	return book, err
}

// followers gives the publications of the log that follow the base of a generation, in order.
func followers(ctx context.Context, d *Dependencies, base Base, found func(position uint64, p *rules.Publication)) error {
	list, err := d.Log.Broadcasts(ctx, event.RulesPublished)
	for i := range list {
		e, err := event.DecodeLog(list[i].Body)
		if err != nil || list[i].Position <= base.Restated {
			continue
		}
		if p, err := rules.ReadPublication(&e); err == nil && !p.Restates && p.Book.CanFollow(base.Book) == nil {
			found(list[i].Position, &p)
		}
	}
	return err
}

// WhatIf folds the whole log with another rule book, in place of all that was ever published, into a store of its own, which
// must be empty: whoever reads it sees nothing before all is in. It tells nothing, saves nothing, and touches no other store.
func WhatIf(ctx context.Context, config Config, d Dependencies, o WhatIfOptions) (pipeline.Generation, error) {
	head, err := d.Log.Head(ctx)
	if err != nil {
		return pipeline.Generation{}, fmt.Errorf("what if: %w", err)
	}
	g := wanted(Base{Book: o.Book}, min(o.Admitted, head))
	g.Number = whatIfGeneration
	l, err := laneFrom(&d, g, Base{o.Book, head})
	if err != nil {
		return g, fmt.Errorf("what if: %w", err)
	}
	defer l.close()
	heard := func(_ context.Context, position, head uint64) error {
		if o.Progress != nil {
			o.Progress(position, head)
		}
		return nil
	}
	if g.Admitted > 0 {
		err = foldInOrderOfTime(ctx, &d, config, l, g.Admitted, nil, heard)
	}
	if err == nil {
		err = foldTo(ctx, &d, config, l, head, nil, heard)
	}
	if err == nil {
		err = d.Store.Switch(ctx, g)
	}
	if err != nil {
		return g, fmt.Errorf("what if: %w", err)
	}
	return g, nil
}

// whatIfGeneration is not the first, which views read before anything is in.
const whatIfGeneration = 2

// WhatIfOptions say what is folded otherwise.
type WhatIfOptions struct {
	Book     *rules.Book
	Admitted uint64                      // as in the generation to compare with
	Progress func(position, head uint64) // hears how far it has come, about once a second
}

// PublicationEntry is a publication on its way into the log, where every partition sees it; at is when it is published.
func PublicationEntry(p *rules.Publication, at event.Instant) pipeline.Entry {
	e := p.Event(at)
	return pipeline.Entry{MsgID: event.MessageID(e.Source, e.ID), Partition: pipeline.All, Family: e.Type, Type: e.Type, Body: event.AppendLog(nil, &e)}
}
