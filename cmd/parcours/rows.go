package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"slices"

	"parcours/pipeline/event"
	"parcours/pipeline/ingest/mapping"
)

// csvRows maps the rows of a CSV.
func csvRows(name string, read *fileRead, m *mapping.Mapping, yield func(row, error) bool) {
	file, err := openFile(name, read)
	if err != nil {
		yield(row{}, err)
		return
	}
	defer file.Close()
	for r, err := range m.Rows(file) {
		if err != nil {
			yield(row{}, err)
			return
		}
		if !yield(csvRow(r, m.Source()), nil) {
			return
		}
	}
}

func csvRow(r mapping.Row, source string) row {
	if r.Refusal == nil {
		return row{body: r.Body, number: r.Number}
	}
	return row{number: r.Number, refusal: &event.Refusal{
		Source: source, Field: r.Refusal.Field, Expected: r.Refusal.Expected, Reason: reasonOf(r.Refusal.Field),
	}}
}

// reasonOf puts a mapping's refusal into the closed list of reasons.
func reasonOf(field string) string {
	switch field {
	case "": // of the whole row
		return event.ReasonBrokenRow
	case "time", "data.sent_at", "data.due":
		return event.ReasonBadTime
	case "type", "data.channel", "data.direction", "data.resolved", "data.holding", "data.captive":
		return event.ReasonUnknownValue
	}
	return event.ReasonBadValue
}

// ndjsonRows gives the lines of a file, in file order or in order of event time (ties in file order). A line without a
// readable time comes first when sorted: it is refused anyway. Sorting holds the file in memory.
func ndjsonRows(name string, read *fileRead, sorted bool, yield func(row, error) bool) {
	file, err := openFile(name, read)
	if err != nil {
		yield(row{}, err)
		return
	}
	defer file.Close()
	if !sorted {
		lines(file, yield)
		return
	}
	type timed struct {
		row
		at event.Instant
	}
	var list []timed
	var failed error
	lines(file, func(r row, err error) bool {
		if failed = err; err != nil {
			return false
		}
		r.body = bytes.Clone(r.body)
		list = append(list, timed{r, timeOf(r.body)})
		return true
	})
	if failed != nil {
		yield(row{}, failed)
		return
	}
	slices.SortStableFunc(list, func(a, b timed) int { return compare(a.at, b.at) })
	for _, r := range list {
		if !yield(r.row, nil) {
			return
		}
	}
}

func compare(a, b event.Instant) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// timeOf is the event time of a line as the door will read it.
func timeOf(body []byte) event.Instant {
	e, _, refusal := event.Decode(body, event.Limits{Now: math.MaxInt64 / 2, Operator: true})
	if refusal != nil {
		return math.MinInt64
	}
	return e.At
}

// longestLine is where a line is cut: the door refuses what is longer than an event may be, and says so.
const longestLine = 1 << 20

// lines gives the lines that are not blank. What of a line lies beyond longestLine is dropped.
func lines(r io.Reader, yield func(row, error) bool) {
	reader := bufio.NewReaderSize(r, 1<<16)
	for number := 1; ; number++ {
		line, err := line(reader)
		if trimmed := bytes.TrimSpace(line); len(trimmed) > 0 && !yield(row{body: trimmed, number: number}, nil) {
			return
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			yield(row{}, err)
			return
		}
	}
}

func line(r *bufio.Reader) ([]byte, error) {
	var text []byte
	for {
		part, err := r.ReadSlice('\n')
		if room := longestLine - len(text); room > 0 {
			text = append(text, part[:min(room, len(part))]...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return text, err
		}
	}
}
