package mapping

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"parcours/pipeline/event"
)

// Row is one line of the file: an event, or the reason why it is none.
type Row struct {
	// Number is the position in the file, counted from 1 after the header, before sorting; a quoted cell with line breaks
	// is one row.
	Number int
	// Source is the CloudEvents source of the event.
	Source string
	// At is when it happened.
	At event.Instant
	// Body is the event as structured CloudEvents JSON, with raw identifiers; nil where there is a Refusal.
	Body []byte
	// Refusal says why the row is no event; nil where there is a Body.
	Refusal *Refusal
}

// Refusal is a row that could not be mapped. It carries no value of the row.
type Refusal struct {
	Row      int
	Field    string // time, type, id, data.<field>; "" when the whole row could not be read
	Expected string
}

// String tells it on one line.
func (r Refusal) String() string {
	if r.Field == "" {
		return fmt.Sprintf("row %d: expected %s", r.Row, r.Expected)
	}
	return fmt.Sprintf("row %d: %s: expected %s", r.Row, r.Field, r.Expected)
}

// Rows reads a file and gives each of its rows once: refused rows as they are met, events in order of (time, row number),
// or in file order where the mapping says `sort: false`. An error ends it: the file cannot be read, or it lacks a column
// that the mapping names; rows of the part already read have been given or not, and an import starts again from the top,
// since ids are the same the next time.
//
// Memory: with sort, until the end of the file the bytes of the mapped columns, one more byte a cell and 24 bytes a row (up
// to twice that while the index grows); so about the unpacked size of the file, less for the columns that are not mapped.
// Without sort, one row.
func (m *Mapping) Rows(r io.Reader) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		s, err := m.openSheet(r)
		if err != nil {
			yield(Row{}, err)
			return
		}
		if m.sort {
			m.sortedRows(s, yield)
		} else {
			m.unsortedRows(s, yield)
		}
	}
}

// unsortedRows gives rows in file order.
func (m *Mapping) unsortedRows(s *sheet, yield func(Row, error) bool) {
	for {
		row, err := m.next(s)
		if errors.Is(err, io.EOF) {
			return
		}
		if !yield(row, err) || err != nil {
			return
		}
	}
}

// next reads and maps one row; io.EOF after the last.
func (m *Mapping) next(s *sheet) (Row, error) {
	cells, refusal, err := s.next()
	if err != nil {
		return Row{}, err
	}
	return m.row(s.row, cells, refusal), nil
}

// row maps the cells of one row.
func (m *Mapping) row(number int, cells []string, refusal *Refusal) Row {
	row := Row{Number: number, Source: m.source, Refusal: refusal}
	if refusal != nil {
		return row
	}
	e, refusal := m.event(number, cells)
	if refusal != nil {
		row.Refusal = refusal
		return row
	}
	row.At, row.Body = e.At, event.AppendLog(nil, e)
	return row
}

// sortedRows holds what it reads, and gives it out by (time, row number).
func (m *Mapping) sortedRows(s *sheet, yield func(Row, error) bool) {
	var h hold
	for {
		cells, refusal, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			yield(Row{}, err)
			return
		}
		row := m.tryRow(s.row, cells, refusal)
		if row.Refusal == nil {
			h.add(row.At, row.Number, cells)
		} else if !yield(row, nil) {
			return
		}
	}
	m.giveHeld(&h, len(s.positions), yield)
}

// tryRow is row without the body: that is made when the row's turn has come.
func (m *Mapping) tryRow(number int, cells []string, refusal *Refusal) Row {
	row := Row{Number: number, Source: m.source, Refusal: refusal}
	if refusal != nil {
		return row
	}
	e, refusal := m.event(number, cells)
	if row.Refusal = refusal; refusal == nil {
		row.At = e.At
	}
	return row
}

// giveHeld sorts what is held and maps it again.
func (m *Mapping) giveHeld(h *hold, width int, yield func(Row, error) bool) {
	slices.SortFunc(h.rows, func(a, b held) int {
		if a.at != b.at {
			return cmp.Compare(a.at, b.at)
		}
		return cmp.Compare(a.number, b.number)
	})
	cells := make([]string, width)
	for _, x := range h.rows {
		h.read(x, cells)
		if !yield(m.row(int(x.number), cells, nil), nil) {
			return
		}
	}
}

// event makes the event of one row, or says what is wrong with it.
func (m *Mapping) event(number int, cells []string) (*event.Event, *Refusal) {
	e := &event.Event{Source: m.source, Sequence: fmt.Sprintf("%012d", number)}
	refuse := func(field, expected string) (*event.Event, *Refusal) {
		return nil, &Refusal{Row: number, Field: field, Expected: expected}
	}
	var ok, unknown bool
	if e.At, ok = m.clock.read(m.time.of(cells)); !ok {
		return refuse("time", m.clock.names)
	}
	if e.Type, unknown = m.typ.applyTo(cells); e.Type == "" || unknown && m.typ.Default == nil {
		return refuse("type", "an event type, or one of the values of the mapping")
	}
	if e.ID = m.idOf(number, cells); e.ID == "" {
		return refuse("id", "an id")
	}
	e.Subject = m.subject.of(cells)
	for _, f := range m.fields {
		value := f.rule.of(cells)
		if value == "" {
			continue
		}
		if expected := f.set(&e.Data, value, f.rule, m.clock); expected != "" {
			return refuse("data."+f.name, expected)
		}
	}
	return e, nil
}

func (m *Mapping) idOf(number int, cells []string) string {
	if m.id == nil {
		return fmt.Sprintf("row-%09d", number)
	}
	return m.id.of(cells)
}

// of gives the value of a rule for the cells of a row, "" where there is no rule.
func (r *rule) of(cells []string) string {
	value, _ := r.applyTo(cells)
	return value
}

func (r *rule) applyTo(cells []string) (value string, unknown bool) {
	switch {
	case r == nil:
		return "", false
	case r.Const != nil:
		return *r.Const, false
	}
	return r.apply(cells[r.slot])
}
