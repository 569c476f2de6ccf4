package mapping

import (
	"encoding/binary"

	"parcours/pipeline/event"
)

// hold keeps the cells of many rows compactly until they are sorted: bytes in chunks, and 24 bytes a row to find them.
type hold struct {
	rows   []held
	chunks [][]byte
}

// held is where a row lies.
type held struct {
	at     event.Instant
	number uint32
	chunk  uint32
	offset uint32
}

// chunkSize is what one chunk holds, a row that is bigger gets its own.
const chunkSize = 1 << 20

// add copies the cells of a row: for each its length and its bytes.
func (h *hold) add(at event.Instant, number int, cells []string) {
	size := 0
	for _, c := range cells {
		size += binary.MaxVarintLen32 + len(c)
	}
	last := len(h.chunks) - 1
	if last < 0 || len(h.chunks[last])+size > cap(h.chunks[last]) {
		h.chunks = append(h.chunks, make([]byte, 0, max(chunkSize, size)))
		last++
	}
	b := h.chunks[last]
	h.rows = append(h.rows, held{at: at, number: uint32(number), chunk: uint32(last), offset: uint32(len(b))})
	for _, c := range cells {
		b = binary.AppendUvarint(b, uint64(len(c)))
		b = append(b, c...)
	}
	h.chunks[last] = b
}

// read gives the cells of a row back.
func (h *hold) read(x held, cells []string) {
	b := h.chunks[x.chunk][x.offset:]
	for i := range cells {
		n, used := binary.Uvarint(b)
		cells[i] = string(b[used : used+int(n)])
		b = b[used+int(n):]
	}
}
