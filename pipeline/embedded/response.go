package embedded

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// holdBack is how much of a result is kept before the first byte goes out, as on a server (its buffer_size): a
// failure until then gets a status and headers of its own.
const holdBack = 1 << 20

// summary is what X-ClickHouse-Summary tells.
type summary struct{ readRows, readBytes, writtenRows, writtenBytes uint64 }

func (s summary) add(o summary) summary {
	return summary{s.readRows + o.readRows, s.readBytes + o.readBytes, s.writtenRows + o.writtenRows, s.writtenBytes + o.writtenBytes}
}

func (s summary) String() string {
	return fmt.Sprintf(`{"read_rows":"%d","read_bytes":"%d","written_rows":"%d","written_bytes":"%d","total_rows_to_read":"0","result_rows":"0","result_bytes":"0"}`,
		s.readRows, s.readBytes, s.writtenRows, s.writtenBytes)
}

// response is an answer under way: compressed as the client wants, held back at first, then streamed.
type response struct {
	w         http.ResponseWriter
	version   string
	tag       string // marks an exception in the middle of a result
	summary   summary
	held      bytes.Buffer
	whole     bool // hold everything back
	committed bool // the status is out

	blocks  bool
	encoder encoder
	sink    io.Writer // where results are written
}

func newResponse(w http.ResponseWriter, version string) *response {
	tag := make([]byte, 8)
	_, _ = rand.Read(tag)
	return &response{w: w, version: version, tag: hex.EncodeToString(tag)}
}

// prepare takes what the client wants of the answer from its request.
func (o *response) prepare(q *request) {
	o.whole, o.blocks = q.wholeResult, q.compressBlocks
	header := o.w.Header()
	header.Set("X-ClickHouse-Query-Id", q.queryID)
	header.Set("Cache-Control", "no-cache")
	if q.encoding != "" {
		header.Set("Content-Encoding", q.encoding)
		header.Add("Vary", "Accept-Encoding")
	}
	o.encoder, _ = newEncoder(q.encoding, heldWriter{o})
	o.sink = o.encoder
	if o.blocks {
		o.sink = newBlockWriter(o.encoder, q.blockMethod)
	}
}

// setFormat announces the format of what will be written.
func (o *response) setFormat(format string) {
	o.w.Header().Set("X-ClickHouse-Format", format)
	o.w.Header().Set("Content-Type", contentType(format))
}

// Write takes a part of the result.
func (o *response) Write(p []byte) (int, error) { return o.sink.Write(p) }

// heldWriter is the end of the chain: it holds back, then sends.
type heldWriter struct{ o *response }

func (h heldWriter) Write(p []byte) (int, error) {
	o := h.o
	if !o.committed && (o.whole || o.held.Len()+len(p) < holdBack) {
		return o.held.Write(p)
	}
	if err := o.commit(); err != nil {
		return 0, err
	}
	return o.w.Write(p)
}

// commit sends the status, the headers and what was held back.
func (o *response) commit() error {
	if o.committed {
		return nil
	}
	o.committed = true
	header := o.w.Header()
	header.Set("X-ClickHouse-Summary", o.summary.String())
	header.Set("X-ClickHouse-Exception-Tag", o.tag)
	_, err := o.w.Write(o.held.Bytes())
	o.held = bytes.Buffer{}
	return err
}

// finish ends a result that is complete.
func (o *response) finish() error {
	header := o.w.Header()
	if !o.committed && o.held.Len() == 0 && header.Get("X-ClickHouse-Format") == "" {
		header.Del("Content-Encoding")
		header.Set("Content-Length", "0")
		return o.commit()
	}
	if err := o.encoder.Close(); err != nil {
		return err
	}
	if !o.committed {
		header.Set("Content-Length", strconv.Itoa(o.held.Len()))
	}
	return o.commit()
}

// fail answers with an exception: as the whole answer if nothing is out yet, else in the middle of the result, after
// which the connection breaks so that nobody takes the result for complete.
func (o *response) fail(e *exception) {
	if !o.committed {
		o.refuse(e)
		return
	}
	o.interrupt(e.body(o.version))
	panic(http.ErrAbortHandler)
}

func (o *response) refuse(e *exception) {
	header := o.w.Header()
	header.Del("Content-Encoding")
	header.Set("Content-Type", "text/plain; charset=UTF-8")
	header.Set("X-ClickHouse-Exception-Code", strconv.Itoa(e.code))
	header.Set("X-ClickHouse-Summary", o.summary.String())
	body := e.body(o.version)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	o.w.WriteHeader(e.status())
	_, _ = io.WriteString(o.w, body)
}

// interrupt writes the frame in which a server puts an exception that came too late for a status.
func (o *response) interrupt(text string) {
	frame := fmt.Sprintf("\r\n__exception__\r\n%s\r\n%s%d %s\r\n__exception__\r\n", o.tag, text, len(text), o.tag)
	var sink io.Writer = o.encoder
	if o.blocks {
		sink = newBlockWriter(o.encoder, "NONE") // readable in the raw bytes as well
	}
	_, _ = io.WriteString(sink, frame)
	_ = o.encoder.Flush()
	_ = http.NewResponseController(o.w).Flush()
}
