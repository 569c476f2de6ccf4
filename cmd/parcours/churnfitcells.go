package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// cells are the rows of a table of any common form: separated by tabs, ; , | or white space.
type cells struct {
	next func() (row []string, line int, err error) // good until the next call; io.EOF after the last; a *rowFault of one row
	name string                                     // of the separator
	mark rune                                       // 0 for white space
}

// rowFault is what is wrong with one row. It names no value: that may be personal.
type rowFault struct {
	line     int
	field    string
	expected string
}

func (f *rowFault) Error() string {
	return fmt.Sprintf("line %d: %s: expected %s", f.line, f.field, f.expected)
}

// separators by their names on the command line, in the order in which they are preferred.
var separators = []struct {
	name string
	mark rune
}{{"tab", '\t'}, {"semicolon", ';'}, {"comma", ','}, {"bar", '|'}, {"space", 0}}

// openCells looks at the first lines, and finds the separator where none is named.
func openCells(r io.Reader, separator string) (*cells, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	if bom, _ := in.Peek(3); string(bom) == "\xef\xbb\xbf" {
		_, _ = in.Discard(3) // it was peeked at
	}
	head, err := in.Peek(1 << 15)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(bytes.TrimSpace(head)) == 0 {
		return nil, errors.New("the file is empty")
	}
	c := &cells{name: separator}
	if separator == "auto" {
		c.name = separatorOf(head)
	}
	for _, s := range separators {
		if s.name == c.name {
			c.mark = s.mark
		}
	}
	c.next = spaced(in)
	if c.mark != 0 {
		c.next = separated(in, c.mark)
	}
	return c, nil
}

// separatorOf is the mark that stands in most of the first lines; white space where none stands in half of them.
func separatorOf(head []byte) string {
	lines := strings.Split(strings.TrimSpace(string(head)), "\n")
	if len(lines) > 20 {
		lines = lines[:20]
	}
	best, name := len(lines)/2, "space"
	for _, s := range separators {
		n := 0
		for _, line := range lines {
			n += count(s.mark != 0 && strings.ContainsRune(unquoted(line), s.mark))
		}
		if n > best {
			best, name = n, s.name
		}
	}
	return name
}

// unquoted is a line without what stands in quotes.
func unquoted(line string) string {
	parts := strings.Split(line, `"`)
	var out strings.Builder
	for i := 0; i < len(parts); i += 2 {
		out.WriteString(parts[i])
	}
	return out.String()
}

// separated reads rows as CSV does.
func separated(in io.Reader, mark rune) func() ([]string, int, error) {
	r := csv.NewReader(in)
	r.Comma, r.ReuseRecord, r.FieldsPerRecord, r.TrimLeadingSpace = mark, true, -1, mark != '\t'
	return func() ([]string, int, error) {
		row, err := r.Read()
		var p *csv.ParseError
		switch {
		case errors.As(err, &p) && p.Line > p.StartLine:
			return nil, p.StartLine, &rowFault{p.StartLine, "row", fmt.Sprintf("a closing quote (lines %d to %d read as one row)", p.StartLine, p.Line)}
		case errors.As(err, &p):
			return nil, p.Line, &rowFault{p.Line, "row", "quotes around a whole cell, and doubled inside it"}
		case err != nil:
			return nil, 0, err
		}
		line, _ := r.FieldPos(0)
		return row, line, nil
	}
}

// spaced reads rows of words.
func spaced(in *bufio.Reader) func() ([]string, int, error) {
	number := 0
	return func() ([]string, int, error) {
		for {
			text, err := line(in)
			number++
			if row := strings.Fields(string(text)); len(row) > 0 {
				return row, number, nil
			}
			if err != nil {
				return nil, number, err
			}
		}
	}
}

// civilDay is a date as the number of days since 1970-01-01.
type civilDay int32

func (d civilDay) String() string {
	return time.Unix(int64(d)*86400, 0).UTC().Format(time.DateOnly)
}

