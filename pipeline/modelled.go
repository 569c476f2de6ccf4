package pipeline

import (
	"slices"

	"parcours/pipeline/churn"
	"parcours/pipeline/event"
)

// publishedModel is a model of churn that the log brought: kept by partition 0.
type publishedModel struct {
	position uint64        // in the log
	from     event.Instant // from which it holds here
	text     string
	model    *churn.Model // nil of one that this version cannot score with: what was in force before it still is
}

// publishModel takes a model that scores from some moment on; where that has passed already, from the next one on of this
// partition's clock. One that cannot be read is reported and changes nothing.
func (p *Partition) publishModel(m *Message, e *event.Event, c *Changes) {
	if p.Number != 0 {
		return
	}
	publication, err := churn.ReadPublication(e)
	if err != nil {
		p.report(m, e, "data.model", "a model that can score here: "+err.Error(), c)
		return
	}
	from := publication.From
	if p.clock != noTime {
		from = max(from, p.clock+1)
	}
	p.models = slices.DeleteFunc(p.models, func(old publishedModel) bool { return old.from >= from }) // it would never score any more
	p.models = append(p.models, publishedModel{m.LogPosition(), from, publication.Text, publication.Model})
	row := ModelRow{Position: m.LogPosition(), EffectiveFrom: from, Version: publication.Model.Version, Document: publication.Text, Partition: p.Number}
	p.tally.add(tableModels, said{row.Content(), row.Position})
	c.Rows.Models = append(c.Rows.Models, row)
}

// ModelAt is the model in force at a moment: of those that hold from it or before, the one published last. nil stands for the
// prior. Partition 0 alone knows.
func (p *Partition) ModelAt(at event.Instant) *churn.Model {
	for _, m := range slices.Backward(p.models) {
		if m.from <= at && m.model != nil {
			return m.model
		}
	}
	return nil
}

// forgetModels lets go of those that no later midnight can be scored with.
func (p *Partition) forgetModels(scored event.Instant) {
	for i := len(p.models) - 1; i > 0; i-- {
		if p.models[i].from <= scored && p.models[i].model != nil {
			p.models = slices.Delete(p.models, 0, i)
			return
		}
	}
}

func (s *Snapshot) writeModels(w *stateWriter) {
	w.p.uint(uint64(len(s.models)))
	for _, m := range s.models {
		w.p.uint(m.position)
		w.p.int(int64(m.from))
		w.p.text(m.text)
	}
	w.p.bit(s.scored.any)
	w.p.int(int64(s.scored.asOf))
	w.flush()
}

// restoreModels reads the models. One that this version cannot score with, for it looks at a feature that is no more, is kept and not
// scored with: a state that cannot be read would cost a fold of the whole log, and a feature taken for 0 would give scores that
// nobody has judged. What was in force before scores on, and scores name their model.
func (p *Partition) restoreModels(r *stateReader) {
	for n := r.uint(); n > 0 && r.err == nil; n-- {
		m := publishedModel{position: r.uint(), from: event.Instant(r.int()), text: r.text()}
		if r.err != nil {
			return
		}
		if model, err := churn.ReadModel([]byte(m.text), churn.AllFeatures()); err == nil {
			m.model = model
		}
		p.models = append(p.models, m)
	}
	p.scored.any, p.scored.asOf = r.bit(), event.Instant(r.int())
}
