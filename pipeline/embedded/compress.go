package embedded

import (
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// body is a request's body, decompressed.
type body struct {
	before io.Reader // what was read too far
	rest   io.Reader
	closer io.Closer
}

func openBody(r *http.Request, blocks bool) (*body, error) {
	decoded, err := decoder(r.Header.Get("Content-Encoding"), r.Body)
	if err != nil {
		return nil, err
	}
	if blocks {
		decoded = &blockReader{blocks: compress.NewReader(decoded)}
	}
	return &body{before: strings.NewReader(""), rest: decoded, closer: r.Body}, nil
}

// Read fails with io.ErrUnexpectedEOF, never io.EOF, where the client left in the middle.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.before.Read(p)
	if n > 0 || !errors.Is(err, io.EOF) {
		return n, err
	}
	return b.rest.Read(p)
}

func (b *body) unread(s string) { b.before = strings.NewReader(s) }

func (b *body) close() { _ = b.closer.Close() }

// blockReader ends a sequence of compressed blocks with io.EOF itself, which ch-go wraps.
type blockReader struct{ blocks io.Reader }

func (r *blockReader) Read(p []byte) (int, error) {
	n, err := r.blocks.Read(p)
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

func decoder(encoding string, r io.Reader) (io.Reader, error) {
	switch encoding {
	case "", "identity":
		return r, nil
	case "gzip":
		return &lazyReader{open: func() (io.Reader, error) { return gzip.NewReader(r) }}, nil
	case "deflate":
		return &lazyReader{open: func() (io.Reader, error) { return zlib.NewReader(r) }}, nil
	case "br":
		return brotli.NewReader(r), nil
	case "zstd":
		return &lazyReader{open: func() (io.Reader, error) { return zstd.NewReader(r, zstd.WithDecoderConcurrency(1)) }}, nil
	case "lz4":
		return lz4.NewReader(r), nil
	}
	return nil, raise(codeNotImplemented, "NOT_IMPLEMENTED", "Unknown compression method: %s", encoding)
}

// lazyReader opens at the first Read, so that an empty body of a declared encoding is simply empty.
type lazyReader struct {
	open   func() (io.Reader, error)
	opened io.Reader
}

func (l *lazyReader) Read(p []byte) (int, error) {
	if l.opened == nil {
		opened, err := l.open()
		if err != nil {
			return 0, err
		}
		l.opened = opened
	}
	return l.opened.Read(p)
}

// acceptedEncoding is the one ClickHouse would choose of those a client accepts, in its order.
func acceptedEncoding(headers []string) string {
	offered := map[string]bool{}
	for _, part := range strings.Split(strings.Join(headers, ","), ",") {
		name, quality, _ := strings.Cut(strings.TrimSpace(part), ";")
		offered[strings.TrimSpace(name)] = strings.ReplaceAll(quality, " ", "") != "q=0"
	}
	for _, encoding := range []string{"br", "lz4", "gzip", "deflate", "zstd"} {
		if offered[encoding] {
			return encoding
		}
	}
	return ""
}

// encoder compresses what is written to it. Flush makes what was written readable at the other end.
type encoder interface {
	io.WriteCloser
	Flush() error
}

func newEncoder(encoding string, w io.Writer) (encoder, error) {
	switch encoding {
	case "gzip":
		return gzip.NewWriterLevel(w, gzip.BestSpeed)
	case "deflate":
		return zlib.NewWriterLevel(w, zlib.BestSpeed)
	case "br":
		return brotli.NewWriterLevel(w, brotli.BestSpeed), nil
	case "zstd":
		return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	case "lz4":
		return lz4.NewWriter(w), nil
	}
	return plainWriter{w}, nil
}

type plainWriter struct{ io.Writer }

func (plainWriter) Flush() error { return nil }
func (plainWriter) Close() error { return nil }

const blockSize = 1 << 20

// blockWriter frames what is written to it as ClickHouse's compressed blocks.
type blockWriter struct {
	out    io.Writer
	blocks *compress.Writer
}

func newBlockWriter(out io.Writer, method string) *blockWriter {
	m := compress.LZ4
	switch strings.ToUpper(method) {
	case "ZSTD":
		m = compress.ZSTD
	case "NONE":
		m = compress.None
	}
	return &blockWriter{out: out, blocks: compress.NewWriter(compress.LevelZero, m)}
}

func (w *blockWriter) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		n := min(len(p), blockSize)
		if err := w.blocks.Compress(p[:n]); err != nil {
			return written, err
		}
		if _, err := w.out.Write(w.blocks.Data); err != nil {
			return written, err
		}
		p, written = p[n:], written+n
	}
	return written, nil
}
