package evaluate

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"

	"parcours/pipeline/event"
)

// bucketCount is how many parts the homes are put into: one part is unpacked at a time.
const bucketCount = 128

// bucket holds the events of some homes, compressed, in order.
type bucket struct {
	packed bytes.Buffer
	writer *zstd.Encoder
	scrap  []byte
}

// entry says where an event belongs: the home in which it happened and the one in which it was sent; "" for neither here.
type entry struct {
	happened, sent string
	lost           []string
}

func newBuckets() []*bucket {
	list := make([]*bucket, bucketCount)
	for i := range list {
		list[i] = &bucket{}
	}
	return list
}

func bucketOf(home string) int {
	sum := fnv.New32a()
	_, _ = io.WriteString(sum, home)
	return int(sum.Sum32() % bucketCount)
}

func (b *bucket) add(e entry, body []byte) error {
	if b.writer == nil {
		w, err := zstd.NewWriter(&b.packed, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(256<<10), zstd.WithLowerEncoderMem(true))
		if err != nil {
			return fmt.Errorf("pack the truth: %w", err)
		}
		b.writer = w
	}
	b.scrap = b.scrap[:0]
	for _, text := range [...]string{e.happened, e.sent, strings.Join(e.lost, ",")} {
		b.scrap = append(binary.AppendUvarint(b.scrap, uint64(len(text))), text...)
	}
	b.scrap = append(binary.AppendUvarint(b.scrap, uint64(len(body))), body...)
	if _, err := b.writer.Write(b.scrap); err != nil {
		return fmt.Errorf("pack the truth: %w", err)
	}
	return nil
}

func (b *bucket) close() error {
	if b.writer == nil {
		return nil
	}
	w := b.writer
	b.writer, b.scrap = nil, nil
	return w.Close()
}

// life is all that happened in a home, and all that was sent of it.
type life struct {
	happened, sent []*event.Event
	whole          bool // nothing was lost, and nothing belongs elsewhere: both are the same
}

// lives unpacks the homes of a bucket.
func (b *bucket) lives() (map[string]*life, error) {
	homes := map[string]*life{}
	if b.packed.Len() == 0 {
		return homes, nil
	}
	reader, err := zstd.NewReader(bytes.NewReader(b.packed.Bytes()), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("unpack the truth: %w", err)
	}
	defer reader.Close()
	for r := bufio.NewReaderSize(reader, 1<<18); ; {
		e, body, err := next(r)
		if errors.Is(err, io.EOF) {
			return homes, nil
		}
		if err == nil {
			err = settle(homes, e, body)
		}
		if err != nil {
			return nil, fmt.Errorf("unpack the truth: %w", err)
		}
	}
}

// next reads one entry; io.EOF behind the last.
func next(r *bufio.Reader) (e entry, body []byte, err error) {
	var parts [4][]byte
	for i := range parts {
		n, err := binary.ReadUvarint(r)
		if err != nil {
			return e, nil, err
		}
		parts[i] = make([]byte, n)
		if _, err := io.ReadFull(r, parts[i]); err != nil {
			return e, nil, err
		}
	}
	e.happened, e.sent = string(parts[0]), string(parts[1])
	if len(parts[2]) > 0 {
		e.lost = strings.Split(string(parts[2]), ",")
	}
	return e, parts[3], nil
}

// settle puts an event into its homes.
func settle(homes map[string]*life, e entry, body []byte) error {
	same := e.sent == e.happened && len(e.lost) == 0
	var happened *event.Event
	if e.happened != "" {
		read, err := event.DecodeLog(body)
		if err != nil {
			return err
		}
		happened = &read
		l := lifeOf(homes, e.happened)
		l.happened, l.whole = append(l.happened, happened), l.whole && same
	}
	if e.sent == "" {
		return nil
	}
	sent := happened
	if !same {
		read, err := event.DecodeLog(body)
		if err == nil {
			err = forgetAll(&read, e.lost)
		}
		if err != nil {
			return err
		}
		sent = &read
	}
	l := lifeOf(homes, e.sent)
	l.sent, l.whole = append(l.sent, sent), l.whole && same
	return nil
}

func lifeOf(homes map[string]*life, home string) *life {
	l := homes[home]
	if l == nil {
		l = &life{whole: true}
		homes[home] = l
	}
	return l
}