// dateForms says what is understood without --date-format.
const dateForms = "a date such as 2006-01-02, 2006/01/02, 20060102 or 2006-01-02T15:04:05Z, of a day that exists"

// afterDate are the times of day that may follow a date; a zone is read and left: the day is the one that is written.
var afterDate = []string{"15:04:05", "15:04", "15:04:05Z07:00", "15:04:05Z0700", "15:04:05 Z07:00", "15:04:05 -0700", "15:04:05 UTC", "15:04Z07:00", "15:04:05 -0700 MST"}

// dayOf reads a date, by a layout of the time package where one is given.
func dayOf(text, layout string) (civilDay, bool) {
	text = strings.TrimSpace(text)
	if layout != "" {
		t, err := time.Parse(layout, text)
		return civilOf(t.Year(), int(t.Month()), t.Day(), err == nil)
	}
	if len(text) == 8 {
		return civilOf(number(text[:4]), number(text[4:6]), number(text[6:]), true)
	}
	if len(text) < 10 || text[4] != text[7] || text[4] != '-' && text[4] != '/' {
		return 0, false
	}
	return civilOf(number(text[:4]), number(text[5:7]), number(text[8:10]), timeOfDay(text[10:]))
}

// timeOfDay says whether what follows a date is nothing, or a time of day.
func timeOfDay(text string) bool {
	if text == "" {
		return true
	}
	if text[0] != 'T' && text[0] != ' ' {
		return false
	}
	for _, layout := range afterDate {
		if _, err := time.Parse(layout, text[1:]); err == nil {
			return true
		}
	}
	return false
}

// civilOf refuses days that are none, such as February 30.
func civilOf(year, month, day int, ok bool) (civilDay, bool) {
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if !ok || year < 1900 || year > 2300 || t.Year() != year || int(t.Month()) != month || t.Day() != day {
		return 0, false
	}
	return civilDay(t.Unix() / 86400), true // whole days: exact before 1970 too
}

// number reads digits; -1 where there is anything else.
func number(text string) (n int) {
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return -1
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// layoutOf turns DD/MM/YYYY hh:mm:ss into a layout of the time package.
func layoutOf(format string) (string, error) {
	layout := strings.NewReplacer("YYYY", "2006", "YY", "06", "MM", "01", "DD", "02", "hh", "15", "mm", "04", "ss", "05").Replace(format)
	day := time.Date(2031, 11, 27, 0, 0, 0, 0, time.UTC)
	if t, err := time.Parse(layout, day.Format(layout)); format != "" && (err != nil || !t.Equal(day)) {
		return "", misused("--date-format %s: expected YYYY, MM and DD with what stands between them, such as DD/MM/YYYY or MM/DD/YYYY hh:mm", format)
	}
	return layout, nil
}

// amountForm says what an amount may look like.
const amountForm = "an amount such as 12.50 or 12,50 (1,234 could be either), or nothing"

// amountOf reads an amount. The last of . and , is the decimal sign where both stand; a lone comma with three digits behind it
// could be either, and is refused.
func amountOf(text string) (v float64, ok bool) {
	text = strings.TrimSpace(strings.Trim(strings.TrimSpace(text), "$€£"))
	dot, comma := strings.LastIndexByte(text, '.'), strings.LastIndexByte(text, ',')
	switch {
	case comma < 0:
	case dot > comma:
		text = strings.ReplaceAll(text, ",", "")
	case dot >= 0:
		text = strings.Replace(strings.ReplaceAll(text, ".", ""), ",", ".", 1)
	case len(text)-comma-1 == 3 || strings.Count(text, ",") > 1:
		return 0, false
	default:
		text = strings.Replace(text, ",", ".", 1)
	}
	if strings.Trim(text, "0123456789.-+eE") != "" {
		return 0, false // no words, no hexadecimal
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil
}
