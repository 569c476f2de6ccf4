package main

import (
	"context"
	"fmt"

	"parcours/pipeline/churn"
	"parcours/pipeline/event"
)

// awaitedModel is a model that has learnt who leaves, and with which nothing is scored yet.
type awaitedModel struct {
	version string
	publishedModel
}

// awaited is the model, of those that have learnt who leaves and that this version can score with, that was published last; nil where
// there is none. Whoever asks was given a prior score: that model has scored nothing yet.
func (x *explainer) awaited(ctx context.Context) (*awaitedModel, error) {
	version, from, position, err := x.publishedBehind(ctx)
	if err == nil && version == "" { // else it is later than all that the tables hold
		version, from, position, err = x.publishedInTables(ctx)
	}
	if err != nil || version == "" {
		return nil, err
	}
	info, err := x.bus.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the clock mode: %w", err)
	}
	return &awaitedModel{version, *publishedAs(position, from, info.Mode)}, nil
}

// publishedInTables looks among the models that the tables hold.
func (x *explainer) publishedInTables(ctx context.Context) (version string, from event.Instant, position uint64, err error) {
	rows, err := x.store.Conn().Query(ctx, "SELECT toUnixTimestamp64Milli(effective_from), position, document FROM "+x.store.Database()+".models_v ORDER BY position DESC")
	if err != nil {
		return "", 0, 0, fmt.Errorf("read the models that were published: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var document string
		if err := rows.Scan((*int64)(&from), &position, &document); err != nil {
			return "", 0, 0, fmt.Errorf("read the models that were published: %w", err)
		}
		if model, err := churn.ReadModel([]byte(document), churn.AllFeatures()); err == nil && !model.Prior {
			return model.Version, from, position, nil
		}
	}
	if err := rows.Err(); err != nil {
		return "", 0, 0, fmt.Errorf("read the models that were published: %w", err)
	}
	return "", 0, 0, nil
}

// publishedBehind looks among what the log holds and the tables do not yet: a model waits there until somebody folds on.
func (x *explainer) publishedBehind(ctx context.Context) (version string, from event.Instant, position uint64, err error) {
	at := x.folded()
	if at >= x.head {
		return "", 0, 0, nil
	}
	reader, err := x.bus.Read(ctx, at+1)
	if err != nil {
		return "", 0, 0, err
	}
	defer reader.Close()
	for at < x.head {
		messages, err := reader.Next(ctx, rejectedWait)
		if err != nil {
			return "", 0, 0, err
		}
		if len(messages) == 0 {
			break // the last ones were erased
		}
		for i := range messages {
			at = messages[i].Position
			e, err := event.DecodeLog(messages[i].Body)
			if err != nil || e.Type != event.ModelPublished {
				continue
			}
			if p, err := churn.ReadPublication(&e); err == nil && !p.Model.Prior {
				version, from, position = p.Model.Version, p.From, at
			}
		}
	}
	return version, from, position, nil
}

// waits says when what is published will be seen, and what that waits for.
func (p *publishedModel) waits(l language) string {
	text := fmt.Sprintf(l.say("Nothing is scored with it yet: the first scores are those as of %s", "Rien n'est encore noté avec lui : les premiers scores seront ceux du %s"), p.First)
	if p.logTime() {
		return text + l.say(", and this log keeps its own time, so that they come with events that are later than that.",
			", et ce journal suit sa propre horloge : ils viendront avec des événements postérieurs.")
	}
	return text + l.say(", and come when the clocks have passed that midnight.", ", quand les horloges auront passé ce minuit.")
}

// priorWords say why scores are prior ones: nothing was learnt, or what was learnt waits. Several scores are spoken of, or one.
func (l language) priorWords(awaited *awaitedModel) string {
	if awaited == nil {
		return l.say("nothing was learnt yet (parcours churn train).", "rien n'a encore été appris (parcours churn train).")
	}
	return fmt.Sprintf(l.say("model %s is published at position %d of the log. ", "le modèle %s est publié à la position %d du journal. "), awaited.version, awaited.Position) + awaited.waits(l)
}
