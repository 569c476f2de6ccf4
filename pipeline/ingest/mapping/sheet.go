package mapping

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// sheet reads the cells of the mapped columns, row by row.
type sheet struct {
	csv       *csv.Reader
	header    []string
	columns   []string // that the mapping reads
	positions []int    // of columns in a record
	row       int      // of the last record read, from 1
	cells     []string // of the last record read, in the order of columns
}

// openSheet reads the header and finds the columns of the mapping in it.
func (m *Mapping) openSheet(r io.Reader) (*sheet, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	if bom, _ := in.Peek(3); string(bom) == "\xef\xbb\xbf" {
		_, _ = in.Discard(3) // it was peeked at
	}
	c := csv.NewReader(encodings[m.encoding](in))
	c.Comma, c.ReuseRecord = m.delimiter, true
	header, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("read the header: the file is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("read the header: %w", withoutLine(err))
	}
	s := &sheet{csv: c, columns: m.columns}
	for _, name := range header {
		s.header = append(s.header, strings.TrimSpace(name))
	}
	s.cells = make([]string, len(s.columns))
	return s, s.locate()
}

// locate finds the columns of the mapping in the header.
func (s *sheet) locate() error {
	for _, name := range s.columns {
		i := slices.Index(s.header, name)
		if i < 0 {
			return fmt.Errorf("the file has no column %q (it has: %s)", name, strings.Join(s.header, ", "))
		}
		if slices.Contains(s.header[i+1:], name) {
			return fmt.Errorf("the file has column %q twice", name)
		}
		s.positions = append(s.positions, i)
	}
	return nil
}

// next reads one row; its cells are good until the next call. io.EOF after the last.
func (s *sheet) next() ([]string, *Refusal, error) {
	record, err := s.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, io.EOF
	}
	s.row++
	if err != nil {
		expected, err := s.explain(err)
		return nil, &Refusal{Row: s.row, Expected: expected}, err
	}
	for i, at := range s.positions {
		if s.cells[i] = record[at]; !utf8.ValidString(record[at]) {
			return nil, &Refusal{Row: s.row, Expected: fmt.Sprintf("text in UTF-8 in column %q (or name another encoding)", s.columns[i])}, nil
		}
	}
	return s.cells, nil, nil
}

// explain says what was expected of a malformed row; an error that is not about one row comes back as it is.
func (s *sheet) explain(err error) (expected string, _ error) {
	var p *csv.ParseError
	if !errors.As(err, &p) {
		return "", fmt.Errorf("read row %d: %w", s.row, err)
	}
	switch {
	case errors.Is(err, csv.ErrFieldCount):
		return fmt.Sprintf("%d cells, as in the header", len(s.header)), nil
	case p.Line > p.StartLine:
		return fmt.Sprintf("a closing quote: lines %d to %d read as one row", p.StartLine, p.Line), nil
	}
	return fmt.Sprintf("quotes around a whole cell, and doubled inside it (line %d)", p.Line), nil
}

// withoutLine takes the position off an error of the header.
func withoutLine(err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
