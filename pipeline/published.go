package pipeline

import (
	"parcours/pipeline/event"
	"parcours/pipeline/rules"
)

// published is a rule book that the log brought.
type published struct {
	position uint64        // in the log
	from     event.Instant // from which it holds here
	text     string
	book     *rules.Book
}

// publish takes a rule book that is in force from some moment on. It never changes how what lies behind the clock is judged:
// where its moment has passed already, it holds from the next one on. One that cannot be read, or cannot follow the book of
// this generation, is reported by the first partition and changes nothing. What is ahead of the clock, such as a due date,
// is looked at anew.
func (p *Partition) publish(m *Message, e *event.Event, c *Changes) error {
	if m.LogPosition() <= p.Restated {
		return nil
	}
	publication, err := rules.ReadPublication(e)
	if err == nil && publication.Restates {
		return nil // for generations that begin with it
	}
	if err == nil {
		err = publication.Book.CanFollow(p.Book)
	}
	if err != nil {
		p.refuseBook(m, e, err, c)
		return nil
	}
	from := publication.From
	if p.clock != noTime {
		from = max(from, p.clock+1)
	}
	p.take(published{m.LogPosition(), from, publication.Text, publication.Book})
	for i := range p.slots {
		if p.slots[i].packed != "" {
			p.due.set(p.slots, i, p.clock)
		}
	}
	p.toLook()
	return p.refold(m.Position, nil, c)
}

func (p *Partition) take(b published) {
	p.books = append(p.books, b)
	p.Book = p.Book.With(b.book, b.from, b.position)
	p.booksGiven = false
}

// ruleBooks are the books of the generation, for the tables: all of them, each time, since a row of one never changes. They
// are the same in every partition, and the first one gives them, when it has begun or taken another.
func (p *Partition) ruleBooks() (rows []RuleBookRow) {
	if p.Number != 0 || p.booksGiven {
		return nil
	}
	p.booksGiven = true
	rows = []RuleBookRow{{Position: p.Restated, EffectiveFrom: rules.Beginning, Document: string(p.Book.Document()), Book: p.Book}}
	for _, b := range p.books {
		rows = append(rows, RuleBookRow{Position: b.position, EffectiveFrom: b.from, Document: b.text, Book: b.book})
	}
	return rows
}

// mostExpected bounds what is said of a message that cannot be taken.
const mostExpected = 500

func (p *Partition) refuseBook(m *Message, e *event.Event, err error, c *Changes) {
	p.report(m, e, "data.rules", "a rule book that can be in force here: "+err.Error(), c)
}

// report says, once, of a message that every partition sees why it changes nothing.
func (p *Partition) report(m *Message, e *event.Event, field, expected string, c *Changes) {
	if p.Number == 0 {
		p.reportHere(m, e, field, expected, c)
	}
}

// reportHere says of a message that this partition alone sees why it changes nothing.
func (p *Partition) reportHere(m *Message, e *event.Event, field, expected string, c *Changes) {
	c.SetAside = append(c.SetAside, SetAside{Position: m.LogPosition(), Reason: event.ReasonUndecodable, Source: e.Source, Field: field,
		Expected: expected[:min(len(expected), mostExpected)]})
}

func (s *Snapshot) writeBooks(w *stateWriter) {
	w.p.uint(uint64(len(s.books)))
	for _, b := range s.books {
		w.p.uint(b.position)
		w.p.int(int64(b.from))
		w.p.text(b.text)
	}
	w.flush()
}

func (p *Partition) restoreBooks(r *stateReader) {
	for n := r.uint(); n > 0 && r.err == nil; n-- {
		b := published{position: r.uint(), from: event.Instant(r.int()), text: r.text()}
		if r.err != nil {
			return
		}
		if b.book, r.err = rules.Parse("published", []byte(b.text)); r.err == nil {
			p.take(b)
		}
	}
}
