package evaluate

import (
	"math"
	"slices"

	"parcours/pipeline/evaluate/reference"
	"parcours/pipeline/event"
)

// Agreement is how far the breakpoints of a kind are those that its rule finds.
type Agreement struct {
	Precision float64 `json:"precision"` // share of what was found that is there; 1 where nothing was found
	Recall    float64 `json:"recall"`    // share of what is there that was found; 1 where nothing is there
	Truth     int     `json:"truth"`
	Found     int     `json:"found"`
	Both      int     `json:"both"`
	// MedianDelay is the median time from occurred_at to detected_at of those that are both, in seconds; 0 without any.
	MedianDelay float64 `json:"median_delay_s"`
}

// key is what two breakpoints must have in common to be the same: kind, origin and moment, to the second.
type key struct {
	kind, origin string
	second       int64
}

func keyOf(kind, origin string, at event.Instant) key {
	return key{kind, origin, int64(math.Floor(float64(at) / 1000))}
}

func (f *Found) key() key { return keyOf(f.Kind, f.Origin, f.OccurredAt) }

func refKey(b *reference.Breakpoint) key { return keyOf(b.Kind, b.Source+" "+b.ID, b.At) }

// agreements counts by kind; each breakpoint is matched with one at most.
func agreements(truth map[key]int, found []Found) map[string]Agreement {
	kinds := map[string]Agreement{}
	for _, kind := range reference.Kinds() {
		kinds[kind] = Agreement{}
	}
	for k, n := range truth {
		a := kinds[k.kind]
		a.Truth += n
		kinds[k.kind] = a
	}
	delays, matched := map[string][]float64{}, map[key]int{}
	for i := range found {
		f := &found[i]
		a := kinds[f.Kind]
		a.Found++
		if matched[f.key()] < truth[f.key()] {
			matched[f.key()]++
			a.Both++
			delays[f.Kind] = append(delays[f.Kind], f.DetectedAt.Sub(f.OccurredAt).Seconds())
		}
		kinds[f.Kind] = a
	}
	for kind, a := range kinds {
		a.Precision, a.Recall, a.MedianDelay = share(a.Both, a.Found), share(a.Both, a.Truth), median(delays[kind])
		kinds[kind] = a
	}
	return kinds
}

// share is a part of a whole, 1 of nothing.
func share(part, whole int) float64 {
	if whole == 0 {
		return 1
	}
	return float64(part) / float64(whole)
}

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	half := len(list) / 2
	if len(list)%2 == 1 {
		return list[half]
	}
	return (list[half-1] + list[half]) / 2
}
