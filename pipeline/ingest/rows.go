package ingest

import (
	"strconv"
	"strings"
)

// RowsHeader says which rows of a file the events of a request are, in their order: "2,5-1003". What is refused of them is
// kept with its row.
const RowsHeader = "Parcours-Rows"

// rowRange is some rows one after the other.
type rowRange struct{ next, last uint64 }

// fileRows are the rows of the events of a request that are still to come.
type fileRows []rowRange

// rowsOf reads the header; of one that cannot be read, there are none.
func rowsOf(header string) (rows fileRows) {
	if header == "" {
		return nil
	}
	for part := range strings.SplitSeq(header, ",") {
		first, last, ranged := strings.Cut(part, "-")
		from, err := strconv.ParseUint(first, 10, 63)
		to := from
		if err == nil && ranged {
			to, err = strconv.ParseUint(last, 10, 63)
		}
		if err != nil || from == 0 || to < from {
			return nil
		}
		rows = append(rows, rowRange{from, to})
	}
	return rows
}

// next gives the row of the next event; 0 behind the last.
func (rows *fileRows) next() uint64 {
	if len(*rows) == 0 {
		return 0
	}
	r := &(*rows)[0]
	row := r.next
	if r.next++; r.next > r.last {
		*rows = (*rows)[1:]
	}
	return row
}

// with numbers what a source gives.
func (rows fileRows) with(next source) source {
	if len(rows) == 0 {
		return next
	}
	return func() (Raw, error) {
		raw, err := next()
		raw.Row = rows.next()
		return raw, err
	}
}

// RowsText writes rows as RowsHeader has them.
func RowsText(rows []uint64) string {
	var b []byte
	for i := 0; i < len(rows); {
		k := i
		for k+1 < len(rows) && rows[k+1] == rows[k]+1 {
			k++
		}
		if b = strconv.AppendUint(b, rows[i], 10); k > i {
			b = strconv.AppendUint(append(b, '-'), rows[k], 10)
		}
		b = append(b, ',')
		i = k + 1
	}
	return strings.TrimSuffix(string(b), ",")
}
