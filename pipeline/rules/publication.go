package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"parcours/pipeline/event"
)

// Publication is a rule book on its way into the log, as the event rules.published.
type Publication struct {
	Book *Book
	Text string // the document that was published
	// From is the moment from which what is judged is judged by it; Beginning for always.
	From event.Instant
	// Restates says that the whole of history is judged by it, in generations begun with it: in those under way it changes
	// nothing.
	Restates bool
}

// Publish makes a publication of a whole book.
func Publish(b *Book, from event.Instant) Publication {
	return Publication{Book: b, Text: string(b.Document()), From: from}
}

// Restate makes a publication that restates history.
func Restate(b *Book) Publication {
	return Publication{Book: b, Text: string(b.Document()), From: Beginning, Restates: true}
}

const publicationSource = "/parcours/rules"

// beginning is how Beginning is written.
const beginning = "beginning"

// Event writes the publication as an event; at is when it is published. The event's own time is the moment from which the
// book holds, so that it comes before what it judges also where a log is folded in order of time.
func (p *Publication) Event(at event.Instant) event.Event {
	e := event.Event{Source: publicationSource, Type: event.RulesPublished, At: p.From, ID: p.Book.Version() + "." + p.from() + "." + at.String()}
	if p.From == Beginning {
		e.At = event.InstantOf(time.Time{})
	}
	if p.Restates {
		e.ID += ".restates"
	}
	field := func(name string, v any) { // in the order of names
		raw, _ := json.Marshal(v) // of a text or a bool: it cannot fail
		e.Data.Extra = append(e.Data.Extra, event.ExtraField{Name: name, JSON: string(raw)})
	}
	field("effective_from", p.from())
	field("restates", p.Restates)
	field("rules", p.Text)
	field("version", p.Book.Version())
	return e
}

func (p *Publication) from() string {
	if p.From == Beginning {
		return beginning
	}
	return p.From.String()
}

// ReadPublication reads what Event wrote. The book has the version that this release gives to its text, whatever version
// was published with it.
func ReadPublication(e *event.Event) (p Publication, err error) {
	from := ""
	for _, f := range e.Data.Extra {
		var to any
		switch f.Name {
		case "effective_from":
			to = &from
		case "restates":
			to = &p.Restates
		case "rules":
			to = &p.Text
		default:
			continue
		}
		if err := json.Unmarshal([]byte(f.JSON), to); err != nil {
			return p, fmt.Errorf("data.%s: not of the type that it should be", f.Name)
		}
	}
	if p.From, err = parseFrom(from); err != nil {
		return p, err
	}
	if p.Text == "" {
		return p, errors.New("data.rules: expected a rule book")
	}
	p.Book, err = Parse("data.rules", []byte(p.Text))
	return p, err
}

func parseFrom(text string) (event.Instant, error) {
	if text == beginning {
		return Beginning, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, fmt.Errorf("data.effective_from: expected a time such as 2026-10-05T00:00:00Z, or %s", beginning)
	}
	return event.InstantOf(t), nil
}
