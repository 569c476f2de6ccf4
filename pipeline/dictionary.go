package pipeline

// dictionary gives small numbers to words that come again and again: sources, types, channels, units, reasons. It only
// grows, up to a bound, so that a snapshot of its beginning stays true while the fold goes on.
type dictionary struct {
	words []string
	index map[string]uint64
}

// Bounds of a dictionary: a field that never says the same twice is written out instead.
const (
	dictionaryMost = 1 << 16
	wordMost       = 128
)

func newDictionary(words []string) *dictionary {
	d := &dictionary{words: words, index: make(map[string]uint64, len(words))}
	for i, w := range words {
		d.index[w] = uint64(i + 1)
	}
	return d
}

// number of a word from 1; 0 for one that is to be written out.
func (d *dictionary) number(word string) uint64 {
	if n, known := d.index[word]; known {
		return n
	}
	if len(d.words) >= dictionaryMost || len(word) > wordMost {
		return 0
	}
	w := string(append([]byte(nil), word...)) // not a slice of somebody's message
	d.words = append(d.words, w)
	d.index[w] = uint64(len(d.words))
	return uint64(len(d.words))
}
