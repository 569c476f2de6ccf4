package embedded

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// How the chunks of a stream, each a document of its own, become one document.
type joint int

const (
	whole        joint = iota // not at all: the format has a frame, so the result is made in one piece
	concatenated              // just so
	lines1                    // after the first, without a line of names
	lines2                    // after the first, without a line of names and one of types
	quoted1                   // the same where a name may hold a line break in quotes
	quoted2
	binary1 // after the first, without a counted list of names
	binary2 // after the first, without a counted list of names, then types
)

// jointOf knows formats by ClickHouse's names, in any case.
func jointOf(format string) joint {
	switch strings.ToLower(format) {
	case "native", "tabseparated", "tsv", "tabseparatedraw", "tsvraw", "raw", "csv", "tskv", "jsoneachrow", "jsonlines", "ndjson",
		"prettyjsoneachrow", "prettyjsonlines", "prettyndjson", "jsonstringseachrow", "jsoncompacteachrow", "jsoncompactstringseachrow",
		"rowbinary", "rowbinarywithdefaults", "msgpack", "bsoneachrow", "lineasstring", "rawblob", "null":
		return concatenated
	case "tabseparatedwithnames", "tsvwithnames", "jsoncompacteachrowwithnames", "jsoncompactstringseachrowwithnames":
		return lines1
	case "tabseparatedwithnamesandtypes", "tsvwithnamesandtypes", "jsoncompacteachrowwithnamesandtypes", "jsoncompactstringseachrowwithnamesandtypes":
		return lines2
	case "csvwithnames":
		return quoted1
	case "csvwithnamesandtypes":
		return quoted2
	case "rowbinarywithnames":
		return binary1
	case "rowbinarywithnamesandtypes":
		return binary2
	}
	return whole
}

// withoutHeader cuts what a chunk repeats from the first.
func (j joint) withoutHeader(chunk []byte) []byte {
	switch j {
	case lines1:
		return afterLines(chunk, 1)
	case lines2:
		return afterLines(chunk, 2)
	case quoted1:
		return afterQuotedLines(chunk, 1)
	case quoted2:
		return afterQuotedLines(chunk, 2)
	case binary1:
		return afterLists(chunk, 1)
	case binary2:
		return afterLists(chunk, 2)
	}
	return chunk
}

func afterLines(chunk []byte, n int) []byte {
	for range n {
		_, chunk, _ = bytes.Cut(chunk, []byte("\n"))
	}
	return chunk
}

func afterQuotedLines(chunk []byte, n int) []byte {
	quoted := false
	for i, c := range chunk {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\n' && !quoted:
			if n--; n == 0 {
				return chunk[i+1:]
			}
		}
	}
	return nil
}

// afterLists skips one count and lists of that many strings, each with its length before it.
func afterLists(chunk []byte, lists int) []byte {
	columns, size := binary.Uvarint(chunk)
	if size <= 0 {
		return nil
	}
	chunk = chunk[size:]
	for range columns * uint64(lists) {
		length, size := binary.Uvarint(chunk)
		if size <= 0 || uint64(len(chunk)-size) < length {
			return nil
		}
		chunk = chunk[uint64(size)+length:]
	}
	return chunk
}

// contentType is what ClickHouse announces for a format.
func contentType(name string) string {
	switch format := strings.ToLower(name); {
	case strings.HasPrefix(format, "json") && strings.Contains(format, "eachrow"), format == "ndjson", format == "jsonlines":
		return "application/x-ndjson; charset=UTF-8"
	case strings.HasPrefix(format, "json"):
		return "application/json; charset=UTF-8"
	case strings.HasPrefix(format, "csv"):
		return "text/csv; charset=UTF-8"
	case strings.HasPrefix(format, "tabseparated"), strings.HasPrefix(format, "tsv"), format == "tskv", format == "raw":
		return "text/tab-separated-values; charset=UTF-8"
	case format == "xml":
		return "application/xml; charset=UTF-8"
	case format == "markdown":
		return "text/markdown; charset=UTF-8"
	case strings.HasPrefix(format, "pretty"), format == "vertical", format == "values", format == "sqlinsert":
		return "text/plain; charset=UTF-8"
	}
	return "application/octet-stream"
}
