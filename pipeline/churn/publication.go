package churn

import (
	"errors"
	"fmt"
	"time"

	"parcours/pipeline/event"
)

// Publication is a model on its way into the log, as the event model.published.
type Publication struct {
	Model *Model
	Text  string        // the model as JSON
	From  event.Instant // scores as of this moment or later are made with it, until another holds
}

// MostModelBytes is how large a published model may be: an event of the log holds 512 KiB at most.
const MostModelBytes = 384 << 10

const publicationSource = "/parcours/models"

const (
	memberEffectiveFrom = "effective_from"
	memberVersion       = "version"
)

// PublicationOf makes a publication of a model. It refuses one that whoever reads the log could not take: too large, or not
// one that reads back, with our features, and with numbers that a training could have found.
func PublicationOf(m *Model, from event.Instant) (p Publication, err error) {
	if m.check() == nil { // else it does not read back
		if err := m.plausible(); err != nil { // what is no number cannot even be written
			return p, fmt.Errorf("write model %s: %w", m.Version, err)
		}
	}
	text, err := MarshalModel(m)
	if err != nil {
		return p, fmt.Errorf("write model %s: %w", m.Version, err)
	}
	p = Publication{Text: string(text), From: from}
	p.Model, err = readPublished(p.Text)
	return p, err
}

func readPublished(text string) (*Model, error) {
	switch {
	case text == "":
		return nil, errors.New("data.model: expected a model")
	case len(text) > MostModelBytes:
		return nil, fmt.Errorf("data.model: %d bytes; expected %d at most", len(text), MostModelBytes)
	}
	m, err := ReadModel([]byte(text), AllFeatures())
	if err == nil && m.Prior && m.Comeback == nil {
		err = errors.New("data.model: the prior is in force wherever no model is; expected one that was trained")
	}
	if err == nil {
		err = m.plausible()
	}
	return m, err
}

// plausible says whether a model is one that a training could have found; the error names the field.
func (m *Model) plausible() error {
	err := m.check()
	if err == nil {
		err = m.bounded()
	}
	if err != nil {
		return fmt.Errorf("data.model: %w", err)
	}
	return nil
}

// Event writes the publication as an event; at is when it is published. Its own time is the moment from which the model holds.
func (p *Publication) Event(at event.Instant) event.Event {
	e := event.Event{Source: publicationSource, ID: p.Model.Version + "." + p.From.String() + "." + at.String(), Type: event.ModelPublished, At: p.From}
	member(&e, memberEffectiveFrom, p.From.String())
	e.Data.Extra = append(e.Data.Extra, event.ExtraField{Name: memberModel, JSON: p.Text})
	member(&e, memberVersion, p.Model.Version)
	return e
}

// ReadPublication reads what Event wrote.
func ReadPublication(e *event.Event) (p Publication, err error) {
	var from string
	if err := members(e, map[string]any{memberEffectiveFrom: &from}); err != nil {
		return p, err
	}
	t, err := time.Parse(time.RFC3339, from)
	if err != nil {
		return p, errors.New("data.effective_from: expected a time such as 2026-10-05T00:00:00Z")
	}
	p.From = event.InstantOf(t)
	for _, f := range e.Data.Extra {
		if f.Name == memberModel {
			p.Text = f.JSON
		}
	}
	p.Model, err = readPublished(p.Text)
	return p, err
}

// Versioned gives a model that was changed by hand the version of its content, without which nobody reads it.
func (m *Model) Versioned() *Model {
	m.Version = m.hash()
	return m
}
