package mapping

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// compression is one way of packing a file.
type compression struct {
	name       string
	extensions []string
	magic      [][]byte
	open       func(io.Reader) (io.ReadCloser, error)
}

var compressions = []compression{
	{"gzip", []string{".gz", ".gzip"}, [][]byte{{0x1f, 0x8b}}, openGzip},
	{"zstd", []string{".zst", ".zstd"}, [][]byte{{0x28, 0xb5, 0x2f, 0xfd}}, openZstd},
}

// unread are packings that we recognise and do not read.
var unread = map[string][]byte{"zip": []byte("PK\x03\x04"), "xz": []byte("\xfd7zXZ\x00"), "bzip2": []byte("BZh")}

// zstdWindow bounds the memory that a zstd file may ask for: 128 MiB, what `zstd --long` writes.
const zstdWindow = 128 << 20

// Open unpacks a file that is packed with gzip or zstd, told by its first bytes, and gives any other as it is. A name
// (which may be "") that promises a packing the bytes do not keep is an error. Close the result; r stays open.
func Open(r io.Reader, name string) (io.ReadCloser, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	head, err := in.Peek(8)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	for _, c := range compressions {
		if c.packs(head) {
			return c.open(in)
		}
	}
	for _, c := range compressions {
		if c.promised(name) {
			return nil, fmt.Errorf("open %s: the name says %s, the content does not", name, c.name)
		}
	}
	for kind, magic := range unread {
		if bytes.HasPrefix(head, magic) {
			return nil, fmt.Errorf("open %s: packed with %s: unpack it first (gzip and zstd are read as they are)", name, kind)
		}
	}
	return io.NopCloser(in), nil
}

func (c *compression) packs(head []byte) bool {
	for _, m := range c.magic {
		if bytes.HasPrefix(head, m) {
			return true
		}
	}
	return false
}

func (c *compression) promised(name string) bool {
	for _, e := range c.extensions {
		if path.Ext(name) == e {
			return true
		}
	}
	return false
}

func openGzip(r io.Reader) (io.ReadCloser, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("open gzip: %w", err)
	}
	return z, nil
}

func openZstd(r io.Reader) (io.ReadCloser, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow))
	if err != nil {
		return nil, fmt.Errorf("open zstd: %w", err)
	}
	return z.IOReadCloser(), nil
}
