package mapping_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"parcours/pipeline/ingest/mapping"
)

func TestOpenGoesByTheBytes(t *testing.T) {
	const text = "at,case\n1,2\n"
	for _, c := range []struct{ name, file, content string }{
		{"plain", "a.csv", text},
		{"no name", "", text},
		{"gzip", "a.csv.gz", gzipped(t, text)},
		{"gzip under another name", "a.csv", gzipped(t, text)},
		{"two gzip members", "a.gz", gzipped(t, text[:5]) + gzipped(t, text[5:])},
		{"zstd", "a.csv.zst", zstded(t, text)},
		{"zstd under another name", "a", zstded(t, text)},
	} {
		t.Run(c.name, func(t *testing.T) {
			equal(t, "content", unpacked(t, strings.NewReader(c.content), c.file), text)
		})
	}
	equal(t, "nothing", unpacked(t, strings.NewReader(""), "a.csv"), "")
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct{ name, file, content, want string }{
		{"plain as gzip", "a.csv.gz", "at,case\n", "the name says gzip"},
		{"empty as zstd", "a.csv.zst", "", "the name says zstd"},
		{"zip", "a.csv", "PK\x03\x04....", "zip"},
		{"half a gzip header", "a.gz", "\x1f\x8b", "gzip"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := mapping.Open(strings.NewReader(c.content), c.file)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestTruncatedFilesAreErrors: half a file must never look like a whole one.
func TestTruncatedFilesAreErrors(t *testing.T) {
	text := "at,case,act\n" + strings.Repeat("2026-01-05T09:00:00Z,1,a\n", 1000)
	for _, packed := range []string{gzipped(t, text), zstded(t, text)} {
		in, err := mapping.Open(strings.NewReader(packed[:len(packed)-6]), "a")
		if err != nil {
			t.Fatal(err)
		}
		var last error
		for _, err := range load(t, page("")).Rows(in) {
			last = err
		}
		if last == nil {
			t.Error("a truncated file was read without an error")
		}
	}
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zstded(t *testing.T, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return string(w.EncodeAll([]byte(text), nil))
}
