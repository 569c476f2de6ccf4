package ingest

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"parcours/pipeline/event"
)

const acceptedTypes = "application/cloudevents+json, application/cloudevents-batch+json, application/x-ndjson, application/json; or CloudEvents binary mode"

var (
	errTooLarge    = errors.New("the body is too large")
	errContentType = errors.New("unknown content type")
	errEncoding    = errors.New("unknown content encoding")
)

// body is the decompressed body, bounded in both forms; reading beyond either bound gives errTooLarge.
func (h *Handler) body(w http.ResponseWriter, r *http.Request) (io.ReadCloser, error) {
	sent := http.MaxBytesReader(w, r.Body, h.cfg.MaxBody)
	switch strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding"))) {
	case "", "identity":
		return bounded{sent, h.limit(sent)}, nil
	case "gzip", "x-gzip":
		d := &lazyGzip{r: sent}
		return bounded{d, h.limit(d)}, nil
	case "zstd":
		d, err := zstd.NewReader(sent, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return nil, err
		}
		return bounded{d.IOReadCloser(), h.limit(d)}, nil
	}
	return nil, errEncoding
}

// zstdWindow is the largest window a sender may use: what RFC 8878 asks every decoder to bear.
const zstdWindow = 8 << 20

type bounded struct {
	io.Closer
	io.Reader
}

func (h *Handler) limit(r io.Reader) io.Reader { return &limited{r: r, left: h.cfg.MaxBody} }

// limited fails, where io.LimitedReader ends.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return n - 1, errTooLarge
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		err = errTooLarge
	}
	return n, err
}

// lazyGzip reads the header when the first byte is wanted, so that a broken one is an error of the body.
type lazyGzip struct {
	r io.ReadCloser
	z *gzip.Reader
}

func (l *lazyGzip) Read(p []byte) (int, error) {
	if l.z == nil {
		z, err := gzip.NewReader(l.r)
		if err != nil {
			return 0, err
		}
		l.z = z
	}
	return l.z.Read(p)
}

func (l *lazyGzip) Close() error { return l.r.Close() }

// source finds out how the events of a request are written.
func (h *Handler) source(r *http.Request, body io.Reader) (source, error) {
	content, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := strings.ToLower(params["charset"]); charset != "" && charset != "utf-8" && charset != "us-ascii" {
		return nil, errContentType
	}
	split := func(l layout) (source, error) { return newSplitter(body, l, h.cfg.MaxEvent).next, nil }
	switch {
	case content == "application/cloudevents+json":
		return split(oneEvent)
	case content == "application/cloudevents-batch+json":
		return split(array)
	case r.Header.Get("Ce-Specversion") != "" || r.Header.Get("Ce-Id") != "":
		return h.binary(r.Header, body), nil
	case err != nil:
		return nil, errContentType
	case slices.Contains(lineTypes, content):
		return split(lines)
	case content == "application/json":
		return split(objects)
	}
	return nil, errContentType
}

var lineTypes = []string{"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}

// binary is one event whose attributes are headers and whose data is the body, which may be empty.
func (h *Handler) binary(header http.Header, body io.Reader) source {
	done := false
	split := newSplitter(body, oneEvent, h.cfg.MaxEvent)
	return func() (Raw, error) {
		if done {
			return Raw{}, io.EOF
		}
		done = true
		raw, err := split.next()
		if errors.Is(err, io.EOF) {
			err = nil // no data
		}
		if raw.Broken == nil {
			raw.Attributes = attributes(header)
		}
		return raw, err
	}
}

// attributes reads the ce- headers.
func attributes(header http.Header) *event.Attributes {
	a := &event.Attributes{DataContentType: header.Get("Content-Type")}
	known := map[string]*string{"specversion": &a.SpecVersion, "id": &a.ID, "source": &a.Source, "type": &a.Type,
		"time": &a.Time, "subject": &a.Subject, "sequence": &a.Sequence}
	for name, values := range header {
		attribute, ok := strings.CutPrefix(strings.ToLower(name), "ce-")
		if !ok || attribute == "dataschema" || attribute == "sequencetype" {
			continue
		}
		if field := known[attribute]; field != nil {
			*field = headerText(values[0])
		} else {
			a.Unknown = append(a.Unknown, attribute)
		}
	}
	slices.Sort(a.Unknown)
	a.Source = uriText(a.Source)
	return a
}

// uriText encodes what may not stand in a URI again. Senders exist (the CloudEvents SDK for Go is one) that put a source
// into a header as it is, and not with its percent signs encoded: one round of decoding takes off too much, and the event
// would have another source than in structured mode.
func uriText(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// headerText decodes a header's value as the CloudEvents HTTP binding says (3.1.3.2): quotes first, then one round of
// percent-decoding; a percent sign that begins no byte stands for itself.
func headerText(v string) string {
	v = unquoted(strings.TrimSpace(v))
	if !strings.Contains(v, "%") {
		return v
	}
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		if v[i] == '%' && i+2 < len(v) {
			high, low := hexDigit(v[i+1]), hexDigit(v[i+2])
			if high >= 0 && low >= 0 {
				b.WriteByte(byte(high<<4 | low))
				i += 2
				continue
			}
		}
		b.WriteByte(v[i])
	}
	return b.String()
}

// unquoted takes the quotes and backslashes off a quoted string (RFC 7230, 3.2.6).
func unquoted(v string) string {
	if len(v) < 2 || v[0] != '"' || v[len(v)-1] != '"' {
		return v
	}
	var b strings.Builder
	for i := 1; i < len(v)-1; i++ {
		if v[i] == '\\' && i+1 < len(v)-1 {
			i++
		}
		b.WriteByte(v[i])
	}
	return b.String()
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
